//! What a decided write does to a shard's state.
//!
//! Infallible and deterministic: every replica comes here with the same entries and the same timestamps, and must leave with the same state and the same reply. A
//! refusal is a reply like any other and changes nothing. There is no clock here: relative expiries count from the entry's commit timestamp.
//!
//! Not here: limits and `OOM` (the leader decides them before it proposes; [`grows`] tells it which writes count), and exactly-once (`sessions`).

use crate::types::{hashes, keys, lists, sets, sorted_sets, strings};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ops::{HashWrite, KeyWrite, ListWrite, SetWrite, SortedSetWrite, StringWrite, Write};
use proto::reply::Reply;
use storage::state::ShardState;

/// What came of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// What the client is told.
    pub reply: Reply,
    /// The version of the value that the key has now; of an absent key, its slot's newest deletion; zero for a write of no single key.
    pub version: Timestamp,
}

/// Applies a write at its commit timestamp. What falls due by then disappears first.
pub fn apply(state: &mut ShardState, ts: Timestamp, write: &Write) -> Applied {
    state.advance(ts);
    let reply = match write {
        Write::String(write) => strings::apply(state, ts, write),
        Write::Key(write) => keys::apply(state, ts, write),
        Write::Set(write) => sets::apply(state, ts, write),
        Write::Hash(write) => hashes::apply(state, ts, write),
        Write::List(write) => lists::apply(state, ts, write),
        Write::SortedSet(write) => sorted_sets::apply(state, ts, write),
    };
    let version = single_key(write).map_or(Timestamp::ZERO, |key| state.version_of(key));
    Applied { reply, version }
}

/// Whether a write may need more memory than it frees. The leader refuses such writes at the memory limit.
pub fn grows(write: &Write) -> bool {
    match write {
        Write::String(write) => !matches!(write, StringWrite::GetEx { .. } | StringWrite::GetDel { .. }),
        Write::Key(write) => matches!(write, KeyWrite::Copy { .. }),
        Write::Set(write) => matches!(write, SetWrite::Add { .. } | SetWrite::Store { .. }),
        Write::Hash(write) => !matches!(write, HashWrite::Delete { .. }),
        Write::SortedSet(write) => matches!(
            write,
            SortedSetWrite::Add { .. } | SortedSetWrite::StoreRange { .. } | SortedSetWrite::Store { .. }
        ),
        Write::List(write) => {
            matches!(write, ListWrite::Push { .. } | ListWrite::Insert { .. } | ListWrite::Set { .. })
        }
    }
}

/// The key of a write that is of one key.
pub(crate) fn single_key(write: &Write) -> Option<&Bytes> {
    match write {
        Write::String(write) => match write {
            StringWrite::Set { key, .. }
            | StringWrite::Put { key, .. }
            | StringWrite::GetEx { key, .. }
            | StringWrite::GetDel { key }
            | StringWrite::Append { key, .. }
            | StringWrite::SetRange { key, .. }
            | StringWrite::IncrBy { key, .. }
            | StringWrite::IncrByFloat { key, .. } => Some(key),
            StringWrite::MSet { pairs } | StringWrite::MSetNx { pairs } => match &pairs[..] {
                [(key, _)] => Some(key),
                _ => None,
            },
        },
        Write::Key(write) => match write {
            KeyWrite::Delete { key, .. }
            | KeyWrite::ExpireAfter { key, .. }
            | KeyWrite::ExpireAt { key, .. }
            | KeyWrite::Persist { key } => Some(key),
            KeyWrite::Del { keys } => match &keys[..] {
                [key] => Some(key),
                _ => None,
            },
            KeyWrite::Rename { .. } | KeyWrite::Copy { .. } | KeyWrite::Flush => None,
        },
        Write::Set(write) => match write {
            SetWrite::Add { key, .. } | SetWrite::Remove { key, .. } | SetWrite::Pop { key, .. } => Some(key),
            SetWrite::Move { .. } | SetWrite::Store { .. } => None,
        },
        Write::Hash(write) => match write {
            HashWrite::Set { key, .. }
            | HashWrite::SetNx { key, .. }
            | HashWrite::Delete { key, .. }
            | HashWrite::IncrBy { key, .. }
            | HashWrite::IncrByFloat { key, .. } => Some(key),
        },
        Write::List(write) => match write {
            ListWrite::Push { key, .. }
            | ListWrite::Pop { key, .. }
            | ListWrite::Set { key, .. }
            | ListWrite::Remove { key, .. }
            | ListWrite::Trim { key, .. }
            | ListWrite::Insert { key, .. } => Some(key),
            ListWrite::MultiPop { .. } | ListWrite::Move { .. } => None,
        },
        Write::SortedSet(write) => match write {
            SortedSetWrite::Add { key, .. }
            | SortedSetWrite::Remove { key, .. }
            | SortedSetWrite::RemoveRange { key, .. }
            | SortedSetWrite::Pop { key, .. } => Some(key),
            SortedSetWrite::MultiPop { .. }
            | SortedSetWrite::StoreRange { .. }
            | SortedSetWrite::Store { .. } => None,
        },
    }
}
