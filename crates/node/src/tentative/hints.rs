//! Hints: eventual writes that this node holds for shards of which it has no replica, and reached none when they came.
//!
//! A hint is an ordinary tentative operation of an origin of its own (`Origin::hints_of`), which depends on nothing, has seen nothing, and is on nobody's way: it is in no overlay, no session and no key ever depends on its dot, and no
//! floor or fold waits for it. So whoever holds it needs none of the shard's state. It is in the journal before it is answered, and from then on handed to a replica, the leader if it can be reached (another passes it on), again and again
//! until a replica says that it has applied the decision. Copies are harmless: the shard's marks let each number through once, in order.
//!
//! What becomes of it is `arbitration`'s: an effect is applied; an assignment takes effect only where nothing that is decided, or may be forgotten, could be lost by it.
//!
//! Invariants: a number is given out once, also after restarts (`Kept::Handed` outlives the hints below it); a hint leaves the journal only after a replica has said that it is decided. Not here: when a hint is taken
//! (`front_tentative`). A write that may have been given to a replica is never also taken as a hint.

use super::holdings::Holdings;
use super::journal::{Journal, Kept};
use super::serve::{Weak, WeakRequest};
use super::spread::{LAST_NUMBER, MESSAGE_BYTES, OWN_PATIENCE, makes_sense, nonsense};
use super::take::{is_a_decision, key_is_full, several_of_one_number, together};
use super::{Pending, Unanswered, answer};
use crate::arbitration::overlay;
use crate::core::Core;
use crate::event::Event;
use crate::fitness::growth_refusal;
use crate::machine::Machine;
use crate::marks::{Mark, reached};
use crate::outbox::Outbox;
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex, NodeId};
use proto::limits::{MAX_HELD_OF_KEY, MAX_HINT_BYTES, MAX_HINTS};
use proto::outcome::{Certificate, Outcome};
use proto::peer::Message;
use proto::session::Session;
use proto::slots::slot_of;
use proto::tentative::{Dot, Dots, Operation, Origin};
use proto::time::Mono;
use std::collections::BTreeMap;

/// The hints of one shard.
#[derive(Debug, Default)]
struct Hinted {
    holdings: Holdings,
    /// All up to here are decided.
    decided: u64,
    /// When they were handed over from the first on.
    handed: Mono,
    /// The newest that was handed over.
    handed_up_to: u64,
}

/// All hints of this node.
#[derive(Debug)]
pub(super) struct Hints {
    origin: Origin,
    /// The newest number that was given out.
    newest: u64,
    shards: BTreeMap<GroupId, Hinted>,
}

impl Hints {
    /// None yet, of this origin.
    pub(super) fn new(origin: Origin) -> Hints {
        Hints { origin, newest: 0, shards: BTreeMap::new() }
    }

    /// At a start: one that was found in the journal.
    pub(super) fn recover(&mut self, group: GroupId, operation: Operation, at: LogIndex) {
        self.newest = self.newest.max(operation.dot.number);
        let hinted = self.shards.entry(group).or_default();
        if operation.dot.number > hinted.decided && hinted.holdings.get(operation.dot).is_none() {
            hinted.holdings.insert(operation, at, Mono(0), true);
        }
    }

    /// Those of a shard up to this number are decided. Answers whether that is news.
    pub(super) fn decided(&mut self, group: GroupId, number: u64, journal: &mut Journal) -> bool {
        self.newest = self.newest.max(number);
        let hinted = self.shards.entry(group).or_default();
        if number <= hinted.decided {
            return false;
        }
        hinted.decided = number;
        let marks: Dots = [Dot { origin: self.origin, number }].into_iter().collect();
        hinted.holdings.prune(&marks).into_iter().for_each(|dot| journal.handed(group, dot));
        true
    }

    /// Up to where the hints of a shard are decided.
    pub(super) fn decided_up_to(&self, group: GroupId) -> u64 {
        self.shards.get(&group).map_or(0, |hinted| hinted.decided)
    }

    /// One that is durable, if it is here.
    pub(super) fn get(&self, group: GroupId, dot: Dot) -> Option<Operation> {
        let held = self.shards.get(&group)?.holdings.get(dot)?;
        held.is_durable.then(|| held.operation.clone())
    }

