//! `demo levels`: what each level answers on both sides of a cut, and what became of it after the healing.
//!
//! The table is that of `docs/consistency.md`, *In a partition*, asked live: node 1 has a majority with node 2 (*left*), node 3 is cut off (*right*). Each level has a key of its own, which both sides write; three
//! more keys show what merges and what is superseded. The end-to-end tests run it and hold it to the page.
//!
//! Plain lines, one for each row as it is answered, so that it works without a terminal.

use super::cell;
use super::stage::Stage;
use crate::conflicts;
use crate::exit::{Exit, Failure};
use crate::talk;
use crate::visit::{Met, Visit};
use client::{Error, Level, Reply};
use proto::superseded::Superseded;
use std::time::{Duration, Instant};

const LEFT: u64 = 1;
const RIGHT: u64 = 3;
/// How long a question may take during the cut.
const DEADLINE: Duration = Duration::from_millis(600);
/// How long before and after.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at what settles.
const GLANCE: Duration = Duration::from_millis(50);

const LOCK: &str = "demo:lock";
const VISITS: &str = "demo:visits";
const GUESTS: &str = "demo:guests";

type Answer = Result<(Reply, Met), Error>;

fn key(level: Level) -> String {
    format!("demo:{level}")
}

/// One side of the cut, at one level: its own session.
struct Side {
    name: &'static str,
    visit: Visit,
}

pub(super) fn run() -> Result<Exit, Failure> {
    talk::say(format_args!("starting three nodes"));
    let mut stage = Stage::set()?;
    talk::print(format_args!("three nodes, in {}, which goes away at the end", stage.folder().display()))?;
    prepare(&stage)?;
    talk::print(format_args!(
        "every key holds \"before\"; now node {RIGHT} is cut off (fault isolate {RIGHT})\n"
    ))?;
    stage.isolate(RIGHT)?;
    table(&stage)?;
    merging(&stage)?;
    talk::print(format_args!("\nhealed (fault heal); what settled:"))?;
    stage.heal(RIGHT)?;
    let all_settled = settled(&stage)?;
    superseded(&stage)?;
    Ok(if all_settled { Exit::Done } else { Exit::Unreachable })
}

/// Writes the keys and waits until every node has them.
fn prepare(stage: &Stage) -> Result<(), Failure> {
    let mut writer = stage.visit(LEFT, PATIENCE);
    let keys: Vec<String> = Level::ALL.into_iter().map(key).chain([LOCK.to_owned()]).collect();
    for key in &keys {
        writer.ask(Level::Linearizable, &[b"SET", key.as_bytes(), b"before"], true)?;
    }
    for place in stage.places() {
        let token = writer.token().map(str::to_owned);
        let mut reader = stage.visit(place.node, PATIENCE).after(token);
        for key in &keys {
            reader.ask(Level::Sequential, &[b"GET", key.as_bytes()], false)?;
        }
    }
    Ok(())
}

fn timed(ask: impl FnOnce() -> Answer) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = ask();
    (answer, begun.elapsed())
}

fn get(visit: &mut Visit, level: Level) -> String {
    let key = key(level);
    let (answer, took) = timed(|| visit.ask(level, &[b"GET", key.as_bytes()], false));
    cell::read(&answer, took)
}

fn row(name: &str, left: &str, right: &str) -> Result<(), Failure> {
    talk::print(format_args!("{}", format!("{name:<32}  {left:<38}  {right}").trim_end()))
}

/// The rows of the partition table.
fn table(stage: &Stage) -> Result<(), Failure> {
    row("", "left: nodes 1 and 2", "right: node 3, cut off")?;
    for level in Level::ALL {
        stage.goes_on()?;
        let side = |name, node| Side { name, visit: stage.visit(node, DEADLINE) };
        let (mut left, mut right) = (side("left", LEFT), side("right", RIGHT));
        let written: Vec<String> = [&mut left, &mut right]
            .into_iter()
            .map(|side| {
                let (key, value) = (key(level), side.name.as_bytes());
                let (answer, took) = timed(|| side.visit.ask(level, &[b"SET", key.as_bytes(), value], true));
                cell::write(&answer, took)
            })
            .collect();
        row(&format!("{level} write"), &written[0], &written[1])?;
        let reads = |name: &str, left: &mut Visit, right: &mut Visit| {
            let cells = (get(left, level), get(right, level));
            row(&format!("{level} read{name}"), &cells.0, &cells.1)
        };
        let seen = left.visit.token().map(str::to_owned);
        let mut handed = stage.visit(RIGHT, DEADLINE).after(seen);
        match level {
            Level::Linearizable | Level::Eventual => reads("", &mut left.visit, &mut right.visit)?,
            Level::Sequential => {
                reads(", left's session", &mut left.visit, &mut handed)?;
                let (mut one, mut other) = (stage.visit(LEFT, DEADLINE), stage.visit(RIGHT, DEADLINE));
                reads(", new session", &mut one, &mut other)?;
            }
            Level::Causal => {
                reads(", own session", &mut left.visit, &mut right.visit)?;
                reads(", left's session", &mut left.visit, &mut handed)?;
            }
        }
    }
    Ok(())
}

