//! The floor: up to where deletions may be forgotten, because nothing that had not seen them can still come.
//!
//! A leader that keeps deletions or winners asks every origin of the shard. An origin promises what it has seen itself, or the least that anything pending here had seen; it writes the promise into its journal before it tells it, and
//! takes nothing from then on while its safe time is below (a restart may set that back). The least of all promises goes into the log, and with it what is known to be decided of each origin.
//!
//! An origin that cannot be reached holds the floor where it is. The marks are bounded all the same: beyond `MAX_MARKS` the state machine forgets the oldest and raises the floor by itself (`arbitration`).

use super::journal::Kept;
use super::{Pending, Shard};
use crate::core::Core;
use crate::machine::Machine;
use crate::marks::{Mark, reached};
use proto::hlc::Timestamp;
use proto::ids::{GroupId, NodeId};
use proto::peer::Message;
use proto::tentative::{Fold, Origin};
use proto::time::Mono;
use std::collections::BTreeMap;

/// What a leader hears while it asks.
#[derive(Debug, Default)]
pub(super) struct Collection {
    promises: BTreeMap<NodeId, Timestamp>,
    asked: Mono,
    /// The leader that asked this node last, to be told.
    asker: Option<NodeId>,
    /// What of all origins was known to be decided when a floor was proposed last.
    folded: u64,
}

impl Core {
    /// A leader asks the origins of its shard from time to time, as long as a floor would let something be forgotten.
    pub(super) fn collect_floor(&mut self, id: GroupId) {
        let now = self.now.mono;
        let Some(group) = self.groups.get(&id).filter(|group| group.view().serves) else { return };
        let Machine::Shard(machine) = &group.machine else { return };
        let shard = self.tentative.shards.get_mut(&id).expect("the caller has seen it");
        if !machine.arbitration.wants_floor() || now - shard.floor.asked < self.config.safe_time_interval {
            return;
        }
        shard.floor.asked = now;
        shard.floor.promises.clear();
        for &node in self.routing.replicas(id) {
            self.outbox.send(node, Message::FloorWanted { group: id });
        }
    }

    /// A leader asks what this node, as an origin, can promise.
    pub(crate) fn floor_wanted(&mut self, from: NodeId, id: GroupId) {
        let origin = self.tentative.origin;
        let Some(last) = self.groups.get(&id).map(|group| group.machine.last()) else { return };
        let Some(Shard { holdings, floor, .. }) = self.tentative.shards.get_mut(&id) else { return };
        let promise = holdings.least_seen(origin).map_or(last, |seen| seen.min(last));
        floor.asker = Some(from);
        if promise <= holdings.promised {
            // As good as before. If it is not durable yet, it is told when it is.
            let is_pending = self
                .tentative
                .pending
                .iter()
                .any(|(_, pending)| matches!(pending, Pending::Promise(group, _) if *group == id));
            if !is_pending {
                reached(Mark::PromiseRepeated);
                let floor = holdings.promised;
                self.outbox.send(from, Message::FloorPromise { group: id, origin, floor });
            }
            return;
        }
        holdings.promised = promise;
        let at = self.tentative.journal.push(&mut self.log, &Kept::Promise(id, promise));
        self.tentative.pending.push_back((at, Pending::Promise(id, promise)));
    }

    /// A promise is durable: it may be told.
    pub(super) fn promise_durable(&mut self, id: GroupId, floor: Timestamp) {
        let origin = self.tentative.origin;
        let asker = self.tentative.shards.get(&id).and_then(|shard| shard.floor.asker);
        if let Some(asker) = asker {
            self.outbox.send(asker, Message::FloorPromise { group: id, origin, floor });
        }
    }

    /// An origin promises.
    pub(crate) fn floor_promised(&mut self, from: NodeId, id: GroupId, origin: Origin, floor: Timestamp) {
        if origin.node != from || origin.is_hints() {
            return;
        }
        let replicas = self.routing.replicas(id);
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return };
        shard.floor.promises.insert(from, floor);
        let all = replicas.iter().map(|node| shard.floor.promises.get(node)).collect::<Option<Vec<_>>>();
        let Some(floor) = all.and_then(|all| all.into_iter().min().copied()) else { return };
        let folds: Vec<Fold> = self.tentative.folds.newest().collect();
        let folded = folds.iter().map(|fold| fold.number).sum();
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.view().serves) else { return };
        shard.floor.promises.clear();
        // An entry moves the shard's time on, and with it the next promise: without this a shard with a dot that cannot be folded would never rest.
        let would_forget =
            group.machine.as_shard().is_some_and(|shard| shard.arbitration.would_forget(floor));
        if would_forget || folded != shard.floor.folded {
            shard.floor.folded = folded;
            reached(Mark::FloorProposed);
            group.duties.propose_floor(floor, folds);
            self.dirty.insert(id);
        }
    }
}
