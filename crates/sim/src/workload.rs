//! The clients: what they ask for, through whom, and what they remember of the answers.
//!
//! Each client holds one connection to one node and keeps one request under way, or a few if it pipelines. What it learns becomes a history
//! (`checker`): an answer, a certain failure, or *unknown* when no answer came or the answer was UNKNOWN. Some clients number their writes and repeat them, through another
//! node if need be, until they know; such a write is one operation of the history however often it was sent.
//!
//! Invariants: an operation is written down when it is first sent; what was unknown once can only become *ok* (by the same number), never *failed*.
//! Not here: keys and kinds of operations (`operations`), and the moving of requests and answers (`world`).

use crate::coverage::Coverage;
use crate::in_line::InLine;
use crate::operations::{Asked, Chooser, Meaning, Said};
use crate::params::WorkloadParams;
use crate::random::Random;
use crate::schedule::{Instant, MILLISECOND};
use bytes::Bytes;
use checker::{Record, Status};
use proto::command::{Command, InSession, Request};
use proto::error::ErrorKind;
use proto::ids::{ConnectionId, RequestId};
use proto::level::{Ladder, Level};
use proto::log_entry::ClientNumber;
use proto::outcome::{Achieved, Outcome};
use proto::tentative::Dot;
use std::collections::{BTreeMap, VecDeque};

/// How often a numbered write is sent before its client gives up on it, while faults are on.
const MOST_ATTEMPTS: u32 = 12;

/// The last rung: what the answer promises at least.
fn weakest(ladder: &Ladder) -> Level {
    ladder.rungs().last().map_or(Level::Linearizable, |rung| rung.level)
}

/// A client's open connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The node's number, from 0.
    pub node: usize,
    /// Its name at that node.
    pub id: ConnectionId,
    next_request: u64,
}

/// An operation that is under way, or waits to be sent again.
#[derive(Debug)]
struct Operation {
    asked: Asked,
    /// Places in the history, one for each key that the operation tells something about.
    records: Vec<usize>,
    number: Option<ClientNumber>,
    ladder: Ladder,
    max_staleness_ms: Option<u64>,
    acks: Option<u8>,
    attempts: u32,
    may_have_been_applied: bool,
}

#[derive(Debug)]
struct Client {
    lives: u64,
    connection: Option<Connection>,
    under_way: BTreeMap<RequestId, Operation>,
    in_line: InLine,
    again: VecDeque<Operation>,
    pipeline: usize,
    numbers_writes: bool,
    next_number: u64,
    last_words: VecDeque<Asked>,
    /// It carries its session from connection to connection; the others begin a new one with each.
    carries_session: bool,
    /// Its newest token, and when it came, in nanoseconds.
    token: Option<(Bytes, u64)>,
    /// Sessions that its connection has taken over, as they stood at these times.
    joins: Vec<(String, u64)>,
    /// The only node that it asks, after everything has come to rest.
    home: Option<usize>,
}

/// What the clients went through, for coverage and for the worth of a seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkStory {
    /// Operations that clients began.
    pub operations: u64,
    /// Operations that were answered from the state.
    pub acknowledged: u64,
    /// Of these, the ones that were answered below sequential.
    pub weak: u64,
    /// Operations that certainly had no effect.
    pub failed: u64,
    /// Operations whose outcome their clients never learned.
    pub unknown: u64,
    /// Times that a numbered write was sent again.
    pub repeats: u64,
    /// Requests that the core called invalid: the simulator asks for nothing invalid.
    pub invalid: u64,
    /// Requests refused because the memory limit was reached.
    pub out_of_memory: u64,
}

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Asks again after this many nanoseconds.
    After(u64),
    /// Opens a connection to this node first.
    Connect(usize),
    /// Nothing: it waits for answers, or is done.
    Waits,
}

