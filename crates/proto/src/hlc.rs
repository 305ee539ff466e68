//! Timestamps of the hybrid logical clock (Kulkarni et al., 2014).
//!
//! 48 bits of wall-clock milliseconds and 16 bits of counter in one `u64`, so that timestamps compare as numbers and
//! an expiry in milliseconds can be compared with them. The clock itself, which merges and advances, is `node::clock`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A point in the order of the cluster's decided writes. Zero means "before everything".
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Before every write.
    pub const ZERO: Timestamp = Timestamp(0);

    /// The first timestamp of a wall-clock millisecond (since the Unix epoch).
    pub fn from_wall_ms(wall_ms: u64) -> Timestamp {
        Timestamp(wall_ms.min((1 << 48) - 1) << 16)
    }

    /// The wall-clock part, in milliseconds since the Unix epoch.
    pub fn wall_ms(self) -> u64 {
        self.0 >> 16
    }

    /// The counter within the millisecond.
    pub fn counter(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// The next timestamp. When the counter is used up this runs into the next millisecond.
    pub fn next(self) -> Timestamp {
        Timestamp(self.0.saturating_add(1))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.wall_ms(), self.counter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_order_by_wall_clock_then_counter() {
        let early = Timestamp::from_wall_ms(1_000);
        assert!(early < early.next());
        assert!(early.next() < Timestamp::from_wall_ms(1_001));
        assert_eq!(early.next().wall_ms(), 1_000);
        assert_eq!(early.next().counter(), 1);
    }
}
