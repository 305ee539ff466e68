//! How the loop waits: awake for a moment while it is busy, asleep otherwise.
//!
//! To sleep and be woken costs more than many a wait is long: a few microseconds on a quiet machine, far more on one that is virtual and has to get its processor back first. So as long as
//! events come quickly the loop keeps looking for the next one, gives the processor to whoever wants it between two looks, and falls asleep when none has come for a while. An idle node
//! sleeps: its events are ticks apart (`docs/decisions/0025`).
//!
//! Waits are exact to the microsecond: a log batch that is due must not be late by several times its wait.

use mio::{Events, Poll};
#[cfg(target_os = "linux")]
use rustix::event::{PollFd, PollFlags, Timespec};
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long a busy loop stays awake without an event.
const LONGEST_AWAKE: Duration = Duration::from_micros(500);

/// Remembers how the last wait went.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    is_busy: bool,
}

impl Waiting {
    /// Waits until something happens, at most this long.
    pub(crate) fn wait(&mut self, poll: &mut Poll, events: &mut Events, at_most: Duration) -> io::Result<()> {
        let begun = Instant::now();
        if self.is_busy {
            let awake = LONGEST_AWAKE.min(at_most);
            loop {
                look(poll, events, Duration::ZERO)?;
                if !events.is_empty() {
                    return Ok(());
                }
                if begun.elapsed() >= awake {
                    break;
                }
                std::thread::yield_now();
            }
            if at_most <= LONGEST_AWAKE {
                // It was the caller's time that ended, which says nothing about how quickly events come.
                return Ok(());
            }
        }
        let left = sleep_exactly(poll, at_most.saturating_sub(begun.elapsed()));
        look(poll, events, left)?;
        self.is_busy = !events.is_empty() && begun.elapsed() <= LONGEST_AWAKE;
        Ok(())
    }
}

fn look(poll: &mut Poll, events: &mut Events, at_most: Duration) -> io::Result<()> {
    match poll.poll(events, Some(at_most)) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// A wait of less than a millisecond, which `Poll` would round up to one. Answers how long is still to be waited.
#[cfg(target_os = "linux")]
fn sleep_exactly(poll: &Poll, at_most: Duration) -> Duration {
    if at_most.is_zero() || at_most >= Duration::from_millis(1) {
        return at_most;
    }
    let mut watched = [PollFd::new(poll.registry(), PollFlags::IN)];
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(at_most.subsec_nanos()) };
    // Whatever it answers, the look that follows says what happened.
    let _ = rustix::event::poll(&mut watched, Some(&timeout));
    Duration::ZERO
}

#[cfg(not(target_os = "linux"))]
fn sleep_exactly(_: &Poll, at_most: Duration) -> Duration {
    at_most
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Token, Waker};

    #[test]
    fn a_wait_ends_with_its_time_or_with_an_event_whether_awake_or_asleep() {
        let mut poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), Token(7)).expect("a waker");
        let mut events = Events::with_capacity(4);
        for is_busy in [false, true] {
            let mut waiting = Waiting { is_busy };
            let span = Duration::from_micros(700);
            let begun = Instant::now();
            waiting.wait(&mut poll, &mut events, span).expect("waited");
            assert!(events.is_empty() && begun.elapsed() >= span, "nothing came, and it waited");
            assert!(!waiting.is_busy, "nothing came in time");
            waker.wake().expect("woken");
            waiting.wait(&mut poll, &mut events, Duration::from_secs(60)).expect("waited");
            assert_eq!(events.iter().map(mio::event::Event::token).collect::<Vec<_>>(), [Token(7)]);
            assert!(waiting.is_busy, "it came at once");
            waiting.wait(&mut poll, &mut events, Duration::from_micros(50)).expect("waited");
            assert!(events.is_empty() && waiting.is_busy, "too short a wait to call it quiet");
        }
    }
}
