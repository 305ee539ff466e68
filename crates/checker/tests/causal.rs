//! Hand-made histories for the judge of `causal`, one rule each; the language is that of `lines`.

mod lines;

use checker::Level::Causal;
use checker::{Class, Rule, Scope, check_file};
use lines::{broken, history, judged, kept};

#[test]
fn a_session_reads_its_writes_tentative_or_decided() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                a cau get x 1 2..3 @0 ^5 ~ !n1.1
                a cau get x 1 4..5 @10 ^12
                a seq get x 1 6..7 @10 ^10
                a lin get x 1 8..9 @10
                decided n1.1 @10";
    kept(Causal, text);
    broken(
        Causal,
        Rule::ReadYourWrites,
        &[1, 2],
        "line 2 shows key \"x\" at version 0, and not version 10, which was in its past by line 1",
        &text.replace("x 1 2..3 @0 ^5 ~ !n1.1", "x - 2..3 @0 ^5"),
    );
    for read in ["seq get x - 2..3 @9 ^9", "lin get x - 2..3 @9"] {
        let text = format!("a cau set x 1 0..1 @0 ^5 !n1.1\na {read}\ndecided n1.1 @10");
        broken(Causal, Rule::ReadYourWrites, &[1, 2], "line 2", &text);
    }
    broken(
        Causal,
        Rule::ReadYourWrites,
        &[1, 2],
        "line 2",
        "
        a seq set x 1 0..1 @10
        a cau get x - 2..3 @0 ^5",
    );
}

#[test]
fn what_was_superseded_or_lost_or_never_told_is_excused() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                a cau get x - 2..3 @0 ^5
                superseded n1.1 @10 by=9";
    kept(Causal, text);
    kept(Causal, &text.replace("superseded n1.1 @10 by=9", "lost n1.1"));
    let untold = text.replace("superseded n1.1 @10 by=9", "");
    kept(Causal, &untold);
    assert!(judged(&history(&untold), Causal).to_string().contains("1 tentative writes have no fate"));
}

#[test]
fn a_session_never_sees_less_than_it_saw() {
    let text = "w seq set x 1 0..1 @10
                w seq set x 2 2..3 @20
                a cau get x 2 4..5 @20 ^20
                a cau get x 2 6..7 @20 ^20";
    kept(Causal, text);
    let older = text.replace("2 6..7 @20 ^20", "1 6..7 @10 ^20");
    broken(Causal, Rule::MonotonicReads, &[3, 4], "version 20, which was in its past by line 3", &older);
    kept(Causal, &older.replace("a cau get x 1", "b cau get x 1"));
    kept(Causal, &older.replace("a cau get x 1", "a eve get x 1"));
    kept(Causal, &older.replace("6..7", "4..7"));
    broken(Causal, Rule::MonotonicReads, &[3, 4], "line 4", &older.replace("a cau get x 2", "a lin get x 2"));
}

#[test]
fn a_tentative_write_that_was_seen_is_seen_again_until_something_beats_it() {
    let text = "w cau set x 1 0..1 @0 ^5 !n1.1
                v cau set x 2 0..1 @0 ^5 !n2.1
                a cau get x 1 2..3 @0 ^5 ~ !n1.1
                a cau get x 2 4..5 @0 ^5 ~ !n2.1
                decided n1.1 @10
                decided n2.1 @11";
    kept(Causal, text);
    let swapped = text.replace("n1.1 @10", "n1.1 @12");
    broken(
        Causal,
        Rule::MonotonicReads,
        &[3, 4],
        "not version 12, which was in its past by line 3",
        &swapped,
    );
    // What is shown lost later: registers may flip before they settle.
    kept(Causal, &swapped.replace("decided n2.1 @11", "superseded n2.1 @13 by=12"));
    broken(
        Causal,
        Rule::MonotonicReads,
        &[3, 4],
        "line 4",
        &text.replace("x 2 4..5 @0 ^5 ~ !n2.1", "x - 4..5 @0 ^5"),
    );
}

