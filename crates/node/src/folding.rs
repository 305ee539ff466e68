//! What is known to be decided of each origin, and sessions without what is.
//!
//! An origin says "all my operations up to n are decided, at times up to t" (`Folded`, and in its announcements). A dot up to n then says no more than t does, so it leaves the session and the session has seen t:
//! in a healthy cluster sessions have no dots for longer than milliseconds (`docs/consistency.md`, folding).
//!
//! Invariant: of two words of one origin the one that goes further counts, whichever came last.

use proto::session::Session;
use proto::tentative::{Fold, Origin};
use std::collections::BTreeMap;

/// The newest word of each origin.
#[derive(Debug, Default)]
pub(crate) struct Folds(BTreeMap<Origin, Fold>);

impl Folds {
    /// Takes a word in; says whether it was news.
    pub(crate) fn learn(&mut self, fold: Fold) -> bool {
        match self.0.get(&fold.origin) {
            Some(known) if known.number >= fold.number => false,
            _ => {
                self.0.insert(fold.origin, fold);
                true
            }
        }
    }

    /// Takes out of a session the dots that are known to be decided.
    pub(crate) fn fold(&self, session: &mut Session) {
        let hlc = &mut session.hlc;
        session.dots.retain(|dot| match self.0.get(&dot.origin).filter(|fold| dot.number <= fold.number) {
            Some(fold) => {
                *hlc = (*hlc).max(fold.at);
                false
            }
            None => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::hlc::Timestamp;
    use proto::ids::NodeId;
    use proto::tentative::Dot;

    #[test]
    fn a_decided_dot_becomes_the_time_of_its_decision() {
        let origin = Origin::first_of(NodeId(1));
        let fold = |number, at| Fold { origin, number, at: Timestamp(at) };
        let mut folds = Folds::default();
        assert!(folds.learn(fold(5, 50)));
        assert!(!folds.learn(fold(4, 99)), "an old word, come late");
        let mut session = Session::at(Timestamp(10));
        session.dots.add(Dot { origin, number: 6 });
        folds.fold(&mut session);
        assert_eq!((session.hlc, session.dots.len()), (Timestamp(10), 1), "not decided yet");
        assert!(folds.learn(fold(6, 60)));
        folds.fold(&mut session);
        assert_eq!(session, Session::at(Timestamp(60)));
    }
}
