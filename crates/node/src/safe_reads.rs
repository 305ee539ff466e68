//! Sequential reads of one group, at any of its replicas: decided state that is new enough, and no round to anybody.
//!
//! A replica's *safe time* is the timestamp of the last entry that it applied: nothing will ever be committed at or below it, because log order is timestamp order. So a read that needs every write up to
//! some time waits until the safe time has reached it, and is then answered from what is here. Whatever it saw was committed by then, so it stands in the cluster's one order at the later of what the session
//! had seen and what it saw itself (`docs/consistency.md`, sessions, rule 2).
//!
//! A shard at rest writes nothing, so its safe time stands still. A reader that waits asks the leader for an empty entry (`Message::TimeWanted`), again until it comes: leaders change, messages get lost.
//!
//! A read that meets an expiry between safe time and now asks for an entry too, and does not wait for it long: where no leader can be reached it answers from what there is.
//!
//! Invariant: an answer never comes from a state older than the read demands.

use crate::reads::PendingRead;
use proto::hlc::Timestamp;
use proto::limits::MAX_WAITING_READS;
use proto::tentative::Dots;
use proto::time::Mono;
use std::time::Duration;

/// How long a read waits for an expiry to be decided before it is answered without.
const EXPIRY_PATIENCE: Duration = Duration::from_millis(100);
/// After so long without the time that it asked for, a replica asks again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A read that waits for safe time.
#[derive(Clone, Debug)]
pub struct WaitingRead {
    /// The read.
    pub read: PendingRead,
    /// What the safe time must have reached: what the session has seen, or what the staleness bound asks for.
    pub at: Timestamp,
    /// What the leader is asked for while it waits: more than it needs, where the next reader will need more.
    pub ask_for: Timestamp,
    /// What it would be good to have besides, and until when it waits for it.
    pub expiry: Option<(Timestamp, Mono)>,
}

/// All sequential reads that wait at one replica.
#[derive(Debug, Default)]
pub struct SafeReads {
    waiting: Vec<WaitingRead>,
    /// What was asked for last, and when.
    asked: Option<(Timestamp, Mono)>,
}

impl WaitingRead {
    /// Whether a state of this safe time may answer.
    pub fn may_be_answered(&self, safe: Timestamp, now: Mono) -> bool {
        self.at <= safe && self.expiry.is_none_or(|(at, until)| at <= safe || now >= until)
    }

    /// Lets it wait, for a while, for a time by which an expiry is decided. Only once: a reader that has waited is answered.
    pub fn await_expiry(&mut self, at: Timestamp, now: Mono) {
        crate::marks::reached(crate::marks::Mark::SequentialReadAwaitsExpiry);
        self.expiry.get_or_insert((at, now + EXPIRY_PATIENCE));
    }
}

impl SafeReads {
    /// A read arrives; `false` if there is no room for it to wait. One that a state of this safe time may answer need not; one that its front sends again waits already.
    pub fn add(&mut self, read: PendingRead, at: Timestamp, ask_for: Timestamp, safe: Timestamp) -> bool {
        let of = |read: &PendingRead| (read.front, read.incarnation, read.id);
        let known = self.waiting.iter_mut().find(|waiting| of(&waiting.read) == of(&read));
        if let Some(known) = known {
            // What is known to be decided meanwhile is a time now.
            known.read.dots = read.dots;
            known.at = known.at.max(at);
            return true;
        }
        let has_room = at <= safe || self.waiting.len() < MAX_WAITING_READS;
        if has_room {
            self.waiting.push(WaitingRead { read, at, ask_for: at.max(ask_for), expiry: None });
        }
        has_room
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a read waits for what its session's dots cover.
    pub fn has_dots(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.read.dots.is_empty())
    }

    /// How many reads wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the reads that a state of this safe time may answer, in which what their sessions' dots cover `is_settled`.
    pub fn take_answerable(
        &mut self,
        safe: Timestamp,
        now: Mono,
        is_settled: impl Fn(&Dots) -> bool,
    ) -> Vec<WaitingRead> {
        let may =
            |waiting: &mut WaitingRead| waiting.may_be_answered(safe, now) && is_settled(&waiting.read.dots);
        self.waiting.extract_if(.., may).collect()
    }

    /// Puts a read back.
    pub fn put_back(&mut self, waiting: WaitingRead) {
        self.waiting.push(waiting);
    }

