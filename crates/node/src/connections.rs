//! What the front knows of one client connection: its session, what it has under way, and what waits behind that.
//!
//! Program order is the order of replies, and commands to one shard keep the order in which they came (`docs/consistency.md`, sessions, rule 7). Most of them need not wait for each other to keep it: strong writes are
//! numbered, a linearizable read names the write that it must see, and weak writes for our own replica arrive there in their order. The others wait: a strong write for the earlier reads and weak writes of its shard; a
//! linearizable read for the weak writes; a read below linearizable (an *ordered* one) for everything earlier at its shard, because where it stands is only known to follow theirs when they are answered; any read for an
//! earlier ordered one, which may be answered long after it; and a weak write for everything but weak writes of its own kind. Linearizable reads may all be under way at once, and one that was lost and sent again is
//! read later than those behind it: so their answers are taken in line, and whichever is older than the one before it is asked for again. A request that may be tried both as strong and as weak waits as both and is waited for as both.
//!
//! Invariant: what waits leaves in the order in which it came.

use crate::flights::Climb;
use crate::front_copies::Written;
use crate::plan::{Gather, Operation};
use crate::streams::PartId;
use proto::command::Request;
use proto::error::Failure;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, RequestId};
use proto::level::Level;
use proto::session::Session;
use proto::time::Mono;
use std::collections::VecDeque;

/// A request that waits, with its deadline.
pub type Waiting = (RequestId, Request, Mono);

/// What the first waiting request was found to be.
#[derive(Debug)]
pub(crate) struct Planned {
    /// How its answers are put together.
    pub(crate) gather: Gather,
    /// Its operations.
    pub(crate) operations: Vec<(GroupId, Operation)>,
    /// What it waits for, and what waits for it.
    pub(crate) nature: Nature,
    /// Its ladder. A rung has begun if only its session still has to be folded.
    pub(crate) climb: Climb,
    /// When the rung ends that has begun.
    pub(crate) until: Option<Mono>,
    /// What its session waits for, in the words that the client hears if it waits too long.
    pub(crate) hindrance: Option<Failure>,
    /// Its session before anything of it was folded, for a bug that is planted.
    #[cfg(feature = "planted")]
    pub(crate) unfolded: Option<Session>,
}

/// What a request is to those of its connection that are under way at the same shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A linearizable read.
    Read,
    /// A read that may be answered below linearizable.
    OrderedRead,
    /// A write through the log, whatever happens.
    Strong,
    /// A write through the log, or below if nobody takes it there.
    Either,
    /// A weak write. At one level, and in the connection's own session: then it keeps its order among others like it, as long as our own replica takes them.
    Weak(Option<Level>),
}

/// One client connection.
#[derive(Debug, Default)]
pub struct Connection {
    /// What it has written and seen, as far as it has been told.
    pub session: Session,
    /// What it has written, for who wants to know where that is.
    pub(crate) written: Written,
    /// The WAIT that it has under way.
    pub(crate) wait: Option<u64>,
    /// Requests that have not begun.
    pub waiting: VecDeque<Waiting>,
    /// What the first of them is, if it was found that it has to wait.
    pub(crate) planned: Option<Planned>,
    /// When it is to be looked at again because the first of them waits for its session to be folded.
    pub(crate) wake: Option<Mono>,
    busy: Vec<Busy>,
}

/// What a connection has under way at one group.
#[derive(Debug)]
struct Busy {
    group: GroupId,
    reads: usize,
    /// Of the reads, those that may be answered below linearizable.
    ordered: usize,
    /// Writes through the log.
    writes: usize,
    last_write: u64,
    /// Weak writes.
    weak: usize,
    /// At which level they all are and in order; `None`: nothing may begin behind them.
    weak_order: Option<Level>,
    /// The number of the newest weak write.
    last_weak: u64,
    /// The linearizable reads that have no answer, in the order in which they came.
    line: VecDeque<PartId>,
    /// Those of them whose answer has come before an earlier one's, and the state that it shows.
    early: Vec<(PartId, Timestamp)>,
    /// The newest state that a read has shown whose answer was taken.
    shown: Timestamp,
}

