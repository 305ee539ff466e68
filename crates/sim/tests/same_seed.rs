//! The meta-test: a run is a function of its seed. Two runs of one seed must agree in every line of their traces; otherwise something in the core, or here, reads
//! a clock, an address or the order of a hash map, and no failure could be shown a second time.

use sim::run::{Options, run};

fn lines(seed: u64) -> (u64, String) {
    #[allow(clippy::needless_update)] // with the feature `planted` there is one more field
    let ended = run(seed, Options { with_lines: true, ..Options::default() });
    (ended.fingerprint, ended.lines)
}

#[test]
fn the_same_seed_twice_gives_the_same_trace_byte_for_byte() {
    for seed in [3, 9] {
        let (first, second) = (lines(seed), lines(seed));
        let differs = first.1.lines().zip(second.1.lines()).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.1.len(), second.1.len());
        assert_eq!(first.0, second.0);
        assert!(first.1.lines().count() > 10_000, "a trace of a minute is long");
    }
}

#[test]
fn lines_do_not_change_what_happens_and_seeds_do() {
    let without = run(3, Options::default()).fingerprint;
    assert_eq!(lines(3).0, without);
    assert_ne!(run(4, Options::default()).fingerprint, without);
}
