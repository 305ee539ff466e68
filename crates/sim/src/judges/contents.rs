//! Sets, lists and hashes hold what the log says that they hold (`collections`).
//!
//! The first replica that applies an entry is compared at once: each collection that the entries since the last look have touched must be there as the contract has it. All other replicas are judged by being equal (`replicas`).
//!
//! Not here: what clients are answered; registers, counters and strings, which are judged by their answers (`weak`).

use super::collections::Collections;
use crate::verdict::Failure;
use crate::world::id_of;
use bytes::Bytes;
use node::core::Core;
use node::report::AppliedEntry;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex};
use proto::log_entry::{Deed, LogEntry};
use std::collections::{BTreeMap, BTreeSet};

/// One shard, as far as anybody has applied its log.
#[derive(Default)]
struct Shard {
    applied: LogIndex,
    last: Timestamp,
    collections: Collections,
    /// An entry was never seen: nothing is known of what follows.
    is_lost: bool,
}

/// The judge.
#[derive(Default)]
pub(super) struct Contents {
    shards: BTreeMap<GroupId, Shard>,
    moved: BTreeSet<GroupId>,
    compared: u64,
}

fn wrong(explanation: String) -> Failure {
    Failure::safety("collections hold what was put in and not taken out", explanation)
}

impl Contents {
    /// A replica has applied an entry.
    pub(super) fn applied(&mut self, entry: &AppliedEntry) -> Result<(), Failure> {
        let Some(data) = &entry.data else { return Ok(()) };
        let shard = match self.shards.get_mut(&entry.group) {
            Some(shard) => shard,
            None if entry.group.shard().is_some() => {
                let applied = LogIndex(entry.index.0 - 1);
                self.shards.entry(entry.group).or_insert(Shard { applied, ..Shard::default() })
            }
            None => return Ok(()),
        };
        if entry.index <= shard.applied || shard.is_lost {
            return Ok(());
        }
        shard.is_lost = entry.index.0 != shard.applied.0 + 1;
        shard.applied = entry.index;
        let decoded = if data.is_empty() { None } else { postcard::from_bytes::<LogEntry>(data).ok() };
        let proposed = match &decoded {
            None => Timestamp::ZERO,
            Some(
                LogEntry::Empty { proposed }
                | LogEntry::Write { proposed, .. }
                | LogEntry::Tentative { proposed, .. }
                | LogEntry::Floor { proposed, .. }
                | LogEntry::Directory { proposed, .. }
                | LogEntry::Rebuilt { proposed, .. }
                | LogEntry::Closed { proposed, .. },
            ) => *proposed,
        };
        shard.last = proposed.max(shard.last.next());
        self.moved.insert(entry.group);
        match (decoded, entry.decision) {
            (Some(LogEntry::Write { client, deed: Deed::Apply(write), .. }), _) if entry.fresh => {
                shard.collections.strong(shard.last, client.as_ref(), &write);
                Ok(())
            }
            (Some(LogEntry::Tentative { operation, .. }), Some(decision)) => shard
                .collections
                .tentative(shard.last, &operation, decision.verdict)
                .map_err(|why| wrong(format!("group {} index {}: {why}", entry.group, entry.index))),
            _ => Ok(()),
        }
    }

    /// Compares a node that has just applied what nobody had.
    pub(super) fn look(&mut self, node: usize, core: &Core) -> Result<(), Failure> {
        for group in std::mem::take(&mut self.moved) {
            let Some(shard) = self.shards.get_mut(&group).filter(|shard| !shard.is_lost) else { continue };
            for (key, read) in shard.collections.take_touched() {
                let Some(reply) = core.look(&read) else { continue };
                self.compared += 1;
                if let Some(why) = shard.collections.differs(&key, &reply) {
                    let (node, key, index) = (id_of(node), key.escape_ascii(), shard.applied);
                    return Err(wrong(format!(
                        "node {node}, group {group}, index {index}, key {key}: {why}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// After everything came to rest: each push that was acknowledged took effect once.
    pub(super) fn acknowledged(&self, pushes: &[(Bytes, Bytes)]) -> Result<(), Failure> {
        if self.shards.values().any(|shard| shard.is_lost) {
            return Ok(());
        }
        for (key, value) in pushes {
            let count: u64 = self.shards.values().map(|shard| shard.collections.pushes(key, value)).sum();
            if count != 1 {
                let (key, value) = (key.escape_ascii(), value.escape_ascii());
                let explanation = format!("{value} was pushed to {key}, and that took effect {count} times");
                return Err(wrong(explanation));
            }
        }
        Ok(())
    }

    /// How often a collection was compared.
    pub(super) fn compared(&self) -> u64 {
        self.compared
    }
}
