//! The front's mind: clients' commands in, their answers out.
//!
//! A command is split by shard (`plan`), its parts are sent to those who may answer them (writes through `streams`; reads by number, to the leader or, below linearizable, to a replica: our own if
//! there is one), the answers are gathered. `connections` says what has to wait for what; `flights` knows a request's ladder and what its session had seen when it began.
//!
//! Invariant: every request is answered exactly once, by its deadline at the latest. A session learns what an operation saw when that is answered, and not before.

use crate::connections::Connection;
use crate::flights::{Climb, Flight, Part, What, behind};
use crate::front_reads::{AnsweredRead, FrontReads};
use crate::outbox::Outbox;
use crate::plan::{self, Gather, Operation};
use crate::streams::{PartId, Stream, no_quorum};
use bytes::Bytes;
use directory::routing::Routing;
use proto::command::{Command, InSession, Request};
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::{ConnectionId, GroupId, Incarnation, NodeId, RequestId};
use proto::level::Level;
use proto::limits::{DEFAULT_DEADLINE_MS, MAX_DEADLINE_MS};
use proto::outcome::{Achieved, Certificate, Outcome};
use proto::peer::{Demand, Untaken, WhyNotTaken};
use proto::reply::Reply;
use proto::session::{Session, TokenKey};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an answer that rests on the lease can be handed back after its time.
const HAND_BACK: Duration = Duration::from_secs(10);

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
    /// It must leave before this moment.
    pub valid_until: Option<Mono>,
}

impl Answer {
    /// An answer that no shard was asked for.
    fn at_once(connection: ConnectionId, request: RequestId, outcome: Outcome) -> Answer {
        Answer { connection, request, outcome, achieved: Achieved::default(), valid_until: None }
    }
}

/// Everything that this node's clients have under way.
#[derive(Debug)]
pub struct Front {
    incarnation: Incarnation,
    connections: BTreeMap<ConnectionId, Connection>,
    flights: BTreeMap<u64, Flight>,
    next_flight: u64,
    deadlines: BTreeSet<(Mono, u64)>,
    streams: BTreeMap<GroupId, Stream>,
    /// Whether streams with nothing new to send are to be looked at too: a leader may have changed, or kept silent for too long.
    look_at_all: bool,
    reads: FrontReads,
    leased: BTreeMap<(ConnectionId, RequestId), (Mono, Request)>,
    lease_enabled: bool,
    key: TokenKey,
    seed: u64,
    answers: Vec<Answer>,
}

impl Front {
    /// A front of this start of the node. `key` is what sessions are sealed with; `seed` picks keys for RANDOMKEY.
    pub fn new(incarnation: Incarnation, seed: u64, lease_enabled: bool, key: TokenKey) -> Front {
        Front {
            incarnation,
            connections: BTreeMap::new(),
            flights: BTreeMap::new(),
            next_flight: 1,
            deadlines: BTreeSet::new(),
            streams: BTreeMap::new(),
            look_at_all: false,
            reads: FrontReads::default(),
            leased: BTreeMap::new(),
            lease_enabled,
            key,
            seed,
            answers: Vec::new(),
        }
    }

    /// How many requests are under way.
    pub fn under_way(&self) -> usize {
        self.flights.len()
            + self.connections.values().map(|connection| connection.waiting.len()).sum::<usize>()
    }

