//! After the healing: every node serves, every group has one leader, every replica has applied the same and holds the same, nothing is
//! tentative any more, leaders are spread.
//!
//! *Spread* means that no shard could move its leadership to another of its replicas and make the two nodes more equal: no leader's node leads two shards more
//! than another replica's.

use crate::verdict::Failure;
use crate::world::{World, id_of, number_of};
use node::report::Probe;
use proto::ids::GroupId;
use std::collections::BTreeMap;

pub(super) fn check(world: &World) -> Result<(), Failure> {
    if !world.workload.is_done() {
        return Err(Failure::liveness("clients get their answers", world.workload.missing()));
    }
    if let Some(dot) = world.workload.acknowledged().find(|dot| !world.judges.knows(*dot)) {
        return Err(Failure::liveness("acknowledged tentative writes are decided", dot.to_string()));
    }
    let mut groups: BTreeMap<GroupId, Vec<(usize, Probe)>> = BTreeMap::new();
    for (node, machine) in world.machines.iter().enumerate() {
        let Some(core) = machine.core() else {
            return Err(Failure::liveness("every node serves again", format!("node {}", id_of(node))));
        };
        if !core.is_ready() {
            return Err(Failure::liveness("every node is ready", format!("node {}", id_of(node))));
        }
        if core.undecided() > 0 {
            let explanation = format!("node {} holds {} that are not", id_of(node), core.undecided());
            return Err(Failure::liveness("tentative operations are decided", explanation));
        }
        for probe in core.probes() {
            // A digest is dear, but this is asked only once clients are done.
            groups.entry(probe.group).or_default().push((node, probe));
        }
    }
    let mut leads = vec![0_i64; world.nodes()];
    let mut leaders = BTreeMap::new();
    for (group, replicas) in &groups {
        let newest = replicas.iter().map(|(_, probe)| probe.view.term).max().unwrap_or_default();
        let leader = replicas.iter().find(|(_, probe)| probe.view.leads && probe.view.term == newest);
        let Some((leader, of_leader)) = leader else {
            return Err(Failure::liveness(
                "every group has a leader",
                format!("group {group}: {replicas:?}"),
            ));
        };
        for (node, probe) in replicas {
            if (probe.applied, probe.digest) != (of_leader.applied, of_leader.digest) {
                let explanation = format!(
                    "group {group}: leader node {} applied {}, node {} applied {}",
                    id_of(*leader),
                    of_leader.applied,
                    id_of(*node),
                    probe.applied
                );
                return Err(Failure::liveness("replicas converge", explanation));
            }
        }
        if group.shard().is_some() {
            leads[*leader] += 1;
            leaders.insert(*group, *leader);
        }
    }
    spread(world, &leads, &leaders)
}

fn spread(world: &World, leads: &[i64], leaders: &BTreeMap<GroupId, usize>) -> Result<(), Failure> {
    let Some(core) = world.machines.iter().find_map(|machine| machine.core()) else { return Ok(()) };
    for placement in &core.routing().map().shards {
        let Some(&leader) = leaders.get(&placement.shard.group()) else {
            return Err(Failure::liveness("every shard has replicas", format!("shard {}", placement.shard)));
        };
        for replica in &placement.replicas {
            if leads[leader] - leads[number_of(*replica)] > 1 {
                return Err(Failure::liveness(
                    "leaders are spread",
                    format!("shards led by each node: {leads:?}"),
                ));
            }
        }
    }
    Ok(())
}
