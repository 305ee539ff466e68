//! The front's mind: clients' commands in, their answers out.
//!
//! A command is split by shard (`plan`), its parts are sent to the shards' leaders (writes through `streams`, reads by number), the answers are gathered. Program order is kept
//! without waiting where possible: commands of one connection to one shard keep their order, to different shards they are concurrent. A read names the connection's write that it must see;
//! a write waits until the connection's earlier reads of that shard are answered.
//!
//! Invariant: every request is answered exactly once, by its deadline at the latest.

use crate::outbox::Outbox;
use crate::plan::{self, Gather, Operation};
use crate::streams::{PartId, Stream, no_quorum};
use directory::routing::Routing;
use proto::command::Request;
use proto::error::{ErrorKind, Failure};
use proto::ids::{ConnectionId, GroupId, Incarnation, NodeId, RequestId};
use proto::limits::{DEFAULT_DEADLINE_MS, MAX_DEADLINE_MS};
use proto::ops::Read;
use proto::outcome::{Certificate, Outcome};
use proto::peer::{Message, Untaken, WhyNotTaken};
use proto::reply::Reply;
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// After this long without an answer a read is sent again.
const READ_PATIENCE: Duration = Duration::from_millis(300);
/// After a refusal a read waits this long.
const READ_BREATH: Duration = Duration::from_millis(10);
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
    /// It must leave before this moment.
    pub valid_until: Option<Mono>,
}

#[derive(Debug, Default)]
struct Connection {
    waiting: VecDeque<(RequestId, Request, Mono)>,
    busy: Vec<Busy>,
}

/// What a connection has under way at one group.
#[derive(Debug)]
struct Busy {
    group: GroupId,
    reads: usize,
    writes: usize,
    last_write: u64,
}

#[derive(Debug)]
struct Part {
    group: GroupId,
    /// The write's number in its stream, or the read's id.
    what: Untaken,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
struct Flight {
    connection: ConnectionId,
    request: RequestId,
    gather: Gather,
    parts: Vec<Part>,
    missing: usize,
    deadline: Mono,
    valid_until: Option<Mono>,
    read: Option<Request>,
}

#[derive(Debug)]
struct FrontRead {
    part: PartId,
    group: GroupId,
    read: Read,
    after_write: u64,
    deadline: Mono,
    target: Option<NodeId>,
    send_at: Mono,
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
    reads: BTreeMap<u64, FrontRead>,
    unsent_reads: BTreeSet<u64>,
    next_read: u64,
    leased: BTreeMap<(ConnectionId, RequestId), (Mono, Request)>,
    lease_enabled: bool,
    seed: u64,
    answers: Vec<Answer>,
}

impl Front {
    /// A front of this start of the node. `seed` picks keys for RANDOMKEY.
    pub fn new(incarnation: Incarnation, seed: u64, lease_enabled: bool) -> Front {
        Front {
            incarnation,
            connections: BTreeMap::new(),
            flights: BTreeMap::new(),
            next_flight: 1,
            deadlines: BTreeSet::new(),
            streams: BTreeMap::new(),
            look_at_all: false,
            reads: BTreeMap::new(),
            unsent_reads: BTreeSet::new(),
            next_read: 1,
            leased: BTreeMap::new(),
            lease_enabled,
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
            None => self.answers.push(Answer {
                connection,
                request,
                outcome: Outcome::Failed(no_quorum()),
                valid_until: None,
            }),
        }
    }

    /// Starts what a connection may start.
    fn advance(&mut self, id: ConnectionId, now: Mono, routing: &Routing) {
        loop {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some((_, body, _)) = connection.waiting.front() else {
                if connection.busy.is_empty() {
                    self.connections.remove(&id);
                }
                return;
            };
            let plan = plan::plan(&body.command, body.client.as_ref(), routing, self.seed);
            if let Ok((_, parts)) = &plan {
                let held = parts.iter().any(|(group, operation)| {
                    matches!(operation, Operation::Write(_))
                        && connection.busy.iter().any(|busy| busy.group == *group && busy.reads > 0)
                });
                if held {
                    // The oldest waiting request decides when this connection is looked at again for its deadline.
                    return;
                }
            }
            let (request, body, deadline) = connection.waiting.pop_front().expect("just seen");
            match plan {
                Err(failure) => {
                    let outcome = Outcome::Failed(failure);
                    self.answers.push(Answer { connection: id, request, outcome, valid_until: None });
                }
                Ok(_) if now >= deadline => {
                    let outcome = Outcome::Failed(no_quorum());
                    self.answers.push(Answer { connection: id, request, outcome, valid_until: None });
                }
                Ok((gather, parts)) => {
                    self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    self.start(id, request, body, deadline, gather, parts);
                }
            }
        }
    }

