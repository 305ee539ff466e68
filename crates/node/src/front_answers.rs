//! The answers of shards, on their way to the client: what each part of a request came to, and what its session learns from it.
//!
//! A session joins what its operations saw when they are answered: decided times and, of what is not decided, dots (`docs/consistency.md`, sessions, rules 2, 3 and 6); an operation at eventual touches no session. An
//! answer that would give its session more dots than a token has room for is kept until some are folded.
//!
//! Answers to linearizable reads of one connection and shard are taken in the order in which they were asked, whichever comes first: it may have been lost and sent again, or wait for more at the leader.
//!
//! Invariant: a session at rest fits a token.

use crate::connections::{LineMoves, Nature, Turn};
use crate::flights::{Saw, What, behind};
use crate::front_reads::AnsweredRead;
use crate::front_tentative::overtaken;
use crate::marks::{Mark, reached};
use crate::plan;
use crate::requests::{Answer, Front};
use crate::streams::{PartId, no_quorum};
use directory::routing::Routing;
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::{ConnectionId, GroupId, Incarnation, NodeId};
use proto::level::Level;
use proto::outcome::{Achieved, Outcome, State};
use proto::peer::{Untaken, WhyNotTaken};
use proto::session::Session;
use proto::tentative::{Dot, Dots};
use proto::time::Mono;

impl Front {
    /// A leader answered a strong write. `dots`: what it looked at, as far as that may not be decided.
    pub fn write_answered(
        &mut self,
        group: GroupId,
        incarnation: Incarnation,
        number: u64,
        outcome: Outcome,
        dots: &Dots,
        now: Mono,
    ) {
        if incarnation != self.incarnation {
            return;
        }
        let Some(waiter) = self.streams.get_mut(&group).and_then(|stream| stream.answered(number, now))
        else {
            return;
        };
        if let Some(flight) = self.flights.get_mut(&waiter.flight) {
            flight.saw.session.dots.join(dots);
            if let Outcome::Done { certificate, .. } = &outcome {
                flight.saw.session.see(certificate.as_of);
                if let Some(connection) = self.connections.get_mut(&flight.connection) {
                    connection.written.decided(group, certificate.as_of);
                }
            }
        }
        self.part_done(waiter, outcome);
    }

    /// A leader or a replica answered a read.
    pub fn read_answered(&mut self, incarnation: Incarnation, id: u64, answered: AnsweredRead) {
        if incarnation != self.incarnation {
            return;
        }
        let Some(part) = self.reads.forget(id) else { return };
        if self.waits.is_one_of_them(part.flight) {
            return self.copy_told(part, &answered.outcome);
        }
        self.read_arrived(part, answered);
    }

    /// Takes an answer to a read if its turn has come.
    fn read_arrived(&mut self, id: PartId, answered: AnsweredRead) {
        match self.turn(id, &answered.outcome) {
            Turn::Now => {}
            Turn::Early => {
                reached(Mark::ReadAnsweredEarly);
                if let Some(flight) = self.flights.get_mut(&id.flight) {
                    flight.parts[id.part].early = Some(Box::new(answered));
                }
                return;
            }
            Turn::Old => {
                reached(Mark::ReadOlderThanTheOneBefore);
                return self.ask_again(id);
            }
        }
        let Some(flight) = self.flights.get_mut(&id.flight) else { return };
        if flight.parts[id.part].outcome.is_some() {
            return;
        }
        let saw = &mut flight.saw;
        saw.session.join(&answered.saw);
        saw.age_ms = saw.age_ms.max(answered.age_ms);
        if answered.state == State::Tentative {
            saw.state = State::Tentative;
        }
        self.part_done(id, answered.outcome);
    }

    /// Only linearizable reads stand in line; a failure shows nothing, and need not.
    fn turn(&mut self, id: PartId, outcome: &Outcome) -> Turn {
        #[cfg(feature = "planted")]
        if self.planted == crate::planted::Planted::ReadsOutOfLine {
            return Turn::Now;
        }
        let (Some(flight), Some(as_of)) = (self.flights.get(&id.flight), as_of(outcome)) else {
            return Turn::Now;
        };
        let connection =
            self.connections.get_mut(&flight.connection).filter(|_| flight.nature == Nature::Read);
        let group = flight.parts[id.part].group;
        connection.map_or(Turn::Now, |connection| connection.turn(group, id, as_of))
    }

    /// A read has its answer, or will have none: the next one in line may have its own already, and others may have become too old.
    fn line_moves(&mut self, connection: ConnectionId, group: GroupId, id: PartId, as_of: Option<Timestamp>) {
        let Some(connection) = self.connections.get_mut(&connection) else { return };
        let LineMoves { next, again } = connection.leaves_line(group, id, as_of);
        self.in_turn.extend(next);
        for old in again {
            reached(Mark::ReadOlderThanTheOneBefore);
            if let Some(flight) = self.flights.get_mut(&old.flight) {
                flight.parts[old.part].early = None;
            }
            self.ask_again(old);
        }
    }

    /// Takes the answers whose turn has come. Says whether there were any.
    pub fn take_turns(&mut self) -> bool {
        let any = !self.in_turn.is_empty();
        while let Some(id) = self.in_turn.pop() {
            let flight = self.flights.get_mut(&id.flight);
            if let Some(answered) = flight.and_then(|flight| flight.parts[id.part].early.take()) {
                self.read_arrived(id, *answered);
            }
        }
        any
    }

