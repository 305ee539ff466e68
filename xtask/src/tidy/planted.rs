//! The release binary cannot contain a planted bug.
//!
//! The bugs that prove the checkers live behind the feature `planted`. It is switched on by name only, in builds that
//! go to a target folder of their own. Cargo joins the features of everything that it builds together, so no default
//! feature and no dependency line (a dev-dependency neither) may ask for it, and the product's outer crates must not
//! even have it.

use std::collections::BTreeSet;

use super::{Finding, Tree};
use crate::workspace::Package;

const FEATURE: &str = "planted";
/// Crates that may have the feature.
const HOMES: &[&str] = &["proto", "storage", "directory", "node", "sim"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.workspace.members {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let mut report = |message: String| found.push(Finding::new(&manifest, 0, message));
        if default_closure(package).iter().any(|feature| is_planted(feature)) {
            report(format!(
                "the default features of `{}` switch planted bugs on: take them out",
                package.name
            ));
        }
        for dependency in &package.dependencies {
            if dependency.features.iter().any(|feature| is_planted(feature)) {
                report(format!(
                    "the dependency on `{}` asks for `{FEATURE}`, and so does whatever is built with it: forward it in [features] instead",
                    dependency.name
                ));
            }
        }
        let may_have = HOMES.contains(&package.name.as_str());
        if !may_have
            && package
                .features
                .iter()
                .any(|(name, on)| is_planted(name) || on.iter().any(|to| is_planted(to)))
        {
            report(format!("`{}` must not know `{FEATURE}`: only {HOMES:?} may", package.name));
        }
    }
    for (path, text) in tree.rust() {
        let product = ["crates/cli/src/", "crates/server/src/"].iter().any(|folder| path.starts_with(folder));
        if product && text.contains("feature = \"planted\"") {
            found.push(Finding::new(path, 0, "the product's outer crates must not know planted bugs"));
        }
    }
    found
}

fn is_planted(feature: &str) -> bool {
    feature == FEATURE || feature.ends_with("/planted")
}

/// Everything that the feature `default` switches on, directly or not.
fn default_closure(package: &Package) -> BTreeSet<&str> {
    let mut closure = BTreeSet::new();
    let mut open = vec!["default"];
    while let Some(feature) = open.pop() {
        if closure.insert(feature) {
            open.extend(package.features.get(feature).into_iter().flatten().map(String::as_str));
        }
    }
    closure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, feature: &str, on: &str) -> Tree {
        let mut tree = Tree::default().with_crate(name, &["storage"]);
        tree.workspace.members[0].features.insert(feature.into(), vec![on.into()]);
        tree
    }

    #[test]
    fn forwarding_it_by_name_is_right() {
        assert!(check(&tree("node", "planted", "storage/planted")).is_empty());
    }

    #[test]
    fn a_default_that_leads_to_it_is_found() {
        let mut indirect = tree("node", "default", "loud");
        indirect.workspace.members[0].features.insert("loud".into(), vec!["storage/planted".into()]);
        assert_eq!(check(&indirect).len(), 1);
    }

    #[test]
    fn a_dependency_line_that_asks_for_it_is_found() {
        let mut tree = Tree::default().with_crate("sim", &["node"]);
        tree.workspace.members[0].dependencies[0].features.push("planted".into());
        assert_eq!(check(&tree).len(), 1);
    }

    #[test]
    fn the_outer_crates_must_not_know_it() {
        assert_eq!(check(&tree("server", "planted", "node/planted")).len(), 1);
        let text = "#[cfg(feature = \"planted\")] fn a() {}";
        assert_eq!(check(&Tree::of(&[("crates/cli/src/lib.rs", text)])).len(), 1);
    }
}
