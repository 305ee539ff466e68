//! `overload`: finds out what the servers can do, offers them more than that without waiting for answers, and looks at what a probe beside it feels, what is refused, what memory it takes, and how soon they are
//! back.
//!
//! 1. The probe alone. 2. Capacity: as many requests as the connections manage, `--pipeline` at a time. 3. The flood: `--times` the capacity, at an even pace, whatever is answered or not; the probe beside
//!    it. 4. Capacity again, from the moment at which the flood ends, in windows.
//!
//! The flood is what clients are that do not wait: requests pile up at whoever does not take them. What the sockets do not take is kept here up to a bound, and not asked at all beyond it (and said).

use crate::arguments::Arguments;
use crate::connection::{Connection, Landed};
use crate::probe;
use crate::processes;
use crate::session::Outcome;
use crate::throughput::{Count, rounded};
use crate::workload::{Spread, value};
use mio::{Events, Poll, Token};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes that one connection keeps for a socket that takes no more.
const MAX_UNSENT_BYTES: usize = 1024 * 1024;
/// Windows in which it is seen whether throughput is back.
const WINDOW: Duration = Duration::from_millis(500);
/// Throughput is back with this share of the capacity.
const BACK_SHARE: f64 = 0.9;
/// For so long it may stay away.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two batches of the flood.
const PACE: Duration = Duration::from_millis(1);
/// Between two looks at the servers' memory.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// All connections of one phase.
struct Crowd<'a> {
    arguments: &'a Arguments,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    spread: Spread,
    landed: Vec<Landed>,
}

impl<'a> Crowd<'a> {
    fn new(arguments: &'a Arguments) -> Result<Crowd<'a>, String> {
        let poll = Poll::new().map_err(|error| error.to_string())?;
        let mut connections = Vec::new();
        for (index, address) in arguments.addrs.iter().cycle().take(arguments.conns as usize).enumerate() {
            let connection = Connection::open(&poll, Token(index), *address, arguments.session(*address));
            connections.push(connection.map_err(|error| format!("{address}: {error}"))?);
        }
        let (spread, events) = (Spread::new(), Events::with_capacity(1024));
        Ok(Crowd { arguments, poll, events, connections, spread, landed: Vec::new() })
    }

    fn ask(&mut self, index: usize) {
        let (arguments, connection) = (self.arguments, &mut self.connections[index]);
        let number = self.spread.below(arguments.keys);
        if arguments.reads {
            connection.get(&arguments.key(number), number);
        } else {
            connection.set(&arguments.key(number), &value(number, arguments.vsize), number);
        }
    }

    /// Takes answers for at most so long; each is told with its connection.
    fn listen(&mut self, at_most: Duration, mut told: impl FnMut(Landed)) -> Result<Vec<usize>, String> {
        self.poll.poll(&mut self.events, Some(at_most)).map_err(|error| error.to_string())?;
        let mut answered = Vec::new();
        for event in &self.events {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            let before = self.landed.len();
            connection.receive(&mut self.landed)?;
            answered.extend(std::iter::repeat_n(index, self.landed.len() - before));
            connection.flush()?;
        }
        self.landed.drain(..).for_each(&mut told);
        Ok(answered)
    }

    /// Each connection asks as soon as it is answered. `window` is told of each span of `WINDOW` how much was done a second in it; it says whether that is enough.
    fn closed_loop(&mut self, mut window: impl FnMut(f64) -> bool) -> Result<(), String> {
        for index in 0..self.connections.len() {
            (0..self.arguments.pipeline).for_each(|_| self.ask(index));
            self.connections[index].flush()?;
        }
        let (mut since, mut done) = (Instant::now(), 0_u64);
        loop {
            let answered = self.listen(PACE, |landed| {
                done += u64::from(!matches!(landed.outcome, Outcome::Refused(_)));
            })?;
            for &index in &answered {
                self.ask(index);
            }
            for index in answered {
                self.connections[index].flush()?;
            }
            if since.elapsed() >= WINDOW {
                if window(done as f64 / since.elapsed().as_secs_f64()) {
                    return Ok(());
                }
                (since, done) = (Instant::now(), 0);
            }
        }
    }
}

/// What the flood came to.
#[derive(Default)]
struct Flood {
    offered: u64,
    not_asked: u64,
    done: u64,
    refusals: BTreeMap<String, u64>,
    mib_at_most: f64,
    seconds: f64,
    unanswered: usize,
}

/// Runs, and describes the figures.
///
/// # Errors
/// A connection broke, or could not be made.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let span = Duration::from_secs_f64(arguments.secs);
    let alone = beside_probe(arguments, || {
        std::thread::sleep(span);
        Ok(())
    })?
    .0;
    let capacity = capacity(arguments)?;
    let mib_before = processes::resident_mib(&arguments.pids);
    let (beside, flood) = beside_probe(arguments, || flood(arguments, capacity * arguments.times, span))?;
    let back_after = back_after(arguments, capacity)?;
    let per_second = |count: u64| (count as f64 / flood.seconds).round();
    let quantile = |count: &Count, share| rounded(count.latencies.quantile_us(share), 1);
    Ok(json!({
        "label": arguments.label,
        "op": arguments.op.name(),
        "asked": if arguments.reads { "get" } else { "set" },
        "conns": arguments.conns,
        "capacity": capacity.round(),
        "offered_per_s": per_second(flood.offered),
        "done_per_s": per_second(flood.done),
        "refused_per_s": per_second(flood.refusals.values().sum()),
        "refusals": flood.refusals,
        "not_asked_per_s": per_second(flood.not_asked),
        "unanswered_at_end": flood.unanswered,
        "probe_alone_p50_us": quantile(&alone, 0.5),
        "probe_alone_p99_us": quantile(&alone, 0.99),
        "probe_p50_us": quantile(&beside, 0.5),
        "probe_p99_us": quantile(&beside, 0.99),
        "probe_times": rounded(beside.latencies.quantile_us(0.99) / alone.latencies.quantile_us(0.99).max(1.0), 1),
        "probe_done": beside.done,
        "probe_errors": beside.errors,
        "probe_first_error": beside.first_error,
        "mib_before": rounded(mib_before, 1),
        "mib_at_most": rounded(flood.mib_at_most, 1),
        "back_after_s": back_after.map(|span| rounded(span.as_secs_f64(), 1)),
    }))
}

