//! Keys whatever their type: delete, expire, rename, copy, and questions about them.

use super::strings::{content, holds};
use super::{encoding, expiry, scan};
use proto::commands::number::parse_i64;
use proto::hlc::Timestamp;
use proto::ops::{KeyRead, KeyWrite};
use proto::reply::Reply;
use storage::state::{Item, ShardState, Value};

pub(crate) fn apply(state: &mut ShardState, ts: Timestamp, write: &KeyWrite) -> Reply {
    match write {
        KeyWrite::Del { keys } => {
            Reply::Int(keys.iter().filter(|key| state.remove(key, ts).is_some()).count() as i64)
        }
        KeyWrite::Delete { key, condition } => {
            if !holds(condition, state.get(key)) {
                return Reply::Nil;
            }
            Reply::Int(i64::from(state.remove(key, ts).is_some()))
        }
        KeyWrite::ExpireAfter { key, after_ms, condition } => {
            expiry::expire_after(state, ts, key, *after_ms, *condition)
        }
        KeyWrite::ExpireAt { key, at_ms, condition } => expiry::expire_at(state, ts, key, *at_ms, *condition),
        KeyWrite::Persist { key } => expiry::persist(state, ts, key),
        KeyWrite::Rename { from, to, only_if_absent } => {
            if state.get(from).is_none() {
                return Reply::error("ERR no such key");
            }
            if *only_if_absent && state.get(to).is_some() {
                return Reply::Int(0);
            }
            if from != to {
                let item = state.remove(from, ts).expect("it was just there");
                state.put(to, again(&item, ts));
            }
            if *only_if_absent { Reply::Int(1) } else { Reply::OK }
        }
        KeyWrite::Copy { from, to, replace } => {
            let Some(item) = state.get(from) else { return Reply::Int(0) };
            if from == to || !replace && state.get(to).is_some() {
                return Reply::Int(0);
            }
            let copy = again(item, ts);
            state.put(to, copy);
            Reply::Int(1)
        }
        KeyWrite::Flush => {
            state.flush(ts);
            Reply::OK
        }
    }
}

/// The same content and expiry under another key, as a write of now.
fn again(item: &Item, ts: Timestamp) -> Item {
    Item::new(item.value.clone(), ts, item.expires_at_ms())
}

pub(crate) fn read(state: &ShardState, now_ms: u64, read: &KeyRead) -> Reply {
    match read {
        KeyRead::Exists { keys } => {
            Reply::Int(keys.iter().filter(|key| state.get(key).is_some()).count() as i64)
        }
        KeyRead::Type { key } => Reply::Simple(state.get(key).map_or("none", |item| item.value.type_name())),
        KeyRead::Ttl { key, unit } => expiry::time_to_live(state, now_ms, key, *unit),
        KeyRead::Object { key, subcommand } => {
            state.get(key).map_or(Reply::Nil, |item| object(item, subcommand))
        }
        KeyRead::MemoryUsage { key } => {
            state.bytes_of(key).map_or(Reply::Nil, |bytes| Reply::Int(bytes as i64))
        }
        KeyRead::Count => Reply::Int(state.len() as i64),
        KeyRead::Keys { pattern } => scan::keys(state, pattern),
        KeyRead::Scan { cursor, count, pattern, type_filter } => {
            scan::scan(state, *cursor, *count, pattern.as_deref(), type_filter.as_ref())
        }
        KeyRead::RandomKey { seed } => scan::random_key(state, *seed),
        KeyRead::CountInSlot { slot } => Reply::Int(state.slot(*slot).len() as i64),
        KeyRead::KeysInSlot { slot, count } => scan::keys_in_slot(state, *slot, *count),
        // They are not in the values: `query::answer` tells them.
        KeyRead::Conflicts { .. } => Reply::Array(Vec::new()),
    }
}

/// OBJECT. Encodings are told as Redis would choose them; access times and frequencies are not kept.
fn object(item: &Item, subcommand: &[u8]) -> Reply {
    /// Redis keeps one copy of each of these integers and counts its references no further.
    const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;
    let is_shared = match &item.value {
        Value::String(_) if !item.is_edited() => {
            parse_i64(content(item)).is_some_and(|integer| SHARED_INTEGERS.contains(&integer))
        }
        _ => false,
    };
    match subcommand {
        b"encoding" => Reply::bulk(encoding::name(item)),
        b"refcount" => Reply::Int(if is_shared { i32::MAX.into() } else { 1 }),
        b"idletime" => Reply::Int(0),
        _ => Reply::error(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ),
    }
}
