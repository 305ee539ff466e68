//! A group's state at one index as one immutable file, and the pieces in which it travels to another node.
//!
//! A snapshot file is blocks with checksums, slot by slot, then the tables, then a footer that says what it stands for and each slot's digest
//! (`docs/formats/snapshot.md`). It is written under a temporary name, synced, renamed: a file of the final name is whole. [`SnapshotWriter`] gives the work in
//! pieces and the caller sets the pace; [`read`] checks every byte. [`SlotPieces`] and [`SlotAssembler`] carry single slots; [`Partial`] keeps what has arrived of a
//! transfer, so that a receiver that was killed asks for the rest only.
//!
//! Invariant: a slot that comes out of here has the digest that was promised for it. What the tables hold is `node`'s business.

use crate::disk::{Disk, DiskError, DiskOp};
use crate::state::SlotState;
use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, Slot};
use proto::peer::SnapshotPoint;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A snapshot as it was read.
pub struct Snapshot {
    /// What it stands for.
    pub point: SnapshotPoint,
    /// Its slots, in order.
    pub slots: Vec<(Slot, SlotState)>,
    /// Everything that is not in slots.
    pub tables: Bytes,
}

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

/// Writes one snapshot, a piece of work at a time.
pub struct SnapshotWriter {}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl SnapshotWriter {
    /// Slots in rising order. Cheap: it holds references.
    pub fn new(group: GroupId, point: SnapshotPoint, slots: Vec<(Slot, Arc<SlotState>)>, tables: Bytes) -> Self {
        todo!()
    }
    /// The next job for `Lane::Bulk`, of about `max_bytes` (more only if one item is larger). `None` when all is done: once the last job has succeeded the file is durable under its name.
    pub fn next(&mut self, max_bytes: usize) -> Option<Vec<DiskOp>> {
        todo!()
    }
    /// Operations that remove what was written of an unfinished snapshot.
    pub fn abandon(self) -> Vec<DiskOp> {
        todo!()
    }
}

/// The file of a snapshot.
pub fn file_name(group: GroupId, index: LogIndex) -> String {
    format!("snapshot-{group}-{index}.qs")
}

/// Reads and checks a whole snapshot. Blocking.
///
/// # Errors
/// [`SnapshotError`].
#[allow(unused_variables, clippy::todo)]
pub fn read(disk: &mut dyn Disk, group: GroupId, index: LogIndex) -> Result<Snapshot, SnapshotError> {
    todo!()
}

/// Removes every snapshot file, finished or not, that is not in `keep`. Blocking, at start. Partial receptions stay.
///
/// # Errors
/// [`DiskError`].
#[allow(unused_variables, clippy::todo)]
pub fn remove_stale(disk: &mut dyn Disk, keep: &BTreeMap<GroupId, LogIndex>) -> Result<(), DiskError> {
    todo!()
}

/// The operations that remove one snapshot file (once a newer one is marked in the log).
#[allow(unused_variables, clippy::todo)]
pub fn remove_ops(group: GroupId, index: LogIndex) -> Vec<DiskOp> {
    todo!()
}

/// Cuts a slot into encoded pieces of at most `SNAPSHOT_CHUNK_BYTES` (one larger item alone in its piece). An empty slot is one empty piece.
pub struct SlotPieces {}

/// One piece of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotPiece {
    /// Counted from 0.
    pub number: u32,
    /// No further piece of the slot follows.
    pub last: bool,
    /// Encoded items.
    pub data: Bytes,
}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl SlotPieces {
    pub fn new(slot: Arc<SlotState>) -> Self {
        todo!()
    }
}

#[allow(clippy::todo)]
impl Iterator for SlotPieces {
    type Item = SlotPiece;
    fn next(&mut self) -> Option<SlotPiece> {
        todo!()
    }
}

/// Rebuilds one slot from its pieces, in order.
pub struct SlotAssembler {}

/// Why a piece was not taken; the transfer of the slot begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssembleError {
    /// Not the piece that follows.
    OutOfOrder,
    /// Its bytes are no items.
    Malformed,
    /// More bytes than the bound.
    TooLarge,
    /// The whole does not have the digest that was promised.
    OtherDigest,
}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl SlotAssembler {
    /// For a slot of this digest and at most `max_bytes` of pieces.
    pub fn new(slot: Slot, digest: u128, max_bytes: u64) -> Self {
        todo!()
    }
    /// Takes the next piece; gives the slot with the last one.
    ///
    /// # Errors
    /// [`AssembleError`]; the assembler is of no use then.
    pub fn push(&mut self, number: u32, last: bool, data: &Bytes) -> Result<Option<SlotState>, AssembleError> {
        todo!()
    }
}

/// What has arrived of a snapshot on its way here: whole slots, in a file that survives a crash.
pub struct Partial {}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl Partial {
    /// Begins anew: run `ops` first.
    pub fn begin(group: GroupId) -> (Partial, Vec<DiskOp>) {
        todo!()
    }
    /// Operations that append a whole slot.
    pub fn append(&mut self, slot: Slot, state: &Arc<SlotState>) -> Vec<DiskOp> {
        todo!()
    }
    /// Operations that remove the file, once the snapshot is installed or is of no use.
    pub fn remove(group: GroupId) -> Vec<DiskOp> {
        todo!()
    }
    /// Reads what an earlier start received, as far as it is valid, to go on from there. `None` if there is nothing. Blocking.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn recover(disk: &mut dyn Disk, group: GroupId) -> Result<Option<(Partial, BTreeMap<Slot, Arc<SlotState>>)>, DiskError> {
        todo!()
    }
}

#[allow(dead_code)]
type Kept = BTreeSet<String>;
impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Missing { file } => write!(
                f,
                "the snapshot {file} is missing although the log begins after it; start the node with an empty data folder so that it is filled from the others"
            ),
            SnapshotError::Damage { file, offset, why } => write!(
                f,
                "the snapshot is damaged: {file} at byte {offset}: {why}; check the disk, then start the node with an empty data folder so that it is filled from the others"
            ),
            SnapshotError::TooNew { file, version } => {
                write!(f, "{file} has format version {version}, newer than this Quartet reads; start a newer Quartet on it")
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
