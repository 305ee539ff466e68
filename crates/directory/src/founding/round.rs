//! The founding round of one node: inputs in, outputs out.

use super::message::FoundingMessage;
use super::set::{Founder, FoundingSet, StoredFounding};
use crate::address::Address;
use proto::ids::ClusterId;
use proto::time::Mono;
use std::collections::VecDeque;

/// What the operator wants of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many nodes found it, this one included. 1 to `MAX_NODES`.
    pub expect: usize,
    /// Peer addresses of some of the others; may name this node too.
    pub join: Vec<Address>,
    /// Replicas of each shard. 1 to `MAX_REPLICAS`.
    pub replicas: u32,
    /// Number of shards. 1 to `MAX_SHARDS`.
    pub shards: u32,
}

/// Random bytes, drawn by the body at this start. They become the cluster's if this node proposes.
#[derive(Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The name that the cluster would get.
    pub cluster: ClusterId,
    /// The key that the cluster would sign tokens with.
    pub token_key: [u8; 32],
}

/// What happens to a founder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A founding message arrived; who says it and where to answer stand in it.
    Message(FoundingMessage),
    /// Time passes. Every 100 ms or so.
    Tick,
    /// What the latest [`Output::Store`] asked for is durable.
    Stored,
}

/// What a founder wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this, over a link or a passing connection; it may be lost.
    Send {
        /// The address to connect to.
        to: Address,
        /// What to say.
        message: FoundingMessage,
    },
    /// Make this durable, then answer [`Input::Stored`]. Nothing that rests on it is said before.
    Store(StoredFounding),
    /// The cluster exists, and this is known durably. Said once per start. Go on feeding messages: latecomers ask.
    Founded(FoundingSet),
    /// What it is waiting for, in sentences for people. At most once a second, and only when it changed.
    Waiting(String),
    /// It cannot go on, and why, and what to do. Nothing follows.
    Refused(String),
}

/// The founding round of one node.
#[derive(Debug)]
pub struct Founding {
    me: Founder,
    outputs: VecDeque<Output>,
}

impl Founding {
    /// Begins, or goes on after a restart with what was stored. The first outputs come with the first step.
    pub fn new(me: Founder, wanted: Wanted, drawn: Drawn, stored: Option<StoredFounding>) -> Founding {
        let _ = (wanted, drawn, stored);
        Founding { me, outputs: VecDeque::new() }
    }

    /// Takes one input. Never blocks.
    pub fn step(&mut self, now: Mono, input: Input) {
        let _ = (now, input, &self.me);
    }

    /// The next output; `None` when there is none for now.
    pub fn drain(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
