//! The Redis front: connections, RESP2 and RESP3, commands to the core and answers back in order.
//!
//! * `connection`: one client's socket and buffers. `pipeline`: its commands under way. `reply_buffer`: bytes on their way out. `answers`: outcomes to replies.
//! * `doors`: the ports, each with the level that its connections start with.
//! * `session`, `server_commands`, `info`, `settings`, `cluster`, `faults`: commands that never reach the core.
//! * `admission`: which commands may begin, and which have waited too long. `turns`: whose turn it is.
//! * this file: what a command comes to, and the accounts that keep slow and greedy clients from costing anyone else.
//!
//! Invariants: answers of one connection leave in the order of its commands. A connection that does not read its replies is not read either; one that sends more than its
//! share waits in line and in its socket; beyond the node's budget only small requests and one large one at a time go on. Nothing here blocks.

mod admission;
mod answers;
mod cluster;
mod connection;
mod context;
mod doors;
mod faults;
mod glob;
mod info;
mod pipeline;
mod reply_buffer;
mod server_commands;
mod session;
mod settings;
mod turns;

pub(crate) use answers::class_of;
pub(crate) use context::Shared;
pub(crate) use doors::Door;
pub(crate) use settings::Settings;

use crate::readiness::Readiness;
use admission::Admission;
use connection::{Connection, Head, Over, ReplyMode, SMALL_BYTES};
use context::Context;
use doors::Doors;
use faults::FaultCommand;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use node::core::Core;
use node::io::Input;
use observe::metrics::{CommandMetrics, OutcomeClass};
use pipeline::{Left, Pending};
use proto::commands::consistency::Consistency;
use proto::commands::{Family, Row, parse_request, resolve, table};
use proto::ids::{ConnectionId, NodeId, RequestId};
use proto::level::Level;
use proto::limits::{MAX_CONNECTIONS, MAX_NODE_REPLY_BYTES, MAX_NODE_REQUEST_BYTES};
use proto::outcome::{Achieved, Outcome};
use proto::reply::Reply;
use proto::time::{Mono, Now};
use session::Said;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The low bits of a connection's id are its place; the rest counts births.
const PLACE_BITS: u32 = 14;
const _: () = assert!(MAX_CONNECTIONS < (1 << PLACE_BITS) - 1);
const ACCEPTS_PER_TURN: usize = 128;
/// While the node's budget is used up, a large command that is half received for longer is given up.
const PARTIAL_PATIENCE: Duration = Duration::from_secs(10);
/// A client that takes no reply byte for so long is closed.
const UNREAD_PATIENCE: Duration = Duration::from_secs(120);

/// The connection id of the n-th request of a front that has no connections of its own (HTTP). Never the id of a connection of this front.
pub(crate) fn foreign_connection(n: u64) -> ConnectionId {
    ConnectionId(n << PLACE_BITS | ((1 << PLACE_BITS) - 1))
}

/// Whether [`foreign_connection`] made this id.
pub(crate) fn is_foreign(connection: ConnectionId) -> bool {
    connection.0 & ((1 << PLACE_BITS) - 1) == (1 << PLACE_BITS) - 1
}

/// A connection in a list: its place, and its id, because places are given again.
type Ticket = (usize, ConnectionId);

/// All connections of Redis clients.
#[derive(Debug)]
pub(crate) struct RespFront {
    doors: Doors,
    first_token: usize,
    first_connection_token: usize,
    connections: Vec<Option<Box<Connection>>>,
    free: Vec<usize>,
    births: u64,
    /// Connections that may have something to read, and had nothing under way.
    rested: VecDeque<Ticket>,
    /// Other connections that may have something to read or to begin.
    turns: VecDeque<Ticket>,
    /// Connections that wait for a place to begin what they have said.
    line: VecDeque<Ticket>,
    admission: Admission,
    last_refusals: Mono,
    dirty: Vec<usize>,
    is_draining: bool,
    open: Arc<AtomicUsize>,
    request_bytes: usize,
    reply_bytes: usize,
    /// The one connection that may go on with a large command while the budget is used up.
    privileged: Option<usize>,
    last_sweep: Mono,
    counters: Vec<Option<CommandMetrics>>,
    me: NodeId,
    shared: Shared,
    /// Commands about faults that were asked for since the last turn.
    fault_commands: Vec<FaultCommand>,
}

