//! Load at all four levels that remembers: one connection a thread, which is one session, at one node until it breaks; then at the next, as a new client in a new session.
//!
//! Nothing is retried and nothing is guessed: an answer with its certificate, a refusal that certainly applied nothing, or *unknown*. Answers name the dots of what they show. Fates stand in the nodes'
//! logs, so the history has none, and what becomes of tentative writes is judged with less sharpness (`docs/history.md`); the simulator judges it with all of it.

use checker::{
    Class, Commitment, Dot, History, Level, LevelReport, OpName, Record, Scope, SearchLimits, Status,
    check_history,
};
use client::Reply;
use client::blocking::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const THREADS: u64 = 8;
const KEYS: u64 = 6;
/// How long a key has its name, so that no key's history grows beyond what the judges can search.
const ERA: Duration = Duration::from_secs(4);
/// The deadline of each request; the connection waits a little longer.
const DEADLINE_MS: u64 = 1_500;
/// Between two operations of one thread: the judges look at every pair of some.
const PAUSE: Duration = Duration::from_millis(8);
const LEVELS: [&str; 4] = ["linearizable", "sequential", "causal", "eventual"];

/// A load under way.
pub(crate) struct Mixed {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Vec<Record>>>,
}

struct Worker {
    addresses: Vec<String>,
    password: Option<String>,
    thread: u64,
    life: u64,
    birth: Instant,
    pause: Duration,
    random: u64,
    records: Vec<Record>,
}

impl Mixed {
    /// Starts the threads against these addresses.
    pub(crate) fn start(addresses: &[String], password: Option<&str>) -> Mixed {
        Mixed::start_with(addresses, password, PAUSE)
    }

