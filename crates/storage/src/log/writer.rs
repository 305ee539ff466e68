//! The log while it serves: records in, operations out, completions in.
//!
//! Records are encoded as they are pushed, so a queued batch is one buffer. Sealing gives that buffer its header and names the operations; nothing is booked
//! before [`Log::completed`]. A batch that does not fit begins the next segment: a file (the spare, or a new one), header and checkpoint, **a sync**, then the batch
//! and its own sync. So a batch behind a checkpoint proves that the checkpoint was durable, which is what lets recovery tell a torn tail from damage.

use super::frame::{self, BLOCK_BYTES, FRAME_HEADER_BYTES, FrameKind};
use super::ledger::{Effect, Ledger, SegmentBook};
use super::recover::{self, Tail};
use super::{
    BatchNumber, LogError, LogOwner, LogStatistics, Record, Recovered, SegmentSizes, record, segments,
};
use crate::disk::{Disk, DiskOp};
use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, Term};
use proto::peer::ConsensusEntry;
use std::collections::BTreeMap;

/// How many segments may be alive before a group that pins the oldest is named.
const PIN_AFTER_SEGMENTS: usize = 4;

/// One core's log. See the module `log`.
pub struct Log {
    owner: LogOwner,
    sizes: SegmentSizes,
    /// What is durable.
    ledger: Ledger,
    /// Where each group stands with everything pushed: its mark and its last index.
    fronts: BTreeMap<GroupId, Front>,
    /// The next batch: room for its header, then its records.
    queued: Vec<u8>,
    queued_effects: Vec<Effect>,
    flight: Option<Flight>,
    sealed: BatchNumber,
    tail: Tail,
    /// The bytes of the spare file, if there is one.
    spare_bytes: Option<u64>,
    /// The newest batch holds nothing, and so says that the one before it was durable.
    is_capped: bool,
    /// Whether another file of zeros may be made.
    may_prepare: bool,
    maintenance: Option<Maintenance>,
    statistics: LogStatistics,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Front {
    mark: LogIndex,
    last: LogIndex,
}

/// A sealed batch whose job has not ended.
struct Flight {
    number: BatchNumber,
    effects: Vec<Effect>,
    /// The segment that it begins.
    begins: Option<SegmentBook>,
}

/// What the maintenance job is doing.
enum Maintenance {
    Prepare { len_bytes: u64 },
    Recycle(SegmentBook),
    Remove(SegmentBook),
}

impl Log {
    /// Opens the folder's log, or makes an empty one; cuts a torn tail. Blocking.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(disk: &mut dyn Disk, owner: &LogOwner) -> Result<(Log, Recovered), LogError> {
        Log::open_sized(disk, owner, SegmentSizes::default())
    }

    /// [`Log::open`] with segments of other sizes, for simulations.
    ///
    /// # Errors
    /// [`LogError`].
    ///
    /// # Panics
    /// If the sizes are not rising multiples of 4 KiB, of two blocks or more.
    pub fn open_sized(
        disk: &mut dyn Disk,
        owner: &LogOwner,
        sizes: SegmentSizes,
    ) -> Result<(Log, Recovered), LogError> {
        let multiples =
            sizes.first_bytes.is_multiple_of(BLOCK_BYTES) && sizes.largest_bytes.is_multiple_of(BLOCK_BYTES);
        assert!(
            multiples && sizes.first_bytes >= 2 * BLOCK_BYTES && sizes.largest_bytes >= sizes.first_bytes,
            "{sizes:?}"
        );
        let opened = recover::open(disk, owner, &sizes)?;
        let fronts = opened
            .ledger
            .groups
            .iter()
            .map(|(group, book)| (*group, Front { mark: book.mark_index(), last: book.last }));
        let log = Log {
            owner: *owner,
            sizes,
            fronts: fronts.collect(),
            ledger: opened.ledger,
            queued: Vec::new(),
            queued_effects: Vec::new(),
            flight: None,
            sealed: BatchNumber(0),
            tail: opened.tail,
            spare_bytes: opened.spare_bytes,
            is_capped: false,
            may_prepare: true,
            maintenance: None,
            statistics: LogStatistics::default(),
        };
        Ok((log, opened.recovered))
    }

