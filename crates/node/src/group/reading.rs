//! What a group answers to readers: linearizable reads at its leader, sequential ones at any replica.
//!
//! Which reads may be answered is said by `reads` and `safe_reads`; here the state is looked at. A read that meets an expiry which the log has not decided waits for an entry at its time, so that no clock decides it.
//! Reads below sequential look at more than the state: `tentative` has them.

use super::{Group, Surroundings};
use crate::consensus::View;
use crate::machine::Machine;
use crate::marks::{Mark, reached};
#[cfg(feature = "planted")]
use crate::planted::Planted;
use proto::hlc::Timestamp;
#[cfg(feature = "planted")]
use proto::ids::LogIndex;
use proto::ids::NodeId;
use proto::outcome::{Certificate, Outcome, State};
use proto::peer::Message;
use proto::tentative::Dots;

impl Group {
    /// Proves what waits by the lease, or begins a round for it.
    pub(super) fn begin_reads(&mut self, view: View, around: &mut Surroundings<'_>) {
        let reads = &mut self.duties.reads;
        let now = around.now.mono;
        #[cfg(feature = "planted")]
        let now = if around.planted == Planted::LeaseByAnEarlierClock { around.stepped_at } else { now };
        reads.use_lease(now, view.term, view.decided, around.lease);
        if reads.wants_round() {
            let number = reads.begin_round(around.now.mono);
            #[cfg(feature = "planted")]
            if around.planted == Planted::ReadWithoutRound {
                reads.proven(number, view.decided, view.term, around.lease);
            }
            self.replica.0.read_index(number);
        }
    }

    /// Answers the linearizable reads that are proven, as far as what they need is applied.
    pub(super) fn answer_reads(&mut self, around: &mut Surroundings<'_>) {
        if self.duties.reads.is_empty() {
            return;
        }
        let applied = self.applied.0;
        #[cfg(feature = "planted")]
        let applied = if around.planted == Planted::ReadBeforeApplied { LogIndex(u64::MAX) } else { applied };
        let Machine::Shard(shard) = &self.machine else { return };
        let ready = self.duties.reads.take_answerable(applied, |read| {
            shard.sessions.mark(read.front, read.incarnation) >= read.after_write
                && around.tentative.is_settled(self.id, &read.dots, shard.arbitration.marks())
        });
        for mut proven in ready {
            let safe = shard.state.last();
            let wall_ms = around.clock.peek(around.now.wall_ms).wall_ms();
            let judged_at_ms = *proven.read.judged_at_ms.get_or_insert(wall_ms);
            if safe.wall_ms() < judged_at_ms
                && crate::query::needs_empty_entry(&shard.state, judged_at_ms, &proven.read.read)
            {
                reached(Mark::ReadAwaitsExpiry);
                self.duties.want_time(Timestamp::from_wall_ms(judged_at_ms));
                self.duties.reads.put_back(proven);
                continue;
            }
            let answered = crate::query::answer(shard, judged_at_ms.max(safe.wall_ms()), &proven.read.read);
            let certificate =
                Certificate { version: answered.version, as_of: safe, served_by: around.outbox.me() };
            let outcome = Outcome::Done { reply: answered.reply, certificate };
            let message = Message::ReadAnswer {
                incarnation: proven.read.incarnation,
                id: proven.read.id,
                outcome,
                seen: answered.seen,
                dots: answered.dots,
                state: State::Committed,
                age_ms: 0,
            };
            match proven.valid_until {
                Some(until) => self.duties.reads.hold(proven.read, message, until),
                None => around.outbox.send(proven.read.front, message),
            }
        }
    }

    /// The clock has been looked at again since something was read under a lease: what may be said is said.
    pub fn judge_leased(&mut self, around: &mut Surroundings<'_>) {
        let now = around.now.mono;
        #[cfg(feature = "planted")]
        let now = if around.planted == Planted::LeaseByAnEarlierClock { proto::time::Mono(0) } else { now };
        for (front, answer) in self.duties.reads.judge(now) {
            around.outbox.send(front, answer);
        }
    }

    /// Answers the sequential reads for which this replica is new enough, and asks for the time that the others need.
    pub(super) fn answer_safe_reads(&mut self, around: &mut Surroundings<'_>) {
        if self.safe_reads.is_empty() {
            return;
        }
        let Machine::Shard(shard) = &self.machine else { return };
        let (safe, now) = (shard.state.last(), around.now.mono);
        #[cfg(feature = "planted")]
        let safe = match around.planted {
            Planted::SafeTimeByClock => around.clock.peek(around.now.wall_ms),
            _ => safe,
        };
        let settled = |dots: &Dots| around.tentative.is_settled(self.id, dots, shard.arbitration.marks());
        for mut waiting in self.safe_reads.take_answerable(safe, now, settled) {
            let wall_ms = around.clock.peek(around.now.wall_ms).wall_ms();
            if waiting.expiry.is_none()
                && safe.wall_ms() < wall_ms
                && crate::query::needs_empty_entry(&shard.state, wall_ms, &waiting.read.read)
            {
                waiting.await_expiry(Timestamp::from_wall_ms(wall_ms), now);
                self.safe_reads.put_back(waiting);
                continue;
            }
            let answered = crate::query::answer(shard, wall_ms.max(safe.wall_ms()), &waiting.read.read);
            let certificate =
                Certificate { version: answered.version, as_of: safe, served_by: around.outbox.me() };
            let message = Message::ReadAnswer {
                incarnation: waiting.read.incarnation,
                id: waiting.read.id,
                outcome: Outcome::Done { reply: answered.reply, certificate },
                seen: answered.seen,
                dots: answered.dots,
                state: State::Committed,
                age_ms: around.now.wall_ms.saturating_sub(safe.wall_ms()),
            };
            around.outbox.send(waiting.read.front, message);
        }
        let Some(at) = self.safe_reads.to_ask_for(now) else { return };
        let view = self.view();
        if view.serves {
            self.duties.want_time(at);
        } else if view.leader.0 != 0 && !view.leads {
            around.outbox.send(NodeId(view.leader.0), Message::TimeWanted { group: self.id, at });
        }
    }
}
