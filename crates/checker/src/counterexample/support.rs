//! What a reader must see beside an operation to believe it: who wrote what it shows.
//!
//! An answer rests on the write of its version and on the tentative writes of its key that it names; where no such write
//! is known, on all that wrote the value that it shows. What it rests on stays in a counterexample with it, so nobody
//! takes for a value out of thin air what was only left out.
//!
//! Where there are no versions (the judge searched for any order), an answer that is no plain value of a plain write may rest on any
//! write of its key, and so it does.
//!
//! Not here: what an operation follows (real time, sessions): leaving those out makes the judge fall silent by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::decided::{Became, Fates, Lines};
use crate::fate::Dot;
use crate::history::{History, OpName, Record, Status};

/// For each record, the places of those that it rests on.
pub(super) struct Support(Vec<Vec<usize>>);

impl Support {
    /// What rests on what; `by_search`: for a judge that takes no order from versions.
    pub(super) fn new(history: &History, by_search: bool) -> Support {
        let fates = Fates::new(Lines::from(history));
        let mut by_version: BTreeMap<(&str, u64), usize> = BTreeMap::new();
        let mut by_dot: BTreeMap<&Dot, usize> = BTreeMap::new();
        let mut writes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_value: BTreeMap<(&str, Option<&str>), Vec<usize>> = BTreeMap::new();
        for (place, (line, record)) in history.records.iter().enumerate() {
            if record.status == Status::Fail || !record.may_write() {
                continue;
            }
            if let Ok(Became::Decided(version)) = fates.became(*line, record) {
                by_version.entry((&record.key, version)).or_insert(place);
            }
            writes.entry(&record.key).or_default().push(place);
            by_dot.extend(record.dots.first().map(|dot| (dot, place)));
            by_value.entry((&record.key, record.value.as_deref())).or_default().push(place);
        }
        let of = |(place, (_, record)): (usize, &(usize, Record))| {
            let mut rests: Vec<usize> = Vec::new();
            if by_search {
                let of_key = writes.get(&*record.key).map_or(&[][..], Vec::as_slice);
                let computed = of_key.iter().any(|write| {
                    matches!(history.records[*write].1.op, OpName::Incr | OpName::Append | OpName::Del)
                });
                match record.op {
                    OpName::Set => {}
                    OpName::Get if !computed => {
                        rests.extend(
                            by_value.get(&(&*record.key, record.value.as_deref())).into_iter().flatten(),
                        );
                    }
                    _ => rests.extend(of_key),
                }
                rests.retain(|other| *other != place);
                return rests;
            }
            if record.status != Status::Ok || record.may_write() {
                return rests;
            }
            let version = record.version.unwrap_or_default();
            rests.extend(by_version.get(&(&*record.key, version)));
            let named = record.dots.iter().filter_map(|dot| by_dot.get(dot).copied());
            rests.extend(named.filter(|write| history.records[*write].1.key == record.key));
            if rests.is_empty() && record.value.is_some() {
                rests.extend(by_value.get(&(&*record.key, record.value.as_deref())).into_iter().flatten());
            }
            rests.retain(|other| *other != place);
            rests
        };
        Support(history.records.iter().enumerate().map(of).collect())
    }

    /// The places with all that they rest on, in order.
    pub(super) fn closed(&self, places: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut open: Vec<usize> = places.into_iter().collect();
        let mut all = BTreeSet::new();
        while let Some(place) = open.pop() {
            if all.insert(place) {
                open.extend(&self.0[place]);
            }
        }
        all.into_iter().collect()
    }
}
