//! Snapshot files and partial receptions over the hostile disk.

use crate::draw::Draw;
use crate::hostile::{Cut, HostileDisk};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex, ReplicaId, Slot, Term};
use proto::limits::SNAPSHOT_CHUNK_BYTES;
use proto::peer::{Configuration, SnapshotPoint};
use proto::slots::slot_of;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::disk::{self, Disk, DiskOp};
use storage::snapshot::{self, Partial, SnapshotError, SnapshotWriter, file_name, read, remove_stale};
use storage::state::{Item, SlotState};

pub(crate) type Slots = Vec<(Slot, Arc<SlotState>)>;

const GROUP: GroupId = GroupId(5);

pub(crate) fn point(index: u64) -> SnapshotPoint {
    let configuration =
        Configuration { voters: vec![ReplicaId(1), ReplicaId(2)], ..Configuration::default() };
    SnapshotPoint { index: LogIndex(index), term: Term(3), configuration }
}

pub(crate) fn slots(keys: usize, largest: u64, seed: u64) -> Slots {
    let mut draw = Draw::new(seed);
    let mut slots: BTreeMap<Slot, SlotState> =
        (0..4).map(|slot| (Slot(slot * 4000), SlotState::default())).collect();
    for number in 0..keys {
        let key = format!("{{{}}}{number}", number % 5);
        let value = vec![number as u8; draw.below(largest) as usize];
        let slot = slots.entry(slot_of(key.as_bytes())).or_default();
        slot.put(key.as_bytes(), Item::string(&value, Timestamp(number as u64 + 1)));
    }
    slots.values_mut().next().expect("a slot").note_deletion(Timestamp(12));
    slots.into_iter().map(|(slot, state)| (slot, Arc::new(state))).collect()
}

pub(crate) fn write_all(disk: &mut HostileDisk, mut writer: SnapshotWriter, max_bytes: usize) -> usize {
    let mut jobs = 0;
    while let Some(ops) = writer.next(max_bytes) {
        let bytes: usize =
            ops.iter().map(|op| if let DiskOp::Write { data, .. } = op { data.len() } else { 0 }).sum();
        assert!(bytes <= max_bytes.max(SNAPSHOT_CHUNK_BYTES) + 1024, "a job of {bytes} bytes");
        disk::run(disk, &ops).expect("a healthy disk");
        jobs += 1;
    }
    jobs
}

fn digests(slots: &[(Slot, Arc<SlotState>)]) -> Vec<(Slot, u128, usize)> {
    slots.iter().map(|(slot, state)| (*slot, state.digest(), state.len())).collect()
}

