//! What a leader keeps for others and loses with its leadership: accepted writes on their way into the log, how far each front's stream is accepted, and reads.
//!
//! Each front's writes are accepted strictly in their order (`StreamPosition::previous`), so that a retry after a failover cannot reorder one connection's commands. A write whose deadline has
//! passed is proposed as nothing: its number is used up and no successor has to wait for a gap to be mended.
//!
//! Invariant: what is accepted is proposed in the order of acceptance, or handed back.

use crate::marks::{Mark, reached};
use crate::reads::Reads;
use crate::rebuild::Rebuild;
use bytes::Bytes;
use proto::error::Failure;
use proto::hlc::Timestamp;
use proto::ids::{Incarnation, NodeId, ReplicaId};
use proto::limits::{MAX_STREAM_WINDOW, MAX_UNDECIDED_BYTES_PER_GROUP};
use proto::log_entry::{Deed, LogEntry, StreamPosition};
use proto::peer::{ForwardedWrite, Untaken};
use proto::tentative::{Dots, Fold, Operation, Origin};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Bytes of entries that are proposed in one message.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why there is no room for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The memory limit is reached.
    ForMemory,
    /// The disk is nearly full.
    ForDisk,
}

impl Refusal {
    /// What the writer hears.
    pub fn failure(self) -> Failure {
        match self {
            Refusal::ForMemory => Failure::out_of_memory(),
            Refusal::ForDisk => Failure::disk_full(),
        }
    }
}

/// Something that waits to be proposed.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // nearly all are of the large kind
pub enum Proposal {
    /// A front's write.
    Write {
        /// As it was forwarded.
        forward: ForwardedWrite,
        /// After this moment it is proposed as nothing.
        deadline: Mono,
        /// There is no room for it: it is proposed as a refusal.
        refused: Option<Refusal>,
    },
    /// Nothing but time.
    Empty {
        /// What the safe time is to reach.
        at: Timestamp,
    },
    /// A tentative operation, to be decided.
    Tentative(Box<Operation>),
    /// What may be forgotten.
    Floor {
        /// Up to where.
        floor: Timestamp,
        /// What is known to be decided of each origin.
        folds: Vec<Fold>,
    },
    /// A change of the directory.
    Directory(Bytes),
    /// A replica is taken in anew.
    Rebuilt(ReplicaId, Rebuild),
    /// An origin whose data folder is gone is closed.
    Closed(Origin),
}

/// How a forwarded write was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It waits to be proposed, or is in the log already: its answer comes when it is applied.
    Accepted,
    /// Something before it is missing.
    Gap {
        /// The newest number of the stream that is here.
        after: u64,
    },
    /// From an earlier start of its front: nobody waits for it any more. Were it accepted, the newer start's writes would lose their place, and be accepted twice.
    Stale,
    /// No room.
    Busy,
}

/// A leader's volatile state.
#[derive(Debug, Default)]
pub struct Duties {
    proposals: VecDeque<Proposal>,
    proposal_bytes: usize,
    accepted: BTreeMap<NodeId, (Incarnation, u64)>,
    /// For each origin the newest tentative operation that waits, or was proposed in this leadership.
    submitted: Dots,
    /// The newest timestamp of what was proposed in this leadership.
    proposed: Timestamp,
    /// Since when a time was known that is newer than the shard's last entry.
    behind_since: Option<Mono>,
    poison_noted: bool,
    /// The newest wish of each replica that was proposed in this leadership.
    rebuilds: BTreeMap<ReplicaId, Rebuild>,
    /// The origins that were to be closed in this leadership.
    closed: BTreeSet<Origin>,
    /// Linearizable reads.
    pub reads: Reads,
}

fn weight(proposal: &Proposal) -> usize {
    match proposal {
        Proposal::Write { forward, .. } => forward.write.as_ref().map_or(64, |write| write.weight_bytes()),
        Proposal::Empty { .. } => 16,
        Proposal::Tentative(operation) => operation.weight_bytes(),
        Proposal::Floor { folds, .. } => 32 + 32 * folds.len(),
        Proposal::Directory(change) => change.len(),
        Proposal::Rebuilt(..) | Proposal::Closed(_) => 48,
    }
}

impl Duties {
    /// A new leadership, or the end of one: nothing is accepted yet.
    pub fn begin_leadership(&mut self) {
        self.accepted.clear();
        self.submitted = Dots::NONE;
        self.proposed = Timestamp::ZERO;
        self.behind_since = None;
        self.poison_noted = false;
        self.rebuilds.clear();
        self.closed.clear();
    }

    /// Whether this is the first that is heard of a poisoned replica.
    pub fn note_poison(&mut self) -> bool {
        !std::mem::replace(&mut self.poison_noted, true)
    }

    /// Whether anything waits to be proposed.
    pub fn proposals_wait(&self) -> bool {
        !self.proposals.is_empty()
    }

