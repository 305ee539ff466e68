//! What nodes say to each other once the cluster is founded.
//!
//! These are our own types, not the consensus library's: `node::consensus` translates and checks (`docs` on rule 7), so no byte from the network ever
//! reaches a generated parser. Consensus messages may be lost, doubled and reordered; everything else is repeated by whoever needs an answer.

use crate::hlc::Timestamp;
use crate::ids::{GroupId, Incarnation, LogIndex, NodeId, ReplicaId, Slot, Term};
use crate::log_entry::ClientNumber;
use crate::ops::{Read, Write};
use crate::outcome::{Outcome, State};
use crate::session::Session;
use crate::tentative::{Dot, Dots, Fold, Operation, Origin};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One message of a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// "I am here", a few times a second, to everybody who can be reached.
    Announce(Announce),
    /// Hashes of the sender's replicas, for other replicas of these groups to compare with their own.
    StateDigests {
        /// At places that all replicas hash.
        digests: Vec<StateDigest>,
    },
    /// Link states: the sender's own, and those of nodes that the receiver does not hear itself. Only between direct neighbours; never relayed.
    Links {
        /// At most one a node.
        states: Vec<LinkState>,
    },
    /// A group's consensus message.
    Consensus {
        /// The group.
        group: GroupId,
        /// The replica that says it.
        from: ReplicaId,
        /// The replica that it is for.
        to: ReplicaId,
        /// What it says.
        message: ConsensusMessage,
    },
    /// A write for the group's leader.
    ForwardWrite {
        /// The group.
        group: GroupId,
        /// The forward itself.
        forward: ForwardedWrite,
    },
    /// The answer to one forwarded write.
    WriteAnswer {
        /// The group.
        group: GroupId,
        /// The sending front's start, so that answers to an earlier start are dropped.
        incarnation: Incarnation,
        /// The forward's number.
        number: u64,
        /// How it ended.
        outcome: Outcome,
        /// What its session now depends on besides its commit time: the key's dots, if the write looked at what was there.
        dots: Dots,
    },
    /// A forwarded write, or a read, was not taken: nothing of it was proposed.
    NotTaken {
        /// The group.
        group: GroupId,
        /// The sending front's start.
        incarnation: Incarnation,
        /// The write's number in its stream, or the read's id.
        what: Untaken,
        /// Why, and what to do.
        why: WhyNotTaken,
    },
    /// A read for the group's leader, or for any replica that is new enough.
    ForwardRead {
        /// The group.
        group: GroupId,
        /// Unique within the sending front's start.
        id: u64,
        /// The sending front's start.
        incarnation: Incarnation,
        /// What the state that answers must have.
        demand: Demand,
        /// What is left of the deadline, in milliseconds.
        deadline_ms: u64,
        /// What to read.
        read: Read,
    },
    /// The answer to a forwarded read.
    ReadAnswer {
        /// The sending front's start.
        incarnation: Incarnation,
        /// The read's id.
        id: u64,
        /// How it ended.
        outcome: Outcome,
        /// Nothing that it saw was committed later.
        seen: Timestamp,
        /// What it saw that may not be decided, with all that depends on it.
        dots: Dots,
        /// Whether what it shows is decided.
        state: State,
        /// At most so old was the state that answered, in milliseconds.
        age_ms: u64,
    },
    /// "A reader here needs the group's safe time to reach this." Repeated until it does.
    TimeWanted {
        /// The group.
        group: GroupId,
        /// What the safe time must reach.
        at: Timestamp,
    },
    /// A write below sequential for any replica of the group.
    ForwardTentative {
        /// The group.
        group: GroupId,
        /// Unique within the sending front's start.
        id: u64,
        /// The sending front's start.
        incarnation: Incarnation,
        /// What is left of the deadline, in milliseconds; it is not taken after it.
        deadline_ms: u64,
        /// What the writer's session has seen (causal); `None`: it depends on nothing (eventual).
        session: Option<Session>,
        /// The client's own number.
        client: Option<ClientNumber>,
        /// On how many nodes it is to be durable before the answer.
        acks: u8,
        /// What to do.
        write: Write,
    },
    /// The answer to a write below sequential.
    TentativeAnswer {
        /// The sending front's start.
        incarnation: Incarnation,
        /// Its id.
        id: u64,
        /// How it ended.
        outcome: Outcome,
        /// What its session has seen after it; of an eventual one, nothing.
        session: Session,
        /// The operation that it became; of several the last.
        dot: Option<Dot>,
    },
    /// Tentative operations of one origin, in their order, with the word that nothing is missing. Whoever has everything up to `after` takes them and is then covered up to `covered`.
    Held {
        /// The shard.
        group: GroupId,
        /// Whose.
        origin: Origin,
        /// The receiver must have everything of this origin in this shard up to here.
        after: u64,
        /// What follows.
        operations: Vec<Operation>,
        /// Behind them, nothing of this origin in this shard is missing up to this number.
        covered: u64,
    },
    /// "Of this shard I have everything up to these numbers: send me what comes after." Repeated until all have all.
    HeldWanted {
        /// The shard.
        group: GroupId,
        /// What the sender is covered up to.
        covered: Dots,
    },
    /// "I hold these durably." Counted by whoever promised its client more than one copy.
    HeldDurably {
        /// The shard.
        group: GroupId,
        /// Whose operations.
        origin: Origin,
        /// Up to which number.
        number: u64,
    },
    /// Tentative operations for the group's leader to propose. Idempotent; repeated until they are decided.
    Submit {
        /// The shard.
        group: GroupId,
        /// In each origin's order.
        operations: Vec<Operation>,
    },
    /// What is decided of some origins.
    Folded {
        /// As the origins told it.
        folds: Vec<Fold>,
    },
    /// "Up to where may deletions of this shard be forgotten, as far as you are concerned?"
    FloorWanted {
        /// The shard.
        group: GroupId,
    },
    /// "I have nothing pending in this shard, and take nothing, that had seen less than this." Durable before it is sent.
    FloorPromise {
        /// The shard.
        group: GroupId,
        /// Who promises.
        origin: Origin,
        /// What is promised.
        floor: Timestamp,
    },
    /// One step of a snapshot transfer.
    Snapshot {
        /// The group.
        group: GroupId,
        /// The step.
        step: SnapshotStep,
    },
    /// A change of the directory for its leader to propose. Idempotent; repeated until it shows in the map.
    ProposeDirectory {
        /// The encoded change (`directory::Change`).
        change: Bytes,
    },
    /// "My copy of the directory is at this index; send yours if it is newer."
    DirectoryWanted {
        /// The index of the copy.
        have: LogIndex,
    },
    /// A whole copy of the directory, for nodes that do not replicate it.
    DirectoryCopy {
        /// The index that it stands for.
        index: LogIndex,
        /// The encoded state.
        state: Bytes,
    },
    /// Hints of the sender, who has no replica of the shard, for any replica: it sees to it that they are decided. Idempotent; repeated until they are.
    HandOver {
        /// The shard.
        group: GroupId,
        /// In the order of their numbers.
        operations: Vec<Operation>,
    },
    /// "Of your hints of this shard all up to this number are decided", from a replica that has applied the decisions.
    HandedOver {
        /// The shard.
        group: GroupId,
        /// Whose hints: those of this data folder.
        origin: Origin,
        /// Up to here.
        number: u64,
    },
    /// "My replica of this group has lost what it had promised: take it in anew." Repeated until it is born from a snapshot.
    RebuildWanted {
        /// The group.
        group: GroupId,
        /// What the replica drew when it began anew.
        nonce: u64,
        /// Its data folder, counted from 1.
        folder: u32,
    },
    /// "Do you hold anything undecided of this origin, whose data folder is gone?" Asked only once the shard's log says that it is.
    LeftoversWanted {
        /// The shard.
        group: GroupId,
        /// The origin.
        origin: Origin,
    },
    /// "Nothing." Whoever holds something says nothing and hands it in.
    NoLeftovers {
        /// The shard.
        group: GroupId,
        /// The origin.
        origin: Origin,
    },
}

