//! A list: elements in the order in which they were put.
//!
//! The order counts in the digest, so a sum will not do: it is a polynomial, the sum of `h(element i) · P^i` in a prime field (two of them side by side, see
//! [`Fingerprint`]). An end is pushed, popped or an element replaced in O(log n); inserting or removing in the middle computes the digest anew, which costs a pass, as
//! finding the place did (LINSERT, LREM).
//!
//! An element's bytes are those of a value: u32 le n, n bytes.

use super::blob::Blob;
use super::elements::SHARE_BYTES;
use super::sequence::{Iter, Sequence};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_128;

/// The Mersenne prime in whose field fingerprints are computed.
const PRIME: u64 = (1 << 61) - 1;
/// Two bases of no special form; each with its inverse they are checked by a test.
const BASES: [u64; 2] = [0x0F5A_3C96_87B2_D1E5, 0x12C4_9D3B_70E8_A6F7];

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let folded = (product & u128::from(PRIME)) as u64 + (product >> 61) as u64;
    if folded >= PRIME { folded - PRIME } else { folded }
}

fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

/// The polynomial over a list's elements, in two fields of 61 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fingerprint([u64; 2]);

impl Fingerprint {
    /// Of one element, at index 0.
    fn of(element: &Blob) -> Fingerprint {
        let hash = xxh3_128(element.as_slice());
        Fingerprint([(hash as u64) % PRIME, ((hash >> 64) as u64) % PRIME])
    }

    fn map(self, each: impl Fn(usize, u64) -> u64) -> Fingerprint {
        Fingerprint([each(0, self.0[0]), each(1, self.0[1])])
    }

    fn plus(self, other: Fingerprint) -> Fingerprint {
        self.map(|at, part| add(part, other.0[at]))
    }

    fn minus(self, other: Fingerprint) -> Fingerprint {
        self.map(|at, part| add(part, PRIME - other.0[at]))
    }

    /// Moved so many places towards the end.
    fn shifted(self, places: usize) -> Fingerprint {
        self.map(|at, part| multiply(part, power(BASES[at], places as u64)))
    }

    /// Moved one place towards the front.
    fn shifted_back(self) -> Fingerprint {
        self.map(|at, part| multiply(part, power(BASES[at], PRIME - 2)))
    }
}

/// One of the two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEnd {
    /// Where the first element is.
    Front,
    /// Where the last one is.
    Back,
}

/// The content of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    sequence: Sequence<Blob>,
    fingerprint: Fingerprint,
    bytes: u64,
}

fn bytes_of(element: &Blob) -> u64 {
    (size_of::<Blob>() + SHARE_BYTES + element.heap_bytes()) as u64
}

impl List {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.sequence.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// A hash of its elements in their order.
    pub(super) fn sum(&self) -> u128 {
        u128::from(self.fingerprint.0[0]) << 64 | u128::from(self.fingerprint.0[1])
    }

    /// About how many bytes its elements occupy.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The `index`-th element.
    pub fn get(&self, index: usize) -> Option<&Blob> {
        self.sequence.get(index)
    }