    /// One is durable.
    pub(super) fn durable(&mut self, group: GroupId, dot: Dot) {
        if let Some(hinted) = self.shards.get_mut(&group) {
            hinted.holdings.durable(dot);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shards.values().map(|hinted| hinted.holdings.len()).sum()
    }

    fn has_room(&self) -> bool {
        let bytes: usize = self.shards.values().map(|hinted| hinted.holdings.bytes()).sum();
        self.len() < MAX_HINTS && bytes < MAX_HINT_BYTES
    }
}

impl Core {
    /// A write of our own client for a shard of which this node has no replica and reaches none.
    pub(super) fn keep_hint(&mut self, id: GroupId, request: &WeakRequest) {
        if let Err(failure) = self.try_to_keep_hint(id, request) {
            let _ = self.refuse_weak(request, Outcome::Failed(failure));
        }
    }

    fn try_to_keep_hint(&mut self, id: GroupId, request: &WeakRequest) -> Result<(), Failure> {
        let Weak::Write { write, client, .. } = &request.what else { return Ok(()) };
        reached(Mark::WriteBecomesHint);
        if let Some(refusal) = growth_refusal(self.memory_full, &self.fitness)
            .filter(|_| self.fitness.is_out() || crate::apply::grows(write))
        {
            return Err(refusal.failure());
        }
        if !self.tentative.hints.has_room() {
            return Err(no_room());
        }
        let Some(writes) = write.clone().into_tentative(self.now.wall_ms) else {
            return Err(is_a_decision());
        };
        if client.is_some() && writes.len() > 1 {
            return Err(several_of_one_number());
        }
        let origin = self.tentative.hints.origin;
        let certificate = |version| Certificate { version, as_of: Timestamp::ZERO, served_by: self.me };
        let mut replies = Vec::with_capacity(writes.len());
        for write in &writes {
            let Some(key) = crate::apply::single_key(write) else { return Err(is_a_decision()) };
            let held = match self.tentative.hints.shards.get(&id) {
                Some(hinted) => hinted.holdings.of_keys([key], &Dots::NONE, Some(origin)),
                None => Vec::new(),
            };
            if held.len() >= MAX_HELD_OF_KEY {
                return Err(key_is_full());
            }
            // All that this node knows of the key: what it holds itself.
            let nothing = Machine::shard(slot_of(key), 1);
            let nothing = nothing.as_shard().expect("made as one");
            let reply = overlay::estimate(nothing, &held, write).reply;
            if reply.is_error() {
                let outcome = Outcome::Done { reply, certificate: certificate(Timestamp::ZERO) };
                let _ = self.refuse_weak(request, outcome);
                return Ok(());
            }
            replies.push(reply);
        }
        let outcome = Outcome::Done { reply: together(replies), certificate: certificate(Timestamp::ZERO) };
        let hints = &mut self.tentative.hints;
        let (mut last, mut at) = (None, self.tentative.journal.newest());
        for write in writes {
            hints.newest += 1;
            let dot = Dot { origin, number: hints.newest };
            let hinted = hints.shards.entry(id).or_default();
            let operation = Operation {
                dot,
                predecessor: hinted.holdings.newest_of(origin, &Dots::NONE).max(hinted.decided),
                time: self.clock.next(self.now.wall_ms),
                seen: Timestamp::ZERO,
                held: Dots::NONE,
                dep_hlc: Timestamp::ZERO,
                dots: Dots::NONE,
                client: client.clone(),
                write,
            };
            at = self.tentative.journal.push(&mut self.log, &Kept::Hint(id, operation.clone()));
            hinted.holdings.insert(operation, at, self.now.mono, false);
            self.tentative.pending.push_back((at, Pending::Hint(id, dot)));
            last = Some(dot);
        }
        let answer = answer(request.incarnation, request.id, outcome, Session::default(), last);
        let (number, front) = (self.tentative.hints.newest, request.front);
        self.tentative.unanswered.push_back(Unanswered { at, group: id, number, copies: 1, front, answer });
        Ok(())
    }

