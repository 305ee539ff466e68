//! What a client may ask, and what an answer to it means.
//!
//! Keys come in families, each with operations of its own: registers (get, set, compare-and-set, delete), counters, lists to append to, cold keys that give the state
//! some size, keys that are read and written several at a time, and keys that expire. All but the last are judged. Hot keys change their
//! names every twenty seconds, so that no key's history grows too long to be searched.
//!
//! Invariant: every written value is unique in its run, so an answer names the write that made it. Not here: who asks, and when.

use crate::params::WorkloadParams;
use crate::random::Random;
use crate::schedule::{Instant, SECOND};
use bytes::Bytes;
use checker::{Commitment, Dot, OpName, Record, Status};
use proto::command::Command;
use proto::level::Level;
use proto::ops::{
    AddOptions, Condition, End, ExpireCondition, HashRead, HashWrite, KeyRead, KeyWrite, ListRead, ListWrite,
    Read, SetExpiry, SetRead, SetWrite, SortedSetRead, SortedSetWrite, StringRead, StringWrite, TtlUnit,
    Write,
};
use proto::outcome::{Achieved, Certificate, State};
use proto::reply::Reply;
use proto::score::Score;
use proto::slots::slot_of;
use std::collections::{BTreeMap, BTreeSet};

const EPOCH_NS: u64 = 20 * SECOND;
/// As many keys are asked of every node in the end.
const SETTLED_KEYS: usize = 32;

/// What one key's part of an operation is, in the words of the history.
#[derive(Clone, Debug)]
struct Judged {
    key: String,
    op: OpName,
    value: Option<String>,
    expect: Option<String>,
}

/// A command with what is to be written down about it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is sent.
    pub command: Command,
    /// The level at which it is to be asked, whatever the workload would draw.
    pub level: Option<Level>,
    /// Whether it is asked after everything has come to rest.
    pub settled: bool,
    judged: Vec<Judged>,
}

/// An answer from the state.
pub struct Said<'a> {
    /// What the command answers.
    pub reply: Reply,
    /// What it stands for.
    pub certificate: Certificate,
    /// At which level, and what is undecided about it.
    pub achieved: &'a Achieved,
    /// Whether the write had been sent before: then it may be the answer of its first application.
    pub is_repeated: bool,
}

/// What an answer from the state came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It answers the question.
    Answered,
    /// The command refused: it had no effect.
    Refused,
}

impl Asked {
    /// Whether a client may number it: a write to one shard.
    pub fn can_be_numbered(&self) -> bool {
        matches!(self.command, Command::Write { .. })
    }

    /// Whether it may change anything.
    pub fn is_write(&self) -> bool {
        matches!(
            self.command,
            Command::Write { .. } | Command::MSet { .. } | Command::Del { .. } | Command::FlushAll
        )
    }

    /// Whether it means something below sequential, and what it means can be written down.
    pub fn can_be_weak(&self) -> bool {
        match &self.command {
            Command::Read { .. } => true,
            Command::Write { write, .. } => write.clone().into_tentative(0).is_some(),
            _ => false,
        }
    }

