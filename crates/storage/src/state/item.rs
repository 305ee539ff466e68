//! One key's content, and its bytes in snapshots and digests.
//!
//! ```text
//! byte  0        1       2       3 ..          (11 ..)          ..                    ..
//!       | format | kind  | flags | version     | expires at ms  | key                 | value
//!       | u8 = 1 | u8    | u8    | u64 le      | u64 le         | u32 le n, n bytes   |
//!
//! value of a string          | u32 le n, n bytes
//! value of a collection      | elements of this record u32 le | element | element …      (`elements`, `list`)
//! ```
//!
//! Kind 1 is a string, 2 a set, 3 a hash, 4 a list, 5 a sorted set. Flag 1 says that an expiry is there, flag 2 that the value was edited in place (`Item::edited`),
//! flag 4 that the record goes on with the collection of the record before it; no other flag is defined. Version history: 1, the first; kinds 2 to 5 and flag 4 came
//! later, and a build that does not know them refuses them.
//!
//! A string is one record. A collection is as many as it needs: a record ends with the element that brings its elements to `RECORD_BYTES`, wherever it stands. So one item
//! has exactly one encoding, and none is larger than two arguments of a command.
//!
//! The digest of an item is the hash of its bytes if it is a string; of a collection it is the hash of the head, the number of elements and their sum, which the collection keeps.

use super::blob::Blob;
use super::elements::{Element, Elements, Field, Member, put_piece};
use super::list::{List, ListEnd};
use super::sorted_set::SortedSet;
use super::value::{Collection, Value};
use bytes::{BufMut, Bytes, BytesMut};
use proto::hlc::Timestamp;
use proto::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

const FORMAT: u8 = 1;
const KIND_STRING: u8 = 1;
const KIND_SET: u8 = 2;
const KIND_HASH: u8 = 3;
const KIND_LIST: u8 = 4;
const KIND_SORTED_SET: u8 = 5;
const FLAG_EXPIRES: u8 = 1;
const FLAG_EDITED: u8 = 2;
const FLAG_CONTINUES: u8 = 4;
/// With this many bytes of elements a record of a collection ends.
const RECORD_BYTES: usize = 64 * 1024;
/// Everything before the key's bytes.
const MAX_HEAD_BYTES: usize = 3 + 8 + 8 + 4;

/// A value with its version and its expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is stored.
    pub value: Value,
    /// The commit timestamp of the write that made it.
    pub version: Timestamp,
    expires_at_ms: Option<NonZeroU64>,
}

impl Item {
    /// An item. An expiry is in milliseconds since the Unix epoch; 0 counts as 1 (both are long past).
    pub fn new(value: Value, version: Timestamp, expires_at_ms: Option<u64>) -> Item {
        Item {
            value,
            version,
            expires_at_ms: expires_at_ms.map(|at| NonZeroU64::new(at).unwrap_or(NonZeroU64::MIN)),
        }
    }

    /// A string without expiry.
    pub fn string(content: &[u8], version: Timestamp) -> Item {
        Item::new(Value::String(Blob::from(content)), version, None)
    }

    /// The same item, noted as edited in place: APPEND and SETRANGE do so, and `OBJECT ENCODING` then tells `raw`, as in Redis.
    pub fn edited(self) -> Item {
        match self.value {
            Value::String(content) => Item { value: Value::String(content.mark()), ..self },
            value => Item { value, ..self },
        }
    }

    /// Whether it was edited in place.
    pub fn is_edited(&self) -> bool {
        matches!(&self.value, Value::String(content) if content.marked())
    }

    /// When it disappears, in milliseconds since the Unix epoch; `None` means never.
    pub fn expires_at_ms(&self) -> Option<u64> {
        self.expires_at_ms.map(NonZeroU64::get)
    }

    /// Bytes of the value that live outside of the item.
    pub(super) fn heap_bytes(&self) -> usize {
        self.value.heap_bytes()
    }

