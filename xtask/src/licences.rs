//! Whose code a build compiles, and whether we may: licences, sources and bans over the whole dependency tree.
//!
//! Stands where `cargo deny check licenses bans sources` would (see `docs/decisions`): the same three questions, answered
//! from `cargo metadata` in a second instead of after minutes of building a tool. Advisories are not asked, because
//! their database cannot be reached from CI; `docs/dependencies.md` says which ones stand in the tree.

use crate::workspace::{Foreign, Workspace};

/// Licences that any of our users can live with. A new one is a decision: write it down when adding it here.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "MPL-2.0+",
    // University of Illinois: MIT's terms and three-clause BSD's, in one. LLVM's libFuzzer, in fuzz targets only.
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that must not come in, and why.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "TLS here is rustls; a system library would make the binary hard to move"),
    ("openssl-sys", "TLS here is rustls; a system library would make the binary hard to move"),
    ("omnipaxos", "its snapshot takes in entries that were never chosen"),
    ("prost", "the consensus library is built with its protobuf codec; two codecs would double the build"),
];

/// The one registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One sentence for each package that breaks a rule.
pub(crate) fn check(workspace: &Workspace) -> Vec<String> {
    workspace.foreign.iter().flat_map(judge).collect()
}

fn judge(package: &Foreign) -> Vec<String> {
    let who = format!("{} {}", package.name, package.version);
    let mut found = Vec::new();
    if package.licence.is_empty() {
        found.push(format!("{who} names no licence: leave it out, or ask its authors"));
    } else if !allowed(&package.licence) {
        found.push(format!(
            "{who} is under `{}`, which is not on the list in xtask/src/licences.rs: choose another dependency",
            package.licence
        ));
    }
    if package.source != REGISTRY {
        found.push(format!("{who} comes from `{}`: only crates.io is a source", package.source));
    }
    if let Some((_, why)) = BANNED.iter().find(|(name, _)| *name == package.name) {
        found.push(format!("{who} is banned: {why}"));
    }
    found
}

/// Whether an SPDX expression can be satisfied with allowed licences alone. `/` is the old way to write OR.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut position = 0;
    let verdict = any_of(&words, &mut position);
    verdict && position == words.len()
}

fn any_of(words: &[&str], position: &mut usize) -> bool {
    let mut verdict = all_of(words, position);
    while words.get(*position) == Some(&"OR") {
        *position += 1;
        verdict |= all_of(words, position);
    }
    verdict
}

fn all_of(words: &[&str], position: &mut usize) -> bool {
    let mut verdict = one(words, position);
    while words.get(*position) == Some(&"AND") {
        *position += 1;
        verdict &= one(words, position);
    }
    verdict
}

fn one(words: &[&str], position: &mut usize) -> bool {
    let Some(word) = words.get(*position) else { return false };
    *position += 1;
    if *word == "(" {
        let verdict = any_of(words, position);
        *position += 1;
        return verdict;
    }
    let mut licence = (*word).to_owned();
    if words.get(*position) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*position + 1).copied().unwrap_or_default());
        *position += 2;
    }
    ALLOWED.contains(&licence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(licence: &str) -> Foreign {
        Foreign {
            name: "x".into(),
            version: "1.0.0".into(),
            licence: licence.into(),
            source: REGISTRY.into(),
        }
    }

    #[test]
    fn an_allowed_choice_is_enough() {
        for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0"] {
            assert!(judge(&package(good)).is_empty(), "{good}");
        }
        assert!(allowed("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"));
    }

    #[test]
    fn a_licence_off_the_list_is_found() {
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0 OR SSPL-1.0", "(MIT", ""] {
            assert_eq!(judge(&package(bad)).len(), 1, "{bad}");
        }
    }

    #[test]
    fn another_source_and_a_banned_name_are_found() {
        let stranger = Foreign { source: "git+https://example.invalid/x".into(), ..package("MIT") };
        assert!(judge(&stranger)[0].contains("only crates.io"));
        let banned = Foreign { name: "openssl".into(), ..package("MIT") };
        assert!(judge(&banned)[0].contains("banned"));
    }
}
