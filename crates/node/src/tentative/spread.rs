//! How tentative operations reach the other replicas and the leader, and how a node learns that it lacks something.
//!
//! *Eagerly*: what has become durable here is sent on at once: to each replica of the shard, with the number up to which nothing is missing; the leader proposes what comes so from its origin. *After any gap*: a receiver that lacks what goes
//! before asks (`HeldWanted`) and any node answers with what it holds, of whatever origin, in the same order. An origin repeats to a peer what that peer has not acknowledged, and asks again for acknowledgements that an answer
//! waits for when there is nothing left to repeat; a holder hands in, and passes on, what stays undecided for
//! long, because its origin may be cut off.
//!
//! Everything here is idempotent: receivers go by numbers, the leader by the order of predecessors, the state machine by its marks.

use super::journal::{Kept, Oldest};
use super::serve::ASK_AGAIN;
use super::{Holdings, JOURNAL, Pending, Tentative, hints};
use crate::core::Core;
use crate::event::Event;
use crate::marks::{Mark, reached};
#[cfg(feature = "planted")]
use crate::planted::Planted;
use bytes::Bytes;
use directory::routing::Routing;
use proto::ids::{GroupId, LogIndex, NodeId};
use proto::peer::Message;
use proto::slots::slot_of;
use proto::tentative::{Dot, Dots, Fold, Operation, Origin};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use storage::log::Log;

/// The largest number of an operation: a token has six bytes for it.
pub const LAST_NUMBER: u64 = (1 << 48) - 1;
/// Bytes of operations in one message.
pub(super) const MESSAGE_BYTES: usize = 1024 * 1024;
/// After so long undecided an origin hands its operations in again, and repeats them to peers that have not acknowledged them.
pub(super) const OWN_PATIENCE: Duration = Duration::from_millis(100);
/// After so long undecided another holder does.
const OTHERS_PATIENCE: Duration = Duration::from_millis(300);

impl Core {
    /// The log says that the journal is durable up to `index`: what waited for that goes on.
    pub(crate) fn journal_durable(&mut self, index: LogIndex) {
        self.tentative.journal.completed(index);
        let mut touched = BTreeSet::new();
        let mut heard: BTreeSet<(GroupId, Origin)> = BTreeSet::new();
        let mut hinted: BTreeSet<GroupId> = BTreeSet::new();
        while self.tentative.pending.front().is_some_and(|(at, _)| *at <= index) {
            let (_, pending) = self.tentative.pending.pop_front().expect("just seen");
            match pending {
                Pending::Operation(group, dot) => {
                    touched.insert((group, dot.origin));
                    if dot.origin == self.tentative.origin {
                        self.tentative.durable = self.tentative.durable.max(dot.number);
                    } else {
                        heard.insert((group, dot.origin));
                    }
                    if let Some(shard) = self.tentative.shards.get_mut(&group) {
                        shard.holdings.durable(dot);
                    }
                }
                Pending::Covered(group, dot) => {
                    heard.insert((group, dot.origin));
                    self.dirty.insert(group);
                    if let Some(shard) = self.tentative.shards.get_mut(&group) {
                        shard.holdings.cover(dot.origin, dot.number);
                    }
                }
                Pending::Promise(group, floor) => self.promise_durable(group, floor),
                Pending::Hint(group, dot) => {
                    hinted.insert(group);
                    self.tentative.hints.durable(group, dot);
                }
            }
        }
        for group in hinted {
            self.hand_over(group, false);
        }
        for (group, origin) in heard {
            let Some(shard) = self.tentative.shards.get(&group) else { continue };
            let number = shard.holdings.covered(origin);
            self.outbox.send(origin.node, Message::HeldDurably { group, origin, number });
        }
        for (group, origin) in touched {
            self.dirty.insert(group);
            if origin == self.tentative.origin {
                self.spread(group);
                self.hand_in(group, origin, true);
            }
        }
        self.answer_taken();
    }

