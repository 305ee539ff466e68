//! Who asks what, through which node and in which session.
//!
//! `1` is a connection to node 1, `1.b` another one: each has a session of its own, that of its connection. `ann@2` is a client with a name who carries her session as a token from node to node. `all` asks every node that runs.
//! A line with the tag `later` does not wait: its answer is told when it comes.
//!
//! Invariant: a request is answered once, or its connection ends with its node's process, and then the client knows nothing of it.

use super::cluster::Cluster;
use super::{show, words};
use crate::schedule::{MILLISECOND, SECOND};
use bytes::Bytes;
use node::io::Input;
use proto::command::{InSession, Request};
use proto::hlc::Timestamp;
use proto::ids::{ConnectionId, RequestId};
use proto::level::Ladder;
use proto::outcome::{Achieved, Outcome};
use std::collections::BTreeMap;

/// What a client waits for, in milliseconds, unless it says otherwise.
const DEADLINE_MS: u64 = 1_000;
/// How much longer than its deadline a client waits before the story says that there was no answer, in nanoseconds.
const PATIENCE_NS: u64 = 5 * SECOND;

/// A request under way.
#[derive(Debug)]
struct Asked {
    node: usize,
    who: String,
    line: String,
    session: Option<String>,
    is_ladder: bool,
    later: bool,
    shows: Shows,
}

/// What of an answer is told besides its reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shows {
    /// The node whose state answered.
    pub(super) who: bool,
    /// The version.
    pub(super) version: bool,
}

/// All clients of a story.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Under each name the process that the connection is to, the connection, and its next request.
    connections: BTreeMap<String, (u64, ConnectionId, u64)>,
    next_connection: u64,
    tokens: BTreeMap<String, String>,
    waiting: BTreeMap<(ConnectionId, RequestId), Asked>,
    answered: BTreeMap<(ConnectionId, RequestId), String>,
    /// Versions in the order in which the story met them.
    versions: Vec<Timestamp>,
}

impl Clients {
    /// A version's number in the story, by the order in which it met them; 0 is no version at all. One that is older than some that were met before says so.
    fn version(&mut self, version: Timestamp) -> String {
        if version == Timestamp::ZERO {
            return "version 0".to_owned();
        }
        let number = match self.versions.iter().position(|known| *known == version) {
            Some(at) => at + 1,
            None => {
                self.versions.push(version);
                self.versions.len()
            }
        };
        match self.versions[..number].iter().position(|known| *known > version) {
            None => format!("version {number}"),
            Some(at) => format!("version {number}, older than version {}", at + 1),
        }
    }

    /// A client's session has seen what another one's has.
    pub(super) fn join(&mut self, name: &str, other: &str) -> Result<(), String> {
        let token = self.tokens.get(other).ok_or_else(|| format!("{other} has no session yet"))?;
        let joined = match self.tokens.get(name) {
            Some(own) => format!("{own}.{token}"),
            None => token.clone(),
        };
        self.tokens.insert(name.to_owned(), joined);
        Ok(())
    }

    /// A client begins a new session.
    pub(super) fn forget(&mut self, name: &str) {
        self.tokens.remove(name);
    }
}

