//! What came back, and what is known about it.

use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::NodeId;
use proto::reply::Reply;
use std::time::Duration;

/// A reply with its certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the command answered.
    pub reply: Reply,
    /// Which moment and value it stands for; `None` for commands of no single key.
    pub certificate: Option<Certificate>,
}

/// What is known about the moment and the value that an answer stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The commit timestamp of the value read or written; of an absent key, its slot's newest deletion. Rises with every write of the key.
    pub version: Timestamp,
    /// The commit timestamp of the last entry that the answering replica had applied.
    pub as_of: Timestamp,
    /// The node whose state answered.
    pub served_by: NodeId,
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
            return Ok(Answer { reply, certificate: None });
        }
        let pair = match reply {
            Reply::Array(items) => <[Reply; 2]>::try_from(items).map_err(Reply::Array),
            other => Err(other),
        };
        let [reply, meta] = pair.map_err(|reply| format!("not a reply with its certificate: {reply:?}"))?;
        let certificate = Certificate {
            version: Timestamp(number(&meta, "version").unwrap_or_default()),
            as_of: Timestamp(number(&meta, "as_of").unwrap_or_default()),
            served_by: NodeId(number(&meta, "node").unwrap_or_default()),
        };
        Ok(Answer { reply, certificate: Some(certificate) })
    }

    /// A value, or none for an absent key.
    pub(crate) fn value(self) -> Result<Option<Bytes>, Error> {
        match self.reply {
            Reply::Nil => Ok(None),
            Reply::Bulk(bytes) => Ok(Some(bytes)),
            reply => Err(unexpected(&reply)),
        }
    }

    /// Whether it took effect: OK or not.
    pub(crate) fn took_effect(self) -> Result<bool, Error> {
        match self.reply {
            Reply::Simple("OK") => Ok(true),
            Reply::Status(text) if text == "OK" => Ok(true),
            Reply::Nil => Ok(false),
            reply => Err(unexpected(&reply)),
        }
    }

    pub(crate) fn integer(self) -> Result<i64, Error> {
        match self.reply {
            Reply::Int(number) => Ok(number),
            reply => Err(unexpected(&reply)),
        }
    }

    pub(crate) fn truth(self) -> Result<bool, Error> {
        self.integer().map(|number| number != 0)
    }

    pub(crate) fn ttl(self) -> Result<Ttl, Error> {
        match self.integer()? {
            -1 => Ok(Ttl::Forever),
            left => Ok(u64::try_from(left).map_or(Ttl::Absent, |ms| Ttl::Left(Duration::from_millis(ms)))),
        }
    }

    pub(crate) fn values(self) -> Result<Vec<Option<Bytes>>, Error> {
        let Reply::Array(items) = self.reply else { return Err(unexpected(&self.reply)) };
        items.into_iter().map(|reply| Answer { reply, certificate: None }.value()).collect()
    }

    /// The next cursor and the keys of one SCAN.
    pub(crate) fn page(self) -> Result<(u64, Vec<Bytes>), Error> {
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

/// A number of the certificate: an integer, or its digits.
fn number(meta: &Reply, name: &str) -> Option<u64> {
    let Reply::Map(pairs) = meta else { return None };
    let (_, value) = pairs.iter().find(|(key, _)| text(key) == Some(name))?;
    match value {
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
    fn a_wrapped_reply_comes_apart_into_reply_and_certificate() {
        let meta = Reply::Map(vec![
            (Reply::bulk("level"), Reply::bulk("linearizable")),
            (Reply::bulk("node"), Reply::Int(2)),
            (Reply::bulk("version"), Reply::bulk("18446744073709551615")),
            (Reply::bulk("as_of"), Reply::Int(9)),
        ]);
        let answer = Answer::from_reply(Reply::Array(vec![Reply::Nil, meta]), true).unwrap();
        let certificate = answer.certificate.unwrap();
        assert_eq!(certificate.version, Timestamp(u64::MAX));
        assert_eq!(certificate.as_of, Timestamp(9));
        assert_eq!(certificate.served_by, NodeId(2));
        assert_eq!(answer.value().unwrap(), None);
        assert!(Answer::from_reply(Reply::OK, true).is_err());
    }

    #[test]
    fn a_time_to_live_has_three_shapes() {
        let ttl = |number| Answer { reply: Reply::Int(number), certificate: None }.ttl().unwrap();
        assert_eq!(ttl(-2), Ttl::Absent);
        assert_eq!(ttl(-1), Ttl::Forever);
        assert_eq!(ttl(1500), Ttl::Left(Duration::from_millis(1500)));
    }
}
