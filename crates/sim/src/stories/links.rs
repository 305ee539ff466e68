//! Who reaches whom, and what becomes of messages on the way.
//!
//! A frame takes a millisecond. A direction that is cut lets nothing through, and nobody is told at once: both ends notice after half a second that it is broken, in either direction, as a body does that hears nothing. A process that ends
//! on a machine that goes on is noticed at once; one without power as slowly as a cut.
//!
//! Rules work on single messages, not frames: `hold` keeps those that are meant for later, `lose` lets them vanish, `repeat` delivers them twice. What was held is delivered whatever is cut meanwhile: it was on its way already.
//!
//! Invariant: of the messages that no rule means, the order stays.

use super::cluster::{Cluster, Event};
use super::words::Meant;
use crate::machine::Mind;
use crate::schedule::MILLISECOND;
use crate::world::{id_of, number_of};
use bytes::Bytes;
use node::io::Input;
use proto::frame::Frame;
use std::collections::BTreeSet;

/// How long a frame is on its way, in nanoseconds.
pub(super) const LATENCY_NS: u64 = MILLISECOND;
/// After how long both ends know that a direction is cut, or that a machine is without power, in nanoseconds.
const NOTICE_NS: u64 = 500 * MILLISECOND;
/// After how long two ends that reach each other again have a link, in nanoseconds.
const RECONNECT_NS: u64 = 20 * MILLISECOND;

/// What a rule does with the messages that it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They wait until the story delivers them.
    Held,
    /// They never arrive.
    Lost,
    /// They arrive twice.
    Doubled,
}

#[derive(Debug)]
struct Held {
    kind: String,
    from: usize,
    to: usize,
    /// The next node on its way.
    hop: usize,
    frame: Bytes,
}

/// The links of a story.
#[derive(Debug, Default)]
pub(super) struct Links {
    nodes: usize,
    cut: Vec<bool>,
    rules: Vec<(Meant, Fate)>,
    held: Vec<Held>,
}

impl Links {
    /// Whole links between so many nodes.
    pub(super) fn new(nodes: usize) -> Links {
        Links { nodes, cut: vec![false; nodes * nodes], ..Links::default() }
    }

    /// Lets nothing pass in this direction any more.
    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cut[from * self.nodes + to] = from != to;
    }

    /// Mends every direction.
    pub(super) fn heal(&mut self) {
        self.cut.fill(false);
    }

    fn is_whole(&self, a: usize, b: usize) -> bool {
        !self.cut[a * self.nodes + b] && !self.cut[b * self.nodes + a]
    }

    /// From now on this becomes of messages like these.
    pub(super) fn rule(&mut self, meant: Meant, fate: Fate) {
        self.rules.push((meant, fate));
    }

    /// Nothing more is held, and what is sent now overtakes what is.
    pub(super) fn overtake(&mut self) {
        self.rules.retain(|(_, fate)| *fate != Fate::Held);
    }

    /// What is held, by kind and direction; how much of it would change with every timer.
    pub(super) fn holds(&self) -> String {
        let kinds: BTreeSet<(usize, usize, &str)> =
            self.held.iter().map(|held| (held.from, held.to, &*held.kind)).collect();
        let line = |(from, to, kind): (usize, usize, &str)| format!("{} to {}: {kind}\n", from + 1, to + 1);
        if kinds.is_empty() { "nothing is held\n".to_owned() } else { kinds.into_iter().map(line).collect() }
    }

    /// What of a frame travels on from one node to the next, by the rules. They look at who made a message and for whom it is, and only where it is made: relays pass on what they get.
    fn pass(&mut self, from: usize, to: usize, bytes: &Bytes) -> Option<Bytes> {
        if self.cut[from * self.nodes + to] {
            return None;
        }
        let addresses = Frame::addresses(bytes).expect("a node made it");
        let (maker, destination) = (number_of(addresses.source), number_of(addresses.destination));
        if self.rules.is_empty() || maker != from {
            return Some(bytes.clone());
        }
        let mut frame = Frame::decode(bytes).expect("a node made it");
        let before = frame.messages.len();
        let mut pass = Vec::new();
        for message in std::mem::take(&mut frame.messages) {
            let kind = crate::coverage::message_name(&message);
            let rule = self.rules.iter().find(|(meant, _)| meant.has(kind, from, destination));
            match rule.map(|(_, fate)| *fate) {
                None => pass.push(message),
                Some(Fate::Doubled) => pass.extend([message.clone(), message]),
                Some(Fate::Lost) => {}
                Some(Fate::Held) => {
                    let frame = Frame { messages: vec![message], ..frame.clone() }.encode(0);
                    self.held.push(Held { kind: kind.to_owned(), from, to: destination, hop: to, frame });
                }
            }
        }
        frame.messages = pass;
        (before == 0 || !frame.messages.is_empty()).then(|| frame.encode(0))
    }
}

