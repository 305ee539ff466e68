//! What is to be drawn, without ink: lanes of sessions, bars of operations, and what they have to do with each other.
//!
//! `text` and `svg` draw the same picture. Times are told from the first sending; the letters are in its order. What the notes
//! say is read off the records (who shows whose write, what had ended before what began), never off the judge's words: those stand
//! above the picture.
//!
//! Invariant: the lines that the judge named are always in it, however many others are left out.

use std::collections::BTreeMap;
use std::fmt;

use super::Counterexample;
use super::columns::Span;
use crate::decided::{Became, Fates, Lines};
use crate::fate::Ending;
use crate::history::{Commitment, Record, Status};
use crate::level::Level;
use crate::register::{Action, Operation};
use crate::verdict::Rule;

/// More operations than these are not drawn.
const MOST_BARS: usize = 40;

/// One operation.
#[derive(Debug)]
pub(super) struct Bar {
    /// Its name in the picture.
    pub(super) letter: String,
    pub(super) lane: usize,
    /// Below others of its lane that it overlaps.
    pub(super) row: usize,
    pub(super) from_ns: u64,
    pub(super) to_ns: Option<u64>,
    /// What was asked and answered.
    pub(super) label: String,
    /// Everything else.
    pub(super) detail: String,
    /// Whether the judge named it.
    pub(super) culprit: bool,
}

/// A session, or a client without one.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) rows: usize,
}

/// Why two bars are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The second shows what the first wrote.
    Shows,
    /// The second took over what the first's session knew.
    Token,
    /// The second began after the first had ended, and yet stands before it.
    Contradicts,
}

/// A line from one bar to another.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) title: String,
    /// What is wrong, and what else is to be said above the picture.
    pub(super) captions: Vec<String>,
    pub(super) lanes: Vec<Lane>,
    pub(super) bars: Vec<Bar>,
    pub(super) links: Vec<Link>,
    pub(super) notes: Vec<String>,
    pub(super) start_ns: u64,
}

/// A span of time for people.
pub(super) struct Time(pub(super) u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let (whole, rest) = (self.0 / unit, self.0 % unit * 1_000 / unit);
        let rest = format!("{rest:03}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{whole} {name}"),
            rest => write!(f, "{whole}.{rest} {name}"),
        }
    }
}

/// A name, in quotes only where it would tear the picture.
fn plain(name: &str) -> String {
    const LONGEST_CHARS: usize = 24;
    let shown: String = name.chars().take(LONGEST_CHARS).collect::<String>().escape_debug().collect();
    if name.chars().nth(LONGEST_CHARS).is_some() { shown + "…" } else { shown }
}

fn letter(number: usize) -> String {
    let last = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => last.to_string(),
        before => letter(before - 1) + &last.to_string(),
    }
}

impl Picture {
    pub(super) fn new(example: &Counterexample) -> Picture {
        let fates = Fates::new(Lines::from(&example.history));
        let blamed = |line: usize| example.violation.operations.iter().any(|named| named.line == line);
        let mut shown: Vec<&(usize, Record)> = example.history.records.iter().collect();
        shown.sort_by_key(|(line, record)| (!blamed(*line), record.invoke_ns, *line));
        let left_out = shown.len().saturating_sub(MOST_BARS);
        shown.truncate(MOST_BARS);
        shown.sort_by_key(|(line, record)| (record.invoke_ns, *line));
        let start_ns = shown.iter().map(|(_, record)| record.invoke_ns).min().unwrap_or_default();
        let one_key = shown.windows(2).all(|pair| pair[0].1.key == pair[1].1.key);

        let mut lanes: Vec<Lane> = Vec::new();
        let mut ends: Vec<Vec<Option<u64>>> = Vec::new();
        let mut bars = Vec::new();
        for (number, (line, record)) in shown.iter().enumerate() {
            let name = match &record.session {
                Some(session) => format!("session {}", plain(session)),
                None => format!("client {}", plain(&record.client)),
            };
            let lane = lanes.iter().position(|lane| lane.name == name).unwrap_or_else(|| {
                lanes.push(Lane { name, rows: 0 });
                ends.push(Vec::new());
                lanes.len() - 1
            });
            let to_ns = record.return_ns.filter(|_| record.status != Status::Unknown);
            let free = |end: &Option<u64>| end.is_some_and(|end| end < record.invoke_ns);
            let row = ends[lane].iter().position(free).unwrap_or(ends[lane].len());
            if row == ends[lane].len() {
                ends[lane].push(None);
            }
            ends[lane][row] = to_ns;
            lanes[lane].rows = ends[lane].len();
            let label = label(*line, record);
            bars.push(Bar {
                letter: letter(number),
                lane,
                row,
                from_ns: record.invoke_ns,
                to_ns,
                label: if one_key { label } else { format!("{}: {label}", plain(&record.key)) },
                detail: detail(*line, record, start_ns, &fates),
                culprit: blamed(*line),
            });
        }
        let mut picture = Picture {
            title: format!(
                "{}: {} of {} operations break it (rule: {})",
                example.level,
                example.history.records.len(),
                example.out_of,
                example.violation.rule
            ),
            captions: vec![example.violation.explanation.clone()],
            lanes,
            bars,
            links: Vec::new(),
            notes: Vec::new(),
            start_ns,
        };
        if one_key && let Some((_, record)) = shown.first() {
            picture.captions.push(format!("All of it is about key {:?}.", plain(&record.key)));
        }
        picture.captions.push(match example.complete {
            true => "None of these operations can be left out.".to_owned(),
            false => "The search for this part was bounded: a smaller one may exist.".to_owned(),
        });
        if left_out > 0 {
            picture.captions.push(format!("{left_out} more operations are part of it and not drawn."));
        }
        picture.relate(&shown, &fates, example);
        picture
    }

