//! The kinds that coverage counts, each list made of the match that names its members. A new variant of any of these types does not compile here until it has a name.

use crate::faults;
use crate::network::Shape;
use node::event::Event as Observation;
use node::kinds;
use node::kinds::MessageKind;
use proto::command::Command;
use proto::error::{ErrorKind, Failure};
use proto::level::Level;
use proto::ops::{Read, Write};
use proto::outcome::{Achieved, Outcome, State};
use proto::peer::Message;

/// A fault's word in traces and tables.
pub fn fault_name(kind: faults::Kind) -> &'static str {
    FaultKind::of(&kind).text()
}

/// A message's word in traces and tables.
pub fn message_name(message: &Message) -> &'static str {
    MessageKind::of(message).text()
}

kinds! {
    /// Kinds of faults.
    FaultKind of faults::Kind {
        PowerLoss "power-loss" = faults::Kind::PowerLoss,
        Kill "kill" = faults::Kind::Kill,
        PowerLossAmongOutputs "power-loss-among-outputs" = faults::Kind::PowerLossAmongOutputs,
        PowerLossOfAll "power-loss-of-all" = faults::Kind::PowerLossOfAll,
        Partition "partition" = faults::Kind::Partition,
        LinkFlap "link-flap" = faults::Kind::LinkFlap,
        LossStorm "loss-storm" = faults::Kind::LossStorm,
        SlowNetwork "slow-network" = faults::Kind::SlowNetwork,
        Pause "pause" = faults::Kind::Pause,
        GracefulStop "graceful-stop" = faults::Kind::GracefulStop,
        SlowDisk "slow-disk" = faults::Kind::SlowDisk,
        ClockJump "clock-jump" = faults::Kind::ClockJump,
        CutOff "cut-off" = faults::Kind::CutOff,
        OriginDies "origin-dies" = faults::Kind::OriginDies,
        LateReplica "late-replica" = faults::Kind::LateReplica,
        Clog "clog" = faults::Kind::Clog,
        HalfDead "half-dead" = faults::Kind::HalfDead,
        PartialPartition "partial-partition" = faults::Kind::PartialPartition,
        LongPause "long-pause" = faults::Kind::LongPause,
        WallFarAhead "wall-far-ahead" = faults::Kind::WallFarAhead,
        KillAmongOutputs "kill-among-outputs" = faults::Kind::KillAmongOutputs,
        WakesCutOff "wakes-cut-off" = faults::Kind::WakesCutOff,
        VoterDies "voter-dies" = faults::Kind::VoterDies,
        LateVotes "late-votes" = faults::Kind::LateVotes,
        LostDisk "lost-disk" = faults::Kind::LostDisk,
        FlippedBits "flipped-bits" = faults::Kind::FlippedBits,
        FailedSync "failed-sync" = faults::Kind::FailedSync,
        MisdirectedWrite "misdirected-write" = faults::Kind::MisdirectedWrite,
        FullDisk "full-disk" = faults::Kind::FullDisk,
        Stall "stall" = faults::Kind::Stall,
    }
}

kinds! {
    /// Shapes of partitions.
    ShapeKind of Shape {
        Split "split" = Shape::Split,
        Isolate "isolate" = Shape::Isolate,
        Deaf "deaf" = Shape::Deaf,
        Mute "mute" = Shape::Mute,
        OneWay "one way" = Shape::OneWay,
        QuorumLoss "quorum loss" = Shape::QuorumLoss,
        ConstrainedElection "constrained election" = Shape::ConstrainedElection,
        Chained "chained" = Shape::Chained,
        Bridge "bridge" = Shape::Bridge,
        Ring "ring" = Shape::Ring,
        Random "random" = Shape::Random,
    }
}

kinds! {
    /// What becomes of a frame.
    FrameFate of FrameFate {
        Delivered "delivered" = FrameFate::Delivered,
        Doubled "doubled" = FrameFate::Doubled,
        Lost "lost" = FrameFate::Lost,
        Cut "cut" = FrameFate::Cut,
        HeldUp "held up" = FrameFate::HeldUp,
        Swallowed "swallowed" = FrameFate::Swallowed,
    }
}

kinds! {
    /// What a hurt disk came to.
    Mishap of Mishap {
        DiskLost "disk lost" = Mishap::DiskLost,
        BitsFlipped "bits flipped" = Mishap::BitsFlipped,
        WriteMisdirected "write misdirected" = Mishap::WriteMisdirected,
        EndedItself "a node ended itself because of its disk" = Mishap::EndedItself,
        NoSpaceToStart "a node did not start for want of space" = Mishap::NoSpaceToStart,
        FolderEmptied "a folder was emptied to be rebuilt" = Mishap::FolderEmptied,
    }
}

