//! What goes wrong, and when: the plan of one run's faults.
//!
//! Faults are drawn one after the other: a calm span, a kind out of those that this run has, how long it lasts, whom it hits. Only the drawing is here; the `world`
//! does the damage, because only it has the nodes. Faults may overlap.
//!
//! Invariant: a fault that lasts names its end when it begins, so that a run without an end of faults cannot be drawn.

use crate::network::Shape;
use crate::random::Random;
use crate::schedule::{MILLISECOND, SECOND};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The machine loses power: unsynced writes are kept or lost, and it starts again later.
    PowerLoss,
    /// The process dies, its machine lives: the page cache survives.
    Kill,
    /// The machine loses power in the middle of carrying out a drain's outputs.
    PowerLossAmongOutputs,
    /// All machines lose power at once.
    PowerLossOfAll,
    /// A partition of some shape.
    Partition,
    /// Links break and come back, though the network is whole.
    LinkFlap,
    /// Many frames are lost.
    LossStorm,
    /// All latencies are many times as long.
    SlowNetwork,
    /// A node takes no step for a while, then everything at once.
    Pause,
    /// A node is stopped in good order and started again.
    GracefulStop,
    /// A node's disk is many times as slow.
    SlowDisk,
    /// A node's wall clock is set forward or back.
    ClockJump,
    /// A node reaches nobody for long, while its clients go on.
    CutOff,
    /// A node loses power as soon as it has answered a write that only it may have.
    OriginDies,
    /// A node's disk is so slow that it applies far behind the others.
    LateReplica,
    /// A machine comes back without what was on its disk, but for the small files that say who it is.
    LostDisk,
    /// Bits on a disk flip while its machine is down.
    FlippedBits,
    /// A sync fails; what it should have made durable is so in part.
    FailedSync,
    /// A batch of the log is written to another place than the disk was told, which it does not say.
    MisdirectedWrite,
    /// A disk has hardly any space left for a while.
    FullDisk,
    /// A disk takes seconds for whatever it is asked.
    Stall,
    /// What one node sends to some others, or they to it, is held up and comes in a burst.
    Clog,
    /// What one node sends to some others, or they to it, vanishes though the links are up.
    HalfDead,
    /// A partition that leaves everybody in reach of somebody, for long.
    PartialPartition,
    /// A node takes no step for far longer than an election takes.
    LongPause,
    /// A node's wall clock is set further ahead than its peers accept, until the operator mends it.
    WallFarAhead,
    /// The process dies in the middle of carrying out a drain's outputs; its machine lives.
    KillAmongOutputs,
    /// A node takes no step for longer than an election takes, and is cut off from the others when it goes on.
    WakesCutOff,
    /// Nodes lose power as soon as they have given a vote, and are back at once; whom they have elected is not heard for a while.
    VoterDies,
    /// Requests for votes come late.
    LateVotes,
}

impl Kind {
    /// What goes wrong with disks, beyond slowness. Some cost a node its memory (`forgets`).
    pub const DISK: [Kind; 6] = [
        Kind::LostDisk,
        Kind::FlippedBits,
        Kind::FailedSync,
        Kind::MisdirectedWrite,
        Kind::FullDisk,
        Kind::Stall,
    ];

    /// Whether it costs a node its memory: that needs groups of three replicas at least.
    pub fn forgets(self) -> bool {
        matches!(self, Kind::LostDisk | Kind::FlippedBits | Kind::MisdirectedWrite)
    }

    /// The kinds that only runs with weak operations have.
    pub const WEAK: [Kind; 3] = [Kind::CutOff, Kind::OriginDies, Kind::LateReplica];

    /// The kinds of any run.
    pub const ALL: [Kind; 12] = [
        Kind::PowerLoss,
        Kind::Kill,
        Kind::PowerLossAmongOutputs,
        Kind::PowerLossOfAll,
        Kind::Partition,
        Kind::LinkFlap,
        Kind::LossStorm,
        Kind::SlowNetwork,
        Kind::Pause,
        Kind::GracefulStop,
        Kind::SlowDisk,
        Kind::ClockJump,
    ];

    /// The kinds that came later. Drawn from a stream of their own, so that the worlds of older seeds keep the kinds that they had.
    pub const LATER: [Kind; 9] = [
        Kind::Clog,
        Kind::HalfDead,
        Kind::PartialPartition,
        Kind::LongPause,
        Kind::WallFarAhead,
        Kind::KillAmongOutputs,
        Kind::WakesCutOff,
        Kind::VoterDies,
        Kind::LateVotes,
    ];

    /// The word for it in traces and coverage.
    pub fn name(self) -> &'static str {
        crate::coverage::fault_name(self)
    }
}

