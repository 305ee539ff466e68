//! What peers say: each message to the sub-machine that it is for.
//!
//! A frame that is no frame is refused and named in an event; one for another node is passed on (`relaying`). A message is taken at its word only as far as it cannot hurt: consensus messages are checked again by
//! `consensus::admit`, forwards by the stream's order, snapshots by their digests.

use crate::core::{Core, Purpose};
use crate::duties::Acceptance;
use crate::event::Event;
use crate::fitness::growth_refusal;
use crate::front_reads::AnsweredRead;
use crate::marks::{Mark, reached};
#[cfg(feature = "planted")]
use crate::planted::Planted;
use crate::reads::PendingRead;
use crate::tentative::{Weak, WeakRequest};
use bytes::Bytes;
use directory::state::DirectoryState;
use proto::frame::Frame;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, NodeId, ReplicaId};
use proto::limits::{MAX_CLOCK_OFFSET_MS, MAX_DEADLINE_MS};
use proto::outcome::Outcome;
use proto::peer::{Announce, Demand, ForwardedWrite, Message, SnapshotStep, Untaken, WhyNotTaken};
use proto::session::Session;
use proto::tentative::Dots;
use std::time::Duration;
use storage::disk::Lane;

impl Core {
    /// A frame from the link of `from`, made by it or passed on.
    pub(crate) fn frame(&mut self, from: NodeId, bytes: &Bytes) {
        match Frame::addresses(bytes) {
            Ok(addresses) if addresses.destination != self.me => {
                self.mesh.heard(from, self.now.mono);
                return self.relay(from, addresses, bytes);
            }
            Ok(_) => {}
            Err(why) => return self.refuse(from, why.to_string()),
        }
        let frame = match Frame::decode(bytes) {
            Ok(frame) => frame,
            Err(why) => return self.refuse(from, why.to_string()),
        };
        let source = frame.source;
        if source != from && (source == self.me || !self.directory.members.contains_key(&source)) {
            return self.refuse(from, format!("it passed on a frame of node {source}, which is no member"));
        }
        self.mesh.heard(from, self.now.mono);
        if self.neighbours.heard(source, self.now.mono, &mut self.events) {
            self.outbox.set_silent(source, false);
        }
        for message in frame.messages {
            crate::marks::heard(&message);
            match message {
                // Who hears whom is told by direct neighbours only.
                Message::Links { states } if source == from => self.links_told(states),
                Message::Links { .. } => {}
                message if !self.is_of_its_shard(&message) => {
                    self.refuse(source, "a request for keys of another shard".to_owned());
                }
                message => self.message(source, message),
            }
        }
    }

    fn refuse(&mut self, node: NodeId, why: String) {
        self.events.push(Event::PeerRefused { node, why });
    }

