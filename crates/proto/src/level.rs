//! Consistency levels, and ladders of them.
//!
//! A level is a theorem (`docs/consistency.md`), so its name is one of four words and nothing else; a word that is none of them is an error and never a silent downgrade. A ladder names what
//! to try, in order, and how long each rung may take: `linearizable;50ms, sequential`. It is as weak as its last rung, and the answer names the rung that was met.
//!
//! Not here: what a level does (`node`), and which levels a command may be asked at.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Rungs of one ladder: one for each level.
pub const MAX_RUNGS: usize = 4;

/// What an operation promises. The order is from the weakest to the strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Any replica, at once, whatever it has.
    Eventual,
    /// Any replica that holds everything that the session depends on.
    Causal,
    /// One total order for the whole cluster: any replica that is not behind the session.
    Sequential,
    /// Sees every write that was answered before it began.
    #[default]
    Linearizable,
}

impl Level {
    /// All of them, the strongest first.
    pub const ALL: [Level; 4] = [Level::Linearizable, Level::Sequential, Level::Causal, Level::Eventual];

    /// The level's name on every front.
    pub fn name(self) -> &'static str {
        match self {
            Level::Linearizable => "linearizable",
            Level::Sequential => "sequential",
            Level::Causal => "causal",
            Level::Eventual => "eventual",
        }
    }

    /// The level of this name, in any case of letters.
    pub fn of(name: &[u8]) -> Option<Level> {
        Level::ALL.into_iter().find(|level| name.eq_ignore_ascii_case(level.name().as_bytes()))
    }

    /// Whether it is answered from what one replica holds, decided or not.
    pub fn is_weak(self) -> bool {
        self < Level::Sequential
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One rung: a level, and how long it may be tried before the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rung {
    /// What is tried.
    pub level: Level,
    /// For how long, in milliseconds; `None` means an even share of what is left of the deadline.
    pub patience_ms: Option<u64>,
}

/// Levels to try one after the other, each weaker than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    rungs: [Rung; MAX_RUNGS],
    count: usize,
}

impl Default for Ladder {
    fn default() -> Ladder {
        Ladder::of(Level::default())
    }
}

/// Why a ladder makes no sense, in a sentence without an error word in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLadder(pub String);

impl Ladder {
    /// The ladder of one rung.
    pub fn of(level: Level) -> Ladder {
        let mut rungs = [Rung::default(); MAX_RUNGS];
        rungs[0].level = level;
        Ladder { rungs, count: 1 }
    }

    /// The rungs, the strongest first. There is always one.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs[..self.count]
    }

    /// The first rung's level.
    pub fn strongest(&self) -> Level {
        self.rungs[0].level
    }

    /// Whether any rung is read at a replica's own pace.
    pub fn has_below_linearizable(&self) -> bool {
        self.rungs().iter().any(|rung| rung.level < Level::Linearizable)
    }

    /// Reads `linearizable;50ms, sequential`: rungs between commas, each with how long it may take, in `ms` or `s`. Blanks mean nothing.
    pub fn parse(text: &[u8]) -> Result<Ladder, BadLadder> {
        let shown = || String::from_utf8_lossy(text).into_owned();
        let mut ladder = Ladder { rungs: [Rung::default(); MAX_RUNGS], count: 0 };
        for part in text.split(|&byte| byte == b',') {
            let mut halves = part.splitn(2, |&byte| byte == b';');
            let name = halves.next().unwrap_or_default().trim_ascii();
            let Some(level) = Level::of(name) else {
                return Err(BadLadder(format!(
                    "unknown consistency level '{}'; the levels are linearizable, sequential, causal and eventual",
                    String::from_utf8_lossy(name)
                )));
            };
            let patience_ms = match halves.next().map(<[u8]>::trim_ascii) {
                None => None,
                Some(span) => Some(milliseconds(span).ok_or_else(|| {
                    BadLadder(format!(
                        "how long may '{level}' be tried? Write it as 50ms or 2s, not as '{}'",
                        String::from_utf8_lossy(span)
                    ))
                })?),
            };
            if ladder.count > 0 && ladder.rungs[ladder.count - 1].level <= level {
                return Err(BadLadder(format!(
                    "the rungs of '{}' must become weaker from one to the next",
                    shown()
                )));
            }
            // Four levels, each weaker than the one before: there are never more than four.
            ladder.rungs[ladder.count] = Rung { level, patience_ms };
            ladder.count += 1;
        }
        Ok(ladder)
    }
}

impl From<Level> for Ladder {
    fn from(level: Level) -> Ladder {
        Ladder::of(level)
    }
}

impl std::str::FromStr for Ladder {
    type Err = BadLadder;

    fn from_str(text: &str) -> Result<Ladder, BadLadder> {
        Ladder::parse(text.as_bytes())
    }
}

impl fmt::Display for BadLadder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadLadder {}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rung) in self.rungs().iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(rung.level.name())?;
            if let Some(patience_ms) = rung.patience_ms {
                write!(f, ";{patience_ms}ms")?;
            }
        }
        Ok(())
    }
}

/// `50ms`, `2s`, or a bare number of milliseconds; from 1 to the longest deadline.
pub fn milliseconds(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (digits, factor) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => text.strip_suffix('s').map_or((text, 1), |digits| (digits, 1_000)),
    };
    let digits = digits.trim_end();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ms = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    (1..=crate::limits::MAX_DEADLINE_MS).contains(&ms).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_is_read_and_shown() {
        let ladder = Ladder::parse(b" Linearizable ; 50ms ,sequential;2s").unwrap();
        assert_eq!(ladder.to_string(), "linearizable;50ms, sequential;2000ms");
        assert_eq!(Ladder::parse(b"sequential").unwrap(), Ladder::of(Level::Sequential));
        assert_eq!(ladder.strongest(), Level::Linearizable);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        let why = |text: &str| Ladder::parse(text.as_bytes()).unwrap_err().0;
        assert!(why("strong").contains("unknown consistency level 'strong'"));
        assert!(why("").contains("unknown consistency level ''"));
        assert!(why("sequential,").contains("unknown"));
        assert!(why("sequential, linearizable").contains("weaker"));
        assert!(why("sequential, sequential").contains("weaker"));
        for span in ["", "0ms", "-1s", "x", "1h", "99999999999s", "18446744073709551616ms"] {
            assert!(why(&format!("linearizable;{span}, sequential")).contains("50ms"), "{span}");
        }
    }
}
