//! The judges of `causal` and `eventual` against a tiny store that keeps the contract: replicas that apply late, tentative
//! registers as an overlay, sessions that hop with their dots. What it shows is never accused; one answer that was surely
//! spoilt is found. A rule that is switched off in the store is found too, in some of its histories.
//!
//! It is a model of the rules 2 to 4 of the contract for registers: no effects, no floor, no lost disks.

mod lines;
#[path = "register/mod.rs"]
#[allow(dead_code)] // of it, only the randomness is wanted here
mod register;

use checker::{Class, Commitment, Dot, Ending, Fate, History, Level, OpName, Record, Rule, Status};
use lines::{judged, text};
use register::Random;
use std::collections::{BTreeMap, BTreeSet};

const NODES: usize = 3;

/// A rule of the contract that the store forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Off {
    Nothing,
    ReadsWaitForTime,
    ReadsWaitForDots,
    StrongWins,
    NewestWins,
    StrongWritesWaitForDots,
}

#[derive(Clone, Debug, Default)]
struct Key {
    value: Option<String>,
    version: u64,
    strong: u64,
    winner: (u64, String),
    dots: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
struct Tentative {
    dot: Dot,
    shard: usize,
    key: String,
    value: Option<String>,
    time: u64,
    seen: u64,
    dependencies: (u64, BTreeSet<usize>),
    decided: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Session {
    hlc: u64,
    dots: BTreeSet<usize>,
    free_ns: u64,
}

struct Store {
    off: Off,
    history: History,
    line: usize,
    now_ns: u64,
    /// By shard, `(time, state behind it)`.
    logs: Vec<Vec<(u64, BTreeMap<String, Key>)>>,
    /// By node and shard, how much of the log is applied.
    applied: Vec<Vec<usize>>,
    operations: Vec<Tentative>,
    /// By node, the operations that it holds.
    held: Vec<BTreeSet<usize>>,
    clocks: Vec<u64>,
    sessions: Vec<Session>,
}

impl Store {
    fn run(random: &mut Random, off: Off, steps: u64) -> History {
        let shards = 1 + random.below(2) as usize;
        let mut store = Store {
            off,
            history: History::default(),
            line: 0,
            now_ns: 0,
            logs: vec![vec![(0, BTreeMap::new())]; shards],
            applied: vec![vec![0; shards]; NODES],
            operations: Vec::new(),
            held: vec![BTreeSet::new(); NODES],
            clocks: vec![0; NODES],
            sessions: vec![Session::default(); 3],
        };
        for _ in 0..steps {
            store.step(random);
        }
        while let Some(next) = store.undecided().first().copied() {
            store.decide(next);
        }
        for node in 0..NODES {
            for shard in 0..shards {
                store.applied[node][shard] = store.logs[shard].len() - 1;
            }
            for key in ["k", "kk", "kkk"] {
                let mut record = Record::invoked("end", OpName::Get, key, store.now_ns + 100);
                record.return_ns = Some(store.now_ns + 101);
                record.settled = true;
                record.node = Some(node.to_string());
                store.read(node, &mut record, Level::Eventual);
                store.put(record);
            }
        }
        store.history
    }

    fn put(&mut self, mut record: Record) {
        self.line += 1;
        record.status = Status::Ok;
        self.history.records.push((self.line, record));
    }

    fn undecided(&self) -> Vec<usize> {
        (0..self.operations.len()).filter(|at| self.operations[*at].decided.is_none()).collect()
    }

    fn append(
        &mut self,
        shard: usize,
        at_least: u64,
        change: impl FnOnce(u64, &mut BTreeMap<String, Key>),
    ) -> u64 {
        let (last, state) = self.logs[shard].last().cloned().unwrap();
        let time = (last + 2).max(at_least + 1);
        let mut state = state;
        change(time, &mut state);
        self.logs[shard].push((time, state));
        time
    }

    fn safe(&self, node: usize, shard: usize) -> u64 {
        self.logs[shard][self.applied[node][shard]].0
    }

    /// Waits until the node's replica is no older than this.
    fn wait(&mut self, node: usize, shard: usize, time: u64) {
        if self.logs[shard].last().unwrap().0 < time {
            self.append(shard, time, |_, _| {});
        }
        while self.safe(node, shard) < time {
            self.applied[node][shard] += 1;
        }
    }

