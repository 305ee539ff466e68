//! `levels`: what one client that waits for each answer feels at each level, writing and reading, where the leader is the node that it asks and where it is another.
//!
//! The levels take turns in short blocks, so whatever else the machine does falls on all of them alike. Each cell of the table has a connection of its own, and so a session of its own: a strong write
//! that follows a tentative one in one session waits until that is decided, which is a property of sessions and not of the level. Between blocks there is a pause, in which tentative writes are decided.
//!
//! Not here: more than one request at a time (`throughput`).

use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::resp;
use crate::session::Session;
use crate::throughput::{Count, rounded};
use crate::workload::{Spread, key, value};
use mio::{Events, Poll, Token};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LEVELS: [&str; 4] = ["linearizable", "sequential", "causal", "eventual"];
/// A block ends after so many requests, or so long.
const BLOCK_REQUESTS: usize = 100;
const BLOCK_TIME: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

/// One row and column of the table.
struct Cell<'a> {
    is_write: bool,
    level: &'static str,
    leader: &'static str,
    tags: &'a [String],
    poll: Poll,
    connection: Connection,
    count: Count,
}

impl<'a> Cell<'a> {
    fn new(
        arguments: &'a Arguments,
        is_write: bool,
        level: &'static str,
        leader: &'static str,
        tags: &'a [String],
    ) -> Result<Cell<'a>, String> {
        let poll = Poll::new().map_err(|error| error.to_string())?;
        let session = Session::Resp(resp::Session::new(Some(level), None));
        let connection = Connection::open(&poll, Token(0), arguments.addrs[0], session)
            .map_err(|error| error.to_string())?;
        Ok(Cell { is_write, level, leader, tags, poll, connection, count: Count::new() })
    }

    /// One request, from its first byte to its answer.
    fn ask(&mut self, arguments: &Arguments, number: u64) -> Result<(), String> {
        let key = key(self.tags, number);
        if self.is_write {
            self.connection.set(&key, &value(number, arguments.vsize), number);
        } else {
            self.connection.get(&key, number);
        }
        let (mut events, mut landed, begun) = (Events::with_capacity(4), Vec::new(), Instant::now());
        self.connection.flush()?;
        while landed.is_empty() {
            if begun.elapsed() > PATIENCE {
                return Err(format!("no answer within {} s", PATIENCE.as_secs()));
            }
            self.poll.poll(&mut events, Some(PATIENCE)).map_err(|error| error.to_string())?;
            self.connection.receive(&mut landed)?;
            self.connection.flush()?;
        }
        landed.into_iter().for_each(|answer| self.count.add(answer.outcome, answer.took));
        Ok(())
    }

    fn figures(&self) -> Value {
        json!({
            "op": if self.is_write { "write" } else { "read" },
            "level": self.level,
            "leader": self.leader,
            "done": self.count.done,
            "p50_us": rounded(self.count.latencies.quantile_us(0.5), 1),
            "p99_us": rounded(self.count.latencies.quantile_us(0.99), 1),
            "absent": self.count.absent,
            "errors": self.count.errors,
            "first_error": self.count.first_error,
        })
    }
}

/// Runs, and describes the figures.
///
/// # Errors
/// A connection broke, or could not be made; or there is no tag.
pub(crate) fn run(arguments: &Arguments) -> Result<Value, String> {
    let mut cells = Vec::new();
    for is_write in [true, false] {
        for level in LEVELS {
            for (leader, tags) in [("own", &arguments.own), ("other", &arguments.far)] {
                if tags.is_empty() {
                    return Err("name hash tags with --own and with --far".to_owned());
                }
                cells.push(Cell::new(arguments, is_write, level, leader, tags)?);
            }
        }
    }
    let mut spread = Spread::new();
    // One request each, not counted: connections are made.
    for cell in &mut cells {
        cell.ask(arguments, spread.below(arguments.keys))?;
        cell.count = Count::new();
    }
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < arguments.secs {
        for cell in &mut cells {
            std::thread::sleep(PAUSE);
            let block = Instant::now();
            for _ in 0..BLOCK_REQUESTS {
                cell.ask(arguments, spread.below(arguments.keys))?;
                if block.elapsed() >= BLOCK_TIME {
                    break;
                }
            }
        }
    }
    Ok(json!({
        "label": arguments.label,
        "op": "levels",
        "conns": 1,
        "seconds": rounded(begun.elapsed().as_secs_f64(), 2),
        "cells": cells.iter().map(Cell::figures).collect::<Vec<_>>(),
    }))
}
