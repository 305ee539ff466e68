//! What `QUARTET STATUS` says, as far as this program uses it. Fields that it does not know are left alone, so nodes may say more.

use super::text_of;
use client::Reply;
use serde::Deserialize;

/// The cluster as one node sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct View {
    /// The cluster's name, in hexadecimal.
    pub cluster: String,
    /// The node that answered.
    pub node: u64,
    /// Its version of the program.
    pub version: String,
    /// Whether it knows a leader of every group.
    pub ready: bool,
    /// All members.
    pub nodes: Vec<NodeView>,
    /// All shards.
    pub shards: Vec<ShardView>,
    /// Replicas of the answering node that are being rebuilt from its peers.
    #[serde(default)]
    pub rebuilding: u64,
    /// Bytes of data, as they are accounted for.
    pub data_bytes: u64,
    /// The limit that growing writes respect.
    pub memory_limit_bytes: Option<u64>,
    /// Tentative writes that it holds and does not know to be decided; hints among them.
    #[serde(default)]
    pub undecided: u64,
    /// Those of shards of which it has no replica.
    #[serde(default)]
    pub hints: u64,
    /// `ok`, `low`, `out` or `stalled`: how its disk is.
    #[serde(default)]
    pub disk: String,
    /// What is free on the file system of its data folder, if it knows.
    #[serde(default)]
    pub disk_free_bytes: Option<u64>,
    /// Bytes of all log segments on disk.
    pub log: LogView,
    /// Faults that somebody made; left out by nodes that know none.
    #[serde(default)]
    pub faults: FaultsView,
}

/// What the answering node knows of faults.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FaultsView {
    /// Whether it was started with `--allow-faults`.
    pub allowed: bool,
    /// What is cut.
    pub cuts: Vec<Cut>,
    /// What is slow.
    #[serde(default)]
    pub delays: Vec<Delay>,
}

/// What two nodes say to each other takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Delay {
    /// The two.
    pub nodes: [u64; 2],
    /// How much longer, each way, in milliseconds.
    pub ms: u64,
}

/// What one node says to another is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Cut {
    /// The node whose words are lost.
    pub from: u64,
    /// The node that does not hear them.
    pub to: u64,
}

/// A member.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeView {
    /// Its id.
    pub id: u64,
    /// Its address for Redis clients.
    pub resp: String,
    /// Its address for HTTP.
    pub http: String,
    /// Its address for peers.
    pub peer: String,
    /// `up`, `stopping`, `silent` or `never heard`.
    pub state: String,
    /// How long ago the answering node heard it, in milliseconds.
    pub heard_ms_ago: Option<u64>,
    /// Whom it hears directly, and how long ago, in milliseconds.
    pub hears: Vec<(u64, u64)>,
    /// The node that passes on what is sent to it, if no direct link works.
    #[serde(default)]
    pub via: Option<u64>,
    /// How many shards it leads.
    pub leads: usize,
}

/// A shard.
#[derive(Clone, Debug, Deserialize)]
pub struct ShardView {
    /// Its id.
    pub shard: u32,
    /// Its first hash slot.
    pub first_slot: u16,
    /// Its last hash slot.
    pub last_slot: u16,
    /// The nodes that hold it.
    pub replicas: Vec<u64>,
    /// Its leader, if one is known.
    pub leader: Option<u64>,
    /// The answering node's replica, if it has one.
    pub local: Option<GroupView>,
}

/// A replica of the answering node.
#[derive(Clone, Debug, Deserialize)]
pub struct GroupView {
    /// Its term.
    pub term: u64,
    /// The last decided entry that is known there.
    pub decided: u64,
    /// The last applied entry.
    pub applied: u64,
    /// Decided and not yet applied.
    pub lag: u64,
    /// What the durable snapshot contains.
    pub snapshot: u64,
    /// Keys.
    pub keys: u64,
}

/// The answering node's log.
#[derive(Clone, Debug, Deserialize)]
pub struct LogView {
    /// Syncs since the node started.
    pub syncs: u64,
    /// Bytes of all segments on disk.
    pub disk_bytes: u64,
}

impl View {
    /// From the reply to `QUARTET STATUS`.
    ///
    /// # Errors
    /// A sentence: it is none, or one that this version does not understand.
    pub fn from_reply(reply: &Reply) -> Result<View, String> {
        if let Reply::Error(text) = reply {
            return Err(text.clone());
        }
        serde_json::from_str(text_of(reply)?)
            .map_err(|error| format!("the node's status is none that this version understands: {error}"))
    }

    /// What keeps this node from serving, if anything does.
    pub fn trouble(&self, node: u64) -> Option<String> {
        if self.node != node {
            return Some(format!("the node expected as {node} is node {}", self.node));
        }
        if let Some(shard) = self.shards.iter().find(|shard| shard.leader.is_none()) {
            return Some(format!("node {node} knows no leader of shard {}", shard.shard));
        }
        if self.rebuilding > 0 {
            return Some(format!("{} replicas of node {node} are being rebuilt", self.rebuilding));
        }
        if self.shards.is_empty() || !self.ready {
            return Some(format!("node {node} is not ready"));
        }
        None
    }

    /// How many shards each node leads, in the order of the ids.
    pub fn leads(&self) -> Vec<(u64, usize)> {
        let led_by = |id| self.shards.iter().filter(|shard| shard.leader == Some(id)).count();
        self.nodes.iter().map(|node| (node.id, led_by(node.id))).collect()
    }
}
