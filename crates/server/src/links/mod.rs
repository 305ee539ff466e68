//! Links between nodes: one connection a direction for each pair of members, and passing ones for founding and for orders about faults.
//!
//! Each node dials every other member and sends its frames on the connection that it dialled; frames come in on the connections that it accepted. So a link has one
//! owner who repairs it, and a direction that is cut is seen as cut. Both sides prove the cluster's secret to each other (`handshake`, `proof`).
//!
//! * `accepted`, `dialled`: one connection each. `inbound`: all that were accepted. `admission`: who is wanted. `outbox`: what waits to be written. `resolver`: names. `throttle`: log lines about strangers.
//! * `orders`: links that are cut or slow on purpose, and the connections on which nodes order that. `held`: what a slow link holds back.
//!
//! Invariants: no call blocks; strangers are few ([`MAX_STRANGERS`]), get a few kilobytes and three seconds; a peer's queue is bounded by `MAX_LINK_QUEUE_BYTES`;
//! only frames from the node that proved itself on that connection are handed on, under its name. It does not decode frames: the core does, and refuses damage.

mod accepted;
mod admission;
mod dialled;
pub(crate) mod handshake;
mod held;
mod inbound;
mod orders;
mod outbox;
pub(crate) mod proof;
mod resolver;
mod throttle;

pub(crate) use outbox::Outbox;
pub(crate) use throttle::Throttle;

use crate::faults::{Faults, OrderAnswer};
use crate::readiness::Readiness;
use accepted::Accepted;
use admission::unwanted;
use bytes::Bytes;
use dialled::{Complaint, Dialled, State, Step};
use directory::founding::FoundingMessage;
use directory::{Address, Member};
use handshake::{Handshake, HandshakeError, Hello, Purpose, RefusalKind};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token, Waker};
use observe::metrics::Metrics;
use proof::{Role, Secret};
use proto::ids::{ClusterId, Incarnation, NodeId};
use proto::limits::{MAX_NODES, MAX_RELAY_QUEUE_BYTES};
use proto::time::Mono;
use resolver::Resolver;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Accepted connections that have not proved themselves; a further one takes the place of the oldest.
pub(crate) const MAX_STRANGERS: usize = 64;
const MAX_ACCEPTED: usize = MAX_STRANGERS + 4 * MAX_NODES;
/// Founding goes over passing connections to addresses that a message named.
const MAX_PASSING: usize = 128;
const PASSING_IDLE_TIMEOUT: Duration = Duration::from_secs(10);
const ACCEPTS_PER_TURN: usize = 64;
/// With no acknowledgement for so long the operating system gives a connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(3);

/// What the links tell the loop.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// Frames for this peer will be sent from now on.
    Up(NodeId),
    /// Frames for this peer are dropped from now on.
    Down(NodeId),
    /// A frame of a peer.
    Frame {
        /// Who proved itself on that connection.
        from: NodeId,
        /// Header and payload, not decoded.
        bytes: Bytes,
    },
    /// A founding message of whoever knows the secret.
    Founding(Box<FoundingMessage>),
    /// A node answered an order about faults.
    FaultAnswer {
        /// Which.
        from: NodeId,
        /// The order's number.
        number: u64,
        /// What it said.
        answer: OrderAnswer,
    },
    /// An order about faults cannot reach this node: nobody listens at its address.
    NobodyThere(NodeId),
    /// A peer proved that this node runs from an old copy of its data folder: it must stop.
    Outdated(String),
}

/// Who this node is on its links.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Me {
    /// `None` before the cluster is founded.
    pub cluster: Option<ClusterId>,
    /// 0 before the node has an id.
    pub node: NodeId,
    /// 0 before the first start.
    pub incarnation: Incarnation,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Member(NodeId),
    Passing(Address),
    Orders(NodeId),
}

#[derive(Debug)]
struct Outgoing {
    target: Target,
    link: Dialled,
    /// For a passing link that is not up yet: the latest founding message, or all orders.
    waiting: Vec<Bytes>,
    last_used: Mono,
}

/// All links of a node.
#[derive(Debug)]
pub(crate) struct Links {
    listener: TcpListener,
    first_token: usize,
    me: Me,
    /// The newest start of each member that this node knows of.
    known: BTreeMap<NodeId, Incarnation>,
    /// The peer address of each member.
    addresses: BTreeMap<NodeId, Address>,
    faults: Faults,
    secret: Option<Secret>,
    outgoing: Vec<Option<Outgoing>>,
    accepted: Vec<Option<Accepted>>,
    may_accept: bool,
    resolver: Resolver,
    metrics: Arc<Metrics>,
    throttle: Throttle,
    events: Vec<LinkEvent>,
    random: u64,
}

