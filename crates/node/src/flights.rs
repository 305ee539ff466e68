//! One request under way: its parts, its session, and the ladder that it climbs down.
//!
//! A read that is not answered within its rung's time is asked again, whole, at the next rung: so an answer is of one level. A write steps down only if nobody has any part of it, because what was handed to a log, or to
//! a replica, must not be tried in another way; linearizable and sequential writes are the same. Levels at which a command means nothing are no rungs of its ladder.

use crate::connections::Nature;
use crate::front_reads::AnsweredRead;
use crate::plan::Gather;
use proto::command::Command;
use proto::error::{ErrorKind, Failure};
use proto::ids::{ConnectionId, GroupId, RequestId};
use proto::level::{Ladder, Level, MAX_RUNGS, Rung};
use proto::log_entry::ClientNumber;
use proto::ops::Read;
use proto::outcome::{Outcome, State};
use proto::session::Session;
use proto::tentative::Dot;
use proto::time::Mono;
use std::time::Duration;

/// A part of a request, at one group.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) group: GroupId,
    pub(crate) what: What,
    pub(crate) outcome: Option<Outcome>,
    /// An answer that came before those of earlier reads.
    pub(crate) early: Option<Box<AnsweredRead>>,
}

/// What a part is.
#[derive(Debug)]
pub(crate) enum What {
    /// A write through the log, by its number in the group's stream; 0 if it found no place there.
    Write(u64),
    /// A weak write, by the number of its handing over.
    Tentative(u64),
    /// A read: what, after which write of its connection, and the number under which it was asked last.
    Read { read: Read, after_write: u64, id: u64 },
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
    pub(crate) climb: Climb,
    /// What it is to others of its connection.
    pub(crate) nature: Nature,
    /// What its session had seen when it began.
    pub(crate) session: Session,
    /// The session came with the request and is not its connection's.
    pub(crate) has_own_session: bool,
    pub(crate) max_staleness_ms: Option<u64>,
    pub(crate) acks: u8,
    /// The client's own number, for as long as its write may be handed over in another way.
    pub(crate) client: Option<ClientNumber>,
    pub(crate) wants_token: bool,
    /// What it has seen.
    pub(crate) saw: Saw,
}

/// What the answers of a request's present rung have shown, all parts together.
#[derive(Debug, Default)]
pub(crate) struct Saw {
    /// What the session joins: decided up to here, and these dots.
    pub(crate) session: Session,
    pub(crate) state: State,
    pub(crate) dot: Option<Dot>,
    pub(crate) age_ms: u64,
}

impl Flight {
    /// What its session has seen once it is answered, as far as the request itself knows. A request at eventual touches no session.
    pub(crate) fn session_after(&self, before: &Session) -> Session {
        let mut after = before.clone();
        if self.climb.level() != Level::Eventual {
            after.join(&self.saw.session);
        }
        after
    }
}

/// Where on its ladder a request stands.
#[derive(Clone, Debug)]
pub(crate) struct Climb {
    rungs: [Rung; MAX_RUNGS],
    /// How many rungs have begun.
    begun: usize,
    count: usize,
    /// The client named more rungs than there are here.
    was_longer: bool,
    deadline: Mono,
}

impl Climb {
    /// A request that has not begun its first rung. Rungs at which the command means nothing are left out; `None` if none is left. To a write linearizable and sequential are the same, so they are one rung.
    pub(crate) fn new(ladder: &Ladder, command: &Command, is_read: bool, deadline: Mono) -> Option<Climb> {
        let mut climb =
            Climb { rungs: [Rung::default(); MAX_RUNGS], begun: 0, count: 0, was_longer: false, deadline };
        for rung in ladder.rungs().iter().filter(|rung| command.has(rung.level)) {
            match climb.rungs[..climb.count].last_mut() {
                Some(last) if !is_read && !rung.level.is_weak() => {
                    let both = last.patience_ms.zip(rung.patience_ms);
                    last.patience_ms = both.map(|(first, second)| first.saturating_add(second));
                }
                _ => {
                    climb.rungs[climb.count] = *rung;
                    climb.count += 1;
                }
            }
        }
        climb.was_longer = climb.count < ladder.rungs().len();
        (climb.count > 0).then_some(climb)
    }

    /// Its rungs.
    pub(crate) fn rungs(&self) -> &[Rung] {
        &self.rungs[..self.count]
    }

    /// Begins the next rung, if there is one; answers when it ends.
    pub(crate) fn next(&mut self, now: Mono) -> Option<Mono> {
        let left = self.count - self.begun;
        if left == 0 {
            return None;
        }
        let rung = self.rungs[self.begun];
        self.begun += 1;
        let share = (self.deadline - now) / u32::try_from(left).unwrap_or(u32::MAX);
        let span = match rung.patience_ms {
            // The only rung that is left of several has all the time there is.
            Some(ms) if self.count > 1 || !self.was_longer => Duration::from_millis(ms),
            _ => share,
        };
        Some(self.deadline.min(now + span))
    }

