//! Random histories of appends, syncs, maintenance and crashes against a model that keeps what was completed.
//!
//! After every crash the log must hold all that was completed, and of what was in flight all or nothing.

use crate::draw::Draw;
use crate::hostile::{Cut, HostileDisk};
use bytes::Bytes;
use proto::ids::{ClusterId, GroupId, Incarnation, LogIndex, NodeId, ReplicaId, Term};
use proto::peer::{ConsensusEntry, EntryKind};
use std::collections::{BTreeMap, VecDeque};
use storage::disk::{self, Disk, DiskOp};
use storage::log::{BatchNumber, HardState, Log, LogError, LogOwner, Record, RecoveredGroup, SegmentSizes};

pub(crate) const SIZES: SegmentSizes = SegmentSizes { first_bytes: 16 << 10, largest_bytes: 64 << 10 };
const GROUPS: u64 = 4;

pub(crate) fn owner(incarnation: u64) -> LogOwner {
    LogOwner { cluster: ClusterId([1; 16]), node: NodeId(2), incarnation: Incarnation(incarnation), core: 0 }
}

/// What the log must hold, kept in the plainest way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model(pub(crate) BTreeMap<GroupId, RecoveredGroup>);

impl Model {
    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::HardState { group, state } => self.0.entry(*group).or_default().hard_state = Some(*state),
            Record::Entries { group, entries } => {
                let kept = &mut self.0.entry(*group).or_default().entries;
                kept.retain(|entry| entry.index < entries[0].index);
                kept.extend(entries.iter().cloned());
            }
            Record::SnapshotMark { group, index, term, reset } => {
                let kept = self.0.entry(*group).or_default();
                kept.mark = Some((*index, *term));
                kept.entries.retain(|entry| !reset && entry.index > *index);
            }
        }
    }

    fn mark(&self, group: GroupId) -> u64 {
        self.0.get(&group).and_then(|kept| kept.mark).map_or(0, |(index, _)| index.0)
    }

    fn last(&self, group: GroupId) -> u64 {
        self.0
            .get(&group)
            .and_then(|kept| kept.entries.last())
            .map_or(self.mark(group), |entry| entry.index.0)
    }
}

/// A valid record for what the model holds.
pub(crate) fn draw_record(draw: &mut Draw, model: &Model, term: &mut u64) -> Record {
    let group = GroupId(draw.below(GROUPS) as u32);
    let (mark, last) = (model.mark(group), model.last(group));
    *term += u64::from(draw.once_in(20));
    match draw.below(20) {
        0..=1 => {
            let state = HardState {
                term: Term(*term),
                vote: ReplicaId(draw.below(4)),
                commit: LogIndex(draw.below(last + 1)),
            };
            Record::HardState { group, state }
        }
        2..=3 if last > mark => {
            let index = LogIndex(mark + 1 + draw.below(last - mark));
            let entries = &model.0[&group].entries;
            let term = entries.iter().find(|entry| entry.index == index).expect("held").term;
            Record::SnapshotMark { group, index, term, reset: false }
        }
        4 if draw.once_in(4) => Record::SnapshotMark {
            group,
            index: LogIndex(mark + draw.below(20)),
            term: Term(*term),
            reset: true,
        },
        _ => {
            let truncate = if draw.once_in(6) { draw.below(last - mark + 1) } else { 0 };
            let first = last + 1 - truncate;
            let largest = if draw.once_in(40) { 40_000 } else { 300 };
            let entries = (first..).take(1 + draw.below(6) as usize).map(|index| ConsensusEntry {
                index: LogIndex(index),
                term: Term(*term),
                kind: if draw.once_in(9) { EntryKind::ConfigurationChangeV2 } else { EntryKind::Normal },
                data: Bytes::from(vec![draw.number() as u8; draw.below(largest) as usize]),
                context: Bytes::from(vec![1; draw.below(3) as usize]),
            });
            Record::Entries { group, entries: entries.collect() }
        }
    }
}

/// What happened over all seeds, so that a test that tests nothing fails.
#[derive(Debug, Default)]
struct Weather {
    crashes: u64,
    in_flight_kept: u64,
    in_flight_lost: u64,
    tails_cut: u64,
    recycled: u64,
    removed: u64,
    inline_segments: u64,
    failed_syncs: u64,
}

