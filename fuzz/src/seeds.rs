//! The first files of each corpus, made by the real encoders and by hand.
//!
//! `cargo test -p fuzz --test corpus write_seeds -- --ignored` writes them where they are missing; what libFuzzer found worth
//! keeping lies beside them.

use crate::cluster::{Cluster, text};
use crate::{disk, peers, words};
use directory::address::Address;
use directory::founding::{Founder, FoundingMessage, Stage};
use proto::hlc::Timestamp;
use proto::ids::NodeId;
use proto::peer::{ConsensusKind, Message};
use proto::reply::Reply;
use proto::resp::{Version, encode_for_peer, encode_to_bytes};
use proto::session::Session;
use proto::tentative::{Dot, Origin};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The first files of a target's corpus.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "resp_requests" => requests(),
        "resp_replies" => replies(),
        "http_requests" => http(),
        "session_tokens" => tokens(),
        "peer_frames" => messages()
            .into_iter()
            .flat_map(|payload| [payload.clone(), peers::sealed(NodeId(2), NodeId(1), &payload).to_vec()])
            .collect(),
        "log_entries" => entries(),
        "core_frames" => core_frames(),
        "founding_messages" => founding(),
        "handshakes" => handshakes(),
        "fault_orders" => orders(),
        "log_files" => disk::sound_log().iter().map(|(_, bytes)| bytes.clone()).collect(),
        "log_damage" | "snapshot_damage" => {
            vec![vec![0, 0, 70, 1], vec![1, 16, 20, 0xff], vec![0, 16, 3, 9, 2, 0, 0, 0xfe]]
        }
        "log_payloads" => log_payloads(),
        "snapshot_files" => disk::sound_snapshot().iter().map(|(_, bytes)| bytes.clone()).collect(),
        "snapshot_pieces" => vec![disk::pieces()],
        "identity_files" => vec![disk::sound_identity()],
        "histories" => histories(),
        "request_files" => request_files(),
        _ => Vec::new(),
    }
}

