//! Hand-made histories, good and bad, one promise each. A line of the small language here reads
//! `client op text from..to @version`: `-` is an absent key, `a>b` a CAS, `op!` one that changed nothing, `op?` one whose
//! outcome nobody learned, `op#` one that certainly failed, `5=7` an increment by 5 that answered 7.

use checker::{
    Judgement, OpName, Operation, Record, Rule, SearchLimits, Status, judge_by_search,
    judge_by_search_of_values, judge_by_version,
};

fn record(line: &str) -> Record {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [client, op, text, times, ..] = words[..] else { panic!("{line}") };
    let name = op.trim_end_matches(['!', '?', '#']);
    let op_name = match name {
        "get" => OpName::Get,
        "set" => OpName::Set,
        "del" => OpName::Del,
        "cas" => OpName::Cas,
        "incr" => OpName::Incr,
        "append" => OpName::Append,
        _ => panic!("{line}"),
    };
    let (from, to) = times.split_once("..").unwrap();
    let mut record = Record::invoked(client, op_name, "k", from.parse().unwrap());
    let state = |text: &str| (text != "-").then(|| text.to_owned());
    record.value = state(text);
    if let Some((expect, value)) = text.split_once('>') {
        record.expect = state(expect);
        record.value = state(value);
    }
    if let Some((value, result)) = text.split_once('=') {
        record.value = state(value);
        record.result = Some(result.parse().unwrap());
    }
    record.return_ns = to.parse().ok();
    record.version = words.get(4).map(|version| version.trim_start_matches('@').parse().unwrap());
    record.status = match op.chars().last() {
        Some('?') => Status::Unknown,
        Some('#') => Status::Fail,
        _ => Status::Ok,
    };
    if record.status == Status::Ok && matches!(op_name, OpName::Cas | OpName::Del) {
        record.swapped = Some(!op.ends_with('!'));
    }
    record.validate().unwrap();
    record
}

fn operations(text: &str) -> Vec<Operation> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.enumerate().filter_map(|(place, line)| Operation::from_record(place + 1, &record(line))).collect()
}

/// Both judges find a legal order.
#[track_caller]
fn legal(text: &str) {
    let operations = operations(text);
    assert_eq!(judge_by_version(&operations), Judgement::Legal);
    assert_eq!(judge_by_search(&operations, SearchLimits::default()), Judgement::Legal);
}

/// Both judges object; judge A with this rule and these lines, and in words that hold this.
#[track_caller]
fn wrong(rule: Rule, lines: &[usize], words: &str, text: &str) {
    let operations = operations(text);
    let judgement = judge_by_version(&operations);
    let violation = judgement.violation().unwrap_or_else(|| panic!("{judgement:?}"));
    assert_eq!(violation.rule, rule, "{violation}");
    assert_eq!(violation.operations.iter().map(|op| op.line).collect::<Vec<_>>(), lines, "{violation}");
    assert!(violation.explanation.contains(words), "{violation}");
    let by_search = judge_by_search(&operations, SearchLimits::default());
    assert!(by_search.violation().is_some(), "{by_search:?}");
}

#[test]
fn operations_one_after_the_other_are_legal() {
    legal(
        "a get - 0..1 @0
         a set x 2..3 @10
         a get x 4..5 @10
         a cas x>y 6..7 @20
         a cas! x>z 8..9 @20
         a append z 10..11 @30
         a get yz 12..13 @30
         a del - 14..15 @40
         a get - 16..17 @40
         a incr 5=5 18..19 @50
         a get 5 20..21 @50",
    );
}

#[test]
fn concurrent_reads_may_see_either_side_of_a_write() {
    legal(
        "a set x 0..1 @10
         b set y 2..9 @20
         c get x 3..4 @10
         d get y 3..4 @20
         c get y 5..6 @20",
    );
}

#[test]
fn a_stale_read_is_found() {
    wrong(
        Rule::RealTime,
        &[2, 3],
        "line 2 was answered before line 3 began",
        "a set x 0..1 @10
         b set y 2..3 @20
         c get x 4..5 @10",
    );
}

#[test]
fn time_may_not_run_backwards_between_readers() {
    wrong(
        Rule::RealTime,
        &[3, 4],
        "line 3 was answered before line 4 began",
        "a set x 0..1 @10
         b set y 2..9 @20
         c get y 3..4 @20
         d get x 5..6 @10",
    );
}

#[test]
fn an_absent_key_after_an_acknowledged_write_is_found() {
    wrong(
        Rule::RealTime,
        &[1, 2],
        "line 1 was answered before line 2 began",
        "a set x 0..1 @10
         b get - 4..5 @0",
    );
    wrong(
        Rule::Legality,
        &[1, 2],
        "the key held \"x\" (line 1)",
        "a set x 0..1 @10
         b get - 4..5 @30",
    );
}

#[test]
fn two_writes_with_one_version_are_found() {
    wrong(
        Rule::VersionsAreUnique,
        &[1, 2],
        "version 10",
        "a set x 0..1 @10
         b set y 2..3 @10",
    );
}

