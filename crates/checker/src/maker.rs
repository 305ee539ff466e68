//! Whose tentative write an answer shows.
//!
//! The dots of an answer say what it depends on: the operations that it shows, what these depend on, and what made the decided
//! state beneath. None of them need be what is shown, and one that its node knows to be decided is left out. So what is shown is told
//! by the value: whoever wrote it made it. Of an absent key it is the deletion, where only one can be meant.
//!
//! Invariant: a maker is named only where nobody else can be meant. Not here: keys with effects, whose value is a sum.

use std::collections::{BTreeMap, BTreeSet};

use crate::decided::{Fates, Lines};
use crate::history::{OpName, Record, Status};

/// Who made what a tentative answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// The tentative write at this place of the history, which has a dot.
    Write(usize),
    /// No tentative write of the history can have made it.
    Nobody,
    /// Several could, or it is nothing that a single write makes.
    Unclear,
}

/// The tentative writes of one key.
#[derive(Default)]
struct Key<'a> {
    /// By value, all below sequential that wrote it: what is decided at once is never tentative.
    setters: BTreeMap<&'a str, Vec<usize>>,
    /// Deletions below sequential.
    erasers: Vec<usize>,
}

/// All writes of a history by what they make.
pub(crate) struct Makers<'a> {
    lines: Lines<'a>,
    keys: BTreeMap<&'a str, Key<'a>>,
    /// Keys with INCR or APPEND, at whatever level.
    computed: BTreeSet<&'a str>,
}

impl<'a> Makers<'a> {
    pub(crate) fn new(lines: Lines<'a>) -> Makers<'a> {
        let mut makers = Makers { lines, keys: BTreeMap::new(), computed: BTreeSet::new() };
        for (place, (_, record)) in lines.records.iter().enumerate() {
            if record.status == Status::Fail || !record.may_write() {
                continue;
            }
            let key = makers.keys.entry(&record.key).or_default();
            let weak = record.valid_level().is_weak();
            match record.op {
                OpName::Set | OpName::Cas if weak => {
                    key.setters.entry(record.value.as_deref().unwrap_or_default()).or_default().push(place);
                }
                OpName::Del if weak => key.erasers.push(place),
                OpName::Incr | OpName::Append => drop(makers.computed.insert(&record.key)),
                OpName::Set | OpName::Cas | OpName::Del | OpName::Get => {}
            }
        }
        makers
    }

    /// Who made what this tentative answer to a get shows.
    pub(crate) fn of(&self, answer: &Record, fates: &Fates<'_>) -> Maker {
        if self.computed.contains(&*answer.key) {
            return Maker::Unclear;
        }
        let key = self.keys.get(&*answer.key);
        let candidates: Vec<usize> = match &answer.value {
            Some(value) => {
                let setters = key.and_then(|key| key.setters.get(&**value));
                let Some(setters) = setters else { return Maker::Nobody };
                setters.clone()
            }
            None => {
                let erasers = key.map(|key| &key.erasers[..]).unwrap_or_default();
                erasers.iter().copied().filter(|place| self.may_be_shown(*place, answer, fates)).collect()
            }
        };
        match candidates[..] {
            [] => Maker::Nobody,
            [only] if !self.lines.records[only].1.dots.is_empty() => Maker::Write(only),
            _ => Maker::Unclear,
        }
    }

    /// Whether a deletion had begun, and was not decided where the answer came from.
    fn may_be_shown(&self, place: usize, answer: &Record, fates: &Fates<'_>) -> bool {
        let write = &self.lines.records[place].1;
        let decided = write.dots.first().and_then(|dot| fates.of(dot)).and_then(|fate| fate.decided_version);
        answer.return_ns >= Some(write.invoke_ns)
            && decided.is_none_or(|at| answer.as_of.is_none_or(|as_of| at > as_of))
    }
}
