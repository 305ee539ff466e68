//! All decided writes and sequential reads of the run have one order that every session agrees with.
//!
//! Keys that are read and written several at a time are left out: one answer has one certificate, and they would need one for each key. What is legal as a whole is legal without them.

use crate::verdict::Failure;
use checker::{Class, History, Level, Record, SearchLimits, Status, check_history};

/// The search is the second opinion, and small ones are many.
const LIMITS: SearchLimits = SearchLimits { operations: 200, steps: 20_000, cache_bytes: 4 << 20 };

/// The part of a history whose answers have a certificate for each key.
pub(super) fn without_several(history: &History) -> History {
    let is_single = |(_, record): &&(usize, Record)| !record.key.starts_with("several-");
    History {
        records: history.records.iter().filter(is_single).cloned().collect(),
        fates: history.fates.clone(),
    }
}

/// Answers how many sequential reads were judged, in a history [`without_several`].
pub(super) fn check(judged: &History) -> Result<u64, Failure> {
    let is_read = |record: &Record| {
        record.level.as_deref() == Some(Level::Sequential.as_str())
            && record.status == Status::Ok
            && !record.may_write()
    };
    let reads = judged.records.iter().filter(|(_, record)| is_read(record)).count();
    if reads == 0 {
        return Ok(0);
    }
    let report = check_history(judged, Level::Sequential, LIMITS)
        .map_err(|error| Failure::crash(format!("the history cannot be judged: {error}")))?;
    match report.class() {
        Class::Legal | Class::Undecided => Ok(reads as u64),
        Class::Violation | Class::JudgesDisagree => {
            Err(Failure::safety("the whole cluster has one sequential order", report.to_string()))
        }
    }
}
