//! What `quartet status` shows: plain data, made when somebody asks.

use proto::ids::{ClusterId, GroupId, LogIndex, NodeId, Term};
use serde::Serialize;

/// One node's view of the cluster.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The cluster's name, in hexadecimal.
    #[serde(serialize_with = "as_text")]
    pub cluster: ClusterId,
    /// The node that answers.
    pub node: NodeId,
    /// Its start.
    pub incarnation: u64,
    /// The version of the program.
    pub version: &'static str,
    /// Whether it serves: every group has a leader that it knows.
    pub ready: bool,
    /// Whether it is stopping.
    pub stopping: bool,
    /// All members, as this node sees them.
    pub nodes: Vec<NodeStatus>,
    /// All shards, as this node sees them.
    pub shards: Vec<ShardStatus>,
    /// The directory's group.
    pub directory: Option<GroupStatus>,
    /// Replicas of this node that are being rebuilt from its peers.
    pub rebuilding: usize,
    /// Bytes of data, as they are accounted for.
    pub data_bytes: u64,
    /// The limit that growing writes respect.
    pub memory_limit_bytes: Option<u64>,
    /// Keys of all local replicas.
    pub keys: u64,
    /// Client requests under way.
    pub requests_under_way: usize,
    /// Tentative writes that this node holds and does not know to be decided, hints among them.
    pub undecided: usize,
    /// Hints: those of shards of which it has no replica.
    pub hints: usize,
    /// What is free on the disk of the data folder, as far as it is known.
    pub disk_free_bytes: Option<u64>,
    /// `ok`, `low` (writes that grow the data are refused), `out` (nothing is written), or `stalled` (the log's sync hangs, or did a moment ago).
    pub disk: &'static str,
    /// The log.
    pub log: LogStatus,
    /// Snapshots on their way.
    pub transfers: Vec<TransferStatus>,
}

fn as_text<S: serde::Serializer>(cluster: &ClusterId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(cluster)
}

/// A member.
#[derive(Clone, Debug, Serialize)]
pub struct NodeStatus {
    /// Its id.
    pub id: NodeId,
    /// Its address for Redis clients.
    pub resp: String,
    /// Its address for HTTP.
    pub http: String,
    /// Its address for peers.
    pub peer: String,
    /// Its newest start that is registered.
    pub incarnation: u64,
    /// `up`, `stopping`, `silent`, or `never heard`.
    pub state: &'static str,
    /// How long ago it was last heard here, in milliseconds. 0 for the node that answers.
    pub heard_ms_ago: Option<u64>,
    /// Whom it hears directly, with how long ago in milliseconds.
    pub hears: Vec<(NodeId, u64)>,
    /// The node that passes on what the answering node sends to it, if no direct link works.
    pub via: Option<NodeId>,
    /// How many shards it leads, as far as this node knows.
    pub leads: usize,
}

/// A shard.
#[derive(Clone, Debug, Serialize)]
pub struct ShardStatus {
    /// Its id.
    pub shard: u32,
    /// Its first hash slot.
    pub first_slot: u16,
    /// Its last hash slot.
    pub last_slot: u16,
    /// The nodes that hold it.
    pub replicas: Vec<NodeId>,
    /// Its leader, if one is known.
    pub leader: Option<NodeId>,
    /// Whether this node's replica is being rebuilt from its peers; then it is not shown as a local one.
    pub rebuilding: bool,
    /// The local replica, if there is one.
    pub local: Option<GroupStatus>,
}

/// A local replica of a group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupStatus {
    /// The group.
    pub group: GroupId,
    /// Its term.
    pub term: Term,
    /// Its leader, if known.
    pub leader: Option<NodeId>,
    /// The last decided entry that is known here.
    pub decided: LogIndex,
    /// The last applied entry.
    pub applied: LogIndex,
    /// Decided and not yet applied.
    pub lag: u64,
    /// The last entry in the log.
    pub last: LogIndex,
    /// What the durable snapshot contains.
    pub snapshot: LogIndex,
    /// Keys.
    pub keys: u64,
    /// Bytes of data.
    pub data_bytes: u64,
}

/// The log.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LogStatus {
    /// Batches since the node started.
    pub batches: u64,
    /// Syncs since the node started.
    pub syncs: u64,
    /// Bytes written since the node started.
    pub written_bytes: u64,
    /// Bytes of all segments on disk.
    pub disk_bytes: u64,
    /// Segments on disk.
    pub segments: u64,
}

/// A snapshot on its way.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TransferStatus {
    /// The group.
    pub group: GroupId,
    /// The other side.
    pub peer: NodeId,
    /// Whether this node sends it.
    pub outgoing: bool,
    /// Bytes so far.
    pub bytes: u64,
}

/// What `where KEY` shows.
#[derive(Clone, Debug, Serialize)]
pub struct Whereabouts {
    /// The key's hash slot.
    pub slot: u16,
    /// Its shard.
    pub shard: u32,
    /// The nodes that hold the shard.
    pub replicas: Vec<NodeId>,
    /// Its leader, if known.
    pub leader: Option<NodeId>,
    /// What the local replica holds; `None` if this node has none.
    pub local: Option<LocalKey>,
}

/// A key in the local replica.
#[derive(Clone, Debug, Serialize)]
pub struct LocalKey {
    /// The last applied entry of the replica.
    pub applied: LogIndex,
    /// Whether the key is there.
    pub present: bool,
    /// Its version; of an absent key, its slot's newest deletion.
    pub version: u64,
    /// When it expires, in milliseconds since the Unix epoch.
    pub expires_at_ms: Option<u64>,
    /// Bytes of its value, if it is a string.
    pub value_bytes: Option<usize>,
}
