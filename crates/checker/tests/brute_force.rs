//! The judges' verdicts against searches that know only the words of the contract (`brute`), on thousands of small histories,
//! right and wrong. Every disagreement is a bug on one of the two sides.
//!
//! The gate compares 20,000 histories a level; `a_larger_comparison` does a million a level:
//! `cargo nextest run --cargo-profile ci -p checker --test brute_force --run-ignored only`.

mod brute;
mod lines;
#[path = "register/mod.rs"]
mod register;

use brute::weather::{Weather, draw, spoil, untie};
use brute::{causal, linearizable, sequential};
use checker::{Class, History, Level, SearchLimits, check_history};
use lines::text;
use register::{EVERYTHING, NUMBERS, Random, Shape, TEXTS};

const IN_THE_GATE: u64 = 20_000;
const AT_LENGTH: u64 = 1_000_000;

#[derive(Debug, Default)]
struct Tally {
    good: u64,
    bad: u64,
    not_judged: u64,
}

/// Compares the judge's verdict with the search's. Panics where they differ.
fn compare(seed: u64, level: Level, history: &History, holds: impl Fn() -> bool, tally: &mut Tally) {
    for (_, record) in &history.records {
        if record.validate().is_err() {
            tally.not_judged += 1;
            return;
        }
    }
    let Ok(report) = check_history(history, level, SearchLimits::default()) else {
        tally.not_judged += 1;
        return;
    };
    let verdict = match report.class() {
        Class::Legal => true,
        Class::Violation => false,
        Class::Undecided => {
            tally.not_judged += 1;
            return;
        }
        Class::JudgesDisagree => panic!("seed {seed}: {report}\n{}", text(history)),
    };
    let holds = holds();
    assert_eq!(verdict, holds, "seed {seed}: the search says {holds}\n{report}\n{}", text(history));
    if holds { tally.good += 1 } else { tally.bad += 1 }
}

fn of_linearizable(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let random = &mut Random(seed);
        let shape = Shape {
            clients: 2 + random.below(3),
            operations: 3 + random.below(6),
            unknown_one_in: 3 + random.below(4),
            texts: random.below(4),
            mix: [EVERYTHING, TEXTS, NUMBERS][random.below(3) as usize],
            bug_one_in: (!random.one_in(3)).then(|| 1 + random.below(3)),
        };
        let mut records = register::history(random, shape);
        if random.one_in(2) {
            register::spoil(random, &mut records);
        }
        let history = History { records, fates: Vec::new() };
        compare(seed, Level::Linearizable, &history, || linearizable::holds(&history.records), &mut tally);
    }
    tally
}

fn of_weather(
    seeds: std::ops::Range<u64>,
    level: Level,
    unknown: bool,
    levels: &'static [Level],
    holds: fn(&History) -> bool,
) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let random = &mut Random(seed);
        let weather = Weather {
            operations: 8,
            careless_one_in: 1 + random.below(3),
            unknown_one_in: if unknown { 4 } else { 0 },
            levels,
        };
        let mut history = draw(random, weather);
        // Spoiling one thing often changes nothing.
        for _ in 0..random.below(12) {
            spoil(random, &mut history);
        }
        untie(&mut history);
        compare(seed, level, &history, || holds(&history), &mut tally);
    }
    tally
}

fn of_sequential(seeds: std::ops::Range<u64>) -> Tally {
    const LEVELS: &[Level] = &[
        Level::Sequential,
        Level::Sequential,
        Level::Sequential,
        Level::Linearizable,
        Level::Causal,
        Level::Eventual,
    ];
    of_weather(seeds, Level::Sequential, true, LEVELS, sequential::holds)
}

fn of_causal(seeds: std::ops::Range<u64>) -> Tally {
    const LEVELS: &[Level] = &[
        Level::Causal,
        Level::Causal,
        Level::Causal,
        Level::Eventual,
        Level::Sequential,
        Level::Linearizable,
    ];
    of_weather(seeds, Level::Causal, false, LEVELS, causal::holds)
}

/// Both kinds are there in numbers.
#[track_caller]
#[allow(clippy::print_stdout)] // the figures of docs/testing.md
fn assert_mixed(tally: &Tally, asked: u64) {
    let judged = tally.good + tally.bad;
    println!("{tally:?} of {asked}");
    assert!(judged * 10 >= asked * 9, "{tally:?}");
    assert!(tally.good * 5 >= judged && tally.bad * 5 >= judged, "{tally:?}");
}

#[test]
fn linearizable_agrees_with_todc_utils() {
    assert_mixed(&of_linearizable(0..IN_THE_GATE), IN_THE_GATE);
}

#[test]
fn sequential_agrees_with_a_search_of_all_orders() {
    assert_mixed(&of_sequential(0..IN_THE_GATE), IN_THE_GATE);
}

#[test]
fn causal_agrees_with_a_search_of_all_replica_states() {
    assert_mixed(&of_causal(0..IN_THE_GATE), IN_THE_GATE);
}

#[test]
#[ignore = "minutes"]
fn a_larger_comparison() {
    assert_mixed(&of_linearizable(1_000_000..1_000_000 + AT_LENGTH), AT_LENGTH);
    assert_mixed(&of_sequential(1_000_000..1_000_000 + AT_LENGTH), AT_LENGTH);
    assert_mixed(&of_causal(1_000_000..1_000_000 + AT_LENGTH), AT_LENGTH);
}
