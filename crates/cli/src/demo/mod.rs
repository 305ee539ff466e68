//! `demo`: shows on a cluster of its own what Quartet does.
//!
//! * `levels`: what each level answers on both sides of a cut. `stage`: the cluster. `cell`: an answer in a few words.

mod cell;
mod levels;
mod stage;

use crate::arguments::{Demo, Demonstration};
use crate::exit::{Exit, Failure};

pub(crate) fn run(arguments: &Demo) -> Result<Exit, Failure> {
    match arguments.what {
        Demonstration::Levels => levels::run(),
    }
}
