//! What is remembered of a key, and the keys in the order in which they are forgotten.
//!
//! Invariants of [`Marks`]: `order` holds each key once, those without dots first, each kind from the one that was decided longest ago; `weight` counts the keys and their elements' marks.

use super::element_marks::ElementMarks;
use bytes::Bytes;
use imbl::{OrdMap, OrdSet};
use proto::hlc::Timestamp;
use proto::tentative::{Dot, Dots, Operation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A tentative operation that later ones must beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Winner {
    pub(super) time: Timestamp,
    pub(super) dot: Dot,
    /// When it was decided.
    pub(super) at: Timestamp,
}

impl Winner {
    pub(super) fn of(operation: &Operation, at: Timestamp) -> Winner {
        Winner { time: operation.time, dot: operation.dot, at }
    }

    pub(super) fn beats(&self, operation: &Operation) -> bool {
        (self.time, self.dot) > (operation.time, operation.dot)
    }
}

/// The newer of what won and an effect.
pub(super) fn newest(winner: &mut Option<Winner>, operation: &Operation, at: Timestamp) {
    if !winner.is_some_and(|winner| winner.beats(operation)) {
        *winner = Some(Winner::of(operation, at));
    }
}

/// What is remembered of one field or member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ElementMark {
    /// Its newest strong write.
    pub(super) strong: Timestamp,
    /// Its newest tentative operation, removals left out.
    pub(super) winner: Option<Winner>,
    /// For each origin the newest operation that put the member in, and when that was decided: what a removal must have seen.
    pub(super) adds: Vec<(Dot, Timestamp)>,
}

impl ElementMark {
    /// An operation puts the member in.
    pub(super) fn added(&mut self, dot: Dot, at: Timestamp) {
        self.adds.retain(|(known, _)| known.origin != dot.origin);
        self.adds.push((dot, at));
    }

    /// When the newest was decided of all that it remembers.
    pub(super) fn newest(&self) -> Timestamp {
        let tentative =
            self.winner.map(|winner| winner.at).into_iter().chain(self.adds.iter().map(|(_, at)| *at));
        tentative.fold(self.strong, Timestamp::max)
    }
}

/// What is remembered of a key, present or deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KeyMark {
    /// The newest strong write of it or of any element.
    pub(super) strong: Timestamp,
    /// The newest strong write that counts for every element.
    pub(super) whole: Timestamp,
    /// The newest tentative operation on it or on any element.
    pub(super) winner: Option<Winner>,
    /// The newest tentative assignment of the whole key.
    pub(super) whole_winner: Option<Winner>,
    /// When it last changed.
    pub(super) decided_at: Timestamp,
    /// The tentative operations that made it, and what they depended on.
    pub(super) dots: Dots,
    /// Dots that are no longer among them were decided by then.
    pub(super) folded: Timestamp,
    /// What is remembered of its fields or members.
    pub(super) elements: ElementMarks,
}

impl KeyMark {
    /// A key of which only the newest strong write is known.
    pub(super) fn new(strong: Timestamp) -> KeyMark {
        KeyMark { strong, whole: strong, ..KeyMark::default() }
    }

    /// A deletion, or another strong write of the whole key.
    pub(super) fn strongly(at: Timestamp) -> KeyMark {
        KeyMark { decided_at: at, ..KeyMark::new(at) }
    }

    fn place(&self, key: &Bytes) -> (bool, Timestamp, Bytes) {
        (!self.dots.is_empty(), self.decided_at, key.clone())
    }

    /// In pieces of 256 bytes, about.
    fn weight(&self, key: &[u8]) -> usize {
        1 + key.len() / 128 + self.elements.weight()
    }
}

/// All marks of a shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(Bytes, KeyMark)>", into = "Vec<(Bytes, KeyMark)>")]
pub(super) struct Marks {
    keys: OrdMap<Bytes, Arc<KeyMark>>,
    order: OrdSet<(bool, Timestamp, Bytes)>,
    weight: usize,
}

