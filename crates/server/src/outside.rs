//! Doors for the fuzz targets: bytes from outside, to the code that reads them.
//!
//! Not for anybody else: what stands here may change at any time.

use crate::faults::{FaultMessage, Wish};
use crate::fronts::http;
use crate::links::handshake as shaking;
use bytes::{Bytes, BytesMut};

/// A request to the HTTP front as its handlers see it: path and query, headers, body.
pub fn http_request(bytes: &[u8]) {
    http::read_all(bytes);
}

/// What the other side of a handshake may say, to both roles, with a secret and without.
pub fn handshake(bytes: &[u8]) {
    shaking::read_all(bytes);
}

/// Orders about faults: the words after `QUARTET FAULT`, and the messages between nodes.
pub fn fault_order(bytes: &[u8]) {
    let words: Vec<Bytes> = bytes.split(|byte| *byte == b' ').map(Bytes::copy_from_slice).collect();
    let wished = Wish::from_words(&words);
    if let Err(error) = wished {
        assert!(!error.sentence.is_empty());
    }
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(message)) = FaultMessage::take(&mut buffer) {
        let mut again = BytesMut::from(&message.encode()[..]);
        assert_eq!(FaultMessage::take(&mut again), Ok(Some(message)));
    }
}