    fn head(&self, key: &[u8], continues: u8) -> ([u8; MAX_HEAD_BYTES], usize) {
        let mut head = [0; MAX_HEAD_BYTES];
        let mut rest = &mut head[..];
        rest.put_u8(FORMAT);
        rest.put_u8(match &self.value {
            Value::String(_) => KIND_STRING,
            Value::Set(_) => KIND_SET,
            Value::Hash(_) => KIND_HASH,
            Value::List(_) => KIND_LIST,
            Value::SortedSet(_) => KIND_SORTED_SET,
        });
        let expires = if self.expires_at_ms.is_some() { FLAG_EXPIRES } else { 0 };
        let edited = if self.is_edited() { FLAG_EDITED } else { 0 };
        rest.put_u8(expires | edited | continues);
        rest.put_u64_le(self.version.0);
        if let Some(at) = self.expires_at_ms {
            rest.put_u64_le(at.get());
        }
        rest.put_u32_le(u32::try_from(key.len()).expect("keys are bounded"));
        let unused = rest.len();
        (head, MAX_HEAD_BYTES - unused)
    }

    /// What stands for the item in its slot's digest. Never a pass over a collection.
    pub(super) fn digest(&self, key: &[u8]) -> u128 {
        let (head, head_bytes) = self.head(key, 0);
        let Value::String(content) = &self.value else {
            let mut hasher = Xxh3::new();
            hasher.update(&head[..head_bytes]);
            hasher.update(key);
            hasher.update(&(self.value.elements() as u64).to_le_bytes());
            hasher.update(&self.value.elements_sum().to_le_bytes());
            return hasher.digest128();
        };
        let content = content.as_slice();
        let content_bytes = (content.len() as u32).to_le_bytes();
        let pieces = [&head[..head_bytes], key, &content_bytes, content];
        let total: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut scratch = [0; 512];
        if total <= scratch.len() {
            let mut rest = &mut scratch[..];
            pieces.iter().for_each(|piece| rest.put_slice(piece));
            return xxh3_128(&scratch[..total]);
        }
        let mut hasher = Xxh3::new();
        pieces.iter().for_each(|piece| hasher.update(piece));
        hasher.digest128()
    }
}

/// Appends one record: a whole string, or a collection's elements from number `from` on as far as a record goes. Answers the number of the first element that is
/// left for the next one.
pub fn encode_record(out: &mut BytesMut, key: &[u8], item: &Item, from: usize) -> Option<usize> {
    let (head, head_bytes) = item.head(key, if from > 0 { FLAG_CONTINUES } else { 0 });
    out.reserve(head_bytes + key.len() + 4);
    out.put_slice(&head[..head_bytes]);
    out.put_slice(key);
    match &item.value {
        Value::String(content) => {
            put_piece(out, content);
            None
        }
        Value::Set(set) => encode_run(out, from, set.iter_from(from), Element::encode),
        Value::Hash(hash) => encode_run(out, from, hash.iter_from(from), Element::encode),
        Value::List(list) => {
            encode_run(out, from, list.range(from..usize::MAX), |element, out| put_piece(out, element))
        }
        Value::SortedSet(sorted) => encode_run(out, from, sorted.members().iter_from(from), Element::encode),
    }
}

fn encode_run<'a, E: 'a>(
    out: &mut BytesMut,
    from: usize,
    mut elements: impl Iterator<Item = &'a E>,
    encode: impl Fn(&E, &mut BytesMut),
) -> Option<usize> {
    let count_at = out.len();
    out.put_u32_le(0);
    let mut count = 0;
    let more = loop {
        if out.len() - count_at >= RECORD_BYTES {
            break elements.next().is_some();
        }
        let Some(element) = elements.next() else { break false };
        encode(element, out);
        count += 1;
    };
    let count_bytes = u32::try_from(count).expect("a record has few elements").to_le_bytes();
    out[count_at..count_at + 4].copy_from_slice(&count_bytes);
    more.then_some(from + count)
}

