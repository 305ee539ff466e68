//! The commands of the world. Clients' commands are in `clients`.
//!
//! Invariant: a word that is not understood is an error, never nothing.

use super::cluster::Cluster;
use super::cluster::Event;
use super::links::{Fate, LATENCY_NS};
use super::words::{self, Meant};
use crate::world::id_of;
use bytes::Bytes;
use proto::frame::Frame;
use proto::ids::{GroupId, LogIndex, ReplicaId, Term};
use proto::peer::{ConsensusKind, ConsensusMessage, Message};

/// How far a story may jump at once when it fills a shard: keys of one request.
const KEYS_PER_REQUEST: usize = 20;

/// What is said of one node, or of `all`.
const OF_ONE_NODE: [&str; 8] = ["crash", "start", "stop", "pause", "disk", "clock", "isolate", "log"];

impl Cluster {
    /// Does what a line without a client says.
    pub(super) fn command(&mut self, name: &str, words: &[String]) -> Result<String, String> {
        let nodes = self.machines.len();
        if words.first().is_some_and(|word| word == "all") && OF_ONE_NODE.contains(&name) {
            let mut told = String::new();
            for node in 1..=nodes {
                let mut words = words.to_vec();
                words[0] = node.to_string();
                told += &self.command(name, &words)?;
            }
            return Ok(told);
        }
        let first = || words.first().ok_or_else(|| format!("'{name}' of what?"));
        let node = || words::node(first()?, nodes);
        match name {
            "run" => self.run(words::span_ns(first()?)?)?,
            // links
            "cut" => self.cut(words)?,
            "isolate" => {
                let lonely = node()?;
                for other in 0..nodes {
                    self.links.cut(lonely, other);
                    self.links.cut(other, lonely);
                }
                self.update_links(true);
            }
            "split" => self.split(words)?,
            "heal" => {
                self.links.heal();
                self.update_links(true);
                self.run(LATENCY_NS)?;
            }
            "hold" => self.links.rule(Meant::parse(words, nodes)?, Fate::Held),
            "lose" => self.links.rule(Meant::parse(words, nodes)?, Fate::Lost),
            "repeat" => self.links.rule(Meant::parse(words, nodes)?, Fate::Doubled),
            "deliver" => {
                self.deliver(&Meant::parse(words, nodes)?);
                self.run(3 * LATENCY_NS)?;
            }
            "overtake" => self.links.overtake(),
            "forget" => self.forget(&Meant::parse(words, nodes)?),
            "held" => return Ok(self.links.holds()),
            // machines
            "crash" => self.crash(node()?, words.get(1).map_or("kill", String::as_str))?,
            "start" => {
                let node = node()?;
                if let Err(why) = self.start(node) {
                    self.happened(&format!("{} does not start: {}", node + 1, short(&why)));
                }
            }
            "stop" => self.stop(node()?),
            "pause" => self.pause(node()?, &words[1..])?,
            "disk" => self.disk(node()?, &words[1..])?,
            "rebuild" => self.rebuild(node()?)?,
            "clock" => self.clock(node()?, &words[1..])?,
            "elect" => self.elect(node()?, words.get(1))?,
            // clients
            "join" => match words {
                [name, other] => self.clients.join(name, other)?,
                _ => return Err("who joins whom?".to_owned()),
            },
            "forget-session" => self.clients.forget(first()?),
            "fill" => self.fill(words, "MSET")?,
            "empty" => self.fill(words, "DEL")?,
            "count" => self.count(words)?,
            // looks
            "leaders" => return Ok(self.leaders()),
            "state" => {
                let told: Result<String, String> = words.iter().map(|key| self.state(key)).collect();
                return told;
            }
            "log" => {
                let shard = words.get(1).map_or(Ok(0), |shard| shard.parse::<u32>());
                let shard = shard.map_err(|_| "which shard?".to_owned())?;
                let node = node()?;
                return self.log(node, GroupId(shard + 1));
            }
            "conflicts" => return self.conflicts(first()?),
            "where" => return words.iter().map(|key| self.place(key)).collect(),
            "pending" => return Ok(self.pending()),
            "equal" => return Ok(self.equality()),
            _ => return Err(format!("a story knows no '{name}'")),
        }
        let said = self.take_said();
        Ok(said)
    }

    /// `cut 1 2`: both directions; `cut 1 to 2`: one.
    fn cut(&mut self, words: &[String]) -> Result<(), String> {
        let nodes = self.machines.len();
        match words {
            [from, to, other] if to == "to" => {
                self.links.cut(words::node(from, nodes)?, words::node(other, nodes)?);
            }
            [a, b] => {
                let (a, b) = (words::node(a, nodes)?, words::node(b, nodes)?);
                self.links.cut(a, b);
                self.links.cut(b, a);
            }
            _ => return Err("cut A B, or cut A to B".to_owned()),
        }
        self.update_links(true);
        Ok(())
    }

