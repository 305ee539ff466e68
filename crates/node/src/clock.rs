//! The node's hybrid logical clock (Kulkarni et al., 2014).
//!
//! It never goes back, never falls behind a timestamp that it has merged, and otherwise follows the wall clock. Timestamps from log entries are always merged: they are
//! facts. Those of messages are refused if they are further ahead of the local wall clock than `MAX_CLOCK_OFFSET_MS`.

use proto::hlc::Timestamp;
use proto::limits::MAX_CLOCK_OFFSET_MS;

/// The clock of one core.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    last: Timestamp,
    /// The newest time at which something was decided, or that a session has seen.
    newest_seen: Timestamp,
}

impl Clock {
    /// A new timestamp, above every one given or merged before.
    pub fn next(&mut self, wall_ms: u64) -> Timestamp {
        self.last = self.last.next().max(Timestamp::from_wall_ms(wall_ms));
        self.last
    }

    /// What the clock would say now, without using a timestamp up.
    pub fn peek(&self, wall_ms: u64) -> Timestamp {
        self.last.max(Timestamp::from_wall_ms(wall_ms))
    }

    /// Takes a decided timestamp in.
    pub fn merge_decided(&mut self, seen: Timestamp) {
        self.last = self.last.max(seen);
        self.newest_seen = self.newest_seen.max(seen);
    }

    /// The newest time that some session may come with: readers of every shard may soon ask for it. A cluster at rest adds nothing to it.
    pub fn newest_seen(&self) -> Timestamp {
        self.newest_seen
    }

    /// Takes in what a session has seen; `false` as for any message. What lies behind this clock moves nothing, however slow the wall clock is.
    pub fn merge_session(&mut self, seen: Timestamp, wall_ms: u64) -> bool {
        let acceptable = seen <= self.last || self.merge_received(seen, wall_ms);
        if acceptable {
            self.newest_seen = self.newest_seen.max(seen);
        }
        acceptable
    }

    /// Takes in the times of a tentative operation; `false` as for any message. What lies behind this clock is no news.
    pub fn merge_operation(&mut self, seen: Timestamp, wall_ms: u64) -> bool {
        seen <= self.last || self.merge_received(seen, wall_ms)
    }

    /// Takes a message's timestamp in; `false` if it is too far ahead, and then the whole message is to be refused.
    pub fn merge_received(&mut self, seen: Timestamp, wall_ms: u64) -> bool {
        let acceptable = seen.wall_ms() <= wall_ms.saturating_add(MAX_CLOCK_OFFSET_MS);
        if acceptable {
            self.last = self.last.max(seen);
        }
        acceptable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back_when_the_wall_clock_does() {
        let mut clock = Clock::default();
        let first = clock.next(1_000);
        assert!(clock.next(10) > first);
    }

    #[test]
    fn a_timestamp_from_too_far_ahead_is_refused() {
        let mut clock = Clock::default();
        assert!(!clock.merge_received(Timestamp::from_wall_ms(1_501), 1_000));
        assert!(clock.merge_received(Timestamp::from_wall_ms(1_500), 1_000));
        assert_eq!(clock.next(1_000).wall_ms(), 1_500);
    }

    #[test]
    fn a_session_may_come_with_what_the_clock_knows_already() {
        let mut clock = Clock::default();
        assert!(!clock.merge_session(Timestamp::from_wall_ms(1_501), 1_000));
        clock.merge_decided(Timestamp::from_wall_ms(9_000));
        assert!(clock.merge_session(Timestamp::from_wall_ms(9_000), 1_000));
        assert!(!clock.merge_session(Timestamp::from_wall_ms(9_001), 1_000));
        assert_eq!(clock.newest_seen(), Timestamp::from_wall_ms(9_000));
    }
}
