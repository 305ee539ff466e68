//! How many general seeds it takes until a planted bug is caught: the table of `docs/testing.md`.
//!
//! For each bug, from each of some starting points, seeds that know nothing of it are run until one fails. The median over the starting points is what the table says; where a search gave up, it counts as longer than all
//! that ended.
//!
//! Not here: time. The caller makes, for each search, somebody who says when it has lasted long enough.

use crate::batch::run_seeds;
use crate::run::Options;
use node::planted::Planted;
use std::io::{Write, stdout};

/// Where searches begin unless somebody says where.
const STARTS: [u64; 5] = [1, 10_001, 20_001, 30_001, 40_001];

/// Searches for each bug and prints a row of the table for it.
pub fn print<S: Fn() -> bool + Send>(
    bugs: &[Planted],
    starts: &[u64],
    most: u64,
    threads: usize,
    mut begin: impl FnMut() -> S,
) {
    let starts = if starts.is_empty() { &STARTS[..] } else { starts };
    say("| bug | seeds until caught | median | caught by |\n|---|---|---|---|\n");
    for &planted in bugs {
        let mut needed = Vec::new();
        let mut caught_by = std::collections::BTreeMap::<&'static str, u64>::new();
        for &start in starts {
            let is_over = begin();
            let options = Options { planted, ..Options::default() };
            let mut found: Option<(u64, &'static str)> = None;
            run_seeds(
                start,
                threads,
                options,
                move |handed_out| handed_out >= most || is_over(),
                |ended| {
                    let number = ended.params.seed - start + 1;
                    if let Some(failure) =
                        ended.failure.filter(|_| found.is_none_or(|(known, _)| number < known))
                    {
                        found = Some((number, failure.invariant));
                    }
                    found.is_none()
                },
            );
            needed.push(found.map(|(number, _)| number));
            if let Some((_, invariant)) = found {
                *caught_by.entry(invariant).or_default() += 1;
            }
        }
        let mut sorted = needed.clone();
        sorted.sort_by_key(|needed| needed.unwrap_or(u64::MAX));
        let word = |needed: &Option<u64>| needed.map_or("–".to_owned(), |needed| needed.to_string());
        let all: Vec<String> = needed.iter().map(word).collect();
        let by: Vec<&str> = caught_by.into_keys().collect();
        say(&format!(
            "| `{planted:?}` | {} | {} | {} |\n",
            all.join(", "),
            word(&sorted[sorted.len() / 2]),
            by.join("; ")
        ));
    }
}

fn say(text: &str) {
    let _ = stdout().write_all(text.as_bytes());
    let _ = stdout().flush();
}
