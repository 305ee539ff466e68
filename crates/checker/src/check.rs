//! The front door: a history's text in, a report that people can read out.
//!
//! Every key is judged twice, by version (judge A) and by search (judge B), because a judge is a program too. Where
//! both decide they must agree; where one cannot, the other's word stands, and the report says so. A violation is
//! judged a third time by its values alone, which tells a wrong value from a wrong version.
//!
//! Invariants: a key that neither judge decided makes the report *undecided*; the text for one history is always
//! the same.
//!
//! Not here: files, exit codes, and levels other than linearizable.

use std::fmt;

use crate::history::{HistoryError, Record, Status, parse_history};
use crate::linearizable;
use crate::register::{Operation, operations_by_key};
use crate::search::{self, SearchLimits};
use crate::verdict::{Class, Judgement, Violation};

/// The consistency level that a history is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Each key behaves as if every operation took effect at one instant between its sending and its answer.
    #[default]
    Linearizable,
}

impl std::str::FromStr for Level {
    type Err = HistoryError;

    fn from_str(name: &str) -> Result<Level, HistoryError> {
        let message = match name {
            "linearizable" => return Ok(Level::Linearizable),
            "sequential" | "causal" | "eventual" => {
                format!("level {name} cannot be judged yet: it comes with issue 4; only linearizable can")
            }
            _ => format!("there is no level {name:?}; write linearizable"),
        };
        Err(HistoryError { line: 0, message })
    }
}

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
        match (&self.by_version, &self.by_search) {
            (Judgement::Legal, Judgement::Violation(_)) | (Judgement::Violation(_), Judgement::Legal) => {
                Class::JudgesDisagree
            }
            (Judgement::Violation(_), _) | (_, Judgement::Violation(_)) => Class::Violation,
            (Judgement::Legal, _) | (_, Judgement::Legal) => Class::Legal,
            (Judgement::Undecided(_), Judgement::Undecided(_)) => Class::Undecided,
        }
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
    /// One for each key, in the order of their names.
    pub keys: Vec<KeyReport>,
}

/// Judges the text of a history file.
///
/// # Errors
/// The text is not a history, holds no answered operation (it would prove nothing), or holds an operation at a level
/// that cannot be judged yet. The error names the line and says what to do.
pub fn check_file(text: &str, level: Level) -> Result<Report, HistoryError> {
    check_records(&parse_history(text)?, level, SearchLimits::default())
}

/// Judges records; each comes with its line number or its place in the list.
///
/// # Errors
/// As [`check_file`].
pub fn check_records(
    records: &[(usize, Record)],
    level: Level,
    limits: SearchLimits,
) -> Result<Report, HistoryError> {
    let Level::Linearizable = level;
    for (line, record) in records {
        let at_line = |message| HistoryError { line: *line, message };
        record.validate().map_err(at_line)?;
        if let Some(asked) = &record.level {
            asked.parse::<Level>().map_err(|error| at_line(error.message))?;
        }
    }
    let count = |status| records.iter().filter(|(_, record)| record.status == status).count();
    let report = Report {
        records: records.len(),
        ok: count(Status::Ok),
        failed: count(Status::Fail),
        unknown: count(Status::Unknown),
        keys: operations_by_key(records)
            .into_iter()
            .map(|(key, operations)| KeyReport::new(key, &operations, limits))
            .collect(),
    };
    if report.ok == 0 {
        let message =
            format!("none of {} operations was answered, so there is nothing to judge", report.records);
        return Err(HistoryError { line: 0, message });
    }
    Ok(report)
}

impl Report {
    /// The worst class of any key.
    pub fn class(&self) -> Class {
        self.keys.iter().map(KeyReport::class).max().unwrap_or(Class::Undecided)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_SHOWN_KEYS: usize = 5;
        writeln!(
            f,
            "{} operations ({} ok, {} failed, {} of unknown outcome) on {} keys",
            self.records,
            self.ok,
            self.failed,
            self.unknown,
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
            match self.class() {
                Class::Legal => "linearizable: yes",
                Class::Violation => "linearizable: NO",
                Class::Undecided => "linearizable: UNDECIDED, some keys could not be judged",
                Class::JudgesDisagree => "linearizable: UNDECIDED, the judges contradict each other",
            }
        )
    }
}

impl Report {
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
