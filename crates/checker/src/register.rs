//! What one key answers when nothing is concurrent: the sequential specification that both judges share.
//!
//! A key is absent or holds a text. An operation that was answered either could have given its answer in a state
//! or could not (`Action::answer`); an operation of unknown outcome has an effect in a state or has none
//! (`Action::effect`). Numbers are Redis's: 64 bits, canonical decimal; an absent key counts as 0, or as "".
//!
//! Not here: order and time (`linearizable`, `search`), and expiry: keys of a history have no time to live.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::history::{OpName, Record, Status};

/// The state of a key: absent, or its text.
pub type State = Option<Arc<str>>;

/// An operation with its answer. In an operation of unknown outcome the answers mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Read; `seen` is the answer.
    Get {
        /// What was read.
        seen: State,
    },
    /// Write, whatever was there.
    Set {
        /// The new text.
        value: Arc<str>,
    },
    /// Delete; `found` is the answer.
    Del {
        /// Whether the key was there.
        found: bool,
    },
    /// A deletion below sequential: a write of its own, whatever was there when it was decided.
    Erase,
    /// Write if the key holds what is expected; `swapped` is the answer.
    Cas {
        /// What had to be there.
        expect: State,
        /// The new text.
        value: Arc<str>,
        /// Whether it was written.
        swapped: bool,
    },
    /// Add; `result` is the answer, where the client kept it.
    Incr {
        /// What is added.
        delta: i64,
        /// The new number.
        result: Option<i64>,
    },
    /// Append; `result` is the answer, where the client kept it.
    Append {
        /// What is appended.
        suffix: Arc<str>,
        /// The new length in bytes.
        result: Option<i64>,
    },
}

/// An operation that counts for linearizability: answered, or of unknown outcome and able to change the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Where it stands in the history: the line of the file, or the place in the list, from 1.
    pub line: usize,
    /// Who asked.
    pub client: String,
    /// What was asked and answered.
    pub action: Action,
    /// When it was sent, in ns.
    pub invoke_ns: u64,
    /// When it was answered, in ns; `None`: outcome unknown, so it may still take effect at any later time.
    pub return_ns: Option<u64>,
    /// The version in the answer; of a tentative write that was decided since, the version that it got.
    pub version: Option<u64>,
    /// The time that the answer is true for, where the answer named one.
    pub as_of: Option<u64>,
}

/// The number that a state is, as INCR sees it; `None` where INCR would refuse.
pub(crate) fn number(state: &State) -> Option<i64> {
    let Some(text) = state else { return Some(0) };
    let number: i64 = text.parse().ok()?;
    (number.to_string() == **text).then_some(number)
}

fn length(state: &State) -> usize {
    state.as_ref().map_or(0, |text| text.len())
}

impl Action {
    /// What the operation leaves behind if it takes effect in `state`; `None` where it has no effect there.
    pub fn effect(&self, state: &State) -> Option<State> {
        match self {
            Action::Get { .. } => None,
            Action::Set { value } => Some(Some(value.clone())),
            Action::Del { .. } => state.is_some().then_some(None),
            Action::Erase => Some(None),
            Action::Cas { expect, value, .. } => (state == expect).then(|| Some(value.clone())),
            Action::Incr { delta, .. } => Some(Some(number(state)?.checked_add(*delta)?.to_string().into())),
            Action::Append { suffix, .. } => {
                Some(Some(format!("{}{suffix}", state.as_deref().unwrap_or_default()).into()))
            }
        }
    }

    /// The state after the operation, if it could give its answer in `state`; `None` where it could not.
    pub fn answer(&self, state: &State) -> Option<State> {
        if !self.writes() {
            let fits = match self {
                Action::Get { seen } => seen == state,
                Action::Cas { expect, .. } => expect != state,
                _ => state.is_none(),
            };
            return fits.then(|| state.clone());
        }
        let after = self.effect(state)?;
        let fits = match self {
            Action::Incr { result: Some(result), .. } => number(&after) == Some(*result),
            Action::Append { result: Some(result), .. } => usize::try_from(*result) == Ok(length(&after)),
            _ => true,
        };
        fits.then_some(after)
    }

    /// Whether an answered operation changed the key (gave it a new version).
    pub fn writes(&self) -> bool {
        match self {
            Action::Get { .. } | Action::Del { found: false } | Action::Cas { swapped: false, .. } => false,
            Action::Set { .. }
            | Action::Del { found: true }
            | Action::Erase
            | Action::Cas { swapped: true, .. }
            | Action::Incr { .. }
            | Action::Append { .. } => true,
        }
    }
}

impl Operation {
    /// Takes a record for judging; `None` for one that can neither prove nor change anything: a failed one, or a
    /// read without an answer.
    pub fn from_record(line: usize, record: &Record) -> Option<Operation> {
        let unknown = record.status == Status::Unknown;
        if record.status == Status::Fail || (unknown && record.op == OpName::Get) {
            return None;
        }
        let text = |field: &Option<String>| field.as_deref().map(Arc::from);
        let value = || text(&record.value).unwrap_or_default();
        let swapped = unknown || record.swapped == Some(true);
        let action = match record.op {
            OpName::Get => Action::Get { seen: text(&record.value) },
            OpName::Set => Action::Set { value: value() },
            OpName::Del => Action::Del { found: swapped },
            OpName::Cas => Action::Cas { expect: text(&record.expect), value: value(), swapped },
            OpName::Incr => Action::Incr { delta: record.delta()?, result: record.result },
            OpName::Append => Action::Append { suffix: value(), result: record.result },
        };
        Some(Operation {
            line,
            client: record.client.clone(),
            action,
            invoke_ns: record.invoke_ns,
            return_ns: record.return_ns.filter(|_| !unknown),
            version: record.version.filter(|_| !unknown),
            as_of: record.as_of.filter(|_| !unknown),
        })
    }

