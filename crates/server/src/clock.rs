//! The two clocks of this process: the only place outside of tests that asks for the time.
//!
//! Monotonic time counts from the start of the process, so that it fits every `u64` and is zero on no machine but by design. Wall time that lies
//! before the Unix epoch reads as zero.

use proto::time::{Mono, Now};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock that started with the process. Cheap to copy; every copy tells the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts the clock. One a process: monotonic times of two clocks cannot be compared.
    pub(crate) fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    /// The monotonic clock alone.
    pub(crate) fn mono(&self) -> Mono {
        Mono::default() + self.origin.elapsed()
    }

    /// Both clocks.
    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.mono(), wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
    }
}
