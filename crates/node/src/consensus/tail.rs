//! The part of a group's log that is in memory, as the library wants to read it (rule 12: it cannot fail).
//!
//! It holds the entries above a compaction point. Disks are written elsewhere: what is here is "readable", and becomes durable with the next log batch. Snapshots that the library asks
//! for are only named here (the applied index of this moment); their content is frozen and sent by `transfer`.

use super::{Birth, translate};
use proto::ids::{LogIndex, Term};
use proto::peer::{Configuration, SnapshotPoint};
use raft::eraftpb::{Entry, HardState as RaftHardState, Snapshot};
use raft::{Error, GetEntriesContext, RaftState, Storage, StorageError};
use std::collections::VecDeque;
use storage::log::HardState;

/// In-memory log of one replica.
#[derive(Clone)]
pub(super) struct Tail {
    hard_state: RaftHardState,
    /// The last entry that is forgotten, and its term.
    compacted: (u64, u64),
    entries: VecDeque<Entry>,
    bytes: usize,
    /// What the state machine has applied.
    applied: SnapshotPoint,
    /// Whether the library may start to send a snapshot now.
    pub(super) snapshots_allowed: bool,
}

/// What an entry weighs beyond its payload.
const ENTRY_OVERHEAD_BYTES: usize = 96;

fn weight(entry: &Entry) -> usize {
    entry.data.len() + entry.context.len() + ENTRY_OVERHEAD_BYTES
}

impl Tail {
    pub(super) fn new(birth: &Birth) -> Tail {
        let mut tail = Tail {
            hard_state: RaftHardState::default(),
            compacted: (birth.point.index.0, birth.point.term.0),
            entries: VecDeque::new(),
            bytes: 0,
            applied: birth.point.clone(),
            snapshots_allowed: true,
        };
        tail.append(birth.entries.iter().cloned().map(translate::entry_out).collect());
        tail.set_durable_hard_state(birth.hard_state);
        tail
    }

    fn set_durable_hard_state(&mut self, stored: HardState) {
        let (applied, last) = (self.applied.index.0, self.last());
        assert!(applied <= last, "the log ends at {last}, below the applied state at {applied}");
        self.hard_state.term = stored.term.0.max(self.applied.term.0);
        self.hard_state.vote = stored.vote.0;
        self.hard_state.commit = stored.commit.0.max(applied).min(last);
    }

    fn last(&self) -> u64 {
        self.compacted.0 + self.entries.len() as u64
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn point(&self) -> &SnapshotPoint {
        &self.applied
    }

    pub(super) fn set_hard_state(&mut self, hard_state: RaftHardState) {
        self.hard_state = hard_state;
    }

    pub(super) fn set_applied(&mut self, index: LogIndex, term: Term) {
        assert!(index >= self.applied.index, "applied went back from {} to {index}", self.applied.index);
        self.applied.index = index;
        self.applied.term = term;
    }

    pub(super) fn set_configuration(&mut self, configuration: Configuration) {
        self.applied.configuration = configuration;
    }

    /// Appends; what stands at the first new index and after it is replaced.
    pub(super) fn append(&mut self, new: Vec<Entry>) {
        let Some(first) = new.first().map(|entry| entry.index) else { return };
        assert!(
            first > self.compacted.0 && first <= self.last() + 1,
            "entry {first} does not follow a log of {} to {}",
            self.compacted.0,
            self.last()
        );
        if self.last() >= first {
            crate::marks::reached(crate::marks::Mark::TailReplaced);
        }
        while self.last() >= first {
            let dropped = self.entries.pop_back().expect("the log reaches that far");
            self.bytes -= weight(&dropped);
        }
        for entry in new {
            self.bytes += weight(&entry);
            self.entries.push_back(entry);
        }
    }

    /// Forgets everything for a received snapshot.
    pub(super) fn restore(&mut self, point: SnapshotPoint) {
        self.entries.clear();
        self.bytes = 0;
        self.compacted = (point.index.0, point.term.0);
        self.applied = point;
    }

    pub(super) fn compact(&mut self, index: LogIndex) {
        while self.compacted.0 < index.0 {
            let Some(entry) = self.entries.pop_front() else { break };
            self.bytes -= weight(&entry);
            self.compacted = (entry.index, entry.term);
        }
    }

    /// Forgets what is not durable, for a rebuilt replica.
    pub(super) fn keep_durable(&mut self, hard_state: HardState, durable_last: LogIndex) {
        while self.last() > durable_last.0.max(self.applied.index.0) {
            let Some(dropped) = self.entries.pop_back() else { break };
            self.bytes -= weight(&dropped);
        }
        self.set_durable_hard_state(hard_state);
    }
}

impl Storage for Tail {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState {
            hard_state: self.hard_state.clone(),
            conf_state: translate::configuration_out(&self.applied.configuration),
        })
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low <= self.compacted.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        assert!(high <= self.last() + 1, "entries up to {high} wanted, the log ends at {}", self.last());
        let max_bytes = max_size.into().unwrap_or(u64::MAX);
        let skip = usize::try_from(low - self.compacted.0 - 1).expect("within memory");
        let take = usize::try_from(high.saturating_sub(low)).expect("within memory");
        let mut found = Vec::with_capacity(take.min(1024));
        let mut bytes = 0_u64;
        for entry in self.entries.iter().skip(skip).take(take) {
            bytes += weight(entry) as u64;
            if !found.is_empty() && bytes > max_bytes {
                break;
            }
            found.push(entry.clone());
        }
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.compacted.0 {
            return Ok(self.compacted.1);
        }
        if index < self.compacted.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        let at = usize::try_from(index - self.compacted.0 - 1).expect("within memory");
        self.entries.get(at).map(|entry| entry.term).ok_or(Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.compacted.0 + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        if !self.snapshots_allowed || self.applied.index.0 < request_index {
            return Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        let mut snapshot = super::empty_snapshot();
        snapshot.clone_from(&translate::snapshot_out(&self.applied));
        Ok(snapshot)
    }
}
