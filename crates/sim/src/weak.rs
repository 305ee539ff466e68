//! What a run does below sequential: how much of it, at which levels and ladders, and what goes wrong on purpose meanwhile.
//!
//! Some rules of arbitration and of sessions matter in few of a hundred thousand random schedules. So runs are drawn in swarms, each with much of something: deletions, eventual
//! operations, sessions that hop, nodes that are cut off while their clients write on, origins that die as soon as they have answered, replicas that apply late, or very few keys.
//!
//! Invariant: drawn from a stream of its own, so a world without weak operations is what it was before there were any.

use crate::faults::Kind;
use crate::random::Random;
use proto::level::{Ladder, Level};
use std::fmt;

/// How clients use the levels below sequential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeakParams {
    /// Of a hundred operations that mean something there, so many ask for a level below sequential, or end a ladder with one. 0: nothing here is on.
    pub percent: u64,
    /// Of a hundred of these, so many are eventual.
    pub eventual_percent: u64,
    /// Of a hundred of these, so many try something stronger first.
    pub ladder_percent: u64,
    /// Of a hundred writes to registers, so many are deletions.
    pub deletes_percent: u64,
    /// Of a hundred weak writes, so many are to be durable on two nodes before the answer.
    pub acks_percent: u64,
    /// A client that carries its session leaves its node after one in so many answers.
    pub hops_one_in: u64,
    /// A client takes over another's session with one in so many operations.
    pub joins_one_in: u64,
    /// One register, one counter and one list only.
    pub is_focused: bool,
}

impl WeakParams {
    /// Draws a swarm.
    pub fn draw(random: &mut Random) -> WeakParams {
        WeakParams {
            percent: *random.pick(&[0, 20, 50, 80, 95]),
            eventual_percent: *random.pick(&[0, 20, 50, 90]),
            ladder_percent: *random.pick(&[0, 10, 50]),
            deletes_percent: *random.pick(&[5, 30, 60]),
            acks_percent: *random.pick(&[0, 0, 30]),
            hops_one_in: *random.pick(&[100, 10, 3]),
            joins_one_in: *random.pick(&[1_000, 100, 20]),
            is_focused: random.chance(1, 4),
        }
    }

    /// Whether there are weak operations at all.
    pub fn is_on(&self) -> bool {
        self.percent > 0
    }

    /// What goes wrong in such a run besides what goes wrong in any.
    pub fn draw_faults(random: &mut Random) -> Vec<Kind> {
        let mut kinds = Kind::WEAK.to_vec();
        random.shuffle(&mut kinds);
        kinds.truncate(random.between(1, kinds.len() as u64) as usize);
        kinds.sort_unstable();
        kinds
    }

    /// The ladder of one weak operation.
    pub fn ladder(&self, random: &mut Random) -> Ladder {
        let last = if random.below(100) < self.eventual_percent { Level::Eventual } else { Level::Causal };
        if random.below(100) >= self.ladder_percent {
            return Ladder::of(last);
        }
        let mut text = String::new();
        let stronger: Vec<Level> = Level::ALL.into_iter().filter(|level| *level > last).collect();
        let first = random.index(stronger.len());
        for level in &stronger[first..] {
            if level == &stronger[first] || random.chance(1, 2) {
                text.push_str(&format!("{level};{}ms, ", random.between(5, 300)));
            }
        }
        Ladder::parse(format!("{text}{last}").as_bytes()).expect("rungs become weaker")
    }
}

impl fmt::Display for WeakParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_on() {
            return f.write_str("nothing below sequential");
        }
        write!(
            f,
            "{} % below sequential, {} % of it eventual, {} % by ladders, {} % with two acks, {} % deletions, hops 1 in {}, joins 1 in {}{}",
            self.percent,
            self.eventual_percent,
            self.ladder_percent,
            self.acks_percent,
            self.deletes_percent,
            self.hops_one_in,
            self.joins_one_in,
            if self.is_focused { ", one key of each kind" } else { "" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_weak_ladder_ends_weakly_and_all_shapes_are_drawn() {
        let weak = WeakParams { eventual_percent: 50, ladder_percent: 80, ..WeakParams::default() };
        let mut random = Random::new(1);
        let shapes: BTreeSet<Vec<Level>> = (0..2_000)
            .map(|_| {
                let rungs: Vec<Level> =
                    weak.ladder(&mut random).rungs().iter().map(|rung| rung.level).collect();
                assert!(rungs.last().is_some_and(|level| level.is_weak()));
                rungs
            })
            .collect();
        // Above causal: nothing, one of two, or both. Above eventual: any of three, or none.
        assert_eq!(shapes.len(), 4 + 8);
    }
}
