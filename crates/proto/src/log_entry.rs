//! What a group's log holds: one command an entry, with the time it was proposed at and the number that makes it happen once.
//!
//! An entry's bytes are `postcard` of [`LogEntry`]; consensus carries them as they are. The commit timestamp is not in the entry: `apply`
//! derives it, `max(proposed, last + 1)`, the same on every replica (`docs/consistency.md`, time).

use crate::hlc::Timestamp;
use crate::ids::{Incarnation, NodeId, ReplicaId};
use crate::ops::Write;
use crate::tentative::{Fold, Operation, Origin};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Where a forwarded write stands in the ordered stream of all writes from one node's front to one shard.
///
/// The state machine applies number `number` only when the stream's mark equals `previous`; at or below the mark it answers what it answered
/// before; otherwise the entry is a gap, changes nothing, and the front sends again. So a leader change never applies a write twice and never reorders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// The node that holds the client's connection.
    pub front: NodeId,
    /// That node's start.
    pub incarnation: Incarnation,
    /// This write's number, from 1, in this shard's stream.
    pub number: u64,
    /// The number before it (numbers whose deadline passed before they were sent are left out).
    pub previous: u64,
    /// Every reply up to this number has reached the front and may be forgotten.
    pub acknowledged: u64,
}

/// A number that a client gave to its write, so that it can repeat it safely (`WITH … ID client:n`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientNumber {
    /// The client's own name, unique for as long as it repeats.
    pub client: Bytes,
    /// Rising from 1.
    pub number: u64,
}

/// What an entry makes of a write's number. It is used up in any case: whatever the writer is told is then true of every attempt under this number, because only the first in the log counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    /// Nothing is done, and nobody waits: the deadline passed while the front did not know whether a leader had it.
    Nothing,
    /// The write is applied.
    Apply(Write),
    /// Nothing is done: the write would grow the data, and the leader's memory was full.
    RefuseForMemory,
    /// Nothing is done: the write would grow the data, and the leader's disk was nearly full.
    RefuseForDisk,
}

/// One command of a group's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LogEntry {
    /// Nothing but time: lets expiries fall due and readers see that nothing is missing.
    Empty {
        /// The leader's clock when it proposed.
        proposed: Timestamp,
    },
    /// A write to a shard.
    Write {
        /// The leader's clock when it proposed.
        proposed: Timestamp,
        /// Its place in its front's stream.
        position: StreamPosition,
        /// The client's own number, if it gave one.
        client: Option<ClientNumber>,
        /// What becomes of its number.
        deed: Deed,
    },
    /// A change of the directory (`directory::Change`, encoded by that crate). Idempotent, so it needs no number.
    Directory {
        /// The leader's clock when it proposed.
        proposed: Timestamp,
        /// The encoded change.
        change: Bytes,
    },
    /// A tentative operation, to be decided. Any holder may have handed it in, and more than once: the state machine takes each origin's in their order, once.
    Tentative {
        /// The leader's clock when it proposed: later than all that the operation depends on.
        proposed: Timestamp,
        /// The operation.
        operation: Operation,
    },
    /// Deletions and winners up to `floor` may be forgotten: no operation that has seen less can still be applied.
    Floor {
        /// The leader's clock when it proposed: later than all folds.
        proposed: Timestamp,
        /// The new floor.
        floor: Timestamp,
        /// What the leader knows to be decided of each origin: these dots leave the keys.
        folds: Vec<Fold>,
    },
    /// A replica has lost what it had promised and is rebuilt: from this entry on it may be filled with a state that contains the entry.
    Rebuilt {
        /// The leader's clock when it proposed.
        proposed: Timestamp,
        /// Which.
        replica: ReplicaId,
        /// What it drew when it began anew: only the replica that drew it is meant.
        nonce: u64,
        /// Its data folder, counted from 1: as an origin it is another one than before.
        folder: u32,
    },
    /// An origin whose data folder is gone takes no part any more: what of it is not decided by now never will be, and nobody waits for it.
    Closed {
        /// The leader's clock when it proposed.
        proposed: Timestamp,
        /// Which.
        origin: Origin,
    },
}

impl LogEntry {
    /// Whether these are the bytes of an entry for whose own sake no client waits: a tentative operation was answered when its origin had it, and a floor is housekeeping.
    pub fn is_unhurried(bytes: &[u8]) -> bool {
        matches!(bytes.first(), Some(3 | 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::ops::StringWrite;
    use crate::tentative::{Dot, Dots};

    /// Logs outlive the program that wrote them: the first two are what an optional write was written as.
    #[test]
    fn deeds_are_written_as_they_always_were() {
        let write = Write::String(StringWrite::GetDel { key: Bytes::from_static(b"k") });
        let bytes = |deed: &Deed| postcard::to_stdvec(deed).expect("encoding to memory cannot fail");
        assert_eq!(bytes(&Deed::Nothing), bytes_of(&None));
        assert_eq!(bytes(&Deed::Apply(write.clone())), bytes_of(&Some(write)));
        assert_eq!(bytes(&Deed::RefuseForMemory), [2]);
        assert_eq!(bytes(&Deed::RefuseForDisk), [3]);
    }

    #[test]
    fn only_tentative_operations_and_floors_are_in_no_hurry() {
        let proposed = Timestamp(7);
        let write = Write::String(StringWrite::GetDel { key: Bytes::from_static(b"k") });
        let dot = Dot { origin: Origin::first_of(NodeId(1)), number: 2 };
        let operation = Operation {
            dot,
            predecessor: 1,
            time: proposed,
            seen: proposed,
            held: Dots::NONE,
            dep_hlc: proposed,
            dots: Dots::NONE,
            client: None,
            write,
        };
        let position = StreamPosition {
            front: NodeId(1),
            incarnation: Incarnation(1),
            number: 1,
            previous: 0,
            acknowledged: 0,
        };
        let is_unhurried =
            |entry: &LogEntry| LogEntry::is_unhurried(&postcard::to_stdvec(entry).expect("it is memory"));
        assert!(is_unhurried(&LogEntry::Tentative { proposed, operation }));
        assert!(is_unhurried(&LogEntry::Floor { proposed, floor: proposed, folds: vec![] }));
        assert!(!is_unhurried(&LogEntry::Empty { proposed }));
        assert!(!is_unhurried(&LogEntry::Write { proposed, position, client: None, deed: Deed::Nothing }));
        assert!(!is_unhurried(&LogEntry::Directory { proposed, change: Bytes::new() }));
        assert!(!LogEntry::is_unhurried(&[]), "the consensus library's own");
    }

    fn bytes_of(write: &Option<Write>) -> Vec<u8> {
        postcard::to_stdvec(write).expect("encoding to memory cannot fail")
    }
}