    /// One message, from a peer or from this node itself.
    pub(crate) fn message(&mut self, from: NodeId, message: Message) {
        let now = self.now.mono;
        match message {
            Message::Announce(announce) => self.announced(from, announce),
            Message::Links { .. } => {} // only from other nodes, and handled with their frame
            Message::Consensus { group, from: replica, to, message } => {
                if replica.0 != from.0 || to.0 != self.me.0 {
                    return self.refuse(from, "a consensus message under another replica's name".to_owned());
                }
                self.with_group(group, |group, around| group.step(replica, message, around));
                self.dirty.insert(group);
            }
            Message::ForwardWrite { group, forward } => self.forwarded_write(group, forward),
            Message::WriteAnswer { group, incarnation, number, outcome, dots } => {
                self.front.write_answered(group, incarnation, number, outcome, &dots, now);
            }
            Message::NotTaken { group, incarnation, what, why } => {
                self.front.not_taken(from, from == self.me, group, incarnation, what, why, now);
            }
            Message::ForwardRead { group, id, incarnation, demand, deadline_ms, read } => {
                let deadline = now + Duration::from_millis(deadline_ms.min(MAX_DEADLINE_MS));
                let mut read = PendingRead {
                    front: from,
                    incarnation,
                    id,
                    after_write: 0,
                    dots: Dots::NONE,
                    deadline,
                    read,
                    judged_at_ms: None,
                };
                match demand {
                    Demand::Everything { after_write, dots } => {
                        (read.after_write, read.dots) = (after_write, dots);
                        self.forwarded_read(group, read);
                    }
                    Demand::Session { session, max_staleness_ms } => {
                        self.weak_read_arrived(group, read, Some(session), max_staleness_ms);
                    }
                    Demand::Nothing { max_staleness_ms } => {
                        self.weak_read_arrived(group, read, None, max_staleness_ms);
                    }
                    Demand::UpTo { at, dots, max_staleness_ms } => {
                        read.dots = dots;
                        // The bound counts from here. Whoever needs the time to move on asks for the present, so that the next reader need not.
                        let wall_ms = self.now.wall_ms;
                        let bound =
                            max_staleness_ms.map(|ms| Timestamp::from_wall_ms(wall_ms.saturating_sub(ms)));
                        #[cfg(feature = "planted")]
                        let at = if self.config.planted == Planted::SessionNotAwaited {
                            Timestamp::ZERO
                        } else {
                            at
                        };
                        let ask_for = bound.map_or(at, |_| Timestamp::from_wall_ms(wall_ms));
                        self.safe_read(group, read, at.max(bound.unwrap_or_default()), ask_for);
                    }
                }
            }
            Message::ReadAnswer { incarnation, id, outcome, seen, dots, state, age_ms } => {
                #[cfg(feature = "planted")]
                let dots = match self.config.planted {
                    Planted::ReadDoesNotJoinDots => Dots::NONE,
                    _ => dots,
                };
                let saw = Session { hlc: seen, dots };
                let answered = AnsweredRead { outcome, saw, state, age_ms };
                self.front.read_answered(incarnation, id, answered);
            }
            Message::ForwardTentative {
                group,
                id,
                incarnation,
                deadline_ms,
                session,
                client,
                acks,
                write,
            } => {
                if !self.tentative.once.is_first(from, incarnation, id) {
                    return;
                }
                let deadline = now + Duration::from_millis(deadline_ms.min(MAX_DEADLINE_MS));
                let what = Weak::Write { write, client, copies: usize::from(acks) };
                let bound = Timestamp::ZERO;
                let request = WeakRequest { front: from, incarnation, id, deadline, session, bound, what };
                self.weak_request(group, request);
            }
            Message::TentativeAnswer { incarnation, id, outcome, session, dot } => {
                self.front.tentative_answered(from, incarnation, id, outcome, &session, dot);
            }
            Message::Held { group, origin, after, operations, covered } => {
                self.held(from, group, origin, after, operations, covered);
            }
            Message::HeldWanted { group, covered } => self.held_wanted(from, group, &covered),
            Message::HeldDurably { group, origin, number } => {
                self.held_durably(from, group, origin, number);
            }
            Message::Submit { group, operations } => self.submitted(from, group, operations),
            Message::HandOver { group, operations } => self.hints_arrived(from, group, operations),
            Message::HandedOver { group, origin, number } => self.hints_decided(from, group, origin, number),
            Message::StateDigests { digests } => self.states_told(from, digests),
            Message::RebuildWanted { group, nonce, folder } => {
                self.rebuild_wanted(from, group, nonce, folder);
            }
            Message::LeftoversWanted { group, origin } => self.leftovers_wanted(from, group, origin),
            Message::NoLeftovers { group, origin } => self.no_leftovers(from, group, origin),
            Message::Folded { folds } => self.folded(from, folds),
            Message::FloorWanted { group } => self.floor_wanted(from, group),
            Message::FloorPromise { group, origin, floor } => {
                self.floor_promised(from, group, origin, floor);
            }
            Message::TimeWanted { group, at } => self.time_wanted(from, group, at),
            Message::Snapshot { group, step } => self.snapshot_step(from, group, step),
            Message::ProposeDirectory { change } => {
                if let Some(group) =
                    self.groups.get_mut(&GroupId::DIRECTORY).filter(|group| group.view().serves)
                {
                    group.duties.propose_directory(change);
                    self.dirty.insert(GroupId::DIRECTORY);
                }
            }
            Message::DirectoryWanted { have } => {
                if have < self.directory_index {
                    let copy = Message::DirectoryCopy {
                        index: self.directory_index,
                        state: self.directory.encode(),
                    };
                    self.outbox.send(from, copy);
                }
            }
            Message::DirectoryCopy { index, state } => {
                let replicates = self.groups.contains_key(&GroupId::DIRECTORY);
                if !replicates && index > self.directory_index {
                    match DirectoryState::decode(&state) {
                        Ok(state) => {
                            reached(Mark::CopyOfDirectoryTaken);
                            self.adopt_directory(index, state);
                        }
                        Err(why) => {
                            self.refuse(from, format!("a copy of the directory that makes no sense: {why}"))
                        }
                    }
                }
            }
        }
    }

