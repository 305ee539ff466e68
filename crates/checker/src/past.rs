//! The causal past of operations, and what it demands of a key.
//!
//! A past is a vector: of each session, how many of its operations (in the order of their answers) belong to it. What
//! these operations did or saw of a key is kept once, with the session, as a running maximum; so a past is small, and
//! what it demands of a key is a look-up in each session that it names.
//!
//! What counts of an operation is its own key only: the version that it made or saw decided, and the tentative writes
//! that it made or saw, which demand something once they are decided. The rest it carries in its past.
//!
//! *Bound*: pasts are shared, and there are at most two for each operation, each with one number for each session that
//! it knows: operations × sessions in the worst case, and demands × origins.
//!
//! Invariants: operations of one session that were under way together are in each other's past only if one saw the other.
//!
//! Not here: what breaks a promise (`causal`).

use std::collections::BTreeMap;
use std::rc::Rc;

/// How many answered operations of each session.
pub(crate) type Past = Rc<BTreeMap<usize, usize>>;

/// Adds one past to another.
pub(crate) fn join(into: &mut Past, other: &Past) {
    if Rc::ptr_eq(into, other) || other.iter().all(|(session, count)| into.get(session) >= Some(count)) {
        return;
    }
    let into = Rc::make_mut(into);
    for (session, count) in other.iter() {
        let known = into.entry(*session).or_insert(0);
        *known = (*known).max(*count);
    }
}

/// What a past demands of a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand<'a> {
    /// The newest version that was made or seen decided, and the place of the operation that did.
    pub(crate) decided: Option<(u64, usize)>,
    /// By origin, the last tentative write that was made or seen and was decided since.
    pub(crate) tentative: BTreeMap<&'a str, Awaited>,
}

/// A tentative write that is in a past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Awaited {
    pub(crate) number: u64,
    /// Where it was decided.
    pub(crate) version: u64,
    /// The operation that made or saw it.
    pub(crate) by: usize,
    /// When somebody first knew that it was decided.
    pub(crate) known_ns: Option<u64>,
}

impl<'a> Demand<'a> {
    pub(crate) fn add(&mut self, other: &Demand<'a>) {
        self.decided = self.decided.max(other.decided);
        for (origin, awaited) in &other.tentative {
            self.await_also(origin, *awaited);
        }
    }

    /// Adds a tentative write. An origin's last stands for those before it, and should be decided last of them; where it was not, the
    /// newest version is demanded all the same.
    pub(crate) fn await_also(&mut self, origin: &'a str, awaited: Awaited) {
        let known = self.tentative.entry(origin).or_insert(awaited);
        let newest = (known.version, known.by).max((awaited.version, awaited.by));
        *known = (*known).max(awaited);
        (known.version, known.by) = newest;
    }

    /// The newest version among all, and who demands it.
    pub(crate) fn newest(&self) -> Option<(u64, usize)> {
        let tentative = self.tentative.values().map(|awaited| (awaited.version, awaited.by));
        tentative.chain(self.decided).max()
    }
}

/// One session, as far as it has been answered.
#[derive(Debug, Default)]
struct Session<'a> {
    answered: usize,
    /// All that is known to it.
    past: Past,
    /// `(ns, past)` behind each answer.
    by_time: Vec<(u64, Past)>,
    /// By key, `(answered, running demand)`.
    keys: BTreeMap<&'a str, Vec<(usize, Demand<'a>)>>,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions<'a> {
    names: BTreeMap<&'a str, usize>,
    sessions: Vec<Session<'a>>,
}

impl<'a> Sessions<'a> {
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    fn number(&mut self, name: &'a str) -> usize {
        let next = self.sessions.len();
        let number = *self.names.entry(name).or_insert(next);
        if number == next {
            self.sessions.push(Session::default());
        }
        number
    }

    /// What an operation that is sent now stands behind.
    pub(crate) fn sent(&mut self, name: &'a str, joins: &'a [(String, u64)]) -> Past {
        let number = self.number(name);
        let mut past = self.sessions[number].past.clone();
        for (other, at_ns) in joins {
            let other = self.number(other);
            let by_time = &self.sessions[other].by_time;
            if let Some(last) = by_time.partition_point(|(ns, _)| ns <= at_ns).checked_sub(1) {
                join(&mut past, &by_time[last].1);
            }
        }
        past
    }

    /// An operation was answered: the session has its past now, what it saw, and what it demands of its key.
    pub(crate) fn answered(
        &mut self,
        name: &'a str,
        now_ns: u64,
        key: &'a str,
        past: &Past,
        demand: Demand<'a>,
    ) {
        let number = self.number(name);
        let session = &mut self.sessions[number];
        session.answered += 1;
        let count = session.answered;
        join(&mut session.past, past);
        Rc::make_mut(&mut session.past).insert(number, count);
        session.by_time.push((now_ns, session.past.clone()));
        let demands = session.keys.entry(key).or_default();
        let mut running = demands.last().map(|(_, demand)| demand.clone()).unwrap_or_default();
        running.add(&demand);
        demands.push((count, running));
    }

    /// What a past demands of a key.
    pub(crate) fn demand(&self, past: &Past, key: &str) -> Demand<'a> {
        let mut all = Demand::default();
        for (number, count) in past.iter() {
            let Some(demands) = self.sessions[*number].keys.get(key) else { continue };
            if let Some(last) = demands.partition_point(|(answered, _)| answered <= count).checked_sub(1) {
                all.add(&demands[last].1);
            }
        }
        all
    }
}
