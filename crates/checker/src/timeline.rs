//! One key in the order of timestamps, judged by the judges of linearizability.
//!
//! Legality in the one order of the cluster is linearizability with another clock: put each decided write at the instant
//! of its version, each read at the instant right behind all writes up to the time it is true for, and let a write of
//! unknown outcome begin right behind what its session did before it and never end. All instants differ, so the only
//! order that respects this clock is the order by timestamps; an answer fits it or does not. So both judges are asked,
//! by version and by search, with all they know of unknown outcomes, and nothing here decides anything anew.
//!
//! Timestamps use all 64 bits, so the clock counts their ranks: two ticks for each, one for the write, one for the
//! reads behind it.
//!
//! A read whose version no known write made also stands at that version itself, by a twin: what it saw was there by
//! then, so whoever wrote it had begun.
//!
//! Not here: the order inside sessions (`program_order`), and one order for several keys: versions give it.

use std::collections::{BTreeMap, BTreeSet};

use crate::linearizable;
use crate::register::{Action, Operation};
use crate::search::{self, SearchLimits};
use crate::verdict::{Class, Judgement, Rule, Violation, class_of_both};

/// Where an operation stands by its timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A decided write at its version.
    Decided(u64),
    /// A write that may have taken effect once, behind this time, or never.
    OpenBehind(u64),
    /// An answer that is true at its version, and maybe no longer.
    Shows(u64),
    /// An answer that is true from its version up to this time.
    TrueFor { version: u64, as_of: u64 },
}

/// What both judges say of one key.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) class: Class,
    pub(crate) violation: Option<Violation>,
    /// Why neither judge could tell.
    pub(crate) undecided: Option<String>,
}

/// All timestamps of a history, for their ranks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    times: Vec<u64>,
}

impl Timeline {
    pub(crate) fn new(places: impl Iterator<Item = Place>) -> Timeline {
        let mut times = BTreeSet::from([0]);
        for place in places {
            match place {
                Place::Decided(time) | Place::OpenBehind(time) | Place::Shows(time) => times.extend([time]),
                Place::TrueFor { version, as_of } => times.extend([version, as_of]),
            }
        }
        Timeline { times: times.into_iter().collect() }
    }

    fn write_tick(&self, time: u64) -> u64 {
        2 * self.times.partition_point(|known| *known < time) as u64
    }

    fn read_tick(&self, time: u64) -> u64 {
        self.write_tick(time) + 1
    }

    /// Judges one key that began absent.
    pub(crate) fn judge(&self, key: &[(Operation, Place)], limits: SearchLimits) -> Judged {
        let made: BTreeSet<u64> = key
            .iter()
            .filter_map(|(_, place)| match place {
                Place::Decided(version) => Some(*version),
                _ => None,
            })
            .collect();
        let mut placed = Vec::with_capacity(key.len());
        for (operation, place) in key {
            let mut put = |invoke_ns, return_ns, version| {
                placed.push(Operation { invoke_ns, return_ns, version, ..operation.clone() });
            };
            match *place {
                Place::Decided(version) | Place::Shows(version) => {
                    let tick = self.write_tick(version);
                    put(tick, Some(tick), Some(version));
                }
                Place::OpenBehind(time) => put(self.read_tick(time), None, None),
                Place::TrueFor { version, as_of } => {
                    let tick = self.read_tick(as_of);
                    put(tick, Some(tick), Some(version));
                    if !made.contains(&version) {
                        let tick = self.write_tick(version);
                        put(tick, Some(tick), Some(version));
                    }
                }
            }
        }
        let by_version = linearizable::judge(&placed);
        let by_search = search::judge(&placed, limits);
        let violation = by_version.violation().or(by_search.violation());
        let undecided = match (&by_version, &by_search) {
            (Judgement::Undecided(one), Judgement::Undecided(other)) => Some(format!("{one}; {other}")),
            _ => None,
        };
        Judged {
            class: class_of_both(&by_version, &by_search),
            violation: violation.map(|violation| restored(violation, key)),
            undecided,
        }
    }
}

/// The violation in terms of the operations as they were recorded.
fn restored(violation: &Violation, key: &[(Operation, Place)]) -> Violation {
    let mut shown: BTreeMap<usize, &(Operation, Place)> = BTreeMap::new();
    for operation in &violation.operations {
        let recorded = key.iter().find(|(recorded, _)| recorded.line == operation.line);
        shown.extend(recorded.map(|recorded| (operation.line, recorded)));
    }
    let mut restored = violation.clone();
    restored.operations = shown.values().map(|(operation, _)| operation.clone()).collect();
    if violation.rule == Rule::RealTime {
        restored.rule = Rule::OneOrder;
        restored.explanation = in_words(&shown.into_values().collect::<Vec<_>>());
    }
    restored
}

fn in_words(pair: &[&(Operation, Place)]) -> String {
    for (one, other) in [(0, 1), (1, 0)] {
        let (Some((reader, place)), Some((writer, at))) = (pair.get(one), pair.get(other)) else { continue };
        let (
            Place::TrueFor { version, as_of },
            Place::Decided(newer) | Place::TrueFor { version: newer, .. },
        ) = (*place, *at)
        else {
            continue;
        };
        if version < newer && newer <= as_of {
            let what = if matches!(writer.action, Action::Get { .. }) { "showed" } else { "made" };
            return format!(
                "line {} is true as of {as_of}, yet it shows version {version} of the key and not version {newer}, which line {} {what}",
                reader.line, writer.line
            );
        }
    }
    for (operation, place) in pair {
        if let Place::OpenBehind(time) = place {
            return format!(
                "only line {} could explain what was seen, and it cannot stand at or before {time}: its session had got so far before it",
                operation.line
            );
        }
    }
    let lines: Vec<String> = pair.iter().map(|(operation, _)| operation.line.to_string()).collect();
    format!("the timestamps of lines {} contradict the versions that they show", lines.join(" and "))
}
