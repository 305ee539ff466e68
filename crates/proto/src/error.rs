//! What went wrong, as coarse as the caller can act on it.
//!
//! A kind says what to do next: mend the request, try again, go elsewhere, or find out. Which file or peer was to blame goes
//! into logs and events, not into the kind. *Unknown* is never hidden behind another kind. Errors that a command itself
//! answers (wrong type, not an integer) are no failures of the system: they are replies (`Reply::Error`).

use serde::{Deserialize, Serialize};

/// What the caller can do about a request that got no reply from the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The request makes no sense, or passes a limit: mend it. Nothing was applied.
    Invalid,
    /// No quorum could be reached by the deadline, and nothing was handed over. Nothing was applied: try again later.
    NoQuorum,
    /// Too much under way, or moving: nothing was applied; try again.
    Retry,
    /// The memory limit is reached and the write would grow the state. Nothing was applied: delete, or add memory.
    OutOfMemory,
    /// A numbered write whose number lies below what is remembered. Not applied now; it may have been applied long ago.
    Expired,
    /// The deadline passed after the write was handed over: it may have been applied, may yet be, or never.
    Unknown,
    /// The node is stopping, or the connection is gone.
    Closed,
    /// No replica could show a state as new as the session or the staleness bound demands by the deadline: try again, or ask for less.
    Behind,
    /// The command has no meaning at the level that was asked for: ask for a stronger one. Nothing was applied.
    Level,
    /// The leader's disk is nearly full and the write would grow the data. Nothing was applied: make space, or delete.
    DiskFull,
}

/// A request that got no reply from the state, with a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the caller can do.
    pub kind: ErrorKind,
    /// What happened and what to do, in one sentence, without an error word in front.
    pub message: String,
}

impl Failure {
    /// A failure of this kind with its sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into() }
    }

    /// The write would grow the data, and there is no room.
    pub fn out_of_memory() -> Failure {
        Failure::new(
            ErrorKind::OutOfMemory,
            "the memory limit is reached and this write would grow the data; delete keys, or raise --memory-limit",
        )
    }

    /// The write would grow the data, and the disk has no room.
    pub fn disk_full() -> Failure {
        Failure::new(
            ErrorKind::DiskFull,
            "the disk of the shard's leader is nearly full and this write would grow the data; nothing was applied: make space on the file system of its data folder, or delete keys",
        )
    }

    /// The write may or may not have been applied.
    pub fn unknown() -> Failure {
        Failure::new(
            ErrorKind::Unknown,
            "the deadline passed after the write was handed over; it may have been applied, or may yet be: read before you repeat it, or number your writes (WITH … ID)",
        )
    }
}
