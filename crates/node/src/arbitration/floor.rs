//! Forgetting: what a floor entry drops, and what goes when there are too many marks.
//!
//! A mark may go once no assignment can still be applied that had not seen what it remembers: the floor says so, and the rules supersede such an assignment from then on. Dots leave the marks when they are known to be decided on every shard;
//! what is left of them is the latest time among them, in the mark and then in its slot.
//!
//! One entry looks at a bounded number of marks, so that no apply takes long; the next one goes on.

use super::Arbitration;
use crate::marks::{Mark, reached};
use proto::hlc::Timestamp;
use proto::limits::MAX_MARKS;
use proto::slots::slot_of;
use proto::tentative::Fold;

/// Marks that one floor entry drops, and marks out of which it takes dots.
const MARKS_PER_ENTRY: usize = 4_096;

impl Arbitration {
    /// Applies a floor entry.
    pub(crate) fn raise_floor(&mut self, floor: Timestamp, folds: &[Fold]) {
        self.floor = self.floor.max(floor);
        for fold in folds {
            match self.folds.binary_search_by_key(&fold.origin, |known| known.origin) {
                Ok(at) if self.folds[at].number < fold.number => {
                    let earlier = self.folds[at].at;
                    self.folds[at] = Fold { at: fold.at.max(earlier), ..*fold };
                }
                Ok(_) => {}
                Err(at) => self.folds.insert(at, *fold),
            }
        }
        let mut kept = std::mem::take(&mut self.kept);
        self.strip(&mut kept);
        self.kept = kept;
        self.fold_slots();
        self.fold_marks();
        self.drop_marks(self.floor);
    }

    fn fold_slots(&mut self) {
        let dotted: Vec<u16> =
            self.slots.iter().filter(|(_, slot)| !slot.dots.is_empty()).map(|(number, _)| *number).collect();
        for number in dotted {
            let mut slot = self.slots.remove(&number).expect("it was just listed");
            slot.folded = self.strip(&mut slot.dots).max(slot.folded);
            self.slots.insert(number, slot);
        }
    }

    fn fold_marks(&mut self) {
        let looked_at = self.keys.dotted(self.fold_from.take(), MARKS_PER_ENTRY);
        if looked_at.len() == MARKS_PER_ENTRY {
            self.fold_from = looked_at.last().cloned();
        }
        for (_, key) in looked_at {
            let mut mark = self.keys.take(&key).expect("it was just listed");
            mark.folded = self.strip(&mut mark.dots).max(mark.folded);
            self.keys.put(&key, mark);
        }
    }

    /// Drops marks without dots that were decided by then.
    fn drop_marks(&mut self, decided_by: Timestamp) {
        for _ in 0..MARKS_PER_ENTRY {
            match self.keys.oldest_plain() {
                Some((at, key)) if at <= decided_by => {
                    reached(Mark::MarkForgotten);
                    self.forget(&key);
                }
                _ => break,
            }
        }
    }

    /// Drops the oldest marks while there are too many, and raises the floor to them: what had not seen what they remember is superseded.
    pub(crate) fn bound_marks(&mut self) {
        self.bound_marks_to(MAX_MARKS);
    }

    fn bound_marks_to(&mut self, most: usize) {
        while self.keys.weight() > most {
            let Some(key) = self.keys.oldest() else { return };
            self.floor = self.keys.get(&key).map_or(self.floor, |mark| mark.decided_at.max(self.floor));
            self.forget(&key);
        }
    }

    /// Drops one mark; its slot keeps what its readers depend on.
    fn forget(&mut self, key: &[u8]) {
        let Some(mark) = self.keys.take(key) else { return };
        if mark.folded > Timestamp::ZERO || !mark.dots.is_empty() {
            let number = slot_of(key).0;
            let mut slot = self.slots.remove(&number).unwrap_or_default();
            slot.folded = slot.folded.max(mark.folded);
            slot.dots.join(&mark.dots);
            self.slots.insert(number, slot);
        }
    }

