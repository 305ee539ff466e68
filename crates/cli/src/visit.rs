//! A session that is spoken at one node, and at the next when that one does not do.
//!
//! The client crate's `Client` goes to the leader of each key and spreads reads, so it hides what a certain node answers. Here that is the point: `run` places each file at a node of its own, `cart` stays where
//! its session is known, `demo` asks both sides of a cut. One connection of the crate, `WITH key level … META DO …`, and the token of each answer goes out with the next operation.
//!
//! Invariants: a write keeps its number through all its tries, so it is applied once however often it is sent; once a try was handed over without an answer, the operation ends with an answer or as unknown.
//! A session that stays at its node takes that node's word, also for an error. Not here: which operations there are, and levels that mean something.

use crate::arguments::Access;
use crate::data;
use crate::exit::Failure;
use crate::status::View;
use client::blocking::Connection;
use client::{Error, ErrorKind, Level, Reply};
use proto::limits::MAX_DEADLINE_MS;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// How long one node may take before the next is asked.
const ATTEMPT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);

/// A node of the cluster, as one talks to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub node: u64,
    /// `HOST:PORT` of the Redis protocol.
    pub address: String,
}

/// All nodes in the order of their ids, and which of them was asked.
pub(crate) fn places(access: &Access) -> Result<(Vec<Place>, usize), Failure> {
    places_at(&access.at, access)
}

/// Likewise, found at other addresses than the arguments'.
pub(crate) fn places_at(addresses: &[String], access: &Access) -> Result<(Vec<Place>, usize), Failure> {
    let options = data::options(access)?;
    let view = ask_any(addresses, options.password.as_deref(), access.deadline())?;
    let mut places: Vec<Place> =
        view.nodes.iter().map(|node| Place { node: node.id, address: node.resp.clone() }).collect();
    places.sort_by_key(|place| place.node);
    let asked = places.iter().position(|place| place.node == view.node).unwrap_or_default();
    Ok((places, asked))
}

