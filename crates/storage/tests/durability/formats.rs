//! The bytes of every format version, fixed: what was written once can be read for ever, and version 1 is still written as it was.
//!
//! A fixture is a dump: the file's length, then its rows of 32 bytes that are not all zeros. A fixture of a version that was released never changes.

use crate::hostile::HostileDisk;
use crate::identity::sample;
use crate::log_crashes::{append, entries, owner};
use crate::snapshots::{point, slots, write_all};
use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, ReplicaId, Term};
use std::fmt::Write as _;
use storage::disk::{self, Disk};
use storage::identity::{self, IDENTITY_FILE};
use storage::log::{HardState, Log, Record, RecoveredGroup, SegmentSizes};
use storage::snapshot::{Partial, SnapshotWriter, read};

const SIZES: SegmentSizes = SegmentSizes { first_bytes: 16 << 10, largest_bytes: 16 << 10 };
const ROW_BYTES: usize = 32;

fn dump(bytes: &[u8]) -> String {
    let mut out = format!("length {}\n", bytes.len());
    for (number, row) in
        bytes.chunks(ROW_BYTES).enumerate().filter(|(_, row)| row.iter().any(|&byte| byte != 0))
    {
        write!(out, "{}:", number * ROW_BYTES).expect("written");
        row.iter().for_each(|byte| write!(out, " {byte:02x}").expect("written"));
        out.push('\n');
    }
    out
}

fn undump(text: &str) -> Vec<u8> {
    let mut lines = text.lines();
    let length = lines.next().and_then(|line| line.strip_prefix("length ")).expect("a length");
    let mut bytes = vec![0; length.parse().expect("a number")];
    for line in lines {
        let (offset, row) = line.split_once(':').expect("a row");
        let offset: usize = offset.parse().expect("an offset");
        for (at, byte) in row.split_whitespace().enumerate() {
            bytes[offset + at] = u8::from_str_radix(byte, 16).expect("a byte");
        }
    }
    bytes
}

/// The names of a folder's files, and their dumps.
type Fixtures<'a> = &'a [(&'a str, &'a str)];

/// Compares all files of a folder with their fixtures, and answers a folder made of the fixtures.
fn compared(disk: &mut HostileDisk, fixtures: Fixtures<'_>) -> HostileDisk {
    let names: Vec<&str> = fixtures.iter().map(|(file, _)| *file).collect();
    assert_eq!(disk.list().expect("list"), names);
    let mut from_fixtures = HostileDisk::default();
    for (file, fixture) in fixtures {
        let written = dump(disk.content(file));
        assert!(written == *fixture, "{file} is written otherwise than its fixture says:\n{written}");
        from_fixtures.create(file, 0).expect("create");
        from_fixtures.write(file, 0, &undump(fixture)).expect("write");
    }
    from_fixtures
}

macro_rules! fixtures {
    ($($version:literal / $file:literal),*) => {
        &[$(($file, include_str!(concat!("../fixtures/", $version, "/", $file, ".hex")))),*]
    };
}

const LOG_1: Fixtures<'_> = fixtures!(
    "log-1" / "log-0-00000000000000000001.seg",
    "log-1" / "log-0-00000000000000000002.seg",
    "log-1" / "log-0-spare.seg"
);
const SNAPSHOT_1: Fixtures<'_> =
    fixtures!("snapshot-1" / "incoming-5.part", "snapshot-1" / "snapshot-5-44.qs");
const IDENTITY_1: Fixtures<'_> = fixtures!("identity-1" / "identity");

#[test]
fn the_log_of_version_1_is_written_and_read_as_ever() {
    let state = HardState { term: Term(2), vote: ReplicaId(3), commit: LogIndex(2) };
    let group = GroupId(1);
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    append(&mut disk, &mut log, &[entries(1, 1, 3, 5, 2), Record::HardState { group, state }]);
    append(&mut disk, &mut log, &[entries(1, 3, 2, 6, 3), entries(0, 1, 1, 0, 1)]);
    let mark = Record::SnapshotMark { group, index: LogIndex(2), term: Term(2), reset: false };
    append(&mut disk, &mut log, &[mark]);
    append(&mut disk, &mut log, &[entries(1, 5, 1, 0, 3)]);
    assert_eq!(log.statistics().segments, 2, "a checkpoint is among the fixtures");
    let mut disk = compared(&mut disk, LOG_1);
    let (_, recovered) = Log::open_sized(&mut disk, &owner(2), SIZES).expect("opened");
    let Record::Entries { entries: mut held, .. } = entries(1, 3, 2, 6, 3) else { panic!("entries") };
    let Record::Entries { entries: last, .. } = entries(1, 5, 1, 0, 3) else { panic!("entries") };
    held.extend(last);
    let expected =
        RecoveredGroup { hard_state: Some(state), mark: Some((LogIndex(2), Term(2))), entries: held };
    assert_eq!(recovered.groups[&group], expected);
    assert_eq!(recovered.groups[&GroupId::DIRECTORY].entries.len(), 1);
    assert_eq!(recovered.truncated_tail, None);
}

#[test]
fn the_snapshot_of_version_1_is_written_and_read_as_ever() {
    let mut disk = HostileDisk::default();
    let slots = slots(6, 40, 3);
    write_all(
        &mut disk,
        SnapshotWriter::new(GroupId(5), point(44), slots.clone(), Bytes::from_static(b"tables")),
        1,
    );
    let (mut partial, ops) = Partial::begin(GroupId(5));
    disk::run(&mut disk, &ops).expect("run");
    for (slot, state) in &slots[..3] {
        disk::run(&mut disk, &partial.append(*slot, state)).expect("run");
    }
    let mut disk = compared(&mut disk, SNAPSHOT_1);
    let found = read(&mut disk, GroupId(5), LogIndex(44)).expect("read");
    assert_eq!((found.point, &found.tables[..]), (point(44), &b"tables"[..]));
    let pairs = found.slots.iter().zip(&slots);
    assert!(
        pairs.clone().all(|(found, written)| found.0 == written.0 && found.1.digest() == written.1.digest())
    );
    assert_eq!(found.slots.len(), slots.len());
    let (_, kept) = Partial::recover(&mut disk, GroupId(5)).expect("read").expect("a file");
    assert_eq!(kept.len(), 3);
}

#[test]
fn the_identity_of_version_1_is_written_and_read_as_ever() {
    let mut disk = HostileDisk::default();
    identity::store(&mut disk, &sample()).expect("stored");
    let mut disk = compared(&mut disk, IDENTITY_1);
    assert_eq!(disk.list().expect("list"), [IDENTITY_FILE]);
    assert_eq!(identity::load(&mut disk), Ok(Some(sample())));
}
