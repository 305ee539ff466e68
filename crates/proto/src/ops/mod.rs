//! Operations on the data of one shard: what a log entry carries, and what a read asks.
//!
//! An operation is a command after parsing and routing: its keys live in one shard, its options are typed, its bytes are within the
//! limits. Commands of many shards become several operations (`node::requests`). Relative expiries stay relative here: the state
//! machine resolves them against the entry's commit timestamp, so no clock but the cluster's decides.

mod effects;
mod hashes;
mod keys;
mod lists;
mod seed;
mod sets;
mod sorted_sets;
mod strings;
mod weight;

pub use effects::Meaning;
pub use hashes::{HashRead, HashWrite};
pub use keys::{ExpireCondition, KeyRead, KeyWrite, TtlUnit, TypeFilter};
pub use lists::{End, ListRead, ListWrite};
pub use sets::{ElementScan, SetOperation, SetRead, SetWrite};
pub use sorted_sets::{
    AddOptions, Aggregate, Combination, NameBound, Range, RangeQuery, ScoreBound, ScoreEnd, SortedSetRead,
    SortedSetWrite,
};
pub use strings::{Condition, SetExpiry, StringRead, StringWrite};

use serde::{Deserialize, Serialize};

/// An operation that may change the state, decided by the shard's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Write {
    /// On string values.
    String(StringWrite),
    /// On keys of any type.
    Key(KeyWrite),
    /// On sets.
    Set(SetWrite),
    /// On hashes.
    Hash(HashWrite),
    /// On lists.
    List(ListWrite),
    /// On sorted sets.
    SortedSet(SortedSetWrite),
}

/// An operation that changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Read {
    /// On string values.
    String(StringRead),
    /// On keys of any type, and on the key space.
    Key(KeyRead),
    /// On sets.
    Set(SetRead),
    /// On hashes.
    Hash(HashRead),
    /// On lists.
    List(ListRead),
    /// On sorted sets.
    SortedSet(SortedSetRead),
}

impl Read {
    /// Whether it lists or counts keys, rather than looking at some that it names. Such reads see what is decided and nothing else.
    pub fn is_of_the_key_space(&self) -> bool {
        matches!(
            self,
            Read::Key(
                KeyRead::Count
                    | KeyRead::Keys { .. }
                    | KeyRead::Scan { .. }
                    | KeyRead::RandomKey { .. }
                    | KeyRead::CountInSlot { .. }
                    | KeyRead::KeysInSlot { .. }
            )
        )
    }
}
