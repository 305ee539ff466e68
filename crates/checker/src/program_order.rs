//! Program order: what had been answered to a session before one of its operations was sent.
//!
//! An operation stands after those of its session whose answers had come when it was sent; operations that were under
//! way together are concurrent. Times that touch count as an order here, other than in real time between clients: one
//! client had the answer and sent the next. A token that was handed over brings what the other session had been
//! answered by then.
//!
//! The sweep goes once through all sendings and answers by time, *n* log *n*, and keeps for each session a running
//! maximum: memory is in the order of the history.
//!
//! Not here: what the maximum is of, beyond a timestamp (`sequential`), and causality through reads (`causal`).

use std::collections::BTreeMap;

/// An operation as the sweep sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) session: Option<&'a str>,
    pub(crate) joins: &'a [(String, u64)],
    pub(crate) invoke_ns: u64,
    pub(crate) return_ns: Option<u64>,
    /// The timestamp that whatever follows it in the session must respect.
    pub(crate) time: Option<u64>,
}

/// What happens at one instant, in this order: answers to what was sent earlier, sendings, answers that took no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Answered,
    Sent,
    AnsweredAtOnce,
}

/// All sendings and answers by time: `(ns, what, place of the step)`.
pub(crate) fn moments(spans: impl Iterator<Item = (u64, Option<u64>)>) -> Vec<(u64, Moment, usize)> {
    let mut moments = Vec::new();
    for (place, (invoke_ns, return_ns)) in spans.enumerate() {
        moments.push((invoke_ns, Moment::Sent, place));
        if let Some(end_ns) = return_ns {
            let what = if end_ns == invoke_ns { Moment::AnsweredAtOnce } else { Moment::Answered };
            moments.push((end_ns, what, place));
        }
    }
    moments.sort_unstable();
    moments
}

/// A timestamp, and the place of the step that set it.
pub(crate) type Bound = Option<(u64, usize)>;

/// For each step the largest timestamp that its session had been given before it was sent.
pub(crate) fn newest_before(steps: &[Step<'_>]) -> Vec<Bound> {
    let mut bounds = vec![None; steps.len()];
    let mut sessions: BTreeMap<&str, Vec<(u64, Bound)>> = BTreeMap::new();
    for (now_ns, what, place) in moments(steps.iter().map(|step| (step.invoke_ns, step.return_ns))) {
        let step = &steps[place];
        let Some(session) = step.session else { continue };
        if what == Moment::Sent {
            let own = sessions.get(session).and_then(|past| past.last()).and_then(|(_, bound)| *bound);
            let joined = step.joins.iter().map(|(other, at_ns)| {
                let past = sessions.get(other.as_str()).map_or(&[][..], Vec::as_slice);
                let answered = past.partition_point(|(ns, _)| ns <= at_ns);
                answered.checked_sub(1).and_then(|last| past[last].1)
            });
            bounds[place] = joined.fold(own, Ord::max);
        } else {
            let past = sessions.entry(session).or_default();
            let before = past.last().and_then(|(_, bound)| *bound);
            let own = step.time.map(|time| (time, place));
            past.push((now_ns, before.max(bounds[place]).max(own)));
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(session: &'static str, invoke_ns: u64, return_ns: Option<u64>, time: u64) -> Step<'static> {
        Step { session: Some(session), joins: &[], invoke_ns, return_ns, time: Some(time) }
    }

    #[test]
    fn an_operation_stands_after_what_had_been_answered_when_it_was_sent() {
        let steps = [
            step("a", 0, Some(10), 7),
            step("a", 5, Some(20), 9),
            step("a", 10, Some(30), 1),
            step("b", 40, Some(50), 1),
            step("a", 40, None, 99),
            step("a", 60, Some(60), 1),
            step("a", 60, Some(60), 1),
        ];
        let bounds = newest_before(&steps);
        assert_eq!(bounds[0..4], [None, None, Some((7, 0)), None]);
        assert_eq!(bounds[4..], [Some((9, 1)); 3]);
    }

    #[test]
    fn a_token_brings_what_the_other_session_knew_at_its_time() {
        let joins = [("a".to_owned(), 15)];
        let later = [("b".to_owned(), 40)];
        let steps = [
            step("a", 0, Some(10), 7),
            step("a", 11, Some(20), 9),
            Step { joins: &joins, ..step("b", 30, Some(40), 1) },
            Step { joins: &later, ..step("c", 50, Some(60), 1) },
        ];
        assert_eq!(newest_before(&steps), [None, Some((7, 0)), Some((7, 0)), Some((7, 0))]);
    }
}
