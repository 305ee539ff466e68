//! The project's own chores, as `cargo xtask`: `tidy` checks the rules of the house, `ci` runs the whole gate.
//!
//! They are Rust and not scripts so that a rule has a unit test like any other code. This crate is outside the layers: it
//! imports none of the product's crates and none of them imports it.
//!
//! Invariant: `tidy` and `ci` only read the source tree. What rewrites files is another command (`fmt`).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod ci;
mod licences;
mod source;
mod tidy;
mod workspace;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  tidy            check the rules of the house (layers, determinism, headers, links …); reads only
  ci [--strict]   the whole gate, the same here and in CI; --strict makes a skipped check a failure
  ci --list       the gate's steps, the tools that each needs, and whether they are here
  ci --only WORD  only the steps whose name contains WORD
  fmt             rewrite all Rust code in the house format
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let root = workspace::root();
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("tidy") => tidy::run(&root),
        Some("ci") => ci::run(&root, &ci::Options::parse(rest)?),
        Some("fmt") => {
            let status = Command::new("cargo").args(["fmt", "--all"]).current_dir(&root).status()?;
            if status.success() { Ok(ExitCode::SUCCESS) } else { bail!("cargo fmt failed") }
        }
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("there is no command `{other}`; see `cargo xtask help`"),
    }
}
