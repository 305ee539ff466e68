//! Load that remembers: threads that read and write through the client crate, and record what they asked, when, and what they heard.
//!
//! Each thread owns the keys `count:<thread>` (increments) and `journal:<thread>` (appends) and shares the registers with the others. Keys get new
//! names every few seconds, so that no key's history grows beyond what the judges can search. An operation without an answer is *unknown*, and
//! its client goes on under a new name. What was acknowledged on the thread's own keys is kept apart, to be looked for after a crash.

use checker::{Class, Level, OpName, Record, Status, check_records};
use client::blocking::Client;
use client::{Answer, Bytes, Error, ErrorKind, Reply};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const THREADS: usize = 6;
const REGISTERS: u64 = 4;
/// How long a register keeps its name.
const ERA: Duration = Duration::from_secs(5);
/// So many operations of one thread on one era's keys, at most: the judges search.
const OPERATIONS_PER_ERA: u64 = 200;

/// A load under way.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Outcome>>,
}

/// What one thread remembers.
#[derive(Default)]
struct Outcome {
    records: Vec<Record>,
    errors: Vec<Error>,
    longest: Duration,
    acknowledged: Vec<(String, String)>,
}

/// What all threads remember.
pub(crate) struct History {
    pub(crate) records: Vec<Record>,
    /// Operations that did not succeed.
    pub(crate) errors: Vec<Error>,
    /// The longest time that one operation took.
    pub(crate) longest: Duration,
    /// Keys that were written once, with the value that was acknowledged.
    acknowledged: Vec<(String, String)>,
}

