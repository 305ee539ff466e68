//! The judge of `eventual`: what becomes of tentative writes, and whether all nodes agree in the end.
//!
//! * *Exactly once*: a tentative write that was acknowledged is decided or superseded once. Sightings of its fate agree, two
//!   writes never share a dot, and no fate is missing once there are fates. Lost with every disk is an excuse.
//! * *An origin's writes enter the log in their order*: on one key, so in one shard, versions grow with numbers.
//! * *Strong wins*: no tentative assignment takes effect over a strong write that it had not seen, and none loses to a strong
//!   one that it had. *Newest wins*: of tentative assignments with no strong write between, a later place in the log needs a
//!   later time. Together: a deletion is not undone by an assignment that loses to it, whether its tombstone lives or not.
//! * *Convergence*: answers that were asked for after everything came to rest are committed, equal, and at the newest version.
//! * Answers at this level show what there was (`shown`).
//!
//! What an assignment had seen is in its fate (`seen`), else it is the `as_of` of its answer, which can only be later: so
//! a missing `seen` may hide a violation and never invents one.
//!
//! Not here: sessions (`causal`); whether a write that is said to be lost was on a living disk, which only the simulator
//! knows.

use std::collections::BTreeMap;

use crate::decided::{Became, Fates, Lines};
use crate::fate::{Dot, Ending, Fate};
use crate::history::{Commitment, HistoryError, OpName, Record, Status};
use crate::level::Level;
use crate::register::Operation;
use crate::search::SearchLimits;
use crate::shown;
use crate::verdict::{Class, LevelReport, Rule, Violation};

/// Whether a history has something that this judge is for.
pub(crate) fn is_called_for(lines: Lines<'_>) -> bool {
    let weak = |record: &Record| {
        record.valid_level() == Level::Eventual || (record.valid_level().is_weak() && record.may_write())
    };
    lines.records.iter().any(|(_, record)| record.status != Status::Fail && (weak(record) || record.settled))
}

/// Judges valid records and fates.
///
/// # Errors
/// An acknowledged tentative write lacks its dot, or an answer its `version`.
pub(crate) fn judge(lines: Lines<'_>, limits: SearchLimits) -> Result<LevelReport, HistoryError> {
    let mut judge = Judge { lines, fates: Fates::new(lines), report: LevelReport::new(Level::Eventual) };
    let acknowledged = judge.exactly_once()?;
    let decided = judge.arbitration()?;
    let settled = judge.convergence()?;
    let eventual = |(_, record): &&(usize, Record)| {
        record.status == Status::Ok && !record.may_write() && record.valid_level() == Level::Eventual
    };
    let answers = lines.records.iter().filter(eventual).count();
    let mut report = judge.report;
    report.operations = acknowledged + answers + settled;
    report.judged = format!(
        "{acknowledged} acknowledged tentative writes, {decided} of them decided, by {} fates; {answers} eventual answers by value; {settled} answers \
         after everything came to rest",
        lines.fates.len()
    );
    if lines.fates.is_empty() && acknowledged > 0 {
        report
            .notes
            .push("there are no fates, so nobody knows what became of the tentative writes".to_owned());
        report.class = Class::Undecided;
    }
    shown::judge(lines, Level::Eventual, limits, &mut report)?;
    Ok(report.finished())
}

struct Judge<'a> {
    lines: Lines<'a>,
    fates: Fates<'a>,
    report: LevelReport,
}

/// A decided write of one key.
struct Write<'a> {
    line: usize,
    record: &'a Record,
    version: u64,
    fate: Option<&'a Fate>,
}

impl Write<'_> {
    fn is_strong(&self) -> bool {
        !self.record.valid_level().is_weak()
    }

    fn assigns(&self) -> bool {
        matches!(self.record.op, OpName::Set | OpName::Del)
    }

    fn seen(&self) -> Option<u64> {
        self.fate.and_then(|fate| fate.seen).or(self.record.as_of)
    }
}

