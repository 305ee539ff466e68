//! A node's regular word to its peers: that it lives, what it leads, what its clock says, and what is decided of its operations.
//!
//! Each time it is said, what hangs on the others' words is looked at too: who has fallen silent, who may lead, which leaderships are to be handed over, and whether the directory knows this start of the node.
//!
//! Not here: what is made of other nodes' words (`inbox`, `neighbours`).

use crate::core::Core;
use crate::event::Event;
use bytes::Bytes;
use directory::state::Change;
use proto::ids::{GroupId, NodeId};
use proto::peer::{Announce, Message};

impl Core {
    /// Says its regular word, after looking at who is silent, who may lead, and what is to be handed over.
    pub(crate) fn announce(&mut self) {
        let now = self.now.mono;
        let fresh = self.mesh.fresh();
        self.tell_links(&fresh);
        self.outbox.fell_silent(self.neighbours.tick(now, self.config.silence, &mut self.events));
        let mut eligible = self.neighbours.eligible();
        eligible.retain(|node| self.outbox.reaches(*node));
        if self.stopping.is_none() && self.fitness.may_lead() {
            eligible.insert(self.me);
        }
        self.leadership.update(eligible, &self.routing, &self.directory.directory_replicas(), now);
        let outbox = &self.outbox;
        let begun = self.leadership.hand_over(
            self.me,
            self.stopping.is_some() || !self.fitness.may_lead(),
            self.config.settle,
            now,
            &mut self.groups,
            |node| outbox.reaches(node),
        );
        for (group, to) in begun {
            self.dirty.insert(group);
            self.events.push(Event::TransferBegun { group, to });
        }
        self.register();
        let announce = Announce {
            incarnation: self.config.identity.incarnation,
            clock: self.clock.peek(self.now.wall_ms),
            leads: self
                .groups
                .iter()
                .filter(|(_, group)| group.view().leads)
                .map(|(id, group)| (*id, group.view().term))
                .collect(),
            stopping: self.stopping.is_some(),
            unfit: !self.fitness.may_lead(),
            directory: self.directory_index,
            fold: self.own_fold(),
        };
        let peers: Vec<NodeId> = self.outbox.reachable().collect();
        let folds = self.folds_of_closed();
        if !folds.is_empty() {
            self.folded(self.me, folds.clone());
        }
        for node in peers {
            self.outbox.send(node, Message::Announce(announce.clone()));
            if !folds.is_empty() {
                self.outbox.send(node, Message::Folded { folds: folds.clone() });
            }
        }
        #[cfg(feature = "planted")]
        self.tell_coverage();
    }

    /// Tells the directory about this start and its addresses, until the directory shows them.
    fn register(&mut self) {
        let member = &self.config.member;
        let known = self.directory.members.get(&self.me);
        if known.is_some_and(|known| known == member || known.incarnation > member.incarnation) {
            return;
        }
        let change: Bytes = Change::MemberStarted { member: member.clone() }.encode();
        if let Some((_, leader)) = self.routing.group_leader(GroupId::DIRECTORY) {
            self.outbox.send(leader, Message::ProposeDirectory { change });
        }
    }
}
