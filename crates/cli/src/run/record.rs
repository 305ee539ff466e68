//! What became of one line, as a line for a person and as a JSON object for a program.

use super::line::Request;
use client::{ErrorKind, Level};
use serde::Serialize;
use std::time::Duration;

/// One line of one client, when it is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// The client's name: the file's.
    pub(crate) client: String,
    /// From 1.
    pub(crate) line: usize,
    /// Nothing was asked where the line is malformed.
    pub(crate) asked: Option<Asked>,
    pub(crate) end: End,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) request: Request,
    /// Since the run began.
    pub(crate) sent: Duration,
    pub(crate) took: Duration,
}

/// How it ended. The node is the one that was asked last, which may have asked another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// The value that was read, or that is now set; none where a get found no such key.
    Answered { node: u64, value: Option<String>, version: u64, as_of: u64 },
    /// With a sentence.
    Failed { node: u64, kind: ErrorKind, error: String },
    /// The line makes no sense; nothing was sent.
    Malformed(String),
}

/// The object of `--json`: its fields are promised in `docs/cli.md`.
#[derive(Serialize)]
struct Object<'a> {
    client: &'a str,
    line: usize,
    id: Option<&'a str>,
    node: Option<u64>,
    level: Option<&'static str>,
    op: Option<&'static str>,
    key: Option<&'a str>,
    value: Option<&'a str>,
    ok: bool,
    error: Option<String>,
    /// As text: it has more digits than many readers of JSON keep.
    version: Option<String>,
    as_of: Option<String>,
    ms: Option<f64>,
}

impl Record {
    /// The level that it counts for.
    pub(crate) fn level(&self) -> Option<Level> {
        self.asked.as_ref().map(|asked| asked.request.level)
    }

    pub(crate) fn is_ok(&self) -> bool {
        matches!(self.end, End::Answered { .. })
    }

    /// Where it stands: `file:line`.
    fn place(&self) -> String {
        format!("{}:{}", self.client, self.line)
    }

    pub(crate) fn json(&self) -> String {
        let request = self.asked.as_ref().map(|asked| &asked.request);
        let (node, value, error, version, as_of) = match &self.end {
            End::Answered { node, value, version, as_of } => {
                (Some(*node), value.as_deref(), None, Some(version.to_string()), Some(as_of.to_string()))
            }
            End::Failed { node, error, .. } => (
                Some(*node),
                request.and_then(|request| request.value.as_deref()),
                Some(error.clone()),
                None,
                None,
            ),
            End::Malformed(error) => (None, None, Some(format!("{}: {error}", self.place())), None, None),
        };
        let object = Object {
            client: &self.client,
            line: self.line,
            id: self.asked.as_ref().map(|asked| &*asked.id),
            node,
            level: self.level().map(Level::name),
            op: request.map(Request::op),
            key: request.map(|request| &*request.key),
            value,
            ok: self.is_ok(),
            error,
            version,
            as_of,
            ms: self.asked.as_ref().map(|asked| ms(asked.took)),
        };
        serde_json::to_string(&object).expect("texts and numbers are valid JSON")
    }

    /// Who, level, request, answer, timestamp, request id.
    pub(crate) fn result_line(&self) -> String {
        let Some(asked) = &self.asked else { return format!("{}  {}", self.place(), self.answer()) };
        let request = match &asked.request.value {
            Some(value) => format!("set {} ::: {value}", asked.request.key),
            None => format!("get {}", asked.request.key),
        };
        let timestamp = match &self.end {
            End::Answered { version, .. } => version.to_string(),
            _ => "-".to_owned(),
        };
        [&*self.place(), asked.request.level.name(), &request, &self.answer(), &timestamp, &asked.id]
            .join("  ")
    }

    /// When, which, whom, what, and how long it took.
    pub(crate) fn log_line(&self) -> Option<String> {
        let asked = self.asked.as_ref()?;
        let node = match &self.end {
            End::Answered { node, .. } | End::Failed { node, .. } => *node,
            End::Malformed(_) => return None,
        };
        Some(format!(
            "+{:.3} ms  {}  {}  node {node}  {} {} {}  {:.3} ms  {}",
            ms(asked.sent),
            asked.id,
            self.place(),
            asked.request.level,
            asked.request.op(),
            asked.request.key,
            ms(asked.took),
            if self.is_ok() { "ok" } else { "failed" },
        ))
    }

    fn answer(&self) -> String {
        match (&self.end, self.asked.as_ref().map(|asked| asked.request.op())) {
            (End::Answered { .. }, Some("set")) => "ok".to_owned(),
            (End::Answered { value: Some(value), .. }, _) => format!("{value:?}"),
            (End::Answered { value: None, .. }, _) => "absent".to_owned(),
            (End::Failed { error, .. }, _) => format!("failed: {error}"),
            (End::Malformed(error), _) => format!("malformed: {error}"),
        }
    }
}

/// Milliseconds, to the microsecond.
pub(crate) fn ms(span: Duration) -> f64 {
    span.as_micros() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(value: Option<&str>) -> Record {
        let request = Request { level: Level::Causal, key: "k".to_owned(), value: None };
        let asked = Asked {
            id: "me-0:7".to_owned(),
            request,
            sent: Duration::from_micros(1_500),
            took: Duration::from_micros(250),
        };
        let end = End::Answered { node: 2, value: value.map(str::to_owned), version: u64::MAX, as_of: 9 };
        Record { client: "a.txt".to_owned(), line: 3, asked: Some(asked), end }
    }

    #[test]
    fn an_object_has_the_promised_fields_in_their_order_and_no_other() {
        assert_eq!(
            answered(Some("v")).json(),
            r#"{"client":"a.txt","line":3,"id":"me-0:7","node":2,"level":"causal","op":"get","key":"k","value":"v","ok":true,"error":null,"version":"18446744073709551615","as_of":"9","ms":0.25}"#
        );
        let malformed = Record { asked: None, end: End::Malformed("no".to_owned()), ..answered(None) };
        assert_eq!(
            malformed.json(),
            r#"{"client":"a.txt","line":3,"id":null,"node":null,"level":null,"op":null,"key":null,"value":null,"ok":false,"error":"a.txt:3: no","version":null,"as_of":null,"ms":null}"#
        );
    }

    #[test]
    fn a_person_reads_who_level_request_answer_timestamp_and_id() {
        assert_eq!(
            answered(Some("v")).result_line(),
            "a.txt:3  causal  get k  \"v\"  18446744073709551615  me-0:7"
        );
        assert!(answered(None).result_line().contains("  absent  "));
        assert_eq!(
            answered(None).log_line().unwrap(),
            "+1.500 ms  me-0:7  a.txt:3  node 2  causal get k  0.250 ms  ok"
        );
        let malformed = Record { asked: None, end: End::Malformed("no".to_owned()), ..answered(None) };
        assert_eq!((&*malformed.result_line(), malformed.log_line()), ("a.txt:3  malformed: no", None));
    }
}
