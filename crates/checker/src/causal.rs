//! The judge of `causal`: nobody sees an effect without what it depends on, and each session sees what it did and saw.
//!
//! For each operation above eventual the judge knows its causal past (`past`): what its session had been answered before,
//! what those answers showed, a token that was handed over, and the pasts of all these. Asked is: does an
//! answer about a key show the newest write of that key in its past, or something that beat it? And is a write decided
//! behind the writes of its key that are in its past? A key's versions are the order of its decided writes, whatever
//! their level, so the answer is a comparison: read your writes, monotonic reads, monotonic writes, writes follow reads
//! and causal order between sessions are the same question with another culprit.
//!
//! *Tentative.* A tentative write demands nothing unless it was decided: what was superseded, or lost with every disk, is
//! excused, and so is an answer that shows a write that lost later (registers may flip before they settle). An answer
//! with a tentative assignment (`maker`) shows what is in its past if that lies beneath (`version`), is the assignment, or is
//! decided before it. One with tentative effects shows them all by their dots, which stand for prefixes; but one that
//! somebody knew to be decided when the answer came (`known` of its fate) may be left out.
//! A key that takes tentative assignments and effects is asked only for what was decided.
//!
//! *What an answer joins.* The past of the write whose version it shows; behind a write that answers from state (CAS,
//! INCR, APPEND) or an effect also that of the state before. Of tentative operations the pasts of those shown.
//! A write of unknown origin joins nothing, so the judge never demands what it cannot prove. A strong deletion that found nothing is
//! a blind write too: whoever finds the key absent behind it relies on it, and no longer on the deletion before it. It makes no
//! version of the key that its answer names, so it joins nothing, and ends the way back from the states behind it.
//!
//! Eventual operations touch no session: they are not asked, and demand only where somebody saw them.
//!
//! Values: a committed answer of this level shows the value that its version had (`timeline`), a tentative assignment that of
//! its write.
//!
//! Not here: whether tentative writes are decided once (`tentative`), and the sum that tentative effects make.

use std::collections::{BTreeMap, BTreeSet};

use crate::decided::{Became, Fates, Lines};
use crate::fate::{Dot, Ending};
use crate::history::{Commitment, HistoryError, OpName, Record, Status};
use crate::level::Level;
use crate::maker::{Maker, Makers};
use crate::past::{Awaited, Demand, Past, Sessions, join};
use crate::program_order::{Moment, moments};
use crate::register::Operation;
use crate::search::SearchLimits;
use crate::shown;
use crate::verdict::{LevelReport, Rule, Violation};

/// Whether a history has something that this judge is for.
pub(crate) fn is_called_for(lines: Lines<'_>) -> bool {
    lines.records.iter().any(|(_, record)| {
        let level = record.valid_level();
        record.status != Status::Fail
            && (level == Level::Causal || (level == Level::Sequential && record.session.is_some()))
    })
}

/// Judges valid records.
///
/// # Errors
/// An answer of this level lacks its `version`.
pub(crate) fn judge(lines: Lines<'_>, limits: SearchLimits) -> Result<LevelReport, HistoryError> {
    let mut judge = Judge::new(lines)?;
    for (now_ns, what, place) in moments(
        lines
            .records
            .iter()
            .map(|(_, record)| (record.invoke_ns, record.return_ns.filter(|_| record.status == Status::Ok))),
    ) {
        let (_, record) = &lines.records[place];
        if record.status == Status::Fail || record.valid_level() == Level::Eventual {
            continue;
        }
        if what == Moment::Sent {
            let past = record.session.as_deref().map(|session| judge.sessions.sent(session, &record.joins));
            judge.pasts[place] = past;
        } else {
            judge.answered(place, now_ns)?;
        }
    }
    let mut report = judge.report;
    report.operations = judge.asked;
    let sessions = judge.sessions.len();
    report.judged = format!(
        "{} answers and decided writes of {sessions} sessions against their causal pasts, by versions and dots; {} answers by value",
        judge.asked, judge.values
    );
    if judge.without_session > 0 {
        report.notes.push(format!("{} of them name no session, so they have no past", judge.without_session));
    }
    if judge.without_fate > 0 {
        report.notes.push(format!(
            "{} tentative writes have no fate, so nobody was asked to show them",
            judge.without_fate
        ));
    }
    shown::judge(lines, Level::Causal, limits, &mut report)?;
    Ok(report.finished())
}

