//! A tiny store that keeps the contract, and what its clients record: shards with a log and a clock each, replicas that
//! lag, sessions that hop between nodes, hand their tokens over, and lose answers. Tentative writes are an overlay until
//! the log decides them. All of it is drawn from one seed, in no more time than it takes to say.
//!
//! It is a model of the promises, not of the product: it knows everything everywhere and lags on purpose.

#![allow(dead_code)] // every test file uses its part

use crate::register::Random;
use checker::{Commitment, Dot, Ending, Fate, History, Level, OpName, Record, Status};

const SESSIONS: usize = 4;

#[derive(Clone, Debug, Default)]
struct Key {
    value: Option<String>,
    version: u64,
    newest_strong: u64,
    winner_time: u64,
}

/// An entry that was decided: its timestamp, and the key that it changed.
#[derive(Clone, Debug)]
struct Entry {
    time: u64,
    key: String,
    after: Key,
}

#[derive(Clone, Debug)]
struct Tentative {
    dot: Dot,
    key: String,
    op: OpName,
    value: Option<String>,
    time: u64,
    seen: u64,
}

#[derive(Debug, Default)]
struct Shard {
    log: Vec<Entry>,
    pending: Vec<Tentative>,
    skew: u64,
}

#[derive(Clone, Debug, Default)]
struct Session {
    hlc: u64,
    free_ns: u64,
    lives: u64,
}

/// The store, and the history so far.
pub(crate) struct Cluster {
    pub(crate) history: History,
    shards: Vec<Shard>,
    sessions: Vec<Session>,
    /// Writes of unknown outcome that may still take effect: when, and the record.
    floating: Vec<(u64, Record)>,
    keys: u64,
    now_ns: u64,
    numbers: u64,
    line: usize,
    weak: bool,
}

impl Cluster {
    fn new(random: &mut Random, keys: u64, weak: bool) -> Cluster {
        let shards = 1 + random.below(3);
        let shard = |random: &mut Random| Shard { skew: random.below(3), ..Shard::default() };
        Cluster {
            history: History::default(),
            shards: (0..shards).map(|_| shard(random)).collect(),
            sessions: vec![Session::default(); SESSIONS],
            floating: Vec::new(),
            keys,
            now_ns: 0,
            numbers: 0,
            line: 0,
            weak,
        }
    }

    /// A history that can be searched by brute force.
    pub(crate) fn small(random: &mut Random) -> Cluster {
        let mut cluster = Cluster::new(random, 2, true);
        let operations = 3 + random.below(5);
        for _ in 0..operations {
            cluster.step(random);
        }
        cluster.decide_all(random, false);
        cluster
    }

    /// A longer one.
    pub(crate) fn run(random: &mut Random, operations: u64) -> Cluster {
        let keys = 2 + random.below(4);
        let mut cluster = Cluster::new(random, keys, true);
        for _ in 0..operations {
            cluster.step(random);
        }
        cluster.decide_all(random, true);
        cluster
    }

    fn shard_of(&self, key: &str) -> usize {
        key.len() % self.shards.len()
    }

    /// A time that is larger than all that the shard and the writer know; shards' clocks differ.
    fn next_time(&self, random: &mut Random, shard: usize, at_least: u64) -> u64 {
        let shard = &self.shards[shard];
        let last = shard.log.last().map_or(0, |entry| entry.time);
        (last + 1).max(at_least + 1).max(shard.skew) + random.below(2)
    }

    fn state(&self, key: &str, until: u64) -> Key {
        let log = &self.shards[self.shard_of(key)].log;
        let entry = log.iter().rev().find(|entry| entry.time <= until && entry.key == key);
        entry.map(|entry| entry.after.clone()).unwrap_or_default()
    }

    fn newest(&self, key: &str) -> Key {
        self.state(key, u64::MAX)
    }

    fn append(&mut self, time: u64, key: &str, after: Key) {
        let shard = self.shard_of(key);
        self.shards[shard].log.push(Entry { time, key: key.to_owned(), after });
    }