    /// The elements of these indices.
    pub fn range(&self, range: Range<usize>) -> Iter<'_, Blob> {
        self.sequence.range(range)
    }

    /// All elements.
    pub fn iter(&self) -> Iter<'_, Blob> {
        self.sequence.iter()
    }

    /// Puts an element at an end.
    pub fn push(&mut self, end: ListEnd, element: Blob) {
        self.bytes += bytes_of(&element);
        let own = Fingerprint::of(&element);
        match end {
            ListEnd::Front => {
                self.fingerprint = self.fingerprint.shifted(1).plus(own);
                self.sequence.insert(0, element);
            }
            ListEnd::Back => {
                self.fingerprint = self.fingerprint.plus(own.shifted(self.len()));
                self.sequence.push(element);
            }
        }
    }

    /// Takes the element at an end.
    pub fn pop(&mut self, end: ListEnd) -> Option<Blob> {
        let last = self.len().checked_sub(1)?;
        let element = self.sequence.remove(if end == ListEnd::Front { 0 } else { last });
        self.bytes -= bytes_of(&element);
        let own = Fingerprint::of(&element);
        self.fingerprint = match end {
            ListEnd::Front => self.fingerprint.minus(own).shifted_back(),
            ListEnd::Back => self.fingerprint.minus(own.shifted(last)),
        };
        Some(element)
    }

    /// Puts an element in place of another.
    ///
    /// # Panics
    /// If there is no element at this index.
    pub fn set(&mut self, index: usize, element: Blob) {
        let own = Fingerprint::of(&element);
        self.bytes += bytes_of(&element);
        let old = std::mem::replace(self.sequence.get_mut(index), element);
        self.bytes -= bytes_of(&old);
        let change = own.minus(Fingerprint::of(&old)).shifted(index);
        self.fingerprint = self.fingerprint.plus(change);
    }

    /// Puts an element before the `index`-th. Costs a pass.
    pub fn insert(&mut self, index: usize, element: Blob) {
        self.bytes += bytes_of(&element);
        self.sequence.insert(index, element);
        self.compute_fingerprint();
    }

    /// Takes out the elements of these indices, which rise. Costs a pass.
    pub fn remove_all(&mut self, indices: &[usize]) {
        for index in indices.iter().rev() {
            self.bytes -= bytes_of(&self.sequence.remove(*index));
        }
        self.compute_fingerprint();
    }

    /// Keeps the elements of these indices only.
    pub fn retain(&mut self, range: Range<usize>) {
        if range.is_empty() {
            *self = List::default();
            return;
        }
        for _ in range.end..self.len() {
            self.pop(ListEnd::Back);
        }
        for _ in 0..range.start {
            self.pop(ListEnd::Front);
        }
    }

    fn compute_fingerprint(&mut self) {
        // From the end, each step one place further: Horner's rule.
        let all = self.sequence.iter().rev();
        self.fingerprint =
            all.fold(Fingerprint::default(), |sum, element| sum.shifted(1).plus(Fingerprint::of(element)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(number: usize) -> Blob {
        Blob::from(format!("element {} {}", number % 7, "y".repeat(number % 30)).as_bytes())
    }

    fn check(list: &List) {
        let mut anew = List::default();
        list.iter().for_each(|element| anew.push(ListEnd::Back, element.clone()));
        assert_eq!((anew.sum(), anew.bytes()), (list.sum(), list.bytes()));
        assert_eq!(&anew, list);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_elements_however_they_came() {
        let mut list = List::default();
        for number in 0..400 {
            list.push(if number % 3 == 0 { ListEnd::Front } else { ListEnd::Back }, blob(number));
        }
        check(&list);
        for number in 0..100 {
            list.pop(if number % 2 == 0 { ListEnd::Front } else { ListEnd::Back });
            list.set(number, blob(number + 1000));
        }
        check(&list);
        list.insert(17, blob(5));
        list.insert(0, blob(6));
        list.remove_all(&[3, 4, 99, 200]);
        check(&list);
        list.retain(10..150);
        assert_eq!(list.len(), 140);
        check(&list);
        list.retain(5..5);
        assert!(list.is_empty() && list.bytes() == 0 && list.sum() == 0);
        assert_eq!(list.pop(ListEnd::Back), None);
    }

    #[test]
    fn the_order_counts() {
        let of = |order: &[usize]| {
            let mut list = List::default();
            order.iter().for_each(|&number| list.push(ListEnd::Back, blob(number)));
            list.sum()
        };
        assert_ne!(of(&[1, 2, 3]), of(&[2, 1, 3]));
        assert_ne!(of(&[1, 2]), of(&[1, 2, 2]));
        // Twice as long each time, with the halves swapped: what collides in polynomials modulo a power of two.
        let (mut a, mut b) = (vec![1], vec![2]);
        for _ in 0..10 {
            (a, b) = ([a.clone(), b.clone()].concat(), [b, a].concat());
            assert_ne!(of(&a), of(&b));
        }
    }

    #[test]
    fn the_field_is_a_field() {
        for base in BASES {
            assert!(base < PRIME && base > 1 << 58);
            assert_eq!(multiply(base, power(base, PRIME - 2)), 1);
        }
        assert_eq!(multiply(PRIME - 1, PRIME - 1), 1);
    }
}
