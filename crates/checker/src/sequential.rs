//! The judge of `sequential`: have all decided writes and all sequential reads of the whole cluster one legal total
//! order that every session agrees with, and is the order by timestamps one?
//!
//! The order is not searched for, it is claimed by the answers: a write stands at its `version`, its commit timestamp; a
//! sequential read at its `as_of`, behind all writes up to there. Four things are asked. Is an answer's version no
//! newer than the time it is true for? Does each session's program order agree, strictly where the later operation is a
//! write? Does each read show the newest write of its key up to its time, and each write that answers (CAS, INCR) its
//! own place (`timeline`)? And had what was seen begun when it was seen? Sorting is the only step that is not linear.
//!
//! *Equal timestamps.* Versions are unique in a shard only. At one time all writes stand before all reads; writes of one
//! time stand in the order of their lines, and reads in the order of their answers. That is legal: two writes of one
//! time are of different shards, so of different keys, and no read stands between them, so nobody can tell their order;
//! no session can either, as its own writes must have growing timestamps. Reads change nothing, so theirs needs only to
//! agree with each session, and answers do.
//!
//! *Unknown writes* stand behind what their session did before them, once or nowhere; nothing is bound to stand behind
//! them. *Tentative writes* stand where they were decided, which their session's order does not bind. *Linearizable
//! reads*, and refused linearizable writes, stand outside: real time orders them, and across shards the two orders need
//! not agree. A refused sequential write counts as a read.
//!
//! Of an absent key the version is its slot's newest deletion. Slots are not known here, so it is only held to be no
//! older than what this key shows.
//!
//! Not here: the session's own tentative writes, which a sequential read must show too (`causal`).

use std::collections::BTreeMap;

use crate::decided::{Became, Fates, Lines};
use crate::history::{HistoryError, Record, Status};
use crate::level::Level;
use crate::program_order::{Step, newest_before};
use crate::register::{Action, Operation, number};
use crate::search::SearchLimits;
use crate::timeline::{Place, Timeline};
use crate::verdict::{Class, LevelReport, Rule, Violation};

/// Whether a history has something that this judge is for.
pub(crate) fn is_called_for(lines: Lines<'_>) -> bool {
    lines
        .records
        .iter()
        .any(|(_, record)| record.valid_level() == Level::Sequential && record.status != Status::Fail)
}

/// An operation that has a place in the one order, and the line that it comes from.
struct Placed<'a> {
    record: &'a Record,
    operation: Operation,
    place: Place,
}

/// Judges valid records.
///
/// # Errors
/// A sequential read lacks `as_of` or `version`, or an answered strong write its `version`.
pub(crate) fn judge(lines: Lines<'_>, limits: SearchLimits) -> Result<LevelReport, HistoryError> {
    let fates = Fates::new(lines);
    let mut report = LevelReport::new(Level::Sequential);
    let mut placed: Vec<Option<Placed<'_>>> = Vec::with_capacity(lines.records.len());
    for (line, record) in lines.records {
        placed.push(place(*line, record, &fates)?);
    }

    let steps: Vec<Step<'_>> = lines
        .records
        .iter()
        .zip(&placed)
        .map(|((_, record), placed)| Step {
            // An eventual operation touches no session, so it brings no token to it either.
            session: record.session.as_deref().filter(|_| record.valid_level() != Level::Eventual),
            joins: &record.joins,
            invoke_ns: record.invoke_ns,
            return_ns: record.return_ns.filter(|_| record.status == Status::Ok),
            time: placed.as_ref().filter(|placed| is_bound(placed)).and_then(|placed| time_of(placed.place)),
        })
        .collect();
    for (at, bound) in newest_before(&steps).into_iter().enumerate() {
        let (Some((time, before)), Some(now)) = (bound, &mut placed[at]) else { continue };
        if let Place::OpenBehind(_) = now.place {
            if is_bound(now) {
                now.place = Place::OpenBehind(time);
            }
            continue;
        }
        let (Some(own), true) = (time_of(now.place), is_bound(now)) else { continue };
        let writes = now.operation.action.writes();
        if own < time || (writes && own == time) {
            let (now, before) = (&placed[at], &placed[before]);
            report
                .violations
                .extend(now.as_ref().zip(before.as_ref()).map(|(now, before)| out_of_order(now, before)));
        }
    }
    for placed in placed.iter().flatten() {
        if let Place::TrueFor { version, as_of } = placed.place
            && version > as_of
        {
            report.violations.push(Violation {
                rule: Rule::Certificate,
                explanation: format!(
                    "line {} shows version {version} and says that this is true as of {as_of}, before it was written",
                    placed.operation.line
                ),
                operations: vec![placed.operation.clone()],
            });
        }
    }
    describe(&placed, &mut report);
    if report.violations.is_empty() {
        judge_keys(placed.into_iter().flatten(), limits, &mut report);
    }
    Ok(report.finished())
}

