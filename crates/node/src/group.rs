//! One consensus group on this node: its replica, its state machine, and what they owe to others.
//!
//! The group is pumped once a drain: it proposes what waits, begins a read round, and carries out the library's work in the one order that is safe (rule 5): messages that may go now,
//! entries into memory and the log, committed entries applied and answered. What must be durable first waits in `unpersisted` until the log says so.
//!
//! Leadership duties that are not replicated (who was proposed up to where, which reads wait) live in `Duties` and die with the leadership.
//! Reads are answered in `reading`. Snapshots are next door: `snapshots` takes them, `transfer` sends and receives them.

mod reading;

use crate::arbitration::Verdict;
use crate::clock::Clock;
use crate::consensus::{Replica, View, Work};
use crate::digests::EVERY_ENTRIES;
use crate::duties::Duties;
use crate::event::Event;
use crate::machine::{Applied, Machine};
use crate::outbox::Outbox;
#[cfg(feature = "planted")]
use crate::planted::Planted;
use crate::reads::LeaseTerms;
use crate::report::{AppliedEntry, Decision};
use crate::safe_reads::SafeReads;
use crate::tentative::Tentative;
use crate::transfer::{Complete, WantedSnapshot};
use bytes::Bytes;
use proto::ids::{GroupId, Incarnation, LogIndex, NodeId, ReplicaId, Term};
use proto::log_entry::LogEntry;
use proto::outcome::{Certificate, Outcome};
use proto::peer::{
    ConsensusEntry, ConsensusKind, ConsensusMessage, EntryKind, Message, SnapshotPoint, Untaken, WhyNotTaken,
};
use proto::time::Now;
use std::collections::VecDeque;
use storage::log::{HardState, Log, Record};

/// What a group may touch of the node around it.
pub struct Surroundings<'a> {
    /// Both clocks.
    pub now: Now,
    /// This start of the node.
    pub incarnation: Incarnation,
    /// The hybrid logical clock.
    pub clock: &'a mut Clock,
    /// The log of the core.
    pub log: &'a mut Log,
    /// Messages out, also to this node itself.
    pub outbox: &'a mut Outbox,
    /// Observations out.
    pub events: &'a mut Vec<Event>,
    /// How leases are granted.
    pub lease: LeaseTerms,
    /// Whether there is room in the log for more than votes.
    pub takes_entries: bool,
    /// What is held that the logs have not decided.
    pub tentative: &'a Tentative,
    /// A bug that is planted to prove a checker.
    #[cfg(feature = "planted")]
    pub planted: Planted,
    /// The clock as it was when the last input was stepped.
    #[cfg(feature = "planted")]
    pub stepped_at: proto::time::Mono,
}

/// Work that is not durable yet.
#[derive(Debug)]
struct Unpersisted {
    number: u64,
    in_log: bool,
    hard_state: Option<HardState>,
    last_entry: Option<LogIndex>,
    messages: Vec<(ReplicaId, ConsensusMessage)>,
    restore: Option<SnapshotPoint>,
}

/// One group.
#[derive(Debug)]
pub struct Group {
    id: GroupId,
    /// The state machine.
    pub machine: Machine,
    /// What a leader keeps for others.
    pub duties: Duties,
    /// Sequential reads that wait here, whoever leads.
    pub safe_reads: SafeReads,
    /// Followers that need a snapshot, with the state that it stands for; `transfer` takes them.
    pub snapshots_wanted: Vec<WantedSnapshot>,
    /// Hashes of the state at places that all replicas hash.
    pub hashed: Vec<(LogIndex, u128)>,
    /// A received snapshot that was offered to the library.
    pub received: Option<Complete>,
    /// A received snapshot that is durable now; the core installs its content.
    pub restored: Option<SnapshotPoint>,
    /// Entries applied since this node started, for the status.
    pub applied_count: u64,
    /// What was applied since the simulator last asked; `None` where nobody asks.
    pub recorded: Option<Vec<AppliedEntry>>,
    replica: ReplicaBox,
    unpersisted: VecDeque<Unpersisted>,
    durable_hard_state: HardState,
    durable_last: LogIndex,
    /// The last entry that the machine has applied, and its term.
    applied: (LogIndex, Term),
    led: Option<Term>,
}

/// What a pump has handed to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Logged {
    /// Nothing.
    Nothing,
    /// Something for whose own sake nobody waits.
    Unhurried,
    /// Something that a client or a peer waits for.
    Awaited,
}

