//! The command `sim`: runs seeds of the simulated world and says what came of them.
//!
//! `--seeds N [--from S]` for a batch, `--minutes M [--from S]` for as many as fit, `--seed S` for one, which can be traced, drawn and shrunk. Ends with 0, or with the number of the worst class of failure
//! (`verdict`): 10 crash, 11 safety, 12 liveness, 13 two runs of one seed differ, 14 a batch did not reach what it should have (`coverage`); 2 is wrong usage.
//!
//! The only file here that knows the real time, for measuring speed and for ending; it never reaches a run. The arguments are in `arguments`.

mod arguments;

use arguments::{Wanted, usage};
use sim::batch::{Sum, run_seeds};
use sim::overrides::Overrides;
use sim::run::{Ended, Options, run_changed};
use sim::schedule::SECOND;
use sim::shrink::shrink;
use std::io::{Write, stderr, stdout};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// That of the binary `quartet`: the system's took a tenth of a run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A batch did not reach what it should have.
const UNREACHED: u8 = 14;

fn main() -> ExitCode {
    let wanted = match Wanted::parse(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(why) => {
            say_aside(&format!("{why}\n\n{}\n", usage()));
            return ExitCode::from(2);
        }
    };
    #[cfg(feature = "planted")]
    if let Some(bugs) = &wanted.planted_table {
        let is_over = |since: Instant| since.elapsed().as_secs() >= wanted.seconds;
        sim::planted_table::print(
            bugs,
            &wanted.starts,
            wanted.seeds.unwrap_or(2_000),
            wanted.threads,
            || {
                let began = Instant::now();
                move || is_over(began)
            },
        );
        return ExitCode::SUCCESS;
    }
    ExitCode::from(match wanted.seed {
        Some(seed) if wanted.shrink => smallest(seed, wanted),
        Some(seed) => one(seed, &wanted),
        None => many(&wanted),
    })
}

/// Writes to stdout; a reader that went away is no failure.
fn say(text: &str) {
    let _ = stdout().write_all(text.as_bytes());
}

fn say_aside(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}

fn one(seed: u64, wanted: &Wanted) -> u8 {
    let options = wanted.options;
    let ended = run_changed(seed, &wanted.overrides, options);
    if options.with_shiviz {
        say(&ended.shiviz);
        return report(&ended, &wanted.overrides, options);
    }
    say(&format!("{}\n", ended.params));
    say(&ended.lines);
    let mut sum = Sum::default();
    sum.add(&ended);
    say(&format!("{sum}  fingerprint {:016x}\n", ended.fingerprint));
    if ended.failure.is_some() {
        return report(&ended, &wanted.overrides, options);
    }
    if !options.with_lines && run_changed(seed, &wanted.overrides, options).fingerprint != ended.fingerprint {
        say_aside(&format!("seed {seed}: two runs differ; something in the core is not deterministic\n"));
        return 13;
    }
    0
}

/// Shrinks a seed that fails, and says what is left.
fn smallest(seed: u64, wanted: Wanted) -> u8 {
    let began = Instant::now();
    let is_over = || began.elapsed().as_secs() >= wanted.seconds;
    let options = Options { with_lines: false, with_shiviz: false, ..wanted.options };
    let before = run_changed(seed, &wanted.overrides, options);
    let Some(found) = shrink(seed, wanted.overrides, options, wanted.threads, &is_over) else {
        say(&format!("seed {seed} does not fail: there is nothing to shrink\n"));
        return 0;
    };
    say(&format!(
        "before: {}\nafter:  {}\n  {} runs in {:.0} s\n\n",
        size(&before),
        size(&found.ended),
        found.tries,
        began.elapsed().as_secs_f64()
    ));
    report(&found.ended, &found.overrides, options)
}

/// How large a world was, up to its failure.
fn size(ended: &Ended) -> String {
    let left = &ended.params.left;
    let faults = match &left.only_faults {
        Some(only) => only.iter().filter(|fault| **fault > 0 && **fault <= ended.faults).count() as u64,
        None => ended.faults,
    };
    let clients = left.only_clients.as_ref().map_or(ended.params.workload.clients, |only| only.len());
    format!(
        "{} nodes, {} shards, {faults} faults, {clients} clients, {} operations, {} events, {}.{:03} s",
        ended.params.nodes,
        ended.params.shards,
        ended.story.operations,
        ended.events,
        ended.virtual_ns / SECOND,
        ended.virtual_ns % SECOND / 1_000_000
    )
}

fn many(wanted: &Wanted) -> u8 {
    let began = Instant::now();
    let budget = wanted.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let count = wanted.seeds.unwrap_or(u64::MAX);
    let stop =
        move |handed_out| handed_out >= count || budget.is_some_and(|budget| began.elapsed() >= budget);
    let mut sum = Sum::default();
    let mut worst = 0;
    let mut failed = Vec::new();
    run_seeds(wanted.from, wanted.threads, wanted.options, stop, |ended| {
        sum.add(&ended);
        if ended.failure.is_some() {
            failed.push(ended.params.seed);
            worst = worst.max(report(&ended, &wanted.overrides, wanted.options));
        }
        if sum.runs.is_multiple_of(100) {
            say_aside(&format!("sim: {} seeds, {} failed\n", sum.runs, failed.len()));
        }
        worst == 0 || wanted.keep_going
    });
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("sim: seeds from {}, {seconds:.1} s on {} threads\n{sum}", wanted.from, wanted.threads));
    say(&format!(
        "  speed: {:.0} seeds a minute, {:.0} virtual seconds and {:.0} operations a second\n",
        sum.runs as f64 * 60.0 / seconds,
        sum.virtual_ns as f64 / SECOND as f64 / seconds,
        sum.operations as f64 / seconds
    ));
    if !failed.is_empty() {
        say_aside(&format!("{} of {} seeds failed: {failed:?}\n", failed.len(), sum.runs));
    }
    // Worlds that somebody has bent, and cores with bugs, need not reach everything.
    if worst == 0 && wanted.options.is_general() {
        let complaints = sum.coverage.complaints(sum.runs);
        if !complaints.is_empty() {
            let list = complaints.join("\n  ");
            say_aside(&format!("not as it should be after {} seeds:\n  {list}\n", sum.runs));
            return UNREACHED;
        }
    }
    worst
}

/// Says how a run failed and how to see it again.
fn report(ended: &Ended, overrides: &Overrides, options: Options) -> u8 {
    let Some(failure) = &ended.failure else { return 0 };
    let seed = ended.params.seed;
    let weak = options.weak_percent.map_or(String::new(), |percent| format!(" --weak {percent}"));
    let weak = options.aim.map_or(weak.clone(), |aim| format!("{weak} --aim {aim}"));
    #[cfg(feature = "planted")]
    let weak = format!("{weak} --planted {:?}", options.planted);
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.ok().filter(|output| output.status.success()).map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    say_aside(&format!(
        "{}\n{failure}\n  at {}.{:03} virtual seconds; commit {commit}; again with: cargo run --release -p sim -- --seed {seed}{weak}{overrides} --trace\n\n",
        ended.params,
        ended.virtual_ns / SECOND,
        ended.virtual_ns % SECOND / 1_000_000,
    ));
    failure.class.exit_code()
}
