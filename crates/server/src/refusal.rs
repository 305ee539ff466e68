//! Why a node does not start, or does not go on: one sentence that says what happened and what to do.
//!
//! There is nothing for a program to decide here, so there is no enum: a person reads it on stderr, and the exit code is the same for all.

use std::fmt;

/// One sentence for the person who started the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// From a sentence without a full stop.
    pub fn new(sentence: impl Into<String>) -> Refusal {
        Refusal(sentence.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
