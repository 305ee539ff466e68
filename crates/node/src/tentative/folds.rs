//! What this node may tell of its own operations as a whole: so that dots can leave sessions, tokens and keys.
//!
//! A dot stands for everything that its origin took up to a number, on all shards. Only the origin knows all of that; it tells "up to n everything is decided, at times up to h" from what it has applied itself, and whoever
//! hears it may repeat it (`folding`). Then a dot up to n is as good as the time h.
//!
//! Invariant: what is told is a prefix: no operation up to the number is undecided.

use proto::hlc::Timestamp;
use proto::tentative::{Fold, Origin};
use std::collections::BTreeSet;

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
}
