//! Kinds of things that can happen, for counting them: the macro `kinds!`, and the kinds of messages.
//!
//! A list of kinds that somebody keeps by hand grows old in silence. So each list is made of the `match` that names them, and that match has no wildcard: a new variant does not compile until it has a name, and
//! once it has one, a batch of simulated runs that never reaches it fails (`sim`'s coverage).

use proto::peer::{ConsensusKind, ConsensusMessage, Demand, Message, SnapshotStep, WhyNotTaken};

/// An enum of kinds out of the patterns that they stand for.
#[macro_export]
macro_rules! kinds {
    ($(#[$doc:meta])* $kind:ident of $type:ty { $($name:ident $text:literal = $pattern:pat,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)] // their names in words are their texts
        pub enum $kind {
            $($name,)*
        }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [$kind] = &[$($kind::$name,)*];

            /// The kind of this one.
            pub fn of(value: &$type) -> $kind {
                match value {
                    $($pattern => $kind::$name,)*
                }
            }

            /// Its name in words.
            pub fn text(self) -> &'static str {
                match self {
                    $($kind::$name => $text,)*
                }
            }
        }
    };
}

/// Spares the patterns below a line each.
macro_rules! consensus {
    ($kind:ident) => {
        Message::Consensus { message: ConsensusMessage { kind: ConsensusKind::$kind, .. }, .. }
    };
}

kinds! {
    /// The kinds of messages between nodes, as far as they mean different things.
    MessageKind of Message {
        Announce "announce" = Message::Announce(_),
        Links "links" = Message::Links { .. },
        StateDigests "state-digests" = Message::StateDigests { .. },
        RebuildWanted "rebuild-wanted" = Message::RebuildWanted { .. },
        LeftoversWanted "leftovers-wanted" = Message::LeftoversWanted { .. },
        NoLeftovers "no-leftovers" = Message::NoLeftovers { .. },
        Append "append" = consensus!(Append),
        AppendResponse "append-response" = consensus!(AppendResponse),
        RequestVote "request-vote" = consensus!(RequestVote),
        RequestVoteResponse "request-vote-response" = consensus!(RequestVoteResponse),
        RequestPreVote "request-pre-vote" = consensus!(RequestPreVote),
        RequestPreVoteResponse "request-pre-vote-response" = consensus!(RequestPreVoteResponse),
        Heartbeat "heartbeat" = consensus!(Heartbeat),
        HeartbeatResponse "heartbeat-response" = consensus!(HeartbeatResponse),
        ReadIndex "read-index" = consensus!(ReadIndex),
        ReadIndexResponse "read-index-response" = consensus!(ReadIndexResponse),
        TimeoutNow "timeout-now" = consensus!(TimeoutNow),
        TransferLeader "transfer-leader" = consensus!(TransferLeader),
        ForwardWrite "forward-write" = Message::ForwardWrite { .. },
        WriteAnswer "write-answer" = Message::WriteAnswer { .. },
        NotTakenNotLeader "not-taken: not leader" = Message::NotTaken { why: WhyNotTaken::NotLeader { .. }, .. },
        NotTakenGap "not-taken: gap" = Message::NotTaken { why: WhyNotTaken::Gap { .. }, .. },
        NotTakenBusy "not-taken: busy" = Message::NotTaken { why: WhyNotTaken::Busy, .. },
        ReadEverything "forward-read: everything" = Message::ForwardRead { demand: Demand::Everything { .. }, .. },
        ReadUpTo "forward-read: up to a time" = Message::ForwardRead { demand: Demand::UpTo { .. }, .. },
        ReadSession "forward-read: a session" = Message::ForwardRead { demand: Demand::Session { .. }, .. },
        ReadNothing "forward-read: whatever is there" = Message::ForwardRead { demand: Demand::Nothing { .. }, .. },
        ReadAnswer "read-answer" = Message::ReadAnswer { .. },
        TimeWanted "time-wanted" = Message::TimeWanted { .. },
        ForwardTentative "forward-tentative" = Message::ForwardTentative { .. },
        TentativeAnswer "tentative-answer" = Message::TentativeAnswer { .. },
        Held "held" = Message::Held { .. },
        HeldWanted "held-wanted" = Message::HeldWanted { .. },
        HeldDurably "held-durably" = Message::HeldDurably { .. },
        Submit "submit" = Message::Submit { .. },
        HandOver "hand-over" = Message::HandOver { .. },
        HandedOver "handed-over" = Message::HandedOver { .. },
        Folded "folded" = Message::Folded { .. },
        FloorWanted "floor-wanted" = Message::FloorWanted { .. },
        FloorPromise "floor-promise" = Message::FloorPromise { .. },
        SnapshotOffer "snapshot-offer" = Message::Snapshot { step: SnapshotStep::Offer { .. }, .. },
        SnapshotWant "snapshot-want" = Message::Snapshot { step: SnapshotStep::Want { .. }, .. },
        SnapshotPiece "snapshot-piece" = Message::Snapshot { step: SnapshotStep::Piece { .. }, .. },
        SnapshotReceived "snapshot-received" = Message::Snapshot { step: SnapshotStep::Received { .. }, .. },
        SnapshotFinished "snapshot-finished" = Message::Snapshot { step: SnapshotStep::Finished { .. }, .. },
        ProposeDirectory "propose-directory" = Message::ProposeDirectory { .. },
        DirectoryWanted "directory-wanted" = Message::DirectoryWanted { .. },
        DirectoryCopy "directory-copy" = Message::DirectoryCopy { .. },
    }
}