struct Judge<'a> {
    lines: Lines<'a>,
    fates: Fates<'a>,
    makers: Makers<'a>,
    sessions: Sessions<'a>,
    /// The past of each operation when it was sent; `None` before that, and without session.
    pasts: Vec<Option<Past>>,
    /// By dot, the place of its write.
    writers: BTreeMap<&'a Dot, usize>,
    /// By key and version, the place of the decided write.
    versions: BTreeMap<&'a str, BTreeMap<u64, usize>>,
    /// By key, strong deletions that found nothing, in the order of the versions that they found: that version, and the last place where it
    /// or one before it may stand.
    wiped: BTreeMap<&'a str, Vec<(u64, u64)>>,
    /// By key and version, the past of the state that this write left, where it was asked for.
    states: BTreeMap<(&'a str, u64), Past>,
    /// Keys with tentative effects.
    effects: BTreeSet<&'a str>,
    /// Keys with tentative assignments and tentative effects.
    mixed: BTreeSet<&'a str>,
    report: LevelReport,
    asked: usize,
    values: usize,
    without_session: usize,
    without_fate: usize,
}

/// What an answer shows.
struct Answer<'a> {
    /// The decided version, or that beneath.
    version: u64,
    /// The dots of the tentative operations that it shows, and of what it depends on.
    dots: &'a [Dot],
    /// Whether it shows anything tentative.
    tentative: bool,
    /// Whether that is an assignment, which hides what is beneath.
    assignment: bool,
    /// That assignment, where it is known.
    maker: Option<usize>,
}

fn is_effect(record: &Record) -> bool {
    matches!(record.op, OpName::Incr | OpName::Append)
}

impl<'a> Judge<'a> {
    fn new(lines: Lines<'a>) -> Result<Judge<'a>, HistoryError> {
        let fates = Fates::new(lines);
        let mut judge = Judge {
            lines,
            makers: Makers::new(lines),
            sessions: Sessions::default(),
            pasts: vec![None; lines.records.len()],
            writers: BTreeMap::new(),
            versions: BTreeMap::new(),
            wiped: BTreeMap::new(),
            states: BTreeMap::new(),
            effects: BTreeSet::new(),
            mixed: BTreeSet::new(),
            report: LevelReport::new(Level::Causal),
            asked: 0,
            values: 0,
            without_session: 0,
            without_fate: 0,
            fates,
        };
        let (mut assigned, mut effects) = (BTreeSet::new(), BTreeSet::new());
        for (place, (line, record)) in lines.records.iter().enumerate() {
            if record.status == Status::Fail {
                continue;
            }
            if !record.may_write() {
                if let (OpName::Del, Some(found)) = (record.op, record.version) {
                    let at = record.as_of.map_or(found, |as_of| as_of.max(found));
                    judge.wiped.entry(&record.key).or_default().push((found, at));
                }
                continue;
            }
            let weak = record.valid_level().is_weak();
            if weak {
                judge.writers.extend(record.dots.first().map(|dot| (dot, place)));
                if is_effect(record) {
                    effects.insert(&*record.key)
                } else {
                    assigned.insert(&*record.key)
                };
            }
            match judge.fates.became(*line, record)? {
                Became::Decided(version) => {
                    judge.versions.entry(&record.key).or_default().entry(version).or_insert(place);
                }
                Became::Open if weak && record.status == Status::Ok => judge.without_fate += 1,
                Became::Open | Became::Nothing => {}
            }
        }
        for wiped in judge.wiped.values_mut() {
            wiped.sort_unstable();
            let mut last = 0;
            for (_, at) in wiped {
                last = last.max(*at);
                *at = last;
            }
        }
        judge.mixed = assigned.intersection(&effects).copied().collect();
        judge.effects = effects;
        Ok(judge)
    }

    fn record(&self, place: usize) -> &'a Record {
        &self.lines.records[place].1
    }