/// The operation with its place, `None` if it has none in this order.
fn place<'a>(line: usize, record: &'a Record, fates: &Fates<'_>) -> Result<Option<Placed<'a>>, HistoryError> {
    if record.status == Status::Fail {
        return Ok(None);
    }
    let level = record.valid_level();
    let place = if record.may_write() {
        match fates.became(line, record)? {
            Became::Decided(version) => Place::Decided(version),
            Became::Open => Place::OpenBehind(0),
            Became::Nothing => return Ok(None),
        }
    } else if level == Level::Sequential && record.status == Status::Ok {
        let missing = |field: &str| HistoryError {
            line,
            message: format!(
                "an answered sequential `{}` that wrote nothing needs `{field}`; write down what the answer's certificate says",
                record.op.as_str()
            ),
        };
        Place::TrueFor {
            version: record.version.ok_or_else(|| missing("version"))?,
            as_of: record.as_of.ok_or_else(|| missing("as_of"))?,
        }
    } else {
        return Ok(None);
    };
    let operation = match (level.is_weak(), place) {
        (false, _) => Operation::from_record(line, record),
        (true, Place::Decided(version)) => Operation::tentative(line, record, Some(version)),
        (true, _) => Operation::tentative(line, record, None),
    };
    Ok(operation.map(|operation| Placed { record, operation, place }))
}

/// Whether its session's order binds it: strong writes and sequential reads.
fn is_bound(placed: &Placed<'_>) -> bool {
    !placed.record.valid_level().is_weak()
}

/// Where it stands, if that is known.
fn time_of(place: Place) -> Option<u64> {
    match place {
        Place::Decided(time) | Place::Shows(time) | Place::TrueFor { as_of: time, .. } => Some(time),
        Place::OpenBehind(_) => None,
    }
}

fn out_of_order(now: &Placed<'_>, before: &Placed<'_>) -> Violation {
    let stands = |placed: &Placed<'_>| match placed.place {
        Place::TrueFor { as_of, .. } => format!("reads as of {as_of}"),
        _ => format!("wrote version {}", time_of(placed.place).unwrap_or_default()),
    };
    let session = now.record.session.as_deref().unwrap_or_default();
    let mut operations = vec![before.operation.clone(), now.operation.clone()];
    operations.sort_by_key(|operation| operation.line);
    Violation {
        rule: Rule::SessionOrder,
        explanation: format!(
            "session {session}: line {} {} after line {} {}, so the one order contradicts the session's",
            now.operation.line,
            stands(now),
            before.operation.line,
            stands(before),
        ),
        operations,
    }
}

