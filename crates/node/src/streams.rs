//! The front's side of exactly once: all writes of this node's clients to one group, in one numbered order, sent until they are answered.
//!
//! One stream a group, not one a connection: the table at the other end then has one row a node (`docs/decisions/0020`). Sending is go-back-N: a new leader, a gap, or silence
//! means "send again from here"; the state machine answers repetitions as before. A write that was never handed over can be taken back when its deadline passes; one that was is
//! answered *unknown* and its number is used up by sending it again as nothing, so that its successors are not held back.
//!
//! Invariant: numbers leave in order, each naming the one before it; an entry is forgotten only when it and all before it are answered.

use crate::marks::{Mark, reached};
use crate::outbox::Outbox;
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::{GroupId, Incarnation, NodeId};
use proto::limits::{MAX_STREAM_BYTES, MAX_STREAM_WINDOW};
use proto::log_entry::{ClientNumber, StreamPosition};
use proto::ops::Write;
use proto::peer::{ForwardedWrite, Message, WhyNotTaken};
use proto::time::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// After this long without a word the leader is asked again.
const PATIENCE: Duration = Duration::from_millis(300);
/// After a refusal the next attempt waits this long.
const BREATH: Duration = Duration::from_millis(10);

/// Names a part of a client's request (`requests`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartId {
    /// The request under way.
    pub flight: u64,
    /// Its part.
    pub part: usize,
}

#[derive(Debug)]
struct Pending {
    number: u64,
    /// Who waits; `None` once answered.
    waiter: Option<PartId>,
    write: Option<Write>,
    client: Option<ClientNumber>,
    /// What the writer's session had seen when it asked.
    session: Timestamp,
    deadline: Mono,
    /// The nodes that it was sent to. Only this node's own refusal takes it off the list.
    handed_to: Vec<NodeId>,
}

/// One group's stream.
#[derive(Debug)]
pub struct Stream {
    group: GroupId,
    next_number: u64,
    /// The newest number that is answered together with all before it.
    acknowledged: u64,
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    /// How many of `pending`, from the front, the present target has been sent.
    sent: usize,
    target: Option<NodeId>,
    quiet_until: Mono,
    last_word: Mono,
}

impl Stream {
    /// An empty stream to a group.
    pub fn new(group: GroupId) -> Stream {
        Stream {
            group,
            next_number: 1,
            acknowledged: 0,
            pending: VecDeque::new(),
            pending_bytes: 0,
            sent: 0,
            target: None,
            quiet_until: Mono(0),
            last_word: Mono(0),
        }
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether something waits to be sent.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.pending.len()
    }

    /// Adds a write and returns its number. It leaves with the next `send`.
    pub fn add(
        &mut self,
        waiter: PartId,
        write: Write,
        client: Option<ClientNumber>,
        session: Timestamp,
        deadline: Mono,
    ) -> Result<u64, Failure> {
        let bytes = write.weight_bytes();
        if self.pending.len() >= MAX_STREAM_WINDOW || self.pending_bytes + bytes > MAX_STREAM_BYTES {
            return Err(Failure::new(
                ErrorKind::Retry,
                "this node has too many writes to one shard under way; slow down and try again",
            ));
        }
        self.pending_bytes += bytes;
        let number = self.next_number;
        self.next_number += 1;
        self.pending.push_back(Pending {
            number,
            waiter: Some(waiter),
            write: Some(write),
            client,
            session,
            deadline,
            handed_to: Vec::new(),
        });
        Ok(number)
    }

