//! Every key is linearizable, by both of the checker's judges.

use crate::verdict::Failure;
use checker::{Class, History, Level, SearchLimits, check_history};

/// How much search one key may cost. Small: the other judge needs none, and thousands of keys are judged in a batch.
const LIMITS: SearchLimits = SearchLimits { operations: 600, steps: 100_000, cache_bytes: 16 << 20 };

/// What was judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judged {
    /// Keys of the history.
    pub keys: u64,
    /// Keys that one judge decided.
    pub by_one: u64,
    /// Keys that no judge decided.
    pub by_none: u64,
    /// Sequential reads that have their place in the one order of the cluster.
    pub sequential_reads: u64,
    /// Answers below sequential that fit their pasts and what became of tentative writes.
    pub weak_answers: u64,
}

pub(super) fn check(history: &History) -> Result<Judged, Failure> {
    let Ok(report) = check_history(history, Level::Linearizable, LIMITS) else {
        // Nothing was answered at all: there is nothing to judge, and the liveness phase has an opinion about it.
        return Ok(Judged::default());
    };
    let mut judged = Judged { keys: report.keys.len() as u64, ..Judged::default() };
    for key in &report.keys {
        let undecided = [&key.by_version, &key.by_search]
            .into_iter()
            .filter(|judgement| !judgement.is_legal() && judgement.violation().is_none())
            .count();
        judged.by_one += u64::from(undecided == 1);
        judged.by_none += u64::from(undecided == 2);
    }
    match report.class() {
        Class::Legal | Class::Undecided => Ok(judged),
        Class::Violation | Class::JudgesDisagree => {
            Err(Failure::safety("every key is linearizable", report.to_string()))
        }
    }
}
