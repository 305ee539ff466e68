//! Where a front sends a request: from slot to shard to the node that probably leads it.
//!
//! A hint may be wrong; the node that gets the request then says who leads, and the front learns. Nothing is promised here, so nothing can go wrong here but a detour.
//! Invariant: a hint of a group is only ever replaced by one of a newer term.

use crate::map::{ShardMap, ShardPlacement};
use crate::state::{DirectoryState, Member};
use proto::ids::{GroupId, NodeId, ShardId, Slot, Term};
use std::collections::BTreeMap;

/// The routing table of one node.
#[derive(Clone, Debug)]
pub struct Routing {
    map: ShardMap,
    members: BTreeMap<NodeId, Member>,
    directory_replicas: Vec<NodeId>,
    leaders: BTreeMap<GroupId, (Term, NodeId)>,
}

/// A run of slots with one primary, as `CLUSTER SLOTS` lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRange {
    /// The first slot of the run.
    pub first_slot: Slot,
    /// The last slot of the run.
    pub last_slot: Slot,
    /// The node that leads them, as far as known.
    pub leader: Member,
}

impl Routing {
    /// A table for a copy of the directory, without leader hints.
    pub fn new(state: &DirectoryState) -> Routing {
        Routing {
            map: state.map.clone(),
            members: state.members.clone(),
            directory_replicas: state.directory_replicas(),
            leaders: BTreeMap::new(),
        }
    }

    /// Takes over a newer copy of the directory; hints that name a node which still is a member stay.
    pub fn update(&mut self, state: &DirectoryState) {
        self.map = state.map.clone();
        self.members = state.members.clone();
        self.directory_replicas = state.directory_replicas();
        let members = &self.members;
        let map = &self.map;
        self.leaders.retain(|group, (_, node)| {
            members.contains_key(node) && group.shard().is_none_or(|shard| map.placement(shard).is_some())
        });
    }

    /// The map that routing goes by.
    pub fn map(&self) -> &ShardMap {
        &self.map
    }

    /// All nodes, by id.
    pub fn members(&self) -> &BTreeMap<NodeId, Member> {
        &self.members
    }

    /// The shard that holds a slot.
    pub fn shard_of(&self, slot: Slot) -> ShardId {
        self.map.shard_of(slot)
    }

    /// Where a shard lives; `None` if there is no such shard.
    pub fn placement(&self, shard: ShardId) -> Option<&ShardPlacement> {
        self.map.placement(shard)
    }

    /// The nodes that replicate a group; empty if there is no such group.
    pub fn replicas(&self, group: GroupId) -> &[NodeId] {
        match group.shard() {
            None => &self.directory_replicas,
            Some(shard) => self.map.placement(shard).map_or(&[], |placement| &placement.replicas),
        }
    }

    /// The last known leader of a shard; `None` if none was ever heard of.
    pub fn leader_hint(&self, shard: ShardId) -> Option<NodeId> {
        self.group_leader(shard.group()).map(|(_, node)| node)
    }

    /// The last known leader of a group, with its term.
    pub fn group_leader(&self, group: GroupId) -> Option<(Term, NodeId)> {
        self.leaders.get(&group).copied()
    }

    /// Somebody leads a group in a term. Kept if the term is newer than what is known and the node is a member. Says whether it was news.
    pub fn learn_leader(&mut self, group: GroupId, term: Term, node: NodeId) -> bool {
        if !self.members.contains_key(&node) || !self.replicas(group).contains(&node) {
            return false;
        }
        match self.leaders.get(&group) {
            Some((known, _)) if *known >= term => false,
            _ => {
                self.leaders.insert(group, (term, node));
                true
            }
        }
    }

    /// All slots in runs of one primary each. The last known leader stays listed while a shard elects; before one was ever heard of, the first replica
    /// stands in, because every node takes every key and clients want each slot covered.
    pub fn cluster_slots(&self) -> Vec<SlotRange> {
        let mut ranges: Vec<SlotRange> = Vec::new();
        for placement in &self.map.shards {
            let node = self.leader_hint(placement.shard).unwrap_or(placement.replicas[0]);
            match ranges.last_mut() {
                Some(range) if range.leader.node == node => range.last_slot = placement.last_slot,
                _ => ranges.push(SlotRange {
                    first_slot: placement.first_slot,
                    last_slot: placement.last_slot,
                    leader: self.members[&node].clone(),
                }),
            }
        }
        ranges
    }
}
