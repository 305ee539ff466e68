//! The version in the manifests and the changelog tell the same story.
//!
//! Either the newest released heading is the workspace's version, or there is something under *Unreleased* and the
//! workspace's version is not below the newest release.

use super::{Finding, Tree};

const PAGE: &str = "CHANGELOG.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut versions: Vec<&str> =
        tree.workspace.members.iter().map(|package| package.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    let [version] = versions[..] else {
        let message =
            format!("our crates have the versions {versions:?}: each says `version.workspace = true`");
        return vec![Finding::new("Cargo.toml", 0, message)];
    };
    let page = tree.text(PAGE).unwrap_or_default();
    let mut unreleased_lines = 0;
    let mut section = None;
    let mut newest = None;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## [") {
            section = heading.split(']').next();
            if section != Some("Unreleased") {
                newest = newest.or(section);
            }
        } else if section == Some("Unreleased") && line.trim_start().starts_with('-') {
            unreleased_lines += 1;
        }
    }
    let mut report = |message: String| found.push(Finding::new(PAGE, 0, message));
    match newest {
        None if unreleased_lines == 0 => report("say under `## [Unreleased]` what a user gets".to_owned()),
        Some(released) if numbers(released) > numbers(version) => {
            report(format!("{released} is released, but the workspace's version is {version}: raise it"));
        }
        Some(released) if released != version && unreleased_lines == 0 => {
            report(format!(
                "the workspace's version is {version}, but neither it nor anything unreleased is here"
            ));
        }
        _ => {}
    }
    found
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str) -> usize {
        check(&Tree::of(&[(PAGE, page)]).with_crate("node", &[])).len()
    }

    #[test]
    fn agreement_is_quiet() {
        assert_eq!(findings("## [Unreleased]\n- A cluster\n"), 0);
        assert_eq!(findings("## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n- A cluster\n"), 0);
        assert_eq!(findings("## [Unreleased]\n- More\n\n## [0.0.9]\n- A cluster\n"), 0);
    }

    #[test]
    fn disagreement_is_found() {
        assert_eq!(findings(""), 1);
        assert_eq!(findings("## [Unreleased]\n- More\n\n## [0.10.0]\n"), 1);
        assert_eq!(findings("## [Unreleased]\n\n## [0.0.9]\n- Old\n"), 1);
    }

    #[test]
    fn two_versions_are_found() {
        let mut tree =
            Tree::of(&[(PAGE, "## [Unreleased]\n- x")]).with_crate("node", &[]).with_crate("proto", &[]);
        tree.workspace.members[0].version = "0.2.0".into();
        assert_eq!(check(&tree).len(), 1);
    }
}