    fn decide(&mut self, at: usize) {
        let write = self.operations[at].clone();
        // An origin's operations enter in their order, and behind all that it held.
        let earlier = self.undecided().into_iter().filter(|other| {
            let other = &self.operations[*other];
            other.dot.origin == write.dot.origin
                && other.shard == write.shard
                && other.dot.number < write.dot.number
        });
        let earlier: Vec<usize> = earlier.collect();
        let behind: Vec<usize> = write
            .dependencies
            .1
            .iter()
            .copied()
            .filter(|other| {
                self.operations[*other].decided.is_none() && self.operations[*other].shard == write.shard
            })
            .collect();
        if let Some(first) = earlier.into_iter().chain(behind).next() {
            return self.decide(first);
        }
        let mut fate = Fate::new(write.dot.clone(), Ending::Decided, None);
        let off = self.off;
        let time = self.append(write.shard, write.time.max(write.dependencies.0), |time, state| {
            let key = state.entry(write.key.clone()).or_default();
            let newest = (write.time, write.dot.origin.clone());
            let strong = off != Off::StrongWins && key.strong > write.seen;
            if strong || (off != Off::NewestWins && key.winner > newest) {
                fate.ending = Ending::Superseded;
                fate.by = Some(if strong { key.strong } else { key.version });
            } else {
                let mut dots = write.dependencies.1.clone();
                dots.insert(at);
                *key = Key { value: write.value, version: time, strong: key.strong, winner: newest, dots };
            }
        });
        self.operations[at].decided = Some(time);
        fate.decided_version = Some(time);
        fate.seen = Some(write.seen);
        fate.time = Some(write.time);
        self.line += 1;
        self.history.fates.push((self.line, fate));
    }

    /// Decided dots become time.
    fn fold(&self, session: &mut Session) {
        let decided: Vec<usize> =
            session.dots.iter().copied().filter(|at| self.operations[*at].decided.is_some()).collect();
        for at in decided {
            session.hlc = session.hlc.max(self.operations[at].decided.unwrap());
            session.dots.remove(&at);
        }
    }

    /// What a node shows: the record is completed, and what the answer depends on is returned.
    fn read(&mut self, node: usize, record: &mut Record, level: Level) -> (u64, BTreeSet<usize>) {
        let shard = record.key.len() % self.logs.len();
        let (safe, state) = &self.logs[shard][self.applied[node][shard]];
        let key = state.get(&record.key).cloned().unwrap_or_default();
        let overlay = self.held[node].iter().copied().filter(|at| {
            let write = &self.operations[*at];
            let hidden = key.strong > write.seen || key.winner > (write.time, write.dot.origin.clone());
            level.is_weak()
                && write.key == record.key
                && write.decided.is_none_or(|time| time > *safe)
                && !hidden
        });
        let shown =
            overlay.max_by_key(|at| (self.operations[*at].time, self.operations[*at].dot.origin.clone()));
        record.version = Some(key.version);
        record.level = Some(level.to_string());
        record.as_of = Some(*safe);
        record.value = key.value.clone();
        let Some(at) = shown else { return (key.version, key.dots) };
        let write = &self.operations[at];
        record.value = write.value.clone();
        record.state = Some(Commitment::Tentative);
        record.dots = vec![write.dot.clone()];
        let mut dots = write.dependencies.1.clone();
        dots.insert(at);
        (key.version.max(write.dependencies.0), dots)
    }

