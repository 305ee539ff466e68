//! What strong writes and expiries leave behind.
//!
//! A key without a mark counts as written strongly at its version, so a strong write of such a key leaves nothing, and costs nothing here; only a deletion leaves a mark, a tombstone. Where there is a mark, a blind write (SET, MSET, DEL) takes it
//! away, for nothing of what was there is left; a write that looks at the key keeps its dots, and its reader joins them.
//!
//! A write that changes nothing is a write all the same if it says what is there, or is not: DEL of an absent key, SADD of a member that is there. Whoever got its answer relies on it, so what had not seen it must not undo it. Such a
//! write leaves a mark, until the floor has passed it, and an absent key's slot has a newer deletion, which hints lose to for ever. A write whose condition was not met (SET NX, ZADD GT, EXPIRE of an absent key) was refused, and leaves nothing.

use super::Arbitration;
use super::elements::named;
use super::marks::{ElementMark, KeyMark};
use crate::apply::{self, Applied};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ops::{
    Condition, HashWrite, KeyWrite, ListWrite, SetExpiry, SetWrite, SortedSetWrite, StringWrite, Write,
};
use proto::tentative::Dots;
use storage::state::{Expired, ShardState};

/// What a strong write touches.
enum Touch<'a> {
    /// Every key.
    Shard,
    /// This key, without a look at it.
    Blindly(&'a Bytes),
    /// This key, after a look at it.
    Key(&'a Bytes),
    /// These keys, without a look.
    SeveralBlindly(Vec<&'a Bytes>),
    /// These keys, and what it makes of one may come from another.
    Several(Vec<&'a Bytes>),
}

fn touch(write: &Write) -> Touch<'_> {
    let both = |first, second| Touch::Several(vec![first, second]);
    let with = |to, from| Touch::Several(std::iter::once(to).chain(from).collect());
    match write {
        Write::String(StringWrite::Set {
            key,
            expiry,
            condition: Condition::Always,
            get: false,
            integer_reply: false,
            ..
        }) if *expiry != SetExpiry::Keep => Touch::Blindly(key),
        Write::Key(KeyWrite::Delete { key, condition: Condition::Always }) => Touch::Blindly(key),
        Write::String(StringWrite::MSet { pairs }) => {
            Touch::SeveralBlindly(pairs.iter().map(|(key, _)| key).collect())
        }
        Write::String(StringWrite::MSetNx { pairs }) => {
            Touch::Several(pairs.iter().map(|(key, _)| key).collect())
        }
        Write::Key(KeyWrite::Del { keys }) => Touch::SeveralBlindly(keys.iter().collect()),
        Write::Key(KeyWrite::Rename { from, to, .. } | KeyWrite::Copy { from, to, .. })
        | Write::Set(SetWrite::Move { from, to, .. })
        | Write::List(ListWrite::Move { from, to, .. })
        | Write::SortedSet(SortedSetWrite::StoreRange { from, to, .. }) => both(from, to),
        Write::Key(KeyWrite::Flush) => Touch::Shard,
        Write::Set(SetWrite::Store { to, keys, .. }) => with(to, keys.iter()),
        Write::SortedSet(SortedSetWrite::Store { to, combination }) => with(to, combination.keys.iter()),
        Write::List(ListWrite::MultiPop { keys, .. })
        | Write::SortedSet(SortedSetWrite::MultiPop { keys, .. }) => Touch::Several(keys.iter().collect()),
        other => Touch::Key(apply::single_key(other).expect("all others are of one key")),
    }
}

/// The keys that a write is about; none for one that is about them all.
pub(crate) fn keys_of(write: &Write) -> Vec<&Bytes> {
    match touch(write) {
        Touch::Shard => Vec::new(),
        Touch::Blindly(key) | Touch::Key(key) => vec![key],
        Touch::SeveralBlindly(keys) | Touch::Several(keys) => keys,
    }
}

/// Whether a strong write of one key that is no write of elements leaves the elements that it does not take out.
fn keeps_elements(write: &Write) -> bool {
    matches!(
        write,
        Write::Key(KeyWrite::ExpireAfter { .. } | KeyWrite::ExpireAt { .. } | KeyWrite::Persist { .. })
            | Write::Set(SetWrite::Pop { .. })
            | Write::SortedSet(SortedSetWrite::Pop { .. } | SortedSetWrite::RemoveRange { .. })
    )
}

/// Applies a strong write and notes what it leaves. Answers the dots that its writer depends on from now on: those of the keys, if it looked at them.
pub(crate) fn apply(
    state: &mut ShardState,
    arbitration: &mut Arbitration,
    at: Timestamp,
    write: &Write,
) -> (Applied, Dots) {
    // Most writes are of one key, and meet no marks.
    if arbitration.keys.is_empty()
        && let Some(key) = apply::single_key(write)
    {
        let len = state.len();
        let applied = apply::apply(state, at, write);
        if state.len() < len {
            arbitration.keys.put(key, KeyMark::strongly(at));
        } else if !was_changed(state, key, at) && stands(state, key, write, &applied) {
            note_write(arbitration, state, key, at, write);
            state.note_absence(key, at);
        }
        let mut dots = Dots::NONE;
        let looks = || matches!(touch(write), Touch::Key(_)) || tells_presence(write);
        if !arbitration.slots.is_empty() && looks() {
            arbitration.join_dependencies(key, &mut dots, &mut Timestamp::default());
        }
        return (applied, dots);
    }
    match touch(write) {
        Touch::Shard => {
            arbitration.flushed = at;
            arbitration.keys = super::Marks::default();
            (apply::apply(state, at, write), Dots::NONE)
        }
        Touch::Blindly(key) => several(state, arbitration, at, write, &[key], false),
        Touch::SeveralBlindly(keys) => several(state, arbitration, at, write, &keys, false),
        Touch::Several(keys) => several(state, arbitration, at, write, &keys, true),
        Touch::Key(key) => one(state, arbitration, at, write, key),
    }
}

/// A write of one key that looks at it.
fn one(
    state: &mut ShardState,
    arbitration: &mut Arbitration,
    at: Timestamp,
    write: &Write,
    key: &Bytes,
) -> (Applied, Dots) {
    let len = state.len();
    let applied = apply::apply(state, at, write);
    let mut dots = Dots::NONE;
    arbitration.join_dependencies(key, &mut dots, &mut Timestamp::default());
    if state.len() < len {
        let kept = arbitration.keys.take(key).map(|mark| (mark.dots, mark.folded)).unwrap_or_default();
        let tombstone = KeyMark { dots: kept.0, folded: kept.1, ..KeyMark::strongly(at) };
        arbitration.keys.put(key, tombstone);
    } else if was_changed(state, key, at) {
        if arbitration.keys.get(key).is_some() {
            note_write(arbitration, state, key, at, write);
        }
    } else if stands(state, key, write, &applied) {
        note_write(arbitration, state, key, at, write);
        state.note_absence(key, at);
    }
    (applied, dots)
}

/// Whether a write that changed nothing counts as one: it was not refused, and says what is there or is not.
fn stands(state: &ShardState, key: &[u8], write: &Write, applied: &Applied) -> bool {
    !applied.reply.is_error()
        && match write {
            Write::Set(SetWrite::Add { .. } | SetWrite::Remove { .. })
            | Write::Hash(HashWrite::Delete { .. })
            | Write::Key(KeyWrite::Del { .. } | KeyWrite::Delete { condition: Condition::Always, .. })
            | Write::SortedSet(SortedSetWrite::Remove { .. }) => true,
            Write::Set(SetWrite::Store { to, .. })
            | Write::SortedSet(SortedSetWrite::Store { to, .. } | SortedSetWrite::StoreRange { to, .. }) => {
                to == key
            }
            Write::SortedSet(SortedSetWrite::Add { options, .. }) => {
                !(options.nx || options.xx || options.gt || options.lt)
            }
            Write::Key(KeyWrite::Persist { .. }) => state.get(key).is_some(),
            _ => false,
        }
}

/// Notes a strong write in its key's mark. A key without one was not changed by it.
fn note_write(arbitration: &mut Arbitration, state: &ShardState, key: &Bytes, at: Timestamp, write: &Write) {
    let (floor, before) = (arbitration.floor, arbitration.strong(state, key));
    let mut mark = arbitration.keys.take(key).unwrap_or_else(|| KeyMark::new(before));
    mark.strong = at;
    mark.decided_at = mark.decided_at.max(at);
    if let Some(names) = named(write) {
        for name in names {
            // Whoever has seen this write has seen all that put the element in before.
            mark.elements.put(name, ElementMark { strong: at, ..ElementMark::default() });
            mark.elements.forget_some(name, floor);
        }
    } else {
        mark.whole = at;
        if !keeps_elements(write) || state.get(key).is_none() {
            mark.elements.clear();
        }
    }
    arbitration.keys.put(key, mark);
}

/// Whether a write that leaves nothing of what was there says whether something was: its writer has seen that, and depends on it.
fn tells_presence(write: &Write) -> bool {
    matches!(write, Write::Key(KeyWrite::Del { .. }))
}

fn was_changed(state: &ShardState, key: &[u8], at: Timestamp) -> bool {
    state.get(key).is_some_and(|item| item.version == at)
}

/// A write of several keys, or a blind one. What it makes of one key may come from each of the others, so each gets the dots of all if it looked.
fn several(
    state: &mut ShardState,
    arbitration: &mut Arbitration,
    at: Timestamp,
    write: &Write,
    keys: &[&Bytes],
    looks: bool,
) -> (Applied, Dots) {
    let were_there: Vec<bool> = keys.iter().map(|key| state.get(key).is_some()).collect();
    let applied = apply::apply(state, at, write);
    let (mut dots, mut folded, mut answered) = (Dots::NONE, Timestamp::ZERO, Dots::NONE);
    for key in keys {
        if looks || tells_presence(write) {
            arbitration.join_dependencies(key, &mut answered, &mut Timestamp::default());
        }
        if let Some(mark) = arbitration.keys.get(key).filter(|_| looks) {
            dots.join(&mark.dots);
            folded = folded.max(mark.folded);
        }
    }
    for (key, was_there) in keys.iter().zip(were_there) {
        let mark = || KeyMark { dots: dots.clone(), folded, ..KeyMark::strongly(at) };
        if state.get(key).is_none() && (was_there || stands(state, key, write, &applied)) {
            arbitration.keys.put(key, mark());
            state.note_absence(key, at);
        } else if was_changed(state, key, at) {
            if dots.is_empty() && folded == Timestamp::ZERO {
                arbitration.keys.take(key);
            } else {
                arbitration.keys.put(key, mark());
            }
        }
    }
    (applied, answered)
}

/// Notes what fell due. An expiry is no strong write: what is remembered of the key stays, and if nothing was, its version counts as its newest strong write, as before.
pub(crate) fn note_expired(arbitration: &mut Arbitration, expired: Vec<Expired>) {
    for Expired { key, version, at } in expired {
        let known = arbitration.keys.take(&key);
        if known.is_none() && version <= arbitration.floor {
            // Whoever had not seen it is below the floor already.
            continue;
        }
        let mut mark = known.unwrap_or_else(|| KeyMark::new(version));
        mark.decided_at = mark.decided_at.max(at);
        arbitration.keys.put(&key, mark);
    }
}
