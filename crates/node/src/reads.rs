//! Linearizable reads of one group, at its leader, without log writes.
//!
//! Reads that arrive together share one quorum round (Ongaro 2014, section 6.4): the round proves that this replica still led when it began, and names the index that must be applied
//! before the reads are answered. A round may be dropped silently (no entry of the term is decided yet, a message was lost), so it is begun again on a timer.
//!
//! A proven round also grants the **lease**: until `sent + election timeout - margin` no other replica can have been elected, so reads need no round at all. It counts from the moment
//! the round was *sent*, ends one tick early, is void for the rest of a term in which a transfer began, and rests on the monotonic clock. What was read under it is held until the clock has been looked at once more
//! (`judge`): if the process slept meanwhile and the lease is over, the read waits for a round like any other. After that look an answer may take as long as it likes: that the lease still held proves that the state
//! was the newest when it was read, which was after the read had arrived. So it may travel to another node, too.
//!
//! Whatever proves a read proves those that arrived before it, so as a rule they are answered in that order. Not always: one may wait for an expiry or for what its session depends on. The front sees to the order of a
//! connection (`front_answers`).
//!
//! Invariant: a read is answered from a state that holds every write answered before the read arrived, and every earlier write of its own connection.

use crate::config::Config;
use crate::marks::{Mark, reached};
use proto::ids::{Incarnation, LogIndex, NodeId, Term};
use proto::ops::Read;
use proto::peer::Message;
use proto::tentative::Dots;
use proto::time::Mono;
use std::time::Duration;

/// A read that waits at the leader.
#[derive(Clone, Debug)]
pub struct PendingRead {
    /// The node whose client waits.
    pub front: NodeId,
    /// That node's start.
    pub incarnation: Incarnation,
    /// Its number there.
    pub id: u64,
    /// The write of the same front's stream that must be applied first; 0 for none.
    pub after_write: u64,
    /// What its session has seen that may not be decided: what these cover in the shard must be, and be applied.
    pub dots: Dots,
    /// When nobody waits any more.
    pub deadline: Mono,
    /// What to read.
    pub read: Read,
    /// The wall clock against which expiries are judged, once it was first looked at, in milliseconds.
    pub judged_at_ms: Option<u64>,
}

/// A read whose index is known.
#[derive(Clone, Debug)]
pub struct ProvenRead {
    /// The read.
    pub read: PendingRead,
    /// It may be answered once this is applied.
    pub index: LogIndex,
    /// It was proven by a lease that ends then; `None` if a round proved it.
    pub valid_until: Option<Mono>,
}

/// What was read under a lease, and may be said once a later look at the clock finds that the lease still held.
#[derive(Debug)]
struct Held {
    read: PendingRead,
    answer: Message,
    until: Mono,
}

#[derive(Debug)]
struct Round {
    number: u64,
    sent: Mono,
    reads: Vec<PendingRead>,
}

/// All reads of one group.
#[derive(Debug, Default)]
pub struct Reads {
    waiting: Vec<PendingRead>,
    rounds: Vec<Round>,
    proven: Vec<ProvenRead>,
    held: Vec<Held>,
    next_round: u64,
    lease: Option<(Term, Mono)>,
    /// The term in which a transfer began: no lease in it again.
    no_lease_in: Option<Term>,
}

/// How long a proven round keeps others from being elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// Whether leases are used at all.
    pub enabled: bool,
    /// The election timeout, less one tick, less what two monotonic clocks may drift apart.
    pub span: Duration,
}

