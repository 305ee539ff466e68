//! What a command answers, before it is written in RESP2, RESP3 or JSON.
//!
//! The variants are those of RESP3; `resp::encode` knows how a RESP2 client is to see them. A refusal by the state machine
//! (`WRONGTYPE`, a CAS that did not hold) is a reply like any other, because every replica must compute the same one.
//!
//! Between nodes, and in the dedup table, a reply travels as its RESP3 bytes: that codec is bounded and does not recurse, so hostile
//! bytes cannot overflow a stack.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A reply in the vocabulary of RESP3.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Absent (`$-1` or `*-1` in RESP2, `_` in RESP3).
    Nil,
    /// An absent array (`*-1` in RESP2, `_` in RESP3).
    NilArray,
    /// A short status such as `OK`.
    Simple(&'static str),
    /// A status line that is not fixed at compile time.
    Status(String),
    /// An error: its first word is the code that clients match on.
    Error(String),
    /// An integer.
    Int(i64),
    /// Bytes.
    Bulk(Bytes),
    /// A floating-point number (a bulk string in RESP2).
    Double(f64),
    /// A truth value (`:1` or `:0` in RESP2).
    Bool(bool),
    /// An array.
    Array(Vec<Reply>),
    /// Key and value pairs (a flat array in RESP2).
    Map(Vec<(Reply, Reply)>),
    /// A set (an array in RESP2).
    Set(Vec<Reply>),
    /// Pairs in an order that counts, such as members with scores: an array of arrays of two (a flat array in RESP2).
    Pairs(Vec<(Reply, Reply)>),
    /// Text with a format, `txt` or `mkd` (a bulk string in RESP2).
    Verbatim(&'static str, String),
}

impl Reply {
    /// `+OK`
    pub const OK: Reply = Reply::Simple("OK");

    /// A bulk string from anything that holds bytes.
    pub fn bulk(bytes: impl Into<Bytes>) -> Reply {
        Reply::Bulk(bytes.into())
    }

    /// An error reply. `text` begins with its code word (`ERR …`, `WRONGTYPE …`).
    pub fn error(text: impl Into<String>) -> Reply {
        Reply::Error(text.into())
    }

    /// The refusal of an operation against a value of another type.
    pub fn wrong_type() -> Reply {
        Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
    }

    /// Whether this is an error reply.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }

    /// About how many bytes this reply occupies, for limits: payload bytes and a small constant an element.
    pub fn weight_bytes(&self) -> usize {
        const PER_ELEMENT: usize = 16;
        PER_ELEMENT
            + match self {
                Reply::Nil | Reply::NilArray | Reply::Int(_) | Reply::Double(_) | Reply::Bool(_) => 0,
                Reply::Simple(text) => text.len(),
                Reply::Status(text) | Reply::Error(text) | Reply::Verbatim(_, text) => text.len(),
                Reply::Bulk(bytes) => bytes.len(),
                Reply::Array(items) | Reply::Set(items) => items.iter().map(Reply::weight_bytes).sum(),
                Reply::Map(pairs) | Reply::Pairs(pairs) => {
                    pairs.iter().map(|(k, v)| k.weight_bytes() + v.weight_bytes()).sum()
                }
            }
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&crate::resp::encode_for_peer(self))
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        crate::resp::decode_reply_exact(&bytes).map_err(serde::de::Error::custom)
    }
}
