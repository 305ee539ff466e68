//! Latencies in buckets that grow with the value: 64 equal buckets in each doubling, so a percentile is within 1.6 % of the truth.
//!
//! Ours, because it is forty lines. Invariant: every recorded value is counted in exactly one bucket. Not here: values themselves; only the
//! largest is kept exactly.

/// Buckets in one doubling.
const STEPS: u64 = 64;
/// log2 of `STEPS`.
const STEP_BITS: u32 = STEPS.ilog2();

/// Counts of durations in nanoseconds.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest_ns: u64,
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        let doublings = u64::from(u64::BITS - STEP_BITS + 1);
        Histogram { counts: vec![0; (doublings * STEPS) as usize], total: 0, largest_ns: 0 }
    }

    pub(crate) fn record(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
        self.largest_ns = self.largest_ns.max(ns);
    }

    /// The duration, in microseconds, that `share` (0 to 1) of the recorded ones do not exceed; 0 if there are none.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_end(index).min(self.largest_ns) as f64 / 1e3;
            }
        }
        0.0
    }
}

/// Values below `STEPS` have a bucket each; from there on, the leading bits choose.
fn bucket(ns: u64) -> usize {
    if ns < STEPS {
        return ns as usize;
    }
    let shift = ns.ilog2() - STEP_BITS;
    (u64::from(shift) * STEPS + (ns >> shift)) as usize
}

/// The largest value of a bucket.
fn upper_end(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * STEPS {
        return index;
    }
    let shift = index / STEPS - 1;
    let first = (index - shift * STEPS) << shift;
    first + ((1 << shift) - 1)
}
