//! Exactly once: which writes have been applied, and what they answered.
//!
//! Two tables, both part of a shard's replicated state, so they decide alike on every replica and travel with snapshots:
//! * **fronts**: for each node that forwards writes, the mark up to which its stream is applied, and the replies that it has not acknowledged yet
//!   (the client table of Viewstamped Replication, and RIFL's watermark);
//! * **clients**: for each client that numbers its own writes, its newest replies, so that it can repeat a write through any node.
//!
//! Invariant: a number is applied at most once. What is forgotten is refused, never applied again.

use bytes::Bytes;
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::{Incarnation, NodeId};
use proto::limits::{
    MAX_DEDUP_REPLY_BYTES, MAX_NUMBERED_CLIENTS, MAX_NUMBERED_REPLY_BYTES, MAX_REPLIES_PER_CLIENT,
    MAX_REPLY_BYTES_PER_CLIENT, NUMBERED_CLIENT_KEPT_MS,
};
use proto::log_entry::{ClientNumber, StreamPosition};
use proto::outcome::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What an entry's place in its stream says about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The next of its stream: apply it.
    Next,
    /// Applied before; what it answered, if that is still kept.
    Repeat(Option<Outcome>),
    /// Something before it is missing, up to this mark it is not: the front sends again.
    Gap(u64),
    /// From an earlier start of its front: nobody waits for it any more.
    Stale,
}

/// Both tables of one shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    fronts: BTreeMap<NodeId, Front>,
    clients: BTreeMap<Bytes, Client>,
    /// Clients by the commit time of their last write, oldest first.
    by_age: BTreeSet<(Timestamp, Bytes)>,
    client_reply_bytes: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Front {
    incarnation: Incarnation,
    mark: u64,
    replies: VecDeque<(u64, Outcome)>,
    reply_bytes: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Client {
    /// Numbers below are forgotten.
    floor: u64,
    replies: BTreeMap<u64, Outcome>,
    reply_bytes: usize,
    last: Timestamp,
}

fn weight(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Done { reply, .. } => 64 + reply.weight_bytes(),
        Outcome::Failed(failure) => 64 + failure.message.len(),
    }
}

impl Sessions {
    /// Where a forwarded write stands.
    pub fn place(&self, position: &StreamPosition) -> Place {
        let front = match self.fronts.get(&position.front) {
            Some(_) if self.is_stale(position.front, position.incarnation) => return Place::Stale,
            Some(front) if front.incarnation == position.incarnation => front,
            _ if position.previous == 0 => return Place::Next,
            _ => return Place::Gap(0),
        };
        if position.number <= front.mark {
            let kept = front.replies.iter().find(|(number, _)| *number == position.number);
            return Place::Repeat(kept.map(|(_, outcome)| outcome.clone()));
        }
        if position.previous == front.mark { Place::Next } else { Place::Gap(front.mark) }
    }

    /// Whether something of a newer start of the front is applied.
    pub fn is_stale(&self, front: NodeId, incarnation: Incarnation) -> bool {
        self.fronts.get(&front).is_some_and(|row| row.incarnation > incarnation)
    }

    /// How far a front's stream is applied; 0 if nothing of this start is.
    pub fn mark(&self, front: NodeId, incarnation: Incarnation) -> u64 {
        self.fronts.get(&front).filter(|row| row.incarnation == incarnation).map_or(0, |row| row.mark)
    }

    /// Notes that the write at `position` was applied and what it came to.
    pub fn applied(&mut self, position: &StreamPosition, outcome: Outcome) {
        let front = self.fronts.entry(position.front).or_default();
        if front.incarnation < position.incarnation {
            *front = Front { incarnation: position.incarnation, ..Front::default() };
        }
        assert!(
            position.number > front.mark,
            "write {} applied twice, the mark is {}",
            position.number,
            front.mark
        );
        front.mark = position.number;
        front.reply_bytes += weight(&outcome);
        front.replies.push_back((position.number, outcome));
        while let Some((number, oldest)) = front.replies.front() {
            let newest = *number == front.mark;
            if *number > position.acknowledged && (newest || front.reply_bytes <= MAX_DEDUP_REPLY_BYTES) {
                break;
            }
            front.reply_bytes -= weight(oldest);
            front.replies.pop_front();
        }
    }

    /// What a client's numbered write came to before; `None` if it is to be applied now.
    pub fn repeated(&self, client: &ClientNumber) -> Option<Outcome> {
        let row = self.clients.get(&client.client);
        if let Some(outcome) = row.and_then(|row| row.replies.get(&client.number)) {
            return Some(outcome.clone());
        }
        if row.is_some_and(|row| client.number < row.floor) {
            return Some(Outcome::Failed(Failure::new(
                ErrorKind::Expired,
                "this number is older than the 64 newest of its client, so it is not known any more whether it was applied; it is not applied now",
            )));
        }
        let full = self.client_reply_bytes >= MAX_NUMBERED_REPLY_BYTES
            || (row.is_none() && self.clients.len() >= MAX_NUMBERED_CLIENTS);
        full.then(|| {
            Outcome::Failed(Failure::new(
                ErrorKind::Retry,
                "this shard remembers as many numbered clients as it can; use fewer client names, or wait until old ones are forgotten (10 minutes)",
            ))
        })
    }

