//! Everything about a run that its seed decides before the first event.
//!
//! Printed at the top of every trace and failure, so that a person sees what kind of world it was. Ranges are chosen so that most seeds are hard and nearly all of
//! them still let half of the operations through: a run in which nothing succeeds proves nothing.
//!
//! Invariant: drawn in one go from one fork of the seed; nothing here depends on anything but the seed.

use crate::aims::Aim;
use crate::faults::FaultParams;
use crate::network::NetworkParams;
use crate::overrides::Left;
use crate::random::Random;
use crate::schedule::{MILLISECOND, SECOND};
use crate::weak::WeakParams;
use std::fmt;

/// How a disk behaves.
#[derive(Clone, Copy, Debug)]
pub struct DiskParams {
    /// A usual time for one sync, in nanoseconds.
    pub sync_ns: u64,
    /// A usual time for any other operation, in nanoseconds.
    pub operation_ns: u64,
}

/// What clients do.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadParams {
    /// Clients, each with one connection at a time.
    pub clients: usize,
    /// How many requests a pipelining client keeps under way. Every fourth client pipelines.
    pub pipeline: usize,
    /// A usual time between an answer and the next request, in nanoseconds.
    pub think_ns: u64,
    /// Reads among a hundred operations.
    pub reads_percent: u64,
    /// Judged keys of each kind.
    pub hot_keys: u64,
    /// Keys that are written now and then to give the state some size.
    pub cold_keys: u64,
    /// The longest cold value, in bytes.
    pub cold_value_bytes: u64,
    /// Of a hundred writes to cold keys, so many delete.
    pub cold_deletes_percent: u64,
    /// The deadline of a request, in milliseconds.
    pub deadline_ms: u64,
    /// One in so many answers makes a client that carries no session go to another node.
    pub moves_one_in: u64,
    /// Of a hundred reads, so many may be answered below linearizable; of a hundred writes, half as many are called sequential.
    pub sequential_percent: u64,
    /// What they do below sequential.
    pub weak: WeakParams,
}

/// A whole run's parameters.
#[derive(Clone, Debug)]
pub struct Params {
    /// The seed that drew them.
    pub seed: u64,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// Shards.
    pub shards: u32,
    /// Replicas of each shard.
    pub replicas: usize,
    /// The nodes find each other; otherwise they begin with a founding set that is ready.
    pub founding_by_messages: bool,
    /// How long faults go on, in nanoseconds.
    pub safety_ns: u64,
    /// The network.
    pub network: NetworkParams,
    /// The disks.
    pub disk: DiskParams,
    /// A node steps what has come in after this long, in nanoseconds: the batch of a busy body.
    pub batch_ns: u64,
    /// The monotonic clocks are off by up to this, in parts per million.
    pub drift_ppm: u64,
    /// The wall clocks run too fast or too slow by up to this, in parts per million.
    pub wall_drift_ppm: u64,
    /// The wall clocks are off by up to this, in milliseconds.
    pub wall_offset_ms: u64,
    /// A log segment's size in bytes: small ones make truncation and snapshots happen within a minute.
    pub segment_bytes: u64,
    /// Log bytes of a group after which it is snapshotted.
    pub snapshot_log_bytes: u64,
    /// Linearizable reads may rest on a leader's lease.
    pub lease: bool,
    /// The memory limit in bytes, if the run has one.
    pub memory_limit_bytes: Option<u64>,
    /// The faults.
    pub faults: FaultParams,
    /// The clients.
    pub workload: WorkloadParams,
    /// Where it is aimed.
    pub aim: Aim,
    /// What is left of it; a seed leaves everything.
    pub left: Left,
}

impl Params {
    /// The parameters of a seed.
    pub fn draw(seed: u64) -> Params {
        Params::draw_with(seed, None)
    }

    /// The parameters of a seed; of a hundred operations so many are weak, whatever the seed says.
    pub fn draw_with(seed: u64, weak_percent: Option<u64>) -> Params {
        Params::draw_aimed(seed, weak_percent, None)
    }

