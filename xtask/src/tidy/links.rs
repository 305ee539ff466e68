//! Every relative link in a Markdown file leads to a file, and its `#anchor` to a heading there.

use std::collections::BTreeSet;

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let folders: BTreeSet<&str> =
        tree.files.keys().flat_map(|path| path.match_indices('/').map(move |(at, _)| &path[..at])).collect();
    let mut found = Vec::new();
    for (path, text) in tree.ending(".md") {
        for (line, link) in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let Some(target) = resolve(path, target) else {
                found.push(Finding::new(path, line, format!("`{link}` leads out of the repository")));
                continue;
            };
            let page = tree.text(&target);
            if page.is_none() && !folders.contains(target.as_str()) {
                found.push(Finding::new(
                    path,
                    line,
                    format!("`{link}` leads nowhere: mend it, or write the page"),
                ));
            }
            if let Some(page) = page
                && !anchor.is_empty()
                && target.ends_with(".md")
                && !headings(page).any(|heading| heading == anchor)
            {
                found.push(Finding::new(path, line, format!("`{target}` has no heading for `#{anchor}`")));
            }
        }
    }
    found
}

/// Targets of inline links outside of code blocks, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (index, line) in prose(text) {
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            let target = rest[..end].split_whitespace().next().unwrap_or_default();
            found.push((index + 1, target));
            rest = &rest[end..];
        }
    }
    found
}

/// Lines that are not inside a fenced code block. Code spans within a line stay.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return false;
        }
        !fenced
    })
}

/// Anchors of a page's headings, as the usual viewers make them.
fn headings(page: &str) -> impl Iterator<Item = String> {
    prose(page).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    })
}

/// The path that a link in `from` means; `None` when it climbs above the root.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check(&Tree::of(&[("docs/a.md", text), ("README.md", "# Two words\n"), ("docs/deep/b.md", "")])).len()
    }

    #[test]
    fn links_that_lead_somewhere_are_right() {
        assert_eq!(
            findings("[a](../README.md#two-words) [b](deep/b.md) [c](deep) [d](https://x.invalid/y)"),
            0
        );
        assert_eq!(findings("# Here\n[a](#here)\n```\n[x](gone.md)\n```\n"), 0);
    }

    #[test]
    fn dead_files_anchors_and_escapes_are_found() {
        assert_eq!(findings("[a](gone.md)"), 1);
        assert_eq!(findings("[a](../README.md#three-words)"), 1);
        assert_eq!(findings("[a](../../elsewhere.md)"), 1);
    }
}