impl Cluster {
    /// A frame leaves a node.
    pub(super) fn send(&mut self, from: usize, to: usize, bytes: &Bytes) {
        let linked = self.machines[from].process.as_ref().is_some_and(|process| process.links[to].is_some());
        if let Some(bytes) = self.links.pass(from, to, bytes).filter(|_| linked) {
            self.schedule.after(LATENCY_NS, Event::Arrives { to, from, bytes });
        }
    }

    /// Delivers what is held and meant; the rules that mean exactly this are no more. Without words that is everything.
    pub(super) fn deliver(&mut self, meant: &Meant) {
        let all = *meant == Meant::default();
        self.links.rules.retain(|(known, _)| !all && known != meant);
        for held in self.links.held.extract_if(.., |held| meant.has(&held.kind, held.from, held.to)) {
            let Held { from, hop, frame, .. } = held;
            self.schedule.after(LATENCY_NS, Event::Arrives { to: hop, from, bytes: frame });
        }
    }

    /// What is held and meant never arrives; the rules that mean exactly this are no more.
    pub(super) fn forget(&mut self, meant: &Meant) {
        let all = *meant == Meant::default();
        self.links.rules.retain(|(known, _)| !all && known != meant);
        self.links.held.retain(|held| !meant.has(&held.kind, held.from, held.to));
    }

    /// The life of `peer` to which `at` should have a link.
    fn wanted_link(&self, at: usize, peer: usize) -> Option<u64> {
        let life = |node: usize| self.machines[node].process.as_ref().map(|process| process.number);
        life(at)?;
        life(peer).filter(|_| at != peer && self.links.is_whole(at, peer))
    }

    /// Something changed that links depend on. `slowly`: nobody can tell at once.
    pub(super) fn update_links(&mut self, slowly: bool) {
        for at in 0..self.machines.len() {
            for peer in 0..self.machines.len() {
                let Some(process) = &self.machines[at].process else { continue };
                let (told, wanted) = (process.links[peer], self.wanted_link(at, peer));
                if told == wanted {
                    continue;
                }
                let delay = match told {
                    None => RECONNECT_NS,
                    Some(_) if slowly => NOTICE_NS,
                    Some(_) => LATENCY_NS,
                };
                self.schedule.after(delay, Event::LinkNotice { at, peer });
            }
        }
    }

    /// One end of a link learns what has become of it.
    pub(super) fn link_notice(&mut self, at: usize, peer: usize) {
        let wanted = self.wanted_link(at, peer);
        let Some(process) = &mut self.machines[at].process else { return };
        if !matches!(process.mind, Mind::Core(_)) || process.links[peer] == wanted {
            return;
        }
        if std::mem::replace(&mut process.links[peer], wanted).is_some() {
            self.enqueue(at, Input::LinkDown { node: id_of(peer) });
        }
        if wanted.is_some() {
            self.enqueue(at, Input::LinkUp { node: id_of(peer) });
        }
    }
}