#[test]
fn tentative_effects_are_shown_by_their_dots_as_prefixes() {
    let text = "w cau incr x 1 0..1 @0 ^5 !n1.1
                w cau incr x 1 2..3 @0 ^5 !n1.4
                w cau get x 2 4..5 @0 ^5 ~ !n1.4
                w cau get x 2 6..7 @10 ^10 ~ !n1.4
                decided n1.1 @10
                decided n1.4 @20";
    kept(Causal, text);
    broken(
        Causal,
        Rule::ReadYourWrites,
        &[2, 3],
        "not version 20, which was in its past by line 2",
        &text.replace("x 2 4..5 @0 ^5 ~ !n1.4", "x 1 4..5 @0 ^5 ~ !n1.3"),
    );
    // A dot of another origin covers nothing of this one.
    let other = text.replace("x 2 4..5 @0 ^5 ~ !n1.4", "x 1 4..5 @0 ^5 ~ !n2.9");
    broken(Causal, Rule::ReadYourWrites, &[2, 3], "not version 20", &other);
}

#[test]
fn a_sessions_writes_are_decided_in_its_order() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                a cau set x 2 2..3 @0 ^5 !n2.1
                decided n1.1 @10
                decided n2.1 @11";
    kept(Causal, text);
    let swapped = text.replace("n2.1 @11", "n2.1 @9");
    broken(Causal, Rule::MonotonicWrites, &[1, 2], "line 2 was decided at version 9", &swapped);
    kept(Causal, &swapped.replace("decided n2.1 @9", "superseded n2.1 @9 by=8"));
    kept(Causal, &swapped.replace("a cau set x 2", "a eve set x 2"));
    broken(
        Causal,
        Rule::MonotonicWrites,
        &[1, 2],
        "line 2 was decided at version 9",
        "
        a cau set x 1 0..1 @0 ^5 !n1.1
        a seq set x 2 2..3 @9
        decided n1.1 @10",
    );
}

#[test]
fn writes_are_decided_behind_what_their_session_had_seen() {
    let text = "w seq set x 1 0..1 @10
                a cau get x 1 2..3 @10 ^10
                a cau set x 2 4..5 @10 ^10 !n1.1
                decided n1.1 @20";
    kept(Causal, text);
    broken(
        Causal,
        Rule::WritesFollowReads,
        &[2, 3],
        "line 3 was decided at version 9",
        &text.replace("n1.1 @20", "n1.1 @9"),
    );
}

#[test]
fn a_write_does_not_lose_to_a_strong_one_that_its_session_had_seen() {
    let text = "w seq set x 1 0..1 @10
                a cau get x 1 2..3 @10 ^10
                a cau set x 2 4..5 @10 ^10 !n1.1
                v seq set x 3 6..7 @15
                superseded n1.1 @20 by=15";
    kept(Causal, text);
    let text = text.replace("by=15", "by=10");
    broken(Causal, Rule::LosesToUnseen, &[2, 3], "superseded by version 10", &text);
}

#[test]
fn effects_are_seen_with_their_causes_across_sessions_and_shards() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                a cau set y 1 2..3 @0 ^7 !n1.2
                b cau get y 1 4..5 @0 ^7 ~ !n1.2
                b cau get x 1 6..7 @0 ^5 ~ !n1.1
                decided n1.1 @10
                decided n1.2 @12";
    kept(Causal, text);
    let without_cause = text.replace("x 1 6..7 @0 ^5 ~ !n1.1", "x - 6..7 @0 ^5");
    broken(Causal, Rule::CausalOrder, &[1, 4], "in its past by line 1", &without_cause);
    kept(Causal, &without_cause.replace("b cau get y", "b eve get y"));
    kept(Causal, &without_cause.replace("a cau set y", "a eve set y"));
    // The effect was seen decided, by yet another session in between.
    let chain = "a cau set x 1 0..1 @0 ^5 !n1.1
                 a seq set y 1 2..3 @12
                 b seq get y 1 4..5 @12 ^12
                 b cau set z 1 6..7 @0 ^12 !n2.1
                 c cau get z 1 8..9 @0 ^13 ~ !n2.1
                 c seq get x 1 10..11 @10 ^13
                 decided n1.1 @10
                 decided n2.1 @14";
    kept(Causal, chain);
    let old = chain.replace("x 1 10..11 @10 ^13", "x - 10..11 @0 ^13");
    broken(Causal, Rule::CausalOrder, &[1, 6], "in its past by line 1", &old);
}

