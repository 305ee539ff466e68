//! The operation record and its JSON-lines text: one line for each operation that a client tried.
//!
//! The format is described for people, with an example a line, in `docs/history.md`; this file and `fate` are its only
//! readers and writers. Fields that begin with `x-` are kept and written back; any other that is not known is an error.
//!
//! Invariants: a parsed record has what its operation and status need (`Record::validate`), so judges never
//! meet half a record; writing a record and parsing it again gives an equal record.
//!
//! Not here: what operations mean (`register`), and any reading of files.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::fate::{Dot, Fate};
use crate::fields::{Fields, pairs_to_json};
use crate::level::Level;

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpName {
    /// Read the value; `value` is what was read.
    Get,
    /// Write `value`, whatever was there.
    Set,
    /// Delete the key; `swapped` says whether it was there.
    Del,
    /// Write `value` if the key holds `expect` (absent if null); `swapped` says whether it did.
    Cas,
    /// Add the whole number `value`; `result` is the new number.
    Incr,
    /// Append `value`; `result` is the new length in bytes.
    Append,
}

impl OpName {
    const ALL: [OpName; 6] =
        [OpName::Get, OpName::Set, OpName::Del, OpName::Cas, OpName::Incr, OpName::Append];

    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            OpName::Get => "get",
            OpName::Set => "set",
            OpName::Del => "del",
            OpName::Cas => "cas",
            OpName::Incr => "incr",
            OpName::Append => "append",
        }
    }
}

/// How an operation ended, as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Answered. A refused CAS is `ok` with `swapped` false: the refusal is an answer about the key.
    Ok,
    /// Certainly without effect, at any time.
    Fail,
    /// No answer: it may have taken effect once, at any time after it was invoked, or never.
    Unknown,
}

impl Status {
    const ALL: [Status; 3] = [Status::Ok, Status::Fail, Status::Unknown];

    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Fail => "fail",
            Status::Unknown => "unknown",
        }
    }
}

/// Whether the consensus log had decided what an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Commitment {
    /// It shows decided state only.
    Committed,
    /// It is, or shows, an operation that was not decided yet.
    Tentative,
}

impl Commitment {
    const ALL: [Commitment; 2] = [Commitment::Committed, Commitment::Tentative];

    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Commitment::Committed => "committed",
            Commitment::Tentative => "tentative",
        }
    }
}

/// One operation of one client. All times are nanoseconds of one clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Who asked. A client whose operation ended `unknown` goes on under a new name.
    pub client: String,
    /// What it asked for.
    pub op: OpName,
    /// The key.
    pub key: String,
    /// See [`OpName`]; `None` = null = absent.
    pub value: Option<String>,
    /// CAS only: the value that had to be there; `None` = the key had to be absent.
    pub expect: Option<String>,
    /// CAS and del only: whether it changed the key.
    pub swapped: Option<bool>,
    /// Incr: the new number. Append: the new length in bytes. `None` where the client did not learn or keep it.
    pub result: Option<i64>,
    /// When the client sent it.
    pub invoke_ns: u64,
    /// When the client had the answer; `None` for an unknown outcome.
    pub return_ns: Option<u64>,
    /// How it ended.
    pub status: Status,
    /// Commit timestamp of the value that was written or seen; of an absent key its slot's newest deletion, or 0.
    pub version: Option<u64>,
    /// The time that the answer is true for: of a sequential read its place in the one order, otherwise the last applied
    /// entry's timestamp at the replica that answered. Not judged at `linearizable`.
    pub as_of: Option<u64>,
    /// The consistency level asked for; `None` = `linearizable`.
    pub level: Option<String>,
    /// The session whose program order it belongs to; `None` = no order is claimed.
    pub session: Option<String>,
    /// Tokens that the session took over before this operation: everything that session had been answered by then (ns).
    pub joins: Vec<(String, u64)>,
    /// Whether the answer was decided; `None` = committed, and tentative for a write below sequential.
    pub state: Option<Commitment>,
    /// Of a tentative write its own dot; of a tentative answer those of the operations that it shows.
    pub dots: Vec<Dot>,
    /// The node that answered.
    pub node: Option<String>,
    /// True where it was asked after the last write, with all links whole, and after everything had come to rest.
    pub settled: bool,
    /// The recorder's own fields, which begin with `x-`, unchanged.
    pub extra: BTreeMap<String, Value>,
}

