//! The bytes around a batch: a segment's header and a frame's header, with their checksums (`docs/formats/log.md`).
//!
//! Every frame's checksum is seeded with whose log and which segment it lies in. A recycled file still holds the frames of its earlier life; under the
//! new segment's number none of them can be valid, because CRC-32C with another seed always differs.
//!
//! It knows where bytes lie, not what they mean: see `record` and `recover`.

use super::LogOwner;
use proto::ids::{ClusterId, Incarnation, NodeId};

/// Frames begin at multiples of this.
pub(super) const BLOCK_BYTES: u64 = 4096;
/// The format that is written, and the newest that is read.
pub(super) const VERSION: u16 = 1;
pub(super) const FRAME_HEADER_BYTES: usize = 32;
/// The longest payload. Far above what one batch can gather under the limits of `proto::limits`.
pub(super) const MAX_PAYLOAD_BYTES: usize = 1 << 30;

const SEGMENT_MAGIC: [u8; 8] = *b"QRTLOGSG";
const SEGMENT_HEADER_BYTES: usize = 76;
const FRAME_MAGIC: [u8; 4] = *b"QLFR";

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// The state of every group: the first frame of a segment, and only that.
    Checkpoint = 1,
    /// A batch.
    Records = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    /// Rising by one from frame to frame, over all segments.
    pub(super) sequence: u64,
    pub(super) payload_bytes: u32,
    /// The checksum of the header of the frame before.
    pub(super) previous: u32,
    pub(super) payload_checksum: u32,
    /// This header's own.
    pub(super) checksum: u32,
}

impl FrameHeader {
    /// What the frame takes in the file, padding included.
    pub(super) fn frame_bytes(&self) -> u64 {
        padded(FRAME_HEADER_BYTES as u64 + u64::from(self.payload_bytes))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) core: u16,
    pub(super) cluster: ClusterId,
    pub(super) node: NodeId,
    /// The start that began the segment.
    pub(super) incarnation: Incarnation,
    pub(super) number: u64,
    /// The sequence number of its first frame.
    pub(super) first_sequence: u64,
    /// The checksum of the header of the frame before its first; 0 in the very first segment.
    pub(super) previous: u32,
    pub(super) len_bytes: u64,
}

/// What the first block of a segment file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentStart {
    Header(SegmentHeader),
    /// Zeros, or bytes that are no header.
    Unreadable,
    TooNew(u16),
}

/// `len_bytes` rounded up to whole blocks.
pub(super) fn padded(len_bytes: u64) -> u64 {
    len_bytes.next_multiple_of(BLOCK_BYTES)
}

/// The seed of all checksums of frames of this segment.
pub(super) fn salt(owner: &LogOwner, number: u64) -> u32 {
    let salt = crc32c::crc32c(&owner.cluster.0);
    let salt = crc32c::crc32c_append(salt, &owner.node.0.to_le_bytes());
    let salt = crc32c::crc32c_append(salt, &owner.core.to_le_bytes());
    crc32c::crc32c_append(salt, &number.to_le_bytes())
}

/// Completes a frame in place: `frame` is room for the header, then the payload. Pads it and returns the header's checksum.
pub(super) fn finish_frame(
    frame: &mut Vec<u8>,
    salt: u32,
    kind: FrameKind,
    sequence: u64,
    previous: u32,
) -> u32 {
    let payload_bytes = frame.len() - FRAME_HEADER_BYTES;
    assert!(payload_bytes <= MAX_PAYLOAD_BYTES, "a log batch of {payload_bytes} bytes");
    let payload_checksum = crc32c::crc32c_append(salt, &frame[FRAME_HEADER_BYTES..]);
    frame[0..4].copy_from_slice(&FRAME_MAGIC);
    frame[4..6].copy_from_slice(&VERSION.to_le_bytes());
    frame[6..8].copy_from_slice(&(kind as u16).to_le_bytes());
    frame[8..16].copy_from_slice(&sequence.to_le_bytes());
    frame[16..20].copy_from_slice(&(payload_bytes as u32).to_le_bytes());
    frame[20..24].copy_from_slice(&previous.to_le_bytes());
    frame[24..28].copy_from_slice(&payload_checksum.to_le_bytes());
    let checksum = crc32c::crc32c_append(salt, &frame[..28]);
    frame[28..32].copy_from_slice(&checksum.to_le_bytes());
    frame.resize(padded(frame.len() as u64) as usize, 0);
    checksum
}

