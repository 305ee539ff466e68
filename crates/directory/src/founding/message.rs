//! What founders say to each other, and its bytes.
//!
//! ```text
//! byte  0        4      5          8           12        16
//!       | magic  | ver  | zero     | length    | crc32c  | payload …
//!       | "QTB1" | u8   | 3 bytes  | u32 le    | u32 le  |
//! ```
//!
//! The checksum covers bytes 0 to 12 and the payload, which is `postcard` of [`FoundingMessage`]. The magic tells a founding message
//! from a peer frame on the same port. One kind of message is enough: each founder repeats its whole view, so loss, doubling and reordering cost time only.

use super::set::{Founder, FoundingSet};
use crate::address::Address;
use bytes::Bytes;
use proto::ids::ClusterId;
use proto::limits::{MAX_FOUNDING_ADDRESSES, MAX_FOUNDING_MESSAGE_BYTES, MAX_NODES};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of founding messages that this build speaks.
pub const FOUNDING_VERSION: u8 = 1;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 16;
const MAGIC: &[u8; 4] = b"QTB1";

/// A founder's view, told to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundingMessage {
    /// Who says it.
    pub founder: Founder,
    /// How many nodes it wants to found with, itself included.
    pub expect: u32,
    /// How many replicas it wants of each shard.
    pub replicas: u32,
    /// How many shards it wants.
    pub shards: u32,
    /// Its round: rises with each telling, from a number drawn at its start.
    pub round: u64,
    /// The address that this was sent to.
    pub dialed: Address,
    /// Other addresses than its own under which the receiver lately reached the sender: so the receiver learns who answers there.
    pub answers: Vec<Address>,
    /// Whom it hears: founder id, and the newest round of that founder that it has seen.
    pub heard: Vec<(u128, u64)>,
    /// Peer addresses of the founders that it hears. Not those of its own list: a name such as `localhost` means another node elsewhere.
    pub knows: Vec<Address>,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a founder has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It has confirmed nothing.
    Seeking {
        /// The ids of the founders that it would found with, in the order of their addresses; empty while it sees too few.
        choice: Vec<u128>,
    },
    /// It has durably confirmed this set. Told to members of the set.
    Confirmed {
        /// The set.
        set: FoundingSet,
    },
    /// All members confirmed this set. Told to members of the set.
    Founded {
        /// The set.
        set: FoundingSet,
    },
    /// It belongs to a set that the receiver does not belong to. The set's key is left out.
    Elsewhere {
        /// The set's cluster.
        cluster: ClusterId,
        /// The set's members.
        members: Vec<Founder>,
        /// All of them confirmed it.
        founded: bool,
    },
}

/// Why bytes are no founding message. The link that they came from is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// The first bytes are not a founding message's.
    Magic,
    /// A version that this build does not know.
    Version(u8),
    /// Longer than `MAX_FOUNDING_MESSAGE_BYTES`, or not as long as its header says.
    Length,
    /// Damaged on the way.
    Checksum,
    /// The payload makes no sense.
    Payload,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageError::Magic => {
                f.write_str("not a founding message; is a client talking to the peer port?")
            }
            MessageError::Version(version) => {
                write!(
                    f,
                    "founding messages of version {version}, this build speaks {FOUNDING_VERSION}; run the same version on all founders"
                )
            }
            MessageError::Length => f.write_str("a founding message of impossible length"),
            MessageError::Checksum => f.write_str("a founding message was damaged on the way"),
            MessageError::Payload => f.write_str("a founding message that makes no sense"),
        }
    }
}

impl std::error::Error for MessageError {}

impl FoundingMessage {
    /// Whether a buffer begins like a founding message (as far as it goes), and not like a peer frame.
    pub fn is_one(buffer: &[u8]) -> bool {
        let known = buffer.len().min(MAGIC.len());
        buffer[..known] == MAGIC[..known]
    }

    /// How many bytes the message that begins here has in all, once its header is there; `None` means "read on".
    pub fn total_bytes(buffer: &[u8]) -> Result<Option<usize>, MessageError> {
        if !FoundingMessage::is_one(buffer) {
            return Err(MessageError::Magic);
        }
        if buffer.len() < HEADER_BYTES {
            return Ok(None);
        }
        if buffer[4] != FOUNDING_VERSION {
            return Err(MessageError::Version(buffer[4]));
        }
        let length = u32::from_le_bytes(buffer[8..12].try_into().expect("four bytes")) as usize;
        if length > MAX_FOUNDING_MESSAGE_BYTES - HEADER_BYTES {
            return Err(MessageError::Length);
        }
        Ok(Some(HEADER_BYTES + length))
    }

    /// The message's bytes, header included.
    pub fn encode(&self) -> Bytes {
        let mut out =
            postcard::to_extend(self, vec![0; HEADER_BYTES]).expect("writing to memory cannot fail");
        let length = u32::try_from(out.len() - HEADER_BYTES).expect("a founding message is small");
        out[..4].copy_from_slice(MAGIC);
        out[4] = FOUNDING_VERSION;
        out[8..12].copy_from_slice(&length.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&out[..12]), &out[HEADER_BYTES..]);
        out[12..16].copy_from_slice(&checksum.to_le_bytes());
        out.into()
    }

    /// Decodes one whole message. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<FoundingMessage, MessageError> {
        if FoundingMessage::total_bytes(bytes)? != Some(bytes.len()) {
            return Err(MessageError::Length);
        }
        let checksum = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes"));
        if crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[HEADER_BYTES..]) != checksum {
            return Err(MessageError::Checksum);
        }
        match postcard::take_from_bytes::<FoundingMessage>(&bytes[HEADER_BYTES..]) {
            Ok((message, [])) if message.is_sound() => Ok(message),
            _ => Err(MessageError::Payload),
        }
    }

    fn is_sound(&self) -> bool {
        let mut addresses = self.knows.iter().chain(&self.answers).chain([&self.dialed]);
        let stage_is_sound = match &self.stage {
            Stage::Seeking { choice } => choice.len() <= MAX_NODES,
            Stage::Confirmed { set } | Stage::Founded { set } => {
                set.check().is_ok() && set.member(self.founder.id).is_some()
            }
            Stage::Elsewhere { members, .. } => {
                (1..=MAX_NODES).contains(&members.len())
                    && members.iter().all(|member| member.check().is_ok())
            }
        };
        stage_is_sound
            && self.founder.check().is_ok()
            && self.heard.len() <= MAX_FOUNDING_ADDRESSES
            && self.knows.len() <= MAX_FOUNDING_ADDRESSES
            && self.answers.len() <= MAX_FOUNDING_ADDRESSES
            && addresses.all(|address| address.check().is_ok())
    }
}

impl Stage {
    /// Whether this is the word of a cluster that exists.
    pub(super) fn is_founded(&self) -> bool {
        matches!(self, Stage::Founded { .. } | Stage::Elsewhere { founded: true, .. })
    }
}
