//! Writes of unknown outcome, and how some of them can explain a value that no answered write made.
//!
//! Between two versions of a key, operations whose outcome nobody learned may have taken effect, unseen. Judge A
//! asks: by which *chains* of them can the key have come from the state it had to the state that was seen? Chains
//! are searched backwards from the state that was seen (a value names its maker, so there is seldom more than one
//! way), or forwards where an answer fits several states.
//!
//! Two ideas keep this small. Operations that do the same are one *kind*, used in the order in which they began:
//! the one that began first can stand in for any other. And only shortest explanations matter: what stands before a
//! blind write, or leads in a circle, uses operations up and changes nothing.
//!
//! Chains are found shortest first, and the work is bounded by `Effort`, which remembers whether any was left out.
//!
//! Invariants: a chain holds only operations with an effect where they stand.
//!
//! Not here: versions and real time of answered operations (`linearizable`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::register::{Action, Operation, State, number};

/// How many operations of each kind are used up, in the order of `Hidden::kinds`.
pub(crate) type Used = Vec<u32>;

/// The work that is left, and whether any was left out.
pub(crate) struct Effort {
    steps: u64,
    /// Whether every explanation was looked at so far. If not, one that was found still holds, but finding none proves
    /// nothing.
    pub(crate) complete: bool,
}

/// The work ran out before the answer was found.
#[derive(Debug)]
pub(crate) struct OutOfEffort;

impl Effort {
    /// For a key with this many operations.
    pub(crate) fn new(operations: usize) -> Effort {
        /// What explanations may cost, beyond what the key's size needs.
        const MOST_STEPS: u64 = 1_000_000;
        Effort { steps: MOST_STEPS + operations as u64, complete: true }
    }

    /// How many steps one search for chains may take: few once nothing can be proved wrong any more.
    fn steps_of_search(&self) -> u64 {
        if self.complete { 5_000 } else { 50 }
    }

    /// Pays for one step of a search; false when the search has had its share.
    fn spend(&mut self, left_of_search: &mut u64) -> Result<bool, OutOfEffort> {
        self.steps = self.steps.checked_sub(1).ok_or(OutOfEffort)?;
        let goes_on = *left_of_search > 0;
        *left_of_search = left_of_search.saturating_sub(1);
        self.complete &= goes_on;
        Ok(goes_on)
    }
}

/// The newest beginning among some operations: the time in ns, and the place of the one that has it.
pub(crate) type Newest = Option<(u64, usize)>;

/// Operations of unknown outcome that take effect one after the other.
pub(crate) struct Chain {
    /// The state that they leave.
    pub(crate) after: State,
    /// What is used up afterwards, earlier chains included.
    pub(crate) used: Used,
    /// The newest beginning in this chain; `None` for the empty chain.
    pub(crate) newest: Newest,
    /// The place of the last operation; `None` for the empty chain.
    pub(crate) last: Option<usize>,
}

/// Where and when a chain may run.
pub(crate) struct Window {
    /// Fewest operations: 1 where a new version must appear.
    pub(crate) shortest: u64,
    /// Most operations: how many versions are free.
    pub(crate) longest: u64,
    /// Every operation must have begun by then, because something after it had been answered by then.
    pub(crate) deadline_ns: u64,
    /// The version that the last operation makes, where it is known.
    pub(crate) version: Option<u64>,
}

struct Kind {
    action: Action,
    /// `(invoke_ns, place in the operations)`, oldest first.
    members: Vec<(u64, usize)>,
    /// The kind's only member made this version and can be used for nothing else.
    reserved_for: Option<u64>,
}

/// All operations of unknown outcome of one key, by kind.
pub(crate) struct Hidden {
    kinds: Vec<Kind>,
}

struct Node {
    state: State,
    used: Used,
    length: u64,
    newest: Newest,
    last: Option<usize>,
}