    /// Hands hints of a shard over: those that were not yet, or all `again`.
    pub(super) fn hand_over(&mut self, id: GroupId, again: bool) {
        let Some(hinted) = self.tentative.hints.shards.get_mut(&id) else { return };
        let (outbox, replicas) = (&mut self.outbox, self.routing.replicas(id));
        let leader = self.routing.group_leader(id).map(|(_, leader)| leader);
        let mut targets = leader.into_iter().chain(replicas.iter().copied());
        let Some(target) = targets.find(|node| *node != self.me && outbox.reaches(*node)) else { return };
        let from = if again { 0 } else { hinted.handed_up_to };
        let operations = hinted.holdings.after(self.tentative.hints.origin, from, MESSAGE_BYTES);
        if let Some(last) = operations.last() {
            hinted.handed_up_to = hinted.handed_up_to.max(last.dot.number);
            outbox.send(target, Message::HandOver { group: id, operations });
        }
    }

    /// Hands over again what stays undecided for long.
    pub(super) fn hand_over_all(&mut self) {
        let now = self.now.mono;
        let mut due = Vec::new();
        for (id, hinted) in &mut self.tentative.hints.shards {
            if !hinted.holdings.is_empty() && now - hinted.handed >= OWN_PATIENCE {
                hinted.handed = now;
                due.push(*id);
            }
        }
        due.into_iter().for_each(|id| self.hand_over(id, true));
    }

    /// Another node hands hints over to this replica.
    pub(crate) fn hints_arrived(&mut self, from: NodeId, id: GroupId, mut operations: Vec<Operation>) {
        let Some(group) = self.groups.get(&id) else { return };
        let (serves, Some(machine)) = (group.view().serves, group.machine.as_shard()) else { return };
        let Some(origin) = operations.first().map(|operation| operation.dot.origin) else { return };
        let is_hint = |operation: &Operation| {
            operation.dot.origin == origin
                && origin.node == from
                && origin.is_hints()
                && makes_sense(operation, id, &self.routing)
        };
        if !operations.iter().all(is_hint) {
            return self.events.push(Event::PeerRefused { node: from, why: nonsense(id) });
        }
        let mark = machine.arbitration.mark(origin);
        if let Some(shard) = self.tentative.shards.get_mut(&id) {
            shard.hinters.insert(origin, mark);
        }
        if mark > 0 {
            self.outbox.send(from, Message::HandedOver { group: id, origin, number: mark });
        }
        operations.retain(|operation| operation.dot.number > mark);
        if operations.is_empty() {
            return;
        }
        if serves {
            return self.submitted(from, id, operations);
        }
        let leader = self.routing.group_leader(id).map(|(_, leader)| leader);
        if let Some(leader) = leader.filter(|leader| *leader != self.me) {
            reached(Mark::HintPassedOn);
            self.outbox.send(leader, Message::Submit { group: id, operations });
        }
    }

    /// A replica says up to where this node's hints of its shard are decided.
    pub(crate) fn hints_decided(&mut self, from: NodeId, id: GroupId, origin: Origin, number: u64) {
        if origin != self.tentative.hints.origin {
            return; // those of a data folder that is gone
        }
        if number > self.tentative.hints.newest || !self.routing.replicas(id).contains(&from) {
            let why = format!("a word about hints of group {id} that this node never gave");
            return self.events.push(Event::PeerRefused { node: from, why });
        }
        if self.tentative.hints.decided(id, number, &mut self.tentative.journal) {
            self.tentative.journal.push(&mut self.log, &Kept::Handed(id, number));
            self.hand_over(id, false);
        }
    }
}

/// Tells the nodes that handed hints over here what has become decided of them.
pub(super) fn tell_decided(
    group: GroupId,
    hinters: &mut BTreeMap<Origin, u64>,
    marks: &Dots,
    outbox: &mut Outbox,
) {
    for (origin, told) in hinters {
        let number = marks.of(*origin);
        if number > *told {
            *told = number;
            outbox.send(origin.node, Message::HandedOver { group, origin: *origin, number });
        }
    }
}

/// Whether it is what a node can have taken that knows nothing of the shard.
pub(super) fn depends_on_nothing(operation: &Operation) -> bool {
    operation.seen == Timestamp::ZERO
        && operation.dep_hlc == Timestamp::ZERO
        && operation.held.is_empty()
        && operation.dots.is_empty()
        && operation.predecessor <= LAST_NUMBER
}

fn no_room() -> Failure {
    Failure::new(
        ErrorKind::Retry,
        "no replica of the shard can be reached, and this node holds as many writes for such shards as it can; nothing was applied: try again when links to the other nodes are whole",
    )
}
