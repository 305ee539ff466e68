//! etcd's `Put` and `Range`: gRPC over HTTP/2 frames that are written here, on plain TCP.
//!
//! A gRPC library would cost the generator more than the store under test, and would hide who spends the time. Only what one etcd server on a
//! quiet network needs is here. Header blocks of answers are never decoded: a call without a message in its answer was refused, since both
//! calls always answer with one. The header table is used as a real client would: the words that repeat are sent once for each connection.
//!
//! Not here: the server's send windows (a few small requests are on their way at a time, and the server opens its window as it reads), TLS,
//! compression.

use crate::session::{Answer, Outcome};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// On SETTINGS and PING: this is the acknowledgement.
const ACK: u8 = 1;
/// On DATA and HEADERS: nothing follows on this stream.
const END_STREAM: u8 = 1;
/// On HEADERS: the block is whole.
const END_HEADERS: u8 = 4;

const FRAME_HEAD_BYTES: usize = 9;
/// Before each gRPC message: a compression flag and four bytes of length.
const MESSAGE_HEAD_BYTES: usize = 5;
/// What the server may send on the connection before it hears of more room.
const RECEIVE_WINDOW_BYTES: u32 = 1 << 30;
/// The connection's window before any update, by the standard.
const FIRST_WINDOW_BYTES: u32 = 65_535;

/// A call that has no answer yet.
struct Call {
    stream: u32,
    read: bool,
    /// The answer's DATA so far.
    body: Vec<u8>,
}

/// One HTTP/2 connection.
pub(crate) struct Session {
    authority: String,
    /// Reads may be answered by one member from its own state.
    serializable: bool,
    next_stream: u32,
    calls: Vec<Call>,
    /// Bytes of DATA since the window was last opened.
    received_bytes: u32,
}

/// The preface, our settings (no push), and a window that need not be opened for a gigabyte.
pub(crate) fn greet(output: &mut Vec<u8>) {
    output.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frame(output, SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 0]);
    frame(output, WINDOW_UPDATE, 0, 0, &(RECEIVE_WINDOW_BYTES - FIRST_WINDOW_BYTES).to_be_bytes());
}

impl Session {
    pub(crate) fn new(authority: String, serializable: bool) -> Session {
        Session { authority, serializable, next_stream: 1, calls: Vec::new(), received_bytes: 0 }
    }

    pub(crate) fn put(&mut self, key: &[u8], value: &[u8], output: &mut Vec<u8>) -> u64 {
        let mut message = Vec::with_capacity(key.len() + value.len() + 8);
        bytes_field(&mut message, 1, key);
        bytes_field(&mut message, 2, value);
        self.call(b"/etcdserverpb.KV/Put", false, &message, output)
    }

    pub(crate) fn range(&mut self, key: &[u8], output: &mut Vec<u8>) -> u64 {
        let mut message = Vec::with_capacity(key.len() + 8);
        bytes_field(&mut message, 1, key);
        if self.serializable {
            message.extend_from_slice(&[7 << 3, 1]); // field 7, `serializable`, is a varint
        }
        self.call(b"/etcdserverpb.KV/Range", true, &message, output)
    }

    fn call(&mut self, path: &[u8], read: bool, message: &[u8], output: &mut Vec<u8>) -> u64 {
        let stream = self.next_stream;
        self.next_stream += 2;
        frame(output, HEADERS, END_HEADERS, stream, &self.header_block(path, stream == 1));
        let mut body = vec![0];
        body.extend_from_slice(&(message.len() as u32).to_be_bytes());
        body.extend_from_slice(message);
        frame(output, DATA, END_STREAM, stream, &body);
        self.calls.push(Call { stream, read, body: Vec::new() });
        u64::from(stream)
    }