    /// The bars as the columns see them.
    pub(super) fn spans(&self, width: impl Fn(&Bar) -> usize) -> Vec<Span> {
        let span = |bar: &Bar| Span { from_ns: bar.from_ns, to_ns: bar.to_ns, width: width(bar) };
        self.bars.iter().map(span).collect()
    }

    fn relate(&mut self, shown: &[&(usize, Record)], fates: &Fates<'_>, example: &Counterexample) {
        let made = |place: usize| {
            let (line, record) = shown[place];
            let writes = record.may_write() && record.status != Status::Fail;
            match writes.then(|| fates.became(*line, record)) {
                Some(Ok(Became::Decided(version))) => Some(version),
                _ => None,
            }
        };
        let mut by_version: BTreeMap<(&str, u64), usize> = BTreeMap::new();
        for (place, (_, record)) in shown.iter().enumerate() {
            by_version.extend(made(place).map(|version| ((&*record.key, version), place)));
        }
        for (place, (_, record)) in shown.iter().enumerate() {
            if record.status != Status::Ok {
                continue;
            }
            for (session, at_ns) in &record.joins {
                let given = shown.iter().enumerate().filter(|(_, (_, other))| {
                    other.session.as_ref() == Some(session)
                        && other.return_ns.is_some_and(|end_ns| end_ns <= *at_ns)
                });
                if let Some((from, _)) = given.max_by_key(|(_, (_, other))| other.return_ns) {
                    self.notes.push(format!(
                        "{} took over the token that session {} had after {}",
                        self.bars[place].letter,
                        plain(session),
                        self.bars[from].letter
                    ));
                    self.links.push(Link { from, to: place, kind: Kind::Token });
                }
            }
            if record.may_write() {
                continue;
            }
            let reader = &self.bars[place].letter;
            let named = record.dots.iter().filter_map(|dot| {
                shown.iter().position(|(_, other)| {
                    other.may_write() && other.key == record.key && other.dots.first() == Some(dot)
                })
            });
            let beneath = record.version.and_then(|version| by_version.get(&(&*record.key, version)));
            let mut shows: Vec<usize> = named.collect();
            let by_dot = shows.len();
            shows.extend(beneath);
            for (at, from) in shows.into_iter().enumerate().filter(|(_, from)| *from != place) {
                let writer = &self.bars[from].letter;
                self.notes.push(match (at < by_dot, record.version) {
                    (false, Some(version)) => {
                        format!("{reader} shows version {version}, which {writer} wrote")
                    }
                    _ => format!("{reader} names {writer}, which was tentative then"),
                });
                self.links.push(Link { from, to: place, kind: Kind::Shows });
            }
            match record.version {
                Some(0) if record.state != Some(Commitment::Tentative) => {
                    self.notes.push(format!("{reader} shows version 0: that nothing was ever written"));
                }
                Some(version) if beneath.is_none() && version > 0 => {
                    self.notes.push(format!("{reader} shows version {version}, which no write here made"));
                }
                _ => {}
            }
        }
        let in_time = matches!(
            example.violation.rule,
            Rule::RealTime
                | Rule::OneOrder
                | Rule::SessionOrder
                | Rule::ReadYourWrites
                | Rule::MonotonicReads
                | Rule::MonotonicWrites
                | Rule::WritesFollowReads
                | Rule::CausalOrder
        );
        for (from, one) in self.bars.iter().enumerate().filter(|(_, bar)| bar.culprit && in_time) {
            for (to, other) in self.bars.iter().enumerate().filter(|(_, bar)| bar.culprit) {
                let Some(end_ns) = one.to_ns.filter(|end_ns| *end_ns <= other.from_ns && from != to) else {
                    continue;
                };
                let versions = |place: usize| made(place).or(shown[place].1.version);
                let (Some(earlier), Some(later)) = (versions(from), versions(to)) else { continue };
                if shown[from].1.key != shown[to].1.key && example.violation.rule != Rule::SessionOrder {
                    continue;
                }
                let order = match earlier.cmp(&later) {
                    std::cmp::Ordering::Greater => {
                        format!(
                            ", yet by its version {later} {} stands before {}, {earlier}",
                            other.letter, one.letter
                        )
                    }
                    _ => String::new(),
                };
                self.notes.push(format!(
                    "{} ended {} before {} began{order}",
                    one.letter,
                    Time(other.from_ns - end_ns),
                    other.letter
                ));
                self.links.push(Link { from, to, kind: Kind::Contradicts });
            }
        }
    }
}

