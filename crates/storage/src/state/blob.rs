//! Bytes as the state keeps them: compact, shared, and never a slice of somebody's buffer.
//!
//! A key or value arrives as a slice of a network or log buffer that may be megabytes long. The state copies it once, here, so that a stored value of a
//! hundred bytes weighs a hundred bytes. Up to `INLINE_BYTES` live in place (counters, flags, most keys); longer ones are one reference-counted
//! allocation without spare room, so cloning a slot or answering a read copies no payload.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// The longest content that needs no allocation of its own.
pub(super) const INLINE_BYTES: usize = 22;

/// Below this a reply is a copy, from here on it shares the state's bytes: sharing costs an allocation too.
const SHARED_REPLY_BYTES: usize = 1024;

/// Immutable bytes.
#[derive(Clone)]
pub struct Blob(Form);

#[derive(Clone)]
enum Form {
    /// The mark is the highest bit of `length`.
    Inline {
        length: u8,
        bytes: [u8; INLINE_BYTES],
    },
    Shared {
        bytes: Arc<[u8]>,
        marked: bool,
    },
}

const MARK: u8 = 0x80;

impl Blob {
    /// The content.
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Form::Inline { length, bytes } => &bytes[..usize::from(*length & !MARK)],
            Form::Shared { bytes, .. } => bytes,
        }
    }

    /// One bit that belongs to whoever keeps the blob, for which there is room here and nowhere else.
    pub(super) fn marked(&self) -> bool {
        match &self.0 {
            Form::Inline { length, .. } => length & MARK != 0,
            Form::Shared { marked, .. } => *marked,
        }
    }

    /// The same content with the bit set.
    pub(super) fn mark(mut self) -> Blob {
        match &mut self.0 {
            Form::Inline { length, .. } => *length |= MARK,
            Form::Shared { marked, .. } => *marked = true,
        }
        self
    }

    /// The content for a reply. Long content is shared with the state and lives as long as either needs it.
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Form::Shared { bytes, .. } if bytes.len() >= SHARED_REPLY_BYTES => {
                Bytes::from_owner(Owner(bytes.clone()))
            }
            _ => Bytes::copy_from_slice(self.as_slice()),
        }
    }

    /// Bytes that this occupies outside of itself, with what an allocator adds.
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Inline { .. } => 0,
            Form::Shared { bytes, .. } => (bytes.len() + 16).next_multiple_of(16),
        }
    }
}

/// Lets [`Bytes`] hold on to shared bytes.
struct Owner(Arc<[u8]>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Blob {
    fn from(content: &[u8]) -> Blob {
        if content.len() > INLINE_BYTES {
            return Blob(Form::Shared { bytes: Arc::from(content), marked: false });
        }
        let mut bytes = [0; INLINE_BYTES];
        bytes[..content.len()].copy_from_slice(content);
        Blob(Form::Inline { length: content.len() as u8, bytes })
    }
}

impl From<Vec<u8>> for Blob {
    fn from(content: Vec<u8>) -> Blob {
        Blob::from(content.as_slice())
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        self.as_slice() == other.as_slice() && self.marked() == other.marked()
    }
}

impl Eq for Blob {}

impl PartialOrd for Blob {
    fn partial_cmp(&self, other: &Blob) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Blob {
    fn cmp(&self, other: &Blob) -> std::cmp::Ordering {
        self.as_slice().cmp(other.as_slice()).then(self.marked().cmp(&other.marked()))
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_slice().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_survives_at_every_length_around_the_boundaries() {
        for length in [0, 1, INLINE_BYTES, INLINE_BYTES + 1, SHARED_REPLY_BYTES - 1, SHARED_REPLY_BYTES, 5000]
        {
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let blob = Blob::from(&content[..]);
            assert_eq!(blob.as_slice(), content);
            assert_eq!(blob.to_bytes(), content);
            assert_eq!(blob.clone(), blob);
            let marked = blob.clone().mark();
            assert!(marked.marked() && !blob.marked() && marked != blob && marked.as_slice() == content);
        }
    }

    #[test]
    fn a_blob_is_three_words() {
        assert_eq!(size_of::<Blob>(), 24);
    }

    #[test]
    fn long_replies_share_the_bytes_of_the_state() {
        let blob = Blob::from(vec![7; 5000]);
        assert_eq!(blob.to_bytes().as_ptr(), blob.as_slice().as_ptr());
    }
}