fn lines(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn requests() -> Vec<Vec<u8>> {
    const COMMANDS: &[&str] = &[
        "SET k v EX 10 NX GET",
        "SET k v KEEPTTL IFEQ w",
        "GET@causal k",
        "MGET a b c",
        "MSET a 1 b 2",
        "INCRBYFLOAT k 1.5e3",
        "BITCOUNT k 0 -1 BIT",
        "SETRANGE k 5 v",
        "GETEX k PXAT 1700000000000",
        "EXPIRE k 10 NX",
        "DEL a b",
        "LPUSH l a b",
        "LINSERT l BEFORE a b",
        "LPOP l 2",
        "HSET h f v g w",
        "HINCRBY h f -3",
        "HSCAN h 0 MATCH a* COUNT 10",
        "SADD s a b",
        "SPOP s 2",
        "ZADD z GT CH 1.5 a -inf b",
        "ZRANGE z (1 +inf BYSCORE LIMIT 0 10 WITHSCORES",
        "ZRANGE z [a (c BYLEX REV",
        "ZINCRBY z 2 a",
        "WITH k linearizable;50ms,causal DEADLINE 2000 ACKS 2 META DO SET k v",
        "WITH k sequential AFTER token ID me:7 MAXSTALE 20 DO INCR k",
        "CONSISTENCY eventual",
        "SESSION TOKEN",
        "CONFLICTS k",
        "QUARTET FAULT CUT 1 2",
        "SCAN 0 TYPE string",
        "CONFIG GET max*",
        "HELLO 3 AUTH default secret SETNAME me",
        "CLIENT SETNAME a",
        "WAIT 1 100",
        "EVAL return 0",
    ];
    let mut all = Vec::new();
    for command in COMMANDS {
        let words: Vec<&str> = command.split(' ').collect();
        let mut bytes = vec![9];
        bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        all.push(bytes);
    }
    all.extend(lines(&[
        "\u{3}set k \"a b\\x00\" \r\nget k\r\n",
        "\u{1}PING\r\n*0\r\n*-1\r\n",
        "\u{0}*1\r\n$536870912\r\n",
        "\u{0}get 'it''s'\r\n",
    ]));
    all
}

fn replies() -> Vec<Vec<u8>> {
    let all = [
        text("value"),
        Reply::Nil,
        Reply::Int(-7),
        Reply::Error("ERR no".into()),
        Reply::Array(vec![text("a"), Reply::Nil, Reply::Array(vec![Reply::Int(1)])]),
    ];
    let mut bytes: Vec<Vec<u8>> = Vec::new();
    for reply in &all {
        for encoded in [
            encode_for_peer(reply),
            encode_to_bytes(reply, Version::Resp2),
            encode_to_bytes(reply, Version::Resp3),
        ] {
            let mut file = vec![3];
            file.extend_from_slice(&encoded);
            bytes.push(file);
        }
    }
    bytes.extend(lines(&[
        "\u{2}%1\r\n+a\r\n:1\r\n",
        "\u{2}~2\r\n+a\r\n+b\r\n",
        "\u{2},1.5\r\n,nan\r\n,-inf\r\n",
        "\u{2}#t\r\n_\r\n(3492890328409238509324850943850943825024385\r\n",
        "\u{2}=15\r\ntxt:Some string\r\n",
        "\u{2}>2\r\n+push\r\n:1\r\n",
        "\u{2}*1000000000\r\n",
        "\u{2}$536870913\r\n",
        "\u{2}*3\r\n:0\r\n:5460\r\n*3\r\n$9\r\n127.0.0.1\r\n:7000\r\n$4\r\nname\r\n",
        "\u{2}|1\r\n+a\r\n+b\r\n+c\r\n",
    ]));
    bytes
}

fn http() -> Vec<Vec<u8>> {
    lines(&[
        "/kvs/key",
        "/kvs/a%2Fb%00?consistency=causal&ttl=5s",
        "/kvs/k?deadline=500ms&max_staleness=2s&acks=2",
        "/kvs/k\nconsistency: linearizable;50ms, causal\nsession: abc.def\nif-match: \"123\"\n\nvalue",
        "/kvs/k\nif-none-match: *\nidempotency-key: me:7\nauthorization: Basic ZGVmYXVsdDpzZXNhbWU=",
        "/kvs/k?if_match=%22*%22&session=x&idempotency_key=a%3A18446744073709551615",
        "/admin/faults\n\n{\"fault\":\"cut\",\"nodes\":[1,2]}",
        "/admin/faults\n\n{\"fault\":\"pause\",\"nodes\":[1],\"for\":\"5s\"}",
        "/admin/faults\n\n{\"fault\":\"delay\",\"ms\":1000}",
    ])
}

fn tokens() -> Vec<Vec<u8>> {
    let key = words::token_key();
    let mut session = Session::at(Timestamp(1_700_000_000_000 << 16));
    let mut all = vec![key.seal(&session).into_bytes()];
    for node in 1..=4 {
        let origin = Origin { node: NodeId(node), core: 0, incarnation: node as u32 };
        session.dots.add(Dot { origin, number: node * 1000 });
        all.push(key.seal(&session).into_bytes());
    }
    let joined = all.join(&b'.');
    all.push(joined);
    all
}

/// Messages of a small cluster at work, one or two of each kind.
fn spoken() -> Vec<Message> {
    let heard: Rc<RefCell<BTreeMap<String, Vec<Message>>>> = Rc::default();
    let mut cluster = Cluster::new(3, 4);
    let ear = heard.clone();
    cluster.lost = Some(Box::new(move |message| {
        let said = format!("{message:?}");
        let mut kind: String = said.chars().take_while(|letter| letter.is_alphanumeric()).collect();
        if let Message::Consensus { message, .. } = message {
            // What entries hold is a kind of its own each: by the first byte of their data.
            let content = message.entries.iter().find_map(|entry| entry.data.first());
            kind = format!("{:?} {} {content:?}", message.kind, message.entries.len().min(1));
        }
        let mut heard = ear.borrow_mut();
        let of_kind = heard.entry(kind).or_default();
        if of_kind.len() < 2 {
            of_kind.push(message.clone());
        }
        false
    }));
    cluster.ready();
    for (node, line) in [
        (0, "SET k v"),
        (1, "INCR n"),
        (2, "GET k"),
        (1, "WITH n sequential DO GET n"),
        (1, "WITH k causal DO SET k w"),
        (2, "WITH s eventual DO SADD s a b"),
        (0, "WITH k causal DO GET k"),
        (0, "CONFLICTS k"),
        (2, "MGET a b c k n"),
    ] {
        let _ = cluster.outcome(node, line);
    }
    for _ in 0..300 {
        cluster.round();
    }
    let all: Vec<Message> = heard.borrow().values().flatten().cloned().collect();
    all
}

fn payload(messages: &[Message]) -> Vec<u8> {
    postcard::to_stdvec(messages).expect("writing to memory cannot fail")
}

fn messages() -> Vec<Vec<u8>> {
    spoken().iter().map(|message| payload(std::slice::from_ref(message))).collect()
}

fn entries() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for message in spoken() {
        if let Message::Consensus { message, .. } = message {
            all.extend(
                message.entries.iter().map(|entry| entry.data.to_vec()).filter(|data| !data.is_empty()),
            );
        }
    }
    all
}

fn core_frames() -> Vec<Vec<u8>> {
    let framed = |who: u8, payload: &[u8]| {
        let mut out = vec![who | (payload.len() >> 8) as u8 & 0x0f, payload.len() as u8];
        out.extend_from_slice(payload);
        out
    };
    let spoken = spoken();
    let mut all: Vec<Vec<u8>> = Vec::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for message in &spoken {
        let payload = payload(std::slice::from_ref(message));
        if payload.len() > 0xfff {
            continue;
        }
        all.push(framed(0x10, &payload));
        first.extend(framed(0x20, &payload));
        second.extend(framed(0xa0, &payload));
        if matches!(message, Message::Consensus { message, .. } if message.kind == ConsensusKind::Heartbeat) {
            all.push(first.clone());
        }
    }
    all.push(first);
    all.push(second);
    all
}

