//! The report that `quartet check` prints, from the text of a file to its last word.

use checker::{Class, Level, Scope, SearchLimits, check_file, check_history, parse_history};

const GOOD: &str = r#"{"client":"a","op":"set","key":"k","value":"1","invoke":10,"return":20,"status":"ok","version":5}
{"client":"b","op":"get","key":"k","value":"1","invoke":30,"return":40,"status":"ok","version":5,"as_of":6,"level":"linearizable"}
{"client":"b","op":"set","key":"other","value":"1","invoke":50,"status":"unknown"}
{"client":"c","op":"incr","key":"k","value":"1","invoke":50,"return":60,"status":"fail"}
"#;
const STALE: &str =
    r#"{"client":"c","op":"get","key":"k","value":null,"invoke":50,"return":60,"status":"ok","version":0}"#;

#[test]
fn a_legal_history_is_reported_with_its_counts() {
    let report = check_file(GOOD, Scope::All).unwrap();
    assert_eq!(report.class(), Class::Legal);
    assert_eq!(
        report.to_string(),
        "4 operations: 2 ok, 1 failed, 1 of unknown outcome\n\
         judged at linearizable: 3 operations on 2 keys, each by version and by search\n\
         linearizable: yes\n"
    );
}

#[test]
fn a_violation_names_the_key_the_lines_and_the_rule() {
    let report = check_file(&format!("{GOOD}{STALE}"), Level::Linearizable).unwrap();
    assert_eq!(report.class(), Class::Violation);
    assert_eq!(
        report.to_string(),
        "5 operations: 3 ok, 1 failed, 1 of unknown outcome\n\
         judged at linearizable: 4 operations on 2 keys, each by version and by search\n\
         key \"k\": line 1 was answered before line 5 began, yet by their versions it stands behind it (rule: real-time order)\n  \
         line 1: client a, set \"1\", from 10 to 20 ns, version 5\n  \
         line 5: client c, get = nothing, from 50 to 60 ns, version 0\n\
         linearizable: NO\n"
    );
}

#[test]
fn wrong_versions_of_right_values_are_told_apart() {
    let text =
        GOOD.replace(r#""return":40,"status":"ok","version":5"#, r#""return":40,"status":"ok","version":6"#);
    let report = check_file(&text, Level::Linearizable).unwrap();
    assert_eq!(report.class(), Class::Violation);
    assert!(report.to_string().contains("it is the versions that break the promise"), "{report}");
}

#[test]
fn a_key_without_versions_is_judged_by_search_and_the_report_says_so() {
    let text = GOOD.replace(r#","version":5"#, "");
    let report = check_file(&text, Level::Linearizable).unwrap();
    assert_eq!(report.class(), Class::Legal);
    assert!(
        report.to_string().contains("not judged by version: key \"k\" (line 1 is ok but has no `version`)")
    );

    let tight = SearchLimits { operations: 1, ..SearchLimits::default() };
    let report = check_history(&parse_history(&text).unwrap(), Level::Linearizable, tight).unwrap();
    assert_eq!(report.class(), Class::Undecided);
    assert!(report.to_string().contains("not judged by search: key \"k\" (too large to search"), "{report}");
    assert!(
        report.to_string().ends_with("linearizable: UNDECIDED, some keys could not be judged\n"),
        "{report}"
    );
}

#[test]
fn levels_that_do_not_exist_and_empty_histories_are_refused_with_a_sentence() {
    assert!("strong".parse::<Scope>().unwrap_err().contains("there is no level \"strong\""));
    let text = GOOD.replace(r#""level":"linearizable""#, r#""level":"quorum""#);
    let error = check_file(&text, Scope::All).unwrap_err().to_string();
    assert!(error.starts_with("line 2: there is no level \"quorum\""), "{error}");
    for nothing in
        ["", "\n\n", r#"{"client":"b","op":"set","key":"k","value":"1","invoke":50,"status":"unknown"}"#]
    {
        let error = check_file(nothing, Level::Linearizable).unwrap_err().to_string();
        assert!(error.contains("nothing to judge"), "{error}");
    }
}

#[test]
fn the_page_about_the_format_shows_only_lines_that_parse() {
    let page = include_str!("../../../docs/history.md");
    let examples: String =
        page.lines().filter(|line| line.starts_with('{')).map(|line| format!("{line}\n")).collect();
    assert!(examples.lines().count() >= 10);
    let report = check_file(&examples, Scope::All).unwrap();
    assert_eq!(report.class(), Class::Legal, "{report}");
    let levels: Vec<Level> = report.levels.iter().map(|level| level.level).collect();
    assert_eq!(levels, [Level::Sequential, Level::Causal, Level::Eventual], "{report}");
}
