//! The shard map: which hash slots each shard holds and which nodes replicate it.
//!
//! Invariants, asserted when a map is made and checked when one is decoded: shards are numbered from 0 in slot order; their ranges cover 0 to
//! 16,383 exactly once; every shard has at least one replica, no node twice, and no more than the replication factor.
//! The map says who *should* hold a shard; who leads it is consensus's business.

use proto::ids::{NodeId, ShardId, Slot};
use proto::limits::{MAX_REPLICAS, MAX_SHARDS, SLOT_COUNT};
use serde::{Deserialize, Serialize};

/// One shard: a range of slots and the nodes that replicate it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPlacement {
    /// Its number, equal to its place in the map.
    pub shard: ShardId,
    /// The first slot that it holds.
    pub first_slot: Slot,
    /// The last slot that it holds.
    pub last_slot: Slot,
    /// The nodes that replicate it. The first wins a tie when the planner spreads leadership.
    pub replicas: Vec<NodeId>,
}

impl ShardPlacement {
    /// Whether the slot lies in this shard's range.
    pub fn holds(&self, slot: Slot) -> bool {
        self.first_slot <= slot && slot <= self.last_slot
    }
}

/// Where every slot lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardMap {
    /// Rises with every change of placement. From 1.
    pub epoch: u64,
    /// How many replicas a shard is wanted to have. A cluster with fewer nodes has fewer for now.
    pub replication_factor: u32,
    /// In the order of their slots; shard `n` stands at place `n`.
    pub shards: Vec<ShardPlacement>,
}

impl ShardMap {
    /// The first map of a cluster: `shard_count` ranges as even as can be, replicas dealt out round robin.
    ///
    /// # Panics
    /// If there is no node, a node is named twice, or a number is outside its limits.
    pub fn even(nodes: &[NodeId], replication_factor: u32, shard_count: u32) -> ShardMap {
        assert!(!nodes.is_empty(), "a shard map needs a node");
        assert!(
            (1..=MAX_SHARDS).contains(&shard_count),
            "{shard_count} shards; 1 to {MAX_SHARDS} are possible"
        );
        let copies = nodes.len().min(replication_factor as usize);
        let bound = |shard: u32| shard * u32::from(SLOT_COUNT) / shard_count;
        let slot = |number: u32| Slot(u16::try_from(number).expect("below the slot count"));
        let shards = (0..shard_count)
            .map(|shard| ShardPlacement {
                shard: ShardId(shard),
                first_slot: slot(bound(shard)),
                last_slot: slot(bound(shard + 1) - 1),
                replicas: (0..copies).map(|copy| nodes[(shard as usize + copy) % nodes.len()]).collect(),
            })
            .collect();
        let map = ShardMap { epoch: 1, replication_factor, shards };
        map.check().unwrap_or_else(|why| panic!("a new shard map is broken: {why}"));
        map
    }

    /// Whether the invariants in this module's header hold; says which does not.
    pub fn check(&self) -> Result<(), String> {
        if self.epoch == 0 {
            return Err("the epoch is 0".to_owned());
        }
        if !(1..=MAX_REPLICAS).contains(&(self.replication_factor as usize)) {
            return Err(format!(
                "a replication factor of {}; 1 to {MAX_REPLICAS} are possible",
                self.replication_factor
            ));
        }
        if self.shards.is_empty() || self.shards.len() > MAX_SHARDS as usize {
            return Err(format!("{} shards; 1 to {MAX_SHARDS} are possible", self.shards.len()));
        }
        let mut next_slot = 0;
        for (number, placement) in self.shards.iter().enumerate() {
            let shard = placement.shard;
            if shard.0 as usize != number {
                return Err(format!("shard {shard} stands at place {number}"));
            }
            if placement.first_slot.0 != next_slot
                || placement.last_slot.0 < next_slot
                || placement.last_slot.0 >= SLOT_COUNT
            {
                return Err(format!(
                    "shard {shard} holds slots {} to {} where slot {next_slot} comes next",
                    placement.first_slot, placement.last_slot
                ));
            }
            next_slot = placement.last_slot.0 + 1;
            if placement.replicas.is_empty() || placement.replicas.len() > self.replication_factor as usize {
                return Err(format!("shard {shard} has {} replicas", placement.replicas.len()));
            }
            if placement
                .replicas
                .iter()
                .enumerate()
                .any(|(at, node)| node.0 == 0 || placement.replicas[..at].contains(node))
            {
                return Err(format!("shard {shard} names a node twice, or none"));
            }
        }
        if next_slot != SLOT_COUNT {
            return Err(format!("slots from {next_slot} on have no shard"));
        }
        Ok(())
    }

