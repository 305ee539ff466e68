//! Typed observations: what happened inside a node that people, metrics and traces may want to see.
//!
//! The node does not know who looks. Events carry facts, not sentences; `observe` makes text and numbers of them.

use proto::ids::{GroupId, LogIndex, NodeId, Term};

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A replica of this node became leader.
    LeaderElected {
        /// The group.
        group: GroupId,
        /// The new term.
        term: Term,
    },
    /// A replica of this node is leader no more.
    LeaderLost {
        /// The group.
        group: GroupId,
        /// The term that it led.
        term: Term,
    },
    /// Leadership is being handed over.
    TransferBegun {
        /// The group.
        group: GroupId,
        /// To whom.
        to: NodeId,
    },
    /// A peer is heard again, or for the first time.
    PeerHeard {
        /// The peer.
        node: NodeId,
    },
    /// Nothing was heard of a peer for too long.
    PeerSilent {
        /// The peer.
        node: NodeId,
    },
    /// This node's replica and another node's have applied the same entries and are not equal.
    StateDiffers {
        /// The group.
        group: GroupId,
        /// The last of the entries.
        index: LogIndex,
        /// The other node.
        node: NodeId,
    },
    /// A majority of a group's replicas agrees on another state than this node's, which is forgotten and filled from them anew.
    Quarantined {
        /// The group.
        group: GroupId,
        /// Where they differed.
        index: LogIndex,
    },
    /// Frames for a node take another way from now on.
    Rerouted {
        /// The node.
        node: NodeId,
        /// The first hop; the node itself if it is reached directly again.
        via: NodeId,
    },
    /// A frame of another node was passed on.
    Relayed {
        /// Its size.
        bytes: u64,
    },
    /// A frame or message of a peer was refused.
    PeerRefused {
        /// The peer.
        node: NodeId,
        /// Why, for a person.
        why: String,
    },
    /// A message whose clock is too far ahead was refused.
    ClockAhead {
        /// The peer.
        node: NodeId,
        /// How far ahead of this node's wall clock, in milliseconds.
        ahead_ms: u64,
    },
    /// A snapshot was written and the log may be truncated up to it.
    SnapshotWritten {
        /// The group.
        group: GroupId,
        /// The last entry that it contains.
        index: LogIndex,
    },
    /// A snapshot transfer to a follower began.
    SnapshotOffered {
        /// The group.
        group: GroupId,
        /// To whom.
        to: NodeId,
        /// What it stands for.
        index: LogIndex,
    },
    /// A received snapshot was installed.
    SnapshotInstalled {
        /// The group.
        group: GroupId,
        /// What it stands for.
        index: LogIndex,
        /// Slots that had to be fetched.
        fetched_slots: usize,
        /// Slots that were at hand already (unchanged, or kept from an earlier attempt).
        kept_slots: usize,
    },
    /// The consensus library panicked in one group; it is rebuilt from what is durable.
    GroupPoisoned {
        /// The group.
        group: GroupId,
        /// The panic's words.
        why: String,
    },
    /// This node starts on a folder that was emptied: replicas of so many groups are filled from the peers.
    RebuildBegun {
        /// The groups.
        groups: usize,
        /// Those of them that have no other replica: what they held is lost, and they stay away.
        alone: usize,
    },
    /// A peer asks this leader to take its replica in anew.
    RebuildWanted {
        /// The group.
        group: GroupId,
        /// The peer.
        node: NodeId,
    },
    /// A replica of this node was filled from its peers and takes part again.
    ReplicaReborn {
        /// The group.
        group: GroupId,
        /// The last entry that it contains.
        index: LogIndex,
        /// Slots that had to be fetched.
        fetched_slots: usize,
        /// Slots that were kept from an earlier attempt.
        kept_slots: usize,
    },
    /// The memory limit is reached, or no longer.
    MemoryLimit {
        /// Whether growing writes are refused from now on.
        reached: bool,
    },
    /// Space on the disk has become scarce, or is enough again.
    DiskSpace {
        /// Writes that grow the data are refused.
        low: bool,
        /// Nothing goes into the log but votes.
        out: bool,
        /// What is free.
        free_bytes: u64,
    },
    /// Something that can wait found no space.
    SpaceRanOut {
        /// The file.
        place: String,
    },
    /// The log's sync hangs, or has come back.
    DiskStalled {
        /// Whether it hangs.
        stalled: bool,
    },
    /// A log batch became durable.
    LogSynced {
        /// Bytes of the batch.
        bytes: u64,
    },
}
