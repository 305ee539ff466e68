//! What the process ends with. The numbers are promised in `docs/cli.md` and in `--help`; scripts rest on them.

use client::{Error, ErrorKind};
use std::process::ExitCode;

/// The table that `--help` ends with.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done
  1  the key is absent
  2  bad usage or bad input; or a node cannot start: the sentence says what to mend
  3  refused: a condition did not hold, the value has another type, memory or disk is full
  4  outcome unknown: the write may have been applied, or may yet be; read before you repeat it
  5  no node can be reached, no quorum answers, or no replica is as new as the session or --max-staleness asks
  6  the history breaks its consistency level
  7  the history could not be judged";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The key is absent.
    Absent = 1,
    /// Bad usage, bad input, or a node that cannot start.
    BadInput = 2,
    /// Refused by the data: a condition, a type, the memory limit.
    Refused = 3,
    /// The write may or may not have been applied.
    Unknown = 4,
    /// Nobody answers, no quorum does, or no replica is new enough: nothing was applied, and it may go well later.
    Unreachable = 5,
    /// The history breaks its consistency level.
    Violation = 6,
    /// The history could not be judged.
    Undecided = 7,
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a command did not succeed: its exit, and what to say, if that has not been said yet.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) sentence: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Failure {
        Failure { exit, sentence: Some(sentence.into()) }
    }

    pub(crate) fn bad_input(sentence: impl Into<String>) -> Failure {
        Failure::new(Exit::BadInput, sentence)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let exit = match error.kind {
            ErrorKind::Invalid => Exit::BadInput,
            ErrorKind::Refused => Exit::Refused,
            ErrorKind::Unknown => Exit::Unknown,
            ErrorKind::NoQuorum | ErrorKind::Behind | ErrorKind::Unreachable | ErrorKind::Closed => {
                Exit::Unreachable
            }
        };
        Failure::new(exit, error.to_string())
    }
}
