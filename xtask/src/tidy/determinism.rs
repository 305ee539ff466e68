//! The deterministic zone knows no clock, thread, socket, file, environment or random source.
//!
//! Names in the code, outside of tests, and packages in the manifest are checked here. The same bans, with types resolved,
//! stand in `deterministic.clippy.toml`; this rule also sees that each crate of the zone is under it, because clippy
//! reads only the nearest `clippy.toml`.

use super::{Finding, Tree, modules};
use crate::source;

/// The crates of the zone (`ARCHITECTURE.md`).
pub(super) const ZONE: &[&str] = &["proto", "storage", "directory", "checker", "node"];

const BANS: &str = "deterministic.clippy.toml";

/// Paths that must not be named, and what to do instead.
const PATHS: &[(&str, &str)] = &[
    ("std::time::Instant", "time enters only as `now`"),
    ("std::time::SystemTime", "time enters only as `now`"),
    ("Instant::now", "time enters only as `now`"),
    ("SystemTime::now", "time enters only as `now`"),
    ("std::thread", "the body owns threads; waiting is an output now and an input later"),
    ("std::net", "addresses are text here; the body owns sockets"),
    ("std::fs", "ask for bytes through the disk seam"),
    ("std::env", "settings are handed in at birth"),
    ("std::process", "the body owns the process"),
    ("std::hash::RandomState", "its order differs from run to run; use a BTreeMap"),
    ("std::collections::hash_map::RandomState", "its order differs from run to run; use a BTreeMap"),
    ("rand::", "draw from the seeded generator given at birth"),
    ("getrandom::", "draw from the seeded generator given at birth"),
    ("tokio::", "the zone is synchronous"),
    ("mio::", "the body owns sockets"),
];

/// Packages that the zone's manifests must not list outside of dev-dependencies.
const PACKAGES: &[&str] = &[
    "rand",
    "getrandom",
    "tokio",
    "mio",
    "socket2",
    "libc",
    "axum",
    "chrono",
    "time",
    "uuid",
    "ahash",
    "tracing-subscriber",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let tests = modules::walk(tree).test_only;
    for package in tree.workspace.members.iter().filter(|package| ZONE.contains(&package.name.as_str())) {
        let sources = format!("{}/src/", package.folder);
        for (path, text) in tree.rust().filter(|(path, _)| path.starts_with(&sources)) {
            if !tests.contains(path) {
                named_paths(path, text, &mut found);
            }
        }
        let manifest = format!("{}/Cargo.toml", package.folder);
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != "dev") {
            if PACKAGES.contains(&dependency.name.as_str()) {
                found.push(Finding::new(
                    &manifest,
                    0,
                    format!(
                        "`{}` has no place in the deterministic zone: let the body do it",
                        dependency.name
                    ),
                ));
            }
        }
        let clippy = format!("{}/clippy.toml", package.folder);
        if tree.text(&clippy).is_none_or(|text| Some(text) != tree.text(BANS)) {
            let link = format!("ln -s ../../{BANS} {clippy}");
            found.push(Finding::new(
                &clippy,
                0,
                format!("the zone's lints are not switched on here: `{link}`"),
            ));
        }
    }
    found
}

fn named_paths(path: &str, text: &str, found: &mut Vec<Finding>) {
    let code = source::without_tests(&source::code(text));
    let mut report = |at: usize, banned: &str, instead: &str| {
        let line = source::line_of(&code, at);
        found.push(Finding::new(
            path,
            line,
            format!("`{banned}` is named in the deterministic zone: {instead}"),
        ));
    };
    let imports = source::imports(&code);
    for (banned, instead) in PATHS {
        for at in source::path_uses(&code, banned) {
            report(at, banned, instead);
        }
        for (at, import) in &imports {
            // A plain import was seen above as a path; a grouped one only here.
            let whole = banned.trim_end_matches("::");
            let hit = import == whole || import.starts_with(&format!("{whole}::"));
            let end = code[*at..].find(';').map_or(code.len(), |length| at + length);
            if hit && source::path_uses(&code[*at..end], banned).is_empty() {
                report(*at, banned, instead);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        let library = ("crates/node/src/lib.rs", text);
        let tree =
            Tree::of(&[library, (BANS, "x"), ("crates/node/clippy.toml", "x")]).with_crate("node", &[]);
        check(&tree)
    }

    #[test]
    fn clocks_files_and_randomness_are_found_with_their_lines() {
        assert_eq!(findings("fn a() {}\nuse std::time::Instant;")[0].line, 2);
        assert_eq!(findings("fn a() { std::fs::read(\"x\"); }").len(), 1);
        assert_eq!(findings("use std::{collections::BTreeMap, thread};").len(), 1);
        assert_eq!(findings("let x: u8 = rand::random();").len(), 1);
        assert_eq!(findings("use std::time::{Duration, Instant};").len(), 1);
    }

    #[test]
    fn prose_literals_and_tests_are_free() {
        assert!(findings("//! Never std::fs.\nconst A: &str = \"std::fs\";").is_empty());
        assert!(findings("#[cfg(test)]\nmod tests { use std::fs; }").is_empty());
        assert!(findings("use std::time::Duration; let operand = brand::X;").is_empty());
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        let tree = Tree::of(&[("crates/node/src/lib.rs", ""), (BANS, "x")]).with_crate("node", &[]);
        assert!(check(&tree)[0].message.contains("ln -s"));
    }

    #[test]
    fn a_package_of_the_outside_world_is_found() {
        let mut tree =
            Tree::of(&[(BANS, "x"), ("crates/node/clippy.toml", "x")]).with_crate("node", &["rand"]);
        tree.workspace.members[0].dependencies[0].ours = false;
        assert_eq!(check(&tree).len(), 1);
    }
}
