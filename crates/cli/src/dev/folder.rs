//! What the folder of a `dev` cluster remembers, so that it is started again as it was: `dev.json` with the number of nodes and the first port.

use super::cluster::DevError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const DEFAULT_NODES: usize = 3;
const DEFAULT_PORT: u16 = 7001;

/// The contents of `dev.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) nodes: usize,
    pub(super) port: u16,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("dev.json")
}

/// What to start in this folder: as it was, or as asked if it is new.
pub(super) fn settle(folder: &Path, nodes: Option<usize>, port: Option<u16>) -> Result<Remembered, DevError> {
    let path = path(folder);
    let before: Remembered = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            DevError(format!(
                "{} is damaged ({error}); move the folder away, or choose another with --data",
                path.display()
            ))
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Remembered {
                nodes: nodes.unwrap_or(DEFAULT_NODES),
                port: port.unwrap_or(DEFAULT_PORT),
            });
        }
        Err(error) => return Err(DevError(format!("cannot read {}: {error}", path.display()))),
    };
    let folder = folder.display();
    if nodes.is_some_and(|nodes| nodes != before.nodes) {
        return Err(DevError(format!(
            "{folder} holds a cluster of {} nodes: start it with --nodes {}, or choose another folder with --data",
            before.nodes, before.nodes
        )));
    }
    if port.is_some_and(|port| port != before.port) {
        return Err(DevError(format!(
            "{folder} holds a cluster at port {}: start it with --port {}, or choose another folder with --data",
            before.port, before.port
        )));
    }
    Ok(before)
}

/// Writes down what was started.
pub(super) fn remember(folder: &Path, remembered: Remembered) -> Result<(), DevError> {
    let text = serde_json::to_string(&remembered).expect("two numbers are valid JSON");
    let path = path(folder);
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text + "\n")).map_err(|error| {
        DevError(format!("cannot write {}: {error}; choose another folder with --data", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_started_as_it_was_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(settle(path, None, None).unwrap(), Remembered { nodes: 3, port: 7001 });
        remember(path, Remembered { nodes: 5, port: 8001 }).unwrap();
        assert_eq!(settle(path, None, None).unwrap(), Remembered { nodes: 5, port: 8001 });
        assert!(settle(path, Some(5), Some(8001)).is_ok());
        assert!(settle(path, Some(3), None).unwrap_err().to_string().contains("--nodes 5"));
        assert!(settle(path, None, Some(7001)).unwrap_err().to_string().contains("--port 8001"));
        std::fs::write(path.join("dev.json"), "{").unwrap();
        assert!(settle(path, None, None).is_err());
    }
}
