//! What a person hands to `quartet`: histories (`check`), files of requests (`run`), what a cart remembers.

use checker::{Scope, SearchLimits, ShrinkLimits, check_history, counterexamples, parse_history, to_svg};

/// A history that says anything. A judge may call it no history, undecided or wrong; the report is the same each time, and a record
/// that is written again is read again.
pub fn histories(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let history = match parse_history(&text) {
        Ok(history) => history,
        Err(error) => return assert!(error.line > 0 && !error.message.is_empty()),
    };
    let records = history.records.iter().map(|(_, record)| record.to_line() + "\n");
    let fates = history.fates.iter().map(|(_, fate)| fate.to_line() + "\n");
    let again = parse_history(&records.chain(fates).collect::<String>()).expect("what we write we read");
    let records =
        |history: &checker::History| history.records.iter().map(|(_, it)| it.clone()).collect::<Vec<_>>();
    assert_eq!(records(&again), records(&history));
    let search = SearchLimits { operations: 60, steps: 3_000, cache_bytes: 1 << 20 };
    let shrink = ShrinkLimits { judgements: 60, operations: 2_000, violations: 1 };
    let Ok(report) = check_history(&history, Scope::All, search) else { return };
    let told = report.to_string();
    let examples = counterexamples(&history, &report, search, shrink);
    let drawn: String = examples.iter().map(ToString::to_string).collect();
    assert!(examples.is_empty() || !drawn.is_empty());
    let svg = to_svg(&examples);
    assert!(svg.ends_with("</svg>\n"));
    let report = check_history(&history, Scope::All, search).expect("as before");
    assert_eq!(report.to_string(), told);
}

/// Lines of requests, entries of a cart, and the file in which a cart's session is kept.
pub fn request_files(bytes: &[u8]) {
    cli::outside::request_file(bytes);
    cli::outside::cart(bytes);
}
