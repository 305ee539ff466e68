//! The front's mind: clients' commands in, their answers out.
//!
//! A command is split by shard (`plan`), its parts are sent to those who may answer them (strong writes through `streams`, weak ones through `front_tentative`; reads by number, to the leader or, below linearizable, to a
//! replica: our own if there is one), the answers are gathered (`front_answers`). `front_copies` counts the nodes that hold what a connection wrote. `connections` says what has to wait for what, `front_waiting` what else a request waits for before it begins; `flights` knows a request's
//! ladder and what its session had seen when it began.
//!
//! Invariant: every request is answered exactly once, by its deadline at the latest. A session learns what an operation saw when that is answered, and not before.

use crate::connections::{Connection, Nature, Planned};
use crate::flights::{Climb, Flight, Part, Saw, What, behind, no_such_level};
use crate::folding::Folds;
use crate::front_copies::Waits;
use crate::front_reads::FrontReads;
use crate::front_tentative::{Asked, FrontTentative};
use crate::marks::{Mark, reached};
use crate::outbox::Outbox;
use crate::plan::{self, Operation};
use crate::streams::{PartId, Stream, no_quorum};
use bytes::Bytes;
use directory::routing::Routing;
use proto::command::{Command, InSession, Request};
use proto::error::{ErrorKind, Failure};
use proto::ids::{ConnectionId, GroupId, Incarnation, NodeId, RequestId};
use proto::level::Level;
use proto::limits::{DEFAULT_DEADLINE_MS, MAX_DEADLINE_MS};
use proto::ops::Write;
use proto::outcome::{Achieved, Certificate, Outcome};
use proto::peer::Demand;
use proto::reply::Reply;
use proto::session::{Session, TokenKey};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An answer for a client.
#[derive(Debug)]
pub struct Answer {
    /// Its connection.
    pub connection: ConnectionId,
    /// Its request.
    pub request: RequestId,
    /// How it ended.
    pub outcome: Outcome,
    /// What it achieved.
    pub achieved: Achieved,
}

impl Answer {
    /// An answer that no shard was asked for.
    pub(crate) fn at_once(connection: ConnectionId, request: RequestId, outcome: Outcome) -> Answer {
        Answer { connection, request, outcome, achieved: Achieved::default() }
    }
}

/// Everything that this node's clients have under way.
#[derive(Debug)]
pub struct Front {
    pub(crate) me: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) flights: BTreeMap<u64, Flight>,
    /// The number of the next flight, or WAIT.
    pub(crate) next_flight: u64,
    pub(crate) deadlines: BTreeSet<(Mono, u64)>,
    /// Connections whose first waiting request waits for its session, and when its rung is over.
    pub(crate) wakes: BTreeSet<(Mono, ConnectionId)>,
    pub(crate) streams: BTreeMap<GroupId, Stream>,
    /// Whether streams with nothing new to send are to be looked at too: a leader may have changed, or kept silent for too long.
    look_at_all: bool,
    pub(crate) reads: FrontReads,
    pub(crate) tentative: FrontTentative,
    pub(crate) folds: Folds,
    pub(crate) waits: Waits,
    /// Requests that are answered but whose session has no room for what they saw.
    pub(crate) too_wide: BTreeSet<u64>,
    pub(crate) key: TokenKey,
    pub(crate) seed: u64,
    pub(crate) answers: Vec<Answer>,
    /// Reads whose answers had come too early, and whose turn has come.
    pub(crate) in_turn: Vec<PartId>,
    /// A bug that is planted to prove a checker.
    #[cfg(feature = "planted")]
    pub(crate) planted: crate::planted::Planted,
}

impl Front {
    /// A front of this start of node `me`. `key` is what sessions are sealed with; `seed` picks keys for RANDOMKEY.
    pub fn new(me: NodeId, incarnation: Incarnation, seed: u64, key: TokenKey) -> Front {
        Front {
            me,
            incarnation,
            connections: BTreeMap::new(),
            flights: BTreeMap::new(),
            next_flight: 1,
            deadlines: BTreeSet::new(),
            wakes: BTreeSet::new(),
            streams: BTreeMap::new(),
            look_at_all: false,
            reads: FrontReads::default(),
            tentative: FrontTentative::default(),
            folds: Folds::default(),
            waits: Waits::default(),
            too_wide: BTreeSet::new(),
            key,
            seed,
            answers: Vec::new(),
            in_turn: Vec::new(),
            #[cfg(feature = "planted")]
            planted: crate::planted::Planted::Nothing,
        }
    }

    /// How many requests are under way.
    pub fn under_way(&self) -> usize {
        self.flights.len()
            + self.connections.values().map(|connection| connection.waiting.len()).sum::<usize>()
    }