impl RespFront {
    /// Takes over listening sockets. `open` counts the connections of all fronts.
    pub(crate) fn new(
        doors: Vec<Door>,
        first_token: usize,
        registry: &Registry,
        me: NodeId,
        open: Arc<AtomicUsize>,
        shared: Shared,
    ) -> io::Result<RespFront> {
        let doors = Doors::new(doors, first_token, registry)?;
        Ok(RespFront {
            first_connection_token: first_token + doors.count(),
            doors,
            first_token,
            connections: Vec::new(),
            free: Vec::new(),
            births: 0,
            rested: VecDeque::new(),
            turns: VecDeque::new(),
            line: VecDeque::new(),
            admission: Admission::new(table().len()),
            last_refusals: Mono::default(),
            dirty: Vec::new(),
            is_draining: false,
            open,
            request_bytes: 0,
            reply_bytes: 0,
            privileged: None,
            last_sweep: Mono::default(),
            counters: vec![None; table().len()],
            me,
            shared,
            fault_commands: Vec::new(),
        })
    }

    /// Takes note of a readiness event.
    pub(crate) fn ready(&mut self, token: usize, readiness: Readiness) {
        let Some(at) = token.checked_sub(self.first_connection_token) else {
            return self.doors.ready(token - self.first_token);
        };
        if let Some(Some(connection)) = self.connections.get_mut(at) {
            connection.is_readable |= readiness.is_readable;
            connection.is_hung_up |= readiness.is_hung_up;
            if readiness.is_readable && !connection.is_queued {
                connection.is_queued = true;
                // Whoever has waited for its answer before it asks again goes before those that ask ahead.
                let list = if connection.is_at_rest() { &mut self.rested } else { &mut self.turns };
                list.push_back((at, connection.id));
            }
            if readiness.is_writable && !connection.out.is_empty() && !connection.is_dirty {
                connection.is_dirty = true;
                self.dirty.push(at);
            }
        }
    }

    /// Whether there is work that no event will announce.
    pub(crate) fn wants_a_turn(&self) -> bool {
        !self.turns.is_empty()
            || !self.rested.is_empty()
            || !self.line.is_empty() && self.admission.has_room()
            || !self.dirty.is_empty()
            || self.doors.want_a_turn()
    }

    /// An answer of the core to one of this front's connections. It is written with the next [`RespFront::flush`].
    pub(crate) fn answer(
        &mut self,
        connection: ConnectionId,
        request: RequestId,
        outcome: Outcome,
        achieved: Achieved,
    ) {
        let at = (connection.0 & ((1 << PLACE_BITS) - 1)) as usize;
        if let Some(Some(found)) = self.connections.get_mut(at)
            && found.id == connection
            && found.pipeline.answer(request, outcome, achieved)
            && !found.is_dirty
        {
            found.is_dirty = true;
            self.dirty.push(at);
        }
    }