/// What was judged, in a sentence.
fn describe(placed: &[Option<Placed<'_>>], report: &mut LevelReport) {
    let mut sessions = std::collections::BTreeSet::new();
    let (mut writes, mut open, mut reads, mut free) = (0, 0, 0, 0);
    for placed in placed.iter().flatten() {
        match placed.place {
            Place::Decided(_) => writes += 1,
            Place::OpenBehind(_) => open += 1,
            Place::Shows(_) | Place::TrueFor { .. } => reads += 1,
        }
        match &placed.record.session {
            Some(session) => drop(sessions.insert(session)),
            None if is_bound(placed) => free += 1,
            None => {}
        }
    }
    report.operations = writes + open + reads;
    report.judged = format!(
        "{writes} decided writes, {open} that may have taken effect, and {reads} sequential reads in one order, by timestamps \
         and by search; {} sessions",
        sessions.len()
    );
    if free > 0 {
        report.notes.push(format!("{free} of them name no session, so no program order was asked of them"));
    }
    if reads == 0 {
        report.notes.push("no sequential read was answered: only the order of writes was judged".to_owned());
    }
}

fn judge_keys<'a>(placed: impl Iterator<Item = Placed<'a>>, limits: SearchLimits, report: &mut LevelReport) {
    let mut keys: BTreeMap<&str, Vec<(Operation, Place)>> = BTreeMap::new();
    for placed in placed {
        keys.entry(&placed.record.key).or_default().push((placed.operation, placed.place));
    }
    let timeline = Timeline::new(keys.values().flatten().map(|(_, place)| *place));
    for (name, key) in keys {
        if let Some(violation) = seen_before_begun(&key) {
            report.violations.push(violation);
            continue;
        }
        let judged = timeline.judge(&key, limits);
        report.add(name, judged.class, judged.violation, judged.undecided);
    }
}

/// An answer that shows a version whose write was sent only later.
pub(crate) fn seen_before_begun(key: &[(Operation, Place)]) -> Option<Violation> {
    let mut writers: BTreeMap<u64, &Operation> = BTreeMap::new();
    for (operation, place) in key {
        if let Place::Decided(version) = place {
            writers.insert(*version, operation);
        }
    }
    let open: Vec<&Operation> = key
        .iter()
        .filter(|(_, place)| matches!(place, Place::OpenBehind(_)))
        .map(|(operation, _)| operation)
        .collect();
    key.iter().find_map(|(reader, place)| {
        let (Place::TrueFor { version, .. } | Place::Shows(version)) = place else { return None };
        // An absent key may report another key's deletion, which happens to have this version.
        if matches!(reader.action, Action::Get { seen: None } | Action::Del { .. }) {
            return None;
        }
        let writer = match writers.get(version) {
            Some(writer) => writer,
            // Only an unknown write can have made it: the first of those that could.
            None => open
                .iter()
                .filter(|writer| can_leave(writer, reader))
                .min_by_key(|writer| writer.invoke_ns)?,
        };
        let mut operations = vec![(*reader).clone(), (*writer).clone()];
        operations.sort_by_key(|operation| operation.line);
        (reader.end_ns() < writer.invoke_ns).then(|| Violation {
            rule: Rule::SeenBeforeBegun,
            explanation: format!(
                "line {} shows what line {} began to write only later",
                reader.line, writer.line
            ),
            operations,
        })
    })
}

/// Whether a write may leave what an answer to a get shows.
fn can_leave(writer: &Operation, reader: &Operation) -> bool {
    let Action::Get { seen: Some(seen) } = &reader.action else { return false };
    match &writer.action {
        Action::Set { value } | Action::Cas { value, .. } => value == seen,
        Action::Incr { .. } => number(&Some(seen.clone())).is_some(),
        Action::Append { suffix, .. } => seen.ends_with(&**suffix),
        Action::Get { .. } | Action::Del { .. } | Action::Erase => false,
    }
}

impl LevelReport {
    /// Adds what was found out about one key.
    pub(crate) fn add(
        &mut self,
        key: &str,
        class: Class,
        violation: Option<Violation>,
        undecided: Option<String>,
    ) {
        self.class = self.class.max(class);
        if let Some(mut violation) = violation {
            violation.explanation = format!("key {key:?}: {}", violation.explanation);
            self.violations.push(violation);
        }
        if let Some(reason) = undecided {
            self.notes.push(format!("not judged: key {key:?} ({reason})"));
        }
    }
}
