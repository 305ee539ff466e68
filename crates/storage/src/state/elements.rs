//! Elements that have names: the members of a set, the fields of a hash, the members of a sorted set with their scores.
//!
//! They stand in the order of (48-bit hash of the name, name), as keys do in a slot, and for the same reason: a position means the same after any change and on any
//! replica, so SSCAN, HSCAN and ZSCAN remember nothing. Each collection keeps the sum of its elements' hashes and of their bytes, so that changing one of a
//! million costs O(log n) for the data, the digest and the memory count alike.
//!
//! ```text
//! member of a set       | name                          a name or value: u32 le n, n bytes
//! field of a hash       | name  | value
//! scored member         | score (f64 le) | name
//! ```
//!
//! An element's type is a struct of its own: what later levels keep with an element (the dots of an add, the winner of a field) has its place there.

use super::blob::Blob;
use super::item::{ItemError, number, piece};
use super::sequence::{Iter, Sequence};
use super::slot::position_of;
use bytes::{BufMut, BytesMut};
use proto::limits::MAX_VALUE_BYTES;
use proto::score::Score;
use xxhash_rust::xxh3::xxh3_128;

/// What an element occupies beside itself: its share of spare room in its leaf and of the nodes above.
pub(super) const SHARE_BYTES: usize = 16;

/// Something with a name, unique in its collection.
pub trait Element: Clone + PartialEq {
    /// The hash that orders it.
    fn position(&self) -> u64;
    /// Its name.
    fn name(&self) -> &Blob;
    /// Bytes outside of itself.
    fn heap_bytes(&self) -> usize;
    /// Appends its bytes.
    fn encode(&self, out: &mut BytesMut);
    /// Takes its bytes from the front of `input`.
    ///
    /// # Errors
    /// [`ItemError`] if they are none.
    fn decode(input: &mut &[u8]) -> Result<Self, ItemError>;
}

/// A member of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    position: u64,
    name: Blob,
}

impl Member {
    /// A member of this name. Copies it.
    pub fn new(name: &[u8]) -> Member {
        Member { position: position_of(name), name: Blob::from(name) }
    }
}

impl Element for Member {
    fn position(&self) -> u64 {
        self.position
    }

    fn name(&self) -> &Blob {
        &self.name
    }

    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes()
    }

    fn encode(&self, out: &mut BytesMut) {
        put_piece(out, &self.name);
    }

    fn decode(input: &mut &[u8]) -> Result<Member, ItemError> {
        Ok(Member::new(piece(input, MAX_VALUE_BYTES)?))
    }
}

/// A field of a hash with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    position: u64,
    name: Blob,
    /// What it holds.
    pub value: Blob,
}

impl Field {
    /// A field. Copies both.
    pub fn new(name: &[u8], value: &[u8]) -> Field {
        Field { position: position_of(name), name: Blob::from(name), value: Blob::from(value) }
    }
}

impl Element for Field {
    fn position(&self) -> u64 {
        self.position
    }

    fn name(&self) -> &Blob {
        &self.name
    }

    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes() + self.value.heap_bytes()
    }

    fn encode(&self, out: &mut BytesMut) {
        put_piece(out, &self.name);
        put_piece(out, &self.value);
    }

    fn decode(input: &mut &[u8]) -> Result<Field, ItemError> {
        let name = piece(input, MAX_VALUE_BYTES)?;
        Ok(Field::new(name, piece(input, MAX_VALUE_BYTES)?))
    }
}

/// A member of a sorted set with its score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    position: u64,
    name: Blob,
    /// What it is sorted by.
    pub score: Score,
}

impl Scored {
    /// A member with its score. Copies the name.
    pub fn new(name: &[u8], score: Score) -> Scored {
        Scored { position: position_of(name), name: Blob::from(name), score }
    }
}

impl Element for Scored {
    fn position(&self) -> u64 {
        self.position
    }

    fn name(&self) -> &Blob {
        &self.name
    }

    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes()
    }

    fn encode(&self, out: &mut BytesMut) {
        out.put_u64_le(self.score.get().to_bits());
        put_piece(out, &self.name);
    }

    fn decode(input: &mut &[u8]) -> Result<Scored, ItemError> {
        let bits = number::<8>(input)?;
        let score = Score::new(f64::from_bits(bits)).filter(|score| score.get().to_bits() == bits);
        Ok(Scored::new(piece(input, MAX_VALUE_BYTES)?, score.ok_or(ItemError::Flags)?))
    }
}

pub(super) fn put_piece(out: &mut BytesMut, piece: &Blob) {
    let piece = piece.as_slice();
    out.reserve(4 + piece.len());
    out.put_u32_le(u32::try_from(piece.len()).expect("pieces are bounded"));
    out.put_slice(piece);
}

/// The hash of an element's bytes. `scratch` saves allocations.
fn digest_of<E: Element>(element: &E) -> u128 {
    let mut bytes = BytesMut::with_capacity(64);
    element.encode(&mut bytes);
    xxh3_128(&bytes)
}

fn bytes_of<E: Element>(element: &E) -> u64 {
    (size_of::<E>() + SHARE_BYTES + element.heap_bytes()) as u64
}

/// A collection of named elements.
#[derive(Clone, Debug)]
pub struct Elements<E> {
    sequence: Sequence<E>,
    sum: u128,
    bytes: u64,
}

impl<E: Element> Default for Elements<E> {
    fn default() -> Self {
        Elements { sequence: Sequence::default(), sum: 0, bytes: 0 }
    }
}