kinds! {
    /// What cores observe.
    EventKind of Observation {
        LeaderElected "leader elected" = Observation::LeaderElected { .. },
        LeaderLost "leader lost" = Observation::LeaderLost { .. },
        TransferBegun "transfer begun" = Observation::TransferBegun { .. },
        PeerHeard "peer heard" = Observation::PeerHeard { .. },
        PeerSilent "peer silent" = Observation::PeerSilent { .. },
        PeerRefused "peer refused" = Observation::PeerRefused { .. },
        ClockAhead "clock ahead" = Observation::ClockAhead { .. },
        StateDiffers "state differs" = Observation::StateDiffers { .. },
        Quarantined "quarantined" = Observation::Quarantined { .. },
        Rerouted "rerouted" = Observation::Rerouted { .. },
        Relayed "relayed" = Observation::Relayed { .. },
        DiskOutOfSpace "disk out of space" = Observation::DiskSpace { out: true, .. },
        DiskLow "disk low on space" = Observation::DiskSpace { low: true, .. },
        DiskHasSpace "disk has space again" = Observation::DiskSpace { .. },
        SpaceRanOut "space ran out for what can wait" = Observation::SpaceRanOut { .. },
        DiskStalled "disk stalled" = Observation::DiskStalled { stalled: true },
        DiskAnswers "disk answers again" = Observation::DiskStalled { stalled: false },
        RebuildBegun "rebuild begun" = Observation::RebuildBegun { .. },
        RebuildWanted "rebuild wanted" = Observation::RebuildWanted { .. },
        ReplicaReborn "replica reborn" = Observation::ReplicaReborn { .. },
        SnapshotWritten "snapshot written" = Observation::SnapshotWritten { .. },
        SnapshotOffered "snapshot offered" = Observation::SnapshotOffered { .. },
        SnapshotInstalled "snapshot installed" = Observation::SnapshotInstalled { .. },
        GroupPoisoned "group poisoned" = Observation::GroupPoisoned { .. },
        MemoryReached "memory limit reached" = Observation::MemoryLimit { reached: true },
        MemoryFree "memory limit no longer reached" = Observation::MemoryLimit { reached: false },
        LogSynced "log synced" = Observation::LogSynced { .. },
    }
}

/// An answer of this level and state.
macro_rules! done {
    ($level:ident, $state:ident, $dot:pat) => {
        (Outcome::Done { .. }, Achieved { level: Level::$level, state: State::$state, dot: $dot, .. })
    };
}

/// A failure of this kind.
macro_rules! failed {
    ($kind:ident) => {
        (Outcome::Failed(Failure { kind: ErrorKind::$kind, .. }), _)
    };
}

kinds! {
    /// What clients hear.
    AnswerKind of (&Outcome, &Achieved) {
        Linearizable "done, linearizable" = (Outcome::Done { .. }, Achieved { level: Level::Linearizable, .. }),
        Sequential "done, sequential" = (Outcome::Done { .. }, Achieved { level: Level::Sequential, .. }),
        Causal "done, causal" = done!(Causal, Committed, _),
        Eventual "done, eventual" = done!(Eventual, Committed, _),
        CausalWrite "tentative write, causal" = done!(Causal, Tentative, Some(_)),
        CausalRead "tentative read, causal" = done!(Causal, Tentative, None),
        EventualWrite "tentative write, eventual" = done!(Eventual, Tentative, Some(_)),
        EventualRead "tentative read, eventual" = done!(Eventual, Tentative, None),
        Invalid "Invalid" = failed!(Invalid),
        NoQuorum "NoQuorum" = failed!(NoQuorum),
        Retry "Retry" = failed!(Retry),
        OutOfMemory "OutOfMemory" = failed!(OutOfMemory),
        DiskFull "DiskFull" = failed!(DiskFull),
        Expired "Expired" = failed!(Expired),
        Unknown "Unknown" = failed!(Unknown),
        Closed "Closed" = failed!(Closed),
        Behind "Behind" = failed!(Behind),
        Level "Level" = failed!(Level),
    }
}

kinds! {
    /// What clients ask.
    CommandKind of Command {
        StringRead "read of a string" = Command::Read { read: Read::String(_), .. },
        KeyRead "read of a key" = Command::Read { read: Read::Key(_), .. },
        SetRead "read of a set" = Command::Read { read: Read::Set(_), .. },
        HashRead "read of a hash" = Command::Read { read: Read::Hash(_), .. },
        ListRead "read of a list" = Command::Read { read: Read::List(_), .. },
        SortedSetRead "read of a sorted set" = Command::Read { read: Read::SortedSet(_), .. },
        StringWrite "write of a string" = Command::Write { write: Write::String(_), .. },
        KeyWrite "write of a key" = Command::Write { write: Write::Key(_), .. },
        SetWrite "write of a set" = Command::Write { write: Write::Set(_), .. },
        HashWrite "write of a hash" = Command::Write { write: Write::Hash(_), .. },
        ListWrite "write of a list" = Command::Write { write: Write::List(_), .. },
        SortedSetWrite "write of a sorted set" = Command::Write { write: Write::SortedSet(_), .. },
        MGet "mget" = Command::MGet { .. },
        MSet "mset" = Command::MSet { .. },
        Del "del of several" = Command::Del { .. },
        Exists "exists" = Command::Exists { .. },
        DbSize "dbsize" = Command::DbSize,
        Keys "keys" = Command::Keys { .. },
        Scan "scan" = Command::Scan { .. },
        RandomKey "randomkey" = Command::RandomKey,
        FlushAll "flushall" = Command::FlushAll,
        SessionToken "session token" = Command::SessionToken,
        SessionResume "session resume" = Command::SessionResume { .. },
        Wait "wait" = Command::Wait { .. },
    }
}
