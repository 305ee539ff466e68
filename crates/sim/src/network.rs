//! The network between simulated nodes: who reaches whom, how fast, and what gets lost on the way.
//!
//! A real link is a stream that neither loses nor reorders. Here every frame travels alone and may be lost, doubled or overtaken, because the core must not rely on
//! the stream: frames are relayed, links break and come back. A *cut* is directed: frames of one direction vanish. Links are told up and
//! down to both ends as a body would: up when both directions work, down some time after either is cut (or never noticed, if the cut is short), down soon after a process dies.
//!
//! Invariant: pure bookkeeping and draws; the `world` schedules what this decides.

use crate::random::Random;
use crate::schedule::{MILLISECOND, SECOND};

/// How the network behaves when no fault is on, and how unreliable it is all the time.
#[derive(Clone, Copy, Debug)]
pub struct NetworkParams {
    /// A usual one-way latency in nanoseconds.
    pub latency_ns: u64,
    /// Frames lost, in parts per million.
    pub loss_ppm: u32,
    /// Frames delivered twice, in parts per million.
    pub duplication_ppm: u32,
    /// Frames held back so long that later ones overtake them, in parts per million.
    pub reordering_ppm: u32,
    /// How long an end takes to notice a dead direction, in nanoseconds.
    pub notice_ns: u64,
}

/// A shape of partition. Sides and roles are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Two sides that do not reach each other.
    Split,
    /// One node reaches nobody and is reached by nobody.
    Isolate,
    /// One node can send and not receive.
    Deaf,
    /// One node can receive and not send.
    Mute,
    /// One direction of one pair.
    OneWay,
    /// Omni-Paxos, *quorum loss*: every pair is cut but those with one hub.
    QuorumLoss,
    /// Omni-Paxos, *constrained election*: as quorum loss, and the hub does not reach the leader of before.
    ConstrainedElection,
    /// Omni-Paxos, *chained*: the nodes form a chain.
    Chained,
    /// Two halves that share one node and nothing else.
    Bridge,
    /// Each node reaches its two neighbours on a circle.
    Ring,
    /// Every direction by itself, cut with one chance in three.
    Random,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 11] = [
        Shape::Split,
        Shape::Isolate,
        Shape::Deaf,
        Shape::Mute,
        Shape::OneWay,
        Shape::QuorumLoss,
        Shape::ConstrainedElection,
        Shape::Chained,
        Shape::Bridge,
        Shape::Ring,
        Shape::Random,
    ];
}

/// What becomes of one frame: the delays in nanoseconds after which it arrives, none to two.
pub type Deliveries = Vec<u64>;

/// The state of all links. Nodes are numbered from 0 here.
pub struct Network {
    params: NetworkParams,
    nodes: usize,
    random: Random,
    cut: Vec<bool>,
    base_ns: Vec<u64>,
    /// Extra loss while a storm is on, in parts per million.
    pub storm_loss_ppm: u32,
    /// Latencies are multiplied by this while a storm is on; 1 otherwise.
    pub storm_slowness: u64,
}

impl Network {
    /// A whole network whose pairs have drawn distances.
    pub fn new(nodes: usize, params: NetworkParams, mut random: Random) -> Network {
        let mut base_ns = vec![0; nodes * nodes];
        for from in 0..nodes {
            for to in 0..from {
                let distance = params.latency_ns / 2 + random.below(params.latency_ns + 1);
                base_ns[from * nodes + to] = distance;
                base_ns[to * nodes + from] = distance;
            }
        }
        let cut = vec![false; nodes * nodes];
        Network { params, nodes, random, cut, base_ns, storm_loss_ppm: 0, storm_slowness: 1 }
    }

