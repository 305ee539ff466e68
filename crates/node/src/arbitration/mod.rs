//! How the log decides tentative operations: in each origin's order, once, strong wins, newest wins (`docs/consistency.md`, arbitration).
//!
//! [`Arbitration`] is replicated state beside the keys and the exactly-once tables: it changes by entries of the log alone, is the same on every replica, and travels with snapshots. It remembers what a shard must
//! know of its past to decide what arrives late:
//! * for each origin how far it is decided (`decided`), so that an operation takes effect once;
//! * for keys with tentative history, and for deletions, a mark (`marks`): the newest strong write, the newest tentative one, and the dots that whoever reads the key depends on. A key without a mark counts as written strongly at its
//!   version;
//! * the floor (`floor`): below it marks are forgotten, and an assignment that has seen less is superseded;
//! * the newest superseded operations (`conflicts`), for people.
//!
//! `decide` holds the rules, `strong` notes what strong writes and expiries leave behind, `overlay` shows by the same rules what deciding the undecided ones would give, `elements` takes writes of several fields apart.
//!
//! Caveats, on the safe side each: strong writes to elements of a key without a mark leave none, so there a strong write to one field counts as one to all of them for whoever has not seen it. EXPIRE and PERSIST are
//! assignments of the whole key. Strong writes that change nothing are writes all the same where they say what is there or is not (`strong`), and none where a condition was not met. Not here: where operations are held before they are decided (`node::tentative`), and who collects the floor.

mod conflicts;
mod decide;
mod element_marks;
mod elements;
mod floor;
mod marks;
pub mod overlay;
mod pairs;
mod strong;

pub use conflicts::Conflict;
pub(crate) use decide::decide;
pub(crate) use strong::keys_of;
pub(crate) use strong::{apply as apply_strong, note_expired};

use crate::machine::ShardMachine;
#[cfg(feature = "planted")]
use crate::planted::Planted;
use conflicts::Conflicts;
use imbl::OrdMap;
use marks::{KeyMark, Marks};
use proto::hlc::Timestamp;
use proto::slots::slot_of;
use proto::tentative::{Dot, Dots, Fold, Origin, WhySuperseded};
use serde::{Deserialize, Serialize};
use storage::state::ShardState;

/// What became of a tentative operation that the log brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect (its reply may still be an error of the command's own).
    Applied,
    /// It lost, and will never take effect.
    Superseded(WhySuperseded),
    /// It was decided before: nothing happened.
    Repeated,
    /// Something that must be decided before it is not: nothing happened, and it must be handed in again.
    TooEarly,
}

/// What a slot keeps of the marks that were dropped in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct SlotMark {
    /// Dots that left the marks were decided by then.
    folded: Timestamp,
    /// Dots of marks that had to go while they still had some.
    dots: Dots,
}

/// What a shard remembers to decide tentative operations by. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arbitration {
    /// For each origin the newest operation of this shard that is decided.
    decided: Dots,
    floor: Timestamp,
    /// When the whole shard was last flushed: a strong write of every key.
    flushed: Timestamp,
    keys: Marks,
    #[serde(with = "pairs")]
    slots: OrdMap<u16, SlotMark>,
    /// What is known of origins' decided prefixes, by origin. Dots up to there count for nothing any more, wherever they still stand.
    folds: Vec<Fold>,
    /// At least every dot that a mark or slot keeps.
    kept: Dots,
    /// Where the next floor entry goes on taking dots out of marks.
    fold_from: Option<(Timestamp, bytes::Bytes)>,
    conflicts: Conflicts,
    superseded: u64,
    /// A bug that is planted to prove a checker.
    #[cfg(feature = "planted")]
    #[serde(skip)]
    pub(crate) planted: Planted,
}

impl Arbitration {
    /// The number of the newest operation of an origin that is decided in this shard; 0 if none is.
    pub fn mark(&self, origin: Origin) -> u64 {
        self.decided.of(origin)
    }

    /// An origin takes no part any more: whatever else comes of it counts as decided before.
    pub(crate) fn close(&mut self, origin: Origin) {
        self.decided.add(Dot { origin, number: crate::tentative::LAST_NUMBER });
    }

    /// The same for all origins.
    pub fn marks(&self) -> &Dots {
        &self.decided
    }

