//! Lists: both ends, indices, and searches.

use super::collection::{bounded, bounded_pops, bulk, count, edit, either, look};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ops::{End, ListRead, ListWrite};
use proto::reply::Reply;
use std::ops::Range;
use storage::state::{Blob, List, ListEnd, ShardState};

pub(crate) fn apply(state: &mut ShardState, ts: Timestamp, write: &ListWrite) -> Reply {
    either(match write {
        ListWrite::Push { key, values, end, only_if_present } => {
            push(state, ts, key, values, *end, *only_if_present)
        }
        ListWrite::Pop { key, end, count } => pop(state, ts, key, *end, *count),
        ListWrite::MultiPop { keys, end, count } => multi_pop(state, ts, keys, *end, *count),
        ListWrite::Set { key, index, value } => set(state, ts, key, *index, value),
        ListWrite::Remove { key, count, value } => remove(state, ts, key, *count, value),
        ListWrite::Trim { key, start, stop } => trim(state, ts, key, *start, *stop),
        ListWrite::Insert { key, before, pivot, value } => insert(state, ts, key, *before, pivot, value),
        ListWrite::Move { from, to, from_end, to_end } => {
            move_element(state, ts, from, to, *from_end, *to_end)
        }
    })
}

pub(crate) fn read(state: &ShardState, read: &ListRead) -> Reply {
    either(answer(state, read))
}

fn answer(state: &ShardState, read: &ListRead) -> Result<Reply, Reply> {
    match read {
        ListRead::Range { key, start, stop } => {
            let Some(list) = look::<List>(state, key)? else { return Ok(Reply::Array(Vec::new())) };
            bounded(list.range(between(*start, *stop, list.len())).map(bulk)).map(Reply::Array)
        }
        ListRead::Len { key } => Ok(count(look(state, key)?.map_or(0, List::len))),
        ListRead::Index { key, index } => {
            let Some(list) = look::<List>(state, key)? else { return Ok(Reply::Nil) };
            Ok(at(*index, list.len()).and_then(|index| list.get(index)).map_or(Reply::Nil, bulk))
        }
        ListRead::Position { key, value, rank, count: wanted, max_len } => {
            let Some(list) = look::<List>(state, key)? else {
                return Ok(if wanted.is_some() { Reply::Array(Vec::new()) } else { Reply::Nil });
            };
            positions(list, value, *rank, *wanted, *max_len)
        }
    }
}

/// The indices between two, both included; negative ones count from the end.
pub(super) fn between(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = i64::try_from(len).expect("memory is smaller");
    let from_front = |index: i64| if index < 0 { index.saturating_add(len).max(0) } else { index };
    let start = from_front(start);
    // A stop before the front is before it, not at it.
    let stop = if stop < 0 { stop.saturating_add(len) } else { stop.min(len - 1) };
    if start > stop || start >= len { 0..0 } else { start as usize..stop as usize + 1 }
}

/// The index of an element that is there; negative ones count from the end.
fn at(index: i64, len: usize) -> Option<usize> {
    let len = i64::try_from(len).expect("memory is smaller");
    let index = if index < 0 { index.checked_add(len)? } else { index };
    (0..len).contains(&index).then_some(index as usize)
}

fn end_of(end: End) -> ListEnd {
    match end {
        End::Left => ListEnd::Front,
        End::Right => ListEnd::Back,
    }
}

fn push(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    values: &[Bytes],
    end: End,
    only_if_present: bool,
) -> Result<Reply, Reply> {
    if look::<List>(state, key)?.is_none() && only_if_present {
        return Ok(Reply::Int(0));
    }
    Ok(count(edit(state, ts, key, |list: &mut List| {
        values.iter().for_each(|value| list.push(end_of(end), Blob::from(&value[..])));
        (list.len(), true)
    })))
}

/// The elements at an end, as they would be popped one after the other.
fn ahead(list: &List, end: End, wanted: u64) -> Result<Vec<Reply>, Reply> {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(list.len());
    match end {
        End::Left => bounded_pops(list.range(0..wanted).map(bulk)),
        End::Right => bounded_pops(list.range(list.len() - wanted..list.len()).rev().map(bulk)),
    }
}

fn take(state: &mut ShardState, ts: Timestamp, key: &[u8], end: End, taken: usize, len: usize) {
    if taken == len {
        state.remove(key, ts);
        return;
    }
    if taken > 0 {
        edit(state, ts, key, |list: &mut List| {
            (0..taken).for_each(|_| drop(list.pop(end_of(end))));
            ((), true)
        });
    }
}

fn pop(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    end: End,
    wanted: Option<u64>,
) -> Result<Reply, Reply> {
    let Some(list) = look::<List>(state, key)? else {
        return Ok(if wanted.is_some() { Reply::NilArray } else { Reply::Nil });
    };
    let mut popped = ahead(list, end, wanted.unwrap_or(1))?;
    let len = list.len();
    take(state, ts, key, end, popped.len(), len);
    Ok(if wanted.is_some() { Reply::Array(popped) } else { popped.remove(0) })
}

fn multi_pop(
    state: &mut ShardState,
    ts: Timestamp,
    keys: &[Bytes],
    end: End,
    wanted: u64,
) -> Result<Reply, Reply> {
    for key in keys {
        let Some(list) = look::<List>(state, key)? else { continue };
        let popped = ahead(list, end, wanted)?;
        let len = list.len();
        take(state, ts, key, end, popped.len(), len);
        return Ok(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Array(popped)]));
    }
    Ok(Reply::NilArray)
}