impl<'a> Judge<'a> {
    /// Each acknowledged tentative write has one dot and one fate; how many there are.
    fn exactly_once(&mut self) -> Result<usize, HistoryError> {
        let mut writers: BTreeMap<&Dot, usize> = BTreeMap::new();
        let mut acknowledged = 0;
        for (line, record) in self.lines.records {
            if !record.valid_level().is_weak() || !record.may_write() || record.status == Status::Fail {
                continue;
            }
            let Some(dot) = record.dots.first() else {
                if record.status == Status::Ok {
                    let message =
                        "an acknowledged tentative write needs `dots` with its own dot, such as [[\"n1\",7]]"
                            .into();
                    return Err(HistoryError { line: *line, message });
                }
                continue;
            };
            acknowledged += usize::from(record.status == Status::Ok);
            if let Some(first) = writers.insert(dot, *line) {
                let text = format!("lines {first} and {line} are two writes with one dot, {dot}");
                self.blame(Rule::ExactlyOnce, text, &[first, *line]);
            }
            if record.status == Status::Ok && self.fates.of(dot).is_none() && !self.lines.fates.is_empty() {
                let text = format!(
                    "line {line} was acknowledged, and {dot} is neither decided nor superseded nor lost"
                );
                self.blame(Rule::ExactlyOnce, text, &[*line]);
            }
        }
        let mut first: BTreeMap<&Dot, (usize, &Fate)> = BTreeMap::new();
        for (line, fate) in self.lines.fates {
            let (told, known) = *first.entry(&fate.dot).or_insert((*line, fate));
            let place =
                known.decided_version.zip(fate.decided_version).is_none_or(|(one, other)| one == other);
            if known.ending != fate.ending || !place {
                let text = format!(
                    "{} has two fates: {} by line {told} and {} by line {line}",
                    fate.dot,
                    in_words(known),
                    in_words(fate)
                );
                let writer = writers.get(&fate.dot).copied();
                self.blame(Rule::ExactlyOnce, text, writer.as_slice());
            }
        }
        Ok(acknowledged)
    }

    /// Each key's decided writes in the order of the log; how many tentative ones there are.
    fn arbitration(&mut self) -> Result<usize, HistoryError> {
        let mut keys: BTreeMap<&str, Vec<Write<'a>>> = BTreeMap::new();
        for (line, record) in self.lines.records {
            if record.status == Status::Fail || !record.may_write() {
                continue;
            }
            let fate = record
                .dots
                .first()
                .filter(|_| record.valid_level().is_weak())
                .and_then(|dot| self.fates.of(dot));
            let version = match self.fates.became(*line, record)? {
                Became::Decided(version) => version,
                Became::Nothing | Became::Open => continue,
            };
            keys.entry(&record.key).or_default().push(Write { line: *line, record, version, fate });
        }
        let mut tentative = 0;
        for writes in keys.values_mut() {
            writes.sort_by_key(|write| write.version);
            tentative += writes.iter().filter(|write| !write.is_strong()).count();
            self.strong_wins(writes);
            self.newest_wins(writes);
            self.in_order_of_numbers(writes);
        }
        self.losers(&keys);
        Ok(tentative)
    }

