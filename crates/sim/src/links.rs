//! What each process is told about its links.
//!
//! A link is to one life of a peer: when the peer's process ends, the link breaks, and a link to its next life is another one. Both ends learn of changes by
//! themselves and at different times. Over a network that is whole a dead process is noticed at once; a machine without power, or a cut, only after the
//! time in the parameters, and a cut that heals sooner is never noticed.
//!
//! Invariant: a process is told down before it is told up again.

use crate::faults::Victim;
use crate::machine::Mind;
use crate::world::{Event, World, id_of};
use node::io::Input;

impl World {
    /// The life of `peer` to which `at` should have a link.
    fn wanted_link(&self, at: usize, peer: usize) -> Option<u64> {
        let serves = |node: usize| {
            let process = self.machines[node].process.as_ref()?;
            matches!(process.mind, Mind::Core(_)).then_some(process.number)
        };
        serves(at)?;
        serves(peer).filter(|_| at != peer && self.network.is_whole(at, peer))
    }

    /// Something changed that links depend on: ends that are wrong about theirs will learn of it.
    pub(crate) fn update_links(&mut self) {
        for at in 0..self.nodes() {
            for peer in 0..self.nodes() {
                let Some(process) = &self.machines[at].process else { continue };
                let told = process.links[peer];
                let wanted = self.wanted_link(at, peer);
                if told == wanted || at == peer {
                    continue;
                }
                let delay = match (told, wanted) {
                    (None, _) => self.network.reconnect_ns(),
                    (Some(_), Some(_)) => self.network.notice_process_ns(),
                    (Some(_), None) if self.network.is_whole(at, peer) => self.network.notice_process_ns(),
                    (Some(_), None) => self.network.notice_cut_ns(),
                };
                self.schedule.after(delay, Event::LinkNotice { at, peer });
            }
        }
    }

    pub(crate) fn link_notice(&mut self, at: usize, peer: usize) {
        let wanted = self.wanted_link(at, peer);
        let Some(process) = &mut self.machines[at].process else { return };
        if !matches!(process.mind, Mind::Core(_)) || process.links[peer] == wanted {
            return;
        }
        let told = std::mem::replace(&mut process.links[peer], wanted);
        if told.is_some() {
            self.note(at, "link-down", || id_of(peer).to_string());
            self.enqueue(at, Input::LinkDown { node: id_of(peer) });
        }
        if wanted.is_some() {
            self.note(at, "link-up", || id_of(peer).to_string());
            self.enqueue(at, Input::LinkUp { node: id_of(peer) });
        }
    }

    /// Breaks every link of a node; both ends find each other again soon.
    pub(crate) fn flap_links(&mut self, node: usize) {
        for peer in 0..self.nodes() {
            for (at, other) in [(node, peer), (peer, node)] {
                let Some(process) = &mut self.machines[at].process else { continue };
                if process.links[other].take().is_some() {
                    self.enqueue(at, Input::LinkDown { node: id_of(other) });
                }
            }
        }
        self.update_links();
    }

    /// Who is meant by a victim: a leader of some group if there is one.
    pub(crate) fn victim(&mut self, victim: Victim) -> usize {
        let leaders: Vec<usize> = match victim {
            Victim::Node(node) => return node,
            Victim::Leader => (0..self.nodes()).filter(|node| self.leads_something(*node)).collect(),
        };
        if leaders.is_empty() { self.random.index(self.nodes()) } else { *self.random.pick(&leaders) }
    }

    fn leads_something(&self, node: usize) -> bool {
        let core = self.machines[node].core();
        core.is_some_and(|core| core.views().any(|(_, view, _)| view.leads))
    }
}
