//! What peers say: frames and their messages, log entries, what a core makes of them, founding, handshakes, fault orders.

use crate::cluster::Folder;
use bytes::Bytes;
use directory::address::Address;
use directory::founding::{FOUNDING_VERSION, Founder, FoundingMessage, FoundingSet};
use directory::state::DirectoryState;
use node::config::Config;
use node::core::Core;
use node::io::{Input, Output};
use proto::frame::{Frame, FrameError, HEADER_BYTES, PROTOCOL_VERSION};
use proto::ids::{ClusterId, Incarnation, NodeId};
use proto::log_entry::LogEntry;
use proto::time::{Mono, Now};
use storage::identity::Identity;
use storage::log::SegmentSizes;

/// A frame with this payload, and a checksum that fits.
pub(crate) fn sealed(from: NodeId, to: NodeId, payload: &[u8]) -> Bytes {
    let mut out = b"QTF1".to_vec();
    out.extend_from_slice(&[PROTOCOL_VERSION, 3, 0, 0]);
    out.extend_from_slice(&from.0.to_le_bytes());
    out.extend_from_slice(&to.0.to_le_bytes());
    out.extend_from_slice(&0_u64.to_le_bytes());
    out.extend_from_slice(&u32::try_from(payload.len()).expect("short").to_le_bytes());
    // The relays that are left are not part of the checksum.
    let mut head = out.clone();
    head[5] = 0;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&head), payload);
    out.extend_from_slice(&checksum.to_le_bytes());
    assert_eq!(out.len(), HEADER_BYTES);
    out.extend_from_slice(payload);
    let sealed = Bytes::from(out);
    assert!(
        !matches!(Frame::decode(&sealed), Err(FrameError::Checksum | FrameError::Length)),
        "the format has changed: mend this"
    );
    sealed
}

/// Frames as they arrive, and payloads behind a right checksum.
pub fn peer_frames(bytes: &[u8]) {
    let raw = Bytes::copy_from_slice(bytes);
    let _ = Frame::total_bytes(bytes);
    for bytes in [raw, sealed(NodeId(2), NodeId(1), bytes)] {
        if let Ok(frame) = Frame::decode(&bytes) {
            let again = frame.encode(0);
            let decoded = Frame::decode(&again).expect("what we encode we decode");
            // Numbers that are none are not equal to themselves, so bytes are compared.
            assert_eq!(decoded.encode(0), again);
        }
    }
}

/// The entries of the log, as replicas apply them.
pub fn log_entries(bytes: &[u8]) {
    let _ = LogEntry::is_unhurried(bytes);
    if let Ok((entry, _)) = postcard::take_from_bytes::<LogEntry>(bytes) {
        let again = postcard::to_stdvec(&entry).expect("writing to memory cannot fail");
        let decoded: LogEntry = postcard::from_bytes(&again).expect("what we encode we decode");
        assert_eq!(postcard::to_stdvec(&decoded).expect("as before"), again);
    }
}

/// The cluster that the core of `core_frames` belongs to: the one of the scenario cluster, of three nodes.
fn founding_set() -> FoundingSet {
    let address = |port| Address::new("127.0.0.1", port);
    let members = (1..=3_u16)
        .map(|i| Founder {
            id: u128::from(i),
            peer: address(7200 + i),
            resp: address(7000 + i),
            http: address(7100 + i),
        })
        .collect();
    FoundingSet { cluster: ClusterId([7; 16]), token_key: [1; 32], members, replicas: 3, shards: 4 }
}

/// Frames from proven peers to a core: the input is cut into payloads, each behind two bytes that say whose it is and how long.
pub fn core_frames(bytes: &[u8]) {
    let set = founding_set();
    let identity = Identity {
        cluster: set.cluster,
        node: NodeId(1),
        incarnation: Incarnation(1),
        cores: 1,
        founding: Bytes::new(),
    };
    let mut member = DirectoryState::genesis(&set).members[&NodeId(1)].clone();
    member.incarnation = identity.incarnation;
    let mut config = Config::new(identity, set, member, 42);
    config.segment_sizes = SegmentSizes { first_bytes: 64 << 10, largest_bytes: 1 << 20 };
    let mut now = Now { mono: Mono(1_000_000_000), wall_ms: 1_700_000_000_000 };
    let mut folder = Folder::default();
    let mut core = Core::start(config, &mut folder, now).expect("an empty folder starts");
    for node in [2, 3] {
        core.step(now, Input::LinkUp { node: NodeId(node) });
    }
    let mut rest = bytes;
    while let Some((head, after)) = rest.split_first_chunk::<2>() {
        let length = (usize::from(head[0] & 0x0f) << 8 | usize::from(head[1])).min(after.len());
        let from = NodeId(2 + u64::from(head[0] >> 7));
        // Now and then time passes: elections, announcements, deadlines.
        now.mono.0 += [1_000, 20_000_000, 400_000_000, 3_000_000_000][usize::from(head[0] >> 4 & 3)];
        now.wall_ms += 1;
        let (payload, after) = after.split_at(length);
        rest = after;
        core.step(now, Input::Frame { from, bytes: sealed(from, NodeId(1), payload) });
        settle(&mut core, &mut folder, &mut now);
    }
    now.mono.0 += 1_000_000_000;
    core.step(now, Input::Tick);
    settle(&mut core, &mut folder, &mut now);
}

/// Carries out what the core wants of its disk, until it wants nothing.
fn settle(core: &mut Core, folder: &mut Folder, now: &mut Now) {
    for _ in 0..64 {
        let mut done = Vec::new();
        for output in core.drain(*now) {
            match output {
                Output::Disk(job) => {
                    let result = storage::disk::run(folder, &job.ops);
                    done.push(Input::DiskDone { job: job.id, result });
                }
                Output::Fatal { message } => panic!("a peer's words stopped the node: {message}"),
                Output::Send { frame, .. } => assert!(Frame::decode(&frame).is_ok()),
                _ => {}
            }
        }
        if done.is_empty() {
            return;
        }
        done.into_iter().for_each(|input| core.step(*now, input));
    }
}

/// Founding messages as they arrive, and payloads behind a right checksum.
pub fn founding_messages(bytes: &[u8]) {
    let _ = FoundingMessage::is_one(bytes);
    let _ = FoundingMessage::total_bytes(bytes);
    let mut sealed = vec![b'Q', b'T', b'B', b'1', FOUNDING_VERSION, 0, 0, 0];
    sealed.extend_from_slice(&u32::try_from(bytes.len()).expect("short").to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&sealed), bytes);
    sealed.extend_from_slice(&checksum.to_le_bytes());
    sealed.extend_from_slice(bytes);
    for bytes in [bytes, &sealed] {
        if let Ok(message) = FoundingMessage::decode(bytes) {
            assert_eq!(FoundingMessage::decode(&message.encode()), Ok(message));
        }
    }
}

/// A handshake's other side, with and without secrets.
pub fn handshakes(bytes: &[u8]) {
    server::outside::handshake(bytes);
}

/// Orders about faults, in words and between nodes.
pub fn fault_orders(bytes: &[u8]) {
    server::outside::fault_order(bytes);
}
