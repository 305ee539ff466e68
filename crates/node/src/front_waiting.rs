//! What a request of a client waits for before it begins: for others of its connection, and for its session.
//!
//! A strong write begins only when everything undecided that its session has written or seen is decided, because the log's order must put it behind all of that (`docs/consistency.md`, sessions, rule 1). It waits here, and
//! everything behind it in its connection with it, until the dots of its session are folded; if its rung is over before that, it begins at the next one. So waits, too, what would make a session wider than a token has
//! room for.
//!
//! Invariant: only the first waiting request of a connection is ever looked at.

use crate::connections::{Connection, Nature, Planned};
use crate::flights::behind;
use crate::folding::Folds;
use crate::marks::{Mark, reached};
use crate::requests::{Answer, Front, invalid, planned};
use crate::streams::no_quorum;
use directory::routing::Routing;
use proto::command::{Command, InSession, Request};
use proto::error::{ErrorKind, Failure};
use proto::ids::ConnectionId;
use proto::level::Level;
use proto::limits::MAX_SESSION_DOTS;
use proto::outcome::Outcome;
use proto::session::{Session, TokenKey};
use proto::tentative::Fold;
use proto::time::Mono;

/// Whether a request may begin, as far as its session goes.
enum Readiness {
    /// In this session.
    Ready(Session),
    /// Not before something is folded, or this moment has come.
    Waits(Mono),
    /// Never.
    Refused(Failure),
}

impl Front {
    /// More is known to be decided of an origin: what waited for that goes on.
    pub fn folded(&mut self, fold: Fold, now: Mono, routing: &Routing) {
        if !self.folds.learn(fold) {
            return;
        }
        self.reads.folded(&fold);
        self.count_copies();
        for flight in std::mem::take(&mut self.too_wide) {
            self.finish(flight);
        }
        let waiting: Vec<ConnectionId> = self.wakes.iter().map(|(_, id)| *id).collect();
        for id in waiting {
            self.advance(id, now, routing);
        }
    }

    /// Starts what a connection may start.
    pub(crate) fn advance(&mut self, id: ConnectionId, now: Mono, routing: &Routing) {
        loop {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let Some((_, body, deadline)) = connection.waiting.front() else {
                if connection.is_forgettable() {
                    self.connections.remove(&id);
                }
                return;
            };
            let is_late = now >= *deadline;
            let planned = match connection.planned.take() {
                Some(planned) => Ok(planned),
                None => planned(self.me, self.seed, body, *deadline, routing),
            };
            let mut planned = match planned {
                Ok(planned) if is_late => {
                    self.refuse_first(id, planned.hindrance.unwrap_or_else(no_quorum));
                    continue;
                }
                Ok(planned) => planned,
                Err(failure) => {
                    self.refuse_first(id, failure);
                    continue;
                }
            };
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let command = &connection.waiting[0].1.command;
            let may_begin = match command {
                // It tells of everything before it.
                Command::SessionToken => connection.is_quiet(),
                Command::Wait { .. } => connection.is_quiet() && connection.wait.is_none(),
                _ => connection.may_begin(&planned.operations, planned.nature),
            };
            if !may_begin {
                // The oldest waiting request decides when this connection is looked at again for its deadline.
                connection.planned = Some(planned);
                return;
            }
            #[cfg(feature = "planted")]
            if self.planted == crate::planted::Planted::OtherShardsDotsForgotten
                && matches!(planned.nature, Nature::Strong)
            {
                connection.session.dots = proto::tentative::Dots::NONE;
            }
            #[cfg(feature = "planted")]
            if planned.unfolded.is_none()
                && self.planted == crate::planted::Planted::FoldAfterProposal
                && matches!(planned.nature, Nature::Strong)
            {
                planned.unfolded =
                    session_of(&connection.waiting[0].1, &connection.session, &Folds::default(), &self.key)
                        .ok();
            }
            match readiness(connection, &mut planned, now, &self.folds, &self.key) {
                Readiness::Refused(failure) => self.refuse_first(id, failure),
                Readiness::Waits(until) => {
                    reached(Mark::SessionAwaitsDecision);
                    connection.planned = Some(planned);
                    if connection.wake != Some(until) {
                        self.stop_waking(id);
                        self.wakes.insert((until, id));
                        self.connections.entry(id).or_default().wake = Some(until);
                    }
                    return;
                }
                Readiness::Ready(session) => {
                    #[cfg(feature = "planted")]
                    let session = planned.unfolded.take().unwrap_or(session);
                    let waited = connection.waiting.pop_front().expect("just seen");
                    self.stop_waking(id);
                    self.start(id, waited, planned, session, now, routing);
                }
            }
        }
    }

