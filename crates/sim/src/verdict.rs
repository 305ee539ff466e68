//! How a run can end, and the numbers that the process ends with.
//!
//! *Crash*: something panicked, or a node ended itself. *Safety*: a promise was broken. *Liveness*: everything was healed, and still something did not finish or
//! converge within its bound of virtual time. They are told apart because they are looked for in different places.

use std::fmt;

/// Which kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A panic, or a node that ended itself.
    Crash,
    /// Something happened that must never happen.
    Safety,
    /// Something did not happen that must happen.
    Liveness,
}

impl Class {
    /// The exit code of a process that found such a failure. 0 is success, 2 wrong usage.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Crash => 10,
            Class::Safety => 11,
            Class::Liveness => 12,
        }
    }
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub class: Class,
    /// The invariant, as a sentence that should have been true.
    pub invariant: &'static str,
    /// What was seen.
    pub explanation: String,
}

impl Failure {
    /// Something panicked, or a node ended itself.
    pub fn crash(explanation: impl Into<String>) -> Failure {
        Failure { class: Class::Crash, invariant: "nothing panics", explanation: explanation.into() }
    }

    /// An invariant does not hold.
    pub fn safety(invariant: &'static str, explanation: impl Into<String>) -> Failure {
        Failure { class: Class::Safety, invariant, explanation: explanation.into() }
    }

    /// After everything was healed, this did not come true in time.
    pub fn liveness(invariant: &'static str, explanation: impl Into<String>) -> Failure {
        Failure { class: Class::Liveness, invariant, explanation: explanation.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::Crash => "CRASH",
            Class::Safety => "SAFETY",
            Class::Liveness => "LIVENESS",
        };
        write!(f, "{class}: it is not so that {}: {}", self.invariant, self.explanation)
    }
}