    /// The same, aimed somewhere, wherever the seed would aim.
    pub fn draw_aimed(seed: u64, weak_percent: Option<u64>, aim: Option<Aim>) -> Params {
        let random = Random::new(seed).fork("params", 0);
        let mut draw = random.clone();
        let nodes = *draw.pick(&[1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]);
        let replicas = if nodes >= 3 && draw.chance(7, 8) {
            *draw.pick(&[3, 3, 3, nodes - (nodes + 1) % 2])
        } else {
            draw.between(1, nodes as u64) as usize
        };
        let mut faults = FaultParams::draw(&mut random.fork("faults", 0));
        let mut draw_weak = random.fork("weak", 0);
        let mut weak = WeakParams::draw(&mut draw_weak);
        weak.percent = weak_percent.unwrap_or(weak.percent);
        if replicas < 2 {
            weak.acks_percent = 0;
        }
        if weak.is_on() {
            faults.kinds.extend(WeakParams::draw_faults(&mut draw_weak));
        } else {
            weak = WeakParams::default();
        }
        faults.kinds.extend(crate::faults::draw_of_disks(&mut random.fork("disk faults", 0), replicas));
        let mut params = Params {
            seed,
            nodes,
            shards: draw.between(1, 8) as u32,
            replicas,
            founding_by_messages: draw.chance(1, 4),
            safety_ns: draw.between(60, 75) * SECOND,
            network: NetworkParams {
                latency_ns: *draw.pick(&[50, 100, 500, 1_000, 5_000, 20_000]) * 1_000,
                loss_ppm: *draw.pick(&[0, 0, 100, 1_000, 10_000, 50_000]),
                duplication_ppm: *draw.pick(&[0, 100, 1_000, 20_000]),
                reordering_ppm: *draw.pick(&[0, 1_000, 10_000, 100_000]),
                notice_ns: draw.between(200, 4_000) * MILLISECOND,
            },
            disk: DiskParams {
                sync_ns: *draw.pick(&[20, 100, 500, 2_000, 8_000]) * 1_000,
                operation_ns: draw.between(1, 50) * 1_000,
            },
            batch_ns: *draw.pick(&[0, 10, 50, 200, 1_000]) * 1_000,
            drift_ppm: *draw.pick(&[0, 50, 200, 5_000]),
            wall_drift_ppm: *random.fork("wall drift", 0).pick(&[0, 0, 50, 500, 2_000]),
            wall_offset_ms: *draw.pick(&[0, 5, 50, 200]),
            segment_bytes: *draw.pick(&[64, 128, 256, 1_024]) * 1_024,
            snapshot_log_bytes: *draw.pick(&[16, 64, 256]) * 1_024,
            // Of a stream of its own, as everything that came later.
            lease: random.fork("lease", 0).chance(1, 3),
            memory_limit_bytes: draw.chance(1, 8).then(|| draw.between(100, 600) * 256),
            faults,
            workload: WorkloadParams {
                clients: draw.between(6, 14) as usize,
                pipeline: draw.between(1, 6) as usize,
                think_ns: *draw.pick(&[40, 80, 120, 160]) * MILLISECOND,
                reads_percent: draw.between(20, 60),
                hot_keys: draw.between(2, 5),
                cold_keys: draw.between(20, 400),
                cold_value_bytes: *draw.pick(&[64, 512, 4_096]),
                cold_deletes_percent: 0,
                deadline_ms: *draw.pick(&[500, 1_000, 2_000, 4_000]),
                moves_one_in: 100,
                // Of a stream of its own: the worlds of older seeds stay what they were.
                sequential_percent: *random.fork("levels", 0).pick(&[0, 20, 50, 80]),
                weak,
            },
            aim: Aim::Nowhere,
            left: Left::default(),
        };
        if params.memory_limit_bytes.is_some() {
            // Small values would never fill it, and without deletions it would never be free again.
            (params.workload.cold_value_bytes, params.workload.cold_deletes_percent) = (8_192, 30);
        }
        let mut draw_aim = random.fork("aim", 0);
        let drawn = Aim::draw(&mut draw_aim);
        params.aim = aim.unwrap_or(drawn);
        params.aim.bend(&mut params, &mut draw_aim);
        if weak.is_on() {
            // Everybody is asked in the end what it holds.
            params.workload.clients = params.workload.clients.max(nodes);
        }
        if weak.is_focused {
            params.workload.hot_keys = 1;
        }
        params
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} nodes, {} shards, {} replicas each, founding {}, {} s of faults, aimed {}",
            self.seed,
            self.nodes,
            self.shards,
            self.replicas,
            if self.founding_by_messages { "by messages" } else { "ready" },
            self.safety_ns / SECOND,
            self.aim
        )?;
        let network = &self.network;
        writeln!(
            f,
            "  network: {} µs, loss {} ppm, duplication {} ppm, reordering {} ppm, a dead link noticed after {} ms",
            network.latency_ns / 1_000,
            network.loss_ppm,
            network.duplication_ppm,
            network.reordering_ppm,
            network.notice_ns / MILLISECOND
        )?;
        write!(
            f,
            "  nodes: sync {} µs, batch {} µs, drift {} ppm, wall clocks ±{} ms and {} ppm, segments {} KiB, snapshot after {} KiB of log",
            self.disk.sync_ns / 1_000,
            self.batch_ns / 1_000,
            self.drift_ppm,
            self.wall_offset_ms,
            self.wall_drift_ppm,
            self.segment_bytes / 1_024,
            self.snapshot_log_bytes / 1_024
        )?;
        if let Some(limit) = self.memory_limit_bytes {
            write!(f, ", memory limit {} KiB", limit / 1_024)?;
        }
        writeln!(f, "{}", if self.lease { ", leases" } else { "" })?;
        let kinds: Vec<&str> = self.faults.kinds.iter().map(|kind| kind.name()).collect();
        writeln!(
            f,
            "  faults: about {} ms each, about every {} ms: {}",
            self.faults.length_ns / MILLISECOND,
            self.faults.calm_ns / MILLISECOND,
            kinds.join(", ")
        )?;
        let work = &self.workload;
        write!(
            f,
            "  clients: {}, pipelines of {}, think {} ms, {} % reads, {} % sequential, {} hot and {} cold keys, values to {} B, deadline {} ms, moves 1 in {}",
            work.clients,
            work.pipeline,
            work.think_ns / MILLISECOND,
            work.reads_percent,
            work.sequential_percent,
            work.hot_keys,
            work.cold_keys,
            work.cold_value_bytes,
            work.deadline_ms,
            work.moves_one_in
        )?;
        write!(f, "\n  levels: {}", work.weak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Kind;

    #[test]
    fn seeds_cover_the_shapes_of_clusters_and_never_ask_for_too_many_replicas() {
        let drawn: Vec<Params> = (0..500).map(Params::draw).collect();
        assert!(drawn.iter().all(|params| (1..=params.nodes).contains(&params.replicas)));
        for nodes in [1, 2, 3, 4, 5, 7] {
            assert!(drawn.iter().any(|params| params.nodes == nodes));
        }
        assert!((1..=8).all(|shards| drawn.iter().any(|params| params.shards == shards)));
        assert_eq!(drawn[7].to_string(), Params::draw(7).to_string());
    }

    #[test]
    fn a_world_without_weak_operations_is_what_it_was_before_there_were_any() {
        for seed in 0..100 {
            let drawn = |weak| Params::draw_aimed(seed, Some(weak), Some(Aim::Nowhere));
            let (with, without) = (drawn(50), drawn(0));
            assert!(with.workload.weak.is_on() && with.workload.clients >= with.nodes);
            assert!(!without.workload.weak.is_on());
            assert!(with.faults.kinds.len() > without.faults.kinds.len());
            assert_eq!((with.nodes, with.safety_ns), (without.nodes, without.safety_ns));
            assert!(without.faults.kinds.iter().all(|kind| !Kind::WEAK.contains(kind)));
        }
    }
}