    /// Queues a record for the next batch.
    ///
    /// # Panics
    /// If entries leave a gap behind the group's last index, or touch what a mark covers; if a mark goes back, or (unless it resets) covers more than the log has.
    pub fn push(&mut self, record: Record) {
        match record {
            Record::Entries { group, entries } => self.push_entries(group, &entries),
            Record::HardState { group, state } => {
                self.fronts.entry(group).or_default();
                record::encode_hard_state(self.queue(), group, &state);
                self.queued_effects.push(Effect::HardState { group, state });
            }
            Record::SnapshotMark { group, index, term, reset } => self.push_mark(group, index, term, reset),
        }
    }

    /// Like [`Log::push`] of [`Record::Entries`], without owning the entries.
    ///
    /// # Panics
    /// As [`Log::push`].
    pub fn push_entries(&mut self, group: GroupId, entries: &[ConsensusEntry]) {
        let first = entries.first().expect("entries to push").index;
        let last = LogIndex(first.0 + entries.len() as u64 - 1);
        let contiguous = (first.0..).zip(entries).all(|(index, entry)| entry.index.0 == index);
        assert!(contiguous, "group {group}: entries {first} to {last} are not contiguous");
        assert!(
            entries.is_sorted_by_key(|entry| entry.term),
            "group {group}: terms go back in {first} to {last}"
        );
        let front = self.fronts.entry(group).or_default();
        assert!(
            front.mark < first && (first.0 <= front.last.0 + 1 || *front == Front::default()),
            "group {group}: entries from {first} do not follow {front:?}"
        );
        front.last = last;
        let queue = self.queue();
        let before = queue.len();
        record::encode_entries(queue, group, entries);
        let bytes = (queue.len() - before) as u64;
        self.queued_effects.push(Effect::Entries { group, first, last, bytes });
    }

    fn push_mark(&mut self, group: GroupId, index: LogIndex, term: Term, reset: bool) {
        let front = self.fronts.entry(group).or_default();
        let fits = index >= front.mark && (reset || index <= front.last);
        assert!(fits, "group {group}: a mark at {index} (reset: {reset}) does not fit {front:?}");
        front.mark = index;
        front.last = if reset { index } else { front.last };
        record::encode_mark(self.queue(), group, index, term, reset);
        self.queued_effects.push(Effect::Mark { group, index, term, reset });
    }

    /// The queue, with room for the batch's header before the first record.
    fn queue(&mut self) -> &mut Vec<u8> {
        if self.queued.is_empty() {
            self.queued.resize(FRAME_HEADER_BYTES, 0);
        }
        &mut self.queued
    }

    /// Whether anything is queued.
    pub fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Whether the newest batch is one that damage could make look like a torn one, and nothing else is about to follow it.
    pub fn wants_cap(&self) -> bool {
        let has_room = self.tail.offset + BLOCK_BYTES <= self.tail.len_bytes;
        !self.is_capped && !self.in_flight() && !self.has_queued() && has_room
    }

    /// Queues a batch that holds nothing. Once it is begun, whatever is found damaged before it is known to have been durable.
    pub fn cap(&mut self) {
        self.queue();
    }

    /// Whether a batch is sealed and not yet completed.
    pub fn in_flight(&self) -> bool {
        self.flight.is_some()
    }

