//! What came back, and what is known about it.

use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::NodeId;
use proto::level::Level;
use proto::outcome::State;
use proto::reply::Reply;
use std::time::Duration;

/// A reply with its certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the command answered.
    pub reply: Reply,
    /// At which level it was answered, and which moment and value it stands for; `None` for commands without a key.
    pub achieved: Option<Achieved>,
}

/// What an operation achieved beyond its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Achieved {
    /// The level that was met: the first rung of the ladder that could be.
    pub level: Level,
    /// The state that answered was at most so old, as far as the nodes' clocks can be trusted.
    pub age: Duration,
    /// The commit timestamp of the value read or written; of an absent key, its slot's newest deletion. Rises with every write of the key.
    pub version: Timestamp,
    /// Whether what it tells is decided for good.
    pub state: State,
    /// A tentative write's own operation, under which the conflict log names it.
    pub dot: Option<String>,
    /// At `sequential`: where the answer stands in the one order of the cluster. At `linearizable`: the last entry that the leader had applied. Below: the last one that the replica had applied.
    pub as_of: Timestamp,
    /// The node whose state answered.
    pub served_by: NodeId,
    /// The session after it, in writing.
    pub token: Option<String>,
}

/// How long a key has to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// There is no such key.
    Absent,
    /// It lives until it is deleted.
    Forever,
    /// It is deleted after this time.
    Left(Duration),
}

impl Answer {
    /// Takes a reply apart that is `[reply, {…}]` if it was asked for with META.
    pub(crate) fn from_reply(reply: Reply, wrapped: bool) -> Result<Answer, String> {
        if !wrapped {
            return Ok(Answer { reply, achieved: None });
        }
        let pair = match reply {
            Reply::Array(items) => <[Reply; 2]>::try_from(items).map_err(Reply::Array),
            other => Err(other),
        };
        let [reply, meta] = pair.map_err(|reply| format!("not a reply with what was achieved: {reply:?}"))?;
        let achieved = Achieved {
            level: entry(&meta, "level").and_then(|level| Level::of(level.as_bytes())).unwrap_or_default(),
            age: Duration::from_millis(number(&meta, "age_ms").unwrap_or_default()),
            version: Timestamp(number(&meta, "version").unwrap_or_default()),
            state: match entry(&meta, "state") {
                Some("tentative") => State::Tentative,
                _ => State::Committed,
            },
            dot: entry(&meta, "dot").map(str::to_owned),
            as_of: Timestamp(number(&meta, "as_of").unwrap_or_default()),
            served_by: NodeId(number(&meta, "node").unwrap_or_default()),
            token: entry(&meta, "token").map(str::to_owned),
        };
        Ok(Answer { reply, achieved: Some(achieved) })
    }

    /// A value, or none for an absent key.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn value(self) -> Result<Option<Bytes>, Error> {
        match self.reply {
            Reply::Nil => Ok(None),
            Reply::Bulk(bytes) => Ok(Some(bytes)),
            reply => Err(unexpected(&reply)),
        }
    }

    /// Whether it took effect: OK or not.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn took_effect(self) -> Result<bool, Error> {
        match self.reply {
            Reply::Simple("OK") => Ok(true),
            Reply::Status(text) if text == "OK" => Ok(true),
            Reply::Nil => Ok(false),
            reply => Err(unexpected(&reply)),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn integer(self) -> Result<i64, Error> {
        match self.reply {
            Reply::Int(number) => Ok(number),
            reply => Err(unexpected(&reply)),
        }
    }

    /// A number that says yes or no.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn truth(self) -> Result<bool, Error> {
        self.integer().map(|number| number != 0)
    }

    /// A time to live in milliseconds, as PTTL answers it.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn ttl(self) -> Result<Ttl, Error> {
        match self.integer()? {
            -1 => Ok(Ttl::Forever),
            left => Ok(u64::try_from(left).map_or(Ttl::Absent, |ms| Ttl::Left(Duration::from_millis(ms)))),
        }
    }

    /// The values of MGET.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn values(self) -> Result<Vec<Option<Bytes>>, Error> {
        let Reply::Array(items) = self.reply else { return Err(unexpected(&self.reply)) };
        items.into_iter().map(|reply| Answer { reply, achieved: None }.value()).collect()
    }

    /// The next cursor and the keys of one SCAN.
    ///
    /// # Errors
    /// `Refused` if the reply is none that such a command has.
    pub fn page(self) -> Result<(u64, Vec<Bytes>), Error> {
        let Reply::Array(items) = &self.reply else { return Err(unexpected(&self.reply)) };
        let [Reply::Bulk(cursor), Reply::Array(keys)] = &items[..] else {
            return Err(unexpected(&self.reply));
        };
        let cursor = std::str::from_utf8(cursor).ok().and_then(|text| text.parse().ok());
        let keys: Option<Vec<Bytes>> = keys
            .iter()
            .map(|key| match key {
                Reply::Bulk(key) => Some(key.clone()),
                _ => None,
            })
            .collect();
        cursor.zip(keys).ok_or_else(|| unexpected(&self.reply))
    }
}

fn value<'a>(meta: &'a Reply, name: &str) -> Option<&'a Reply> {
    let Reply::Map(pairs) = meta else { return None };
    pairs.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value)
}

fn entry<'a>(meta: &'a Reply, name: &str) -> Option<&'a str> {
    value(meta, name).and_then(text)
}

/// An integer, or its digits.
fn number(meta: &Reply, name: &str) -> Option<u64> {
    match value(meta, name)? {
        Reply::Int(number) => u64::try_from(*number).ok(),
        value => text(value)?.parse().ok(),
    }
}

fn text(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
        Reply::Simple(text) => Some(text),
        Reply::Status(text) => Some(text),
        _ => None,
    }
}

/// Reached only by a server that speaks another protocol than ours.
fn unexpected(reply: &Reply) -> Error {
    Error::new(ErrorKind::Refused, format!("the reply is none that this command has: {reply:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_reply_comes_apart_into_reply_and_what_was_achieved() {
        let meta = Reply::Map(vec![
            (Reply::bulk("level"), Reply::bulk("sequential")),
            (Reply::bulk("token"), Reply::bulk("abc")),
            (Reply::bulk("age_ms"), Reply::Int(40)),
            (Reply::bulk("state"), Reply::bulk("tentative")),
            (Reply::bulk("dot"), Reply::bulk("n2.0.1:5")),
            (Reply::bulk("node"), Reply::Int(2)),
            (Reply::bulk("version"), Reply::bulk("18446744073709551615")),
            (Reply::bulk("as_of"), Reply::Int(9)),
        ]);
        let answer = Answer::from_reply(Reply::Array(vec![Reply::Nil, meta]), true).unwrap();
        let expected = Achieved {
            level: Level::Sequential,
            age: Duration::from_millis(40),
            version: Timestamp(u64::MAX),
            state: State::Tentative,
            dot: Some("n2.0.1:5".to_owned()),
            as_of: Timestamp(9),
            served_by: NodeId(2),
            token: Some("abc".to_owned()),
        };
        assert_eq!(answer.achieved, Some(expected));
        assert_eq!(answer.value().unwrap(), None);
        assert!(Answer::from_reply(Reply::OK, true).is_err());
    }

    #[test]
    fn a_time_to_live_has_three_shapes() {
        let ttl = |number| Answer { reply: Reply::Int(number), achieved: None }.ttl().unwrap();
        assert_eq!(ttl(-2), Ttl::Absent);
        assert_eq!(ttl(-1), Ttl::Forever);
        assert_eq!(ttl(1500), Ttl::Left(Duration::from_millis(1500)));
    }
}
