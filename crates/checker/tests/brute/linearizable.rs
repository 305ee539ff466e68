//! Linearizability of one key by the crate `todc-utils`. Every way in which operations of unknown outcome did or did not
//! happen is tried; one that happened is answered last of all.
//!
//! The order must be that of the versions: a write's version is larger than all before, a read reports that of the last
//! write, an absent key that of its slot's newest deletion, which is no older.

use checker::{OpName, Record, Status};
use todc_utils::{Action as Event, History as Events, Specification, WGLChecker};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    value: Option<String>,
    /// The version of the last write, if an answer told it.
    version: Option<u64>,
    /// What that version is at least.
    least: u64,
    /// What the next write's version must be above: the absent key may have reported later deletions of its slot.
    floor: u64,
}

struct Register;

impl Specification for Register {
    type State = Key;
    type Operation = Record;

    fn init() -> Key {
        Key { value: None, version: None, least: 0, floor: 0 }
    }

    fn apply(record: &Record, key: &Key) -> (bool, Key) {
        let ok = record.status == Status::Ok;
        let refused = (false, key.clone());
        let number = |text: &Option<String>| match text {
            None => Some(0),
            Some(text) => text.parse::<i64>().ok().filter(|number| number.to_string() == *text),
        };
        let after = match record.op {
            OpName::Get => None,
            OpName::Set => Some(record.value.clone()),
            OpName::Del => key.value.is_some().then_some(None),
            OpName::Cas => (key.value == record.expect).then(|| record.value.clone()),
            OpName::Incr => {
                let delta: i64 = record.value.as_ref().unwrap().parse().unwrap();
                match number(&key.value).and_then(|number| number.checked_add(delta)) {
                    Some(sum) if !ok || record.result.is_none_or(|result| result == sum) => {
                        Some(Some(sum.to_string()))
                    }
                    _ => return refused,
                }
            }
            OpName::Append => {
                let text = key.value.clone().unwrap_or_default() + record.value.as_ref().unwrap();
                if ok && record.result.is_some_and(|result| result != text.len() as i64) {
                    return refused;
                }
                Some(Some(text))
            }
        };
        if !ok {
            // It is tried as one that took effect, so it must have had one; the version is its own secret.
            let Some(value) = after else { return refused };
            return (true, Key { value, version: None, least: key.floor + 1, floor: key.floor + 1 });
        }
        if matches!(record.op, OpName::Del | OpName::Cas) && record.swapped != Some(after.is_some()) {
            return refused;
        }
        let version = record.version.unwrap();
        if let Some(value) = after {
            return (
                version > key.floor,
                Key { value, version: Some(version), least: version, floor: version },
            );
        }
        if record.op == OpName::Get && record.value != key.value {
            return refused;
        }
        let fits = match (&key.value, key.version) {
            (Some(_), Some(exact)) => version == exact,
            _ => version >= key.least,
        };
        let mut after = Key { floor: key.floor.max(version), ..key.clone() };
        if key.value.is_some() {
            (after.version, after.least) = (Some(version), version);
        }
        (fits, after)
    }
}

/// Whether a legal order exists.
pub(crate) fn holds(records: &[(usize, Record)]) -> bool {
    let counts = |record: &&Record| match record.status {
        Status::Ok => true,
        Status::Unknown => record.op != OpName::Get,
        Status::Fail => false,
    };
    let all: Vec<&Record> = records.iter().map(|(_, record)| record).filter(counts).collect();
    let open: Vec<usize> = (0..all.len()).filter(|at| all[*at].status == Status::Unknown).collect();
    (0..1_usize << open.len()).any(|happened| {
        let left_out = |at: &usize| {
            open.iter().position(|place| place == at).is_some_and(|bit| happened & (1 << bit) == 0)
        };
        let mut events = Vec::new();
        for at in (0..all.len()).filter(|at| !left_out(at)) {
            let record = all[at];
            let end_ns = record.return_ns.filter(|_| record.status == Status::Ok).unwrap_or(u64::MAX);
            // Times that touch are concurrent: sendings first.
            events.push((record.invoke_ns, 0, at, Event::Call(record.clone())));
            events.push((end_ns, 1, at, Event::Response(record.clone())));
        }
        events.sort_by_key(|(ns, kind, at, _)| (*ns, *kind, *at));
        let events: Vec<(usize, Event<Record>)> =
            events.into_iter().map(|(_, _, at, event)| (at, event)).collect();
        events.is_empty() || WGLChecker::<Register>::is_linearizable(Events::from_actions(events))
    })
}
