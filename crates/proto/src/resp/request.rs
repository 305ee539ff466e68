//! A client's bytes to the arguments of one command.
//!
//! Incremental: what has been understood is not looked at again, so an argument that comes in a thousand pieces costs what it weighs. Lengths are checked
//! when they are announced; nothing is reserved for them. Arguments of a multibulk command are slices of the read buffer, so all of it lives until the last of
//! them is dropped. Error texts are Redis's, word for word: its clients and tests look for them. After an error the connection is closed.

use crate::commands::number::parse_i64;
use crate::limits::{MAX_ARGUMENT_BYTES, MAX_ARGUMENTS, MAX_COMMAND_BYTES, MAX_INLINE_BYTES};
use crate::reply::Reply;
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;

/// Why bytes are no command. Say it, then close the connection: where the next command begins is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError(String);

impl ProtocolError {
    /// What the client is told.
    pub fn reply(&self) -> Reply {
        Reply::error(format!("ERR {self}"))
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol error: {}", self.0)
    }
}

impl std::error::Error for ProtocolError {}

fn refuse<T>(text: impl Into<String>) -> Result<T, ProtocolError> {
    Err(ProtocolError(text.into()))
}

/// Arguments that an unauthenticated client may send in one command.
const UNAUTHENTICATED_ARGUMENTS: usize = 10;
/// Bytes of one argument of an unauthenticated client.
const UNAUTHENTICATED_ARGUMENT_BYTES: usize = 16 * 1024;

/// Takes commands from one connection's bytes as they arrive.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    /// Arguments of the command that is being received.
    arguments: Vec<Bytes>,
    /// How many of them have not been received; 0 between commands.
    missing: usize,
    /// The length of the argument that is being received.
    bulk_bytes: Option<usize>,
    /// Announced bytes of the command that is being received.
    total_bytes: usize,
    /// Bytes at the front of the buffer that are known to hold no line end.
    scanned: usize,
    /// A client that has not given the password gets little room.
    unauthenticated: bool,
}

impl RequestDecoder {
    /// A decoder that gives a client little room until [`RequestDecoder::authenticated`] is called: no more than it takes to authenticate.
    pub fn unauthenticated() -> RequestDecoder {
        RequestDecoder { unauthenticated: true, ..RequestDecoder::default() }
    }

    /// The client has given the password.
    pub fn authenticated(&mut self) {
        self.unauthenticated = false;
    }

    /// How many bytes must arrive before [`RequestDecoder::decode`] can get any further, if that is known: a hint for how much to read at once.
    pub fn wanted_bytes(&self, buffer: &BytesMut) -> Option<usize> {
        self.bulk_bytes.map(|length| (length + 2).saturating_sub(buffer.len()))
    }