    /// Writes every reply that is ready, one call a connection.
    pub(crate) fn flush(&mut self, core: &mut Core, now: Now) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for at in dirty.drain(..) {
            let Some(mut connection) = self.connections[at].take() else { continue };
            connection.is_dirty = false;
            let result = self.write(&mut connection, now);
            self.settle(at, connection, result, core, now);
        }
        if self.dirty.is_empty() {
            self.dirty = dirty; // keeps its room
        }
        if self.reply_bytes > MAX_NODE_REPLY_BYTES {
            self.close_fattest(core, now);
        }
    }

    /// No new connections from now on.
    pub(crate) fn stop_accepting(&mut self, registry: &Registry) {
        self.doors.close(registry);
    }

    /// No new commands from now on: connections end when what is under way is answered and written.
    pub(crate) fn drain(&mut self, core: &mut Core, now: Now) {
        self.is_draining = true;
        for at in 0..self.connections.len() {
            if let Some(mut connection) = self.connections[at].take() {
                connection.is_closing = true;
                self.settle(at, connection, Ok(()), core, now);
            }
        }
    }

    /// Whether no connection is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.iter().all(Option::is_none)
    }

    fn accept(&mut self, registry: &Registry, now: Mono) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some((stream, remote, consistency)) = self.doors.accept() else { return };
            self.admit(stream, remote, consistency, registry, now);
        }
    }

    fn admit(
        &mut self,
        mut stream: TcpStream,
        remote: SocketAddr,
        consistency: Consistency,
        registry: &Registry,
        now: Mono,
    ) {
        if self.open.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
            self.shared.connections_refused += 1;
            self.shared.metrics.connections_refused.inc();
            let _ = stream.write(b"-ERR max number of clients reached\r\n");
            return;
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        if registry.register(&mut stream, Token(self.first_connection_token + at), interest).is_err() {
            self.free.push(at);
            return;
        }
        let _ = stream.set_nodelay(true);
        self.births += 1;
        self.shared.connections_received += 1;
        self.shared.metrics.connections_accepted.inc();
        self.shared.metrics.connected_clients.inc();
        self.open.fetch_add(1, Ordering::Relaxed);
        let id = ConnectionId(self.births << PLACE_BITS | at as u64);
        let is_authenticated = self.shared.password.is_none();
        let mut connection = Connection::new(id, stream, remote, consistency, is_authenticated, now);
        connection.is_queued = true;
        self.turns.push_back((at, connection.id));
        self.connections[at] = Some(Box::new(connection));
    }

    fn execute(&mut self, connection: &mut Connection, head: Head, core: &mut Core, now: Now) {
        let Head { argv, bytes, arrived, .. } = head;
        let argv = argv.as_slice();
        if std::mem::take(&mut connection.wants_new_session) {
            // RESET came before this command, and everything before RESET is answered: the core forgets the session.
            core.step(now, Input::ConnectionClosed { connection: connection.id });
        }
        self.shared.commands_processed += 1;
        connection.last_command = now.mono;
        let version = connection.session.version;
        let skipped = connection.session.replies == ReplyMode::SkipNext;
        if skipped {
            connection.session.replies = ReplyMode::On;
        }
        let is_silent = |connection: &Connection| skipped || connection.session.replies == ReplyMode::Off;
        let row = match resolve(argv) {
            Ok(row) => row,
            Err(refusal) => {
                if !is_silent(connection) {
                    connection.reply(refusal, version, now.mono);
                }
                return;
            }
        };
        let number = row_number(row);
        connection.last_row = number;
        let reply = if !connection.session.is_authenticated && !row.flags.contains(&"no_auth") {
            Some(Reply::error("NOAUTH Authentication required."))
        } else {
            match row.family {
                Family::Data(_) | Family::Wrapper => match parse_request(argv) {
                    Ok(mut parsed) => {
                        connection.session.consistency.fill(&mut parsed.request);
                        let wish = Connection::wish(parsed.meta, parsed.request.level_chosen);
                        match admission::after_waiting(
                            parsed.request.deadline_ms,
                            connection.waited(arrived, now.mono),
                        ) {
                            Ok(deadline_ms) => {
                                parsed.request.deadline_ms = deadline_ms;
                                let mut pending = Pending::new(version, wish, number, bytes, arrived);
                                pending.begun = now.mono;
                                pending.is_silent = is_silent(connection);

                                let request = connection.pipeline.push(pending);
                                let body = parsed.request;
                                core.step(now, Input::Request { connection: connection.id, request, body });
                                None
                            }
                            Err(failure) => {
                                self.count(number, class_of(failure.kind), now.mono - arrived);
                                Some(answers::error_reply(&failure, wish.level_chosen))
                            }
                        }
                    }
                    Err(refusal) => {
                        self.count(number, OutcomeClass::Error, Duration::ZERO);
                        Some(refusal)
                    }
                },
                Family::Connection => {
                    let context = Context { now, core, others: &self.connections, shared: &mut self.shared };
                    match session::run(connection, row, argv, &context) {
                        Said::Reply(reply) => Some(reply),
                        Said::Nothing => None,
                        Said::Last(reply) => {
                            connection.is_closing = true;
                            Some(reply)
                        }
                    }
                }
                Family::Cluster => {
                    let context = Context { now, core, others: &self.connections, shared: &mut self.shared };
                    Some(cluster::run(row, argv, &context, self.me))
                }
                Family::Server if row.name == faults::NAME => {
                    self.fault(connection, argv, number, bytes, skipped, now)
                }
                Family::Server => {
                    let mut context =
                        Context { now, core, others: &self.connections, shared: &mut self.shared };
                    Some(server_commands::run(row, argv, &mut context))
                }
            }
        };
        if let Some(reply) = reply
            && !is_silent(connection)
        {
            // HELLO's own answer is in the dialect that it chose.
            connection.reply(reply, connection.session.version, now.mono);
        }
    }

    fn count(&mut self, number: usize, class: OutcomeClass, took: Duration) {
        let metrics = &self.shared.metrics;
        self.counters[number]
            .get_or_insert_with(|| metrics.command("resp", table()[number].name))
            .count(class, took);
    }

    /// Counts an answer from the state by the level that it met. Commands that no level is asked of are left out.
    fn count_level(&mut self, number: usize, level: Option<Level>) {
        let row = &table()[number];
        if let Some(level) = level.filter(|_| row.takes_level() || matches!(row.family, Family::Wrapper)) {
            self.shared.answers_by_level[level as usize] += 1;
            self.shared.metrics.answered("resp", level);
        }
    }

    fn write(&mut self, connection: &mut Connection, now: Now) -> Result<(), Over> {
        while let Some(left) = connection.pipeline.pop(&mut connection.out) {
            match left {
                Left::Answered { row, started, begun, class, level } => {
                    let took = now.mono - started;
                    self.count(row, class, took);
                    if let Some(level) = level {
                        // Without its wait in line, which says how much is asked and not how long it takes.
                        self.admission.answered(row, level, now.mono - begun);
                    }
                    self.count_level(row, level);
                }
                Left::Local => {}
            }
        }
        let n = connection.write(now.mono).map_err(|_| Over::Gone)?;
        self.shared.output_bytes += n as u64;
        self.shared.metrics.client_bytes_out.inc_by(n as u64);
        Ok(())
    }

    /// Puts a connection back after its turn, and sees what it needs next; or ends it.
    fn settle(
        &mut self,
        at: usize,
        mut connection: Box<Connection>,
        result: Result<(), Over>,
        core: &mut Core,
        now: Now,
    ) {
        let is_over = result.is_err() || connection.is_finished();
        let held = if is_over {
            (0, 0, 0)
        } else {
            (connection.request_bytes(), connection.reply_bytes(), connection.pipeline.unanswered)
        };
        self.request_bytes = self.request_bytes + held.0 - connection.accounted.0;
        self.reply_bytes = self.reply_bytes + held.1 - connection.accounted.1;
        self.admission.count(held.2, connection.accounted.2);
        connection.accounted = held;
        let is_large = held.0 > SMALL_BYTES;
        if self.privileged == Some(at) && !is_large {
            self.privileged = None;
        }
        if is_over {
            self.free.push(at);
            self.open.fetch_sub(1, Ordering::Relaxed);
            self.shared.metrics.connected_clients.dec();
            core.step(now, Input::ConnectionClosed { connection: connection.id });
            return;
        }
        let waits_for_budget = is_large
            && self.request_bytes > MAX_NODE_REQUEST_BYTES
            && self.privileged.is_some_and(|other| other != at);
        let may_begin =
            connection.has_commands() && (!connection.is_in_line || connection.pipeline.unanswered == 0);
        connection.look_whether_held_up(now.mono);
        let may_read = self.reads_on(&connection) && !waits_for_budget;
        if (may_begin || may_read) && !connection.is_queued {
            connection.is_queued = true;
            self.turns.push_back((at, connection.id));
        }
        self.connections[at] = Some(connection);
    }

    fn end(&mut self, at: usize, core: &mut Core, now: Now, why: &str) {
        if let Some(connection) = self.connections[at].take() {
            tracing::warn!("closed the client {}: {why}", connection.remote);
            self.settle(at, connection, Err(Over::Gone), core, now);
        }
    }

    /// Once a second: what no event announces.
    fn sweep(&mut self, core: &mut Core, now: Now) {
        self.doors.look_again();
        let is_full = self.request_bytes > MAX_NODE_REQUEST_BYTES;
        for at in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[at] else { continue };
            let is_large = connection.partial_bytes + connection.input.len() > SMALL_BYTES;
            if is_full && is_large && now.mono - connection.partial_since >= PARTIAL_PATIENCE {
                self.end(
                    at,
                    core,
                    now,
                    "its command came too slowly while the node's memory for requests was used up",
                );
            } else if !connection.out.is_empty() && now.mono - connection.last_written >= UNREAD_PATIENCE {
                self.end(at, core, now, "it does not read its replies");
            } else if connection.may_read() && !connection.is_queued {
                connection.is_queued = true;
                self.turns.push_back((at, connection.id));
            }
        }
    }

    fn close_fattest(&mut self, core: &mut Core, now: Now) {
        while self.reply_bytes > MAX_NODE_REPLY_BYTES {
            let fattest = (0..self.connections.len())
                .filter_map(|at| {
                    self.connections[at].as_ref().map(|connection| (connection.reply_bytes(), at))
                })
                .max();
            let Some((_, at)) = fattest else { return };
            self.end(
                at,
                core,
                now,
                "it does not read its replies, and the node's memory for replies is used up",
            );
        }
    }
}

fn row_number(row: &'static Row) -> usize {
    let rows = table();
    let number = (std::ptr::from_ref(row).addr() - rows.as_ptr().addr()) / size_of::<Row>();
    debug_assert_eq!(rows[number].name, row.name);
    number
}