/// What was asked and answered, in few words.
fn label(line: usize, record: &Record) -> String {
    let whole = Record { status: Status::Ok, ..record.clone() };
    let mut operation =
        Operation::from_record(line, if record.status == Status::Fail { &whole } else { record });
    if let Some(Action::Del { found }) = operation.as_mut().map(|operation| &mut operation.action) {
        *found |= record.valid_level().is_weak() || record.status != Status::Ok;
    }
    operation.map_or_else(|| record.op.as_str().to_owned(), |operation| operation.action.to_string())
}

/// Where it stands in the file, and all that its answer said.
fn detail(line: usize, record: &Record, start_ns: u64, fates: &Fates<'_>) -> String {
    let mut words = vec![format!("line {line}"), format!("client {}", plain(&record.client))];
    let level = record.valid_level();
    if level != Level::Linearizable {
        words.push(level.to_string());
    }
    let from = Time(record.invoke_ns - start_ns);
    words.push(match (record.status, record.return_ns) {
        (Status::Unknown, _) => format!("from {from}, outcome unknown"),
        (Status::Fail, _) => format!("from {from}, failed"),
        (Status::Ok, end_ns) => {
            format!("{from} to {}", Time(end_ns.unwrap_or_default().saturating_sub(start_ns)))
        }
    });
    words.extend(record.version.map(|version| format!("version {version}")));
    words.extend(record.as_of.map(|as_of| format!("as of {as_of}")));
    words.extend(record.node.as_ref().map(|node| format!("at node {}", plain(node))));
    if record.state == Some(Commitment::Tentative) || (level.is_weak() && record.may_write()) {
        words.push("tentative".to_owned());
    }
    if !record.dots.is_empty() {
        let dots: Vec<String> = record.dots.iter().map(|dot| plain(&dot.to_string())).collect();
        words.push(format!("dots {}", dots.join(" ")));
    }
    if level.is_weak()
        && record.may_write()
        && let Some(fate) = record.dots.first().and_then(|dot| fates.of(dot))
    {
        words.push(match (fate.ending, fate.decided_version) {
            (Ending::Decided, Some(version)) => format!("decided later, at version {version}"),
            (ending, _) => format!("later {}", ending.as_str()),
        });
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_letters_are_for_people() {
        let shown: Vec<String> =
            [0, 999, 1_000, 1_500, 2_000_010, 61_000_000_000].map(|ns| Time(ns).to_string()).into();
        assert_eq!(shown, ["0 ns", "999 ns", "1 µs", "1.5 µs", "2 ms", "61 s"]);
        assert_eq!([0, 25, 26, 27, 701, 702].map(letter), ["A", "Z", "AA", "AB", "ZZ", "AAA"]);
        assert_eq!(plain("a\nb"), "a\\nb");
    }
}