impl Hidden {
    /// Gathers the operations of unknown outcome. `orphans` are the values that were read at versions which no
    /// answered write made, with the first such version.
    pub(crate) fn new(operations: &[Operation], orphans: &BTreeMap<Arc<str>, u64>) -> Hidden {
        let computed = |op: &&Operation| matches!(op.action, Action::Incr { .. } | Action::Append { .. });
        let never_computed = !operations.iter().any(|op| computed(&op));
        let never_computed_unseen = !operations.iter().filter(|op| op.is_unknown()).any(|op| computed(&op));
        let mentioned: BTreeSet<&str> = operations
            .iter()
            .filter_map(|op| match &op.action {
                Action::Get { seen: state } | Action::Cas { expect: state, .. } => state.as_deref(),
                _ => None,
            })
            .collect();

        let mut kinds: BTreeMap<Action, Kind> = BTreeMap::new();
        let mut makers: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        let mut unmentioned: Option<Arc<str>> = None;
        for (place, op) in operations.iter().enumerate().filter(|(_, op)| op.is_unknown()) {
            let mut action = op.action.clone();
            match &mut action {
                // Nobody ever asks for this value, so one such write is as good as another: all are one kind.
                Action::Set { value } if never_computed && !mentioned.contains(&**value) => {
                    *value = unmentioned.get_or_insert_with(|| value.clone()).clone();
                }
                Action::Set { value } | Action::Cas { value, .. } => {
                    *makers.entry(value.clone()).or_default() += 1;
                }
                Action::Incr { result, .. } | Action::Append { result, .. } => *result = None,
                Action::Get { .. } | Action::Del { .. } | Action::Erase => {}
            }
            let kind = kinds.entry(action.clone());
            kind.or_insert_with(|| Kind { action, members: Vec::new(), reserved_for: None })
                .members
                .push((op.invoke_ns, place));
        }
        for kind in kinds.values_mut() {
            kind.members.sort_unstable();
            if let Action::Set { value } | Action::Cas { value, .. } = &kind.action
                && never_computed_unseen
                && makers.get(value) == Some(&1)
            {
                kind.reserved_for = orphans.get(value).copied();
            }
        }
        Hidden { kinds: kinds.into_values().collect() }
    }

    /// Nothing used yet.
    pub(crate) fn unused(&self) -> Used {
        vec![0; self.kinds.len()]
    }

    fn next(&self, kind: usize, used: &Used, window: &Window, is_last: bool) -> Option<(u64, usize)> {
        let kind_used = used[kind] as usize;
        let kind = &self.kinds[kind];
        let reserved_elsewhere =
            kind.reserved_for.is_some() && !(is_last && kind.reserved_for == window.version);
        let member = *kind.members.get(kind_used)?;
        (!reserved_elsewhere && member.0 <= window.deadline_ns).then_some(member)
    }

    /// The shortest chains from `from` to exactly `target`.
    pub(crate) fn chains_to(
        &self,
        from: &State,
        used: &Used,
        target: &State,
        window: &Window,
        effort: &mut Effort,
    ) -> Result<Vec<Chain>, OutOfEffort> {
        let mut chains = Vec::new();
        let mut seen: BTreeSet<(State, Used)> = BTreeSet::new();
        let mut left = effort.steps_of_search();
        let mut open = VecDeque::from([Node {
            state: target.clone(),
            used: used.clone(),
            length: 0,
            newest: None,
            last: None,
        }]);
        while let Some(node) = open.pop_front() {
            if !effort.spend(&mut left)? {
                break;
            }
            if node.state == *from && node.length >= window.shortest {
                chains.push(node.into_chain(target.clone()));
                continue;
            }
            if node.length >= window.longest {
                continue;
            }
            for kind in 0..self.kinds.len() {
                let Some(member) = self.next(kind, &node.used, window, node.length == 0) else { continue };
                for before in befores(&self.kinds[kind].action, &node.state) {
                    let mut next = node.with(kind, member);
                    next.last = node.last.or(Some(member.1));
                    match before {
                        Before::Anything => chains.push(next.into_chain(target.clone())),
                        Before::Exactly(state) => {
                            next.state = state;
                            if seen.insert((next.state.clone(), next.used.clone())) {
                                open.push_back(next);
                            }
                        }
                    }
                }
            }
        }
        Ok(chains)
    }