    /// `split 1 2 from 3 4 5`
    fn split(&mut self, words: &[String]) -> Result<(), String> {
        let nodes = self.machines.len();
        let at = words.iter().position(|word| word == "from").ok_or("split A B from C D")?;
        for a in &words[..at] {
            for b in &words[at + 1..] {
                let (a, b) = (words::node(a, nodes)?, words::node(b, nodes)?);
                self.links.cut(a, b);
                self.links.cut(b, a);
            }
        }
        self.update_links(true);
        Ok(())
    }

    /// `elect 2`, `elect 2 shard=1`: the leader's last message of a hand-over reaches this node, so it stands for election at once. The leader itself knows nothing of it: not for stories about leases.
    fn elect(&mut self, node: usize, shard: Option<&String>) -> Result<(), String> {
        let shard = match shard.map(|word| words::setting(word)) {
            None => 0,
            Some(("shard", number)) => number.parse::<u32>().map_err(|_| "which shard?".to_owned())?,
            Some((other, _)) => return Err(format!("'{other}' is no setting of an election")),
        };
        let group = GroupId(shard + 1);
        let (leader, term) = self.newest_leader(group).ok_or("nobody leads there")?;
        if leader == node {
            return Ok(());
        }
        let message = timeout_now(term);
        let (from, to) = (ReplicaId(id_of(leader).0), ReplicaId(id_of(node).0));
        let frame = Frame {
            source: id_of(leader),
            destination: id_of(node),
            hops_left: 0,
            first_sent_ms: 0,
            messages: vec![Message::Consensus { group, from, to, message }],
        };
        self.schedule.after(LATENCY_NS, Event::Arrives { to: node, from: leader, bytes: frame.encode(0) });
        self.run(20 * LATENCY_NS)
    }

    /// `fill 1 keys=200 bytes=1000`: that many keys through node 1; `empty 1 keys=200`: they go again.
    fn fill(&mut self, words: &[String], name: &str) -> Result<(), String> {
        let (mut keys, mut bytes) = (100, 1_000);
        let (who, settings) = words.split_first().ok_or("through which node?")?;
        for word in settings {
            match numbered(word)? {
                ("keys", number) => keys = number,
                ("bytes", number) => bytes = number,
                (other, _) => return Err(format!("'{other}' is no setting of a filling")),
            }
        }
        for first in (0..keys).step_by(KEYS_PER_REQUEST) {
            let mut line = vec![name.to_owned()];
            for key in first..(first + KEYS_PER_REQUEST).min(keys) {
                line.push(format!("filling:{key}"));
                line.extend((name == "MSET").then(|| "x".repeat(bytes)));
            }
            let told = self.ask(&format!("{who}.fill"), &line, &[])?;
            if !told.ends_with("OK\n") && name == "MSET" {
                return Err("the filling was refused".to_owned());
            }
        }
        Ok(())
    }

    /// `count 1 n carol from=1 to=80`: Carol increments n under each of these numbers of hers, through node 1.
    fn count(&mut self, words: &[String]) -> Result<(), String> {
        let [who, key, name, from, to] = words else {
            return Err("count NODE KEY CLIENT from=N to=N".to_owned());
        };
        for number in numbered(from)?.1..=numbered(to)?.1 {
            let line = format!("WITH {key} linearizable ID {name}:{number} DO INCR {key}");
            let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
            self.ask(&format!("{who}.count"), &line, &[])?;
        }
        Ok(())
    }
}

fn numbered(word: &str) -> Result<(&str, usize), String> {
    let (key, value) = words::setting(word);
    value.parse().map(|number| (key, number)).map_err(|_| format!("'{value}' is no number"))
}

/// The leader's word that another replica is to stand for election now.
fn timeout_now(term: Term) -> ConsensusMessage {
    ConsensusMessage {
        kind: ConsensusKind::TimeoutNow,
        term,
        log_term: Term(0),
        index: LogIndex(0),
        commit: LogIndex(0),
        commit_term: Term(0),
        reject: false,
        reject_hint: LogIndex(0),
        request_snapshot: LogIndex(0),
        priority: 0,
        context: Bytes::new(),
        entries: Vec::new(),
    }
}

/// The beginning of a sentence that names offsets further on.
fn short(why: &str) -> &str {
    why.split(['.', ';', '(']).next().unwrap_or(why).trim()
}