/// Why a text is not a history, with the line to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryError {
    /// Line number in the file, from 1; 0 where the fault is not in one line.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}: {}", self.message),
        }
    }
}

impl std::error::Error for HistoryError {}

/// What clients saw, and what became of their tentative writes; each line with its number or place in the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// One for each operation.
    pub records: Vec<(usize, Record)>,
    /// What the log said of tentative writes. Empty where nobody looked; else it must tell of every one.
    pub fates: Vec<(usize, Fate)>,
}

/// Reads a history: one JSON object a line, empty lines skipped.
///
/// # Errors
/// The first line that is no valid record and no valid fate, with what to write instead.
pub fn parse_history(text: &str) -> Result<History, HistoryError> {
    let mut history = History::default();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let at_line = |message| HistoryError { line: index + 1, message };
        let fields = object(line).map_err(at_line)?;
        if fields.contains_key("fate") {
            history.fates.push((index + 1, Fate::from_fields(fields).map_err(at_line)?));
        } else {
            history.records.push((index + 1, Record::from_fields(fields).map_err(at_line)?));
        }
    }
    Ok(history)
}

fn object(line: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(line).map_err(|error| {
        format!("not a JSON object ({error}); write one object a line, as docs/history.md shows")
    })
}

impl Record {
    /// A record of an operation that was sent and not yet answered: outcome unknown until the caller fills it in.
    pub fn invoked(client: impl Into<String>, op: OpName, key: impl Into<String>, invoke_ns: u64) -> Record {
        Record {
            client: client.into(),
            op,
            key: key.into(),
            value: None,
            expect: None,
            swapped: None,
            result: None,
            invoke_ns,
            return_ns: None,
            status: Status::Unknown,
            version: None,
            as_of: None,
            level: None,
            session: None,
            joins: Vec::new(),
            state: None,
            dots: Vec::new(),
            node: None,
            settled: false,
            extra: BTreeMap::new(),
        }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// A sentence that names the field and says what to write instead.
    pub fn from_line(line: &str) -> Result<Record, String> {
        Record::from_fields(object(line)?)
    }

    fn from_fields(fields: Map<String, Value>) -> Result<Record, String> {
        let mut fields = Fields(fields);
        let op = fields.one_of("op", &OpName::ALL, OpName::as_str)?;
        let record = Record {
            client: fields
                .name("client")?
                .ok_or("field `client` is missing; write a string or a number that names who asked")?,
            op,
            key: fields.text("key")?.ok_or("field `key` is missing; write the key as a string")?,
            value: fields.text("value")?,
            expect: fields.text("expect")?,
            swapped: fields.flag("swapped")?,
            result: fields.signed("result")?,
            invoke_ns: fields
                .unsigned("invoke")?
                .ok_or("field `invoke` is missing; write the time of sending in ns")?,
            return_ns: fields.unsigned("return")?,
            status: fields.one_of("status", &Status::ALL, Status::as_str)?,
            version: fields.unsigned("version")?,
            as_of: fields.unsigned("as_of")?,
            level: fields.text("level")?,
            session: fields.name("session")?,
            joins: fields.pairs("joins")?,
            state: fields.optional_of("state", &Commitment::ALL, Commitment::as_str)?,
            dots: fields.pairs("dots")?.into_iter().map(Dot::from).collect(),
            node: fields.name("node")?,
            settled: fields.flag("settled")?.unwrap_or(false),
            extra: fields.own()?,
        };
        record.validate()?;
        Ok(record)
    }

    /// Whether the record has what its operation and status need.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn validate(&self) -> Result<(), String> {
        let name = self.op.as_str();
        if matches!(self.op, OpName::Set | OpName::Cas | OpName::Append) && self.value.is_none() {
            return Err(format!("`{name}` needs `value`, the text that it writes"));
        }
        if self.op == OpName::Incr && self.delta().is_none() {
            return Err(
                "`incr` needs `value`, the whole number that it adds, as a string such as \"1\"".into()
            );
        }
        if let Some(end) = self.return_ns
            && end < self.invoke_ns
        {
            return Err(format!(
                "`return` ({end}) is before `invoke` ({}); both are ns of one clock",
                self.invoke_ns
            ));
        }
        let level = self.level()?;
        if let Some((session, at_ns)) = self.joins.iter().find(|(_, at_ns)| *at_ns > self.invoke_ns) {
            return Err(format!(
                "`joins` takes session {session} as it stood at {at_ns}, which is after `invoke` ({})",
                self.invoke_ns
            ));
        }
        if !self.joins.is_empty() && self.session.is_none() {
            return Err("`joins` needs `session`: name the session that took the token over".into());
        }
        if self.status != Status::Ok {
            return Ok(());
        }
        if level.is_weak() && self.op == OpName::Cas {
            return Err(format!(
                "an ok `cas` at level {level}: what decides is refused below sequential; write status fail, or mend the level"
            ));
        }
        if !level.is_weak() && self.state == Some(Commitment::Tentative) {
            return Err(format!("a tentative answer at level {level}: that level shows decided state only"));
        }
        if level.is_weak() && self.op != OpName::Get && self.dots.len() > 1 {
            return Err("a tentative write has one dot, its own".into());
        }
        if self.return_ns.is_none() {
            return Err(
                "status is ok but `return` is missing; write when the answer came, or status unknown".into(),
            );
        }
        if matches!(self.op, OpName::Cas | OpName::Del) && self.swapped.is_none() {
            return Err(format!(
                "an ok `{name}` needs `swapped`: true if it changed the key, false if it found nothing to change"
            ));
        }
        Ok(())
    }