    /// Sends what the leader has not been sent yet.
    pub fn send(&mut self, leader: Option<NodeId>, incarnation: Incarnation, now: Mono, outbox: &mut Outbox) {
        if self.target != leader {
            self.target = leader;
            self.sent = 0;
        } else if self.sent > 0 && now - self.last_word > PATIENCE {
            reached(Mark::StreamSentAgain);
            self.sent = 0;
        }
        let Some(target) = leader.filter(|leader| now >= self.quiet_until && outbox.may_hand_to(*leader))
        else {
            return;
        };
        if self.sent >= self.pending.len() {
            return;
        }
        if self.sent == 0 {
            self.last_word = now;
        }
        let mut previous =
            if self.sent == 0 { self.acknowledged } else { self.pending[self.sent - 1].number };
        for pending in self.pending.iter_mut().skip(self.sent) {
            let position = StreamPosition {
                front: outbox.me(),
                incarnation,
                number: pending.number,
                previous,
                acknowledged: self.acknowledged,
            };
            previous = pending.number;
            pending.handed_to.push(target);
            let deadline_ms = u64::try_from((pending.deadline - now).as_millis()).unwrap_or(u64::MAX);
            let forward = ForwardedWrite {
                position,
                deadline_ms,
                session: pending.session,
                client: pending.client.clone(),
                write: pending.write.clone(),
            };
            outbox.send(target, Message::ForwardWrite { group: self.group, forward });
        }
        self.sent = self.pending.len();
    }

    /// An answer: returns who waits for it. The stream moves on.
    pub fn answered(&mut self, number: u64, now: Mono) -> Option<PartId> {
        self.last_word = now;
        let at = self.at(number)?;
        let pending = &mut self.pending[at];
        let waiter = pending.waiter.take();
        if let Some(write) = pending.write.take() {
            self.pending_bytes -= write.weight_bytes();
        }
        pending.deadline = Mono(0);
        // An answered entry keeps its place until all before it are answered; sent again, it would be answered from the table.
        pending.handed_to.clear();
        pending.client = None;
        pending.handed_to.push(NodeId(0));
        while let Some(first) = self.pending.front() {
            let done = first.waiter.is_none() && first.write.is_none() && first.handed_to == [NodeId(0)];
            if !done {
                break;
            }
            self.acknowledged = first.number;
            self.pending.pop_front();
            self.sent = self.sent.saturating_sub(1);
        }
        waiter
    }

    /// A refusal by `from`: the write is sent again, later or to another.
    pub fn refused(&mut self, from: NodeId, own: bool, number: u64, why: WhyNotTaken, now: Mono) {
        self.last_word = now;
        let Some(at) = self.at(number) else { return };
        let pending = &mut self.pending[at];
        // Only this node's own word is exact: a refused forward to another may have been doubled on the way, and its copy be taken later.
        let once = pending.handed_to.iter().filter(|node| **node == from).count() == 1;
        if own && once {
            pending.handed_to.retain(|node| *node != from);
        }
        if self.target != Some(from) {
            return;
        }
        self.quiet_until = now + BREATH;
        self.sent = match why {
            WhyNotTaken::NotLeader { .. } => 0,
            WhyNotTaken::Busy => self.sent.min(at),
            WhyNotTaken::Gap { after } => {
                let from_here = self.pending.iter().position(|pending| pending.number > after).unwrap_or(0);
                self.sent.min(from_here)
            }
        };
    }

    /// The deadline of a write has passed: takes it back if nobody has it, else its number is used up. Returns what its waiter is to hear.
    pub fn expire(&mut self, number: u64) -> Option<Failure> {
        let at = self.at(number)?;
        self.pending[at].waiter?;
        if self.pending[at].handed_to.is_empty() {
            self.give_up(at);
            return Some(no_quorum());
        }
        self.give_up(at);
        Some(Failure::unknown())
    }

    /// Whether nobody has a write.
    pub fn can_take_back(&self, number: u64) -> bool {
        self.at(number).is_some_and(|at| {
            let pending = &self.pending[at];
            pending.waiter.is_some() && pending.write.is_some() && pending.handed_to.is_empty()
        })
    }

    /// Takes a write back that nobody has, so that it may be tried in another way. Its number is used up.
    pub fn take_back(&mut self, number: u64) -> Option<Write> {
        let at = self.at(number).filter(|_| self.can_take_back(number))?;
        reached(Mark::WriteTakenBack);
        let write = self.pending[at].write.clone();
        self.give_up(at);
        write
    }