struct World {
    draw: Draw,
    disk: HostileDisk,
    log: Log,
    /// All that was pushed.
    pushed: Model,
    /// Pushed and not sealed.
    queued: Vec<Record>,
    /// Sealed and not completed.
    sealed: Vec<Record>,
    batch: Option<BatchNumber>,
    /// All that was completed.
    completed: Model,
    log_ops: VecDeque<DiskOp>,
    bulk_ops: VecDeque<DiskOp>,
    bulk_runs: bool,
    term: u64,
    incarnation: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let mut disk = HostileDisk::default();
        let (log, recovered) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("an empty folder");
        assert!(recovered.groups.is_empty());
        World {
            draw: Draw::new(seed),
            disk,
            log,
            pushed: Model::default(),
            queued: Vec::new(),
            sealed: Vec::new(),
            batch: None,
            completed: Model::default(),
            log_ops: VecDeque::new(),
            bulk_ops: VecDeque::new(),
            bulk_runs: false,
            term: 1,
            incarnation: 1,
        }
    }

    fn step(&mut self, weather: &mut Weather) {
        match self.draw.below(12) {
            0..=3 => {
                let record = draw_record(&mut self.draw, &self.pushed, &mut self.term);
                self.pushed.apply(&record);
                self.log.push(record.clone());
                self.queued.push(record);
            }
            4..=5 => self.seal(weather),
            6..=8 => self.run_log_op(),
            9..=10 => self.run_bulk_op(weather),
            _ => {
                if self.draw.once_in(8) {
                    self.crash(weather);
                }
            }
        }
    }

    fn seal(&mut self, weather: &mut Weather) {
        let Some((number, ops)) = self.log.seal() else {
            assert!(self.batch.is_some() || self.queued.is_empty());
            return;
        };
        assert!(self.batch.is_none());
        assert!(matches!(ops.last(), Some(DiskOp::Sync { .. })));
        weather.inline_segments += u64::from(matches!(ops[0], DiskOp::CreateZeroed { .. }));
        self.batch = Some(number);
        self.sealed = std::mem::take(&mut self.queued);
        self.log_ops = ops.into();
    }

    fn run_log_op(&mut self) {
        let Some(op) = self.log_ops.pop_front() else { return };
        disk::run(&mut self.disk, &[op]).expect("a healthy disk");
        if self.log_ops.is_empty() {
            self.log.completed(self.batch.take().expect("in flight"));
            self.sealed.drain(..).for_each(|record| self.completed.apply(&record));
        }
    }

    fn run_bulk_op(&mut self, weather: &mut Weather) {
        if !self.bulk_runs {
            let Some(ops) = self.log.maintenance() else { return };
            weather.recycled += u64::from(matches!(ops[0], DiskOp::Rename { .. }));
            weather.removed += u64::from(matches!(ops[0], DiskOp::Remove { .. }));
            self.bulk_ops = ops.into();
            self.bulk_runs = true;
            return;
        }
        let op = self.bulk_ops.pop_front().expect("a job has operations");
        self.disk.full = matches!(op, DiskOp::CreateZeroed { .. }) && self.draw.once_in(5);
        let result = disk::run(&mut self.disk, &[op]);
        self.disk.full = false;
        if result.is_err() || self.bulk_ops.is_empty() {
            self.log.maintenance_done(result.is_ok());
            self.bulk_ops.clear();
            self.bulk_runs = false;
        }
    }

    /// The process dies, in the middle of what it is doing; most times the power goes too.
    fn crash(&mut self, weather: &mut Weather) {
        weather.crashes += 1;
        let in_flight = self.batch.is_some();
        if let Some(op @ DiskOp::Sync { .. }) = self.log_ops.pop_front()
            && self.draw.once_in(4)
        {
            // The sync fails: the node stops, the page cache goes on showing what the disk never got.
            weather.failed_syncs += 1;
            self.disk.fail_sync = true;
            disk::run(&mut self.disk, &[op]).expect_err("the sync fails");
        }
        if let Some(op) = self.bulk_ops.pop_front().filter(|_| self.draw.once_in(2)) {
            disk::run(&mut self.disk, &[op]).expect("a healthy disk");
        }
        self.lose_power();
        let mut recovered = self.reopen(weather);
        if self.draw.once_in(3) {
            // Again, before anything was written: what was read must be durable by now.
            self.lose_power();
            let again = self.reopen(weather);
            assert_eq!(again, recovered, "a second crash changed what the first recovery had shown");
            recovered = again;
        }
        if recovered != self.completed {
            let mut with_flight = self.completed.clone();
            self.sealed.iter().for_each(|record| with_flight.apply(record));
            assert!(in_flight, "something that was never sealed appeared, or something completed is lost");
            assert_eq!(recovered, with_flight, "neither all nor nothing of the batch in flight");
            weather.in_flight_kept += 1;
        } else {
            weather.in_flight_lost += u64::from(in_flight);
        }
        self.pushed = recovered.clone();
        self.completed = recovered;
        self.queued.clear();
        self.sealed.clear();
        self.batch = None;
        self.log_ops.clear();
        self.bulk_ops.clear();
        self.bulk_runs = false;
    }

    fn lose_power(&mut self) {
        match self.draw.below(6) {
            0 => {} // only the process died
            1 => self.disk.cut_power(&mut self.draw, Cut::Lost),
            2 => self.disk.cut_power(&mut self.draw, Cut::Kept),
            _ => self.disk.cut_power(&mut self.draw, Cut::Torn),
        }
    }

    fn reopen(&mut self, weather: &mut Weather) -> Model {
        self.incarnation += 1;
        let opened = Log::open_sized(&mut self.disk, &owner(self.incarnation), SIZES);
        let (log, recovered) = opened.unwrap_or_else(|error| panic!("a crash is no damage: {error}"));
        self.log = log;
        weather.tails_cut += u64::from(recovered.truncated_tail.is_some());
        Model(recovered.groups)
    }
}

