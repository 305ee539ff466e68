//! What runs have been through: faults, shapes of partitions, kinds of messages, events, outcomes.
//!
//! A batch of seeds that never saw a snapshot transfer says nothing about snapshot transfers; so the counts are printed after each batch, zeros included where
//! the names are known.
//!
//! Invariant: counting changes nothing in the run. Frames are decoded here a second time, which is why only some are looked at unless lines are wanted.

use crate::faults::Kind;
use crate::judges::{VERDICTS, Verdicts};
use crate::network::Shape;
use bytes::Bytes;
use node::event::Event as Observation;
use proto::frame::Frame;
use proto::outcome::{Achieved, Outcome, State};
use proto::peer::{Message, SnapshotStep};
use std::collections::BTreeMap;
use std::fmt;

/// One frame of so many is looked into.
const FRAMES_PER_LOOK: u64 = 8;

/// The names that a batch of any size should have seen.
const EXPECTED_MESSAGES: [&str; 24] = [
    "announce",
    "append",
    "append-response",
    "directory-copy",
    "floor-promise",
    "floor-wanted",
    "folded",
    "forward-read",
    "forward-tentative",
    "forward-write",
    "heartbeat",
    "held",
    "held-durably",
    "held-wanted",
    "not-taken",
    "read-answer",
    "request-pre-vote",
    "request-vote",
    "snapshot-offer",
    "submit",
    "tentative-answer",
    "time-wanted",
    "timeout-now",
    "write-answer",
];

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    faults: BTreeMap<&'static str, u64>,
    messages: BTreeMap<String, u64>,
    events: BTreeMap<&'static str, u64>,
    outcomes: BTreeMap<String, u64>,
    verdicts: Verdicts,
    frames: u64,
    /// Elections that were won.
    pub elections: u64,
}

impl Coverage {
    /// A fault has begun.
    pub fn fault(&mut self, kind: Kind) {
        *self.faults.entry(kind.name()).or_default() += 1;
    }

    /// A partition has this shape.
    pub fn shape(&mut self, shape: Shape) {
        let name = match shape {
            Shape::Split => "partition: split",
            Shape::Isolate => "partition: isolate",
            Shape::Deaf => "partition: deaf",
            Shape::Mute => "partition: mute",
            Shape::OneWay => "partition: one way",
            Shape::QuorumLoss => "partition: quorum loss",
            Shape::ConstrainedElection => "partition: constrained election",
            Shape::Chained => "partition: chained",
            Shape::Bridge => "partition: bridge",
            Shape::Ring => "partition: ring",
            Shape::Random => "partition: random",
        };
        *self.faults.entry(name).or_default() += 1;
    }

    /// A frame is sent.
    pub fn frame(&mut self, bytes: &Bytes, always: bool) {
        self.frames += 1;
        if !always && !self.frames.is_multiple_of(FRAMES_PER_LOOK) {
            return;
        }
        let Ok(frame) = Frame::decode(bytes) else { return };
        for message in &frame.messages {
            *self.messages.entry(name(message)).or_default() += 1;
        }
    }

    /// A core has observed something.
    pub fn observation(&mut self, observation: &Observation) {
        let name = match observation {
            Observation::LeaderElected { .. } => "leader elected",
            Observation::LeaderLost { .. } => "leader lost",
            Observation::TransferBegun { .. } => "transfer begun",
            Observation::PeerHeard { .. } => "peer heard",
            Observation::PeerSilent { .. } => "peer silent",
            Observation::StateDiffers { .. } => "state differs",
            Observation::Quarantined { .. } => "quarantined",
            Observation::Rerouted { .. } => "rerouted",
            Observation::Relayed { .. } => "relayed",
            Observation::PeerRefused { .. } => "peer refused",
            Observation::ClockAhead { .. } => "clock ahead",
            Observation::SnapshotWritten { .. } => "snapshot written",
            Observation::SnapshotOffered { .. } => "snapshot offered",
            Observation::SnapshotInstalled { .. } => "snapshot installed",
            Observation::GroupPoisoned { .. } => "group poisoned",
            Observation::MemoryLimit { .. } => "memory limit",
            Observation::LogSynced { .. } => "log synced",
            Observation::DiskSpace { out: true, .. } => "disk out of space",
            Observation::DiskSpace { low: true, .. } => "disk low on space",
            Observation::DiskSpace { .. } => "disk has space again",
            Observation::SpaceRanOut { .. } => "space ran out for what can wait",
            Observation::DiskStalled { stalled: true } => "disk stalled",
            Observation::DiskStalled { .. } => "disk answers again",
            Observation::RebuildBegun { .. } => "rebuild begun",
            Observation::RebuildWanted { .. } => "rebuild wanted",
            Observation::ReplicaReborn { .. } => "replica reborn",
            #[allow(unreachable_patterns)] // the node may observe more one day
            _ => "other",
        };
        *self.events.entry(name).or_default() += 1;
        self.elections += u64::from(matches!(observation, Observation::LeaderElected { .. }));
    }