    /// Whether no request is under way: one that waits does so behind another of its connection, or until its session is folded.
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// The moment at which the next request is overdue.
    pub fn next_deadline(&self) -> Option<Mono> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let wake = self.wakes.first().map(|(wake, _)| *wake);
        deadline.into_iter().chain(wake).chain(self.waits.next_deadline()).min()
    }

    /// A client's request.
    pub fn request(
        &mut self,
        connection: ConnectionId,
        request: RequestId,
        body: Request,
        now: Mono,
        routing: &Routing,
    ) {
        let wanted_ms = match body.command {
            // Its own time begins when everything before it is answered, which that is by its deadline.
            Command::Wait { .. } => MAX_DEADLINE_MS,
            _ => body.deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS).min(MAX_DEADLINE_MS),
        };
        let deadline = now + Duration::from_millis(wanted_ms);
        self.connections.entry(connection).or_default().waiting.push_back((request, body, deadline));
        self.advance(connection, now, routing);
    }

    /// The client is gone.
    pub fn close(&mut self, connection: ConnectionId) {
        let Some(gone) = self.connections.remove(&connection) else { return };
        if let Some(wake) = gone.wake {
            self.wakes.remove(&(wake, connection));
        }
        if let Some(wait) = gone.wait {
            self.end_wait(wait);
        }
        // Nobody stands in its line any more: what waits there can be forgotten.
        self.in_turn.extend(gone.early());
    }

    pub(crate) fn answer_at_once(&mut self, connection: ConnectionId, request: RequestId, outcome: Outcome) {
        self.answers.push(Answer::at_once(connection, request, outcome));
    }

    /// Begins a request whose session is folded as far as it needs to be, at its present rung.
    pub(crate) fn start(
        &mut self,
        id: ConnectionId,
        (request, mut body, deadline): (RequestId, Request, Mono),
        planned: Planned,
        session: Session,
        now: Mono,
        routing: &Routing,
    ) {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let connection = self.connections.entry(id).or_default();
        match &body.command {
            Command::SessionToken => {
                let token = self.key.seal(&session);
                return self.answer_at_once(id, request, plain(Reply::bulk(Bytes::from(token))));
            }
            Command::SessionResume { .. } => {
                connection.written.resumed(&session);
                connection.session = session;
                return self.answer_at_once(id, request, plain(Reply::OK));
            }
            Command::Wait { nodes, timeout_ms } => {
                let until = now + Duration::from_millis(*timeout_ms);
                return self.begin_wait(id, request, *nodes, until, routing);
            }
            _ => {}
        }
        let Planned { gather, operations, nature, climb, until, .. } = planned;
        let until = until.unwrap_or(deadline);
        let flight = self.next_flight;
        self.next_flight += 1;
        let missing = operations.len();
        let mut parts = Vec::with_capacity(missing);
        let mut writes = Vec::new();
        for (group, operation) in operations {
            let what = match operation {
                Operation::Write(write) => {
                    writes.push(write);
                    What::Write(0)
                }
                Operation::Read(read) => {
                    What::Read { read, after_write: connection.write_before(group), id: 0 }
                }
            };
            connection.begin(group, nature);
            if nature == Nature::Read {
                connection.stands_in_line(group, PartId { flight, part: parts.len() });
            }
            parts.push(Part { group, what, outcome: None, early: None });
        }
        self.deadlines.insert((until, flight));
        self.flights.insert(
            flight,
            Flight {
                connection: id,
                request,
                gather,
                parts,
                missing,
                deadline,
                until,
                climb,
                nature,
                session,
                has_own_session: body.session != InSession::Connection,
                max_staleness_ms: body.max_staleness_ms,
                acks: body.acks.unwrap_or(1),
                client: body.client.take(),
                wants_token: body.wants_token,
                saw: Saw::default(),
            },
        );
        if missing == 0 {
            return self.finish(flight);
        }
        if writes.is_empty() { self.begin_reads(flight) } else { self.begin_writes(flight, writes) }
    }

    /// Sends every part of a write on its way, at the flight's present rung.
    fn begin_writes(&mut self, flight_id: u64, writes: Vec<Write>) {
        let Some(flight) = self.flights.get_mut(&flight_id) else { return };
        let level = flight.climb.level();
        let mut connection = self.connections.get_mut(&flight.connection);
        let mut failed = Vec::new();
        for (number, (part, write)) in flight.parts.iter_mut().zip(writes).enumerate() {
            let (waiter, group) = (PartId { flight: flight_id, part: number }, part.group);
            if level.is_weak() {
                let id = self.tentative.ask(Asked {
                    part: waiter,
                    connection: flight.connection,
                    group,
                    write,
                    session: (level == Level::Causal).then(|| flight.session.clone()),
                    client: flight.client.clone(),
                    acks: flight.acks,
                    until: flight.until,
                });
                part.what = What::Tentative(id);
                if let Some(connection) = connection.as_deref_mut() {
                    connection.wrote_weakly(group, id);
                }
                continue;
            }
            let stream = self.streams.entry(group).or_insert_with(|| Stream::new(group));
            let client = flight.client.clone();
            match stream.add(waiter, write, client, flight.session.hlc, flight.deadline) {
                Ok(place) => {
                    part.what = What::Write(place);
                    if let Some(connection) = connection.as_deref_mut() {
                        connection.wrote(group, place);
                    }
                }
                Err(failure) => failed.push((waiter, failure)),
            }
        }
        for (waiter, failure) in failed {
            self.part_done(waiter, Outcome::Failed(failure));
        }
    }

    /// Asks for every part of a read that has no answer, at the flight's present rung.
    fn begin_reads(&mut self, flight_id: u64) {
        let Some(flight) = self.flights.get_mut(&flight_id) else { return };
        let level = flight.climb.level();
        self.folds.fold_session(&mut flight.session);
        let Session { hlc: at, dots } = &flight.session;
        for (number, part) in flight.parts.iter_mut().enumerate() {
            let What::Read { read, after_write, id } = &mut part.what else { continue };
            part.outcome = None;
            let max_staleness_ms = flight.max_staleness_ms;
            let demand = match level {
                Level::Linearizable => Demand::Everything { after_write: *after_write, dots: dots.clone() },
                Level::Sequential => Demand::UpTo { at: *at, dots: dots.clone(), max_staleness_ms },
                Level::Causal => Demand::Session { session: flight.session.clone(), max_staleness_ms },
                Level::Eventual => Demand::Nothing { max_staleness_ms },
            };
            let waiter = PartId { flight: flight_id, part: number };
            *id = self.reads.ask(waiter, part.group, read.clone(), demand, flight.until);
        }
    }

    /// Asks once more for a part of a linearizable read: an earlier read has shown a newer state than its answer did.
    pub(crate) fn ask_again(&mut self, waiter: PartId) {
        let Some(flight) = self.flights.get_mut(&waiter.flight) else { return };
        self.folds.fold_session(&mut flight.session);
        let part = &mut flight.parts[waiter.part];
        let What::Read { read, after_write, id } = &mut part.what else { return };
        let demand = Demand::Everything { after_write: *after_write, dots: flight.session.dots.clone() };
        *id = self.reads.ask(waiter, part.group, read.clone(), demand, flight.until);
    }

    /// Another leader is known for some group.
    pub fn leader_changed(&mut self) {
        self.look_at_all = true;
    }

    /// Sends what is unsent or was left without an answer for too long.
    pub fn send(&mut self, now: Mono, routing: &Routing, outbox: &mut Outbox) {
        let all = std::mem::take(&mut self.look_at_all);
        for (group, stream) in &mut self.streams {
            if stream.has_unsent() || (all && !stream.is_empty()) {
                let leader = routing.group_leader(*group).map(|(_, leader)| leader);
                stream.send(leader, self.incarnation, now, outbox);
            }
        }
        self.reads.send(self.incarnation, now, routing, outbox);
        self.tentative.send(self.incarnation, now, routing, outbox);
    }

    /// Looks for reads without an answer, and for requests past their deadline.
    pub fn timers(&mut self, now: Mono, routing: &Routing) {
        self.look_at_all = true;
        self.reads.look_again(now, routing);
        while let Some((deadline, flight)) = self.deadlines.first().copied() {
            if now < deadline {
                break;
            }
            self.deadlines.pop_first();
            self.overdue(flight, now);
            // Those behind it may have had the same deadline, and their answers.
            self.take_turns();
        }
        self.look_at_waits(now);
        self.look_at_waiting(now, routing);
    }

    /// The time of a flight's present rung is over: it steps down, or ends.
    fn overdue(&mut self, id: u64, now: Mono) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        if flight.missing == 0 {
            return self.give_up_joining(id);
        }
        if now < flight.deadline && flight.climb.has_next() {
            return self.step_down(id, now);
        }
        let level = flight.climb.level();
        let unanswered = flight.parts.iter().enumerate().filter(|(_, part)| part.outcome.is_none());
        let mut failed = Vec::with_capacity(flight.missing);
        for (at, part) in unanswered {
            let failure = match part.what {
                What::Read { id, .. } => {
                    self.reads.forget(id);
                    if level < Level::Linearizable { behind() } else { no_quorum() }
                }
                What::Write(number) => self
                    .streams
                    .get_mut(&part.group)
                    .and_then(|stream| stream.expire(number))
                    .unwrap_or_else(Failure::unknown),
                What::Tentative(id) => self.tentative.expire(id),
            };
            failed.push((at, failure));
        }
        for (part, failure) in failed {
            self.part_done(PartId { flight: id, part }, Outcome::Failed(failure));
        }
    }

    /// A flight goes on at its next rung. What the rung above has answered so far is asked again: one answer is of one level. A write of which somebody has a part stays where it is, to its deadline.
    fn step_down(&mut self, id: u64, now: Mono) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        let streams = &mut self.streams;
        let is_free = flight.parts.iter().all(|part| match part.what {
            What::Read { .. } => true,
            What::Write(number) => {
                part.outcome.is_none()
                    && streams.get(&part.group).is_some_and(|stream| stream.can_take_back(number))
            }
            What::Tentative(id) => part.outcome.is_none() && self.tentative.can_take_back(id),
        });
        let Some(until) = flight.climb.clone().next(now).filter(|_| is_free) else {
            reached(Mark::LadderIsHeld);
            flight.until = flight.deadline;
            self.deadlines.insert((flight.until, id));
            return;
        };
        reached(Mark::LadderStepsDown);
        flight.climb.next(now);
        flight.until = until;
        flight.missing = flight.parts.len();
        flight.saw = Saw::default();
        self.deadlines.insert((until, id));
        let mut writes = Vec::new();
        for part in &mut flight.parts {
            match part.what {
                What::Read { id, .. } => drop(self.reads.forget(id)),
                What::Write(number) => {
                    writes.extend(streams.get_mut(&part.group).and_then(|stream| stream.take_back(number)));
                }
                What::Tentative(id) => writes.extend(self.tentative.take_back(id)),
            }
        }
        if writes.is_empty() { self.begin_reads(id) } else { self.begin_writes(id, writes) }
    }
}

