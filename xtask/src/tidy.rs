//! `cargo xtask tidy`: the rules of the house as a test.
//!
//! A rule is a function from the [`Tree`] to findings, in a file of its own, with a unit test that shows it can fail.
//! A finding says where, what, and what to do. Rules read only what is in memory here; nothing is written.

mod changelog;
mod dead_files;
mod dependency_lines;
mod determinism;
mod file_size;
mod headers;
mod layers;
mod library_border;
mod links;
mod modules;
mod outside;
mod planted;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::licences;
use crate::workspace::Workspace;

/// The repository as the rules see it: every file that git tracks or would track, and what cargo knows.
#[derive(Default)]
pub(crate) struct Tree {
    /// Text by path from the root, with `/`. A file that is not UTF-8 is there with empty text.
    files: BTreeMap<String, String>,
    workspace: Workspace,
}

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 when the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("layers", layers::check),
    ("determinism", determinism::check),
    ("library border", library_border::check),
    ("planted bugs", planted::check),
    ("headers", headers::check),
    ("file size", file_size::check),
    ("dead files", dead_files::check),
    ("words", words::check),
    ("dependency lines", dependency_lines::check),
    ("links", links::check),
    ("outside", outside::check),
    ("changelog", changelog::check),
    ("licences", licence_findings),
];

/// Runs every rule and prints what they found.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let tree = Tree::load(root)?;
    let mut failed = 0;
    for (name, rule) in RULES {
        let mut findings = rule(&tree);
        findings.sort();
        for Finding { path, line, message } in &findings {
            let place = if *line == 0 { path.clone() } else { format!("{path}:{line}") };
            println!("{place}: [{name}] {message}");
        }
        failed += findings.len();
    }
    if failed == 0 {
        println!("tidy: {} rules hold for {} files", RULES.len(), tree.files.len());
        Ok(ExitCode::SUCCESS)
    } else {
        println!("tidy: {failed} findings");
        Ok(ExitCode::FAILURE)
    }
}

fn licence_findings(tree: &Tree) -> Vec<Finding> {
    licences::check(&tree.workspace)
        .into_iter()
        .map(|message| Finding::new("Cargo.lock", 0, message))
        .collect()
}

impl Tree {
    fn load(root: &Path) -> Result<Tree> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git does not start; tidy asks it which files are ours")?;
        if !listed.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
        }
        let mut files = BTreeMap::new();
        for path in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|path| !path.is_empty()) {
            // A file deleted but not yet committed is still listed.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                files.insert(path.to_owned(), String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(Tree { files, workspace: Workspace::load(root)? })
    }

    /// Every file whose path ends so, with its text.
    fn ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(ending))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every Rust file.
    fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(".rs")
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of a few files, for a rule's own test.
    fn of(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Tree { files, workspace: Workspace::default() }
    }

    /// Adds a package of ours in `crates/`, with a library at `src/lib.rs` and path dependencies on others of ours.
    fn with_crate(mut self, name: &str, ours: &[&str]) -> Tree {
        use crate::workspace::{Dependency, EntryFile, Package};
        let dependencies = ours
            .iter()
            .map(|name| Dependency {
                name: (*name).into(),
                kind: "normal".into(),
                features: vec![],
                ours: true,
            })
            .collect();
        self.workspace.members.push(Package {
            name: name.into(),
            version: "0.1.0".into(),
            folder: format!("crates/{name}"),
            dependencies,
            entry_files: vec![EntryFile { path: format!("crates/{name}/src/lib.rs"), kind: "lib".into() }],
            ..Package::default()
        });
        self
    }
}
