//! One request under way: its parts, its session, and the ladder that it climbs down.
//!
//! A read that is not answered within its rung's time is asked again, whole, at the next rung: so an answer is of one level. A write has one rung, its strongest: linearizable and sequential writes are the same, and what
//! was handed to a log must not be tried in another way.

use crate::plan::Gather;
use proto::command::Request;
use proto::error::{ErrorKind, Failure};
use proto::hlc::Timestamp;
use proto::ids::{ConnectionId, GroupId, RequestId};
use proto::level::{Ladder, Level};
use proto::ops::Read;
use proto::outcome::Outcome;
use proto::session::Session;
use proto::time::Mono;
use std::time::Duration;

/// A part of a request, at one group.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) group: GroupId,
    pub(crate) what: What,
    pub(crate) outcome: Option<Outcome>,
}

/// What a part is.
#[derive(Debug)]
pub(crate) enum What {
    /// A write, by its number in the group's stream.
    Write(u64),
    /// A read: what, after which write of its connection, and the number under which it was asked last.
    Read { read: Read, after_write: u64, id: u64 },
}

impl What {
    /// The write's number, if it is one.
    pub(crate) fn write_number(&self) -> Option<u64> {
        match self {
            What::Write(number) => Some(*number),
            What::Read { .. } => None,
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) connection: ConnectionId,
    pub(crate) request: RequestId,
    pub(crate) gather: Gather,
    pub(crate) parts: Vec<Part>,
    /// Parts without an outcome.
    pub(crate) missing: usize,
    /// When it ends at the latest.
    pub(crate) deadline: Mono,
    /// When its present rung ends.
    pub(crate) until: Mono,
    pub(crate) valid_until: Option<Mono>,
    pub(crate) ladder: Climb,
    /// What its session had seen when it began.
    pub(crate) session: Session,
    /// The session came with the request and is not its connection's.
    pub(crate) has_own_session: bool,
    /// Its reads may be answered below linearizable.
    pub(crate) is_ordered: bool,
    pub(crate) max_staleness_ms: Option<u64>,
    pub(crate) wants_token: bool,
    /// What its reads have seen.
    pub(crate) seen: Timestamp,
    pub(crate) age_ms: u64,
    /// The request again, where an answer may be handed back.
    pub(crate) read: Option<Request>,
}

/// Where on its ladder a request stands.
#[derive(Debug)]
pub(crate) struct Climb {
    ladder: Ladder,
    /// How many rungs have begun.
    begun: usize,
    last: usize,
    deadline: Mono,
}

impl Climb {
    /// A request that has not begun its first rung.
    pub(crate) fn new(ladder: &Ladder, is_read: bool, deadline: Mono) -> Climb {
        let last = if is_read { ladder.rungs().len() } else { 1 };
        Climb { ladder: *ladder, begun: 0, last, deadline }
    }

    /// Begins the next rung, if there is one; answers when it ends.
    pub(crate) fn next(&mut self, now: Mono) -> Option<Mono> {
        let left = self.last - self.begun;
        if left == 0 {
            return None;
        }
        let rung = self.ladder.rungs()[self.begun];
        self.begun += 1;
        let share = (self.deadline - now) / u32::try_from(left).unwrap_or(u32::MAX);
        let span = match rung.patience_ms {
            // A write's only rung has all the time there is.
            Some(ms) if self.last > 1 || self.ladder.rungs().len() == 1 => Duration::from_millis(ms),
            _ => share,
        };
        Some(self.deadline.min(now + span))
    }

    /// The present rung's level.
    pub(crate) fn level(&self) -> Level {
        self.ladder.rungs()[self.begun.saturating_sub(1)].level
    }
}

/// No replica was new enough in time.
pub(crate) fn behind() -> Failure {
    Failure::new(
        ErrorKind::Behind,
        "no replica that could be reached was as new as this session, or the staleness bound, asks for; try again, or ask for a weaker level",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn climb(ladder: &str, is_read: bool) -> Climb {
        Climb::new(&Ladder::parse(ladder.as_bytes()).expect(ladder), is_read, Mono(1_000 * MS))
    }

    #[test]
    fn rungs_share_the_deadline_evenly_unless_they_say_otherwise() {
        let mut even = climb("linearizable, sequential", true);
        assert_eq!(even.next(Mono(0)), Some(Mono(500 * MS)));
        assert_eq!(even.level(), Level::Linearizable);
        assert_eq!(even.next(Mono(500 * MS)), Some(Mono(1_000 * MS)));
        assert_eq!(even.level(), Level::Sequential);
        assert_eq!(even.next(Mono(600 * MS)), None);
        let mut said = climb("linearizable;50ms, sequential", true);
        assert_eq!(said.next(Mono(0)), Some(Mono(50 * MS)));
        assert_eq!(said.next(Mono(50 * MS)), Some(Mono(1_000 * MS)));
        let mut alone = climb("sequential;20ms", true);
        assert_eq!(alone.next(Mono(0)), Some(Mono(20 * MS)));
    }

    #[test]
    fn a_write_never_steps_down_and_has_all_the_time() {
        let mut write = climb("linearizable;50ms, sequential", false);
        assert_eq!(write.next(Mono(0)), Some(Mono(1_000 * MS)));
        assert_eq!(write.next(Mono(50 * MS)), None);
        assert_eq!(write.level(), Level::Linearizable);
    }
}
