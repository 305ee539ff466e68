//! A crate imports only from lower layers, and a few pairs never meet at all.
//!
//! The table is the one in `ARCHITECTURE.md`. Dev-dependencies obey it too: a test that needs a higher layer belongs
//! to that layer.

use super::{Finding, Tree};

const LAYERS: &[(&str, u8)] = &[
    ("proto", 0),
    ("storage", 1),
    ("directory", 1),
    ("checker", 1),
    ("node", 2),
    ("observe", 3),
    ("client", 3),
    ("server", 4),
    ("sim", 4),
    ("cli", 5),
];

/// Allowed by the layers, and yet forbidden: (who, whom, why).
const NEVER: &[(&str, &str, &str)] =
    &[("client", "node", "a client knows the protocol, never the mind behind it")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.workspace.members {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let layer = layer_of(&package.name);
        if package.folder.starts_with("crates/") && layer.is_none() {
            found.push(Finding::new(
                &manifest,
                0,
                format!(
                    "crate `{}` has no layer: put it into ARCHITECTURE.md and xtask/src/tidy/layers.rs, or into a crate that exists",
                    package.name
                ),
            ));
        }
        for dependency in package.dependencies.iter().filter(|dependency| dependency.ours) {
            let whom = &dependency.name;
            let lower = match (layer, layer_of(whom)) {
                // A package outside the layers (chores, benchmarks) may import any layer.
                (None, Some(_)) => true,
                (Some(mine), Some(theirs)) => theirs < mine,
                (_, None) => false,
            };
            if !lower {
                found.push(Finding::new(
                    &manifest,
                    0,
                    format!(
                        "`{}` must not import `{whom}`: a crate imports only lower layers; move the code down, or the caller up",
                        package.name
                    ),
                ));
            }
            if let Some((.., why)) =
                NEVER.iter().find(|(who, other, _)| *who == package.name && other == whom)
            {
                found.push(Finding::new(
                    &manifest,
                    0,
                    format!("`{}` must not import `{whom}`: {why}", package.name),
                ));
            }
        }
    }
    found
}

fn layer_of(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, ours: &[&str]) -> usize {
        check(&Tree::default().with_crate(name, ours)).len()
    }

    #[test]
    fn lower_layers_may_be_imported() {
        assert_eq!(findings("node", &["proto", "storage", "checker"]), 0);
        assert_eq!(findings("cli", &["server", "sim", "client", "proto"]), 0);
    }

    #[test]
    fn equal_and_higher_layers_may_not() {
        assert_eq!(findings("server", &["sim"]), 1);
        assert_eq!(findings("sim", &["server"]), 1);
        assert_eq!(findings("node", &["observe"]), 1);
        assert_eq!(findings("storage", &["directory", "node"]), 2);
        assert_eq!(findings("cli", &["xtask"]), 1);
    }

    #[test]
    fn the_client_never_imports_the_node() {
        assert_eq!(findings("client", &["proto", "node"]), 1);
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        assert_eq!(findings("core-api", &[]), 1);
    }
}
