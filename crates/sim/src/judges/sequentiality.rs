//! All decided writes and sequential reads of the run have one order that every session agrees with.
//!
//! Keys that are read and written several at a time are left out: one answer has one certificate, and they would need one for each key. What is legal as a whole is legal without them.

use crate::verdict::Failure;
use checker::{Class, Level, Record, SearchLimits, Status, check_records};

/// The search is the second opinion, and small ones are many.
const LIMITS: SearchLimits = SearchLimits { operations: 200, steps: 20_000, cache_bytes: 4 << 20 };

/// Answers how many sequential reads were judged.
pub(super) fn check(history: &[(usize, Record)]) -> Result<u64, Failure> {
    let judged: Vec<(usize, Record)> =
        history.iter().filter(|(_, record)| !record.key.starts_with("several-")).cloned().collect();
    let is_read = |record: &Record| {
        record.level.as_deref() == Some(Level::Sequential.as_str())
            && record.status == Status::Ok
            && !record.may_write()
    };
    let reads = judged.iter().filter(|(_, record)| is_read(record)).count();
    if reads == 0 {
        return Ok(0);
    }
    let report = check_records(&judged, Level::Sequential, LIMITS)
        .map_err(|error| Failure::crash(format!("the history cannot be judged: {error}")))?;
    match report.class() {
        Class::Legal | Class::Undecided => Ok(reads as u64),
        Class::Violation | Class::JudgesDisagree => {
            Err(Failure::safety("the whole cluster has one sequential order", report.to_string()))
        }
    }
}
