//! Bytes to a reply, without recursion.
//!
//! Open arrays, maps and sets wait on a stack of their own, at most `MAX_NESTING` deep; an announced length reserves room for a few elements only.
//! The decoder keeps what it has understood between calls, so a reply of a million elements that arrives in pieces is read once.
//! Attributes and pushes are refused: nobody here asks for them.

use super::encode::PEER_PAIRS;
use crate::limits::{MAX_COMMAND_BYTES, MAX_INLINE_BYTES, MAX_NESTING, MAX_REPLY_ELEMENTS};
use crate::reply::Reply;
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;

/// Why bytes are no reply. The connection that they came from is of no further use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end inside the reply, or go on after it.
    Length,
    /// A byte that cannot stand where it stands.
    Syntax,
    /// Nested deeper than `MAX_NESTING`.
    Depth,
    /// Longer than the limits allow, or more elements.
    Size,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::Length => "a reply that is cut short, or has bytes after its end",
            DecodeError::Syntax => "bytes that are not a RESP reply",
            DecodeError::Depth => "a reply nested too deep",
            DecodeError::Size => "a reply beyond the limits",
        })
    }
}

impl std::error::Error for DecodeError {}

/// Decodes bytes that are one whole reply and nothing else. Copies what it keeps: the reply does not hold on to `bytes`.
pub fn decode_reply_exact(bytes: &[u8]) -> Result<Reply, DecodeError> {
    let mut rest = bytes;
    match ReplyDecoder::default().take(&mut rest)? {
        Some(reply) if rest.is_empty() => Ok(reply),
        _ => Err(DecodeError::Length),
    }
}

/// Takes one whole reply from the front of the buffer; `None` means "read on" and leaves the buffer alone. Reads from the start each time: for long replies
/// that come in many pieces keep a [`ReplyDecoder`].
pub fn decode_reply(buffer: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
    let mut rest = &buffer[..];
    let reply = ReplyDecoder::default().take(&mut rest)?;
    if reply.is_some() {
        let used = buffer.len() - rest.len();
        buffer.advance(used);
    }
    Ok(reply)
}

/// Takes replies from a connection's bytes as they arrive.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    open: Vec<Open>,
    elements: usize,
}

/// An array, set or map that still lacks elements.
#[derive(Debug)]
struct Open {
    kind: u8,
    missing: usize,
    items: Vec<Reply>,
}

impl ReplyDecoder {
    /// The next whole reply; `None` means "read on". Consumes what it has understood, even of an unfinished reply.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let mut rest = &buffer[..];
        let result = self.take(&mut rest);
        let used = buffer.len() - rest.len();
        buffer.advance(used);
        result
    }

    fn take(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, DecodeError> {
        loop {
            let Some(element) = self.element(input)? else { return Ok(None) };
            let mut done = match element {
                Element::Whole(reply) => reply,
                Element::Opens(open) if open.missing == 0 => open.close()?,
                Element::Opens(open) => {
                    if self.open.len() >= MAX_NESTING {
                        return Err(DecodeError::Depth);
                    }
                    self.open.push(open);
                    continue;
                }
            };
            loop {
                let Some(parent) = self.open.last_mut() else {
                    self.elements = 0;
                    return Ok(Some(done));
                };
                parent.items.push(done);
                parent.missing -= 1;
                if parent.missing > 0 {
                    break;
                }
                done = self.open.pop().expect("the parent is there").close()?;
            }
        }
    }

    fn element(&mut self, input: &mut &[u8]) -> Result<Option<Element>, DecodeError> {
        let Some(&kind) = input.first() else { return Ok(None) };
        let Some(end) = line_end(input)? else { return Ok(None) };
        let line = &input[1..end];
        let after = end + 2;
        self.elements += 1;
        if self.elements > MAX_REPLY_ELEMENTS {
            return Err(DecodeError::Size);
        }
        let mut used = after;
        let element = match kind {
            b'+' => Element::Whole(status(line)?),
            b'-' => Element::Whole(Reply::Error(text(line)?.to_owned())),
            b':' => Element::Whole(Reply::Int(integer(line)?)),
            b'_' if line.is_empty() => Element::Whole(Reply::Nil),
            b'#' if line == b"t" || line == b"f" => Element::Whole(Reply::Bool(line == b"t")),
            b',' => Element::Whole(Reply::Double(double(line)?)),
            b'$' | b'=' if line == b"-1" => Element::Whole(Reply::Nil),
            b'$' | b'=' => {
                let length = size(line, MAX_COMMAND_BYTES)?;
                let Some(payload) = input.get(after..after + length + 2) else {
                    self.elements -= 1; // it is looked at again when more has arrived
                    return Ok(None);
                };
                if &payload[length..] != b"\r\n" {
                    return Err(DecodeError::Syntax);
                }
                used = after + length + 2;
                let payload = &payload[..length];
                Element::Whole(if kind == b'$' {
                    Reply::Bulk(Bytes::copy_from_slice(payload))
                } else {
                    verbatim(payload)?
                })
            }
            b'*' if line == b"-1" => Element::Whole(Reply::NilArray),
            b'*' | b'~' | b'%' | PEER_PAIRS => {
                let announced = size(line, MAX_REPLY_ELEMENTS)?;
                let missing = if matches!(kind, b'%' | PEER_PAIRS) { announced * 2 } else { announced };
                Element::Opens(Open { kind, missing, items: Vec::with_capacity(missing.min(64)) })
            }
            _ => return Err(DecodeError::Syntax),
        };
        *input = &input[used..];
        Ok(Some(element))
    }
}

enum Element {
    Whole(Reply),
    Opens(Open),
}