/// `Replica` has no `Debug` of its own: the library's state is not for people.
pub struct ReplicaBox(pub Replica);

impl std::fmt::Debug for ReplicaBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.view().fmt(f)
    }
}

impl Group {
    /// A group from what is durable.
    pub fn new(
        id: GroupId,
        replica: Replica,
        machine: Machine,
        durable_hard_state: HardState,
        durable_last: LogIndex,
        applied: (LogIndex, Term),
    ) -> Group {
        Group {
            id,
            machine,
            duties: Duties::default(),
            safe_reads: SafeReads::default(),
            snapshots_wanted: Vec::new(),
            hashed: Vec::new(),
            received: None,
            restored: None,
            applied_count: 0,
            recorded: None,
            replica: ReplicaBox(replica),
            unpersisted: VecDeque::new(),
            durable_hard_state,
            durable_last,
            applied,
            led: None,
        }
    }

    /// Which group this is.
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// What is known of its replica.
    pub fn view(&self) -> View {
        self.replica.0.view()
    }

    /// Its replica.
    pub fn replica(&mut self) -> &mut Replica {
        &mut self.replica.0
    }

    /// Its replica, to look at.
    pub fn replica_ref(&self) -> &Replica {
        &self.replica.0
    }

    /// The last entry that its machine has applied.
    pub fn applied(&self) -> LogIndex {
        self.applied.0
    }

    /// What a snapshot taken now would stand for.
    pub fn point(&self) -> SnapshotPoint {
        SnapshotPoint {
            index: self.applied.0,
            term: self.applied.1,
            configuration: self.replica.0.configuration(),
        }
    }

    /// A consensus message of a peer.
    pub fn step(&mut self, from: ReplicaId, message: ConsensusMessage, around: &mut Surroundings<'_>) {
        #[cfg(feature = "planted")]
        self.step_planted(from, &message, around.planted);
        if !around.takes_entries && message.kind == ConsensusKind::Append && !message.entries.is_empty() {
            return; // as if it had been lost: it comes again when there is space
        }
        if let Err(why) = self.replica.0.step(from, message) {
            around.events.push(Event::PeerRefused {
                node: NodeId(from.0),
                why: format!("a consensus message of group {}: {why}", self.id),
            });
        }
    }

    #[cfg(feature = "planted")]
    fn step_planted(&mut self, from: ReplicaId, message: &ConsensusMessage, planted: Planted) {
        if planted == Planted::VoteCountedTwice && message.kind == ConsensusKind::RequestVoteResponse {
            let voters = self.replica.0.configuration().voters;
            if let Some(other) =
                voters.into_iter().find(|voter| *voter != from && *voter != self.replica.0.id())
            {
                let _ = self.replica.0.step(other, message.clone());
            }
        }
    }

    /// Does everything that can be done now. Returns what was handed to the log.
    pub fn pump(&mut self, around: &mut Surroundings<'_>) -> Logged {
        let mut logged = Logged::Nothing;
        loop {
            self.notice_leadership(around);
            self.answer_safe_reads(around);
            let view = self.view();
            if view.serves && !self.replica.0.frozen() {
                if around.takes_entries {
                    self.propose(around);
                }
                self.begin_reads(view, around);
            }
            let mut worked = false;
            while let Some(work) = self.replica.0.take_work() {
                worked = true;
                logged = logged.max(self.carry_out(work, around));
            }
            self.answer_reads(around);
            if !worked {
                break;
            }
        }
        self.notice_poison(around);
        logged
    }

    fn notice_leadership(&mut self, around: &mut Surroundings<'_>) {
        let view = self.view();
        let leads = view.leads.then_some(view.term);
        if self.led == leads {
            return;
        }
        if let Some(term) = self.led {
            around.events.push(Event::LeaderLost { group: self.id, term });
            self.send_back(NodeId(view.leader.0), around);
        }
        if let Some(term) = leads {
            around.events.push(Event::LeaderElected { group: self.id, term });
        }
        self.duties.begin_leadership();
        self.led = leads;
    }

    /// Everything that waits here goes back to its front, which will find the new leader.
    fn send_back(&mut self, leader: NodeId, around: &mut Surroundings<'_>) {
        let why = WhyNotTaken::NotLeader { leader };
        for (front, incarnation, what) in self.duties.give_up() {
            around.outbox.send(front, Message::NotTaken { group: self.id, incarnation, what, why });
        }
    }

