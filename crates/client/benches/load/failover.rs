//! `failover`: writers that never rest while a process is killed, or something else is done. The figure is the longest time in which one writer had no write acknowledged.
//!
//! Each writer has its own keys and writes one at a time; what was not acknowledged is written again, to the next address, until it is. The gap
//! of a writer is between two acknowledgements, the run's end counting as one, so a writer that never comes back is seen. Afterwards every
//! acknowledged write is read from a node that answers, and compared. Not here: whether *unacknowledged* writes took effect; they may have.

use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::session::Outcome;
use crate::throughput::rounded;
use crate::workload::value;
use mio::{Events, Poll, Token};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

/// Writer `w` uses the numbers from `w * STRIDE`: more than it can write in a run.
const STRIDE: u64 = 1_000_000_000;
/// How long a writer waits before it tries again after a refusal, or a connection that broke at once.
const PAUSE: Duration = Duration::from_millis(2);
/// Reads on their way while writes are verified.
const VERIFY_AT_ONCE: usize = 32;
/// How long a read may take before the next address is asked.
const VERIFY_PATIENCE: Duration = Duration::from_secs(5);

/// One closed loop.
struct Writer {
    /// `None` while it waits to try again.
    connection: Option<Connection>,
    address: usize,
    again_at: Instant,
    /// The first number of its keys.
    base: u64,
    acknowledged: u64,
    last: Instant,
    longest: Duration,
}

impl Writer {
    /// Gives the connection up, if there is one, and goes to the next address soon, or to the same one again if it is pinned there.
    fn leave(&mut self, addresses: usize, is_pinned: bool) {
        self.connection = None;
        if !is_pinned {
            self.address = (self.address + 1) % addresses;
        }
        self.again_at = Instant::now() + PAUSE;
    }

    fn write(&mut self, arguments: &Arguments) {
        let number = self.base + self.acknowledged;
        if let Some(connection) = &mut self.connection {
            connection.set(&arguments.key(number), &value(number, arguments.vsize), number);
        }
    }

    fn acknowledge(&mut self) {
        let now = Instant::now();
        self.longest = self.longest.max(now - self.last);
        self.last = now;
        self.acknowledged += 1;
    }
}

/// Runs, and describes the figures; `lost` and `wrong` must be 0.
///
/// # Errors
/// There is nothing to kill or to run, or nothing to talk to.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    if arguments.kill_pid.is_none() && arguments.run.is_none() {
        return Err("--kill-pid or --run is needed".to_owned());
    }
    let addresses = &arguments.addrs;
    let patience = Duration::from_millis(arguments.op_timeout_ms);
    let mut poll = Poll::new().map_err(|error| error.to_string())?;
    let mut events = Events::with_capacity(1024);
    let begun = Instant::now();
    let mut writers: Vec<Writer> = (0..arguments.conns as usize)
        .map(|index| Writer {
            connection: None,
            address: index % addresses.len(),
            again_at: begun,
            base: index as u64 * STRIDE,
            acknowledged: 0,
            last: begun,
            longest: Duration::ZERO,
        })
        .collect();
    let mut killed = false;
    let (mut broken, mut refused, mut timeouts) = (0u64, 0u64, 0u64);
    let mut landed = Vec::new();
    while begun.elapsed().as_secs_f64() < arguments.secs {
        if !killed && begun.elapsed().as_secs_f64() >= arguments.kill_after {
            killed = true;
            strike(arguments)?;
            // What came before the kill is not what is measured.
            writers.iter_mut().for_each(|writer| writer.longest = Duration::ZERO);
        }
        for (index, writer) in writers.iter_mut().enumerate() {
            let waits = writer.connection.as_ref().and_then(Connection::waits_since);
            if waits.is_some_and(|since| since.elapsed() >= patience) {
                timeouts += 1;
                writer.leave(addresses.len(), arguments.pinned);
            }
            if writer.connection.is_none() && Instant::now() >= writer.again_at {
                let address = addresses[writer.address];
                writer.connection =
                    Connection::open(&poll, Token(index), address, arguments.session(address)).ok();
                writer.write(arguments);
            }
        }
        poll.poll(&mut events, Some(PAUSE)).map_err(|error| error.to_string())?;
        for event in &events {
            let writer = &mut writers[event.token().0];
            let Some(connection) = &mut writer.connection else { continue };
            let mut broke = connection.receive(&mut landed).is_err() || event.is_read_closed();
            for answer in landed.drain(..) {
                match answer.outcome {
                    Outcome::Written => {
                        writer.acknowledge();
                        writer.write(arguments);
                    }
                    _ => {
                        refused += 1;
                        writer.leave(addresses.len(), arguments.pinned);
                    }
                }
            }
            let Some(connection) = &mut writer.connection else { continue };
            broke |= connection.flush().is_err();
            if broke {
                broken += 1;
                writer.leave(addresses.len(), arguments.pinned);
            }
        }
    }
    let end = Instant::now();
    let gap = |writer: &Writer| writer.longest.max(end - writer.last);
    let longest = writers.iter().map(gap).max();
    // Of pinned writers, by address.
    let by_address: Vec<f64> = (0..addresses.len())
        .map(|at| writers.iter().filter(|writer| writer.address == at).map(gap).max().unwrap_or_default())
        .map(|gap| rounded(gap.as_secs_f64() * 1e3, 1))
        .collect();
    let written: Vec<(u64, u64)> = writers.iter().map(|writer| (writer.base, writer.acknowledged)).collect();
    drop(writers);
    let (verified, lost, wrong) = verify(arguments, &written)?;
    Ok(json!({
        "label": arguments.label,
        "op": "failover",
        "conns": arguments.conns,
        "seconds": rounded((end - begun).as_secs_f64(), 2),
        "killed": killed,
        "acknowledged": written.iter().map(|(_, count)| count).sum::<u64>(),
        "longest_gap_ms": rounded(longest.unwrap_or_default().as_secs_f64() * 1e3, 1),
        "longest_gap_ms_by_address": by_address,
        "connections_broken": broken,
        "refused": refused,
        "timeouts": timeouts,
        "verified": verified,
        "lost": lost,
        "wrong": wrong,
    }))
}