impl Load {
    /// Starts the threads. `name` keeps the keys of several loads apart.
    pub(crate) fn start(client: &Client, name: &str) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicU64::new(0));
        let birth = Instant::now();
        let threads = (0..THREADS)
            .map(|thread| {
                let worker = Worker {
                    client: client.clone(),
                    name: name.to_owned(),
                    thread,
                    life: 0,
                    birth,
                    random: 0x9e37_79b9_7f4a_7c15 ^ (thread as u64 + 1),
                    outcome: Outcome::default(),
                };
                let (stop, done) = (stop.clone(), done.clone());
                std::thread::spawn(move || worker.run(&stop, &done))
            })
            .collect();
        Load { stop, done, threads }
    }

    /// How many operations have succeeded.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Waits until so many more operations have succeeded.
    pub(crate) fn goes_on(&self, more: u64) {
        let wanted = self.done() + more;
        let end = Instant::now() + super::PATIENCE;
        while self.done() < wanted {
            assert!(Instant::now() < end, "the load stands still at {} of {wanted}", self.done());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops the threads and puts together what they remember.
    pub(crate) fn finish(self) -> History {
        self.stop.store(true, Ordering::Relaxed);
        let mut history = History {
            records: Vec::new(),
            errors: Vec::new(),
            longest: Duration::ZERO,
            acknowledged: Vec::new(),
        };
        for thread in self.threads {
            let outcome = thread.join().expect("a worker panicked");
            history.records.extend(outcome.records);
            history.errors.extend(outcome.errors);
            history.longest = history.longest.max(outcome.longest);
            history.acknowledged.extend(outcome.acknowledged);
        }
        history
    }
}

impl History {
    /// Demands that a correct store could have shown this history.
    #[track_caller]
    pub(crate) fn is_linearizable(&self) {
        // A history without one of the operations, or without a CAS that wrote, would prove little.
        let ok = || self.records.iter().filter(|record| record.status == Status::Ok);
        for op in [OpName::Get, OpName::Set, OpName::Del, OpName::Cas, OpName::Incr, OpName::Append] {
            assert!(ok().any(|record| record.op == op), "no {op:?} was answered");
        }
        assert!(ok().any(|record| record.op == OpName::Cas && record.swapped == Some(true)), "no CAS wrote");
        let records: Vec<_> =
            self.records.iter().cloned().enumerate().map(|(at, record)| (at + 1, record)).collect();
        let report = check_records(&records, Level::Linearizable, checker::SearchLimits::default())
            .unwrap_or_else(|error| panic!("the history is none: {error}"));
        assert_eq!(report.class(), Class::Legal, "{report}");
    }

    /// Demands that each key that was written once and acknowledged holds its value.
    #[track_caller]
    pub(crate) fn is_all_there(&self, client: &Client) {
        assert!(!self.acknowledged.is_empty(), "nothing was acknowledged");
        for part in self.acknowledged.chunks(200) {
            let keys: Vec<&str> = part.iter().map(|(key, _)| &**key).collect();
            let values = client.mget(&keys).expect("the values are read");
            for ((key, written), found) in part.iter().zip(values) {
                assert_eq!(found.as_deref(), Some(written.as_bytes()), "{key} was acknowledged");
            }
        }
    }

    /// The history as a file's text.
    pub(crate) fn lines(&self) -> String {
        self.records.iter().map(|record| record.to_line() + "\n").collect()
    }
}

struct Worker {
    client: Client,
    name: String,
    thread: usize,
    life: u32,
    birth: Instant,
    random: u64,
    outcome: Outcome,
}

impl Worker {
    fn run(mut self, stop: &AtomicBool, done: &AtomicU64) -> Outcome {
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            count += 1;
            let era = self.birth.elapsed().as_secs() / ERA.as_secs() * 1000 + count / OPERATIONS_PER_ERA;
            if self.operation(count, era) {
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.outcome
    }

    /// xorshift64*: the tests need variety, not luck.
    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }

    fn operation(&mut self, count: u64, era: u64) -> bool {
        let (name, thread) = (self.name.clone(), self.thread);
        let register = format!("{name}:register:{era}:{}", self.draw(REGISTERS));
        let unique = format!("{thread}-{count}");
        match self.draw(8) {
            0 | 1 => self.perform(OpName::Get, register, None, None),
            2 => self.perform(OpName::Set, register, Some(unique), None),
            3 => {
                let seen = self.last_seen(&register);
                self.perform(OpName::Cas, register, Some(unique), seen)
            }
            4 if self.draw(4) == 0 => self.perform(OpName::Del, register, None, None),
            4 | 5 => self.perform(
                OpName::Incr,
                format!("{name}:count:{era}:{}", thread % 2),
                Some("1".to_owned()),
                None,
            ),
            6 => self.perform(
                OpName::Append,
                format!("{name}:journal:{era}:{thread}"),
                Some(format!("{unique},")),
                None,
            ),
            _ => {
                let key = format!("{name}:once:{unique}");
                let acknowledged = self.perform(OpName::Set, key.clone(), Some(unique.clone()), None);
                if acknowledged {
                    self.outcome.acknowledged.push((key, unique));
                }
                acknowledged
            }
        }
    }

    /// What this thread knows the register to have held: a CAS that never fits tests little.
    fn last_seen(&self, key: &str) -> Option<String> {
        let newest = self.outcome.records.iter().rev().find(|record| {
            record.key == key && record.status == Status::Ok && matches!(record.op, OpName::Get | OpName::Set)
        });
        newest.and_then(|record| record.value.clone())
    }

    fn now_ns(&self) -> u64 {
        self.birth.elapsed().as_nanos() as u64
    }

    /// Does one operation and records it; whether it was answered.
    fn perform(&mut self, op: OpName, key: String, value: Option<String>, expect: Option<String>) -> bool {
        let mut record =
            Record::invoked(format!("{}.{}", self.thread, self.life), op, key.clone(), self.now_ns());
        record.value.clone_from(&value);
        record.expect.clone_from(&expect);
        let value = value.unwrap_or_default();
        let answer = match (op, &expect) {
            (OpName::Get, _) => self.client.ask(&["GET", &key]),
            (OpName::Set, _) => self.client.ask(&["SET", &key, &value]),
            (OpName::Del, _) => self.client.ask(&["DEL", &key]),
            (OpName::Cas, Some(expect)) => self.client.ask(&["SET", &key, &value, "IFEQ", expect]),
            (OpName::Cas, None) => self.client.ask(&["SET", &key, &value, "NX"]),
            (OpName::Incr, _) => self.client.ask(&["INCRBY", &key, &value]),
            (OpName::Append, _) => self.client.ask(&["APPEND", &key, &value]),
        };
        let returned = self.now_ns();
        self.outcome.longest = self.outcome.longest.max(Duration::from_nanos(returned - record.invoke_ns));
        let answered = match answer {
            Ok(answer) => {
                record.return_ns = Some(returned);
                record.status = Status::Ok;
                fill_in(&mut record, answer);
                true
            }
            Err(error) => {
                record.status = match error.kind {
                    ErrorKind::Unknown => Status::Unknown,
                    ErrorKind::NoQuorum | ErrorKind::Behind | ErrorKind::Unreachable | ErrorKind::Closed => {
                        Status::Fail
                    }
                    ErrorKind::Invalid | ErrorKind::Refused => panic!("{op:?} {key}: {error}"),
                };
                if record.status == Status::Fail {
                    record.return_ns = Some(returned);
                }
                self.outcome.errors.push(error);
                self.life += 1;
                false
            }
        };
        self.outcome.records.push(record);
        answered
    }
}

fn fill_in(record: &mut Record, answer: Answer) {
    let achieved = answer.achieved.expect("a command with a key has one");
    record.version = Some(achieved.version.0);
    record.as_of = Some(achieved.as_of.0);
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("only text was written");
    match (record.op, answer.reply) {
        (OpName::Get, Reply::Bulk(bytes)) => record.value = Some(text(bytes)),
        (OpName::Get, Reply::Nil) => record.value = None,
        (OpName::Set, Reply::Status(_) | Reply::Simple(_)) => {}
        (OpName::Cas, Reply::Status(_) | Reply::Simple(_)) => record.swapped = Some(true),
        (OpName::Cas, Reply::Nil) => record.swapped = Some(false),
        (OpName::Del, Reply::Int(count)) => record.swapped = Some(count == 1),
        (OpName::Incr | OpName::Append, Reply::Int(result)) => record.result = Some(result),
        (op, reply) => panic!("{op:?} answered {reply:?}"),
    }
}