#[test]
fn a_counter_carries_the_causes_of_all_its_effects() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                a cau incr n 1 2..3 @0 ^7 !n1.2
                b cau incr n 1 4..5 @0 ^7 !n2.1
                c cau get n 2 6..7 @14 ^14
                c cau get x 1 8..9 @10 ^14
                decided n1.1 @10
                decided n1.2 @12
                decided n2.1 @14";
    kept(Causal, text);
    broken(Causal, Rule::CausalOrder, &[1, 5], "line 1", &text.replace("x 1 8..9 @10", "x - 8..9 @0"));
    // A blind write wipes the causes away with the values.
    let blind = text.replace("b cau incr n 1", "b cau set n 2").replace("x 1 8..9 @10", "x - 8..9 @0");
    kept(Causal, &blind);
}

#[test]
fn a_strong_deletion_that_found_nothing_wipes_the_causes_of_the_one_before() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                a cau del k 2..3 @0 ^5 !n1.2
                c lin del! k 4..5 @12 ^14
                b lin cas k ->v 6..7 @15
                b lin get x - 8..9 @0
                decided n1.2 @12
                decided n1.1 @20";
    kept(Causal, text);
    kept(Causal, &text.replace("@12 ^14", "@12"));
    // Who deletes has been told that nothing was there, and so has its session.
    broken(Causal, Rule::CausalOrder, &[1, 5], "line 1", &text.replace("b lin get x", "c lin get x"));
    let broken_without =
        |text: &str| broken(Causal, Rule::CausalOrder, &[1, 5], "in its past by line 1", text);
    // It stood before the deletion, or behind what was shown; it was a read, or found what was refused.
    broken_without(&text.replace("@12 ^14", "@10 ^11"));
    broken_without(&text.replace("@12 ^14", "@17 ^17"));
    broken_without(&text.replace("lin del! k 4..5 @12 ^14", "lin get k - 4..5 @12 ^14"));
    broken_without(&text.replace("lin del! k 4..5 @12 ^14", "lin cas! k w>v 4..5 @12 ^14"));
}

#[test]
fn a_token_that_is_handed_over_carries_the_past() {
    let text = "a cau set x 1 0..10 @0 ^5 !n1.1
                b cau get x - 12..13 @0 ^5 <a.10
                decided n1.1 @10";
    broken(Causal, Rule::CausalOrder, &[1, 2], "in its past by line 1", text);
    kept(Causal, &text.replace("<a.10", "<a.9"));
}

#[test]
fn a_committed_answer_shows_the_value_of_its_version() {
    let text = "w seq set x 1 0..1 @10
                w cau set x 2 2..3 @10 ^10 !n1.1
                b cau get x 2 4..5 @20 ^20
                c cau get x 1 4..5 @10 ^20
                decided n1.1 @20";
    kept(Causal, text);
    broken(Causal, Rule::Legality, &[1, 2, 3], "line 3 does not fit", &text.replace("x 2 4..5", "x 1 4..5"));
    broken(
        Causal,
        Rule::Legality,
        &[1, 2, 3],
        "line 3 does not fit",
        &text.replace("x 2 4..5 @20", "x 2 4..5 @19"),
    );
}

#[test]
fn a_tentative_answer_names_the_assignment_that_it_shows() {
    let text = "w cau set x 2 2..3 @0 ^10 !n1.1
                b cau get x 2 4..5 @0 ^10 ~ !n1.1
                decided n1.1 @20";
    kept(Causal, text);
    broken(
        Causal,
        Rule::Legality,
        &[2],
        "no tentative write of its key made",
        &text.replace("x 2 4", "x 3 4"),
    );
    broken(Causal, Rule::Legality, &[2], "of its key", &text.replace("get x", "get y"));
    broken(Causal, Rule::SeenBeforeBegun, &[1, 2], "began only later", &text.replace("4..5", "0..1"));
    let unnamed = text.replace("~ !n1.1", "~ !n2.7");
    broken(Causal, Rule::Legality, &[1, 2], "and does not name it", &unnamed);
    // Dots stand for prefixes, come with others, and are left out once somebody knows that they are decided.
    kept(Causal, &text.replace("~ !n1.1", "~ !n1.6 !n2.7"));
    kept(Causal, &unnamed.replace("@20", "@20 known=5"));
    broken(Causal, Rule::Legality, &[1, 2], "does not name it", &unnamed.replace("@20", "@20 known=6"));
}

