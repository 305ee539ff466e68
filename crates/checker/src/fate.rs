//! What became of tentative writes: the lines of a history that the log wrote, not a client.
//!
//! A write below sequential is answered before it is decided, so its client cannot know whether it took effect, and
//! where. Whoever records the history reads that from the decided log (or from the conflict log) and adds one line for
//! each fate that it saw, as often as it saw it: that two lines say the same is expected, that two say different things
//! is a violation. A line names its write by the *dot*, the origin and its number.
//!
//! Invariants: a decided fate has a version. Writing a fate and parsing it again gives an equal one.
//!
//! Not here: what follows from a fate (`decided`, `tentative`).

use std::fmt;

use serde_json::{Map, Value};

use crate::fields::{Fields, pairs_to_json};

/// A tentative operation's name: who took it, and its number there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dot {
    /// Node, core and incarnation, in the recorder's spelling.
    pub origin: String,
    /// The operation's number; in what an answer shows it stands for the origin's earlier operations too.
    pub number: u64,
}

impl From<(String, u64)> for Dot {
    fn from((origin, number): (String, u64)) -> Dot {
        Dot { origin, number }
    }
}

impl From<Dot> for (String, u64) {
    fn from(dot: Dot) -> (String, u64) {
        (dot.origin, dot.number)
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.origin, self.number)
    }
}

/// How a tentative write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It took effect, at its `decided_version`.
    Decided,
    /// It reached the log and was not applied.
    Superseded,
    /// Every disk that held it is gone.
    Lost,
}

impl Ending {
    const ALL: [Ending; 3] = [Ending::Decided, Ending::Superseded, Ending::Lost];

    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Ending::Decided => "decided",
            Ending::Superseded => "superseded",
            Ending::Lost => "lost",
        }
    }
}

/// One sighting of what became of a tentative write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Whose.
    pub dot: Dot,
    /// How it ended.
    pub ending: Ending,
    /// The timestamp of its log entry.
    pub decided_version: Option<u64>,
    /// Superseded: the version of the write that won; `None` for another reason (the floor, a closed origin).
    pub by: Option<u64>,
    /// What its origin had applied of the shard when it took the operation. Left out: the `as_of` of its answer.
    pub seen: Option<u64>,
    /// The operation's own time, by which the newest tentative assignment wins.
    pub time: Option<u64>,
    /// When the first replica had applied it, in ns of the history's clock: from then on an answer that shows it may leave its dot out. Left out: no answer does.
    pub known_ns: Option<u64>,
    /// The replica that saw it.
    pub node: Option<String>,
}

impl Fate {
    /// A fate of which nothing else is known.
    pub fn new(dot: Dot, ending: Ending, decided_version: Option<u64>) -> Fate {
        Fate { dot, ending, decided_version, by: None, seen: None, time: None, known_ns: None, node: None }
    }

    pub(crate) fn from_fields(fields: Map<String, Value>) -> Result<Fate, String> {
        let mut fields = Fields(fields);
        let ending = fields.one_of("fate", &Ending::ALL, Ending::as_str)?;
        let mut dots = fields.pairs("dots")?;
        let (Some(dot), true) = (dots.pop(), dots.is_empty()) else {
            return Err("a fate needs `dots` with one dot, that of its write, such as [[\"n1\",7]]".into());
        };
        let fate = Fate {
            dot: dot.into(),
            ending,
            decided_version: fields.unsigned("decided_version")?,
            by: fields.unsigned("by")?,
            seen: fields.unsigned("seen")?,
            time: fields.unsigned("time")?,
            known_ns: fields.unsigned("known")?,
            node: fields.name("node")?,
        };
        fields.own()?;
        fate.validate()?;
        Ok(fate)
    }

    /// Whether the fate has what its ending needs.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn validate(&self) -> Result<(), String> {
        if self.ending == Ending::Decided && self.decided_version.is_none() {
            return Err("fate `decided` needs `decided_version`, the timestamp of its log entry".into());
        }
        Ok(())
    }

    /// The fate as one line of a history file, without the line's end.
    pub fn to_line(&self) -> String {
        let mut fields = Map::new();
        fields.insert("fate".to_owned(), Value::from(self.ending.as_str()));
        fields.insert("dots".to_owned(), pairs_to_json([self.dot.clone().into()]));
        let numbers = [
            ("decided_version", self.decided_version),
            ("by", self.by),
            ("seen", self.seen),
            ("time", self.time),
            ("known", self.known_ns),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                fields.insert(name.to_owned(), Value::from(number));
            }
        }
        if let Some(node) = &self.node {
            fields.insert("node".to_owned(), Value::from(node.as_str()));
        }
        Value::Object(fields).to_string()
    }
}

#[cfg(test)]
mod tests {
    use crate::history::parse_history;

    #[test]
    fn a_fate_survives_being_written_and_read_again() {
        for line in [
            r#"{"fate":"decided","dots":[["n1.0.2",7]],"decided_version":90,"seen":40,"time":50,"known":70,"node":"n3"}"#,
            r#"{"fate":"superseded","dots":[["n1.0.2",8]],"decided_version":91,"by":77}"#,
            r#"{"fate":"lost","dots":[[4,8]]}"#,
        ] {
            let history = parse_history(line).unwrap();
            let [(1, fate)] = &history.fates[..] else { panic!("{history:?}") };
            assert_eq!(parse_history(&fate.to_line()).unwrap(), history);
        }
    }
}