#[test]
fn nothing_completed_is_lost_and_no_batch_is_half_there() {
    let mut weather = Weather::default();
    for seed in 0..4000 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            for _ in 0..400 {
                world.step(&mut weather);
            }
            world.crash(&mut weather);
        }));
        assert!(result.is_ok(), "seed {seed}");
    }
    let Weather {
        crashes,
        in_flight_kept,
        in_flight_lost,
        tails_cut,
        recycled,
        removed,
        inline_segments,
        failed_syncs,
    } = weather;
    let rarest = [
        crashes,
        in_flight_kept,
        in_flight_lost,
        tails_cut,
        recycled,
        removed,
        inline_segments,
        failed_syncs,
    ];
    assert!(rarest.into_iter().min() > Some(100), "too calm: {weather:?}");
}

/// Appends a batch and completes it, with all maintenance that it asks for.
pub(crate) fn append(disk: &mut HostileDisk, log: &mut Log, records: &[Record]) -> Vec<DiskOp> {
    records.iter().for_each(|record| log.push(record.clone()));
    let (number, ops) = log.seal().expect("a batch");
    disk::run(disk, &ops).expect("a healthy disk");
    log.completed(number);
    while let Some(ops) = log.maintenance() {
        disk::run(disk, &ops).expect("a healthy disk");
        log.maintenance_done(true);
    }
    ops
}

pub(crate) fn entries(group: u32, first: u64, count: usize, len: usize, term: u64) -> Record {
    let entries = (first..).take(count).map(|index| ConsensusEntry {
        index: LogIndex(index),
        term: Term(term),
        kind: EntryKind::Normal,
        data: Bytes::from(vec![index as u8; len]),
        context: Bytes::new(),
    });
    Record::Entries { group: GroupId(group), entries: entries.collect() }
}

fn mark(group: u32, index: u64, reset: bool) -> Record {
    Record::SnapshotMark { group: GroupId(group), index: LogIndex(index), term: Term(1), reset }
}

