//! Small histories of a careless store: replicas that lag, sessions that hop, tentative writes, and waits that are left out now
//! and then. And ways to spoil what came out. Of one seed, and of one log for all keys.

use std::collections::BTreeSet;

use checker::{Commitment, Dot, Ending, Fate, History, Level, OpName, Record, Status};

use crate::register::Random;

#[derive(Clone, Debug)]
struct Entry {
    version: u64,
    key: String,
    value: Option<String>,
    strong: bool,
    time: u64,
}

#[derive(Clone, Debug)]
struct Tentative {
    dot: Dot,
    key: String,
    value: Option<String>,
    time: u64,
    seen: u64,
    ended: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Replica {
    applied: usize,
    held: BTreeSet<usize>,
    numbers: u64,
}

/// How a run is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Most operations.
    pub(crate) operations: u64,
    /// One answer in so many is given without waiting for anything.
    pub(crate) careless_one_in: u64,
    /// One strong write in so many has an unknown outcome; 0 is none.
    pub(crate) unknown_one_in: u64,
    /// Levels to draw from.
    pub(crate) levels: &'static [Level],
}

struct World {
    log: Vec<Entry>,
    tentative: Vec<Tentative>,
    replicas: Vec<Replica>,
    history: History,
    line: usize,
}

/// One history.
pub(crate) fn draw(random: &mut Random, weather: Weather) -> History {
    let mut world = World {
        log: Vec::new(),
        tentative: Vec::new(),
        replicas: vec![Replica::default(); 2],
        history: History::default(),
        line: 0,
    };
    let mut free_ns = [0_u64; 3];
    let mut now_ns = 0;
    let operations = 5 + random.below(weather.operations - 4);
    for number in 0..operations {
        world.meanwhile(random);
        let session = random.below(3) as usize;
        now_ns += random.below(3);
        let invoke_ns = free_ns[session].max(now_ns.saturating_sub(random.below(4)));
        now_ns = now_ns.max(invoke_ns) + random.below(3);
        free_ns[session] = now_ns;
        let key = if random.one_in(2) { "x" } else { "y" };
        let op = if random.one_in(2) { OpName::Get } else { OpName::Set };
        let mut record = Record::invoked(format!("c{session}"), op, key, invoke_ns);
        record.session = (!random.one_in(12)).then(|| format!("s{session}"));
        if random.one_in(6) && record.session.is_some() {
            let other = random.below(3);
            record.joins.push((format!("s{other}"), invoke_ns.saturating_sub(random.below(3))));
        }
        record.return_ns = Some(now_ns);
        record.status = Status::Ok;
        record.value = (op == OpName::Set).then(|| format!("v{number}"));
        let level = weather.levels[random.below(weather.levels.len() as u64) as usize];
        record.level = Some(level.to_string());
        let replica = random.below(2) as usize;
        if !random.one_in(weather.careless_one_in) {
            world.catch_up(replica);
        }
        world.answer(random, replica, level, &mut record);
        let unknown = weather.unknown_one_in > 0 && !level.is_weak() && op == OpName::Set;
        if unknown && random.one_in(weather.unknown_one_in) {
            record.status = Status::Unknown;
            (record.return_ns, record.version) = (None, None);
        }
        world.line += 1;
        world.history.records.push((world.line, record));
    }
    while let Some(next) = world.tentative.iter().position(|write| write.ended.is_none()) {
        world.decide(next, random.one_in(30));
    }
    world.history
}

impl World {
    fn meanwhile(&mut self, random: &mut Random) {
        let replica = random.below(2) as usize;
        match random.below(4) {
            0 => self.replicas[replica].applied = (self.replicas[replica].applied + 1).min(self.log.len()),
            1 => {
                if let Some(next) = self.tentative.iter().position(|write| write.ended.is_none()) {
                    self.decide(next, false);
                }
            }
            2 if !self.tentative.is_empty() => {
                let other = random.below(self.tentative.len() as u64) as usize;
                self.replicas[replica].held.insert(other);
            }
            _ => {}
        }
    }