    /// A front's write, whose stream is applied up to `mark`. One that is `refused` for want of room uses its number up in the log like any other.
    pub fn accept(
        &mut self,
        forward: ForwardedWrite,
        refused: Option<Refusal>,
        mark: u64,
        now: Mono,
    ) -> Acceptance {
        let StreamPosition { front, incarnation, number, previous, .. } = forward.position;
        let newest = match self.accepted.get(&front) {
            Some((of, _)) if *of > incarnation => return Acceptance::Stale,
            Some((of, newest)) if *of == incarnation => (*newest).max(mark),
            _ => mark,
        };
        if number <= newest {
            return Acceptance::Accepted;
        }
        if previous != newest {
            return Acceptance::Gap { after: newest };
        }
        if self.proposals.len() >= 4 * MAX_STREAM_WINDOW
            || self.proposal_bytes >= MAX_UNDECIDED_BYTES_PER_GROUP
        {
            return Acceptance::Busy;
        }
        self.accepted.insert(front, (incarnation, number));
        let deadline = now + Duration::from_millis(forward.deadline_ms);
        self.push(Proposal::Write { forward, deadline, refused });
        Acceptance::Accepted
    }

    /// A tentative operation that some holder hands in, where the state's marks are `marks`. It waits to be proposed if everything that must be decided before it is, or was proposed before: each origin's come in their order, and after
    /// what they had held of others'. Otherwise it is handed in again.
    pub fn accept_tentative(&mut self, operation: Operation, marks: &Dots) {
        let dot = operation.dot;
        let newest = |origin: Origin| self.submitted.of(origin).max(marks.of(origin));
        let is_next = operation.predecessor == newest(dot.origin) && dot.number > operation.predecessor;
        let follows = operation.held.iter().all(|held| newest(held.origin) >= held.number);
        if !is_next || !follows || self.proposal_bytes >= MAX_UNDECIDED_BYTES_PER_GROUP {
            reached(Mark::SubmittedOutOfOrder);
            return;
        }
        self.submitted.add(dot);
        self.push(Proposal::Tentative(Box::new(operation)));
    }

    /// An operation was proposed too early: what was submitted is handed in again.
    pub fn forget_submitted(&mut self) {
        self.submitted = Dots::NONE;
    }

    /// What every origin has promised.
    pub fn propose_floor(&mut self, floor: Timestamp, folds: Vec<Fold>) {
        self.push(Proposal::Floor { floor, folds });
    }

    /// A change of the directory.
    pub fn propose_directory(&mut self, change: Bytes) {
        self.push(Proposal::Directory(change));
    }

    /// A replica asks to be taken in anew. Answers whether that is news in this leadership.
    pub fn propose_rebuilt(&mut self, replica: ReplicaId, rebuild: Rebuild) -> bool {
        let is_news = self.rebuilds.insert(replica, rebuild) != Some(rebuild);
        if is_news {
            self.push(Proposal::Rebuilt(replica, rebuild));
        }
        is_news
    }

    /// Nothing is left of an origin whose data folder is gone.
    pub fn propose_closed(&mut self, origin: Origin) {
        if self.closed.insert(origin) {
            self.push(Proposal::Closed(origin));
        }
    }

    /// A reader needs the safe time to reach `at`. It asks again in every round until it has, and that may take as long as the log's sync does: nothing is proposed that would not bring the time
    /// further than what is on its way. An empty entry stands exactly at what was asked for, so that it gives no other shard cause to follow.
    pub fn want_time(&mut self, at: Timestamp) {
        if at <= self.proposed {
            return;
        }
        let queued = self.proposals.iter_mut().find_map(|proposal| match proposal {
            Proposal::Empty { at } => Some(at),
            _ => None,
        });
        match queued {
            Some(queued) => *queued = at.max(*queued),
            None => self.push(Proposal::Empty { at }),
        }
    }

    /// Looks once a tick whether the shard, whose last entry stands at `last`, has been behind the newest known time for too long.
    pub fn keep_up(&mut self, last: Timestamp, newest: Timestamp, now: Mono, interval: Duration) {
        if newest <= last.max(self.proposed) {
            self.behind_since = None;
        } else if now - *self.behind_since.get_or_insert(now) >= interval {
            self.behind_since = None;
            reached(Mark::EmptyEntryAtRest);
            self.want_time(newest);
        }
    }

    fn push(&mut self, proposal: Proposal) {
        self.proposal_bytes += weight(&proposal);
        self.proposals.push_back(proposal);
    }