#[test]
fn the_disk_stays_bounded_and_a_quiet_group_pins_until_it_is_snapshotted() {
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    append(&mut disk, &mut log, &[entries(7, 1, 1, 10, 1)]);
    let mut most_bytes = 0;
    for round in 0..400u64 {
        append(&mut disk, &mut log, &[entries(1, round * 10 + 1, 10, 300, 1)]);
        if log.bytes_since_snapshot(GroupId(1)) > 100_000 {
            append(&mut disk, &mut log, &[mark(1, round * 10 + 10, false)]);
            assert_eq!(log.bytes_since_snapshot(GroupId(1)), 0);
        }
        if log.pinned_by() == Some(GroupId(7)) {
            assert!(log.statistics().segments > 4);
            append(&mut disk, &mut log, &[mark(7, 1, false)]);
            assert!(log.statistics().segments <= 4, "released at once: {:?}", log.statistics());
        }
        assert_eq!(log.disk_bytes(), disk.bytes(), "round {round}");
        most_bytes = most_bytes.max(disk.bytes());
    }
    assert_eq!(log.pinned_by(), None);
    assert!(most_bytes <= 8 * SIZES.largest_bytes, "{most_bytes} bytes for a log that holds 100,000");
    let (_, recovered) = Log::open_sized(&mut disk, &owner(2), SIZES).expect("opened");
    assert_eq!(recovered.groups[&GroupId(7)].mark, Some((LogIndex(1), Term(1))));
    assert_eq!(recovered.groups[&GroupId(1)].entries.last().map(|entry| entry.index), Some(LogIndex(4000)));
}

#[test]
fn a_full_disk_is_seen_coming_and_appending_goes_on_while_there_is_room() {
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    disk.full = true;
    let mut batches = 0;
    while log.room_bytes() >= 4096 {
        log.push(entries(1, batches + 1, 1, 100, 1));
        let (number, ops) = log.seal().expect("a batch");
        disk::run(&mut disk, &ops).expect("there was room");
        log.completed(number);
        batches += 1;
        if let Some(ops) = log.maintenance() {
            assert!(disk::run(&mut disk, &ops).expect_err("no space").full);
            log.maintenance_done(false);
        }
    }
    assert_eq!(batches, 2, "a first segment of four blocks");
    disk.full = false;
    append(&mut disk, &mut log, &[entries(1, batches + 1, 1, 100, 1)]);
    let (_, recovered) = Log::open_sized(&mut disk, &owner(2), SIZES).expect("opened");
    assert_eq!(recovered.groups[&GroupId(1)].entries.len(), 3);
}

#[test]
fn a_truncated_and_quiet_group_does_not_pin_a_segment_for_ever() {
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    append(&mut disk, &mut log, &[entries(1, 1, 20, 10, 1)]);
    append(&mut disk, &mut log, &[entries(2, 1, 10, 2000, 1)]);
    append(&mut disk, &mut log, &[entries(1, 15, 1, 10, 2)]);
    append(&mut disk, &mut log, &[mark(1, 15, false), mark(2, 10, false)]);
    append(&mut disk, &mut log, &[entries(2, 11, 10, 3000, 1)]);
    append(&mut disk, &mut log, &[mark(2, 20, false)]);
    append(&mut disk, &mut log, &[entries(2, 21, 10, 6000, 1)]);
    assert_eq!(log.statistics().segments, 1, "only the newest segment is needed");
}

#[test]
fn segments_of_another_owner_or_a_later_version_are_refused_with_what_to_do() {
    let mut disk = HostileDisk::default();
    Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    let other_node = LogOwner { node: NodeId(3), ..owner(1) };
    let error = Log::open_sized(&mut disk, &other_node, SIZES).err().expect("refused");
    assert!(error.to_string().contains("node 2, not to core 0 of node 3"), "{error}");
    let other_cluster = LogOwner { cluster: ClusterId([9; 16]), ..owner(1) };
    let error = Log::open_sized(&mut disk, &other_cluster, SIZES).err().expect("refused");
    assert!(matches!(error, LogError::Foreign { .. }), "{error}");
    let file = "log-0-00000000000000000001.seg";
    let mut header = disk.content(file)[..76].to_vec();
    header[8] = 2;
    let checksum = crc32c::crc32c(&header[..72]);
    header[72..].copy_from_slice(&checksum.to_le_bytes());
    disk.write(file, 0, &header).expect("write");
    let error = Log::open_sized(&mut disk, &owner(1), SIZES).err().expect("refused");
    assert_eq!(error, LogError::TooNew { file: file.to_owned(), version: 2 });
}
