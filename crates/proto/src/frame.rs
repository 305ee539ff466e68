//! The frame that travels between two nodes: a fixed header, then the messages.
//!
//! ```text
//! byte  0        4      5     6        8               16              24              32           36        40
//!       | magic  | ver  | hops| zero   | source node   | destination   | first sent ms | length     | crc32c  | payload …
//!       | "QTF1" | u8   | u8  | u16    | u64 le        | u64 le        | u64 le        | u32 le     | u32 le  |
//! ```
//!
//! The checksum covers bytes 0 to 36, with zero in the place of `hops`, and the payload, so nothing is decoded that was damaged and a relay need not look at the payload. The payload is
//! `postcard` of `Vec<Message>` (`peer`). `hops` counts the relays that are still allowed. A receiver refuses a version that it does not know.

use crate::ids::NodeId;
use crate::limits::MAX_FRAME_BYTES;
use crate::peer::Message;
use bytes::{BufMut, Bytes};
use std::fmt;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 40;
/// The version of frames and messages that this build speaks.
pub const PROTOCOL_VERSION: u8 = 4;
const MAGIC: &[u8; 4] = b"QTF1";
const HOPS_AT: usize = 5;

/// What a relay looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The node that made the frame.
    pub source: NodeId,
    /// The node that it is for.
    pub destination: NodeId,
    /// Relays that are still allowed.
    pub hops_left: u8,
}

/// A decoded frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The node that made it.
    pub source: NodeId,
    /// The node that it is for.
    pub destination: NodeId,
    /// Relays that are still allowed.
    pub hops_left: u8,
    /// When it was first sent: milliseconds on the source's monotonic clock.
    pub first_sent_ms: u64,
    /// In the order in which they were said.
    pub messages: Vec<Message>,
}

/// Why bytes are no frame. The link that they came from is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The first bytes are not a frame's.
    Magic,
    /// A version that this build does not know.
    Version(u8),
    /// Longer than `MAX_FRAME_BYTES`, or not as long as its header says.
    Length,
    /// Damaged on the way.
    Checksum,
    /// The payload is not a list of messages.
    Payload,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Magic => {
                f.write_str("not a Quartet peer frame; is a client talking to the peer port?")
            }
            FrameError::Version(version) => {
                write!(
                    f,
                    "peer protocol version {version}, this build speaks {PROTOCOL_VERSION}; upgrade the older node"
                )
            }
            FrameError::Length => f.write_str("a peer frame of impossible length"),
            FrameError::Checksum => f.write_str("a peer frame was damaged on the way"),
            FrameError::Payload => f.write_str("a peer frame whose messages make no sense"),
        }
    }
}

impl std::error::Error for FrameError {}

impl Frame {
    /// The frame's bytes. The caller keeps the messages within `MAX_FRAME_BYTES`, and says about how many bytes they take, so that the buffer is made once.
    pub fn encode(&self, messages_bytes: usize) -> Bytes {
        let mut out = Vec::with_capacity(HEADER_BYTES + messages_bytes);
        out.put_slice(MAGIC);
        out.put_u8(PROTOCOL_VERSION);
        out.put_u8(self.hops_left);
        out.put_u16_le(0);
        out.put_u64_le(self.source.0);
        out.put_u64_le(self.destination.0);
        out.put_u64_le(self.first_sent_ms);
        out.put_u64_le(0); // length and checksum, filled in below
        let mut out =
            postcard::to_extend(&self.messages, out).expect("writing messages to memory cannot fail");
        let length = u32::try_from(out.len() - HEADER_BYTES).expect("a frame is far below 4 GiB");
        out[32..36].copy_from_slice(&length.to_le_bytes());
        let checksum = checksum_of(&out);
        out[36..40].copy_from_slice(&checksum.to_le_bytes());
        Bytes::from(out)
    }

    /// For whom a whole frame is and who made it, without a look at its payload or its checksum.
    pub fn addresses(bytes: &[u8]) -> Result<Addresses, FrameError> {
        if Frame::total_bytes(bytes)? != Some(bytes.len()) {
            return Err(FrameError::Length);
        }
        Ok(Addresses {
            source: NodeId(number_at(bytes, 8)),
            destination: NodeId(number_at(bytes, 16)),
            hops_left: bytes[HOPS_AT],
        })
    }

    /// The same frame with one relay less allowed; `None` if none is left.
    pub fn relayed(bytes: &[u8]) -> Option<Bytes> {
        let hops_left = bytes.get(HOPS_AT)?.checked_sub(1)?;
        let mut out = bytes.to_vec();
        out[HOPS_AT] = hops_left;
        Some(Bytes::from(out))
    }

    /// How many bytes the frame that begins here has in all, once its header is there; `None` means "read on".
    pub fn total_bytes(buffer: &[u8]) -> Result<Option<usize>, FrameError> {
        let known = buffer.len().min(4);
        if buffer[..known] != MAGIC[..known] {
            return Err(FrameError::Magic);
        }
        if buffer.len() < HEADER_BYTES {
            return Ok(None);
        }
        if buffer[4] != PROTOCOL_VERSION {
            return Err(FrameError::Version(buffer[4]));
        }
        let length = u32::from_le_bytes(buffer[32..36].try_into().expect("four bytes")) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(FrameError::Length);
        }
        Ok(Some(HEADER_BYTES + length))
    }

    /// Decodes one whole frame.
    pub fn decode(bytes: &Bytes) -> Result<Frame, FrameError> {
        if Frame::total_bytes(bytes)? != Some(bytes.len()) {
            return Err(FrameError::Length);
        }
        let checksum = u32::from_le_bytes(bytes[36..40].try_into().expect("four bytes"));
        if checksum_of(bytes) != checksum {
            return Err(FrameError::Checksum);
        }
        let (messages, rest) = postcard::take_from_bytes::<Vec<Message>>(&bytes[HEADER_BYTES..])
            .map_err(|_| FrameError::Payload)?;
        if !rest.is_empty() {
            return Err(FrameError::Payload);
        }
        Ok(Frame {
            source: NodeId(number_at(bytes, 8)),
            destination: NodeId(number_at(bytes, 16)),
            hops_left: bytes[HOPS_AT],
            first_sent_ms: number_at(bytes, 24),
            messages,
        })
    }
}

fn number_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Hops change on the way, so they count as zero.
fn checksum_of(frame: &[u8]) -> u32 {
    let before = crc32c::crc32c_append(crc32c::crc32c(&frame[..HOPS_AT]), &[0]);
    crc32c::crc32c_append(crc32c::crc32c_append(before, &frame[HOPS_AT + 1..36]), &frame[HEADER_BYTES..])
}