    /// Everything queued as one batch: operations for one job on `Lane::Log`, the last one a sync. `None` while a batch is in flight or nothing is queued.
    pub fn seal(&mut self) -> Option<(BatchNumber, Vec<DiskOp>)> {
        if self.in_flight() || !self.has_queued() {
            return None;
        }
        let room = frame::padded(self.queued.len() as u64) as usize;
        let mut batch = std::mem::replace(&mut self.queued, Vec::with_capacity(room));
        let mut ops = Vec::new();
        let begins = (self.tail.offset + room as u64 > self.tail.len_bytes)
            .then(|| self.begin_segment(room as u64, &mut ops));
        let salt = frame::salt(&self.owner, self.tail.number);
        self.tail.checksum = frame::finish_frame(
            &mut batch,
            salt,
            FrameKind::Records,
            self.tail.next_sequence,
            self.tail.checksum,
        );
        let file = segments::segment_name(self.owner.core, self.tail.number);
        ops.push(DiskOp::Write { file: file.clone(), offset: self.tail.offset, data: Bytes::from(batch) });
        ops.push(DiskOp::Sync { file });
        self.is_capped = self.queued_effects.is_empty();
        self.tail.next_sequence += 1;
        self.tail.offset += room as u64;
        self.sealed = BatchNumber(self.sealed.0 + 1);
        self.statistics.batches += 1;
        self.statistics.bytes += room as u64;
        self.statistics.syncs += 1;
        let effects = std::mem::take(&mut self.queued_effects);
        self.flight = Some(Flight { number: self.sealed, effects, begins });
        Some((self.sealed, ops))
    }

    /// Moves the tail into a new segment that has room for a frame of `frame_bytes`.
    fn begin_segment(&mut self, frame_bytes: u64, ops: &mut Vec<DiskOp>) -> SegmentBook {
        let core = self.owner.core;
        let number = self.tail.number + 1;
        let checkpoint = segments::checkpoint_frame(&self.ledger);
        let needed_bytes = BLOCK_BYTES + frame::padded(checkpoint.len() as u64) + frame_bytes;
        let file = segments::segment_name(core, number);
        let len_bytes = match self.spare_bytes.take_if(|spare| *spare >= needed_bytes) {
            Some(spare) => {
                ops.push(DiskOp::Rename { from: segments::spare_name(core), to: file.clone() });
                spare
            }
            None => {
                let len_bytes = needed_bytes.max(self.sizes.of(number));
                ops.push(DiskOp::CreateZeroed { file: file.clone(), len_bytes });
                ops.push(DiskOp::Sync { file: file.clone() });
                ops.push(DiskOp::SyncFolder);
                self.statistics.bytes += len_bytes;
                self.statistics.syncs += 2;
                len_bytes
            }
        };
        let preamble = segments::preamble(
            &self.owner,
            number,
            len_bytes,
            self.tail.next_sequence,
            self.tail.checksum,
            checkpoint,
        );
        let preamble_bytes = preamble.bytes.len() as u64;
        ops.push(DiskOp::Write { file: file.clone(), offset: 0, data: Bytes::from(preamble.bytes) });
        ops.push(DiskOp::Sync { file });
        self.statistics.bytes += preamble_bytes;
        self.statistics.syncs += 1;
        self.tail = Tail {
            number,
            len_bytes,
            offset: preamble_bytes,
            next_sequence: self.tail.next_sequence + 1,
            checksum: preamble.checksum,
        };
        SegmentBook::new(number, len_bytes)
    }

    /// The batch's job succeeded: it is durable.
    ///
    /// # Panics
    /// If it is not the batch in flight.
    pub fn completed(&mut self, batch: BatchNumber) {
        let flight = self.flight.take().expect("a batch in flight");
        assert_eq!(flight.number, batch, "batches complete in order");
        self.ledger.segments.extend(flight.begins);
        flight.effects.into_iter().for_each(|effect| self.ledger.apply(effect));
    }