    /// Answers writes that have the copies that they want. A decided one has those of a majority.
    fn answer_taken(&mut self) {
        let Tentative { unanswered, shards, journal, origin, .. } = &mut self.tentative;
        let (outbox, routing) = (&mut self.outbox, &self.routing);
        unanswered.retain_mut(|waiting| {
            let is_ready = waiting.at <= journal.durable()
                && (waiting.copies <= 1
                    || shards.get(&waiting.group).is_none_or(|shard| {
                        let dot = Dot { origin: *origin, number: waiting.number };
                        let majority = routing.replicas(waiting.group).len() / 2 + 1;
                        let is_decided = shard.holdings.get(dot).is_none();
                        (is_decided && waiting.copies <= majority)
                            || shard.holdings.copies(waiting.number) >= waiting.copies
                    }));
            if !is_ready && waiting.copies > 1 {
                reached(Mark::AnswerAwaitsCopies);
            }
            if is_ready {
                outbox.send(waiting.front, waiting.answer.clone());
            }
            !is_ready
        });
    }

    /// Sends this node's own operations of a shard that its other replicas were not sent.
    fn spread(&mut self, id: GroupId) {
        let (own, me) = (self.tentative.own(), self.me);
        let leader = self.routing.group_leader(id).map(|(_, leader)| leader);
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return };
        for &peer in self.routing.replicas(id).iter().filter(|peer| **peer != me) {
            if !self.outbox.reaches(peer) {
                continue;
            }
            let sent = shard.sent.get(&peer).copied().unwrap_or(0);
            let operations = shard.holdings.after(own.origin, sent, MESSAGE_BYTES);
            let Some(newest) = operations.last().map(|operation| operation.dot.number) else { continue };
            shard.sent.insert(peer, newest);
            if leader == Some(peer) && sent <= shard.handed_in_up_to {
                // It proposes what it is sent; only what it was sent when another one led is handed in apart.
                shard.handed_in_up_to = shard.handed_in_up_to.max(newest);
            }
            self.outbox.send(peer, held(id, own, operations, &shard.holdings, &Dots::NONE));
        }
    }

    /// Hands operations of one origin in to the leader: all that are undecided, or only those that are `new`.
    fn hand_in(&mut self, id: GroupId, origin: Origin, new: bool) {
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return };
        let Some((_, leader)) = self.routing.group_leader(id) else { return };
        if !self.outbox.reaches(leader) {
            return;
        }
        let from = if new { shard.handed_in_up_to } else { 0 };
        let operations = shard.holdings.after(origin, from, MESSAGE_BYTES);
        if let Some(last) = operations.last() {
            if origin == self.tentative.origin {
                shard.handed_in_up_to = last.dot.number;
            }
            self.outbox.send(leader, Message::Submit { group: id, operations });
        }
    }

    /// Another node hands operations in: they are proposed, if this one leads.
    pub(crate) fn submitted(&mut self, from: NodeId, id: GroupId, operations: Vec<Operation>) {
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.view().serves) else { return };
        let Some(machine) = group.machine.as_shard() else { return };
        let marks = machine.arbitration.marks().clone();
        for operation in operations {
            if !makes_sense(&operation, id, &self.routing) {
                return self.events.push(Event::PeerRefused { node: from, why: nonsense(id) });
            }
            let newest = operation.time.max(operation.dep_hlc);
            if !self.clock.merge_operation(newest, self.now.wall_ms) {
                return self.clock_ahead(from, newest);
            }
            group.duties.accept_tentative(operation, &marks);
        }
        self.dirty.insert(id);
    }

    /// Another node passes operations on. Those that come from their origin this node proposes, if it leads.
    pub(crate) fn held(
        &mut self,
        from: NodeId,
        id: GroupId,
        origin: Origin,
        after: u64,
        operations: Vec<Operation>,
        covered: u64,
    ) {
        if self.fitness.is_out() {
            return; // it is repeated
        }
        let Some(machine) = self.groups.get(&id).and_then(|group| group.machine.as_shard()) else { return };
        let marks = machine.arbitration.marks().clone();
        let Some(shard) = self
            .tentative
            .shards
            .get_mut(&id)
            .filter(|_| origin != self.tentative.origin)
            .filter(|_| !origin.is_hints())
        else {
            return;
        };
        if !operations.iter().all(|operation| makes_sense(operation, id, &self.routing))
            || covered > LAST_NUMBER
        {
            return self.events.push(Event::PeerRefused { node: from, why: nonsense(id) });
        }
        let newest = operations.iter().map(|operation| operation.time.max(operation.dep_hlc)).max();
        if let Some(newest) = newest.filter(|at| !self.clock.merge_operation(*at, self.now.wall_ms)) {
            return self.clock_ahead(from, newest);
        }
        let here = shard.holdings.reached(origin).max(marks.of(origin));
        if after > here {
            reached(Mark::HeldAfterGap);
            // Not for each: what comes back may not fit either, until this replica has applied more.
            let asked = shard.asked_of.entry(from).or_default();
            if self.now.mono - *asked >= ASK_AGAIN {
                *asked = self.now.mono;
                let covered = shard.holdings.all_covered();
                self.outbox.send(from, Message::HeldWanted { group: id, covered });
            }
            return;
        }
        let leads = from == origin.node && self.groups.get(&id).is_some_and(|group| group.view().serves);
        let mut proposed = Vec::new();
        let (mut complete, mut before) = (true, here);
        for operation in operations {
            let dot = operation.dot;
            let follows = operation.predecessor <= before;
            if !follows {
                reached(Mark::HeldDoesNotFollow);
                complete = false;
                break;
            }
            before = before.max(dot.number);
            if leads && dot.origin == origin {
                proposed.push(operation.clone());
            }
            if dot.origin != origin || dot.number <= here || shard.holdings.get(dot).is_some() {
                continue;
            }
            if !shard.holdings.has_room() {
                // Back-pressure: whoever sent it sends it again.
                complete = false;
                break;
            }
            let at = self.tentative.journal.push(&mut self.log, &Kept::Operation(id, operation.clone()));
            shard.holdings.insert(operation, at, self.now.mono, false);
            self.tentative.pending.push_back((at, Pending::Operation(id, dot)));
        }
        if let Some(group) = self.groups.get_mut(&id).filter(|_| !proposed.is_empty()) {
            proposed.into_iter().for_each(|operation| group.duties.accept_tentative(operation, &marks));
            self.dirty.insert(id);
        }
        let reached = if complete { covered } else { shard.holdings.reached(origin) };
        shard.holdings.reach(origin, reached);
        let at = self.tentative.journal.newest();
        self.tentative
            .pending
            .push_back((at, Pending::Covered(id, Dot { origin, number: shard.holdings.reached(origin) })));
        if at <= self.tentative.journal.durable() {
            self.journal_durable(at);
        }
    }

    /// Another replica lacks what comes after these numbers.
    pub(crate) fn held_wanted(&mut self, from: NodeId, id: GroupId, has: &Dots) {
        let own = self.tentative.own();
        let Some(shard) = self.tentative.shards.get(&id) else { return };
        let mut known = shard.holdings.all_covered();
        known.retain(|dot| dot.origin != own.origin);
        known.add(own);
        let Some(machine) = self.groups.get(&id).and_then(|group| group.machine.as_shard()) else { return };
        let marks = machine.arbitration.marks();
        // Hints are the log's alone: nobody reads them before they are decided.
        let lacks =
            |dot: &Dot| !dot.origin.is_hints() && dot.origin.node != from && dot.number > has.of(dot.origin);
        for dot in known.iter().filter(lacks) {
            let operations = shard.holdings.after(dot.origin, has.of(dot.origin), MESSAGE_BYTES);
            self.outbox.send(from, held(id, dot, operations, &shard.holdings, marks));
        }
    }

    /// Another replica holds operations of this node durably.
    pub(crate) fn held_durably(&mut self, from: NodeId, id: GroupId, origin: Origin, number: u64) {
        let own = self.tentative.origin;
        let Some(shard) = self.tentative.shards.get_mut(&id).filter(|_| origin == own) else { return };
        if shard.holdings.acknowledge(from, number) {
            self.answer_taken();
        }
    }

    /// A link is new: what the other side lacks is found out.
    pub(crate) fn tentative_link_up(&mut self, node: NodeId) {
        for (id, shard) in &mut self.tentative.shards {
            if self.routing.replicas(*id).contains(&node) {
                shard.sent.insert(node, shard.holdings.acknowledged(node));
                let covered = shard.holdings.all_covered();
                self.outbox.send(node, Message::HeldWanted { group: *id, covered });
            }
        }
        let folds: Vec<Fold> = self.tentative.folds.newest().collect();
        if !folds.is_empty() {
            self.outbox.send(node, Message::Folded { folds });
        }
        self.hand_over_all();
    }

    /// Looks once a tick for what was lost on the way.
    pub(crate) fn tentative_tick(&mut self) {
        let now = self.now.mono;
        let ids: Vec<GroupId> = self.tentative.shards.keys().copied().collect();
        for id in ids {
            self.collect_floor(id);
            self.close_what_is_gone(id);
            self.drop_overdue(id);
            let own = self.tentative.origin;
            let shard = self.tentative.shards.get_mut(&id).expect("its key was just seen");
            if now - shard.handed_in >= OWN_PATIENCE && !shard.holdings.is_empty() {
                shard.handed_in = now;
                let old: Vec<Origin> = shard
                    .holdings
                    .waiting()
                    .filter(|(origin, since)| {
                        now - *since >= if *origin == own { OWN_PATIENCE } else { OTHERS_PATIENCE }
                    })
                    .map(|(origin, _)| origin)
                    .collect();
                for origin in old {
                    self.hand_in(id, origin, false);
                    self.repeat(id, origin);
                }
            }
            let shard = &self.tentative.shards[&id];
            if (!shard.waiting.is_empty() || self.strong_reads_lack(id)) && now - shard.asked >= ASK_AGAIN {
                self.ask_for_what_lacks(id);
            }
        }
        self.ask_for_acknowledgements();
        self.tell_own_fold();
        self.hand_over_all();
        let snapshots = &self.snapshots;
        let outgrown = self.log.bytes_since_snapshot(JOURNAL) > self.config.snapshot_min_log_bytes;
        self.tentative.tidy(&mut self.log, outgrown, |group| snapshots.durable(group));
    }

    /// Tells the other replicas again what one origin has undecided here.
    fn repeat(&mut self, id: GroupId, origin: Origin) {
        let (own, me) = (self.tentative.own(), self.me);
        if origin == own.origin {
            let shard = self.tentative.shards.get_mut(&id).expect("the caller has seen it");
            for (peer, sent) in &mut shard.sent {
                *sent = shard.holdings.acknowledged(*peer);
            }
            return self.spread(id);
        }
        let shard = &self.tentative.shards[&id];
        let dot = Dot { origin, number: shard.holdings.covered(origin) };
        for &peer in self.routing.replicas(id).iter().filter(|peer| **peer != me && **peer != origin.node) {
            if self.outbox.reaches(peer) {
                let operations = shard.holdings.after(origin, 0, MESSAGE_BYTES);
                if !operations.is_empty() {
                    reached(Mark::PassedOnForAnother);
                    self.outbox.send(peer, held(id, dot, operations, &shard.holdings, &Dots::NONE));
                }
            }
        }
    }

    /// Asks for acknowledgements that answers wait for and that may have been lost: nobody repeats an operation that is decided, but whoever has applied it, or holds it, says so when it is told again how far it goes.
    fn ask_for_acknowledgements(&mut self) {
        let own = self.tentative.own();
        let mut decided: BTreeMap<GroupId, u64> = BTreeMap::new();
        for waiting in self.tentative.unanswered.iter().filter(|waiting| waiting.copies > 1) {
            let dot = Dot { number: waiting.number, ..own };
            let shard = self.tentative.shards.get(&waiting.group);
            if shard.is_some_and(|shard| shard.holdings.get(dot).is_none()) {
                let newest = decided.entry(waiting.group).or_default();
                *newest = dot.number.max(*newest);
            }
        }
        for (id, number) in decided {
            let shard = &self.tentative.shards[&id];
            let Some(machine) = self.groups.get(&id).and_then(|group| group.machine.as_shard()) else {
                continue;
            };
            let told = held(id, own, Vec::new(), &shard.holdings, machine.arbitration.marks());
            for &peer in self.routing.replicas(id).iter().filter(|peer| **peer != self.me) {
                if shard.holdings.acknowledged(peer) < number {
                    reached(Mark::CopiesAskedForAgain);
                    self.outbox.send(peer, told.clone());
                }
            }
        }
    }

    /// Asks for what requests here wait for: the leader for time, the other replicas for operations.
    pub(super) fn ask_for_what_lacks(&mut self, id: GroupId) {
        let (now, me) = (self.now.mono, self.me);
        let lacks_for_strong_reads = self.strong_reads_lack(id);
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return };
        let (wanted, lacks) = shard.waiting.wants();
        let lacks = lacks || lacks_for_strong_reads;
        shard.asked = now;
        if lacks {
            let covered = shard.holdings.all_covered();
            for &peer in self.routing.replicas(id).iter().filter(|peer| **peer != me) {
                self.outbox.send(peer, Message::HeldWanted { group: id, covered: covered.clone() });
            }
        }
        let Some(group) = self.groups.get_mut(&id).filter(|group| wanted > group.machine.last()) else {
            return;
        };
        let view = group.view();
        if view.serves {
            self.time_wanted(me, id, wanted);
        } else if view.leader.0 != 0 && !view.leads {
            self.outbox.send(NodeId(view.leader.0), Message::TimeWanted { group: id, at: wanted });
        }
    }

    /// Whether reads above causal wait here for what their sessions' dots cover.
    fn strong_reads_lack(&self, id: GroupId) -> bool {
        self.groups.get(&id).is_some_and(|group| group.safe_reads.has_dots() || group.duties.reads.has_dots())
    }

    /// Tells everybody, this node too, what has become known to be decided of its own operations. After a start that is news even if nothing is decided from then on.
    fn tell_own_fold(&mut self) {
        let Some(fold) = self.tentative.own.news(self.tentative.origin) else { return };
        self.learn_fold(fold);
        let peers: Vec<NodeId> = self.outbox.reachable().collect();
        for peer in peers {
            self.outbox.send(peer, Message::Folded { folds: vec![fold] });
        }
    }

    /// A shard has applied entries: what is decided leaves the overlay, and what that makes known is told.
    pub(crate) fn tentative_applied(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let (last, index) = (group.machine.last(), group.view().applied);
        let Some(machine) = group.machine.as_shard() else { return };
        let marks = machine.arbitration.marks();
        if let Some(shard) = self.tentative.shards.get_mut(&id) {
            hints::tell_decided(id, &mut shard.hinters, marks, &mut self.outbox);
        }
        if self.tentative.prune(id, marks, last, index) {
            self.answer_taken();
            #[cfg(feature = "planted")]
            self.tentative.own.plant(self.config.planted == Planted::FoldIsNoPrefix);
            self.tell_own_fold();
        }
    }

    /// Somebody tells what is decided of an origin.
    pub(crate) fn folded(&mut self, from: NodeId, folds: Vec<Fold>) {
        for fold in folds {
            if fold.number > LAST_NUMBER {
                let why = "a fold that no origin can have told".to_owned();
                return self.events.push(Event::PeerRefused { node: from, why });
            }
            if !self.clock.merge_session(fold.at, self.now.wall_ms) {
                return self.clock_ahead(from, fold.at);
            }
            self.learn_fold(fold);
        }
    }

    fn learn_fold(&mut self, fold: Fold) {
        if self.tentative.folds.learn(fold) {
            self.front.folded(fold, self.now.mono, &self.routing);
            // Who waits for a dot of this origin may go on.
            self.dirty.extend(
                self.tentative
                    .shards
                    .iter()
                    .filter(|(_, shard)| !shard.waiting.is_empty())
                    .map(|(id, _)| *id),
            );
        }
    }

    /// The planted bug: coverage is told outside the stream.
    #[cfg(feature = "planted")]
    pub(crate) fn tell_coverage(&mut self) {
        if self.config.planted != Planted::CoverageOutsideTheStream {
            return;
        }
        let (Dot { origin, number: covered }, operations) = (self.tentative.own(), Vec::new());
        for id in self.tentative.shards.keys() {
            for &peer in self.routing.replicas(*id).iter().filter(|peer| **peer != self.me) {
                let operations = operations.clone();
                let told = Message::Held { group: *id, origin, after: 0, operations, covered };
                self.outbox.send(peer, told);
            }
        }
    }

    /// What this node says of its own operations, with its regular word.
    pub(crate) fn own_fold(&self) -> Option<Fold> {
        self.tentative.own.fold(self.tentative.origin)
    }
}

