//! Moves requests from clients to cores, and answers back.
//!
//! A front is one hop from its client; an answer of a process that is paused leaves when it goes on. A client that hears nothing for long after its deadline closes the connection and goes elsewhere.
//!
//! Invariant: an answer that reaches a client after the client gave up is dropped, as a closed socket drops it.

use crate::describe;
use crate::schedule::{MILLISECOND, SECOND};
use crate::shiviz::Host;
use crate::verdict::Failure;
use crate::workload::Next;
use crate::world::{Answer, Event, World};
use node::io::Input;
use proto::ids::{ConnectionId, RequestId};

/// How much longer than its deadline a client waits, in nanoseconds.
const PATIENCE_NS: u64 = 2 * SECOND;
/// One way between a client and its node, in nanoseconds.
const CLIENT_LATENCY_NS: u64 = 100_000;

impl World {
    /// Lets a client do what it does next, unless its next move is planned already: a client has one plan at a time.
    pub(crate) fn client_goes_on(&mut self, client: usize) {
        if self.client_plans[client] {
            return;
        }
        match self.workload.next(client) {
            Next::After(span_ns) => self.schedule.after(span_ns, Event::Asks { client }),
            Next::Connect(node) => {
                let delay = self.random.span(20 * MILLISECOND);
                self.schedule.after(delay, Event::Connects { client, node });
            }
            Next::Waits => return,
        }
        self.client_plans[client] = true;
    }

    pub(crate) fn client_connects(&mut self, client: usize, node: usize) {
        self.client_plans[client] = false;
        if self.workload.connection(client).is_some() {
            self.client_goes_on(client);
            return;
        }
        self.connections += 1;
        let id = ConnectionId(self.connections);
        match &mut self.machines[node].process {
            Some(process) if process.core().is_some() && !process.stopping => {
                process.connections.insert(id, client);
                self.workload.connected(client, node, id);
                self.client_goes_on(client);
            }
            _ => {
                let delay = self.random.span(100 * MILLISECOND);
                let other = self.random.index(self.nodes());
                let node = self.workload.home(client).unwrap_or(other);
                self.schedule.after(delay, Event::Connects { client, node });
                self.client_plans[client] = true;
            }
        }
    }

    pub(crate) fn client_asks(&mut self, client: usize) {
        self.client_plans[client] = false;
        let now = self.now();
        let asked = self.workload.ask(client, now);
        // A pipelining client asks on before the answer is there.
        self.client_goes_on(client);
        let Some(connection) = self.workload.connection(client) else { return };
        let Some((request, body)) = asked else { return };
        self.trace.add(now, Some(connection.node), "asked", &request.0.to_le_bytes(), || {
            format!(
                "client {client}, request {request}, {}: {}",
                body.ladder,
                describe::command(&body.command)
            )
        });
        let text = || format!("asks node {}: {}", connection.node + 1, describe::command(&body.command));
        let stamp = self.trace.sent(Host::Client(client), || Some(text()));
        self.trace.received(Host::Node(connection.node), stamp, || format!("client {client} {}", text()));
        self.enqueue(connection.node, Input::Request { connection: connection.id, request, body });
        let patience_ns = self.params.workload.deadline_ms * MILLISECOND + PATIENCE_NS;
        self.schedule.after(patience_ns, Event::GivesUp { client, connection: connection.id, request });
    }

    pub(crate) fn answer_leaves(&mut self, node: usize, number: u64, answer: Answer) {
        let now = self.now();
        if let Some(writers) = &mut self.writers
            && writers.answered(answer.connection, &answer.outcome, now)
        {
            return;
        }
        let machine = &mut self.machines[node];
        let paused_until = machine.paused_until;
        let Some(process) = machine.process(number) else { return };
        if paused_until > now {
            let answer = Box::new(answer);
            self.schedule.at(paused_until, Event::AnswerLeaves { node, process: number, answer });
            return;
        }
        let Some(client) = process.connections.get(&answer.connection).copied() else { return };
        if answer.achieved.dot.is_some() && self.machines[node].dies_after_answer_ns.is_some() {
            self.schedule.after(CLIENT_LATENCY_NS + 1, Event::OriginDies { node, process: number });
        }
        let text = || Some(format!("answers client {client}: {:?}", answer.outcome));
        let stamp = self.trace.sent(Host::Node(node), text);
        let answer = Box::new(Answer { stamp, ..answer });
        self.schedule.after(CLIENT_LATENCY_NS, Event::AnswerArrives { client, answer });
    }

    pub(crate) fn answer_arrives(&mut self, client: usize, answer: Answer) {
        if !self.workload.awaits(client, answer.connection, answer.request) {
            return;
        }
        let now = self.now();
        let node = self.workload.connection(client).map(|connection| connection.node);
        let Answer { connection, request, outcome, achieved, stamp, .. } = answer;
        self.trace.add(now, node, "answers", &request.0.to_le_bytes(), || {
            format!("client {client}, request {request}: {outcome:?} {achieved:?}")
        });
        self.trace.received(Host::Client(client), stamp, || format!("hears {outcome:?}"));
        self.coverage.outcome(&outcome, &achieved);
        if let Err(why) = self.workload.answered(client, request, outcome, achieved, now) {
            self.fail(Failure::safety("answers make sense", why));
            return;
        }
        if self.workload.hops(client) {
            self.hang_up(client, connection);
        }
        self.client_goes_on(client);
    }

    pub(crate) fn client_gives_up(&mut self, client: usize, connection: ConnectionId, request: RequestId) {
        if self.workload.awaits(client, connection, request) {
            self.hang_up(client, connection);
            self.client_goes_on(client);
        }
    }

    pub(crate) fn hang_up(&mut self, client: usize, id: ConnectionId) {
        let Some(connection) = self.workload.connection(client).filter(|open| open.id == id) else { return };
        if let Some(process) = &mut self.machines[connection.node].process
            && process.connections.remove(&id).is_some()
        {
            self.enqueue(connection.node, Input::ConnectionClosed { connection: id });
        }
        self.workload.disconnected(client);
    }
}
