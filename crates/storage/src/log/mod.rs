//! One durable log for all groups of a core: one write and one sync a batch, whatever number of groups it touches.
//!
//! The log is the only journal. It is made of segments, files full of zeros that are written once and recycled, so that a sync changes no
//! metadata. What is pushed is queued; [`Log::seal`] makes it a batch: operations that end in a sync. Exactly one batch is in flight, so a
//! crash can tear the last batch and no other: a bad batch with a successor is damage, never a torn tail. `docs/formats/log.md` has the bytes.
//!
//! Invariants: nothing counts (for covering segments, for checkpoints) before the batch that holds it is complete. A segment is released only when
//! every group's durable mark covers what the segment holds of it, and only as the oldest one. Entries are not read back while serving: followers
//! that need what is no longer in memory get a snapshot.

mod frame;
mod ledger;
mod record;
mod recover;
mod segments;
mod writer;

pub use writer::Log;

/// Whether what stands behind a frame's checksum can be read. For the fuzz targets alone.
#[doc(hidden)]
pub fn is_payload(payload: &[u8]) -> bool {
    record::decode(payload).is_some()
}

use crate::disk::{Disk, DiskError};
use proto::ids::{ClusterId, GroupId, Incarnation, LogIndex, NodeId, ReplicaId, Term};
use proto::peer::ConsensusEntry;
use std::collections::BTreeMap;
use std::fmt;

/// Whether there is a log of this core, sound or not.
///
/// # Errors
/// [`DiskError`].
pub fn exists(disk: &mut dyn Disk, core: u16) -> Result<bool, DiskError> {
    Ok(disk.list()?.iter().any(|name| segments::segment_number(core, name).is_some()))
}

/// What a batch is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Contiguous entries of a group. An index that exists already truncates what is there from it on: the last writer wins.
    Entries {
        /// The group.
        group: GroupId,
        /// Not empty, indexes rising by one.
        entries: Vec<ConsensusEntry>,
    },
    /// The group's consensus state, replacing the one before.
    HardState {
        /// The group.
        group: GroupId,
        /// Its state.
        state: HardState,
    },
    /// A durable snapshot file covers the group's log up to `index`.
    SnapshotMark {
        /// The group.
        group: GroupId,
        /// The snapshot's last entry.
        index: LogIndex,
        /// That entry's term.
        term: Term,
        /// The snapshot was received from the leader and not taken here: every entry that the log holds is void.
        reset: bool,
    },
}

/// What a replica must remember of consensus besides entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The newest term that it has seen.
    pub term: Term,
    /// Whom it voted for in that term; 0 for nobody.
    pub vote: ReplicaId,
    /// The commit index that it knows.
    pub commit: LogIndex,
}

/// Whose log this is. Segments of another owner are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOwner {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// This start of the node; it is noted in the segments that it begins.
    pub incarnation: Incarnation,
    /// The core, from 0.
    pub core: u16,
}

/// How large segments are: the first one, each next one twice that, up to the largest. Multiples of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSizes {
    /// The first segment's bytes.
    pub first_bytes: u64,
    /// The largest segment's bytes. (A single batch that is larger gets a segment of its own size.)
    pub largest_bytes: u64,
}

impl Default for SegmentSizes {
    fn default() -> Self {
        SegmentSizes { first_bytes: 4 << 20, largest_bytes: 64 << 20 }
    }
}

/// The name of a sealed batch: rises by one with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchNumber(pub u64);

/// Why a log cannot be opened, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogError {
    /// Bytes in the middle of the log are not what was written. The node must not vote on what is left.
    Damage {
        /// The segment.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What does not fit.
        why: String,
    },
    /// A segment of another cluster, node or core.
    Foreign {
        /// The segment.
        file: String,
        /// Whose it is.
        why: String,
    },
    /// A later Quartet wrote it.
    TooNew {
        /// The segment.
        file: String,
        /// The version of its format.
        version: u16,
    },
    /// The disk failed.
    Disk(DiskError),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Damage { file, offset, why } => write!(
                f,
                "the log is damaged: {file} at byte {offset}: {why}. Acknowledged writes may be missing on this disk, so the node does not start on it; \
                 check the disk, then run `quartet rebuild` on the data folder and start the node: it is filled from the others"
            ),
            LogError::Foreign { file, why } => {
                write!(f, "{file} does not belong here: {why}; point --data at the folder of this node")
            }
            LogError::TooNew { file, version } => {
                write!(
                    f,
                    "{file} has format version {version}, newer than this Quartet reads; start a newer Quartet on it"
                )
            }
            LogError::Disk(error) => write!(f, "the log cannot be read or written: {error}"),
        }
    }
}

impl std::error::Error for LogError {}

impl From<DiskError> for LogError {
    fn from(error: DiskError) -> Self {
        LogError::Disk(error)
    }
}

/// What the log held when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Every group that has ever pushed a record.
    pub groups: BTreeMap<GroupId, RecoveredGroup>,
    /// The last batch was torn by a crash and is cut. It was never acknowledged.
    pub truncated_tail: Option<TruncatedTail>,
}

/// What the log holds of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveredGroup {
    /// The newest hard state.
    pub hard_state: Option<HardState>,
    /// The newest snapshot mark: a snapshot file of this index exists.
    pub mark: Option<(LogIndex, Term)>,
    /// The entries above the mark, contiguous.
    pub entries: Vec<ConsensusEntry>,
}

/// Where a torn batch was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruncatedTail {
    /// The segment.
    pub file: String,
    /// The first byte of the torn batch.
    pub offset: u64,
}

/// Counters since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStatistics {
    /// Batches sealed.
    pub batches: u64,
    /// Bytes written, padding and headers included.
    pub bytes: u64,
    /// Syncs asked for.
    pub syncs: u64,
    /// Segments that are alive now.
    pub segments: u64,
}
