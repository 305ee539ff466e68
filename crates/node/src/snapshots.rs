//! Taking snapshots of this node's own groups, so that the log can be truncated and recovery stays short.
//!
//! One at a time, in pieces at a pace: the state is frozen (a few hundred pointers), written by jobs of the bulk lane while clients are served, then marked in the log; when the mark is durable the file before
//! it is removed. Taken when the log since the last one outweighs the state (so what is written twice is at most what was written once), or when a group pins the oldest segment.
//!
//! Sending and receiving snapshots is `transfer`.

use crate::group::Group;
use proto::ids::{GroupId, LogIndex};
use proto::limits::SNAPSHOT_CHUNK_BYTES;
use proto::peer::SnapshotPoint;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use storage::disk::DiskOp;
use storage::log::{Log, Record};
use storage::snapshot::{self, SnapshotWriter};

/// Beyond this much log on disk, whoever pins the oldest segment is snapshotted.
const LOG_SOFT_LIMIT_BYTES: u64 = 128 * 1024 * 1024;

struct Taking {
    group: GroupId,
    point: SnapshotPoint,
    writer: SnapshotWriter,
}

/// Groups whose snapshot somebody waits for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pressing {
    /// The outbox has outgrown the data, and its oldest entry goes when this group has a snapshot.
    pub outbox: Option<GroupId>,
    /// This group keeps the log's oldest segment.
    pub oldest_segment: Option<GroupId>,
}

/// All snapshot taking of one node.
#[derive(Default)]
pub struct Snapshots {
    taking: Option<Taking>,
    /// The durable snapshot of each group.
    durable: BTreeMap<GroupId, LogIndex>,
    /// Files that may go once the log batch with their successor's mark is durable.
    retiring: Vec<(GroupId, LogIndex)>,
}

impl Snapshots {
    /// What was found at start.
    pub fn new(durable: BTreeMap<GroupId, LogIndex>) -> Snapshots {
        Snapshots { taking: None, durable, retiring: Vec::new() }
    }

    /// The last entry that a group's durable snapshot contains; 0 if it has none.
    pub fn durable(&self, group: GroupId) -> LogIndex {
        self.durable.get(&group).copied().unwrap_or_default()
    }

    /// The group whose snapshot is being written.
    pub fn group_being_written(&self) -> Option<GroupId> {
        self.taking.as_ref().map(|taking| taking.group)
    }

    /// Begins a snapshot if one is due. The caller then runs `next_piece`. A group of which a received snapshot is being written (`occupied`) waits: both would write one file.
    pub fn begin_if_due(
        &mut self,
        groups: &BTreeMap<GroupId, Group>,
        log: &Log,
        min_log_bytes: u64,
        pressing: Pressing,
        occupied: impl Fn(GroupId) -> bool,
    ) -> bool {
        if self.taking.is_some() {
            return false;
        }
        let grown = groups
            .iter()
            .filter(|(id, group)| log.bytes_since_snapshot(**id) > min_log_bytes.max(group.machine.bytes()))
            .max_by_key(|(id, _)| log.bytes_since_snapshot(**id))
            .map(|(id, _)| *id);
        let oldest = pressing.oldest_segment.filter(|_| log.disk_bytes() > LOG_SOFT_LIMIT_BYTES);
        // The outbox comes first: it waits for a group that need not have grown itself, and that another would always come before.
        let due = [pressing.outbox, grown, oldest].into_iter().flatten().find_map(|id| {
            let group = groups.get(&id)?;
            let may = !group.replica_ref().frozen() && !occupied(id) && group.applied() > self.durable(id);
            may.then_some((id, group))
        });
        let Some((id, group)) = due else { return false };
        let point = group.point();
        let frozen = group.machine.freeze();
        let writer = SnapshotWriter::new(id, point.clone(), frozen.slots, frozen.tables);
        self.taking = Some(Taking { group: id, point, writer });
        true
    }

    /// The next piece to write; `None` when the file is complete, and then `finished` is to be called.
    pub fn next_piece(&mut self) -> Option<Vec<DiskOp>> {
        self.taking.as_mut()?.writer.next(SNAPSHOT_CHUNK_BYTES)
    }

    /// There is no room for the file: it is given up. Returns the operations that remove what there is of it.
    pub fn abandon(&mut self) -> Vec<DiskOp> {
        self.taking.take().map(|taking| taking.writer.abandon()).unwrap_or_default()
    }

    /// The file is durable: marks it in the log. Returns what was taken.
    pub fn finished(&mut self, log: &mut Log) -> Option<(GroupId, LogIndex)> {
        let taking = self.taking.take()?;
        let (group, index) = (taking.group, taking.point.index);
        match index.cmp(&self.durable(group)) {
            Ordering::Greater => {}
            // A received snapshot stands for the same entry: this file is the one that counts now.
            Ordering::Equal => return None,
            Ordering::Less => {
                self.retiring.push((group, index));
                return None;
            }
        }
        log.push(Record::SnapshotMark { group, index, term: taking.point.term, reset: false });
        self.supersede(group, index);
        Some((group, index))
    }

    /// A group has a new durable snapshot file, marked in the log batch that is being gathered.
    pub fn supersede(&mut self, group: GroupId, index: LogIndex) {
        if let Some(old) = self.durable.insert(group, index).filter(|old| *old != index) {
            self.retiring.push((group, old));
        }
    }

    /// The files that may go when the batch that is sealed now is durable.
    pub fn take_retiring(&mut self) -> Vec<DiskOp> {
        let retiring = std::mem::take(&mut self.retiring);
        retiring.into_iter().flat_map(|(group, index)| snapshot::remove_ops(group, index)).collect()
    }
}
