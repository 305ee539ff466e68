//! The two clocks of one simulated machine: one runs a little too fast or too slow, the other is a little wrong and jumps.
//!
//! The monotonic clock starts at an arbitrary number with each start of the process and drifts by some parts per million; it never jumps. The wall clock is
//! kept near the truth by a daemon, so it has an offset and little drift of its own ([`Clocks::drift_wall`]), until [`Clocks::jump_wall`] sets it forward or back. Virtual time (`schedule::Instant`) is the truth that no
//! node can read.
//!
//! Invariant: `instant_of(m)` is the earliest instant at which `now().mono >= m`, so a deadline never fires early and a node never spins.

use crate::random::Random;
use crate::schedule::{Instant, MILLISECOND};
use proto::time::{Mono, Now};

/// The true wall time at instant 0: milliseconds since the Unix epoch (2027-01-15, no meaning).
const EPOCH_WALL_MS: u64 = 1_800_000_000_000;
const MILLION: i128 = 1_000_000;

/// One machine's clocks.
#[derive(Clone, Debug)]
pub struct Clocks {
    drift_ppm: i64,
    wall_offset_ms: i64,
    wall_drift_ppm: i64,
    process_began: Instant,
    mono_at_begin: u64,
}

impl Clocks {
    /// Clocks that are off by at most these amounts.
    pub fn draw(random: &mut Random, drift_ppm: u64, wall_offset_ms: u64) -> Clocks {
        let mut either_way = |most: u64| random.between(0, 2 * most) as i64 - most as i64;
        let drift_ppm = either_way(drift_ppm);
        let wall_offset_ms = either_way(wall_offset_ms);
        let (process_began, mono_at_begin, wall_drift_ppm) = (Instant(0), 0, 0);
        Clocks { drift_ppm, wall_offset_ms, wall_drift_ppm, process_began, mono_at_begin }
    }

    /// The wall clock runs too fast or too slow by at most so much, counted from instant 0.
    pub fn drift_wall(&mut self, random: &mut Random, most_ppm: u64) {
        self.wall_drift_ppm = random.between(0, 2 * most_ppm) as i64 - most_ppm as i64;
    }

    /// A process starts on this machine: its monotonic clock begins somewhere.
    pub fn begin_process(&mut self, at: Instant, random: &mut Random) {
        self.process_began = at;
        self.mono_at_begin = random.between(1, 1_000_000) * MILLISECOND;
    }

    /// A process starts whose monotonic clock begins at a fixed number and runs so much too fast, in parts per million.
    pub fn begin_process_with_drift(&mut self, at: Instant, drift_ppm: i64) {
        (self.process_began, self.mono_at_begin, self.drift_ppm) = (at, 1_000 * MILLISECOND, drift_ppm);
    }

    /// Somebody sets the wall clock.
    pub fn jump_wall(&mut self, by_ms: i64) {
        self.wall_offset_ms += by_ms;
    }

    /// Somebody sets the wall clock right, to within this many milliseconds.
    pub fn mend_wall(&mut self, within_ms: i64) {
        self.wall_drift_ppm = 0;
        self.wall_offset_ms = self.wall_offset_ms.clamp(-within_ms, within_ms);
    }

    /// How far the wall clock is from the truth, in milliseconds.
    pub fn wall_offset_ms(&self) -> i64 {
        self.wall_offset_ms
    }

    /// What both clocks show.
    pub fn now(&self, at: Instant) -> Now {
        let elapsed_ns = i128::from(at.0 - self.process_began.0);
        let mono =
            i128::from(self.mono_at_begin) + elapsed_ns * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        let true_ms = i128::from(EPOCH_WALL_MS) + i128::from(at.0 / MILLISECOND);
        let drifted_ms = i128::from(at.0 / MILLISECOND) * i128::from(self.wall_drift_ppm) / MILLION;
        let wall_ms = true_ms + i128::from(self.wall_offset_ms) + drifted_ms;
        Now { mono: Mono(mono as u64), wall_ms: wall_ms.max(0) as u64 }
    }

    /// The earliest instant at which this process's monotonic clock shows `mono` or later.
    pub fn instant_of(&self, mono: Mono) -> Instant {
        let wanted = i128::from(mono.0) - i128::from(self.mono_at_begin);
        if wanted <= 0 {
            return self.process_began;
        }
        let rate = MILLION + i128::from(self.drift_ppm);
        let elapsed_ns = (wanted * MILLION + rate - 1) / rate;
        Instant(self.process_began.0.saturating_add(u64::try_from(elapsed_ns).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_at_its_instant_and_not_a_nanosecond_before() {
        let mut random = Random::new(3);
        for _ in 0..1_000 {
            let mut clocks = Clocks::draw(&mut random, 10_000, 50);
            clocks.begin_process(Instant(random.below(1 << 40)), &mut random);
            let start = clocks.now(clocks.process_began).mono;
            let wanted = Mono(start.0 + random.between(1, 1 << 40));
            let instant = clocks.instant_of(wanted);
            assert!(clocks.now(instant).mono >= wanted);
            assert!(clocks.now(Instant(instant.0 - 1)).mono < wanted);
        }
    }

    #[test]
    fn only_the_wall_clock_jumps() {
        let mut clocks = Clocks::draw(&mut Random::new(1), 0, 0);
        let before = clocks.now(Instant(5));
        clocks.jump_wall(-700);
        let after = clocks.now(Instant(5));
        assert_eq!(after.mono, before.mono);
        assert_eq!(after.wall_ms, before.wall_ms - 700);
    }
}