    fn announced(&mut self, from: NodeId, announce: Announce) {
        if !self.clock.merge_received(announce.clock, self.now.wall_ms) {
            return self.clock_ahead(from, announce.clock);
        }
        for (group, term) in &announce.leads {
            if self.routing.learn_leader(*group, *term, from) {
                self.front.leader_changed();
            }
        }
        if announce.directory > self.directory_index && !self.groups.contains_key(&GroupId::DIRECTORY) {
            self.outbox.send(from, Message::DirectoryWanted { have: self.directory_index });
        }
        if let Some(fold) = announce.fold {
            self.folded(from, vec![fold]);
        }
        self.neighbours.announced(from, announce);
    }

    fn forwarded_write(&mut self, id: GroupId, forward: ForwardedWrite) {
        let (position, now) = (forward.position, self.now.mono);
        let refusal = growth_refusal(self.memory_full, &self.fitness);
        let not_taken = |why| Message::NotTaken {
            group: id,
            incarnation: position.incarnation,
            what: Untaken::Write(position.number),
            why,
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return self.outbox.send(position.front, not_taken(WhyNotTaken::NotLeader { leader: NodeId(0) }));
        };
        let view = group.view();
        if !view.leads {
            reached(Mark::WriteAtFollower);
            let leader = NodeId(view.leader.0);
            return self.outbox.send(position.front, not_taken(WhyNotTaken::NotLeader { leader }));
        }
        // Without room in the log not even a refusal can be told for certain.
        if !view.serves || self.fitness.is_out() {
            reached(Mark::WriteAtNewLeader);
            return self.outbox.send(position.front, not_taken(WhyNotTaken::Busy));
        }
        #[cfg(feature = "planted")]
        let forward = match self.config.planted {
            Planted::SessionNotMerged => ForwardedWrite { session: Timestamp::ZERO, ..forward },
            _ => forward,
        };
        if !self.clock.merge_session(forward.session, self.now.wall_ms) {
            reached(Mark::SessionAheadOfClock);
            self.clock_ahead(position.front, forward.session);
            return self.outbox.send(position.front, not_taken(WhyNotTaken::Busy));
        }
        let Some(shard) = group.machine.as_shard() else { return };
        let mark = shard.sessions.mark(position.front, position.incarnation);
        if shard.sessions.is_stale(position.front, position.incarnation) {
            return reached(Mark::WriteOfEarlierStart);
        }
        if position.number <= mark {
            // Applied before: the decided state itself answers, whoever leads.
            if let crate::sessions::Place::Repeat(kept) = shard.sessions.place(&position) {
                reached(Mark::WriteAnsweredFromTable);
                let outcome = kept.unwrap_or_else(|| Outcome::Failed(proto::error::Failure::unknown()));
                let incarnation = position.incarnation;
                let answer = Message::WriteAnswer {
                    group: id,
                    incarnation,
                    number: position.number,
                    outcome,
                    dots: shard.arbitration.all_dots(),
                };
                self.outbox.send(position.front, answer);
            }
            return;
        }
        // The refusal goes through the log, which uses the number up: an earlier attempt may be on its way there, and only one of the two can count. A client's number that is known is
        // answered from the table all the same.
        let refused = refusal.filter(|_| forward.write.as_ref().is_some_and(crate::apply::grows));
        if refused.is_some() {
            reached(Mark::WriteRefusedForMemory);
        }
        match group.duties.accept(forward, refused, mark, now) {
            Acceptance::Accepted => {
                self.dirty.insert(id);
            }
            Acceptance::Gap { after } => {
                reached(Mark::WriteAfterGap);
                self.outbox.send(position.front, not_taken(WhyNotTaken::Gap { after }))
            }
            Acceptance::Stale => reached(Mark::WriteOfEarlierStart),
            Acceptance::Busy => self.outbox.send(position.front, not_taken(WhyNotTaken::Busy)),
        }
    }

    fn forwarded_read(&mut self, id: GroupId, read: PendingRead) {
        let view = self.groups.get(&id).map(|group| group.view());
        if let Some(group) = self.groups.get_mut(&id).filter(|group| group.view().serves) {
            group.duties.reads.add(read);
            self.dirty.insert(id);
            return;
        }
        reached(Mark::ReadAtFollower);
        let why = match view {
            Some(view) if view.leads => WhyNotTaken::Busy,
            Some(view) => WhyNotTaken::NotLeader { leader: NodeId(view.leader.0) },
            None => WhyNotTaken::NotLeader { leader: NodeId(0) },
        };
        let message =
            Message::NotTaken { group: id, incarnation: read.incarnation, what: Untaken::Read(read.id), why };
        self.outbox.send(read.front, message);
    }