    /// The keys that it is judged by.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.judged.iter().map(|judged| judged.key.as_str())
    }

    /// What it pushes to a list: key and value.
    pub fn pushes(&self) -> Vec<(Bytes, Bytes)> {
        match &self.command {
            Command::Write { write: Write::List(ListWrite::Push { key, values, .. }), .. } => {
                values.iter().map(|value| (key.clone(), value.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The same, asked at this level and no other.
    fn at(self, level: Level) -> Asked {
        Asked { level: Some(level), ..self }
    }

    /// A taking over of another session.
    pub fn resume(token: Bytes) -> Asked {
        unjudged(Command::SessionResume { token }).at(Level::Linearizable)
    }

    /// The records of its sending.
    pub fn records(&self, client: &str, invoke_ns: u64) -> impl Iterator<Item = Record> {
        self.judged.iter().map(move |judged| {
            let mut record = Record::invoked(client, judged.op, judged.key.clone(), invoke_ns);
            record.value = judged.value.clone();
            record.expect = judged.expect.clone();
            record.settled = self.settled;
            record
        })
    }
}

/// Draws operations and reads answers.
pub struct Chooser {
    params: WorkloadParams,
    random: Random,
    values: u64,
    seen: BTreeMap<String, Option<String>>,
    used: BTreeSet<String>,
    used_weakly: BTreeSet<String>,
}

impl Chooser {
    /// A chooser with a stream of its own.
    pub fn new(params: WorkloadParams, random: Random) -> Chooser {
        Chooser {
            params,
            random,
            values: 0,
            seen: BTreeMap::new(),
            used: BTreeSet::new(),
            used_weakly: BTreeSet::new(),
        }
    }

    /// Draws an operation.
    pub fn choose(&mut self, now: Instant) -> Asked {
        let epoch = now.0 / EPOCH_NS;
        let reads = self.random.below(100) < self.params.reads_percent;
        let hot = self.random.below(self.params.hot_keys);
        let family = self.random.below(100);
        if self.params.weak.is_on() && self.random.chance(1, 6) {
            return match self.random.below(12) {
                0..4 => self.on_mixed(format!("mixed-{epoch}-{hot}"), reads),
                4 => self.on_odd(format!("odd-{hot}")),
                _ => self.on_collection(hot, reads),
            };
        }
        match family {
            0..40 => self.on_register(format!("register-{epoch}-{hot}"), reads),
            40..55 => self.on_counter(format!("counter-{epoch}-{hot}"), reads),
            55..65 => self.on_list(format!("list-{epoch}-{hot}"), reads),
            65..80 => {
                let cold = self.random.below(self.params.cold_keys);
                self.on_cold(format!("cold-{cold}"), reads)
            }
            80..90 => self.on_several(epoch, reads),
            90..99 => self.on_expiring(format!("expiring-{hot}"), reads),
            _ => {
                let command =
                    if reads { Command::DbSize } else { Command::Keys { pattern: "counter-*".into() } };
                unjudged(command)
            }
        }
    }

    /// This operation is asked below sequential: what its keys hold is compared in the end.
    pub fn asked_weakly(&mut self, asked: &Asked) {
        self.used_weakly.extend(asked.keys().map(str::to_owned));
    }

    /// What every node is asked after everything has come to rest: some of the keys that were written or read weakly, at every level.
    pub fn settled(&mut self) -> Vec<Asked> {
        let mut keys: Vec<String> = std::mem::take(&mut self.used_weakly).into_iter().collect();
        self.random.shuffle(&mut keys);
        keys.truncate(SETTLED_KEYS);
        let at_all =
            |key: String| Level::ALL.map(|level| Asked { settled: true, ..get(key.clone()).at(level) });
        keys.into_iter().flat_map(at_all).collect()
    }

    /// A read of every judged key that was ever used, and one more write for each of some clients.
    pub fn last_words(&mut self, clients: usize) -> Vec<Asked> {
        let mut words: Vec<Asked> = Vec::new();
        for number in 0..clients {
            let value = self.value(0);
            words.push(set(format!("last-{number}"), value));
        }
        if self.params.weak.is_on() {
            // In each client's own session, at the level that may have to wait for what the session depends on.
            let key = || "last-counter".to_owned();
            words.extend((0..clients).map(|_| increment(key(), 1).at(Level::Causal)));
            words.extend((0..clients).map(|_| get(key()).at(Level::Causal)));
            self.used.insert(key());
        }
        let used = std::mem::take(&mut self.used);
        words.extend(used.into_iter().map(get));
        words
    }

    fn value(&mut self, length: u64) -> String {
        self.values += 1;
        let mut value = format!("v{}", self.values);
        if length > value.len() as u64 {
            value.push('-');
            value.extend(std::iter::repeat_n('x', length as usize - value.len()));
        }
        value
    }

    fn on_register(&mut self, key: String, reads: bool) -> Asked {
        self.used.insert(key.clone());
        if reads {
            return get(key);
        }
        let weak = self.params.weak;
        if weak.is_on() && self.random.below(100) < weak.deletes_percent {
            return delete(key);
        }
        let value = self.value(0);
        match self.random.below(10) {
            0..5 => set(key, value),
            5..9 => {
                // Half of the time the expectation is fresh, so that some swaps succeed and some do not.
                let expect = self.seen.get(&key).cloned().flatten().filter(|_| self.random.chance(7, 8));
                let condition =
                    expect.clone().map_or(Condition::Absent, |text| Condition::Equals(text.into()));
                let write = string_set(&key, &value, SetExpiry::Never, condition);
                judged(write, key, OpName::Cas, Some(value), expect)
            }
            _ => delete(key),
        }
    }

    /// Assignments and effects on one key: numbers that are set, added to and deleted.
    fn on_mixed(&mut self, key: String, reads: bool) -> Asked {
        self.used.insert(key.clone());
        if reads {
            return get(key);
        }
        match self.random.below(4) {
            0 => {
                self.values += 1;
                let number = self.values * 1_000;
                set(key, number.to_string())
            }
            1 => delete(key),
            _ => {
                let delta = self.random.between(1, 3) as i64;
                increment(key, delta)
            }
        }
    }

    /// A number that is sometimes a text: additions to it are refused, some of them only when they are decided. Not judged but by being equal on all replicas.
    fn on_odd(&mut self, key: String) -> Asked {
        let slot = slot_of(key.as_bytes());
        let write = match self.random.below(4) {
            0 => string_set(&key, "a text", SetExpiry::Never, Condition::Always),
            1 => string_set(&key, "7", SetExpiry::Never, Condition::Always),
            _ => Write::String(StringWrite::IncrBy { key: Bytes::from(key), delta: 1 }),
        };
        unjudged(Command::Write { slot, write })
    }

    /// Elements of collections. Not judged by what they answer, but by what is there (`judges::contents`); sorted sets only by being equal on all replicas.
    fn on_collection(&mut self, hot: u64, reads: bool) -> Asked {
        // Sets twice as often: what one of them forgets is soon made good by what follows.
        let family = *self.random.pick(&[0, 1, 1, 2, 3]);
        let key = Bytes::from(format!("collection-{family}-{hot}"));
        let slot = slot_of(&key);
        let elements = if family == 1 { 2 } else { 4 };
        let element = Bytes::from(format!("e{}", self.random.below(elements)));
        let value = Bytes::from(self.value(0));
        if reads {
            let read = match family {
                0 => Read::Hash(HashRead::GetAll { key }),
                1 => Read::Set(SetRead::Members { key }),
                3 => Read::List(ListRead::Range { key, start: 0, stop: -1 }),
                _ => Read::SortedSet(SortedSetRead::Score { key, member: element }),
            };
            return unjudged(Command::Read { slot, read });
        }
        let write = match (family, self.random.below(5)) {
            (1, 0) if self.random.chance(3, 4) => {
                Write::Set(SetWrite::Remove { key, members: vec![element] })
            }
            (_, 0) => Write::Key(KeyWrite::Del { keys: vec![key] }),
            (0, 1) => Write::Hash(HashWrite::Delete { key, fields: vec![element] }),
            (0, 2) => Write::Hash(HashWrite::IncrBy { key, field: Bytes::from_static(b"sum"), delta: 3 }),
            (0, _) => {
                let mut fields = vec![(element.clone(), value)];
                let other = Bytes::from(format!("e{}", self.random.below(elements)));
                if other != element {
                    fields.push((other, Bytes::from(self.value(0))));
                }
                Write::Hash(HashWrite::Set { key, fields, ok_reply: false })
            }
            (1, 1 | 2) => Write::Set(SetWrite::Remove { key, members: vec![element] }),
            (1, _) => Write::Set(SetWrite::Add { key, members: vec![element] }),
            (3, which) => {
                let end = if which == 1 { End::Left } else { End::Right };
                Write::List(ListWrite::Push { key, values: vec![value], end, only_if_present: false })
            }
            (_, 1 | 2) => Write::SortedSet(SortedSetWrite::Remove { key, members: vec![element] }),
            (_, _) => {
                let score = Score::new(self.random.below(100) as f64).expect("a number");
                let options = AddOptions { incr: self.random.chance(1, 3), ..AddOptions::default() };
                Write::SortedSet(SortedSetWrite::Add { key, options, members: vec![(score, element)] })
            }
        };
        unjudged(Command::Write { slot, write })
    }

    fn on_counter(&mut self, key: String, reads: bool) -> Asked {
        self.used.insert(key.clone());
        if reads {
            return get(key);
        }
        let delta = self.random.between(1, 5) as i64 - 2;
        increment(key, delta)
    }

    fn on_list(&mut self, key: String, reads: bool) -> Asked {
        self.used.insert(key.clone());
        if reads {
            return get(key);
        }
        let suffix = format!("{}.", self.value(0));
        let write = Write::String(StringWrite::Append {
            key: Bytes::from(key.clone()),
            value: suffix.clone().into(),
        });
        judged(write, key, OpName::Append, Some(suffix), None)
    }

    fn on_cold(&mut self, key: String, reads: bool) -> Asked {
        self.used.insert(key.clone());
        if reads {
            return get(key);
        }
        if self.params.cold_deletes_percent > 0 && self.random.below(100) < self.params.cold_deletes_percent {
            return delete(key);
        }
        let length = self.random.below(self.params.cold_value_bytes);
        let value = self.value(length);
        set(key, value)
    }

    fn on_several(&mut self, epoch: u64, reads: bool) -> Asked {
        let mut numbers: Vec<u64> = (0..6).collect();
        self.random.shuffle(&mut numbers);
        numbers.truncate(self.random.between(1, 4) as usize);
        let keys: Vec<String> = numbers.iter().map(|number| format!("several-{epoch}-{number}")).collect();
        self.used.extend(keys.iter().cloned());
        let mut judged = Vec::new();
        let command = if reads {
            judged.extend(keys.iter().map(|key| part(key, OpName::Get, None)));
            Command::MGet { keys: keys.into_iter().map(Bytes::from).collect() }
        } else {
            let values: Vec<String> = keys.iter().map(|_| self.value(0)).collect();
            judged.extend(
                keys.iter().zip(&values).map(|(key, value)| part(key, OpName::Set, Some(value.clone()))),
            );
            Command::MSet {
                pairs: keys.into_iter().map(Bytes::from).zip(values.into_iter().map(Bytes::from)).collect(),
            }
        };
        Asked { judged, ..unjudged(command) }
    }

    fn on_expiring(&mut self, key: String, reads: bool) -> Asked {
        let (slot, name) = (slot_of(key.as_bytes()), Bytes::from(key.clone()));
        let span_ms = self.random.between(1, 3_000);
        let command = if reads {
            let read = match self.random.below(2) {
                0 => Read::String(StringRead::Get { key: name }),
                _ => Read::Key(KeyRead::Ttl { key: name, unit: TtlUnit::Milliseconds }),
            };
            Command::Read { slot, read }
        } else {
            let write = match self.random.below(3) {
                0 => {
                    let value = self.value(0);
                    string_set(&key, &value, SetExpiry::AfterMs(span_ms), Condition::Always)
                }
                1 => Write::Key(KeyWrite::ExpireAfter {
                    key: name,
                    after_ms: span_ms as i64,
                    condition: ExpireCondition::default(),
                }),
                _ => Write::Key(KeyWrite::Persist { key: name }),
            };
            Command::Write { slot, write }
        };
        unjudged(command)
    }

    /// Reads an answer and completes the records of its question. An error is a sentence about an answer that no store could give.
    pub fn understand(
        &mut self,
        asked: &Asked,
        said: Said<'_>,
        now_ns: u64,
        mut records: Vec<&mut Record>,
    ) -> Result<Meaning, String> {
        let Said { reply, certificate, achieved, is_repeated } = said;
        if reply.is_error() {
            return Ok(Meaning::Refused);
        }
        for record in &mut records {
            record.status = Status::Ok;
            record.return_ns = Some(now_ns);
            record.as_of = Some(certificate.as_of.0);
            record.level = Some(achieved.level.name().to_owned());
            record.node = Some(format!("n{}", certificate.served_by));
            write_down_dots(record, achieved, is_repeated)?;
        }
        let several = matches!(asked.command, Command::MGet { .. } | Command::MSet { .. });
        if several {
            if let Reply::Array(values) = &reply {
                if values.len() != records.len() {
                    return Err(format!(
                        "{} keys were asked for and {} answered",
                        records.len(),
                        values.len()
                    ));
                }
                for (record, value) in records.iter_mut().zip(values) {
                    record.value = text(value).ok_or_else(|| nonsense(asked, &reply))?;
                }
            } else if !matches!(reply, Reply::Simple("OK")) {
                return Err(nonsense(asked, &reply));
            }
            return Ok(Meaning::Answered);
        }
        let Some(record) = records.first_mut() else { return Ok(Meaning::Answered) };
        record.version = Some(certificate.version.0);
        match (record.op, &reply) {
            (OpName::Get, value) => record.value = text(value).ok_or_else(|| nonsense(asked, value))?,
            (OpName::Set, Reply::Simple("OK")) => {}
            (OpName::Cas, Reply::Simple("OK")) => record.swapped = Some(true),
            (OpName::Cas, Reply::Nil) => record.swapped = Some(false),
            (OpName::Del, Reply::Int(count @ 0..=1)) => record.swapped = Some(*count == 1),
            (OpName::Incr | OpName::Append, Reply::Int(result)) => record.result = Some(*result),
            _ => return Err(nonsense(asked, &reply)),
        }
        if matches!(record.op, OpName::Get | OpName::Set) || record.swapped == Some(true) {
            self.seen.insert(record.key.clone(), record.value.clone());
        }
        Ok(Meaning::Answered)
    }
}

/// What an answer says of tentative operations. An error is a sentence about what no answer of its level may say.
fn write_down_dots(record: &mut Record, achieved: &Achieved, is_repeated: bool) -> Result<(), String> {
    let level = achieved.level;
    match (level.is_weak(), achieved.state) {
        (false, State::Tentative) => return Err(format!("an answer at {level} shows what is not decided")),
        (false, State::Committed) => return Ok(()),
        (true, State::Committed) => {}
        (true, State::Tentative) => record.state = Some(Commitment::Tentative),
    }
    if record.op == OpName::Get {
        record.dots = achieved.dots.iter().map(in_history).collect();
        return Ok(());
    }
    let Some(dot) = achieved.dot else {
        if is_repeated {
            return Ok(());
        }
        return Err(format!("a write at {level} was acknowledged without its dot"));
    };
    if achieved.state == State::Committed {
        return Err(format!("a write at {level}, {dot}, was called decided when it was taken"));
    }
    record.dots = vec![in_history(dot)];
    Ok(())
}

/// A dot as histories spell it.
pub fn in_history(dot: proto::tentative::Dot) -> Dot {
    Dot { origin: dot.origin.to_string(), number: dot.number }
}

fn nonsense(asked: &Asked, reply: &Reply) -> String {
    format!("{:?} was answered {reply:?}", asked.command)
}

/// A value of the history from a reply; `None` where the reply is neither bytes nor absent.
fn text(reply: &Reply) -> Option<Option<String>> {
    match reply {
        Reply::Nil => Some(None),
        Reply::Bulk(bytes) => Some(Some(String::from_utf8_lossy(bytes).into_owned())),
        _ => None,
    }
}

fn part(key: &str, op: OpName, value: Option<String>) -> Judged {
    Judged { key: key.to_owned(), op, value, expect: None }
}

fn unjudged(command: Command) -> Asked {
    Asked { command, level: None, settled: false, judged: Vec::new() }
}

fn increment(key: String, delta: i64) -> Asked {
    let write = Write::String(StringWrite::IncrBy { key: Bytes::from(key.clone()), delta });
    judged(write, key, OpName::Incr, Some(delta.to_string()), None)
}

fn delete(key: String) -> Asked {
    let write = Write::Key(KeyWrite::Del { keys: vec![Bytes::from(key.clone())] });
    judged(write, key, OpName::Del, None, None)
}

fn judged(write: Write, key: String, op: OpName, value: Option<String>, expect: Option<String>) -> Asked {
    let command = Command::Write { slot: slot_of(key.as_bytes()), write };
    Asked { judged: vec![Judged { key, op, value, expect }], ..unjudged(command) }
}

fn string_set(key: &str, value: &str, expiry: SetExpiry, condition: Condition) -> Write {
    Write::String(StringWrite::Set {
        key: Bytes::from(key.to_owned()),
        value: Bytes::from(value.to_owned()),
        expiry,
        condition,
        get: false,
        integer_reply: false,
    })
}

fn set(key: String, value: String) -> Asked {
    let write = string_set(&key, &value, SetExpiry::Never, Condition::Always);
    judged(write, key, OpName::Set, Some(value), None)
}

fn get(key: String) -> Asked {
    let read = Read::String(StringRead::Get { key: Bytes::from(key.clone()) });
    let command = Command::Read { slot: slot_of(key.as_bytes()), read };
    Asked { judged: vec![part(&key, OpName::Get, None)], ..unjudged(command) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    #[test]
    fn every_written_value_is_unique_and_every_family_appears() {
        let mut params = Params::draw(1).workload;
        params.reads_percent = 30;
        let mut chooser = Chooser::new(params, Random::new(1));
        let mut values = BTreeSet::new();
        let mut families = BTreeSet::new();
        for at in 0..5_000 {
            let asked = chooser.choose(Instant(at * SECOND / 50));
            for judged in &asked.judged {
                families.insert(judged.key.split('-').next().unwrap().to_owned());
                if let (Some(value), true) = (&judged.value, judged.op != OpName::Incr) {
                    assert!(values.insert(value.clone()), "{value} twice");
                }
            }
        }
        assert_eq!(families.len(), 5);
        assert!(chooser.last_words(3).len() > 50);
    }

    #[test]
    fn an_answer_that_no_store_could_give_is_an_error() {
        let mut chooser = Chooser::new(Params::draw(1).workload, Random::new(1));
        let asked = get("k".into());
        let mut record = Record::invoked("c", OpName::Get, "k", 1);
        let (reply, certificate, achieved) = (Reply::Int(5), Certificate::default(), &Achieved::default());
        let said = Said { reply, certificate, achieved, is_repeated: false };
        let answer = chooser.understand(&asked, said, 2, vec![&mut record]);
        assert!(answer.unwrap_err().contains("was answered"));
    }
}
