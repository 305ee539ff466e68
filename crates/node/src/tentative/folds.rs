//! What is decided of each origin as a whole: so that dots can leave sessions, tokens and keys.
//!
//! A dot stands for everything that its origin took up to a number, on all shards. Only the origin knows all of that; it tells "up to n everything is decided, at times up to h" from what it has applied itself, and whoever
//! hears it may repeat it. Then a dot up to n is as good as the time h.
//!
//! Invariant: what is told is a prefix: no operation up to the number is undecided.

use proto::hlc::Timestamp;
use proto::session::Session;
use proto::tentative::{Dots, Fold, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// The newest fold of each origin that was heard of.
#[derive(Clone, Debug, Default)]
pub struct Folds(BTreeMap<Origin, Fold>);

impl Folds {
    /// Takes one in; `false` if it says nothing new.
    pub fn learn(&mut self, fold: Fold) -> bool {
        let known = self.0.entry(fold.origin).or_insert(Fold { number: 0, ..fold });
        let news = fold.number > known.number;
        if news {
            *known = fold;
        }
        news
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Fold> + '_ {
        self.0.values().copied()
    }

    /// Takes the dots that are known to be decided out, and answers the time that stands for them.
    pub fn fold(&self, dots: &mut Dots) -> Timestamp {
        let mut at = Timestamp::ZERO;
        dots.retain(|dot| match self.0.get(&dot.origin) {
            Some(fold) if fold.number >= dot.number => {
                at = at.max(fold.at);
                false
            }
            _ => true,
        });
        at
    }

    /// The same for a session.
    pub fn fold_session(&self, session: &mut Session) {
        if !session.dots.is_empty() {
            let at = self.fold(&mut session.dots);
            session.see(at);
        }
    }
}

/// What this node knows of its own operations.
#[derive(Debug, Default)]
pub(super) struct OwnFold {
    undecided: BTreeSet<u64>,
    newest: u64,
    at: Timestamp,
    told: u64,
}

impl OwnFold {
    /// An operation was taken.
    pub(super) fn took(&mut self, number: u64) {
        self.undecided.insert(number);
        self.newest = self.newest.max(number);
    }

    /// Numbers up to here were given out.
    pub(super) fn numbered(&mut self, newest: u64) {
        self.newest = self.newest.max(newest);
    }

    /// Something of this origin may have been decided at this time.
    pub(super) fn saw(&mut self, at: Timestamp) {
        self.at = self.at.max(at);
    }

    /// One was decided, at this time or before it.
    pub(super) fn decided(&mut self, number: u64, at: Timestamp) {
        self.undecided.remove(&number);
        self.saw(at);
    }

    /// The planted bug: what is told is no prefix.
    #[cfg(feature = "planted")]
    pub(super) fn plant(&mut self, no_prefix: bool) {
        if no_prefix {
            self.undecided.clear();
        }
    }

    /// What can be told.
    pub(super) fn fold(&self, origin: Origin) -> Option<Fold> {
        let number = self.undecided.first().map_or(self.newest, |first| first - 1);
        (number > 0).then_some(Fold { origin, number, at: self.at })
    }

    /// The same, if it was not told yet.
    pub(super) fn news(&mut self, origin: Origin) -> Option<Fold> {
        let fold = self.fold(origin).filter(|fold| fold.number > self.told)?;
        self.told = fold.number;
        Some(fold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;
    use proto::tentative::Dot;

    const ORIGIN: Origin = Origin { node: NodeId(1), core: 0, incarnation: 1 };

    #[test]
    fn only_a_prefix_is_told_and_once() {
        let mut own = OwnFold::default();
        assert_eq!(own.news(ORIGIN), None);
        (1..=3).for_each(|number| own.took(number));
        own.decided(2, Timestamp(20));
        own.decided(3, Timestamp(30));
        assert_eq!(own.news(ORIGIN), None, "the first is undecided");
        own.decided(1, Timestamp(25));
        assert_eq!(own.news(ORIGIN), Some(Fold { origin: ORIGIN, number: 3, at: Timestamp(30) }));
        assert_eq!(own.news(ORIGIN), None);
    }

    #[test]
    fn a_dot_that_is_decided_becomes_a_time() {
        let mut folds = Folds::default();
        assert!(folds.learn(Fold { origin: ORIGIN, number: 3, at: Timestamp(30) }));
        assert!(!folds.learn(Fold { origin: ORIGIN, number: 2, at: Timestamp(90) }), "older");
        let other = Origin { node: NodeId(2), ..ORIGIN };
        let dots = [Dot { origin: ORIGIN, number: 3 }, Dot { origin: other, number: 1 }];
        let mut session = Session { hlc: Timestamp(7), dots: dots.into_iter().collect() };
        folds.fold_session(&mut session);
        assert_eq!(session, Session { hlc: Timestamp(30), dots: [dots[1]].into_iter().collect() });
        let mut later: Dots = [Dot { origin: ORIGIN, number: 4 }].into_iter().collect();
        assert_eq!((folds.fold(&mut later), later.len()), (Timestamp::ZERO, 1), "not decided");
    }
}