/// What follows when a linearizable read leaves the line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LineMoves {
    /// The answer to this one had come early, and its turn has come.
    pub(crate) next: Option<PartId>,
    /// The answers to these had come early, and are too old now.
    pub(crate) again: Vec<PartId>,
}

/// What becomes of an answer to a linearizable read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is taken.
    Now,
    /// An earlier read of its connection and shard has no answer yet.
    Early,
    /// An earlier one has shown a newer state.
    Old,
}

impl Busy {
    fn lets(&self, nature: Nature) -> bool {
        let is_strong_free = self.reads == 0 && self.weak == 0;
        match nature {
            Nature::Read => self.ordered == 0 && self.weak == 0,
            Nature::OrderedRead => false,
            Nature::Strong => is_strong_free,
            Nature::Either => is_strong_free && self.writes == 0,
            Nature::Weak(order) => {
                let keeps_order = order.is_some() && order == self.weak_order;
                self.reads == 0 && self.writes == 0 && (self.weak == 0 || keeps_order)
            }
        }
    }
}

impl Connection {
    /// Whether it has nothing under way, nothing that waits, and nothing to remember.
    pub fn is_forgettable(&self) -> bool {
        self.is_quiet()
            && self.waiting.is_empty()
            && self.session.is_empty()
            && self.written.is_empty()
            && self.wait.is_none()
    }

    /// Whether nothing is under way.
    pub fn is_quiet(&self) -> bool {
        self.busy.is_empty()
    }

    /// Whether these operations may begin beside what is under way.
    pub(crate) fn may_begin(&self, operations: &[(GroupId, Operation)], nature: Nature) -> bool {
        self.busy.is_empty()
            || operations.iter().all(|(group, _)| {
                self.busy.iter().find(|busy| busy.group == *group).is_none_or(|busy| busy.lets(nature))
            })
    }

    /// An operation of this nature begins.
    pub(crate) fn begin(&mut self, group: GroupId, nature: Nature) {
        let busy = self.busy_at(group);
        match nature {
            Nature::Read => busy.reads += 1,
            Nature::OrderedRead => {
                busy.reads += 1;
                busy.ordered += 1;
            }
            Nature::Strong => busy.writes += 1,
            Nature::Either => {
                busy.writes += 1;
                busy.weak += 1;
                busy.weak_order = None;
            }
            Nature::Weak(order) => {
                busy.weak_order = order.filter(|_| busy.weak == 0 || busy.weak_order == order);
                busy.weak += 1;
            }
        }
    }

    /// A linearizable read of this group begins.
    pub(crate) fn stands_in_line(&mut self, group: GroupId, read: PartId) {
        self.busy_at(group).line.push_back(read);
    }

    /// What becomes of an answer to this read, from the state of `as_of`. One that is early is noted: it is named when its turn comes, or when it has become too old.
    pub(crate) fn turn(&mut self, group: GroupId, read: PartId, as_of: Timestamp) -> Turn {
        let Some(busy) = self.busy.iter_mut().find(|busy| busy.group == group) else { return Turn::Now };
        if as_of < busy.shown {
            return Turn::Old;
        }
        if busy.line.front().is_some_and(|first| *first != read) && busy.line.contains(&read) {
            busy.early.push((read, as_of));
            return Turn::Early;
        }
        Turn::Now
    }

