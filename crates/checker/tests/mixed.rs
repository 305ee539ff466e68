//! Linearizability in histories that mix levels: the operations at that level and all decided strong writes, with tentative
//! writes as what may take effect at any time. The language is that of `lines`.

mod lines;

use checker::{Class, Level, Rule, Scope, SearchLimits, check_history};
use lines::history;

#[track_caller]
fn is(class: Class, text: &str) {
    let report = check_history(&history(text), Level::Linearizable, SearchLimits::default()).unwrap();
    assert_eq!(report.class(), class, "{report}");
}

#[test]
fn a_linearizable_read_sees_every_strong_write_before_it() {
    let text = "a seq set x 1 0..1 @10
                b lin get x 1 2..3 @10";
    is(Class::Legal, text);
    is(Class::Violation, &text.replace("x 1 2..3 @10", "x - 2..3 @0"));
    is(Class::Legal, &text.replace("x 1 2..3 @10", "x - 1..3 @0"));
}

#[test]
fn reads_below_linearizable_are_not_held_to_real_time() {
    is(
        Class::Legal,
        "a lin set x 1 0..1 @10
         b seq get x - 2..3 @0 ^0
         b cau get x - 4..5 @0 ^0
         c eve get x - 6..7 @0 ^0
         d lin get x 1 8..9 @10",
    );
}

#[test]
fn a_tentative_write_may_take_effect_at_any_time_after_it_began_and_once() {
    let text = "a cau set x 1 5..6 @0 !n1.1
                b lin set x 2 7..8 @10
                b lin get x 2 9..10 @10
                b lin get x 1 11..12 @20
                decided n1.1 @20";
    is(Class::Legal, text);
    is(Class::Legal, &text.replace("decided n1.1 @20", ""));
    is(Class::Violation, &text.replace("decided", "superseded"));
    is(Class::Violation, &text.replace("decided n1.1 @20", "lost n1.1"));
    is(Class::Violation, &text.replace("x 1 5..6", "x 1 13..14"));
    is(Class::Violation, &text.replace("n1.1 @20", "n1.1 @21"));
    let twice = format!("{text}\n b lin del x 13..14 @30\n b lin get x 1 15..16 @40");
    is(Class::Violation, &twice);
    is(Class::Violation, &twice.replace("decided n1.1 @20", ""));
}

#[test]
fn answers_of_tentative_writes_prove_nothing_about_decided_state() {
    is(
        Class::Legal,
        "a cau incr x 5=5 0..1 @0 !n1.1
         b cau del y 0..1 @0 !n1.2
         c lin incr x 1=1 2..3 @10
         c lin get x 6 4..5 @20
         c lin get y - 4..5 @0
         decided n1.1 @20
         decided n1.2 @30",
    );
}

#[test]
fn sessions_that_hop_between_nodes_and_levels_are_judged_at_every_level_that_they_use() {
    let text = "a lin set x 1 0..1 @10 ^10 %n1
                a seq get x 1 2..3 @10 ^10 %n2
                a cau set y 1 4..5 @0 ^10 !n3.1 %n3
                a cau get y 1 6..7 @0 ^10 ~ !n3.1 %n1
                a seq set? z 1 8..
                b eve get y - 10..11 @0 ^9 %n2
                b lin get x 1 12..13 @10 %n1
                decided n3.1 @20 seen=10 time=12";
    let report = check_history(&history(text), Scope::All, SearchLimits::default()).unwrap();
    assert_eq!(report.class(), Class::Legal, "{report}");
    let levels: Vec<Level> = report.levels.iter().map(|level| level.level).collect();
    assert_eq!(levels, [Level::Sequential, Level::Causal, Level::Eventual]);

    // One wrong answer, at one level: the others stay as they are.
    let wrong = text.replace("x 1 2..3 @10 ^10", "x - 2..3 @0 ^9");
    let report = check_history(&history(&wrong), Scope::All, SearchLimits::default()).unwrap();
    assert_eq!(report.class(), Class::Violation);
    let classes: Vec<Class> = report.levels.iter().map(|level| level.class).collect();
    assert_eq!(classes, [Class::Violation, Class::Violation, Class::Legal], "{report}");
    let rules: Vec<Rule> =
        report.levels.iter().flat_map(|level| &level.violations).map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::SessionOrder, Rule::ReadYourWrites]);
    assert!(report.keys.iter().all(|key| key.class() == Class::Legal));
}
