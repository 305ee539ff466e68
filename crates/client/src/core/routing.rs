//! Which node to ask: the map of slot leaders, and the nodes that are left alone for a while.
//!
//! The map is a hint. Every node answers for every key, so a wrong guess costs one hop and never a wrong answer; it is therefore learned on
//! the way (each attempt may carry the question along) and never waited for.
//!
//! A node that fails is *shunned*: first for 100 ms, then twice as long each time, up to 5 s, until it answers again. When all are shunned the
//! one whose time ends first is waited for.

use crate::error::Error;
use bytes::Bytes;
use proto::ids::Slot;
use proto::limits::{MAX_HOST_BYTES, MAX_NODES, SLOT_COUNT};
use proto::reply::Reply;
use proto::time::Mono;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const FIRST_SHUN: Duration = Duration::from_millis(100);
const LONGEST_SHUN: Duration = Duration::from_secs(5);
/// How old the map may grow while nothing says that it is wrong.
const MAP_LIFETIME: Duration = Duration::from_secs(5);
/// How often the map is asked for while something says that it is wrong.
const MAP_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Node {
    address: Arc<str>,
    /// Failures since its last answer.
    failures: u32,
    /// Means nothing while `failures` is 0.
    shunned_until: Mono,
}

/// A run of slots with one leader; `node` is an index into `Routing::nodes`.
#[derive(Debug)]
struct Run {
    first: u16,
    last: u16,
    node: usize,
}

/// Which node to ask next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Node(Arc<str>),
    /// Every node is left alone until then.
    WaitUntil(Mono),
}

/// The nodes of a cluster as one client sees them.
#[derive(Debug)]
pub struct Routing {
    nodes: Vec<Node>,
    /// Sorted, without overlaps.
    runs: Vec<Run>,
    /// Corrections (MOVED) since the map was learned.
    moved: BTreeMap<u16, usize>,
    asked_at: Option<Mono>,
    doubted: bool,
    turn: usize,
}

impl Routing {
    pub(crate) fn new(addresses: &[String]) -> Result<Routing, Error> {
        let mut routing = Routing {
            nodes: Vec::new(),
            runs: Vec::new(),
            moved: BTreeMap::new(),
            asked_at: None,
            doubted: true,
            turn: 0,
        };
        for address in addresses {
            if split(address).is_none() {
                return Err(Error::invalid(format!(
                    "{address:?} is no address; write HOST:PORT, the RESP address of any node"
                )));
            }
            routing.index_of(address);
        }
        match routing.nodes.is_empty() {
            true => Err(Error::invalid("no address was given; name at least one node as HOST:PORT")),
            false => Ok(routing),
        }
    }

    /// The addresses of all nodes that are known, seeds first.
    pub fn addresses(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter().map(|node| &node.address)
    }

    /// The address of the node that is thought to lead this slot.
    pub fn leader_of(&self, slot: Slot) -> Option<&Arc<str>> {
        self.leader_index(slot).map(|node| &self.nodes[node].address)
    }

    /// A node for this slot, another one than `avoid` if there is any.
    pub(crate) fn choose(&mut self, now: Mono, slot: Option<Slot>, avoid: Option<&str>) -> Choice {
        let usable = |node: &Node| node.failures == 0 || node.shunned_until <= now;
        let avoided = |node: &Node| Some(&*node.address) == avoid;
        if let Some(leader) = slot.and_then(|slot| self.leader_index(slot)) {
            let leader = &self.nodes[leader];
            if usable(leader) && !avoided(leader) {
                return Choice::Node(leader.address.clone());
            }
        }
        self.turn = self.turn.wrapping_add(1);
        let count = self.nodes.len();
        let in_turn = || (0..count).map(|step| &self.nodes[self.turn.wrapping_add(step) % count]);
        if let Some(node) = in_turn().find(|node| usable(node) && !avoided(node)) {
            return Choice::Node(node.address.clone());
        }
        if let Some(node) = in_turn().find(|node| usable(node)) {
            return Choice::Node(node.address.clone());
        }
        let until = self.nodes.iter().map(|node| node.shunned_until).min().expect("there is always a node");
        Choice::WaitUntil(until)
    }