#[test]
fn a_snapshot_comes_back_as_it_was_written_even_after_a_power_cut() {
    for (keys, largest, tables) in [(0, 1, 0), (10, 100, 5), (3000, 3000, 700_000)] {
        let mut disk = HostileDisk::default();
        let slots = slots(keys, largest, 9);
        let tables = Bytes::from(vec![7; tables]);
        let writer = SnapshotWriter::new(GROUP, point(44), slots.clone(), tables.clone());
        let jobs = write_all(&mut disk, writer, 300_000);
        assert!(keys < 1000 || jobs > 10, "{jobs} jobs");
        disk.cut_power(&mut Draw::new(1), Cut::Lost);
        let found = read(&mut disk, GROUP, LogIndex(44)).expect("read");
        assert_eq!(found.point, point(44));
        assert_eq!(found.tables, tables);
        let found: Slots = found.slots.into_iter().map(|(slot, state)| (slot, Arc::new(state))).collect();
        assert_eq!(digests(&found), digests(&slots));
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let mut disk = HostileDisk::default();
    write_all(
        &mut disk,
        SnapshotWriter::new(GROUP, point(44), slots(6, 30, 1), Bytes::from_static(b"tables")),
        1,
    );
    let file = file_name(GROUP, LogIndex(44));
    let whole = disk.content(&file).to_vec();
    for at in 0..whole.len() as u64 {
        for bit in 0..8 {
            disk.flip(&file, at, bit);
            let error = read(&mut disk, GROUP, LogIndex(44)).expect_err("damaged");
            assert!(
                matches!(error, SnapshotError::Damage { offset, .. } if offset <= at),
                "{at}.{bit}: {error}"
            );
            disk.flip(&file, at, bit);
        }
        let mut cut = HostileDisk::default();
        cut.create(&file, 0).expect("create");
        cut.write(&file, 0, &whole[..at as usize]).expect("write");
        assert!(
            matches!(read(&mut cut, GROUP, LogIndex(44)), Err(SnapshotError::Damage { .. })),
            "cut at {at}"
        );
    }
    disk.write(&file, whole.len() as u64, b"x").expect("write");
    assert!(
        matches!(read(&mut disk, GROUP, LogIndex(44)), Err(SnapshotError::Damage { .. })),
        "bytes follow"
    );
    assert!(matches!(read(&mut disk, GROUP, LogIndex(45)), Err(SnapshotError::Missing { .. })));
}

#[test]
fn a_crash_leaves_a_whole_snapshot_or_none() {
    let (mut whole, mut none) = (0, 0);
    for seed in 0..300 {
        let mut draw = Draw::new(seed);
        let mut disk = HostileDisk::default();
        let slots = slots(20, 5000, seed);
        let mut writer = SnapshotWriter::new(GROUP, point(44), slots.clone(), Bytes::new());
        let ops: Vec<DiskOp> = std::iter::from_fn(|| writer.next(1)).flatten().collect();
        let run = draw.below(ops.len() as u64 + 1) as usize;
        disk::run(&mut disk, &ops[..run]).expect("a healthy disk");
        disk.cut_power(&mut draw, Cut::Torn);
        match read(&mut disk, GROUP, LogIndex(44)) {
            Ok(found) => {
                whole += 1;
                assert_eq!(found.slots.len(), slots.len());
            }
            Err(SnapshotError::Missing { .. }) => none += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
        assert_eq!(run == ops.len(), file_exists(&mut disk), "seed {seed}");
        remove_stale(&mut disk, &BTreeMap::new()).expect("removed");
        assert!(disk.list().expect("list").is_empty());
    }
    assert!(whole > 5 && none > 100, "{whole} whole, {none} none");
}

fn file_exists(disk: &mut HostileDisk) -> bool {
    disk.len_bytes(&file_name(GROUP, LogIndex(44))).expect("len").is_some()
}

#[test]
fn stale_files_go_and_others_stay() {
    let mut disk = HostileDisk::default();
    let files = [
        "snapshot-5-44.qs",
        "snapshot-5-45.qs",
        "snapshot-5-46.tmp",
        "snapshot-6-44.qs",
        "incoming-5.part",
        "identity",
    ];
    for file in files {
        disk.create(file, 1).expect("create");
    }
    remove_stale(&mut disk, &BTreeMap::from([(GROUP, LogIndex(45))])).expect("removed");
    assert_eq!(disk.list().expect("list"), ["identity", "incoming-5.part", "snapshot-5-45.qs"]);
    let mut writer = SnapshotWriter::new(GROUP, point(50), slots(3, 10, 1), Bytes::new());
    disk::run(&mut disk, &writer.next(1).expect("a job")).expect("run");
    disk::run(&mut disk, &writer.abandon()).expect("run");
    disk::run(&mut disk, &snapshot::remove_ops(GROUP, LogIndex(45))).expect("run");
    assert_eq!(disk.list().expect("list"), ["identity", "incoming-5.part"]);
}

#[test]
fn what_arrived_before_a_crash_is_kept_as_far_as_it_is_whole() {
    let (mut kept_some, mut kept_all) = (0, 0);
    for seed in 0..300 {
        let mut draw = Draw::new(seed);
        let mut disk = HostileDisk::default();
        assert!(Partial::recover(&mut disk, GROUP).expect("read").is_none());
        let slots = slots(40, 4000, seed);
        let (mut partial, mut ops) = Partial::begin(GROUP);
        ops.push(DiskOp::SyncFolder);
        for (slot, state) in &slots {
            ops.extend(partial.append(*slot, state));
        }
        let run = draw.below(ops.len() as u64 + 1) as usize;
        disk::run(&mut disk, &ops[..run]).expect("a healthy disk");
        match draw.below(3) {
            0 => {}
            1 => disk.cut_power(&mut draw, Cut::Torn),
            _ => disk.cut_power(&mut draw, Cut::Kept),
        }
        let Some((mut partial, kept)) = Partial::recover(&mut disk, GROUP).expect("read") else { continue };
        kept_some += u64::from(!kept.is_empty());
        for ((slot, state), (was_slot, was)) in kept.iter().zip(&slots) {
            assert_eq!((slot, state.digest()), (was_slot, was.digest()), "seed {seed}");
        }
        // It goes on from there, and another crash loses nothing of both.
        for (slot, state) in &slots[kept.len()..] {
            disk::run(&mut disk, &partial.append(*slot, state)).expect("a healthy disk");
        }
        let (again, kept) = Partial::recover(&mut disk, GROUP).expect("read").expect("a file");
        assert_eq!(again.bytes(), partial.bytes());
        assert_eq!(digests(&kept.into_iter().collect::<Slots>()), digests(&slots), "seed {seed}");
        kept_all += 1;
        disk::run(&mut disk, &Partial::remove(GROUP)).expect("removed");
        assert!(disk.list().expect("list").is_empty());
    }
    assert!(kept_some > 50 && kept_all > 100, "{kept_some} {kept_all}");
}
