//! Judge A: is the history of one key linearizable in the order that its versions claim?
//!
//! Every answer carries the version that it wrote or saw, so there is nothing to guess about the order: operations
//! are walked once, by version, and three things are asked of each. Are versions of writes unique? Could the
//! operation have given its answer in the state that the key had there? And does the order respect real time: had
//! nothing that stands before it begun only after it was answered? Sorting is the only step that is not linear.
//!
//! A read stands after the write of its version and before the next one. An absent key, and a refused CAS on one,
//! reports its slot's newest deletion, which may be another key's: such answers stand behind every write of this key
//! with a version up to theirs, and among themselves, with no write between, their versions say nothing.
//!
//! Operations of unknown outcome may stand anywhere after they began, once or nowhere. They are placed only where a
//! state that was seen cannot be explained without them (`hidden`). Several explanations may be possible and use up
//! different operations; then all of them are followed side by side. Beyond a limit only the thriftiest are: one of them
//! that reaches the end still proves the history legal, but if none does the judge says *undecided*.
//!
//! Invariants: *legal* is said only with a legal order in hand (so a search by brute force must find one too);
//! *violation* only when no placing of unknown operations is left. The judge is stricter than the
//! definition of linearizability in one way: the order must be that of the versions, which the store has promised.
//!
//! Not here: keys whose answers lack versions (undecided; `search` judges them), and any level but linearizable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::hidden::{
    Chain, Effort, Hidden, Newest, OutOfEffort, Used, Window, exact_states_of_number, exact_states_of_text,
};
use crate::register::{Action, Operation, Shown, State, number};
use crate::verdict::{Judgement, Rule, Violation};

/// How many explanations are followed side by side.
const MOST_WAYS: usize = 512;

/// How many are kept when there are more.
const KEPT_WAYS: usize = 64;

/// Judges the operations of one key that began absent.
pub fn judge(operations: &[Operation]) -> Judgement {
    let unversioned = operations.iter().find(|op| !op.is_unknown() && op.version.is_none());
    if let Some(op) = unversioned {
        return Judgement::Undecided(format!("line {} is ok but has no `version`", op.line));
    }
    match (Walk { operations, groups: groups(operations) }).walk() {
        Ok(()) => Judgement::Legal,
        Err(Stop::Violation(violation)) => Judgement::Violation(violation),
        Err(Stop::OutOfEffort) => Judgement::Undecided(
            "operations of unknown outcome explain what was seen in too many ways to follow them all".into(),
        ),
    }
}

/// The answered operations of one version.
struct Group {
    version: u64,
    writers: Vec<usize>,
    observers: Vec<usize>,
    /// The earliest answer in this group or a later one: what stands before must have begun by then.
    deadline_ns: u64,
}

/// One way in which everything so far can have happened.
#[derive(Clone)]
struct Way {
    state: State,
    used: Used,
    /// The newest beginning up to and including the last write.
    before_write: Newest,
    /// The newest beginning so far.
    so_far: Newest,
    /// The last write, if any.
    writer: Option<usize>,
}

enum Stop {
    Violation(Box<Violation>),
    OutOfEffort,
}

impl From<OutOfEffort> for Stop {
    fn from(_: OutOfEffort) -> Stop {
        Stop::OutOfEffort
    }
}

/// An operation that had been answered before another began that must stand earlier.
#[derive(Clone, Copy)]
struct TooLate {
    operation: usize,
    behind: usize,
}

struct Walk<'a> {
    operations: &'a [Operation],
    groups: Vec<Group>,
}

fn groups(operations: &[Operation]) -> Vec<Group> {
    let mut by_version: BTreeMap<u64, Group> = BTreeMap::new();
    for (place, op) in operations.iter().enumerate().filter(|(_, op)| !op.is_unknown()) {
        let version = op.version.unwrap_or_default();
        let group = by_version.entry(version).or_insert_with(|| Group {
            version,
            writers: Vec::new(),
            observers: Vec::new(),
            deadline_ns: u64::MAX,
        });
        group.deadline_ns = group.deadline_ns.min(op.end_ns());
        if op.action.writes() { group.writers.push(place) } else { group.observers.push(place) }
    }
    let mut groups: Vec<Group> = by_version.into_values().collect();
    let mut deadline_ns = u64::MAX;
    for group in groups.iter_mut().rev() {
        deadline_ns = deadline_ns.min(group.deadline_ns);
        group.deadline_ns = deadline_ns;
    }
    groups
}

