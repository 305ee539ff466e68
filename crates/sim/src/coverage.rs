//! What runs have been through, by kinds, and what a batch of them should have been through.
//!
//! A batch of seeds that never saw a snapshot transfer says nothing about snapshot transfers. So everything that has a kind is counted: faults, shapes of partitions, fates of frames, messages, events, answers,
//! operations by level, verdicts of the log, and branches inside the protocol (`node::marks`). The lists of kinds are made of the matches that name them (`kinds`), so none can be forgotten; what a batch may miss,
//! and why, is said in `expected`.
//!
//! Invariant: counting changes nothing in the run.

mod expected;
mod kinds;

use crate::faults;
use crate::judges::{VERDICTS, Verdicts};
use crate::network::Shape;
use kinds::{AnswerKind, CommandKind, EventKind, FaultKind, ShapeKind};
use node::event::Event as Observation;
use node::kinds::MessageKind;
use node::marks::Mark;
use proto::command::Command;
use proto::level::Level;
use proto::outcome::{Achieved, Outcome};
use std::fmt;

pub use kinds::{FrameFate, Mishap, fault_name, message_name};

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Faults that began.
    Faults,
    /// Shapes of the partitions among them.
    Partitions,
    /// What hurt disks came to.
    Mishaps,
    /// What became of frames on the way.
    Frames,
    /// Messages that were read, of peers.
    Messages,
    /// What cores observed.
    Events,
    /// Answers that clients had.
    Answers,
    /// Operations that were answered from the state, by kind and by the level that was achieved.
    Operations,
    /// What the logs said of tentative operations.
    Verdicts,
    /// Branches that were taken in the protocol.
    Branches,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 10] = [
        Family::Faults,
        Family::Partitions,
        Family::Mishaps,
        Family::Frames,
        Family::Messages,
        Family::Events,
        Family::Answers,
        Family::Operations,
        Family::Verdicts,
        Family::Branches,
    ];

    /// The heading that it is printed under.
    pub fn title(self) -> &'static str {
        match self {
            Family::Faults => "faults",
            Family::Partitions => "partitions",
            Family::Mishaps => "mishaps of disks",
            Family::Frames => "frames",
            Family::Messages => "messages read",
            Family::Events => "events",
            Family::Answers => "answers",
            Family::Operations => "operations",
            Family::Verdicts => "tentative operations in logs",
            Family::Branches => "branches",
        }
    }

    /// The names of its kinds, in their order.
    pub fn names(self) -> Vec<String> {
        fn own(names: impl Iterator<Item = &'static str>) -> Vec<String> {
            names.map(str::to_owned).collect()
        }
        match self {
            Family::Faults => own(FaultKind::ALL.iter().map(|kind| kind.text())),
            Family::Partitions => own(ShapeKind::ALL.iter().map(|kind| kind.text())),
            Family::Mishaps => own(Mishap::ALL.iter().map(|mishap| mishap.text())),
            Family::Frames => own(FrameFate::ALL.iter().map(|fate| fate.text())),
            Family::Messages => own(MessageKind::ALL.iter().map(|kind| kind.text())),
            Family::Events => own(EventKind::ALL.iter().map(|kind| kind.text())),
            Family::Answers => own(AnswerKind::ALL.iter().map(|kind| kind.text())),
            Family::Operations => {
                let at_all = |kind: &CommandKind| Level::ALL.map(|level| format!("{}, {level}", kind.text()));
                CommandKind::ALL.iter().flat_map(at_all).collect()
            }
            Family::Verdicts => own(VERDICTS.into_iter()),
            Family::Branches => own(Mark::ALL.iter().map(|mark| mark.text())),
        }
    }
}

/// Counts by kind.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: [Vec<u64>; Family::ALL.len()],
    /// Elections that were won.
    pub elections: u64,
}

impl Coverage {
    fn count(&mut self, family: Family, at: usize, times: u64) {
        let counts = &mut self.counts[family as usize];
        if counts.len() <= at {
            counts.resize(at + 1, 0);
        }
        counts[at] += times;
    }

    /// A hurt disk came to something.
    pub fn mishap(&mut self, mishap: Mishap) {
        self.count(Family::Mishaps, mishap as usize, 1);
    }

