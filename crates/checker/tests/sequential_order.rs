//! The judge of `sequential` against a search by brute force, which tries every total order: over thousands of small
//! histories from a store that keeps the promise, spoilt or not, they must agree. And over larger ones: what the store
//! shows is never accused, and what was surely spoilt is always found.

mod cluster;
mod lines;
#[path = "register/mod.rs"]
#[allow(dead_code)] // of it, only the randomness is wanted here
mod register;

use checker::{Class, History, Level, OpName, Record, Rule, SearchLimits, Status, check_history};
use cluster::Cluster;
use lines::{judged, text};
use register::Random;
use std::collections::BTreeMap;

/// A place in the order: the timestamp, and reads behind writes.
type Place = (u64, bool);

/// What the search may put into the order.
struct Item<'a> {
    record: &'a Record,
    weak: bool,
    open: bool,
    /// `None`: a write of unknown outcome, which the search may put anywhere or nowhere.
    place: Option<Place>,
}

fn writes(record: &Record) -> bool {
    match record.op {
        OpName::Get => false,
        OpName::Cas | OpName::Del => record.status == Status::Unknown || record.swapped == Some(true),
        _ => true,
    }
}

/// Is there any total order, sorted by timestamps, in which every session's order holds and every answer is true?
fn brute_force(history: &History) -> bool {
    let mut fates = BTreeMap::new();
    for (_, fate) in &history.fates {
        fates.insert(fate.dot.clone(), fate);
    }
    let mut items = Vec::new();
    for (_, record) in &history.records {
        let weak = matches!(record.level.as_deref(), Some("causal" | "eventual"));
        let place = match (record.status, weak) {
            (Status::Fail, _) => continue,
            (_, true) if record.op == OpName::Get => continue,
            (_, true) => match record.dots.first().and_then(|dot| fates.get(dot)) {
                None => None,
                Some(fate) if fate.ending == checker::Ending::Decided => {
                    Some((fate.decided_version.unwrap(), false))
                }
                Some(_) => continue,
            },
            (Status::Unknown, _) if record.op == OpName::Get => continue,
            (Status::Unknown, _) => None,
            (Status::Ok, _) if writes(record) => Some((record.version.unwrap(), false)),
            (Status::Ok, _) if record.level.as_deref() != Some("sequential") => continue,
            (Status::Ok, _) => {
                if record.version > record.as_of {
                    return false;
                }
                Some((record.as_of.unwrap(), true))
            }
        };
        items.push(Item { record, weak, open: place.is_none(), place });
    }
    let last = items.iter().filter_map(|item| item.place).map(|(time, _)| time).max().unwrap_or(0);
    let open: Vec<usize> = (0..items.len()).filter(|at| items[*at].place.is_none()).collect();
    assign(&mut items, &open, last + 1)
}

/// Gives every unknown write a version, or none, in every way.
fn assign(items: &mut Vec<Item<'_>>, open: &[usize], last: u64) -> bool {
    let Some((first, rest)) = open.split_first() else {
        let chosen: Vec<&Item<'_>> = items.iter().filter(|item| item.place.is_some()).collect();
        return exists(&chosen, &mut vec![false; chosen.len()], &mut BTreeMap::new(), 0);
    };
    items[*first].place = None;
    if assign(items, rest, last) {
        return true;
    }
    for version in 1..=last {
        items[*first].place = Some((version, false));
        if assign(items, rest, last) {
            return true;
        }
    }
    items[*first].place = None;
    false
}

type Key = (Option<String>, u64);

