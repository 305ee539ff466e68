//! Only `crates/node/src/consensus.rs`, and files under `consensus/`, name the consensus library and its satellites.
//!
//! So a replacement of the library is one file, and no generated type can be parsed from bytes that came from outside
//! by someone who does not know the rules for it.

use super::{Finding, Tree};
use crate::source;

const LIBRARY: &[&str] = &["raft", "raft_proto", "protobuf", "slog"];
const PACKAGES: &[&str] = &["raft", "raft-proto", "protobuf", "slog"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.rust() {
        if path == "crates/node/src/consensus.rs" || path.starts_with("crates/node/src/consensus/") {
            continue;
        }
        let code = source::code(text);
        let mut places = Vec::new();
        for name in LIBRARY {
            places.extend(source::path_uses(&code, &format!("{name}::")).into_iter().map(|at| (at, *name)));
            for (at, import) in source::imports(&code) {
                if import == *name {
                    places.push((at, *name));
                }
            }
        }
        for (at, name) in places {
            let line = source::line_of(&code, at);
            let message =
                format!("`{name}` is named: only crates/node/src/consensus.rs may; use our own types");
            found.push(Finding::new(path, line, message));
        }
    }
    for package in tree.workspace.members.iter().filter(|package| package.name != "node") {
        for dependency in &package.dependencies {
            if PACKAGES.contains(&dependency.name.as_str()) {
                let manifest = format!("{}/Cargo.toml", package.folder);
                found.push(Finding::new(
                    &manifest,
                    0,
                    format!("only crate node may depend on `{}`", dependency.name),
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_file_may_name_the_library() {
        let text = "use raft::Storage;\nfn a(x: slog::Logger) {}";
        assert_eq!(check(&Tree::of(&[("crates/node/src/group.rs", text)])).len(), 2);
        assert!(check(&Tree::of(&[("crates/node/src/consensus.rs", text)])).is_empty());
        assert!(check(&Tree::of(&[("crates/node/src/consensus/timeouts.rs", text)])).is_empty());
    }

    #[test]
    fn a_module_of_ours_may_have_the_same_name() {
        assert!(check(&Tree::of(&[("crates/sim/src/lib.rs", "use crate::raft::X;")])).is_empty());
    }

    #[test]
    fn another_crate_may_not_depend_on_it() {
        assert_eq!(check(&Tree::default().with_crate("server", &["raft"])).len(), 1);
    }
}
