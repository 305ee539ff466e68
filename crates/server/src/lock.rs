//! The lock that keeps two processes out of one data folder.
//!
//! An advisory lock of the operating system (`flock`) on a file named `lock`. It ends with the process however the process ends, so nothing is left to clean up after a crash.

use crate::refusal::Refusal;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// The name of the file. The disk seam leaves it out of its listing.
pub(crate) const LOCK_FILE: &str = "lock";

/// Held for as long as the process uses the folder.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder if it is missing, and locks it.
    pub(crate) fn take(folder: &Path) -> Result<FolderLock, Refusal> {
        std::fs::create_dir_all(folder).map_err(|error| {
            Refusal::new(format!(
                "cannot make the data folder {}: {error}; choose another with --data",
                folder.display()
            ))
        })?;
        let path = folder.join(LOCK_FILE);
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
                Refusal::new(format!(
                    "cannot open {}: {error}; does this user own the data folder?",
                    path.display()
                ))
            })?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Refusal::new(format!(
                "another node is using the data folder {}; stop it first, or choose another folder with --data",
                folder.display()
            ))),
            Err(TryLockError::Error(error)) => {
                Err(Refusal::new(format!("cannot lock {}: {error}", path.display())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_node_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = FolderLock::take(folder.path()).expect("the folder is free");
        let second = FolderLock::take(folder.path()).expect_err("the folder is taken");
        assert!(second.to_string().contains("another node is using"));
        drop(first);
        FolderLock::take(folder.path()).expect("free again");
    }
}
