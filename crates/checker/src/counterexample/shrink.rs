//! Leaves operations out of a history while its judge still says the same of the rest (*ddmin*: halves first, single ones last).
//!
//! "The same" is the same sentence about the same lines, by the same rule. That is stricter than "still broken": a history
//! from which the right write is missing is broken too, and says nothing about the store. Only the search by brute
//! force knows no sentence of its own; there the same rule must do, and `support` keeps the writers in.
//!
//! Most counterexamples are the culprits and what they rest on, so that is tried first.
//!
//! *Bounded* by judgements, and by the operations that these look at.

use std::collections::BTreeSet;

use super::support::Support;
use super::{Counterexample, ShrinkLimits};
use crate::check::check_history;
use crate::fate::Dot;
use crate::history::History;
use crate::level::{Level, Scope};
use crate::search::SearchLimits;
use crate::verdict::{Rule, Violation};

struct Trial<'a> {
    whole: &'a History,
    level: Level,
    violation: &'a Violation,
    search: SearchLimits,
    judgements: usize,
    operations: usize,
}

/// The smallest part that was found; `None` where the judge does not repeat itself (then it must not be drawn).
pub(super) fn shrink(
    history: &History,
    level: Level,
    violation: &Violation,
    search: SearchLimits,
    limits: ShrinkLimits,
) -> Option<Counterexample> {
    let by_search = violation.rule == Rule::NoLegalOrder;
    // Where the versions tell, the search only costs.
    let quick = SearchLimits { operations: 100, steps: 20_000, ..search };
    let mut trial = Trial {
        whole: history,
        level,
        violation,
        search: if by_search { search } else { quick },
        judgements: limits.judgements,
        operations: limits.operations,
    };
    let support = Support::new(history, by_search);
    let culprits: BTreeSet<usize> = violation.operations.iter().map(|operation| operation.line).collect();
    let mut kept = trial.start(&support, &culprits)?;
    let mut found = trial.says_the_same(&kept);
    let mut chunk = kept.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        let mut shorter = false;
        while at < kept.len() && !trial.is_spent() {
            let end = (at + chunk).min(kept.len());
            let rest = kept[..at].iter().chain(&kept[end..]).copied();
            let rest = support.closed(rest);
            if rest.len() < kept.len()
                && let Some(violation) = trial.says_the_same(&rest)
            {
                (kept, found, shorter) = (rest, Some(violation), true);
            } else {
                at = end;
            }
        }
        // Once more with single ones until none can go: each that goes may free another.
        chunk = if chunk == 1 && shorter { 1 } else { chunk / 2 };
        if trial.is_spent() {
            break;
        }
    }
    let mut history = trial.part(&kept);
    trial.drop_repeated_fates(&mut history);
    Some(Counterexample {
        level,
        violation: found?,
        history,
        out_of: trial.whole.records.len(),
        complete: !trial.is_spent(),
    })
}

impl Trial<'_> {
    fn is_spent(&self) -> bool {
        self.judgements == 0 || self.operations == 0
    }

    /// The smallest of a few parts that are likely, in which the judge says the same.
    fn start(&mut self, support: &Support, culprits: &BTreeSet<usize>) -> Option<Vec<usize>> {
        let records = &self.whole.records;
        let places = || 0..records.len();
        let blamed = |place: &usize| culprits.contains(&records[*place].0);
        let keys: BTreeSet<&str> = places().filter(blamed).map(|place| &*records[place].1.key).collect();
        let sessions: BTreeSet<&str> =
            places().filter(blamed).filter_map(|place| records[place].1.session.as_deref()).collect();
        let of_key = |place: &usize| keys.contains(&*records[*place].1.key);
        let of_session =
            |place: &usize| records[*place].1.session.as_deref().is_some_and(|name| sessions.contains(name));
        let tries = [
            support.closed(places().filter(blamed)),
            support.closed(places().filter(of_key)),
            support.closed(places().filter(|place| of_key(place) || of_session(place))),
            places().collect(),
        ];
        tries.into_iter().find(|places| self.says_the_same(places).is_some())
    }

    /// The history of these places, with the fates of their dots and those of nobody's.
    fn part(&self, places: &[usize]) -> History {
        let records: Vec<_> = places.iter().map(|place| self.whole.records[*place].clone()).collect();
        let dots: BTreeSet<&Dot> = records.iter().flat_map(|(_, record)| record.dots.first()).collect();
        let fates = self.whole.fates.iter().filter(|(_, fate)| dots.contains(&fate.dot)).cloned().collect();
        History { records, fates }
    }

    fn says_the_same(&mut self, places: &[usize]) -> Option<Violation> {
        let part = self.part(places);
        self.judge(&part)
    }

    fn judge(&mut self, part: &History) -> Option<Violation> {
        self.judgements = self.judgements.saturating_sub(1);
        self.operations = self.operations.saturating_sub(part.records.len());
        let report = check_history(part, Scope::Only(self.level), self.search).ok()?;
        let of_keys = report.keys.iter().filter_map(|key| key.violation());
        let of_levels = report.levels.iter().flat_map(|level| &level.violations);
        of_keys.chain(of_levels).find(|found| self.is_same(found)).cloned()
    }

    fn is_same(&self, found: &Violation) -> bool {
        found.rule == self.violation.rule
            && (found.rule == Rule::NoLegalOrder || found.explanation == self.violation.explanation)
    }

    /// Several replicas tell the same fate; one telling is enough, unless it is the difference that is the violation.
    fn drop_repeated_fates(&mut self, history: &mut History) {
        let mut at = history.fates.len();
        while let Some(next) = at.checked_sub(1) {
            at = next;
            let told = |fate: &crate::fate::Fate| (fate.dot.clone(), fate.ending, fate.decided_version);
            let this = told(&history.fates[at].1);
            let again = history.fates.iter().filter(|(_, fate)| told(fate) == this).count() > 1;
            if again && !self.is_spent() {
                let mut shorter = history.clone();
                shorter.fates.remove(at);
                if self.judge(&shorter).is_some() {
                    *history = shorter;
                }
            }
        }
    }
}