    /// A read has its answer, from the state of `as_of`, or will have none.
    pub(crate) fn leaves_line(
        &mut self,
        group: GroupId,
        read: PartId,
        as_of: Option<Timestamp>,
    ) -> LineMoves {
        let Some(busy) = self.busy.iter_mut().find(|busy| busy.group == group) else {
            return LineMoves::default();
        };
        busy.shown = busy.shown.max(as_of.unwrap_or_default());
        busy.line.retain(|waiting| *waiting != read);
        busy.early.retain(|(early, _)| *early != read);
        // All at once: one after the other, each would make the one behind it too old.
        let again =
            busy.early.extract_if(.., |(_, shows)| *shows < busy.shown).map(|(read, _)| read).collect();
        let first = busy.line.front();
        let next = busy.early.iter().position(|(early, _)| first == Some(early));
        LineMoves { next: next.map(|at| busy.early.swap_remove(at).0), again }
    }

    /// The reads whose answers have come early.
    pub(crate) fn early(&self) -> impl Iterator<Item = PartId> + '_ {
        self.busy.iter().flat_map(|busy| busy.early.iter().map(|(read, _)| *read))
    }

    /// The number of the strong write that has just begun.
    pub(crate) fn wrote(&mut self, group: GroupId, number: u64) {
        self.busy_at(group).last_write = number;
    }

    /// The number of the weak write that has just begun.
    pub(crate) fn wrote_weakly(&mut self, group: GroupId, number: u64) {
        self.busy_at(group).last_weak = number;
    }

    /// Our own replica did not take weak write `number`, which is called `again` from now on. Says whether others of this connection went behind it; if not, none will, until it is answered.
    pub(crate) fn is_overtaken(&mut self, group: GroupId, number: u64, again: u64) -> bool {
        let Some(busy) = self.busy.iter_mut().find(|busy| busy.group == group) else { return false };
        if busy.weak > 1 && busy.last_weak != number {
            return true;
        }
        (busy.last_weak, busy.weak_order) = (again, None);
        false
    }

    /// The number of the strong write that a read of this group must see; 0 for none.
    pub(crate) fn write_before(&self, group: GroupId) -> u64 {
        let busy = self.busy.iter().find(|busy| busy.group == group && busy.writes > 0);
        busy.map_or(0, |busy| busy.last_write)
    }

    /// An operation of this nature has ended.
    pub(crate) fn end(&mut self, group: GroupId, nature: Nature) {
        if let Some(busy) = self.busy.iter_mut().find(|busy| busy.group == group) {
            match nature {
                Nature::Read => busy.reads -= 1,
                Nature::OrderedRead => {
                    busy.reads -= 1;
                    busy.ordered -= 1;
                }
                Nature::Strong => busy.writes -= 1,
                Nature::Either => {
                    busy.writes -= 1;
                    busy.weak -= 1;
                }
                Nature::Weak(_) => busy.weak -= 1,
            }
        }
        self.busy.retain(|busy| busy.reads > 0 || busy.writes > 0 || busy.weak > 0);
    }

    fn busy_at(&mut self, group: GroupId) -> &mut Busy {
        let at = match self.busy.iter().position(|busy| busy.group == group) {
            Some(at) => at,
            None => {
                self.busy.push(Busy {
                    group,
                    reads: 0,
                    ordered: 0,
                    writes: 0,
                    last_write: 0,
                    weak: 0,
                    weak_order: None,
                    last_weak: 0,
                    line: VecDeque::new(),
                    early: Vec::new(),
                    shown: Timestamp::ZERO,
                });
                self.busy.len() - 1
            }
        };
        &mut self.busy[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::ops::{Read, StringRead};

    const HERE: GroupId = GroupId(1);
    const CAUSAL: Nature = Nature::Weak(Some(Level::Causal));

    /// Whether each of these may begin: a linearizable read, an ordered read, a strong write, one that may step down, a causal and an eventual write.
    fn may_begin(connection: &Connection) -> [bool; 6] {
        let operation = [(HERE, Operation::Read(Read::String(StringRead::Get { key: Bytes::new() })))];
        let eventual = Nature::Weak(Some(Level::Eventual));
        [Nature::Read, Nature::OrderedRead, Nature::Strong, Nature::Either, CAUSAL, eventual]
            .map(|nature| connection.may_begin(&operation, nature))
    }

    fn behind(nature: Nature) -> [bool; 6] {
        let mut connection = Connection::default();
        connection.begin(HERE, nature);
        let what = may_begin(&connection);
        connection.end(HERE, nature);
        assert_eq!(may_begin(&connection), [true; 6]);
        what
    }

    #[test]
    fn what_could_overtake_waits_and_nothing_else() {
        assert_eq!(may_begin(&Connection::default()), [true; 6]);
        assert_eq!(behind(Nature::Strong), [true, false, true, false, false, false]);
        assert_eq!(behind(Nature::Read), [true, false, false, false, false, false]);
        assert_eq!(behind(Nature::OrderedRead), [false; 6]);
        assert_eq!(behind(Nature::Either), [false; 6]);
        assert_eq!(behind(CAUSAL), [false, false, false, false, true, false]);
        assert_eq!(behind(Nature::Weak(None)), [false; 6]);
        let mut connection = Connection::default();
        connection.begin(GroupId(2), Nature::OrderedRead);
        assert_eq!(may_begin(&connection), [true; 6], "another shard's read is no hindrance");
    }

    #[test]
    fn answers_to_linearizable_reads_are_taken_in_line_and_never_older_than_the_one_before() {
        let mut connection = Connection::default();
        let reads = [1, 2, 3, 4, 5].map(|flight| PartId { flight, part: 0 });
        let [first, second, third, fourth, fifth] = reads;
        for read in reads {
            connection.begin(HERE, Nature::Read);
            connection.stands_in_line(HERE, read);
        }
        for (read, as_of) in [(second, 9), (third, 5), (fourth, 6), (fifth, 7)] {
            assert_eq!(connection.turn(HERE, read, Timestamp(as_of)), Turn::Early);
        }
        assert_eq!(connection.turn(HERE, first, Timestamp(7)), Turn::Now);
        let given_up = connection.leaves_line(HERE, second, None);
        assert_eq!(given_up, LineMoves::default(), "the first is still the first");
        let moves = connection.leaves_line(HERE, first, Some(Timestamp(7)));
        assert_eq!(moves, LineMoves { next: None, again: vec![third, fourth] }, "both at once");
        assert_eq!(connection.turn(HERE, fourth, Timestamp(6)), Turn::Old, "though it is not the first");
        assert_eq!(connection.turn(HERE, fourth, Timestamp(8)), Turn::Early);
        assert_eq!(connection.leaves_line(HERE, third, Some(Timestamp(7))).next, Some(fourth));
        assert_eq!(connection.leaves_line(HERE, fourth, Some(Timestamp(8))).again, [fifth]);
        assert_eq!(connection.turn(HERE, fifth, Timestamp(8)), Turn::Now);
        assert_eq!(connection.turn(HERE, first, Timestamp(8)), Turn::Now, "an answer that came twice");
        assert_eq!(connection.turn(GroupId(2), first, Timestamp(1)), Turn::Now, "another shard");
        assert_eq!(connection.early().count(), 0);
    }

    #[test]
    fn a_weak_write_that_was_refused_keeps_its_place_or_gives_up() {
        let mut connection = Connection::default();
        for number in [4, 5] {
            connection.begin(HERE, CAUSAL);
            connection.wrote_weakly(HERE, number);
        }
        assert!(connection.is_overtaken(HERE, 4, 6), "5 went behind it");
        assert!(!connection.is_overtaken(HERE, 5, 7));
        assert!(!may_begin(&connection)[4], "nothing may go behind what is tried again");
    }

    #[test]
    fn a_read_names_the_write_that_it_must_see_while_that_is_under_way() {
        let mut connection = Connection::default();
        connection.begin(HERE, Nature::Strong);
        connection.wrote(HERE, 7);
        assert_eq!(connection.write_before(HERE), 7);
        connection.end(HERE, Nature::Strong);
        assert_eq!(connection.write_before(HERE), 0);
    }
}
