//! The operation record and its JSON-lines text: one line for each operation that a client tried.
//!
//! The format is described for people, with an example a line, in `docs/history.md`; this file is its only reader
//! and writer. Fields are taken by hand, one after the other, so that an error can name the line, the field and
//! the remedy. Fields that are not known here (`session`, `state`, dots) are kept and written back.
//!
//! Invariants: a parsed record has what its operation and status need (`Record::validate`), so judges never
//! meet half a record; writing a record and parsing it again gives an equal record.
//!
//! Not here: what operations mean (`register`), and any reading of files.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

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
    /// The last applied entry's timestamp at the replica that answered. Kept; not judged at `linearizable`.
    pub as_of: Option<u64>,
    /// The consistency level asked for; `None` = `linearizable`.
    pub level: Option<String>,
    /// Every other field of the line, unchanged.
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

/// Reads a history: one JSON object a line, empty lines skipped. Each record comes with its line number.
///
/// # Errors
/// The first line that is no valid record, with what to write instead.
pub fn parse_history(text: &str) -> Result<Vec<(usize, Record)>, HistoryError> {
    let mut records = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let record = Record::from_line(line).map_err(|message| HistoryError { line: index + 1, message })?;
        records.push((index + 1, record));
    }
    Ok(records)
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
            extra: BTreeMap::new(),
        }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// A sentence that names the field and says what to write instead.
    pub fn from_line(line: &str) -> Result<Record, String> {
        let fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            format!("not a JSON object ({error}); write one object a line, as docs/history.md shows")
        })?;
        let mut fields = Fields(fields);
        let op = fields.one_of("op", &OpName::ALL, OpName::as_str)?;
        let record = Record {
            client: fields.client()?,
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
            extra: fields.0.into_iter().collect(),
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
        if self.status != Status::Ok {
            return Ok(());
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
        if self.op == OpName::Cas {
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
        for (name, value) in &self.extra {
            put(name, value.clone());
        }
        Value::Object(fields).to_string()
    }
}

/// The fields of a line that were not taken yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn client(&mut self) -> Result<String, String> {
        match self.take("client") {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err("field `client` is missing; write a string or a number that names who asked".into()),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                Err(format!("field `{name}` is {other}; write a string in quotes, or null for absent"))
            }
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(format!("field `{name}` is {other}; write true or false")),
        }
    }

    fn unsigned(&mut self, name: &str) -> Result<Option<u64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| format!("field `{name}` is {value}; write a whole number from 0 to 2^64-1")),
        }
    }

    fn signed(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| format!("field `{name}` is {value}; write a whole number of 64 bits")),
        }
    }

    fn one_of<T: Copy>(&mut self, name: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, String> {
        let value = self.take(name);
        let found = all.iter().find(|one| value.as_ref().and_then(Value::as_str) == Some(as_str(**one)));
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
            let what = value.map_or("is missing".to_owned(), |value| format!("is {value}"));
            format!("field `{name}` {what}; write one of {}", names.join(", "))
        })
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
            r#"{"client":"a","op":"incr","key":"k","value":"-1","result":4,"invoke":1,"return":2,"status":"ok","version":3,"session":"tok","dots":[[1,2]]}"#,
            r#"{"client":"a","op":"set","key":"k","value":"é\n","invoke":1,"status":"unknown"}"#,
        ] {
            let record = Record::from_line(line).unwrap();
            assert_eq!(Record::from_line(&record.to_line()), Ok(record));
        }
    }

    #[test]
    fn fields_of_later_levels_are_kept() {
        let line = r#"{"client":"a","op":"get","key":"k","invoke":1,"return":2,"status":"ok","session":"s","dots":[1]}"#;
        let record = Record::from_line(line).unwrap();
        assert_eq!(record.extra.keys().collect::<Vec<_>>(), ["dots", "session"]);
        assert!(record.to_line().contains(r#""dots":[1]"#));
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
        ];
        for (bad, remedy) in cases {
            let error = parse_history(&format!("{good}\n\n{bad}\n")).unwrap_err();
            assert_eq!(error.line, 3, "{bad}");
            assert!(error.to_string().contains(remedy), "{error}");
        }
    }
}