    /// The planted bug: what is deleted is forgotten at once.
    #[cfg(feature = "planted")]
    pub(crate) fn drop_deletions(&mut self, state: &storage::state::ShardState) {
        let gone: Vec<bytes::Bytes> =
            self.keys.names().filter(|key| state.get(key).is_none()).cloned().collect();
        gone.iter().for_each(|key| self.forget(key));
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::KeyMark;
    use super::*;
    use proto::ids::NodeId;
    use proto::tentative::{Dot, Dots, Origin};

    fn dot(node: u64, number: u64) -> Dot {
        Dot { origin: Origin::first_of(NodeId(node)), number }
    }

    fn mark(at: u64, dots: &[Dot]) -> KeyMark {
        KeyMark { dots: dots.iter().copied().collect(), ..KeyMark::strongly(Timestamp(at)) }
    }

    #[test]
    fn a_mark_goes_when_the_floor_has_passed_it_and_its_dots_are_decided() {
        let mut arbitration = Arbitration::default();
        arbitration.keys.put(b"plain", mark(5, &[]));
        arbitration.keys.put(b"late", mark(9, &[]));
        arbitration.keys.put(b"dotted", mark(5, &[dot(1, 7), dot(2, 3)]));
        arbitration.raise_floor(Timestamp(5), &[]);
        assert!(arbitration.keys.get(b"plain").is_none());
        assert!(arbitration.keys.get(b"late").is_some() && arbitration.keys.get(b"dotted").is_some());
        let fold =
            |node, number, at| Fold { origin: Origin::first_of(NodeId(node)), number, at: Timestamp(at) };
        arbitration.raise_floor(Timestamp(5), &[fold(1, 7, 30), fold(2, 2, 99)]);
        let (mut dots, mut seen) = (Dots::NONE, Timestamp::ZERO);
        arbitration.join_dependencies(b"dotted", &mut dots, &mut seen);
        assert_eq!((dots.iter().collect::<Vec<_>>(), seen), (vec![dot(2, 3)], Timestamp(30)));
        arbitration.raise_floor(Timestamp(4), &[fold(2, 4, 40)]);
        assert!(arbitration.keys.get(b"dotted").is_none());
        assert_eq!(arbitration.floor(), Timestamp(5));
        let (mut dots, mut seen) = (Dots::NONE, Timestamp::ZERO);
        arbitration.join_dependencies(b"dotted", &mut dots, &mut seen);
        assert_eq!((dots, seen), (Dots::NONE, Timestamp(99)), "its slot remembers");
        arbitration.raise_floor(Timestamp(9), &[]);
        assert!(!arbitration.wants_floor());
    }

    #[test]
    fn a_dot_that_never_folds_does_not_keep_others_from_folding() {
        let mut arbitration = Arbitration::default();
        for number in 0..MARKS_PER_ENTRY as u64 {
            arbitration.keys.put(format!("stuck {number}").as_bytes(), mark(number, &[dot(1, 1)]));
        }
        arbitration.keys.put(b"behind", mark(1_000_000, &[dot(2, 1)]));
        let fold = Fold { origin: Origin::first_of(NodeId(2)), number: 1, at: Timestamp(7) };
        arbitration.raise_floor(Timestamp(2_000_000), &[fold]);
        arbitration.raise_floor(Timestamp(2_000_000), &[]);
        assert!(arbitration.keys.get(b"behind").is_none());
        assert_eq!(arbitration.len(), MARKS_PER_ENTRY);
    }

    #[test]
    fn too_many_marks_raise_the_floor_and_the_slot_keeps_the_dots() {
        let mut arbitration = Arbitration::default();
        arbitration.keys.put(b"a", mark(5, &[dot(1, 1)]));
        arbitration.keys.put(b"b", mark(6, &[]));
        arbitration.keys.put(b"c", mark(7, &[]));
        arbitration.bound_marks_to(1);
        assert_eq!((arbitration.len(), arbitration.floor()), (1, Timestamp(7)));
        arbitration.bound_marks_to(0);
        let (mut dots, mut seen) = (Dots::NONE, Timestamp::ZERO);
        arbitration.join_dependencies(b"a", &mut dots, &mut seen);
        assert_eq!(dots.of(dot(1, 1).origin), 1);
        assert!(arbitration.wants_floor());
    }
}