    /// The next whole command, never empty; `None` means "read on".
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        loop {
            if self.missing == 0 {
                match buffer.first() {
                    None => return Ok(None),
                    Some(b'*') => {
                        if !self.count(buffer)? {
                            return Ok(None);
                        }
                    }
                    Some(_) => match self.inline(buffer)? {
                        None => return Ok(None),
                        Some(arguments) if arguments.is_empty() => {}
                        Some(arguments) => return Ok(Some(arguments)),
                    },
                }
                continue;
            }
            if !self.argument(buffer)? {
                return Ok(None);
            }
            if self.missing == 0 {
                self.total_bytes = 0;
                return Ok(Some(std::mem::take(&mut self.arguments)));
            }
        }
    }

    /// `*3\r\n`; true once it is there. A count of zero or less is an empty command, which Redis skips.
    fn count(&mut self, buffer: &mut BytesMut) -> Result<bool, ProtocolError> {
        let Some(line) = self.line(buffer, "too big mbulk count string")? else { return Ok(false) };
        let count = parse_i64(&buffer[1..line]);
        buffer.advance(line + 2);
        let Some(count) = count.filter(|&count| count <= MAX_ARGUMENTS as i64) else {
            return refuse("invalid multibulk length");
        };
        let count = usize::try_from(count).unwrap_or(0);
        if self.unauthenticated && count > UNAUTHENTICATED_ARGUMENTS {
            return refuse("unauthenticated multibulk length");
        }
        self.missing = count;
        self.arguments = Vec::with_capacity(count.min(64));
        Ok(true)
    }

    /// One argument, its length first; true once it is there.
    fn argument(&mut self, buffer: &mut BytesMut) -> Result<bool, ProtocolError> {
        let length = match self.bulk_bytes {
            Some(length) => length,
            None => {
                let Some(line) = self.line(buffer, "too big bulk count string")? else { return Ok(false) };
                if buffer[0] != b'$' {
                    return refuse(format!("expected '$', got '{}'", printable(buffer[0])));
                }
                let length = parse_i64(&buffer[1..line]).and_then(|length| usize::try_from(length).ok());
                buffer.advance(line + 2);
                let Some(length) = length.filter(|&length| length <= MAX_ARGUMENT_BYTES) else {
                    return refuse("invalid bulk length");
                };
                if self.unauthenticated && length > UNAUTHENTICATED_ARGUMENT_BYTES {
                    return refuse("unauthenticated bulk length");
                }
                self.total_bytes += length;
                if self.total_bytes > MAX_COMMAND_BYTES {
                    return refuse("command too long");
                }
                self.bulk_bytes = Some(length);
                length
            }
        };
        if buffer.len() < length + 2 {
            return Ok(false);
        }
        self.arguments.push(buffer.split_to(length).freeze());
        buffer.advance(2); // the line end, which Redis does not look at either
        self.bulk_bytes = None;
        self.missing -= 1;
        Ok(true)
    }

    /// Where the first line's `\r` is, once its `\n` has arrived too.
    fn line(&mut self, buffer: &BytesMut, too_long: &str) -> Result<Option<usize>, ProtocolError> {
        match buffer[self.scanned..].iter().position(|&byte| byte == b'\r') {
            Some(at) if self.scanned + at + 1 < buffer.len() => {
                Ok(Some(std::mem::take(&mut self.scanned) + at))
            }
            Some(at) => {
                self.scanned += at;
                Ok(None)
            }
            None if buffer.len() > MAX_INLINE_BYTES => refuse(too_long),
            None => {
                self.scanned = buffer.len();
                Ok(None)
            }
        }
    }

    /// A command as a person types it: words, quotes and escapes on one line.
    fn inline(&mut self, buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let Some(end) = buffer[self.scanned..].iter().position(|&byte| byte == b'\n') else {
            self.scanned = buffer.len();
            return if buffer.len() > MAX_INLINE_BYTES { refuse("too big inline request") } else { Ok(None) };
        };
        let end = std::mem::take(&mut self.scanned) + end;
        if end > MAX_INLINE_BYTES {
            return refuse("too big inline request");
        }
        let line = buffer.split_to(end + 1);
        let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
        match split_words(line) {
            Some(words) => Ok(Some(words)),
            None => refuse("unbalanced quotes in request"),
        }
    }
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '?' }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Splits a line into words by Redis's rules: double quotes with `\n \r \t \b \a \xHH` and `\` before anything else; single quotes in which only `\'` is special;
/// after a closing quote a space or the end. `None` if the quotes do not match up.
fn split_words(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while line.get(at).copied().is_some_and(is_space) {
            at += 1;
        }
        if at == line.len() {
            return Some(words);
        }
        let mut word = Vec::new();
        loop {
            match line.get(at) {
                None => break,
                Some(&byte) if is_space(byte) => break,
                Some(&quote @ (b'"' | b'\'')) => {
                    at = quoted(line, at + 1, quote, &mut word)?;
                    if line.get(at).is_some_and(|&byte| !is_space(byte)) {
                        return None;
                    }
                    break;
                }
                Some(&byte) => {
                    word.push(byte);
                    at += 1;
                }
            }
        }
        words.push(Bytes::from(word));
    }
}

