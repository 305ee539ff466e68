//! Which operations count for what was decided: the place where levels and fates become operations to judge.
//!
//! A strong write (linearizable or sequential) is decided when it is answered. A tentative one is decided when a fate
//! says so, at the version that the fate names; without a fate it may take effect once, at any version, or never, which
//! is what an operation of unknown outcome may. One that was superseded or lost never takes effect.
//!
//! Not here: whether the fates themselves make sense (`tentative`).

use std::collections::{BTreeMap, BTreeSet};

use crate::fate::{Dot, Ending, Fate};
use crate::history::{History, HistoryError, Record, Status};
use crate::level::Level;
use crate::register::Operation;

/// A history that is only looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    pub(crate) records: &'a [(usize, Record)],
    pub(crate) fates: &'a [(usize, Fate)],
}

impl<'a> From<&'a History> for Lines<'a> {
    fn from(history: &'a History) -> Lines<'a> {
        Lines { records: &history.records, fates: &history.fates }
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    /// It took effect, at this version.
    Decided(u64),
    /// It never takes effect.
    Nothing,
    /// It may take effect once, or never.
    Open,
}

/// The first fate of each tentative write.
#[derive(Debug)]
pub(crate) struct Fates<'a>(BTreeMap<&'a Dot, &'a Fate>);

impl<'a> Fates<'a> {
    pub(crate) fn new(lines: Lines<'a>) -> Fates<'a> {
        let mut first = BTreeMap::new();
        for (_, fate) in lines.fates {
            first.entry(&fate.dot).or_insert(fate);
        }
        Fates(first)
    }

    /// The fate of a dot.
    pub(crate) fn of(&self, dot: &Dot) -> Option<&'a Fate> {
        self.0.get(dot).copied()
    }

    /// What became of a write that did not certainly fail.
    ///
    /// # Errors
    /// A strong write was answered without its version.
    pub(crate) fn became(&self, line: usize, record: &Record) -> Result<Became, HistoryError> {
        if record.valid_level().is_weak() {
            let fate = record.dots.first().and_then(|dot| self.of(dot));
            return Ok(match fate.map(|fate| (fate.ending, fate.decided_version)) {
                Some((Ending::Decided, Some(version))) => Became::Decided(version),
                Some((Ending::Superseded | Ending::Lost, _)) => Became::Nothing,
                Some((Ending::Decided, None)) | None => Became::Open,
            });
        }
        match (record.status, record.version) {
            (Status::Unknown, _) => Ok(Became::Open),
            (_, Some(version)) => Ok(Became::Decided(version)),
            (_, None) => Err(HistoryError {
                line,
                message: "a write that was answered needs `version`, its commit timestamp, to be judged with other levels"
                    .into(),
            }),
        }
    }
}

/// The operations that linearizability is asked of, by key: those at that level, all decided strong writes, and
/// tentative writes as what may take effect at any time. Keys with tentative writes alone are left out: nothing binds
/// those to real time.
pub(crate) fn linearizable_operations(lines: Lines<'_>) -> BTreeMap<String, Vec<Operation>> {
    let fates = Fates::new(lines);
    let strong: BTreeSet<&str> = lines
        .records
        .iter()
        .filter(|(_, record)| match record.valid_level() {
            Level::Linearizable => true,
            Level::Sequential => record.may_write(),
            Level::Causal | Level::Eventual => false,
        })
        .map(|(_, record)| record.key.as_str())
        .collect();
    let mut keys: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (line, record) in lines.records.iter().filter(|(_, record)| strong.contains(record.key.as_str())) {
        let operation = match record.valid_level() {
            Level::Linearizable => Operation::from_record(*line, record),
            Level::Sequential if record.may_write() => Operation::from_record(*line, record),
            Level::Causal | Level::Eventual if record.may_write() && record.status != Status::Fail => {
                match fates.became(*line, record) {
                    Ok(Became::Decided(version)) => Operation::tentative(*line, record, Some(version)),
                    Ok(Became::Open) => Operation::tentative(*line, record, None),
                    Ok(Became::Nothing) | Err(_) => None,
                }
            }
            _ => continue,
        };
        keys.entry(record.key.clone()).or_default().extend(operation);
    }
    keys
}
