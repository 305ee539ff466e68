//! How regular a node's word is, and from that how long its silence may last.
//!
//! The timeout adapts as TCP's does (Jacobson 1988): a mean and a mean deviation of the gaps between words, each with its usual weight. So a quiet machine notices a broken link after three missed words, and a busy or lossy one does not
//! take every pause for a cut. Flapping is damped: each time a link falls silent it must then be heard for twice as long before it counts again, and each ten seconds of peace take one such doubling back.
//!
//! Not here: who is heard, and what is done about it (`mesh`).

use proto::time::Mono;
use std::time::Duration;

/// Missed words before a node's silence means something, at the least.
const MISSED_WORDS: u32 = 3;
const DEVIATIONS: u32 = 4;
/// A link that fell silent once is heard for so long before it counts again; doubled with each further time.
const FIRST_PROBATION: Duration = Duration::from_millis(100);
const MOST_DOUBLINGS: u32 = 6;
const PEACE: Duration = Duration::from_secs(10);

/// The rhythm of one node's words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    last: Mono,
    mean: Duration,
    deviation: Duration,
}

impl Pulse {
    /// A first word arrived, of a node that speaks this often.
    pub(super) fn new(now: Mono, interval: Duration) -> Pulse {
        Pulse { last: now, mean: interval, deviation: interval / 8 }
    }

    /// A word arrived. A gap counts as `longest` at the most: an outage says nothing about the rhythm.
    pub(super) fn beat(&mut self, now: Mono, longest: Duration) {
        let gap = (now - self.last).min(longest);
        let error = gap.abs_diff(self.mean);
        self.deviation = (self.deviation * 3 + error) / 4;
        self.mean = (self.mean * 7 + gap) / 8;
        self.last = now;
    }

    /// When the newest word arrived.
    pub(super) fn last(&self) -> Mono {
        self.last
    }

    /// Silence for longer than this is no accident.
    pub(super) fn patience(&self, interval: Duration, longest: Duration) -> Duration {
        let expected = self.mean + self.deviation * DEVIATIONS;
        expected.max(interval * MISSED_WORDS + interval / 2).min(longest)
    }
}

/// A direct link from a peer: whether it counts as heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearing {
    /// The newest frame.
    pub(super) last: Mono,
    /// Since when frames come without a silence; `None` while it is silent.
    since: Option<Mono>,
    falls: u32,
    peace_since: Mono,
}

impl Hearing {
    /// A first frame arrived on the link.
    pub(super) fn new(now: Mono) -> Hearing {
        Hearing { last: now, since: Some(now), falls: 0, peace_since: now }
    }

    /// A frame arrived.
    pub(super) fn frame(&mut self, now: Mono) {
        self.last = now;
        self.since.get_or_insert(now);
    }

    /// Looks at the time: after so much silence the link has fallen.
    pub(super) fn look(&mut self, now: Mono, patience: Duration) {
        if self.since.is_some() && now - self.last > patience {
            self.fall(now);
        }
        if self.falls > 0 && self.since.is_some() && now - self.peace_since > PEACE {
            self.falls -= 1;
            self.peace_since = now;
        }
    }

    /// The link fell silent, or broke.
    pub(super) fn fall(&mut self, now: Mono) {
        if self.since.take().is_some() {
            self.falls = (self.falls + 1).min(MOST_DOUBLINGS);
        }
        self.peace_since = now;
    }

    /// Whether the peer counts as heard.
    pub(super) fn counts(&self, now: Mono) -> bool {
        let probation = match self.falls {
            0 => Duration::ZERO,
            falls => FIRST_PROBATION * (1 << (falls - 1)),
        };
        self.since.is_some_and(|since| now - since >= probation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_millis(1_000);

    fn ms(n: u64) -> Mono {
        Mono(n * 1_000_000)
    }

    #[test]
    fn a_regular_node_is_missed_after_three_words_and_an_irregular_one_later() {
        let (mut regular, mut irregular) = (Pulse::new(ms(0), INTERVAL), Pulse::new(ms(0), INTERVAL));
        let mut at = 0;
        for n in 1..50 {
            regular.beat(ms(n * 100), LONGEST);
            at += if n % 2 == 0 { 40 } else { 260 };
            irregular.beat(ms(at), LONGEST);
        }
        assert_eq!(regular.patience(INTERVAL, LONGEST), Duration::from_millis(350));
        let patience = irregular.patience(INTERVAL, LONGEST);
        assert!(patience > Duration::from_millis(450) && patience < LONGEST, "{patience:?}");
        irregular.beat(ms(at + 60_000), LONGEST);
        assert_eq!(irregular.patience(INTERVAL, LONGEST), LONGEST);
    }

    #[test]
    fn a_link_that_flaps_is_trusted_later_each_time_and_sooner_again_after_peace() {
        let patience = Duration::from_millis(350);
        let mut hearing = Hearing::new(ms(0));
        assert!(hearing.counts(ms(0)), "the first frame of a new link counts at once");
        let mut at = 0;
        let mut waits = Vec::new();
        for _ in 0..4 {
            at += 400;
            hearing.look(ms(at), patience);
            assert!(!hearing.counts(ms(at)));
            hearing.frame(ms(at));
            let began = at;
            while !hearing.counts(ms(at)) {
                at += 10;
                hearing.frame(ms(at));
            }
            waits.push(at - began);
        }
        assert_eq!(waits, [100, 200, 400, 800]);
        for _ in 0..400 {
            at += 100;
            hearing.frame(ms(at));
            hearing.look(ms(at), patience);
        }
        hearing.look(ms(at + 400), patience);
        hearing.frame(ms(at + 400));
        assert!(hearing.counts(ms(at + 600)), "forty seconds of peace have taken the doublings back");
    }
}