    /// Applies a strong write and completes its record. False if it certainly has no effect and no answer about the key.
    fn apply_strong(&mut self, time: u64, record: &mut Record) -> bool {
        let key = record.key.clone();
        let before = self.newest(&key);
        let number = before.value.as_ref().map_or(Some(0), |text| text.parse::<i64>().ok());
        let after = match record.op {
            OpName::Set => Some(record.value.clone()),
            OpName::Del => before.value.is_some().then_some(None),
            OpName::Cas => (before.value == record.expect).then(|| record.value.clone()),
            _ => {
                let Some(number) = number else { return false };
                let sum = number + record.value.as_ref().unwrap().parse::<i64>().unwrap();
                record.result = Some(sum);
                Some(Some(sum.to_string()))
            }
        };
        if matches!(record.op, OpName::Cas | OpName::Del) {
            record.swapped = Some(after.is_some());
        }
        record.as_of = Some(time);
        match after {
            Some(value) => {
                record.version = Some(time);
                self.append(time, &key, Key { value, version: time, newest_strong: time, winner_time: 0 });
            }
            None => record.version = Some(before.version),
        }
        true
    }

    fn record(&mut self, record: Record) {
        self.line += 1;
        self.history.records.push((self.line, record));
    }

    /// One operation of one session, and now and then something that happens by itself.
    fn step(&mut self, random: &mut Random) {
        self.now_ns += 1 + random.below(3);
        let due: Vec<(u64, Record)> = self.floating.extract_if(.., |(at, _)| *at <= self.now_ns).collect();
        for (_, mut record) in due {
            let shard = self.shard_of(&record.key);
            let time = self.next_time(random, shard, record.as_of.unwrap());
            self.apply_strong(time, &mut record);
        }
        while random.one_in(3) && self.decide_one(random, true) {}

        let at = random.below(SESSIONS as u64) as usize;
        let key = "k".repeat(1 + random.below(self.keys) as usize);
        let invoke_ns = self.now_ns.max(self.sessions[at].free_ns);
        let return_ns = invoke_ns + random.below(6);
        self.now_ns = self.now_ns.max(invoke_ns);
        self.sessions[at].free_ns = return_ns + random.below(2);
        let mut op = match random.below(10) {
            0..5 => OpName::Get,
            5 | 6 => OpName::Set,
            7 => OpName::Del,
            8 => OpName::Cas,
            _ => OpName::Incr,
        };
        let weak = self.weak && random.one_in(4);
        if weak && matches!(op, OpName::Cas | OpName::Incr) {
            op = OpName::Set;
        }
        let level = match (weak, random.one_in(3)) {
            (true, true) => Level::Eventual,
            (true, false) => Level::Causal,
            (false, true) => Level::Linearizable,
            (false, false) => Level::Sequential,
        };
        let name = format!("s{at}.{}", self.sessions[at].lives);
        let mut record = Record::invoked(name.clone(), op, key.clone(), invoke_ns);
        record.session = Some(name);
        record.level = Some(level.to_string());
        record.return_ns = Some(return_ns);
        record.status = Status::Ok;
        let text = |random: &mut Random| (1 + random.below(3)).to_string();
        match op {
            OpName::Set | OpName::Incr => record.value = Some(text(random)),
            OpName::Cas => {
                record.value = Some(text(random));
                record.expect = (!random.one_in(3)).then(|| text(random));
                if random.one_in(2) {
                    record.expect = self.newest(&key).value;
                }
            }
            _ => {}
        }
        match (op, level) {
            (OpName::Get, Level::Sequential) => self.read_sequential(random, at, &mut record),
            (OpName::Get, Level::Linearizable) => {
                let newest = self.newest(&key);
                record.value = newest.value;
                record.version = Some(newest.version);
                self.sessions[at].hlc = self.sessions[at].hlc.max(newest.version);
            }
            (OpName::Get, _) => return,
            (_, Level::Linearizable | Level::Sequential) => {
                if !self.write_strong(random, at, &mut record) {
                    return;
                }
            }
            (_, Level::Causal | Level::Eventual) => self.write_weak(random, at, &mut record),
        }
        self.record(record);
    }

    fn read_sequential(&mut self, random: &mut Random, at: usize, record: &mut Record) {
        let shard = self.shard_of(&record.key);
        let hlc = self.sessions[at].hlc;
        let last = self.shards[shard].log.last().map_or(0, |entry| entry.time);
        // A replica that lags, but not behind the session; an idle shard is asked for an empty entry.
        let applied = (last.saturating_sub(random.below(6))).max(hlc);
        if applied > last {
            let time = self.next_time(random, shard, hlc);
            let entry = Entry { time, key: String::new(), after: Key::default() };
            self.shards[shard].log.push(entry);
        }
        let shown = self.state(&record.key, applied);
        record.value = shown.value;
        record.version = Some(shown.version);
        self.sessions[at].hlc = hlc.max(shown.version);
        record.as_of = Some(self.sessions[at].hlc);
    }