fn set(state: &mut ShardState, ts: Timestamp, key: &[u8], index: i64, value: &[u8]) -> Result<Reply, Reply> {
    let list = look::<List>(state, key)?.ok_or_else(|| Reply::error("ERR no such key"))?;
    let index = at(index, list.len()).ok_or_else(|| Reply::error("ERR index out of range"))?;
    edit(state, ts, key, |list: &mut List| (list.set(index, Blob::from(value)), true));
    Ok(Reply::OK)
}

fn remove(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    wanted: i64,
    value: &[u8],
) -> Result<Reply, Reply> {
    let Some(list) = look::<List>(state, key)? else { return Ok(Reply::Int(0)) };
    let most = match wanted {
        0 => usize::MAX,
        wanted => usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let is_it = |(_, element): &(usize, &Blob)| element.as_slice() == value;
    let found: Vec<usize> = if wanted < 0 {
        let mut found: Vec<usize> =
            list.iter().enumerate().rev().filter(is_it).take(most).map(|(index, _)| index).collect();
        found.reverse();
        found
    } else {
        list.iter().enumerate().filter(is_it).take(most).map(|(index, _)| index).collect()
    };
    if !found.is_empty() {
        edit(state, ts, key, |list: &mut List| (list.remove_all(&found), true));
    }
    Ok(count(found.len()))
}

fn trim(state: &mut ShardState, ts: Timestamp, key: &[u8], start: i64, stop: i64) -> Result<Reply, Reply> {
    let Some(list) = look::<List>(state, key)? else { return Ok(Reply::OK) };
    let kept = between(start, stop, list.len());
    if kept.is_empty() {
        state.remove(key, ts);
    } else if kept != (0..list.len()) {
        edit(state, ts, key, |list: &mut List| (list.retain(kept), true));
    }
    Ok(Reply::OK)
}

fn insert(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    before: bool,
    pivot: &[u8],
    value: &[u8],
) -> Result<Reply, Reply> {
    let Some(list) = look::<List>(state, key)? else { return Ok(Reply::Int(0)) };
    let Some(index) = list.iter().position(|element| element.as_slice() == pivot) else {
        return Ok(Reply::Int(-1));
    };
    let index = if before { index } else { index + 1 };
    Ok(count(edit(state, ts, key, |list: &mut List| {
        list.insert(index, Blob::from(value));
        (list.len(), true)
    })))
}

fn move_element(
    state: &mut ShardState,
    ts: Timestamp,
    from: &[u8],
    to: &[u8],
    from_end: End,
    to_end: End,
) -> Result<Reply, Reply> {
    if look::<List>(state, from)?.is_none() {
        return Ok(Reply::Nil);
    }
    look::<List>(state, to)?;
    let element = if from == to {
        // In one step, so that a list of one element does not vanish and lose its expiry on the way.
        edit(state, ts, from, |list: &mut List| {
            let element = list.pop(end_of(from_end)).expect("no list is empty");
            list.push(end_of(to_end), element.clone());
            (element, true)
        })
    } else {
        let element = edit(state, ts, from, |list: &mut List| {
            (list.pop(end_of(from_end)).expect("no list is empty"), true)
        });
        edit(state, ts, to, |list: &mut List| (list.push(end_of(to_end), element.clone()), true));
        element
    };
    Ok(bulk(&element))
}

fn positions(
    list: &List,
    value: &[u8],
    rank: i64,
    wanted: Option<u64>,
    max_len: u64,
) -> Result<Reply, Reply> {
    let looked_at = match max_len {
        0 => usize::MAX,
        most => usize::try_from(most).unwrap_or(usize::MAX),
    };
    let most = match wanted {
        None => 1,
        Some(0) => usize::MAX,
        Some(wanted) => usize::try_from(wanted).unwrap_or(usize::MAX),
    };
    let passed = usize::try_from(rank.unsigned_abs().saturating_sub(1)).unwrap_or(usize::MAX);
    let is_it = |(_, element): &(usize, &Blob)| element.as_slice() == value;
    let found = if rank > 0 {
        let all = list.iter().enumerate().take(looked_at).filter(is_it);
        bounded(all.skip(passed).take(most).map(|(index, _)| count(index)))
    } else {
        let all = list.iter().enumerate().rev().take(looked_at).filter(is_it);
        bounded(all.skip(passed).take(most).map(|(index, _)| count(index)))
    }?;
    Ok(match wanted {
        Some(_) => Reply::Array(found),
        None => found.into_iter().next().unwrap_or(Reply::Nil),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_count_from_both_ends() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (1, 3, 1..4),
            (-3, -2, 2..4),
            (-100, 100, 0..5),
            (3, 1, 0..0),
            (5, 9, 0..0),
            (0, -6, 0..0),
            (-100, -5, 0..1),
            (i64::MIN, i64::MAX, 0..5),
            (i64::MAX, i64::MIN, 0..0),
        ] {
            assert_eq!(between(start, stop, 5), expected, "{start} {stop}");
        }
        assert_eq!(between(0, -1, 0), 0..0);
        assert_eq!(
            (at(-5, 5), at(-6, 5), at(4, 5), at(5, 5), at(i64::MIN, 5)),
            (Some(0), None, Some(4), None, None)
        );
    }
}
