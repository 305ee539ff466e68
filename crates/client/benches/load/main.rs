//! The load generator behind `docs/benchmarks.md`: closed loop, one thread, one event loop (`overload` asks without waiting, with its probe in a thread beside it), for Quartet and for what it is compared with.
//!
//! It speaks the protocols by hand and does not use our client library, so that all contestants are asked with the same effort, and the effort
//! is small against theirs. It prints one line of JSON on stdout, and a line for people on stderr. Not here: starting servers, comparing
//! (`benches/run.sh` does both).

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program whose product is two lines

mod arguments;
mod connection;
mod etcd;
mod failover;
mod histogram;
mod levels;
mod overload;
mod probe;
mod processes;
mod resp;
mod session;
mod throughput;
mod workload;

use arguments::{Arguments, Operation};
use clap::{CommandFactory, Parser};
use serde_json::Value;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.addrs.is_empty() {
        eprintln!("nothing to measure without --addrs\n\n{}", Arguments::command().render_help());
        return ExitCode::SUCCESS;
    }
    let figures = match arguments.op {
        Operation::Failover => failover::run(&arguments),
        Operation::Levels => levels::run(&arguments),
        Operation::Overload => overload::run(&arguments),
        _ => throughput::run(&arguments),
    };
    match figures {
        Ok(figures) => {
            println!("{figures}");
            eprintln!("{}", for_people(&figures));
            ExitCode::SUCCESS
        }
        Err(words) => {
            eprintln!("load: {words}");
            ExitCode::FAILURE
        }
    }
}

fn for_people(figures: &Value) -> String {
    let shown = |name: &str| figures[name].to_string();
    let head = format!(
        "{} {} C={}",
        figures["label"].as_str().unwrap_or_default(),
        figures["op"].as_str().unwrap_or_default(),
        shown("conns")
    );
    if let Some(cells) = figures["cells"].as_array() {
        let cell = |cell: &Value| {
            let text = |name: &str| cell[name].as_str().unwrap_or_default().to_owned();
            format!(
                "\n{} {} {}: {} done, p50 {} p99 {} us, {} errors",
                text("op"),
                text("level"),
                text("leader"),
                cell["done"],
                cell["p50_us"],
                cell["p99_us"],
                cell["errors"]
            )
        };
        return format!("{head}{}", cells.iter().map(cell).collect::<String>());
    }
    if figures["op"] == "overload" {
        return format!(
            "{head}: capacity {} ops/s; offered {}, done {}, refused {} a second; the probe's p99 {} us alone, {} us beside; {} MiB before, {} MiB at most; back after {} s",
            shown("capacity"),
            shown("offered_per_s"),
            shown("done_per_s"),
            shown("refused_per_s"),
            shown("probe_alone_p99_us"),
            shown("probe_p99_us"),
            shown("mib_before"),
            shown("mib_at_most"),
            shown("back_after_s")
        );
    }
    if figures["op"] == "failover" {
        return format!(
            "{head}: longest gap {} ms; of {} acknowledged writes {} are there, {} lost, {} wrong",
            shown("longest_gap_ms"),
            shown("acknowledged"),
            shown("verified"),
            shown("lost"),
            shown("wrong")
        );
    }
    format!(
        "{head}: {} ops/s; p50 {} p99 {} p99.9 {} us; {} errors, {} absent; servers {} CPU s per million, {} MiB; generator {} of a core",
        shown("ops_per_s"),
        shown("p50_us"),
        shown("p99_us"),
        shown("p999_us"),
        shown("errors"),
        shown("absent"),
        shown("server_cpu_s_per_million"),
        shown("server_rss_mib"),
        shown("generator_cpu_share")
    )
}