    /// The level that was asked for.
    ///
    /// # Errors
    /// There is no such level.
    pub fn level(&self) -> Result<Level, String> {
        self.level.as_deref().map_or(Ok(Level::Linearizable), str::parse)
    }

    /// The level of a record that is valid.
    pub(crate) fn valid_level(&self) -> Level {
        self.level().unwrap_or_default()
    }

    /// Whether it asks to change the key, and so may have, unless it answered that it did not.
    pub fn may_write(&self) -> bool {
        match self.op {
            OpName::Get => false,
            OpName::Set | OpName::Incr | OpName::Append => true,
            OpName::Del | OpName::Cas => {
                self.status != Status::Ok || self.swapped == Some(true) || self.valid_level().is_weak()
            }
        }
    }

    /// What an incr adds; `None` for another operation or where `value` is no whole number.
    pub(crate) fn delta(&self) -> Option<i64> {
        if self.op != OpName::Incr {
            return None;
        }
        self.value.as_ref()?.parse().ok()
    }

    /// The record as one line of a history file, without the line's end.
    pub fn to_line(&self) -> String {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("client", Value::from(self.client.as_str()));
        put("op", Value::from(self.op.as_str()));
        put("key", Value::from(self.key.as_str()));
        put("value", Value::from(self.value.clone()));
        if self.op == OpName::Cas || self.expect.is_some() {
            put("expect", Value::from(self.expect.clone()));
        }
        if let Some(swapped) = self.swapped {
            put("swapped", Value::from(swapped));
        }
        if let Some(result) = self.result {
            put("result", Value::from(result));
        }
        put("invoke", Value::from(self.invoke_ns));
        put("return", Value::from(self.return_ns));
        put("status", Value::from(self.status.as_str()));
        if let Some(version) = self.version {
            put("version", Value::from(version));
        }
        if let Some(as_of) = self.as_of {
            put("as_of", Value::from(as_of));
        }
        if let Some(level) = &self.level {
            put("level", Value::from(level.as_str()));
        }
        if let Some(session) = &self.session {
            put("session", Value::from(session.as_str()));
        }
        if !self.joins.is_empty() {
            put("joins", pairs_to_json(self.joins.iter().cloned()));
        }
        if let Some(state) = self.state {
            put("state", Value::from(state.as_str()));
        }
        if !self.dots.is_empty() {
            put("dots", pairs_to_json(self.dots.iter().cloned().map(<(String, u64)>::from)));
        }
        if let Some(node) = &self.node {
            put("node", Value::from(node.as_str()));
        }
        if self.settled {
            put("settled", Value::from(true));
        }
        for (name, value) in &self.extra {
            put(name, value.clone());
        }
        Value::Object(fields).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_being_written_and_read_again() {
        for line in [
            r#"{"client":"a","op":"get","key":"k","value":null,"invoke":1,"return":2,"status":"ok","version":0}"#,
            r#"{"client":7,"op":"cas","key":"k","value":"n","expect":null,"swapped":false,"invoke":1,"return":2,"status":"ok","version":18446744073709551615,"as_of":9,"level":"linearizable"}"#,
            r#"{"client":"a","op":"incr","key":"k","value":"-1","result":4,"invoke":1,"return":2,"status":"ok","version":3,"session":"tok","dots":[["1",2]],"level":"causal","state":"tentative","node":"n2","joins":[["s",1]],"settled":true,"x-why":{"a":1}}"#,
            r#"{"client":"a","op":"set","key":"k","value":"é\n","invoke":1,"status":"unknown"}"#,
            // Found by a fuzz target: what means nothing is kept, too.
            r#"{"client":"a","op":"get","key":"k","expect":"v","invoke":1,"status":"unknown"}"#,
        ] {
            let record = Record::from_line(line).unwrap();
            assert_eq!(Record::from_line(&record.to_line()), Ok(record));
        }
    }

    #[test]
    fn a_field_that_nobody_knows_is_an_error_unless_it_is_marked_as_the_recorders_own() {
        let line =
            r#"{"client":"a","op":"get","key":"k","invoke":1,"return":2,"status":"ok","x-front":"redis"}"#;
        let record = Record::from_line(line).unwrap();
        assert_eq!(record.extra.keys().collect::<Vec<_>>(), ["x-front"]);
        assert!(record.to_line().contains(r#""x-front":"redis""#));
        let error = Record::from_line(&line.replace("x-front", "sesion")).unwrap_err();
        assert!(error.contains("no field `sesion`"), "{error}");
    }

    #[test]
    fn an_error_names_the_line_and_says_what_to_write() {
        let good = r#"{"client":"a","op":"get","key":"k","invoke":1,"return":2,"status":"ok"}"#;
        let cases = [
            ("nonsense", "write one object a line"),
            (
                r#"{"client":"a","op":"put","key":"k","invoke":1,"status":"ok"}"#,
                "write one of get, set, del, cas",
            ),
            (
                r#"{"client":"a","op":"set","key":"k","value":5,"invoke":1,"status":"ok"}"#,
                "write a string in quotes",
            ),
            (r#"{"client":"a","op":"set","key":"k","invoke":1,"return":2,"status":"ok"}"#, "needs `value`"),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":3,"return":2,"status":"ok"}"#,
                "is before `invoke`",
            ),
            (r#"{"client":"a","op":"get","key":"k","invoke":3,"status":"ok"}"#, "`return` is missing"),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":-3,"return":1,"status":"ok"}"#,
                "from 0 to 2^64-1",
            ),
            (r#"{"client":"a","op":"del","key":"k","invoke":3,"return":4,"status":"ok"}"#, "needs `swapped`"),
            (
                r#"{"client":"a","op":"incr","key":"k","value":"x","invoke":3,"status":"unknown"}"#,
                "whole number",
            ),
            (r#"{"op":"get","key":"k","invoke":3,"return":4,"status":"ok"}"#, "`client` is missing"),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":3,"status":"fail","level":"strong"}"#,
                "no level",
            ),
            (
                r#"{"client":"a","op":"cas","key":"k","value":"1","invoke":3,"return":4,"status":"ok","swapped":true,"level":"causal"}"#,
                "refused below sequential",
            ),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":3,"return":4,"status":"ok","state":"tentative"}"#,
                "shows decided state only",
            ),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":3,"return":4,"status":"ok","dots":["n1",2]}"#,
                "pairs of a name and a whole number",
            ),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":3,"return":4,"status":"ok","session":1,"joins":[["s",9]]}"#,
                "which is after `invoke`",
            ),
            (
                r#"{"client":"a","op":"get","key":"k","invoke":3,"return":4,"status":"ok","joins":[["s",1]]}"#,
                "`joins` needs `session`",
            ),
            (r#"{"fate":"gone","dots":[["n1",2]]}"#, "write one of decided, superseded, lost"),
            (r#"{"fate":"decided","dots":[["n1",2]]}"#, "needs `decided_version`"),
            (r#"{"fate":"lost"}"#, "needs `dots`"),
            (r#"{"fate":"lost","dots":[["n1",2]],"op":"set"}"#, "there is no field `op`"),
        ];
        for (bad, remedy) in cases {
            let error = parse_history(&format!("{good}\n\n{bad}\n")).unwrap_err();
            assert_eq!(error.line, 3, "{bad}");
            assert!(error.to_string().contains(remedy), "{error}");
        }
    }
}
