//! P2 by trying every order: "All decided writes and all sequential reads of the whole cluster have one legal total order, in
//! which every session's strong writes and sequential reads stand in the session's order; the order by timestamps is one.
//! An unknown write stands after what its session did before it. Tentative writes stand in it where they were decided."

use checker::{Ending, History, Level, Record, Status};

use super::{fate, is_write, level, session_order};

#[derive(Clone, Debug)]
struct Item<'a> {
    /// Its place in the history.
    place: usize,
    record: &'a Record,
    /// Whether its session's order binds it.
    bound: bool,
    /// A write's version (of an unknown one as it is tried), a read's time.
    time: Option<u64>,
}

/// Whether a legal order by timestamps exists.
pub(crate) fn holds(history: &History) -> bool {
    let records: Vec<&Record> = history.records.iter().map(|(_, record)| record).collect();
    let before = session_order(&records);
    let mut items = Vec::new();
    for (place, record) in records.into_iter().enumerate() {
        let weak = level(record).is_weak();
        let (bound, time) = match (is_write(record), weak, record.status) {
            (_, _, Status::Fail) => continue,
            (true, false, Status::Ok) => (true, record.version),
            (true, false, Status::Unknown) => (true, None),
            (true, true, _) => match fate(history, record).map(|fate| (fate.ending, fate.decided_version)) {
                Some((Ending::Decided, version)) => (false, version),
                Some(_) => continue,
                None => (false, None),
            },
            (false, false, Status::Ok) if level(record) == Level::Sequential => {
                if record.version > record.as_of {
                    return false;
                }
                (true, record.as_of)
            }
            (false, ..) => continue,
        };
        items.push(Item { place, record, bound, time });
    }
    let newest = items.iter().filter_map(|item| item.time).max().unwrap_or(0);
    with_unknown(&items, &before, 0, newest + 1)
}

/// Every unknown write took effect at some version, or never.
fn with_unknown(items: &[Item<'_>], before: &[Vec<bool>], from: usize, newest: u64) -> bool {
    let Some(at) = (from..items.len()).find(|at| items[*at].time.is_none()) else {
        return any_order(items, before, &mut Vec::new());
    };
    let mut without = items.to_vec();
    without.remove(at);
    if with_unknown(&without, before, at, newest) {
        return true;
    }
    (1..=newest).any(|version| {
        let mut tried = items.to_vec();
        tried[at].time = Some(version);
        with_unknown(&tried, before, at + 1, newest)
    })
}

/// Whether what is placed can be gone on with, in any way, to a legal order of all.
fn any_order(items: &[Item<'_>], before: &[Vec<bool>], placed: &mut Vec<usize>) -> bool {
    if placed.len() == items.len() {
        return true;
    }
    for next in 0..items.len() {
        if placed.contains(&next) || !may_follow(items, before, placed, next) {
            continue;
        }
        placed.push(next);
        if any_order(items, before, placed) {
            return true;
        }
        placed.pop();
    }
    false
}

fn may_follow(items: &[Item<'_>], before: &[Vec<bool>], placed: &[usize], next: usize) -> bool {
    let item = &items[next];
    // By timestamps: at one time writes stand before reads.
    let rank = |item: &Item<'_>| (item.time, !is_write(item.record));
    if placed.last().is_some_and(|last| rank(&items[*last]) > rank(item)) {
        return false;
    }
    for (at, other) in items.iter().enumerate() {
        let must_be_before = item.bound && other.bound && before[other.place][item.place];
        if must_be_before && !placed.contains(&at) {
            return false;
        }
        // Times grow strictly to a write.
        if must_be_before && is_write(item.record) && other.time == item.time {
            return false;
        }
    }
    let mut of_key = placed.iter().map(|at| &items[*at]).filter(|other| other.record.key == item.record.key);
    if is_write(item.record) {
        let newest = of_key.filter(|other| is_write(other.record)).map(|other| other.time).max().flatten();
        return item.time > newest && item.time > Some(0);
    }
    let last = of_key.rfind(|other| is_write(other.record));
    match last {
        None => item.record.value.is_none(),
        Some(write) => {
            item.record.value == write.record.value
                && item.record.version == write.time
                && item.record.return_ns >= Some(write.record.invoke_ns)
        }
    }
}