/// Why bytes are no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemError {
    /// The bytes end inside the item.
    Length,
    /// A format that this build does not know.
    Format(u8),
    /// A kind of value that this build does not know.
    Kind(u8),
    /// Undefined flags, or an expiry that is none.
    Flags,
    /// A key or value beyond the limits.
    Size,
    /// Elements that are not in the order of their collection, or none at all.
    Order,
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ItemError::Length => f.write_str("an item that is cut short"),
            ItemError::Format(format) => write!(f, "an item of format {format}, this build reads {FORMAT}"),
            ItemError::Kind(kind) => write!(f, "a value of kind {kind}, which this build does not know"),
            ItemError::Flags => f.write_str("an item whose flags make no sense"),
            ItemError::Order => f.write_str("a collection whose elements are not in order, or missing"),
            ItemError::Size => f.write_str("an item with a key or value beyond the limits"),
        }
    }
}

impl std::error::Error for ItemError {}

/// One record of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub key: Bytes,
    /// The item, with the elements of this record.
    pub item: Item,
    /// Its elements go on where those of the record before it end.
    pub continues: bool,
}

/// Takes one record from the front of `input`.
///
/// # Errors
/// [`ItemError`] if the bytes are none.
pub fn decode_record(input: &mut &[u8]) -> Result<Record, ItemError> {
    let mut rest = *input;
    let format = number::<1>(&mut rest)? as u8;
    if format != FORMAT {
        return Err(ItemError::Format(format));
    }
    let kind = number::<1>(&mut rest)? as u8;
    let flag = match kind {
        KIND_STRING => FLAG_EDITED,
        KIND_SET..=KIND_SORTED_SET => FLAG_CONTINUES,
        _ => return Err(ItemError::Kind(kind)),
    };
    let flags = number::<1>(&mut rest)? as u8;
    if flags & !(FLAG_EXPIRES | flag) != 0 {
        return Err(ItemError::Flags);
    }
    let version = Timestamp(number::<8>(&mut rest)?);
    let expires_at_ms = match flags & FLAG_EXPIRES {
        0 => None,
        _ => Some(number::<8>(&mut rest)?).filter(|&at| at > 0).map(Some).ok_or(ItemError::Flags)?,
    };
    let key = Bytes::copy_from_slice(piece(&mut rest, MAX_KEY_BYTES)?);
    let value = match kind {
        KIND_SET => decode_run::<Elements<Member>, _>(&mut rest, Element::decode, Elements::push)?,
        KIND_HASH => decode_run::<Elements<Field>, _>(&mut rest, Element::decode, Elements::push)?,
        KIND_LIST => decode_run(&mut rest, decode_element, push_back)?,
        KIND_SORTED_SET => decode_run(&mut rest, Element::decode, SortedSet::push)?,
        _ => Value::String(Blob::from(piece(&mut rest, MAX_VALUE_BYTES)?)),
    };
    *input = rest;
    let item = Item::new(value, version, expires_at_ms);
    let item = if flags & FLAG_EDITED == 0 { item } else { item.edited() };
    Ok(Record { key, item, continues: flags & FLAG_CONTINUES != 0 })
}

fn decode_element(input: &mut &[u8]) -> Result<Blob, ItemError> {
    piece(input, MAX_VALUE_BYTES).map(Blob::from)
}

fn push_back(list: &mut List, element: Blob) -> bool {
    list.push(ListEnd::Back, element);
    true
}

/// The elements of a record. There is at least one, and named ones are in order.
fn decode_run<C: Collection, E>(
    input: &mut &[u8],
    decode: impl Fn(&mut &[u8]) -> Result<E, ItemError>,
    push: impl Fn(&mut C, E) -> bool,
) -> Result<Value, ItemError> {
    let count = number::<4>(input)?;
    let mut collection = C::default();
    for _ in 0..count {
        let element = decode(input)?;
        if !push(&mut collection, element) {
            return Err(ItemError::Order);
        }
    }
    if count == 0 { Err(ItemError::Order) } else { Ok(collection.into_value()) }
}