impl Cluster {
    /// A client asks, and unless it is to be told later, waits for the answer.
    pub(super) fn ask(&mut self, who: &str, line: &[String], tags: &[&str]) -> Result<String, String> {
        if who == "all" {
            let mut told = String::new();
            for node in 0..self.machines.len() {
                if self.machines[node].process.is_some() {
                    let answer = self.ask(&format!("{}.all", node + 1), line, tags)?;
                    told += &format!("{}: {}", node + 1, answer);
                }
            }
            return Ok(told);
        }
        let argv: Vec<Bytes> = line.iter().map(|word| Bytes::from(word.clone())).collect();
        let text = line.join(" ");
        let body = match proto::commands::parse_request(&argv) {
            Ok(parsed) => parsed.request,
            Err(reply) => return Ok(format!("{text} → {}\n", show::refusal(&reply))),
        };
        let (session, node) = match who.split_once('@') {
            Some((name, node)) => (Some(name.to_owned()), node),
            None => (None, who.split('.').next().unwrap_or_default()),
        };
        let node = words::node(node, self.machines.len())?;
        let Some(life) = self.machines[node].process.as_ref().map(|process| process.number) else {
            return Ok(format!("{text} → no connection\n"));
        };
        let patience_ns = body.deadline_ms.unwrap_or(DEADLINE_MS) * MILLISECOND + PATIENCE_NS;
        let later = tags.contains(&"later");
        let asked = Asked {
            node,
            who: who.to_owned(),
            line: text.clone(),
            session,
            is_ladder: is_ladder(&body.ladder),
            later,
            shows: Shows { who: tags.contains(&"who"), version: tags.contains(&"version") },
        };
        let key = self.sends(asked, life, body);
        if later {
            return Ok(String::new());
        }
        let until = self.schedule.now().after(patience_ns);
        while self.clients.waiting.contains_key(&key) && self.schedule.now() < until {
            self.next_event()?;
        }
        self.clients.waiting.remove(&key);
        let answer = self.clients.answered.remove(&key).unwrap_or_else(|| "no answer".to_owned());
        Ok(format!("{text} → {answer}\n"))
    }

    fn sends(&mut self, asked: Asked, life: u64, body: Request) -> (ConnectionId, RequestId) {
        let clients = &mut self.clients;
        let known = clients.connections.get(&asked.who).filter(|(of, _, _)| *of == life);
        let (id, number) = match known {
            Some((_, id, number)) => (*id, *number),
            None => {
                clients.next_connection += 1;
                (ConnectionId(clients.next_connection), 1)
            }
        };
        clients.connections.insert(asked.who.clone(), (life, id, number + 1));
        let token = asked.session.as_ref().and_then(|name| clients.tokens.get(name));
        let session = token.map(|token| InSession::Token(Bytes::from(token.clone())));
        let body = Request {
            session: session.unwrap_or(body.session),
            wants_token: asked.session.is_some(),
            deadline_ms: body.deadline_ms.or(Some(DEADLINE_MS)),
            ..body
        };
        let (node, key) = (asked.node, (id, RequestId(number)));
        clients.waiting.insert(key, asked);
        self.enqueue(node, Input::Request { connection: id, request: RequestId(number), body });
        key
    }

    /// An answer reaches its client.
    pub(super) fn heard(&mut self, id: ConnectionId, request: RequestId, answer: (Outcome, Achieved)) {
        let Some(asked) = self.clients.waiting.remove(&(id, request)) else { return };
        let (outcome, achieved) = answer;
        if let (Some(name), Some(token)) = (&asked.session, &achieved.token) {
            self.clients.tokens.insert(name.clone(), token.clone());
        }
        let version = match &outcome {
            Outcome::Done { certificate, .. } if asked.shows.version => {
                Some(self.clients.version(certificate.version))
            }
            _ => None,
        };
        let level = asked.is_ladder.then_some(achieved.level);
        let text = show::answer(&outcome, &achieved, level, version, asked.shows.who);
        self.told(asked, (id, request), text);
    }

    fn told(&mut self, asked: Asked, key: (ConnectionId, RequestId), text: String) {
        if asked.later {
            self.happened(&format!("{} hears {} → {text}", asked.who, asked.line));
        } else {
            self.clients.answered.insert(key, text);
        }
    }

    /// A process is gone, and with it its connections.
    pub(super) fn connections_end(&mut self, node: usize) {
        let of_node = self.clients.waiting.extract_if(.., |_, asked| asked.node == node);
        for (key, asked) in of_node.collect::<Vec<_>>() {
            self.told(asked, key, "the connection is lost".to_owned());
        }
    }
}

fn is_ladder(ladder: &Ladder) -> bool {
    ladder.rungs().len() > 1
}