    /// Something that no core observes.
    pub fn happened(&mut self, name: &'static str) {
        *self.events.entry(name).or_default() += 1;
    }

    /// A client has an answer.
    pub fn outcome(&mut self, outcome: &Outcome, achieved: &Achieved) {
        let name = match outcome {
            Outcome::Done { .. } if achieved.state == State::Tentative => {
                let what = if achieved.dot.is_some() { "write" } else { "read" };
                format!("tentative {what}, {}", achieved.level)
            }
            Outcome::Done { .. } if achieved.level.is_weak() => format!("done, {}", achieved.level),
            Outcome::Done { .. } => "done".to_owned(),
            Outcome::Failed(failure) => format!("{:?}", failure.kind),
        };
        *self.outcomes.entry(name).or_default() += 1;
    }

    /// What the logs said of tentative operations.
    pub fn verdicts(&mut self, verdicts: Verdicts) {
        self.verdicts.iter_mut().zip(verdicts).for_each(|(sum, count)| *sum += count);
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Coverage) {
        fn add<K: Ord + Clone>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (name, count) in from {
                *into.entry(name.clone()).or_default() += count;
            }
        }
        add(&mut self.faults, &other.faults);
        add(&mut self.messages, &other.messages);
        add(&mut self.events, &other.events);
        add(&mut self.outcomes, &other.outcomes);
        self.verdicts(other.verdicts);
        self.frames += other.frames;
        self.elections += other.elections;
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn line<'a>(
            f: &mut fmt::Formatter<'_>,
            title: &str,
            counts: impl Iterator<Item = (&'a str, u64)>,
        ) -> fmt::Result {
            let words: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
            writeln!(f, "  {title}: {}", words.join(", "))
        }
        let mut faults = self.faults.clone();
        for kind in Kind::ALL.into_iter().chain(Kind::WEAK).chain(Kind::DISK) {
            faults.entry(kind.name()).or_default();
        }
        let mut messages = self.messages.clone();
        for expected in EXPECTED_MESSAGES {
            messages.entry(expected.to_owned()).or_default();
        }
        line(f, "faults", faults.iter().map(|(name, count)| (*name, *count)))?;
        line(
            f,
            &format!("messages (in one frame of {FRAMES_PER_LOOK})"),
            messages.iter().map(|(name, count)| (name.as_str(), *count)),
        )?;
        line(f, "events", self.events.iter().map(|(name, count)| (*name, *count)))?;
        line(f, "answers", self.outcomes.iter().map(|(name, count)| (name.as_str(), *count)))?;
        line(f, "tentative operations in logs", VERDICTS.into_iter().zip(self.verdicts))
    }
}

