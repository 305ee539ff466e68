//! Reads and writes below sequential at this replica: each waits until what its session depends on is here, and is then answered from decided state and overlay, or taken.
//!
//! *Eventual* depends on nothing and never waits, unless for a staleness bound. *Causal* waits until the safe time has reached the session's, and until nothing of this shard that its dots cover is missing. What an answer shows may
//! bring more dependencies on this shard: they are waited for too, except where all that is shown is plain assignments, whose answer says nothing about anything else.
//!
//! Who waits asks: the leader for time (an empty entry), the other replicas for what they hold, again and again.
//!
//! Invariant: an answer never comes from less than its session depends on.

use super::Tentative;
use crate::arbitration::overlay;
use crate::core::Core;
use crate::machine::{Machine, ShardMachine};
use crate::marks::{Mark, reached};
#[cfg(feature = "planted")]
use crate::planted::Planted;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, Incarnation, NodeId};
use proto::limits::MAX_WAITING_TENTATIVE;
use proto::log_entry::ClientNumber;
use proto::ops::{Meaning, Read, Write};
use proto::outcome::{Certificate, Outcome};
use proto::peer::{Message, Untaken, WhyNotTaken};
use proto::session::Session;
use proto::tentative::{Dot, Dots, Operation};
use proto::time::Mono;
use std::time::Duration;

/// How long a causal read waits for an expiry to be decided before it is answered without.
const EXPIRY_PATIENCE: Duration = Duration::from_millis(100);
/// After so long without what it asked for, a replica asks again.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A request below sequential.
#[derive(Debug)]
pub struct WeakRequest {
    /// The front that asks.
    pub front: NodeId,
    /// Its start.
    pub incarnation: Incarnation,
    /// Its number for the request.
    pub id: u64,
    /// It is not answered after this.
    pub deadline: Mono,
    /// What its session depends on; `None` for an eventual one.
    pub session: Option<Session>,
    /// What the safe time must have reached besides.
    pub bound: Timestamp,
    /// What it asks.
    pub what: Weak,
}

/// What a request below sequential asks.
#[derive(Debug)]
pub enum Weak {
    /// To read.
    Read(Read),
    /// To take a write.
    Write {
        /// The write.
        write: Write,
        /// The client's own number.
        client: Option<ClientNumber>,
        /// On how many nodes it must be durable before the answer.
        copies: usize,
    },
}

#[derive(Debug)]
struct WaitingRequest {
    request: WeakRequest,
    /// Until when it waits for an expiry, once it has met one.
    expiry_until: Option<Mono>,
}

/// The requests that wait at one shard.
#[derive(Debug, Default)]
pub struct Waiting {
    requests: Vec<WaitingRequest>,
    /// The safe time that they need.
    wanted: Timestamp,
    /// Whether some of them lack operations.
    lacks: bool,
}

/// What stands in the way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The safe time must reach this.
    Time(Timestamp),
    /// Operations that other replicas hold.
    Operations,
    /// An expiry should be decided by this time; not for long.
    Expiry(Timestamp),
}

impl Waiting {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Takes the requests whose deadline has passed.
    fn take_overdue(&mut self, now: Mono) -> Vec<WeakRequest> {
        let overdue = self.requests.extract_if(.., |waiting| now >= waiting.request.deadline);
        overdue.map(|waiting| waiting.request).collect()
    }

    /// The safe time that is waited for, and whether operations are.
    pub(super) fn wants(&self) -> (Timestamp, bool) {
        if self.is_empty() { (Timestamp::ZERO, false) } else { (self.wanted, self.lacks) }
    }
}

impl Core {
    /// A request below sequential arrives.
    pub(crate) fn weak_request(&mut self, id: GroupId, request: WeakRequest) {
        let why = match self.tentative.shards.get_mut(&id) {
            // Our own front asks a node without a replica only when it reaches none.
            None if request.front == self.me
                && matches!(request.what, Weak::Write { .. })
                && !self.unborn.contains_key(&id) =>
            {
                return self.keep_hint(id, &request);
            }
            None => WhyNotTaken::NotLeader { leader: NodeId(0) },
            Some(shard) if shard.waiting.requests.len() >= MAX_WAITING_TENTATIVE => WhyNotTaken::Busy,
            Some(shard) => {
                shard.waiting.requests.push(WaitingRequest { request, expiry_until: None });
                self.dirty.insert(id);
                return;
            }
        };
        let what = match request.what {
            Weak::Read(_) => Untaken::Read(request.id),
            Weak::Write { .. } => Untaken::Tentative(request.id),
        };
        let incarnation = request.incarnation;
        self.outbox.send(request.front, Message::NotTaken { group: id, incarnation, what, why });
    }