    /// Likewise, with another pause between two operations of one thread, for a test that takes long.
    pub(crate) fn start_with(addresses: &[String], password: Option<&str>, pause: Duration) -> Mixed {
        let (stop, done, birth) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Instant::now());
        let threads = (0..THREADS)
            .map(|thread| {
                let worker = Worker {
                    addresses: addresses.to_vec(),
                    password: password.map(str::to_owned),
                    thread,
                    life: thread,
                    birth,
                    pause,
                    random: 0x9e37_79b9_7f4a_7c15 ^ (thread + 1),
                    records: Vec::new(),
                };
                let (stop, done) = (stop.clone(), done.clone());
                std::thread::spawn(move || worker.run(&stop, &done))
            })
            .collect();
        Mixed { stop, done, threads }
    }

    /// Waits until so many more operations have succeeded.
    pub(crate) fn goes_on(&self, more: u64) {
        let wanted = self.done.load(Ordering::Relaxed) + more;
        let end = Instant::now() + super::PATIENCE;
        while self.done.load(Ordering::Relaxed) < wanted {
            assert!(Instant::now() < end, "the mixed load stands still");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops, and demands that a correct store could have shown at every level what was seen.
    #[track_caller]
    pub(crate) fn finish_and_judge(self) {
        self.stop.store(true, Ordering::Relaxed);
        let records: Vec<Record> =
            self.threads.into_iter().flat_map(|thread| thread.join().expect("a worker panicked")).collect();
        let mut answered: BTreeMap<&str, u64> = BTreeMap::new();
        for record in records.iter().filter(|record| record.status == Status::Ok) {
            *answered.entry(record.level.as_deref().expect("set with each answer")).or_default() += 1;
        }
        for level in LEVELS {
            assert!(
                answered.get(level).is_some_and(|&count| count > 50),
                "hardly any answers at {level}: {answered:?}"
            );
        }
        let records = without_thinned_out(records);
        let text: String = records.iter().map(|record| record.to_line() + "\n").collect();
        let history: History = checker::parse_history(&text).expect("it is a history");
        let report = check_history(&history, Scope::All, SearchLimits::default()).expect("it can be judged");
        // Without fates nobody knows what became of eventual writes: there no violation is all that can be said.
        let is_kept = |level: &LevelReport| {
            level.class == Class::Legal || (level.level == Level::Eventual && level.class == Class::Undecided)
        };
        // Linearizability is judged key by key, the other levels as wholes.
        assert_eq!(report.levels.len(), LEVELS.len() - 1, "{report}");
        assert!(report.keys.iter().all(|key| key.class() == Class::Legal), "{report}");
        if !report.levels.iter().all(is_kept) {
            let path = std::env::temp_dir().join(format!("quartet-history-{}.jsonl", std::process::id()));
            std::fs::write(&path, &text).expect("the temporary folder can be written");
            panic!("{report}\nthe history is in {}", path.display());
        }
    }
}

/// A node leaves out the dots of what it knows to be decided, also where it learnt that after it had made the value. Without fates nobody can tell such an answer from one that hides what it shows, so those go;
/// they are few.
fn without_thinned_out(records: Vec<Record>) -> Vec<Record> {
    let weak = records.iter().filter(|record| record.op == OpName::Set && !record.dots.is_empty());
    let writers: BTreeMap<String, Dot> =
        weak.filter_map(|record| Some((record.value.clone()?, record.dots[0].clone()))).collect();
    let hides = |record: &Record| {
        let is_tentative = record.state == Some(Commitment::Tentative) && record.op == OpName::Get;
        let writer = record.value.as_ref().and_then(|value| writers.get(value));
        is_tentative && writer.is_some_and(|writer| !is_named(&record.dots, writer))
    };
    let all = records.len();
    let kept: Vec<Record> = records.into_iter().filter(|record| !hides(record)).collect();
    assert!(all - kept.len() < all / 20, "{} of {all} answers hide what they show", all - kept.len());
    kept
}

/// A dot stands for its origin's earlier operations too.
fn is_named(dots: &[Dot], wanted: &Dot) -> bool {
    dots.iter().any(|dot| dot.origin == wanted.origin && dot.number >= wanted.number)
}

impl Worker {
    fn run(mut self, stop: &AtomicBool, done: &AtomicU64) -> Vec<Record> {
        let mut connection = None;
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            let at = (self.life % self.addresses.len() as u64) as usize;
            let Some(open) = &mut connection else {
                match Connection::open(&self.addresses[at], self.password.as_deref(), Duration::from_secs(1))
                {
                    Ok(open) => connection = Some(open),
                    Err(_) => {
                        self.life += 1;
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
                continue;
            };
            count += 1;
            match self.operation(open, count) {
                true => {
                    done.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(self.pause);
                }
                false => {
                    connection = None;
                    self.life += 1;
                }
            }
        }
        self.records
    }

    /// xorshift64*: variety, not luck.
    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }

    fn now_ns(&self) -> u64 {
        self.birth.elapsed().as_nanos() as u64
    }

    /// One read or write at a drawn level; whether the session goes on.
    fn operation(&mut self, connection: &mut Connection, count: u64) -> bool {
        let era = self.birth.elapsed().as_secs() / ERA.as_secs() * 1_000 + count / 150;
        let key = format!("mixed:{era}:{}", self.draw(KEYS));
        let level = LEVELS[self.draw(4) as usize];
        let is_write = self.draw(2) == 0;
        let value = format!("{}-{count}", self.thread);
        let op = if is_write { OpName::Set } else { OpName::Get };
        let name = format!("{}.{}", self.thread, self.life);
        let mut record = Record::invoked(name.clone(), op, key.clone(), self.now_ns());
        record.session = Some(name);
        record.level = Some(level.to_owned());
        record.value = is_write.then(|| value.clone());
        let deadline = DEADLINE_MS.to_string();
        let mut words = vec!["WITH", &key, level, "DEADLINE", &deadline, "META", "DO"];
        words.extend(if is_write { vec!["SET", &*key, &*value] } else { vec!["GET", &*key] });
        let words: Vec<&[u8]> = words.into_iter().map(str::as_bytes).collect();
        let reply = connection.call(&words, Duration::from_millis(2 * DEADLINE_MS));
        let returned = self.now_ns();
        let goes_on = match reply {
            Ok(Reply::Array(pair)) => {
                let [reply, meta] = <[Reply; 2]>::try_from(pair).expect("a reply and what was achieved");
                record.status = Status::Ok;
                record.return_ns = Some(returned);
                if let (false, Reply::Bulk(bytes)) = (is_write, &reply) {
                    record.value = Some(String::from_utf8(bytes.to_vec()).expect("only text was written"));
                }
                fill_in(&mut record, &meta);
                true
            }
            Ok(Reply::Error(text)) => {
                let word = text.split(' ').next().unwrap_or_default();
                match word {
                    "NOQUORUM" | "BEHIND" | "CLUSTERDOWN" | "LOADING" | "OVERLOADED" | "TRYAGAIN"
                    | "DISKFULL" => {
                        (record.status, record.return_ns) = (Status::Fail, Some(returned));
                    }
                    "UNKNOWN" => record.status = Status::Unknown,
                    _ => panic!("{op:?} {key} at {level}: {text}"),
                }
                // After a refusal too a new session begins, at another node: sessions hop by their tokens elsewhere.
                false
            }
            Ok(other) => panic!("{op:?} {key} at {level}: {other:?}"),
            Err(_) => {
                record.status = Status::Unknown;
                false
            }
        };
        self.records.push(record);
        goes_on
    }
}

fn fill_in(record: &mut Record, meta: &Reply) {
    let Reply::Map(pairs) = meta else { panic!("no map: {meta:?}") };
    let entry = |name: &'static str| {
        pairs.iter().find(|(known, _)| *known == Reply::bulk(name)).map(|(_, value)| value)
    };
    let number = |name| match entry(name) {
        Some(Reply::Int(number)) => Some(*number as u64),
        _ => None,
    };
    let text = |name| match entry(name) {
        Some(Reply::Bulk(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    (record.version, record.as_of) = (number("version"), number("as_of"));
    record.level = text("level");
    record.node = number("node").map(|node| node.to_string());
    record.state = match text("state").as_deref() {
        Some("tentative") => Some(Commitment::Tentative),
        _ => Some(Commitment::Committed),
    };
    let is_weak = matches!(record.level.as_deref(), Some("causal" | "eventual"));
    let dot = |text: &str| {
        let (origin, number) = text.rsplit_once(':').expect("an origin and a number");
        Dot { origin: origin.to_owned(), number: number.parse().expect("a number") }
    };
    record.dots = match (text("dot"), entry("dots")) {
        (Some(own), _) => vec![dot(&own)],
        (None, Some(Reply::Array(shown))) if is_weak && record.op == OpName::Get => {
            let named = |reply: &Reply| match reply {
                Reply::Bulk(bytes) => dot(&String::from_utf8_lossy(bytes)),
                other => panic!("no dot: {other:?}"),
            };
            shown.iter().map(named).collect()
        }
        _ => Vec::new(),
    };
}