impl Walk<'_> {
    fn walk(&self) -> Result<(), Stop> {
        self.check_versions_of_writes()?;
        let hidden = Hidden::new(self.operations, &self.orphans());
        let mut effort = Effort::new(self.operations.len());
        let mut ways =
            vec![Way { state: None, used: hidden.unused(), before_write: None, so_far: None, writer: None }];
        let mut previous_version = 0;
        for group in &self.groups {
            let mut next = Vec::new();
            let mut too_late = None;
            for way in &ways {
                self.step(group, previous_version, way, &hidden, &mut effort, &mut next, &mut too_late)?;
            }
            if next.is_empty() {
                return Err(match effort.complete {
                    true => self.violation(group, &ways[0], too_late),
                    false => Stop::OutOfEffort,
                });
            }
            ways = without_worse(next);
            if ways.len() > MOST_WAYS {
                effort.complete = false;
                ways.sort_by_cached_key(|way| (way.used.iter().sum::<u32>(), way.so_far));
                ways.truncate(KEPT_WAYS);
            }
            previous_version = group.version;
        }
        Ok(())
    }

    fn check_versions_of_writes(&self) -> Result<(), Stop> {
        for group in &self.groups {
            if let [first, second, ..] = group.writers[..] {
                let explanation = format!("two writes of one key claim version {}", group.version);
                return Err(self.stop(Rule::VersionsAreUnique, explanation, [first, second]));
            }
            if group.version == 0
                && let Some(first) = group.writers.first()
            {
                let explanation =
                    "a write claims version 0, which means that nothing was ever written".to_owned();
                return Err(self.stop(Rule::VersionsAreUnique, explanation, [*first]));
            }
        }
        Ok(())
    }

    /// Values that were read at versions that no answered write made, with the first such version.
    fn orphans(&self) -> BTreeMap<Arc<str>, u64> {
        let mut orphans = BTreeMap::new();
        for group in self.groups.iter().filter(|group| group.writers.is_empty()) {
            if let Some(Some(seen)) = self.seen(group) {
                orphans.entry(seen.clone()).or_insert(group.version);
            }
        }
        orphans
    }

    /// What a read of this version answered, if there was one.
    fn seen(&self, group: &Group) -> Option<&State> {
        group.observers.iter().find_map(|observer| match &self.operations[*observer].action {
            Action::Get { seen } => Some(seen),
            _ => None,
        })
    }

    /// Goes on from one way over one version; pushes every way in which that is possible.
    #[allow(clippy::too_many_arguments)] // one call, one loop; a struct for it would only rename the arguments
    fn step(
        &self,
        group: &Group,
        previous_version: u64,
        way: &Way,
        hidden: &Hidden,
        effort: &mut Effort,
        next: &mut Vec<Way>,
        too_late: &mut Option<TooLate>,
    ) -> Result<(), Stop> {
        let free = group.version - previous_version;
        let mut push = |chain: Chain, writer: Option<usize>| {
            match self.follow(group, way, chain, writer) {
                Ok(way) => next.push(way),
                Err(late) => *too_late = too_late.or(Some(late)),
            };
        };
        let window = |shortest, longest| Window {
            shortest,
            longest,
            deadline_ns: group.deadline_ns,
            version: Some(group.version),
        };

        if let Some(&writer) = group.writers.first() {
            let action = &self.operations[writer].action;
            let fits =
                |state: &State| action.answer(state).is_some_and(|after| self.all_answer(group, &after));
            // The version itself is the writer's; only those between are free.
            let between = window(0, free - 1);
            let chains = match self.states_before(action, group) {
                Some(targets) => {
                    let mut chains = Vec::new();
                    for target in targets.iter().filter(|target| fits(target)) {
                        chains.extend(hidden.chains_to(&way.state, &way.used, target, &between, effort)?);
                    }
                    chains
                }
                // What stands before makes no difference to what stands after: the shortest way will do.
                None if matches!(action, Action::Set { .. } | Action::Del { .. } | Action::Erase) => {
                    let longest = if fits(&way.state) { 0 } else { 1.min(free - 1) };
                    hidden.chains_from(&way.state, &way.used, fits, &window(0, longest), effort)?
                }
                None => hidden.chains_from(&way.state, &way.used, fits, &between, effort)?,
            };
            chains.into_iter().for_each(|chain| push(chain, Some(writer)));
            return Ok(());
        }

        let fits = |state: &State| self.all_answer(group, state);
        if fits(&None) {
            let chains = hidden.chains_to(&way.state, &way.used, &None, &window(0, free), effort)?;
            chains.into_iter().for_each(|chain| push(chain, None));
        }
        // A value at a version that no answered write made: a hidden write made exactly this version.
        let chains = match self.seen(group) {
            Some(seen @ Some(_)) if fits(seen) => {
                hidden.chains_to(&way.state, &way.used, seen, &window(1, free), effort)?
            }
            None if group
                .observers
                .iter()
                .all(|&op| matches!(self.operations[op].action, Action::Cas { .. })) =>
            {
                let present = |state: &State| state.is_some() && fits(state);
                hidden.chains_from(&way.state, &way.used, present, &window(1, free), effort)?
            }
            _ => Vec::new(),
        };
        chains.into_iter().for_each(|chain| push(chain, None));
        Ok(())
    }

    /// The states that a write must have found, where its answer (or a read of its version) tells them.
    fn states_before(&self, action: &Action, group: &Group) -> Option<Vec<State>> {
        match action {
            Action::Cas { expect, .. } => Some(vec![expect.clone()]),
            Action::Incr { delta, result } => {
                let sum = match (result, self.seen(group)) {
                    (Some(result), _) => *result,
                    (None, Some(seen @ Some(_))) => number(seen)?,
                    (None, _) => return None,
                };
                Some(sum.checked_sub(*delta).map_or(Vec::new(), exact_states_of_number))
            }
            Action::Append { suffix, .. } => {
                let seen = self.seen(group)?.as_deref()?;
                Some(seen.strip_suffix(&**suffix).map_or(Vec::new(), exact_states_of_text))
            }
            Action::Get { .. } | Action::Set { .. } | Action::Del { .. } | Action::Erase => None,
        }
    }

    fn all_answer(&self, group: &Group, state: &State) -> bool {
        group.observers.iter().all(|&observer| self.operations[observer].action.answer(state).is_some())
    }

    /// The way behind this group, if real time allows it.
    fn follow(&self, group: &Group, way: &Way, chain: Chain, writer: Option<usize>) -> Result<Way, TooLate> {
        let mut after = Way {
            state: chain.after,
            used: chain.used,
            before_write: way.before_write,
            so_far: way.so_far,
            writer: way.writer,
        };
        if chain.last.is_some() {
            after.so_far = after.so_far.max(chain.newest);
            after.before_write = after.so_far;
            after.writer = chain.last;
        }
        if let Some(writer) = writer {
            self.check_time(writer, after.so_far)?;
            let op = &self.operations[writer];
            after.state = op.action.answer(&after.state).expect("the chain was chosen to fit the writer");
            after.so_far = after.so_far.max(Some((op.invoke_ns, writer)));
            after.before_write = after.so_far;
            after.writer = Some(writer);
        }
        for &observer in &group.observers {
            self.check_time(observer, after.before_write)?;
            after.so_far = after.so_far.max(Some((self.operations[observer].invoke_ns, observer)));
        }
        Ok(after)
    }

    fn check_time(&self, operation: usize, before: Newest) -> Result<(), TooLate> {
        match before {
            Some((begun_ns, behind)) if self.operations[operation].end_ns() < begun_ns => {
                Err(TooLate { operation, behind })
            }
            _ => Ok(()),
        }
    }

    fn stop(&self, rule: Rule, explanation: String, places: impl IntoIterator<Item = usize>) -> Stop {
        let places: BTreeSet<usize> = places.into_iter().collect();
        let operations = places.into_iter().map(|place| self.operations[place].clone()).collect();
        Stop::Violation(Box::new(Violation { rule, explanation, operations }))
    }

    fn line(&self, place: usize) -> usize {
        self.operations[place].line
    }

    /// Puts into words why no way leads over this group.
    fn violation(&self, group: &Group, way: &Way, too_late: Option<TooLate>) -> Stop {
        if let Some(TooLate { operation, behind }) = too_late {
            let explanation = format!(
                "line {} was answered before line {} began, yet by their versions it stands behind it",
                self.line(operation),
                self.line(behind),
            );
            return self.stop(Rule::RealTime, explanation, [operation, behind]);
        }
        let held = match way.writer {
            Some(writer) => format!("{} (line {})", Shown(&way.state), self.line(writer)),
            None => "nothing yet".to_owned(),
        };
        let version = group.version;
        let mut places: Vec<usize> = way.writer.into_iter().collect();
        let explanation = if let Some(&writer) = group.writers.first() {
            places.push(writer);
            let after = self.operations[writer].action.answer(&way.state);
            let odd = after.as_ref().and_then(|after| self.misfit(group, after));
            if let (Some(odd), Some(after)) = (odd, after) {
                places.push(odd);
                format!(
                    "line {} does not fit: line {} wrote version {version} and left {}",
                    self.line(odd),
                    self.line(writer),
                    Shown(&after),
                )
            } else {
                format!(
                    "line {} cannot have been answered so at version {version}: the key held {held}, and no write of \
                     unknown outcome that had begun in time explains the difference",
                    self.line(writer),
                )
            }
        } else {
            let odd = self.misfit(group, &None).unwrap_or(group.observers[0]);
            places.push(odd);
            let op = &self.operations[odd];
            let maker = self.operations.iter().position(|other| match (&op.action, &other.action) {
                (
                    Action::Get { seen: Some(seen) },
                    Action::Set { value } | Action::Cas { value, swapped: true, .. },
                ) => seen == value,
                _ => false,
            });
            let hint = match maker {
                Some(maker) => {
                    places.push(maker);
                    match self.operations[maker].version {
                        Some(made) => {
                            format!("; line {} wrote that value, at version {made}", self.line(maker))
                        }
                        None => {
                            format!(
                                "; line {} may have written that value, but began too late or accounts for another version",
                                self.line(maker)
                            )
                        }
                    }
                }
                None => String::new(),
            };
            format!(
                "line {} does not fit at version {version}: the key held {held}, and no answered write made this \
                 version, nor does one of unknown outcome that had begun in time explain it{hint}",
                op.line,
            )
        };
        self.stop(Rule::Legality, explanation, places)
    }

    /// An observer that cannot have given its answer in `state`.
    fn misfit(&self, group: &Group, state: &State) -> Option<usize> {
        group.observers.iter().copied().find(|&op| self.operations[op].action.answer(state).is_none())
    }
}

/// Drops ways that another way makes superfluous: same state, no more used up, nothing begun later.
fn without_worse(ways: Vec<Way>) -> Vec<Way> {
    /// Comparing all pairs is worth it only while there are few.
    const MOST_PAIRED: usize = 128;
    if ways.len() == 1 {
        return ways;
    }
    let begun = |newest: Newest| newest.map(|(time_ns, _)| time_ns);
    let mut kept: Vec<Way> = Vec::new();
    let paired = ways.len() <= MOST_PAIRED;
    let mut seen = BTreeSet::new();
    for way in ways {
        if !seen.insert((way.state.clone(), way.used.clone(), begun(way.before_write), begun(way.so_far))) {
            continue;
        }
        let better = |a: &Way, b: &Way| {
            a.state == b.state
                && begun(a.before_write) <= begun(b.before_write)
                && begun(a.so_far) <= begun(b.so_far)
                && a.used.iter().zip(&b.used).all(|(a, b)| a <= b)
        };
        if paired {
            if kept.iter().any(|other| better(other, &way)) {
                continue;
            }
            kept.retain(|other| !better(&way, other));
        }
        kept.push(way);
    }
    kept
}