    /// Whether no request is under way: one that waits does so behind another of its connection.
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// The moment at which the next request is overdue.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
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
        let wanted_ms = body.deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS).min(MAX_DEADLINE_MS);
        let deadline = now + Duration::from_millis(wanted_ms);
        self.connections.entry(connection).or_default().waiting.push_back((request, body, deadline));
        self.advance(connection, now, routing);
    }

    /// The client is gone.
    pub fn close(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
    }

    /// An answer that rested on the lease came too late: the read is done again.
    pub fn expired(&mut self, connection: ConnectionId, request: RequestId, now: Mono, routing: &Routing) {
        match self.leased.remove(&(connection, request)) {
            Some((_, body)) => self.request(connection, request, body, now, routing),
            None => self.answer_at_once(connection, request, Outcome::Failed(no_quorum())),
        }
    }

    fn answer_at_once(&mut self, connection: ConnectionId, request: RequestId, outcome: Outcome) {
        self.answers.push(Answer::at_once(connection, request, outcome));
    }

    /// Starts what a connection may start.
    fn advance(&mut self, id: ConnectionId, now: Mono, routing: &Routing) {
        loop {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some((_, body, _)) = connection.waiting.front() else {
                if connection.is_forgettable() {
                    self.connections.remove(&id);
                }
                return;
            };
            let plan = match connection.planned.take() {
                Some(planned) => Ok(planned),
                None => plan::plan(&body.command, body.client.as_ref(), routing, self.seed),
            };
            let may_begin = match (&body.command, &plan) {
                // It tells of everything before it.
                (Command::SessionToken, _) => connection.is_quiet(),
                (_, Ok((_, parts))) => connection.may_begin(parts, body.ladder.has_below_linearizable()),
                (_, Err(_)) => true,
            };
            if !may_begin {
                connection.planned = plan.ok();
                // The oldest waiting request decides when this connection is looked at again for its deadline.
                return;
            }
            let (request, body, deadline) = connection.waiting.pop_front().expect("just seen");
            let started = match plan {
                Err(failure) => Err(failure),
                Ok(_) if now >= deadline => Err(no_quorum()),
                Ok((gather, parts)) => {
                    self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    self.start(id, request, body, (now, deadline), gather, parts)
                }
            };
            if let Err(failure) = started {
                self.answer_at_once(id, request, Outcome::Failed(failure));
            }
        }
    }

    fn start(
        &mut self,
        id: ConnectionId,
        request: RequestId,
        mut body: Request,
        (now, deadline): (Mono, Mono),
        gather: Gather,
        operations: Vec<(GroupId, Operation)>,
    ) -> Result<(), Failure> {
        let session = match &body.session {
            InSession::Connection => None,
            InSession::Token(token) => Some(self.open(token)?),
        };
        let connection = self.connections.entry(id).or_default();
        match &body.command {
            Command::SessionToken => {
                let token = self.key.seal(&connection.session);
                self.answer_at_once(id, request, plain(Reply::bulk(Bytes::from(token))));
                return Ok(());
            }
            Command::SessionResume { token } => {
                let resumed = self.key.open(token).map_err(|bad| invalid(bad.to_string()))?;
                connection.session.join(&resumed);
                self.answer_at_once(id, request, plain(Reply::OK));
                return Ok(());
            }
            _ => {}
        }
        let flight = self.next_flight;
        self.next_flight += 1;
        let missing = operations.len();
        let is_read = operations.iter().all(|(_, operation)| matches!(operation, Operation::Read(_)));
        let has_own_session = session.is_some();
        let in_session = session.unwrap_or_else(|| connection.session.clone());
        let is_ordered = body.ladder.has_below_linearizable();
        let mut ladder = Climb::new(&body.ladder, is_read, deadline);
        let first_until = ladder.next(now).expect("a ladder has a rung");
        let mut parts = Vec::with_capacity(missing);
        let mut failed = Vec::new();
        let client = body.client.take();
        for (part, (group, operation)) in operations.into_iter().enumerate() {
            let waiter = PartId { flight, part };
            let what = match operation {
                Operation::Write(write) => {
                    connection.begin_write(group);
                    let stream = self.streams.entry(group).or_insert_with(|| Stream::new(group));
                    match stream.add(waiter, write, client.clone(), in_session.hlc, deadline) {
                        Ok(number) => {
                            connection.wrote(group, number);
                            What::Write(number)
                        }
                        Err(failure) => {
                            failed.push((waiter, failure));
                            What::Write(0)
                        }
                    }
                }
                Operation::Read(read) => {
                    What::Read { read, after_write: connection.begin_read(group, is_ordered), id: 0 }
                }
            };
            parts.push(Part { group, what, outcome: None });
        }
        body.client = client;
        self.deadlines.insert((first_until, flight));
        self.flights.insert(
            flight,
            Flight {
                connection: id,
                request,
                gather,
                parts,
                missing,
                deadline,
                until: first_until,
                valid_until: None,
                ladder,
                session: in_session,
                has_own_session,
                is_ordered,
                max_staleness_ms: body.max_staleness_ms,
                wants_token: body.wants_token,
                seen: Timestamp::ZERO,
                age_ms: 0,
                read: self.lease_enabled.then_some(body),
            },
        );
        self.begin_reads(flight);
        if missing == 0 {
            self.finish(flight);
        }
        for (waiter, failure) in failed {
            self.part_done(waiter, Outcome::Failed(failure), None);
        }
        Ok(())
    }

    fn open(&self, token: &[u8]) -> Result<Session, Failure> {
        self.key.open(token).map_err(|bad| invalid(bad.to_string()))
    }

    /// Asks for every part of a read that has no answer, at the flight's present rung.
    fn begin_reads(&mut self, flight_id: u64) {
        let Some(flight) = self.flights.get_mut(&flight_id) else { return };
        let level = flight.ladder.level();
        for (number, part) in flight.parts.iter_mut().enumerate() {
            let What::Read { read, after_write, id } = &mut part.what else { continue };
            part.outcome = None;
            let demand = match level {
                Level::Linearizable => {
                    Demand::Everything { after_write: *after_write, dots: flight.session.dots.clone() }
                }
                _ => Demand::UpTo {
                    at: flight.session.hlc,
                    dots: flight.session.dots.clone(),
                    max_staleness_ms: flight.max_staleness_ms,
                },
            };
            let waiter = PartId { flight: flight_id, part: number };
            *id = self.reads.ask(waiter, part.group, read.clone(), demand, flight.until);
        }
    }

    /// Stub.
    pub fn folded(&mut self, _: proto::tentative::Fold, _: Mono, _: &Routing) {}

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
    }

    /// Looks for reads without an answer, and for requests past their deadline.
    pub fn timers(&mut self, now: Mono, routing: &Routing) {
        self.look_at_all = true;
        self.reads.look_again(now, routing);
        self.leased.retain(|_, (until, _)| now < *until + HAND_BACK);
        while let Some((deadline, flight)) = self.deadlines.first().copied() {
            if now < deadline {
                break;
            }
            self.deadlines.pop_first();
            self.overdue(flight, now);
        }
        let stuck: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, connection)| {
                connection.waiting.front().is_some_and(|(_, _, deadline)| now >= *deadline)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in stuck {
            self.refuse_overdue(id, now);
            self.advance(id, now, routing);
        }
    }

    /// Waiting requests of a connection whose deadline passed before they could start.
    fn refuse_overdue(&mut self, id: ConnectionId, now: Mono) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        while let Some((request, _, deadline)) = connection.waiting.front() {
            if now < *deadline {
                break;
            }
            let late = Answer::at_once(id, *request, Outcome::Failed(no_quorum()));
            connection.waiting.pop_front();
            connection.planned = None;
            self.answers.push(late);
        }
    }

    /// The time of a flight's present rung is over: it steps down, or ends.
    fn overdue(&mut self, id: u64, now: Mono) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        for part in &flight.parts {
            if let What::Read { id, .. } = part.what {
                self.reads.forget(id);
            }
        }
        if now < flight.deadline
            && let Some(until) = flight.ladder.next(now)
        {
            // What the rung above has answered so far is asked again: one answer is of one level.
            flight.until = until;
            flight.missing = flight.parts.len();
            (flight.seen, flight.age_ms, flight.valid_until) = (Timestamp::ZERO, 0, None);
            self.deadlines.insert((until, id));
            return self.begin_reads(id);
        }
        let level = flight.ladder.level();
        let parts: Vec<(usize, GroupId, Option<u64>)> = flight
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.outcome.is_none())
            .map(|(at, part)| (at, part.group, part.what.write_number()))
            .collect();
        for (part, group, write) in parts {
            let failure = match write {
                None if level < Level::Linearizable => behind(),
                None => no_quorum(),
                Some(number) => self
                    .streams
                    .get_mut(&group)
                    .and_then(|stream| stream.expire(number))
                    .unwrap_or_else(Failure::unknown),
            };
            self.part_done(PartId { flight: id, part }, Outcome::Failed(failure), None);
        }
    }

    /// A leader answered a write.
    pub fn write_answered(
        &mut self,
        group: GroupId,
        incarnation: Incarnation,
        number: u64,
        outcome: Outcome,
        now: Mono,
    ) {
        if incarnation != self.incarnation {
            return;
        }
        if let Some(waiter) = self.streams.get_mut(&group).and_then(|stream| stream.answered(number, now)) {
            self.part_done(waiter, outcome, None);
        }
    }

    /// A leader or a replica answered a read.
    pub fn read_answered(&mut self, incarnation: Incarnation, id: u64, answered: AnsweredRead) {
        if incarnation != self.incarnation {
            return;
        }
        if let Some(part) = self.reads.forget(id) {
            if let Some(flight) = self.flights.get_mut(&part.flight) {
                flight.seen = flight.seen.max(answered.seen);
                flight.age_ms = flight.age_ms.max(answered.age_ms);
            }
            self.part_done(part, answered.outcome, answered.valid_until);
        }
    }

    /// A node did not take a write or a read.
    #[allow(clippy::too_many_arguments)] // the refusal's fields, as they travel
    pub fn not_taken(
        &mut self,
        from: NodeId,
        own: bool,
        group: GroupId,
        incarnation: Incarnation,
        what: Untaken,
        why: WhyNotTaken,
        now: Mono,
    ) {
        if incarnation != self.incarnation {
            return;
        }
        match what {
            Untaken::Read(id) => self.reads.refused(from, id, now),
            Untaken::Tentative(_) => {}
            Untaken::Write(number) => {
                if let Some(stream) = self.streams.get_mut(&group) {
                    stream.refused(from, own, number, why, now);
                }
            }
        }
    }

    fn part_done(&mut self, id: PartId, outcome: Outcome, valid_until: Option<Mono>) {
        let Some(flight) = self.flights.get_mut(&id.flight) else { return };
        let part = &mut flight.parts[id.part];
        if part.outcome.is_some() {
            return;
        }
        part.outcome = Some(outcome);
        flight.missing -= 1;
        flight.valid_until = match (flight.valid_until, valid_until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if flight.missing == 0 {
            self.finish(id.flight);
        }
    }

    fn finish(&mut self, id: u64) {
        let Some(flight) = self.flights.remove(&id) else { return };
        self.deadlines.remove(&(flight.until, id));
        let level = flight.ladder.level();
        let (mut session, mut seen, mut writes) = (flight.session, flight.seen, false);
        let mut outcomes = Vec::with_capacity(flight.parts.len());
        let mut connection = self.connections.get_mut(&flight.connection);
        for part in flight.parts {
            let outcome = part.outcome.expect("all parts are done");
            let is_write = part.what.write_number().is_some();
            writes |= is_write;
            if let (true, Outcome::Done { certificate, .. }) = (is_write, &outcome) {
                seen = seen.max(certificate.as_of);
            }
            match connection.as_deref_mut() {
                Some(connection) if is_write => connection.end_write(part.group),
                Some(connection) => connection.end_read(part.group, flight.is_ordered),
                None => {}
            }
            outcomes.push(outcome);
        }
        let mut outcome = plan::gather(flight.gather, writes, outcomes);
        session.see(seen);
        if let (Outcome::Done { certificate, .. }, false, true) =
            (&mut outcome, writes, level < Level::Linearizable)
        {
            certificate.as_of = session.hlc;
        }
        if let Some(connection) = connection.filter(|_| !flight.has_own_session) {
            connection.session.see(seen);
            session = connection.session.clone();
        }
        let token = flight.wants_token.then(|| self.key.seal(&session));
        if let (Some(until), Some(body)) = (flight.valid_until, flight.read) {
            self.leased.insert((flight.connection, flight.request), (until, body));
        }
        self.answers.push(Answer {
            connection: flight.connection,
            request: flight.request,
            outcome,
            achieved: Achieved { level, age_ms: flight.age_ms, token, ..Achieved::default() },
            valid_until: flight.valid_until,
        });
    }

    /// The answers that are ready; connections that waited for them go on.
    pub fn take_answers(&mut self, now: Mono, routing: &Routing) -> Vec<Answer> {
        let mut all = Vec::new();
        while !self.answers.is_empty() {
            let answers = std::mem::take(&mut self.answers);
            for answer in &answers {
                self.advance(answer.connection, now, routing);
            }
            all.extend(answers);
        }
        all
    }
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