    fn start(
        &mut self,
        id: ConnectionId,
        request: RequestId,
        body: Request,
        deadline: Mono,
        gather: Gather,
        operations: Vec<(GroupId, Operation)>,
    ) {
        let flight = self.next_flight;
        self.next_flight += 1;
        let missing = operations.len();
        let mut parts = Vec::with_capacity(missing);
        let mut failed = Vec::new();
        let client = body.client.clone();
        let connection = self.connections.entry(id).or_default();
        for (part, (group, operation)) in operations.into_iter().enumerate() {
            let waiter = PartId { flight, part };
            let at = match connection.busy.iter().position(|busy| busy.group == group) {
                Some(at) => at,
                None => {
                    connection.busy.push(Busy { group, reads: 0, writes: 0, last_write: 0 });
                    connection.busy.len() - 1
                }
            };
            let busy = &mut connection.busy[at];
            let what = match operation {
                Operation::Write(write) => {
                    busy.writes += 1;
                    let stream = self.streams.entry(group).or_insert_with(|| Stream::new(group));
                    match stream.add(waiter, write, client.clone(), deadline) {
                        Ok(number) => {
                            busy.last_write = number;
                            Untaken::Write(number)
                        }
                        Err(failure) => {
                            failed.push((waiter, failure));
                            Untaken::Write(0)
                        }
                    }
                }
                Operation::Read(read) => {
                    busy.reads += 1;
                    let number = self.next_read;
                    self.next_read += 1;
                    let after_write = if busy.writes > 0 { busy.last_write } else { 0 };
                    self.unsent_reads.insert(number);
                    self.reads.insert(
                        number,
                        FrontRead {
                            part: waiter,
                            group,
                            read,
                            after_write,
                            deadline,
                            target: None,
                            send_at: Mono(0),
                        },
                    );
                    Untaken::Read(number)
                }
            };
            parts.push(Part { group, what, outcome: None });
        }
        self.deadlines.insert((deadline, flight));
        let read = self.lease_enabled.then_some(body);
        self.flights.insert(
            flight,
            Flight { connection: id, request, gather, parts, missing, deadline, valid_until: None, read },
        );
        if missing == 0 {
            self.finish(flight);
        }
        for (waiter, failure) in failed {
            self.part_done(waiter, Outcome::Failed(failure), None);
        }
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
        let mut still_unsent = BTreeSet::new();
        for id in std::mem::take(&mut self.unsent_reads) {
            let Some(read) = self.reads.get_mut(&id) else { continue };
            let leader = routing.group_leader(read.group).map(|(_, leader)| leader);
            let Some(leader) = leader.filter(|leader| now >= read.send_at && outbox.is_linked(*leader))
            else {
                still_unsent.insert(id);
                continue;
            };
            read.target = Some(leader);
            read.send_at = now + READ_PATIENCE;
            let message = Message::ForwardRead {
                group: read.group,
                id,
                incarnation: self.incarnation,
                after_write: read.after_write,
                deadline_ms: u64::try_from((read.deadline - now).as_millis()).unwrap_or(u64::MAX),
                read: read.read.clone(),
            };
            outbox.send(leader, message);
        }
        self.unsent_reads = still_unsent;
    }

    /// Looks for reads without an answer, and for requests past their deadline.
    pub fn timers(&mut self, now: Mono, routing: &Routing) {
        self.look_at_all = true;
        for (id, read) in &self.reads {
            let leader = routing.group_leader(read.group).map(|(_, leader)| leader);
            if read.target.is_some() && (now >= read.send_at || (leader.is_some() && leader != read.target)) {
                self.unsent_reads.insert(*id);
            }
        }
        self.leased.retain(|_, (until, _)| now < *until + HAND_BACK);
        while let Some((deadline, flight)) = self.deadlines.first().copied() {
            if now < deadline {
                break;
            }
            self.deadlines.pop_first();
            self.overdue(flight);
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
            let request = *request;
            connection.waiting.pop_front();
            let outcome = Outcome::Failed(no_quorum());
            self.answers.push(Answer { connection: id, request, outcome, valid_until: None });
        }
    }

    fn overdue(&mut self, flight: u64) {
        let Some(under_way) = self.flights.get(&flight) else { return };
        let open: Vec<(usize, GroupId, Untaken)> = under_way
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.outcome.is_none())
            .map(|(at, part)| (at, part.group, part.what))
            .collect();
        for (part, group, what) in open {
            let failure = match what {
                Untaken::Read(id) => {
                    self.reads.remove(&id);
                    no_quorum()
                }
                Untaken::Write(number) => self
                    .streams
                    .get_mut(&group)
                    .and_then(|stream| stream.expire(number))
                    .unwrap_or_else(Failure::unknown),
            };
            self.part_done(PartId { flight, part }, Outcome::Failed(failure), None);
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

    /// A leader answered a read.
    pub fn read_answered(
        &mut self,
        incarnation: Incarnation,
        id: u64,
        outcome: Outcome,
        valid_until: Option<Mono>,
    ) {
        if incarnation != self.incarnation {
            return;
        }
        if let Some(read) = self.reads.remove(&id) {
            self.part_done(read.part, outcome, valid_until);
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
            Untaken::Read(id) => {
                if let Some(read) = self.reads.get_mut(&id).filter(|read| read.target == Some(from)) {
                    read.target = None;
                    read.send_at = now + READ_BREATH;
                    self.unsent_reads.insert(id);
                }
            }
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
        if let Some(connection) = self.connections.get_mut(&flight.connection) {
            let (group, what) = (part.group, part.what);
            if let Some(busy) = connection.busy.iter_mut().find(|busy| busy.group == group) {
                match what {
                    Untaken::Read(_) => busy.reads -= 1,
                    Untaken::Write(_) => busy.writes -= 1,
                }
            }
            connection.busy.retain(|busy| busy.reads > 0 || busy.writes > 0);
        }
        if flight.missing == 0 {
            self.finish(id.flight);
        }
    }

    fn finish(&mut self, id: u64) {
        let Some(flight) = self.flights.remove(&id) else { return };
        self.deadlines.remove(&(flight.deadline, id));
        let writes = flight.parts.iter().any(|part| matches!(part.what, Untaken::Write(_)));
        let outcomes =
            flight.parts.into_iter().map(|part| part.outcome.expect("all parts are done")).collect();
        let outcome = plan::gather(flight.gather, writes, outcomes);
        if let (Some(until), Some(body)) = (flight.valid_until, flight.read) {
            self.leased.insert((flight.connection, flight.request), (until, body));
        }
        self.answers.push(Answer {
            connection: flight.connection,
            request: flight.request,
            outcome,
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
