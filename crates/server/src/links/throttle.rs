//! Log lines about strangers, but not so many that a stranger can fill the disk with them.

use proto::time::Mono;
use std::time::Duration;

const LINES_PER_PERIOD: u32 = 5;
const PERIOD: Duration = Duration::from_secs(1);

/// Lets a few lines a second through and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    since: Mono,
    said: u32,
    held_back: u64,
}

impl Throttle {
    /// Whether a line may be written now; if so, how many were held back since the last one.
    pub(crate) fn admit(&mut self, now: Mono) -> Option<u64> {
        if now - self.since >= PERIOD {
            self.since = now;
            self.said = 0;
        }
        if self.said >= LINES_PER_PERIOD {
            self.held_back += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_becomes_a_few_lines_and_a_count() {
        let mut throttle = Throttle::default();
        let start = Mono::default() + Duration::from_secs(5);
        let said = (0..100).filter(|_| throttle.admit(start).is_some()).count();
        assert_eq!(said, 5);
        assert_eq!(throttle.admit(start + PERIOD), Some(95));
    }
}