/// All clients and their history.
pub struct Workload {
    params: WorkloadParams,
    nodes: usize,
    random: Random,
    levels: Random,
    chooser: Chooser,
    clients: Vec<Client>,
    history: Vec<Record>,
    acknowledged: Vec<Dot>,
    /// The pushes to lists that were acknowledged: key and value.
    pushes: Vec<(Bytes, Bytes)>,
    closing: bool,
    settling: bool,
    /// So many operations are begun before it closes.
    most_operations: u64,
    /// What was answered from the state.
    pub coverage: Coverage,
    /// What happened so far.
    pub story: WorkStory,
}

impl Workload {
    /// Clients without connections.
    pub fn new(params: WorkloadParams, nodes: usize, random: Random) -> Workload {
        let clients = (0..params.clients)
            .map(|number| Client {
                lives: 0,
                connection: None,
                under_way: BTreeMap::new(),
                in_line: InLine::default(),
                again: VecDeque::new(),
                // Whoever carries a token uses the newest: with several requests under way there would be several.
                pipeline: if number % 4 == 3 { params.pipeline } else { 1 },
                numbers_writes: number % 2 == 1,
                next_number: 1,
                last_words: VecDeque::new(),
                carries_session: number % 4 == 2,
                token: None,
                joins: Vec::new(),
                home: None,
            })
            .collect();
        let chooser = Chooser::new(params, random.fork("chooser", 0));
        Workload {
            params,
            nodes,
            levels: random.fork("levels", 0),
            random,
            chooser,
            clients,
            history: Vec::new(),
            acknowledged: Vec::new(),
            pushes: Vec::new(),
            closing: false,
            settling: false,
            most_operations: u64::MAX,
            coverage: Coverage::default(),
            story: WorkStory::default(),
        }
    }

