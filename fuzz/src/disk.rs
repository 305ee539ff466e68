//! What lies in a data folder: the log, snapshots, the identity. A disk may show anything, and a start must end in a node or in a
//! sentence.

use crate::cluster::Folder;
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::{ClusterId, GroupId, Incarnation, LogIndex, NodeId, ReplicaId, Term};
use proto::peer::{ConsensusEntry, EntryKind, SnapshotPoint};
use proto::slots::slot_of;
use std::sync::{Arc, OnceLock};
use storage::disk::{Disk, run};
use storage::identity::{self, IDENTITY_FILE, Identity};
use storage::log::{HardState, Log, LogOwner, Record, SegmentSizes};
use storage::snapshot::{self, Partial, SlotAssembler, SlotPieces, SnapshotWriter};
use storage::state::{Item, SlotState};

const SIZES: SegmentSizes = SegmentSizes { first_bytes: 8192, largest_bytes: 16_384 };
const GROUP: GroupId = GroupId(3);
const INDEX: LogIndex = LogIndex(9);

fn owner(incarnation: u64) -> LogOwner {
    LogOwner { cluster: ClusterId([7; 16]), node: NodeId(1), incarnation: Incarnation(incarnation), core: 0 }
}

/// The files of a folder, by name.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

pub(crate) fn files(folder: &mut Folder) -> Files {
    let names = folder.list().expect("a folder in memory");
    let content = |name: String| {
        let bytes = folder.read(&name, 0, u64::MAX).expect("a folder in memory").to_vec();
        (name, bytes)
    };
    names.into_iter().map(content).collect()
}

fn folder(files: &[(String, Vec<u8>)]) -> Folder {
    let mut folder = Folder::default();
    for (name, bytes) in files {
        folder.write(name, 0, bytes).expect("a folder in memory");
    }
    folder
}

/// A log of some batches and segments.
pub(crate) fn sound_log() -> &'static Files {
    static LOG: OnceLock<Files> = OnceLock::new();
    LOG.get_or_init(|| {
        let mut folder = Folder::default();
        let (mut log, _) = Log::open_sized(&mut folder, &owner(1), SIZES).expect("an empty folder");
        for round in 0..12_u64 {
            let entry = |index| ConsensusEntry {
                index: LogIndex(index),
                term: Term(1 + round / 5),
                kind: EntryKind::Normal,
                data: Bytes::from(vec![index as u8; 300]),
                context: Bytes::new(),
            };
            let entries = (1..=3).map(|at| entry(round * 3 + at)).collect();
            log.push(Record::Entries { group: GROUP, entries });
            let state =
                HardState { term: Term(1 + round / 5), vote: ReplicaId(1), commit: LogIndex(round * 3) };
            log.push(Record::HardState { group: GROUP, state });
            while let Some((number, ops)) = log.seal() {
                run(&mut folder, &ops).expect("a folder in memory");
                log.completed(number);
                if let Some(ops) = log.maintenance() {
                    let done = run(&mut folder, &ops).is_ok();
                    log.maintenance_done(done);
                }
            }
        }
        files(&mut folder)
    })
}

/// Opening ends in a log or in a sentence, and a log that was opened opens again, alike.
fn open(files: &[(String, Vec<u8>)]) {
    let mut folder = folder(files);
    match Log::open_sized(&mut folder, &owner(2), SIZES) {
        Ok((_, recovered)) => {
            let (_, again) = Log::open_sized(&mut folder, &owner(3), SIZES).expect("what was opened opens");
            assert_eq!(format!("{:?}", recovered.groups), format!("{:?}", again.groups));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A whole segment of a log: the input is the file.
pub fn log_files(bytes: &[u8]) {
    let name = sound_log().iter().map(|(name, _)| name.clone()).find(|name| !name.contains("spare"));
    open(&[(name.expect("a segment"), bytes.to_vec())]);
}

/// Damage to a sound folder: four bytes say in which file, where, and what is added to a byte there; 0xff as the last cuts the file.
fn damaged(sound: &Files, bytes: &[u8]) -> Files {
    let mut files = sound.clone();
    for wound in bytes.chunks_exact(4) {
        let count = files.len();
        if count == 0 {
            break;
        }
        let file = &mut files[usize::from(wound[0]) % count].1;
        let at = usize::from(wound[1]) << 8 | usize::from(wound[2]);
        match wound[3] {
            0xff => file.truncate(at),
            0xfe => drop(files.remove(usize::from(wound[0]) % count)),
            more => {
                if let Some(byte) = file.get_mut(at) {
                    *byte = byte.wrapping_add(more);
                }
            }
        }
    }
    files
}

/// Damage to a sound log.
pub fn log_damage(bytes: &[u8]) {
    open(&damaged(sound_log(), bytes));
}

/// What stands behind a frame's checksum.
pub fn log_payloads(bytes: &[u8]) {
    let _ = storage::log::is_payload(bytes);
}

fn sound_slot() -> SlotState {
    let mut state = SlotState::default();
    for at in 0..5 {
        let key = format!("{{tag}}{at}");
        state.put(key.as_bytes(), Item::string(&[at as u8; 30], Timestamp(at + 1)));
    }
    state.note_deletion(Timestamp(77));
    state
}

/// A snapshot file.
pub(crate) fn sound_snapshot() -> &'static Files {
    static SNAPSHOT: OnceLock<Files> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        let mut folder = Folder::default();
        let point = SnapshotPoint { index: INDEX, term: Term(2), ..SnapshotPoint::default() };
        let slots = vec![(slot_of(b"{tag}"), Arc::new(sound_slot()))];
        let mut writer = SnapshotWriter::new(GROUP, point, slots, Bytes::from_static(b"tables"));
        while let Some(ops) = writer.next(1 << 20) {
            run(&mut folder, &ops).expect("a folder in memory");
        }
        files(&mut folder)
    })
}