    /// The shard that holds a slot.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn shard_of(&self, slot: Slot) -> ShardId {
        assert!(slot.0 < SLOT_COUNT, "there is no slot {slot}");
        // Exact for even ranges; a later uneven map walks a few steps from there.
        let mut at = ((usize::from(slot.0) + 1) * self.shards.len() - 1) / usize::from(SLOT_COUNT);
        while self.shards[at].first_slot > slot {
            at -= 1;
        }
        while self.shards[at].last_slot < slot {
            at += 1;
        }
        self.shards[at].shard
    }

    /// Where a shard lives; `None` if there is no such shard.
    pub fn placement(&self, shard: ShardId) -> Option<&ShardPlacement> {
        self.shards.get(shard.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u64) -> Vec<NodeId> {
        (1..=count).map(NodeId).collect()
    }

    #[test]
    fn even_maps_cover_every_slot_once_for_every_shape() {
        for node_count in 1..=9 {
            for shard_count in (1..=128).chain([1000, 1024]) {
                for factor in 1..=5 {
                    let map = ShardMap::even(&nodes(node_count), factor, shard_count);
                    let sizes: Vec<u16> =
                        map.shards.iter().map(|s| s.last_slot.0 - s.first_slot.0 + 1).collect();
                    assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
                    assert!(
                        map.shards
                            .iter()
                            .all(|s| s.replicas.len() == (factor as usize).min(node_count as usize))
                    );
                }
            }
        }
    }

    #[test]
    fn every_slot_is_found_in_its_shard() {
        for shard_count in [1, 2, 3, 7, 32, 100, 1000, 1024] {
            let map = ShardMap::even(&nodes(3), 3, shard_count);
            for slot in (0..SLOT_COUNT).map(Slot) {
                assert!(map.placement(map.shard_of(slot)).unwrap().holds(slot));
            }
        }
    }

    #[test]
    fn slots_are_found_in_uneven_maps_too() {
        let mut map = ShardMap::even(&nodes(3), 3, 4);
        map.shards[0].last_slot = Slot(10);
        map.shards[1].first_slot = Slot(11);
        map.shards[2].last_slot = Slot(16_000);
        map.shards[3].first_slot = Slot(16_001);
        map.check().unwrap();
        for slot in (0..SLOT_COUNT).map(Slot) {
            assert!(map.placement(map.shard_of(slot)).unwrap().holds(slot));
        }
    }

    #[test]
    fn a_broken_map_is_named_as_such() {
        let whole = ShardMap::even(&nodes(3), 3, 4);
        let breaks: [fn(&mut ShardMap); 8] = [
            |map| map.epoch = 0,
            |map| map.replication_factor = 0,
            |map| map.shards.clear(),
            |map| map.shards[1].first_slot = Slot(4_097),
            |map| map.shards[3].last_slot = Slot(16_382),
            |map| map.shards[3].last_slot = Slot(16_384),
            |map| map.shards[2].replicas[1] = map.shards[2].replicas[0],
            |map| map.shards.swap(0, 1),
        ];
        for (number, break_it) in breaks.iter().enumerate() {
            let mut map = whole.clone();
            break_it(&mut map);
            assert!(map.check().is_err(), "break {number} went unseen");
        }
    }
}
