//! Hand-made histories for the judge of `sequential`, one rule each; the language is that of `lines`.

mod lines;

use checker::Level::Sequential;
use checker::{Class, Rule, Scope, check_file};
use lines::{broken, history, judged, kept};

#[test]
fn reads_may_be_old_as_long_as_each_session_goes_forward() {
    kept(
        Sequential,
        "a seq set x 1 0..1 @10
         a lin set y 1 2..3 @20
         b seq get y - 4..5 @0 ^0
         b seq get x 1 6..7 @10 ^10
         b seq get y - 8..9 @0 ^19
         b seq get y 1 10..11 @20 ^20
         c seq get x - 12..13 @0 ^9",
    );
}

#[test]
fn the_order_is_one_for_all_shards() {
    // Two readers that see two writes in opposite orders: each key alone is fine.
    let text = "a seq set x 1 0..9 @10
                b seq set y 1 0..9 @20
                c seq get x 1 10..11 @10 ^10
                c seq get y - 12..13 @0 ^10
                d seq get y 1 10..11 @20 ^20
                d seq get x - 12..13 @0 ^20";
    broken(Sequential, Rule::OneOrder, &[1, 6], "true as of 20, yet it shows version 0 of the key", text);
    kept(Sequential, &text.replace("^20\n                d seq get x - 12..13 @0 ^20", "^20"));
}

#[test]
fn a_read_shows_the_newest_write_up_to_its_time() {
    let text = "a seq set x 1 0..1 @10
                b seq set x 2 2..3 @20
                c seq get x 1 4..5 @10 ^19";
    kept(Sequential, text);
    broken(
        Sequential,
        Rule::OneOrder,
        &[2, 3],
        "line 3 is true as of 20, yet it shows version 10 of the key and not version 20, which line 2 made",
        &text.replace("^19", "^20"),
    );
}

#[test]
fn what_a_read_showed_is_there_for_every_later_time_even_if_its_writer_is_unknown() {
    let text = "a seq set x 1 0..1 @10
                b seq set? x 2 2..
                c seq get x 2 4..5 @20 ^20
                d seq get x 1 6..7 @10 ^19";
    kept(Sequential, text);
    broken(Sequential, Rule::OneOrder, &[3, 4], "line 4 is true as of 20", &text.replace("^19", "^20"));
}

#[test]
fn a_read_returns_the_value_of_the_write_whose_version_it_reports() {
    let text = "a seq set x 1 0..1 @10
                b seq set x 2 2..3 @20
                c seq get x 2 4..5 @20 ^20";
    kept(Sequential, text);
    broken(Sequential, Rule::Legality, &[1, 2, 3], "line 3 does not fit", &text.replace("x 2 4", "x 1 4"));
}

#[test]
fn a_version_that_nobody_wrote_is_found() {
    let text = "a seq set x 1 0..1 @10
                c seq get x 1 4..5 @11 ^11";
    broken(Sequential, Rule::Legality, &[1, 2], "no answered write made this version", text);
}

#[test]
fn an_answer_is_not_newer_than_the_time_it_is_true_for() {
    let text = "a seq set x 1 0..1 @10
                c seq get x 1 4..5 @10 ^9";
    broken(Sequential, Rule::Certificate, &[2], "version 10 and says that this is true as of 9", text);
}

#[test]
fn a_sessions_reads_do_not_go_back_but_may_share_a_time() {
    let text = "a seq get x - 0..1 @0 ^7
                a seq get y - 2..3 @0 ^7";
    kept(Sequential, text);
    broken(
        Sequential,
        Rule::SessionOrder,
        &[1, 2],
        "session a: line 2 reads as of 6 after line 1 reads as of 7",
        &text.replace("2..3 @0 ^7", "2..3 @0 ^6"),
    );
    kept(Sequential, &text.replace("a seq get y - 2..3 @0 ^7", "b seq get y - 2..3 @0 ^6"));
    kept(Sequential, &text.replace("a seq get y - 2..3 @0 ^7", "a seq get y - 0..3 @0 ^6"));
}

