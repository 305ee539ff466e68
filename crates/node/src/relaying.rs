//! What a core does with its mesh: tells who hears whom, follows the ways that change, and passes other nodes' frames on.
//!
//! Link states go to direct neighbours only: all that are known in each round, what is news at once. Everything else a node sends is addressed to a node, and leaves by the first hop that the mesh names. A node that can be reached by no way
//! any more is treated as a broken link is: whoever waits for it starts over.
//!
//! Not here: which way is the best (`mesh`).

use crate::core::Core;
use crate::event::Event;
use bytes::Bytes;
use proto::frame::{Addresses, Frame};
use proto::ids::{NodeId, ReplicaId};
use proto::peer::{LinkState, Message};

impl Core {
    /// The body has a link to this peer.
    pub(crate) fn link_up(&mut self, node: NodeId) {
        self.mesh.set_linked(node, true, self.now.mono);
        self.look_at_links();
        self.announce_soon = true;
    }

    /// The body's link to this peer broke. What was on it is lost, whatever other way there is.
    pub(crate) fn link_down(&mut self, node: NodeId) {
        self.mesh.set_linked(node, false, self.now.mono);
        self.lost_frames(node);
        self.look_at_links();
    }

    /// Looks at the time and at what was learnt: who is heard, and by which ways nodes are reached.
    pub(crate) fn look_at_links(&mut self) {
        let (changes, hears_others) = self.mesh.look(self.now.mono);
        if !(changes.gained.is_empty() && changes.lost.is_empty() && changes.rerouted.is_empty()) {
            self.outbox.set_hops(self.mesh.hops());
        }
        for node in changes.lost {
            self.front.tentative.link_down(node, self.now.mono);
            self.lost_frames(node);
        }
        for node in changes.gained {
            self.front.tentative.link_up(node);
            self.tentative_link_up(node);
            self.announce_soon = true;
        }
        for (node, via) in changes.rerouted {
            self.events.push(Event::Rerouted { node, via });
        }
        if hears_others {
            self.tell_links(&[]);
        }
    }

    /// Frames for this node may be lost: whoever counts on them starts over.
    fn lost_frames(&mut self, node: NodeId) {
        for (id, group) in &mut self.groups {
            group.replica().report_unreachable(ReplicaId(node.0));
            self.dirty.insert(*id);
        }
        for (group, to) in self.transfers.link_broke(node) {
            self.report_transfer(group, to, false);
        }
    }

    /// Tells direct neighbours whom this node hears, and what they lack of these nodes' states.
    pub(crate) fn tell_links(&mut self, nodes: &[NodeId]) {
        let own = self.mesh.tell(self.now.mono);
        for (peer, mut states) in self.mesh.pass_on(nodes) {
            states.push(own.clone());
            self.outbox.send_direct(peer, Message::Links { states });
        }
    }

    /// A direct neighbour told link states.
    pub(crate) fn links_told(&mut self, states: Vec<LinkState>) {
        let members = &self.directory.members;
        let news = self.mesh.learn(states, self.now.mono, |node| members.contains_key(&node));
        if news.is_empty() {
            return;
        }
        for (peer, states) in self.mesh.pass_on(&news) {
            if !states.is_empty() {
                self.outbox.send_direct(peer, Message::Links { states });
            }
        }
        self.look_at_links();
    }

    /// A frame of one node for another. It is dropped if no hop is left or no way is known: its maker repeats it.
    pub(crate) fn relay(&mut self, came_from: NodeId, addresses: Addresses, frame: &Bytes) {
        let is_member = |node| self.directory.members.contains_key(&node);
        let makes_sense = addresses.source != self.me && is_member(addresses.source);
        let hop = self.mesh.relay(addresses.destination, came_from).filter(|_| makes_sense);
        if let Some((to, frame)) = hop.and_then(|hop| Some((hop, Frame::relayed(frame)?))) {
            self.events.push(Event::Relayed { bytes: frame.len() as u64 });
            self.out.push(crate::io::Output::Relay { to, frame });
        }
    }
}