    /// Whether a rung follows the present one.
    pub(crate) fn has_next(&self) -> bool {
        self.begun < self.count
    }

    /// The present rung's level.
    pub(crate) fn level(&self) -> Level {
        self.rungs[self.begun.saturating_sub(1)].level
    }
}

/// No replica was new enough in time.
pub(crate) fn behind() -> Failure {
    Failure::new(
        ErrorKind::Behind,
        "no replica that could be reached was as new as this session, or the staleness bound, asks for; try again, or ask for a weaker level",
    )
}

/// The command has no meaning at any level that was asked for.
pub(crate) fn no_such_level(command: &Command, ladder: &Ladder) -> Failure {
    let why = match command {
        Command::Write { .. } | Command::FlushAll => {
            "its answer is a decision, which only the shard's log can make"
        }
        _ => "it sees decided keys only, and could miss what this session has written",
    };
    let levels: Vec<&str> = command.levels().map(Level::name).collect();
    let message = format!("this command has no meaning at '{ladder}': {why}; it has {}", listed(&levels));
    Failure::new(ErrorKind::Level, message)
}

/// `a, b and c`
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::commands::parse_request;

    const MS: u64 = 1_000_000;

    fn command(line: &str) -> Command {
        let argv: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        parse_request(&argv).expect(line).request.command
    }

    fn ladder(text: &str) -> Ladder {
        Ladder::parse(text.as_bytes()).expect(text)
    }

    fn climb(text: &str, line: &str) -> Climb {
        let is_read = line.starts_with("GET") || line.starts_with("KEYS");
        Climb::new(&ladder(text), &command(line), is_read, Mono(1_000 * MS)).expect("it has a rung")
    }

    fn levels(text: &str, line: &str) -> Vec<Level> {
        climb(text, line).rungs().iter().map(|rung| rung.level).collect()
    }

    #[test]
    fn rungs_share_the_deadline_evenly_unless_they_say_otherwise() {
        let mut even = climb("linearizable, sequential", "GET k");
        assert_eq!(even.next(Mono(0)), Some(Mono(500 * MS)));
        assert_eq!(even.level(), Level::Linearizable);
        assert_eq!(even.next(Mono(500 * MS)), Some(Mono(1_000 * MS)));
        assert_eq!(even.level(), Level::Sequential);
        assert_eq!(even.next(Mono(600 * MS)), None);
        let mut said = climb("linearizable;50ms, sequential", "GET k");
        assert_eq!(said.next(Mono(0)), Some(Mono(50 * MS)));
        assert_eq!(said.next(Mono(50 * MS)), Some(Mono(1_000 * MS)));
        let mut alone = climb("sequential;20ms", "GET k");
        assert_eq!(alone.next(Mono(0)), Some(Mono(20 * MS)));
    }

    #[test]
    fn the_strong_rungs_of_a_write_are_one() {
        let mut write = climb("linearizable;50ms, sequential", "SET k v");
        assert_eq!(write.next(Mono(0)), Some(Mono(1_000 * MS)));
        assert_eq!(write.next(Mono(50 * MS)), None);
        assert_eq!(write.level(), Level::Linearizable);
        let mut weak = climb("linearizable;50ms, sequential;30ms, causal;20ms, eventual", "SET k v");
        assert_eq!(weak.next(Mono(0)), Some(Mono(80 * MS)));
        assert_eq!(weak.next(Mono(80 * MS)), Some(Mono(100 * MS)));
        assert_eq!(weak.level(), Level::Causal);
        assert_eq!(weak.next(Mono(100 * MS)), Some(Mono(1_000 * MS)));
    }

    #[test]
    fn levels_at_which_a_command_means_nothing_are_no_rungs() {
        assert_eq!(levels("linearizable, causal", "SET k v NX"), [Level::Linearizable]);
        assert_eq!(levels("causal, eventual", "KEYS *"), [Level::Eventual]);
        assert_eq!(levels("causal, eventual", "INCR k"), [Level::Causal, Level::Eventual]);
        for (text, line) in
            [("causal, eventual", "SET k v NX"), ("causal", "DBSIZE"), ("eventual", "FLUSHALL")]
        {
            assert!(Climb::new(&ladder(text), &command(line), false, Mono(1)).is_none(), "{line}");
        }
        let refused = no_such_level(&command("SPOP k"), &ladder("causal"));
        assert_eq!(refused.kind, ErrorKind::Level);
        assert!(refused.message.ends_with("it has linearizable and sequential"), "{}", refused.message);
        let refused = no_such_level(&command("DBSIZE"), &ladder("causal"));
        assert!(refused.message.ends_with("it has linearizable, sequential and eventual"));
    }
}