fn read_snapshot(files: &[(String, Vec<u8>)]) {
    let mut folder = folder(files);
    match snapshot::read(&mut folder, GROUP, INDEX) {
        Ok(whole) => assert_eq!(whole.point.index, INDEX),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A whole snapshot, and what is left of one that was being received: the input is the file.
pub fn snapshot_files(bytes: &[u8]) {
    read_snapshot(&[(snapshot::file_name(GROUP, INDEX), bytes.to_vec())]);
    let mut folder = Folder::default();
    let name = format!("incoming-{GROUP}.part");
    folder.write(&name, 0, bytes).expect("a folder in memory");
    let _ = Partial::recover(&mut folder, GROUP);
}

/// Damage to a sound snapshot.
pub fn snapshot_damage(bytes: &[u8]) {
    read_snapshot(&damaged(sound_snapshot(), bytes));
}

/// Pieces of a slot from a peer: each behind two bytes for its length. The first is number 0.
pub fn snapshot_pieces(bytes: &[u8]) {
    let mut assembler = SlotAssembler::new(slot_of(b"{tag}"), sound_slot().digest(), 1 << 16);
    let mut rest = bytes;
    for number in 0.. {
        let Some((head, after)) = rest.split_first_chunk::<2>() else { return };
        let length = (usize::from(head[0] & 0x7f) << 8 | usize::from(head[1])).min(after.len());
        let (piece, after) = after.split_at(length);
        rest = after;
        match assembler.push(number, head[0] & 0x80 != 0, &Bytes::copy_from_slice(piece)) {
            Err(_) => return,
            Ok(Some(state)) => {
                assert_eq!(state.digest(), sound_slot().digest());
                let pieces: Vec<_> = SlotPieces::new(Arc::new(state)).collect();
                assert!(!pieces.is_empty());
                return;
            }
            Ok(None) => {}
        }
    }
}

/// The pieces of a slot with all kinds of values, as `snapshot_pieces` reads them.
pub(crate) fn pieces() -> Vec<u8> {
    let mut state = sound_slot();
    state.note_deletion(Timestamp(78));
    let mut out = Vec::new();
    for piece in SlotPieces::new(Arc::new(state)) {
        let last = if piece.last { 0x80 } else { 0 };
        out.extend_from_slice(&[last | (piece.data.len() >> 8) as u8, piece.data.len() as u8]);
        out.extend_from_slice(&piece.data);
    }
    out
}

/// The identity of a data folder: the input is the file.
pub fn identity_files(bytes: &[u8]) {
    let mut folder = Folder::default();
    folder.write(IDENTITY_FILE, 0, bytes).expect("a folder in memory");
    match identity::load(&mut folder) {
        Ok(Some(found)) => {
            identity::store(&mut folder, &found).expect("a folder in memory");
            assert_eq!(identity::load(&mut folder), Ok(Some(found)));
        }
        Ok(None) => unreachable!("the file is there"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// An identity file.
pub(crate) fn sound_identity() -> Vec<u8> {
    let mut folder = Folder::default();
    let identity = Identity {
        cluster: ClusterId([7; 16]),
        node: NodeId(1),
        incarnation: Incarnation(4),
        cores: 1,
        founding: Bytes::from_static(b"what the founders agreed on"),
    };
    identity::store(&mut folder, &identity).expect("a folder in memory");
    files(&mut folder).pop().expect("the file").1
}