/// What a request is, before it begins.
pub(crate) fn planned(
    me: NodeId,
    seed: u64,
    body: &Request,
    deadline: Mono,
    routing: &Routing,
) -> Result<Planned, Failure> {
    let (gather, operations) = plan::plan(&body.command, body.client.as_ref(), routing, seed)?;
    let is_read = operations.iter().all(|(_, operation)| matches!(operation, Operation::Read(_)));
    let climb = Climb::new(&body.ladder, &body.command, is_read, deadline)
        .ok_or_else(|| no_such_level(&body.command, &body.ladder))?;
    let strongest = climb.rungs()[0].level;
    let weakest = climb.rungs().last().map_or(strongest, |rung| rung.level);
    if !is_read && weakest.is_weak() {
        let replicas = |group: &GroupId| routing.replicas(*group).len();
        let fewest = operations.iter().map(|(group, _)| replicas(group)).min().unwrap_or(1);
        if usize::from(body.acks.unwrap_or(1)) > fewest {
            return Err(invalid(format!(
                "ACKS asks for more nodes than replicate the shard, which {fewest} do"
            )));
        }
    }
    let nature = match (is_read, strongest, weakest) {
        (true, _, Level::Linearizable) => Nature::Read,
        (true, ..) => Nature::OrderedRead,
        (false, _, weakest) if !weakest.is_weak() => Nature::Strong,
        (false, strongest, _) if !strongest.is_weak() => Nature::Either,
        (false, ..) => {
            let is_here = |group: &GroupId| routing.replicas(*group).contains(&me);
            let keeps_order = climb.rungs().len() == 1
                && body.session == InSession::Connection
                // What answers from state may have to wait for its session, and what came behind it would be taken first.
                && operations.iter().all(|(group, operation)| {
                    let may_wait = matches!(operation, Operation::Write(write) if write.answers_from_state());
                    is_here(group) && (strongest == Level::Eventual || !may_wait)
                });
            Nature::Weak(keeps_order.then_some(strongest))
        }
    };
    Ok(Planned {
        gather,
        operations,
        nature,
        climb,
        until: None,
        hindrance: None,
        #[cfg(feature = "planted")]
        unfolded: None,
    })
}

/// The certificate of an answer that stands for no single key.
pub(crate) fn no_certificate() -> Certificate {
    Certificate::default()
}

/// A reply that needs no shard.
pub(crate) fn plain(reply: Reply) -> Outcome {
    Outcome::Done { reply, certificate: no_certificate() }
}

/// A request that makes no sense.
pub(crate) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Invalid, message)
}
