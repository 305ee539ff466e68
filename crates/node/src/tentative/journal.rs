//! The journal of the outbox: what this node holds and has promised, in the log that all its shards share.
//!
//! To the log it is one more group, whose entries are written once and never replicated: so an operation costs no file and no sync of its own, and segments are covered and released as for any group. The mark
//! that releases them stands below the oldest entry that is still *live*. An operation is live until a durable snapshot of its shard contains its decision: before that a crash may set the shard back to where it was
//! undecided. A promise is live until the next one of its shard. A hint, of a shard that has no state here, is live until an entry says that it is decided; that entry until the next one of its shard.
//!
//! Where a live entry pins the oldest segment for long, an undecided operation is written again at the end, and a shard with a decided one is snapshotted.
//!
//! Invariant: what was durable and live is found again after any crash.

use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex, Term};
use proto::peer::{ConsensusEntry, EntryKind};
use proto::tentative::{Dot, Operation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::log::{Log, Record, RecoveredGroup};

/// The group under which the journal stands in the log. No shard is ever called so.
pub const JOURNAL: GroupId = GroupId(u32::MAX);

/// The mark is written once it would release so many entries.
const MARK_STEP: u64 = 4_096;

/// One entry.
#[allow(clippy::large_enum_variant)] // nearly all are of the large kind
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kept {
    /// A tentative operation of a shard that this node holds: its own, or another origin's.
    Operation(GroupId, Operation),
    /// This node promised that it has nothing pending in the shard, and takes nothing, that had seen less.
    Promise(GroupId, Timestamp),
    /// A hint: an operation of a shard that this node does not replicate.
    Hint(GroupId, Operation),
    /// This node's hints of a shard are decided up to this number. It also keeps the number from being given out again.
    Handed(GroupId, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Live {
    Undecided(GroupId, Dot),
    /// Decided by the entry of this index.
    Decided(GroupId, LogIndex),
    Promise(GroupId),
    Handed(GroupId),
}

/// The books of the journal.
#[derive(Debug, Default)]
pub struct Journal {
    newest: LogIndex,
    durable: LogIndex,
    mark: LogIndex,
    live: BTreeMap<LogIndex, Live>,
    places: BTreeMap<(GroupId, Dot), LogIndex>,
    promises: BTreeMap<GroupId, LogIndex>,
    handed: BTreeMap<GroupId, LogIndex>,
}

impl Journal {
    /// What was found at start, and what it says. Entries that this version cannot read are an error: nothing may be forgotten.
    pub fn recover(found: RecoveredGroup) -> Result<(Journal, Vec<(LogIndex, Kept)>), String> {
        let mark = found.mark.map_or(LogIndex(0), |(index, _)| index);
        let mut journal = Journal { newest: mark, durable: mark, mark, ..Journal::default() };
        let mut all = Vec::with_capacity(found.entries.len());
        for entry in found.entries {
            let kept: Kept = postcard::from_bytes(&entry.data)
                .map_err(|error| format!("entry {} of the outbox makes no sense: {error}", entry.index))?;
            journal.newest = entry.index;
            journal.book(&kept);
            all.push((entry.index, kept));
        }
        journal.durable = journal.newest;
        Ok((journal, all))
    }

    /// Writes an entry behind all others and answers its index.
    pub fn push(&mut self, log: &mut Log, kept: &Kept) -> LogIndex {
        self.newest = LogIndex(self.newest.0 + 1);
        let data = Bytes::from(postcard::to_stdvec(kept).expect("encoding to memory cannot fail"));
        let (index, term, context) = (self.newest, Term(0), Bytes::new());
        let entry = ConsensusEntry { index, term, kind: EntryKind::Normal, data, context };
        log.push(Record::Entries { group: JOURNAL, entries: vec![entry] });
        self.book(kept);
        index
    }

    fn book(&mut self, kept: &Kept) {
        match kept {
            Kept::Operation(group, operation) | Kept::Hint(group, operation) => {
                if let Some(old) = self.places.insert((*group, operation.dot), self.newest) {
                    self.live.remove(&old);
                }
                self.live.insert(self.newest, Live::Undecided(*group, operation.dot));
            }
            Kept::Promise(group, _) => {
                if let Some(old) = self.promises.insert(*group, self.newest) {
                    self.live.remove(&old);
                }
                self.live.insert(self.newest, Live::Promise(*group));
            }
            Kept::Handed(group, _) => {
                if let Some(old) = self.handed.insert(*group, self.newest) {
                    self.live.remove(&old);
                }
                self.live.insert(self.newest, Live::Handed(*group));
            }
        }
    }

    /// The newest entry that was written.
    pub fn newest(&self) -> LogIndex {
        self.newest
    }

    /// Everything up to here is durable.
    pub fn durable(&self) -> LogIndex {
        self.durable
    }

    /// The log says that everything up to `index` is durable.
    pub fn completed(&mut self, index: LogIndex) {
        self.durable = self.durable.max(index);
    }

    /// An operation is decided: by the entry `by` of its shard, or one before it.
    pub fn decided(&mut self, group: GroupId, dot: Dot, by: LogIndex) {
        if let Some(index) = self.places.remove(&(group, dot)) {
            self.live.insert(index, Live::Decided(group, by));
        }
    }

    /// A hint is decided, and an entry that says so stands behind it: no snapshot of this node must contain that.
    pub fn handed(&mut self, group: GroupId, dot: Dot) {
        if let Some(index) = self.places.remove(&(group, dot)) {
            self.live.remove(&index);
        }
    }

    /// Lets go of what the durable snapshots of the shards contain, and writes a mark where that releases much, or where the journal has `outgrown` what it may be.
    pub fn tidy(&mut self, log: &mut Log, outgrown: bool, snapshot: impl Fn(GroupId) -> LogIndex) {
        while let Some(first) = self.live.first_entry() {
            match first.get() {
                Live::Decided(group, by) if *by <= snapshot(*group) => drop(first.remove()),
                _ => break,
            }
        }
        let first = self.live.keys().next().copied().unwrap_or(LogIndex(self.newest.0 + 1));
        let mark = LogIndex((first.0 - 1).min(self.durable.0));
        let step = if outgrown || log.pinned_by() == Some(JOURNAL) { 1 } else { MARK_STEP };
        if mark.0 >= self.mark.0 + step {
            self.mark = mark;
            log.push(Record::SnapshotMark { group: JOURNAL, index: mark, term: Term(0), reset: false });
        }
    }

    /// What pins the journal's oldest segment: an operation to be written again, or a shard to be snapshotted.
    pub fn oldest(&self) -> Option<Oldest> {
        Some(match *self.live.first_key_value()?.1 {
            Live::Undecided(group, dot) => Oldest::Operation(group, dot),
            Live::Decided(group, _) => Oldest::Shard(group),
            Live::Promise(group) => Oldest::Promise(group),
            Live::Handed(group) => Oldest::Handed(group),
        })
    }
}

/// What the oldest live entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oldest {
    /// An undecided operation.
    Operation(GroupId, Dot),
    /// An operation that this shard has decided since its last snapshot.
    Shard(GroupId),
    /// This shard's newest promise.
    Promise(GroupId),
    /// How far the hints of this shard are decided.
    Handed(GroupId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;
    use proto::ops::{StringWrite, Write};
    use proto::tentative::{Dots, Origin};

    const SHARD: GroupId = GroupId(1);

    fn operation(number: u64) -> Kept {
        let dot = Dot { origin: Origin::first_of(NodeId(1)), number };
        let write = Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 });
        let (time, seen, dep_hlc) = (Timestamp(9), Timestamp(1), Timestamp(2));
        let (held, dots, client, predecessor) = (Dots::NONE, Dots::NONE, None, number - 1);
        Kept::Operation(SHARD, Operation { dot, predecessor, time, seen, held, dep_hlc, dots, client, write })
    }

    fn found(kept: &[Kept]) -> RecoveredGroup {
        let entry = |(at, kept): (usize, &Kept)| ConsensusEntry {
            index: LogIndex(at as u64 + 1),
            term: Term(0),
            kind: EntryKind::Normal,
            data: Bytes::from(postcard::to_stdvec(kept).expect("encoding to memory cannot fail")),
            context: Bytes::new(),
        };
        RecoveredGroup { entries: kept.iter().enumerate().map(entry).collect(), ..RecoveredGroup::default() }
    }

    #[test]
    fn what_was_written_is_found_and_the_oldest_live_entry_is_known() {
        let written = [operation(1), Kept::Promise(SHARD, Timestamp(5)), operation(2)];
        let (mut journal, kept) = Journal::recover(found(&written)).expect("it was written here");
        assert_eq!(kept.into_iter().map(|(_, kept)| kept).collect::<Vec<_>>(), written);
        let dot = |number| Dot { origin: Origin::first_of(NodeId(1)), number };
        assert_eq!(journal.oldest(), Some(Oldest::Operation(SHARD, dot(1))));
        journal.decided(SHARD, dot(1), LogIndex(40));
        assert_eq!(journal.oldest(), Some(Oldest::Shard(SHARD)), "a crash may set the shard back");
    }

    #[test]
    fn what_is_written_again_counts_where_it_stands_last() {
        let written = [operation(1), Kept::Promise(SHARD, Timestamp(5)), operation(1)];
        let (journal, _) = Journal::recover(found(&written)).expect("it was written here");
        assert_eq!(journal.oldest(), Some(Oldest::Promise(SHARD)));
    }

    #[test]
    fn bytes_that_are_no_entry_are_not_passed_over() {
        let mut broken = found(&[operation(1)]);
        broken.entries[0].data = Bytes::from_static(b"\xff\xff");
        assert!(Journal::recover(broken).unwrap_err().contains("makes no sense"));
    }
}
