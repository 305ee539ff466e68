//! The judges against each other, over thousands of small random histories: sound ones, ones from a store with bugs,
//! and spoilt ones. Few texts and many unknown outcomes make as many explanations possible as can be.

mod register;

use checker::{
    Judgement, Operation, Record, SearchLimits, judge_by_search, judge_by_search_of_values, judge_by_version,
};
use register::{EVERYTHING, NUMBERS, Random, Shape, TEXTS, history, spoil};

fn operations(records: &[(usize, Record)]) -> Vec<Operation> {
    for (_, record) in records {
        record.validate().unwrap();
    }
    records.iter().filter_map(|(line, record)| Operation::from_record(*line, record)).collect()
}

fn shape(random: &mut Random, bug_one_in: Option<u64>) -> Shape {
    Shape {
        clients: 2 + random.below(4),
        operations: 4 + random.below(10),
        unknown_one_in: 2 + random.below(6),
        texts: random.below(4),
        mix: [EVERYTHING, TEXTS, NUMBERS][random.below(3) as usize],
        bug_one_in,
    }
}

fn text(records: &[(usize, Record)]) -> String {
    records.iter().map(|(_, record)| record.to_line() + "\n").collect()
}

#[derive(Debug, Default)]
struct Tally {
    legal: u32,
    wrong: u32,
    wrong_by_values: u32,
}

/// Both judges on one history; panics where they contradict each other.
fn judge_both(seed: u64, records: &[(usize, Record)], tally: &mut Tally) -> bool {
    let operations = operations(records);
    let by_version = judge_by_version(&operations);
    let by_search = judge_by_search(&operations, SearchLimits::default());
    let by_values = judge_by_search_of_values(&operations, SearchLimits::default());
    assert!(!matches!(by_version, Judgement::Undecided(_)), "seed {seed}: {by_version:?}\n{}", text(records));
    assert_eq!(
        by_version.is_legal(),
        by_search.is_legal(),
        "seed {seed}\n{by_version:?}\n{by_search:?}\n{}",
        text(records)
    );
    assert!(by_values.is_legal() || !by_version.is_legal(), "seed {seed}\n{}", text(records));
    match by_version.is_legal() {
        true => tally.legal += 1,
        false => tally.wrong += 1,
    }
    tally.wrong_by_values += u32::from(!by_values.is_legal());
    by_version.is_legal()
}

/// Enough to find any planted change of a judge's rules; the soak goes on from there.
const GATE: std::ops::Range<u64> = 0..4_000;
const SOAK: std::ops::Range<u64> = 4_000..400_000;

fn correct_store(seeds: std::ops::Range<u64>) {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut random = Random(seed);
        let shape = shape(&mut random, None);
        let records = history(&mut random, shape);
        assert!(judge_both(seed, &records, &mut tally), "seed {seed} accused:\n{}", text(&records));
    }
    assert_eq!(tally.wrong, 0);
}

fn store_with_bugs(seeds: std::ops::Range<u64>) {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut random = Random(seed ^ 0xB06);
        let shape = shape(&mut random, Some(5));
        let records = history(&mut random, shape);
        judge_both(seed, &records, &mut tally);
    }
    assert!(tally.legal > tally.wrong / 20 && tally.wrong > tally.legal / 20, "one-sided: {tally:?}");
    assert!(tally.wrong_by_values > 0, "{tally:?}");
}

fn spoilt_histories(seeds: std::ops::Range<u64>) {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut random = Random(seed ^ 0x5B01_1ED0);
        let shape = shape(&mut random, None);
        let mut records = history(&mut random, shape);
        for _ in 0..1 + random.below(3) {
            spoil(&mut random, &mut records);
        }
        judge_both(seed, &records, &mut tally);
    }
    assert!(tally.legal > tally.wrong / 20 && tally.wrong > tally.legal / 20, "one-sided: {tally:?}");
    assert!(tally.wrong_by_values > 0, "{tally:?}");
}

#[test]
fn a_correct_store_is_never_accused() {
    correct_store(GATE);
}

#[test]
fn both_judges_agree_on_a_store_with_bugs() {
    store_with_bugs(GATE);
}

#[test]
fn both_judges_agree_on_spoilt_histories() {
    spoilt_histories(GATE);
}

#[test]
#[ignore = "soak: a minute or two"]
fn both_judges_agree_at_length() {
    correct_store(SOAK);
    store_with_bugs(SOAK);
    spoilt_histories(SOAK);
}
