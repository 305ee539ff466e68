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

    /// Takes over a newer copy of the directory; hints that name a node which still replicates the group stay.
    pub fn update(&mut self, state: &DirectoryState) {
        self.map = state.map.clone();
        self.members = state.members.clone();
        self.directory_replicas = state.directory_replicas();
        let mut leaders = std::mem::take(&mut self.leaders);
        leaders.retain(|group, (_, node)| self.replicas(*group).contains(node));
        self.leaders = leaders;
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

    /// Somebody leads a group in a term. Kept if the term is newer than what is known and the node replicates the group. Says whether it was news.
    pub fn learn_leader(&mut self, group: GroupId, term: Term, node: NodeId) -> bool {
        if !self.replicas(group).contains(&node) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::founding::{Founder, FoundingSet};
    use proto::ids::{ClusterId, Incarnation};
    use proto::limits::SLOT_COUNT;

    fn state(shards: u32) -> DirectoryState {
        let founder = |port: u16| Founder {
            id: u128::from(port),
            peer: Address::new("h", port),
            resp: Address::new("h", port + 1_000),
            http: Address::new("h", port + 2_000),
        };
        DirectoryState::genesis(&FoundingSet {
            cluster: ClusterId([1; 16]),
            token_key: [2; 32],
            members: vec![founder(1), founder(2), founder(3), founder(4)],
            replicas: 3,
            shards,
        })
    }

    #[test]
    fn only_newer_terms_teach_a_leader() {
        let mut routing = Routing::new(&state(4));
        let group = ShardId(0).group();
        assert_eq!(routing.leader_hint(ShardId(0)), None);
        assert!(routing.learn_leader(group, Term(3), NodeId(2)));
        assert!(!routing.learn_leader(group, Term(3), NodeId(3)));
        assert!(!routing.learn_leader(group, Term(2), NodeId(1)));
        assert_eq!(routing.group_leader(group), Some((Term(3), NodeId(2))));
        assert!(!routing.learn_leader(group, Term(9), NodeId(4)), "node 4 does not replicate shard 0");
        assert!(!routing.learn_leader(GroupId(77), Term(9), NodeId(1)));
        assert!(routing.learn_leader(GroupId::DIRECTORY, Term(1), NodeId(4)));
        assert!(routing.learn_leader(group, Term(4), NodeId(1)));
        assert_eq!(routing.leader_hint(ShardId(0)), Some(NodeId(1)));
    }

    #[test]
    fn slots_are_listed_in_runs_of_one_primary_and_all_of_them() {
        let mut routing = Routing::new(&state(4));
        for shard in [0, 1, 2, 3] {
            // Node 3 replicates shards 0, 1 and 2; node 4 shard 3.
            let leader = if shard < 3 { NodeId(3) } else { NodeId(4) };
            assert!(routing.learn_leader(ShardId(shard).group(), Term(1), leader));
        }
        let ranges = routing.cluster_slots();
        assert_eq!(ranges.len(), 2);
        assert_eq!(
            (ranges[0].first_slot, ranges[0].last_slot, ranges[0].leader.node),
            (Slot(0), Slot(12_287), NodeId(3))
        );
        assert_eq!(
            (ranges[1].first_slot, ranges[1].last_slot, ranges[1].leader.node),
            (Slot(12_288), Slot(16_383), NodeId(4))
        );
        let unheard = Routing::new(&state(1_000)).cluster_slots();
        assert_eq!(
            unheard.iter().map(|r| u32::from(r.last_slot.0 - r.first_slot.0) + 1).sum::<u32>(),
            u32::from(SLOT_COUNT)
        );
    }

    #[test]
    fn a_newer_copy_of_the_directory_brings_addresses_and_keeps_hints() {
        let mut state = state(4);
        let mut routing = Routing::new(&state);
        routing.learn_leader(ShardId(0).group(), Term(2), NodeId(1));
        let member = state.members.get_mut(&NodeId(1)).unwrap();
        member.incarnation = Incarnation(1);
        member.resp = Address::new("moved", 1);
        routing.update(&state);
        assert_eq!(routing.leader_hint(ShardId(0)), Some(NodeId(1)));
        assert_eq!(routing.cluster_slots()[0].leader.resp, Address::new("moved", 1));
        state.map.shards[0].replicas = vec![NodeId(2), NodeId(3)];
        routing.update(&state);
        assert_eq!(
            routing.leader_hint(ShardId(0)),
            None,
            "a node that no longer holds the shard cannot lead it"
        );
        assert_eq!(routing.cluster_slots()[0].leader.node, NodeId(2));
    }
}
