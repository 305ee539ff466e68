//! `check FILE`: a recorded history through the judges of the `checker` crate. The format is in `docs/history.md`.
//!
//! What is broken is also shown: the smallest part of the history that breaks it, as a timeline on stdout, and as SVG where asked.

use crate::arguments::Check;
use crate::exit::{Exit, Failure};
use crate::talk;
use checker::{
    Class, Scope, SearchLimits, ShrinkLimits, check_history, counterexamples, parse_history, to_svg,
};
use std::io::Read;
use std::path::Path;

pub(crate) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let shown = arguments.file.display();
    let text = read(&arguments.file)
        .map_err(|error| Failure::bad_input(format!("cannot read the history {shown}: {error}")))?;
    let scope: Scope = arguments.level.parse().map_err(|error: String| Failure::bad_input(error))?;
    let bad = |error| Failure::bad_input(format!("{shown}: {error}"));
    let history = parse_history(&text).map_err(bad)?;
    let limits = SearchLimits::default();
    let report = check_history(&history, scope, limits).map_err(bad)?;
    talk::print(format_args!("{report}"))?;
    let examples = counterexamples(&history, &report, limits, ShrinkLimits::default());
    for example in &examples {
        talk::print(format_args!("{example}"))?;
    }
    if let Some(file) = &arguments.svg {
        if examples.is_empty() {
            talk::print(format_args!("no level is broken, so {} was not written", file.display()))?;
        } else {
            std::fs::write(file, to_svg(&examples)).map_err(|error| {
                Failure::bad_input(format!("cannot write the picture {}: {error}", file.display()))
            })?;
        }
    }
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
