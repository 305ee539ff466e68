//! The books of the log: what is durable of each group, and which groups still need which segment.
//!
//! Recovery and serving keep the same books through the same function, [`Ledger::apply`], called for a batch only once it is durable. No entry is held here,
//! only the highest index of each group in each segment.
//!
//! Invariant: a segment's `highest` never understates what a replay needs of it. Truncation lowers it, because the entries that replace the old ones lie in a later segment.

use super::record::GroupCheckpoint;
use super::{HardState, LogIndex};
use proto::ids::{GroupId, Term};
use std::collections::{BTreeMap, VecDeque};

/// The grain in which entry bytes are remembered by index.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// What one record changes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    Entries { group: GroupId, first: LogIndex, last: LogIndex, bytes: u64 },
    HardState { group: GroupId, state: HardState },
    Mark { group: GroupId, index: LogIndex, term: Term, reset: bool },
}

#[derive(Debug, Default)]
pub(super) struct GroupBook {
    pub(super) hard_state: Option<HardState>,
    pub(super) mark: Option<(LogIndex, Term)>,
    /// The last index that the log holds or the mark covers.
    pub(super) last: LogIndex,
    /// Bytes of entries, all told.
    written: u64,
    /// Of these, what the mark covers.
    covered: u64,
    /// Now and then: an index, and `written` as it was behind it.
    samples: VecDeque<(LogIndex, u64)>,
}

impl GroupBook {
    pub(super) fn mark_index(&self) -> LogIndex {
        self.mark.map_or(LogIndex(0), |(index, _)| index)
    }

    pub(super) fn bytes_since_mark(&self) -> u64 {
        self.written - self.covered
    }
}

#[derive(Debug)]
pub(super) struct SegmentBook {
    pub(super) number: u64,
    pub(super) len_bytes: u64,
    /// It may become the spare. Not after a rename whose outcome is unknown.
    pub(super) recyclable: bool,
    /// The highest index of each group that a replay needs from it.
    pub(super) highest: BTreeMap<GroupId, LogIndex>,
}

impl SegmentBook {
    pub(super) fn new(number: u64, len_bytes: u64) -> Self {
        SegmentBook { number, len_bytes, recyclable: true, highest: BTreeMap::new() }
    }
}

/// Groups, and segments from the oldest to the one that is written to.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) groups: BTreeMap<GroupId, GroupBook>,
    pub(super) segments: VecDeque<SegmentBook>,
}

impl Ledger {
    /// Books one record of a durable batch that lies in the newest segment.
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::HardState { group, state } => {
                self.groups.entry(group).or_default().hard_state = Some(state)
            }
            Effect::Entries { group, first, last, bytes } => self.entries(group, first, last, bytes),
            Effect::Mark { group, index, term, reset } => self.mark(group, index, term, reset),
        }
    }

    fn entries(&mut self, group: GroupId, first: LogIndex, last: LogIndex, bytes: u64) {
        let book = self.groups.entry(group).or_default();
        if first <= book.last {
            let keep = LogIndex(first.0 - 1);
            while book.samples.back().is_some_and(|(index, _)| *index > keep) {
                book.samples.pop_back();
            }
            for segment in &mut self.segments {
                if let Some(highest) = segment.highest.get_mut(&group) {
                    *highest = keep.min(*highest);
                }
            }
            self.drop_covered(group);
        }
        let book = self.groups.get_mut(&group).expect("made above");
        book.last = last;
        book.written += bytes;
        if book.written - book.samples.back().map_or(book.covered, |(_, written)| *written) >= SAMPLE_BYTES {
            book.samples.push_back((last, book.written));
        }
        self.segments.back_mut().expect("a segment to write to").highest.insert(group, last);
    }

    fn mark(&mut self, group: GroupId, index: LogIndex, term: Term, reset: bool) {
        let book = self.groups.entry(group).or_default();
        book.mark = Some((index, term));
        if reset || index >= book.last {
            book.last = index;
            book.covered = book.written;
            book.samples.clear();
            for segment in &mut self.segments {
                segment.highest.remove(&group);
            }
            return;
        }
        while let Some((_, written)) = book.samples.front().filter(|(at, _)| *at <= index) {
            book.covered = *written;
            book.samples.pop_front();
        }
        self.drop_covered(group);
    }

    /// Forgets that segments need a group whose mark covers what they hold of it.
    fn drop_covered(&mut self, group: GroupId) {
        let covered = self.groups[&group].mark_index();
        for segment in &mut self.segments {
            if segment.highest.get(&group).is_some_and(|highest| *highest <= covered) {
                segment.highest.remove(&group);
            }
        }
    }

    /// Books what the oldest segment's checkpoint says.
    pub(super) fn begin_with(&mut self, checkpoint: &GroupCheckpoint) {
        let book = self.groups.entry(checkpoint.group).or_default();
        book.hard_state = checkpoint.hard_state;
        book.mark = checkpoint.mark;
        book.last = checkpoint.last;
    }

    /// What a new segment says first.
    pub(super) fn checkpoints(&self) -> impl Iterator<Item = GroupCheckpoint> {
        self.groups.iter().map(|(group, book)| GroupCheckpoint {
            group: *group,
            hard_state: book.hard_state,
            mark: book.mark,
            last: book.last,
        })
    }

    /// Whether the oldest segment is needed no more. The newest one always is.
    pub(super) fn oldest_is_free(&self) -> bool {
        self.segments.len() > 1 && self.segments[0].highest.is_empty()
    }

    /// The group whose mark is furthest behind what the oldest segment holds of it.
    pub(super) fn oldest_is_pinned_by(&self) -> Option<GroupId> {
        let behind = |group: &GroupId, highest: &LogIndex| highest.0 - self.groups[group].mark_index().0;
        let oldest = self.segments.front()?;
        oldest
            .highest
            .iter()
            .rev()
            .max_by_key(|(group, highest)| behind(group, highest))
            .map(|(group, _)| *group)
    }
}