impl Marks {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys and elements have a mark.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&KeyMark> {
        self.keys.get(key).map(|mark| &**mark)
    }

    /// Takes a key's mark out, to be changed and put back, or forgotten.
    pub(super) fn take(&mut self, key: &[u8]) -> Option<KeyMark> {
        if self.keys.is_empty() {
            return None;
        }
        let (key, mark) = self.keys.remove_with_key(key)?;
        self.order.remove(&mark.place(&key));
        self.weight -= mark.weight(&key);
        Some(Arc::unwrap_or_clone(mark))
    }

    /// Puts a key's mark in place of what is there.
    pub(super) fn put(&mut self, key: &[u8], mark: KeyMark) {
        self.take(key);
        let key = Bytes::copy_from_slice(key);
        self.order.insert(mark.place(&key));
        self.weight += mark.weight(&key);
        self.keys.insert(key, Arc::new(mark));
    }

    #[cfg(feature = "planted")]
    pub(super) fn names(&self) -> impl Iterator<Item = &Bytes> {
        self.keys.keys()
    }

    /// Of those without dots the one that was decided longest ago.
    pub(super) fn oldest_plain(&self) -> Option<(Timestamp, Bytes)> {
        let (dotted, at, key) = self.order.get_min()?;
        (!dotted).then(|| (*at, key.clone()))
    }

    /// The one to forget first.
    pub(super) fn oldest(&self) -> Option<Bytes> {
        self.order.get_min().map(|(.., key)| key.clone())
    }

    /// At most so many of those with dots, behind this place.
    pub(super) fn dotted(&self, from: Option<(Timestamp, Bytes)>, most: usize) -> Vec<(Timestamp, Bytes)> {
        let (at, key) = from.unwrap_or_default();
        let behind = |place: &&(bool, Timestamp, Bytes)| (place.1, &place.2) != (at, &key);
        let places = self.order.range((true, at, key.clone())..).filter(behind);
        places.take(most).map(|(_, at, key)| (*at, key.clone())).collect()
    }
}

impl From<Vec<(Bytes, KeyMark)>> for Marks {
    fn from(pairs: Vec<(Bytes, KeyMark)>) -> Marks {
        let mut marks = Marks::default();
        pairs.into_iter().for_each(|(key, mark)| marks.put(&key, mark));
        marks
    }
}

impl From<Marks> for Vec<(Bytes, KeyMark)> {
    fn from(marks: Marks) -> Vec<(Bytes, KeyMark)> {
        marks.keys.iter().map(|(key, mark)| (key.clone(), KeyMark::clone(mark))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;
    use proto::tentative::Origin;

    #[test]
    fn marks_without_dots_are_forgotten_first_and_each_kind_from_the_oldest() {
        let mut marks = Marks::default();
        let at = |at: u64, dotted: bool| {
            let mut mark = KeyMark::strongly(Timestamp(at));
            if dotted {
                mark.dots.add(Dot { origin: Origin::first_of(NodeId(1)), number: at });
            }
            mark
        };
        marks.put(b"old with dots", at(1, true));
        marks.put(b"newer", at(3, false));
        marks.put(b"new with dots", at(4, true));
        marks.put(b"new", at(9, false));
        marks.put(b"new", at(2, false));
        let bytes = postcard::to_stdvec(&marks).expect("encoding to memory cannot fail");
        assert_eq!(postcard::from_bytes::<Marks>(&bytes), Ok(marks.clone()));
        assert_eq!(marks.dotted(None, 9).len(), 2);
        let first = marks.dotted(None, 1);
        assert_eq!(marks.dotted(first.first().cloned(), 9), [(Timestamp(4), Bytes::from("new with dots"))]);
        let mut order = Vec::new();
        while let Some(key) = marks.oldest() {
            marks.take(&key);
            order.push(key);
        }
        assert_eq!(order, ["new", "newer", "old with dots", "new with dots"]);
        assert_eq!((marks.weight(), marks.order.len()), (0, 0));
    }
}