/// Whether an operation is one that an origin of this shard can have taken.
pub(super) fn makes_sense(operation: &Operation, id: GroupId, routing: &Routing) -> bool {
    let is_ours = |key: &Bytes| routing.shard_of(slot_of(key)).group() == id;
    let dots = [&operation.held, &operation.dots];
    let is_free = !operation.dot.origin.is_hints() || hints::depends_on_nothing(operation);
    operation.dot.number <= LAST_NUMBER
        && is_free
        && operation.predecessor < operation.dot.number
        && dots.iter().all(|dots| dots.iter().all(|dot| dot.number <= LAST_NUMBER))
        && operation.write.meaning().is_some()
        && crate::apply::single_key(&operation.write).is_some_and(is_ours)
}

pub(super) fn nonsense(id: GroupId) -> String {
    format!("a tentative operation of group {id} that nobody there can have taken")
}

/// Operations with what whoever takes them must have, and is then covered up to. Where there are none, `marks` say what may have been decided without ever having been here.
fn held(
    group: GroupId,
    covered: Dot,
    operations: Vec<Operation>,
    holdings: &Holdings,
    marks: &Dots,
) -> Message {
    let after = match operations.first() {
        Some(first) => first.predecessor,
        None => holdings.last_number(covered.origin).max(marks.of(covered.origin)),
    };
    // A part of them covers no further than its last one.
    let is_all =
        operations.last().is_none_or(|last| holdings.after(covered.origin, last.dot.number, 1).is_empty());
    let covered_up_to = match operations.last() {
        Some(last) if !is_all => last.dot.number,
        _ => covered.number,
    };
    Message::Held { group, origin: covered.origin, after, operations, covered: covered_up_to }
}