    /// The time to ask the leader for now, if any: the latest that anybody here waits for, unless it was asked for a moment ago.
    pub fn to_ask_for(&mut self, now: Mono) -> Option<Timestamp> {
        let wanted =
            |waiting: &WaitingRead| waiting.expiry.map_or(waiting.ask_for, |(at, _)| at.max(waiting.ask_for));
        let at = self.waiting.iter().map(wanted).max()?;
        let asked = self.asked.is_some_and(|(asked, when)| at <= asked && now - when < ASK_AGAIN);
        if asked {
            return None;
        }
        self.asked = Some((at, now));
        Some(at)
    }

    /// Drops reads whose deadline has passed: their front has answered.
    pub fn drop_overdue(&mut self, now: Mono) {
        self.waiting.retain(|waiting| now < waiting.read.deadline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::ids::{Incarnation, NodeId};
    use proto::ops::{Read, StringRead};

    const MS: u64 = 1_000_000;

    fn read(id: u64) -> PendingRead {
        PendingRead {
            front: NodeId(1),
            incarnation: Incarnation(1),
            id,
            after_write: 0,
            dots: Dots::NONE,
            deadline: Mono(1_000 * MS),
            read: Read::String(StringRead::Get { key: Bytes::from_static(b"k") }),
            judged_at_ms: None,
        }
    }

    #[test]
    fn a_read_waits_for_its_time_and_no_longer() {
        let mut reads = SafeReads::default();
        assert!(reads.add(read(1), Timestamp(5), Timestamp::ZERO, Timestamp::ZERO));
        assert!(reads.take_answerable(Timestamp(4), Mono(0), |_| true).is_empty());
        assert_eq!(reads.take_answerable(Timestamp(5), Mono(0), |_| true).len(), 1);
        assert!(reads.is_empty());
    }

    #[test]
    fn a_read_that_is_sent_again_waits_once_and_one_that_need_not_wait_finds_room() {
        let mut reads = SafeReads::default();
        let (late, safe) = (Timestamp(9), Timestamp(5));
        for id in 0..MAX_WAITING_READS as u64 {
            assert!(reads.add(read(id), late, late, safe));
        }
        assert!(reads.add(read(3), late, late, safe));
        assert_eq!(reads.len(), MAX_WAITING_READS);
        assert!(!reads.add(read(u64::MAX), late, late, safe));
        assert!(reads.add(read(u64::MAX), Timestamp(5), late, safe));
        assert_eq!(reads.take_answerable(safe, Mono(0), |_| true).len(), 1);
        reads.drop_overdue(Mono(1_000 * MS));
        assert!(reads.is_empty());
    }

    #[test]
    fn the_leader_is_asked_once_and_again_after_a_while_or_for_more() {
        let mut reads = SafeReads::default();
        assert_eq!(reads.to_ask_for(Mono(0)), None);
        reads.add(read(1), Timestamp(4), Timestamp(5), Timestamp::ZERO);
        assert_eq!(reads.to_ask_for(Mono(0)), Some(Timestamp(5)));
        assert_eq!(reads.to_ask_for(Mono(1)), None);
        reads.add(read(2), Timestamp(7), Timestamp(6), Timestamp::ZERO);
        assert_eq!(reads.to_ask_for(Mono(2)), Some(Timestamp(7)));
        assert_eq!(reads.to_ask_for(Mono(49 * MS)), None);
        assert_eq!(reads.to_ask_for(Mono(51 * MS)), Some(Timestamp(7)));
    }

    #[test]
    fn an_expiry_is_waited_for_only_so_long_and_once() {
        let mut waiting =
            WaitingRead { read: read(1), at: Timestamp(5), ask_for: Timestamp(5), expiry: None };
        waiting.await_expiry(Timestamp(9), Mono(0));
        assert!(!waiting.may_be_answered(Timestamp(5), Mono(99 * MS)));
        assert!(waiting.may_be_answered(Timestamp(9), Mono(0)));
        assert!(waiting.may_be_answered(Timestamp(5), Mono(100 * MS)));
        assert!(
            !waiting.may_be_answered(Timestamp(4), Mono(100 * MS)),
            "what the session needs it waits for"
        );
        waiting.await_expiry(Timestamp(12), Mono(200 * MS));
        assert_eq!(waiting.expiry, Some((Timestamp(9), Mono(100 * MS))));
    }
}
