//! What happens next: a queue of events in virtual time.
//!
//! Events of one instant leave in the order in which they were put in. That tie-breaker is what makes a run repeatable, because a heap alone promises
//! nothing about equals.
//!
//! Invariant: time never goes back; an event put in for the past happens now.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Nanoseconds since the simulated world began. No node ever sees it: nodes have clocks of their own (`clocks`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

/// One millisecond, in nanoseconds.
pub const MILLISECOND: u64 = 1_000_000;
/// One second, in nanoseconds.
pub const SECOND: u64 = 1_000 * MILLISECOND;

impl Instant {
    /// This much later, in nanoseconds.
    pub fn after(self, span_ns: u64) -> Instant {
        Instant(self.0.saturating_add(span_ns))
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>3}.{:06}", self.0 / SECOND, self.0 % SECOND / 1_000)
    }
}

struct Entry<E> {
    at: Instant,
    order: u64,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The queue and the present moment.
pub struct Schedule<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    now: Instant,
    order: u64,
}

impl<E> Default for Schedule<E> {
    fn default() -> Schedule<E> {
        Schedule { heap: BinaryHeap::new(), now: Instant(0), order: 0 }
    }
}

impl<E> Schedule<E> {
    /// The present moment: that of the last event taken.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets an event happen at a moment.
    pub fn at(&mut self, at: Instant, event: E) {
        self.order += 1;
        self.heap.push(Reverse(Entry { at: at.max(self.now), order: self.order, event }));
    }

    /// Lets an event happen this many nanoseconds from now.
    pub fn after(&mut self, span_ns: u64, event: E) {
        self.at(self.now.after(span_ns), event);
    }

    /// Takes the next event and moves time to it.
    pub fn take_next(&mut self) -> Option<E> {
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// How many events wait.
    pub fn waiting(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_leave_by_time_and_equals_in_the_order_in_which_they_came() {
        let mut schedule = Schedule::default();
        for (at, event) in [(5, "c"), (1, "a"), (5, "d"), (2, "b")] {
            schedule.at(Instant(at), event);
        }
        let order: Vec<&str> = std::iter::from_fn(|| schedule.take_next()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
        assert_eq!(schedule.now(), Instant(5));
    }

    #[test]
    fn an_event_for_the_past_happens_now() {
        let mut schedule = Schedule::default();
        schedule.at(Instant(10), ());
        schedule.take_next();
        schedule.at(Instant(3), ());
        assert_eq!(schedule.next_at(), Some(Instant(10)));
    }
}
