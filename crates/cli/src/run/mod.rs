//! `run FILE…`: batches of requests at all four levels, all files at once, each a session of its own.
//!
//! * `line`: what one line asks for. `script`: the clients and their lines. `record`: what became of a line. `report`: statistics by level.
//!
//! Client *i*, from 0, begins at node *i* mod N of the nodes in the order of their ids; when that one does not do it goes on at the next, unless it is pinned. Each client is a thread that sends one line after
//! the other; results are shown as they come.
//!
//! Invariant: a line that is malformed or fails is told with its file and number, and the lines after it are sent all the same.

mod line;
mod record;
mod report;
mod script;

pub(crate) use line::{Request, parse};

use crate::arguments::Run;
use crate::exit::{Exit, Failure};
use crate::visit::{self, Visit};
use crate::{data, talk};
use client::{Error, Reply};
use record::{Asked, End, Record};
use report::Report;
use script::Script;
use std::sync::mpsc::{self, SyncSender};
use std::time::Instant;

/// Results that wait to be shown. Clients wait for a reader that is slower than they are.
const RESULTS: usize = 1_024;

pub(crate) fn run(arguments: &Run) -> Result<Exit, Failure> {
    let access = &arguments.access;
    let password = data::options(access)?.password;
    let (places, _) = visit::places(access)?;
    let scripts = script::read(arguments, places.len())?;
    let name = visit::random_name();
    let begun = Instant::now();
    let (tell, told) = mpsc::sync_channel(RESULTS);
    for (index, script) in scripts.into_iter().enumerate() {
        let visit = Visit::new(
            places.clone(),
            index % places.len(),
            format!("{name}-{}", index + 1),
            access.deadline(),
        );
        let visit =
            visit.that_stays(arguments.pin).with_acks(arguments.safety.acks).with_password(password.clone());
        let tell = tell.clone();
        std::thread::spawn(move || play(script, visit, begun, &tell));
    }
    drop(tell);
    let mut records: Vec<Record> = Vec::new();
    for record in told {
        let shown = if arguments.json { record.json() } else { record.result_line() };
        talk::print(format_args!("{shown}"))?;
        records.push(record);
    }
    conclude(&mut records, arguments.json)?;
    Ok(report::exit(&records))
}

/// One client from its first line to its last.
fn play(script: Script, mut visit: Visit, begun: Instant, tell: &SyncSender<Record>) {
    for (line, request) in script.lines {
        let (asked, end) = match request {
            Err(why) => (None, End::Malformed(why)),
            Ok(request) => {
                let (id, sent) = (visit.next_id(), begun.elapsed());
                let answered = ask(&mut visit, &request);
                let took = begun.elapsed() - sent;
                let end = answered.unwrap_or_else(|error| End::Failed {
                    node: visit.place().node,
                    kind: error.kind,
                    error: error.to_string(),
                });
                (Some(Asked { id, request, sent, took }), end)
            }
        };
        let record = Record { client: script.name.clone(), line, asked, end };
        if tell.send(record).is_err() {
            return;
        }
    }
}

fn ask(visit: &mut Visit, request: &Request) -> Result<End, Error> {
    let key = request.key.as_bytes();
    let (reply, met) = match &request.value {
        Some(value) => visit.ask(request.level, &[b"SET", key, value.as_bytes()], true)?,
        None => visit.ask(request.level, &[b"GET", key], false)?,
    };
    let read = match reply {
        Reply::Nil => None,
        reply => visit::text_of(&reply),
    };
    let value = request.value.clone().or(read);
    Ok(End::Answered { node: visit.place().node, value, version: met.version, as_of: met.as_of })
}

/// The request log, in the order of sending, and the report.
fn conclude(records: &mut [Record], json: bool) -> Result<(), Failure> {
    let report = Report::of(records);
    if json {
        return talk::print(format_args!("{}", report.json()));
    }
    records.sort_by_key(|record| record.asked.as_ref().map(|asked| asked.sent));
    talk::print(format_args!("\nrequests, in the order in which they were sent:"))?;
    for line in records.iter().filter_map(Record::log_line) {
        talk::print(format_args!("{line}"))?;
    }
    talk::print(format_args!("\n{}", report.text().trim_end()))
}

/// Reads a file's lines; for the fuzz targets.
pub(crate) fn read_all(bytes: &[u8]) {
    script::read_all(bytes);
}
