//! When the next log batch is sealed: at once for a lone write, after a short wait for company under load.
//!
//! A sync costs about the same whatever it makes durable, so a busy node gains by making each of them serve more writes. How many groups wrote in a batch says how much company the
//! next one can expect: it waits a little for each of them, and no longer once as many have written again. So clients that wait for each other's syncs fall into step, and a node with one
//! client never waits.
//!
//! It does not know what is in a batch, or whether one is in flight.

use proto::time::Mono;
use std::time::Duration;

/// How long a batch waits for each group beyond the first that wrote in the batch before it.
const PAUSE_PER_GROUP: Duration = Duration::from_micros(120);
/// The longest that a batch waits.
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

/// The company that the next batch waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    until: Mono,
    groups: usize,
}

impl Batching {
    /// Nothing was sealed yet.
    pub(crate) fn new(now: Mono) -> Batching {
        Batching { until: now, groups: 0 }
    }

    /// Whether a batch in which `groups` groups wrote may be sealed now.
    pub(crate) fn may_seal(&self, now: Mono, groups: usize) -> bool {
        now >= self.until || groups >= self.groups
    }

    /// Until when a batch waits at the longest.
    pub(crate) fn deadline(&self) -> Mono {
        self.until
    }

    /// A batch in which `groups` groups wrote was sealed.
    pub(crate) fn sealed(&mut self, now: Mono, groups: usize) {
        let company = u32::try_from(groups.saturating_sub(1)).unwrap_or(u32::MAX);
        self.until = now + LONGEST_PAUSE.min(PAUSE_PER_GROUP.saturating_mul(company));
        self.groups = groups;
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
        assert!(batching.may_seal(batching.deadline(), 1), "its time is over");
        assert_eq!(batching.deadline(), Mono(1_200_000));
        batching.sealed(Mono(0), 500);
        assert_eq!(batching.deadline(), Mono(2_000_000), "no batch waits longer");
    }
}