    fn catch_up(&mut self, replica: usize) {
        self.replicas[replica].applied = self.log.len();
        self.replicas[replica].held = (0..self.tentative.len()).collect();
    }

    fn next_version(&self, random: u64) -> u64 {
        self.log.last().map_or(1, |entry| entry.version + 1) + random
    }

    fn last(&self, key: &str, applied: usize) -> Option<&Entry> {
        self.log[..applied].iter().rfind(|entry| entry.key == key)
    }

    fn strong(&self, key: &str, applied: usize) -> u64 {
        let strong = self.log[..applied].iter().rfind(|entry| entry.key == key && entry.strong);
        strong.map_or(0, |entry| entry.version)
    }

    fn winner(&self, key: &str, applied: usize) -> u64 {
        self.last(key, applied).map_or(0, |entry| entry.time)
    }

    fn decide(&mut self, at: usize, lost: bool) {
        let version = self.next_version(0);
        let write = self.tentative[at].clone();
        let mut fate = Fate::new(write.dot.clone(), Ending::Decided, Some(version));
        (fate.seen, fate.time) = (Some(write.seen), Some(write.time));
        let strong = self.strong(&write.key, self.log.len());
        let newest = self.last(&write.key, self.log.len()).map_or(0, |entry| entry.version);
        if lost {
            fate = Fate::new(write.dot, Ending::Lost, None);
        } else if strong > write.seen || self.winner(&write.key, self.log.len()) > write.time {
            fate.ending = Ending::Superseded;
            fate.by = Some(if strong > write.seen { strong } else { newest });
            // Its place in the log is its own, though nothing stands there.
            self.log.push(Entry { version, key: "none".to_owned(), value: None, strong: false, time: 0 });
        } else {
            let entry =
                Entry { version, key: write.key, value: write.value, strong: false, time: write.time };
            self.log.push(entry);
        }
        self.tentative[at].ended = Some(version);
        self.line += 1;
        self.history.fates.push((self.line, fate));
    }

    fn answer(&mut self, random: &mut Random, replica: usize, level: Level, record: &mut Record) {
        let key = record.key.clone();
        if level == Level::Linearizable || (level == Level::Sequential && record.op == OpName::Set) {
            self.catch_up(replica);
        }
        let applied = self.replicas[replica].applied;
        let safe = self.log[..applied].last().map_or(0, |entry| entry.version);
        let state = self.last(&key, applied).cloned();
        let version = state.as_ref().map_or(0, |entry| entry.version);
        record.node = Some(format!("n{replica}"));
        match (record.op, level.is_weak()) {
            (OpName::Set, false) => {
                let version = self.next_version(random.below(2));
                let time = version * 10;
                self.log.push(Entry { version, key, value: record.value.clone(), strong: true, time });
                record.version = Some(version);
            }
            (OpName::Set, true) => {
                let taker = &mut self.replicas[replica];
                taker.numbers += 1;
                let dot = Dot { origin: format!("n{replica}"), number: taker.numbers };
                let place = self.tentative.len();
                taker.held.insert(place);
                // Its own clock: later than all that it has seen, and not always later than what it has not.
                let newest =
                    taker.held.iter().filter(|at| **at < place).map(|at| self.tentative[*at].time).max();
                let time = newest.unwrap_or(0).max(safe * 10) + 1 + random.below(6);
                record.dots = vec![dot.clone()];
                record.state = Some(Commitment::Tentative);
                (record.version, record.as_of) = (Some(version), Some(safe));
                let value = record.value.clone();
                self.tentative.push(Tentative { dot, key, value, time, seen: safe, ended: None });
            }
            (_, weak) => {
                record.value = state.and_then(|entry| entry.value);
                (record.version, record.as_of) = (Some(version), Some(safe));
                let strong = self.strong(&key, applied);
                let winner = self.winner(&key, applied);
                let overlay =
                    self.replicas[replica].held.iter().map(|at| &self.tentative[*at]).filter(|write| {
                        let open = write.ended.is_none_or(|version| version > safe);
                        weak && write.key == key && open && strong <= write.seen && winner <= write.time
                    });
                if let Some(shown) = overlay.max_by_key(|write| write.time) {
                    record.value = shown.value.clone();
                    record.state = Some(Commitment::Tentative);
                    record.dots = vec![shown.dot.clone()];
                }
            }
        }
    }
}