    /// The clients begin no more operations than these before they close.
    pub fn limit(&mut self, most_operations: Option<u64>) {
        self.most_operations = most_operations.unwrap_or(u64::MAX);
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// The connection of a client.
    pub fn connection(&self, client: usize) -> Option<Connection> {
        self.clients[client].connection
    }

    /// A client has a connection now.
    pub fn connected(&mut self, client: usize, node: usize, id: ConnectionId) {
        let client = &mut self.clients[client];
        assert!(client.under_way.is_empty(), "the operations of the old connection are unknown by now");
        client.connection = Some(Connection { node, id, next_request: 1 });
        client.joins.clear();
    }

    /// The client's connection is gone: what was under way is unknown, and what is numbered will be sent again.
    pub fn disconnected(&mut self, client: usize) {
        self.clients[client].connection = None;
        self.clients[client].in_line = InLine::default();
        let under_way = std::mem::take(&mut self.clients[client].under_way);
        for operation in under_way.into_values() {
            self.unanswered(client, operation);
        }
    }

    /// The next request of a client, if it has one to send; its own number for it comes along.
    pub fn ask(&mut self, client_index: usize, now: Instant) -> Option<(RequestId, Request)> {
        let client = &self.clients[client_index];
        if client.connection.is_none() || client.under_way.len() >= client.pipeline {
            return None;
        }
        let mut operation = match self.clients[client_index].again.pop_front() {
            Some(operation) => operation,
            None => self.begin(client_index, now)?,
        };
        operation.attempts += 1;
        self.story.repeats += u64::from(operation.attempts > 1);
        if operation.attempts > 1 && !self.clients[client_index].carries_session {
            // Sent again it may be another connection's, and then its session's order does not bind it.
            for record in &operation.records {
                (self.history[*record].session, self.history[*record].joins) = (None, Vec::new());
            }
        }
        let client = &mut self.clients[client_index];
        let connection = client.connection.as_mut().expect("checked above");
        let request = RequestId(connection.next_request);
        connection.next_request += 1;
        let token = client.token.clone().filter(|_| client.carries_session);
        let session = token.map(|(token, _)| InSession::Token(token));
        let body = Request {
            ladder: operation.ladder,
            max_staleness_ms: operation.max_staleness_ms,
            session: session.unwrap_or_default(),
            wants_token: client.carries_session,
            deadline_ms: Some(self.params.deadline_ms),
            client: operation.number.clone(),
            acks: operation.acks,
            ..Request::new(operation.asked.command.clone())
        };
        client.under_way.insert(request, operation);
        Some((request, body))
    }

    fn begin(&mut self, index: usize, now: Instant) -> Option<Operation> {
        if !self.closing && self.story.operations >= self.most_operations {
            return None;
        }
        let asked = match self.closing {
            true => self.clients[index].last_words.pop_front()?,
            false => self.takes_over(index, now).unwrap_or_else(|| self.chooser.choose(now)),
        };
        self.story.operations += 1;
        let client = &mut self.clients[index];
        let number = (client.numbers_writes && asked.can_be_numbered()).then(|| {
            let number = client.next_number;
            client.next_number += 1;
            ClientNumber { client: Bytes::from(format!("client-{index}")), number }
        });
        let name = format!("{index}.{}", client.lives);
        let session = match client.connection {
            Some(connection) if !client.carries_session => format!("{index} on {}", connection.id),
            _ => format!("{index}"),
        };
        let joins = client.joins.clone();
        let (ladder, max_staleness_ms, acks) = self.level_of(&asked);
        if weakest(&ladder).is_weak() {
            self.chooser.asked_weakly(&asked);
        }
        let first = self.history.len();
        self.history.extend(asked.records(&name, now.0).map(|record| Record {
            session: Some(session.clone()),
            joins: joins.clone(),
            // If nobody ever learns more, it may have been taken at the weakest of its levels.
            level: Some(weakest(&ladder).name().to_owned()),
            ..record
        }));
        Some(Operation {
            asked,
            records: (first..self.history.len()).collect(),
            number,
            ladder,
            max_staleness_ms,
            acks,
            attempts: 0,
            may_have_been_applied: false,
        })
    }

    /// Now and then a connection's session takes over what another client's has seen.
    fn takes_over(&mut self, index: usize, now: Instant) -> Option<Asked> {
        let weak = self.params.weak;
        let client = &self.clients[index];
        if !weak.is_on() || client.carries_session || client.pipeline > 1 {
            return None;
        }
        if !self.levels.chance(1, weak.joins_one_in) {
            return None;
        }
        let other = self.levels.index(self.clients.len());
        let (token, at_ns) = self.clients[other].token.clone().filter(|_| other != index)?;
        // It counts for what is asked after the answer; where it is not answered the connection is left.
        self.clients[index].joins.push((other.to_string(), at_ns.min(now.0)));
        Some(Asked::resume(token))
    }

    /// At which levels an operation is tried, how old its answer may be, and on how many nodes it is to be durable. The last words are linearizable unless they say otherwise: they
    /// tell how it ended.
    fn level_of(&mut self, asked: &Asked) -> (Ladder, Option<u64>, Option<u8>) {
        if let Some(level) = asked.level {
            return (Ladder::of(level), None, None);
        }
        let weak = self.params.weak;
        if weak.is_on() && !self.closing && asked.can_be_weak() && self.levels.below(100) < weak.percent {
            let ladder = weak.ladder(&mut self.levels);
            let is_acked = asked.is_write() && self.levels.below(100) < weak.acks_percent;
            let is_bounded = !asked.is_write() && self.levels.chance(1, 16);
            let max_staleness_ms = is_bounded.then(|| self.levels.between(20, 2_000));
            return (ladder, max_staleness_ms, is_acked.then_some(2));
        }
        let (ladder, max_staleness_ms) = self.strong_level_of(asked);
        (ladder, max_staleness_ms, None)
    }

    fn strong_level_of(&mut self, asked: &Asked) -> (Ladder, Option<u64>) {
        let percent = if asked.is_write() {
            self.params.sequential_percent / 2
        } else {
            self.params.sequential_percent
        };
        if self.closing || self.levels.below(100) >= percent {
            return (Ladder::default(), None);
        }
        let climbs = self.levels.chance(1, 4) && !asked.is_write();
        let ladder = if climbs {
            let patience_ms = self.levels.between(5, 300);
            Ladder::parse(format!("linearizable;{patience_ms}ms, sequential").as_bytes()).expect("a ladder")
        } else {
            Ladder::of(Level::Sequential)
        };
        let is_bounded = self.levels.chance(1, 8);
        (ladder, is_bounded.then(|| self.levels.between(20, 2_000)))
    }

    /// An answer has reached its client. An error is a sentence about an answer that no store could give.
    pub fn answered(
        &mut self,
        client_index: usize,
        request: RequestId,
        outcome: Outcome,
        achieved: Achieved,
        now: Instant,
    ) -> Result<(), String> {
        let Some(mut operation) = self.clients[client_index].under_way.remove(&request) else {
            return Err(format!("client {client_index} got a second answer, or one to nothing: {request}"));
        };
        if let Some(token) = &achieved.token {
            self.clients[client_index].token = Some((Bytes::from(token.clone()), now.0));
        }
        match outcome {
            Outcome::Done { reply, certificate } => {
                if !operation.ladder.rungs().iter().any(|rung| rung.level == achieved.level) {
                    return Err(format!("asked at {}, answered at {}", operation.ladder, achieved.level));
                }
                if let (Command::Read { slot, .. }, [rung]) =
                    (&operation.asked.command, operation.ladder.rungs())
                    && rung.level == Level::Linearizable
                {
                    self.clients[client_index].in_line.read(request, *slot, certificate.as_of)?;
                }
                let records: Vec<&mut Record> = {
                    let (first, count) =
                        (operation.records.first().copied().unwrap_or(0), operation.records.len());
                    self.history[first..first + count].iter_mut().collect()
                };
                let (achieved, is_repeated) = (&achieved, operation.may_have_been_applied);
                let said = Said { reply, certificate, achieved, is_repeated };
                match self.chooser.understand(&operation.asked, said, now.0, records)? {
                    Meaning::Answered => {
                        self.coverage.answered(&operation.asked.command, achieved.level);
                        self.story.acknowledged += 1;
                        self.story.weak += u64::from(achieved.level.is_weak());
                        self.acknowledged.extend(achieved.dot);
                        self.pushes.extend(operation.asked.pushes());
                        if operation.may_have_been_applied && weakest(&operation.ladder).is_weak() {
                            self.cannot_tell(&operation);
                        }
                    }
                    Meaning::Refused if operation.may_have_been_applied => self.story.unknown += 1,
                    Meaning::Refused => self.failed(&operation),
                }
            }
            Outcome::Failed(failure) => {
                if matches!(operation.asked.command, Command::SessionResume { .. }) {
                    self.clients[client_index].joins.pop();
                }
                self.story.invalid += u64::from(failure.kind == ErrorKind::Invalid);
                self.story.out_of_memory +=
                    u64::from(matches!(failure.kind, ErrorKind::OutOfMemory | ErrorKind::DiskFull));
                match failure.kind {
                    ErrorKind::Unknown | ErrorKind::Closed => self.unanswered(client_index, operation),
                    ErrorKind::Expired => {
                        self.story.unknown += 1;
                        self.clients[client_index].lives += 1;
                    }
                    ErrorKind::Invalid | ErrorKind::Level => {
                        return Err(format!("a valid request was called invalid: {}", failure.message));
                    }
                    ErrorKind::Behind
                    | ErrorKind::NoQuorum
                    | ErrorKind::Retry
                    | ErrorKind::OutOfMemory
                    | ErrorKind::DiskFull => {
                        // A full memory stays full; everything else passes, and in the end phase it must.
                        let passes = failure.kind != ErrorKind::OutOfMemory;
                        let goes_on = if self.closing { passes } else { operation.attempts < MOST_ATTEMPTS };
                        if goes_on && (operation.number.is_some() || self.closing) {
                            self.clients[client_index].again.push_back(operation);
                        } else if operation.may_have_been_applied {
                            self.story.unknown += 1;
                        } else {
                            operation.attempts = 0;
                            self.failed(&operation);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A numbered weak write was sent more than once, and more than one node may have taken it: it takes effect once, and nobody can tell under which of its dots.
    fn cannot_tell(&mut self, operation: &Operation) {
        for place in &operation.records {
            let record = &self.history[*place];
            let mut unknown = Record::invoked(&*record.client, record.op, &*record.key, record.invoke_ns);
            unknown.value.clone_from(&record.value);
            unknown.session.clone_from(&record.session);
            unknown.level = Some(weakest(&operation.ladder).name().to_owned());
            self.history[*place] = unknown;
        }
    }

    fn failed(&mut self, operation: &Operation) {
        self.story.failed += 1;
        for record in &operation.records {
            self.history[*record].status = Status::Fail;
        }
    }

    /// The outcome of one attempt will never be told.
    fn unanswered(&mut self, client_index: usize, mut operation: Operation) {
        let client = &mut self.clients[client_index];
        client.lives += 1;
        operation.may_have_been_applied |= operation.asked.is_write();
        if operation.number.is_some() && (operation.attempts < MOST_ATTEMPTS || self.closing) {
            client.again.push_back(operation);
            return;
        }
        self.story.unknown += 1;
        if self.closing && !operation.asked.is_write() {
            // The read is asked anew: the liveness phase wants every last word answered.
            client.last_words.push_back(operation.asked);
        }
    }

    /// What a client does now that something happened to it.
    pub fn next(&mut self, client_index: usize) -> Next {
        let done = self.closing
            && self.clients[client_index].again.is_empty()
            && self.clients[client_index].last_words.is_empty();
        let client = &self.clients[client_index];
        if client.connection.is_none() {
            return match (done, client.home) {
                (true, _) => Next::Waits,
                (false, Some(home)) => Next::Connect(home),
                (false, None) => Next::Connect(self.random.index(self.nodes)),
            };
        }
        if done || client.under_way.len() >= client.pipeline {
            return Next::Waits;
        }
        let think_ns = match (self.settling, self.closing) {
            (true, _) => MILLISECOND,
            (false, true) => 10 * MILLISECOND,
            (false, false) => self.params.think_ns,
        };
        Next::After(self.random.span(think_ns))
    }

    /// Whether a client that hops leaves its connection now, though it works.
    pub fn hops(&mut self, client: usize) -> bool {
        let weak = self.params.weak;
        let one_in = if weak.is_on() && self.clients[client].carries_session {
            weak.hops_one_in
        } else {
            self.params.moves_one_in
        };
        !self.closing && self.random.chance(1, one_in)
    }

    /// Whether this request still waits for its answer on this connection.
    pub fn awaits(&self, client: usize, connection: ConnectionId, request: RequestId) -> bool {
        let client = &self.clients[client];
        client.connection.is_some_and(|open| open.id == connection) && client.under_way.contains_key(&request)
    }

    /// No new operations: what is numbered is repeated until it is known, and every key is read once, shared out among the clients.
    pub fn close(&mut self) {
        self.closing = true;
        let clients = self.clients.len();
        for (number, asked) in self.chooser.last_words(clients).into_iter().enumerate() {
            self.clients[number % clients].last_words.push_back(asked);
        }
    }

    /// Everything has come to rest: every node is asked what it holds, at every level, each by a client of its own.
    pub fn settle(&mut self) {
        self.settling = true;
        let asked = self.chooser.settled();
        for (node, client) in self.clients.iter_mut().enumerate().take(self.nodes) {
            client.home = Some(node);
            client.last_words = asked.iter().cloned().collect();
        }
    }

    /// The only node that a client asks now.
    pub fn home(&self, client: usize) -> Option<usize> {
        self.clients[client].home
    }

    /// The tentative writes that were acknowledged so far.
    pub fn acknowledged(&self) -> impl Iterator<Item = Dot> + '_ {
        self.acknowledged.iter().copied()
    }

    /// The pushes to lists that were acknowledged: key and value.
    pub fn pushes(&self) -> &[(Bytes, Bytes)] {
        &self.pushes
    }

    /// Whether every client has every answer that it will ever ask for.
    pub fn is_done(&self) -> bool {
        self.closing
            && self.clients.iter().all(|client| {
                client.under_way.is_empty() && client.again.is_empty() && client.last_words.is_empty()
            })
    }

    /// What is still missing, for a person.
    pub fn missing(&self) -> String {
        let count = |of: fn(&Client) -> usize| self.clients.iter().map(of).sum::<usize>();
        format!(
            "{} requests under way, {} numbered writes to repeat, {} last words unsaid",
            count(|client| client.under_way.len()),
            count(|client| client.again.len()),
            count(|client| client.last_words.len())
        )
    }

    /// The history, each record with its place in it, from 1.
    pub fn into_history(self) -> Vec<(usize, Record)> {
        self.history.into_iter().enumerate().map(|(at, record)| (at + 1, record)).collect()
    }

    /// The history so far.
    pub fn history(&self) -> &[Record] {
        &self.history
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use crate::weak::WeakParams;
    use proto::error::Failure;
    use proto::hlc::Timestamp;
    use proto::outcome::{Certificate, State};
    use proto::reply::Reply;

    /// One client that numbers its writes and writes only.
    fn writers() -> Workload {
        let mut params = Params::draw(1).workload;
        (params.clients, params.reads_percent, params.sequential_percent) = (2, 0, 0);
        let mut workload = Workload::new(params, 3, Random::new(1));
        workload.connected(1, 0, ConnectionId(1));
        workload
    }

    fn ask_numbered(workload: &mut Workload) -> (RequestId, Request) {
        loop {
            let (request, body) = workload.ask(1, Instant(5)).unwrap();
            if body.client.is_some() && workload.clients[1].under_way[&request].records.len() == 1 {
                return (request, body);
            }
            let nothing = Outcome::Failed(Failure::new(ErrorKind::NoQuorum, ""));
            workload.answered(1, request, nothing, Achieved::default(), Instant(6)).unwrap();
            workload.clients[1].again.clear();
        }
    }

    #[test]
    fn a_numbered_write_is_repeated_under_its_number_until_it_is_known() {
        let mut workload = writers();
        let (request, body) = ask_numbered(&mut workload);
        workload
            .answered(1, request, Outcome::Failed(Failure::unknown()), Achieved::default(), Instant(9))
            .unwrap();
        workload.disconnected(1);
        workload.connected(1, 2, ConnectionId(2));
        let (again, same) = workload.ask(1, Instant(20)).unwrap();
        assert_eq!((again, &same), (RequestId(1), &body));
        // What was unknown once is not failed because a repetition failed.
        let no_quorum = Outcome::Failed(Failure::new(ErrorKind::NoQuorum, ""));
        workload.answered(1, again, no_quorum, Achieved::default(), Instant(30)).unwrap();
        let (last, _) = workload.ask(1, Instant(40)).unwrap();
        let certificate = Certificate { version: Timestamp(77), ..Certificate::default() };
        let record = workload.clients[1].under_way[&last].records[0];
        let reply = match workload.history[record].op {
            checker::OpName::Incr | checker::OpName::Append | checker::OpName::Del => Reply::Int(1),
            _ => Reply::OK,
        };
        workload
            .answered(1, last, Outcome::Done { reply, certificate }, Achieved::default(), Instant(50))
            .unwrap();
        let record = &workload.history[record];
        assert_eq!((record.status, record.invoke_ns, record.return_ns), (Status::Ok, 5, Some(50)));
        assert_eq!(record.version, Some(77));
    }

    /// Two clients of three nodes, all of whose operations are causal or end there; the first carries its session.
    fn weak(ladder_percent: u64) -> Workload {
        let mut params = Params::draw_with(1, Some(100)).workload;
        (params.clients, params.reads_percent, params.pipeline) = (3, 0, 1);
        let (eventual_percent, deletes_percent, joins_one_in) = (0, 30, 1_000_000);
        params.weak =
            WeakParams { ladder_percent, eventual_percent, deletes_percent, joins_one_in, ..params.weak };
        let mut workload = Workload::new(params, 3, Random::new(1));
        for client in 0..3 {
            workload.connected(client, client, ConnectionId(client as u64 + 1));
        }
        workload
    }

    /// The next judged write of a client that may be taken below sequential.
    fn ask_weakly(workload: &mut Workload, client: usize) -> (RequestId, Request, usize) {
        loop {
            let (request, body) = workload.ask(client, Instant(5)).unwrap();
            let operation = &workload.clients[client].under_way[&request];
            if let ([record], true) = (&operation.records[..], weakest(&body.ladder).is_weak()) {
                return (request, body, *record);
            }
            let nothing = Outcome::Failed(Failure::new(ErrorKind::NoQuorum, ""));
            workload.answered(client, request, nothing, Achieved::default(), Instant(5)).unwrap();
            workload.clients[client].again.clear();
        }
    }

    fn dot(number: u64) -> Dot {
        Dot { origin: proto::tentative::Origin::first_of(proto::ids::NodeId(1)), number }
    }

    fn taken(number: u64) -> Achieved {
        let (level, state) = (Level::Causal, State::Tentative);
        Achieved { level, state, dot: Some(dot(number)), ..Achieved::default() }
    }

    /// The answer to a write of this kind.
    fn done(workload: &Workload, record: usize) -> Outcome {
        let reply = match workload.history[record].op {
            checker::OpName::Incr | checker::OpName::Append | checker::OpName::Del => Reply::Int(1),
            _ => Reply::OK,
        };
        let (version, as_of) = (Timestamp(7), Timestamp(9));
        let served_by = proto::ids::NodeId(2);
        Outcome::Done { reply, certificate: Certificate { version, as_of, served_by } }
    }

    #[test]
    fn a_tentative_write_is_written_down_with_its_dot_and_the_level_that_was_met() {
        let mut workload = weak(100);
        let (request, body, place) = ask_weakly(&mut workload, 0);
        assert!(body.ladder.rungs().len() > 1, "{}", body.ladder);
        // Until it is known better it may have been taken at the weakest.
        assert_eq!(workload.history[place].level.as_deref(), Some("causal"));
        let outcome = done(&workload, place);
        workload.answered(0, request, outcome, taken(4), Instant(8)).unwrap();
        let line = workload.history[place].to_line();
        for part in [
            r#""dots":[["n1.0.1",4]]"#,
            r#""state":"tentative""#,
            r#""level":"causal""#,
            r#""version":7"#,
            r#""as_of":9"#,
            r#""node":"n2""#,
            r#""status":"ok""#,
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert_eq!(workload.history[place].validate(), Ok(()));
        assert_eq!(workload.acknowledged().collect::<Vec<_>>(), [dot(4)]);
        assert_eq!(workload.story.weak, 1);
    }

    #[test]
    fn answers_that_no_level_may_give_are_errors() {
        for (achieved, why) in [
            (Achieved { dot: None, ..taken(1) }, "without its dot"),
            (Achieved { state: State::Committed, ..taken(1) }, "called decided"),
            (Achieved { level: Level::Eventual, ..taken(1) }, "asked at causal"),
            (Achieved { level: Level::Sequential, ..taken(1) }, "asked at causal"),
        ] {
            let mut workload = weak(0);
            let (request, _, place) = ask_weakly(&mut workload, 0);
            let outcome = done(&workload, place);
            let error = workload.answered(0, request, outcome, achieved, Instant(8)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn nobody_can_tell_under_which_dot_a_repeated_weak_write_takes_effect() {
        let mut workload = weak(0);
        let (request, body, place) = loop {
            let (request, body, place) = ask_weakly(&mut workload, 1);
            if body.client.is_some() {
                break (request, body, place);
            }
            let outcome = done(&workload, place);
            workload.answered(1, request, outcome, taken(1), Instant(6)).unwrap();
        };
        workload
            .answered(1, request, Outcome::Failed(Failure::unknown()), Achieved::default(), Instant(9))
            .unwrap();
        let (again, same) = workload.ask(1, Instant(20)).unwrap();
        assert_eq!(body.client, same.client);
        let outcome = done(&workload, place);
        workload.answered(1, again, outcome, taken(5), Instant(30)).unwrap();
        let record = &workload.history[place];
        assert_eq!((record.status, record.return_ns, record.version), (Status::Unknown, None, None));
        assert!(record.dots.is_empty() && record.validate().is_ok());
        // It is owed all the same.
        assert!(workload.acknowledged().any(|owed| owed == dot(5)));
    }

    #[test]
    fn a_token_that_is_taken_over_counts_for_what_is_asked_on_that_connection() {
        let mut workload = weak(0);
        workload.params.weak.joins_one_in = 1;
        workload.clients[2].token = Some((Bytes::from_static(b"token"), 4));
        let (request, body) = loop {
            let (request, body) = workload.ask(0, Instant(5)).unwrap();
            if matches!(body.command, Command::SessionResume { .. }) {
                break (request, body);
            }
            let nothing = Outcome::Failed(Failure::new(ErrorKind::NoQuorum, ""));
            workload.answered(0, request, nothing, Achieved::default(), Instant(5)).unwrap();
        };
        assert_eq!(body.command, Command::SessionResume { token: Bytes::from_static(b"token") });
        let (reply, certificate) = (Reply::OK, Certificate::default());
        workload
            .answered(0, request, Outcome::Done { reply, certificate }, Achieved::default(), Instant(6))
            .unwrap();
        workload.params.weak.joins_one_in = 1_000_000;
        let (_, _, place) = ask_weakly(&mut workload, 0);
        assert_eq!(workload.history[place].joins, [("2".to_owned(), 4)]);
        workload.disconnected(0);
        workload.connected(0, 1, ConnectionId(9));
        assert!(workload.clients[0].joins.is_empty());
    }

    #[test]
    fn after_all_has_come_to_rest_every_node_is_asked_everything_at_every_level() {
        let mut workload = weak(0);
        let (request, _, place) = ask_weakly(&mut workload, 0);
        let outcome = done(&workload, place);
        workload.answered(0, request, outcome, taken(1), Instant(6)).unwrap();
        workload.close();
        workload.clients.iter_mut().for_each(|client| client.last_words.clear());
        workload.settle();
        let key = workload.history[place].key.clone();
        for client in 0..3 {
            assert_eq!(workload.home(client), Some(client));
            let asked: Vec<(Level, String)> = workload.clients[client]
                .last_words
                .iter()
                .map(|asked| (asked.level.unwrap(), asked.keys().collect()))
                .collect();
            for level in Level::ALL {
                assert!(asked.contains(&(level, key.clone())), "{asked:?}");
            }
        }
        let (request, body) = workload.ask(1, Instant(50)).unwrap();
        assert!(workload.clients[1].under_way[&request].asked.settled);
        assert_eq!(body.ladder.rungs().len(), 1);
        assert!(workload.history.last().is_some_and(|record| record.settled));
    }

    #[test]
    fn a_lost_connection_leaves_operations_unknown() {
        let mut workload = writers();
        workload.connected(0, 0, ConnectionId(1));
        let (request, _) = workload.ask(0, Instant(5)).unwrap();
        let records = workload.clients[0].under_way[&request].records.clone();
        workload.disconnected(0);
        assert!(records.iter().all(|record| workload.history[*record].status == Status::Unknown));
        assert!(!workload.awaits(0, ConnectionId(1), request));
    }
}
