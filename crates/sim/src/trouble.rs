//! Trouble with single directions of links that neither end is told of: frames that are held up and come in a burst, frames that vanish though the link is up, and votes that come late.
//!
//! `network` knows cuts, which both ends notice after a while. Here nobody notices anything but silence, or a flood: a full queue in a switch, a connection that is only half dead, a process that reads slowly.
//!
//! Invariant: pure bookkeeping; who is hit and for how long is drawn by `damage`, and everything held up has arrived when its time is over.

use crate::coverage::FrameFate;
use crate::describe;
use crate::network::Deliveries;
use crate::random::Random;
use crate::schedule::{Instant, MILLISECOND};
use bytes::Bytes;

/// A request for a vote is late by up to this, in nanoseconds: about as long as the longest election timeout.
const LATEST_VOTE_NS: u64 = 600 * MILLISECOND;

/// The directions that are in trouble. Nodes are numbered from 0.
pub struct Trouble {
    nodes: usize,
    /// By direction, until when frames are held up.
    clogged: Vec<Instant>,
    /// By direction, until when frames vanish.
    swallowed: Vec<Instant>,
    /// Until when requests for votes come late.
    late_votes: Instant,
    random: Random,
}

impl Trouble {
    /// No trouble.
    pub fn new(nodes: usize, random: Random) -> Trouble {
        let none = vec![Instant(0); nodes * nodes];
        Trouble { nodes, clogged: none.clone(), swallowed: none, late_votes: Instant(0), random }
    }

    /// Holds up, until then, what a node sends to some of the others, or what they send to it.
    pub fn clog(&mut self, node: usize, until: Instant) {
        let directions = self.some_directions(node);
        directions.into_iter().for_each(|at| self.clogged[at] = until);
    }

    /// Lets vanish, until then, what a node sends to some of the others, or what they send to it.
    pub fn swallow(&mut self, node: usize, until: Instant) {
        let directions = self.some_directions(node);
        directions.into_iter().for_each(|at| self.swallowed[at] = until);
    }

    /// Lets vanish, until then, whatever a node sends.
    pub fn mute(&mut self, node: usize, until: Instant) {
        self.swallowed[node * self.nodes..(node + 1) * self.nodes].fill(until);
    }

    /// Lets requests for votes come late until then.
    pub fn delay_votes(&mut self, until: Instant) {
        self.late_votes = until;
    }

    /// Everything is as it should be.
    pub fn calm(&mut self) {
        self.clogged.fill(Instant(0));
        self.swallowed.fill(Instant(0));
        self.late_votes = Instant(0);
    }

    fn some_directions(&mut self, node: usize) -> Vec<usize> {
        let outwards = self.random.chance(1, 2);
        let mut others: Vec<usize> = (0..self.nodes).filter(|other| *other != node).collect();
        self.random.shuffle(&mut others);
        let count = self.random.between(1, others.len().max(1) as u64) as usize;
        let direction =
            |other: &usize| if outwards { node * self.nodes + other } else { other * self.nodes + node };
        others.iter().take(count).map(direction).collect()
    }

    /// What becomes of a frame that the network would deliver like this.
    pub fn meddle(
        &mut self,
        from: usize,
        to: usize,
        now: Instant,
        bytes: &Bytes,
        deliveries: &mut Deliveries,
    ) -> Option<FrameFate> {
        let direction = from * self.nodes + to;
        if now < self.swallowed[direction] && !deliveries.is_empty() {
            deliveries.clear();
            return Some(FrameFate::Swallowed);
        }
        if now < self.late_votes && describe::asks_for_votes(bytes) {
            for delay_ns in deliveries.iter_mut() {
                *delay_ns += self.random.below(LATEST_VOTE_NS);
            }
        }
        let until = self.clogged[direction];
        if now < until && !deliveries.is_empty() {
            // In their order, as a queue is: each one's delay is as much longer as the queue stands still.
            let wait_ns = until.0 - now.0;
            for delay_ns in deliveries.iter_mut() {
                *delay_ns = wait_ns + *delay_ns / 64;
            }
            return Some(FrameFate::HeldUp);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Bytes = Bytes::from_static(b"frame");

    #[test]
    fn what_is_held_up_comes_in_a_burst_when_it_is_over() {
        let mut trouble = Trouble::new(2, Random::new(1));
        let mut hit = |now: u64| {
            let mut deliveries = vec![MILLISECOND];
            let fate = [(0, 1), (1, 0)].map(|(from, to)| {
                let mut deliveries = vec![MILLISECOND];
                let fate = trouble.meddle(from, to, Instant(now), &FRAME, &mut deliveries);
                (fate, deliveries[0])
            });
            deliveries.clear();
            fate
        };
        assert!(hit(5).iter().all(|(fate, delay)| fate.is_none() && *delay == MILLISECOND));
        trouble.clog(0, Instant(100 * MILLISECOND));
        let mut hit = |now: u64| {
            [(0, 1), (1, 0)].map(|(from, to)| {
                let mut deliveries = vec![MILLISECOND];
                let fate = trouble.meddle(from, to, Instant(now), &FRAME, &mut deliveries);
                (fate, now + deliveries[0])
            })
        };
        let (early, late) = (hit(10 * MILLISECOND), hit(90 * MILLISECOND));
        let held =
            early.iter().position(|(fate, _)| *fate == Some(FrameFate::HeldUp)).expect("one way is clogged");
        assert!(early[1 - held].0.is_none(), "and only one");
        assert!(late[held].1 - early[held].1 < MILLISECOND && late[held].1 >= 100 * MILLISECOND);
        assert!(hit(100 * MILLISECOND).iter().all(|(fate, _)| fate.is_none()));
    }

    #[test]
    fn what_is_swallowed_never_comes() {
        let mut trouble = Trouble::new(3, Random::new(1));
        trouble.swallow(1, Instant(50));
        let mut swallowed = 0;
        for (from, to) in [(0, 1), (1, 0), (2, 1), (1, 2), (0, 2), (2, 0)] {
            let mut deliveries = vec![MILLISECOND];
            let fate = trouble.meddle(from, to, Instant(10), &FRAME, &mut deliveries);
            assert_eq!(fate == Some(FrameFate::Swallowed), deliveries.is_empty());
            swallowed += usize::from(deliveries.is_empty());
            assert!(!deliveries.is_empty() || from == 1 || to == 1);
        }
        assert!((1..=2).contains(&swallowed));
    }
}
