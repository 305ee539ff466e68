//! Faults, as far as links go: which links carry nothing now, which are slow, and the connections on which nodes order them.
//!
//! What is lost, and why so, is in `crate::faults`. Here: a link to a member is *cut* while this node's faults say so; then nothing is queued for it, its life signs are not heard, attempts to make it
//! fail, and its own time limit ends it. A link to a member is *slow* while this node's faults say so: what this node sends there is held (`held`). Connections for orders are made when there is something to order, kept for a few idle seconds, and never cut.

use super::dialled::State;
use super::{LinkEvent, Links, Outgoing, Target};
use crate::faults::{FaultMessage, Faults, Order, OrderAnswer};
use bytes::Bytes;
use directory::Address;
use proto::ids::NodeId;
use proto::limits::MAX_FAULT_COMMANDS;
use proto::time::Mono;
use std::time::Duration;

impl Links {
    /// What is cut. Orders from this node's own clients are obeyed through [`Links::order`].
    pub(crate) fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Gives an order to a node. This node obeys at once and answers here; another one's answer comes as an event.
    pub(crate) fn order(&mut self, to: NodeId, number: u64, order: &Order, now: Mono) -> Option<OrderAnswer> {
        if to == self.me.node {
            let answer = self.faults.obey(order, to);
            self.faults_changed(now);
            return Some(answer);
        }
        let address = self.addresses.get(&to)?.clone();
        let target = Target::Orders(to);
        let at = self.outgoing.iter().position(|slot| slot.as_ref().is_some_and(|out| out.target == target));
        let at = at.or_else(|| self.open(target, address, now))?;
        let out = self.outgoing[at].as_mut().expect("it was found or made");
        out.last_used = now;
        let bytes = FaultMessage::Order { number, order: order.clone() }.encode();
        if out.link.is_up() {
            out.link.send(bytes);
        } else if out.waiting.len() < MAX_FAULT_COMMANDS {
            out.waiting.push(bytes);
        }
        None
    }

    /// Orders for this node that have not left are not sent any more.
    pub(crate) fn forget_orders(&mut self, to: NodeId) {
        self.outgoing
            .iter_mut()
            .flatten()
            .filter(|out| out.target == Target::Orders(to))
            .for_each(|out| out.waiting.clear());
    }

    /// Whether nothing of ours reaches the other end of this connection.
    pub(super) fn is_cut(&self, target: &Target) -> bool {
        match target {
            Target::Member(node) => self.faults.is_cut(self.me.node, *node),
            Target::Passing(address) => self.is_address_cut(address),
            Target::Orders(_) => false,
        }
    }

    /// How long frames to this target are held.
    pub(super) fn delay(&self, target: &Target) -> Option<Duration> {
        match target {
            Target::Member(node) => self.faults.delay(self.me.node, *node),
            Target::Passing(_) | Target::Orders(_) => None,
        }
    }

    /// Whether a member's peer address is out of reach.
    pub(super) fn is_address_cut(&self, address: &Address) -> bool {
        let mut members = self.addresses.iter();
        members.any(|(node, known)| known == address && self.faults.is_cut(self.me.node, *node))
    }

    /// What is cut may have changed: what was healed is tried at once.
    pub(super) fn faults_changed(&mut self, now: Mono) {
        for at in 0..self.outgoing.len() {
            let Some(out) = &self.outgoing[at] else { continue };
            let (is_cut, delay) = (self.is_cut(&out.target), self.delay(&out.target));
            let Some(Outgoing { link, .. }) = &mut self.outgoing[at] else { continue };
            if link.is_cut
                && !is_cut
                && let State::Waiting { until } = &mut link.state
            {
                *until = now;
            }
            if is_cut {
                link.held.clear(); // what is on its way is lost with the link
            }
            link.is_cut = is_cut;
            link.set_delay(delay);
        }
        let (faults, me) = (&self.faults, self.me.node);
        for slot in &mut self.accepted {
            // The peer hears that this attempt has come to nothing, and makes another.
            if slot
                .as_ref()
                .is_some_and(|accepted| accepted.swallowed.is_some_and(|from| !faults.is_cut(from, me)))
            {
                *slot = None;
            }
        }
    }

    /// Reads the answers that have come back on a connection for orders.
    pub(super) fn take_answers(&mut self, at: usize) -> Result<(), &'static str> {
        let Some(Outgoing { target: Target::Orders(from), link, .. }) = &mut self.outgoing[at] else {
            return Ok(());
        };
        while let Some(message) = FaultMessage::take(&mut link.answers)? {
            match message {
                FaultMessage::Answer { number, answer } => {
                    self.events.push(LinkEvent::FaultAnswer { from: *from, number, answer });
                }
                FaultMessage::Order { .. } => return Err("an order where an answer was due"),
            }
        }
        Ok(())
    }

    /// A connection for orders is up: what waited leaves.
    pub(super) fn send_waiting(out: &mut Outgoing) {
        let waiting: Vec<Bytes> = std::mem::take(&mut out.waiting);
        for message in waiting {
            out.link.send(message);
        }
    }
}
