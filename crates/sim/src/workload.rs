//! The clients: what they ask for, through whom, and what they remember of the answers.
//!
//! Each client holds one connection to one node and keeps one request under way, or a few if it pipelines. What it learns becomes a history
//! (`checker`): an answer, a certain failure, or *unknown* when no answer came or the answer was UNKNOWN. Some clients number their writes and repeat them, through another
//! node if need be, until they know; such a write is one operation of the history however often it was sent.
//!
//! Invariants: an operation is written down when it is first sent; what was unknown once can only become *ok* (by the same number), never *failed*.
//! Not here: keys and kinds of operations (`operations`), and the moving of requests and answers (`world`).

use crate::operations::{Asked, Chooser, Meaning};
use crate::params::WorkloadParams;
use crate::random::Random;
use crate::schedule::{Instant, MILLISECOND};
use bytes::Bytes;
use checker::{Record, Status};
use proto::command::{InSession, Request};
use proto::error::ErrorKind;
use proto::ids::{ConnectionId, RequestId};
use proto::level::{Ladder, Level};
use proto::log_entry::ClientNumber;
use proto::outcome::{Achieved, Outcome};
use std::collections::{BTreeMap, VecDeque};

/// How often a numbered write is sent before its client gives up on it, while faults are on.
const MOST_ATTEMPTS: u32 = 12;

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
    attempts: u32,
    may_have_been_applied: bool,
}

#[derive(Debug)]
struct Client {
    lives: u64,
    connection: Option<Connection>,
    under_way: BTreeMap<RequestId, Operation>,
    again: VecDeque<Operation>,
    pipeline: usize,
    numbers_writes: bool,
    next_number: u64,
    last_words: VecDeque<Asked>,
    /// It carries its session from connection to connection; the others begin a new one with each.
    carries_session: bool,
    token: Option<Bytes>,
}

/// What the clients went through, for coverage and for the worth of a seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkStory {
    /// Operations that clients began.
    pub operations: u64,
    /// Operations that were answered from the state.
    pub acknowledged: u64,
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
    closing: bool,
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
                again: VecDeque::new(),
                // Whoever carries a token uses the newest: with several requests under way there would be several.
                pipeline: if number % 4 == 3 { params.pipeline } else { 1 },
                numbers_writes: number % 2 == 1,
                next_number: 1,
                last_words: VecDeque::new(),
                carries_session: number % 4 == 2,
                token: None,
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
            closing: false,
            story: WorkStory::default(),
        }
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
    }

    /// The client's connection is gone: what was under way is unknown, and what is numbered will be sent again.
    pub fn disconnected(&mut self, client: usize) {
        self.clients[client].connection = None;
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
                self.history[*record].session = None;
            }
        }
        let client = &mut self.clients[client_index];
        let connection = client.connection.as_mut().expect("checked above");
        let request = RequestId(connection.next_request);
        connection.next_request += 1;
        let session = client.token.clone().filter(|_| client.carries_session).map(InSession::Token);
        let body = Request {
            ladder: operation.ladder,
            max_staleness_ms: operation.max_staleness_ms,
            session: session.unwrap_or_default(),
            wants_token: client.carries_session,
            deadline_ms: Some(self.params.deadline_ms),
            client: operation.number.clone(),
            ..Request::new(operation.asked.command.clone())
        };
        client.under_way.insert(request, operation);
        Some((request, body))
    }

    fn begin(&mut self, index: usize, now: Instant) -> Option<Operation> {
        let asked =
            if self.closing { self.clients[index].last_words.pop_front()? } else { self.chooser.choose(now) };
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
        let (ladder, max_staleness_ms) = self.level_of(&asked);
        let first = self.history.len();
        self.history.extend(asked.records(&name, now.0).map(|record| Record {
            session: Some(session.clone()),
            level: Some(ladder.strongest().name().to_owned()),
            ..record
        }));
        Some(Operation {
            asked,
            records: (first..self.history.len()).collect(),
            number,
            ladder,
            max_staleness_ms,
            attempts: 0,
            may_have_been_applied: false,
        })
    }

    /// At which levels an operation is tried, and how old its answer may be. The last words are linearizable: they tell how it ended.
    fn level_of(&mut self, asked: &Asked) -> (Ladder, Option<u64>) {
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
        if let Some(token) = achieved.token {
            self.clients[client_index].token = Some(Bytes::from(token));
        }
        match outcome {
            Outcome::Done { reply, certificate } => {
                for record in &operation.records {
                    self.history[*record].level = Some(achieved.level.name().to_owned());
                }
                let records: Vec<&mut Record> = {
                    let (first, count) =
                        (operation.records.first().copied().unwrap_or(0), operation.records.len());
                    self.history[first..first + count].iter_mut().collect()
                };
                match self.chooser.understand(&operation.asked, reply, certificate, now.0, records)? {
                    Meaning::Answered => self.story.acknowledged += 1,
                    Meaning::Refused if operation.may_have_been_applied => self.story.unknown += 1,
                    Meaning::Refused => self.failed(&operation),
                }
            }
            Outcome::Failed(failure) => {
                self.story.invalid += u64::from(failure.kind == ErrorKind::Invalid);
                self.story.out_of_memory += u64::from(failure.kind == ErrorKind::OutOfMemory);
                match failure.kind {
                    ErrorKind::Unknown | ErrorKind::Closed => self.unanswered(client_index, operation),
                    ErrorKind::Expired => {
                        self.story.unknown += 1;
                        self.clients[client_index].lives += 1;
                    }
                    ErrorKind::Invalid | ErrorKind::Level => {
                        return Err(format!("a valid request was called invalid: {}", failure.message));
                    }
                    ErrorKind::Behind | ErrorKind::NoQuorum | ErrorKind::Retry | ErrorKind::OutOfMemory => {
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
            return if done { Next::Waits } else { Next::Connect(self.random.index(self.nodes)) };
        }
        if done || client.under_way.len() >= client.pipeline {
            return Next::Waits;
        }
        let think_ns = if self.closing { 10 * MILLISECOND } else { self.params.think_ns };
        Next::After(self.random.span(think_ns))
    }

    /// Whether a client that hops leaves its connection now, though it works.
    pub fn hops(&mut self) -> bool {
        !self.closing && self.random.chance(1, 100)
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
    use proto::error::Failure;
    use proto::hlc::Timestamp;
    use proto::outcome::Certificate;
    use proto::reply::Reply;

    /// One client that numbers its writes and writes only.
    fn writers() -> Workload {
        let mut params = Params::draw(1).workload;
        (params.clients, params.reads_percent) = (2, 0);
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