    /// A fault has begun.
    pub fn fault(&mut self, kind: faults::Kind) {
        self.count(Family::Faults, FaultKind::of(&kind) as usize, 1);
    }

    /// A partition has this shape.
    pub fn shape(&mut self, shape: Shape) {
        self.count(Family::Partitions, ShapeKind::of(&shape) as usize, 1);
    }

    /// A frame that was sent has this fate.
    pub fn frame(&mut self, fate: FrameFate) {
        self.count(Family::Frames, fate as usize, 1);
    }

    /// A core has observed something.
    pub fn observation(&mut self, observation: &Observation) {
        self.count(Family::Events, EventKind::of(observation) as usize, 1);
        self.elections += u64::from(matches!(observation, Observation::LeaderElected { .. }));
    }

    /// A client has an answer.
    pub fn outcome(&mut self, outcome: &Outcome, achieved: &Achieved) {
        self.count(Family::Answers, AnswerKind::of(&(outcome, achieved)) as usize, 1);
    }

    /// An operation was answered from the state.
    pub fn answered(&mut self, command: &Command, level: Level) {
        let at = Level::ALL.iter().position(|known| *known == level).unwrap_or_default();
        self.count(Family::Operations, CommandKind::of(command) as usize * Level::ALL.len() + at, 1);
    }

    /// What the logs said of tentative operations.
    pub fn verdicts(&mut self, verdicts: Verdicts) {
        verdicts.into_iter().enumerate().for_each(|(at, count)| self.count(Family::Verdicts, at, count));
    }

    /// What was counted inside the cores of this thread since the last call.
    pub fn take_marks(&mut self) {
        let (branches, messages) = node::marks::take();
        branches.into_iter().enumerate().for_each(|(at, count)| self.count(Family::Branches, at, count));
        messages.into_iter().enumerate().for_each(|(at, count)| self.count(Family::Messages, at, count));
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Coverage) {
        for family in Family::ALL {
            for (at, count) in other.counts[family as usize].iter().enumerate() {
                self.count(family, at, *count);
            }
        }
        self.elections += other.elections;
    }

    /// The counts of a family, with the names, zeros included.
    pub fn of(&self, family: Family) -> Vec<(String, u64)> {
        let counts = &self.counts[family as usize];
        let count = |at: usize| counts.get(at).copied().unwrap_or_default();
        family.names().into_iter().enumerate().map(|(at, name)| (name, count(at))).collect()
    }

    /// What so many seeds should have reached and did not, and what they reached though it is said to be out of reach.
    pub fn complaints(&self, seeds: u64) -> Vec<String> {
        let mut complaints = Vec::new();
        for family in Family::ALL {
            for (name, count) in self.of(family) {
                if let Some(complaint) = expected::complaint(family, &name, count, seeds) {
                    complaints.push(format!("{}: {name}: {complaint}", family.title()));
                }
            }
        }
        complaints
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in Family::ALL {
            let is_unknown =
                |(name, count): &(String, u64)| *count > 0 || !expected::is_out_of_reach(family, name);
            let words: Vec<String> = self
                .of(family)
                .into_iter()
                .filter(is_unknown)
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            let between = if family == Family::Branches { "; " } else { ", " };
            writeln!(f, "  {}: {}", family.title(), words.join(between))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_was_never_reached_is_complained_of_once_there_were_enough_seeds() {
        let mut coverage = Coverage::default();
        for family in Family::ALL {
            for (at, name) in family.names().iter().enumerate() {
                let is_reached = !expected::is_out_of_reach(family, name);
                coverage.count(family, at, u64::from(is_reached));
            }
        }
        assert_eq!(coverage.complaints(u64::MAX), Vec::<String>::new());
        coverage.counts[Family::Messages as usize][MessageKind::TimeoutNow as usize] = 0;
        assert_eq!(coverage.complaints(u64::MAX).len(), 1);
        assert_eq!(coverage.complaints(20), Vec::<String>::new(), "a few seeds need not see everything");
        coverage.counts[Family::Messages as usize][MessageKind::ReadIndex as usize] = 1;
        assert_eq!(coverage.complaints(u64::MAX).len(), 2, "what is said to be out of reach was reached");
    }
}
