//! Between the library's types and ours, both ways. Nothing is decided here.
//!
//! No generated type is ever parsed from bytes (rule 15), with one exception: a configuration change that is already decided and at most 4 KiB long.

use bytes::Bytes;
use proto::ids::{LogIndex, ReplicaId, Term};
use proto::peer::{Configuration, ConsensusEntry, ConsensusKind, ConsensusMessage, EntryKind, SnapshotPoint};
use protobuf::Message as _;
use raft::ReadState;
use raft::eraftpb::{
    ConfChangeV2, ConfState, Entry, EntryType, HardState as RaftHardState, Message, MessageType, Snapshot,
};
use storage::log::HardState;

/// The longest configuration change that is looked at (rule 7).
pub(super) const MAX_CONFIGURATION_CHANGE_BYTES: usize = 4 * 1024;

pub(super) fn proposal(data: Bytes) -> Entry {
    Entry { data, ..Entry::default() }
}

pub(super) fn entry_in(entry: Entry) -> ConsensusEntry {
    ConsensusEntry {
        index: LogIndex(entry.index),
        term: Term(entry.term),
        kind: match entry.entry_type {
            EntryType::EntryNormal => EntryKind::Normal,
            EntryType::EntryConfChange => EntryKind::ConfigurationChange,
            EntryType::EntryConfChangeV2 => EntryKind::ConfigurationChangeV2,
        },
        data: entry.data,
        context: entry.context,
    }
}

pub(super) fn entry_out(entry: ConsensusEntry) -> Entry {
    Entry {
        index: entry.index.0,
        term: entry.term.0,
        entry_type: match entry.kind {
            EntryKind::Normal => EntryType::EntryNormal,
            EntryKind::ConfigurationChange => EntryType::EntryConfChange,
            EntryKind::ConfigurationChangeV2 => EntryType::EntryConfChangeV2,
        },
        data: entry.data,
        context: entry.context,
        ..Entry::default()
    }
}

/// Whether an append's entries do not follow the place that it names. With `batch_append` the library adds new entries to a message that waits; if that one is an empty append and the follower's place was changed since (by a report that it
/// is unreachable, or a refusal), they do not belong together. A follower would have to refuse it (`admit`), so it never leaves.
pub(super) fn has_gap(message: &Message) -> bool {
    message.get_msg_type() == MessageType::MsgAppend
        && message.entries.first().is_some_and(|first| first.index != message.index + 1)
}

/// Sorts a message of the library into ordinary ones and snapshots. Kinds that never travel are dropped.
pub(super) fn message_out(
    mut message: Message,
    messages: &mut Vec<(ReplicaId, ConsensusMessage)>,
    snapshots: &mut Vec<(ReplicaId, SnapshotPoint)>,
) {
    let to = ReplicaId(message.to);
    let kind = match message.get_msg_type() {
        MessageType::MsgAppend => ConsensusKind::Append,
        MessageType::MsgAppendResponse => ConsensusKind::AppendResponse,
        MessageType::MsgRequestVote => ConsensusKind::RequestVote,
        MessageType::MsgRequestVoteResponse => ConsensusKind::RequestVoteResponse,
        MessageType::MsgRequestPreVote => ConsensusKind::RequestPreVote,
        MessageType::MsgRequestPreVoteResponse => ConsensusKind::RequestPreVoteResponse,
        MessageType::MsgHeartbeat => ConsensusKind::Heartbeat,
        MessageType::MsgHeartbeatResponse => ConsensusKind::HeartbeatResponse,
        MessageType::MsgTimeoutNow => ConsensusKind::TimeoutNow,
        MessageType::MsgSnapshot => {
            snapshots.push((to, snapshot_in(message.get_snapshot())));
            return;
        }
        _ => return,
    };
    messages.push((
        to,
        ConsensusMessage {
            kind,
            term: Term(message.term),
            log_term: Term(message.log_term),
            index: LogIndex(message.index),
            commit: LogIndex(message.commit),
            commit_term: Term(message.commit_term),
            reject: message.reject,
            reject_hint: LogIndex(message.reject_hint),
            request_snapshot: LogIndex(message.request_snapshot),
            priority: message.priority,
            entries: message.take_entries().into_iter().map(entry_in).collect(),
            context: message.context,
        },
    ));
}