    /// Notes what a client's numbered write came to, at commit time `at`.
    pub fn remember(&mut self, client: ClientNumber, outcome: Outcome, at: Timestamp) {
        let row = self.clients.entry(client.client.clone()).or_default();
        self.by_age.remove(&(row.last, client.client.clone()));
        self.by_age.insert((at, client.client));
        row.last = at;
        row.reply_bytes += weight(&outcome);
        self.client_reply_bytes += weight(&outcome);
        row.replies.insert(client.number, outcome);
        while row.replies.len() > MAX_REPLIES_PER_CLIENT
            || (row.reply_bytes > MAX_REPLY_BYTES_PER_CLIENT && row.replies.len() > 1)
        {
            let (number, oldest) = row.replies.pop_first().expect("not empty");
            row.reply_bytes -= weight(&oldest);
            self.client_reply_bytes -= weight(&oldest);
            row.floor = number + 1;
        }
    }

    /// Forgets clients that have been silent too long, as seen from commit time `now`.
    pub fn age(&mut self, now: Timestamp) {
        while let Some((last, client)) = self.by_age.first() {
            if last.wall_ms() + NUMBERED_CLIENT_KEPT_MS > now.wall_ms() {
                break;
            }
            if let Some(row) = self.clients.remove(client) {
                self.client_reply_bytes -= row.reply_bytes;
            }
            self.by_age.pop_first();
        }
    }

    /// How many clients are remembered.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::outcome::Certificate;
    use proto::reply::Reply;

    fn position(number: u64, previous: u64, acknowledged: u64) -> StreamPosition {
        StreamPosition { front: NodeId(1), incarnation: Incarnation(1), number, previous, acknowledged }
    }

    fn done(number: i64) -> Outcome {
        Outcome::Done { reply: Reply::Int(number), certificate: Certificate::default() }
    }

    #[test]
    fn a_repeated_forward_is_answered_as_before_and_never_applied_again() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.place(&position(1, 0, 0)), Place::Next);
        sessions.applied(&position(1, 0, 0), done(10));
        assert_eq!(sessions.place(&position(1, 0, 0)), Place::Repeat(Some(done(10))));
    }

    #[test]
    fn a_forward_whose_predecessor_is_missing_is_a_gap() {
        let mut sessions = Sessions::default();
        sessions.applied(&position(1, 0, 0), done(1));
        assert_eq!(sessions.place(&position(3, 2, 0)), Place::Gap(1));
        assert_eq!(sessions.place(&position(3, 1, 0)), Place::Next);
    }

    #[test]
    fn acknowledged_replies_are_forgotten_but_their_numbers_are_not() {
        let mut sessions = Sessions::default();
        sessions.applied(&position(1, 0, 0), done(1));
        sessions.applied(&position(2, 1, 1), done(2));
        assert_eq!(sessions.place(&position(1, 0, 0)), Place::Repeat(None));
        assert_eq!(sessions.place(&position(2, 1, 1)), Place::Repeat(Some(done(2))));
    }

    #[test]
    fn an_earlier_start_of_a_front_is_stale_and_a_later_one_begins_anew() {
        let mut sessions = Sessions::default();
        let later = StreamPosition { incarnation: Incarnation(2), ..position(1, 0, 0) };
        sessions.applied(&later, done(1));
        assert_eq!(sessions.place(&position(1, 0, 0)), Place::Stale);
        assert_eq!(sessions.mark(NodeId(1), Incarnation(2)), 1);
    }

    #[test]
    fn the_newest_64_replies_of_a_client_are_kept_and_older_numbers_expire() {
        let mut sessions = Sessions::default();
        let client = |number| ClientNumber { client: Bytes::from_static(b"c"), number };
        for number in 1..=65 {
            assert_eq!(sessions.repeated(&client(number)), None);
            sessions.remember(client(number), done(number as i64), Timestamp::from_wall_ms(number));
        }
        assert_eq!(sessions.repeated(&client(65)), Some(done(65)));
        assert!(
            matches!(sessions.repeated(&client(1)), Some(Outcome::Failed(failure)) if failure.kind == ErrorKind::Expired)
        );
        sessions.age(Timestamp::from_wall_ms(65 + NUMBERED_CLIENT_KEPT_MS));
        assert_eq!(sessions.clients(), 0);
    }
}