/// Both sides write the same three keys: a lock, a counter, a set.
fn merging(stage: &Stage) -> Result<(), Failure> {
    talk::print(format_args!(""))?;
    let mut write = |node, level, words: &[&str]| {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let (answer, took) = timed(|| stage.visit(node, DEADLINE).ask(level, &words, true));
        cell::write(&answer, took)
    };
    let taken = write(LEFT, Level::Linearizable, &["SET", LOCK, "left"]);
    row(
        "SET demo:lock",
        &format!("linearizable: {taken}"),
        &format!("causal: {}", write(RIGHT, Level::Causal, &["SET", LOCK, "right"])),
    )?;
    let visits = |write: &mut dyn FnMut(u64, Level, &[&str]) -> String, node, times| {
        (0..times).map(|_| write(node, Level::Causal, &["INCR", VISITS])).last().unwrap_or_default()
    };
    let (left, right) = (visits(&mut write, LEFT, 3), visits(&mut write, RIGHT, 2));
    row("INCR demo:visits, causal", &format!("3 times: {left}"), &format!("2 times: {right}"))?;
    let left = write(LEFT, Level::Causal, &["SADD", GUESTS, "ann", "bob"]);
    let right = write(RIGHT, Level::Causal, &["SADD", GUESTS, "bob", "cid"]);
    row("SADD demo:guests, causal", &format!("ann bob: {left}"), &format!("bob cid: {right}"))
}

fn all_keys() -> Vec<String> {
    let weak = [LOCK, VISITS, GUESTS].map(str::to_owned);
    Level::ALL.into_iter().map(key).chain(weak).collect()
}

/// Waits until all nodes tell the same, decided, of each key; whether they do.
fn settled(stage: &Stage) -> Result<bool, Failure> {
    let end = Instant::now() + PATIENCE;
    let mut all = true;
    for key in all_keys() {
        let told = loop {
            stage.goes_on()?;
            let told: Vec<(u64, Answer)> =
                stage.places().into_iter().map(|place| (place.node, look(stage, place.node, &key))).collect();
            if agreed(&told).is_some() || Instant::now() >= end {
                break told;
            }
            std::thread::sleep(GLANCE);
        };
        let shown = agreed(&told).map(|value| format!("{value} on all nodes"));
        all &= shown.is_some();
        let shown = shown.unwrap_or_else(|| {
            let one = |(node, answer): &(u64, Answer)| match answer {
                Ok((reply, met)) => format!("{} ({}) on node {node}", cell::value(reply), met.state),
                Err(error) => format!("{error} on node {node}"),
            };
            told.iter().map(one).collect::<Vec<_>>().join("; ")
        });
        talk::print(format_args!("  {key:<20} {shown}"))?;
    }
    Ok(all)
}

fn look(stage: &Stage, node: u64, key: &str) -> Answer {
    let words: [&[u8]; 2] =
        if key == GUESTS { [b"SMEMBERS", key.as_bytes()] } else { [b"GET", key.as_bytes()] };
    stage.visit(node, DEADLINE).ask(Level::Eventual, &words, false)
}

/// The value, if everybody tells the same and it is decided.
fn agreed(told: &[(u64, Answer)]) -> Option<String> {
    let mut values = told.iter().map(|(_, answer)| match answer {
        Ok((reply, met)) if met.state == "committed" => Some(cell::value(reply)),
        _ => None,
    });
    let first = values.next()??;
    values.all(|value| value.as_ref() == Some(&first)).then_some(first)
}

/// The writes that were not applied, and why.
fn superseded(stage: &Stage) -> Result<(), Failure> {
    talk::print(format_args!("superseded writes, and by what (quartet conflicts KEY):"))?;
    let mut visit = stage.visit(LEFT, PATIENCE);
    for key in all_keys() {
        match visit.say(&[b"CONFLICTS", key.as_bytes()])? {
            Reply::Error(text) => return talk::print(format_args!("  {text}")),
            told => {
                for lost in Superseded::read(&told).unwrap_or_default() {
                    let (write, by) = (&lost.write, conflicts::winner(&lost.by));
                    talk::print(format_args!("  {key:<15} {write} of {} lost to {by}", lost.operation))?;
                }
            }
        }
    }
    Ok(())
}
