//! The front door: a history's text in, a report that people can read out.
//!
//! Each level that the operations call for has its judges, and all look at the same history: `linearizable` at each
//! key in real time, the others at the whole (`sequential` and its neighbours). For `linearizable`
//! every key is judged twice, by version (judge A) and by search (judge B), because a judge is a program too. Where
//! both decide they must agree; where one cannot, the other's word stands, and the report says so. A violation is
//! judged a third time by its values alone, which tells a wrong value from a wrong version.
//!
//! Invariants: a key that neither judge decided makes the report *undecided*; the text for one history is always
//! the same.
//!
//! Not here: files, exit codes, and what the levels mean.

use std::fmt;

use crate::causal;
use crate::decided::{Lines, linearizable_operations};
use crate::history::{History, HistoryError, Record, Status, parse_history};
use crate::level::{Level, Scope};
use crate::linearizable;
use crate::register::Operation;
use crate::search::{self, SearchLimits};
use crate::sequential;
use crate::tentative;
use crate::verdict::{Class, Judgement, LevelReport, Violation, class_of_both};

/// What the judges say about one key.
#[derive(Clone, Debug)]
pub struct KeyReport {
    /// The key.
    pub key: String,
    /// How many operations counted: all but failed ones and reads without an answer.
    pub operations: usize,
    /// How many of them have an unknown outcome.
    pub unknown: usize,
    /// Judge A, by version.
    pub by_version: Judgement,
    /// Judge B, by search.
    pub by_search: Judgement,
    /// Judge B without versions; only asked where there is a violation.
    pub by_values: Option<Judgement>,
}

impl KeyReport {
    fn new(key: String, operations: &[Operation], limits: SearchLimits) -> KeyReport {
        let mut report = KeyReport {
            key,
            operations: operations.len(),
            unknown: operations.iter().filter(|op| op.is_unknown()).count(),
            by_version: linearizable::judge(operations),
            by_search: search::judge(operations, limits),
            by_values: None,
        };
        let versioned = operations.iter().any(|op| op.version.is_some());
        if versioned && report.violation().is_some() {
            report.by_values = Some(search::judge_values(operations, limits));
        }
        report
    }

    /// What both judges together say.
    pub fn class(&self) -> Class {
        class_of_both(&self.by_version, &self.by_search)
    }

    /// The violation, in the words of the judge that explains it best.
    pub fn violation(&self) -> Option<&Violation> {
        self.by_version.violation().or(self.by_search.violation())
    }
}

/// What the judges say about a history.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many records were read.
    pub records: usize,
    /// How many ended ok.
    pub ok: usize,
    /// How many failed for certain.
    pub failed: usize,
    /// How many have an unknown outcome.
    pub unknown: usize,
    /// `linearizable`: one for each key with operations at that level or strong writes, in the order of their names.
    pub keys: Vec<KeyReport>,
    /// The other levels that were judged, strongest first.
    pub levels: Vec<LevelReport>,
}

/// Judges the text of a history file.
///
/// # Errors
/// The text is not a history, or there is nothing in it for the judges that were asked for (it would prove nothing).
/// The error names the line and says what to do.
pub fn check_file(text: &str, scope: impl Into<Scope>) -> Result<Report, HistoryError> {
    check_history(&parse_history(text)?, scope, SearchLimits::default())
}

/// Judges records without fates; each comes with its line number or its place in the list.
///
/// # Errors
/// As [`check_file`].
pub fn check_records(
    records: &[(usize, Record)],
    scope: impl Into<Scope>,
    limits: SearchLimits,
) -> Result<Report, HistoryError> {
    check(Lines { records, fates: &[] }, scope.into(), limits)
}

/// Judges a history.
///
/// # Errors
/// As [`check_file`].
pub fn check_history(
    history: &History,
    scope: impl Into<Scope>,
    limits: SearchLimits,
) -> Result<Report, HistoryError> {
    check(Lines::from(history), scope.into(), limits)
}