#[test]
fn a_write_needs_a_version_above_zero() {
    wrong(Rule::VersionsAreUnique, &[1], "version 0", "a set x 0..1 @0");
}

#[test]
fn the_largest_version_leaves_no_room_and_does_no_harm() {
    legal(
        "a set x 0..1 @18446744073709551615
         b set? y 0..
         c get x 2..3 @18446744073709551615",
    );
}

#[test]
fn a_read_of_another_value_than_its_version_was_given_is_found() {
    wrong(
        Rule::Legality,
        &[1, 3],
        "line 3 does not fit: line 1 wrote version 10 and left \"x\"",
        "a set x 0..1 @10
         b set y 0..9 @20
         c get y 0..9 @10",
    );
}

#[test]
fn versions_that_deny_real_time_are_found_even_where_the_values_can_be_ordered() {
    let text = "a set x 0..1 @20
                b set y 2..3 @10";
    wrong(Rule::RealTime, &[1, 2], "stands behind it", text);
    assert_eq!(judge_by_search_of_values(&operations(text), SearchLimits::default()), Judgement::Legal);
}

#[test]
fn a_cas_that_took_effect_on_another_value_is_found() {
    wrong(
        Rule::Legality,
        &[1, 2],
        "line 2 cannot have been answered so at version 20: the key held \"x\" (line 1)",
        "a set x 0..1 @10
         b cas z>y 2..3 @20",
    );
}

#[test]
fn two_compare_and_swaps_from_one_value_cannot_both_take_effect() {
    wrong(
        Rule::Legality,
        &[2, 3],
        "line 3 cannot have been answered so",
        "a set x 0..1 @10
         b cas x>y 2..5 @20
         c cas x>z 2..5 @30",
    );
}

#[test]
fn a_refusal_of_a_cas_that_would_have_fit_is_found() {
    wrong(
        Rule::Legality,
        &[1, 2],
        "line 2 does not fit",
        "a set x 0..1 @10
         b cas! x>y 2..3 @10",
    );
    legal(
        "a set x 0..1 @10
         b cas! ->y 2..3 @10
         c set z 4..5 @20
         c cas! x>y 6..7 @20",
    );
}

#[test]
fn a_refused_cas_on_an_absent_key_reports_the_slots_newest_deletion() {
    legal(
        "a set x 0..1 @10
         a del - 2..3 @20
         b cas! x>y 4..5 @35
         c get - 6..7 @35
         b set z 8..9 @40",
    );
}

#[test]
fn answers_about_an_absent_key_have_no_order_among_themselves() {
    legal(
        "a get - 0..1 @80
         b get - 2..3 @50
         c del! - 4..5 @100
         c get - 6..7 @80",
    );
}

#[test]
fn an_absent_answer_before_a_deletion_and_one_behind_the_next_write_are_found() {
    wrong(
        Rule::Legality,
        &[1, 3],
        "the key held \"x\"",
        "a set x 0..1 @10
         b del - 2..9 @30
         c get - 2..9 @20",
    );
}

#[test]
fn an_increment_that_was_lost_or_applied_twice_is_found() {
    wrong(
        Rule::Legality,
        &[1, 2],
        "the key held \"1\"",
        "a incr 1=1 0..1 @10
         b incr 1=1 2..3 @20",
    );
    wrong(
        Rule::Legality,
        &[1, 2],
        "left \"1\"",
        "a incr 1=1 0..1 @10
         b get 2 2..3 @10",
    );
}

#[test]
fn an_append_that_answers_the_wrong_length_is_found() {
    wrong(
        Rule::Legality,
        &[1, 2],
        "the key held \"ab\"",
        "a append ab=2 0..1 @10
         b append c=4 2..3 @20",
    );
}

#[test]
fn a_write_of_unknown_outcome_may_be_seen_late_or_never() {
    legal(
        "a set x 0..1 @10
         b set? y 2..
         c get x 100..101 @10
         c get y 200..201 @20
         c get y 300..301 @20",
    );
    legal(
        "a set x 0..1 @10
         b set? y 2..
         c get x 100..101 @10",
    );
}

#[test]
fn a_write_of_unknown_outcome_takes_effect_once_at_most() {
    wrong(
        Rule::Legality,
        &[2, 4, 5],
        "line 5 does not fit at version 40",
        "a set x 0..1 @10
         b set? y 2..
         c get y 3..4 @20
         c set z 5..6 @30
         c get y 9..10 @40",
    );
    wrong(
        Rule::Legality,
        &[1, 3],
        "line 3 does not fit at version 20",
        "b incr? 1 0..
         c get 1 3..4 @10
         c get 2 9..10 @20",
    );
}

#[test]
fn a_write_of_unknown_outcome_cannot_be_seen_before_it_began() {
    wrong(
        Rule::Legality,
        &[1, 2, 3],
        "nor does one of unknown outcome that had begun in time",
        "a set x 0..1 @10
         c get y 2..3 @20
         b set? y 5..",
    );
}

