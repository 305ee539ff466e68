//! Who should lead what: leaders spread evenly over the nodes that are alive, and handed over in good order.
//!
//! Every leader computes the same plan (`directory::planner`) from the nodes that it hears, and hands a group to its preferred leader once the set of live nodes has been the same for a while and
//! that replica is caught up. A node that stops, or whose disk is not fit, hands everything over at once. Views may differ for a moment; a transfer to the wrong node costs a moment, never safety.

use crate::group::Group;
use directory::planner;
use directory::routing::Routing;
use proto::ids::{GroupId, NodeId, ReplicaId};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A follower this many entries behind is not given leadership.
const CAUGHT_UP_ENTRIES: u64 = 1_000;
/// Transfers begun in one round, so that spreading leaders does not shake the whole cluster at once.
const TRANSFERS_PER_ROUND: usize = 4;

/// The plan and how long it has stood.
#[derive(Debug, Default)]
pub struct Leadership {
    eligible: BTreeSet<NodeId>,
    since: Mono,
    preferred: BTreeMap<GroupId, NodeId>,
}

impl Leadership {
    /// Takes in who is alive. Recomputes the plan when that changed.
    pub fn update(
        &mut self,
        eligible: BTreeSet<NodeId>,
        routing: &Routing,
        directory_replicas: &[NodeId],
        now: Mono,
    ) {
        if eligible == self.eligible && !self.preferred.is_empty() {
            return;
        }
        self.since = now;
        self.preferred = planner::preferred_leaders(routing.map(), &eligible)
            .into_iter()
            .zip(&routing.map().shards)
            .filter_map(|(leader, placement)| leader.map(|leader| (placement.shard.group(), leader)))
            .collect();
        if let Some(leader) = planner::preferred_directory_leader(directory_replicas, &eligible) {
            self.preferred.insert(GroupId::DIRECTORY, leader);
        }
        self.eligible = eligible;
    }

    /// Whom the plan wants to lead a group.
    pub fn preferred(&self, group: GroupId) -> Option<NodeId> {
        self.preferred.get(&group).copied()
    }

    /// Begins the transfers that are due. Returns them.
    pub fn hand_over(
        &self,
        me: NodeId,
        at_once: bool,
        settle: Duration,
        now: Mono,
        groups: &mut BTreeMap<GroupId, Group>,
        reaches: impl Fn(NodeId) -> bool,
    ) -> Vec<(GroupId, NodeId)> {
        if !at_once && now - self.since < settle {
            return Vec::new();
        }
        let mut begun = Vec::new();
        for (id, group) in groups.iter_mut() {
            let view = group.view();
            if !view.leads || !view.serves {
                continue;
            }
            let Some(to) = self.preferred(*id).filter(|to| *to != me && reaches(*to)) else { continue };
            let caught_up = |node: NodeId| {
                group
                    .replica_ref()
                    .matched(ReplicaId(node.0))
                    .is_some_and(|matched| matched.0 + CAUGHT_UP_ENTRIES >= view.last.0)
            };
            if !caught_up(to) {
                continue;
            }
            group.duties.reads.give_up_lease(view.term);
            group.replica().transfer(ReplicaId(to.0));
            begun.push((*id, to));
            if !at_once && begun.len() >= TRANSFERS_PER_ROUND {
                break;
            }
        }
        begun
    }
}
