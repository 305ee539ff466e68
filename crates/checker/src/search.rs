//! Judge B: is there any legal order at all? An exhaustive search, by somebody else's code.
//!
//! The search (Wing and Gong's, with Lowe's cache) is the crate `todc-utils`; this file turns a key's operations
//! into its terms. It shares nothing with judge A but the register's rules: where A takes the order from the versions,
//! B looks for an order, with the version as a part of the key's state that an answer must fit. So
//! the two must agree exactly. Answers without version are judged by their values alone, and `judge_values` judges
//! all of them so.
//!
//! *Hidden versions.* Nobody knows the version of a write of unknown outcome, only that it is larger than all before:
//! the state keeps the least version possible, and an answer that shows the value fixes it.
//!
//! *Unknown outcomes.* The crate knows only operations that return. One that never did is given a return behind all
//! others, and counts as legal anywhere, with an effect where it has one: standing last of all, it has had none
//! that anybody saw. So "took effect once, at any time" and "never" are both tried.
//!
//! *Bounds.* The search is exponential in the worst case. It stops being tried beyond `SearchLimits`: then the
//! specification calls every step illegal, the search unwinds, and the judge says *undecided*, never *legal*.
//!
//! Not here: which operations are to blame. The crate says only yes or no, so the slice that is shown is found by
//! judging shorter and shorter histories.

use std::cell::Cell;
use std::rc::Rc;

use todc_utils::{Action as Event, History, Specification, WGLChecker};

use crate::register::{Action, Operation, State};
use crate::verdict::{Judgement, Rule, Violation};

/// How much one search may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLimits {
    /// Most operations of one key.
    pub operations: usize,
    /// Most steps that are tried.
    pub steps: u64,
    /// Most memory for what the search has already seen, in bytes (roughly).
    pub cache_bytes: u64,
}

impl Default for SearchLimits {
    fn default() -> SearchLimits {
        SearchLimits { operations: 2_500, steps: 2_000_000, cache_bytes: 128 << 20 }
    }
}

/// What is left of the limits, shared by all operations of one search.
#[derive(Debug)]
struct Budget {
    steps: Cell<u64>,
    legal_steps: Cell<u64>,
}

#[derive(Clone, Debug)]
struct Step {
    action: Rc<Action>,
    version: Option<u64>,
    unknown: bool,
    budget: Rc<Budget>,
}

/// A key with its version, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct VersionedState {
    state: State,
    /// The least that the last write's version can be.
    least: u64,
    /// Whether it is `least` exactly.
    exact: bool,
    /// The largest version that an answer about the absent key reported since; the next write's is larger.
    floor: u64,
}

impl VersionedState {
    /// The state behind a write, `None` where its version comes too early.
    fn written(&self, state: State, version: Option<u64>) -> Option<VersionedState> {
        let least = self.least.max(self.floor).checked_add(1)?;
        let fits = version.is_none_or(|version| version >= least);
        fits.then(|| VersionedState {
            state,
            least: version.unwrap_or(least),
            exact: version.is_some(),
            floor: 0,
        })
    }

    /// The state behind an answer that changed nothing, `None` where its version does not fit.
    fn observed(&self, version: Option<u64>) -> Option<VersionedState> {
        let mut after = self.clone();
        let Some(version) = version else { return Some(after) };
        if version < self.least || (self.state.is_some() && self.exact && version != self.least) {
            return None;
        }
        if self.state.is_some() {
            after.least = version;
            after.exact = true;
        } else {
            after.floor = self.floor.max(version);
        }
        Some(after)
    }
}

struct Key;

impl Specification for Key {
    type State = VersionedState;
    type Operation = Step;

    fn init() -> VersionedState {
        VersionedState { state: None, least: 0, exact: true, floor: 0 }
    }

    fn apply(step: &Step, before: &VersionedState) -> (bool, VersionedState) {
        let budget = &step.budget;
        let (steps, legal_steps) = (budget.steps.get(), budget.legal_steps.get());
        if steps == 0 || legal_steps == 0 {
            budget.steps.set(0);
            return (false, before.clone());
        }
        budget.steps.set(steps - 1);
        let after = if step.unknown {
            let after = step.action.effect(&before.state).and_then(|state| before.written(state, None));
            Some(after.unwrap_or_else(|| before.clone()))
        } else {
            step.action.answer(&before.state).and_then(|state| match step.action.writes() {
                true => before.written(state, step.version),
                false => before.observed(step.version),
            })
        };
        match after {
            Some(after) => {
                budget.legal_steps.set(legal_steps - 1);
                (true, after)
            }
            None => (false, before.clone()),
        }
    }
}