fn check(lines: Lines<'_>, scope: Scope, limits: SearchLimits) -> Result<Report, HistoryError> {
    for (line, record) in lines.records {
        record.validate().map_err(|message| HistoryError { line: *line, message })?;
    }
    for (line, fate) in lines.fates {
        fate.validate().map_err(|message| HistoryError { line: *line, message })?;
    }
    let count = |status| lines.records.iter().filter(|(_, record)| record.status == status).count();
    let mut report = Report {
        records: lines.records.len(),
        ok: count(Status::Ok),
        failed: count(Status::Fail),
        unknown: count(Status::Unknown),
        keys: Vec::new(),
        levels: Vec::new(),
    };
    if report.ok == 0 {
        let message =
            format!("none of {} operations was answered, so there is nothing to judge", report.records);
        return Err(HistoryError { line: 0, message });
    }
    let asked = |level| scope == Scope::Only(level);
    if scope.includes(Level::Linearizable) {
        let keys = linearizable_operations(lines);
        report.keys =
            keys.into_iter().map(|(key, operations)| KeyReport::new(key, &operations, limits)).collect();
    }
    if asked(Level::Sequential) || (scope == Scope::All && sequential::is_called_for(lines)) {
        report.levels.push(sequential::judge(lines, limits)?);
    }
    if asked(Level::Causal) || (scope == Scope::All && causal::is_called_for(lines)) {
        report.levels.push(causal::judge(lines, limits)?);
    }
    if asked(Level::Eventual) || (scope == Scope::All && tentative::is_called_for(lines)) {
        report.levels.push(tentative::judge(lines, limits)?);
    }
    if report.keys.is_empty() && report.levels.iter().all(|level| level.operations == 0) {
        let message =
            "no operation of this history is at a level that was asked for, so there is nothing to judge";
        return Err(HistoryError { line: 0, message: message.into() });
    }
    Ok(report)
}

impl Report {
    /// The worst class of any key and level.
    pub fn class(&self) -> Class {
        let levels = self.levels.iter().map(|level| level.class);
        self.keys.iter().map(KeyReport::class).chain(levels).max().unwrap_or(Class::Undecided)
    }

    /// What was said of a level other than linearizable, if it was judged.
    pub fn level(&self, level: Level) -> Option<&LevelReport> {
        self.levels.iter().find(|report| report.level == level)
    }

    /// The worst class of any key, for `linearizable`.
    fn class_of_keys(&self) -> Class {
        self.keys.iter().map(KeyReport::class).max().unwrap_or(Class::Undecided)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} operations: {} ok, {} failed, {} of unknown outcome",
            self.records, self.ok, self.failed, self.unknown
        )?;
        if !self.keys.is_empty() {
            self.show_keys(f)?;
        }
        self.levels.iter().try_for_each(|level| write!(f, "{level}"))
    }
}

impl Report {
    /// The part about `linearizable`.
    fn show_keys(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_SHOWN_KEYS: usize = 5;
        writeln!(
            f,
            "judged at linearizable: {} operations on {} keys, each by version and by search",
            self.keys.iter().map(|key| key.operations).sum::<usize>(),
            self.keys.len()
        )?;
        let by_search_alone =
            self.keys.iter().filter(|key| matches!(key.by_version, Judgement::Undecided(_)));
        self.list(f, by_search_alone, "not judged by version", |key| &key.by_version)?;
        let by_version_alone =
            self.keys.iter().filter(|key| matches!(key.by_search, Judgement::Undecided(_)));
        self.list(f, by_version_alone, "not judged by search", |key| &key.by_search)?;

        let wrong: Vec<&KeyReport> = self.keys.iter().filter(|key| key.violation().is_some()).collect();
        for key in wrong.iter().take(MOST_SHOWN_KEYS) {
            let Some(violation) = key.violation() else { continue };
            writeln!(f, "key {:?}: {violation}", key.key)?;
            if key.by_values == Some(Judgement::Legal) {
                writeln!(
                    f,
                    "  Their values alone have a legal order: it is the versions that break the promise."
                )?;
            }
            if key.class() == Class::JudgesDisagree {
                writeln!(
                    f,
                    "  The other judge found a legal order. Please report this history: it is a bug here."
                )?;
            }
        }
        if wrong.len() > MOST_SHOWN_KEYS {
            writeln!(f, "and {} more keys like these", wrong.len() - MOST_SHOWN_KEYS)?;
        }
        writeln!(
            f,
            "{}",
            match self.class_of_keys() {
                Class::Legal => "linearizable: yes",
                Class::Violation => "linearizable: NO",
                Class::Undecided => "linearizable: UNDECIDED, some keys could not be judged",
                Class::JudgesDisagree => "linearizable: UNDECIDED, the judges contradict each other",
            }
        )
    }

    /// One line that counts keys which a judge left undecided, with the first of them as the example.
    fn list<'a>(
        &self,
        f: &mut fmt::Formatter<'_>,
        mut keys: impl Iterator<Item = &'a KeyReport>,
        what: &str,
        judgement: fn(&KeyReport) -> &Judgement,
    ) -> fmt::Result {
        let Some(first) = keys.next() else { return Ok(()) };
        let Judgement::Undecided(reason) = judgement(first) else { return Ok(()) };
        let others = keys.count();
        write!(f, "{what}: key {:?} ({reason})", first.key)?;
        if others > 0 {
            write!(f, " and {others} more")?;
        }
        writeln!(f)
    }
}