    fn write_strong(&mut self, random: &mut Random, at: usize, record: &mut Record) -> bool {
        let shard = self.shard_of(&record.key);
        let hlc = self.sessions[at].hlc;
        if random.one_in(6) {
            record.status = Status::Unknown;
            record.return_ns = None;
            if random.one_in(2) {
                // Its session's time travels in a field that an unknown outcome does not have.
                let floating = Record { as_of: Some(hlc), ..record.clone() };
                self.floating.push((self.now_ns + random.below(40), floating));
            }
            self.sessions[at].lives += u64::from(random.one_in(2));
            return true;
        }
        let time = self.next_time(random, shard, hlc);
        if !self.apply_strong(time, record) {
            return false;
        }
        if record.swapped == Some(false) {
            // Refused: an entry all the same.
            let entry = Entry { time, key: String::new(), after: Key::default() };
            self.shards[shard].log.push(entry);
        }
        self.sessions[at].hlc = hlc.max(time);
        true
    }

    fn write_weak(&mut self, random: &mut Random, at: usize, record: &mut Record) {
        self.numbers += 1;
        let dot = Dot { origin: "n1".to_owned(), number: self.numbers };
        let shard = self.shard_of(&record.key);
        let last = self.shards[shard].log.last().map_or(0, |entry| entry.time);
        let seen = last.saturating_sub(random.below(4)).max(self.sessions[at].hlc).min(last);
        record.state = Some(Commitment::Tentative);
        record.dots = vec![dot.clone()];
        record.version = Some(self.state(&record.key, seen).version);
        record.as_of = Some(seen);
        record.swapped = (record.op == OpName::Del).then_some(true);
        self.shards[shard].pending.push(Tentative {
            dot,
            key: record.key.clone(),
            op: record.op,
            value: record.value.clone(),
            time: last + 1 + random.below(3),
            seen,
        });
    }

    /// Decides a tentative write; false if there is none.
    fn decide_one(&mut self, random: &mut Random, tell: bool) -> bool {
        let shard = random.below(self.shards.len() as u64) as usize;
        if self.shards[shard].pending.is_empty() {
            return false;
        }
        let write = self.shards[shard].pending.remove(0);
        let time = self.next_time(random, shard, write.time);
        let before = self.newest(&write.key);
        let loses = before.newest_strong > write.seen || before.winner_time >= write.time;
        let mut fate = Fate::new(write.dot, Ending::Superseded, Some(time));
        fate.seen = Some(write.seen);
        fate.time = Some(write.time);
        if loses {
            fate.by = Some(before.version);
            let entry = Entry { time, key: String::new(), after: Key::default() };
            self.shards[shard].log.push(entry);
        } else {
            fate.ending = Ending::Decided;
            let after = Key { value: write.value, version: time, winner_time: write.time, ..before };
            self.append(time, &write.key, after);
        }
        if tell {
            self.line += 1;
            self.history.fates.push((self.line, fate));
        }
        true
    }

    fn decide_all(&mut self, random: &mut Random, tell: bool) {
        while self.shards.iter().any(|shard| !shard.pending.is_empty()) {
            self.decide_one(random, tell);
        }
    }
}

/// Changes one thing in a history; often, but not always, into something that no store can have shown.
pub(crate) fn spoil(random: &mut Random, history: &mut History) {
    if history.records.is_empty() {
        return;
    }
    let place = random.below(history.records.len() as u64) as usize;
    let other = history.records[random.below(history.records.len() as u64) as usize].1.clone();
    let record = &mut history.records[place].1;
    let strong = record.dots.is_empty();
    match random.below(9) {
        0 if record.status == Status::Ok => {
            record.version = record.version.map(|version| (version + random.below(3)).saturating_sub(1));
        }
        1 if record.status == Status::Ok => record.version = other.version.or(record.version),
        2 if record.op == OpName::Get => record.value = other.value,
        3 => record.as_of = record.as_of.map(|as_of| (as_of + random.below(4)).saturating_sub(1)),
        4 => record.session = other.session,
        5 => record.invoke_ns = other.invoke_ns.min(record.return_ns.unwrap_or(u64::MAX)),
        6 if strong => record.status = Status::Fail,
        7 => record.swapped = record.swapped.map(|swapped| !swapped || !strong),
        8 => record.as_of = record.as_of.map(|as_of| other.as_of.unwrap_or(as_of)),
        _ => {}
    }
}
