//! `start`: one node, in this process.

use crate::arguments::Start;
use crate::dev;
use crate::exit::{Exit, Failure};

pub(crate) fn run(arguments: &Start) -> Result<Exit, Failure> {
    if let Some(parent) = arguments.exit_with_parent {
        dev::exit_with_parent(parent)?;
    }
    Err(Failure::bad_input("not built yet"))
}
