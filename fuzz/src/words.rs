//! What clients say: RESP requests and the replies that a client of ours reads, HTTP requests, session tokens.

use bytes::{BufMut, Bytes, BytesMut};
use client::core::Core;
use proto::commands::parse_request;
use proto::ids::ClusterId;
use proto::reply::Reply;
use proto::resp::{
    ReplyDecoder, RequestDecoder, Version, decode_reply_exact, encode_for_peer, encode_to_bytes,
};
use proto::session::{Session, TokenKey};
use proto::superseded::Superseded;

/// All that comes out of the decoder, and how it ended.
fn requests(mut decoder: RequestDecoder, pieces: &[&[u8]]) -> (Vec<Vec<Bytes>>, Option<String>) {
    let mut buffer = BytesMut::new();
    let mut all = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(argv)) => all.push(argv),
                Ok(None) => break,
                Err(error) => return (all, Some(format!("{error:?}"))),
            }
        }
    }
    (all, None)
}

/// Requests on a Redis connection. However the bytes are cut up, they mean the same; and a request that is written again is read again.
pub fn resp_requests(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let (one, other) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    let whole = requests(RequestDecoder::default(), &[bytes]);
    assert_eq!(whole, requests(RequestDecoder::default(), &[one, other]));
    // A client without a password gets less, and never more.
    let (few, _) = requests(RequestDecoder::unauthenticated(), &[bytes]);
    assert!(whole.0.starts_with(&few) || few.len() <= whole.0.len());
    for argv in &whole.0 {
        assert!(!argv.is_empty());
        if let Ok(parsed) = parse_request(argv) {
            let _ = format!("{parsed:?}");
        }
        let mut again = BytesMut::new();
        again.put_slice(format!("*{}\r\n", argv.len()).as_bytes());
        for word in argv {
            again.put_slice(format!("${}\r\n", word.len()).as_bytes());
            again.put_slice(word);
            again.put_slice(b"\r\n");
        }
        assert_eq!(requests(RequestDecoder::default(), &[&again]), (vec![argv.clone()], None));
    }
}

fn replies(pieces: &[&[u8]]) -> (Vec<Bytes>, Vec<Reply>, Option<String>) {
    let mut decoder = ReplyDecoder::default();
    let mut buffer = BytesMut::new();
    let mut all = Vec::new();
    let mut failed = None;
    'pieces: for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(reply)) => all.push(reply),
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error.to_string());
                    break 'pieces;
                }
            }
        }
    }
    // Their bytes are compared: a number that is none is not equal to itself.
    (all.iter().map(encode_for_peer).collect(), all, failed)
}

/// Replies as a client of ours, and a node that forwarded, read them.
pub fn resp_replies(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let (one, other) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    let (whole, all, failed) = replies(&[bytes]);
    let (pieces, _, failed_too) = replies(&[one, other]);
    assert_eq!((&whole, &failed), (&pieces, &failed_too));
    let Ok(mut core) = Core::new(&["127.0.0.1:7000".to_owned()], 7) else { unreachable!("an address") };
    for (reply, encoded) in all.iter().zip(&whole) {
        let again = decode_reply_exact(encoded).expect("what we encode we decode");
        assert_eq!(encode_for_peer(&again), *encoded);
        for version in [Version::Resp2, Version::Resp3] {
            let _ = encode_to_bytes(reply, version);
        }
        let _ = Superseded::read(reply);
        core.routing().learn("127.0.0.1:7000", reply);
    }
}

/// A request to the HTTP front: its path, its headers, its body. The first line is the path, then headers, a blank line, the body.
pub fn http_requests(bytes: &[u8]) {
    server::outside::http_request(bytes);
}

/// The key with which tokens of the corpus are sealed.
pub(crate) fn token_key() -> TokenKey {
    TokenKey::new(ClusterId([7; 16]), [1; 32])
}

/// Session tokens, genuine and not.
pub fn session_tokens(bytes: &[u8]) {
    let key = token_key();
    let _ = Session::claimed(bytes);
    if let Ok(session) = key.open_all(bytes) {
        if session.is_too_wide() {
            return;
        }
        let sealed = key.seal(&session);
        assert_eq!(key.open(sealed.as_bytes()), Ok(session.clone()));
        assert_eq!(Session::claimed(sealed.as_bytes()), Some(session));
    }
}