impl Tentative {
    /// Releases what the log need not keep; writes again what pins it.
    fn tidy(&mut self, log: &mut Log, outgrown: bool, snapshot: impl Fn(GroupId) -> LogIndex) {
        self.journal.tidy(log, outgrown, snapshot);
        if log.pinned_by() != Some(JOURNAL) {
            return;
        }
        // A few at a time: the oldest first, until the segment is free.
        for _ in 0..64 {
            match self.journal.oldest() {
                Some(Oldest::Operation(group, dot)) if dot.origin.is_hints() => {
                    let Some(hint) = self.hints.get(group, dot) else { return };
                    self.journal.push(log, &Kept::Hint(group, hint));
                }
                Some(Oldest::Handed(group)) => {
                    let number = self.hints.decided_up_to(group);
                    self.journal.push(log, &Kept::Handed(group, number));
                }
                Some(Oldest::Operation(group, dot)) => {
                    let Some(shard) = self.shards.get_mut(&group) else { return };
                    let Some(held) = shard.holdings.get(dot).filter(|held| held.is_durable) else { return };
                    reached(Mark::JournalWrittenAgain);
                    let kept = Kept::Operation(group, held.operation.clone());
                    let at = self.journal.push(log, &kept);
                    shard.holdings.moved(dot, at);
                }
                Some(Oldest::Promise(group)) => {
                    let Some(shard) = self.shards.get(&group) else { return };
                    self.journal.push(log, &Kept::Promise(group, shard.holdings.promised));
                }
                Some(Oldest::Shard(_)) | None => return,
            }
        }
    }

    /// The shard whose snapshot would release the oldest segment, if the journal pins it.
    pub fn pinning_shard(&self) -> Option<GroupId> {
        match self.journal.oldest()? {
            Oldest::Shard(group) => Some(group),
            _ => None,
        }
    }
}