/// The frame header at `offset`, if there is one of this segment.
pub(super) fn frame_header_at(segment: &[u8], salt: u32, offset: u64) -> Option<FrameHeader> {
    let at = usize::try_from(offset).ok()?;
    let bytes = segment.get(at..at.checked_add(FRAME_HEADER_BYTES)?)?;
    if bytes[0..4] != FRAME_MAGIC {
        return None;
    }
    let checksum = u32::from_le_bytes(array(bytes, 28));
    if crc32c::crc32c_append(salt, &bytes[..28]) != checksum {
        return None;
    }
    let kind = match u16::from_le_bytes(array(bytes, 6)) {
        1 => FrameKind::Checkpoint,
        2 => FrameKind::Records,
        _ => return None,
    };
    Some(FrameHeader {
        kind,
        sequence: u64::from_le_bytes(array(bytes, 8)),
        payload_bytes: u32::from_le_bytes(array(bytes, 16)),
        previous: u32::from_le_bytes(array(bytes, 20)),
        payload_checksum: u32::from_le_bytes(array(bytes, 24)),
        checksum,
    })
}

/// The payload of the frame at `offset`, if it is whole and as it was written.
pub(super) fn payload_at<'a>(
    segment: &'a [u8],
    salt: u32,
    offset: u64,
    header: &FrameHeader,
) -> Option<&'a [u8]> {
    let start = usize::try_from(offset).ok()?.checked_add(FRAME_HEADER_BYTES)?;
    let payload = segment.get(start..start.checked_add(header.payload_bytes as usize)?)?;
    (crc32c::crc32c_append(salt, payload) == header.payload_checksum).then_some(payload)
}

/// The first block of a segment.
pub(super) fn encode_segment_header(header: &SegmentHeader) -> Vec<u8> {
    let mut out = Vec::with_capacity(BLOCK_BYTES as usize);
    out.extend_from_slice(&SEGMENT_MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&header.core.to_le_bytes());
    out.extend_from_slice(&header.cluster.0);
    out.extend_from_slice(&header.node.0.to_le_bytes());
    out.extend_from_slice(&header.incarnation.0.to_le_bytes());
    out.extend_from_slice(&header.number.to_le_bytes());
    out.extend_from_slice(&header.first_sequence.to_le_bytes());
    out.extend_from_slice(&header.previous.to_le_bytes());
    out.extend_from_slice(&header.len_bytes.to_le_bytes());
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    assert_eq!(out.len(), SEGMENT_HEADER_BYTES);
    out.resize(BLOCK_BYTES as usize, 0);
    out
}

pub(super) fn decode_segment_header(segment: &[u8]) -> SegmentStart {
    let Some(bytes) = segment.get(..SEGMENT_HEADER_BYTES) else { return SegmentStart::Unreadable };
    let checksum = u32::from_le_bytes(array(bytes, 72));
    if bytes[..8] != SEGMENT_MAGIC || crc32c::crc32c(&bytes[..72]) != checksum {
        return SegmentStart::Unreadable;
    }
    let version = u16::from_le_bytes(array(bytes, 8));
    if version > VERSION {
        return SegmentStart::TooNew(version);
    }
    SegmentStart::Header(SegmentHeader {
        core: u16::from_le_bytes(array(bytes, 10)),
        cluster: ClusterId(array(bytes, 12)),
        node: NodeId(u64::from_le_bytes(array(bytes, 28))),
        incarnation: Incarnation(u64::from_le_bytes(array(bytes, 36))),
        number: u64::from_le_bytes(array(bytes, 44)),
        first_sequence: u64::from_le_bytes(array(bytes, 52)),
        previous: u32::from_le_bytes(array(bytes, 60)),
        len_bytes: u64::from_le_bytes(array(bytes, 64)),
    })
}

/// `N` bytes at `at`; the caller has checked the length.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes")
}
