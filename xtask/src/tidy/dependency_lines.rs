//! Every dependency is a decision: declared once, in the root manifest, and explained by a line in
//! `docs/dependencies.md`.
//!
//! A line there begins with the package's name in backticks, in a list or a table: ``- `bytes` …`` or ``| `bytes` | …``.

use std::collections::BTreeSet;

use super::{Finding, Tree};

const PAGE: &str = "docs/dependencies.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let page = tree.text(PAGE).unwrap_or_default();
    let explained: BTreeSet<&str> = page.lines().filter_map(explained_name).collect();
    let mut used = BTreeSet::new();
    for package in &tree.workspace.members {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.ours) {
            if used.insert(dependency.name.as_str()) && !explained.contains(dependency.name.as_str()) {
                let message = format!(
                    "`{}` (used by {}) has no line: what for, licence, who keeps it",
                    dependency.name, package.name
                );
                found.push(Finding::new(PAGE, 0, message));
            }
        }
        let manifest = format!("{}/Cargo.toml", package.folder);
        for (line, text) in own_versions(tree.text(&manifest).unwrap_or_default()) {
            let message =
                format!("`{text}`: give the version in the root Cargo.toml, and here `.workspace = true`");
            found.push(Finding::new(&manifest, line, message));
        }
    }
    let declared = declared(tree.text("Cargo.toml").unwrap_or_default());
    for name in &declared {
        let ours = tree.workspace.members.iter().any(|package| package.name == *name);
        if !ours && !used.contains(name) {
            let message =
                format!("`{name}` is declared, but no crate uses it: drop the line, here and in {PAGE}");
            found.push(Finding::new("Cargo.toml", 0, message));
        }
    }
    for name in explained.difference(&used).filter(|name| !declared.contains(name)) {
        found.push(Finding::new(
            PAGE,
            0,
            format!("`{name}` is explained, but no crate uses it: drop the line"),
        ));
    }
    found
}

/// The package that a line of the page explains.
fn explained_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("- `").or_else(|| line.strip_prefix("| `"))?;
    rest.split_once('`').map(|(name, _)| name)
}

/// Names under `[workspace.dependencies]`.
fn declared(manifest: &str) -> Vec<&str> {
    sections(manifest)
        .filter(|(section, ..)| *section == "workspace.dependencies")
        .filter_map(|(_, _, line)| line.split_once('=').map(|(name, _)| name.trim()))
        .collect()
}

/// Dependency lines of a member's manifest that do not inherit.
fn own_versions(manifest: &str) -> Vec<(usize, &str)> {
    sections(manifest)
        .filter(|(section, ..)| section.ends_with("dependencies") && *section != "workspace.dependencies")
        .filter(|(_, _, line)| line.contains('=') && !line.contains("workspace = true"))
        .map(|(_, number, line)| (number, line))
        .collect()
}

/// Each line that is neither empty, comment nor heading, with its section's name and its number.
fn sections(manifest: &str) -> impl Iterator<Item = (&str, usize, &str)> {
    let mut section = "";
    manifest.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            return None;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((section, index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(page: &str, manifest: &str, root: &str) -> Tree {
        let files = [(PAGE, page), ("crates/node/Cargo.toml", manifest), ("Cargo.toml", root)];
        let mut tree = Tree::of(&files).with_crate("node", &["bytes"]);
        tree.workspace.members[0].dependencies[0].ours = false;
        tree
    }

    const ROOT: &str = "[workspace.dependencies]\nnode = { path = \"x\" }\nbytes = \"1\"\n";
    const MEMBER: &str = "[dependencies]\nbytes.workspace = true\n";

    #[test]
    fn a_line_for_each_dependency_is_enough() {
        assert!(check(&tree("- `bytes` for buffers", MEMBER, ROOT)).is_empty());
        assert!(check(&tree("| `bytes` | buffers |", MEMBER, ROOT)).is_empty());
    }

    #[test]
    fn a_missing_and_a_stale_line_are_found() {
        assert_eq!(check(&tree("Nothing yet.", MEMBER, ROOT)).len(), 1);
        assert_eq!(check(&tree("- `bytes` x\n- `gone` y", MEMBER, ROOT)).len(), 1);
    }

    #[test]
    fn a_version_of_its_own_and_a_declaration_without_use_are_found() {
        let own = "[dependencies]\nbytes = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nlibc = \"0.2\"\n";
        assert_eq!(check(&tree("- `bytes` x", own, ROOT)).len(), 2);
        assert_eq!(check(&tree("- `bytes` x", MEMBER, &format!("{ROOT}gone = \"1\"\n"))).len(), 1);
    }
}