impl Item {
    /// Puts the elements of a record behind those that are there; `false` if the record does not go on with this item.
    pub(crate) fn extend(&mut self, record: Item) -> bool {
        fn all<E: Element>(into: &mut Elements<E>, more: &Elements<E>) -> bool {
            more.iter().all(|element| into.push(element.clone()))
        }
        if (self.version, self.expires_at_ms) != (record.version, record.expires_at_ms) {
            return false;
        }
        match (&mut self.value, &record.value) {
            (Value::Set(into), Value::Set(more)) => all(Arc::make_mut(into), more),
            (Value::Hash(into), Value::Hash(more)) => all(Arc::make_mut(into), more),
            (Value::List(into), Value::List(more)) => {
                more.iter().all(|element| push_back(Arc::make_mut(into), element.clone()))
            }
            (Value::SortedSet(into), Value::SortedSet(more)) => {
                more.members().iter().all(|member| Arc::make_mut(into).push(member.clone()))
            }
            _ => false,
        }
    }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], ItemError> {
    let (taken, rest) = input.split_at_checked(length).ok_or(ItemError::Length)?;
    *input = rest;
    Ok(taken)
}

pub(super) fn number<const BYTES: usize>(input: &mut &[u8]) -> Result<u64, ItemError> {
    let mut number = [0; 8];
    number[..BYTES].copy_from_slice(take(input, BYTES)?);
    Ok(u64::from_le_bytes(number))
}

pub(super) fn piece<'a>(input: &mut &'a [u8], limit: usize) -> Result<&'a [u8], ItemError> {
    let length = number::<4>(input)? as usize;
    if length > limit { Err(ItemError::Size) } else { take(input, length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(key: &[u8], item: &Item) -> BytesMut {
        let mut out = BytesMut::new();
        assert_eq!(encode_record(&mut out, key, item, 0), None);
        out
    }

    fn samples() -> Vec<(Vec<u8>, Item)> {
        let string = |content: &[u8]| Value::String(Blob::from(content));
        vec![
            (b"k".to_vec(), Item::string(b"v", Timestamp(7))),
            (b"".to_vec(), Item::new(string(b""), Timestamp(u64::MAX), Some(u64::MAX))),
            (vec![1; MAX_KEY_BYTES], Item::new(string(&[2; 100_000]), Timestamp(1), Some(1))),
            (b"e".to_vec(), Item::string(b"edited", Timestamp(3)).edited()),
            (b"middling".to_vec(), Item::string(&[3; 480], Timestamp(2))),
        ]
    }

    #[test]
    fn items_survive_and_their_digest_is_the_hash_of_their_bytes() {
        for (key, item) in samples() {
            let bytes = encoded(&key, &item);
            assert_eq!(item.digest(&key), xxh3_128(&bytes));
            let mut rest = &bytes[..];
            let Record { key: decoded_key, item: decoded, continues } =
                decode_record(&mut rest).expect("these bytes are an item");
            assert_eq!((&decoded_key[..], decoded, rest.len(), continues), (&key[..], item, 0, false));
        }
    }

    #[test]
    fn the_bytes_of_format_1_are_fixed() {
        let item = Item::new(Value::String(Blob::from(&b"val"[..])), Timestamp(0x0102), Some(0x0304));
        let expected = b"\x01\x01\x01\x02\x01\0\0\0\0\0\0\x04\x03\0\0\0\0\0\0\x01\0\0\0k\x03\0\0\0val";
        assert_eq!(&encoded(b"k", &item)[..], expected);
    }

    #[test]
    fn every_cut_and_every_wrong_head_is_refused() {
        let bytes =
            encoded(b"key", &Item::new(Value::String(Blob::from(&b"value"[..])), Timestamp(9), Some(8)));
        for length in 0..bytes.len() {
            assert_eq!(decode_record(&mut &bytes[..length]), Err(ItemError::Length));
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.to_vec();
            bytes[at] = byte;
            decode_record(&mut &bytes[..])
        };
        assert_eq!(with(0, 2), Err(ItemError::Format(2)));
        assert_eq!(with(1, 9), Err(ItemError::Kind(9)));
        assert_eq!(with(2, 4), Err(ItemError::Flags));
        assert_eq!(with(2, 8), Err(ItemError::Flags));
        assert_eq!(with(22, 1), Err(ItemError::Size));
    }
}