    /// Takes a write below sequential for judging what was decided. Its answer was tentative and proves nothing about
    /// decided state, and it may be decided long after: at `version`, or, where that is `None`, at any version or never.
    pub(crate) fn tentative(line: usize, record: &Record, version: Option<u64>) -> Option<Operation> {
        let as_unknown = Record { status: Status::Unknown, ..record.clone() };
        let mut operation = Operation::from_record(line, &as_unknown)?;
        match &mut operation.action {
            Action::Del { .. } => operation.action = Action::Erase,
            Action::Incr { result, .. } | Action::Append { result, .. } => *result = None,
            _ => {}
        }
        operation.version = version;
        operation.return_ns = version.map(|_| u64::MAX);
        Some(operation)
    }

    /// Whether the client never learned the outcome.
    pub fn is_unknown(&self) -> bool {
        self.return_ns.is_none()
    }

    /// The time by which it had been answered, with "never" as the end of time.
    pub(crate) fn end_ns(&self) -> u64 {
        self.return_ns.unwrap_or(u64::MAX)
    }
}

/// Sorts valid records by key, keeping the order of the list.
pub fn operations_by_key(records: &[(usize, Record)]) -> BTreeMap<String, Vec<Operation>> {
    let mut keys: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (line, record) in records {
        let operations = keys.entry(record.key.clone()).or_default();
        operations.extend(Operation::from_record(*line, record));
    }
    keys
}

/// A text for people: quoted, and cut where it is long.
pub(crate) struct Shown<'a>(pub(crate) &'a State);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST_SHOWN_CHARS: usize = 40;
        let Some(text) = self.0 else { return f.write_str("nothing") };
        match text.char_indices().nth(LONGEST_SHOWN_CHARS) {
            None => write!(f, "{text:?}"),
            Some((cut, _)) => write!(f, "{:?}… ({} bytes)", &text[..cut], text.len()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &Arc<str>| Shown(&Some(text.clone())).to_string();
        match self {
            Action::Get { seen } => write!(f, "get = {}", Shown(seen)),
            Action::Set { value } => write!(f, "set {}", shown(value)),
            Action::Del { found: true } | Action::Erase => f.write_str("del"),
            Action::Del { found: false } => f.write_str("del = nothing there"),
            Action::Cas { expect, value, swapped } => {
                write!(f, "cas {} to {}", Shown(expect), shown(value))?;
                f.write_str(if *swapped { "" } else { " = refused" })
            }
            Action::Incr { delta, result } => {
                write!(f, "incr {delta}")?;
                result.map_or(Ok(()), |result| write!(f, " = {result}"))
            }
            Action::Append { suffix, result } => {
                write!(f, "append {}", shown(suffix))?;
                result.map_or(Ok(()), |result| write!(f, " = {result} bytes"))
            }
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: client {}, {}, ", self.line, self.client, self.action)?;
        match self.return_ns {
            Some(u64::MAX) => write!(f, "from {} ns, tentative", self.invoke_ns)?,
            Some(end) => write!(f, "from {} to {end} ns", self.invoke_ns)?,
            None => write!(f, "from {} ns, outcome unknown", self.invoke_ns)?,
        }
        self.version.map_or(Ok(()), |version| write!(f, ", version {version}"))?;
        self.as_of.map_or(Ok(()), |as_of| write!(f, ", as of {as_of}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> State {
        Some(text.into())
    }

    #[test]
    fn an_increment_treats_an_absent_key_as_zero_and_refuses_what_is_no_number() {
        let incr = Action::Incr { delta: 2, result: Some(2) };
        assert_eq!(incr.answer(&None), Some(state("2")));
        assert_eq!(incr.answer(&state("0")), Some(state("2")));
        assert_eq!(incr.answer(&state("1")), None);
        for not_canonical in ["", "x", "01", "+1", " 1", "9223372036854775807"] {
            assert_eq!(incr.effect(&state(not_canonical)), None, "{not_canonical:?}");
        }
    }

    #[test]
    fn a_cas_is_legal_only_where_its_answer_is_true() {
        let cas = |swapped| Action::Cas { expect: state("a"), value: "b".into(), swapped };
        assert_eq!(cas(true).answer(&state("a")), Some(state("b")));
        assert_eq!(cas(true).answer(&state("x")), None);
        assert_eq!(cas(false).answer(&state("x")), Some(state("x")));
        assert_eq!(cas(false).answer(&None), Some(None));
        assert_eq!(cas(false).answer(&state("a")), None);
    }

    #[test]
    fn a_deletion_tells_whether_the_key_was_there() {
        assert_eq!(Action::Del { found: true }.answer(&state("a")), Some(None));
        assert_eq!(Action::Del { found: true }.answer(&None), None);
        assert_eq!(Action::Del { found: false }.answer(&None), Some(None));
        assert_eq!(Action::Del { found: false }.answer(&state("a")), None);
    }

    #[test]
    fn an_append_answers_the_new_length_in_bytes() {
        let append = Action::Append { suffix: "é".into(), result: Some(3) };
        assert_eq!(append.answer(&state("a")), Some(state("aé")));
        assert_eq!(append.answer(&None), None);
    }
}