/// Judges the operations of one key that began absent.
pub fn judge(operations: &[Operation], limits: SearchLimits) -> Judgement {
    match exists_legal_order(operations, limits) {
        Ok(true) => Judgement::Legal,
        Ok(false) => Judgement::Violation(Box::new(slice(operations, limits))),
        Err(reason) => Judgement::Undecided(reason),
    }
}

/// Judges by the values alone, as if no answer had carried a version: linearizable in some order, if not in that which
/// the store has promised.
pub fn judge_values(operations: &[Operation], limits: SearchLimits) -> Judgement {
    let mut operations = operations.to_vec();
    operations.iter_mut().for_each(|op| op.version = None);
    judge(&operations, limits)
}

fn exists_legal_order(operations: &[Operation], limits: SearchLimits) -> Result<bool, String> {
    if operations.len() > limits.operations {
        return Err(format!(
            "too large to search: {} operations of one key, limit {}",
            operations.len(),
            limits.operations
        ));
    }
    if operations.is_empty() {
        return Ok(true);
    }
    // The cache keeps one byte for each event of the history, and two events belong to each operation.
    let bytes_of_legal_step = 2 * operations.len() as u64 + 64;
    let budget = Rc::new(Budget {
        steps: Cell::new(limits.steps),
        legal_steps: Cell::new(limits.cache_bytes / bytes_of_legal_step),
    });
    // At equal times calls come first: operations that only touch are concurrent, as for judge A.
    let mut events = Vec::new();
    for (process, op) in operations.iter().enumerate() {
        let step = || Step {
            action: Rc::new(op.action.clone()),
            version: op.version,
            unknown: op.is_unknown(),
            budget: budget.clone(),
        };
        events.push(((op.invoke_ns, false), process, Event::Call(step())));
        events.push(((op.end_ns(), true), process, Event::Response(step())));
    }
    events.sort_by_key(|(time, process, _)| (*time, *process));
    let events = events.into_iter().map(|(_, process, event)| (process, event)).collect();

    let legal = WGLChecker::<Key>::is_linearizable(History::from_actions(events));
    if legal || (budget.steps.get() > 0 && budget.legal_steps.get() > 0) {
        return Ok(legal);
    }
    Err(format!(
        "too large to search: {} operations, {} steps did not suffice",
        operations.len(),
        limits.steps
    ))
}

/// The beginning of the history, up to and including the answer of `last`: what was not answered by then is unknown.
fn beginning(operations: &[Operation], last_end_ns: u64) -> Vec<Operation> {
    let begun = operations.iter().filter(|op| op.invoke_ns <= last_end_ns).cloned();
    let cut = begun.map(|mut op| {
        op.return_ns = op.return_ns.filter(|end_ns| *end_ns <= last_end_ns);
        op
    });
    cut.filter(|op| !op.is_unknown() || op.action.writes()).collect()
}

/// A small part of a history without legal order that has none either.
fn slice(operations: &[Operation], limits: SearchLimits) -> Violation {
    /// Leaving out operations one by one is quadratic.
    const MOST_THINNED: usize = 60;
    const MOST_SHOWN: usize = 12;
    let illegal = |part: &[Operation]| exists_legal_order(part, limits) == Ok(false);

    let mut ends: Vec<u64> = operations.iter().filter_map(|op| op.return_ns).collect();
    ends.sort_unstable();
    // The shortest beginning that is illegal: legality is lost once and never regained.
    let shortest = ends.partition_point(|end_ns| !illegal(&beginning(operations, *end_ns)));
    let mut part = ends.get(shortest).map_or(operations.to_vec(), |end_ns| beginning(operations, *end_ns));
    if part.len() <= MOST_THINNED {
        let mut place = 0;
        while place < part.len() {
            let mut thinner = part.clone();
            let left_out = thinner.remove(place);
            // Only what changes nothing can be left out without inventing a violation.
            if !left_out.action.writes() && illegal(&thinner) { part = thinner } else { place += 1 }
        }
    }
    let size = part.len();
    part.sort_by_key(|op| (op.end_ns(), op.line));
    let answered = part.iter().filter(|op| !op.is_unknown()).count();
    part.drain(..answered.saturating_sub(MOST_SHOWN));
    part.truncate(MOST_SHOWN);
    part.sort_by_key(|op| op.line);
    Violation {
        rule: Rule::NoLegalOrder,
        explanation: format!(
            "no order of {size} operations of this key explains all their answers; the last of them that were answered"
        ),
        operations: part,
    }
}
