//! A Rust file that no target reaches is dead: it looks like code, and nothing compiles it.

use super::{Finding, Tree, modules};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let reached = modules::walk(tree).all;
    // A package that is not a member of the workspace (a fuzz crate) is built on its own; cargo tells nothing of it here.
    let strangers: Vec<&str> = tree
        .ending("/Cargo.toml")
        .map(|(path, _)| path.trim_end_matches("Cargo.toml"))
        .filter(|folder| {
            tree.workspace.members.iter().all(|package| format!("{}/", package.folder) != **folder)
        })
        .collect();
    tree.rust()
        .filter(|(path, _)| {
            !reached.contains(*path) && !strangers.iter().any(|folder| path.starts_with(folder))
        })
        .map(|(path, _)| {
            Finding::new(path, 0, "no target reaches this file: name it in a `mod`, or delete it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_no_module_names_is_found() {
        let tree = Tree::of(&[
            ("crates/node/src/lib.rs", "mod used;"),
            ("crates/node/src/used.rs", ""),
            ("crates/node/src/dead.rs", ""),
            ("fuzz/Cargo.toml", ""),
            ("fuzz/fuzz_targets/resp.rs", ""),
        ])
        .with_crate("node", &[]);
        let found = check(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "crates/node/src/dead.rs");
    }
}