/// What a replica's state comes to at one place of its group's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDigest {
    /// The group.
    pub group: GroupId,
    /// The last entry applied.
    pub index: LogIndex,
    /// A hash of the whole replicated state.
    pub digest: u128,
}

/// Whom a node hears, in its own words. Passed on from neighbour to neighbour, so that all know all links.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// Whose.
    pub node: NodeId,
    /// Its start.
    pub incarnation: Incarnation,
    /// Rises with each word of that start; the newest wins.
    pub number: u64,
    /// The nodes whose frames arrive there on links of their own, with how long ago in milliseconds.
    pub hears: Vec<(NodeId, u64)>,
}

/// A node's regular word to its peers: it lives, this is what it leads and knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// The sender's start.
    pub incarnation: Incarnation,
    /// The sender's clock, as a hybrid logical timestamp.
    pub clock: Timestamp,
    /// The groups that the sender leads, with their terms.
    pub leads: Vec<(GroupId, Term)>,
    /// The sender is stopping: give it no leadership.
    pub stopping: bool,
    /// Its disk is nearly full, or hangs: give it none either.
    pub unfit: bool,
    /// The index of the sender's copy of the directory.
    pub directory: LogIndex,
    /// What is decided of the sender's own tentative operations.
    pub fold: Option<Fold>,
}