    /// Serves what can be served at this shard now.
    pub(crate) fn serve_weak(&mut self, id: GroupId) {
        let now = self.now.mono;
        let Some(shard) = self.tentative.shards.get_mut(&id).filter(|shard| !shard.waiting.is_empty()) else {
            return;
        };
        let requests = std::mem::take(&mut shard.waiting.requests);
        let (mut wanted, mut lacks, mut still) = (Timestamp::ZERO, false, Vec::new());
        for mut waiting in requests {
            if now >= waiting.request.deadline {
                still.push(waiting);
                continue;
            }
            let expiry_over = waiting.expiry_until.is_some_and(|until| now >= until);
            match self.attempt(id, &mut waiting.request, expiry_over) {
                Ok(()) => continue,
                Err(Lack::Time(at)) => {
                    reached(Mark::WeakAwaitsTime);
                    wanted = wanted.max(at);
                }
                Err(Lack::Operations) => {
                    reached(Mark::WeakAwaitsOperations);
                    lacks = true;
                }
                Err(Lack::Expiry(at)) => {
                    reached(Mark::WeakAwaitsExpiry);
                    waiting.expiry_until.get_or_insert(now + EXPIRY_PATIENCE);
                    wanted = wanted.max(at);
                }
            }
            still.push(waiting);
        }
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return };
        let news = wanted > shard.waiting.wanted || (lacks && !shard.waiting.lacks);
        still.append(&mut shard.waiting.requests);
        shard.waiting.requests = still;
        (shard.waiting.wanted, shard.waiting.lacks) = (wanted, lacks);
        if news || now - shard.asked >= ASK_AGAIN {
            self.ask_for_what_lacks(id);
        }
    }

    /// Requests whose deadline has passed: a front that waits for a read has answered; one that waits for a write hears that it was not taken, and may step down.
    pub(super) fn drop_overdue(&mut self, id: GroupId) {
        let now = self.now.mono;
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return };
        for request in shard.waiting.take_overdue(now) {
            if matches!(request.what, Weak::Write { .. }) {
                let outcome = Outcome::Failed(crate::flights::behind());
                let session = request.session.unwrap_or_default();
                let answer = super::answer(request.incarnation, request.id, outcome, session, None);
                self.outbox.send(request.front, answer);
            }
        }
    }

    /// Serves it, or says what is lacking.
    fn attempt(&mut self, id: GroupId, request: &mut WeakRequest, expiry_over: bool) -> Result<(), Lack> {
        let Some(Machine::Shard(machine)) = self.groups.get(&id).map(|group| &group.machine) else {
            return Ok(());
        };
        let safe = machine.state.last();
        if let Some(session) = &mut request.session {
            self.tentative.folds.fold_session(session);
            #[cfg(feature = "planted")]
            let waits = self.config.planted != Planted::CausalWriteDoesNotWait
                || matches!(request.what, Weak::Read(_));
            #[cfg(not(feature = "planted"))]
            let waits = true;
            if waits && safe < session.hlc {
                return Err(Lack::Time(session.hlc));
            }
            if waits && !self.tentative.has_all(id, &session.dots, machine, self.tentative.own()) {
                return Err(Lack::Operations);
            }
        }
        if safe < request.bound {
            return Err(Lack::Time(request.bound));
        }
        match &request.what {
            Weak::Read(_) => self.weak_read(id, request, expiry_over),
            Weak::Write { .. } => self.take(id, request),
        }
    }

    fn weak_read(&mut self, id: GroupId, request: &mut WeakRequest, expiry_over: bool) -> Result<(), Lack> {
        let Weak::Read(read) = &request.what else { return Ok(()) };
        let Some(Machine::Shard(machine)) = self.groups.get(&id).map(|group| &group.machine) else {
            return Ok(());
        };
        let safe = machine.state.last();
        let wall_ms = self.clock.peek(self.now.wall_ms).wall_ms();
        let operations = self.tentative.overlay(id, read, machine);
        if request.session.is_some()
            && !expiry_over
            && safe.wall_ms() < wall_ms
            && (crate::query::needs_empty_entry(&machine.state, wall_ms, read)
                || overlay::needs_empty_entry(machine, &operations, wall_ms))
        {
            return Err(Lack::Expiry(Timestamp::from_wall_ms(wall_ms)));
        }
        let mut shown = overlay::read(machine, &operations, wall_ms.max(safe.wall_ms()), read);
        if request.session.is_some() {
            let is_plain =
                operations.iter().all(|operation| operation.write.meaning() == Some(Meaning::Assigns));
            let own = self.tentative.own();
            self.tentative.close_over(id, machine, own, is_plain, &mut shown.seen, &mut shown.dots)?;
        }
        let certificate = Certificate { version: shown.version, as_of: safe, served_by: self.outbox.me() };
        let message = Message::ReadAnswer {
            incarnation: request.incarnation,
            id: request.id,
            outcome: Outcome::Done { reply: shown.reply, certificate },
            seen: shown.seen,
            dots: shown.dots,
            state: shown.state,
            age_ms: self.now.wall_ms.saturating_sub(safe.wall_ms()),
        };
        self.outbox.send(request.front, message);
        Ok(())
    }
}

impl Tentative {
    /// Whether nothing of this shard that these dots cover is missing here. `own`: this node's origin, up to what of it counts.
    pub(super) fn has_all(&self, id: GroupId, dots: &Dots, machine: &ShardMachine, own: Dot) -> bool {
        dots.is_empty()
            || self
                .shards
                .get(&id)
                .is_some_and(|shard| shard.holdings.has_all(dots, machine.arbitration.marks(), own))
    }

    /// What a read of this shard sees on top of the decided state.
    fn overlay<'a>(&'a self, id: GroupId, read: &'a Read, machine: &ShardMachine) -> Vec<&'a Operation> {
        let Some(shard) = self.shards.get(&id).filter(|shard| !shard.holdings.is_empty()) else {
            return Vec::new();
        };
        let keys = crate::query::keys_of(read).unwrap_or_default();
        shard.holdings.of_keys(keys, machine.arbitration.marks(), None)
    }

    /// Folds what an answer shows, and sees to it that what it brings of this shard is here too.
    pub(super) fn close_over(
        &self,
        id: GroupId,
        machine: &ShardMachine,
        own: Dot,
        is_plain: bool,
        seen: &mut Timestamp,
        dots: &mut Dots,
    ) -> Result<(), Lack> {
        *seen = self.folds.fold(dots).max(*seen);
        if is_plain {
            return Ok(());
        }
        if *seen > machine.state.last() {
            return Err(Lack::Time(*seen));
        }
        if self.has_all(id, dots, machine, own) { Ok(()) } else { Err(Lack::Operations) }
    }
}
