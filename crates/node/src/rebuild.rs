//! Replicas that have lost what they had promised, and how they are born again from their peers (`docs/decisions/0034`).
//!
//! Such a replica is *unborn*: it has no consensus library, so it votes for nobody and acknowledges nothing; its group is not among the core's groups, so to everything else here this node does not replicate it. It asks
//! its peers to be taken in anew, under a number that it drew when it began anew. The leader writes that into the group's log, and once it has applied that entry it offers a snapshot by the ordinary transfer.
//! The replica is born from a snapshot only if that names its number: so everything that it may have promised before is settled without it.
//!
//! Invariants: between the loss and the birth nothing leaves this node in the replica's name but the wish; a replica is born durably, with the term of the leader that fed it and its vote given to that leader, before it says a word.

use crate::consensus::{Birth, Replica};
use crate::core::{Core, Purpose};
use crate::event::Event;
use crate::group::Group;
use crate::machine::{Frozen, Machine};
use crate::recovery::own_groups;
use crate::report::AppliedEntry;
use crate::transfer::{Complete, WantedSnapshot};
use bytes::Bytes;
use proto::ids::{GroupId, NodeId, ReplicaId, Term};
use proto::peer::{Message, SnapshotPoint, SnapshotStep};
use proto::time::Mono;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use storage::disk::Lane;
use storage::log::{HardState, Record};

/// An unborn replica repeats its wish after this long.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Under what a replica was taken in anew last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    /// What it drew.
    pub nonce: u64,
    /// Its data folder, counted from 1.
    pub folder: u32,
}

/// The replicas of a group that were ever rebuilt. Replicated state: it travels with snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilds(BTreeMap<ReplicaId, Rebuild>);

impl Rebuilds {
    /// Whether a replica was taken in under this number, by its newest wish.
    pub fn name(&self, replica: ReplicaId, nonce: u64) -> bool {
        self.0.get(&replica).is_some_and(|rebuild| rebuild.nonce == nonce)
    }

    /// Takes a replica in anew. A wish that is older than the newest folder is of no use to anybody.
    pub fn take_in(&mut self, replica: ReplicaId, rebuild: Rebuild) {
        if self.folder(replica) <= rebuild.folder {
            self.0.insert(replica, rebuild);
        }
    }

    /// The newest data folder of a replica, as far as the log knows.
    pub fn folder(&self, replica: ReplicaId) -> u32 {
        self.0.get(&replica).map_or(1, |rebuild| rebuild.folder)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (ReplicaId, Rebuild)> + '_ {
        self.0.iter().map(|(replica, rebuild)| (*replica, *rebuild))
    }
}

/// A replica without a memory.
#[derive(Debug)]
pub(crate) struct Unborn {
    /// The group's empty machine.
    pub machine: Machine,
    /// Under which number it wants to be taken in.
    nonce: u64,
    /// When it asked last.
    asked: Option<Mono>,
    /// What it is born with, as soon as the log says that this is durable.
    newborn: Option<Newborn>,
}

#[derive(Debug)]
struct Newborn {
    from: NodeId,
    transfer: u64,
    point: SnapshotPoint,
    hard_state: HardState,
    fetched: usize,
    kept: usize,
}

impl Unborn {
    /// One that knows nothing of its group.
    pub(crate) fn new(machine: Machine, nonce: u64) -> Unborn {
        Unborn { machine, nonce, asked: None, newborn: None }
    }
}

impl Core {
    /// Whether this node has a replica of the group that is not born yet.
    pub fn is_unborn(&self, group: GroupId) -> bool {
        self.unborn.contains_key(&group)
    }

    /// The groups whose replica here waits to be filled from its peers.
    pub fn unborn(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.unborn.keys().copied()
    }