    /// A replica answered a weak write. `session`: what the writer's has seen after it; of an eventual one nothing. BEHIND means that it was not taken.
    pub fn tentative_answered(
        &mut self,
        from: NodeId,
        incarnation: Incarnation,
        id: u64,
        outcome: Outcome,
        session: &Session,
        dot: Option<Dot>,
    ) {
        if incarnation != self.incarnation {
            return;
        }
        if matches!(&outcome, Outcome::Failed(failure) if failure.kind == ErrorKind::Behind) {
            // There may be another rung.
            if let Some((part, group, again)) = self.tentative.found_behind(from, id) {
                self.asked_again(part, group, id, again);
            }
            return;
        }
        let Some(part) = self.tentative.answered(id) else { return };
        if let Some(flight) = self.flights.get_mut(&part.flight) {
            let saw = &mut flight.saw;
            saw.session.join(session);
            if let Some(own) = dot {
                (saw.state, saw.dot) = (State::Tentative, dot);
                if let Some(connection) = self.connections.get_mut(&flight.connection) {
                    connection.written.tentative(flight.parts[part.part].group, own);
                }
            }
        }
        self.part_done(part, outcome);
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
            Untaken::Tentative(id) => {
                if let Some((part, group, again)) = self.tentative.refused(from, id, now) {
                    self.asked_again(part, group, id, again);
                }
            }
            Untaken::Write(number) => {
                if let Some(stream) = self.streams.get_mut(&group) {
                    stream.refused(from, own, number, why, now);
                }
            }
        }
    }

    /// A weak write that was not taken has another number now. If others of its connection went behind it, it must not go behind them.
    fn asked_again(&mut self, part: PartId, group: GroupId, number: u64, again: u64) {
        let Some(flight) = self.flights.get_mut(&part.flight) else { return };
        flight.parts[part.part].what = What::Tentative(again);
        let connection = self.connections.get_mut(&flight.connection);
        if connection.is_some_and(|connection| connection.is_overtaken(group, number, again)) {
            self.tentative.answered(again);
            self.part_done(part, Outcome::Failed(overtaken()));
        }
    }

    pub(crate) fn part_done(&mut self, id: PartId, outcome: Outcome) {
        let Some(flight) = self.flights.get_mut(&id.flight) else { return };
        let part = &mut flight.parts[id.part];
        if part.outcome.is_some() {
            return;
        }
        let (group, as_of) = (part.group, as_of(&outcome));
        (part.outcome, part.early) = (Some(outcome), None);
        flight.missing -= 1;
        let (is_last, connection) = (flight.missing == 0, flight.connection);
        if flight.nature == Nature::Read {
            self.line_moves(connection, group, id, as_of);
        }
        if is_last {
            self.finish(id.flight);
        }
    }

    /// All parts of a request are done: it is answered, or kept until its session has room for what it saw.
    pub(crate) fn finish(&mut self, id: u64) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        self.deadlines.remove(&(flight.until, id));
        let level = flight.climb.level();
        let connection = self.connections.get_mut(&flight.connection);
        let mut connection_session =
            connection.filter(|_| !flight.has_own_session).map(|connection| &mut connection.session);
        let before = connection_session.as_deref().unwrap_or(&flight.session);
        let mut session = flight.session_after(before);
        self.folds.fold_session(&mut session);
        if session.is_too_wide() {
            flight.until = flight.deadline;
            self.deadlines.insert((flight.until, id));
            reached(Mark::SessionTooWide);
            self.too_wide.insert(id);
            return;
        }
        if let Some(kept) = &mut connection_session {
            (**kept).clone_from(&session);
        }
        // Where a sequential read stands is told by what it saw, and not by what happened to be folded meanwhile.
        let place = flight.session_after(&flight.session).hlc;
        let Some(flight) = self.flights.remove(&id) else { return };
        let mut outcomes = Vec::with_capacity(flight.parts.len());
        let mut connection = self.connections.get_mut(&flight.connection);
        let mut writes = false;
        for part in flight.parts {
            writes |= !matches!(part.what, What::Read { .. });
            if let Some(connection) = connection.as_deref_mut() {
                connection.end(part.group, flight.nature);
            }
            outcomes.push(part.outcome.expect("all parts are done"));
        }
        let mut outcome = plan::gather(flight.gather, writes, outcomes);
        if let (Outcome::Done { certificate, .. }, false, Level::Sequential) = (&mut outcome, writes, level) {
            certificate.as_of = place;
        }
        let Saw { session: mut saw, state, dot, age_ms } = flight.saw;
        self.folds.fold_session(&mut saw);
        if let Some(dot) = dot {
            // What it depends on of its own origin is what its session had seen before.
            saw.dots.retain(|seen| seen.origin != dot.origin);
            saw.dots.add(Dot { number: flight.session.dots.of(dot.origin), ..dot });
        }
        let token = flight.wants_token.then(|| self.key.seal(&session));
        self.answers.push(Answer {
            connection: flight.connection,
            request: flight.request,
            outcome,
            achieved: Achieved { level, state, dot, dots: saw.dots, age_ms, token },
        });
    }

    /// A request whose session got no room for what it saw by the deadline. A read can be made again; a write was applied, or taken, but to say so without the session's knowing it would be wrong.
    pub(crate) fn give_up_joining(&mut self, id: u64) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        self.too_wide.remove(&id);
        flight.saw = Saw::default();
        let level = flight.climb.level();
        for part in &mut flight.parts {
            let failure = match part.what {
                What::Read { .. } if level < Level::Linearizable => behind(),
                What::Read { .. } => no_quorum(),
                What::Write(_) | What::Tentative(_) => Failure::unknown(),
            };
            part.outcome = Some(Outcome::Failed(failure));
        }
        self.finish(id);
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

/// How new the state is that an answer shows, if it shows one.
fn as_of(outcome: &Outcome) -> Option<Timestamp> {
    match outcome {
        Outcome::Done { certificate, .. } => Some(certificate.as_of),
        Outcome::Failed(_) => None,
    }
}
