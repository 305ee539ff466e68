//! Frames that a slow link holds back for its delay (`crate::faults`), before they go to the queue that the socket takes from.
//!
//! Invariants: frames leave in the order in which they came, also when the delay was shortened meanwhile; none leaves before its time. It is bounded by whoever fills it: what is held counts with
//! what is queued.

use bytes::Bytes;
use proto::time::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// What is held, each with the time from which it may leave.
#[derive(Debug, Default)]
pub(super) struct Held {
    frames: VecDeque<(Mono, Bytes)>,
    bytes: usize,
}

impl Held {
    /// Bytes that are held.
    pub(super) fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Holds a frame that was said `now`.
    pub(super) fn push(&mut self, frame: Bytes, now: Mono, delay: Duration) {
        let last = self.frames.back().map_or(now, |(due, _)| *due);
        self.bytes += frame.len();
        self.frames.push_back((last.max(now + delay), frame));
    }

    /// The next frame that may leave.
    pub(super) fn pop(&mut self, now: Mono) -> Option<Bytes> {
        let (_, frame) = self.frames.pop_front_if(|(due, _)| *due <= now)?;
        self.bytes -= frame.len();
        Some(frame)
    }

    /// When the next one may leave.
    pub(super) fn deadline(&self) -> Option<Mono> {
        self.frames.front().map(|(due, _)| *due)
    }

    /// The delay is over: everything may leave.
    pub(super) fn release(&mut self) {
        self.frames.iter_mut().for_each(|(due, _)| *due = Mono::default());
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Held::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::default() + Duration::from_millis(ms)
    }

    #[test]
    fn frames_leave_in_order_and_none_before_its_time() {
        let mut held = Held::default();
        held.push(Bytes::from_static(b"one"), at(0), Duration::from_millis(30));
        held.push(Bytes::from_static(b"two"), at(10), Duration::from_millis(30));
        // Shortened: it does not overtake.
        held.push(Bytes::from_static(b"three"), at(11), Duration::from_millis(1));
        assert_eq!((held.len_bytes(), held.deadline()), (11, Some(at(30))));
        assert_eq!(held.pop(at(29)), None);
        assert_eq!(held.pop(at(35)), Some(Bytes::from_static(b"one")));
        assert_eq!((held.pop(at(35)), held.deadline()), (None, Some(at(40))));
        held.release();
        assert_eq!(held.pop(at(35)), Some(Bytes::from_static(b"two")));
        assert_eq!(held.pop(at(35)), Some(Bytes::from_static(b"three")));
        assert!(held.is_empty() && held.len_bytes() == 0);
    }
}