    /// The next entries to propose together, encoded, with what to put back if the library does not take them.
    pub fn next_batch(
        &mut self,
        now: Mono,
        mut stamp: impl FnMut() -> Timestamp,
    ) -> (Vec<Bytes>, Vec<Proposal>) {
        let (mut entries, mut taken, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(next) = self.proposals.front() {
            let next_bytes = weight(next);
            if bytes + next_bytes > BATCH_BYTES && !entries.is_empty() {
                break;
            }
            bytes += next_bytes;
            self.proposal_bytes -= next_bytes;
            let proposal = self.proposals.pop_front().expect("just seen");
            let proposed = if let Proposal::Empty { at } = proposal { at } else { stamp() };
            self.proposed = self.proposed.max(proposed);
            let (entry, back) = into_entry(proposal, now, proposed);
            entries.push(entry);
            taken.push(back);
        }
        (entries, taken)
    }

    /// The library did not take a batch: it waits again, in front.
    pub fn put_back(&mut self, taken: Vec<Proposal>) {
        reached(Mark::ProposalPutBack);
        for proposal in taken.into_iter().rev() {
            self.proposal_bytes += weight(&proposal);
            self.proposals.push_front(proposal);
        }
    }

    /// Leadership is gone: what was not proposed, and every read, to be sent back to its front.
    pub fn give_up(&mut self) -> Vec<(NodeId, Incarnation, Untaken)> {
        let mut back = Vec::new();
        for proposal in self.proposals.drain(..) {
            if let Proposal::Write { forward, .. } = proposal {
                let position = forward.position;
                back.push((position.front, position.incarnation, Untaken::Write(position.number)));
            }
        }
        self.proposal_bytes = 0;
        if !back.is_empty() {
            reached(Mark::WorkSentBack);
        }
        back.extend(
            self.reads
                .give_up()
                .into_iter()
                .map(|read| (read.front, read.incarnation, Untaken::Read(read.id))),
        );
        back
    }
}

/// The entry's bytes, and the proposal again in case it is not taken.
fn into_entry(proposal: Proposal, now: Mono, proposed: Timestamp) -> (Bytes, Proposal) {
    // The weight has room for the entry's head: the buffer is made once.
    let room_bytes = weight(&proposal);
    let encode = |entry: &LogEntry| {
        let buffer = Vec::with_capacity(room_bytes);
        Bytes::from(postcard::to_extend(entry, buffer).expect("encoding to memory cannot fail"))
    };
    match proposal {
        Proposal::Empty { at } => (encode(&LogEntry::Empty { proposed }), Proposal::Empty { at }),
        Proposal::Directory(change) => {
            (encode(&LogEntry::Directory { proposed, change: change.clone() }), Proposal::Directory(change))
        }
        Proposal::Rebuilt(replica, rebuild) => {
            let Rebuild { nonce, folder } = rebuild;
            let entry = LogEntry::Rebuilt { proposed, replica, nonce, folder };
            (encode(&entry), Proposal::Rebuilt(replica, rebuild))
        }
        Proposal::Closed(origin) => {
            (encode(&LogEntry::Closed { proposed, origin }), Proposal::Closed(origin))
        }
        Proposal::Tentative(operation) => {
            let entry = LogEntry::Tentative { proposed, operation: *operation };
            let bytes = encode(&entry);
            let LogEntry::Tentative { operation, .. } = entry else { unreachable!("made above") };
            (bytes, Proposal::Tentative(Box::new(operation)))
        }
        Proposal::Floor { floor, folds } => {
            let entry = LogEntry::Floor { proposed, floor, folds: folds.clone() };
            (encode(&entry), Proposal::Floor { floor, folds })
        }
        Proposal::Write { forward, deadline, refused } => {
            let ForwardedWrite { position, deadline_ms, session, client, write } = forward;
            let deed = match (refused, write) {
                (Some(Refusal::ForMemory), _) => Deed::RefuseForMemory,
                (Some(Refusal::ForDisk), _) => Deed::RefuseForDisk,
                (None, Some(write)) if now < deadline => Deed::Apply(write),
                (None, _) => {
                    reached(Mark::WritePastDeadline);
                    Deed::Nothing
                }
            };
            let entry = LogEntry::Write { proposed, position, client, deed };
            let bytes = encode(&entry);
            let LogEntry::Write { client, deed, .. } = entry else { unreachable!("made above") };
            // What is left out here is not missed: a refusal stays one, and a deadline stays past.
            let write = if let Deed::Apply(write) = deed { Some(write) } else { None };
            let forward = ForwardedWrite { position, deadline_ms, session, client, write };
            (bytes, Proposal::Write { forward, deadline, refused })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ops::{StringWrite, Write};

    fn forward(number: u64, previous: u64) -> ForwardedWrite {
        let position = StreamPosition {
            front: NodeId(1),
            incarnation: Incarnation(1),
            number,
            previous,
            acknowledged: 0,
        };
        let write = Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 });
        ForwardedWrite {
            position,
            deadline_ms: 10,
            session: Timestamp::ZERO,
            client: None,
            write: Some(write),
        }
    }

    #[test]
    fn writes_of_one_front_are_accepted_in_their_order_only() {
        let mut duties = Duties::default();
        assert_eq!(duties.accept(forward(2, 1), None, 0, Mono(0)), Acceptance::Gap { after: 0 });
        assert_eq!(duties.accept(forward(1, 0), None, 0, Mono(0)), Acceptance::Accepted);
        assert_eq!(duties.accept(forward(2, 1), None, 0, Mono(0)), Acceptance::Accepted);
        let (entries, _) = duties.next_batch(Mono(0), || Timestamp(1));
        assert_eq!(entries.len(), 2);
        assert_eq!(
            duties.accept(forward(2, 1), None, 0, Mono(0)),
            Acceptance::Accepted,
            "a repetition is not proposed again"
        );
        assert!(!duties.proposals_wait());
    }

    #[test]
    fn a_delayed_write_of_an_earlier_start_does_not_make_a_newer_ones_be_accepted_twice() {
        let mut duties = Duties::default();
        let delayed = forward(1, 0);
        let mut newer = forward(1, 0);
        newer.position.incarnation = Incarnation(2);
        assert_eq!(duties.accept(newer.clone(), None, 0, Mono(0)), Acceptance::Accepted);
        assert_eq!(duties.accept(delayed, None, 0, Mono(0)), Acceptance::Stale);
        assert_eq!(duties.accept(newer, None, 0, Mono(0)), Acceptance::Accepted);
        let (entries, _) = duties.next_batch(Mono(0), || Timestamp(1));
        assert_eq!(entries.len(), 1, "the repetition is not proposed again");
    }

    #[test]
    fn a_reader_that_asks_again_and_again_gets_one_empty_entry_at_the_time_that_it_needs() {
        let mut duties = Duties::default();
        duties.want_time(Timestamp(5));
        duties.want_time(Timestamp(7));
        let (entries, _) = duties.next_batch(Mono(0), || panic!("no new time"));
        assert_eq!(entries.len(), 1);
        let entry: LogEntry = postcard::from_bytes(&entries[0]).unwrap();
        assert_eq!(entry, LogEntry::Empty { proposed: Timestamp(7) });
        duties.want_time(Timestamp(7));
        assert!(!duties.proposals_wait());
        duties.want_time(Timestamp(8));
        assert!(duties.proposals_wait());
    }

    #[test]
    fn a_shard_follows_the_newest_time_after_the_interval_and_rests_then() {
        let mut duties = Duties::default();
        let interval = Duration::from_nanos(100);
        duties.keep_up(Timestamp(5), Timestamp(5), Mono(0), interval);
        duties.keep_up(Timestamp(5), Timestamp(6), Mono(10), interval);
        duties.keep_up(Timestamp(5), Timestamp(8), Mono(109), interval);
        assert!(!duties.proposals_wait());
        duties.keep_up(Timestamp(5), Timestamp(9), Mono(110), interval);
        let (entries, _) = duties.next_batch(Mono(0), || panic!("no new time"));
        assert_eq!(entries.len(), 1);
        for now in [111, 300, 900] {
            duties.keep_up(Timestamp(5), Timestamp(9), Mono(now), interval);
            assert!(!duties.proposals_wait(), "what is proposed will be applied");
        }
    }

    #[test]
    fn a_write_past_its_deadline_is_proposed_as_nothing() {
        let mut duties = Duties::default();
        duties.accept(forward(1, 0), None, 0, Mono(0));
        let (entries, _) = duties.next_batch(Mono(11_000_000), || Timestamp(1));
        let entry: LogEntry = postcard::from_bytes(&entries[0]).unwrap();
        assert!(matches!(entry, LogEntry::Write { deed: Deed::Nothing, .. }));
    }

    #[test]
    fn a_write_for_which_there_is_no_room_is_proposed_as_a_refusal_also_if_it_waits_again() {
        let mut duties = Duties::default();
        duties.accept(forward(1, 0), Some(Refusal::ForMemory), 0, Mono(0));
        for _ in 0..2 {
            let (entries, taken) = duties.next_batch(Mono(0), || Timestamp(1));
            let entry: LogEntry = postcard::from_bytes(&entries[0]).unwrap();
            assert!(matches!(entry, LogEntry::Write { deed: Deed::RefuseForMemory, .. }));
            duties.put_back(taken);
        }
    }

    #[test]
    fn what_was_not_proposed_goes_back_when_leadership_is_lost() {
        let mut duties = Duties::default();
        duties.accept(forward(1, 0), None, 0, Mono(0));
        let (_, taken) = duties.next_batch(Mono(0), || Timestamp(1));
        duties.put_back(taken);
        assert_eq!(duties.give_up(), vec![(NodeId(1), Incarnation(1), Untaken::Write(1))]);
    }
}