    fn strong_wins(&mut self, writes: &[Write<'_>]) {
        let mut strong: Option<&Write<'_>> = None;
        for write in writes {
            if write.is_strong() {
                strong = Some(write);
            } else if let (true, Some(strong), Some(seen)) = (write.assigns(), strong, write.seen())
                && seen < strong.version
            {
                let text = format!(
                    "line {} took effect at version {} over the strong write of line {}, version {}, which it had not seen: it had seen up to {seen}",
                    write.line, write.version, strong.line, strong.version
                );
                self.blame(Rule::StrongWins, text, &[strong.line, write.line]);
            }
        }
    }

    fn newest_wins(&mut self, writes: &[Write<'_>]) {
        let mut winner: Option<(&Write<'_>, u64)> = None;
        for write in writes {
            if write.is_strong() {
                winner = None;
                continue;
            }
            let Some(time) = write.fate.and_then(|fate| fate.time).filter(|_| write.assigns()) else {
                continue;
            };
            if let Some((before, newer)) = winner
                && time < newer
            {
                let text = format!(
                    "line {} of time {time} took effect at version {} over line {}, which is newer: time {newer}, version {}",
                    write.line, write.version, before.line, before.version
                );
                self.blame(Rule::NewestWins, text, &[before.line, write.line]);
            }
            winner = Some((write, time));
        }
    }

    fn in_order_of_numbers(&mut self, writes: &[Write<'_>]) {
        let mut last: BTreeMap<&str, (&Write<'_>, u64)> = BTreeMap::new();
        for write in writes.iter().filter(|write| !write.is_strong()) {
            let Some(dot) = write.record.dots.first() else { continue };
            if let Some((before, number)) = last.insert(&dot.origin, (write, dot.number))
                && dot.number < number
            {
                let text = format!(
                    "origin {} decided its number {} (line {}) behind its number {number} (line {}) of the same key",
                    dot.origin, dot.number, write.line, before.line
                );
                self.blame(Rule::ExactlyOnce, text, &[before.line, write.line]);
            }
        }
    }

    /// A write that was superseded by a write lost to one that stood before it and that it had reason to lose to.
    fn losers(&mut self, keys: &BTreeMap<&str, Vec<Write<'a>>>) {
        for (line, record) in self.lines.records {
            let Some(fate) =
                record.dots.first().filter(|_| record.may_write()).and_then(|dot| self.fates.of(dot))
            else {
                continue;
            };
            let (Ending::Superseded, Some(by)) = (fate.ending, fate.by) else { continue };
            if fate.decided_version.is_some_and(|at| at <= by) {
                let text = format!(
                    "line {line} was superseded by version {by}, which stands behind its own place in the log"
                );
                self.blame(Rule::LosesToUnseen, text, &[*line]);
                continue;
            }
            let winner =
                keys.get(&*record.key).and_then(|writes| writes.iter().find(|write| write.version == by));
            let Some(winner) = winner else { continue };
            // What its answer said is no proof of what it had not seen: only the fate's own word counts here.
            if let (true, Some(seen)) = (winner.is_strong(), fate.seen)
                && by <= seen
            {
                let text = format!(
                    "line {line} was superseded by the strong write of line {}, version {by}, which it had seen: it had seen up to {seen}",
                    winner.line
                );
                self.blame(Rule::LosesToUnseen, text, &[winner.line, *line]);
            } else if let (false, Some(seen), Some(time), Some(newer)) =
                (winner.is_strong(), fate.seen, fate.time, winner.fate.and_then(|fate| fate.time))
                // It may have lost to a strong write before, whatever stands there now.
                && !keys[&*record.key].iter().any(|write| write.is_strong() && write.version > seen)
                && newer < time
            {
                let text = format!(
                    "line {line} of time {time} lost to line {} of time {newer}, which is older",
                    winner.line
                );
                self.blame(Rule::NewestWins, text, &[winner.line, *line]);
            }
        }
    }

    /// What was asked after everything had come to rest; how many answers.
    fn convergence(&mut self) -> Result<usize, HistoryError> {
        let mut newest: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
        for (line, record) in self.lines.records {
            if record.status != Status::Fail
                && record.may_write()
                && let Became::Decided(version) = self.fates.became(*line, record)?
            {
                let known = newest.entry(&record.key).or_insert((version, *line));
                *known = (*known).max((version, *line));
            }
        }
        let mut first: BTreeMap<&str, (usize, &Record)> = BTreeMap::new();
        let mut settled = 0;
        for (line, record) in self.lines.records {
            if !record.settled || record.op != OpName::Get || record.status != Status::Ok {
                continue;
            }
            settled += 1;
            let (told, known) = *first.entry(&record.key).or_insert((*line, record));
            let newest = newest.get(&*record.key).copied();
            if record.state == Some(Commitment::Tentative) {
                let text = format!("line {line} is still tentative after everything came to rest");
                self.blame(Rule::Convergence, text, &[*line]);
            } else if known.value != record.value
                // Of an absent key it is its slot's newest deletion, which another key's expiry may move.
                || (record.value.is_some() && known.version != record.version)
            {
                let text = format!(
                    "lines {told} and {line} differ about key {:?} after everything came to rest",
                    record.key
                );
                self.blame(Rule::Convergence, text, &[told, *line]);
            } else if let Some((version, writer)) =
                newest.filter(|(version, _)| record.version.is_some_and(|shown| shown < *version))
            {
                let text = format!(
                    "line {line} does not show version {version} of line {writer} after everything came to rest"
                );
                self.blame(Rule::Convergence, text, &[writer, *line]);
            }
        }
        Ok(settled)
    }

    fn blame(&mut self, rule: Rule, explanation: String, lines: &[usize]) {
        let shown = self.lines.records.iter().filter(|(line, _)| lines.contains(line));
        let mut operations: Vec<Operation> =
            shown.filter_map(|(line, record)| Operation::from_record(*line, record)).collect();
        operations.sort_by_key(|operation| operation.line);
        self.report.violations.push(Violation { rule, explanation, operations });
    }
}

fn in_words(fate: &Fate) -> String {
    let at = fate.decided_version.map(|version| format!(" at {version}")).unwrap_or_default();
    format!("{}{at}", fate.ending.as_str())
}
