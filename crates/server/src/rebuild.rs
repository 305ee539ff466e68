//! `quartet rebuild`: empties a data folder so that the node can be filled from its peers at the next start.
//!
//! What was there is set aside into a folder beside it and never deleted; the small files that say who the node is stay (`storage::folder`). The order makes it safe to be cut short anywhere: the folder is first marked as being emptied, and no node
//! starts on it until everything is away.
//!
//! Not here: how the replicas come back (`node::rebuild`).

use crate::disk::FolderDisk;
use crate::lock::FolderLock;
use crate::refusal::Refusal;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use storage::disk::Disk;
use storage::folder::{self, Folder, Phase};
use storage::identity;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emptied {
    /// The node's id.
    pub node: u64,
    /// How many files were set aside.
    pub files: usize,
    /// Where they are now.
    pub aside: PathBuf,
}

/// Empties the data folder of a node that does not run.
///
/// # Errors
/// A sentence: it is no node's folder, a node runs on it, it does not say who the node is, or the disk failed.
pub fn empty(data: &Path) -> Result<Emptied, Refusal> {
    if !data.join(identity::IDENTITY_FILE).is_file() {
        return Err(Refusal::new(format!(
            "{} is not the data folder of a node: it has no file `{}`. Without that file nothing says which node this is, and it cannot be rebuilt; restore the file from a copy of the folder that was made after the node's last start (an older one would give numbers out twice)",
            data.display(),
            identity::IDENTITY_FILE
        )));
    }
    let _lock = FolderLock::take(data)?;
    let mut disk = FolderDisk::new(data);
    let sentence = |error: &dyn std::fmt::Display| Refusal::new(error.to_string());
    let identity = identity::load(&mut disk)
        .map_err(|error| sentence(&error))?
        .ok_or_else(|| Refusal::new("the file `identity` has just disappeared"))?;
    let known = folder::load(&mut disk).map_err(|error| sentence(&error))?.unwrap_or(Folder::FIRST);
    let emptied = known.emptied(crate::random::number());
    folder::store(&mut disk, &emptied).map_err(|error| sentence(&error))?;
    let files = folder::to_set_aside(&mut disk).map_err(|error| sentence(&error))?;
    let aside = make_aside(data)?;
    for file in &files {
        std::fs::rename(data.join(file), aside.join(file)).map_err(|error| {
            Refusal::new(format!(
                "{file} cannot be moved to {}: {error}; mend that and run the command again",
                aside.display()
            ))
        })?;
    }
    FolderDisk::new(&aside).sync_folder().map_err(|error| sentence(&error))?;
    disk.sync_folder().map_err(|error| sentence(&error))?;
    folder::store(&mut disk, &Folder { phase: Phase::Empty, ..emptied }).map_err(|error| sentence(&error))?;
    Ok(Emptied { node: identity.node.0, files: files.len(), aside })
}

/// A new folder for what is set aside, named after the second of now.
fn make_aside(data: &Path) -> Result<PathBuf, Refusal> {
    #[allow(clippy::disallowed_methods)] // a name for people, and nothing hangs on it
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let names = std::iter::once(format!("damaged-{now}")).chain((2..).map(|n| format!("damaged-{now}-{n}")));
    for name in names.take(100) {
        let aside = data.join(name);
        match std::fs::create_dir(&aside) {
            Ok(()) => return Ok(aside),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Refusal::new(format!("cannot make the folder {}: {error}", aside.display())));
            }
        }
    }
    Err(Refusal::new(format!("cannot find a name for a new folder in {}", data.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::{ClusterId, Incarnation, NodeId};
    use storage::identity::Identity;

    fn folder_of_node_3(data: &Path) {
        let identity = Identity {
            cluster: ClusterId([7; 16]),
            node: NodeId(3),
            incarnation: Incarnation(9),
            cores: 1,
            founding: bytes::Bytes::new(),
        };
        let mut disk = FolderDisk::new(data);
        identity::store(&mut disk, &identity).expect("stored");
        folder::store(&mut disk, &Folder { phase: Phase::Begun, ..Folder::FIRST }).expect("stored");
        std::fs::write(data.join("founder"), "f").expect("written");
        std::fs::write(data.join("log-0-00000000000000000001.seg"), "log").expect("written");
    }

    #[test]
    fn the_log_is_set_aside_and_the_folder_says_that_it_is_another_one_now() {
        let folder = tempfile::tempdir().expect("a folder");
        folder_of_node_3(folder.path());
        let done = empty(folder.path()).expect("emptied");
        assert_eq!((done.node, done.files), (3, 1));
        let kept = std::fs::read_to_string(done.aside.join("log-0-00000000000000000001.seg"));
        assert_eq!(kept.expect("it is there"), "log");
        let mut disk = FolderDisk::new(folder.path());
        let now = folder::load(&mut disk).expect("whole").expect("there");
        assert!(now.number == 2 && now.nonce != 0 && now.phase == Phase::Empty);
        assert_eq!(disk.list().expect("listed"), ["folder", "founder", "identity"]);
        // Once more: another folder again, and nothing is in the way.
        assert_eq!(empty(folder.path()).expect("emptied").files, 0);
        assert_eq!(folder::load(&mut disk).expect("whole").expect("there").number, 3);
    }

    #[test]
    fn a_folder_that_is_no_nodes_or_is_in_use_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = empty(folder.path()).expect_err("it has no identity");
        assert!(error.to_string().contains("not the data folder of a node"), "{error}");
        assert!(!folder.path().join("lock").exists());
        folder_of_node_3(folder.path());
        let _running = FolderLock::take(folder.path()).expect("locked");
        let error = empty(folder.path()).expect_err("a node runs");
        assert!(error.to_string().contains("another node is using"), "{error}");
        assert!(folder.path().join("log-0-00000000000000000001.seg").exists());
    }
}