/// Does what the writers are to live through.
fn strike(arguments: &Arguments) -> Result<(), String> {
    if let Some(pid) = arguments.kill_pid {
        kill(pid)?;
    }
    if let Some(command) = &arguments.run {
        // Not waited for: writers must not stand still because of the generator.
        let started = Command::new("sh").args(["-c", command]).spawn();
        started.map_err(|error| format!("{command}: {error}"))?;
    }
    Ok(())
}

/// SIGKILL, by the system's own command, since a call would be unsafe code.
fn kill(pid: u32) -> Result<(), String> {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("kill -9 {pid}: {other:?}")),
    }
}

/// Reads every acknowledged write: how many were there, were not, and were not what was written.
fn verify(arguments: &Arguments, written: &[(u64, u64)]) -> Result<(u64, u64, u64), String> {
    let mut missing: Vec<u64> = written.iter().flat_map(|(base, count)| *base..base + count).collect();
    let (mut verified, mut lost, mut wrong) = (0, 0, 0);
    let mut last_words = String::new();
    // Twice around: a node that just came back may refuse the first time.
    for address in arguments.addrs.iter().cycle().take(2 * arguments.addrs.len()) {
        let mut poll = Poll::new().map_err(|error| error.to_string())?;
        let mut events = Events::with_capacity(16);
        let Ok(mut connection) = Connection::open(&poll, Token(0), *address, arguments.session(*address))
        else {
            continue;
        };
        let mut unread = Vec::new();
        let mut landed = Vec::new();
        loop {
            while connection.in_flight() < VERIFY_AT_ONCE
                && let Some(number) = missing.pop()
            {
                unread.push(number);
                connection.get(&arguments.key(number), number);
            }
            if unread.is_empty() {
                return Ok((verified, lost, wrong));
            }
            let mut state = connection.flush();
            poll.poll(&mut events, Some(VERIFY_PATIENCE)).map_err(|error| error.to_string())?;
            state = state.and(connection.receive(&mut landed));
            let mut refused = events.is_empty();
            for answer in landed.drain(..) {
                match answer.outcome {
                    Outcome::Value(found) if found == value(answer.tag, arguments.vsize) => verified += 1,
                    Outcome::Value(_) | Outcome::Written => wrong += 1,
                    Outcome::Absent => lost += 1,
                    Outcome::Refused(words) => {
                        last_words = words;
                        refused = true;
                        continue;
                    }
                }
                unread.retain(|number| *number != answer.tag);
            }
            if let Err(words) = state {
                last_words = words;
                refused = true;
            }
            if refused {
                break;
            }
        }
        missing.append(&mut unread);
    }
    Err(format!("{} acknowledged writes could not be read: {last_words}", missing.len()))
}
