//! The bytes around a piece: a file's header and a block's header, with their checksums (`docs/formats/snapshot.md`).
//!
//! Checksums are seeded with the file's group and index and with the block's offset, so a block of another snapshot, or one written to the wrong place, is never valid.

use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, Slot};

/// The format that is written, and the newest that is read.
pub(super) const VERSION: u16 = 1;
pub(super) const FILE_HEADER_BYTES: usize = 32;
pub(super) const BLOCK_HEADER_BYTES: usize = 24;
const BLOCK_MAGIC: [u8; 4] = *b"QSBK";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Snapshot,
    Partial,
}

impl FileKind {
    fn magic(self) -> [u8; 8] {
        match self {
            FileKind::Snapshot => *b"QRTSNAPS",
            FileKind::Partial => *b"QRTPARTS",
        }
    }
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Slot = 1,
    Tables = 2,
    Footer = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) kind: BlockKind,
    /// No further block of the slot follows.
    pub(super) last: bool,
    /// 0 for tables and footer.
    pub(super) slot: Slot,
    /// Counted from 0 within the slot, or within the tables.
    pub(super) number: u32,
}

/// A file's identity for its checksums.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileSalt(u32);

impl FileSalt {
    pub(super) fn new(group: GroupId, index: LogIndex) -> Self {
        FileSalt(crc32c::crc32c_append(crc32c::crc32c(&group.0.to_le_bytes()), &index.0.to_le_bytes()))
    }

    fn at(self, offset: u64) -> u32 {
        crc32c::crc32c_append(self.0, &offset.to_le_bytes())
    }
}

pub(super) fn encode_file_header(kind: FileKind, group: GroupId, index: LogIndex) -> Bytes {
    let mut out = Vec::with_capacity(FILE_HEADER_BYTES);
    out.extend_from_slice(&kind.magic());
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&index.0.to_le_bytes());
    out.extend_from_slice(&group.0.to_le_bytes());
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    assert_eq!(out.len(), FILE_HEADER_BYTES);
    Bytes::from(out)
}

/// Whether these bytes begin this file; `Err` with the version if a later Quartet wrote them.
pub(super) fn is_file_header(
    bytes: &[u8],
    kind: FileKind,
    group: GroupId,
    index: LogIndex,
) -> Result<bool, u16> {
    let Some(bytes) = bytes.first_chunk::<FILE_HEADER_BYTES>() else { return Ok(false) };
    let checksum = u32::from_le_bytes(array(bytes, 28));
    if bytes[..8] != kind.magic() || crc32c::crc32c(&bytes[..28]) != checksum {
        return Ok(false);
    }
    match u16::from_le_bytes(array(bytes, 8)) {
        VERSION => Ok(bytes[..] == encode_file_header(kind, group, index)[..]),
        version => Err(version),
    }
}

pub(super) fn encode_block_header(
    header: &BlockHeader,
    salt: FileSalt,
    offset: u64,
    payload: &[u8],
) -> Bytes {
    let salt = salt.at(offset);
    let mut out = Vec::with_capacity(BLOCK_HEADER_BYTES);
    out.extend_from_slice(&BLOCK_MAGIC);
    out.push(header.kind as u8);
    out.push(u8::from(header.last));
    out.extend_from_slice(&header.slot.0.to_le_bytes());
    out.extend_from_slice(&header.number.to_le_bytes());
    out.extend_from_slice(&u32::try_from(payload.len()).expect("blocks are bounded").to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c_append(salt, payload).to_le_bytes());
    let checksum = crc32c::crc32c_append(salt, &out);
    out.extend_from_slice(&checksum.to_le_bytes());
    assert_eq!(out.len(), BLOCK_HEADER_BYTES);
    Bytes::from(out)
}

/// A block's header, whose checksum matched, and what its payload must be.
pub(super) struct FoundBlock {
    pub(super) header: BlockHeader,
    pub(super) payload_bytes: u32,
    payload_checksum: u32,
    salt: u32,
}

impl FoundBlock {
    pub(super) fn is_payload(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes as usize
            && crc32c::crc32c_append(self.salt, payload) == self.payload_checksum
    }
}

pub(super) fn decode_block_header(bytes: &[u8], salt: FileSalt, offset: u64) -> Option<FoundBlock> {
    let bytes = bytes.first_chunk::<BLOCK_HEADER_BYTES>()?;
    let salt = salt.at(offset);
    let checksum = u32::from_le_bytes(array(bytes, 20));
    if bytes[..4] != BLOCK_MAGIC || crc32c::crc32c_append(salt, &bytes[..20]) != checksum {
        return None;
    }
    let kind = match bytes[4] {
        1 => BlockKind::Slot,
        2 => BlockKind::Tables,
        3 => BlockKind::Footer,
        _ => return None,
    };
    Some(FoundBlock {
        header: BlockHeader {
            kind,
            last: bytes[5] != 0,
            slot: Slot(u16::from_le_bytes(array(bytes, 6))),
            number: u32::from_le_bytes(array(bytes, 8)),
        },
        payload_bytes: u32::from_le_bytes(array(bytes, 12)),
        payload_checksum: u32::from_le_bytes(array(bytes, 16)),
        salt,
    })
}

/// `N` bytes at `at`; the caller has checked the length.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes")
}