impl Open {
    fn close(self) -> Result<Reply, DecodeError> {
        match self.kind {
            b'*' => Ok(Reply::Array(self.items)),
            b'~' => Ok(Reply::Set(self.items)),
            _ => {
                let mut pairs = Vec::with_capacity(self.items.len() / 2);
                let mut items = self.items.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    pairs.push((key, value));
                }
                Ok(if self.kind == PEER_PAIRS { Reply::Pairs(pairs) } else { Reply::Map(pairs) })
            }
        }
    }
}

/// Where the first line ends (at its `\r`), once it is all there. A line is bounded, so looking for its end again costs little.
fn line_end(input: &[u8]) -> Result<Option<usize>, DecodeError> {
    let window = &input[..input.len().min(MAX_INLINE_BYTES)];
    match window.iter().position(|&byte| byte == b'\n') {
        Some(at) if at >= 2 && window[at - 1] == b'\r' => Ok(Some(at - 1)),
        Some(_) => Err(DecodeError::Syntax),
        None if window.len() < MAX_INLINE_BYTES => Ok(None),
        None => Err(DecodeError::Size),
    }
}

fn text(line: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(line).map_err(|_| DecodeError::Syntax)
}

fn integer(line: &[u8]) -> Result<i64, DecodeError> {
    text(line)?.parse().map_err(|_| DecodeError::Syntax)
}

fn size(line: &[u8], limit: usize) -> Result<usize, DecodeError> {
    let size = usize::try_from(integer(line)?).map_err(|_| DecodeError::Syntax)?;
    if size > limit { Err(DecodeError::Size) } else { Ok(size) }
}

fn double(line: &[u8]) -> Result<f64, DecodeError> {
    text(line)?.parse().map_err(|_| DecodeError::Syntax)
}

/// The statuses that we send ourselves come back as the constants that they were, so that a reply survives the way to another node unchanged.
fn status(line: &[u8]) -> Result<Reply, DecodeError> {
    const KNOWN: [&str; 10] =
        ["OK", "PONG", "QUEUED", "RESET", "string", "none", "set", "hash", "list", "zset"];
    let line = text(line)?;
    Ok(match KNOWN.iter().find(|known| **known == line) {
        Some(known) => Reply::Simple(known),
        None => Reply::Status(line.to_owned()),
    })
}

fn verbatim(payload: &[u8]) -> Result<Reply, DecodeError> {
    let (format, body) = text(payload)?.split_at_checked(4).ok_or(DecodeError::Syntax)?;
    let format = match format {
        "txt:" => "txt",
        "mkd:" => "mkd",
        _ => return Err(DecodeError::Syntax),
    };
    Ok(Reply::Verbatim(format, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::{Version, encode_for_peer, encode_to_bytes};

    fn sample() -> Reply {
        Reply::Array(vec![
            Reply::OK,
            Reply::Status("something else".into()),
            Reply::Map(vec![(
                Reply::bulk("k"),
                Reply::Set(vec![Reply::Bool(true), Reply::Double(0.1), Reply::Nil]),
            )]),
            Reply::Verbatim("mkd", "# hé".into()),
            Reply::Array(vec![]),
            Reply::Map(vec![]),
            Reply::error("ERR no"),
            Reply::Int(-7),
        ])
    }

    #[test]
    fn a_reply_survives_the_way_there_and_back() {
        let reply = sample();
        assert_eq!(decode_reply_exact(&encode_to_bytes(&reply, Version::Resp3)), Ok(reply));
        for absent in [Reply::NilArray, Reply::Array(vec![Reply::NilArray, Reply::Nil])] {
            assert_eq!(decode_reply_exact(&encode_for_peer(&absent)), Ok(absent));
        }
    }

    #[test]
    fn a_reply_that_arrives_byte_by_byte_is_the_same_reply() {
        let bytes = encode_to_bytes(&sample(), Version::Resp3);
        let mut decoder = ReplyDecoder::default();
        let mut buffer = BytesMut::new();
        for (at, byte) in bytes.iter().enumerate() {
            buffer.extend_from_slice(&[*byte]);
            let reply = decoder.decode(&mut buffer).expect("the bytes are good");
            assert_eq!(reply.is_some(), at + 1 == bytes.len());
            if let Some(reply) = reply {
                assert_eq!(reply, sample());
            }
        }
    }

    #[test]
    fn nesting_and_sizes_are_bounded() {
        let deep = "*1\r\n".repeat(MAX_NESTING + 1);
        assert_eq!(decode_reply_exact(deep.as_bytes()), Err(DecodeError::Depth));
        let deepest = "*1\r\n".repeat(MAX_NESTING) + ":1\r\n";
        assert!(decode_reply_exact(deepest.as_bytes()).is_ok());
        assert_eq!(decode_reply_exact(b"$99999999999\r\n"), Err(DecodeError::Size));
        assert_eq!(decode_reply_exact(b"*99999999999\r\n"), Err(DecodeError::Size));
        assert_eq!(decode_reply_exact(b"*16777216\r\n:1\r\n"), Err(DecodeError::Length));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bad in [
            &b"?\r\n"[..],
            b":x\r\n",
            b"$3\r\nabcd\r\n",
            b"_x\r\n",
            b"#x\r\n",
            b"=3\r\nabc\r\n",
            b"\n",
            b"$-2\r\n",
            b">1\r\n",
        ] {
            assert!(decode_reply_exact(bad).is_err(), "{bad:?}");
        }
        assert_eq!(decode_reply_exact(b":1\r\n:2\r\n"), Err(DecodeError::Length));
        assert_eq!(decode_reply(&mut BytesMut::from(&b":1\r\n:2\r\n"[..])), Ok(Some(Reply::Int(1))));
    }
}
