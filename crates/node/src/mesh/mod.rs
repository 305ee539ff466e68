//! The mesh: who hears whom, and by which way a frame gets to a node that is not reached directly.
//!
//! Consensus survives dead nodes, not broken links (the three shapes of the Omni-Paxos paper, Ng et al. 2023, section 2; Cloudflare's outage of 2020). So links are mended underneath it. Every node says a few times a second whom it
//! hears, its *link state*; each passes on to a neighbour what that neighbour does not hear itself, at once if it is news. So all nodes of a connected cluster know the same directed graph, whatever links are cut, and
//! send a frame for a node that does not hear them to the first relay of a shortest way. With this, each connected part of the cluster looks whole to everything above.
//!
//! Invariants: a link state counts only while it is fresh by its origin's own rhythm (`pulse`), and the newest wins; at most one state a member, so the table is bounded by `MAX_NODES`; what is relayed has a hop limit and
//! never goes back to where it came from. Nothing here decides about safety: a wrong view loses frames or sends them in a circle of bounded length.
//!
//! It does not see frames (`inbox`), queue them (`outbox`), or know what they say.

mod pulse;
mod routes;

use proto::ids::{Incarnation, NodeId};
use proto::limits::MAX_NODES;
use proto::peer::LinkState;
use proto::time::Mono;
use pulse::{Hearing, Pulse};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is known of one node's link state.
#[derive(Debug)]
struct Known {
    state: LinkState,
    pulse: Pulse,
}

/// The view of one node.
#[derive(Debug)]
pub(crate) struct Mesh {
    me: NodeId,
    incarnation: Incarnation,
    interval: Duration,
    silence: Duration,
    number: u64,
    /// Peers to which the body has a link.
    linked: BTreeSet<NodeId>,
    /// Links from peers on which something was heard.
    hearings: BTreeMap<NodeId, Hearing>,
    /// Whom I said I hear when I looked last.
    hears: BTreeSet<NodeId>,
    states: BTreeMap<NodeId, Known>,
    fresh: BTreeSet<NodeId>,
    /// The first hop to each node that can be reached.
    hops: BTreeMap<NodeId, NodeId>,
    stale: bool,
}

/// What a look at the mesh brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Nodes that can be reached from now on.
    pub(crate) gained: Vec<NodeId>,
    /// Nodes that cannot be reached any more.
    pub(crate) lost: Vec<NodeId>,
    /// Nodes to which there is another first hop than before.
    pub(crate) rerouted: Vec<(NodeId, NodeId)>,
}

impl Mesh {
    /// The mesh of a node that has heard nothing yet. States are told every `interval`; nothing is believed for longer than `silence`.
    pub(crate) fn new(me: NodeId, incarnation: Incarnation, interval: Duration, silence: Duration) -> Mesh {
        Mesh {
            me,
            incarnation,
            interval,
            silence,
            number: 0,
            linked: BTreeSet::new(),
            hearings: BTreeMap::new(),
            hears: BTreeSet::new(),
            states: BTreeMap::new(),
            fresh: BTreeSet::new(),
            hops: BTreeMap::new(),
            stale: false,
        }
    }

    /// The body's link to this peer came up or broke.
    pub(crate) fn set_linked(&mut self, node: NodeId, linked: bool, now: Mono) {
        let changed = if linked { self.linked.insert(node) } else { self.linked.remove(&node) };
        if !linked && let Some(hearing) = self.hearings.get_mut(&node) {
            hearing.fall(now);
        }
        self.stale |= changed;
    }

    /// A frame came in on the link from this peer, whoever made it.
    pub(crate) fn heard(&mut self, peer: NodeId, now: Mono) {
        match self.hearings.get_mut(&peer) {
            Some(hearing) => hearing.frame(now),
            None => drop(self.hearings.insert(peer, Hearing::new(now))),
        }
    }

    /// Takes in what a peer passed on. Answers the states that are news, and so are passed on at once: whoever is named there hears others than before. `is_member` says who may be named.
    pub(crate) fn learn(
        &mut self,
        states: Vec<LinkState>,
        now: Mono,
        is_member: impl Fn(NodeId) -> bool,
    ) -> Vec<NodeId> {
        let mut news = Vec::new();
        for state in states.into_iter().take(MAX_NODES) {
            let node = state.node;
            if node == self.me || !is_member(node) || state.hears.len() > MAX_NODES {
                continue;
            }
            let Some(known) = self.states.get_mut(&node) else {
                self.states.insert(node, Known { state, pulse: Pulse::new(now, self.interval) });
                news.push(node);
                continue;
            };
            let age = |state: &LinkState| (state.incarnation, state.number);
            if age(&state) <= age(&known.state) {
                continue;
            }
            let hears =
                |state: &LinkState| state.hears.iter().map(|(peer, _)| *peer).collect::<BTreeSet<_>>();
            if hears(&state) != hears(&known.state) || !self.fresh.contains(&node) {
                news.push(node);
            }
            known.state = state;
            known.pulse.beat(now, self.silence);
        }
        self.stale |= !news.is_empty();
        news
    }

