//! What is known to be decided of each origin, and dots and sessions without what is.
//!
//! An origin says "all my operations up to n are decided, at times up to t" (`Folded`, and in its announcements). A dot up to n then says no more than t does, so it leaves the session and the session has seen t:
//! in a healthy cluster sessions have no dots for longer than milliseconds (`docs/consistency.md`, folding).
//!
//! Older words are kept for a while, thinned out: a dot becomes the time of the first word that covers it. With the newest alone, whoever reads a key would depend on all that its origin did since, on whatever shard, and would
//! hear `BEHIND` from a replica that is cut off and lacks none of what was read.
//!
//! Invariants: each word is a prefix, as its origin told it; of two words the one that goes further counts, whichever came last. Not here: what this node may tell of its own operations (`tentative::folds`).

use proto::hlc::Timestamp;
use proto::limits::MAX_FOLDS_OF_ORIGIN;
use proto::session::Session;
use proto::tentative::{Dot, Dots, Fold, Origin};
use std::collections::BTreeMap;

/// The words of each origin, the newest last; each goes further than the one before it.
#[derive(Clone, Debug, Default)]
pub struct Folds(BTreeMap<Origin, Vec<Fold>>);

impl Folds {
    /// Takes a word in; says whether it was news.
    pub fn learn(&mut self, fold: Fold) -> bool {
        let words = self.0.entry(fold.origin).or_default();
        if fold.number <= words.last().map_or(0, |newest| newest.number) {
            return false;
        }
        words.push(fold);
        if words.len() > MAX_FOLDS_OF_ORIGIN {
            // Every other one, so the older they are the further apart; never the newest.
            let newest = words.len() - 1;
            let mut at = 0;
            words.retain(|_| {
                at += 1;
                (newest + 1 - at).is_multiple_of(2)
            });
        }
        true
    }

    /// The newest word of each origin.
    pub fn newest(&self) -> impl Iterator<Item = Fold> + '_ {
        self.0.values().filter_map(|words| words.last()).copied()
    }

    /// The time that stands for a dot, if that is known to be decided.
    fn time_of(&self, dot: &Dot) -> Option<Timestamp> {
        let words = self.0.get(&dot.origin)?;
        let first = words.partition_point(|fold| fold.number < dot.number);
        words.get(first).map(|fold| fold.at)
    }

    /// Whether all of these are known to be decided.
    pub(crate) fn cover(&self, dots: &Dots) -> bool {
        dots.iter().all(|dot| self.time_of(&dot).is_some())
    }

    /// Takes the dots that are known to be decided out, and answers the time that stands for them.
    pub fn fold(&self, dots: &mut Dots) -> Timestamp {
        let mut latest = Timestamp::ZERO;
        dots.retain(|dot| match self.time_of(dot) {
            Some(at) => {
                latest = latest.max(at);
                false
            }
            None => true,
        });
        latest
    }

    /// The same for a session.
    pub fn fold_session(&self, session: &mut Session) {
        if !session.dots.is_empty() {
            let at = self.fold(&mut session.dots);
            session.see(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;

    fn origin(node: u64) -> Origin {
        Origin::first_of(NodeId(node))
    }

    fn fold(number: u64, at: u64) -> Fold {
        Fold { origin: origin(1), number, at: Timestamp(at) }
    }

    fn dot(node: u64, number: u64) -> Dot {
        Dot { origin: origin(node), number }
    }

    #[test]
    fn a_decided_dot_becomes_the_time_of_its_decision() {
        let mut folds = Folds::default();
        assert!(folds.learn(fold(5, 50)));
        assert!(!folds.learn(fold(4, 99)), "an old word, come late");
        let mut session = Session::at(Timestamp(10));
        session.dots.add(dot(1, 6));
        session.dots.add(dot(2, 1));
        folds.fold_session(&mut session);
        assert_eq!((session.hlc, session.dots.len()), (Timestamp(10), 2), "not decided yet");
        assert!(folds.learn(fold(6, 60)));
        folds.fold_session(&mut session);
        let left: Dots = [dot(2, 1)].into_iter().collect();
        assert_eq!(session, Session { hlc: Timestamp(60), dots: left }, "another origin's stays");
    }

    #[test]
    fn the_first_word_that_covers_a_dot_says_its_time_and_the_newest_is_never_thinned_out() {
        let mut folds = Folds::default();
        let last = 10 * MAX_FOLDS_OF_ORIGIN as u64;
        for number in 1..=last {
            assert!(folds.learn(fold(number, 10 * number)));
            assert_eq!(folds.newest().collect::<Vec<_>>(), [fold(number, 10 * number)]);
            assert!(folds.0[&origin(1)].len() <= MAX_FOLDS_OF_ORIGIN);
        }
        for number in 1..=last {
            let at = folds.fold(&mut [dot(1, number)].into_iter().collect());
            assert!((10 * number..=10 * last).contains(&at.0), "{number} at {at:?}");
        }
        assert_eq!(folds.fold(&mut [dot(1, last)].into_iter().collect()), Timestamp(10 * last));
        let old = folds.fold(&mut [dot(1, 1)].into_iter().collect());
        assert!(old < Timestamp(5 * last), "{old:?}");
    }
}
