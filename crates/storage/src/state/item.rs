//! One key's content, and its bytes in snapshots and digests.
//!
//! ```text
//! byte  0        1       2       3 ..          (11 ..)          ..         ..
//!       | format | kind  | flags | version     | expires at ms  | key      | value
//!       | u8 = 1 | u8    | u8    | u64 le      | u64 le         | u32 le n, n bytes each
//! ```
//!
//! Kind 1 is a string. Flag 1 says that an expiry is there, flag 2 that the value was edited in place (`Item::edited`); no other flag is defined. Version
//! history: 1, the first.
//! One item has exactly one encoding, because the digest of a slot is made of it.

use super::blob::Blob;
use bytes::{BufMut, Bytes, BytesMut};
use proto::hlc::Timestamp;
use proto::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use std::fmt;
use std::num::NonZeroU64;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

const FORMAT: u8 = 1;
const KIND_STRING: u8 = 1;
const FLAG_EXPIRES: u8 = 1;
const FLAG_EDITED: u8 = 2;
/// Everything before the key's bytes.
const MAX_HEAD_BYTES: usize = 3 + 8 + 8 + 4;

/// A typed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Bytes.
    String(Blob),
}

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
        let Value::String(content) = self.value;
        Item { value: Value::String(content.mark()), ..self }
    }

    /// Whether it was edited in place.
    pub fn is_edited(&self) -> bool {
        let Value::String(content) = &self.value;
        content.marked()
    }

    /// When it disappears, in milliseconds since the Unix epoch; `None` means never.
    pub fn expires_at_ms(&self) -> Option<u64> {
        self.expires_at_ms.map(NonZeroU64::get)
    }

    /// Bytes of the value that live outside of the item.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.value {
            Value::String(content) => content.heap_bytes(),
        }
    }

    fn head(&self, key: &[u8]) -> ([u8; MAX_HEAD_BYTES], usize) {
        let mut head = [0; MAX_HEAD_BYTES];
        let mut rest = &mut head[..];
        rest.put_u8(FORMAT);
        rest.put_u8(KIND_STRING);
        let expires = if self.expires_at_ms.is_some() { FLAG_EXPIRES } else { 0 };
        let edited = if self.is_edited() { FLAG_EDITED } else { 0 };
        rest.put_u8(expires | edited);
        rest.put_u64_le(self.version.0);
        if let Some(at) = self.expires_at_ms {
            rest.put_u64_le(at.get());
        }
        rest.put_u32_le(u32::try_from(key.len()).expect("keys are bounded"));
        let unused = rest.len();
        (head, MAX_HEAD_BYTES - unused)
    }

    /// The hash of the encoded item, without encoding it where it is long.
    pub(super) fn digest(&self, key: &[u8]) -> u128 {
        let Value::String(content) = &self.value;
        let content = content.as_slice();
        let (head, head_bytes) = self.head(key);
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

/// Appends the item's bytes.
pub fn encode_item(out: &mut BytesMut, key: &[u8], item: &Item) {
    let Value::String(content) = &item.value;
    let content = content.as_slice();
    let (head, head_bytes) = item.head(key);
    out.reserve(head_bytes + key.len() + 4 + content.len());
    out.put_slice(&head[..head_bytes]);
    out.put_slice(key);
    out.put_u32_le(u32::try_from(content.len()).expect("values are bounded"));
    out.put_slice(content);
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
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ItemError::Length => f.write_str("an item that is cut short"),
            ItemError::Format(format) => write!(f, "an item of format {format}, this build reads {FORMAT}"),
            ItemError::Kind(kind) => write!(f, "a value of kind {kind}, which this build does not know"),
            ItemError::Flags => f.write_str("an item whose flags make no sense"),
            ItemError::Size => f.write_str("an item with a key or value beyond the limits"),
        }
    }
}

impl std::error::Error for ItemError {}

/// Takes one item from the front of `input`.
pub fn decode_item(input: &mut &[u8]) -> Result<(Bytes, Item), ItemError> {
    let mut rest = *input;
    let format = number::<1>(&mut rest)? as u8;
    if format != FORMAT {
        return Err(ItemError::Format(format));
    }
    let kind = number::<1>(&mut rest)? as u8;
    if kind != KIND_STRING {
        return Err(ItemError::Kind(kind));
    }
    let flags = number::<1>(&mut rest)? as u8;
    if flags & !(FLAG_EXPIRES | FLAG_EDITED) != 0 {
        return Err(ItemError::Flags);
    }
    let version = Timestamp(number::<8>(&mut rest)?);
    let expires_at_ms = match flags & FLAG_EXPIRES {
        0 => None,
        _ => Some(number::<8>(&mut rest)?).filter(|&at| at > 0).map(Some).ok_or(ItemError::Flags)?,
    };
    let key = Bytes::copy_from_slice(piece(&mut rest, MAX_KEY_BYTES)?);
    let content = Blob::from(piece(&mut rest, MAX_VALUE_BYTES)?);
    *input = rest;
    let item = Item::new(Value::String(content), version, expires_at_ms);
    Ok((key, if flags & FLAG_EDITED == 0 { item } else { item.edited() }))
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], ItemError> {
    let (taken, rest) = input.split_at_checked(length).ok_or(ItemError::Length)?;
    *input = rest;
    Ok(taken)
}

fn number<const BYTES: usize>(input: &mut &[u8]) -> Result<u64, ItemError> {
    let mut number = [0; 8];
    number[..BYTES].copy_from_slice(take(input, BYTES)?);
    Ok(u64::from_le_bytes(number))
}

fn piece<'a>(input: &mut &'a [u8], limit: usize) -> Result<&'a [u8], ItemError> {
    let length = number::<4>(input)? as usize;
    if length > limit { Err(ItemError::Size) } else { take(input, length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(key: &[u8], item: &Item) -> BytesMut {
        let mut out = BytesMut::new();
        encode_item(&mut out, key, item);
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
            let (decoded_key, decoded) = decode_item(&mut rest).expect("these bytes are an item");
            assert_eq!((&decoded_key[..], decoded, rest.len()), (&key[..], item, 0));
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
            assert_eq!(decode_item(&mut &bytes[..length]), Err(ItemError::Length));
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.to_vec();
            bytes[at] = byte;
            decode_item(&mut &bytes[..])
        };
        assert_eq!(with(0, 2), Err(ItemError::Format(2)));
        assert_eq!(with(1, 9), Err(ItemError::Kind(9)));
        assert_eq!(with(2, 4), Err(ItemError::Flags));
        assert_eq!(with(22, 1), Err(ItemError::Size));
    }
}
