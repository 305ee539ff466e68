//! Bad input at every port: nothing crashes, nothing is held without bound, and those who behave are served.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use client::SetOptions;
use proto::frame::Frame;
use proto::ids::NodeId;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;

/// splitmix64: the same strings each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// A few bytes of a good message made wrong.
    fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes[at] = self.next() as u8,
                1 => bytes.truncate(at + 1),
                2 => bytes.insert(at, self.next() as u8),
                3 => bytes[at] ^= 1 << self.below(8),
                _ => {
                    let piece = bytes[at..].to_vec();
                    bytes.extend(piece);
                }
            }
        }
        bytes
    }
}

const RESP: [&[u8]; 6] = [
    b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n",
    b"SET k v\r\nGET k\r\n",
    b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*1\r\n$4\r\nPING\r\n",
    b"*9\r\n$4\r\nWITH\r\n$1\r\nk\r\n$12\r\nlinearizable\r\n$2\r\nID\r\n$3\r\na:1\r\n$4\r\nMETA\r\n$2\r\nDO\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    b"*4\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n$3\r\n*?[\r\n",
    b"*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n*1000000000\r\n$-1\r\n",
];
const HTTP: [&[u8]; 4] = [
    b"GET /kvs/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"PUT /kvs/k?ttl=1s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nIf-Match: \"7\"\r\n\r\nabc",
    b"PUT /kvs/%00%ff HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET /admin/status HTTP/1.1\r\nHost: x\r\nDeadline: 99999999999999999999\r\nAuthorization: Basic !!!\r\n\r\n",
];

/// What a loopback peer without a cluster would say: the two messages of a handshake, then an empty frame.
fn peer_messages() -> Vec<u8> {
    // A nonce, the purpose "founding", no cluster, no node, no start, nobody wanted, no secret.
    let hello = [&[7; 32][..], &[1, 0, 0, 0, 0, 0]].concat();
    // No proof, no refusal.
    let verdict = [0, 0];
    let mut bytes = Vec::new();
    for (kind, payload) in [(1, &hello[..]), (2, &verdict[..])] {
        bytes.extend(b"QTH1");
        bytes.extend([proto::frame::PROTOCOL_VERSION, kind]);
        bytes.extend((payload.len() as u16).to_le_bytes());
        bytes.extend(payload);
    }
    let (source, destination) = (NodeId(2), NodeId(1));
    let frame = Frame { source, destination, hops_left: 1, first_sent_ms: 1, messages: Vec::new() };
    bytes.extend(frame.encode(0));
    bytes
}

/// Sends bytes, says that no more will come, and takes what the other side says, for a moment.
fn throw(at: &str, bytes: &[u8]) {
    let Ok(mut stream) = TcpStream::connect(at) else { panic!("{at} does not answer") };
    stream.set_read_timeout(Some(Duration::from_millis(2))).expect("a timeout");
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    // It may hang up at any time.
    let _hung_up = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let _nothing = stream.read(&mut [0; 4096]);
}

#[test]
fn ten_thousand_bad_strings_at_three_ports_crash_nothing() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    client.set("good", "kept", &SetOptions::new()).expect("a write");
    let node = cluster.node(1).clone();
    let mut random = Random(7);
    let peer = peer_messages();
    for round in 0..10_000 {
        let (at, seeds): (&str, &[&[u8]]) = match round % 3 {
            0 => (&node.resp, &RESP),
            1 => (&node.http, &HTTP),
            _ => (&node.peer, &[&peer]),
        };
        let bytes = match random.below(4) {
            0 => {
                let length = 1 + random.below(400);
                random.bytes(length)
            }
            _ => {
                let seed = seeds[random.below(seeds.len())];
                random.mutated(seed)
            }
        };
        throw(at, &bytes);
        if round % 1000 == 0 {
            assert!(cluster.deaths().is_empty(), "a node died in round {round}");
        }
    }
    assert!(cluster.deaths().is_empty(), "a node died");
    cluster.serves();
    assert_eq!(client.get("good").expect("a read").as_deref(), Some(&b"kept"[..]));
    let limit = 400 * MIB;
    assert!(cluster.resident_bytes(1) < limit, "node 1 has {} bytes", cluster.resident_bytes(1));
    // Connections of the flood are gone: a status from each node still comes.
    for id in cluster.ids() {
        cluster.view(id).expect("a status");
    }
}

#[test]
fn announced_bytes_are_not_reserved_and_replies_nobody_reads_are_bounded() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let value = vec![b'x'; 256 * 1024];
    client.set("big", &value, &SetOptions::new()).expect("a write");
    let at = cluster.node(1).resp.clone();
    let before = cluster.resident_bytes(1);

    let announcing: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&at).expect("a connection");
            let _refused = stream.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nsome of it");
            stream
        })
        .collect();
    let pipelining: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&at).expect("a connection");
            stream.set_nonblocking(true).expect("a socket");
            let request = b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n".repeat(200);
            for _ in 0..20 {
                // Full is what it shall become.
                let _full = stream.write(&request);
            }
            stream
        })
        .collect();

    // All the while somebody who behaves is served.
    let end = Instant::now() + Duration::from_secs(5);
    let mut served = 0;
    let mut most = 0;
    while Instant::now() < end || served < 50 {
        assert!(Instant::now() < end + PATIENCE, "only {served} operations were served");
        let key = format!("ok:{served}");
        client.set(&key, "v", &SetOptions::new()).expect("a write");
        assert_eq!(client.get(&key).expect("a read").as_deref(), Some(&b"v"[..]));
        served += 1;
        most = most.max(cluster.resident_bytes(1));
    }
    let grown = most.saturating_sub(before);
    // 50 connections may each hold one reply beyond the 1 MiB of their buffer; the rest waits in the sockets.
    assert!(grown < 200 * MIB, "node 1 grew by {} MiB", grown / MIB);
    assert!(cluster.deaths().is_empty(), "a node died");
    drop((announcing, pipelining));
    cluster.serves();
}