    /// Nobody waits for this entry any more. If it was never sent it is removed, else it stays, as nothing.
    fn give_up(&mut self, at: usize) -> Option<PartId> {
        let pending = &mut self.pending[at];
        let waiter = pending.waiter.take();
        if let Some(write) = pending.write.take() {
            self.pending_bytes -= write.weight_bytes();
        }
        pending.client = None;
        // A number that is only used up is nobody's: a leader that finds the session too far ahead would refuse it, and all behind it, for as long as that is so.
        pending.session = Timestamp::ZERO;
        if at >= self.sent
            && pending.handed_to.is_empty()
            && self.pending.iter().skip(at).all(|later| later.handed_to.is_empty())
        {
            self.pending.remove(at);
        }
        waiter
    }

    fn at(&self, number: u64) -> Option<usize> {
        let at = self.pending.partition_point(|pending| pending.number < number);
        self.pending.get(at).filter(|pending| pending.number == number).map(|_| at)
    }
}

/// Nothing was handed over.
pub fn no_quorum() -> Failure {
    Failure::new(
        ErrorKind::NoQuorum,
        "no majority of the shard's replicas could be reached by the deadline; nothing was applied: try again, or see `quartet status`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::ops::StringWrite;

    #[test]
    fn what_nobody_has_is_taken_back_and_does_not_hold_up_its_successors() {
        let mut outbox = Outbox::new(NodeId(1));
        let mut stream = Stream::new(GroupId(1));
        let write = Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 });
        let mut add = |part| {
            let waiter = PartId { flight: 1, part };
            stream.add(waiter, write.clone(), None, Timestamp::ZERO, Mono(5)).expect("there is room")
        };
        let (first, second) = (add(0), add(1));
        assert_eq!(stream.take_back(first), Some(write.clone()));
        assert_eq!(stream.take_back(first), None);
        assert_eq!(stream.expire(first), None, "nobody waits");
        stream.send(Some(NodeId(1)), Incarnation(1), Mono(1), &mut outbox);
        assert!(!stream.can_take_back(second));
        assert_eq!(stream.take_back(second), None);
    }

    /// What the writer hears at its deadline after node `leader` was sent its write and refused it. This node is 1.
    fn told_after_a_refusal_by(leader: NodeId) -> ErrorKind {
        let mut outbox = Outbox::new(NodeId(1));
        outbox.set_hops(&[(NodeId(2), NodeId(2))].into());
        let mut stream = Stream::new(GroupId(1));
        let write = Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 });
        let number = stream
            .add(PartId { flight: 1, part: 0 }, write, None, Timestamp::ZERO, Mono(1_000))
            .expect("there is room");
        stream.send(Some(leader), Incarnation(1), Mono(1), &mut outbox);
        let why = WhyNotTaken::NotLeader { leader: NodeId(0) };
        stream.refused(leader, leader == NodeId(1), number, why, Mono(2));
        stream.expire(number).expect("somebody waits").kind
    }

    /// A leader refuses a session that is too far ahead of its clock. The number must not be refused for ever when nobody waits for it any more.
    #[test]
    fn a_number_that_is_only_used_up_comes_with_no_session() {
        let mut outbox = Outbox::new(NodeId(1));
        let mut stream = Stream::new(GroupId(1));
        let write = Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 });
        let waiter = PartId { flight: 1, part: 0 };
        let number = stream.add(waiter, write, None, Timestamp(99), Mono(5)).expect("there is room");
        stream.send(Some(NodeId(1)), Incarnation(1), Mono(1), &mut outbox);
        stream.expire(number);
        assert_eq!(stream.pending[0].session, Timestamp::ZERO);
    }

    /// Found by the simulator (seed 56555005408212): a doubled forward was refused, and its copy was applied after the writer had heard NOQUORUM.
    #[test]
    fn a_refusal_by_another_node_does_not_prove_that_nothing_was_handed_over() {
        assert_eq!(told_after_a_refusal_by(NodeId(2)), ErrorKind::Unknown);
        assert_eq!(told_after_a_refusal_by(NodeId(1)), ErrorKind::NoQuorum);
    }
}
