//! A superseded write as the conflict log tells it: the words of `CONFLICTS`, and the JSON that HTTP and the command line make of them.
//!
//! Timestamps are text in both: they have more digits than many readers of numbers keep. In JSON those of the write and of its decision stand beside them as milliseconds since the Unix epoch, by the hybrid clock.
//!
//! Invariant: what [`Superseded::reply`] says, [`Superseded::read`] understands. Not here: what is kept, and for how long (`node::arbitration`).

use crate::hlc::Timestamp;
use crate::reply::Reply;
use bytes::Bytes;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::fmt;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// The key, as far as it is shown.
    pub key: Bytes,
    /// What was lost, as a command without its key.
    pub write: String,
    /// The operation: its origin and number.
    pub operation: String,
    /// When it was taken.
    pub taken: Timestamp,
    /// What its origin had seen of the shard then.
    pub seen: Timestamp,
    /// What it lost to.
    pub by: By,
    /// When that was decided.
    pub decided: Timestamp,
}

/// What a write lost to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A strong write of that time.
    StrongWrite {
        /// Its version.
        at: Timestamp,
    },
    /// A newer tentative write.
    NewerWrite {
        /// Which.
        operation: String,
        /// When that was decided.
        at: Timestamp,
    },
    /// Deletions up to then are forgotten.
    Floor {
        /// Then.
        at: Timestamp,
    },
    /// What the key held when it was decided: the command answers an error there.
    Value,
}

impl By {
    /// The word that programs match on.
    pub fn word(&self) -> &'static str {
        match self {
            By::StrongWrite { .. } => "strong write",
            By::NewerWrite { .. } => "newer write",
            By::Floor { .. } => "floor",
            By::Value => "value",
        }
    }

    /// The winner, if it is a tentative write.
    pub fn operation(&self) -> Option<&str> {
        match self {
            By::NewerWrite { operation, .. } => Some(operation),
            By::StrongWrite { .. } | By::Floor { .. } | By::Value => None,
        }
    }

    /// The winner's commit timestamp, or how far deletions are forgotten.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            By::StrongWrite { at } | By::NewerWrite { at, .. } | By::Floor { at } => Some(*at),
            By::Value => None,
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::StrongWrite { at } => write!(f, "a strong write at {at} that it had not seen"),
            By::NewerWrite { operation, at } => write!(f, "the newer operation {operation}, decided at {at}"),
            By::Floor { at } => {
                write!(f, "writes and deletions up to {at} may be forgotten, and it had seen less")
            }
            By::Value => {
                f.write_str("what the key held when it was decided: the command answers an error there")
            }
        }
    }
}

impl Superseded {
    /// As `CONFLICTS` tells it.
    pub fn reply(self) -> Reply {
        let text = |text: String| Reply::bulk(text);
        let pair = |name: &'static str, value| (Reply::bulk(name), value);
        Reply::Map(vec![
            pair("key", Reply::Bulk(self.key)),
            pair("write", text(self.write)),
            pair("operation", text(self.operation)),
            pair("taken", text(self.taken.to_string())),
            pair("seen", text(self.seen.to_string())),
            pair("lost to", text(self.by.to_string())),
            pair("by", Reply::bulk(self.by.word())),
            pair("by operation", self.by.operation().map_or(Reply::Nil, |dot| text(dot.to_owned()))),
            pair("by time", self.by.at().map_or(Reply::Nil, |at| text(at.to_string()))),
            pair("decided", text(self.decided.to_string())),
        ])
    }

    /// All that an answer to `CONFLICTS` tells, oldest first; `None` if it is none.
    pub fn read(reply: &Reply) -> Option<Vec<Superseded>> {
        match reply {
            Reply::Array(all) => all.iter().map(Superseded::one).collect(),
            _ => None,
        }
    }

    fn one(reply: &Reply) -> Option<Superseded> {
        let Reply::Map(pairs) = reply else { return None };
        let value = |name: &'static str| {
            pairs.iter().find(|(known, _)| *known == Reply::bulk(name)).map(|(_, value)| value)
        };
        let bytes = |name| match value(name) {
            Some(Reply::Bulk(bytes)) => Some(bytes),
            _ => None,
        };
        let text = |name| Some(String::from_utf8_lossy(bytes(name)?).into_owned());
        let time = |name| text(name)?.parse().ok().map(Timestamp);
        let by = match &*text("by")? {
            "strong write" => By::StrongWrite { at: time("by time")? },
            "newer write" => By::NewerWrite { operation: text("by operation")?, at: time("by time")? },
            "floor" => By::Floor { at: time("by time")? },
            "value" => By::Value,
            _ => return None,
        };
        Some(Superseded {
            key: bytes("key")?.clone(),
            write: text("write")?,
            operation: text("operation")?,
            taken: time("taken")?,
            seen: time("seen")?,
            by,
            decided: time("decided")?,
        })
    }
}

/// The names of its fields in JSON.
pub const FIELDS: [&str; 7] =
    ["write", "operation", "taken", "taken_ms", "superseded_by", "decided", "decided_ms"];
/// Of what it lost to.
pub const FIELDS_OF_BY: [&str; 3] = ["what", "operation", "at"];

/// Without the key, which whoever asked named.
impl Serialize for Superseded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Superseded", FIELDS.len())?;
        fields.serialize_field(FIELDS[0], &self.write)?;
        fields.serialize_field(FIELDS[1], &self.operation)?;
        fields.serialize_field(FIELDS[2], &self.taken.to_string())?;
        fields.serialize_field(FIELDS[3], &self.taken.wall_ms())?;
        fields.serialize_field(FIELDS[4], &self.by)?;
        fields.serialize_field(FIELDS[5], &self.decided.to_string())?;
        fields.serialize_field(FIELDS[6], &self.decided.wall_ms())?;
        fields.end()
    }
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("By", FIELDS_OF_BY.len())?;
        fields.serialize_field(FIELDS_OF_BY[0], self.word())?;
        fields.serialize_field(FIELDS_OF_BY[1], &self.operation())?;
        fields.serialize_field(FIELDS_OF_BY[2], &self.at().map(|at| at.to_string()))?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let at = Timestamp::from_wall_ms(7);
        for by in [
            By::StrongWrite { at },
            By::NewerWrite { operation: "n2.0.1:5".to_owned(), at },
            By::Floor { at: Timestamp(u64::MAX) },
            By::Value,
        ] {
            let told = Superseded {
                key: Bytes::from_static(b"k\xff"),
                write: "SET \"red\"".to_owned(),
                operation: "n1.0.1:17".to_owned(),
                taken: Timestamp(3),
                seen: Timestamp::ZERO,
                by,
                decided: at.next(),
            };
            let reply = Reply::Array(vec![told.clone().reply()]);
            assert_eq!(Superseded::read(&reply), Some(vec![told]));
        }
        assert_eq!(Superseded::read(&Reply::Array(Vec::new())), Some(Vec::new()));
        assert_eq!(Superseded::read(&Reply::Nil), None);
        assert_eq!(Superseded::read(&Reply::Array(vec![Reply::Map(Vec::new())])), None);
    }
}
