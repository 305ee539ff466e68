//! Which node should lead each shard: evenly spread, stable, and explained.
//!
//! A pure function of the map and of who is eligible, so every node that knows both computes the same plan, and a node that leaves and returns
//! finds the plan as it was. First all replicas are taken to be eligible and leadership is spread evenly; that gives each shard its *home*. Shards whose home is
//! not eligible go to the least loaded of their other replicas, and only if the spread is then still uneven do further shards move. The spread is as even
//! as the placement allows: no chain of moves could bring two nodes closer together (an optimal semi-matching; Harvey, Ladner, Lovász and Tamir 2003).
//!
//! It moves no replicas, and it commands nobody: `node` hands leadership over when it suits.

use crate::map::ShardMap;
use proto::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The preferred leader of each shard, in the map's order; `None` where no replica is eligible. Costs about shards × replicas × nodes: call it when
/// the map or the set of eligible nodes changes, not per request.
pub fn preferred_leaders(map: &ShardMap, eligible: &BTreeSet<NodeId>) -> Vec<Option<NodeId>> {
    let homes = homes(map);
    let mut plan = Plan::new(map, eligible);
    for (shard, &home) in homes.iter().enumerate() {
        if eligible.contains(&home) {
            plan.give(shard, home);
        }
    }
    plan.give_the_rest();
    let orphans: BTreeSet<usize> =
        (0..homes.len()).filter(|&shard| plan.leaders[shard] != Some(homes[shard])).collect();
    plan.level(|shard| orphans.contains(&shard));
    plan.level(|_| true);
    plan.leaders
}

/// The preferred leader of the directory group: its first eligible replica.
pub fn preferred_directory_leader(replicas: &[NodeId], eligible: &BTreeSet<NodeId>) -> Option<NodeId> {
    replicas.iter().copied().find(|node| eligible.contains(node))
}

/// The plan in sentences: what each node should lead, and why shards are not led by the first of their replicas.
pub fn explain(map: &ShardMap, eligible: &BTreeSet<NodeId>) -> Vec<String> {
    let plan = preferred_leaders(map, eligible);
    let homes = homes(map);
    let mut said = Vec::new();
    let members: BTreeSet<NodeId> =
        map.shards.iter().flat_map(|placement| placement.replicas.iter().copied()).collect();
    let shards_where =
        |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> { (0..plan.len()).filter(|&at| wanted(at)).collect() };
    for &node in &members {
        if !eligible.contains(&node) {
            said.push(format!("Node {node} is not eligible, so it should lead nothing."));
            continue;
        }
        let leads = shards_where(&|at| plan[at] == Some(node));
        said.push(match leads.len() {
            0 => format!("Node {node} should lead none of the {} shards.", plan.len()),
            count => {
                format!("Node {node} should lead {count} of the {} shards: {}.", plan.len(), runs(&leads))
            }
        });
        let taken_over =
            shards_where(&|at| plan[at] == Some(node) && homes[at] != node && !eligible.contains(&homes[at]));
        if !taken_over.is_empty() {
            said.push(format!(
                "Node {node} stands in for nodes that are not eligible on {}.",
                runs(&taken_over)
            ));
        }
        let levelled = shards_where(&|at| {
            plan[at] == Some(node)
                && map.shards[at].replicas.iter().find(|replica| eligible.contains(replica)) != Some(&node)
                && (homes[at] == node || eligible.contains(&homes[at]))
        });
        if !levelled.is_empty() {
            said.push(format!("Node {node} leads {} although other replicas come first there, so that leadership is spread evenly.", runs(&levelled)));
        }
    }
    let headless = shards_where(&|at| plan[at].is_none());
    if !headless.is_empty() {
        said.push(format!("No eligible node replicates {}: nobody can lead there.", runs(&headless)));
    }
    said
}

/// The leaders if every replica were eligible.
fn homes(map: &ShardMap) -> Vec<NodeId> {
    let all: BTreeSet<NodeId> =
        map.shards.iter().flat_map(|placement| placement.replicas.iter().copied()).collect();
    let mut plan = Plan::new(map, &all);
    for (shard, placement) in map.shards.iter().enumerate() {
        plan.give(shard, placement.replicas[0]);
    }
    plan.level(|_| true);
    plan.leaders.into_iter().map(|leader| leader.expect("every shard has a replica")).collect()
}

struct Plan<'a> {
    map: &'a ShardMap,
    eligible: &'a BTreeSet<NodeId>,
    leaders: Vec<Option<NodeId>>,
    /// How many shards each eligible node leads.
    loads: BTreeMap<NodeId, usize>,
}

