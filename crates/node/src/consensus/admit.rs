//! Which peer messages may reach the library (rule 7). Each of these would make it panic, or worse, believe.
//!
//! Damaged frames never come this far; what is refused here comes from a peer that is broken, hostile, or of another time.

use super::tail::Tail;
use super::translate::MAX_CONFIGURATION_CHANGE_BYTES;
use proto::ids::ReplicaId;
use proto::peer::{ConsensusKind, ConsensusMessage, EntryKind};
use raft::RawNode;
use std::fmt;

/// Terms from here on are nobody's.
const TERM_CEILING: u64 = 1 << 62;
/// The library's mark of a vote that a leader's transfer forces.
const FORCED: &[u8] = b"CampaignTransfer";

/// Why a message was refused. The sender hears nothing; the event names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inadmissible {
    /// The sender is not in this group's configuration.
    Stranger,
    /// The term is zero or absurd.
    Term,
    /// A kind that never travels between peers.
    Kind,
    /// Entries with gaps, or terms that go back or pass the message's.
    Entries,
    /// It speaks of a log position that this replica cannot have acknowledged.
    Position,
    /// A configuration change that is too long.
    ConfigurationChange,
}

impl fmt::Display for Inadmissible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Inadmissible::Stranger => "its sender is not in the group",
            Inadmissible::Term => "its term is zero or absurd",
            Inadmissible::Kind => "messages of that kind never travel between nodes",
            Inadmissible::Entries => "its entries are not contiguous or their terms go back",
            Inadmissible::Position => "it names a log position that cannot be",
            Inadmissible::ConfigurationChange => "its configuration change is too long",
        })
    }
}

/// Whether a message may be stepped.
pub(super) fn check(
    raft: &RawNode<Tail>,
    from: ReplicaId,
    message: &ConsensusMessage,
) -> Result<(), Inadmissible> {
    if raft.raft.prs().get(from.0).is_none() || from.0 == raft.raft.id {
        return Err(Inadmissible::Stranger);
    }
    if message.term.0 == 0 || message.term.0 >= TERM_CEILING {
        return Err(Inadmissible::Term);
    }
    if message.request_snapshot.0 != 0 {
        return Err(Inadmissible::Position);
    }
    let last = raft.raft.raft_log.last_index();
    match message.kind {
        ConsensusKind::ReadIndex | ConsensusKind::ReadIndexResponse | ConsensusKind::TransferLeader => {
            return Err(Inadmissible::Kind);
        }
        ConsensusKind::Heartbeat if message.commit.0 > last => return Err(Inadmissible::Position),
        ConsensusKind::AppendResponse if !message.reject && message.index.0 > last => {
            return Err(Inadmissible::Position);
        }
        ConsensusKind::Append => check_entries(message)?,
        _ => {}
    }
    if message.kind != ConsensusKind::Append && !message.entries.is_empty() {
        return Err(Inadmissible::Entries);
    }
    Ok(())
}

fn check_entries(message: &ConsensusMessage) -> Result<(), Inadmissible> {
    let mut index = message.index.0;
    let mut term = message.log_term.0;
    for entry in &message.entries {
        index = index.checked_add(1).ok_or(Inadmissible::Entries)?;
        if entry.index.0 != index || entry.term.0 < term || entry.term > message.term || entry.term.0 == 0 {
            return Err(Inadmissible::Entries);
        }
        term = entry.term.0;
        if entry.kind != EntryKind::Normal && entry.data.len() > MAX_CONFIGURATION_CHANGE_BYTES {
            return Err(Inadmissible::ConfigurationChange);
        }
    }
    Ok(())
}

/// Whether this asks for a vote that no leader's transfer forces.
pub(super) fn asks_unforced_vote(message: &ConsensusMessage) -> bool {
    asks_vote(message) && message.context != FORCED
}

/// Whether a leader's transfer forces this vote.
pub(super) fn forces_vote(message: &ConsensusMessage) -> bool {
    asks_vote(message) && message.context == FORCED
}

fn asks_vote(message: &ConsensusMessage) -> bool {
    matches!(message.kind, ConsensusKind::RequestVote | ConsensusKind::RequestPreVote)
}
