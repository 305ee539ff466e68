//! Frames and requests in a few words, for the trace.
//!
//! A message of a consensus group begins with `g` and the group's number, so that a reader, and the trace's filter, can follow one group.

use crate::coverage::message_name;
use bytes::Bytes;
use proto::command::Command;
use proto::frame::Frame;
use proto::peer::{ConsensusKind, Message};
use proto::tentative::Operation;

/// A frame: its messages, with a semicolon between them.
pub(crate) fn frame(bytes: &Bytes) -> String {
    let Ok(frame) = Frame::decode(bytes) else { return "no frame".to_owned() };
    frame.messages.iter().map(message).collect::<Vec<_>>().join("; ")
}

/// Whether a frame says nothing but that its sender lives.
pub(crate) fn is_idle_talk(bytes: &Bytes) -> bool {
    let is_idle = |message: &Message| match message {
        Message::Announce(_) | Message::Links { .. } => true,
        Message::Consensus { message, .. } => {
            matches!(message.kind, ConsensusKind::Heartbeat | ConsensusKind::HeartbeatResponse)
        }
        _ => false,
    };
    Frame::decode(bytes).is_ok_and(|frame| frame.messages.iter().all(is_idle))
}

/// Whether a frame asks for a vote that somebody might give.
pub(crate) fn asks_for_votes(bytes: &Bytes) -> bool {
    has(bytes, ConsensusKind::RequestVote)
}

/// Whether a frame gives a vote.
pub(crate) fn gives_a_vote(bytes: &Bytes) -> bool {
    has(bytes, ConsensusKind::RequestVoteResponse)
}

fn has(bytes: &Bytes, kind: ConsensusKind) -> bool {
    let is_it = |said: &Message| matches!(said, Message::Consensus { message, .. } if message.kind == kind && !message.reject);
    Frame::decode(bytes).is_ok_and(|frame| frame.messages.iter().any(is_it))
}

fn dots(operations: &[Operation]) -> String {
    operations.iter().map(|operation| operation.dot.to_string()).collect::<Vec<_>>().join(" ")
}

fn message(message: &Message) -> String {
    let name = message_name(message);
    match message {
        Message::Consensus { group, message: said, .. } => format!(
            "g{group} {name} t{} i{} c{} n{}{}",
            said.term,
            said.index,
            said.commit,
            said.entries.len(),
            if said.reject { " REJECT" } else { "" }
        ),
        Message::ForwardWrite { group, forward } => format!("g{group} {name} {}", forward.position.number),
        Message::WriteAnswer { group, number, .. } => format!("g{group} {name} {number}"),
        Message::NotTaken { group, what, .. } => format!("g{group} {name} {what:?}"),
        Message::ForwardRead { group, id, .. } => format!("g{group} {name} {id}"),
        Message::ReadAnswer { id, .. } => format!("{name} {id}"),
        Message::TimeWanted { group, at } => format!("g{group} {name} {at:?}"),
        Message::ForwardTentative { group, id, .. } => format!("g{group} {name} {id}"),
        Message::TentativeAnswer { id, dot, .. } => {
            format!("{name} {id} {}", dot.map_or("nothing".to_owned(), |dot| dot.to_string()))
        }
        Message::Held { group, origin, after, operations, covered } => {
            format!("g{group} {name} {origin} after {after} n{} covered {covered}", operations.len())
        }
        Message::HeldDurably { group, origin, number } => format!("g{group} {name} {origin}:{number}"),
        Message::Submit { group, operations } | Message::HandOver { group, operations } => {
            format!("g{group} {name} {}", dots(operations))
        }
        Message::HandedOver { group, number, .. } => format!("g{group} {name} {number}"),
        Message::Folded { folds } => {
            let folds: Vec<String> =
                folds.iter().map(|fold| format!("{}:{}", fold.origin, fold.number)).collect();
            format!("{name} {}", folds.join(" "))
        }
        Message::HeldWanted { group, .. } | Message::FloorWanted { group } => format!("g{group} {name}"),
        Message::FloorPromise { group, origin, floor } => format!("g{group} {name} {origin} {floor:?}"),
        Message::Snapshot { group, .. } => format!("g{group} {name}"),
        Message::RebuildWanted { group, .. }
        | Message::LeftoversWanted { group, .. }
        | Message::NoLeftovers { group, .. } => format!("g{group} {name}"),
        Message::Announce(_)
        | Message::Links { .. }
        | Message::StateDigests { .. }
        | Message::ProposeDirectory { .. }
        | Message::DirectoryWanted { .. }
        | Message::DirectoryCopy { .. } => name.to_owned(),
    }
}

/// A request: what is done to which keys. Long values are cut.
pub(crate) fn command(command: &Command) -> String {
    let text = match command {
        Command::Read { read, .. } => format!("{read:?}"),
        Command::Write { write, .. } => format!("{write:?}"),
        other => format!("{other:?}"),
    };
    const MOST_CHARS: usize = 160;
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