pub(super) fn message_in(from: ReplicaId, to: ReplicaId, message: ConsensusMessage) -> Message {
    let kind = match message.kind {
        ConsensusKind::Append => MessageType::MsgAppend,
        ConsensusKind::AppendResponse => MessageType::MsgAppendResponse,
        ConsensusKind::RequestVote => MessageType::MsgRequestVote,
        ConsensusKind::RequestVoteResponse => MessageType::MsgRequestVoteResponse,
        ConsensusKind::RequestPreVote => MessageType::MsgRequestPreVote,
        ConsensusKind::RequestPreVoteResponse => MessageType::MsgRequestPreVoteResponse,
        ConsensusKind::Heartbeat => MessageType::MsgHeartbeat,
        ConsensusKind::HeartbeatResponse => MessageType::MsgHeartbeatResponse,
        ConsensusKind::ReadIndex => MessageType::MsgReadIndex,
        ConsensusKind::ReadIndexResponse => MessageType::MsgReadIndexResp,
        ConsensusKind::TimeoutNow => MessageType::MsgTimeoutNow,
        ConsensusKind::TransferLeader => MessageType::MsgTransferLeader,
    };
    let mut out = Message {
        from: from.0,
        to: to.0,
        term: message.term.0,
        log_term: message.log_term.0,
        index: message.index.0,
        commit: message.commit.0,
        commit_term: message.commit_term.0,
        reject: message.reject,
        reject_hint: message.reject_hint.0,
        request_snapshot: message.request_snapshot.0,
        priority: message.priority,
        context: message.context,
        ..Message::default()
    };
    out.set_msg_type(kind);
    out.set_entries(message.entries.into_iter().map(entry_out).collect::<Vec<_>>().into());
    out
}

pub(super) fn hard_state_in(state: &RaftHardState) -> HardState {
    HardState { term: Term(state.term), vote: ReplicaId(state.vote), commit: LogIndex(state.commit) }
}

pub(super) fn configuration_in(state: &ConfState) -> Configuration {
    let ids = |ids: &[u64]| ids.iter().copied().map(ReplicaId).collect();
    Configuration {
        voters: ids(state.get_voters()),
        voters_outgoing: ids(state.get_voters_outgoing()),
        learners: ids(state.get_learners()),
        learners_next: ids(state.get_learners_next()),
        auto_leave: state.auto_leave,
    }
}

pub(super) fn configuration_out(configuration: &Configuration) -> ConfState {
    let ids = |ids: &[ReplicaId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    let mut state = ConfState::default();
    state.set_voters(ids(&configuration.voters));
    state.set_voters_outgoing(ids(&configuration.voters_outgoing));
    state.set_learners(ids(&configuration.learners));
    state.set_learners_next(ids(&configuration.learners_next));
    state.auto_leave = configuration.auto_leave;
    state
}

pub(super) fn snapshot_in(snapshot: &Snapshot) -> SnapshotPoint {
    let metadata = snapshot.get_metadata();
    SnapshotPoint {
        index: LogIndex(metadata.index),
        term: Term(metadata.term),
        configuration: configuration_in(metadata.get_conf_state()),
    }
}

pub(super) fn snapshot_out(point: &SnapshotPoint) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let metadata = snapshot.mut_metadata();
    metadata.index = point.index.0;
    metadata.term = point.term.0;
    metadata.set_conf_state(configuration_out(&point.configuration));
    snapshot
}

/// The read round's number and the index at which its reads may be answered.
pub(super) fn read_state(state: ReadState) -> Option<(LogIndex, u64)> {
    let number = state.request_ctx.try_into().ok().map(u64::from_le_bytes)?;
    Some((LogIndex(state.index), number))
}

/// A decided configuration change. `None` if its bytes are none, which every replica finds alike. Only the second kind is ever proposed here.
pub(super) fn configuration_change(entry: &ConsensusEntry) -> Option<ConfChangeV2> {
    if entry.kind != EntryKind::ConfigurationChangeV2 || entry.data.len() > MAX_CONFIGURATION_CHANGE_BYTES {
        return None;
    }
    let mut change = ConfChangeV2::default();
    change.merge_from_bytes(&entry.data).ok()?;
    Some(change)
}