    /// All chains from `from` to states that fit, for answers that do not tell the state. A blind write can only be
    /// the first of a chain: what it overwrites need not have happened.
    pub(crate) fn chains_from(
        &self,
        from: &State,
        used: &Used,
        fits: impl Fn(&State) -> bool,
        window: &Window,
        effort: &mut Effort,
    ) -> Result<Vec<Chain>, OutOfEffort> {
        let mut chains = Vec::new();
        let mut seen: BTreeSet<(State, Used)> = BTreeSet::new();
        let mut left = effort.steps_of_search();
        let mut open = VecDeque::from([Node {
            state: from.clone(),
            used: used.clone(),
            length: 0,
            newest: None,
            last: None,
        }]);
        while let Some(node) = open.pop_front() {
            if !effort.spend(&mut left)? {
                break;
            }
            if node.length < window.longest {
                for kind in 0..self.kinds.len() {
                    let action = &self.kinds[kind].action;
                    let blind = matches!(action, Action::Set { .. } | Action::Del { .. } | Action::Erase);
                    let Some(member) = self.next(kind, &node.used, window, false) else { continue };
                    let Some(after) = action.effect(&node.state).filter(|_| !blind || node.length == 0)
                    else {
                        continue;
                    };
                    let mut next = node.with(kind, member);
                    next.last = Some(member.1);
                    next.state = after;
                    if seen.insert((next.state.clone(), next.used.clone())) {
                        open.push_back(next);
                    }
                }
            }
            if node.length >= window.shortest && fits(&node.state) {
                let after = node.state.clone();
                chains.push(node.into_chain(after));
            }
        }
        Ok(chains)
    }
}

impl Node {
    fn with(&self, kind: usize, member: (u64, usize)) -> Node {
        let mut used = self.used.clone();
        used[kind] += 1;
        let newest = self.newest.max(Some(member));
        Node { state: self.state.clone(), used, length: self.length + 1, newest, last: self.last }
    }

    fn into_chain(self, after: State) -> Chain {
        Chain { after, used: self.used, newest: self.newest, last: self.last }
    }
}

enum Before {
    Anything,
    Exactly(State),
}

/// The states in which `action` takes effect and leaves exactly `after`.
fn befores(action: &Action, after: &State) -> Vec<Before> {
    match (action, after) {
        (Action::Set { value }, Some(text)) if value == text => vec![Before::Anything],
        // A deletion has an effect on any value; which one it was does not matter to what follows.
        (Action::Del { .. } | Action::Erase, None) => vec![Before::Anything],
        (Action::Cas { expect, value, .. }, Some(text)) if value == text => {
            vec![Before::Exactly(expect.clone())]
        }
        (Action::Incr { delta, .. }, Some(_)) => {
            number(after).and_then(|sum| sum.checked_sub(*delta)).map_or(Vec::new(), states_of_number)
        }
        (Action::Append { suffix, .. }, Some(text)) => {
            text.strip_suffix(&**suffix).map_or(Vec::new(), states_of_text)
        }
        _ => Vec::new(),
    }
}

fn states_of_number(number: i64) -> Vec<Before> {
    exact_states_of_number(number).into_iter().map(Before::Exactly).collect()
}

fn states_of_text(text: &str) -> Vec<Before> {
    exact_states_of_text(text).into_iter().map(Before::Exactly).collect()
}

/// The states that INCR takes for this number: absent counts as 0.
pub(crate) fn exact_states_of_number(number: i64) -> Vec<State> {
    let text = Some(number.to_string().into());
    if number == 0 { vec![text, None] } else { vec![text] }
}

/// The states that APPEND takes for this text: absent counts as empty.
pub(crate) fn exact_states_of_text(text: &str) -> Vec<State> {
    let present = Some(text.into());
    if text.is_empty() { vec![present, None] } else { vec![present] }
}
