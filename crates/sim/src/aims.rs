//! Worlds that are aimed at something: some mistakes show only where several rare things come together, and a seed that draws each of them by itself hardly ever draws them all.
//!
//! Four seeds in ten are aimed, each in one direction. An aim bends a few parameters of a drawn world and leaves the rest to chance; it knows nothing of any particular bug. What the planted bugs have taught (`docs/testing.md`) is written
//! here: two votes of five elect nobody unless candidates meet; a deposed leader shows only if somebody asks it; a clock behind shows only to who comes from one ahead.
//!
//! Invariant: drawn from a stream of its own.

use crate::faults::Kind;
use crate::params::Params;
use crate::random::Random;
use crate::schedule::MILLISECOND;
use std::fmt;

/// Where a world is aimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Elections with several candidates: five or seven replicas that start together, votes that come late, voters that die of having voted.
    Elections,
    /// Leaders that do not know that they are deposed, and clients that ask them.
    StaleLeaders,
    /// Links in part broken for long, with many replicas.
    PartialCuts,
    /// Leases of leaders that sleep, are deposed, hand over and start again, on clocks that drift, with links around which frames are relayed.
    Leases,
    /// Sessions that go from a node whose clock is ahead to one whose clock is behind.
    SkewedSessions,
}

impl Aim {
    /// All of them.
    pub const ALL: [Aim; 6] =
        [Aim::Nowhere, Aim::Elections, Aim::StaleLeaders, Aim::PartialCuts, Aim::Leases, Aim::SkewedSessions];

    /// Its name as an argument.
    pub fn word(self) -> &'static str {
        match self {
            Aim::Nowhere => "nowhere",
            Aim::Elections => "elections",
            Aim::StaleLeaders => "stale-leaders",
            Aim::PartialCuts => "partial-cuts",
            Aim::Leases => "leases",
            Aim::SkewedSessions => "skewed-sessions",
        }
    }

    /// Draws an aim.
    pub fn draw(random: &mut Random) -> Aim {
        match random.below(10) {
            0 => Aim::Elections,
            1 => Aim::StaleLeaders,
            2 => Aim::PartialCuts,
            3 => Aim::SkewedSessions,
            _ => Aim::Nowhere,
        }
    }

    /// Bends a world.
    pub fn bend(self, params: &mut Params, random: &mut Random) {
        let kinds: &[Kind] = match self {
            Aim::Nowhere => return,
            Aim::Elections => {
                params.nodes = *random.pick(&[3, 5, 5, 7]);
                params.replicas = params.nodes;
                params.shards = 8;
                params.network.latency_ns = *random.pick(&[5, 20]) * MILLISECOND;
                params.faults.length_ns = random.between(300, 1_500) * MILLISECOND;
                &[Kind::PowerLossOfAll, Kind::VoterDies, Kind::LateVotes]
            }
            Aim::StaleLeaders => {
                params.nodes = *random.pick(&[3, 3, 5]);
                params.replicas = params.nodes;
                params.shards = random.between(1, 3) as u32;
                params.workload.think_ns = 40 * MILLISECOND;
                params.workload.hot_keys = random.between(1, 2);
                params.workload.reads_percent = 50;
                params.workload.sequential_percent = 0;
                &[Kind::WakesCutOff, Kind::PartialPartition]
            }
            Aim::PartialCuts => {
                params.nodes = *random.pick(&[3, 5, 5, 7]);
                params.replicas = if random.chance(1, 2) { params.nodes } else { 3 };
                params.faults.length_ns = random.between(1_000, 4_000) * MILLISECOND;
                &[Kind::PartialPartition, Kind::HalfDead, Kind::Clog]
            }
            Aim::Leases => {
                params.lease = true;
                params.nodes = *random.pick(&[3, 3, 5]);
                params.replicas = params.nodes;
                params.shards = random.between(1, 4) as u32;
                // Two clocks may be 40 parts per thousand apart then; the lease allows for 50.
                params.drift_ppm = *random.pick(&[200, 5_000, 20_000]);
                // So that some come to a leader that sleeps, behind others' writes, and still wait when it wakes.
                params.workload.moves_one_in = *random.pick(&[2, 3, 10]);
                params.workload.deadline_ms = *random.pick(&[1_000, 2_000, 4_000]);
                params.workload.think_ns = 40 * MILLISECOND;
                params.workload.hot_keys = random.between(1, 2);
                params.workload.reads_percent = 60;
                params.workload.sequential_percent = 0;
                &[
                    Kind::WakesCutOff,
                    Kind::Pause,
                    Kind::GracefulStop,
                    Kind::Kill,
                    Kind::PartialPartition,
                    Kind::Clog,
                    Kind::VoterDies,
                ]
            }
            Aim::SkewedSessions => {
                params.nodes = *random.pick(&[4, 5, 7]);
                params.replicas = 3;
                params.shards = 8;
                params.wall_offset_ms = 240;
                params.network.latency_ns = *random.pick(&[50, 500]) * 1_000;
                params.workload.sequential_percent = *random.pick(&[50, 80]);
                &[Kind::PartialPartition, Kind::Partition]
            }
        };
        // Few others, so that each comes often.
        random.shuffle(&mut params.faults.kinds);
        params.faults.kinds.truncate(2);
        for kind in kinds {
            if !params.faults.kinds.contains(kind) {
                params.faults.kinds.push(*kind);
            }
        }
        params.faults.kinds.sort_unstable();
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
