//! Which commands may begin now, which wait for their turn, and which have waited too long: what keeps a node upright when more is asked of it than it can do (`docs/decisions/0041`).
//!
//! * A connection may always have one command under way. So whoever asks and waits for the answer, as most clients do, is never behind those that ask ahead.
//! * Beyond that all connections together may have so many under way as there are *places*. Whoever finds none waits in line, with what it has asked, and takes its turn with the others, a few commands at a time.
//! * A command that has waited for nothing but a place for half of its deadline would hardly be answered by the deadline: it is refused (`TRYAGAIN`), and nothing of it was applied. That is how a load beyond what the
//!   node can do is shed. What a connection's own window, replies that it does not read, or its own slow commands keep waiting is no load of the node's, and waits.
//! * What a connection sends ahead is read only so far as its share of `MAX_READ_AHEAD_BYTES`; the rest waits in its socket, and whoever sends in bulk through a few connections is slowed down by that; it is refused only what
//!   was read and then waited too long.
//!
//! How many places: every command that is under way longer than it would take alone makes those wait that ask one at a time. So there are as many as keep the cluster busy: what was answered in the last moments, each
//! weighted with how long its kind takes on a quiet node, is what would be under way if nothing ever waited (Little's law); a few times that, and never fewer than keep batches worth their syncs. How long a kind takes
//! is the shortest time that it was seen to take, forgotten slowly; while commands wait in line, a moment in which little is under way is made now and then, so that it can be seen. Every node does so for itself, for those too that ask the others: all wait for the same leaders.
//!
//! Not here: who is next (`turns`), and the limits of one connection (`pipeline`).

use proto::error::{ErrorKind, Failure};
use proto::level::Level;
use proto::limits::{
    DEFAULT_DEADLINE_MS, MAX_COMMANDS_UNDER_WAY, MAX_CONNECTION_READ_AHEAD_BYTES, MAX_DEADLINE_MS,
    MAX_READ_AHEAD_BYTES,
};
use proto::time::Mono;
use std::time::Duration;

/// Commands of one connection that begin before others have their turn.
pub(super) const COMMANDS_PER_VISIT: usize = 8;
/// Commands of all connections that ask ahead that begin before the loop turns to everything else.
pub(super) const COMMANDS_PER_TURN: usize = 64;
/// Likewise of those that had nothing under way.
pub(super) const COMMANDS_OF_THE_RESTED: usize = 1_024;

/// Places that there are always: with fewer, batches are so short that a node does less for everybody.
const FEWEST_PLACES: usize = 128;
/// As many as are under way in a quiet moment.
const QUIET_PLACES: usize = 16;
/// How many times what would be under way if nothing waited.
const GAIN: usize = 4;
/// So often the places are counted anew.
const WINDOW: Duration = Duration::from_millis(100);
/// While commands wait in line, a quiet moment is made, one window long, when there was none for so long.
const BETWEEN_QUIET_MOMENTS: Duration = Duration::from_secs(10);
/// In each window what is known of a kind may become longer by one part in so many: half as much again from one quiet moment to the next.
const FORGETFULNESS: u32 = 256;

/// How long one kind of command takes.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// On a quiet node, as far as is known.
    alone: Duration,
    /// In this window, at least.
    shortest: Duration,
}

const UNKNOWN: Kind = Kind { alone: Duration::MAX, shortest: Duration::MAX };

/// How many commands are under way, and how many may be.
#[derive(Debug)]
pub(super) struct Admission {
    places: usize,
    under_way: usize,
    /// By row and level.
    kinds: Vec<[Kind; Level::ALL.len()]>,
    window_began: Mono,
    /// Of what was answered since: how long it would have taken on a quiet node, all together.
    volume: Duration,
    /// What would be under way if nothing ever waited.
    busy: usize,
    /// When it was seen how long a kind takes, or nobody had to know.
    last_quiet: Mono,
}

impl Admission {
    /// For commands of so many rows.
    pub(super) fn new(rows: usize) -> Admission {
        Admission {
            places: FEWEST_PLACES,
            under_way: 0,
            kinds: vec![[UNKNOWN; Level::ALL.len()]; rows],
            window_began: Mono::default(),
            volume: Duration::ZERO,
            busy: 0,
            last_quiet: Mono::default(),
        }
    }

    /// Whether a place is free.
    pub(super) fn has_room(&self) -> bool {
        self.under_way < self.places
    }

    /// Whether a connection that has so many commands under way, of which `counted` are counted already, may begin another.
    pub(super) fn admits(&self, own: usize, counted: usize) -> bool {
        own == 0 || self.under_way + own - counted < self.places
    }

    /// A connection has `own` commands under way, where `counted` were counted.
    pub(super) fn count(&mut self, own: usize, counted: usize) {
        self.under_way = self.under_way + own - counted;
    }

    /// A command was answered from the state so long after it began.
    pub(super) fn answered(&mut self, row: usize, level: Level, took: Duration) {
        let kind = &mut self.kinds[row][level as usize];
        kind.shortest = kind.shortest.min(took);
        // What nothing is known of counts as if it had not waited.
        self.volume += kind.alone.min(took);
    }

