//! The command `sim`: runs seeds of the simulated world and says what came of them.
//!
//! `--seeds N [--from S]` for a batch, `--minutes M [--from S]` for as many as fit, `--seed S [--trace]` for one. Ends with 0, or with the number of the worst class of failure
//! (`verdict`): 10 crash, 11 safety, 12 liveness, 13 two runs of one seed differ; 2 is wrong usage.
//!
//! The only file here that knows the real time, for measuring speed; it never reaches a run.

use sim::batch::{Sum, run_seeds};
use sim::run::{Ended, Options, run};
use sim::schedule::SECOND;
use std::io::{Write, stderr, stdout};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// That of the binary `quartet`: the system's took a tenth of a run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: sim --seeds N [--from S] [--threads T] [--keep-going] [--weak P]
       sim --minutes M [--from S] [--threads T] [--keep-going] [--weak P]
       sim --seed S [--trace] [--weak P]

  --seeds N      run N seeds
  --minutes M    run seeds for M minutes
  --from S       the first seed (1 unless said)
  --threads T    seeds at a time (2 unless said)
  --keep-going   do not stop at the first failure
  --seed S       run one seed twice, and compare
  --weak P       of a hundred operations P are below sequential, whatever the seed says; 0 is a world without any
  --trace        run it once and print what happened, a line an event

exit codes: 0 success, 2 wrong usage, 10 crash, 11 safety, 12 liveness, 13 two runs of one seed differ";

#[derive(Default)]
struct Wanted {
    seeds: Option<u64>,
    minutes: Option<u64>,
    seed: Option<u64>,
    from: u64,
    threads: usize,
    keep_going: bool,
    trace: bool,
    options: Options,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted { from: 1, threads: 2, ..Wanted::default() };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let text = arguments.next().ok_or_else(|| format!("{argument} wants a number"))?;
            let digits =
                text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16));
            digits.map_err(|_| format!("{argument} wants a whole number, not {text:?}"))
        };
        match argument.as_str() {
            "--seeds" => wanted.seeds = Some(number()?),
            "--minutes" => wanted.minutes = Some(number()?),
            "--seed" => wanted.seed = Some(number()?),
            "--from" => wanted.from = number()?,
            "--threads" => wanted.threads = number()?.clamp(1, 64) as usize,
            "--weak" => wanted.options.weak_percent = Some(number()?.min(100)),
            "--keep-going" => wanted.keep_going = true,
            "--trace" => wanted.trace = true,
            #[cfg(feature = "planted")]
            "--planted" => wanted.options.planted = planted(&arguments.next().unwrap_or_default())?,
            other => return Err(format!("{other:?} is not known")),
        }
    }
    let ways = [wanted.seeds, wanted.minutes, wanted.seed].iter().flatten().count();
    if ways == 1 { Ok(wanted) } else { Err("say one of --seeds, --minutes, --seed".to_owned()) }
}

/// The bug of this name. Known only to builds that have planted bugs.
#[cfg(feature = "planted")]
fn planted(name: &str) -> Result<node::planted::Planted, String> {
    let all = sim::run::PLANTED;
    all.into_iter().find(|bug| format!("{bug:?}") == name).ok_or_else(|| format!("write one of {all:?}"))
}

fn main() -> ExitCode {
    let wanted = match parse(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(why) => {
            say_aside(&format!("{why}\n\n{USAGE}\n"));
            return ExitCode::from(2);
        }
    };
    ExitCode::from(match wanted.seed {
        Some(seed) => one(seed, wanted.trace, wanted.options),
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

fn one(seed: u64, trace: bool, options: Options) -> u8 {
    #[allow(clippy::needless_update)] // with the feature `planted` there is one more field
    let ended = run(seed, Options { with_lines: trace, ..options });
    say(&format!("{}\n", ended.params));
    say(&ended.lines);
    let mut sum = Sum::default();
    sum.add(&ended);
    say(&format!("{sum}  fingerprint {:016x}\n", ended.fingerprint));
    if ended.failure.is_some() {
        return report(&ended, options);
    }
    if !trace && run(seed, options).fingerprint != ended.fingerprint {
        say_aside(&format!("seed {seed}: two runs differ; something in the core is not deterministic\n"));
        return 13;
    }
    0
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
            worst = worst.max(report(&ended, wanted.options));
        }
        if sum.runs.is_multiple_of(100) {
            say_aside(&format!("sim: {} seeds, {} failed\n", sum.runs, failed.len()));
        }
        worst == 0 || wanted.keep_going
    });
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("sim: seeds from {}, {seconds:.1} s on {} threads\n{sum}", wanted.from, wanted.threads));
    say(&format!(
        "  speed: {:.0} virtual seconds and {:.0} operations a second\n",
        sum.virtual_ns as f64 / SECOND as f64 / seconds,
        sum.operations as f64 / seconds
    ));
    if !failed.is_empty() {
        say_aside(&format!("{} of {} seeds failed: {failed:?}\n", failed.len(), sum.runs));
    }
    worst
}

/// Says how a run failed and how to see it again.
fn report(ended: &Ended, options: Options) -> u8 {
    let Some(failure) = &ended.failure else { return 0 };
    let seed = ended.params.seed;
    let weak = options.weak_percent.map_or(String::new(), |percent| format!(" --weak {percent}"));
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.ok().filter(|output| output.status.success()).map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    say_aside(&format!(
        "{}\n{failure}\n  at {}.{:03} virtual seconds; commit {commit}; again with: cargo run --release -p sim -- --seed {seed}{weak} --trace\n\n",
        ended.params,
        ended.virtual_ns / SECOND,
        ended.virtual_ns % SECOND / 1_000_000,
    ));
    failure.class.exit_code()
}
