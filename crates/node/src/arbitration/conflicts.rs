//! The conflict log: the newest operations that lost, so that a person can see what a late writer wanted, and redo it.
//!
//! Replicated state, so it is bounded in number and in bytes, and values are shown cut short.

use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::limits::{MAX_CONFLICT_BYTES, MAX_CONFLICTS};
use proto::ops::{
    End, HashWrite, KeyWrite, ListWrite, SetExpiry, SetWrite, SortedSetWrite, StringWrite, Write,
};
use proto::reply::Reply;
use proto::superseded::{By, Superseded};
use proto::tentative::{Dot, Operation, WhySuperseded};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Shown bytes of one key, and of one write.
const SHOWN_BYTES: usize = 256;

/// An operation that was superseded, in whole or in part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The key, as far as it is shown.
    pub key: Bytes,
    /// What was lost, as a command without its key.
    pub write: String,
    /// The operation.
    pub dot: Dot,
    /// When it was taken.
    pub time: Timestamp,
    /// What its origin had seen of the shard then.
    pub seen: Timestamp,
    /// What it lost to.
    pub why: WhySuperseded,
    /// When it was decided.
    pub at: Timestamp,
}

impl Conflict {
    pub(super) fn new(
        key: &Bytes,
        lost: &Write,
        operation: &Operation,
        why: WhySuperseded,
        at: Timestamp,
    ) -> Conflict {
        Conflict {
            key: Bytes::copy_from_slice(&key[..key.len().min(SHOWN_BYTES)]),
            write: words(lost),
            dot: operation.dot,
            time: operation.time,
            seen: operation.seen,
            why,
            at,
        }
    }

    /// Whether it is of this key. A long key is known by what is shown of it.
    pub(crate) fn is_of(&self, key: &[u8]) -> bool {
        *self.key == key[..key.len().min(SHOWN_BYTES)]
    }

    fn weight(&self) -> usize {
        128 + self.key.len() + self.write.len()
    }

    /// As CONFLICTS shows it.
    pub(crate) fn shown(&self) -> Reply {
        let by = match self.why {
            WhySuperseded::Strong(at) => By::StrongWrite { at },
            WhySuperseded::Newer { dot, at } => By::NewerWrite { operation: dot.to_string(), at },
            WhySuperseded::Floor(at) => By::Floor { at },
            WhySuperseded::Refused => By::Value,
        };
        let told = Superseded {
            key: self.key.clone(),
            write: self.write.clone(),
            operation: self.dot.to_string(),
            taken: self.time,
            seen: self.seen,
            by,
            decided: self.at,
        };
        told.reply()
    }
}

/// The newest conflicts of a shard, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Conflict>", into = "Vec<Conflict>")]
pub(super) struct Conflicts {
    newest: VecDeque<Arc<Conflict>>,
    bytes: usize,
}

impl Conflicts {
    pub(super) fn note(&mut self, conflict: Conflict) {
        self.bytes += conflict.weight();
        self.newest.push_back(Arc::new(conflict));
        while self.newest.len() > MAX_CONFLICTS || self.bytes > MAX_CONFLICT_BYTES {
            let Some(oldest) = self.newest.pop_front() else { return };
            self.bytes -= oldest.weight();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Conflict> {
        self.newest.iter().map(|conflict| &**conflict)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl From<Vec<Conflict>> for Conflicts {
    fn from(all: Vec<Conflict>) -> Conflicts {
        let mut conflicts = Conflicts::default();
        all.into_iter().for_each(|conflict| conflicts.note(conflict));
        conflicts
    }
}

impl From<Conflicts> for Vec<Conflict> {
    fn from(conflicts: Conflicts) -> Vec<Conflict> {
        conflicts.iter().cloned().collect()
    }
}

/// A tentative write, as a command without its key, cut short.
fn words(write: &Write) -> String {
    let quoted = |bytes: &[u8]| format!(" \"{}\"", bytes[..bytes.len().min(SHOWN_BYTES)].escape_ascii());
    let all = |name: &str, parts: &mut dyn Iterator<Item = String>| {
        let mut text = name.to_owned();
        for part in parts {
            if text.len() > SHOWN_BYTES {
                break;
            }
            text.push_str(&part);
        }
        text
    };
    let mut text = match write {
        Write::String(StringWrite::Set { value, expiry, .. } | StringWrite::Put { value, expiry, .. }) => {
            let expiry =
                if let SetExpiry::AtMs(at_ms) = expiry { format!(" PXAT {at_ms}") } else { String::new() };
            format!("SET{}{expiry}", quoted(value))
        }
        Write::Key(KeyWrite::Del { .. } | KeyWrite::Delete { .. }) => "DEL".to_owned(),
        Write::Key(KeyWrite::ExpireAt { at_ms, .. }) => format!("PEXPIREAT {at_ms}"),
        Write::Key(KeyWrite::Persist { .. }) => "PERSIST".to_owned(),
        Write::Hash(HashWrite::Set { fields, .. }) => {
            all("HSET", &mut fields.iter().map(|(field, value)| quoted(field) + &quoted(value)))
        }
        Write::Hash(HashWrite::Delete { fields, .. }) => {
            all("HDEL", &mut fields.iter().map(|field| quoted(field)))
        }
        Write::SortedSet(SortedSetWrite::Add { members, options, .. }) => all(
            if options.incr { "ZINCRBY" } else { "ZADD" },
            &mut members.iter().map(|(score, member)| format!(" {}{}", score.get(), quoted(member))),
        ),
        Write::SortedSet(SortedSetWrite::Remove { members, .. }) => {
            all("ZREM", &mut members.iter().map(|member| quoted(member)))
        }
        Write::Set(SetWrite::Remove { members, .. }) => {
            all("SREM", &mut members.iter().map(|member| quoted(member)))
        }
        Write::String(StringWrite::Append { value, .. }) => format!("APPEND{}", quoted(value)),
        Write::String(StringWrite::IncrBy { delta, .. }) => format!("INCRBY {delta}"),
        Write::String(StringWrite::IncrByFloat { delta, .. }) => format!("INCRBYFLOAT{}", quoted(delta)),
        Write::Hash(HashWrite::IncrBy { field, delta, .. }) => format!("HINCRBY{} {delta}", quoted(field)),
        Write::Hash(HashWrite::IncrByFloat { field, delta, .. }) => {
            format!("HINCRBYFLOAT{}{}", quoted(field), quoted(delta))
        }
        Write::Set(SetWrite::Add { members, .. }) => {
            all("SADD", &mut members.iter().map(|member| quoted(member)))
        }
        Write::List(ListWrite::Push { values, end, only_if_present, .. }) => {
            let end = if *end == End::Left { "LPUSH" } else { "RPUSH" };
            let name = if *only_if_present { format!("{end}X") } else { end.to_owned() };
            all(&name, &mut values.iter().map(|value| quoted(value)))
        }
        _ => "an effect".to_owned(),
    };
    if text.len() > SHOWN_BYTES {
        text.truncate(SHOWN_BYTES);
        text.push('…');
    }
    text
}