    /// Asks the peers to take in what is unborn. Once a tick.
    pub(crate) fn ask_to_be_rebuilt(&mut self) {
        let now = self.now.mono;
        for (id, unborn) in &mut self.unborn {
            let is_due = unborn.asked.is_none_or(|asked| now - asked >= ASK_AGAIN);
            if !is_due || unborn.newborn.is_some() || self.transfers.receives(*id) {
                continue;
            }
            unborn.asked = Some(now);
            let (nonce, folder) = (unborn.nonce, self.folder.number);
            for &peer in self.routing.replicas(*id).iter().filter(|peer| **peer != self.me) {
                self.outbox.send(peer, Message::RebuildWanted { group: *id, nonce, folder });
            }
        }
    }

    /// A replica asks to be taken in. The leader sees to it: first the entry, then a snapshot that contains it.
    pub(crate) fn rebuild_wanted(&mut self, from: NodeId, id: GroupId, nonce: u64, folder: u32) {
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.view().serves) else { return };
        let replica = ReplicaId(from.0);
        if !group.replica_ref().configuration().voters.contains(&replica) {
            let why = format!("a wish to be rebuilt from a node without a replica of group {id}");
            return self.events.push(Event::PeerRefused { node: from, why });
        }
        let rebuild = Rebuild { nonce, folder };
        if !group.machine.rebuilds().name(replica, nonce) {
            if folder >= group.machine.rebuilds().folder(replica)
                && group.duties.propose_rebuilt(replica, rebuild)
            {
                self.events.push(Event::RebuildWanted { group: id, node: from });
                self.dirty.insert(id);
            }
            return;
        }
        if group.replica_ref().frozen() || self.transfers.sends(id, replica) || !self.transfers.has_room() {
            return;
        }
        let (term, point, content) = (group.view().term, group.point(), group.machine.freeze());
        self.events.push(Event::SnapshotOffered { group: id, to: from, index: point.index });
        let wanted = WantedSnapshot { to: replica, term, point, content };
        self.transfers.offer(id, wanted, self.now.mono, &mut self.outbox);
    }

    /// A leader offers a snapshot to a replica that is not born. It is of use only if it names this rebuild.
    #[allow(clippy::too_many_arguments)] // the offer's fields, as they travel
    pub(crate) fn offered_to_unborn(
        &mut self,
        from: NodeId,
        id: GroupId,
        transfer: u64,
        term: Term,
        point: SnapshotPoint,
        slots: Vec<(proto::ids::Slot, u128)>,
        tables: Bytes,
    ) {
        let Some(unborn) = self.unborn.get(&id).filter(|unborn| unborn.newborn.is_none()) else { return };
        let is_meant = unborn
            .machine
            .rebuilds_in(&tables)
            .is_some_and(|rebuilds| rebuilds.name(ReplicaId(self.me.0), unborn.nonce));
        if !is_meant {
            let step = SnapshotStep::Finished { transfer, installed: false };
            return self.outbox.send(from, Message::Snapshot { group: id, step });
        }
        let (own, now) = (Frozen { slots: Vec::new(), tables: Bytes::new() }, self.now.mono);
        let (transfers, outbox) = (&mut self.transfers, &mut self.outbox);
        transfers.offered(id, from, transfer, term, point, slots, tables, own, now, outbox);
    }

    /// The file of a snapshot is durable that an unborn replica can be born from: its birth goes into the log.
    pub(crate) fn conceive(&mut self, id: GroupId, complete: Complete) {
        let Some(unborn) = self.unborn.get_mut(&id) else { return };
        let Complete { from, transfer, term, point, slots, tables, fetched } = complete;
        let kept = slots.len() - fetched;
        if !unborn.machine.restore(slots, &tables) {
            let step = SnapshotStep::Finished { transfer, installed: false };
            return self.outbox.send(from, Message::Snapshot { group: id, step });
        }
        let (index, term) = (point.index, term.max(point.term));
        // Its vote in this term is its feeder's, whom the others have elected: so it can give none twice.
        let hard_state = HardState { term, vote: ReplicaId(from.0), commit: index };
        self.log.push(Record::SnapshotMark { group: id, index, term: point.term, reset: true });
        self.log.push(Record::HardState { group: id, state: hard_state });
        self.snapshots.supersede(id, index);
        unborn.newborn = Some(Newborn { from, transfer, point, hard_state, fetched, kept });
        self.newborn.push(id);
    }

    /// The log says that a birth is durable.
    pub(crate) fn born(&mut self, id: GroupId) {
        let Some(Unborn { machine, newborn: Some(newborn), .. }) = self.unborn.remove(&id) else { return };
        let Newborn { from, transfer, point, hard_state, fetched, kept } = newborn;
        let (index, term) = (point.index, point.term);
        let birth = Birth {
            group: id,
            replica: ReplicaId(self.me.0),
            seed: self.config.seed,
            point,
            hard_state,
            entries: Vec::new(),
            pace: self.config.pace,
        };
        let mut group = Group::new(id, Replica::new(birth), machine, hard_state, index, (index, term));
        // To the simulator's judges it is a replica whose past a snapshot has replaced.
        group.recorded = self
            .config
            .record_applied
            .then(|| vec![AppliedEntry { group: id, index, term, data: None, fresh: false, decision: None }]);
        self.clock.merge_decided(group.machine.last());
        self.groups.insert(id, group);
        self.dirty.insert(id);
        self.tentative_born(id);
        self.events.push(Event::ReplicaReborn { group: id, index, fetched_slots: fetched, kept_slots: kept });
        let step = SnapshotStep::Finished { transfer, installed: true };
        self.outbox.send(from, Message::Snapshot { group: id, step });
        let ops = self.transfers.forget_partial(id);
        if !ops.is_empty() {
            self.job(Lane::Bulk, ops, Purpose::Housekeeping);
        }
        // The next ones need not wait for their turn.
        self.unborn.values_mut().for_each(|unborn| unborn.asked = None);
    }

    /// A replica whose state cannot be trusted was taken away: it begins anew, as if it had lost its memory. If the node ends before the birth, it comes up again with what its folder has, promises included.
    pub(crate) fn forget_replica(&mut self, id: GroupId) {
        let groups = own_groups(
            self.me,
            &self.directory,
            #[cfg(feature = "planted")]
            self.config.planted,
        );
        let Some((_, _, machine)) = groups.into_iter().find(|(group, _, _)| *group == id) else { return };
        self.forgotten += 1;
        // Never drawn before: one for each start, group and time.
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let start = self.config.identity.incarnation.0;
        for number in [self.config.seed, self.folder.nonce, start, u64::from(id.0), self.forgotten] {
            hash.update(&number.to_le_bytes());
        }
        self.unborn.insert(id, Unborn::new(machine, hash.digest().max(1)));
        self.front.leader_changed();
    }

    /// Says at the start what is to be rebuilt, and what cannot be.
    pub(crate) fn says_at_start(&mut self) {
        if self.unborn.is_empty() {
            return;
        }
        let alone = self.unborn.keys().filter(|id| self.routing.replicas(**id).len() < 2).count();
        self.events.push(Event::RebuildBegun { groups: self.unborn.len(), alone });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_of_an_earlier_folder_does_not_replace_a_later_one() {
        let (mut rebuilds, replica) = (Rebuilds::default(), ReplicaId(3));
        assert_eq!(rebuilds.folder(replica), 1);
        rebuilds.take_in(replica, Rebuild { nonce: 7, folder: 3 });
        rebuilds.take_in(replica, Rebuild { nonce: 5, folder: 2 });
        assert!(rebuilds.name(replica, 7) && !rebuilds.name(replica, 5));
        assert!(!rebuilds.name(ReplicaId(2), 7), "another's");
        rebuilds.take_in(replica, Rebuild { nonce: 9, folder: 3 });
        assert!(rebuilds.name(replica, 9), "the same folder may forget once more");
    }

    #[test]
    fn no_number_is_named_where_nobody_was_taken_in() {
        assert!(!Rebuilds::default().name(ReplicaId(1), 0));
    }
}
