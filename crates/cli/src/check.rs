//! `check FILE`: a recorded history through the judges of the `checker` crate. The format is in `docs/history.md`.

use crate::arguments::Check;
use crate::exit::{Exit, Failure};
use crate::talk;
use checker::{Class, Scope, check_file};
use std::io::Read;
use std::path::Path;

pub(crate) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let shown = arguments.file.display();
    let text = read(&arguments.file)
        .map_err(|error| Failure::bad_input(format!("cannot read the history {shown}: {error}")))?;
    let scope: Scope = arguments.level.parse().map_err(|error: String| Failure::bad_input(error))?;
    let report = check_file(&text, scope).map_err(|error| Failure::bad_input(format!("{shown}: {error}")))?;
    talk::print(format_args!("{report}"))?;
    Ok(match report.class() {
        Class::Legal => Exit::Done,
        Class::Violation => Exit::Violation,
        Class::Undecided | Class::JudgesDisagree => Exit::Undecided,
    })
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