/// A frame in a few words, for the trace.
pub fn describe(bytes: &Bytes) -> String {
    let Ok(frame) = Frame::decode(bytes) else { return "no frame".to_owned() };
    let words: Vec<String> = frame
        .messages
        .iter()
        .map(|message| match message {
            Message::Consensus { group, message: said, .. } => format!(
                "g{group} {} t{} i{} c{} n{}{}",
                name(message),
                said.term,
                said.index,
                said.commit,
                said.entries.len(),
                if said.reject { " REJECT" } else { "" }
            ),
            Message::ForwardWrite { group, forward } => {
                format!("g{group} forward-write {}", forward.position.number)
            }
            Message::WriteAnswer { group, number, .. } => format!("g{group} write-answer {number}"),
            Message::NotTaken { group, what, why, .. } => format!("g{group} not-taken {what:?} {why:?}"),
            Message::ForwardRead { group, id, .. } => format!("g{group} forward-read {id}"),
            Message::ReadAnswer { id, .. } => format!("read-answer {id}"),
            Message::TimeWanted { group, at } => format!("g{group} time-wanted {at:?}"),
            Message::ForwardTentative { group, id, .. } => format!("g{group} forward-tentative {id}"),
            Message::TentativeAnswer { id, dot, .. } => {
                let dot = dot.map_or("nothing".to_owned(), |dot| dot.to_string());
                format!("tentative-answer {id} {dot}")
            }
            Message::Held { group, origin, after, operations, covered } => {
                format!("g{group} held {origin} after {after} n{} covered {covered}", operations.len())
            }
            Message::HeldDurably { group, origin, number } => {
                format!("g{group} held-durably {origin}:{number}")
            }
            Message::Submit { group, operations } => {
                let dots: Vec<String> =
                    operations.iter().map(|operation| operation.dot.to_string()).collect();
                format!("g{group} submit {}", dots.join(" "))
            }
            Message::HandOver { group, operations } => {
                let dots: Vec<String> =
                    operations.iter().map(|operation| operation.dot.to_string()).collect();
                format!("g{group} hand-over {}", dots.join(" "))
            }
            Message::HandedOver { group, number, .. } => format!("g{group} handed-over {number}"),
            Message::Folded { folds } => {
                let folds: Vec<String> =
                    folds.iter().map(|fold| format!("{}:{}", fold.origin, fold.number)).collect();
                format!("folded {}", folds.join(" "))
            }
            Message::FloorWanted { group } => format!("g{group} floor-wanted"),
            Message::FloorPromise { group, origin, floor } => {
                format!("g{group} floor-promise {origin} {floor:?}")
            }
            Message::Snapshot { group, .. } => format!("g{group} {}", name(message)),
            other => name(other),
        })
        .collect();
    words.join("; ")
}

/// A message's kind, in small letters.
pub(crate) fn name(message: &Message) -> String {
    let name = match message {
        Message::Announce(_) => "announce",
        Message::Links { .. } => "links",
        Message::StateDigests { .. } => "state-digests",
        Message::Consensus { message, .. } => return kebab(&format!("{:?}", message.kind)),
        Message::ForwardWrite { .. } => "forward-write",
        Message::WriteAnswer { .. } => "write-answer",
        Message::NotTaken { .. } => "not-taken",
        Message::ForwardRead { .. } => "forward-read",
        Message::ReadAnswer { .. } => "read-answer",
        Message::TimeWanted { .. } => "time-wanted",
        Message::ForwardTentative { .. } => "forward-tentative",
        Message::TentativeAnswer { .. } => "tentative-answer",
        Message::Held { .. } => "held",
        Message::HeldWanted { .. } => "held-wanted",
        Message::HeldDurably { .. } => "held-durably",
        Message::Submit { .. } => "submit",
        Message::HandOver { .. } => "hand-over",
        Message::HandedOver { .. } => "handed-over",
        Message::RebuildWanted { .. } => "rebuild-wanted",
        Message::LeftoversWanted { .. } => "leftovers-wanted",
        Message::NoLeftovers { .. } => "no-leftovers",
        Message::Folded { .. } => "folded",
        Message::FloorWanted { .. } => "floor-wanted",
        Message::FloorPromise { .. } => "floor-promise",
        Message::Snapshot { step, .. } => match step {
            SnapshotStep::Offer { .. } => "snapshot-offer",
            SnapshotStep::Want { .. } => "snapshot-want",
            SnapshotStep::Piece { .. } => "snapshot-piece",
            SnapshotStep::Received { .. } => "snapshot-received",
            SnapshotStep::Finished { .. } => "snapshot-finished",
        },
        Message::ProposeDirectory { .. } => "propose-directory",
        Message::DirectoryWanted { .. } => "directory-wanted",
        Message::DirectoryCopy { .. } => "directory-copy",
        #[allow(unreachable_patterns)] // nodes may say more one day
        _ => "other",
    };
    name.to_owned()
}

fn kebab(camel: &str) -> String {
    let mut out = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
