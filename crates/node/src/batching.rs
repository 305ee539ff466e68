//! When the next log batch is sealed: at once for a lone write, after a short wait for company under load, and without haste where nobody waits for it.
//!
//! A sync costs about the same whatever it makes durable, so a busy node gains by making each of them serve more writes. How many *waiters* a batch had (groups with entries that somebody waits
//! for, and tentative writes of this origin) says how much company the next one can expect: it waits a little for each of them, and no longer once as many are there again. So clients that wait
//! for each other's syncs fall into step, and a node with one client never waits.
//!
//! A batch without any waiter, such as other origins' tentative operations and the entries that decide them, waits a little, or for the first waiter. So tentative writes cost a
//! sync at their origin, and few elsewhere (`docs/decisions/0033`).
//!
//! It does not know what is in a batch, or whether one is in flight.

use proto::time::Mono;
use std::time::Duration;

/// How long a batch waits for each waiter beyond the first that the batch before it had.
const PAUSE_PER_WAITER: Duration = Duration::from_micros(120);
/// The longest that a batch waits.
const LONGEST_PAUSE: Duration = Duration::from_millis(2);
/// The longest that a batch waits for which nobody waits. A strong write whose session has undecided dots pays for it, so it is short.
const UNHURRIED_PAUSE: Duration = Duration::from_millis(1);

/// The company that the next batch waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    until: Mono,
    waiters: usize,
    /// Since when something is queued.
    since: Option<Mono>,
}

impl Batching {
    /// Nothing was sealed yet.
    pub(crate) fn new(now: Mono) -> Batching {
        Batching { until: now, waiters: 0, since: None }
    }

    /// Something is queued.
    pub(crate) fn queued(&mut self, now: Mono) {
        self.since.get_or_insert(now);
    }

    /// Whether a batch with so many waiters may be sealed now.
    pub(crate) fn may_seal(&self, now: Mono, waiters: usize) -> bool {
        now >= self.deadline(waiters) || (waiters > 0 && waiters >= self.waiters)
    }

    /// Until when a batch with so many waiters waits at the longest.
    pub(crate) fn deadline(&self, waiters: usize) -> Mono {
        match self.since {
            Some(since) if waiters == 0 => since + UNHURRIED_PAUSE,
            _ => self.until,
        }
    }

    /// A batch with so many waiters was sealed.
    pub(crate) fn sealed(&mut self, now: Mono, waiters: usize) {
        let company = u32::try_from(waiters.saturating_sub(1)).unwrap_or(u32::MAX);
        self.until = now + LONGEST_PAUSE.min(PAUSE_PER_WAITER.saturating_mul(company));
        (self.waiters, self.since) = (waiters, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_write_never_waits() {
        let mut batching = Batching::new(Mono(0));
        for at in 0..3 {
            assert!(batching.may_seal(Mono(at), 1));
            batching.sealed(Mono(at), 1);
        }
    }

    #[test]
    fn after_a_large_batch_the_next_waits_for_as_much_company_or_for_its_time() {
        let mut batching = Batching::new(Mono(0));
        batching.sealed(Mono(0), 11);
        assert!(!batching.may_seal(Mono(1_199_999), 10), "ten of eleven are there");
        assert!(batching.may_seal(Mono(1), 11), "all are there");
        assert!(batching.may_seal(batching.deadline(1), 1), "its time is over");
        assert_eq!(batching.deadline(1), Mono(1_200_000));
        batching.sealed(Mono(0), 500);
        assert_eq!(batching.deadline(1), Mono(2_000_000), "no batch waits longer");
    }

    #[test]
    fn what_nobody_waits_for_waits_for_somebody_or_for_its_time() {
        let mut batching = Batching::new(Mono(0));
        batching.queued(Mono(500));
        batching.queued(Mono(900_000));
        assert!(!batching.may_seal(Mono(1_000_000), 0));
        assert!(batching.may_seal(Mono(1_000_000), 1), "a lone write takes it along");
        assert_eq!(batching.deadline(0), Mono(1_000_500));
        assert!(batching.may_seal(Mono(1_000_500), 0));
        batching.sealed(Mono(1_000_500), 0);
        batching.queued(Mono(2_100_000));
        assert!(!batching.may_seal(Mono(2_200_000), 0) && batching.may_seal(Mono(2_200_000), 1));
    }
}
