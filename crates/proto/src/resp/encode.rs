//! A reply to its bytes.
//!
//! A RESP2 client sees maps and sets as arrays, doubles and verbatim text as bulk strings, booleans as integers. Encoding recurses: replies are made by us
//! or by the bounded decoder, so their depth is at most `MAX_NESTING`. It never fails; a line break inside a status or an error becomes a space,
//! because it would end the line.

use super::Version;
use crate::reply::Reply;
use crate::score::double_to_text;
use bytes::{BufMut, Bytes, BytesMut};

/// Who is to read it.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    Resp2,
    Resp3,
    /// RESP3 with two differences: the node that asked may have to show the reply to a RESP2 client, so what RESP3 makes alike stays apart.
    Peer,
}

/// Pairs on their way to a peer: a type byte that no RESP version has.
pub(super) const PEER_PAIRS: u8 = b'&';

/// Appends the reply's bytes.
pub fn encode(reply: &Reply, version: Version, out: &mut BytesMut) {
    let dialect = match version {
        Version::Resp2 => Dialect::Resp2,
        Version::Resp3 => Dialect::Resp3,
    };
    put(reply, dialect, out);
}

fn put(reply: &Reply, dialect: Dialect, out: &mut BytesMut) {
    let resp2 = dialect == Dialect::Resp2;
    match reply {
        Reply::Bulk(bytes) => bulk(bytes, out),
        Reply::Int(number) => header(b':', *number, out),
        Reply::Simple(text) => line(b'+', text, out),
        Reply::Nil if resp2 => out.put_slice(b"$-1\r\n"),
        Reply::Nil => out.put_slice(b"_\r\n"),
        Reply::NilArray if dialect == Dialect::Resp3 => out.put_slice(b"_\r\n"),
        Reply::NilArray => out.put_slice(b"*-1\r\n"),
        Reply::Status(text) => line(b'+', text, out),
        Reply::Error(text) => line(b'-', text, out),
        Reply::Array(items) => sequence(b'*', items, dialect, out),
        Reply::Set(items) => sequence(if resp2 { b'*' } else { b'~' }, items, dialect, out),
        Reply::Map(items) => {
            match dialect {
                Dialect::Resp2 => header(b'*', length(items.len() * 2), out),
                Dialect::Resp3 | Dialect::Peer => header(b'%', length(items.len()), out),
            }
            pairs(items, false, dialect, out);
        }
        Reply::Pairs(items) => {
            match dialect {
                Dialect::Resp2 => header(b'*', length(items.len() * 2), out),
                Dialect::Resp3 => header(b'*', length(items.len()), out),
                Dialect::Peer => header(PEER_PAIRS, length(items.len()), out),
            }
            pairs(items, dialect == Dialect::Resp3, dialect, out);
        }
        Reply::Double(number) if resp2 => bulk(double_to_text(*number).as_bytes(), out),
        Reply::Double(number) => line(b',', &double_to_text(*number), out),
        Reply::Bool(truth) if resp2 => header(b':', i64::from(*truth), out),
        Reply::Bool(truth) => out.put_slice(if *truth { b"#t\r\n" } else { b"#f\r\n" }),
        Reply::Verbatim(_, text) if resp2 => bulk(text.as_bytes(), out),
        Reply::Verbatim(format, text) => {
            header(b'=', length(text.len() + 4), out);
            out.put_slice(format.as_bytes());
            out.put_u8(b':');
            out.put_slice(text.as_bytes());
            out.put_slice(b"\r\n");
        }
    }
}

/// The reply's bytes on their own.
pub fn encode_to_bytes(reply: &Reply, version: Version) -> Bytes {
    let mut out = BytesMut::with_capacity(reply.weight_bytes() + 32);
    encode(reply, version, &mut out);
    out.freeze()
}

/// RESP3 with two differences: an absent array stays one (`*-1`) and pairs stay pairs, because the node that asked may have to show them to a RESP2 client.
pub fn encode_for_peer(reply: &Reply) -> Bytes {
    let mut out = BytesMut::with_capacity(reply.weight_bytes() + 32);
    put(reply, Dialect::Peer, &mut out);
    out.freeze()
}

fn sequence(kind: u8, items: &[Reply], dialect: Dialect, out: &mut BytesMut) {
    header(kind, length(items.len()), out);
    items.iter().for_each(|item| put(item, dialect, out));
}

fn pairs(items: &[(Reply, Reply)], each_an_array: bool, dialect: Dialect, out: &mut BytesMut) {
    for (first, second) in items {
        if each_an_array {
            header(b'*', 2, out);
        }
        put(first, dialect, out);
        put(second, dialect, out);
    }
}

fn bulk(bytes: &[u8], out: &mut BytesMut) {
    out.reserve(bytes.len() + 24);
    header(b'$', length(bytes.len()), out);
    out.put_slice(bytes);
    out.put_slice(b"\r\n");
}

fn line(kind: u8, text: &str, out: &mut BytesMut) {
    out.reserve(text.len() + 3);
    out.put_u8(kind);
    let start = out.len();
    out.put_slice(text.as_bytes());
    for byte in &mut out[start..] {
        if matches!(*byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    out.put_slice(b"\r\n");
}

/// A type byte, a decimal number and a line end, without the formatting machinery: this is on the path of every reply.
fn header(kind: u8, number: i64, out: &mut BytesMut) {
    let mut text = [0; 24];
    let mut at = text.len() - 2;
    text[at..].copy_from_slice(b"\r\n");
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        text[at] = b'-';
    }
    at -= 1;
    text[at] = kind;
    out.put_slice(&text[at..]);
}

fn length(length: usize) -> i64 {
    i64::try_from(length).expect("no reply is that long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply, version: Version) -> String {
        String::from_utf8(encode_to_bytes(reply, version).to_vec()).expect("the test replies are text")
    }

    #[test]
    fn every_kind_of_reply_has_its_two_forms() {
        use Version::{Resp2, Resp3};
        for (reply, resp2, resp3) in [
            (Reply::Nil, "$-1\r\n", "_\r\n"),
            (Reply::NilArray, "*-1\r\n", "_\r\n"),
            (Reply::OK, "+OK\r\n", "+OK\r\n"),
            (Reply::error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (Reply::Int(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
            (Reply::Int(i64::MAX), ":9223372036854775807\r\n", ":9223372036854775807\r\n"),
            (Reply::bulk("hé"), "$3\r\nhé\r\n", "$3\r\nhé\r\n"),
            (Reply::bulk(""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (Reply::Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
            (Reply::Double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
            (Reply::Bool(true), ":1\r\n", "#t\r\n"),
            (Reply::Map(vec![(Reply::Int(1), Reply::Int(2))]), "*2\r\n:1\r\n:2\r\n", "%1\r\n:1\r\n:2\r\n"),
            (
                Reply::Pairs(vec![(Reply::Int(1), Reply::Int(2))]),
                "*2\r\n:1\r\n:2\r\n",
                "*1\r\n*2\r\n:1\r\n:2\r\n",
            ),
            (Reply::Set(vec![Reply::Int(1)]), "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
            (Reply::Verbatim("txt", "hi".into()), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
            (Reply::Array(vec![Reply::Nil]), "*1\r\n$-1\r\n", "*1\r\n_\r\n"),
        ] {
            assert_eq!(text(&reply, Resp2), resp2);
            assert_eq!(text(&reply, Resp3), resp3);
        }
    }
}