    fn step(&mut self, random: &mut Random) {
        let node = random.below(NODES as u64) as usize;
        let shard = random.below(self.logs.len() as u64) as usize;
        match random.below(8) {
            0 => {
                self.applied[node][shard] = (self.applied[node][shard] + 1).min(self.logs[shard].len() - 1);
                return;
            }
            1 => {
                let undecided = self.undecided();
                if !undecided.is_empty() && random.one_in(2) {
                    self.decide(undecided[random.below(undecided.len() as u64) as usize]);
                }
                return;
            }
            2 if !self.operations.is_empty() => {
                let at = random.below(self.operations.len() as u64) as usize;
                self.hold(node, at);
                return;
            }
            _ => {}
        }
        let at = random.below(3) as usize;
        let mut session = self.sessions[at].clone();
        let key = "k".repeat(1 + random.below(3) as usize);
        let shard = key.len() % self.logs.len();
        self.now_ns = self.now_ns.max(session.free_ns) + 1;
        let op = [OpName::Get, OpName::Get, OpName::Get, OpName::Set, OpName::Set, OpName::Del]
            [random.below(6) as usize];
        let level = [Level::Sequential, Level::Causal, Level::Causal, Level::Causal, Level::Eventual]
            [random.below(5) as usize];
        let mut record = Record::invoked(format!("s{at}"), op, key.clone(), self.now_ns);
        record.session = Some(format!("s{at}"));
        record.level = Some(level.to_string());
        self.now_ns += 1 + random.below(3);
        record.return_ns = Some(self.now_ns);
        session.free_ns = self.now_ns;
        self.line += usize::from(op == OpName::Set);
        record.value = (op == OpName::Set).then(|| format!("v{}", self.line));

        if level == Level::Causal {
            self.fold(&mut session);
            if self.off != Off::ReadsWaitForTime {
                self.wait(node, shard, session.hlc);
            }
            if self.off != Off::ReadsWaitForDots {
                for dot in session.dots.clone() {
                    self.hold(node, dot);
                }
            }
        } else if level == Level::Sequential {
            let waits = op == OpName::Get || self.off != Off::StrongWritesWaitForDots;
            for dot in session.dots.clone() {
                while waits && self.operations[dot].decided.is_none() {
                    self.decide(dot);
                }
            }
            self.fold(&mut session);
            if op == OpName::Get {
                self.wait(node, shard, session.hlc);
            }
        }
        match (op, level) {
            (OpName::Get, _) => {
                let (hlc, dots) = self.read(node, &mut record, level);
                if level != Level::Eventual {
                    session.hlc = session.hlc.max(hlc);
                    session.dots.extend(dots);
                }
                if level == Level::Sequential {
                    record.as_of = Some(session.hlc);
                }
            }
            (_, Level::Sequential) => {
                let value = record.value.clone();
                let present =
                    self.logs[shard].last().unwrap().1.get(&key).is_some_and(|key| key.value.is_some());
                if op == OpName::Del && !present {
                    return;
                }
                record.swapped = (op == OpName::Del).then_some(true);
                let time = self.append(shard, session.hlc, |time, state| {
                    state.insert(key, Key { value, version: time, strong: time, ..Key::default() });
                });
                record.version = Some(time);
                session.hlc = time;
            }
            _ => {
                record.swapped = (op == OpName::Del).then_some(true);
                let seen = self.safe(node, shard);
                let held = &self.held[node];
                let newest = held.iter().map(|at| self.operations[*at].time).max().unwrap_or(0);
                self.clocks[node] =
                    (self.clocks[node] + 1).max(seen + 1).max(newest + 1).max(session.hlc + 1);
                let number =
                    self.operations.iter().filter(|write| write.dot.origin == node.to_string()).count()
                        as u64;
                let dot = Dot { origin: node.to_string(), number: number + 1 };
                let state = &self.logs[shard][self.applied[node][shard]].1;
                let beneath = state.get(&key).cloned().unwrap_or_default();
                record.state = Some(Commitment::Tentative);
                record.dots = vec![dot.clone()];
                record.as_of = Some(seen);
                record.version = Some(beneath.version);
                let dependencies = match level {
                    Level::Causal => (session.hlc.max(beneath.strong), session.dots.clone()),
                    _ => (beneath.strong, BTreeSet::new()),
                };
                let place = self.operations.len();
                self.operations.push(Tentative {
                    dot,
                    shard,
                    key,
                    value: record.value.clone(),
                    time: self.clocks[node],
                    seen,
                    dependencies,
                    decided: None,
                });
                self.held[node].insert(place);
                if level == Level::Causal {
                    session.hlc = session.hlc.max(beneath.strong);
                    session.dots.insert(place);
                }
            }
        }
        if level == Level::Eventual {
            self.sessions[at].free_ns = session.free_ns;
        } else {
            self.sessions[at] = session;
        }
        self.put(record);
    }