#[test]
fn a_sessions_writes_grow_strictly_across_shards() {
    let text = "a seq set x 1 0..1 @7
                a lin set y 1 1..3 @8";
    kept(Sequential, text);
    for version in ["@7", "@6"] {
        let text = text.replace("@8", version);
        broken(Sequential, Rule::SessionOrder, &[1, 2], "wrote version", &text);
    }
    kept(Sequential, &text.replace("@8", "@7").replace("a lin", "b lin"));
}

#[test]
fn a_sessions_write_stands_behind_what_it_read_and_its_read_behind_what_it_wrote() {
    broken(
        Sequential,
        Rule::SessionOrder,
        &[1, 2],
        "wrote version 7 after line 1 reads as of 7",
        "
        a seq get x - 0..1 @0 ^7
        a seq set y 1 2..3 @7",
    );
    kept(
        Sequential,
        "a seq set y 1 0..1 @7
                      a seq get x - 2..3 @0 ^7",
    );
    broken(
        Sequential,
        Rule::SessionOrder,
        &[1, 2],
        "reads as of 6 after line 1 wrote version 7",
        "
        a seq set y 1 0..1 @7
        a seq get x - 2..3 @0 ^6",
    );
}

#[test]
fn a_token_that_was_handed_over_carries_the_order_with_it() {
    let text = "a seq set x 1 0..10 @7
                b seq get x - 12..13 @0 ^6 <a.10";
    broken(Sequential, Rule::SessionOrder, &[1, 2], "session b: line 2 reads as of 6", text);
    kept(Sequential, &text.replace("<a.10", "<a.9"));
}

#[test]
fn an_unknown_write_stands_behind_what_its_session_did_before_it() {
    let text = "a seq set y 1 0..1 @10
                a seq set? x 1 2..
                b seq get x 1 4..5 @11 ^11";
    kept(Sequential, text);
    broken(
        Sequential,
        Rule::Legality,
        &[2, 3],
        "nor does one of unknown outcome",
        &text.replace("@11 ^11", "@10 ^11"),
    );
    // Nothing is bound to stand behind it: it may have taken effect after what its session did next.
    kept(Sequential, &format!("{text}\n a seq set y 2 8..9 @11"));
}

#[test]
fn an_unknown_write_takes_effect_once() {
    let text = "a seq set? x 1 0..
                b seq get x 1 4..5 @5 ^5
                b seq del x 6..7 @6
                b seq get x 1 8..9 @7 ^7";
    broken(Sequential, Rule::Legality, &[1, 3, 4], "line 4 does not fit", text);
    kept(Sequential, &format!("{text}\n c seq set? x 1 0.."));
}

#[test]
fn a_write_that_certainly_failed_is_never_seen() {
    let text = "a seq set# x 1 0..1
                b seq get x 1 4..5 @5 ^5";
    broken(Sequential, Rule::Legality, &[2], "no answered write made this version", text);
}

#[test]
fn equal_timestamps_of_two_shards_are_one_order_with_reads_behind() {
    kept(
        Sequential,
        "a seq set x 1 0..1 @7
         b seq set y 1 0..1 @7
         c seq get x 1 4..5 @7 ^7
         c seq get y 1 6..7 @7 ^7",
    );
    broken(
        Sequential,
        Rule::OneOrder,
        &[2, 4],
        "and not version 7, which line 2 made",
        "
        a seq set x 1 0..1 @7
        b seq set y 1 0..1 @7
        c seq get x 1 4..5 @7 ^7
        c seq get y - 6..7 @0 ^7",
    );
}

#[test]
fn two_writes_of_a_key_do_not_share_a_version() {
    broken(
        Sequential,
        Rule::VersionsAreUnique,
        &[1, 2],
        "version 7",
        "
        a seq set x 1 0..1 @7
        b lin set x 2 0..1 @7",
    );
}

#[test]
fn a_write_that_answers_stands_where_its_answer_is_true() {
    let text = "a seq set x 1 0..1 @10
                b seq cas x 1>2 2..3 @20
                c seq incr x 5=7 4..5 @30
                d seq cas! x 9>0 6..7 @30 ^30
                d seq del! y 8..9 @12 ^30";
    kept(Sequential, text);
    broken(
        Sequential,
        Rule::Legality,
        &[1, 2],
        "line 2 cannot have been answered",
        &text.replace("1>2", "3>2"),
    );
    broken(
        Sequential,
        Rule::Legality,
        &[2, 3],
        "line 3 cannot have been answered",
        &text.replace("5=7", "5=8"),
    );
    broken(Sequential, Rule::Legality, &[2, 3, 4], "line 4 does not fit", &text.replace("9>0", "7>0"));
}

