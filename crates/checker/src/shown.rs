//! What answers below sequential show of decided and tentative state, whatever their session.
//!
//! A committed answer shows the value that its version had, so it fits at that version in the order of its key's decided
//! writes (`timeline`), and that had begun. A tentative answer that shows an assignment (`maker`) names it by a dot, unless somebody knew it to be
//! decided by then; that had begun, and was not decided where the replica had applied its log (`as_of`); and it
//! is hidden by a strong write that it had not seen (the overlay obeys the rules of the log).
//!
//! Not here: what an answer should have shown (`causal`), and sums of tentative effects.

use std::collections::BTreeMap;

use crate::decided::{Became, Fates, Lines};
use crate::fate::Dot;
use crate::history::{Commitment, HistoryError, OpName, Record, Status};
use crate::level::Level;
use crate::maker::{Maker, Makers};
use crate::register::Operation;
use crate::search::SearchLimits;
use crate::sequential::seen_before_begun;
use crate::timeline::{Place, Timeline};
use crate::verdict::{Class, LevelReport, Rule, Violation};

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
        if let Some(violation) = seen_before_begun(&key) {
            report.add(name, Class::Violation, Some(violation), None);
            continue;
        }
        let judged = timeline.judge(&key, limits);
        report.add(name, judged.class, judged.violation, judged.undecided);
    }
    Ok(())
}

fn tentative(lines: Lines<'_>, level: Level, report: &mut LevelReport) {
    let fates = Fates::new(lines);
    let makers = Makers::new(lines);
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
    for answer in answers {
        let maker = makers.of(&answer.1, &fates);
        let shown = match maker {
            Maker::Write(place) => Some(&lines.records[place]),
            Maker::Nobody | Maker::Unclear => None,
        };
        let named = answer.1.dots.iter().filter_map(|dot| writers.get(dot).copied());
        let too_new = named.chain(shown).find(|(_, write)| answer.1.return_ns < Some(write.invoke_ns));
        let newer = |seen: u64, as_of: u64| {
            let versions = strong.get(&*answer.1.key).into_iter().flatten();
            versions.copied().find(|version| seen < *version && *version <= as_of)
        };
        let found = match (too_new, maker, shown) {
            (Some(write), ..) => Some((
                Rule::SeenBeforeBegun,
                format!("line {} depends on what line {} began only later", answer.0, write.0),
                Some(write),
            )),
            (None, Maker::Nobody, _) => Some((
                Rule::Legality,
                format!("line {} shows as tentative what no tentative write of its key made", answer.0),
                None,
            )),
            (None, _, Some(write)) => wrongly_shown(answer, write, &fates, newer)
                .map(|(rule, explanation)| (rule, explanation, Some(write))),
            (None, _, None) => None,
        };
        if let Some((rule, explanation, writer)) = found {
            let lines = writer.into_iter().chain([answer]);
            let mut operations: Vec<Operation> =
                lines.filter_map(|(line, record)| Operation::from_record(*line, record)).collect();
            operations.sort_by_key(|operation| operation.line);
            report.violations.push(Violation { rule, explanation, operations });
        }
    }
}

/// What is wrong with an answer that shows this assignment. `newer` finds a strong write above the first time and not above the second.
fn wrongly_shown(
    (line, answer): &(usize, Record),
    (written_at, write): &(usize, Record),
    fates: &Fates<'_>,
    newer: impl Fn(u64, u64) -> Option<u64>,
) -> Option<(Rule, String)> {
    let dot = write.dots.first()?;
    let fate = fates.of(dot);
    let is_named = answer.dots.iter().any(|named| named.origin == dot.origin && named.number >= dot.number);
    let is_known = fate.and_then(|fate| fate.known_ns).is_some_and(|ns| answer.return_ns >= Some(ns));
    if let (Some(fate), Some(as_of)) = (fate, answer.as_of)
        && let Some(at) = fate.decided_version.filter(|at| *at <= as_of)
    {
        let text = format!(
            "line {line} shows {dot} as tentative at a replica that had applied its log up to {as_of}, behind {at}, where that was {}",
            fate.ending.as_str()
        );
        return Some((Rule::DecidedIsShown, text));
    }
    if !is_named && !is_known {
        let text = format!("line {line} shows what line {written_at} wrote, {dot}, and does not name it");
        return Some((Rule::Legality, text));
    }
    let seen = fate.and_then(|fate| fate.seen).or(write.as_of)?;
    let newer = newer(seen, answer.as_of?)?;
    let text = format!(
        "line {line} shows {dot} at a replica that had applied the strong write of version {newer}, which {dot} had not seen (it had seen up to {seen})"
    );
    Some((Rule::StrongWins, text))
}