/// Changes one thing, often into what no store may show.
pub(crate) fn spoil(random: &mut Random, history: &mut History) {
    let count = history.records.len() as u64;
    let place = random.below(count) as usize;
    let other = history.records[random.below(count) as usize].1.clone();
    let record = &mut history.records[place].1;
    match random.below(10) {
        0 if record.op == OpName::Get && record.key == other.key => {
            (record.value, record.version) = (other.value, other.version);
            (record.state, record.dots) = (other.state, other.dots);
        }
        1 if record.op == OpName::Get => {
            record.version = record.version.map(|version| version.saturating_sub(1))
        }
        2 if record.op == OpName::Get => record.value = other.value,
        3 => record.session.clone_from(&other.session),
        4 => record.as_of = record.as_of.map(|as_of| (as_of + random.below(3)).saturating_sub(1)),
        5 => {
            let took = record.return_ns.unwrap_or(record.invoke_ns) - record.invoke_ns;
            record.invoke_ns = other.invoke_ns;
            record.return_ns = record.return_ns.map(|_| other.invoke_ns + took);
            record.joins.clear();
        }
        6 if !history.fates.is_empty() => {
            let at = random.below(history.fates.len() as u64) as usize;
            let fate = &mut history.fates[at].1;
            if fate.ending == Ending::Decided {
                fate.ending = Ending::Superseded;
            }
        }
        7 if record.op == OpName::Set && !record.dots.is_empty() => {
            let dot = record.dots[0].clone();
            let taken: BTreeSet<Option<u64>> =
                history.records.iter().map(|(_, record)| record.version).collect();
            let later = |version: u64| (version + 2..).find(|version| !taken.contains(&Some(*version)));
            let used: Vec<Option<u64>> = history.fates.iter().map(|(_, fate)| fate.decided_version).collect();
            if let Some((_, fate)) = history.fates.iter_mut().find(|(_, fate)| fate.dot == dot) {
                let moved = fate.decided_version.and_then(later);
                if !used.contains(&moved) {
                    fate.decided_version = moved;
                }
            }
        }
        _ if record.op == OpName::Get && record.state.is_none() => {
            // The session goes on as if this answer had come from the beginning of time.
            (record.value, record.version, record.as_of) = (None, Some(0), record.as_of.map(|_| 0));
        }
        _ => {}
    }
}

/// Makes all instants differ, in an order that they allowed before. What times that touch mean is told by hand-made histories.
pub(crate) fn untie(history: &mut History) {
    let mut moments: Vec<(u64, u8, usize)> = Vec::new();
    for (place, (_, record)) in history.records.iter().enumerate() {
        moments.push((record.invoke_ns, 1, place));
        let at_once = record.return_ns == Some(record.invoke_ns);
        moments.extend(record.return_ns.map(|ns| (ns, if at_once { 2 } else { 0 }, place)));
    }
    moments.sort_unstable();
    let until = |ns: u64| moments.iter().filter(|(at, ..)| *at <= ns).count() as u64;
    for (_, record) in &mut history.records {
        for (_, at_ns) in &mut record.joins {
            *at_ns = until(*at_ns);
        }
    }
    for (tick, (_, kind, place)) in (1..).zip(&moments) {
        let record = &mut history.records[*place].1;
        match kind {
            1 => record.invoke_ns = tick,
            _ => record.return_ns = Some(tick),
        }
    }
    for (_, record) in &mut history.records {
        let invoke_ns = record.invoke_ns;
        record.joins.iter_mut().for_each(|(_, at_ns)| *at_ns = (*at_ns).min(invoke_ns));
    }
}
