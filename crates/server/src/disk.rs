//! The real data folder: the `Disk` seam over the operating system's files.
//!
//! * `create` really writes zeros: a file made by `ftruncate` alone has holes, and the first sync after writing into a hole must also change the file's
//!   block map, which is slow and needs free space that may be gone by then.
//! * `sync` is `fdatasync`. On macOS the standard library turns it into `F_FULLFSYNC`, because `fsync` there stops at the drive's cache.
//! * `rename` and `sync_folder` sync the folder itself: without that a rename may be forgotten in a power cut although the file is safe.
//!
//! Files stay open between calls (a log batch costs a write and a sync, no open and no close). Each lane has a view of the folder of its own, and one may rename or replace
//! what the other has open: so an open file is used only while its name still leads to it.
//!
//! It does not retry anything: a write that was interrupted half-way is an error, a failed sync is final (the caller stops the node).

use crate::lock::LOCK_FILE;
use bytes::Bytes;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use storage::disk::{Disk, DiskError};

const ZEROS: &[u8] = &[0; 256 * 1024];
const MAX_OPEN_FILES: usize = 64;

/// One data folder of this machine.
#[derive(Debug)]
pub(crate) struct FolderDisk {
    folder: PathBuf,
    /// By name, with the number of the file that was opened.
    open: HashMap<String, (u64, File)>,
}

impl FolderDisk {
    /// A view of the folder, which must exist. Several may exist as long as they work on different files at a time.
    pub(crate) fn new(folder: &Path) -> FolderDisk {
        FolderDisk { folder: folder.to_owned(), open: HashMap::new() }
    }

    fn path(&self, file: &str) -> PathBuf {
        // Names come from our own code; a separator in one is a programming error that must not reach outside of the folder.
        assert!(
            !file.is_empty() && !file.contains('/') && file != ".." && file != ".",
            "not a plain file name: {file:?}"
        );
        self.folder.join(file)
    }

    fn opened(&mut self, file: &str) -> io::Result<&File> {
        let path = self.path(file);
        let number = std::fs::metadata(&path)?.ino();
        if self.open.get(file).is_none_or(|(opened, _)| *opened != number) {
            self.keep(file, OpenOptions::new().read(true).write(true).open(path)?)?;
        }
        Ok(&self.open[file].1)
    }

    fn keep(&mut self, file: &str, opened: File) -> io::Result<()> {
        if self.open.len() >= MAX_OPEN_FILES {
            self.open.clear();
        }
        let number = opened.metadata()?.ino();
        self.open.insert(file.to_owned(), (number, opened));
        Ok(())
    }
}

/// What this process may still use of the folder's file system, in bytes. `None` where it cannot be told.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