#[test]
fn a_value_of_a_write_that_certainly_failed_is_found() {
    wrong(
        Rule::Legality,
        &[1, 3],
        "line 3 does not fit at version 20",
        "a set x 0..1 @10
         b set# y 2..3
         c get y 4..5 @20",
    );
}

#[test]
fn unknown_operations_explain_later_answers_that_rest_on_them() {
    legal(
        "a incr 5=5 0..1 @10
         b incr? 2 2..
         c incr? 2 2..
         d incr 1=10 8..9 @40",
    );
    legal(
        "a set x 0..1 @10
         b cas? x>y 2..
         c cas? y>z 2..
         d cas z>w 8..9 @40",
    );
    legal(
        "a set x 0..1 @10
         b del? - 2..
         c get - 8..9 @40
         d cas ->w 10..11 @50",
    );
    legal(
        "a append? ab 0..
         b append? cd 0..
         c append e=5 5..6 @30
         d get cdabe 7..8 @30",
    );
}

#[test]
fn one_value_may_come_from_a_set_here_and_from_an_increment_there() {
    legal(
        "a incr? 1 0..
         b set? 1 0..
         c get 1 2..3 @10
         c set z 4..5 @20
         c get 1 6..7 @30",
    );
}

/// Deletions that each found something, which only one of twelve unknown writes can have put there.
fn deletions_of_unknown_writes(deletions: u64) -> Vec<Operation> {
    let mut text = "a set x 0..1 @5\n".to_owned();
    for number in 0..12 {
        // The refusals keep the writes apart: each of their values is asked for.
        text += &format!("u{number} set? v{number} 0..\n r cas! v{number}>w 0..1 @5\n");
    }
    text += "a del - 2..3 @10\n";
    for number in 1..=deletions {
        text += &format!("a del - {}..{} @{}\n", number * 10, number * 10 + 1, number * 10 + 10);
    }
    operations(&text)
}

#[test]
fn too_many_explanations_may_prove_a_history_legal_but_never_wrong() {
    assert_eq!(judge_by_version(&deletions_of_unknown_writes(12)), Judgement::Legal);
    let Judgement::Undecided(reason) = judge_by_version(&deletions_of_unknown_writes(13)) else { panic!() };
    assert!(reason.contains("too many ways"), "{reason}");
}

#[test]
fn unknown_operations_need_versions_of_their_own() {
    wrong(
        Rule::Legality,
        &[1, 4],
        "the key held \"5\"",
        "a incr 5=5 0..1 @10
         b incr? 2 2..
         c incr? 2 2..
         d incr 1=10 8..9 @12",
    );
}

#[test]
fn an_unknown_operation_that_was_seen_binds_what_follows() {
    wrong(
        Rule::RealTime,
        &[3, 4],
        "line 3 was answered before line 4 began",
        "a set x 0..1 @10
         b set? y 2..
         c get y 3..4 @20
         d get x 5..6 @10",
    );
}

#[test]
fn an_answer_without_version_is_left_to_the_search() {
    let operations = operations(
        "a set x 0..1
         b get y 2..3",
    );
    let Judgement::Undecided(reason) = judge_by_version(&operations) else { panic!() };
    assert!(reason.contains("line 1 is ok but has no `version`"), "{reason}");
    let by_search = judge_by_search(&operations, SearchLimits::default());
    assert_eq!(by_search.violation().unwrap().rule, Rule::NoLegalOrder);
}

#[test]
fn the_search_shows_only_the_beginning_that_is_wrong() {
    let mut text = String::new();
    for number in 0..200 {
        let at = number * 10;
        text += &format!("a set {number} {}..{}\n b get {number} {}..{}\n", at, at + 1, at + 2, at + 3);
        if number == 100 {
            text += &format!("c get 98 {}..{}\n", at + 4, at + 5);
        }
    }
    let judgement = judge_by_search(&operations(&text), SearchLimits::default());
    let violation = judgement.violation().unwrap();
    assert!(violation.operations.len() <= 12, "{violation}");
    assert_eq!(violation.operations.last().unwrap().line, 203, "{violation}");
}

#[test]
fn a_search_that_would_take_too_long_is_undecided_and_never_legal() {
    let mut text = String::new();
    for number in 0..40 {
        text += &format!("a{number} set {number} 0..1000\n b{number} set? u{number} 0..\n");
    }
    text += "c get nothing 2000..2001\n";
    let operations = operations(&text);
    let tight = SearchLimits { steps: 20_000, ..SearchLimits::default() };
    let Judgement::Undecided(reason) = judge_by_search(&operations, tight) else { panic!() };
    assert!(reason.contains("too large to search: 81 operations, 20000 steps"), "{reason}");
    let few = SearchLimits { operations: 80, ..SearchLimits::default() };
    let Judgement::Undecided(reason) = judge_by_search(&operations, few) else { panic!() };
    assert!(reason.contains("81 operations of one key, limit 80"), "{reason}");
    let no_memory = SearchLimits { cache_bytes: 1_000, ..SearchLimits::default() };
    assert!(matches!(judge_by_search(&operations, no_memory), Judgement::Undecided(_)));
}
