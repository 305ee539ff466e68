//! The command line of Quartet, as a library: the binary `quartet` is one call of [`run`].
//!
//! * `arguments`: what a person can say.
//! * `start`: one node. `rebuild`: a damaged folder is emptied, to be filled from the others. `dev`: a cluster of node processes on this machine; end-to-end tests start their clusters with the same [`dev::Cluster`].
//! * `data`, `status`, `locate`, `fault`, `check`: the commands that ask and answer.
//! * `conflicts`: what was superseded.
//! * `run`: batches of requests at all levels. `cart`: a shopping cart. `demo`: what the levels do, shown on a cluster of its own. `visit`: a session at a chosen node, for these three.
//! * `exit`: what the process ends with.
//!
//! Data goes to stdout and talk to stderr, always: whoever pipes one never meets the other. A reader that hangs up is no failure.

mod arguments;
pub mod cart;
mod check;
mod conflicts;
mod data;
mod demo;
pub mod dev;
mod exit;
mod fault;
mod locate;
#[doc(hidden)]
pub mod outside;
mod rebuild;
mod run;
mod secret;
mod start;
pub mod status;
mod talk;
pub mod visit;

pub use exit::Exit;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

/// Parses the process's arguments and does what they say.
pub fn run() -> ExitCode {
    // Prints help and usage errors by itself; 2 is its exit code for these.
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Start(arguments) => start::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Get(arguments) => data::get(&arguments),
        Command::Put(arguments) => data::put(&arguments),
        Command::Del(arguments) => data::del(&arguments),
        Command::Cas(arguments) => data::cas(&arguments),
        Command::Incr(arguments) => data::incr(&arguments),
        Command::Append(arguments) => data::append(&arguments),
        Command::Conflicts(arguments) => conflicts::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Cart(arguments) => cart::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Where(arguments) => locate::run(&arguments),
        Command::Fault(arguments) => fault::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Rebuild(arguments) => rebuild::run(&arguments),
    };
    match done {
        Ok(exit) => exit.code(),
        Err(failure) => {
            if let Some(sentence) = &failure.sentence {
                talk::say(format_args!("quartet: {sentence}"));
            }
            failure.exit.code()
        }
    }
}
