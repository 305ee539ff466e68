//! What waits to be written to one socket: chunks in order, written with as few calls as can be, bounded by whoever fills it.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};

const SLICES_PER_WRITE: usize = 64;

/// A queue of chunks.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Outbox {
    /// Bytes that wait.
    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Appends a chunk.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.bytes = 0;
    }

    /// Writes until nothing waits or the socket takes no more; answers how many bytes went.
    pub(crate) fn write_to(&mut self, socket: &mut impl Write) -> io::Result<usize> {
        let mut written = 0;
        while !self.chunks.is_empty() {
            let result = if self.chunks.len() == 1 {
                socket.write(&self.chunks[0])
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES_PER_WRITE];
                let mut count = 0;
                for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                    *slice = IoSlice::new(chunk);
                    count += 1;
                }
                socket.write_vectored(&slices[..count])
            };
            match result {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    written += n;
                    self.advance(n);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    fn advance(&mut self, mut n: usize) {
        self.bytes -= n;
        while n > 0 {
            let first = self.chunks.front_mut().expect("no more is written than waits");
            let step = n.min(first.len());
            first.advance(step);
            n -= step;
            if first.is_empty() {
                self.chunks.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most 5 bytes a call and blocks after 12.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(5).min(12 - self.0.len());
            if n == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.0.extend_from_slice(&bytes[..n]);
            Ok(n)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn chunks_leave_in_order_across_short_writes() {
        let mut outbox = Outbox::default();
        for chunk in ["abc", "", "defghijk", "lmnop"] {
            outbox.push(Bytes::from_static(chunk.as_bytes()));
        }
        let mut slow = Slow(Vec::new());
        assert_eq!(outbox.write_to(&mut slow).expect("written"), 12);
        assert_eq!((slow.0.as_slice(), outbox.len_bytes()), (&b"abcdefghijkl"[..], 4));
        slow.0.clear();
        outbox.write_to(&mut slow).expect("written");
        assert_eq!((slow.0.as_slice(), outbox.is_empty()), (&b"mnop"[..], true));
    }
}
