//! Statistics of a run by level: how many requests, how many of them failed, and how long those took that went well.

use super::record::{End, Record, ms};
use crate::exit::Exit;
use crate::status::columns;
use client::{ErrorKind, Level};
use serde::Serialize;
use std::collections::BTreeMap;

/// The row of lines that make no sense.
const MALFORMED: &str = "malformed";

/// One row. A percentile means nothing, and is left out, where nothing went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Row {
    count: usize,
    failures: usize,
    p50: Option<f64>,
    p99: Option<f64>,
}

/// The report's rows, the strongest level first.
#[derive(Debug)]
pub(crate) struct Report {
    rows: Vec<(&'static str, Row)>,
}

impl Report {
    pub(crate) fn of(records: &[Record]) -> Report {
        let row = |level: Option<Level>| {
            let mine = || records.iter().filter(|record| record.level() == level);
            let mut took: Vec<f64> = mine()
                .filter(|record| record.is_ok())
                .filter_map(|record| record.asked.as_ref().map(|asked| ms(asked.took)))
                .collect();
            took.sort_by(f64::total_cmp);
            let failures = mine().filter(|record| !record.is_ok()).count();
            Row { count: mine().count(), failures, p50: percentile(&took, 50), p99: percentile(&took, 99) }
        };
        let mut rows: Vec<_> = Level::ALL.into_iter().map(|level| (level.name(), row(Some(level)))).collect();
        rows.push((MALFORMED, row(None)));
        Report { rows }
    }

    pub(crate) fn json(&self) -> String {
        let rows: BTreeMap<&str, Row> = self.rows.iter().copied().collect();
        serde_json::json!({ "report": rows }).to_string()
    }

    pub(crate) fn text(&self) -> String {
        let shown = |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.3}"));
        let asked = self.rows.iter().filter(|(_, row)| row.count > 0);
        let cells = asked.map(|(name, row)| {
            vec![
                (*name).to_owned(),
                row.count.to_string(),
                row.failures.to_string(),
                shown(row.p50),
                shown(row.p99),
            ]
        });
        columns(&["LEVEL", "COUNT", "FAILURES", "P50 MS", "P99 MS"], cells.collect())
    }
}

/// The nearest rank of sorted numbers.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// What the run ends with: the gravest thing that happened in it.
pub(crate) fn exit(records: &[Record]) -> Exit {
    let graveness = |exit: Exit| match exit {
        Exit::Unknown => 4,
        Exit::Unreachable => 3,
        Exit::Refused => 2,
        Exit::BadInput => 1,
        _ => 0,
    };
    let exits = records.iter().map(|record| match &record.end {
        End::Answered { .. } => Exit::Done,
        End::Malformed(_) => Exit::BadInput,
        End::Failed { kind, .. } => match kind {
            ErrorKind::Invalid => Exit::BadInput,
            ErrorKind::Refused => Exit::Refused,
            ErrorKind::Unknown => Exit::Unknown,
            ErrorKind::NoQuorum | ErrorKind::Behind | ErrorKind::Unreachable | ErrorKind::Closed => {
                Exit::Unreachable
            }
        },
    });
    exits.max_by_key(|&exit| graveness(exit)).unwrap_or(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::line::Request;
    use crate::run::record::Asked;
    use std::time::Duration;

    fn record(level: Level, took_ms: u64, end: End) -> Record {
        let request = Request { level, key: "k".to_owned(), value: None };
        let took = Duration::from_millis(took_ms);
        let asked = Asked { id: String::new(), request, sent: Duration::ZERO, took };
        Record { client: String::new(), line: 1, asked: Some(asked), end }
    }

    fn answered(level: Level, took_ms: u64) -> Record {
        record(level, took_ms, End::Answered { node: 1, value: None, version: 0, as_of: 0 })
    }

    fn failed(kind: ErrorKind) -> Record {
        record(Level::Causal, 5_000, End::Failed { node: 1, kind, error: String::new() })
    }

    #[test]
    fn each_level_has_its_count_failures_and_times() {
        let mut records: Vec<_> = (1..=200).map(|took_ms| answered(Level::Eventual, took_ms)).collect();
        records.push(answered(Level::Causal, 7));
        records.push(failed(ErrorKind::Behind));
        records.push(Record { asked: None, ..failed(ErrorKind::Invalid) });
        let report = Report::of(&records);
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        let row = |count, failures, p50, p99| serde_json::json!({"count": count, "failures": failures, "p50": p50, "p99": p99});
        assert_eq!(json["report"]["eventual"], row(200, 0, Some(100.0), Some(198.0)));
        assert_eq!(json["report"]["causal"], row(2, 1, Some(7.0), Some(7.0)));
        assert_eq!(json["report"]["linearizable"], row(0, 0, None, None));
        assert_eq!(json["report"]["malformed"], row(1, 1, None, None));
        let expected = "\
LEVEL      COUNT  FAILURES  P50 MS   P99 MS
causal     2      1         7.000    7.000
eventual   200    0         100.000  198.000
malformed  1      1         -        -
";
        assert_eq!(report.text(), expected);
    }

    #[test]
    fn the_gravest_end_decides_the_exit_code() {
        let malformed =
            Record { asked: None, end: End::Malformed(String::new()), ..failed(ErrorKind::Invalid) };
        assert_eq!(exit(&[]), Exit::Done);
        assert_eq!(exit(&[answered(Level::Causal, 1)]), Exit::Done);
        assert_eq!(exit(&[malformed.clone(), answered(Level::Causal, 1)]), Exit::BadInput);
        assert_eq!(exit(&[failed(ErrorKind::NoQuorum), malformed]), Exit::Unreachable);
        assert_eq!(exit(&[failed(ErrorKind::Unknown), failed(ErrorKind::Behind)]), Exit::Unknown);
    }
}
