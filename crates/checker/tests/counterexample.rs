//! The smallest counterexamples: what is left of a history, that none of it can go, and how it is drawn.

mod cluster;
mod lines;
#[path = "register/mod.rs"]
#[allow(dead_code)] // of it, only the randomness is wanted here
mod register;

use checker::{
    Class, Counterexample, History, Level, Rule, Scope, SearchLimits, ShrinkLimits, check_history,
    counterexamples, to_svg,
};
use cluster::Cluster;
use lines::{history, text};
use register::Random;

fn found(history: &History, scope: Scope, limits: ShrinkLimits) -> Vec<Counterexample> {
    let search = SearchLimits::default();
    let report = check_history(history, scope, search).unwrap();
    counterexamples(history, &report, search, limits)
}

#[track_caller]
fn one(text: &str, level: Level) -> Counterexample {
    let mut all = found(&history(text), Scope::Only(level), ShrinkLimits::default());
    assert_eq!(all.len(), 1);
    all.pop().unwrap()
}

fn lines_of(example: &Counterexample) -> Vec<usize> {
    example.history.records.iter().map(|(line, _)| *line).collect()
}

#[test]
fn of_a_long_history_only_the_stale_read_and_the_write_that_it_missed_are_left() {
    let mut long = String::new();
    for n in 0..150 {
        long += &format!("- lin set k v{n} {}..{} @{}\n", 100 * n, 100 * n + 50, n + 1);
        long += &format!("-r lin get k v{n} {}..{} @{}\n", 100 * n + 60, 100 * n + 90, n + 1);
    }
    long += "-late lin get k v100 20000..20050 @101\n-other lin set other 1 0..5 @3";
    let example = one(&long, Level::Linearizable);
    assert_eq!(example.violation.rule, Rule::RealTime);
    assert_eq!(example.history.records.len(), 3, "{example}");
    assert!(example.complete);
    assert_eq!(
        example.to_string(),
        r#"counterexample at linearizable: 3 of 302 operations break it (rule: real-time order)
  line 203 was answered before line 301 began, yet by their versions it stands behind it
  All of it is about key "k".
  None of these operations can be left out.

  client -      [A set "v100"-] [B! set "v101"-]
  client -late                                   [C! get = "v100"-]
  time          0 ns          50 ns            150 ns             10.05 µs

  A: set "v100" (line 201, client -, 0 ns to 50 ns, version 101)
  B!: set "v101" (line 203, client -, 100 ns to 150 ns, version 102)
  C!: get = "v100" (line 301, client -late, 10 µs to 10.05 µs, version 101)
  - C shows version 101, which A wrote.
  - B ended 9.85 µs before C began, yet by its version 101 C stands before B, 102.
  Left to right is real time, not to scale, from 10000 ns of the history's clock; ! marks what the judge named.
"#
    );
}

#[test]
fn a_wrong_value_is_shown_with_the_write_of_its_version() {
    let example = one(
        "a lin set k 1 0..10 @1
         a lin set k 2 20..30 @2
         b lin set k 3 40..50 @3
         b lin get k 1 60..70 @3",
        Level::Linearizable,
    );
    assert_eq!(lines_of(&example), [3, 4], "{example}");
    assert!(example.to_string().contains("B shows version 3, which A wrote"), "{example}");
}

#[test]
fn without_versions_no_write_goes_that_could_explain_an_answer() {
    let example = one(
        "a lin set k 1 0..10
         a lin get k 1 11..12
         a lin set k 2 20..30
         c lin set k 9 20..30
         b lin get k 2 40..50
         b lin get k 1 60..70",
        Level::Linearizable,
    );
    assert_eq!(example.violation.rule, Rule::NoLegalOrder);
    let lines = lines_of(&example);
    assert!(lines.contains(&1) && lines.contains(&6), "{example}");
    assert!(lines.len() <= 4, "{example}");
}

#[test]
fn causal_order_between_sessions_keeps_the_session_in_between() {
    let example = one(
        "a cau set x 1 0..10 @0 ^0 !n1.1
         a cau set noise 1 0..10 @0 ^0 !n1.2
         b cau get x 1 20..30 @0 ^0 ~ !n1.1
         b cau set y 2 40..50 @0 ^0 !n2.1
         c cau get y 2 60..70 @0 ^0 ~ !n2.1
         c cau get noise - 60..75 @0 ^0
         c cau get x - 80..90 @0 ^0
         decided n1.1 @5 seen=0 time=1
         decided n1.1 @5 seen=0 time=1
         decided n1.2 @6 seen=0 time=2
         decided n2.1 @7 seen=0 time=3",
        Level::Causal,
    );
    assert_eq!(example.violation.rule, Rule::CausalOrder, "{example}");
    assert_eq!(lines_of(&example), [1, 3, 4, 5, 7], "{example}");
    assert_eq!(example.history.fates.len(), 2, "one sighting of each fate is enough: {example}");
    for words in ["B names A, which was tentative then", "decided later, at version 5", "session b"] {
        assert!(example.to_string().contains(words), "{example}");
    }
}