/// The status of the first of these nodes that answers.
fn ask_any(addresses: &[String], password: Option<&str>, deadline: Duration) -> Result<View, Failure> {
    let end = Instant::now() + deadline;
    let mut last =
        Error::new(ErrorKind::Invalid, "no address was given; name at least one node as HOST:PORT");
    loop {
        for address in addresses {
            let share = end.saturating_duration_since(Instant::now()).min(ATTEMPT);
            let asked = Connection::open(address, password, share)
                .and_then(|mut connection| connection.call(&[b"QUARTET", b"STATUS"], share));
            match asked {
                Ok(reply) => return View::from_reply(&reply).map_err(Failure::bad_input),
                Err(error) if error.kind == ErrorKind::Invalid => return Err(error.into()),
                // A question that was not answered changed nothing.
                Err(error) => last = Error::new(ErrorKind::Unreachable, error.message),
            }
        }
        if addresses.is_empty() || Instant::now() + PAUSE >= end {
            return Err(last.into());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Letters that no other visit has drawn: it numbers its writes under them.
pub(crate) fn random_name() -> String {
    // The standard library seeds this from the system, anew for each.
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// What an operation achieved beyond its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// The level that was met.
    pub level: Option<Level>,
    /// `committed` or `tentative`.
    pub state: String,
    /// The node whose state answered.
    pub node: u64,
    /// The commit timestamp of the value.
    pub version: u64,
    /// The moment that the answer stands for.
    pub as_of: u64,
    /// The session after it.
    pub token: Option<String>,
}

/// A session at a node.
#[derive(Debug)]
pub struct Visit {
    places: Vec<Place>,
    here: usize,
    stays: bool,
    acks: Option<u8>,
    password: Option<String>,
    deadline: Duration,
    connection: Option<Connection>,
    token: Option<String>,
    name: String,
    number: u64,
}

/// What the node's word means for the operation.
enum Word {
    /// It is over.
    Final(ErrorKind),
    /// Nothing was applied; another node, or this one a little later, may know better.
    Elsewhere(ErrorKind),
    /// Handed over, fate not known.
    Unknown,
}

impl Visit {
    /// A session that begins at `places[home]`, under this name, which no other session may have.
    pub fn new(places: Vec<Place>, home: usize, name: String, deadline: Duration) -> Visit {
        assert!(home < places.len(), "a place to begin at");
        Visit {
            places,
            here: home,
            stays: false,
            acks: None,
            password: None,
            deadline,
            connection: None,
            token: None,
            name,
            number: 0,
        }
    }

    /// It never asks another node than its first.
    pub fn that_stays(mut self, stays: bool) -> Visit {
        self.stays = stays;
        self
    }

    /// What it writes below sequential is durable on so many nodes before it is answered; `None` means one.
    pub fn with_acks(mut self, acks: Option<u8>) -> Visit {
        self.acks = acks;
        self
    }

    /// It shows this password.
    pub fn with_password(mut self, password: Option<String>) -> Visit {
        self.password = password;
        self
    }

    /// It goes on from the session with this token.
    pub fn after(mut self, token: Option<String>) -> Visit {
        self.token = token;
        self
    }

    /// The session in writing.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The node that it is at.
    pub fn place(&self) -> &Place {
        &self.places[self.here]
    }

    /// All nodes that it knows.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The id of the operation that comes next.
    pub fn next_id(&self) -> String {
        format!("{}:{}", self.name, self.number + 1)
    }

    /// One operation on a key at a level: the words of a command, whose key is `words[1]`.
    ///
    /// # Errors
    /// Nobody answered, or the answer is an error; the message then begins with its word.
    pub fn ask(&mut self, level: Level, words: &[&[u8]], writes: bool) -> Result<(Reply, Met), Error> {
        self.number += 1;
        let id = format!("{}:{}", self.name, self.number);
        let end = Instant::now() + self.deadline;
        let mut maybe_applied = false;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let last_try = self.stays || self.places.len() == 1;
            let share = if last_try { left } else { left.min(ATTEMPT) };
            let tried = self.try_here(level, words, writes.then_some(&*id), share);
            let (kind, message) = match tried {
                Ok(reply) => match judged(reply) {
                    Ok((reply, met)) => {
                        // An eventual operation stands outside the session.
                        if let (Some(token), true) = (&met.token, level > Level::Eventual) {
                            self.token = Some(token.clone());
                        }
                        return Ok((reply, met));
                    }
                    Err((Word::Final(kind), text)) => return Err(ended(kind, maybe_applied, text)),
                    Err((Word::Elsewhere(kind), text)) if last_try => {
                        return Err(ended(kind, maybe_applied, text));
                    }
                    Err((Word::Unknown, text)) if last_try => {
                        return Err(Error::new(ErrorKind::Unknown, text));
                    }
                    Err((Word::Elsewhere(kind), text)) => (kind, text),
                    Err((Word::Unknown, text)) => {
                        maybe_applied |= writes;
                        (ErrorKind::Unknown, text)
                    }
                },
                Err(error) if error.kind == ErrorKind::Invalid => return Err(error),
                Err(error) => {
                    self.connection = None;
                    maybe_applied |= writes && error.kind == ErrorKind::Unknown;
                    (ErrorKind::Unreachable, format!("node {}: {}", self.place().node, error.message))
                }
            };
            if Instant::now() + PAUSE >= end {
                return Err(ended(kind, maybe_applied, message));
            }
            if !last_try {
                self.connection = None;
                self.here = (self.here + 1) % self.places.len();
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Says bare words to the node that it is at, outside of any level.
    ///
    /// # Errors
    /// It did not answer.
    pub fn say(&mut self, words: &[&[u8]]) -> Result<Reply, Error> {
        let limit = self.deadline;
        let said = self.connected(limit)?.call(words, limit);
        if said.is_err() {
            self.connection = None;
        }
        said
    }

    fn try_here(
        &mut self,
        level: Level,
        words: &[&[u8]],
        id: Option<&str>,
        limit: Duration,
    ) -> Result<Reply, Error> {
        // The node is told a little less, so that it can still say how it ended.
        let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = (ms - ms / 10).clamp(1, MAX_DEADLINE_MS).to_string();
        let token = self.token.clone().filter(|_| level > Level::Eventual);
        let mut all: Vec<&[u8]> = vec![b"WITH", words[1], level.name().as_bytes()];
        if let Some(token) = &token {
            all.extend([&b"AFTER"[..], token.as_bytes()]);
        }
        let acks = self.acks.filter(|_| id.is_some()).map(|acks| acks.to_string());
        if let Some(acks) = &acks {
            all.extend([&b"ACKS"[..], acks.as_bytes()]);
        }
        if let Some(id) = id {
            all.extend([&b"ID"[..], id.as_bytes()]);
        }
        all.extend([&b"DEADLINE"[..], deadline_ms.as_bytes(), b"META", b"DO"]);
        all.extend(words);
        self.connected(limit)?.call(&all, limit)
    }

    fn connected(&mut self, limit: Duration) -> Result<&mut Connection, Error> {
        if self.connection.is_none() {
            let address = &self.places[self.here].address;
            self.connection = Some(Connection::open(address, self.password.as_deref(), limit)?);
        }
        Ok(self.connection.as_mut().expect("it was opened"))
    }
}

fn ended(kind: ErrorKind, maybe_applied: bool, message: String) -> Error {
    Error::new(if maybe_applied { ErrorKind::Unknown } else { kind }, message)
}

/// Takes `[reply, {…}]` apart, or says what the error means.
fn judged(reply: Reply) -> Result<(Reply, Met), (Word, String)> {
    let nonsense = |reply: &Reply| (Word::Unknown, format!("not a reply with what was achieved: {reply:?}"));
    match reply {
        Reply::Error(text) => Err((meaning(&text), text)),
        Reply::Array(pair) => match <[Reply; 2]>::try_from(pair) {
            Ok([Reply::Error(text), _]) => Err((meaning(&text), text)),
            Ok([reply, meta]) => Ok((reply, Met::of(&meta))),
            Err(other) => Err(nonsense(&Reply::Array(other))),
        },
        other => Err(nonsense(&other)),
    }
}

/// A reply to `WITH … META DO …`, taken apart into the command's reply and what was met.
///
/// # Errors
/// The error that the node answered; its first word says what to do.
pub fn taken_apart(reply: Reply) -> Result<(Reply, Met), String> {
    judged(reply).map_err(|(_, text)| text)
}

/// By the first word of the error (`docs/redis.md`).
fn meaning(text: &str) -> Word {
    match text.split(' ').next().unwrap_or_default() {
        "UNKNOWN" => Word::Unknown,
        "BEHIND" => Word::Elsewhere(ErrorKind::Behind),
        "CLUSTERDOWN" | "NOQUORUM" | "TRYAGAIN" | "LOADING" | "BUSY" | "MASTERDOWN" => {
            Word::Elsewhere(ErrorKind::NoQuorum)
        }
        "WRONGTYPE" | "OOM" | "DISKFULL" => Word::Final(ErrorKind::Refused),
        _ => Word::Final(ErrorKind::Invalid),
    }
}

impl Met {
    fn of(meta: &Reply) -> Met {
        let Reply::Map(pairs) = meta else { return Met::default() };
        let value = |name: &'static str| {
            pairs.iter().find(|(key, _)| *key == Reply::bulk(name)).map(|(_, value)| value)
        };
        let text = |name| value(name).and_then(text_of).unwrap_or_default();
        let number = |name| match value(name) {
            Some(Reply::Int(number)) => u64::try_from(*number).unwrap_or_default(),
            Some(other) => text_of(other).and_then(|text| text.parse().ok()).unwrap_or_default(),
            None => 0,
        };
        Met {
            level: Level::of(text("level").as_bytes()),
            state: text("state"),
            node: number("node"),
            version: number("version"),
            as_of: number("as_of"),
            token: Some(text("token")).filter(|token| !token.is_empty()),
        }
    }
}

/// The text of a reply that is one.
pub(crate) fn text_of(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Bulk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Reply::Status(text) | Reply::Verbatim(_, text) | Reply::Error(text) => Some(text.clone()),
        Reply::Simple(text) => Some((*text).to_owned()),
        Reply::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_comes_apart_into_what_was_said_and_what_was_met() {
        let meta = Reply::Map(vec![
            (Reply::bulk("level"), Reply::bulk("causal")),
            (Reply::bulk("token"), Reply::bulk("abc")),
            (Reply::bulk("state"), Reply::bulk("tentative")),
            (Reply::bulk("node"), Reply::Int(2)),
            (Reply::bulk("version"), Reply::bulk("18446744073709551615")),
        ]);
        let Ok((reply, met)) = judged(Reply::Array(vec![Reply::Nil, meta])) else { panic!("an error") };
        assert_eq!(reply, Reply::Nil);
        let expected = Met {
            level: Some(Level::Causal),
            state: "tentative".to_owned(),
            node: 2,
            version: u64::MAX,
            as_of: 0,
            token: Some("abc".to_owned()),
        };
        assert_eq!(met, expected);
    }

    #[test]
    fn each_word_has_its_consequence() {
        assert!(matches!(judged(Reply::error("UNKNOWN maybe")), Err((Word::Unknown, _))));
        assert!(matches!(
            judged(Reply::error("NOQUORUM alone")),
            Err((Word::Elsewhere(ErrorKind::NoQuorum), _))
        ));
        assert!(matches!(judged(Reply::error("BEHIND you")), Err((Word::Elsewhere(ErrorKind::Behind), _))));
        assert!(matches!(judged(Reply::error("LEVEL no")), Err((Word::Final(ErrorKind::Invalid), _))));
        let inner = Reply::Array(vec![Reply::error("WRONGTYPE no"), Reply::Map(Vec::new())]);
        assert!(matches!(judged(inner), Err((Word::Final(ErrorKind::Refused), _))));
        assert!(matches!(judged(Reply::OK), Err((Word::Unknown, _))));
    }

    #[test]
    fn no_two_names_are_alike() {
        assert_ne!(random_name(), random_name());
    }
}