/// Whether the rest can be put behind what is placed, in any order.
fn exists(
    items: &[&Item<'_>],
    placed: &mut Vec<bool>,
    keys: &mut BTreeMap<String, Key>,
    count: usize,
) -> bool {
    if count == items.len() {
        return true;
    }
    for at in 0..items.len() {
        if placed[at] {
            continue;
        }
        let next = items[at];
        let sorted = (0..items.len()).all(|other| placed[other] || items[other].place >= next.place);
        let in_session = items.iter().enumerate().all(|(other, before)| {
            let ordered = before.record.session.is_some()
                && before.record.session == next.record.session
                && before.record.status == Status::Ok
                // What took no time is concurrent with all that was sent at that instant.
                && before.record.return_ns.unwrap().max(before.record.invoke_ns + 1) <= next.record.invoke_ns
                && !before.weak
                && !next.weak;
            let strictly = next.place.unwrap().1 || before.place.unwrap().0 < next.place.unwrap().0;
            !ordered || (placed[other] && strictly)
        });
        let key = keys.get(&next.record.key).cloned().unwrap_or((None, 0));
        if !sorted || !in_session {
            continue;
        }
        let Some(after) = step(items, next, &key) else { continue };
        placed[at] = true;
        keys.insert(next.record.key.clone(), after);
        if exists(items, placed, keys, count + 1) {
            return true;
        }
        placed[at] = false;
        keys.insert(next.record.key.clone(), key);
    }
    false
}

/// The key after the operation, `None` if its answer is wrong here.
fn step(items: &[&Item<'_>], item: &Item<'_>, (value, version): &Key) -> Option<Key> {
    let record = item.record;
    let (time, reads) = item.place.unwrap();
    let number = || value.as_ref().map_or(Some(0), |text| text.parse::<i64>().ok());
    let blind = item.weak || record.status == Status::Unknown;
    if reads {
        let fits = match record.op {
            OpName::Get => record.value == *value,
            OpName::Cas => record.expect != *value,
            _ => value.is_none(),
        };
        let shown = record.version.unwrap();
        let same = if value.is_some() { shown == *version } else { shown >= *version };
        let began = items.iter().all(|writer| {
            value.is_none()
                || writer.record.key != record.key
                || writer.place != Some((shown, false))
                || writer.open
                || writer.record.invoke_ns <= record.return_ns.unwrap()
        });
        return (fits && same && began).then(|| (value.clone(), *version));
    }
    if time <= *version {
        return None;
    }
    let after = match record.op {
        OpName::Set => record.value.clone(),
        OpName::Del if item.weak => None,
        OpName::Del => {
            value.as_ref()?;
            None
        }
        OpName::Cas => {
            if *value != record.expect {
                return None;
            }
            record.value.clone()
        }
        _ => {
            let sum = number()? + record.value.as_ref().unwrap().parse::<i64>().unwrap();
            if !blind && record.result.is_some_and(|result| result != sum) {
                return None;
            }
            Some(sum.to_string())
        }
    };
    Some((after, time))
}

const GATE: std::ops::Range<u64> = 0..6_000;
const SOAK: std::ops::Range<u64> = 6_000..400_000;

/// Spreads the timestamps. Where two stand next to each other the search knows that nothing fits between, and the judge
/// counts only what fits between two versions of a key: it is lenient where real clocks never are.
fn make_room(history: &mut History) {
    let spread = |time: &mut Option<u64>| *time = time.map(|time| 4 * time);
    for (_, record) in &mut history.records {
        spread(&mut record.version);
        spread(&mut record.as_of);
    }
    for (_, fate) in &mut history.fates {
        spread(&mut fate.decided_version);
    }
}

fn agree(seeds: std::ops::Range<u64>) {
    let (mut legal, mut wrong) = (0, 0);
    for seed in seeds {
        let mut random = Random(seed);
        let mut history = Cluster::small(&mut random).history;
        for _ in 0..random.below(7) {
            cluster::spoil(&mut random, &mut history);
        }
        make_room(&mut history);
        // A history that has nothing for this judge is refused.
        let Ok(report) = check_history(&history, Level::Sequential, SearchLimits::default()) else {
            continue;
        };
        let report = report.level(Level::Sequential).unwrap();
        // Real time is no matter of the order; `brute_force` compares that.
        if report.violations.first().is_some_and(|violation| violation.rule == Rule::SeenBeforeBegun) {
            continue;
        }
        let expected = brute_force(&history);
        let found = if expected { Class::Legal } else { Class::Violation };
        assert_eq!(report.class, found, "seed {seed}: {report}\n{}", text(&history));
        if expected { legal += 1 } else { wrong += 1 }
    }
    assert!(legal > wrong / 6 && wrong > legal / 6, "one-sided: {legal} legal, {wrong} wrong");
}

#[test]
fn the_judge_agrees_with_a_search_of_all_orders() {
    agree(GATE);
}

#[test]
fn a_store_that_keeps_the_promise_is_never_accused() {
    for seed in 0..600 {
        let mut random = Random(seed);
        let history = Cluster::run(&mut random, 120).history;
        let report = judged(&history, Level::Sequential);
        assert_eq!(report.class, Class::Legal, "seed {seed}: {report}\n{}", text(&history));
    }
}

/// Changes one answer so that no store can have given it; says which rules can name it, `None` where nothing fits.
fn surely_wrong(random: &mut Random, history: &mut History) -> Option<&'static [Rule]> {
    let versions_of = |history: &History, key: &str| -> Vec<u64> {
        let strong = history.records.iter().filter(|(_, record)| {
            record.key == key && record.status == Status::Ok && writes(record) && record.dots.is_empty()
        });
        strong.filter_map(|(_, record)| record.version).collect()
    };
    let reads: Vec<usize> = (0..history.records.len())
        .filter(|at| {
            let record = &history.records[*at].1;
            record.op == OpName::Get
                && record.status == Status::Ok
                && record.level.as_deref() == Some("sequential")
        })
        .collect();
    let at = *reads.get(random.below(reads.len().max(1) as u64) as usize)?;
    let record = history.records[at].1.clone();
    let versions = versions_of(history, &record.key);
    match random.below(4) {
        // A value that nobody wrote.
        0 => history.records[at].1.value = Some("nobody wrote this".to_owned()),
        // True as of a time at which there was something newer.
        1 => {
            let newer = versions.into_iter().filter(|version| Some(*version) > record.as_of).min()?;
            history.records[at].1.as_of = Some(newer);
        }
        // True as of a time before it was written.
        2 => history.records[at].1.as_of = Some(record.version?.checked_sub(1)?),
        // Before what the session had done.
        _ => {
            let before = history.records.iter().filter(|(_, before)| {
                before.session == record.session
                    && before.status == Status::Ok
                    && before.return_ns.unwrap() <= record.invoke_ns
                    && writes(before)
                    && before.dots.is_empty()
            });
            let own = before.filter_map(|(_, before)| before.version).max()?;
            let record = &mut history.records[at].1;
            record.as_of = Some(own.checked_sub(1)?);
        }
    }
    Some(&[Rule::Legality, Rule::OneOrder, Rule::Certificate, Rule::SessionOrder])
}

#[test]
fn an_answer_that_was_surely_spoilt_is_found() {
    let mut found: BTreeMap<Rule, u32> = BTreeMap::new();
    for seed in 0..1_500 {
        let mut random = Random(seed);
        let mut history = Cluster::run(&mut random, 60).history;
        let Some(rules) = surely_wrong(&mut random, &mut history) else { continue };
        let report = judged(&history, Level::Sequential);
        assert_eq!(report.class, Class::Violation, "seed {seed}: {report}\n{}", text(&history));
        let rule = report.violations[0].rule;
        assert!(rules.contains(&rule), "seed {seed}: {report}");
        *found.entry(rule).or_default() += 1;
    }
    assert!(found.len() == 4 && found.values().all(|count| *count > 10), "{found:?}");
}

#[test]
#[ignore = "soak: minutes"]
fn the_judge_agrees_with_a_search_of_all_orders_at_length() {
    agree(SOAK);
}