#[test]
fn an_effect_that_was_known_to_be_decided_may_be_left_out_of_the_dots() {
    let text = "w cau incr x 1 0..1 @0 ^5 !n1.1
                w cau incr x 1 2..3 @0 ^5 !n2.1
                w cau get x 2 4..5 @0 ^5 ~ !n2.1
                decided n1.1 @10 known=5
                decided n2.1 @20";
    kept(Causal, text);
    broken(Causal, Rule::ReadYourWrites, &[1, 3], "not version 10", &text.replace("known=5", "known=6"));
}

#[test]
fn what_was_decided_is_not_shown_as_tentative() {
    let text = "w cau set x 2 2..3 @0 ^10 !n1.1
                b cau get x 2 4..5 @0 ^19 ~ !n1.1
                superseded n1.1 @20 by=19";
    kept(Causal, text);
    broken(Causal, Rule::DecidedIsShown, &[1, 2], "where that was superseded", &text.replace("^19", "^20"));
}

#[test]
fn the_overlay_hides_what_had_not_seen_a_strong_write() {
    let text = "v seq set x 1 0..1 @15
                w cau set x 2 2..3 @0 ^10 !n1.1
                b cau get x 2 4..5 @0 ^14 ~ !n1.1
                superseded n1.1 @20 by=15";
    kept(Causal, text);
    broken(
        Causal,
        Rule::StrongWins,
        &[2, 3],
        "which (n1, 1) had not seen",
        &text.replace("@0 ^14", "@15 ^15"),
    );
}

#[test]
fn an_answer_without_version_is_an_error_that_names_the_line() {
    let text = r#"{"client":"a","session":"a","op":"get","key":"k","invoke":0,"return":9,"status":"ok","level":"causal"}"#;
    let error = check_file(text, Scope::All).unwrap_err().to_string();
    assert!(error.starts_with("line 1: ") && error.contains("needs `version`"), "{error}");
}

#[test]
fn operations_without_session_have_no_past_and_the_report_says_so() {
    let report = judged(&history("- cau get x - 0..1 @0 ^7"), Causal);
    assert_eq!(report.class, Class::Legal);
    assert!(report.to_string().contains("1 of them name no session"), "{report}");
}

// Found by the search by brute force (`brute_force`):

#[test]
fn a_decided_value_is_not_shown_before_its_write_began() {
    let text = "a seq set x 1 20..30 @10
                b cau get x 1 31..32 @10 ^10";
    kept(Causal, text);
    broken(
        Causal,
        Rule::SeenBeforeBegun,
        &[1, 2],
        "began to write only later",
        &text.replace("31..32", "10..11"),
    );
}

#[test]
fn what_a_strong_write_made_and_a_deletion_that_nobody_asked_for_are_never_tentative() {
    let words = "what no tentative write of its key made";
    let text = "a seq set x 1 0..1 @10
                b cau get x 1 4..5 @10 ^10
                c cau del y 4..5 @0 ^10 !n1.1";
    kept(Causal, text);
    let line = "b cau get x 1 4..5 @10 ^10";
    broken(Causal, Rule::Legality, &[2], words, &text.replace(line, "b cau get x 1 4..5 @10 ^10 ~"));
    broken(Causal, Rule::Legality, &[2], words, &text.replace(line, "b cau get x - 4..5 @10 ^10 ~ !n1.1"));
    kept(Causal, &text.replace(line, "b cau get y - 6..7 @0 ^10 ~ !n1.1"));
}

#[test]
fn an_origin_that_was_decided_out_of_its_order_hides_nothing_that_is_demanded() {
    let text = "a cau set x 1 0..1 @0 ^0 !n1.1
                b cau set x 2 2..3 @0 ^0 !n1.2
                a lin set x 3 4..5 @6 <b.3
                decided n1.1 @4
                decided n1.2 @5";
    kept(Causal, text);
    broken(Causal, Rule::MonotonicWrites, &[1, 3], "version 9 was in its past", &text.replace("@4", "@9"));
}
