//! Hand-made histories for the judge of `eventual`: fates, arbitration and convergence, one rule each; the language is that
//! of `lines`.

mod lines;

use checker::Level::Eventual;
use checker::{Class, Rule, Scope, check_file};
use lines::{broken, history, judged, kept};

const TWO: &str = "a cau set x 1 0..1 @0 ^5 !n1.1
                   b eve set x 2 0..1 @0 ^5 !n2.1
                   decided n1.1 @10 seen=5 time=7
                   decided n2.1 @12 seen=5 time=8";

#[test]
fn every_acknowledged_tentative_write_is_decided_or_superseded() {
    kept(Eventual, TWO);
    kept(Eventual, &TWO.replace("decided n1.1 @10", "superseded n1.1 @13 by=12"));
    kept(Eventual, &TWO.replace("decided n1.1 @10 seen=5 time=7", "lost n1.1"));
    broken(
        Eventual,
        Rule::ExactlyOnce,
        &[1],
        "neither decided nor superseded",
        &TWO.replace("decided n1.1 @10 seen=5 time=7", ""),
    );
}

#[test]
fn a_fate_is_one_however_often_it_is_seen() {
    kept(Eventual, &format!("{TWO}\n decided n1.1 @10"));
    for other in ["decided n1.1 @11", "superseded n1.1 @10", "lost n1.1"] {
        broken(Eventual, Rule::ExactlyOnce, &[1], "has two fates", &format!("{TWO}\n {other}"));
    }
}

#[test]
fn two_writes_never_share_a_dot() {
    broken(Eventual, Rule::ExactlyOnce, &[1, 2], "one dot, (n1, 1)", &TWO.replace("n2.1", "n1.1"));
}

#[test]
fn an_origins_writes_of_a_key_are_decided_in_their_order() {
    let text = TWO.replace("n2.1", "n1.2");
    kept(Eventual, &text);
    let swapped = text.replace("@10", "@14").replace("time=7", "time=9");
    broken(Eventual, Rule::ExactlyOnce, &[1, 2], "behind its number 2", &swapped);
}

#[test]
fn strong_wins_over_an_assignment_that_had_not_seen_it() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                b lin del x 2..3 @6
                decided n1.1 @10 seen=6";
    kept(Eventual, text);
    let unseen = text.replace("seen=6", "seen=5");
    broken(Eventual, Rule::StrongWins, &[1, 2], "over the strong write of line 2, version 6", &unseen);
    // Without `seen` the answer's time stands for it.
    broken(Eventual, Rule::StrongWins, &[1, 2], "up to 5", &text.replace(" seen=6", ""));
    kept(Eventual, &text.replace(" seen=6", "").replace("^5", "^6"));
    // An effect is no assignment, and what was superseded did not win.
    kept(Eventual, &unseen.replace("set x 1", "incr x 1"));
    kept(Eventual, &unseen.replace("decided", "superseded"));
}

#[test]
fn a_late_assignment_does_not_undo_a_deletion_that_beats_it() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                b cau del x 0..1 @0 ^5 !n2.1
                decided n2.1 @10 seen=5 time=7
                decided n1.1 @90 seen=5 time=8";
    kept(Eventual, text);
    broken(
        Eventual,
        Rule::NewestWins,
        &[1, 2],
        "line 1 of time 6 took effect at version 90 over line 2, which is newer",
        &text.replace("time=8", "time=6"),
    );
    // A strong write that both had seen ends the contest.
    kept(
        Eventual,
        &text
            .replace("time=8", "time=6")
            .replace("@90 seen=5", "@90 seen=20")
            .replace("decided n2.1", "c seq set x 3 4..5 @20\n decided n2.1"),
    );
}

#[test]
fn a_write_loses_only_with_reason() {
    let text = "a cau set x 1 0..1 @0 ^5 !n1.1
                b lin set x 2 2..3 @6
                superseded n1.1 @10 by=6 seen=5";
    kept(Eventual, text);
    broken(Eventual, Rule::LosesToUnseen, &[1, 2], "which it had seen", &text.replace("seen=5", "seen=6"));
    broken(Eventual, Rule::LosesToUnseen, &[1], "behind its own place", &text.replace("@10", "@6"));
    let newest = TWO.replace("decided n1.1 @10 seen=5 time=7", "superseded n1.1 @13 by=12 seen=5 time=7");
    kept(Eventual, &newest);
    broken(
        Eventual,
        Rule::NewestWins,
        &[1, 2],
        "lost to line 2 of time 8, which is older",
        &newest.replace("time=7", "time=9"),
    );
}

#[test]
fn nodes_agree_after_everything_came_to_rest() {
    let text = format!(
        "{TWO}
         r eve get x 2 20..21 @12 ^30 %n1 *
         r eve get x 2 22..23 @12 ^30 %n2 *"
    );
    kept(Eventual, &text);
    broken(
        Eventual,
        Rule::Convergence,
        &[5, 6],
        "differ about key",
        &text.replace("x 2 22..23 @12", "x 1 22..23 @10"),
    );
    let both = text.replace("x 2 22..23 @12", "x 1 22..23 @10").replace("x 2 20..21 @12", "x 1 20..21 @10");
    broken(Eventual, Rule::Convergence, &[2, 5], "does not show version 12 of line 2", &both);
    broken(
        Eventual,
        Rule::Convergence,
        &[6],
        "still tentative",
        &text.replace("@12 ^30 %n2 *", "@10 ^11 ~ !n2.1 %n2 *"),
    );
    kept(Eventual, &both.replace(" *", ""));
}

#[test]
fn eventual_answers_may_be_old_but_not_made_up() {
    let text = format!("{TWO}\n r eve get x 2 20..21 @12 ^30\n r eve get x 1 22..23 @10 ^11");
    kept(Eventual, &text);
    broken(Eventual, Rule::Legality, &[1, 6], "line 6 does not fit", &text.replace("x 1 22", "x 2 22"));
    broken(
        Eventual,
        Rule::DecidedIsShown,
        &[1, 6],
        "where that was decided",
        &text.replace("@10 ^11", "@0 ^11 ~ !n1.1"),
    );
}

#[test]
fn without_fates_the_verdict_is_undecided() {
    let report = judged(&history("a cau set x 1 0..1 @0 ^5 !n1.1"), Eventual);
    assert_eq!(report.class, Class::Undecided);
    assert!(report.to_string().contains("nobody knows what became"), "{report}");
}

#[test]
fn an_acknowledged_tentative_write_without_dot_is_an_error_that_names_the_line() {
    let text = r#"{"client":"a","op":"set","key":"k","value":"1","invoke":0,"return":9,"status":"ok","level":"eventual"}"#;
    let error = check_file(text, Scope::All).unwrap_err().to_string();
    assert!(error.starts_with("line 1: ") && error.contains("needs `dots`"), "{error}");
}
