//! A group's state at one index as one immutable file, and the pieces in which it travels to another node.
//!
//! A snapshot file is blocks with checksums, slot by slot, then the tables, then a footer that says what it stands for and each slot's digest
//! (`docs/formats/snapshot.md`). It is written under a temporary name, synced, renamed: a file of the final name is whole. [`SnapshotWriter`] gives the work in
//! pieces and the caller sets the pace; [`read`] checks every byte. [`SlotPieces`] and [`SlotAssembler`] carry single slots; [`Partial`] keeps what has arrived of a
//! transfer, so that a receiver that was killed asks for the rest only.
//!
//! Invariant: a slot that comes out of here has the digest that was promised for it. What the tables hold is `node`'s business.

mod block;
mod partial;
mod pieces;
mod reader;
mod writer;

pub use partial::Partial;
pub use pieces::{AssembleError, SlotAssembler, SlotPiece, SlotPieces};
pub use reader::{Snapshot, read};
pub use writer::SnapshotWriter;

use crate::disk::{Disk, DiskError, DiskOp};
use proto::ids::{GroupId, LogIndex};
use std::collections::BTreeMap;
use std::fmt;

/// Why a snapshot cannot be used, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// There is no such file.
    Missing {
        /// The file.
        file: String,
    },
    /// Bytes are not what was written.
    Damage {
        /// The file.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What does not fit.
        why: String,
    },
    /// A later Quartet wrote it.
    TooNew {
        /// The file.
        file: String,
        /// The version of its format.
        version: u16,
    },
    /// The disk failed.
    Disk(DiskError),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Missing { file } => write!(
                f,
                "the snapshot {file} is missing although the log begins after it; run `quartet rebuild` on the data folder and start the node: it is filled from the others"
            ),
            SnapshotError::Damage { file, offset, why } => write!(
                f,
                "the snapshot is damaged: {file} at byte {offset}: {why}; check the disk, then run `quartet rebuild` on the data folder and start the node: it is filled from the others"
            ),
            SnapshotError::TooNew { file, version } => {
                write!(
                    f,
                    "{file} has format version {version}, newer than this Quartet reads; start a newer Quartet on it"
                )
            }
            SnapshotError::Disk(error) => write!(f, "a snapshot cannot be read or written: {error}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl From<DiskError> for SnapshotError {
    fn from(error: DiskError) -> Self {
        SnapshotError::Disk(error)
    }
}

/// The file of a snapshot.
pub fn file_name(group: GroupId, index: LogIndex) -> String {
    format!("snapshot-{group}-{index}.qs")
}

/// The file while it is being written.
fn temporary_name(group: GroupId, index: LogIndex) -> String {
    format!("snapshot-{group}-{index}.tmp")
}

/// Removes every snapshot file, finished or not, that is not in `keep`. Blocking, at start. Partial receptions stay.
///
/// # Errors
/// [`DiskError`].
pub fn remove_stale(disk: &mut dyn Disk, keep: &BTreeMap<GroupId, LogIndex>) -> Result<(), DiskError> {
    let kept: Vec<String> = keep.iter().map(|(group, index)| file_name(*group, *index)).collect();
    for file in disk.list()? {
        let ours = file.starts_with("snapshot-") && (file.ends_with(".qs") || file.ends_with(".tmp"));
        if ours && !kept.contains(&file) {
            disk.remove(&file)?;
        }
    }
    disk.sync_folder()
}

/// The operations that remove one snapshot file (once a newer one is marked in the log).
pub fn remove_ops(group: GroupId, index: LogIndex) -> Vec<DiskOp> {
    vec![DiskOp::Remove { file: file_name(group, index) }, DiskOp::SyncFolder]
}