    /// Whether frames of this direction vanish.
    pub fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut[from * self.nodes + to]
    }

    /// Whether both directions between two nodes work.
    pub fn is_whole(&self, a: usize, b: usize) -> bool {
        !self.is_cut(a, b) && !self.is_cut(b, a)
    }

    /// Mends every direction.
    pub fn heal(&mut self) {
        self.cut.fill(false);
    }

    /// Cuts one pair, both ways.
    pub fn cut_pair(&mut self, a: usize, b: usize) {
        self.cut[a * self.nodes + b] = true;
        self.cut[b * self.nodes + a] = true;
    }

    /// The nodes of the largest part in which everybody reaches everybody, through others if need be.
    pub fn largest_part(&self) -> Vec<usize> {
        let reached = |from: usize| {
            let mut reached = vec![from];
            let mut at = 0;
            while let Some(&node) = reached.get(at) {
                let next = (0..self.nodes).filter(|next| !self.is_cut(node, *next));
                let new: Vec<usize> = next.filter(|next| !reached.contains(next)).collect();
                reached.extend(new);
                at += 1;
            }
            reached
        };
        let all: Vec<Vec<usize>> = (0..self.nodes).map(reached).collect();
        (0..self.nodes)
            .map(|node| {
                (0..self.nodes).filter(|b| all[node].contains(b) && all[*b].contains(&node)).collect()
            })
            .max_by_key(Vec::len)
            .unwrap_or_default()
    }

    /// Stops being unreliable at all, for the liveness phase.
    pub fn calm(&mut self) {
        self.heal();
        self.storm_loss_ppm = 0;
        self.storm_slowness = 1;
        self.params.loss_ppm = 0;
        self.params.duplication_ppm = 0;
        self.params.reordering_ppm = 0;
    }

    /// Lays a partition on top of what is cut already. `leader` plays the part of the leader where the shape has one.
    pub fn partition(&mut self, shape: Shape, leader: usize) {
        let nodes = self.nodes;
        let mut order: Vec<usize> = (0..nodes).collect();
        self.random.shuffle(&mut order);
        let mut cut = |from: usize, to: usize| self.cut[from * nodes + to] = from != to;
        let (first, rest) = (order[0], &order[1..]);
        match shape {
            Shape::Split => {
                let side = self.random.between(1, nodes.max(2) as u64 - 1) as usize;
                for &a in &order[..side.min(nodes)] {
                    for &b in &order[side.min(nodes)..] {
                        cut(a, b);
                        cut(b, a);
                    }
                }
            }
            Shape::Isolate => {
                let lonely = if self.random.chance(3, 4) { leader } else { first };
                for other in 0..nodes {
                    cut(lonely, other);
                    cut(other, lonely);
                }
            }
            Shape::Deaf => (0..nodes).for_each(|other| cut(other, first)),
            Shape::Mute => (0..nodes).for_each(|other| cut(first, other)),
            Shape::OneWay => {
                if let Some(&second) = rest.first() {
                    cut(first, second);
                }
            }
            Shape::QuorumLoss | Shape::ConstrainedElection => {
                let hub = order.iter().copied().find(|node| *node != leader).unwrap_or(first);
                for &a in &order {
                    for &b in &order {
                        let through_hub = a == hub || b == hub;
                        let constrained = shape == Shape::ConstrainedElection && (a == leader || b == leader);
                        if !through_hub || constrained {
                            cut(a, b);
                        }
                    }
                }
            }
            Shape::Chained => {
                for (i, &a) in order.iter().enumerate() {
                    for (j, &b) in order.iter().enumerate() {
                        if i.abs_diff(j) > 1 {
                            cut(a, b);
                        }
                    }
                }
            }
            Shape::Bridge => {
                for (i, &a) in order.iter().enumerate() {
                    for (j, &b) in order.iter().enumerate() {
                        if (i < nodes / 2) != (j < nodes / 2) && i != nodes / 2 && j != nodes / 2 {
                            cut(a, b);
                        }
                    }
                }
            }
            Shape::Ring => {
                for (i, &a) in order.iter().enumerate() {
                    for (j, &b) in order.iter().enumerate() {
                        let apart = i.abs_diff(j);
                        if apart > 1 && apart + 1 < nodes {
                            cut(a, b);
                        }
                    }
                }
            }
            Shape::Random => {
                for a in 0..nodes {
                    for b in 0..nodes {
                        if self.random.chance(1, 3) {
                            cut(a, b);
                        }
                    }
                }
            }
        }
    }

    /// Decides what becomes of a frame that is sent now.
    pub fn send(&mut self, from: usize, to: usize, bytes: usize) -> Deliveries {
        if self.is_cut(from, to) || self.random.chance_ppm(self.params.loss_ppm + self.storm_loss_ppm) {
            return Vec::new();
        }
        // A gigabit a second, roughly: a byte takes eight nanoseconds.
        let base = self.base_ns[from * self.nodes + to] * self.storm_slowness + bytes as u64 * 8;
        let mut delay = base + self.random.below(base / 4 + 1);
        if self.random.chance_ppm(self.params.reordering_ppm) {
            delay += self.random.span(4 * base + MILLISECOND);
        }
        let mut deliveries = vec![delay];
        if self.random.chance_ppm(self.params.duplication_ppm) {
            deliveries.push(delay + self.random.span(4 * base + MILLISECOND));
        }
        deliveries
    }

    /// After how long an end learns that its link is dead because a direction is cut.
    pub fn notice_cut_ns(&mut self) -> u64 {
        self.random.span(self.params.notice_ns)
    }

    /// After how long an end learns that the process at the other end is gone, or is back.
    pub fn notice_process_ns(&mut self) -> u64 {
        self.random.span(5 * MILLISECOND)
    }

    /// After how long two ends that reach each other again have a link again.
    pub fn reconnect_ns(&mut self) -> u64 {
        self.random.span(SECOND / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(nodes: usize, seed: u64) -> Network {
        let params = NetworkParams {
            latency_ns: MILLISECOND,
            loss_ppm: 100_000,
            duplication_ppm: 100_000,
            reordering_ppm: 100_000,
            notice_ns: SECOND,
        };
        Network::new(nodes, params, Random::new(seed))
    }

    fn whole_pairs(network: &Network) -> usize {
        let n = network.nodes;
        (0..n).flat_map(|a| (0..a).map(move |b| (a, b))).filter(|(a, b)| network.is_whole(*a, *b)).count()
    }

    #[test]
    fn frames_are_lost_doubled_and_overtaken_about_as_often_as_asked() {
        let mut network = network(3, 1);
        let sent: Vec<Deliveries> = (0..10_000).map(|_| network.send(0, 1, 100)).collect();
        let count = |times: usize| sent.iter().filter(|deliveries| deliveries.len() == times).count();
        assert!(count(0).abs_diff(1_000) < 150 && count(2).abs_diff(900) < 150);
        let usual = 3 * MILLISECOND;
        let late = sent.iter().flatten().filter(|delay| **delay > usual).count();
        assert!((500..4_000).contains(&late), "{late}");
    }

    #[test]
    fn a_cut_direction_delivers_nothing_until_it_is_healed() {
        let mut network = network(2, 1);
        network.partition(Shape::Isolate, 0);
        assert!((0..1_000).all(|_| network.send(0, 1, 1).is_empty()));
        network.calm();
        assert!((0..1_000).all(|_| network.send(0, 1, 1).len() == 1));
    }

    #[test]
    fn the_three_partial_shapes_are_those_of_the_paper() {
        for seed in 0..20 {
            let mut hub = network(5, seed);
            hub.partition(Shape::QuorumLoss, 2);
            assert_eq!(whole_pairs(&hub), 4);
            assert_eq!((0..5).filter(|other| *other != 2 && hub.is_whole(2, *other)).count(), 1);

            let mut constrained = network(5, seed);
            constrained.partition(Shape::ConstrainedElection, 2);
            assert_eq!(whole_pairs(&constrained), 3);
            assert!((0..5).filter(|other| *other != 2).all(|other| !constrained.is_whole(2, other)));

            let mut chain = network(5, seed);
            chain.partition(Shape::Chained, 2);
            assert_eq!(whole_pairs(&chain), 4);

            let mut bridge = network(5, seed);
            bridge.partition(Shape::Bridge, 2);
            assert_eq!(whole_pairs(&bridge), 6);

            let mut ring = network(5, seed);
            ring.partition(Shape::Ring, 2);
            assert_eq!(whole_pairs(&ring), 5);

            let all = [&hub, &chain, &bridge, &ring];
            assert!(all.into_iter().all(|shape| shape.largest_part().len() == 5));
            assert_eq!(constrained.largest_part().len(), 4);
        }
    }

    #[test]
    fn every_shape_cuts_something_in_a_cluster_of_three_but_a_ring_of_four() {
        for shape in Shape::ALL {
            // A ring of three has every link.
            let nodes = if shape == Shape::Ring { 4 } else { 3 };
            let cuts = (0..20).any(|seed| {
                let mut network = network(nodes, seed);
                network.partition(shape, 0);
                network.cut.contains(&true)
            });
            assert!(cuts, "{shape:?}");
        }
    }
}