impl LeaseTerms {
    /// The terms that follow from a configuration.
    pub(crate) fn of(config: &Config) -> LeaseTerms {
        if !config.lease {
            return LeaseTerms { enabled: false, span: Duration::ZERO };
        }
        let ticks = u32::try_from(config.pace.election_timeout_ticks.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = config.tick.saturating_mul(ticks);
        let drift = whole / 1000 * config.drift_per_mille;
        LeaseTerms { enabled: true, span: whole.saturating_sub(drift) }
    }
}

impl Reads {
    /// A read arrives. One with dots may wait for long, and its front sends it again: it waits already, unless it asks for less now. Then it counts as new. (Others are not looked for: there may be very many.)
    pub fn add(&mut self, read: PendingRead) {
        if read.dots.is_empty() {
            return self.waiting.push(read);
        }
        let same = |known: &PendingRead| {
            (known.front, known.incarnation, known.id) == (read.front, read.incarnation, read.id)
        };
        let known = self
            .waiting
            .iter()
            .chain(self.rounds.iter().flat_map(|round| &round.reads))
            .chain(self.proven.iter().map(|proven| &proven.read))
            .chain(self.held.iter().map(|held| &held.read))
            .find(|known| same(known));
        if known.is_some_and(|known| known.dots == read.dots) {
            return;
        }
        if known.is_some() {
            self.waiting.retain(|known| !same(known));
            self.rounds.iter_mut().for_each(|round| round.reads.retain(|known| !same(known)));
            self.proven.retain(|proven| !same(&proven.read));
            self.held.retain(|held| !same(&held.read));
        }
        self.waiting.push(read);
    }

    /// Whether a read waits for what its session's dots cover.
    pub fn has_dots(&self) -> bool {
        self.proven.iter().any(|proven| !proven.read.dots.is_empty())
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many reads wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
            + self.proven.len()
            + self.held.len()
            + self.rounds.iter().map(|round| round.reads.len()).sum::<usize>()
    }