/// Does something while the probe runs.
fn beside_probe<T>(
    arguments: &Arguments,
    what: impl FnOnce() -> Result<T, String>,
) -> Result<(Count, T), String> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let probe = scope.spawn(|| probe::run(arguments, &stop));
        let result = what();
        stop.store(true, Ordering::Relaxed);
        let count = probe.join().map_err(|_| "the probe panicked".to_owned())?;
        Ok((count?, result?))
    })
}

/// The median of what is done in a second, after the warm-up.
fn capacity(arguments: &Arguments) -> Result<f64, String> {
    let begun = Instant::now();
    let mut windows = Vec::new();
    Crowd::new(arguments)?.closed_loop(|per_second| {
        if begun.elapsed().as_secs_f64() > arguments.warmup {
            windows.push(per_second);
        }
        begun.elapsed().as_secs_f64() >= arguments.warmup + arguments.secs
    })?;
    windows.sort_by(f64::total_cmp);
    Ok(windows[windows.len() / 2])
}

/// Offers so much for so long, whatever comes back.
fn flood(arguments: &Arguments, per_second: f64, span: Duration) -> Result<Flood, String> {
    let mut crowd = Crowd::new(arguments)?;
    let mut flood = Flood::default();
    let (begun, mut looked, mut next) = (Instant::now(), Instant::now(), 0);
    while begun.elapsed() < span {
        let owed = (begun.elapsed().as_secs_f64() * per_second) as u64;
        for _ in flood.offered + flood.not_asked..owed {
            let index = next % crowd.connections.len();
            next += 1;
            if crowd.connections[index].unsent_bytes() < MAX_UNSENT_BYTES {
                crowd.ask(index);
                flood.offered += 1;
            } else {
                flood.not_asked += 1;
            }
        }
        for connection in &mut crowd.connections {
            connection.flush()?;
        }
        crowd.listen(PACE, |landed| match landed.outcome {
            Outcome::Refused(words) => *flood.refusals.entry(words).or_default() += 1,
            _ => flood.done += 1,
        })?;
        if looked.elapsed() >= BETWEEN_LOOKS {
            looked = Instant::now();
            flood.mib_at_most = flood.mib_at_most.max(processes::resident_mib(&arguments.pids));
        }
    }
    flood.seconds = begun.elapsed().as_secs_f64();
    flood.unanswered = crowd.connections.iter().map(Connection::in_flight).sum();
    Ok(flood)
}

/// How long after the flood's end the first window begins in which throughput is back. Nothing if it never is.
fn back_after(arguments: &Arguments, capacity: f64) -> Result<Option<Duration>, String> {
    let begun = Instant::now();
    let mut back = None;
    Crowd::new(arguments)?.closed_loop(|per_second| {
        let is_back = per_second >= BACK_SHARE * capacity;
        back = is_back.then(|| begun.elapsed().saturating_sub(WINDOW));
        is_back || begun.elapsed() >= PATIENCE
    })?;
    Ok(back)
}