    /// An assignment that has seen less than this is superseded.
    pub fn floor(&self) -> Timestamp {
        self.floor
    }

    /// Whether there is something that a floor or a fold would drop.
    pub fn wants_floor(&self) -> bool {
        !self.keys.is_empty() || self.slots.values().any(|slot| !slot.dots.is_empty())
    }

    /// Whether something would be forgotten if the floor were here.
    pub fn would_forget(&self, floor: Timestamp) -> bool {
        self.keys.oldest_plain().is_some_and(|(decided_at, _)| decided_at <= floor)
    }

    /// Every dot that is still kept anywhere in this shard, and perhaps some that are not.
    pub fn all_dots(&self) -> Dots {
        self.kept.clone()
    }

    /// How many keys have a mark.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key has a mark.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many tentative operations were superseded, in whole or in part, ever.
    pub fn superseded(&self) -> u64 {
        self.superseded
    }

    /// The newest superseded operations, oldest first.
    pub fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        self.conflicts.iter()
    }

    /// About how many bytes of memory it occupies.
    pub fn bytes(&self) -> u64 {
        (self.keys.weight() * MARK_BYTES + self.conflicts.bytes()) as u64
    }

    /// Nothing here concerns any key: the common case, which must cost nothing.
    fn is_bare(&self) -> bool {
        self.keys.is_empty() && self.slots.is_empty()
    }

    /// Takes out the dots that are known to be decided; answers the latest time that stands for them.
    fn strip(&self, dots: &mut Dots) -> Timestamp {
        let mut at = Timestamp::ZERO;
        if !self.folds.is_empty() {
            dots.retain(|dot| match self.fold_of(dot) {
                Some(fold) => {
                    at = at.max(fold.at);
                    false
                }
                None => true,
            });
        }
        at
    }

    fn fold_of(&self, dot: &Dot) -> Option<&Fold> {
        let at = self.folds.binary_search_by_key(&dot.origin, |fold| fold.origin).ok()?;
        Some(&self.folds[at]).filter(|fold| fold.number >= dot.number)
    }

    /// Joins what whoever looks at a key depends on: undecided dots, and the time that stands for the decided ones.
    pub(crate) fn join_dependencies(&self, key: &[u8], dots: &mut Dots, seen: &mut Timestamp) {
        if self.is_bare() {
            return;
        }
        let mut more = |kept: &Dots, folded: Timestamp| {
            let mut kept = kept.clone();
            *seen = self.strip(&mut kept).max(folded).max(*seen);
            dots.join(&kept);
        };
        if let Some(mark) = self.keys.get(key) {
            more(&mark.dots, mark.folded);
        }
        if let Some(slot) = self.slots.get(&slot_of(key).0) {
            more(&slot.dots, slot.folded);
        }
    }

    /// The newest strong write of a key, as far as remembered.
    fn strong(&self, state: &ShardState, key: &[u8]) -> Timestamp {
        let without_mark = || state.get(key).map_or(Timestamp::ZERO, |item| item.version).max(self.flushed);
        self.keys.get(key).map_or_else(without_mark, |mark| mark.strong)
    }

    /// Only what concerns these keys, to try out what operations would do to them; `None`: everything but the conflicts.
    fn excerpt(&self, keys: Option<&[&[u8]]>) -> Arbitration {
        let mut excerpt = Arbitration {
            floor: self.floor,
            flushed: self.flushed,
            slots: self.slots.clone(),
            folds: self.folds.clone(),
            #[cfg(feature = "planted")]
            planted: self.planted,
            ..Arbitration::default()
        };
        match keys {
            None => excerpt.keys = self.keys.clone(),
            Some(keys) => {
                for &key in keys {
                    if let Some(mark) = self.keys.get(key) {
                        excerpt.keys.put(key, KeyMark::clone(mark));
                    }
                }
            }
        }
        excerpt
    }
}

/// The newest strong write of a key, as far as remembered: what an assignment's session must have seen before the assignment.
pub fn strong_time(shard: &ShardMachine, key: &[u8]) -> Timestamp {
    shard.arbitration.strong(&shard.state, key)
}

/// About what a mark, or one of an element in it, occupies.
const MARK_BYTES: usize = 256;