/// What the state that answers a read must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Demand {
    /// Everything that was answered before the read arrived: only the leader can know. (Linearizable.)
    Everything {
        /// The number of the connection's latest write in this group's stream: it must be applied before the read is answered. 0 means none.
        after_write: u64,
        /// What the session has seen that may not be decided: what these cover in the shard must be, and be applied.
        dots: Dots,
    },
    /// Every write up to this time. (Sequential.)
    UpTo {
        /// What the session has seen.
        at: Timestamp,
        /// As above.
        dots: Dots,
        /// The state may be at most so old, in milliseconds by the replica's wall clock.
        max_staleness_ms: Option<u64>,
    },
    /// Everything that the session depends on, decided or held. (Causal.)
    Session {
        /// The session.
        session: Session,
        /// As above.
        max_staleness_ms: Option<u64>,
    },
    /// Whatever is there. (Eventual.)
    Nothing {
        /// As above.
        max_staleness_ms: Option<u64>,
    },
}

/// A numbered write on its way to the leader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForwardedWrite {
    /// Its place in the stream of its front.
    pub position: crate::log_entry::StreamPosition,
    /// What is left of the deadline, in milliseconds; nothing is proposed after it.
    pub deadline_ms: u64,
    /// What the writer's session has seen: the write is committed later.
    pub session: Timestamp,
    /// The client's own number.
    pub client: Option<ClientNumber>,
    /// What to do; `None` only uses the number up (see `Deed`).
    pub write: Option<Write>,
}

/// What was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Untaken {
    /// A write, by its number in the stream.
    Write(u64),
    /// A read, by its id.
    Read(u64),
    /// A write below sequential, by its id.
    Tentative(u64),
}

/// Why a forward was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyNotTaken {
    /// Not the leader; here is who may be.
    NotLeader {
        /// The leader as far as the answering replica knows; 0 if it knows none.
        leader: NodeId,
    },
    /// The number does not follow what the leader has of this stream: send again from the one after `after`.
    Gap {
        /// The newest number of the stream that the leader has.
        after: u64,
    },
    /// Too much under way at the leader: send again a little later.
    Busy,
}

