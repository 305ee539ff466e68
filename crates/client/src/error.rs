//! What went wrong, as coarse as a program can act on it.
//!
//! The kinds are prescriptions: each names the next step. *Unknown* is never folded into another kind: a write whose fate is not
//! known must not look as if it had failed.

use std::fmt;

/// What to do about an operation that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The request makes no sense, passes a limit, or the password is wrong: mend it. Nothing was applied.
    Invalid,
    /// The cluster looked at the data and said no (wrong type, not a number, out of memory): decide anew. Nothing was applied.
    Refused,
    /// Nodes answered, but no quorum did by the deadline. Nothing was applied: try again later.
    NoQuorum,
    /// Nodes answered, but by the deadline no replica was as new as the session, or the staleness bound, asks for. Nothing was applied: try again, ask for less, or begin a new session.
    Behind,
    /// The write was handed over and its fate is not known: it may have been applied, may yet be, or never. Read before you repeat it.
    Unknown,
    /// No node could be reached by the deadline. Nothing was applied: look at the addresses and the network.
    Unreachable,
    /// The node closed the connection or is stopping, before it took the request. Nothing was applied: use another node.
    Closed,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::Invalid => "invalid request",
            ErrorKind::Refused => "refused",
            ErrorKind::NoQuorum => "no quorum",
            ErrorKind::Behind => "behind",
            ErrorKind::Unknown => "outcome unknown",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Closed => "closed",
        })
    }
}

/// An operation that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    /// One sentence for a person.
    pub message: String,
}

impl Error {
    /// An error of this kind with its sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Invalid, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Error {}
