//! Operations on sets, and what is asked of several sets at once. What an operation does to the state is `node::types::sets`.

#![allow(missing_docs)] // the fields are the arguments of the commands that the variants name

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What becomes of several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetOperation {
    /// What is in all.
    Intersection,
    /// What is in any.
    Union,
    /// What is in the first and in no other.
    Difference,
}

/// A write to sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SetWrite {
    /// SADD.
    Add { key: Bytes, members: Vec<Bytes> },
    /// SREM.
    Remove { key: Bytes, members: Vec<Bytes> },
    /// SPOP, with or without a count. `seed` picks the members.
    Pop { key: Bytes, count: Option<u64>, seed: u64 },
    /// SMOVE; both keys in one slot.
    Move { from: Bytes, to: Bytes, member: Bytes },
    /// SINTERSTORE, SUNIONSTORE, SDIFFSTORE; all keys in one slot.
    Store { to: Bytes, keys: Vec<Bytes>, operation: SetOperation },
}

/// A read of sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SetRead {
    /// SMEMBERS.
    Members { key: Bytes },
    /// SISMEMBER.
    IsMember { key: Bytes, member: Bytes },
    /// SMISMEMBER.
    AreMembers { key: Bytes, members: Vec<Bytes> },
    /// SCARD.
    Card { key: Bytes },
    /// SRANDMEMBER, with or without a count; a negative one may answer a member more than once. `seed` picks.
    RandomMember { key: Bytes, count: Option<i64>, seed: u64 },
    /// SSCAN.
    Scan { key: Bytes, scan: ElementScan },
    /// SINTER, SUNION, SDIFF; all keys in one slot.
    Combine { keys: Vec<Bytes>, operation: SetOperation },
    /// SINTERCARD; all keys in one slot. `limit` 0 means none.
    InterCard { keys: Vec<Bytes>, limit: u64 },
}

/// One step of SSCAN, HSCAN or ZSCAN. The cursor is a position in the order of the collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementScan {
    /// 0 to start.
    pub cursor: u64,
    /// About how many elements to look at.
    pub count: u32,
    /// A glob pattern.
    pub pattern: Option<Bytes>,
}