/// The kinds of consensus messages that travel (rule 7 of `docs` lists those that never do).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)] // Raft's own names
pub enum ConsensusKind {
    Append,
    AppendResponse,
    RequestVote,
    RequestVoteResponse,
    RequestPreVote,
    RequestPreVoteResponse,
    Heartbeat,
    HeartbeatResponse,
    ReadIndex,
    ReadIndexResponse,
    TimeoutNow,
    TransferLeader,
}

/// A consensus message in our own words. Snapshots are not among them: they travel as [`SnapshotStep`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // Raft's own names (Ongaro 2014, fig. 3.1; etcd's message fields)
pub struct ConsensusMessage {
    pub kind: ConsensusKind,
    pub term: Term,
    pub log_term: Term,
    pub index: LogIndex,
    pub commit: LogIndex,
    pub commit_term: Term,
    pub reject: bool,
    pub reject_hint: LogIndex,
    pub request_snapshot: LogIndex,
    pub priority: i64,
    pub context: Bytes,
    pub entries: Vec<ConsensusEntry>,
}

/// One entry of a consensus log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsensusEntry {
    /// Where it stands.
    pub index: LogIndex,
    /// The term of the leader that made it.
    pub term: Term,
    /// What the bytes are.
    pub kind: EntryKind,
    /// A `LogEntry`, a configuration change, or nothing (the library's own).
    pub data: Bytes,
    /// The library's context of configuration changes.
    pub context: Bytes,
}

/// What an entry's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A `LogEntry`, or empty.
    Normal,
    /// A configuration change of the library's first kind.
    ConfigurationChange,
    /// A configuration change of the library's second (joint) kind.
    ConfigurationChangeV2,
}

/// Who replicates a group, as consensus knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Voting replicas.
    pub voters: Vec<ReplicaId>,
    /// Voting replicas of the outgoing half of a joint configuration.
    pub voters_outgoing: Vec<ReplicaId>,
    /// Replicas that follow without a vote.
    pub learners: Vec<ReplicaId>,
    /// Outgoing voters that become learners.
    pub learners_next: Vec<ReplicaId>,
    /// Leave the joint configuration by itself. Always false here (rule 10).
    pub auto_leave: bool,
}

/// What a snapshot stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPoint {
    /// The last entry that it contains.
    pub index: LogIndex,
    /// That entry's term.
    pub term: Term,
    /// The configuration at that entry.
    pub configuration: Configuration,
}

/// One step of a snapshot transfer. The sender offers; the receiver says which slots it lacks; pieces flow, each acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotStep {
    /// Leader to follower: the whole table of contents.
    Offer {
        /// The sender's number for this transfer.
        transfer: u64,
        /// The leader's term.
        term: Term,
        /// What it stands for.
        point: SnapshotPoint,
        /// Each slot of the shard with the digest of its content, in order. Empty for the directory.
        slots: Vec<(Slot, u128)>,
        /// Everything that is not in slots: timestamps, dedup table, or the directory itself.
        tables: Bytes,
    },
    /// Follower to leader: send these. An empty list means that nothing is lacking.
    Want {
        /// The transfer.
        transfer: u64,
        /// Slots whose digests differ from what the follower has.
        slots: Vec<Slot>,
    },
    /// Leader to follower: a piece of one slot.
    Piece {
        /// The transfer.
        transfer: u64,
        /// The slot.
        slot: Slot,
        /// Counted from 0 within the slot.
        number: u32,
        /// No further piece of this slot follows.
        last: bool,
        /// Encoded items (`storage::snapshot`).
        data: Bytes,
    },
    /// Follower to leader: everything of the transfer up to this many bytes has arrived; send on.
    Received {
        /// The transfer.
        transfer: u64,
        /// Bytes of pieces received since the offer.
        bytes: u64,
    },
    /// Follower to leader: the snapshot is installed, or was not (`report_snapshot`).
    Finished {
        /// The transfer.
        transfer: u64,
        /// Whether it is installed and durable.
        installed: bool,
    },
}