impl Links {
    /// Takes over a listening socket. Tokens from `first_token` on are its own, [`Links::TOKENS`] of them.
    pub(crate) fn new(
        mut listener: TcpListener,
        secret: Option<Secret>,
        registry: &Registry,
        first_token: usize,
        waker: &Arc<Waker>,
        metrics: &Arc<Metrics>,
        faults: Faults,
    ) -> io::Result<Links> {
        registry.register(&mut listener, Token(first_token), Interest::READABLE)?;
        Ok(Links {
            listener,
            first_token,
            me: Me::default(),
            known: BTreeMap::new(),
            addresses: BTreeMap::new(),
            faults,
            secret,
            outgoing: Vec::new(),
            accepted: Vec::new(),
            may_accept: true,
            resolver: Resolver::start(waker.clone())?,
            metrics: metrics.clone(),
            throttle: Throttle::default(),
            events: Vec::new(),
            random: crate::random::number(),
        })
    }

    /// How many tokens it uses.
    pub(crate) const TOKENS: usize = 1 + MAX_NODES + MAX_PASSING + MAX_ACCEPTED;
    const FIRST_ACCEPTED: usize = 1 + MAX_NODES + MAX_PASSING;

    /// The cluster is founded, or was before: says who this node is. Links that were made under another name are closed.
    pub(crate) fn set_me(&mut self, me: Me) {
        self.me = me;
        self.outgoing.clear();
        self.accepted.clear();
        self.may_accept = true;
    }

