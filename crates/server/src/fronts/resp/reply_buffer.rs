//! Bytes on their way to one client: small replies side by side in one buffer, long values by reference.
//!
//! A long value is not copied: the state and this buffer share it until it is written.

use crate::links::Outbox;
use bytes::{Buf, Bytes, BytesMut};
use proto::reply::Reply;
use proto::resp::{Version, encode};
use std::io::{self, ErrorKind, Write};

/// From this length on a value is passed by reference.
const BY_REFERENCE_BYTES: usize = 16 * 1024;
/// An empty buffer larger than this is given back.
const KEPT_BYTES: usize = 16 * 1024;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct ReplyBuffer {
    chunks: Outbox,
    tail: BytesMut,
}

impl ReplyBuffer {
    /// Bytes that wait.
    pub(super) fn len_bytes(&self) -> usize {
        self.chunks.len_bytes() + self.tail.len()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len_bytes() == 0
    }

    /// Appends a reply.
    pub(super) fn push(&mut self, reply: &Reply, version: Version) {
        if let Reply::Bulk(value) = reply
            && value.len() >= BY_REFERENCE_BYTES
        {
            self.tail.extend_from_slice(format!("${}\r\n", value.len()).as_bytes());
            self.close_tail();
            self.chunks.push(value.clone());
            self.tail.extend_from_slice(b"\r\n");
        } else {
            encode(reply, version, &mut self.tail);
        }
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail: Bytes = self.tail.split().freeze();
            self.chunks.push(tail);
        }
    }

    /// Writes what the socket takes; answers how many bytes went.
    pub(super) fn write_to(&mut self, socket: &mut impl Write) -> io::Result<usize> {
        let mut written = 0;
        if !self.chunks.is_empty() {
            self.close_tail();
            written += self.chunks.write_to(socket)?;
        }
        while self.chunks.is_empty() && !self.tail.is_empty() {
            match socket.write(&self.tail) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    written += n;
                    if n < self.tail.len() {
                        self.tail.advance(n);
                        break; // a short write: the socket is full
                    }
                    if self.tail.capacity() > KEPT_BYTES {
                        self.tail = BytesMut::new();
                    } else {
                        self.tail.clear();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_replies_keep_their_order() {
        let mut buffer = ReplyBuffer::default();
        let long = Bytes::from(vec![b'x'; BY_REFERENCE_BYTES]);
        buffer.push(&Reply::OK, Version::Resp2);
        buffer.push(&Reply::Bulk(long.clone()), Version::Resp2);
        buffer.push(&Reply::Int(7), Version::Resp2);
        let mut out = Vec::new();
        let expected = [format!("+OK\r\n${}\r\n", long.len()).as_bytes(), &long, b"\r\n:7\r\n"].concat();
        assert_eq!(buffer.len_bytes(), expected.len());
        assert_eq!(buffer.write_to(&mut out).expect("written"), expected.len());
        assert!(out == expected && buffer.is_empty());
    }
}