impl<'a> Plan<'a> {
    fn new(map: &'a ShardMap, eligible: &'a BTreeSet<NodeId>) -> Plan<'a> {
        let loads = eligible.iter().map(|&node| (node, 0)).collect();
        Plan { map, eligible, leaders: vec![None; map.shards.len()], loads }
    }

    fn give(&mut self, shard: usize, node: NodeId) {
        if let Some(former) = self.leaders[shard].replace(node) {
            *self.loads.get_mut(&former).expect("leaders are eligible") -= 1;
        }
        *self.loads.get_mut(&node).expect("leaders are eligible") += 1;
    }

    /// Gives each shard without a leader to the least loaded of its eligible replicas; the earlier replica wins a tie.
    fn give_the_rest(&mut self) {
        for (shard, placement) in self.map.shards.iter().enumerate() {
            if self.leaders[shard].is_none() {
                let eligible = placement.replicas.iter().copied().filter(|node| self.eligible.contains(node));
                if let Some(node) = eligible.min_by_key(|node| self.loads[node]) {
                    self.give(shard, node);
                }
            }
        }
    }

    /// Moves shards along chains from more to less loaded nodes until no chain of movable shards helps. Each chain brings two nodes
    /// closer together and leaves those between as they were, so this ends.
    fn level(&mut self, movable: impl Fn(usize) -> bool) {
        while let Some(chain) = self.helpful_chain(&movable) {
            for (shard, to) in chain {
                self.give(shard, to);
            }
        }
    }

    /// The shortest chain from the most loaded node from which one exists: which shards go to which nodes.
    fn helpful_chain(&self, movable: &impl Fn(usize) -> bool) -> Option<Vec<(usize, NodeId)>> {
        let mut led: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (shard, leader) in self.leaders.iter().enumerate() {
            if let Some(leader) = leader
                && movable(shard)
            {
                led.entry(*leader).or_default().push(shard);
            }
        }
        let mut starts: Vec<NodeId> = led.keys().copied().collect();
        starts.sort_by_key(|node| (std::cmp::Reverse(self.loads[node]), *node));
        // What an earlier start reached without finding a light enough node is no use to a later, lighter one.
        let mut reached: BTreeSet<NodeId> = BTreeSet::new();
        for start in starts {
            if !reached.insert(start) {
                continue;
            }
            // By which shard, and from which node, each node is reached.
            let mut came: BTreeMap<NodeId, (usize, NodeId)> = BTreeMap::new();
            let mut queue = VecDeque::from([start]);
            while let Some(node) = queue.pop_front() {
                for &shard in led.get(&node).map_or(&[][..], Vec::as_slice) {
                    for &next in &self.map.shards[shard].replicas {
                        if !self.eligible.contains(&next) || !reached.insert(next) {
                            continue;
                        }
                        came.insert(next, (shard, node));
                        if self.loads[&next] + 2 <= self.loads[&start] {
                            return Some(chain_to(next, start, &came));
                        }
                        queue.push_back(next);
                    }
                }
            }
        }
        None
    }
}

fn chain_to(end: NodeId, start: NodeId, came: &BTreeMap<NodeId, (usize, NodeId)>) -> Vec<(usize, NodeId)> {
    let mut chain = Vec::new();
    let mut to = end;
    while to != start {
        let (shard, from) = came[&to];
        chain.push((shard, to));
        to = from;
    }
    chain
}

