//! Writes go on soon whatever links are cut, as long as a majority is connected at all (`sim::gaps`).

#![allow(clippy::print_stdout)] // the figures are of use

use sim::gaps::{Breakage, measure};

const LIMIT_NS: u64 = 1_500_000_000;

fn every_shape(nodes: usize, replicas: usize, seeds: u64) {
    for (name, breakage) in Breakage::ALL {
        for seed in 1..=seeds {
            let gaps = measure(seed, nodes, replicas, breakage);
            println!(
                "{nodes} nodes, {replicas} replicas, {name}, seed {seed}: {} writers, {} ms, {} terms, {} writes",
                gaps.writers,
                gaps.longest_ns / 1_000_000,
                gaps.terms,
                gaps.acknowledged
            );
            assert!(
                gaps.writers >= 2 * (nodes / 2 + 1) && gaps.acknowledged > 500,
                "{name}, seed {seed}: {gaps:?}"
            );
            assert!(gaps.longest_ns <= LIMIT_NS, "{name}, seed {seed}: {gaps:?}");
            assert!(gaps.terms <= 6, "{name}, seed {seed}: {gaps:?}");
        }
    }
}

#[test]
fn three_nodes_write_again_within_one_and_a_half_seconds_of_any_cut() {
    every_shape(3, 3, 3);
}

#[test]
fn five_nodes_write_again_within_one_and_a_half_seconds_of_any_cut() {
    every_shape(5, 5, 2);
}

#[test]
fn five_nodes_with_three_replicas_a_shard_write_again_within_one_and_a_half_seconds_of_any_cut() {
    every_shape(5, 3, 2);
}

#[test]
fn seven_nodes_write_again_within_one_and_a_half_seconds_of_any_cut() {
    every_shape(7, 7, 1);
}