    /// Whether the next attempt should carry the question for the map; if so it counts as asked.
    pub(crate) fn ask_for_map(&mut self, now: Mono) -> bool {
        let pause = if self.doubted { MAP_PAUSE } else { MAP_LIFETIME };
        let due = self.asked_at.is_none_or(|asked| now - asked >= pause);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    /// This node answered, whatever it said.
    pub(crate) fn answered(&mut self, address: &str) {
        if let Some(node) = self.find(address) {
            self.nodes[node].failures = 0;
        }
    }

    /// This node did not answer: leave it alone for a while.
    pub(crate) fn failed(&mut self, now: Mono, address: &str) {
        self.doubted = true;
        let Some(node) = self.find(address) else { return };
        let node = &mut self.nodes[node];
        let shun = (FIRST_SHUN * 2u32.pow(node.failures.min(16))).min(LONGEST_SHUN);
        node.failures += 1;
        node.shunned_until = now + shun;
    }

    /// A node said that this slot is led elsewhere.
    pub(crate) fn moved(&mut self, slot: Slot, address: &str) {
        self.doubted = true;
        if split(address).is_some() && slot.0 < SLOT_COUNT {
            let node = self.index_of(address);
            self.moved.insert(slot.0, node);
        }
    }

    /// Something was said that the map does not explain (an election, a refusal).
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
    }

    /// Takes the reply to CLUSTER SLOTS from the node at `from`; anything that is not a whole map is left aside.
    pub fn learn(&mut self, from: &str, reply: &Reply) {
        let Reply::Array(rows) = reply else { return };
        let Some((from_host, _)) = split(from) else { return };
        let mut runs = Vec::with_capacity(rows.len());
        for row in rows {
            let Some((first, last, address)) = slots_row(row, from_host) else { return };
            let node = self.index_of(&address);
            runs.push(Run { first, last, node });
        }
        runs.sort_by_key(|run| run.first);
        self.doubted = runs.is_empty();
        self.runs = runs;
        self.moved.clear();
    }

    fn leader_index(&self, slot: Slot) -> Option<usize> {
        if let Some(&node) = self.moved.get(&slot.0) {
            return Some(node);
        }
        let run = self.runs.partition_point(|run| run.last < slot.0);
        self.runs.get(run).filter(|run| run.first <= slot.0).map(|run| run.node)
    }

    fn find(&self, address: &str) -> Option<usize> {
        self.nodes.iter().position(|node| &*node.address == address)
    }