/// "shards 0 to 4, 7 and 9".
fn runs(shards: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &shard in shards {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == shard => *last = shard,
            _ => parts.push((shard, shard)),
        }
    }
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    let noun = if shards.len() == 1 { "shard" } else { "shards" };
    match parts.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{noun} {} and {last}", rest.join(", ")),
        _ => format!("{noun} {}", parts.join("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u64) -> BTreeSet<NodeId> {
        (1..=count).map(NodeId).collect()
    }

    fn even(node_count: u64, factor: u32, shards: u32) -> ShardMap {
        ShardMap::even(&nodes(node_count).into_iter().collect::<Vec<_>>(), factor, shards)
    }

    fn loads(map: &ShardMap, eligible: &BTreeSet<NodeId>) -> Vec<usize> {
        let plan = preferred_leaders(map, eligible);
        eligible.iter().map(|node| plan.iter().filter(|leader| **leader == Some(*node)).count()).collect()
    }

    fn spread(loads: &[usize]) -> usize {
        loads.iter().max().unwrap_or(&0) - loads.iter().min().unwrap_or(&0)
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % bound
        }
    }

    /// A map whose replicas lie anywhere.
    fn scattered(random: &mut Random) -> ShardMap {
        let node_count = 1 + random.below(9);
        let mut map = even(node_count, 1 + random.below(5) as u32, 1 + random.below(64) as u32);
        for placement in &mut map.shards {
            let mut left: Vec<NodeId> = nodes(node_count).into_iter().collect();
            for replica in &mut placement.replicas {
                *replica = left.remove(random.below(left.len() as u64) as usize);
            }
        }
        map.check().unwrap();
        map
    }

    fn some_of(random: &mut Random, map: &ShardMap) -> BTreeSet<NodeId> {
        let all: BTreeSet<NodeId> = map.shards.iter().flat_map(|s| s.replicas.iter().copied()).collect();
        all.into_iter().filter(|_| random.below(4) > 0).collect()
    }

    #[test]
    fn fresh_clusters_spread_within_one_for_every_shape() {
        for node_count in 1..=9 {
            for shards in 1..=128 {
                for factor in 1..=5 {
                    let map = even(node_count, factor, shards);
                    assert!(
                        spread(&loads(&map, &nodes(node_count))) <= 1,
                        "{node_count} nodes, {shards} shards, factor {factor}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_one_node_the_rest_spreads_within_one_and_little_moves() {
        for node_count in 2..=9 {
            for shards in [1, 2, 3, 7, 16, 31, 32, 64, 127, 128] {
                for factor in 2..=5 {
                    let map = even(node_count, factor, shards);
                    let before = preferred_leaders(&map, &nodes(node_count));
                    for gone in nodes(node_count) {
                        let mut eligible = nodes(node_count);
                        eligible.remove(&gone);
                        let after = preferred_leaders(&map, &eligible);
                        let orphans = before.iter().filter(|leader| **leader == Some(gone)).count();
                        let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
                        // Evenness can need a chain of moves past every node, never more for each orphan.
                        let bound = orphans * node_count as usize;
                        assert!(
                            moved <= bound,
                            "{node_count} nodes, {shards} shards, factor {factor}: {moved} moved for {orphans}"
                        );
                        if factor as u64 >= node_count {
                            assert_eq!(
                                moved, orphans,
                                "everybody holds everything, so only the orphans move"
                            );
                        }
                        if shards >= node_count as u32 {
                            assert!(
                                spread(&loads(&map, &eligible)) <= 1,
                                "{node_count} nodes, {shards} shards, factor {factor}"
                            );
                        }
                    }
                }
            }
        }
    }

    /// Whether the shards could be led with no node above `most`: simple augmenting paths, nothing shared with the planner.
    fn can_be_led_with_at_most(map: &ShardMap, eligible: &BTreeSet<NodeId>, most: usize) -> bool {
        fn place(
            map: &ShardMap,
            eligible: &BTreeSet<NodeId>,
            most: usize,
            shard: usize,
            held: &mut BTreeMap<NodeId, Vec<usize>>,
            seen: &mut BTreeSet<NodeId>,
        ) -> bool {
            for &node in map.shards[shard].replicas.iter().filter(|node| eligible.contains(node)) {
                if !seen.insert(node) {
                    continue;
                }
                if held.entry(node).or_default().len() < most {
                    held.get_mut(&node).unwrap().push(shard);
                    return true;
                }
                for at in 0..held[&node].len() {
                    let other = held[&node][at];
                    if place(map, eligible, most, other, held, seen) {
                        held.get_mut(&node).unwrap()[at] = shard;
                        return true;
                    }
                }
            }
            false
        }
        let mut held = BTreeMap::new();
        (0..map.shards.len())
            .filter(|&shard| map.shards[shard].replicas.iter().any(|node| eligible.contains(node)))
            .all(|shard| place(map, eligible, most, shard, &mut held, &mut BTreeSet::new()))
    }

    #[test]
    fn wherever_replicas_lie_only_eligible_replicas_lead_and_no_other_plan_is_more_even() {
        let mut random = Random(1);
        for _ in 0..2_000 {
            let map = scattered(&mut random);
            let eligible = some_of(&mut random, &map);
            let plan = preferred_leaders(&map, &eligible);
            for (placement, leader) in map.shards.iter().zip(&plan) {
                let possible: Vec<&NodeId> =
                    placement.replicas.iter().filter(|node| eligible.contains(node)).collect();
                match leader {
                    Some(leader) => assert!(possible.contains(&leader)),
                    None => assert!(possible.is_empty()),
                }
            }
            let most = loads(&map, &eligible).into_iter().max().unwrap_or(0);
            assert!(
                most == 0 || !can_be_led_with_at_most(&map, &eligible, most - 1),
                "{most} are led by one node needlessly"
            );
            assert_eq!(plan, preferred_leaders(&map.clone(), &eligible.clone()));
        }
    }

    #[test]
    fn the_explanation_names_every_shard_once() {
        let map = even(3, 3, 32);
        let all = explain(&map, &nodes(3));
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(all[0].starts_with("Node 1 should lead 11 of the 32 shards: shards 0, 3, 6"), "{all:?}");
        let without = explain(&map, &BTreeSet::from([NodeId(1), NodeId(2)]));
        assert!(
            without.iter().any(|said| said == "Node 3 is not eligible, so it should lead nothing."),
            "{without:?}"
        );
        assert!(without.iter().any(|said| said.starts_with("Node 1 stands in for")), "{without:?}");
        let nobody = explain(&even(2, 1, 4), &BTreeSet::from([NodeId(1)]));
        assert!(
            nobody
                .iter()
                .any(|said| said == "No eligible node replicates shards 1 and 3: nobody can lead there."),
            "{nobody:?}"
        );
    }

    #[test]
    fn the_directory_is_led_by_its_first_eligible_replica() {
        let replicas = [NodeId(1), NodeId(2), NodeId(3)];
        assert_eq!(preferred_directory_leader(&replicas, &nodes(3)), Some(NodeId(1)));
        assert_eq!(
            preferred_directory_leader(&replicas, &BTreeSet::from([NodeId(3), NodeId(9)])),
            Some(NodeId(3))
        );
        assert_eq!(preferred_directory_leader(&replicas, &BTreeSet::new()), None);
    }
}