impl<E: Element> PartialEq for Elements<E> {
    fn eq(&self, other: &Self) -> bool {
        self.sum == other.sum && self.sequence == other.sequence
    }
}

impl<E: Element> Eq for Elements<E> {}

impl<E: Element> Elements<E> {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.sequence.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// The sum of the hashes of its elements' bytes.
    pub(super) fn sum(&self) -> u128 {
        self.sum
    }

    /// About how many bytes its elements occupy.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn place(&self, position: u64, name: &[u8]) -> usize {
        self.sequence
            .partition_point(|element| (element.position(), element.name().as_slice()) < (position, name))
    }

    /// Where an element of this name stands.
    fn index_of(&self, name: &[u8]) -> Option<usize> {
        let index = self.place(position_of(name), name);
        self.sequence.get(index).is_some_and(|element| element.name().as_slice() == name).then_some(index)
    }

    /// The element of this name.
    pub fn get(&self, name: &[u8]) -> Option<&E> {
        self.index_of(name).and_then(|index| self.sequence.get(index))
    }

    /// Whether there is an element of this name.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.index_of(name).is_some()
    }

    /// Some element by its number in the order of the collection.
    pub fn at(&self, index: usize) -> Option<&E> {
        self.sequence.get(index)
    }

    /// Puts an element and answers the one of the same name that it replaces.
    pub fn insert(&mut self, element: E) -> Option<E> {
        let index = self.place(element.position(), element.name().as_slice());
        self.sum = self.sum.wrapping_add(digest_of(&element));
        self.bytes += bytes_of(&element);
        let is_there = self.sequence.get(index).is_some_and(|other| other.name() == element.name());
        if !is_there {
            self.sequence.insert(index, element);
            return None;
        }
        let old = std::mem::replace(self.sequence.get_mut(index), element);
        self.forget(&old);
        Some(old)
    }

    /// Takes an element out.
    pub fn remove(&mut self, name: &[u8]) -> Option<E> {
        self.index_of(name).map(|index| self.remove_at(index))
    }

    /// Takes an element out by its number in the order of the collection.
    ///
    /// # Panics
    /// If there is none.
    pub fn remove_at(&mut self, index: usize) -> E {
        let old = self.sequence.remove(index);
        self.forget(&old);
        old
    }

    fn forget(&mut self, old: &E) {
        self.sum = self.sum.wrapping_sub(digest_of(old));
        self.bytes -= bytes_of(old);
    }

    /// All elements, in the order of the collection.
    pub fn iter(&self) -> Iter<'_, E> {
        self.sequence.iter()
    }

    /// The elements from a number on.
    pub(super) fn iter_from(&self, index: usize) -> Iter<'_, E> {
        self.sequence.range(index..usize::MAX)
    }

    /// Puts an element behind all others; `false` if it does not belong there.
    pub(super) fn push(&mut self, element: E) -> bool {
        let last = self.len().checked_sub(1).and_then(|last| self.sequence.get(last));
        let place = |element: &E| (element.position(), element.name().clone());
        if last.is_some_and(|last| place(last) >= place(&element)) {
            return false;
        }
        self.sum = self.sum.wrapping_add(digest_of(&element));
        self.bytes += bytes_of(&element);
        self.sequence.push(element);
        true
    }

    /// One step of a scan: about `count` elements from a position on, and the position to go on from (`None` at the end). Elements at one position are never parted.
    pub fn scan(&self, position: u64, count: usize) -> (Vec<&E>, Option<u64>) {
        let start = self.sequence.partition_point(|element| element.position() < position);
        let mut found: Vec<&E> = Vec::new();
        for element in self.iter_from(start) {
            let parted = found.last().is_some_and(|last| last.position() == element.position());
            if found.len() >= count && !parted {
                return (found, Some(element.position()));
            }
            found.push(element);
        }
        (found, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_keeps_order_digest_and_bytes() {
        let mut elements = Elements::default();
        let names: Vec<String> = (0..3000).map(|n| format!("member {n} {}", "x".repeat(n % 40))).collect();
        for name in &names {
            assert!(elements.insert(Field::new(name.as_bytes(), b"old")).is_none());
        }
        for name in names.iter().step_by(3) {
            let old = elements.insert(Field::new(name.as_bytes(), b"a new value that is not short"));
            assert_eq!(old.map(|old| old.value), Some(Blob::from(&b"old"[..])));
        }
        for name in names.iter().step_by(2) {
            assert!(elements.remove(name.as_bytes()).is_some() && !elements.contains(name.as_bytes()));
        }
        assert!(elements.remove(b"nosuch").is_none());
        assert_eq!(elements.len(), 1500);
        let mut rebuilt = Elements::default();
        assert!(elements.iter().all(|element| rebuilt.push(element.clone())));
        assert_eq!((rebuilt.sum(), rebuilt.bytes(), &rebuilt), (elements.sum(), elements.bytes(), &elements));
        let first = elements.at(0).expect("there are elements").clone();
        assert!(!rebuilt.push(first), "out of order");
    }

    #[test]
    fn a_scan_answers_every_element_once() {
        let mut elements = Elements::default();
        (0..500u32).for_each(|n| assert!(elements.insert(Member::new(&n.to_le_bytes())).is_none()));
        for count in [1, 7, 499, 500, 1000] {
            let (mut seen, mut from) = (Vec::new(), Some(0));
            while let Some(position) = from {
                let (found, next) = elements.scan(position, count);
                seen.extend(found.into_iter().cloned());
                from = next;
            }
            assert!(seen.iter().eq(elements.iter()));
        }
    }
}