    /// A node gets an operation, and what its origin had taken before it.
    fn hold(&mut self, node: usize, at: usize) {
        let dot = self.operations[at].dot.clone();
        let earlier = (0..self.operations.len()).filter(|other| {
            let other = &self.operations[*other].dot;
            other.origin == dot.origin && other.number <= dot.number
        });
        let earlier: Vec<usize> = earlier.collect();
        self.held[node].extend(earlier);
    }
}

#[test]
fn a_store_that_keeps_the_contract_is_never_accused() {
    for seed in 0..1_500 {
        let history = Store::run(&mut Random(seed), Off::Nothing, 70);
        for level in [Level::Sequential, Level::Causal, Level::Eventual] {
            if !history.records.iter().any(|(_, record)| record.level.as_deref() == Some(level.as_str())) {
                continue;
            }
            let report = judged(&history, level);
            assert_eq!(report.class, Class::Legal, "seed {seed}: {report}\n{}", text(&history));
        }
    }
}

#[test]
fn a_store_that_forgets_a_rule_is_found() {
    let cases = [
        (Off::ReadsWaitForTime, Level::Causal, Rule::MonotonicReads),
        (Off::ReadsWaitForDots, Level::Causal, Rule::ReadYourWrites),
        (Off::ReadsWaitForDots, Level::Causal, Rule::CausalOrder),
        (Off::StrongWins, Level::Eventual, Rule::StrongWins),
        (Off::NewestWins, Level::Eventual, Rule::NewestWins),
        (Off::StrongWritesWaitForDots, Level::Causal, Rule::CausalOrder),
    ];
    for (off, level, rule) in cases {
        let found = (0..300).any(|seed| {
            let history = Store::run(&mut Random(seed), off, 70);
            judged(&history, level).violations.iter().any(|violation| violation.rule == rule)
        });
        assert!(found, "{off:?} was never found as {rule:?}");
    }
}

#[test]
fn an_answer_that_was_surely_spoilt_is_found() {
    let mut found: BTreeMap<Rule, u32> = BTreeMap::new();
    for seed in 0..600 {
        let random = &mut Random(seed);
        let mut history = Store::run(random, Off::Nothing, 70);
        let level = if random.one_in(2) { Level::Causal } else { Level::Eventual };
        let answers: Vec<usize> = (0..history.records.len())
            .filter(|at| {
                history.records[*at].1.op == OpName::Get
                    && history.records[*at].1.level.as_deref() == Some(level.as_str())
            })
            .collect();
        let Some(at) = answers.get(random.below(answers.len().max(1) as u64) as usize) else { continue };
        let fates = history.fates.len();
        match random.below(4) {
            0 => history.records[*at].1.value = Some("nobody wrote this".to_owned()),
            // An answer goes back before everything, although its session had read the key at a version.
            1 => {
                let record = history.records[*at].1.clone();
                let mut again =
                    Record { value: None, version: Some(0), state: None, dots: Vec::new(), ..record.clone() };
                again.invoke_ns = record.return_ns.unwrap();
                again.return_ns = Some(again.invoke_ns);
                if record.version == Some(0) || level != Level::Causal {
                    continue;
                }
                history.records.push((1_000_000, again));
            }
            2 if fates > 0 => drop(history.fates.remove(random.below(fates as u64) as usize)),
            3 if fates > 0 => {
                let (_, mut fate) = history.fates[random.below(fates as u64) as usize].clone();
                fate.decided_version = fate.decided_version.map(|version| version + 1);
                history.fates.push((1_000_000, fate));
            }
            _ => continue,
        }
        let reports = [Level::Causal, Level::Eventual].map(|level| judged(&history, level));
        let violations: Vec<Rule> =
            reports.iter().flat_map(|report| &report.violations).map(|violation| violation.rule).collect();
        if violations.is_empty() && history.fates.is_empty() {
            continue;
        }
        assert!(!violations.is_empty(), "seed {seed}: {} {}\n{}", reports[0], reports[1], text(&history));
        *found.entry(violations[0]).or_default() += 1;
    }
    for rule in [Rule::Legality, Rule::MonotonicReads, Rule::ExactlyOnce] {
        assert!(found.get(&rule) > Some(&5), "{found:?}");
    }
}
