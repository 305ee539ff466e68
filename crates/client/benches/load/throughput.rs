//! `set`, `get`, `toggle` and `load`: as many operations as the connections manage, for a time or until every key is written.
//!
//! Latency is from when a request is appended to the connection's buffer until its answer is parsed. What is answered before the warm-up ends
//! is not counted. A connection that breaks ends the run: a figure with a hole in it would be no figure.

use crate::arguments::{Arguments, Operation};
use crate::connection::Connection;
use crate::histogram::Histogram;
use crate::processes;
use crate::session::Outcome;
use crate::workload::{Spread, member, set, value};
use mio::{Events, Poll, Token};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Members are dealt out among so many connections at most, so that no two toggle the same.
const CONNECTIONS: u64 = 1_024;

/// What is asked next.
struct Source<'a> {
    arguments: &'a Arguments,
    spread: Spread,
    loaded: u64,
    /// The member that was taken out last on each connection, and goes in again with its next request.
    out: Vec<Option<u64>>,
}

impl Source<'_> {
    /// Asks one more on this connection; `false` if there is nothing left to ask.
    fn ask(&mut self, index: usize, connection: &mut Connection) -> bool {
        let arguments = self.arguments;
        let number = match arguments.op {
            Operation::Load if self.loaded == arguments.keys => return false,
            Operation::Load => {
                self.loaded += 1;
                self.loaded - 1
            }
            _ => self.spread.below(arguments.keys),
        };
        match arguments.op {
            Operation::Toggle => {
                let (out, number) =
                    (self.out[index].take(), number / CONNECTIONS * CONNECTIONS + index as u64);
                self.out[index] = out.is_none().then_some(number);
                connection.toggle(&set(&arguments.tags), &member(out.unwrap_or(number)), out.is_some());
            }
            Operation::Get => connection.get(&arguments.key(number), number),
            _ => connection.set(&arguments.key(number), &value(number, arguments.vsize), number),
        }
        true
    }
}

/// What was counted.
pub(crate) struct Count {
    pub(crate) latencies: Histogram,
    pub(crate) done: u64,
    pub(crate) absent: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
}

impl Count {
    pub(crate) fn new() -> Count {
        Count { latencies: Histogram::new(), done: 0, absent: 0, errors: 0, first_error: None }
    }

    pub(crate) fn add(&mut self, outcome: Outcome, took: Duration) {
        match outcome {
            Outcome::Refused(words) => {
                self.errors += 1;
                self.first_error.get_or_insert(words);
                return;
            }
            Outcome::Absent => self.absent += 1,
            Outcome::Written | Outcome::Value(_) => {}
        }
        self.done += 1;
        self.latencies.record(took.as_nanos() as u64);
    }
}

/// Runs, and describes the figures.
///
/// # Errors
/// A connection broke, or could not be made.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let mut poll = Poll::new().map_err(|error| error.to_string())?;
    let mut events = Events::with_capacity(1024);
    let mut source =
        Source { arguments, spread: Spread::new(), loaded: 0, out: vec![None; arguments.conns as usize] };
    let mut connections = Vec::new();
    for (index, address) in arguments.addrs.iter().cycle().take(arguments.conns as usize).enumerate() {
        let mut connection = Connection::open(&poll, Token(index), *address, arguments.session(*address))
            .map_err(|error| format!("{address}: {error}"))?;
        for _ in 0..arguments.pipeline {
            source.ask(index, &mut connection);
        }
        connections.push(connection);
    }

    let loads = arguments.op == Operation::Load;
    let warmup = if loads { Duration::ZERO } else { Duration::from_secs_f64(arguments.warmup) };
    let mut begun = Instant::now();
    let mut warm = loads;
    let mut used_before = processes::cpu_seconds_of(&arguments.pids);
    let mut own_before = processes::cpu_seconds("self");
    let mut count = Count::new();
    let mut landed = Vec::new();
    loop {
        poll.poll(&mut events, Some(Duration::from_millis(20))).map_err(|error| error.to_string())?;
        for event in &events {
            let index = event.token().0;
            let connection = &mut connections[index];
            let broke = |words| format!("{}: {words}", arguments.addrs[index % arguments.addrs.len()]);
            connection.receive(&mut landed).map_err(broke)?;
            for answer in landed.drain(..) {
                count.add(answer.outcome, answer.took);
                source.ask(index, connection);
            }
            connection.flush().map_err(broke)?;
        }
        if !warm && begun.elapsed() >= warmup {
            warm = true;
            count = Count::new();
            used_before = processes::cpu_seconds_of(&arguments.pids);
            own_before = processes::cpu_seconds("self");
            begun = Instant::now();
        }
        let over = if loads {
            source.loaded == arguments.keys && connections.iter().all(|one| one.in_flight() == 0)
        } else {
            warm && begun.elapsed().as_secs_f64() >= arguments.secs
        };
        if over {
            break;
        }
        let silent =
            |one: &Connection| one.waits_since().is_some_and(|since| since.elapsed().as_secs() >= 30);
        if events.is_empty() && connections.iter().any(silent) {
            return Err("no answer for 30 s".to_owned());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let used = processes::cpu_seconds_of(&arguments.pids) - used_before;
    let own = processes::cpu_seconds("self") - own_before;
    let million = count.done.max(1) as f64 / 1e6;
    Ok(json!({
        "label": arguments.label,
        "op": arguments.op.name(),
        "level": arguments.level,
        "conns": arguments.conns,
        "pipeline": arguments.pipeline,
        "seconds": rounded(seconds, 2),
        "done": count.done,
        "ops_per_s": (count.done as f64 / seconds).round(),
        "p50_us": rounded(count.latencies.quantile_us(0.5), 1),
        "p99_us": rounded(count.latencies.quantile_us(0.99), 1),
        "p999_us": rounded(count.latencies.quantile_us(0.999), 1),
        "absent": count.absent,
        "errors": count.errors,
        "first_error": count.first_error,
        "server_cpu_s_per_million": rounded(used / million, 2),
        "server_rss_mib": rounded(processes::resident_mib(&arguments.pids), 1),
        "generator_cpu_share": rounded(own / seconds, 2),
    }))
}

pub(crate) fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (number * scale).round() / scale
}
