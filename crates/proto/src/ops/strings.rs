//! Operations on strings, among them counters and the compare-and-set family.

#![allow(missing_docs)] // the fields are the arguments of the commands that the variants name

use crate::hlc::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What becomes of a key's expiry when its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetExpiry {
    /// The key lives until it is deleted.
    Never,
    /// The expiry that is there stays (KEEPTTL).
    Keep,
    /// Milliseconds after the entry's commit timestamp (EX, PX).
    AfterMs(u64),
    /// Milliseconds since the Unix epoch (EXAT, PXAT).
    AtMs(u64),
}

/// When a write takes effect; otherwise it is refused and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Always.
    Always,
    /// If the key is absent (NX, `If-None-Match: *`).
    Absent,
    /// If the key is present (XX, `If-Match: *`).
    Present,
    /// If the value is exactly this (IFEQ).
    Equals(Bytes),
    /// If the value is anything but this (IFNE). An absent key is not equal to anything.
    NotEquals(Bytes),
    /// If the key is present at one of these versions (`If-Match`).
    AnyVersion(Vec<Timestamp>),
    /// If the key is absent, or present at none of these versions (`If-None-Match`).
    NoVersion(Vec<Timestamp>),
}

/// A write to strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StringWrite {
    /// SET, SETNX, SETEX, PSETEX, GETSET: `get` answers the old value, `integer_reply` answers 1 or 0 (SETNX).
    Set { key: Bytes, value: Bytes, expiry: SetExpiry, condition: Condition, get: bool, integer_reply: bool },
    /// HTTP PUT: answers Int 1 (created), Int 0 (replaced) or Nil (the condition did not hold).
    Put { key: Bytes, value: Bytes, expiry: SetExpiry, condition: Condition },
    /// GETEX with an option that changes the expiry.
    GetEx { key: Bytes, expiry: SetExpiry },
    /// GETDEL.
    GetDel { key: Bytes },
    /// APPEND.
    Append { key: Bytes, value: Bytes },
    /// SETRANGE. `offset` in bytes.
    SetRange { key: Bytes, offset: u64, value: Bytes },
    /// INCR, DECR, INCRBY, DECRBY.
    IncrBy { key: Bytes, delta: i64 },
    /// INCRBYFLOAT. The argument as the client wrote it, already known to be a number.
    IncrByFloat { key: Bytes, delta: Bytes },
    /// MSET of keys of this shard; atomic.
    MSet { pairs: Vec<(Bytes, Bytes)> },
    /// MSETNX; all keys in one slot.
    MSetNx { pairs: Vec<(Bytes, Bytes)> },
}

/// A read of strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StringRead {
    /// GET.
    Get { key: Bytes },
    /// STRLEN.
    StrLen { key: Bytes },
    /// GETRANGE, SUBSTR: signed offsets, both inclusive.
    GetRange { key: Bytes, start: i64, end: i64 },
    /// MGET of keys of this shard: one element a key, Nil where absent or of another type.
    MGet { keys: Vec<Bytes> },
    /// LCS of two keys of one slot.
    Lcs { first: Bytes, second: Bytes, len_only: bool, idx: bool, min_match_len: u64, with_match_len: bool },
}
