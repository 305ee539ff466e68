//! The seam to one data folder: a dozen blocking calls, and jobs made of them.
//!
//! While a node starts it calls [`Disk`] directly: recovery is sequential anyway. While it serves it never blocks: it emits [`DiskJob`]s, the
//! body runs each with [`run`] on a helper thread (the simulator: at a later virtual time), and hands the result back as an input. Jobs of one
//! lane run one after the other in order; the two lanes do not wait for each other.
//!
//! Invariant: a job stops at its first failed operation. A failed or doubtful `Sync` is final: nobody may retry it (`docs/decisions`); the body stops the node.
//! File names are plain names inside the folder, never paths.

#![allow(missing_docs)] // the fields of the operations say what they are

use bytes::Bytes;
use std::fmt;

/// A job's name, unique within one start of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Which queue a job waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Log batches: what clients wait for.
    Log,
    /// Snapshots and new log segments: nobody waits for these.
    Bulk,
}

/// One operation on the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOp {
    /// Make a file of `len_bytes` zeros, really written, replacing any of that name.
    CreateZeroed { file: String, len_bytes: u64 },
    /// Make an empty file, replacing any of that name.
    Create { file: String },
    /// Write at an offset, growing the file where needed.
    Write { file: String, offset: u64, data: Bytes },
    /// Read at most `len_bytes`; shorter at the end of the file.
    Read { file: String, offset: u64, len_bytes: u64 },
    /// Make the file's content durable (`fdatasync`; `F_FULLFSYNC` on macOS).
    Sync { file: String },
    /// Rename inside the folder, replacing the target, and make the rename durable.
    Rename { from: String, to: String },
    /// Remove; a missing file is no error. Not durable until `SyncFolder`.
    Remove { file: String },
    /// Make creations, renames and removals durable.
    SyncFolder,
}

/// Operations that run in order and are answered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskJob {
    /// Echoed with the result.
    pub id: JobId,
    /// Which queue it waits in.
    pub lane: Lane,
    /// In order.
    pub ops: Vec<DiskOp>,
}

/// Why a disk operation failed, for a person and for one decision: is there no space?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskError {
    /// The file, and the offset where it applies.
    pub place: String,
    /// What the operating system said.
    pub message: String,
    /// The disk is full (ENOSPC, EDQUOT).
    pub full: bool,
    /// The failed operation was a sync: what the file holds is unknown from here on.
    pub sync: bool,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for DiskError {}

/// What a job came to: the bytes of its reads, in order.
pub type JobResult = Result<Vec<Bytes>, DiskError>;

/// One data folder. Every call blocks until it is done; `sync`, `rename` and `sync_folder` until it is durable.
pub trait Disk {
    /// The names of all files, sorted.
    fn list(&mut self) -> Result<Vec<String>, DiskError>;
    /// The length of a file in bytes, `None` if there is none.
    fn len_bytes(&mut self, file: &str) -> Result<Option<u64>, DiskError>;
    /// At most `len_bytes` from `offset`; shorter at the end of the file.
    fn read(&mut self, file: &str, offset: u64, len_bytes: u64) -> Result<Bytes, DiskError>;
    /// See [`DiskOp::CreateZeroed`] and [`DiskOp::Create`] (`len_bytes` 0).
    fn create(&mut self, file: &str, len_bytes: u64) -> Result<(), DiskError>;
    /// See [`DiskOp::Write`].
    fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError>;
    /// See [`DiskOp::Sync`].
    fn sync(&mut self, file: &str) -> Result<(), DiskError>;
    /// See [`DiskOp::Rename`].
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;
    /// See [`DiskOp::Remove`].
    fn remove(&mut self, file: &str) -> Result<(), DiskError>;
    /// See [`DiskOp::SyncFolder`].
    fn sync_folder(&mut self) -> Result<(), DiskError>;
}

/// Runs a job's operations in order, up to the first that fails.
pub fn run(disk: &mut dyn Disk, ops: &[DiskOp]) -> JobResult {
    let mut reads = Vec::new();
    for op in ops {
        match op {
            DiskOp::CreateZeroed { file, len_bytes } => disk.create(file, *len_bytes)?,
            DiskOp::Create { file } => disk.create(file, 0)?,
            DiskOp::Write { file, offset, data } => disk.write(file, *offset, data)?,
            DiskOp::Read { file, offset, len_bytes } => reads.push(disk.read(file, *offset, *len_bytes)?),
            DiskOp::Sync { file } => disk.sync(file)?,
            DiskOp::Rename { from, to } => disk.rename(from, to)?,
            DiskOp::Remove { file } => disk.remove(file)?,
            DiskOp::SyncFolder => disk.sync_folder()?,
        }
    }
    Ok(reads)
}
