//! A small language for hand-made histories of several keys and levels. A line reads
//! `session level op key text from..to @version ^as_of`, with what does not apply left out: levels are `lin seq cau eve`;
//! a session that begins with `-` is none; `-` is an absent key, `a>b` a CAS, `5=7` an increment by 5 that answered 7;
//! `op!` changed nothing, `op?` has an unknown outcome, `op#` certainly failed. `!n1.7` is the dot (n1, 7), `~` marks a
//! tentative answer, `<s.40` takes over the token that session s had at 40, `*` asks after everything came to rest, `%n2`
//! names the node. A line `decided n1.7 @90 seen=40 time=50`, `superseded n1.7 @90 by=77` or `lost n1.7` is a fate.

#![allow(dead_code)] // every test file uses its part

use checker::{
    Commitment, Dot, Ending, Fate, History, Level, LevelReport, OpName, Record, Rule, Scope, SearchLimits,
    Status, check_history,
};

fn dot(text: &str) -> Dot {
    let (origin, number) = text.rsplit_once('.').unwrap_or_else(|| panic!("{text} is no dot"));
    Dot { origin: origin.to_owned(), number: number.parse().unwrap() }
}

fn fate(line: &str) -> Fate {
    let mut words = line.split_whitespace();
    let ending = match words.next() {
        Some("decided") => Ending::Decided,
        Some("superseded") => Ending::Superseded,
        _ => Ending::Lost,
    };
    let mut fate = Fate::new(dot(words.next().unwrap()), ending, None);
    for word in words {
        let number = |text: &str| text.parse().ok();
        match word.split_once('=') {
            Some(("seen", text)) => fate.seen = number(text),
            Some(("time", text)) => fate.time = number(text),
            Some(("known", text)) => fate.known_ns = number(text),
            Some(("by", text)) => fate.by = number(text),
            _ => fate.decided_version = number(word.strip_prefix('@').unwrap()),
        }
    }
    fate
}

fn record(line: &str) -> Record {
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_else(|| panic!("{line}"));
    let (session, level, op, key) = (word(), word(), word(), word());
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
    let mut record = Record::invoked(session, op_name, key, 0);
    record.session = (!session.starts_with('-')).then(|| session.to_owned());
    let level = match level {
        "lin" => Level::Linearizable,
        "seq" => Level::Sequential,
        "cau" => Level::Causal,
        "eve" => Level::Eventual,
        _ => panic!("{line}"),
    };
    record.level = Some(level.to_string());
    let state = |text: &str| (text != "-").then(|| text.to_owned());
    for word in words {
        let number = || word[1..].parse().unwrap_or_else(|_| panic!("{word} in {line}"));
        match word.as_bytes()[0] {
            b'@' => record.version = Some(number()),
            b'^' => record.as_of = Some(number()),
            b'!' => record.dots.push(dot(&word[1..])),
            b'~' => record.state = Some(Commitment::Tentative),
            b'*' => record.settled = true,
            b'%' => record.node = Some(word[1..].to_owned()),
            b'<' => {
                let (session, at_ns) = word[1..].rsplit_once('.').unwrap();
                record.joins.push((session.to_owned(), at_ns.parse().unwrap()));
            }
            _ => match (word.split_once(".."), word.split_once('>'), word.split_once('=')) {
                (Some((from, to)), ..) => {
                    record.invoke_ns = from.parse().unwrap();
                    record.return_ns = to.parse().ok();
                }
                (None, Some((expect, value)), _) => {
                    record.expect = state(expect);
                    record.value = state(value);
                }
                (None, None, Some((value, result))) => {
                    record.value = state(value);
                    record.result = Some(result.parse().unwrap());
                }
                _ => record.value = state(word),
            },
        }
    }
    record.status = match op.chars().last() {
        Some('?') => Status::Unknown,
        Some('#') => Status::Fail,
        _ => Status::Ok,
    };
    if record.status == Status::Ok && matches!(op_name, OpName::Cas | OpName::Del) {
        record.swapped = Some(!op.ends_with('!'));
    }
    record
}

/// The history that the lines tell; their numbers are those of lines that are not empty.
pub(crate) fn history(text: &str) -> History {
    let mut history = History::default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for (place, line) in lines.enumerate() {
        match line.split_whitespace().next() {
            Some("decided" | "superseded" | "lost") => history.fates.push((place + 1, fate(line))),
            _ => history.records.push((place + 1, record(line))),
        }
    }
    history
}

/// What is said of one level.
#[track_caller]
pub(crate) fn judged(history: &History, level: Level) -> LevelReport {
    let report = check_history(history, Scope::Only(level), SearchLimits::default());
    report.unwrap_or_else(|error| panic!("{error}")).level(level).expect("the level was asked for").clone()
}

/// The level's promise is kept.
#[track_caller]
pub(crate) fn kept(level: Level, text: &str) {
    let report = judged(&history(text), level);
    assert!(report.violations.is_empty() && report.class == checker::Class::Legal, "{report}");
}

/// The level's promise is broken: by this rule, on these lines, in words that hold this.
#[track_caller]
pub(crate) fn broken(level: Level, rule: Rule, lines: &[usize], words: &str, text: &str) {
    let report = judged(&history(text), level);
    assert_eq!(report.class, checker::Class::Violation, "{report}");
    let violation = &report.violations[0];
    assert_eq!(violation.rule, rule, "{report}");
    assert_eq!(violation.operations.iter().map(|op| op.line).collect::<Vec<_>>(), lines, "{report}");
    assert!(violation.explanation.contains(words), "{report}");
}

/// All of it as the text of a history file.
pub(crate) fn text(history: &History) -> String {
    let records = history.records.iter().map(|(line, record)| (*line, record.to_line()));
    let fates = history.fates.iter().map(|(line, fate)| (*line, fate.to_line()));
    let mut lines: Vec<(usize, String)> = records.chain(fates).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}
