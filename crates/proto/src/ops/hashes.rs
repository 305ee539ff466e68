//! Operations on hashes: fields with values under one key. What an operation does to the state is `node::types::hashes`.

#![allow(missing_docs)] // the fields are the arguments of the commands that the variants name

use super::sets::ElementScan;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A write to hashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HashWrite {
    /// HSET, HMSET (`ok_reply`): answers how many fields are new, or OK.
    Set { key: Bytes, fields: Vec<(Bytes, Bytes)>, ok_reply: bool },
    /// HSETNX.
    SetNx { key: Bytes, field: Bytes, value: Bytes },
    /// HDEL.
    Delete { key: Bytes, fields: Vec<Bytes> },
    /// HINCRBY.
    IncrBy { key: Bytes, field: Bytes, delta: i64 },
    /// HINCRBYFLOAT. The argument as the client wrote it, already known to be a number.
    IncrByFloat { key: Bytes, field: Bytes, delta: Bytes },
}

/// A read of hashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HashRead {
    /// HGET.
    Get { key: Bytes, field: Bytes },
    /// HMGET.
    MGet { key: Bytes, fields: Vec<Bytes> },
    /// HGETALL.
    GetAll { key: Bytes },
    /// HKEYS.
    Keys { key: Bytes },
    /// HVALS.
    Values { key: Bytes },
    /// HLEN.
    Len { key: Bytes },
    /// HEXISTS.
    Exists { key: Bytes, field: Bytes },
    /// HSTRLEN.
    StrLen { key: Bytes, field: Bytes },
    /// HSCAN.
    Scan { key: Bytes, scan: ElementScan },
    /// HRANDFIELD, with or without a count; a negative one may answer a field more than once. `seed` picks.
    RandomField { key: Bytes, count: Option<i64>, with_values: bool, seed: u64 },
}
