//! Taking a write below sequential: its origin numbers it, says what it depends on, and writes it into the journal. The answer leaves when that is durable.
//!
//! What the operation carries is what the rules of arbitration and of sessions need later, wherever it is decided: when it was taken, what of the shard had been seen and held, what its session depends on. For an assignment the
//! session takes over the key's newest strong write too, so that the next replica cannot be older than what the overlay hides.
//!
//! Not taken: what its origin has promised not to take any more (`floor`), what has no room, and what the commands themselves refuse; then nothing is numbered.

use super::journal::Kept;
use super::serve::{Lack, Weak, WeakRequest};
use super::{Pending, Unanswered, answer};
use crate::arbitration::overlay;
use crate::core::Core;
use crate::event::Event;
use crate::fitness::growth_refusal;
use crate::machine::Machine;
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::GroupId;
use proto::limits::MAX_HELD_OF_KEY;
use proto::ops::{Meaning, Write};
use proto::outcome::{Certificate, Outcome};
use proto::peer::{Message, Untaken, WhyNotTaken};
use proto::reply::Reply;
use proto::slots::slot_of;
use proto::tentative::{Dot, Operation};

impl Core {
    /// Takes a write whose session's dependencies are here, or says what is lacking.
    pub(super) fn take(&mut self, id: GroupId, request: &mut WeakRequest) -> Result<(), Lack> {
        let Some(Machine::Shard(machine)) = self.groups.get(&id).map(|group| &group.machine) else {
            return Ok(());
        };
        let Weak::Write { write, client, copies } = &request.what else { return Ok(()) };
        let safe = machine.state.last();
        let Some(shard) = self.tentative.shards.get_mut(&id) else { return Ok(()) };
        let bound = machine.arbitration.floor().max(shard.holdings.promised);
        if safe < bound {
            return Err(Lack::Time(bound));
        }
        let repeated = client.as_ref().and_then(|client| machine.sessions.repeated(client));
        let refusal = if let Some(known) = repeated {
            Some(known)
        } else if let Some(refusal) = growth_refusal(self.memory_full, &self.fitness)
            .filter(|_| self.fitness.is_out() || crate::apply::grows(write))
        {
            Some(Outcome::Failed(refusal.failure()))
        } else if !shard.holdings.has_room() {
            Some(Outcome::Failed(Failure::new(
                ErrorKind::Retry,
                "this node holds as many undecided writes of this shard as it can; try again when links to the other nodes are whole",
            )))
        } else {
            None
        };
        let writes = if refusal.is_some() { None } else { write.clone().into_tentative(self.now.wall_ms) };
        let writes = match (writes, client) {
            (Some(writes), Some(_)) if writes.len() > 1 => {
                return self.refuse_weak(request, Outcome::Failed(several_of_one_number()));
            }
            (Some(writes), _) => writes,
            (None, _) => {
                let outcome = refusal.unwrap_or_else(|| Outcome::Failed(is_a_decision()));
                return self.refuse_weak(request, outcome);
            }
        };
        let is_ours = |write: &Write| {
            crate::apply::single_key(write)
                .is_some_and(|key| self.routing.shard_of(slot_of(key)).group() == id)
        };
        if !writes.iter().all(is_ours) {
            let why = format!("a write for group {id} of keys that are not there");
            self.events.push(Event::PeerRefused { node: request.front, why });
            return Ok(());
        }
        let session_hlc = request.session.as_ref().map(|session| session.hlc).unwrap_or_default();
        if !self.clock.merge_session(session_hlc, self.now.wall_ms) {
            let (group, incarnation) = (id, request.incarnation);
            let what = Untaken::Tentative(request.id);
            let message = Message::NotTaken { group, incarnation, what, why: WhyNotTaken::Busy };
            self.outbox.send(request.front, message);
            return Ok(());
        }
        // Everything is looked at before anything is taken: what lacks, or is refused, leaves no trace.
        let origin = self.tentative.origin;
        let marks = machine.arbitration.marks();
        let mut session = request.session.clone();
        let mut replies = Vec::with_capacity(writes.len());
        let mut version = Timestamp::ZERO;
        for write in &writes {
            let key = crate::apply::single_key(write);
            let held = shard_of(&self.tentative, id).holdings.of_keys(key, marks, Some(origin));
            if held.len() >= MAX_HELD_OF_KEY {
                return self.refuse_weak(request, Outcome::Failed(key_is_full()));
            }
            let mut estimate = overlay::estimate(machine, &held, write);
            if let Some(session) = session.as_mut().filter(|_| write.answers_from_state()) {
                // What this node took before and is not durable yet is here: the answer leaves behind it.
                let own = Dot { origin, number: self.tentative.newest };
                self.tentative.close_over(id, machine, own, false, &mut estimate.seen, &mut estimate.dots)?;
                session.see(estimate.seen);
                session.dots.join(&estimate.dots);
            }
            if estimate.reply.is_error() {
                let certificate =
                    Certificate { version: estimate.version, as_of: safe, served_by: self.outbox.me() };
                request.session = session;
                return self.refuse_weak(request, Outcome::Done { reply: estimate.reply, certificate });
            }
            let assigns = write.meaning().is_some_and(|meaning| is_assignment(&meaning));
            if let (true, Some(key)) = (assigns, key) {
                let strong = crate::arbitration::strong_time(machine, key);
                if let Some(session) = &mut session {
                    session.see(strong);
                }
            }
            version = version.max(estimate.version);
            replies.push(estimate.reply);
        }
        let (mut last, mut at) = (None, self.tentative.journal.newest());
        let client = client.clone();
        let copies = *copies;
        for write in writes {
            let strong = match (crate::apply::single_key(&write), write.meaning()) {
                (Some(key), Some(meaning)) if is_assignment(&meaning) => {
                    crate::arbitration::strong_time(machine, key)
                }
                _ => Timestamp::ZERO,
            };
            self.tentative.newest += 1;
            let dot = Dot { origin, number: self.tentative.newest };
            let shard = self.tentative.shards.get_mut(&id).expect("seen above");
            let operation = Operation {
                dot,
                predecessor: shard.holdings.newest_of(origin, marks),
                time: self.clock.next(self.now.wall_ms),
                seen: safe,
                held: shard.holdings.newest(origin, marks),
                dep_hlc: session.as_ref().map_or(strong, |session| session.hlc.max(strong)),
                dots: session.as_ref().map(|session| session.dots.clone()).unwrap_or_default(),
                client: client.clone(),
                write,
            };
            at = self.tentative.journal.push(&mut self.log, &Kept::Operation(id, operation.clone()));
            shard.holdings.insert(operation, at, self.now.mono, false);
            self.tentative.own.took(dot.number);
            self.tentative.pending.push_back((at, Pending::Operation(id, dot)));
            if let Some(session) = &mut session {
                session.dots.add(dot);
            }
            last = Some(dot);
        }
        let certificate = Certificate { version, as_of: safe, served_by: self.outbox.me() };
        let outcome = Outcome::Done { reply: together(replies), certificate };
        let answer = answer(request.incarnation, request.id, outcome, session.unwrap_or_default(), last);
        self.tentative.unanswered.push_back(Unanswered {
            at,
            group: id,
            number: self.tentative.newest,
            copies,
            front: request.front,
            answer,
        });
        #[cfg(feature = "planted")]
        if self.config.planted == crate::planted::Planted::OutboxAnsweredBeforeSync {
            let early = self.tentative.unanswered.pop_back().expect("just pushed");
            self.outbox.send(early.front, early.answer);
        }
        Ok(())
    }

