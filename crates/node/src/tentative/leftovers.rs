//! The end of an origin whose data folder is gone: what survives of it elsewhere is decided, and then nobody waits for the rest.
//!
//! The shard's log says that a replica was rebuilt (`crate::rebuild`): as an origin its earlier folders take nothing any more. What others hold of theirs they hand in as always. The leader asks all other replicas whether
//! anything is left; once each has said that it holds nothing, an entry closes the origin in this shard: its mark goes to the end, so whatever comes late counts as a repetition. What only the lost disk held never comes, and with the origin closed
//! no session waits for it. The node itself tells, as soon as all its shards have closed an earlier folder of its own, that everything of it is decided (a fold without end).
//!
//! An answer is asked for only after the log knows of the loss, so it is later than every acknowledgement that the lost folder can have counted: nothing that its clients were told to be on several nodes is closed out.

use super::spread::LAST_NUMBER;
use crate::core::Core;
use proto::ids::{GroupId, NodeId};
use proto::peer::Message;
use proto::tentative::{Dot, Fold, Origin};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Between two rounds of asking.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What a leader hears of origins that are gone.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    asked: Option<Mono>,
    /// Who has said that it holds nothing.
    clear: BTreeMap<Origin, BTreeSet<NodeId>>,
}

impl Core {
    /// The leader of a shard looks whether an origin can be closed. Once a tick.
    pub(super) fn close_what_is_gone(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.view().serves) else { return };
        let Some(machine) = group.machine.as_shard() else { return };
        let marks = machine.arbitration.marks();
        let gone: Vec<Origin> = machine
            .rebuilds
            .iter()
            .flat_map(|(replica, rebuild)| {
                (1..rebuild.folder).map(move |folder| Origin::of_folder(NodeId(replica.0), folder))
            })
            .filter(|origin| marks.of(*origin) < LAST_NUMBER)
            .collect();
        let (now, me) = (self.now.mono, self.me);
        let shard = self.tentative.shards.get_mut(&id).expect("the caller has seen it");
        if gone.is_empty() {
            shard.leftovers.clear.clear();
            return;
        }
        let is_due = shard.leftovers.asked.is_none_or(|asked| now - asked >= ASK_AGAIN);
        if is_due {
            shard.leftovers.asked = Some(now);
        }
        for origin in gone {
            let clear = shard.leftovers.clear.entry(origin).or_default();
            let others =
                self.routing.replicas(id).iter().filter(|node| **node != me && **node != origin.node);
            let open: Vec<NodeId> = others.filter(|node| !clear.contains(node)).copied().collect();
            if open.is_empty() && !shard.holdings.holds(origin) {
                group.duties.propose_closed(origin);
                self.dirty.insert(id);
            } else if is_due {
                for node in open {
                    self.outbox.send(node, Message::LeftoversWanted { group: id, origin });
                }
            }
        }
    }

    /// A leader asks whether anything undecided is held here of an origin that is gone.
    pub(crate) fn leftovers_wanted(&mut self, from: NodeId, id: GroupId, origin: Origin) {
        let is_clear = self.tentative.shards.get(&id).is_some_and(|shard| !shard.holdings.holds(origin));
        if is_clear {
            self.outbox.send(from, Message::NoLeftovers { group: id, origin });
        }
    }

    /// Another replica holds nothing of it.
    pub(crate) fn no_leftovers(&mut self, from: NodeId, id: GroupId, origin: Origin) {
        if let Some(shard) = self.tentative.shards.get_mut(&id)
            && let Some(clear) = shard.leftovers.clear.get_mut(&origin)
        {
            clear.insert(from);
        }
    }

    /// The earlier folders of this node that all its shards have closed: nobody need wait for anything of theirs.
    pub(crate) fn folds_of_closed(&self) -> Vec<Fold> {
        if self.folder.number == 1 || !self.unborn.is_empty() {
            return Vec::new();
        }
        let shards = || self.groups.values().filter_map(|group| group.machine.as_shard());
        let at = shards().map(|shard| shard.state.last()).max().unwrap_or_default();
        (1..self.folder.number)
            .map(|folder| Origin::of_folder(self.me, folder))
            .filter(|origin| shards().all(|shard| shard.arbitration.mark(*origin) >= LAST_NUMBER))
            .map(|origin| Fold { origin, number: LAST_NUMBER, at })
            .collect()
    }

    /// A replica is born: what it knows of tentative operations is what its state has decided. The others are asked for what they hold.
    pub(crate) fn tentative_born(&mut self, id: GroupId) {
        let Some(machine) = self.groups.get(&id).and_then(|group| group.machine.as_shard()) else { return };
        let (marks, last) = (machine.arbitration.marks().clone(), machine.state.last());
        let tentative = &mut self.tentative;
        let own: Dot = Dot { origin: tentative.origin, number: marks.of(tentative.origin) };
        tentative.newest = tentative.newest.max(own.number);
        tentative.durable = tentative.durable.max(own.number);
        tentative.own.saw(last);
        let shard = tentative.shards.entry(id).or_default();
        marks.iter().for_each(|mark| shard.holdings.recover_mark(mark));
        let peers: Vec<NodeId> = self.outbox.reachable().collect();
        for peer in peers.into_iter().filter(|peer| self.routing.replicas(id).contains(peer)) {
            shard.sent.insert(peer, 0);
            let covered = shard.holdings.all_covered();
            self.outbox.send(peer, Message::HeldWanted { group: id, covered });
        }
    }
}
