//! Connections that others make to this node: let in, judged, read, closed.
//!
//! One turn of one connection at a time; what it brings goes to `events`. Orders about faults are obeyed right here, so that a cut holds before the next byte is read.

use super::accepted::{Accepted, Closing, Incoming};
use super::admission::unwanted;
use super::handshake::{Handshake, Hello, Purpose};
use super::proof::Role;
use super::{ACCEPTS_PER_TURN, LinkEvent, Links, MAX_ACCEPTED, MAX_STRANGERS, is_loopback, tune};
use crate::faults::{FaultMessage, Faults};
use bytes::BytesMut;
use mio::{Interest, Registry, Token};
use proto::ids::NodeId;
use proto::time::Mono;
use std::io::ErrorKind;

impl Links {
    pub(super) fn accept(&mut self, registry: &Registry, now: Mono) {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.may_accept {
                return;
            }
            let (mut stream, remote) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.may_accept = false;
                    if error.kind() != ErrorKind::WouldBlock {
                        self.complain(now, format_args!("cannot accept a peer's connection: {error}"));
                    }
                    return;
                }
            };
            let strangers = || {
                self.accepted
                    .iter()
                    .enumerate()
                    .filter(|(_, slot)| slot.as_ref().is_some_and(|a| a.peer.is_none()))
            };
            if strangers().count() >= MAX_STRANGERS {
                let oldest = strangers().map(|(at, _)| at).min_by_key(|&at| self.accepted_at(at));
                if let Some(oldest) = oldest {
                    self.accepted[oldest] = None;
                }
            }
            let at = match self.accepted.iter().position(Option::is_none) {
                Some(at) => at,
                None if self.accepted.len() < MAX_ACCEPTED => {
                    self.accepted.push(None);
                    self.accepted.len() - 1
                }
                None => {
                    self.complain(now, format_args!("too many peer connections; closed one from {remote}"));
                    continue;
                }
            };
            let token = Token(self.first_token + Self::FIRST_ACCEPTED + at);
            if registry.register(&mut stream, token, Interest::READABLE).is_err() {
                continue;
            }
            tune(&stream);
            let hello = self.hello(Purpose::Frames, NodeId(0));
            let mut nothing = BytesMut::new();
            let handshake = Handshake::new(
                Role::Accepter,
                hello,
                self.secret.clone(),
                is_loopback(&remote),
                &mut nothing,
            );
            self.accepted[at] = Some(Accepted::new(stream, remote, handshake, now));
        }
    }

    fn accepted_at(&self, at: usize) -> Mono {
        self.accepted[at].as_ref().map_or(Mono(u64::MAX), |accepted| accepted.since)
    }

    pub(super) fn turn_accepted(&mut self, at: usize, now: Mono, scratch: &mut [u8]) {
        let Some(mut link) = self.accepted[at].take() else { return };
        let mut joined = None;
        let mut from = link.peer.as_ref().map(|hello| hello.node);
        let (me, known) = (self.me, &self.known);
        let (faults, events) = (&mut self.faults, &mut self.events);
        let mut answers = Vec::new();
        // Orders about faults are never cut: see `faults`.
        let is_cut = |faults: &Faults, hello: &Hello| {
            hello.purpose != Purpose::Orders && faults.is_cut(hello.node, me.node)
        };
        let result = link
            .read(
                now,
                scratch,
                faults,
                is_cut,
                |hello| unwanted(&me, known, Role::Accepter, None, hello),
                |faults, incoming| match incoming {
                    Incoming::Joined(hello) => {
                        from = Some(hello.node);
                        joined = Some(hello);
                    }
                    Incoming::Frame(bytes) => {
                        events.push(LinkEvent::Frame {
                            from: from.expect("frames follow the handshake"),
                            bytes,
                        });
                    }
                    Incoming::Founding(message) => events.push(LinkEvent::Founding(message)),
                    Incoming::Order { number, order } => {
                        let giver = from.expect("orders follow the handshake");
                        let answer = faults.obey(&order, giver);
                        answers.push(FaultMessage::Answer { number, answer }.encode());
                    }
                },
            )
            .and_then(|n| {
                self.metrics.peer_bytes_in.inc_by(n as u64);
                link.tick(now)
            });
        answers.iter().for_each(|answer| link.say(answer));
        if !answers.is_empty() {
            self.faults_changed(now);
        }
        if let Some(hello) = joined.filter(|hello| hello.purpose == Purpose::Frames) {
            self.heard_of(&hello);
            // The peer has begun anew: what it left behind on an older connection is of no use.
            for older in &mut self.accepted {
                if older
                    .as_ref()
                    .and_then(|older| older.peer.as_ref())
                    .is_some_and(|peer| peer.purpose == Purpose::Frames && peer.node == hello.node)
                {
                    *older = None;
                }
            }
        }
        match result {
            Ok(()) => self.accepted[at] = Some(link),
            Err(closing) => self.closed(&link, &closing, now),
        }
    }

    fn closed(&mut self, link: &Accepted, closing: &Closing, now: Mono) {
        let remote = link.remote;
        match (closing, &link.peer) {
            (Closing::Refused(error), _) if error.is_early() => {
                tracing::debug!("closed a peer connection from {remote}: {error}");
            }
            (Closing::Refused(error), _) => {
                self.outdated(error);
                self.complain(now, format_args!("closed a peer connection from {remote}: {error}"));
            }
            (Closing::Nonsense(why), _) => {
                self.complain(now, format_args!("closed the peer connection from {remote}: {why}"));
            }
            (Closing::Ended(why), Some(peer)) => {
                tracing::debug!("the connection from node {} ({remote}) ended: {why}", peer.node);
            }
            (Closing::Ended(why), None) => {
                tracing::debug!("a connection from {remote} to the peer port ended: {why}")
            }
        }
    }
}
