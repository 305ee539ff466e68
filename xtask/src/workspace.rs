//! What cargo knows of the workspace, read once from `cargo metadata` and cut down to what the rules ask about.
//!
//! Cargo is asked and manifests are not parsed, because only cargo knows about inheritance, renames and target tables.
//! Third-party packages are kept too: the licence rule judges everything that a build would compile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The workspace as the rules see it. Paths are relative to its root, with `/`.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Our own packages, in the order of their names.
    pub(crate) members: Vec<Package>,
    /// Everything else that `Cargo.lock` brings in.
    pub(crate) foreign: Vec<Foreign>,
}

/// One package of ours.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Folder of its `Cargo.toml`, relative to the root (`crates/node`).
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// The feature table: feature name to what it switches on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// Entry files of libraries, binaries, tests, examples, benches and build scripts.
    pub(crate) entry_files: Vec<EntryFile>,
}

/// Where a target's module tree begins.
#[derive(Debug)]
pub(crate) struct EntryFile {
    pub(crate) path: String,
    /// `lib`, `bin`, `test`, `example`, `bench`, `custom-build`.
    pub(crate) kind: String,
}

/// One line of a dependency table of ours.
#[derive(Debug, Default)]
pub(crate) struct Dependency {
    /// The package's own name, whatever it was renamed to.
    pub(crate) name: String,
    /// `normal`, `dev` or `build`.
    pub(crate) kind: String,
    pub(crate) features: Vec<String>,
    /// A path dependency, that is, one of our own.
    pub(crate) ours: bool,
}

/// A package that others wrote.
#[derive(Debug, Default, Clone)]
pub(crate) struct Foreign {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression of its manifest; empty when it gives none.
    pub(crate) licence: String,
    /// Where it comes from, in cargo's words (`registry+https://…`); empty for a path.
    pub(crate) source: String,
}

/// The folder of the workspace's `Cargo.toml`: the parent of this crate's folder.
///
/// `cargo run` says where that is now; what was true when this was compiled may be another clone's, with a shared target folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

impl Workspace {
    /// Asks cargo. Fails when `Cargo.lock` is out of date, so that the gate never rewrites it.
    pub(crate) fn load(root: &Path) -> Result<Workspace> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
            .current_dir(root)
            .output()
            .context("cargo does not start")?;
        if !output.status.success() {
            bail!("`cargo metadata --locked` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
        Ok(Workspace::from_metadata(&metadata, root))
    }

    fn from_metadata(metadata: &Value, root: &Path) -> Workspace {
        let mut workspace = Workspace::default();
        let ours: Vec<&str> = strings(&metadata["workspace_members"]);
        for package in array(&metadata["packages"]) {
            if ours.contains(&text(&package["id"])) {
                workspace.members.push(member(package, root));
            } else {
                workspace.foreign.push(Foreign {
                    name: text(&package["name"]).to_owned(),
                    version: text(&package["version"]).to_owned(),
                    licence: text(&package["license"]).to_owned(),
                    source: text(&package["source"]).to_owned(),
                });
            }
        }
        workspace.members.sort_by(|a, b| a.name.cmp(&b.name));
        workspace
    }
}

fn member(package: &Value, root: &Path) -> Package {
    let manifest = Path::new(text(&package["manifest_path"]));
    let folder = relative(manifest.parent().unwrap_or(manifest), root);
    let dependencies = array(&package["dependencies"])
        .iter()
        .map(|dependency| Dependency {
            name: text(&dependency["name"]).to_owned(),
            kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
            features: strings(&dependency["features"]).into_iter().map(str::to_owned).collect(),
            ours: dependency["path"].is_string(),
        })
        .collect();
    let features = package["features"]
        .as_object()
        .map(|table| {
            table
                .iter()
                .map(|(name, on)| (name.clone(), strings(on).into_iter().map(str::to_owned).collect()))
                .collect()
        })
        .unwrap_or_default();
    let entry_files = array(&package["targets"])
        .iter()
        .map(|target| EntryFile {
            path: relative(Path::new(text(&target["src_path"])), root),
            kind: strings(&target["kind"]).first().copied().unwrap_or("lib").to_owned(),
        })
        .collect();
    Package {
        name: text(&package["name"]).to_owned(),
        version: text(&package["version"]).to_owned(),
        folder,
        dependencies,
        features,
        entry_files,
    }
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn strings(value: &Value) -> Vec<&str> {
    array(value).iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_and_foreign_packages_are_told_apart() {
        let metadata = serde_json::json!({
            "workspace_members": ["path+file:///w/crates/node#0.1.0"],
            "packages": [
                {"id": "path+file:///w/crates/node#0.1.0", "name": "node", "version": "0.1.0",
                 "manifest_path": "/w/crates/node/Cargo.toml",
                 "dependencies": [{"name": "raft", "kind": null, "features": ["x"]},
                                  {"name": "proto", "kind": "dev", "path": "/w/crates/proto"}],
                 "features": {"planted": ["storage/planted"]},
                 "targets": [{"src_path": "/w/crates/node/src/lib.rs", "kind": ["lib"]}]},
                {"id": "registry#raft@0.7.0", "name": "raft", "version": "0.7.0", "license": "Apache-2.0",
                 "source": "registry+https://x", "dependencies": [], "targets": []}
            ]
        });
        let workspace = Workspace::from_metadata(&metadata, Path::new("/w"));
        assert_eq!(workspace.members.len(), 1);
        let node = &workspace.members[0];
        assert_eq!(
            (node.folder.as_str(), node.entry_files[0].path.as_str()),
            ("crates/node", "crates/node/src/lib.rs")
        );
        assert_eq!(node.dependencies[0].kind, "normal");
        assert!(!node.dependencies[0].ours);
        assert!(node.dependencies[1].ours);
        assert_eq!(node.features["planted"], ["storage/planted"]);
        assert_eq!(workspace.foreign[0].licence, "Apache-2.0");
    }
}
