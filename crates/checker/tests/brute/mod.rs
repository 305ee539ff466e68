//! The promises once more, as plainly as they can be said: searches that try every order and every replica state, from the
//! words of the contract alone. They share no code with the judges, know no cleverness, and are only for up to eight
//! operations.
//!
//! * `linearizable`: the crate `todc-utils` with a specification of its own; unknown outcomes by trying all of them.
//! * `sequential`: every total order of the whole cluster's decided writes and sequential reads.
//! * `causal`: happened-before as a closed relation, and for each answer every replica state that could have shown it.
//! * `weather`: small histories of a careless store, some right and some wrong.
//!
//! They read the records' public fields only. Every key takes plain writes of values that are written once, so who wrote what is
//! seen is never in doubt (`linearizable` alone takes every operation, and values that repeat).

pub(crate) mod causal;
pub(crate) mod linearizable;
pub(crate) mod sequential;
pub(crate) mod weather;

use checker::{Fate, History, Level, OpName, Record, Status};

/// The level of a record.
fn level(record: &Record) -> Level {
    record.level.as_deref().map_or(Level::Linearizable, |name| name.parse().unwrap())
}

fn is_write(record: &Record) -> bool {
    record.op == OpName::Set
}

/// What became of a tentative write; all sightings agree in these histories.
fn fate<'a>(history: &'a History, record: &Record) -> Option<&'a Fate> {
    let dot = record.dots.first()?;
    history.fates.iter().map(|(_, fate)| fate).find(|fate| fate.dot == *dot)
}

/// Whether the first had been answered to the second's session, or to one whose token it took over, when that was sent. One that
/// took no time at all is concurrent with what was sent at its instant.
fn is_directly_before(first: &Record, second: &Record) -> bool {
    let (Some(end_ns), Status::Ok) = (first.return_ns, first.status) else { return false };
    let at_once = first.invoke_ns == end_ns && end_ns == second.invoke_ns;
    if first.session.is_none() || second.session.is_none() || at_once {
        return false;
    }
    (first.session == second.session && end_ns <= second.invoke_ns)
        || second
            .joins
            .iter()
            .any(|(session, at_ns)| first.session.as_ref() == Some(session) && end_ns <= *at_ns)
}

/// `[a][b]`: a stands before b, directly or by way of others, for operations that touch a session.
fn session_order(records: &[&Record]) -> Vec<Vec<bool>> {
    let touches = |record: &Record| level(record) != Level::Eventual && record.status != Status::Fail;
    let before = |a: &Record, b: &Record| touches(a) && touches(b) && is_directly_before(a, b);
    closed(records.iter().map(|a| records.iter().map(|b| before(a, b)).collect()).collect())
}

/// Goes round until nothing changes.
fn closed(mut before: Vec<Vec<bool>>) -> Vec<Vec<bool>> {
    let n = before.len();
    loop {
        let mut changed = false;
        for a in 0..n {
            for b in 0..n {
                for c in 0..n {
                    if before[a][b] && before[b][c] && !before[a][c] {
                        before[a][c] = true;
                        changed = true;
                    }
                }
            }
        }
        if !changed {
            return before;
        }
    }
}