    /// A read below sequential.
    fn weak_read_arrived(
        &mut self,
        id: GroupId,
        read: PendingRead,
        session: Option<Session>,
        max_staleness_ms: Option<u64>,
    ) {
        let oldest = |ms: u64| Timestamp::from_wall_ms(self.now.wall_ms.saturating_sub(ms));
        let request = WeakRequest {
            front: read.front,
            incarnation: read.incarnation,
            id: read.id,
            deadline: read.deadline,
            session,
            bound: max_staleness_ms.map(oldest).unwrap_or_default(),
            what: Weak::Read(read.read),
        };
        self.weak_request(id, request);
    }

    /// A read that any replica may answer whose safe time has reached `at`.
    fn safe_read(&mut self, id: GroupId, read: PendingRead, at: Timestamp, ask_for: Timestamp) {
        let (front, incarnation, what) = (read.front, read.incarnation, Untaken::Read(read.id));
        let why = match self.groups.get_mut(&id) {
            None => Some(WhyNotTaken::NotLeader { leader: NodeId(0) }),
            Some(group) => {
                let safe = group.machine.last();
                (!group.safe_reads.add(read, at, ask_for, safe)).then_some(WhyNotTaken::Busy)
            }
        };
        match why {
            None => drop(self.dirty.insert(id)),
            Some(why) => self.outbox.send(front, Message::NotTaken { group: id, incarnation, what, why }),
        }
    }

    /// A reader of some replica needs the safe time to reach `at`. Whoever is no leader keeps quiet: the replica asks again.
    pub(crate) fn time_wanted(&mut self, from: NodeId, id: GroupId, at: Timestamp) {
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.view().serves) else { return };
        if at <= group.machine.last() {
            return;
        }
        // Whoever asks for too much gets as much as there is: others there may wait for less.
        let latest = Timestamp::from_wall_ms(self.now.wall_ms.saturating_add(MAX_CLOCK_OFFSET_MS));
        let is_acceptable = self.clock.merge_session(at, self.now.wall_ms);
        let granted = if is_acceptable { at } else { at.min(latest) };
        self.clock.merge_session(granted, self.now.wall_ms);
        group.duties.want_time(granted);
        self.dirty.insert(id);
        if !is_acceptable {
            reached(Mark::TimeGrantedInPart);
            self.clock_ahead(from, at);
        }
    }

    pub(crate) fn clock_ahead(&mut self, node: NodeId, seen: Timestamp) {
        let ahead_ms = seen.wall_ms().saturating_sub(self.now.wall_ms);
        self.events.push(Event::ClockAhead { node, ahead_ms });
    }

    fn snapshot_step(&mut self, from: NodeId, id: GroupId, step: SnapshotStep) {
        let now = self.now.mono;
        let replica = ReplicaId(from.0);
        match step {
            SnapshotStep::Offer { transfer, term, point, slots, tables } => {
                if self.is_unborn(id) {
                    self.offered_to_unborn(from, id, transfer, term, point, slots, tables);
                    self.dirty.insert(id);
                    return;
                }
                let Some(group) = self.groups.get(&id).filter(|group| !group.replica_ref().frozen()) else {
                    return;
                };
                if term < group.view().term || point.index <= group.view().applied {
                    reached(Mark::OfferOutdated);
                    let installed = point.index <= group.view().applied;
                    let step = SnapshotStep::Finished { transfer, installed };
                    return self.outbox.send(from, Message::Snapshot { group: id, step });
                }
                let own = group.machine.freeze();
                self.transfers.offered(
                    id,
                    from,
                    transfer,
                    term,
                    point,
                    slots,
                    tables,
                    own,
                    now,
                    &mut self.outbox,
                );
                // When nothing is lacking, the settling of this drain begins to write it.
                self.dirty.insert(id);
            }
            SnapshotStep::Piece { transfer, slot, number, last, data } => {
                let ops = self.transfers.piece(
                    id,
                    from,
                    transfer,
                    slot,
                    number,
                    last,
                    &data,
                    now,
                    &mut self.outbox,
                );
                if !ops.is_empty() {
                    self.job(Lane::Bulk, ops, Purpose::Housekeeping);
                }
            }
            SnapshotStep::Finished { transfer, installed } => {
                if self.transfers.follower_finished(id, replica, transfer) {
                    self.report_transfer(id, replica, installed);
                }
            }
            step @ (SnapshotStep::Want { .. } | SnapshotStep::Received { .. }) => {
                self.transfers.follower_says(id, replica, &step, now);
            }
        }
    }
}