fn founding() -> Vec<Vec<u8>> {
    let address = |port| Address::new("127.0.0.1", port);
    let founder = Founder { id: 7, peer: address(7200), resp: address(7000), http: address(7100) };
    let message = |stage| FoundingMessage {
        founder: founder.clone(),
        expect: 3,
        replicas: 3,
        shards: 32,
        round: 4,
        dialed: address(7201),
        answers: vec![address(7202)],
        heard: vec![(8, 3)],
        knows: vec![address(7201), address(7202)],
        stage,
    };
    let set = Cluster::new(3, 4).set;
    let mut confirmed = message(Stage::Confirmed { set: set.clone() });
    confirmed.founder = set.members[0].clone();
    let mut founded = message(Stage::Founded { set });
    founded.founder = confirmed.founder.clone();
    let all = [message(Stage::Seeking { choice: vec![7, 8, 9] }), confirmed, founded];
    all.iter()
        .flat_map(|message| {
            let bytes = message.encode();
            [bytes.to_vec(), bytes[directory::founding::HEADER_BYTES..].to_vec()]
        })
        .collect()
}

fn handshakes() -> Vec<Vec<u8>> {
    let head = |kind, length: u16| {
        let mut out = b"QTH1".to_vec();
        out.extend_from_slice(&[proto::frame::PROTOCOL_VERSION, kind]);
        out.extend_from_slice(&length.to_le_bytes());
        out
    };
    // A hello without secret: nonce, purpose, cluster, node, incarnation, wanted, has_secret. Then a verdict: no proof, no refusal.
    let mut hello = vec![5; 32];
    hello.extend_from_slice(&[0, 1]);
    hello.extend_from_slice(&[7; 16]);
    hello.extend_from_slice(&[2, 1, 1, 0]);
    let mut accepted = head(1, hello.len() as u16);
    accepted.extend_from_slice(&hello);
    let alone = accepted.clone();
    accepted.extend_from_slice(&head(2, 2));
    accepted.extend_from_slice(&[0, 0]);
    let mut refused = alone.clone();
    refused.extend_from_slice(&head(2, 7));
    refused.extend_from_slice(&[0, 1, 0, 3, b'n', b'o', b'\n']);
    let mut secret = alone.clone();
    if let Some(last) = secret.last_mut() {
        *last = 1;
    }
    vec![alone, accepted, refused, secret]
}

fn orders() -> Vec<Vec<u8>> {
    let mut all = lines(&[
        "CUT 1 2",
        "ONEWAY 1 2",
        "ISOLATE 3",
        "DELAY 50 1 2",
        "DELAY 7",
        "HEAL",
        "HEAL 1 2",
        "PAUSE 1 FOR 5s",
        "LIST",
    ]);
    for payload in [&[0, 7, 1, 1, 1, 2][..], &[0, 7, 0], &[1, 7, 0, 0, 0], &[0, 9, 5, 136, 39]] {
        let mut file = b"QTO1".to_vec();
        file.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        file.extend_from_slice(payload);
        all.push(file);
    }
    all
}

fn log_payloads() -> Vec<Vec<u8>> {
    // From the frames of a sound log: 32 bytes of header, the payload's length in its bytes 16 to 20.
    let mut all = Vec::new();
    for (_, file) in disk::sound_log() {
        for block in file.chunks(512) {
            let Some(length) = block.get(16..20) else { continue };
            let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
            if (1..=400).contains(&length) && block.len() >= 32 + length {
                all.push(block[32..32 + length].to_vec());
            }
        }
    }
    all.truncate(12);
    all
}

fn histories() -> Vec<Vec<u8>> {
    let page = include_str!("../../docs/history.md");
    let examples: Vec<&str> = page.lines().filter(|line| line.starts_with('{')).collect();
    let mut all: Vec<Vec<u8>> = examples.iter().map(|line| line.as_bytes().to_vec()).collect();
    all.push(examples.join("\n").into_bytes());
    all.push(examples.join("\n").replace("\"version\":20", "\"version\":9").into_bytes());
    all
}

fn request_files() -> Vec<Vec<u8>> {
    lines(&[
        "1, 1, key ::: value\n2, 2, key\n\n3,1,a,b ::: c ::: d\n",
        "4, 2, two words: one key\r\n5, 1, k\n",
        "1700000000000-abcd milk\n1700000000001-abcd eggs",
        "+1700000000000-abcd milk\n-1700000000000-abcd milk\n+5-x y",
        "{\"name\":\"a\",\"list\":true,\"token\":null,\"newest\":18446744073709551615,\"nodes\":[\"h:1\"]}",
    ])
}
