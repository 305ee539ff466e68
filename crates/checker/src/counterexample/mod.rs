//! The smallest counterexample: few operations of a history that broke a level, which break it alone, in the same way.
//!
//! A violation names the lines that contradict each other, but seldom all that a reader needs to see it: who wrote what was
//! shown, and by which sessions one thing came to stand behind another. So operations are left out while the judge still
//! says the same sentence about the rest (`shrink`), and what is left is drawn (`picture`): as text for a terminal, or as SVG.
//!
//! Invariants: the counterexample is judged, never guessed: its judge has said the very same of it as of the whole history,
//! so nothing is broken in it that was not broken there. What an answer shows stays in (`support`). No single operation can be left
//! out of it, unless it says that the search was bounded. Same history, same picture.
//!
//! Not here: files, and what breaks a level.

mod columns;
mod picture;
mod shrink;
mod support;
mod svg;
mod text;

use std::fmt;

use crate::check::Report;
use crate::history::History;
use crate::level::Level;
use crate::search::SearchLimits;
use crate::verdict::{Class, Violation};
use picture::Picture;

/// How much the search for a counterexample may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShrinkLimits {
    /// Most judgements.
    pub judgements: usize,
    /// Most operations that are judged, over all judgements.
    pub operations: usize,
    /// Most violations of a level that are tried; the one with the smallest counterexample is shown.
    pub violations: usize,
}

impl Default for ShrinkLimits {
    fn default() -> ShrinkLimits {
        ShrinkLimits { judgements: 2_000, operations: 4_000_000, violations: 4 }
    }
}

/// A part of a history that breaks a level as the whole of it does.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The level that is broken.
    pub level: Level,
    /// How, in the words of the judge.
    pub violation: Violation,
    /// The operations, with the lines that they had in the whole history, and their fates.
    pub history: History,
    /// How many operations the whole history has.
    pub out_of: usize,
    /// Whether no single operation can be left out; else the search was bounded, and a smaller one may exist.
    pub complete: bool,
}

/// The smallest counterexample of each level that a report says is broken, strongest level first.
pub fn counterexamples(
    history: &History,
    report: &Report,
    search: SearchLimits,
    limits: ShrinkLimits,
) -> Vec<Counterexample> {
    let mut broken: Vec<(Level, Vec<&Violation>)> = Vec::new();
    let keys = report.keys.iter().filter(|key| key.class() == Class::Violation);
    let of_keys: Vec<&Violation> = keys.filter_map(|key| key.violation()).collect();
    if !of_keys.is_empty() {
        broken.push((Level::Linearizable, of_keys));
    }
    for level in report.levels.iter().filter(|level| level.class == Class::Violation) {
        broken.push((level.level, level.violations.iter().collect()));
    }
    broken
        .into_iter()
        .filter_map(|(level, violations)| {
            let tried = violations.into_iter().take(limits.violations);
            let found =
                tried.filter_map(|violation| shrink::shrink(history, level, violation, search, limits));
            found.min_by_key(|example| example.history.records.len())
        })
        .collect()
}

/// Counterexamples as one picture that any browser shows, light or dark, without anything from outside.
pub fn to_svg(examples: &[Counterexample]) -> String {
    let pictures: Vec<Picture> = examples.iter().map(Picture::new).collect();
    svg::draw(&pictures)
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::draw(&Picture::new(self), f)
    }
}
