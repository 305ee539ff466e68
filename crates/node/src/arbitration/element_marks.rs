//! What is remembered of the fields and members of one key.
//!
//! A mark of an element may go once the floor has passed all that it says: an assignment that had seen less is superseded by the floor, and so is a removal, where nothing is known of the element. Looking through all of them at
//! each floor entry could take long, so whoever writes one looks at the next ones and at both ends (names often rise or fall with time): a key that is written has few marks more than are needed, however large it is, and one
//! that is not loses them all with its own mark.
//!
//! Invariant: `name_bytes` is the sum of the names' lengths; it is not part of the bytes, which are a sequence of pairs in the order of the names.

use super::marks::ElementMark;
use super::pairs;
use bytes::Bytes;
use imbl::OrdMap;
use proto::hlc::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Bound;

/// So many behind a name, and at each end, are looked at when it is written: with two, marks go twice as fast as they come.
const LOOKED_AT: usize = 2;
/// Bytes of names that weigh as much as one mark.
const NAME_BYTES_PER_MARK: usize = 256;

/// The elements' marks of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ElementMarks {
    marks: OrdMap<Bytes, ElementMark>,
    name_bytes: usize,
}

impl ElementMarks {
    pub(super) fn get(&self, name: &[u8]) -> Option<&ElementMark> {
        self.marks.get(name)
    }

    /// Takes one out, to be changed and put back.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<ElementMark> {
        let mark = self.marks.remove(name)?;
        self.name_bytes -= name.len();
        Some(mark)
    }

    /// Puts one in, in place of what is there.
    pub(super) fn put(&mut self, name: &Bytes, mark: ElementMark) {
        if self.marks.insert(name.clone(), mark).is_none() {
            self.name_bytes += name.len();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = ElementMarks::default();
    }

    /// How many marks there are, long names counted as more than one.
    pub(super) fn weight(&self) -> usize {
        self.marks.len() + self.name_bytes / NAME_BYTES_PER_MARK
    }

    /// Looks at some marks, those behind this name among them, and forgets what the floor has passed.
    pub(super) fn forget_some(&mut self, name: &Bytes, floor: Timestamp) {
        let behind = self.marks.range((Bound::Excluded(name.clone()), Bound::Unbounded)).take(LOOKED_AT);
        let ends = self.marks.iter().take(LOOKED_AT).chain(self.marks.iter().rev().take(LOOKED_AT));
        let looked_at = behind.chain(ends).filter(|(_, mark)| mark.newest() <= floor);
        let old: Vec<Bytes> = looked_at.map(|(name, _)| name.clone()).collect();
        old.iter().for_each(|name| drop(self.take(name)));
    }
}

impl Serialize for ElementMarks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        pairs::serialize(&self.marks, serializer)
    }
}

impl<'de> Deserialize<'de> for ElementMarks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ElementMarks, D::Error> {
        let marks: OrdMap<Bytes, ElementMark> = pairs::deserialize(deserializer)?;
        let name_bytes = marks.keys().map(Bytes::len).sum();
        Ok(ElementMarks { marks, name_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: u64) -> ElementMark {
        ElementMark { strong: Timestamp(at), ..ElementMark::default() }
    }

    #[test]
    fn whoever_writes_forgets_what_is_old_in_whatever_order_names_come() {
        for step in [1, 7_919, 9_999] {
            let mut marks = ElementMarks::default();
            for at in 0..10_000_u64 {
                let name = Bytes::from(format!("{:05}", at * step % 10_000));
                marks.put(&name, mark(at));
                marks.forget_some(&name, Timestamp(at.saturating_sub(100)));
            }
            assert!((100..400).contains(&marks.weight()), "step {step}: {}", marks.weight());
            let bytes = postcard::to_stdvec(&marks).expect("encoding to memory cannot fail");
            assert_eq!(postcard::from_bytes::<ElementMarks>(&bytes), Ok(marks));
        }
    }

    #[test]
    fn long_names_weigh_more_and_what_is_put_twice_weighs_once() {
        let mut marks = ElementMarks::default();
        let long = Bytes::from(vec![b'x'; 64 * 1024]);
        marks.put(&long, mark(1));
        marks.put(&long, mark(2));
        assert_eq!(marks.weight(), 1 + 256);
        assert_eq!(marks.take(&long), Some(mark(2)));
        assert_eq!(marks.weight(), 0);
    }
}
