//! No acknowledged write is lost: after everything came to rest, every replica holds each key at the newest acknowledged version, or a newer one
//! (`checker::Durability`).

use crate::verdict::Failure;
use crate::world::World;
use checker::{Dot, Durability, Ending, Fate, KeyVersion, Level, OpName, Record, Status};
use std::collections::BTreeMap;

fn wrote(record: &Record) -> bool {
    let wrote = match record.op {
        OpName::Get => false,
        OpName::Set | OpName::Incr | OpName::Append => true,
        OpName::Cas | OpName::Del => record.swapped == Some(true),
    };
    wrote && record.status == Status::Ok
}

pub(super) fn check(world: &World) -> Result<(), Failure> {
    let mut judge = Durability::default();
    let made = |fate: &Fate| {
        Some((vec![fate.dot.clone()], fate.decided_version.filter(|_| fate.ending == Ending::Decided)?))
    };
    let decided: BTreeMap<Vec<Dot>, u64> = world.judges.fates().filter_map(made).collect();
    let mut names: BTreeMap<&str, u64> = BTreeMap::new();
    for record in world.workload.history() {
        let next = names.len() as u64;
        let key = *names.entry(&record.key).or_insert(next);
        // A weak write says what was beneath it; what it made is in its fate.
        let made = match record.level.as_deref().map(str::parse) {
            Some(Ok(Level::Causal | Level::Eventual)) => decided.get(&record.dots).copied(),
            _ => record.version,
        };
        if let (true, Some(version)) = (wrote(record), made) {
            judge.acknowledged(KeyVersion { key, version });
        }
    }
    for (node, machine) in world.machines.iter().enumerate() {
        let Some(core) = machine.core() else { continue };
        for (name, key) in &names {
            let Some(local) = core.where_key(name.as_bytes()).local else { continue };
            judge.holds(node as u64 + 1, KeyVersion { key: *key, version: local.version }).map_err(
                |broken| Failure::safety("no acknowledged write is lost", format!("{name}: {broken}")),
            )?;
        }
    }
    Ok(())
}
