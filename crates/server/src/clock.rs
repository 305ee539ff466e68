//! The two clocks of this process: the only place outside of tests that asks for the time.
//!
//! Monotonic time counts from the start of the process, so that it fits every `u64` and is zero on no machine but by design. It goes on while the operating system is suspended (`CLOCK_BOOTTIME`, not `CLOCK_MONOTONIC`; a hypervisor that halts the whole machine may halt it too): a
//! leader that wakes up must not believe that its lease still holds. Where there is no such clock (not Linux) it may stand still then. Wall time that lies before the Unix epoch reads as zero.

use proto::time::{Mono, Now};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that started with the process. Cheap to copy; every copy tells the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Duration,
}

impl Clock {
    /// Starts the clock. One a process: monotonic times of two clocks cannot be compared.
    pub(crate) fn start() -> Clock {
        Clock { origin: since_boot() }
    }

    /// The monotonic clock alone.
    pub(crate) fn mono(&self) -> Mono {
        Mono::default() + since_boot().saturating_sub(self.origin)
    }

    /// Both clocks.
    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.mono(), wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_begins_at_zero_runs_as_fast_as_any_other_and_never_goes_back() {
        let clock = Clock::start();
        assert!(clock.mono() < Mono::default() + Duration::from_secs(1));
        let (begun, then) = (std::time::Instant::now(), clock.mono());
        let mut last = then;
        while begun.elapsed() < Duration::from_millis(20) {
            let now = clock.mono();
            assert!(now >= last);
            last = now;
        }
        assert!(last - then >= Duration::from_millis(19), "{:?}", last - then);
    }
}
