//! The RESP codec against random replies and random bytes: nothing is lost on the way, nothing hostile makes it panic or run away.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use proto::commands;
use proto::reply::Reply;
use proto::resp::{
    ReplyDecoder, RequestDecoder, Version, decode_reply_exact, encode, encode_for_peer, encode_to_bytes,
};

fn reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::Nil),
        Just(Reply::NilArray),
        Just(Reply::OK),
        "[a-zA-Z ]{1,20}!".prop_map(Reply::Status),
        "[A-Z]{1,8} [^\r\n]{0,40}".prop_map(Reply::Error),
        any::<i64>().prop_map(Reply::Int),
        proptest::collection::vec(any::<u8>(), 0..100).prop_map(|bytes| Reply::Bulk(Bytes::from(bytes))),
        (-1e300..1e300f64).prop_map(Reply::Double),
        any::<bool>().prop_map(Reply::Bool),
        "\\PC{0,40}".prop_map(|text| Reply::Verbatim("txt", text)),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Reply::Array),
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Reply::Set),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..5).prop_map(Reply::Map),
            proptest::collection::vec((inner.clone(), inner), 0..5).prop_map(Reply::Pairs),
        ]
    })
}

/// Bytes that look like the protocol often enough to get somewhere.
fn nearly_protocol() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        proptest::sample::select(b"*$:+-_#,~%=('\"\\ ".to_vec()).prop_map(|byte| vec![byte]),
        (-3i64..2_000_000_000_000).prop_map(|number| number.to_string().into_bytes()),
        (0i64..12).prop_map(|number| format!("*{number}\r\n").into_bytes()),
        (0i64..12).prop_map(|number| format!("${number}\r\n").into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..12),
        proptest::sample::select(vec![
            &b"SET"[..],
            b"GET",
            b"WITH",
            b"SCAN",
            b"LCS",
            b"linearizable",
            b"DO",
            b"EX",
            b"k"
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reply_between_nodes_arrives_as_it_was(reply in reply()) {
        prop_assert_eq!(decode_reply_exact(&encode_for_peer(&reply)), Ok(reply));
    }

    #[test]
    fn replies_cut_anywhere_are_read_on_and_the_resp2_form_is_valid_too(
        replies in proptest::collection::vec(reply(), 1..5), cuts in proptest::collection::vec(1..50usize, 1..10)
    ) {
        let mut bytes = BytesMut::new();
        replies.iter().for_each(|reply| encode(reply, Version::Resp3, &mut bytes));
        let mut whole = bytes.split().freeze();
        let (mut decoder, mut buffer, mut decoded) = (ReplyDecoder::default(), BytesMut::new(), Vec::new());
        let mut cuts = cuts.into_iter().cycle();
        while !whole.is_empty() {
            let cut = cuts.next().unwrap_or(1).min(whole.len());
            buffer.extend_from_slice(&whole.split_to(cut));
            while let Some(reply) = decoder.decode(&mut buffer).expect("these are replies") {
                decoded.push(reply);
            }
        }
        prop_assert_eq!(decoded.len(), replies.len());
        for (decoded, reply) in decoded.iter().zip(&replies) {
            prop_assert_eq!(encode_to_bytes(decoded, Version::Resp3), encode_to_bytes(reply, Version::Resp3));
            prop_assert!(decode_reply_exact(&encode_to_bytes(reply, Version::Resp2)).is_ok());
        }
    }

    #[test]
    fn a_request_comes_out_as_it_went_in_however_it_is_cut(
        commands in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..6), 1..6),
        cut in 1..40usize
    ) {
        let mut bytes = Vec::new();
        for command in &commands {
            bytes.extend_from_slice(format!("*{}\r\n", command.len()).as_bytes());
            for argument in command {
                bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
                bytes.extend_from_slice(argument);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        let (mut decoder, mut buffer, mut decoded) = (RequestDecoder::default(), BytesMut::new(), Vec::new());
        for piece in bytes.chunks(cut) {
            buffer.extend_from_slice(piece);
            while let Some(command) = decoder.decode(&mut buffer).expect("these are commands") {
                decoded.push(command);
            }
        }
        prop_assert_eq!(decoded, commands);
    }

    #[test]
    fn random_bytes_are_answered_and_never_reserve_more_than_they_are(bytes in nearly_protocol()) {
        let mut buffer = BytesMut::from(&bytes[..]);
        let mut decoder = RequestDecoder::default();
        while let Ok(Some(argv)) = decoder.decode(&mut buffer) {
            prop_assert!(!argv.is_empty());
            prop_assert!(argv.iter().map(Bytes::len).sum::<usize>() <= bytes.len());
            let _ = commands::parse_request(&argv);
            let _ = commands::command_getkeys(&argv);
        }
        prop_assert!(buffer.capacity() <= 4 * bytes.len() + 4096);
        let _ = decode_reply_exact(&bytes);
        let mut buffer = BytesMut::from(&bytes[..]);
        let mut decoder = ReplyDecoder::default();
        while let Ok(Some(_)) = decoder.decode(&mut buffer) {}
    }
}