    fn propose(&mut self, around: &mut Surroundings<'_>) {
        while self.duties.proposals_wait() {
            let wall_ms = around.now.wall_ms;
            let (entries, taken) = self.duties.next_batch(around.now.mono, || around.clock.next(wall_ms));
            if !self.replica.0.propose(entries) {
                self.duties.put_back(taken);
                break;
            }
        }
    }

    fn carry_out(&mut self, work: Work, around: &mut Surroundings<'_>) -> Logged {
        let (needs_log, logged) = (work.needs_log(), self.urgency(&work));
        self.send_all(work.now, around);
        for (to, point) in work.snapshots {
            assert_eq!(point.index, self.applied.0, "a snapshot stands for the applied state of this moment");
            let content = self.machine.freeze();
            #[cfg(feature = "planted")]
            let content = if around.planted == Planted::DedupNotInSnapshot {
                self.machine.freeze_without_sessions()
            } else {
                content
            };
            self.snapshots_wanted.push(WantedSnapshot { to, term: self.view().term, point, content });
        }
        let last_entry = work.entries.last().map(|entry| entry.index);
        if let Some(point) = &work.restore {
            let SnapshotPoint { index, term, .. } = *point;
            around.log.push(Record::SnapshotMark { group: self.id, index, term, reset: true });
        }
        if !work.entries.is_empty() {
            around.log.push(Record::Entries { group: self.id, entries: work.entries });
        }
        if let Some(state) = work.hard_state {
            #[cfg(feature = "planted")]
            let state = if around.planted == Planted::VoteForgotten {
                HardState { vote: ReplicaId(0), ..state }
            } else {
                state
            };
            around.log.push(Record::HardState { group: self.id, state });
        }
        let (early, late): (Vec<_>, Vec<_>) =
            work.after_persist.into_iter().partition(|(_, message)| self.may_overtake(needs_log, message));
        #[cfg(feature = "planted")]
        let (early, late) = match around.planted {
            Planted::ReplyBeforeSync => (early.into_iter().chain(late).collect(), Vec::new()),
            _ => (early, late),
        };
        self.send_all(early, around);
        if needs_log || !self.unpersisted.is_empty() {
            self.unpersisted.push_back(Unpersisted {
                number: work.number,
                in_log: needs_log,
                hard_state: work.hard_state,
                last_entry,
                messages: late,
                restore: work.restore,
            });
        } else {
            self.send_all(late, around);
            self.replica.0.persisted(work.number);
        }
        self.apply(work.committed, around);
        let term = self.view().term;
        for (index, round) in work.reads {
            self.duties.reads.proven(round, index, term, around.lease);
        }
        logged
    }

    /// What of a work goes to the log: votes, terms and snapshots are waited for by peers, entries mostly by clients.
    fn urgency(&self, work: &Work) -> Logged {
        let known = &self.durable_hard_state;
        let is_known = |state: &HardState| (state.term, state.vote) == (known.term, known.vote);
        let is_unhurried = !work.entries.is_empty()
            && work
                .entries
                .iter()
                .all(|entry| entry.kind == EntryKind::Normal && LogEntry::is_unhurried(&entry.data))
            && work.hard_state.as_ref().is_none_or(is_known)
            && work.restore.is_none();
        match work.needs_log() {
            false => Logged::Nothing,
            true if is_unhurried => Logged::Unhurried,
            true => Logged::Awaited,
        }
    }

    /// A follower's word on a heartbeat promises nothing that is not durable, if its term is: so reads need not wait for a follower's disk.
    fn may_overtake(&self, needs_log: bool, message: &ConsensusMessage) -> bool {
        !needs_log
            && message.kind == ConsensusKind::HeartbeatResponse
            && message.term == self.durable_hard_state.term
            && self
                .unpersisted
                .iter()
                .all(|work| work.hard_state.is_none_or(|state| state.term == message.term))
    }

    fn send_all(&self, messages: Vec<(ReplicaId, ConsensusMessage)>, around: &mut Surroundings<'_>) {
        let from = self.replica.0.id();
        for (to, message) in messages {
            around.outbox.send(NodeId(to.0), Message::Consensus { group: self.id, from, to, message });
        }
    }

