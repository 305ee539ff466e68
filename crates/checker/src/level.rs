//! The four consistency levels, and which of them a history is held to.
//!
//! The names are promises (`docs/history.md` says what each is held to), so an unknown one is an error and never taken
//! for another.

use std::fmt;
use std::str::FromStr;

/// The consistency level that an operation asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each key behaves as if every operation took effect at one instant between its sending and its answer.
    #[default]
    Linearizable,
    /// The whole cluster has one order that every session agrees with.
    Sequential,
    /// Nobody sees an effect without what it depends on.
    Causal,
    /// Replicas become equal in the end.
    Eventual,
}

impl Level {
    /// All, strongest first.
    pub const ALL: [Level; 4] = [Level::Linearizable, Level::Sequential, Level::Causal, Level::Eventual];

    /// The name in files and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Linearizable => "linearizable",
            Level::Sequential => "sequential",
            Level::Causal => "causal",
            Level::Eventual => "eventual",
        }
    }

    /// Whether its writes are tentative first: below sequential.
    pub fn is_weak(self) -> bool {
        self > Level::Sequential
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Level, String> {
        Level::ALL.into_iter().find(|level| level.as_str() == name).ok_or_else(|| {
            format!("there is no level {name:?}; write linearizable, sequential, causal or eventual")
        })
    }
}

/// What a history is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every judge that its operations call for.
    #[default]
    All,
    /// The judges of one level.
    Only(Level),
}

impl Scope {
    /// Whether this level's promise is to be judged.
    pub fn includes(self, level: Level) -> bool {
        self == Scope::All || self == Scope::Only(level)
    }
}

impl From<Level> for Scope {
    fn from(level: Level) -> Scope {
        Scope::Only(level)
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(name: &str) -> Result<Scope, String> {
        match name {
            "all" => Ok(Scope::All),
            _ => name.parse().map(Scope::Only).map_err(|error: String| format!("{error}, or all")),
        }
    }
}