fn failed(place: String, sync: bool, error: &io::Error) -> DiskError {
    let full =
        matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    DiskError { place, message: error.to_string(), full, sync }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl Disk for FolderDisk {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        let place = || self.folder.display().to_string();
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(|error| failed(place(), false, &error))? {
            let entry = entry.map_err(|error| failed(place(), false, &error))?;
            let is_file = entry.file_type().map_err(|error| failed(place(), false, &error))?.is_file();
            // A name that is no UTF-8 is not ours.
            if let (true, Ok(name)) = (is_file, entry.file_name().into_string())
                && name != LOCK_FILE
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn len_bytes(&mut self, file: &str) -> Result<Option<u64>, DiskError> {
        match std::fs::metadata(self.path(file)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(file.to_owned(), false, &error)),
        }
    }

    fn read(&mut self, file: &str, offset: u64, len_bytes: u64) -> Result<Bytes, DiskError> {
        let place = || format!("{file} at {offset}");
        let opened = self.opened(file).map_err(|error| failed(place(), false, &error))?;
        let there = opened.metadata().map_err(|error| failed(place(), false, &error))?.len();
        let wanted = len_bytes.min(there.saturating_sub(offset));
        let mut buffer = vec![0; usize::try_from(wanted).expect("a file fits the address space")];
        let mut done = 0;
        while done < buffer.len() {
            match opened.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(place(), false, &error)),
            }
        }
        buffer.truncate(done);
        Ok(Bytes::from(buffer))
    }

    fn create(&mut self, file: &str, len_bytes: u64) -> Result<(), DiskError> {
        self.open.remove(file);
        let path = self.path(file);
        let make = || -> io::Result<File> {
            let mut made =
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
            let mut left = len_bytes;
            while left > 0 {
                let piece = left.min(ZEROS.len() as u64);
                made.write_all(&ZEROS[..piece as usize])?;
                left -= piece;
            }
            Ok(made)
        };
        make().and_then(|made| self.keep(file, made)).map_err(|error| failed(file.to_owned(), false, &error))
    }

    fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        let opened = self.opened(file).map_err(|error| failed(file.to_owned(), false, &error))?;
        opened
            .write_all_at(data, offset)
            .map_err(|error| failed(format!("{file} at {offset}"), false, &error))
    }

    fn sync(&mut self, file: &str) -> Result<(), DiskError> {
        let opened = self.opened(file).map_err(|error| failed(file.to_owned(), true, &error))?;
        opened.sync_data().map_err(|error| failed(file.to_owned(), true, &error))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.open.remove(from);
        self.open.remove(to);
        std::fs::rename(self.path(from), self.path(to))
            .map_err(|error| failed(format!("{from} to {to}"), false, &error))?;
        self.sync_folder()
    }

    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.open.remove(file);
        match std::fs::remove_file(self.path(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(file.to_owned(), false, &error)),
            _ => Ok(()),
        }
    }

    fn sync_folder(&mut self) -> Result<(), DiskError> {
        sync_folder(&self.folder).map_err(|error| failed(self.folder.display().to_string(), true, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_reads_stop_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disk = FolderDisk::new(folder.path());
        disk.create("a", 10).expect("created");
        assert_eq!(disk.len_bytes("a"), Ok(Some(10)));
        disk.write("a", 8, b"xyz").expect("written");
        disk.sync("a").expect("synced");
        assert_eq!(disk.read("a", 0, 100).expect("read"), Bytes::from_static(b"\0\0\0\0\0\0\0\0xyz"));
        assert_eq!(disk.read("a", 50, 10).expect("read"), Bytes::new());
        disk.rename("a", "b").expect("renamed");
        assert_eq!(disk.list().expect("listed"), ["b"]);
        disk.create("b", 0).expect("replaced");
        assert_eq!(disk.len_bytes("b"), Ok(Some(0)));
        disk.remove("b").expect("removed");
        disk.remove("b").expect("a missing file is no error");
        disk.sync_folder().expect("synced");
        assert_eq!(disk.len_bytes("b"), Ok(None));
        assert!(disk.read("b", 0, 1).is_err());
    }

    #[test]
    fn a_file_that_another_view_has_replaced_is_not_written_under_its_old_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut one, mut other) = (FolderDisk::new(folder.path()), FolderDisk::new(folder.path()));
        one.create("a", 0).expect("created");
        other.rename("a", "b").expect("renamed");
        assert!(one.write("a", 0, b"x").is_err(), "there is no such file now");
        other.create("a", 0).expect("created");
        one.write("a", 0, b"new").expect("written");
        assert_eq!(other.read("a", 0, 9).expect("read"), Bytes::from_static(b"new"));
        assert_eq!(other.len_bytes("b"), Ok(Some(0)));
    }

    #[test]
    fn the_real_folder_does_what_every_disk_must() {
        let folder = tempfile::tempdir().expect("a folder");
        storage::disk_conformance::check(&mut FolderDisk::new(folder.path()));
    }

    #[test]
    fn what_is_free_is_known_where_there_is_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(free_bytes(folder.path()).is_some());
        assert_eq!(free_bytes(&folder.path().join("nothing")), None);
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let full = failed("f".into(), false, &io::Error::from_raw_os_error(28));
        assert!(full.full && !full.sync);
        let broken = failed("f".into(), true, &io::Error::from_raw_os_error(5));
        assert!(!broken.full && broken.sync);
    }
}
