//! Whose turn it is: sockets are read, and commands begin, a few of each connection at a time.
//!
//! Three lists: `rested` has the connections that had nothing under way when they said something; `turns` has the others that may have something to read, or to begin although they wait in line; `line` has those that had something to begin and found no place ([`super::admission`]), in the
//! order in which they came. Invariant: a connection with a whole command that has not begun is in one of them, or will be when its own answers have made room.

use super::admission::{self, COMMANDS_OF_THE_RESTED, COMMANDS_PER_TURN, COMMANDS_PER_VISIT};
use super::connection::{Connection, Over, READ_PER_TURN_BYTES, SMALL_BYTES};
use super::{RespFront, Ticket};
use mio::Registry;
use node::core::Core;
use proto::commands::{Family, parse_request, resolve};
use proto::limits::MAX_NODE_REQUEST_BYTES;
use proto::time::Now;
use std::sync::atomic::Ordering;
use std::time::Duration;

const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// So often those who wait in line are looked at for commands that have waited too long.
const REFUSAL_INTERVAL: Duration = Duration::from_millis(50);

/// What a turn is taken with.
struct Turn<'a> {
    core: &'a mut Core,
    now: Now,
    scratch: &'a mut [u8],
    /// Commands that may still begin in it, of all connections.
    left: usize,
    /// Whether sockets are read in it.
    reads: bool,
}

impl RespFront {
    /// Accepts, reads, and steps the core with whole commands.
    pub(crate) fn turn(&mut self, registry: &Registry, core: &mut Core, now: Now, scratch: &mut [u8]) {
        self.accept(registry, now.mono);
        self.admission.tick(!self.line.is_empty(), now.mono);
        // Each of these asks for one thing as a rule: they are not many commands, and have a share of their own.
        let mut turn = Turn { core, now, scratch, left: COMMANDS_OF_THE_RESTED, reads: true };
        for _ in 0..self.rested.len() {
            if turn.left == 0 {
                break;
            }
            let Some(ticket) = self.rested.pop_front() else { break };
            self.visit_queued(ticket, &mut turn);
        }
        turn.left = COMMANDS_PER_TURN;
        for _ in 0..self.turns.len() {
            if turn.left == 0 {
                break;
            }
            let Some(ticket) = self.turns.pop_front() else { break };
            self.visit_queued(ticket, &mut turn);
        }
        for _ in 0..self.line.len() {
            if turn.left == 0 || !self.admission.has_room() {
                break;
            }
            self.visit_first_in_line(&mut turn);
        }
        if now.mono - self.last_refusals >= REFUSAL_INTERVAL {
            self.last_refusals = now.mono;
            (turn.left, turn.reads) = (COMMANDS_OF_THE_RESTED, false);
            for _ in 0..self.line.len() {
                if turn.left == 0 {
                    break;
                }
                self.visit_first_in_line(&mut turn);
            }
        }
        if now.mono - self.last_sweep >= SWEEP_INTERVAL {
            self.last_sweep = now.mono;
            self.sweep(turn.core, now);
        }
    }

    /// The connection of a ticket, if it is still there.
    fn take(&mut self, (at, id): Ticket) -> Option<Box<Connection>> {
        self.connections[at].take_if(|connection| connection.id == id)
    }

    fn visit_queued(&mut self, ticket: Ticket, turn: &mut Turn<'_>) {
        if let Some(mut connection) = self.take(ticket) {
            connection.is_queued = false;
            self.visit(ticket.0, connection, turn);
        }
    }

    fn visit_first_in_line(&mut self, turn: &mut Turn<'_>) {
        let Some(ticket) = self.line.pop_front() else { return };
        if let Some(mut connection) = self.take(ticket) {
            connection.is_in_line = false;
            self.visit(ticket.0, connection, turn);
        }
    }

    /// A connection's turn.
    fn visit(&mut self, at: usize, mut connection: Box<Connection>, turn: &mut Turn<'_>) {
        let result = self.pump(at, &mut connection, turn);
        connection.is_closing |= connection.has_ended && !connection.has_unbegun();
        if !connection.out.is_empty() && !connection.is_dirty {
            connection.is_dirty = true;
            self.dirty.push(at);
        }
        if result.is_ok() && connection.has_commands() && !connection.is_in_line {
            connection.is_in_line = true;
            self.line.push_back((at, connection.id));
        }
        self.settle(at, connection, result, turn.core, turn.now);
    }

    /// Begins what is there, and reads more, up to its share of the turn.
    fn pump(&mut self, at: usize, connection: &mut Connection, turn: &mut Turn<'_>) -> Result<(), Over> {
        let now = turn.now;
        let (mut read, mut quota) = (0, COMMANDS_PER_VISIT.min(turn.left));
        loop {
            while quota > 0 && connection.may_parse() {
                match connection.parse(now.mono) {
                    Ok(true) if self.may_begin(connection, now) => {
                        let head = connection.head.take().expect("just parsed");
                        (quota, turn.left) = (quota - 1, turn.left - 1);
                        self.execute(connection, head, turn.core, now);
                    }
                    Ok(_) => break,
                    Err(reply) => {
                        connection.reply(reply, connection.session.version, now.mono);
                        connection.is_closing = true;
                    }
                }
            }
            if !turn.reads || !self.reads_on(connection) || read >= READ_PER_TURN_BYTES {
                return Ok(());
            }
            if self.request_bytes + read > MAX_NODE_REQUEST_BYTES && connection.request_bytes() > SMALL_BYTES
            {
                match self.privileged {
                    None => self.privileged = Some(at),
                    Some(other) if other != at => return Ok(()), // the sweep gives it another turn
                    Some(_) => {}
                }
            }
            match connection.read(turn.scratch, now.mono)? {
                0 if !connection.is_readable => return Ok(()),
                0 => {
                    connection.has_ended = true;
                    return Ok(());
                }
                n => {
                    read += n;
                    self.shared.input_bytes += n as u64;
                    self.shared.metrics.client_bytes_in.inc_by(n as u64);
                }
            }
        }
    }

    /// Whether the next command may begin: there is a place for it, or it is to be refused.
    fn may_begin(&self, connection: &mut Connection, now: Now) -> bool {
        if self.admission.admits(connection.pipeline.unanswered, connection.accounted.2) {
            return true;
        }
        let own = connection.session.consistency.deadline_ms;
        let Some(head) = &mut connection.head else { return false };
        let patience = *head.patience.get_or_insert_with(|| {
            let is_data =
                resolve(&head.argv).is_ok_and(|row| matches!(row.family, Family::Data(_) | Family::Wrapper));
            let parsed = is_data.then(|| parse_request(&head.argv).ok()).flatten();
            admission::patience(parsed.and_then(|parsed| parsed.request.deadline_ms).or(own))
        });
        let arrived = head.arrived;
        connection.waited(arrived, now.mono) >= patience
    }

    /// Whether more is to be read of what it says.
    pub(super) fn reads_on(&self, connection: &Connection) -> bool {
        let ahead = connection.input.len() + connection.head.as_ref().map_or(0, |head| head.bytes);
        let may_be_ahead = admission::read_ahead_bytes(self.open.load(Ordering::Relaxed));
        connection.may_read() && (ahead < may_be_ahead || !connection.has_unbegun())
    }
}