#[test]
fn a_search_that_is_cut_short_says_so() {
    let mut long = String::new();
    for n in 0..60 {
        long += &format!("-{n} lin incr k 1={} {}..{} @{}\n", n + 1, 100 * n, 100 * n + 50, n + 1);
    }
    long += "-late lin get k 30 20000..20050 @30";
    let limits = ShrinkLimits { judgements: 9, ..ShrinkLimits::default() };
    let example = &found(&history(&long), Scope::All, limits)[0];
    assert!(!example.complete);
    assert!(example.to_string().contains("a smaller one may exist"), "{example}");
}

/// From stores with one answer spoilt: the part is broken in the same way, and without any of its operations it is not.
#[test]
fn no_operation_of_a_counterexample_can_be_left_out() {
    let mut random = Random(7);
    let (mut examples, mut smallest, mut largest) = (0, usize::MAX, 0);
    for _ in 0..400 {
        let mut history = Cluster::run(&mut random, 60).history;
        let place = random.below(history.records.len() as u64) as usize;
        let record = &mut history.records[place].1;
        match record.version {
            Some(version) if version > 1 => record.version = Some(version - 1 - random.below(version - 1)),
            _ => record.value = record.value.as_ref().map(|_| "77".to_owned()),
        }
        if record.validate().is_err() || check_history(&history, Scope::All, SearchLimits::default()).is_err()
        {
            continue;
        }
        for example in found(&history, Scope::All, ShrinkLimits::default()) {
            let size = example.history.records.len();
            (examples, smallest, largest) = (examples + 1, smallest.min(size), largest.max(size));
            assert!(example.complete);
            let same = |part: &History| {
                let Ok(report) = check_history(part, Scope::Only(example.level), SearchLimits::default())
                else {
                    return false;
                };
                let keys = report.keys.iter().filter_map(|key| key.violation());
                let mut all = keys.chain(report.levels.iter().flat_map(|level| &level.violations));
                all.any(|violation| violation.explanation == example.violation.explanation)
            };
            assert!(same(&example.history), "{example}\n{}", text(&history));
            for left_out in 0..size {
                let mut part = example.history.clone();
                let (_, gone) = part.records.remove(left_out);
                part.fates.retain(|(_, fate)| gone.dots.first() != Some(&fate.dot));
                // What another one shows may only stay because a reader wants to see it.
                let shown = part
                    .records
                    .iter()
                    .any(|(_, other)| other.key == gone.key && !other.may_write() && gone.may_write());
                assert!(shown || !same(&part), "without {gone:?}\n{example}");
            }
            assert_well_formed(&to_svg(&[example]));
        }
    }
    assert!(examples > 100, "{examples}");
    assert!(smallest == 1 || smallest == 2, "{smallest}");
    assert!(largest < 40, "{largest}");
}

#[test]
fn hostile_names_and_values_stay_text_in_the_picture() {
    let mut history = history("a lin set k 1 0..10 @1\nb lin get k 2 60..70 @1");
    for (_, record) in &mut history.records {
        record.key = "<script>&\u{1b}[2J\"".into();
        record.client = "</svg>\n\u{0}".repeat(50);
        record.session = None;
    }
    history.records[1].1.value = Some("</text><script>alert(1)</script>".into());
    let examples = found(&history, Scope::All, ShrinkLimits::default());
    assert_eq!(
        check_history(&history, Scope::All, SearchLimits::default()).unwrap().class(),
        Class::Violation
    );
    let svg = to_svg(&examples);
    assert_well_formed(&svg);
    assert!(!svg.contains("<script"), "{svg}");
    assert!(!examples[0].to_string().contains('\u{1b}'), "{}", examples[0]);
}

/// Tags are balanced, attributes quoted, and every ampersand begins an entity.
#[track_caller]
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>'), "a stray > in {text}");
        for entity in text.split('&').skip(1) {
            assert!(["lt;", "gt;", "amp;", "quot;"].iter().any(|name| entity.starts_with(name)), "{text}");
        }
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(svg.chars().all(|letter| letter == '\n' || !letter.is_control()));
}