    /// Answers without having taken anything.
    pub(super) fn refuse_weak(&mut self, request: &WeakRequest, outcome: Outcome) -> Result<(), Lack> {
        let mut session = request.session.clone().unwrap_or_default();
        if let (Some(_), Outcome::Done { certificate, .. }) = (&request.session, &outcome) {
            // What was found, or what the first application of a numbered write came to, is seen now.
            session.see(certificate.version.max(certificate.as_of));
        }
        self.outbox.send(request.front, answer(request.incarnation, request.id, outcome, session, None));
        Ok(())
    }
}

/// Each of several operations with one client's number would count as a repetition of the first.
pub(super) fn several_of_one_number() -> Failure {
    let why = "a numbered write below sequential must be of one key; send the keys one by one";
    Failure::new(ErrorKind::Invalid, why)
}

pub(super) fn is_a_decision() -> Failure {
    let why = "this command's answer is a decision; ask for sequential or linearizable";
    Failure::new(ErrorKind::Level, why)
}

pub(super) fn key_is_full() -> Failure {
    let why = "this node holds as many undecided writes of this key as it can; try again when links to the other nodes are whole";
    Failure::new(ErrorKind::Retry, why)
}

/// Whether it can lose to a strong write: then its session depends on the newest one that was here.
fn is_assignment(meaning: &Meaning<'_>) -> bool {
    matches!(meaning, Meaning::Assigns | Meaning::AssignsElements(_))
}

fn shard_of(tentative: &super::Tentative, id: GroupId) -> &super::Shard {
    tentative.shards.get(&id).expect("seen by the caller")
}

/// One answer for a command that became several operations: OK, or a sum.
pub(super) fn together(mut replies: Vec<Reply>) -> Reply {
    if replies.len() == 1 {
        return replies.remove(0);
    }
    let sum: i64 = replies.iter().map(|reply| if let Reply::Int(number) = reply { *number } else { 0 }).sum();
    if replies.contains(&Reply::OK) { Reply::OK } else { Reply::Int(sum) }
}