#[test]
fn linearizable_reads_stand_outside() {
    kept(
        Sequential,
        "a seq set y 1 0..9 @20
         b lin get y 1 1..2 @20 ^20
         b lin get x - 3..4 @0 ^5
         c seq get x - 5..6 @0 ^30",
    );
}

#[test]
fn tentative_writes_stand_where_they_were_decided_which_no_session_binds() {
    let text = "a seq set x 1 0..1 @50
                a cau set y 1 2..3 @0 !n1.1
                b seq get y 1 4..5 @40 ^45
                decided n1.1 @40";
    kept(Sequential, text);
    broken(
        Sequential,
        Rule::OneOrder,
        &[2, 3],
        "and not version 44",
        &text.replace("n1.1 @40", "n1.1 @44").replace("1 4..5 @40", "- 4..5 @0"),
    );
    // Without a fate it may be what was seen; when it was superseded it may not.
    kept(Sequential, &text.replace("decided n1.1 @40", ""));
    let superseded = text.replace("decided", "superseded");
    broken(Sequential, Rule::Legality, &[3], "no answered write made this version", &superseded);
    // A deletion below sequential may be decided on a key that is not there.
    kept(Sequential, &text.replace("set y 1", "del y").replace("1 4..5", "- 4..5"));
}

#[test]
fn nothing_is_seen_before_it_began() {
    broken(
        Sequential,
        Rule::SeenBeforeBegun,
        &[1, 2],
        "line 1 shows what line 2 began to write only later",
        "
        a seq get x 1 0..1 @7 ^7
        b seq set x 1 2..3 @7",
    );
}

#[test]
fn operations_without_session_are_judged_by_values_and_the_report_says_so() {
    let report = judged(&history("- seq get x - 0..1 @0 ^7\n - seq get x - 2..3 @0 ^6"), Sequential);
    assert_eq!(report.class, Class::Legal);
    assert!(report.to_string().contains("2 of them name no session"), "{report}");
}

#[test]
fn a_read_without_its_time_is_an_error_that_names_line_and_field() {
    let line = |rest: &str| {
        format!(
            r#"{{"client":"a","op":"get","key":"k","invoke":0,"return":9,"status":"ok","level":"sequential"{rest}}}"#
        )
    };
    let error = check_file(&line(r#","version":3"#), Scope::All).unwrap_err().to_string();
    assert!(error.starts_with("line 1: ") && error.contains("needs `as_of`"), "{error}");
    let error = check_file(&line(r#","as_of":3"#), Scope::All).unwrap_err().to_string();
    assert!(error.contains("needs `version`"), "{error}");
    let set = r#"{"client":"a","op":"set","key":"k","value":"1","invoke":0,"return":9,"status":"ok"}"#;
    let text = format!("{}\n{set}", line(r#","version":0,"as_of":3"#));
    let error = check_file(&text, Scope::All).unwrap_err().to_string();
    assert!(error.starts_with("line 2: ") && error.contains("needs `version`"), "{error}");
}

// Found by the search by brute force (`brute_force`):

#[test]
fn an_unknown_write_is_not_seen_before_it_began_either() {
    let text = "a seq set x 1 9..9 @10
                a seq set? x 2 20..
                b seq get x 2 30..31 @20 ^20";
    kept(Sequential, text);
    broken(
        Sequential,
        Rule::SeenBeforeBegun,
        &[2, 3],
        "line 3 shows what line 2 began to write only later",
        &text.replace("30..31", "10..11"),
    );
    // Another one may have made it.
    kept(Sequential, &format!("{}\nc lin set? x 2 5..", text.replace("30..31", "10..11")));
}

#[test]
fn an_eventual_operation_touches_no_session_so_it_brings_no_token() {
    let text = "a seq set x 1 0..1 @10
                b cau get x 1 2..3 @10 ^10 <a.1
                b seq get x - 4..5 @0 ^9";
    broken(Sequential, Rule::SessionOrder, &[1, 3], "reads as of 9 after line 1 wrote version 10", text);
    kept(Sequential, &text.replace("b cau", "b eve"));
}