/// Reads a quoted part from `at`; answers where it goes on after the closing quote.
fn quoted(line: &[u8], mut at: usize, quote: u8, word: &mut Vec<u8>) -> Option<usize> {
    let hex =
        |at: usize| line.get(at).and_then(|&byte| char::from(byte).to_digit(16)).map(|digit| digit as u8);
    loop {
        match *line.get(at)? {
            byte if byte == quote => return Some(at + 1),
            b'\\' if quote == b'"' => {
                let escaped = *line.get(at + 1)?;
                if let (b'x', Some(high), Some(low)) = (escaped, hex(at + 2), hex(at + 3)) {
                    word.push(high << 4 | low);
                    at += 4;
                    continue;
                }
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => other,
                });
                at += 2;
            }
            b'\\' if line.get(at + 1) == Some(&b'\'') => {
                word.push(b'\'');
                at += 2;
            }
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Vec<Bytes>>, ProtocolError> {
        let mut decoder = RequestDecoder::default();
        let mut buffer = BytesMut::from(bytes);
        let mut commands = Vec::new();
        while let Some(command) = decoder.decode(&mut buffer)? {
            commands.push(command);
        }
        Ok(commands)
    }

    fn refusal(bytes: &[u8]) -> String {
        all(bytes).expect_err("these bytes are refused").to_string()
    }

    fn words(words: &[&str]) -> Vec<Bytes> {
        words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    #[test]
    fn commands_follow_each_other_in_both_forms() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n\r\n*-10\r\n*0\r\nPING\r\n  set  k 'a b'\n*1\r\n$0\r\n\r\n*1\r\n$4\r\nPI";
        let expected = [&["GET", "k"][..], &["PING"], &["set", "k", "a b"], &[""]];
        assert_eq!(all(bytes), Ok(expected.map(words).to_vec()));
    }

    #[test]
    fn bytes_that_arrive_one_by_one_make_the_same_commands() {
        let bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nbc\r\nping \"a b\"\r\n";
        let mut decoder = RequestDecoder::default();
        let mut buffer = BytesMut::new();
        let mut commands = Vec::new();
        for byte in bytes {
            buffer.extend_from_slice(&[*byte]);
            commands.extend(decoder.decode(&mut buffer).expect("the bytes are good"));
        }
        assert_eq!(commands, [words(&["SET", "k", "a\r\nbc"]), words(&["ping", "a b"])]);
    }

    #[test]
    fn refusals_are_in_the_words_of_redis() {
        assert_eq!(refusal(b"*3000000000\r\n"), "Protocol error: invalid multibulk length");
        assert_eq!(refusal(b"*x\r\n"), "Protocol error: invalid multibulk length");
        assert_eq!(
            refusal(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"),
            "Protocol error: expected '$', got 'f'"
        );
        for length in ["-10", "2000000000", "blabla", "", "+1", "01"] {
            assert_eq!(
                refusal(format!("*1\r\n${length}\r\n").as_bytes()),
                "Protocol error: invalid bulk length"
            );
        }
        assert_eq!(
            refusal(b"set \"\"\"test-key\"\"\" v\r\n"),
            "Protocol error: unbalanced quotes in request"
        );
        assert_eq!(refusal(b"get 'k\r\n"), "Protocol error: unbalanced quotes in request");
        let long = vec![b'A'; MAX_INLINE_BYTES + 1];
        assert_eq!(refusal(&long), "Protocol error: too big inline request");
        assert_eq!(
            refusal(&[b"*\0".as_slice(), &long].concat()),
            "Protocol error: too big mbulk count string"
        );
        assert_eq!(
            refusal(&[b"*1\r\n".as_slice(), &long].concat()),
            "Protocol error: too big bulk count string"
        );
    }

    #[test]
    fn the_bytes_of_a_whole_command_are_bounded() {
        let argument =
            [format!("${MAX_ARGUMENT_BYTES}\r\n").as_bytes(), &vec![b'x'; MAX_ARGUMENT_BYTES], b"\r\n"]
                .concat();
        let mut decoder = RequestDecoder::default();
        let mut buffer = BytesMut::from(&b"*100\r\n"[..]);
        let mut taken = 0;
        let refusal = loop {
            buffer.extend_from_slice(&argument);
            match decoder.decode(&mut buffer) {
                Ok(command) => assert_eq!(command, None),
                Err(refusal) => break refusal,
            }
            taken += argument.len();
            assert!(taken <= MAX_COMMAND_BYTES + argument.len());
        };
        assert_eq!(refusal.to_string(), "Protocol error: command too long");
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        let mut decoder = RequestDecoder::default();
        let mut buffer = BytesMut::from(format!("*1000000\r\n${MAX_ARGUMENT_BYTES}\r\nabc").as_bytes());
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
        assert!(buffer.capacity() < 4096 && decoder.arguments.capacity() <= 64);
        assert_eq!(decoder.wanted_bytes(&buffer), Some(MAX_ARGUMENT_BYTES + 2 - 3));
    }

    #[test]
    fn a_client_without_the_password_gets_little_room() {
        let mut decoder = RequestDecoder::unauthenticated();
        let refusal = decoder.decode(&mut BytesMut::from(&b"*11\r\n"[..])).expect_err("too many");
        assert_eq!(refusal.to_string(), "Protocol error: unauthenticated multibulk length");
        let mut decoder = RequestDecoder::unauthenticated();
        let refusal = decoder.decode(&mut BytesMut::from(&b"*2\r\n$16385\r\n"[..])).expect_err("too long");
        assert_eq!(refusal.to_string(), "Protocol error: unauthenticated bulk length");
        let mut decoder = RequestDecoder::unauthenticated();
        decoder.authenticated();
        assert_eq!(decoder.decode(&mut BytesMut::from(&b"*11\r\n"[..])), Ok(None));
    }

    #[test]
    fn quotes_and_escapes_are_those_of_redis() {
        let line = br#"a "b\x41\n\"c" 'd\'e\n' "" x"y" "\xZZ""#;
        let words = split_words(line).expect("balanced");
        let expected: [&[u8]; 6] = [b"a", b"bA\n\"c", b"d'e\\n", b"", b"xy", b"xZZ"];
        assert_eq!(words, expected);
    }
}
