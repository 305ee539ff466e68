//! Operations on lists: elements in an order that their writers choose, reached from both ends. What an operation does to the state is `node::types::lists`.

#![allow(missing_docs)] // the fields are the arguments of the commands that the variants name

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One of the two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// LEFT: where the first element is.
    Left,
    /// RIGHT: where the last one is.
    Right,
}

/// A write to lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ListWrite {
    /// LPUSH, RPUSH, LPUSHX, RPUSHX (`only_if_present`): one after the other.
    Push { key: Bytes, values: Vec<Bytes>, end: End, only_if_present: bool },
    /// LPOP, RPOP, with or without a count.
    Pop { key: Bytes, end: End, count: Option<u64> },
    /// LMPOP: from the first of the keys that has something; all in one slot.
    MultiPop { keys: Vec<Bytes>, end: End, count: u64 },
    /// LSET. A negative index counts from the end.
    Set { key: Bytes, index: i64, value: Bytes },
    /// LREM: so many from the front, or if negative from the end; 0 means all.
    Remove { key: Bytes, count: i64, value: Bytes },
    /// LTRIM: what to keep, both inclusive.
    Trim { key: Bytes, start: i64, stop: i64 },
    /// LINSERT.
    Insert { key: Bytes, before: bool, pivot: Bytes, value: Bytes },
    /// LMOVE, RPOPLPUSH; both keys in one slot.
    Move { from: Bytes, to: Bytes, from_end: End, to_end: End },
}

/// A read of lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ListRead {
    /// LRANGE: both inclusive, negative ones count from the end.
    Range { key: Bytes, start: i64, stop: i64 },
    /// LLEN.
    Len { key: Bytes },
    /// LINDEX.
    Index { key: Bytes, index: i64 },
    /// LPOS: from the `rank`-th match on (from the end if negative), `count` of them (0: all), among the first `max_len` elements (0: all).
    Position { key: Bytes, value: Bytes, rank: i64, count: Option<u64>, max_len: u64 },
}
