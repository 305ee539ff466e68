//! Words that do not belong here: names that say nothing, notes to self, and words that belittle the reader's trouble.

use super::{Finding, Tree};
use crate::source;

/// A crate or module of this name becomes everybody's drawer.
const NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "core-api"];

/// Written in comments, prose and scripts, as whole words.
const WORDS: &[(&str, &str)] = &[
    ("TODO", "do it, or file an issue"),
    ("FIXME", "fix it, or file an issue"),
    ("XXX", "say what is wrong, or file an issue"),
    ("simply", "it is never simple for the reader who looks it up"),
    ("obviously", "then it need not be said"),
];

/// This file must name what it forbids.
const THIS: &str = "xtask/src/tidy/words.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.workspace.members {
        if NAMES.contains(&package.name.as_str()) {
            let manifest = format!("{}/Cargo.toml", package.folder);
            found.push(Finding::new(
                &manifest,
                0,
                format!("`{}` is no name: say what it is for", package.name),
            ));
        }
    }
    for (path, text) in &tree.files {
        if path == THIS {
            continue;
        }
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        let prose = match extension {
            Some("rs") => {
                let mut segments = path.trim_end_matches(".rs").split('/');
                if segments.any(|segment| NAMES.contains(&segment)) {
                    found.push(Finding::new(
                        path,
                        0,
                        "this module's name says nothing: name the idea that it holds",
                    ));
                }
                source::comments(text)
            }
            Some("md" | "toml" | "py" | "sh" | "js" | "mjs" | "service") => text.clone(),
            _ => continue,
        };
        for (index, line) in prose.lines().enumerate() {
            for (word, instead) in WORDS {
                if line.contains(word)
                    && line.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == *word)
                {
                    found.push(Finding::new(path, index + 1, format!("`{word}`: {instead}")));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn notes_to_self_are_found_in_comments_and_prose() {
        assert_eq!(findings("a.rs", "// TODO later\nlet todo = \"TODO\";"), 1);
        assert_eq!(findings("docs/a.md", "You simply restart it."), 1);
        assert_eq!(findings("docs/a.md", "SET key value XX"), 0);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(findings("crates/node/src/utils.rs", ""), 1);
        assert_eq!(findings("crates/cli/tests/common/mod.rs", ""), 1);
        assert_eq!(check(&Tree::default().with_crate("common", &[])).len(), 1);
    }
}