    fn apply(&mut self, committed: Vec<ConsensusEntry>, around: &mut Surroundings<'_>) {
        let Some((index, term)) = committed.last().map(|entry| (entry.index, entry.term)) else { return };
        for entry in committed {
            self.applied_count += 1;
            let data = if entry.kind == EntryKind::Normal { &entry.data[..] } else { &[] };
            #[cfg(feature = "planted")]
            if around.planted == Planted::ExpiryByReplicaClock {
                self.machine.expire_by(around.now.wall_ms);
            }
            let applied = self.machine.apply(data);
            if let Some(recorded) = &mut self.recorded {
                recorded.push(AppliedEntry {
                    group: self.id,
                    index: entry.index,
                    term: entry.term,
                    data: Some(Bytes::copy_from_slice(data)),
                    fresh: matches!(applied, Applied::Write { fresh: true, .. }),
                    decision: Decision::of(&applied),
                });
            }
            if entry.kind != EntryKind::Normal {
                self.replica.0.apply_configuration_change(&entry);
            }
            self.tell(applied, around);
            if entry.index.0.is_multiple_of(EVERY_ENTRIES) {
                self.hashed.push((entry.index, self.machine.digest()));
            }
        }
        self.applied = (index, term);
        around.clock.merge_decided(self.machine.last());
        self.replica.0.applied(index, term);
    }

    fn tell(&mut self, applied: Applied, around: &mut Surroundings<'_>) {
        let me = around.outbox.me();
        match applied {
            Applied::Write { position, outcome, dots, .. } if self.led.is_some() || position.front == me => {
                let answer = Message::WriteAnswer {
                    group: self.id,
                    incarnation: position.incarnation,
                    number: position.number,
                    outcome: served_by(outcome, me),
                    dots,
                };
                around.outbox.send(position.front, answer);
            }
            Applied::Gap { position, mark } if self.led.is_some() => {
                let message = Message::NotTaken {
                    group: self.id,
                    incarnation: position.incarnation,
                    what: Untaken::Write(position.number),
                    why: WhyNotTaken::Gap { after: mark },
                };
                around.outbox.send(position.front, message);
            }
            Applied::Tentative { verdict: Verdict::TooEarly, .. } => self.duties.forget_submitted(),
            _ => {}
        }
    }

    /// The log says that everything of this group up to work `number` is durable.
    pub fn persisted(&mut self, number: u64, around: &mut Surroundings<'_>) {
        while let Some(work) = self.unpersisted.front() {
            if work.in_log && work.number > number {
                break;
            }
            let work = self.unpersisted.pop_front().expect("just seen");
            if let Some(state) = work.hard_state {
                self.durable_hard_state = state;
            }
            if let Some(last) = work.last_entry {
                self.durable_last = last;
            }
            self.send_all(work.messages, around);
            self.replica.0.persisted(work.number);
            if let Some(point) = work.restore {
                self.durable_last = self.durable_last.max(point.index);
                self.applied = (point.index, point.term);
                if let Some(recorded) = &mut self.recorded {
                    let (group, index, term) = (self.id, point.index, point.term);
                    recorded.push(AppliedEntry {
                        group,
                        index,
                        term,
                        data: None,
                        fresh: false,
                        decision: None,
                    });
                }
                self.restored = Some(point);
            }
        }
    }

    /// The number of the newest work that was handed to the log.
    pub fn newest_in_log(&self) -> Option<u64> {
        self.unpersisted.iter().rev().find(|work| work.in_log).map(|work| work.number)
    }

    /// Rule 13: a panic in the library costs this group its replica, not the node. It is made anew once everything handed to the log is durable.
    fn notice_poison(&mut self, around: &mut Surroundings<'_>) {
        let Some(why) = self.replica.0.poisoned() else { return };
        if self.duties.note_poison() {
            around.events.push(Event::GroupPoisoned { group: self.id, why: why.to_owned() });
            self.send_back(NodeId(0), around);
        }
        if self.unpersisted.is_empty() {
            let (index, term) = self.applied;
            self.replica.0.rebuild(self.durable_hard_state, self.durable_last, index, term);
            self.duties.begin_leadership();
        }
    }
}

/// Fills in who answers: replicated outcomes name nobody, so that replicas stay equal.
fn served_by(outcome: Outcome, me: NodeId) -> Outcome {
    match outcome {
        Outcome::Done { reply, certificate } => {
            Outcome::Done { reply, certificate: Certificate { served_by: me, ..certificate } }
        }
        failed @ Outcome::Failed(_) => failed,
    }
}
