//! A batch's payload: records one after the other, little-endian, without gaps (`docs/formats/log.md`).
//!
//! Written by hand, because this is the throughput: an entry's bytes are copied once, from where consensus holds them into the batch. Reading happens after a
//! checksum matched, and is bounded all the same: no length is believed before it fits.

use super::{HardState, Record};
use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, ReplicaId, Term};
use proto::peer::{ConsensusEntry, EntryKind};

const ENTRIES: u8 = 1;
const HARD_STATE: u8 = 2;
const MARK: u8 = 3;
const GROUP: u8 = 4;
/// An entry without its bytes: term, kind, two lengths.
const ENTRY_FIXED_BYTES: usize = 17;

/// What a checkpoint says of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupCheckpoint {
    pub(super) group: GroupId,
    pub(super) hard_state: Option<HardState>,
    pub(super) mark: Option<(LogIndex, Term)>,
    /// The last index that the log holds or the mark covers.
    pub(super) last: LogIndex,
}

/// What a payload is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Record(Record),
    Group(GroupCheckpoint),
}

pub(super) fn encode_entries(out: &mut Vec<u8>, group: GroupId, entries: &[ConsensusEntry]) {
    let bytes: usize =
        entries.iter().map(|entry| ENTRY_FIXED_BYTES + entry.data.len() + entry.context.len()).sum();
    out.reserve(ENTRY_FIXED_BYTES + bytes);
    out.push(ENTRIES);
    out.extend_from_slice(&group.0.to_le_bytes());
    out.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    out.extend_from_slice(&entries[0].index.0.to_le_bytes());
    for entry in entries {
        let mut fixed = [0; ENTRY_FIXED_BYTES];
        fixed[..8].copy_from_slice(&entry.term.0.to_le_bytes());
        fixed[8] = match entry.kind {
            EntryKind::Normal => 0,
            EntryKind::ConfigurationChange => 1,
            EntryKind::ConfigurationChangeV2 => 2,
        };
        fixed[9..13].copy_from_slice(&(entry.data.len() as u32).to_le_bytes());
        fixed[13..].copy_from_slice(&(entry.context.len() as u32).to_le_bytes());
        out.extend_from_slice(&fixed);
        out.extend_from_slice(&entry.data);
        out.extend_from_slice(&entry.context);
    }
}

pub(super) fn encode_hard_state(out: &mut Vec<u8>, group: GroupId, state: &HardState) {
    out.push(HARD_STATE);
    out.extend_from_slice(&group.0.to_le_bytes());
    put_hard_state(out, state);
}

pub(super) fn encode_mark(out: &mut Vec<u8>, group: GroupId, index: LogIndex, term: Term, reset: bool) {
    out.push(MARK);
    out.extend_from_slice(&group.0.to_le_bytes());
    out.extend_from_slice(&index.0.to_le_bytes());
    out.extend_from_slice(&term.0.to_le_bytes());
    out.push(u8::from(reset));
}

pub(super) fn encode_group(out: &mut Vec<u8>, checkpoint: &GroupCheckpoint) {
    out.push(GROUP);
    out.extend_from_slice(&checkpoint.group.0.to_le_bytes());
    out.push(u8::from(checkpoint.hard_state.is_some()));
    put_hard_state(out, &checkpoint.hard_state.unwrap_or_default());
    out.push(u8::from(checkpoint.mark.is_some()));
    let (index, term) = checkpoint.mark.unwrap_or_default();
    out.extend_from_slice(&index.0.to_le_bytes());
    out.extend_from_slice(&term.0.to_le_bytes());
    out.extend_from_slice(&checkpoint.last.0.to_le_bytes());
}

fn put_hard_state(out: &mut Vec<u8>, state: &HardState) {
    out.extend_from_slice(&state.term.0.to_le_bytes());
    out.extend_from_slice(&state.vote.0.to_le_bytes());
    out.extend_from_slice(&state.commit.0.to_le_bytes());
}

/// Reads a whole payload; `None` if it is not exactly what the encoders write.
pub(super) fn decode(payload: &[u8]) -> Option<Vec<Item>> {
    let mut cursor = Cursor(payload);
    let mut items = Vec::new();
    while !cursor.0.is_empty() {
        items.push(cursor.item()?);
    }
    Some(items)
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn item(&mut self) -> Option<Item> {
        let tag = self.byte()?;
        let group = GroupId(self.u32()?);
        let record = match tag {
            ENTRIES => Record::Entries { group, entries: self.entries()? },
            HARD_STATE => Record::HardState { group, state: self.hard_state()? },
            MARK => {
                let (index, term) = (LogIndex(self.u64()?), Term(self.u64()?));
                Record::SnapshotMark { group, index, term, reset: self.flag()? }
            }
            GROUP => return self.group(group).map(Item::Group),
            _ => return None,
        };
        Some(Item::Record(record))
    }

    fn entries(&mut self) -> Option<Vec<ConsensusEntry>> {
        let count = self.u32()? as usize;
        let first = self.u64()?;
        if count == 0 || count > self.0.len() / ENTRY_FIXED_BYTES || first == 0 {
            return None;
        }
        first.checked_add(count as u64)?;
        let mut entries = Vec::with_capacity(count);
        for index in (first..).take(count) {
            let term = Term(self.u64()?);
            let kind = match self.byte()? {
                0 => EntryKind::Normal,
                1 => EntryKind::ConfigurationChange,
                2 => EntryKind::ConfigurationChangeV2,
                _ => return None,
            };
            let (data_bytes, context_bytes) = (self.u32()? as usize, self.u32()? as usize);
            // Copies, so that a small entry does not keep a whole segment in memory.
            let data = Bytes::copy_from_slice(self.take(data_bytes)?);
            let context = Bytes::copy_from_slice(self.take(context_bytes)?);
            entries.push(ConsensusEntry { index: LogIndex(index), term, kind, data, context });
        }
        Some(entries)
    }

    fn group(&mut self, group: GroupId) -> Option<GroupCheckpoint> {
        let has_hard_state = self.flag()?;
        let hard_state = self.hard_state()?;
        let has_mark = self.flag()?;
        let mark = (LogIndex(self.u64()?), Term(self.u64()?));
        let last = LogIndex(self.u64()?);
        Some(GroupCheckpoint {
            group,
            hard_state: has_hard_state.then_some(hard_state),
            mark: has_mark.then_some(mark),
            last,
        })
    }

    fn hard_state(&mut self) -> Option<HardState> {
        Some(HardState {
            term: Term(self.u64()?),
            vote: ReplicaId(self.u64()?),
            commit: LogIndex(self.u64()?),
        })
    }

    fn take(&mut self, len: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }
}
