//! Tentative operations: what a write below sequential is until the shard's log has decided it (`docs/consistency.md`, tentative writes).
//!
//! The node that takes such a write is its *origin*. It numbers its operations in one sequence for all shards, so a pair (origin, number), a *dot*, stands for that operation and everything that the origin took
//! before it. What a session, a token or a key depends on and the log has not decided is a set of dots, one for each origin.
//!
//! Invariant of [`Dots`]: sorted by origin, one number for each, none of them 0. Not here: what becomes of an operation (`node::arbitration`), and where it is held (`node::tentative`).

use crate::hlc::Timestamp;
use crate::ids::NodeId;
use crate::log_entry::ClientNumber;
use crate::ops::Write;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who takes tentative operations: one core of one node, as long as its data folder lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The node.
    pub node: NodeId,
    /// Its core, from 0.
    pub core: u16,
    /// Which of the node's data folders, from 1: one that comes back without its disk is another origin, and no number is used twice.
    pub incarnation: u32,
}

/// In place of a core's number: the node's hints. No node has so many cores.
const HINTS: u16 = u16::MAX;

impl Origin {
    /// The origin that a node with its first data folder is.
    pub fn first_of(node: NodeId) -> Origin {
        Origin { node, core: 0, incarnation: 1 }
    }

    /// The origin of the hints that a node with its first data folder holds: writes of shards of which it has no replica. Its numbers are a sequence of their own, and no session ever depends on them.
    pub fn hints_of(node: NodeId) -> Origin {
        Origin { node, core: HINTS, incarnation: 1 }
    }

    /// The origin that a node is with its data folder of this number, from 1.
    pub fn of_folder(node: NodeId, incarnation: u32) -> Origin {
        Origin { node, core: 0, incarnation }
    }

    /// The origin of its hints with that folder.
    pub fn hints_of_folder(node: NodeId, incarnation: u32) -> Origin {
        Origin { node, core: HINTS, incarnation }
    }

    /// Whether its operations are hints.
    pub fn is_hints(&self) -> bool {
        self.core == HINTS
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_hints() {
            return write!(f, "n{}.hints.{}", self.node, self.incarnation);
        }
        write!(f, "n{}.{}.{}", self.node, self.core, self.incarnation)
    }
}

/// One operation, and with it everything that its origin took before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dot {
    /// Who took it.
    pub origin: Origin,
    /// Its number, from 1.
    pub number: u64,
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.origin, self.number)
    }
}

/// For some origins a number each: the operations up to there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dots(Vec<Dot>);

impl Dots {
    /// None at all.
    pub const NONE: Dots = Dots(Vec::new());

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many origins have one.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// They, by origin.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.0.iter().copied()
    }

    /// An origin's number; 0 where it has none.
    pub fn of(&self, origin: Origin) -> u64 {
        self.0.binary_search_by_key(&origin, |dot| dot.origin).map_or(0, |at| self.0[at].number)
    }

    /// Takes a dot in: of two numbers of one origin the larger stays. The number 0 is nothing.
    pub fn add(&mut self, dot: Dot) {
        if dot.number == 0 {
            return;
        }
        match self.0.binary_search_by_key(&dot.origin, |dot| dot.origin) {
            Ok(at) => self.0[at].number = self.0[at].number.max(dot.number),
            Err(at) => self.0.insert(at, dot),
        }
    }

    /// Takes all of these in.
    pub fn join(&mut self, other: &Dots) {
        other.iter().for_each(|dot| self.add(dot));
    }

    /// Keeps those for which this holds.
    pub fn retain(&mut self, keep: impl FnMut(&Dot) -> bool) {
        self.0.retain(keep);
    }
}

impl FromIterator<Dot> for Dots {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Dots {
        let mut all = Dots::NONE;
        dots.into_iter().for_each(|dot| all.add(dot));
        all
    }
}

/// "All operations of this origin up to `number` are decided, at times up to `at`." Only the origin itself can know; whoever hears it may repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// Whose.
    pub origin: Origin,
    /// Up to here, on all shards.
    pub number: u64,
    /// The latest commit timestamp among them.
    pub at: Timestamp,
}

/// A tentative operation, as its origin took it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its origin and number.
    pub dot: Dot,
    /// The number of the origin's operation before it in this shard; 0 if it is the first.
    pub predecessor: u64,
    /// When it was taken, by the origin's clock: the newest assignment wins.
    pub time: Timestamp,
    /// The origin's safe time of the shard then: a strong write that was decided later was not seen.
    pub seen: Timestamp,
    /// For each other origin the highest number that this one held in the shard: those are decided before it.
    pub held: Dots,
    /// What its session had seen of what is decided.
    pub dep_hlc: Timestamp,
    /// What its session had seen of what is not.
    pub dots: Dots,
    /// The client's own number, if it gave one.
    pub client: Option<ClientNumber>,
    /// What it does: a write of one key that means something below sequential ([`Write::into_tentative`]).
    pub write: Write,
}

impl Operation {
    /// About how many bytes it weighs, for limits on what is under way.
    pub fn weight_bytes(&self) -> usize {
        256 + self.write.weight_bytes() + 32 * (self.dots.len() + self.held.len())
    }
}

/// Why a tentative operation was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhySuperseded {
    /// A strong write was decided at this time, which its origin had not seen.
    Strong(Timestamp),
    /// A newer tentative operation on the same key or element was decided at `at`.
    Newer {
        /// The operation that won.
        dot: Dot,
        /// Its commit timestamp.
        at: Timestamp,
    },
    /// It had seen less than what deletions are remembered for.
    Floor(Timestamp),
    /// Its command cannot be carried out on what the key held then: a value of another type, a number that grows too large.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(node: u64, number: u64) -> Dot {
        Dot { origin: Origin::first_of(NodeId(node)), number }
    }

    #[test]
    fn hints_have_a_sequence_of_their_own_and_say_so() {
        let (own, hints) = (Origin::first_of(NodeId(4)), Origin::hints_of(NodeId(4)));
        assert!(own != hints && hints.is_hints() && !own.is_hints());
        assert_eq!((own.to_string(), hints.to_string()), ("n4.0.1".to_owned(), "n4.hints.1".to_owned()));
    }

    #[test]
    fn of_two_numbers_of_one_origin_the_larger_stays() {
        let mut dots: Dots = [dot(3, 1), dot(1, 5), dot(3, 4), dot(2, 0)].into_iter().collect();
        assert_eq!(dots.iter().collect::<Vec<_>>(), [dot(1, 5), dot(3, 4)]);
        dots.join(&[dot(1, 4), dot(2, 7)].into_iter().collect());
        assert_eq!(dots.iter().collect::<Vec<_>>(), [dot(1, 5), dot(2, 7), dot(3, 4)]);
        assert_eq!(dots.of(dot(2, 0).origin), 7);
        assert_eq!(dots.of(dot(9, 0).origin), 0);
    }
}