    /// What an operation showed of its key, `None` for one that is a blind write.
    fn answer(&self, place: usize) -> Result<Option<Answer<'a>>, HistoryError> {
        let (line, record) = &self.lines.records[place];
        let reads = !record.may_write();
        let tentative = record.state == Some(Commitment::Tentative);
        let Some(version) = record.version else {
            if !reads {
                return Ok(None);
            }
            let message = "an answer about a key needs `version` to be judged with its session; of a tentative value it is the decided version beneath".into();
            return Err(HistoryError { line: *line, message });
        };
        let tentative = reads && tentative;
        let dots = if tentative { &record.dots[..] } else { &[] };
        let assignment = tentative && !self.effects.contains(&*record.key);
        let maker = match assignment.then(|| self.makers.of(record, &self.fates)) {
            Some(Maker::Write(place)) => Some(place),
            Some(Maker::Nobody | Maker::Unclear) | None => None,
        };
        Ok(Some(Answer { version, dots, tentative, assignment, maker }))
    }

    fn answered(&mut self, place: usize, now_ns: u64) -> Result<(), HistoryError> {
        let record = self.record(place);
        let weak = record.valid_level().is_weak();
        let answer = self.answer(place)?;
        let Some(session) = record.session.as_deref() else {
            self.asked += 1;
            self.without_session += 1;
            return Ok(());
        };
        let mut past = self.pasts[place].clone().unwrap_or_default();
        let demand = self.sessions.demand(&past, &record.key);
        let mut own = Demand::default();
        let became = match record.may_write() {
            true => Some(self.fates.became(self.lines.records[place].0, record)?),
            false => None,
        };
        match (became, &answer) {
            (None, Some(answer)) => {
                self.asked += 1;
                self.values += 1;
                self.ask_answer(place, &demand, answer);
                self.join_shown(place, &mut past, answer, &mut own);
            }
            (None, None) => {}
            (Some(Became::Decided(version)), answer) => {
                self.asked += 1;
                self.ask_write(place, &demand, version);
                match record.dots.first().filter(|_| weak) {
                    Some(dot) => {
                        let known_ns = self.fates.of(dot).and_then(|fate| fate.known_ns);
                        let awaited = Awaited { number: dot.number, version, by: place, known_ns };
                        own.tentative.insert(&dot.origin, awaited);
                    }
                    None => own.decided = Some((version, place)),
                }
                let answers = matches!(record.op, OpName::Cas | OpName::Incr | OpName::Append);
                if let Some(answer) = answer.as_ref().filter(|_| answers) {
                    // A strong one shows the state that it left, a tentative one that beneath.
                    self.join_shown(place, &mut past, answer, &mut own);
                }
            }
            (Some(Became::Nothing), _) => self.ask_superseded(place, &demand),
            (Some(Became::Open), _) => {}
        }
        self.sessions.answered(session, now_ns, &record.key, &past, own);
        Ok(())
    }

    /// Does the answer show what its past demands?
    fn ask_answer(&mut self, place: usize, demand: &Demand<'a>, answer: &Answer<'a>) {
        if let Some((version, by)) = demand.decided
            && version > answer.version
        {
            return self.misses(place, by, version, answer.version);
        }
        if self.mixed.contains(&*self.record(place).key) {
            return;
        }
        let now_ns = self.record(place).return_ns;
        for (origin, awaited) in &demand.tentative {
            if awaited.version > answer.version && !self.is_shown(answer, origin, awaited, now_ns) {
                return self.misses(place, awaited.by, awaited.version, answer.version);
            }
        }
    }

    /// Whether an answer shows a tentative write above what is beneath, or an assignment that beats it.
    fn is_shown(&self, answer: &Answer<'a>, origin: &str, awaited: &Awaited, now_ns: Option<u64>) -> bool {
        let beats = |dot: &Dot| match self.fates.of(dot) {
            Some(fate) if fate.ending == Ending::Decided => fate.decided_version >= Some(awaited.version),
            // It lost later, or nobody knows: a flip before things settled.
            _ => true,
        };
        if let Some(maker) = answer.maker {
            return self.record(maker).dots.first().is_some_and(beats);
        }
        // Where it was known to be decided its dot may be left out.
        let is_left_out = awaited.known_ns.is_some_and(|known_ns| now_ns >= Some(known_ns));
        let is_named = answer.dots.iter().any(|dot| dot.origin == origin && dot.number >= awaited.number);
        is_named || (answer.tentative && is_left_out) || (answer.assignment && answer.dots.iter().any(beats))
    }

    /// Is the write decided behind what its past demands?
    fn ask_write(&mut self, place: usize, demand: &Demand<'a>, version: u64) {
        let Some((newest, by)) = demand.newest() else { return };
        // What a strong write that answers showed is its own version.
        if newest < version || by == place {
            return;
        }
        let rule = self.rule(place, by, [Rule::MonotonicWrites, Rule::WritesFollowReads]);
        let explanation = format!(
            "line {} was decided at version {version} of key {:?}, although version {newest} was in its past, by line {}",
            self.line(place),
            self.record(place).key,
            self.line(by)
        );
        self.blame(rule, explanation, [by, place]);
    }

    /// A write may lose to a strong one only if that was not in its past.
    fn ask_superseded(&mut self, place: usize, demand: &Demand<'a>) {
        let record = self.record(place);
        let fate = record.dots.first().and_then(|dot| self.fates.of(dot));
        let Some(winner) = fate.and_then(|fate| fate.by) else { return };
        let writer = self.versions.get(&*record.key).and_then(|versions| versions.get(&winner)).copied();
        let strong = writer.is_some_and(|writer| !self.record(writer).valid_level().is_weak());
        let Some((newest, by)) = demand.decided.filter(|(newest, _)| strong && winner <= *newest) else {
            return;
        };
        let explanation = format!(
            "line {} was superseded by version {winner} of key {:?}, although its session had seen version {newest} in line {}",
            self.line(place),
            record.key,
            self.line(by)
        );
        self.blame(Rule::LosesToUnseen, explanation, [by, place]);
    }

    /// Adds what an answer shows to a past, and to what the operation demands of its key.
    fn join_shown(&mut self, place: usize, past: &mut Past, answer: &Answer<'a>, own: &mut Demand<'a>) {
        let key = &*self.record(place).key;
        own.decided = own.decided.max(Some((answer.version, place)));
        if !answer.assignment {
            let state = self.past_of_state(key, answer.version);
            join(past, &state);
        }
        let shown = answer.maker.and_then(|maker| self.record(maker).dots.first());
        for dot in answer.dots.iter().chain(shown) {
            let Some(&writer) = self.writers.get(dot) else { continue };
            if let Some(shown) = &self.pasts[writer] {
                join(past, shown);
            }
            let fate = self.fates.of(dot).filter(|fate| fate.ending == Ending::Decided);
            if let Some((version, known_ns)) =
                fate.and_then(|fate| Some((fate.decided_version?, fate.known_ns)))
                && self.record(writer).key == *key
            {
                let awaited = Awaited { number: dot.number, version, by: place, known_ns };
                own.await_also(&dot.origin, awaited);
            }
        }
    }

    /// What the state of a key at a version depends on.
    fn past_of_state(&mut self, key: &'a str, version: u64) -> Past {
        let Some(versions) = self.versions.get(key) else { return Past::default() };
        if !versions.contains_key(&version) {
            return Past::default();
        }
        // Back to a blind write, to a deletion that found nothing, or to a state that is known already; then forward.
        let mut chain = Vec::new();
        let mut past = Past::default();
        let mut above = None;
        for (&version, &writer) in versions.range(..=version).rev() {
            if above.is_some_and(|above| self.is_wiped_between(key, version, above)) {
                break;
            }
            above = Some(version);
            if let Some(known) = self.states.get(&(key, version)) {
                past = known.clone();
                break;
            }
            chain.push((version, writer));
            if matches!(self.record(writer).op, OpName::Set | OpName::Del) {
                break;
            }
        }
        let mut complete = true;
        for (version, writer) in chain.into_iter().rev() {
            let record = self.record(writer);
            let begun = record.valid_level() == Level::Eventual
                || record.session.is_none()
                || self.pasts[writer].is_some();
            if matches!(record.op, OpName::Set | OpName::Del) {
                past = Past::default();
                complete = true;
            }
            if let Some(own) = &self.pasts[writer] {
                join(&mut past, own);
            }
            complete &= begun;
            if complete {
                self.states.insert((key, version), past.clone());
            }
        }
        past
    }

    /// Whether a strong deletion that found nothing stands between these two versions of a key, or may.
    fn is_wiped_between(&self, key: &str, below: u64, above: u64) -> bool {
        let Some(wiped) = self.wiped.get(key) else { return false };
        let last = wiped.partition_point(|(found, _)| *found < above).checked_sub(1);
        last.is_some_and(|last| below <= wiped[last].1)
    }

    fn line(&self, place: usize) -> usize {
        self.lines.records[place].0
    }

    /// The rule that names the culprit: own write, own read, or another session's doing.
    fn rule(&self, place: usize, by: usize, [own_write, own_read]: [Rule; 2]) -> Rule {
        let (now, before) = (self.record(place), self.record(by));
        if now.session != before.session {
            Rule::CausalOrder
        } else if before.may_write() {
            own_write
        } else {
            own_read
        }
    }

    fn misses(&mut self, place: usize, by: usize, version: u64, shown: u64) {
        let rule = self.rule(place, by, [Rule::ReadYourWrites, Rule::MonotonicReads]);
        let explanation = format!(
            "line {} shows key {:?} at version {shown}, and not version {version}, which was in its past by line {}",
            self.line(place),
            self.record(place).key,
            self.line(by)
        );
        self.blame(rule, explanation, [by, place]);
    }

    fn blame(&mut self, rule: Rule, explanation: String, places: [usize; 2]) {
        let mut operations: Vec<Operation> = places
            .iter()
            .filter_map(|place| {
                let (line, record) = &self.lines.records[*place];
                Operation::from_record(*line, record)
            })
            .collect();
        operations.sort_by_key(|operation| operation.line);
        self.report.violations.push(Violation { rule, explanation, operations });
    }
}
