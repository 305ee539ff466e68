//! Follows `mod` items from every target's entry file, to know which files a build reaches and which only a test does.
//!
//! Used by other rules; finds nothing itself. Understands `mod a;`, `#[path = "…"]`, inline modules and `include!`.

use std::collections::BTreeSet;

use super::Tree;
use crate::source;

/// What a walk over all module trees found, as paths from the root.
#[derive(Default)]
pub(super) struct Reached {
    pub(super) all: BTreeSet<String>,
    /// Reached only through `#[cfg(test)]`, or from a test, bench or example target.
    pub(super) test_only: BTreeSet<String>,
}

pub(super) fn walk(tree: &Tree) -> Reached {
    let mut product = BTreeSet::new();
    let mut all = BTreeSet::new();
    for package in &tree.workspace.members {
        for entry in &package.entry_files {
            if !matches!(entry.kind.as_str(), "test" | "bench" | "example") {
                visit(tree, &entry.path, true, false, &mut product);
            }
            visit(tree, &entry.path, true, true, &mut all);
        }
    }
    Reached { test_only: all.difference(&product).cloned().collect(), all }
}

fn visit(tree: &Tree, path: &str, is_entry: bool, with_tests: bool, reached: &mut BTreeSet<String>) {
    let Some(text) = tree.text(path) else { return };
    if !reached.insert(path.to_owned()) {
        return;
    }
    let code = source::code(text);
    let code = if with_tests { code } else { source::without_tests(&code) };
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let own_folder = if is_entry || file == "mod.rs" {
        folder.to_owned()
    } else {
        format!("{folder}/{}", file.trim_end_matches(".rs"))
    };
    for child in children(&code, text, folder, &own_folder) {
        for candidate in child {
            visit(tree, &candidate, false, with_tests, reached);
        }
    }
}

/// For each `mod` item without a body and each `include!`, the paths at which it may lie.
fn children(code: &str, text: &str, folder: &str, own_folder: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for at in source::path_uses(code, "mod") {
        let rest = code[at + "mod".len()..].trim_start();
        let name: String =
            rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        if name.is_empty() || !rest[name.len()..].trim_start().starts_with(';') {
            continue;
        }
        if let Some(path) = path_attribute(code, text, at) {
            found.push(vec![join(folder, &path)]);
            continue;
        }
        let inner = format!("{own_folder}{}", inline_parents(code, at));
        found.push(vec![format!("{inner}/{name}.rs"), format!("{inner}/{name}/mod.rs")]);
    }
    for (at, _) in code.match_indices("include!(\"") {
        let start = at + "include!(\"".len();
        if let Some(length) = text[start..].find('"') {
            found.push(vec![join(folder, &text[start..start + length])]);
        }
    }
    found
}

/// The value of a `#[path = "…"]` directly before the `mod` at `at`. Literals are blank in `code`, so it is read in `text`.
fn path_attribute(code: &str, text: &str, at: usize) -> Option<String> {
    let item = code[..at].rfind([';', '}', '{']).map_or(0, |before| before + 1);
    let attribute = code[item..at].find("#[path")? + item;
    let open = text[attribute..].find('"')? + attribute + 1;
    let length = text[open..].find('"')?;
    Some(text[open..open + length].to_owned())
}

/// `/outer/inner` for a `mod` that stands inside inline modules.
fn inline_parents(code: &str, at: usize) -> String {
    let mut open: Vec<Option<String>> = Vec::new();
    for (index, letter) in code[..at].char_indices() {
        match letter {
            '{' => {
                let mut words = code[..index].split_whitespace().rev();
                let name = words.next().map(str::to_owned);
                open.push(name.filter(|_| words.next() == Some("mod")));
            }
            '}' => {
                open.pop();
            }
            _ => {}
        }
    }
    open.into_iter().flatten().map(|name| format!("/{name}")).collect()
}

fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_module_is_followed() {
        let root = "mod a;\n#[path = \"odd/name.rs\"]\nmod b;\nmod c { mod d; }\n#[cfg(test)]\nmod tests;";
        let tree = Tree::of(&[
            ("crates/node/src/lib.rs", root),
            ("crates/node/src/a.rs", "mod deep;"),
            ("crates/node/src/a/deep.rs", "include!(\"../../table.rs\");"),
            ("crates/node/src/odd/name.rs", ""),
            ("crates/node/src/c/d.rs", ""),
            ("crates/node/src/tests.rs", ""),
            ("crates/node/table.rs", ""),
            ("crates/node/src/dead.rs", ""),
        ])
        .with_crate("node", &[]);
        let reached = walk(&tree);
        assert_eq!(reached.all.len(), 7, "{:?}", reached.all);
        assert!(!reached.all.contains("crates/node/src/dead.rs"));
        assert_eq!(reached.test_only.into_iter().collect::<Vec<_>>(), ["crates/node/src/tests.rs"]);
    }
}
