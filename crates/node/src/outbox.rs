//! Messages on their way out: gathered during a step, sent as one frame a link and drain.
//!
//! What is for this node itself never touches a frame: it waits in the loopback queue and is handled in the same drain, so "the leader is here" and "the leader is
//! elsewhere" are one path. Frames for a peer that cannot be reached, directly or through others (`mesh`), are not made; whoever needs an answer repeats.

use crate::io::Output;
use proto::frame::Frame;
use proto::ids::NodeId;
use proto::outcome::Outcome;
use proto::peer::{ForwardedWrite, Message, SnapshotStep};
use proto::tentative::Operation;
use proto::time::Now;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A frame is closed once it holds about this much.
const FRAME_TARGET_BYTES: usize = 4 * 1024 * 1024;

/// The messages of one drain.
#[derive(Debug, Default)]
pub struct Outbox {
    me: NodeId,
    waiting: BTreeMap<NodeId, Vec<Message>>,
    /// For direct neighbours, by their own link only.
    direct: BTreeMap<NodeId, Vec<Message>>,
    loopback: VecDeque<Message>,
    /// The first hop to each node that can be reached.
    hops: BTreeMap<NodeId, NodeId>,
    silent: BTreeSet<NodeId>,
}

impl Outbox {
    /// An outbox of this node, with no links.
    pub fn new(me: NodeId) -> Outbox {
        Outbox { me, ..Outbox::default() }
    }

    /// The node whose outbox this is.
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// From now on these nodes can be reached, by these first hops, and no others.
    pub fn set_hops(&mut self, hops: &BTreeMap<NodeId, NodeId>) {
        self.hops.clone_from(hops);
        self.waiting.retain(|node, _| hops.contains_key(node));
    }

    /// Whether frames for this node can be sent now.
    pub fn reaches(&self, node: NodeId) -> bool {
        node == self.me || self.hops.contains_key(&node)
    }

    /// A peer has fallen silent, or is heard again.
    pub fn set_silent(&mut self, node: NodeId, silent: bool) {
        if silent {
            self.silent.insert(node);
        } else {
            self.silent.remove(&node);
        }
    }

    /// These peers have fallen silent.
    pub fn fell_silent(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        self.silent.extend(nodes);
    }

    /// Whether a client's request may be handed to this node. Not to a peer that is not heard, though it is not given up yet: it would most likely not answer, and what was handed over cannot be tried in another way.
    pub fn may_hand_to(&self, node: NodeId) -> bool {
        self.reaches(node) && !self.silent.contains(&node)
    }

    /// The peers that can be reached.
    pub fn reachable(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.hops.keys().copied()
    }

    /// Queues a message.
    pub fn send(&mut self, to: NodeId, message: Message) {
        if to == self.me {
            self.loopback.push_back(message);
        } else if self.hops.contains_key(&to) {
            self.waiting.entry(to).or_default().push(message);
        }
    }

    /// Queues a message for a direct neighbour, which must not be relayed. The body drops it if there is no link.
    pub fn send_direct(&mut self, to: NodeId, message: Message) {
        self.direct.entry(to).or_default().push(message);
    }

    /// The next message of this node to itself.
    pub fn next_loopback(&mut self) -> Option<Message> {
        self.loopback.pop_front()
    }

    /// Makes frames of everything that waits.
    pub fn flush(&mut self, now: Now, out: &mut Vec<Output>) {
        for (to, messages) in std::mem::take(&mut self.direct) {
            if self.hops.get(&to) == Some(&to) {
                // It is for this drain's frame on the same link.
                self.waiting.entry(to).or_default().extend(messages);
            } else {
                out.push(self.frame(now, to, to, messages, 0));
            }
        }
        for (to, messages) in std::mem::take(&mut self.waiting) {
            let bytes: usize = messages.iter().map(weight_bytes).sum();
            let hop = self.hops.get(&to).copied().unwrap_or(to);
            if bytes <= FRAME_TARGET_BYTES {
                out.push(self.frame(now, to, hop, messages, bytes));
                continue;
            }
            let mut part = Vec::new();
            let mut bytes = 0;
            for message in messages {
                let weight = weight_bytes(&message);
                if bytes + weight > FRAME_TARGET_BYTES && !part.is_empty() {
                    out.push(self.frame(now, to, hop, std::mem::take(&mut part), bytes));
                    bytes = 0;
                }
                bytes += weight;
                part.push(message);
            }
            out.push(self.frame(now, to, hop, part, bytes));
        }
    }

    fn frame(
        &self,
        now: Now,
        to: NodeId,
        hop: NodeId,
        messages: Vec<Message>,
        messages_bytes: usize,
    ) -> Output {
        // A way through n nodes has at most n - 2 relays.
        let relays = if hop == to { 0 } else { self.hops.len() - 1 };
        let frame = Frame {
            source: self.me,
            destination: to,
            hops_left: u8::try_from(relays).unwrap_or(u8::MAX),
            first_sent_ms: now.mono.0 / 1_000_000,
            messages,
        };
        Output::Send { to: hop, frame: frame.encode(messages_bytes) }
    }
}

/// About how many bytes a message takes in a frame; exact only for what can be large.
fn weight_bytes(message: &Message) -> usize {
    const SMALL: usize = 64;
    let outcome_bytes = |outcome: &Outcome| match outcome {
        Outcome::Done { reply, .. } => reply.weight_bytes(),
        Outcome::Failed(_) => SMALL,
    };
    SMALL
        + match message {
            Message::Consensus { message, .. } => {
                message.entries.iter().map(|entry| SMALL + entry.data.len()).sum()
            }
            Message::ForwardWrite { forward: ForwardedWrite { write: Some(write), .. }, .. } => {
                write.weight_bytes()
            }
            Message::WriteAnswer { outcome, .. } | Message::ReadAnswer { outcome, .. } => {
                outcome_bytes(outcome)
            }
            Message::Snapshot { step: SnapshotStep::Piece { data, .. }, .. } => data.len(),
            Message::Snapshot { step: SnapshotStep::Offer { slots, tables, .. }, .. } => {
                slots.len() * 20 + tables.len()
            }
            Message::DirectoryCopy { state, .. } => state.len(),
            Message::ForwardTentative { write, .. } => write.weight_bytes(),
            Message::TentativeAnswer { outcome, .. } => outcome_bytes(outcome),
            Message::Held { operations, .. }
            | Message::Submit { operations, .. }
            | Message::HandOver { operations, .. } => operations.iter().map(Operation::weight_bytes).sum(),
            Message::ForwardRead { .. }
            | Message::ForwardWrite { .. }
            | Message::Announce(_)
            | Message::Links { .. }
            | Message::StateDigests { .. }
            | Message::NotTaken { .. }
            | Message::TimeWanted { .. }
            | Message::HeldWanted { .. }
            | Message::HeldDurably { .. }
            | Message::Folded { .. }
            | Message::FloorWanted { .. }
            | Message::FloorPromise { .. }
            | Message::HandedOver { .. }
            | Message::RebuildWanted { .. }
            | Message::LeftoversWanted { .. }
            | Message::NoLeftovers { .. }
            | Message::Snapshot { .. }
            | Message::ProposeDirectory { .. }
            | Message::DirectoryWanted { .. } => 0,
        }
}
