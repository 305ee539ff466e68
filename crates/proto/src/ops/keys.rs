//! Operations on keys whatever their type, and on the key space.

#![allow(missing_docs)] // the fields are the arguments of the commands that the variants name

use super::strings::Condition;
use crate::ids::Slot;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// EXPIRE's NX, XX, GT and LT. NX excludes the others; XX may stand with GT or LT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpireCondition {
    /// Only where no expiry is set.
    pub nx: bool,
    /// Only where one is set.
    pub xx: bool,
    /// Only if later than the present one (none counts as infinitely late).
    pub gt: bool,
    /// Only if earlier than the present one.
    pub lt: bool,
}

/// In which unit, and from when, a time to live is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TtlUnit {
    /// TTL: seconds from now, rounded.
    Seconds,
    /// PTTL: milliseconds from now.
    Milliseconds,
    /// EXPIRETIME: seconds since the Unix epoch.
    UnixSeconds,
    /// PEXPIRETIME: milliseconds since the Unix epoch.
    UnixMilliseconds,
}

/// SCAN's TYPE option. A name that is no type matches nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeFilter(pub Bytes);

/// A write to keys of any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyWrite {
    /// DEL, UNLINK of keys of this shard; answers how many were there.
    Del { keys: Vec<Bytes> },
    /// HTTP DELETE: answers Int 1 (deleted), Int 0 (absent) or Nil (the condition did not hold).
    Delete { key: Bytes, condition: Condition },
    /// EXPIRE, PEXPIRE: milliseconds after the commit timestamp (may be negative: then the key is deleted).
    ExpireAfter { key: Bytes, after_ms: i64, condition: ExpireCondition },
    /// EXPIREAT, PEXPIREAT: milliseconds since the Unix epoch (may be past: then the key is deleted).
    ExpireAt { key: Bytes, at_ms: i64, condition: ExpireCondition },
    /// PERSIST.
    Persist { key: Bytes },
    /// RENAME, RENAMENX (`only_if_absent`); both keys in one slot.
    Rename { from: Bytes, to: Bytes, only_if_absent: bool },
    /// COPY; both keys in one slot.
    Copy { from: Bytes, to: Bytes, replace: bool },
    /// FLUSHALL, FLUSHDB: every key of this shard.
    Flush,
}

/// A read of keys of any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyRead {
    /// EXISTS, TOUCH of keys of this shard: how many are there, repeats counted.
    Exists { keys: Vec<Bytes> },
    /// TYPE.
    Type { key: Bytes },
    /// TTL, PTTL, EXPIRETIME, PEXPIRETIME.
    Ttl { key: Bytes, unit: TtlUnit },
    /// OBJECT ENCODING | REFCOUNT | IDLETIME | FREQ (the subcommand in lower case).
    Object { key: Bytes, subcommand: Bytes },
    /// MEMORY USAGE, in bytes.
    MemoryUsage { key: Bytes },
    /// How many keys this shard has (DBSIZE).
    Count,
    /// KEYS: every key of this shard that matches the glob pattern.
    Keys { pattern: Bytes },
    /// SCAN from a cursor whose slot belongs to this shard. Answers `[next cursor, [keys…]]`; the next cursor may belong to
    /// the next shard, and is `0` after the last slot.
    Scan { cursor: u64, count: u32, pattern: Option<Bytes>, type_filter: Option<TypeFilter> },
    /// RANDOMKEY of this shard: `[number of keys, key or Nil]`. `seed` picks the key.
    RandomKey { seed: u64 },
    /// CLUSTER COUNTKEYSINSLOT.
    CountInSlot { slot: Slot },
    /// CLUSTER GETKEYSINSLOT.
    KeysInSlot { slot: Slot, count: u32 },
    /// CONFLICTS: the newest tentative operations on a key that were superseded, oldest first.
    Conflicts { key: Bytes },
}