    /// Time passes. `is_waited_for` says whether somebody waits in line.
    pub(super) fn tick(&mut self, is_waited_for: bool, now: Mono) {
        let elapsed = now - self.window_began;
        if elapsed < WINDOW {
            return;
        }
        self.window_began = now;
        for kind in self.kinds.iter_mut().flatten().filter(|kind| kind.shortest < Duration::MAX) {
            let higher = kind.alone.saturating_add(kind.alone / FORGETFULNESS);
            kind.alone = std::mem::replace(&mut kind.shortest, Duration::MAX).min(higher);
        }
        let volume = std::mem::take(&mut self.volume);
        let busy = usize::try_from(volume.as_nanos() / elapsed.as_nanos()).unwrap_or(MAX_COMMANDS_UNDER_WAY);
        // Quick to see that more can be done, slow to forget it.
        self.busy = busy.max(self.busy - self.busy.div_ceil(8));
        if !is_waited_for {
            self.last_quiet = now; // nobody is kept waiting: nothing need be found out
        }
        self.places = if now - self.last_quiet >= BETWEEN_QUIET_MOMENTS {
            self.last_quiet = now;
            QUIET_PLACES
        } else {
            self.busy.saturating_mul(GAIN).clamp(FEWEST_PLACES, MAX_COMMANDS_UNDER_WAY)
        };
    }
}

/// How much is read of what one of so many connections sends ahead.
pub(super) fn read_ahead_bytes(connections: usize) -> usize {
    (MAX_READ_AHEAD_BYTES / connections.max(1)).min(MAX_CONNECTION_READ_AHEAD_BYTES)
}

/// How long a command with this deadline may wait for its turn.
pub(super) fn patience(deadline_ms: Option<u64>) -> Duration {
    Duration::from_millis(deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS).min(MAX_DEADLINE_MS)) / 2
}

/// What is left of a deadline after a wait.
///
/// # Errors
/// There is too little left: the command is refused.
pub(super) fn after_waiting(deadline_ms: Option<u64>, waited: Duration) -> Result<Option<u64>, Failure> {
    let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    if waited_ms == 0 {
        return Ok(deadline_ms);
    }
    if waited >= patience(deadline_ms) {
        return Err(Failure::new(
            ErrorKind::Retry,
            "overloaded: half of the deadline passed before the turn of this command came; nothing was applied: try again later, or ask for less at once",
        ));
    }
    Ok(Some(deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS).min(MAX_DEADLINE_MS) - waited_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const STRONG: Level = Level::Linearizable;

    /// Windows in which so many commands are answered in each millisecond, after so long.
    fn windows(
        admission: &mut Admission,
        now: &mut Mono,
        windows: usize,
        per_ms: u32,
        took: Duration,
        is_waited_for: bool,
    ) {
        for _ in 0..windows * 100 {
            *now = *now + MS;
            (0..per_ms).for_each(|_| admission.answered(0, STRONG, took));
            admission.tick(is_waited_for, *now);
        }
    }

    #[test]
    fn as_many_are_under_way_as_keep_the_cluster_busy_and_no_more() {
        let (mut admission, mut now) = (Admission::new(1), Mono(0));
        windows(&mut admission, &mut now, 1, 1, 10 * MS, false);
        windows(&mut admission, &mut now, 5, 50, 90 * MS, true);
        let expected = GAIN * 500;
        let places = admission.places;
        assert!(
            (expected..expected + expected / 20).contains(&places),
            "{places}: 50 each millisecond, 10 ms each, whatever they take now"
        );
        windows(&mut admission, &mut now, 50, 1, 90 * MS, true);
        assert_eq!(admission.places, FEWEST_PLACES);
    }

    #[test]
    fn a_quiet_moment_is_made_when_there_was_none_for_long_and_only_while_somebody_waits() {
        let (mut admission, mut now) = (Admission::new(1), Mono(0));
        windows(&mut admission, &mut now, 300, 1, MS, false);
        assert_eq!(admission.places, FEWEST_PLACES);
        let mut quiet = 0;
        for _ in 0..300 {
            windows(&mut admission, &mut now, 1, 1, MS, true);
            quiet += usize::from(admission.places == QUIET_PLACES);
        }
        assert_eq!(quiet, 3, "every ten seconds of thirty");
    }

    #[test]
    fn everybody_may_have_one_under_way_and_more_only_where_there_is_a_place() {
        let mut admission = Admission { places: 3, ..Admission::new(1) };
        assert!(admission.admits(1, 0));
        admission.count(3, 0);
        assert!(admission.admits(0, 0), "the first of another connection");
        assert!(!admission.has_room() && !admission.admits(3, 3) && !admission.admits(1, 0));
        admission.count(1, 3);
        assert!(admission.has_room() && admission.admits(1, 1) && !admission.admits(3, 1), "two more fit");
    }

    #[test]
    fn a_wait_shortens_the_deadline_and_half_of_it_is_too_much() {
        assert_eq!(after_waiting(None, Duration::from_micros(900)), Ok(None));
        assert_eq!(after_waiting(None, 300 * MS), Ok(Some(DEFAULT_DEADLINE_MS - 300)));
        assert_eq!(after_waiting(Some(100), 49 * MS), Ok(Some(51)));
        assert_eq!(after_waiting(Some(100), 50 * MS).map_err(|failure| failure.kind), Err(ErrorKind::Retry));
        assert!(after_waiting(None, Duration::from_millis(DEFAULT_DEADLINE_MS / 2)).is_err());
    }
}
