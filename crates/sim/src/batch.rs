//! Many seeds on a few threads: each run is single-threaded, runs know nothing of each other.
//!
//! Seeds are handed out in order; results come back in the order in which runs end, and are summed up so that the sum does not depend on that order.
//!
//! Not here: time. The caller says when to stop handing out seeds.

use crate::coverage::Coverage;
use crate::run::{Ended, Options, run};
use crate::schedule::SECOND;
use std::fmt;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;

/// Runs seeds from `first` on until `stop` says so, which is asked before each seed with the number of seeds handed out. `each` gets every result, on the
/// calling thread, and returns whether to go on.
pub fn run_seeds(
    first: u64,
    threads: usize,
    options: Options,
    stop: impl Fn(u64) -> bool + Send,
    mut each: impl FnMut(Ended) -> bool,
) {
    let next = Mutex::new((0_u64, stop, false));
    let (results, inbox) = mpsc::sync_channel(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (next, results) = (&next, results.clone());
            scope.spawn(move || {
                loop {
                    let seed = {
                        let mut next = next.lock().expect("no thread panics with the lock held");
                        if next.2 || (next.1)(next.0) {
                            return;
                        }
                        next.0 += 1;
                        first.wrapping_add(next.0 - 1)
                    };
                    if results.send(run(seed, options)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        for ended in inbox {
            if !each(ended) {
                next.lock().expect("no thread panics with the lock held").2 = true;
            }
        }
    });
}

/// The sum of a batch.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// Runs.
    pub runs: u64,
    /// Operations that clients began.
    pub operations: u64,
    /// Runs that were worth their names: a minute, 2,000 operations, half of them acknowledged, three kinds of fault.
    pub worthy: u64,
    /// Virtual time, in nanoseconds.
    pub virtual_ns: u64,
    acknowledged: u64,
    failed: u64,
    unknown: u64,
    repeats: u64,
    events: u64,
    comparisons: u64,
    places: u64,
    numbered: u64,
    contents: u64,
    keys: u64,
    keys_by_one: u64,
    keys_by_none: u64,
    sequential_reads: u64,
    weak: u64,
    weak_answers: u64,
    healing_ns: Vec<u64>,
    elections: Vec<u64>,
    /// What they went through.
    pub coverage: Coverage,
}

impl Sum {
    /// Adds a run.
    pub fn add(&mut self, ended: &Ended) {
        let story = &ended.story;
        self.runs += 1;
        self.virtual_ns += ended.virtual_ns;
        self.operations += story.operations;
        self.acknowledged += story.acknowledged;
        self.failed += story.failed;
        self.unknown += story.unknown;
        self.repeats += story.repeats;
        self.events += ended.events;
        self.comparisons += ended.evidence.comparisons;
        self.places += ended.evidence.places;
        self.numbered += ended.evidence.numbered;
        self.contents += ended.evidence.contents;
        self.keys += ended.judged.keys;
        self.keys_by_one += ended.judged.by_one;
        self.keys_by_none += ended.judged.by_none;
        self.sequential_reads += ended.judged.sequential_reads;
        self.weak += story.weak;
        self.weak_answers += ended.judged.weak_answers;
        self.healing_ns.push(ended.healing_ns);
        self.elections.push(ended.coverage.elections);
        self.coverage.merge(&ended.coverage);
        let worthy = ended.virtual_ns >= 60 * SECOND
            && story.operations >= 2_000
            && story.acknowledged * 2 >= story.operations
            && ended.params.faults.kinds.len() >= 3;
        self.worthy += u64::from(worthy);
    }
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {} runs ({} worth their names), {} virtual seconds, {} events",
            self.runs,
            self.worthy,
            self.virtual_ns / SECOND,
            self.events
        )?;
        writeln!(
            f,
            "  operations: {} begun, {} acknowledged ({} below sequential), {} failed, {} unknown, {} repeats",
            self.operations, self.acknowledged, self.weak, self.failed, self.unknown, self.repeats
        )?;
        writeln!(
            f,
            "  judged: {} keys ({} by one judge only, {} by none), {} sequential reads, {} answers below, {} places in logs, {} numbered writes, {} comparisons of replicas, {} of collections",
            self.keys,
            self.keys_by_one,
            self.keys_by_none,
            self.sequential_reads,
            self.weak_answers,
            self.places,
            self.numbered,
            self.comparisons,
            self.contents
        )?;
        writeln!(
            f,
            "  medians: {} elections, {}.{:03} s from healing to rest",
            median(&self.elections),
            median(&self.healing_ns) / SECOND,
            median(&self.healing_ns) % SECOND / 1_000_000
        )?;
        self.coverage.fmt(f)
    }
}