    /// Looks at the time and works the ways out anew if anything changed. The second answer says whether I hear others than when I looked last, which everybody should know at once.
    pub(crate) fn look(&mut self, now: Mono) -> (Changes, bool) {
        for (peer, hearing) in &mut self.hearings {
            let patience = match self.states.get(peer) {
                Some(known) => known.pulse.patience(self.interval, self.silence),
                None => self.silence,
            };
            hearing.look(now, patience);
        }
        let hears: BTreeSet<NodeId> =
            self.hearings.iter().filter(|(_, hearing)| hearing.counts(now)).map(|(peer, _)| *peer).collect();
        let fresh: BTreeSet<NodeId> = self
            .states
            .iter()
            .filter(|(_, known)| {
                now - known.pulse.last() <= known.pulse.patience(self.interval, self.silence)
            })
            .map(|(node, _)| *node)
            .collect();
        let hears_others = hears != self.hears;
        self.stale |= fresh != self.fresh;
        (self.hears, self.fresh) = (hears, fresh);
        let changes = if std::mem::take(&mut self.stale) { self.route() } else { Changes::default() };
        (changes, hears_others)
    }

    fn route(&mut self) -> Changes {
        // Whoever hears a node, by its own fresh word. Of a peer whose word is not known, or not fresh, nothing is known: it is tried directly if no way is sure.
        let mut heard_by: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
        for node in &self.fresh {
            for (peer, _) in &self.states[node].state.hears {
                if *peer != self.me || self.linked.contains(node) {
                    heard_by.entry(*peer).or_default().insert(*node);
                }
            }
        }
        let mut hops = routes::first_hops(self.me, |node| heard_by.get(&node).cloned().unwrap_or_default());
        for peer in &self.linked {
            hops.entry(*peer).or_insert(*peer);
        }
        let before = std::mem::replace(&mut self.hops, hops);
        let mut changes = Changes::default();
        for (node, hop) in &self.hops {
            match before.get(node) {
                None => changes.gained.push(*node),
                Some(old) if old != hop => changes.rerouted.push((*node, *hop)),
                Some(_) => {}
            }
        }
        changes.lost = before.into_keys().filter(|node| !self.hops.contains_key(node)).collect();
        changes
    }

    /// The first hop to each node that can be reached.
    pub(crate) fn hops(&self) -> &BTreeMap<NodeId, NodeId> {
        &self.hops
    }

    /// The first hop for somebody else's frame: not back to whom it came from.
    pub(crate) fn relay(&self, destination: NodeId, came_from: NodeId) -> Option<NodeId> {
        self.hops.get(&destination).copied().filter(|hop| *hop != came_from)
    }

    /// My own state, with a new number.
    pub(crate) fn tell(&mut self, now: Mono) -> LinkState {
        self.number += 1;
        LinkState {
            node: self.me,
            incarnation: self.incarnation,
            number: self.number,
            hears: self.hears(now),
        }
    }

    /// What each linked peer is to be told of these nodes: their states, unless it hears them itself.
    pub(crate) fn pass_on<'a>(
        &'a self,
        nodes: &'a [NodeId],
    ) -> impl Iterator<Item = (NodeId, Vec<LinkState>)> + 'a {
        self.linked.iter().map(move |peer| {
            let hears_itself = |node: NodeId| {
                self.states
                    .get(peer)
                    .is_some_and(|known| known.state.hears.iter().any(|(heard, _)| *heard == node))
            };
            let states = nodes
                .iter()
                .filter(|node| *node != peer && !hears_itself(**node))
                .filter_map(|node| self.states.get(node).map(|known| known.state.clone()))
                .collect();
            (*peer, states)
        })
    }

    /// The nodes whose states are fresh.
    pub(crate) fn fresh(&self) -> Vec<NodeId> {
        self.fresh.iter().copied().collect()
    }

    /// Whom I hear directly, with how long ago in milliseconds.
    pub(crate) fn hears(&self, now: Mono) -> Vec<(NodeId, u64)> {
        let ago = |peer: &NodeId| {
            let since = self.hearings.get(peer).map_or(Duration::ZERO, |hearing| now - hearing.last);
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        self.hears.iter().map(|peer| (*peer, ago(peer))).collect()
    }

    /// Whom another node said it hears, as far as that is known.
    pub(crate) fn heard_by(&self, node: NodeId) -> Vec<(NodeId, u64)> {
        self.states.get(&node).map(|known| known.state.hears.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