/// How a run's faults are drawn.
#[derive(Clone, Debug)]
pub struct FaultParams {
    /// The kinds that this run has, at least three.
    pub kinds: Vec<Kind>,
    /// A usual calm span between the beginnings of two faults, in nanoseconds.
    pub calm_ns: u64,
    /// A usual length of a fault, in nanoseconds.
    pub length_ns: u64,
}

impl FaultParams {
    /// Draws the kinds and the pace.
    pub fn draw(random: &mut Random) -> FaultParams {
        let mut kinds = Kind::ALL.to_vec();
        random.shuffle(&mut kinds);
        kinds.truncate(random.between(3, 9) as usize);
        kinds.sort_unstable();
        kinds.extend(FaultParams::draw_later(&mut random.fork("later", 0)));
        FaultParams {
            kinds,
            calm_ns: random.between(2_000, 5_000) * MILLISECOND,
            length_ns: random.between(300, 3_000) * MILLISECOND,
        }
    }
}

/// Draws what goes wrong with the disks of a run: nothing in half of them. Of a stream of its own, so that the other half is what it was before there was any.
pub fn draw_of_disks(random: &mut Random, replicas: usize) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Kind::DISK.to_vec();
    kinds.retain(|kind| replicas >= 3 || !kind.forgets());
    random.shuffle(&mut kinds);
    kinds.truncate(if random.chance(1, 2) { random.between(1, kinds.len() as u64) as usize } else { 0 });
    kinds.sort_unstable();
    kinds
}

impl FaultParams {
    fn draw_later(random: &mut Random) -> Vec<Kind> {
        let mut kinds = Kind::LATER.to_vec();
        random.shuffle(&mut kinds);
        kinds.truncate(*random.pick(&[0, 1, 2, 2, 3, 4]));
        kinds.sort_unstable();
        kinds
    }
}

/// Whom a fault is to hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The node of this number, from 0.
    Node(usize),
    /// The leader of some group, whoever that is.
    Leader,
}

/// One fault, drawn and not yet done.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its place in the plan, from 1.
    pub number: u64,
    /// What.
    pub kind: Kind,
    /// Whom.
    pub victim: Victim,
    /// The shape, of a partition.
    pub shape: Shape,
    /// How long it lasts, in nanoseconds.
    pub length_ns: u64,
    /// A number for what else the kind needs.
    pub detail: u64,
}

/// Draws the plan.
pub struct Plan {
    params: FaultParams,
    nodes: usize,
    random: Random,
    first: Vec<Kind>,
    drawn: u64,
}

impl Plan {
    /// The plan of a run. The first faults go through all of the run's kinds once, so that a seed has what its parameters say.
    pub fn new(params: FaultParams, nodes: usize, mut random: Random) -> Plan {
        let mut first = params.kinds.clone();
        random.shuffle(&mut first);
        Plan { params, nodes, random, first, drawn: 0 }
    }

    /// The next calm span in nanoseconds, and the fault that ends it.
    pub fn draw(&mut self) -> (u64, Fault) {
        let random = &mut self.random;
        let kind = self.first.pop().unwrap_or_else(|| *random.pick(&self.params.kinds));
        let victim =
            if random.chance(1, 2) { Victim::Leader } else { Victim::Node(random.index(self.nodes)) };
        // A process that is back before anybody elects another leader meets its own past: what it forgot shows at once.
        let is_back_at_once =
            matches!(kind, Kind::PowerLoss | Kind::Kill | Kind::PowerLossOfAll) && random.chance(1, 3);
        let length_ns = if is_back_at_once {
            random.between(1, 100) * MILLISECOND
        } else {
            random.span(self.params.length_ns).clamp(50 * MILLISECOND, 8 * SECOND)
        };
        self.drawn += 1;
        let (number, shape, detail) = (self.drawn, *random.pick(&Shape::ALL), random.bits());
        let fault = Fault { number, kind, victim, shape, length_ns, detail };
        (random.span(self.params.calm_ns), fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_all_kinds_of_its_run_and_mostly_calm() {
        for seed in 0..50 {
            let mut random = Random::new(seed);
            let params = FaultParams::draw(&mut random);
            let kinds = params.kinds.clone();
            let mut plan = Plan::new(params, 3, random.fork("plan", 0));
            let mut seen: Vec<Kind> = (0..kinds.len()).map(|_| plan.draw().1.kind).collect();
            seen.sort_unstable();
            let mut kinds = kinds;
            kinds.sort_unstable();
            assert!(kinds.len() >= 3);
            assert_eq!(seen, kinds);
        }
    }
}
