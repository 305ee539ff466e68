//! RESP2 and RESP3: the bounded codec that server, client and tests share.
//!
//! * `encode`: a reply to bytes, as a client of either version is to see it.
//! * `decode`: bytes to a reply (RESP3; what RESP2 servers send is a subset), for the client and between nodes.
//! * `request`: a client's bytes to the arguments of a command: multibulk and inline.
//!
//! Invariants: decoding never recurses, so nesting costs heap and not stack; nothing is allocated for what was announced and has not arrived;
//! every length is checked against `limits` before a byte of it is waited for. Arguments are slices of the read buffer: whoever keeps one for longer
//! than a request copies it (the state machine does, `storage::state::Blob`).

mod decode;
mod encode;
mod request;

pub use decode::{DecodeError, ReplyDecoder, decode_reply, decode_reply_exact};
pub use encode::{encode, encode_for_peer, encode_to_bytes};
pub use request::{ProtocolError, RequestDecoder};

/// Which of the two dialects a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// What a connection speaks until it says HELLO 3.
    #[default]
    Resp2,
    /// With maps, sets, doubles, booleans and one nil.
    Resp3,
}