    /// The place of this address, which is new if it was not known. A full table gives up its last place: addresses come from outside.
    fn index_of(&mut self, address: &str) -> usize {
        if let Some(node) = self.find(address) {
            return node;
        }
        let node = Node { address: address.into(), failures: 0, shunned_until: Mono::default() };
        if self.nodes.len() == MAX_NODES {
            self.nodes.pop();
        }
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

/// Host and port of `HOST:PORT`; the host of an IPv6 address keeps its brackets.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|&port| port != 0)?;
    let plain = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
    (plain && !host.is_empty() && host.len() <= MAX_HOST_BYTES).then_some((host, port))
}

/// `[first, last, [host, port, id, …], …]`; an empty host means the one that was asked.
fn slots_row(row: &Reply, from_host: &str) -> Option<(u16, u16, String)> {
    let Reply::Array(row) = row else { return None };
    let [Reply::Int(first), Reply::Int(last), Reply::Array(leader), ..] = &row[..] else { return None };
    let [host, Reply::Int(port), ..] = &leader[..] else { return None };
    let host = match host {
        Reply::Bulk(host) => std::str::from_utf8(host).ok()?,
        Reply::Nil => "",
        _ => return None,
    };
    let host = match host {
        "" => from_host.to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let slot = |slot: i64| u16::try_from(slot).ok().filter(|&slot| slot < SLOT_COUNT);
    let address = format!("{host}:{port}");
    split(&address)?;
    Some((slot(*first)?, slot(*last)?, address))
}

/// The question that `learn` takes the answer of.
pub(crate) fn map_question() -> Vec<Bytes> {
    vec![Bytes::from_static(b"CLUSTER"), Bytes::from_static(b"SLOTS")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn node(port: i64) -> Reply {
        Reply::Array(vec![Reply::bulk("h"), Reply::Int(port), Reply::bulk("id")])
    }

    fn row(first: i64, last: i64, port: i64) -> Reply {
        Reply::Array(vec![Reply::Int(first), Reply::Int(last), node(port)])
    }

    fn routing() -> Routing {
        let mut routing = Routing::new(&["h:1".to_owned()]).unwrap();
        routing.learn("h:1", &Reply::Array(vec![row(8192, 16383, 2), row(0, 8191, 1)]));
        routing
    }

    fn at(choice: Choice) -> String {
        match choice {
            Choice::Node(address) => address.to_string(),
            Choice::WaitUntil(until) => format!("wait {}", until.0 / MS),
        }
    }

    #[test]
    fn a_slot_goes_to_its_leader_and_elsewhere_while_the_leader_is_shunned() {
        let mut routing = routing();
        assert_eq!(at(routing.choose(Mono(0), Some(Slot(9000)), None)), "h:2");
        assert_eq!(at(routing.choose(Mono(0), Some(Slot(0)), None)), "h:1");
        routing.failed(Mono(0), "h:2");
        assert_eq!(at(routing.choose(Mono(1), Some(Slot(9000)), None)), "h:1");
        assert_eq!(at(routing.choose(Mono(100 * MS), Some(Slot(9000)), None)), "h:2");
    }

    #[test]
    fn the_time_out_doubles_until_the_node_answers() {
        let mut routing = Routing::new(&["h:1".to_owned()]).unwrap();
        for expected in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            routing.failed(Mono(0), "h:1");
            assert_eq!(at(routing.choose(Mono(0), None, None)), format!("wait {expected}"));
        }
        routing.answered("h:1");
        assert_eq!(at(routing.choose(Mono(0), None, None)), "h:1");
    }

    #[test]
    fn a_move_corrects_one_slot_until_the_map_is_learned_again() {
        let mut routing = routing();
        routing.moved(Slot(7), "h:3");
        assert_eq!(at(routing.choose(Mono(0), Some(Slot(7)), None)), "h:3");
        assert_eq!(at(routing.choose(Mono(0), Some(Slot(8)), None)), "h:1");
        routing.learn("h:1", &Reply::Array(vec![row(0, 16383, 2)]));
        assert_eq!(at(routing.choose(Mono(0), Some(Slot(7)), None)), "h:2");
    }

    #[test]
    fn a_broken_map_changes_nothing() {
        let mut routing = routing();
        for bad in [
            Reply::Nil,
            Reply::Array(vec![row(0, 16384, 5)]),
            Reply::Array(vec![row(-1, 5, 5)]),
            Reply::Array(vec![row(0, 5, 0)]),
            Reply::Array(vec![Reply::Array(vec![Reply::Int(0)])]),
        ] {
            routing.learn("h:1", &bad);
            assert_eq!(routing.leader_of(Slot(0)).map(|a| &**a), Some("h:1"), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_host_means_the_node_that_was_asked() {
        let mut routing = Routing::new(&["seed.example:1".to_owned()]).unwrap();
        let leader = Reply::Array(vec![Reply::bulk(""), Reply::Int(9), Reply::bulk("id")]);
        routing.learn(
            "seed.example:1",
            &Reply::Array(vec![Reply::Array(vec![Reply::Int(0), Reply::Int(16383), leader])]),
        );
        assert_eq!(routing.leader_of(Slot(0)).map(|a| &**a), Some("seed.example:9"));
    }

    #[test]
    fn addresses_are_host_and_port() {
        for bad in ["", "h", "h:", ":1", "h:0", "h:70000", "::1:7001"] {
            assert!(Routing::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(Routing::new(&["[::1]:7001".to_owned()]).is_ok());
        assert!(Routing::new(&[]).is_err());
    }
}
