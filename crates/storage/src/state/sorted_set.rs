//! A sorted set: members with scores, by name and by score.
//!
//! Two orders over the same members: [`Elements`] (by name, with digest and bytes, what scans and snapshots see) and a sequence by (score, name), which counts, so that
//! ranks and ranges by rank, score or name cost O(log n). Members of equal score stand in the order of their names' bytes. The second order follows from the first
//! and is in neither digest nor snapshot.
//!
//! Invariant: both hold the same members with the same scores.

use super::blob::Blob;
use super::elements::{Element, Elements, SHARE_BYTES, Scored};
use super::sequence::{Iter, Sequence};
use proto::score::Score;

/// A member in the order of scores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranked {
    /// What it is sorted by.
    pub score: Score,
    /// Its name.
    pub name: Blob,
}

/// The content of a sorted set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortedSet {
    members: Elements<Scored>,
    order: Sequence<Ranked>,
}

impl SortedSet {
    /// How many members it has.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members by name.
    pub fn members(&self) -> &Elements<Scored> {
        &self.members
    }

    /// The members by score.
    pub fn order(&self) -> &Sequence<Ranked> {
        &self.order
    }

    /// About how many bytes its members occupy. Long names are shared between the two orders.
    pub(super) fn bytes(&self) -> u64 {
        self.members.bytes() + (self.len() * (size_of::<Ranked>() + SHARE_BYTES)) as u64
    }

    /// A member's score.
    pub fn score(&self, name: &[u8]) -> Option<Score> {
        self.members.get(name).map(|member| member.score)
    }

    /// How many members stand before one of this score and name, whether or not it is there.
    fn place(&self, score: Score, name: &[u8]) -> usize {
        self.order.partition_point(|other| (other.score, other.name.as_slice()) < (score, name))
    }

    /// How many members stand before this one.
    pub fn rank(&self, name: &[u8]) -> Option<usize> {
        self.score(name).map(|score| self.place(score, name))
    }

    /// Gives a member a score, and answers the one that it had.
    pub fn insert(&mut self, name: &[u8], score: Score) -> Option<Score> {
        let member = Scored::new(name, score);
        let ranked = Ranked { score, name: member.name().clone() };
        let old = self.members.insert(member).map(|old| old.score);
        if let Some(old) = old {
            if old == score {
                // The name's bytes are now the new ones: let both orders share them.
                *self.order.get_mut(self.place(score, name)) = ranked;
                return Some(old);
            }
            self.order.remove(self.place(old, name));
        }
        self.order.insert(self.place(score, name), ranked);
        old
    }

    /// Takes a member out, and answers the score that it had.
    pub fn remove(&mut self, name: &[u8]) -> Option<Score> {
        let score = self.members.remove(name)?.score;
        self.order.remove(self.place(score, name));
        Some(score)
    }

    /// Takes out the member of this rank.
    ///
    /// # Panics
    /// If there is none.
    pub fn remove_at(&mut self, rank: usize) -> Ranked {
        let ranked = self.order.remove(rank);
        self.members.remove(ranked.name.as_slice()).expect("both orders hold the same members");
        ranked
    }

    /// All members in the order of scores.
    pub fn iter(&self) -> Iter<'_, Ranked> {
        self.order.iter()
    }

    /// Puts a member behind all others in the order of names; `false` if it does not belong there.
    pub(super) fn push(&mut self, member: Scored) -> bool {
        let ranked = Ranked { score: member.score, name: member.name().clone() };
        if !self.members.push(member) {
            return false;
        }
        self.order.insert(self.place(ranked.score, ranked.name.as_slice()), ranked);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn score(number: f64) -> Score {
        Score::new(number).expect("a number")
    }

    #[test]
    fn both_orders_hold_the_same() {
        let (mut set, mut model) = (SortedSet::default(), BTreeMap::new());
        for step in 0..4000u32 {
            let name = format!("member {}", step.wrapping_mul(2_654_435_761) % 500);
            let at = score(f64::from(step % 97) - 48.0);
            if step % 3 == 2 {
                assert_eq!(set.remove(name.as_bytes()), model.remove(&name));
            } else {
                assert_eq!(set.insert(name.as_bytes(), at), model.insert(name, at));
            }
        }
        let mut expected: Vec<(Score, &String)> = model.iter().map(|(name, score)| (*score, name)).collect();
        expected.sort();
        let found: Vec<_> = set.iter().map(|ranked| (ranked.score, ranked.name.as_slice())).collect();
        assert!(
            found.iter().eq(expected
                .iter()
                .map(|(score, name)| (*score, name.as_bytes()))
                .collect::<Vec<_>>()
                .iter())
        );
        for (rank, (_, name)) in expected.iter().enumerate() {
            assert_eq!(set.rank(name.as_bytes()), Some(rank));
        }
        let mut rebuilt = SortedSet::default();
        assert!(set.members().iter().all(|member| rebuilt.push(member.clone())));
        assert_eq!((rebuilt.bytes(), &rebuilt), (set.bytes(), &set));
        while !set.is_empty() {
            let ranked = set.remove_at(set.len() / 2);
            assert!(model.remove(std::str::from_utf8(ranked.name.as_slice()).expect("text")).is_some());
        }
        assert_eq!((set.bytes(), model.len()), (0, 0));
    }
}
