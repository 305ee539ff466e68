//! What answers below sequential show of decided and tentative state, whatever their session.
//!
//! A committed answer shows the value that its version had, so it fits at that version in the order of its key's decided
//! writes (`timeline`). A tentative answer names the writes that it shows, by their dots: they are of its key, had begun,
//! and were not decided where the replica had applied its log (`as_of`); an assignment is shown with its own value, and
//! is hidden by a strong write that it had not seen (the overlay obeys the rules of the log).
//!
//! Not here: what an answer should have shown (`causal`), and sums of tentative effects.

use std::collections::BTreeMap;

use crate::decided::{Became, Fates, Lines};
use crate::fate::Dot;
use crate::history::{Commitment, HistoryError, OpName, Record, Status};
use crate::level::Level;
use crate::register::Operation;
use crate::search::SearchLimits;
use crate::timeline::{Place, Timeline};
use crate::verdict::{LevelReport, Rule, Violation};

/// Judges the answers of one level below sequential.
///
/// # Errors
/// A committed answer lacks its `version`, or an answered strong write its own.
pub(crate) fn judge(
    lines: Lines<'_>,
    level: Level,
    limits: SearchLimits,
    report: &mut LevelReport,
) -> Result<(), HistoryError> {
    committed(lines, level, limits, report)?;
    tentative(lines, level, report);
    Ok(())
}

/// Whether it is an answer of this level that shows decided state only.
fn is_committed_answer(record: &Record, level: Level) -> bool {
    record.status == Status::Ok
        && record.op == OpName::Get
        && record.valid_level() == level
        && record.state != Some(Commitment::Tentative)
}

fn committed(
    lines: Lines<'_>,
    level: Level,
    limits: SearchLimits,
    report: &mut LevelReport,
) -> Result<(), HistoryError> {
    let fates = Fates::new(lines);
    let mut keys: BTreeMap<&str, Vec<(Operation, Place)>> = BTreeMap::new();
    for (line, record) in lines.records.iter().filter(|(_, record)| is_committed_answer(record, level)) {
        let version = record.version.ok_or_else(|| HistoryError {
            line: *line,
            message:
                "a committed answer needs `version`; write down what its certificate says, or state tentative"
                    .into(),
        })?;
        let operation = Operation::from_record(*line, record);
        keys.entry(&record.key)
            .or_default()
            .extend(operation.map(|operation| (operation, Place::Shows(version))));
    }
    for (line, record) in
        lines.records.iter().filter(|(_, record)| record.may_write() && record.status != Status::Fail)
    {
        let Some(key) = keys.get_mut(&*record.key) else { continue };
        let (place, version) = match fates.became(*line, record)? {
            Became::Decided(version) => (Place::Decided(version), Some(version)),
            Became::Open => (Place::OpenBehind(0), None),
            Became::Nothing => continue,
        };
        let operation = match record.valid_level().is_weak() {
            true => Operation::tentative(*line, record, version),
            false => Operation::from_record(*line, record),
        };
        key.extend(operation.map(|operation| (operation, place)));
    }
    let timeline = Timeline::new(keys.values().flatten().map(|(_, place)| *place));
    for (name, key) in keys {
        let judged = timeline.judge(&key, limits);
        report.add(name, judged.class, judged.violation, judged.undecided);
    }
    Ok(())
}

fn tentative(lines: Lines<'_>, level: Level, report: &mut LevelReport) {
    let fates = Fates::new(lines);
    let mut writers: BTreeMap<&Dot, &(usize, Record)> = BTreeMap::new();
    let mut strong: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for write in
        lines.records.iter().filter(|(_, record)| record.may_write() && record.status != Status::Fail)
    {
        if !write.1.valid_level().is_weak() {
            strong.entry(&write.1.key).or_default().extend(write.1.version);
        } else if let Some(dot) = write.1.dots.first() {
            writers.entry(dot).or_insert(write);
        }
    }
    let answers = lines.records.iter().filter(|(_, record)| {
        record.status == Status::Ok
            && record.op == OpName::Get
            && record.valid_level() == level
            && record.state == Some(Commitment::Tentative)
    });
    for (line, record) in answers {
        for dot in &record.dots {
            let fate = fates.of(dot);
            let writer = writers.get(dot).copied();
            let mut blame = |rule, explanation: String| {
                let writer = writer.and_then(|(line, record)| Operation::from_record(*line, record));
                let mut operations: Vec<Operation> =
                    writer.into_iter().chain(Operation::from_record(*line, record)).collect();
                operations.sort_by_key(|operation| operation.line);
                report.violations.push(Violation { rule, explanation, operations });
            };
            if let (Some(at), Some(as_of)) = (fate.and_then(|fate| fate.decided_version), record.as_of)
                && at <= as_of
            {
                blame(
                    Rule::DecidedIsShown,
                    format!(
                        "line {line} shows {dot} as tentative at a replica that had applied its log up to {as_of}, behind {at}, where that was {}",
                        fate.map_or("", |fate| fate.ending.as_str())
                    ),
                );
                continue;
            }
            let Some((written_at, write)) = writer else { continue };
            let assigns = matches!(write.op, OpName::Set | OpName::Del);
            let text = if write.op == OpName::Set { &write.value } else { &None };
            if write.key != record.key {
                blame(
                    Rule::Legality,
                    format!("line {line} shows {dot}, which line {written_at} wrote to another key"),
                );
            } else if record.return_ns < Some(write.invoke_ns) {
                blame(
                    Rule::SeenBeforeBegun,
                    format!("line {line} shows {dot}, which line {written_at} began only later"),
                );
            } else if assigns && record.dots.len() == 1 && *text != record.value {
                blame(
                    Rule::Legality,
                    format!("line {line} shows {dot}, but not the value that line {written_at} wrote"),
                );
            } else if let (true, Some(seen), Some(as_of)) =
                (assigns, fate.and_then(|fate| fate.seen).or(write.as_of), record.as_of)
                && let Some(newer) = strong
                    .get(&*record.key)
                    .into_iter()
                    .flatten()
                    .find(|version| seen < **version && **version <= as_of)
            {
                blame(
                    Rule::StrongWins,
                    format!(
                        "line {line} shows {dot} at a replica that had applied the strong write of version {newer}, which {dot} had not seen (it had seen up to {seen})"
                    ),
                );
            }
        }
    }
}
