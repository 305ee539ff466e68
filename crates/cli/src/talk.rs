//! The two ways out: data on stdout, talk on stderr.

use crate::exit::Failure;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process;

/// One line for the person, on stderr. A person who has gone is not told.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _gone = writeln!(io::stderr(), "{line}");
}

/// One line of data, at once.
pub(crate) fn print(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(writeln!(out, "{line}").and_then(|()| out.flush()))
}

/// Bytes as they are. A newline follows only where a person reads them.
pub(crate) fn print_raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let newline: &[u8] = if out.is_terminal() && !bytes.ends_with(b"\n") { b"\n" } else { b"" };
    written(out.write_all(bytes).and_then(|()| out.write_all(newline)).and_then(|()| out.flush()))
}

/// A reader that hung up has what it wanted: the process ends there, and well.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => Err(Failure::bad_input(format!("cannot write to stdout: {error}"))),
    }
}
