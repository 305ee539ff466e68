//! The key space: KEYS, SCAN, RANDOMKEY and the keys of a slot.

use super::glob;
use bytes::Bytes;
use proto::ids::Slot;
use proto::ops::TypeFilter;
use proto::reply::Reply;
use storage::state::{Cursor, Item, ShardState};
use xxhash_rust::xxh3::xxh3_64;

fn bulk(key: &[u8]) -> Reply {
    Reply::Bulk(Bytes::copy_from_slice(key))
}

pub(super) fn keys(state: &ShardState, pattern: &[u8]) -> Reply {
    Reply::Array(
        state.iter().filter(|(key, _)| glob::matches(pattern, key)).map(|(key, _)| bulk(key)).collect(),
    )
}

/// One step of a scan: `[next cursor, keys]`. COUNT is how many keys are looked at; fewer may match.
pub(super) fn scan(
    state: &ShardState,
    cursor: u64,
    count: u32,
    pattern: Option<&[u8]>,
    type_filter: Option<&TypeFilter>,
) -> Reply {
    let Some(cursor) = Cursor::from_number(cursor) else { return Reply::error("ERR invalid cursor") };
    let (found, next) = state.scan(cursor, count.max(1) as usize);
    let has_type = |item: &Item| {
        type_filter
            .is_none_or(|TypeFilter(name)| name.eq_ignore_ascii_case(item.value.type_name().as_bytes()))
    };
    let keys = found
        .into_iter()
        .filter(|(key, item)| has_type(item) && pattern.is_none_or(|pattern| glob::matches(pattern, key)))
        .map(|(key, _)| bulk(key));
    let keys = Reply::Array(keys.collect());
    Reply::Array(vec![Reply::bulk(next.map_or(0, Cursor::number).to_string()), keys])
}

/// `[number of keys, key or Nil]`. The seed is mixed, because the caller draws the shard with the same one.
pub(super) fn random_key(state: &ShardState, seed: u64) -> Reply {
    let key = state.random_key(xxh3_64(&seed.to_le_bytes())).map_or(Reply::Nil, bulk);
    Reply::Array(vec![Reply::Int(state.len() as i64), key])
}

pub(super) fn keys_in_slot(state: &ShardState, slot: Slot, count: u32) -> Reply {
    Reply::Array(state.slot(slot).iter().take(count as usize).map(|(key, _)| bulk(key)).collect())
}