    /// Keeps a link to each of these, and to no other.
    pub(crate) fn set_members<'a>(&mut self, members: impl Iterator<Item = &'a Member>, now: Mono) {
        let mut wanted: BTreeMap<NodeId, Address> = BTreeMap::new();
        let mut known = BTreeMap::new();
        self.addresses.clear();
        for member in members {
            self.addresses.insert(member.node, member.peer.clone());
            let newest = self.known.get(&member.node).copied().unwrap_or_default().max(member.incarnation);
            known.insert(member.node, newest);
            if member.node != self.me.node {
                wanted.insert(member.node, member.peer.clone());
            }
        }
        self.known = known;
        for slot in &mut self.outgoing {
            let Some(Outgoing { target: Target::Member(node), link, .. }) = slot else { continue };
            if wanted.get(node) == Some(&link.address) {
                wanted.remove(node);
            } else {
                if link.is_up() {
                    self.events.push(LinkEvent::Down(*node));
                }
                *slot = None;
            }
        }
        for (node, address) in wanted {
            self.open(Target::Member(node), address, now);
        }
    }

    fn open(&mut self, target: Target, address: Address, now: Mono) -> Option<usize> {
        let at = match self.outgoing.iter().position(Option::is_none) {
            Some(at) => at,
            None if self.outgoing.len() < MAX_NODES + MAX_PASSING => {
                self.outgoing.push(None);
                self.outgoing.len() - 1
            }
            None => return None,
        };
        let mut link = Dialled::new(address, now);
        link.is_cut = self.is_cut(&target);
        link.set_delay(self.delay(&target));
        link.is_for_orders = matches!(target, Target::Orders(_));
        self.outgoing[at] = Some(Outgoing { target, link, waiting: Vec::new(), last_used: now });
        Some(at)
    }

    /// Queues a frame for a member; drops it if there is no link or no room. A slow link holds it from `now` on.
    pub(crate) fn send(&mut self, to: NodeId, frame: Bytes, now: Mono) {
        let link = self.outgoing.iter_mut().flatten().find(|out| out.target == Target::Member(to));
        if let Some(outgoing) = link.filter(|outgoing| !outgoing.link.is_cut) {
            outgoing.link.send_frame(frame, now);
        }
    }

    /// Queues another node's frame, if little waits for that link.
    pub(crate) fn relay(&mut self, to: NodeId, frame: Bytes, now: Mono) {
        let link = self.outgoing.iter_mut().flatten().find(|out| out.target == Target::Member(to));
        if let Some(outgoing) =
            link.filter(|out| !out.link.is_cut && out.link.waiting_bytes() <= MAX_RELAY_QUEUE_BYTES)
        {
            outgoing.link.send_frame(frame, now);
        }
    }

    /// Sends a founding message to an address, over a connection that is made for it if there is none. Only the newest message for an address waits.
    pub(crate) fn send_founding(&mut self, to: &Address, message: &FoundingMessage, now: Mono) {
        if self.is_address_cut(to) {
            return;
        }
        let target = Target::Passing(to.clone());
        let at = self.outgoing.iter().position(|slot| slot.as_ref().is_some_and(|out| out.target == target));
        let Some(at) = at.or_else(|| self.open(target, to.clone(), now)) else { return };
        let outgoing = self.outgoing[at].as_mut().expect("it was found or made");
        outgoing.last_used = now;
        let bytes = message.encode();
        if outgoing.link.is_up() {
            outgoing.link.send(bytes);
        } else {
            outgoing.waiting = vec![bytes];
        }
    }

    /// Takes note of a readiness event whose token is one of these links'.
    pub(crate) fn ready(&mut self, token: usize, readiness: Readiness) {
        let place = token - self.first_token;
        if place == 0 {
            self.may_accept = true;
        } else if place < Self::FIRST_ACCEPTED {
            if let Some(Some(outgoing)) = self.outgoing.get_mut(place - 1) {
                outgoing.link.is_readable |= readiness.is_readable
                    || (readiness.is_writable && matches!(outgoing.link.state, State::Connecting { .. }));
            }
        } else if let Some(Some(accepted)) = self.accepted.get_mut(place - Self::FIRST_ACCEPTED) {
            accepted.is_readable |= readiness.is_readable;
            accepted.is_hung_up |= readiness.is_hung_up;
        }
    }

    /// Whether there is more to read without waiting.
    pub(crate) fn wants_a_turn(&self) -> bool {
        self.accepted.iter().flatten().any(|accepted| accepted.is_readable)
    }

    /// When it wants a turn, whatever happens.
    pub(crate) fn deadline(&self, now: Mono) -> Mono {
        let outgoing = self.outgoing.iter().flatten().flat_map(|out| {
            // Held frames are due by themselves; the link's own deadline is when it is given up.
            [Some(out.link.deadline()), out.link.held.deadline()].into_iter().flatten()
        });
        let heartbeat = if self.accepted.iter().any(Option::is_some) {
            accepted::HEARTBEAT_INTERVAL / 2
        } else {
            Duration::from_secs(60)
        };
        outgoing.min().unwrap_or(now + heartbeat).min(now + heartbeat)
    }

    /// One turn: accepts, connects, reads, and looks at the time. What others must know goes to `events`.
    pub(crate) fn turn(
        &mut self,
        registry: &Registry,
        now: Mono,
        scratch: &mut [u8],
        events: &mut Vec<LinkEvent>,
    ) {
        self.accept(registry, now);
        for at in 0..self.accepted.len() {
            self.turn_accepted(at, now, scratch);
        }
        while let Some((address, found)) = self.resolver.answer() {
            for at in 0..self.outgoing.len() {
                let Some(out) = &mut self.outgoing[at] else { continue };
                if out.link.address == address && matches!(out.link.state, State::Resolving { .. }) {
                    let token = Token(self.first_token + 1 + at);
                    let result = out.link.connect(found.clone(), registry, token, now);
                    self.settle(at, result.map(|()| Step::Nothing), now);
                }
            }
        }
        for at in 0..self.outgoing.len() {
            self.turn_outgoing(at, registry, now, scratch);
        }
        events.append(&mut self.events);
    }

    /// Writes what waits on every link, and has been held for long enough where it is slow.
    pub(crate) fn flush(&mut self, now: Mono) {
        for at in 0..self.outgoing.len() {
            let Some(out) = &mut self.outgoing[at] else { continue };
            match out.link.write(now) {
                Ok(n) => drop(self.metrics.peer_bytes_out.inc_by(n as u64)),
                Err(error) => self.settle(at, Err(Complaint::Broken(error.to_string())), now),
            }
        }
    }

    fn outdated(&mut self, error: &HandshakeError) {
        if let HandshakeError::TheyRefuse { refused, proven: true } = error
            && refused.kind == RefusalKind::OldIncarnation
        {
            self.events.push(LinkEvent::Outdated(refused.sentence.clone()));
        }
    }

    fn complain(&mut self, now: Mono, sentence: std::fmt::Arguments<'_>) {
        match self.throttle.admit(now) {
            Some(0) => tracing::warn!("{sentence}"),
            Some(more) => tracing::warn!("{sentence} (and {more} more such lines)"),
            None => {}
        }
    }

    fn heard_of(&mut self, hello: &Hello) {
        if let Some(newest) = self.known.get_mut(&hello.node) {
            *newest = (*newest).max(hello.incarnation);
        }
    }

    fn hello(&self, purpose: Purpose, wanted: NodeId) -> Hello {
        Hello {
            nonce: crate::random::bytes(),
            purpose,
            cluster: self.me.cluster,
            node: self.me.node,
            incarnation: self.me.incarnation,
            wanted,
            has_secret: self.secret.is_some(),
        }
    }

    fn turn_outgoing(&mut self, at: usize, registry: &Registry, now: Mono, scratch: &mut [u8]) {
        let Some(out) = &mut self.outgoing[at] else { return };
        if !matches!(out.target, Target::Member(_)) && now - out.last_used >= PASSING_IDLE_TIMEOUT {
            self.outgoing[at] = None;
            return;
        }
        let token = Token(self.first_token + 1 + at);
        let mut result = Ok(Step::Nothing);
        if out.link.is_cut && out.link.wants_an_answer(now) {
            result = Err(Complaint::Broken("cut by a fault".into()));
        } else if out.link.is_due(now) {
            match resolver::literal(&out.link.address) {
                Some(found) => {
                    result = out.link.connect(vec![found], registry, token, now).map(|()| Step::Nothing);
                }
                None => {
                    out.link.resolving(now);
                    self.resolver.ask(&out.link.address);
                }
            }
        } else if now >= out.link.deadline() && !out.link.is_readable {
            let what = match out.link.state {
                State::Resolving { .. } => "its name was not resolved in time",
                State::Connecting { .. } => "it did not answer in time",
                State::Shaking { .. } => "no handshake in time",
                _ => "silent for too long",
            };
            result = Err(Complaint::Broken(what.into()));
        } else if out.link.is_readable {
            let (target, purpose) = match out.target {
                Target::Member(node) => (Some(node), Purpose::Frames),
                Target::Passing(_) => (None, Purpose::Founding),
                Target::Orders(node) => (Some(node), Purpose::Orders),
            };
            if matches!(out.link.state, State::Connecting { .. }) {
                let hello = self.hello(purpose, target.unwrap_or_default());
                let secret = self.secret.clone();
                let out = self.outgoing[at].as_mut().expect("it is there");
                out.link.is_readable = false;
                let begun = out.link.connected(now, |is_loopback, out| {
                    Handshake::new(Role::Dialler, hello, secret, is_loopback, out)
                });
                result = begun.map(|()| Step::Nothing);
            }
            if result.is_ok() {
                let (me, known) = (self.me, &self.known);
                let out = self.outgoing[at].as_mut().expect("it is there");
                result =
                    out.link.read(now, scratch, |hello| unwanted(&me, known, Role::Dialler, target, hello));
                if purpose == Purpose::Orders
                    && let Err(why) = self.take_answers(at)
                {
                    result = Err(Complaint::Broken(why.into()));
                }
            }
        }
        self.settle(at, result, now);
    }

    fn settle(&mut self, at: usize, result: Result<Step, Complaint>, now: Mono) {
        let jitter = self.jitter();
        let Some(out) = &mut self.outgoing[at] else { return };
        match result {
            Ok(Step::Nothing) => {}
            Ok(Step::Up(hello)) => match out.target.clone() {
                Target::Member(node) => {
                    tracing::debug!("linked to node {node} at {}", out.link.address);
                    self.events.push(LinkEvent::Up(node));
                    self.heard_of(&hello);
                }
                Target::Passing(_) | Target::Orders(_) => Links::send_waiting(out),
            },
            Err(complaint) => {
                if let (true, Target::Member(node)) = (out.link.is_up(), &out.target) {
                    self.events.push(LinkEvent::Down(*node));
                }
                if let (Complaint::NobodyThere(_), &Target::Orders(node)) = (&complaint, &out.target) {
                    self.events.push(LinkEvent::NobodyThere(node));
                    self.outgoing[at] = None;
                    return;
                }
                let why = match &complaint {
                    Complaint::Broken(why) | Complaint::NobodyThere(why) => why.clone(),
                    Complaint::Handshake(error) => error.to_string(),
                };
                let is_worth_a_line = matches!(&complaint, Complaint::Handshake(error) if !error.is_early());
                let news = out.link.fail(now, why, jitter);
                let who = match &out.target {
                    Target::Member(node) | Target::Orders(node) => {
                        format!("node {node} at {}", out.link.address)
                    }
                    Target::Passing(address) => address.to_string(),
                };
                if let Some(why) = news {
                    if is_worth_a_line {
                        tracing::warn!("no link to {who}: {why}");
                    } else {
                        tracing::debug!("no link to {who}: {why}");
                    }
                }
                if let Complaint::Handshake(error) = &complaint {
                    self.outdated(error);
                }
            }
        }
    }

    fn jitter(&mut self) -> f64 {
        // xorshift64: nobody's safety rests on when a node knocks again.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Whether a connection stays on this machine.
pub(crate) fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Small frames must leave at once, and a dead peer must be noticed. A system that lacks an option goes without it.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = socket2::SockRef::from(stream);
    let keepalive =
        socket2::TcpKeepalive::new().with_time(Duration::from_secs(2)).with_interval(Duration::from_secs(1));
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
}

#[cfg(test)]
mod tests;