    /// HPACK: indexed fields of the static table; three fields that the first call puts into the dynamic table, where the newest is 62.
    fn header_block(&self, path: &[u8], first: bool) -> Vec<u8> {
        let mut block = vec![0x80 | 3, 0x80 | 6]; // :method POST, :scheme http
        block.push(4); // :path by its static name, not to be indexed: Put and Range share a connection
        text(&mut block, path);
        if first {
            block.push(0x40 | 1); // :authority
            text(&mut block, self.authority.as_bytes());
            block.push(0x40 | 31); // content-type
            text(&mut block, b"application/grpc");
            block.push(0x40);
            text(&mut block, b"te");
            text(&mut block, b"trailers");
        } else {
            block.extend_from_slice(&[0x80 | 64, 0x80 | 63, 0x80 | 62]);
        }
        block
    }

    pub(crate) fn read(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, String> {
        let mut used = 0;
        while let Some((head, rest)) = input[used..].split_first_chunk::<FRAME_HEAD_BYTES>() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let Some(payload) = rest.get(..length) else { break };
            used += FRAME_HEAD_BYTES + length;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
            self.frame_arrived(head[3], head[4], stream, payload, output, answers)?;
        }
        Ok(used)
    }

    fn frame_arrived(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
        output: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), String> {
        match kind {
            DATA => {
                self.make_room(payload.len() as u32, output);
                if let Some(call) = self.calls.iter_mut().find(|call| call.stream == stream) {
                    call.body.extend_from_slice(payload);
                }
            }
            SETTINGS if flags & ACK == 0 => frame(output, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => frame(output, PING, ACK, 0, payload),
            GOAWAY => return Err(format!("GOAWAY {}", printable(payload))),
            _ => {}
        }
        let ended = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
        if (ended || kind == RST_STREAM)
            && let Some(index) = self.calls.iter().position(|call| call.stream == stream)
        {
            let call = self.calls.swap_remove(index);
            let outcome = match call.body.get(MESSAGE_HEAD_BYTES..) {
                None => Outcome::Refused(format!("no message: {}", printable(payload))),
                Some(_) if !call.read => Outcome::Written,
                Some(message) => value_in(message)?.map_or(Outcome::Absent, Outcome::Value),
            };
            answers.push((u64::from(stream), outcome));
        }
        Ok(())
    }

    fn make_room(&mut self, bytes: u32, output: &mut Vec<u8>) {
        self.received_bytes += bytes;
        if self.received_bytes > RECEIVE_WINDOW_BYTES / 2 {
            frame(output, WINDOW_UPDATE, 0, 0, &self.received_bytes.to_be_bytes());
            self.received_bytes = 0;
        }
    }
}

fn frame(output: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    output.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    output.extend_from_slice(&[kind, flags]);
    output.extend_from_slice(&stream.to_be_bytes());
    output.extend_from_slice(payload);
}

/// An HPACK string without Huffman coding; all of ours are shorter than 127 bytes.
fn text(block: &mut Vec<u8>, bytes: &[u8]) {
    assert!(bytes.len() < 127, "a header of {} bytes needs a longer length", bytes.len());
    block.push(bytes.len() as u8);
    block.extend_from_slice(bytes);
}

/// A length-delimited field of a protobuf message.
fn bytes_field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    let mut length = bytes.len();
    while length > 0x7f {
        message.push(length as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend_from_slice(bytes);
}

/// The value of the first pair in a `RangeResponse`: field 2 is the pair, and its field 5 the value.
fn value_in(message: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some(pair) = field(message, 2)? else { return Ok(None) };
    Ok(Some(field(pair, 5)?.unwrap_or_default().to_vec()))
}

/// The first length-delimited field with this number.
fn field(mut message: &[u8], number: u64) -> Result<Option<&[u8]>, String> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => drop(varint(&mut message)?),
            2 => {
                let length = varint(&mut message)? as usize;
                let (bytes, rest) =
                    message.split_at_checked(length).ok_or("a field that ends after its message")?;
                if tag >> 3 == number {
                    return Ok(Some(bytes));
                }
                message = rest;
            }
            kind => return Err(format!("a protobuf field of type {kind}")),
        }
    }
    Ok(None)
}

fn varint(message: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().ok_or("a number that ends after its message")?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("a number of more than ten bytes".to_owned())
}

fn printable(bytes: &[u8]) -> String {
    bytes
        .iter()
        .filter(|byte| byte.is_ascii_graphic() || **byte == b' ')
        .map(|byte| char::from(*byte))
        .collect()
}