    /// Whether reads wait for a round.
    pub fn wants_round(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Proves what waits by the lease, if it holds: the reads need only what is decided by now. What waits for a round came earlier, and is proven with them.
    pub fn use_lease(&mut self, now: Mono, term: Term, decided: LogIndex, terms: LeaseTerms) {
        if self.waiting.is_empty() {
            return;
        }
        let Some((_, until)) = self.lease.filter(|(of, until)| terms.enabled && *of == term && now < *until)
        else {
            return;
        };
        let earlier = std::mem::take(&mut self.rounds).into_iter().flat_map(|round| round.reads);
        for read in earlier.chain(std::mem::take(&mut self.waiting)) {
            reached(Mark::ReadByLease);
            self.proven.push(ProvenRead { read, index: decided, valid_until: Some(until) });
        }
    }

    /// Keeps what was read under a lease that ends at `until`.
    pub fn hold(&mut self, read: PendingRead, answer: Message, until: Mono) {
        self.held.push(Held { read, answer, until });
    }

    /// Whether something was read under a lease and the clock has not been looked at since.
    pub fn awaits_a_look(&self) -> bool {
        !self.held.is_empty()
    }

    /// The clock has been looked at again: the answers that may be given, with the nodes that wait for them. A read whose lease is over waits for a round.
    pub fn judge(&mut self, now: Mono) -> Vec<(NodeId, Message)> {
        let mut good = Vec::with_capacity(self.held.len());
        for Held { read, answer, until } in std::mem::take(&mut self.held) {
            if now < until {
                good.push((read.front, answer));
            } else {
                reached(Mark::LeaseEndedMeanwhile);
                self.waiting.push(read);
            }
        }
        good
    }

    /// Takes what waits into a new round and returns its number for `Replica::read_index`.
    pub fn begin_round(&mut self, now: Mono) -> u64 {
        self.next_round += 1;
        self.rounds.push(Round {
            number: self.next_round,
            sent: now,
            reads: std::mem::take(&mut self.waiting),
        });
        self.next_round
    }

    /// Rounds that have had no answer for `patience` begin again; overdue reads are dropped (their front has answered).
    pub fn retry(&mut self, now: Mono, patience: Duration) {
        for round in self.rounds.extract_if(.., |round| now - round.sent > patience) {
            reached(Mark::ReadRoundRepeated);
            self.waiting.extend(round.reads);
        }
        self.waiting.retain(|read| now < read.deadline);
        self.proven.retain(|proven| now < proven.read.deadline);
    }

    /// A round is proven: its reads, and those of rounds that began before it, need `index` applied. It also renews the lease.
    pub fn proven(&mut self, number: u64, index: LogIndex, term: Term, terms: LeaseTerms) {
        let Some(at) = self.rounds.iter().position(|round| round.number == number) else { return };
        let later = self.rounds.split_off(at + 1);
        let earlier = std::mem::replace(&mut self.rounds, later);
        let Some(round) = earlier.last() else { return };
        if terms.enabled && self.no_lease_in != Some(term) {
            let until = round.sent + terms.span;
            let held = self.lease.filter(|(of, _)| *of == term).map_or(Mono(0), |(_, until)| until);
            self.lease = Some((term, held.max(until)));
        }
        let reads = earlier.into_iter().flat_map(|round| round.reads);
        self.proven.extend(reads.map(|read| ProvenRead { read, index, valid_until: None }));
    }

    /// A transfer begins in this term: the lease ends, for good.
    pub fn give_up_lease(&mut self, term: Term) {
        self.lease = None;
        let under_it = self.proven.extract_if(.., |proven| proven.valid_until.is_some());
        self.waiting.extend(under_it.map(|proven| proven.read));
        self.waiting.extend(std::mem::take(&mut self.held).into_iter().map(|held| held.read));
        self.no_lease_in = Some(term);
    }

    /// The reads that can be answered when `applied` is applied, as far as `ready` (their own connection's writes) agrees.
    pub fn take_answerable(
        &mut self,
        applied: LogIndex,
        mut ready: impl FnMut(&PendingRead) -> bool,
    ) -> Vec<ProvenRead> {
        self.proven.extract_if(.., |proven| proven.index <= applied && ready(&proven.read)).collect()
    }

    /// Puts a proven read back: it must wait for a later entry.
    pub fn put_back(&mut self, proven: ProvenRead) {
        self.proven.push(proven);
    }

    /// Leadership is gone: everything that waits, to be sent back to its front.
    pub fn give_up(&mut self) -> Vec<PendingRead> {
        self.lease = None;
        let mut all = std::mem::take(&mut self.waiting);
        all.extend(std::mem::take(&mut self.rounds).into_iter().flat_map(|round| round.reads));
        all.extend(std::mem::take(&mut self.proven).into_iter().map(|proven| proven.read));
        all.extend(std::mem::take(&mut self.held).into_iter().map(|held| held.read));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::error::Failure;
    use proto::hlc::Timestamp;
    use proto::ops::StringRead;
    use proto::outcome::{Outcome, State};

    const LEASE: LeaseTerms = LeaseTerms { enabled: true, span: Duration::from_millis(100) };

    fn read() -> PendingRead {
        PendingRead {
            front: NodeId(1),
            incarnation: Incarnation(1),
            id: 1,
            after_write: 0,
            dots: Dots::NONE,
            deadline: Mono(u64::MAX),
            read: Read::String(StringRead::Get { key: Bytes::from_static(b"k") }),
            judged_at_ms: None,
        }
    }

    fn proven_lease(reads: &mut Reads) {
        reads.add(read());
        let round = reads.begin_round(Mono(0));
        reads.proven(round, LogIndex(5), Term(2), LEASE);
        assert_eq!(reads.take_answerable(LogIndex(5), |_| true).len(), 1);
    }

    #[test]
    fn a_read_waits_until_its_index_is_applied() {
        let mut reads = Reads::default();
        reads.add(read());
        let round = reads.begin_round(Mono(0));
        assert!(reads.take_answerable(LogIndex(9), |_| true).is_empty());
        reads.proven(round, LogIndex(5), Term(2), LeaseTerms { enabled: false, ..LEASE });
        assert!(reads.take_answerable(LogIndex(4), |_| true).is_empty());
        assert_eq!(reads.take_answerable(LogIndex(5), |_| true).len(), 1);
    }

    #[test]
    fn the_lease_counts_from_the_sending_of_the_round() {
        let mut reads = Reads::default();
        proven_lease(&mut reads);
        reads.add(read());
        let just_before = Mono(Duration::from_millis(99).as_nanos() as u64);
        reads.use_lease(just_before, Term(2), LogIndex(7), LEASE);
        let answerable = reads.take_answerable(LogIndex(7), |_| true);
        assert_eq!(answerable[0].valid_until, Some(Mono(100_000_000)));
        reads.add(read());
        reads.use_lease(Mono(100_000_000), Term(2), LogIndex(7), LEASE);
        assert!(reads.take_answerable(LogIndex(7), |_| true).is_empty());
    }

    #[test]
    fn a_lease_of_another_term_or_after_a_transfer_proves_nothing() {
        let mut reads = Reads::default();
        proven_lease(&mut reads);
        reads.add(read());
        reads.use_lease(Mono(1), Term(3), LogIndex(7), LEASE);
        assert!(reads.take_answerable(LogIndex(7), |_| true).is_empty());
        reads.give_up_lease(Term(2));
        reads.use_lease(Mono(1), Term(2), LogIndex(7), LEASE);
        assert!(reads.take_answerable(LogIndex(7), |_| true).is_empty());
        let round = reads.begin_round(Mono(1));
        reads.proven(round, LogIndex(7), Term(2), LEASE);
        reads.take_answerable(LogIndex(7), |_| true);
        reads.add(read());
        reads.use_lease(Mono(2), Term(2), LogIndex(7), LEASE);
        assert!(
            reads.take_answerable(LogIndex(7), |_| true).is_empty(),
            "no lease again in the term of a transfer"
        );
    }

    fn answer() -> Message {
        let outcome = Outcome::Failed(Failure::unknown());
        let (seen, dots, state) = (Timestamp::ZERO, Dots::NONE, State::Committed);
        Message::ReadAnswer { incarnation: Incarnation(1), id: 1, outcome, seen, dots, state, age_ms: 0 }
    }

    #[test]
    fn what_was_read_under_a_lease_is_said_if_the_lease_still_holds_at_the_next_look() {
        let mut reads = Reads::default();
        reads.hold(read(), answer(), Mono(100));
        reads.hold(read(), answer(), Mono(50));
        assert!(reads.awaits_a_look() && reads.len() == 2);
        assert_eq!(reads.judge(Mono(99)).len(), 1);
        assert!(!reads.awaits_a_look());
        assert!(reads.wants_round(), "the other one must be proven again");
        let round = reads.begin_round(Mono(99));
        reads.proven(round, LogIndex(7), Term(2), LEASE);
        assert_eq!(reads.take_answerable(LogIndex(7), |_| true).len(), 1);
        reads.hold(read(), answer(), Mono(1_000));
        reads.give_up_lease(Term(2));
        assert!(reads.judge(Mono(100)).is_empty(), "nothing is said under a lease that was given up");
        assert_eq!(reads.give_up().len(), 1);
        reads.hold(read(), answer(), Mono(1_000));
        assert_eq!(reads.give_up().len(), 1, "leadership is gone");
        assert!(reads.is_empty());
    }

    #[test]
    fn whatever_proves_a_read_proves_all_that_came_earlier() {
        let numbered = |id| PendingRead { id, ..read() };
        let answered = |reads: &mut Reads| {
            let proven = reads.take_answerable(LogIndex(7), |_| true);
            proven.iter().map(|proven| proven.read.id).collect::<Vec<_>>()
        };
        let mut reads = Reads::default();
        let rounds = [1, 2, 3].map(|id| {
            reads.add(numbered(id));
            reads.begin_round(Mono(id))
        });
        reads.proven(rounds[1], LogIndex(7), Term(2), LEASE);
        assert_eq!(answered(&mut reads), [1, 2]);
        reads.proven(rounds[0], LogIndex(7), Term(2), LEASE);
        reads.add(numbered(4));
        reads.use_lease(Mono(9), Term(2), LogIndex(7), LEASE);
        assert_eq!(answered(&mut reads), [3, 4], "also by the lease");
        assert!(reads.is_empty());
    }

    #[test]
    fn a_round_without_answer_begins_again() {
        let mut reads = Reads::default();
        reads.add(read());
        let first = reads.begin_round(Mono(0));
        reads.retry(Mono(1_000_000_000), Duration::from_millis(50));
        assert!(reads.wants_round());
        let second = reads.begin_round(Mono(1_000_000_000));
        reads.proven(first, LogIndex(1), Term(2), LEASE);
        assert!(reads.take_answerable(LogIndex(1), |_| true).is_empty(), "the old round is forgotten");
        reads.proven(second, LogIndex(1), Term(2), LEASE);
        assert_eq!(reads.take_answerable(LogIndex(1), |_| true).len(), 1);
    }
}