    fn stop_waking(&mut self, id: ConnectionId) {
        if let Some(wake) = self.connections.get_mut(&id).and_then(|connection| connection.wake.take()) {
            self.wakes.remove(&(wake, id));
        }
    }

    /// The first waiting request of a connection ends before it began.
    fn refuse_first(&mut self, id: ConnectionId, failure: Failure) {
        self.stop_waking(id);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.planned = None;
        if let Some((request, ..)) = connection.waiting.pop_front() {
            self.answers.push(Answer::at_once(id, request, Outcome::Failed(failure)));
        }
    }

    /// Looks for waiting requests whose rung is over, or whose deadline passed before they could start.
    pub(crate) fn look_at_waiting(&mut self, now: Mono, routing: &Routing) {
        let is_late = |connection: &Connection| {
            let (wake, first) = (connection.wake, connection.waiting.front());
            first.is_some_and(|(_, _, deadline)| now >= *deadline) || wake.is_some_and(|wake| now >= wake)
        };
        let late: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, connection)| is_late(connection))
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.advance(id, now, routing);
        }
    }
}

/// Folds the session of the first waiting request, and looks whether that may begin: at the present rung of its ladder, or at the next if the present one is over.
fn readiness(
    connection: &mut Connection,
    planned: &mut Planned,
    now: Mono,
    folds: &Folds,
    key: &TokenKey,
) -> Readiness {
    folds.fold_session(&mut connection.session);
    let Some((_, body, _)) = connection.waiting.front() else {
        return Readiness::Ready(Session::default());
    };
    let session = match session_of(body, &connection.session, folds, key) {
        Ok(session) => session,
        Err(failure) => return Readiness::Refused(failure),
    };
    loop {
        let until = match planned.until {
            Some(until) => until,
            None => match planned.climb.next(now) {
                Some(until) => *planned.until.insert(until),
                None => return Readiness::Refused(planned.hindrance.take().unwrap_or_else(no_quorum)),
            },
        };
        planned.hindrance = hindrance(&session, planned.nature, planned.climb.level());
        if planned.hindrance.is_none() {
            return Readiness::Ready(session);
        }
        if now < until {
            return Readiness::Waits(until);
        }
        planned.until = None;
    }
}

/// The session that a request begins in.
fn session_of(
    body: &Request,
    connection: &Session,
    folds: &Folds,
    key: &TokenKey,
) -> Result<Session, Failure> {
    let open = |token| key.open_all(token).map_err(|bad| invalid(bad.to_string()));
    let mut session = match (&body.session, &body.command) {
        (InSession::Token(token), _) => open(token)?,
        (InSession::Connection, Command::SessionResume { token }) => {
            let mut both = open(token)?;
            both.join(connection);
            both
        }
        (InSession::Connection, _) => return Ok(connection.clone()),
    };
    folds.fold_session(&mut session);
    Ok(session)
}

/// What keeps a request of this nature and level from beginning in this session.
fn hindrance(session: &Session, nature: Nature, level: Level) -> Option<Failure> {
    if session.dots.is_empty() {
        return None;
    }
    let is_write = matches!(nature, Nature::Strong | Nature::Either | Nature::Weak(_));
    let is_full = session.dots.len() >= MAX_SESSION_DOTS && level == Level::Causal;
    if session.is_too_wide() || (is_write && is_full) {
        return Some(behind());
    }
    (is_write && !level.is_weak()).then(undecided)
}

/// A strong write's session was not folded in time.
fn undecided() -> Failure {
    Failure::new(
        ErrorKind::NoQuorum,
        "this session depends on tentative writes that were not decided by the deadline; nothing was applied: try again when the links are whole, or write in a new session",
    )
}