    /// Housekeeping to run as one job on `Lane::Bulk`: the next segment made, or a released one reused or removed. `None` while one is under way or nothing is to be done. Ask after `completed` and `maintenance_done`.
    pub fn maintenance(&mut self) -> Option<Vec<DiskOp>> {
        if self.maintenance.is_some() {
            return None;
        }
        let core = self.owner.core;
        let next_bytes = self.sizes.of(self.tail.number + 1);
        // While a batch in flight may still be about to rename the spare, the other lane must not make another one under that name.
        let lacks_spare =
            self.spare_bytes.is_none() && self.flight.as_ref().is_none_or(|flight| flight.begins.is_none());
        if self.ledger.oldest_is_free() {
            let oldest = self.ledger.segments.pop_front().expect("a free segment");
            let file = segments::segment_name(core, oldest.number);
            // One removal a job, made durable before the next: segments must never go missing in the middle.
            let (maintenance, ops) = if lacks_spare && oldest.recyclable && oldest.len_bytes == next_bytes {
                let ops = vec![DiskOp::Rename { from: file, to: segments::spare_name(core) }];
                (Maintenance::Recycle(oldest), ops)
            } else {
                (Maintenance::Remove(oldest), vec![DiskOp::Remove { file }, DiskOp::SyncFolder])
            };
            self.maintenance = Some(maintenance);
            return Some(ops);
        }
        if lacks_spare && self.may_prepare && self.tail.offset >= self.tail.len_bytes / 2 {
            let file = segments::preparing_name(core);
            self.maintenance = Some(Maintenance::Prepare { len_bytes: next_bytes });
            self.statistics.bytes += next_bytes;
            return Some(vec![
                DiskOp::CreateZeroed { file: file.clone(), len_bytes: next_bytes },
                DiskOp::Sync { file: file.clone() },
                DiskOp::Rename { from: file, to: segments::spare_name(core) },
            ]);
        }
        None
    }

    /// The maintenance job ended. `succeeded: false` (a full disk) does no harm: it is tried again at the next call of [`Log::maintenance`]. A failed sync is the caller's to judge.
    ///
    /// # Panics
    /// If none is under way.
    pub fn maintenance_done(&mut self, succeeded: bool) {
        match (self.maintenance.take().expect("maintenance under way"), succeeded) {
            (Maintenance::Prepare { len_bytes }, true) => self.spare_bytes = Some(len_bytes),
            (Maintenance::Recycle(segment), true) => self.spare_bytes = Some(segment.len_bytes),
            (Maintenance::Prepare { .. }, false) | (Maintenance::Remove(_), true) => {}
            (Maintenance::Recycle(segment) | Maintenance::Remove(segment), false) => {
                self.ledger.segments.push_front(SegmentBook { recyclable: false, ..segment });
            }
        }
    }

    /// Whether there is room on the disk for another segment.
    pub fn set_may_prepare(&mut self, may: bool) {
        self.may_prepare = may;
    }

    /// Whether the next segment is ready.
    pub fn has_spare(&self) -> bool {
        self.spare_bytes.is_some()
    }

    /// Operations that remove what is left of a segment that could not be made for want of space.
    pub fn remove_unprepared(&self) -> Vec<DiskOp> {
        vec![DiskOp::Remove { file: segments::preparing_name(self.owner.core) }]
    }

    /// Bytes of the group's entries above its newest durable mark, to within 64 KiB: the time to snapshot is when they outgrow the group's state.
    pub fn bytes_since_snapshot(&self, group: GroupId) -> u64 {
        self.ledger.groups.get(&group).map_or(0, |book| book.bytes_since_mark())
    }

    /// With more than four segments alive: a group that keeps the oldest from being released. Snapshot it first.
    pub fn pinned_by(&self) -> Option<GroupId> {
        if self.ledger.segments.len() <= PIN_AFTER_SEGMENTS {
            return None;
        }
        self.ledger.oldest_is_pinned_by()
    }

    /// How many bytes of batches fit before another file has to be made: when this is low and maintenance fails for want of space, take no more writes.
    pub fn room_bytes(&self) -> u64 {
        self.tail.len_bytes - self.tail.offset + self.spare_bytes.unwrap_or(0)
    }

    /// What the log takes on disk, in bytes.
    pub fn disk_bytes(&self) -> u64 {
        let begun = self.flight.as_ref().and_then(|flight| flight.begins.as_ref());
        let leaving = match &self.maintenance {
            Some(Maintenance::Recycle(segment) | Maintenance::Remove(segment)) => segment.len_bytes,
            Some(Maintenance::Prepare { len_bytes }) => *len_bytes,
            None => 0,
        };
        let alive: u64 = self.ledger.segments.iter().chain(begun).map(|segment| segment.len_bytes).sum();
        alive + self.spare_bytes.unwrap_or(0) + leaving
    }

    /// Counters since the log was opened.
    pub fn statistics(&self) -> LogStatistics {
        LogStatistics { segments: self.ledger.segments.len() as u64, ..self.statistics }
    }
}
