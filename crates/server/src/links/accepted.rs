//! A connection that a peer made to this node: its frames come in here.
//!
//! Before the handshake is done the connection is a stranger: it has three seconds and a few kilobytes. After it, frames and founding messages are taken as they arrive, and
//! one byte goes back every half second so that the other side can tell a living link from a silent one. A link on which nothing arrived for three seconds is closed.

use super::handshake::{Handshake, HandshakeError, Hello, Progress, Purpose, Refused};
use crate::faults::{FaultMessage, Faults, Order};
use bytes::{Bytes, BytesMut};
use directory::founding::FoundingMessage;
use mio::net::TcpStream;
use proto::frame::Frame;
use proto::ids::NodeId;
use proto::time::Mono;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// How long a handshake may take.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// After so long without a byte a link counts as broken.
pub(super) const SILENCE_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the accepting side says that it lives.
pub(super) const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(500);
/// Founding messages, and orders about faults.
const PASSING_IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes read from one link before the others have their turn.
const READ_PER_TURN_BYTES: usize = 1024 * 1024;
const HEARTBEAT: &[u8] = &[0];

/// One accepted connection.
#[derive(Debug)]
pub(super) struct Accepted {
    pub stream: TcpStream,
    pub remote: SocketAddr,
    /// Who is there, once that is proven.
    pub peer: Option<Hello>,
    pub is_readable: bool,
    /// The peer has closed its side: the end is still to be read.
    pub is_hung_up: bool,
    /// When it was accepted.
    pub since: Mono,
    /// The node whose handshake a fault has swallowed: nothing that comes is looked at, until the time limit ends it.
    pub swallowed: Option<NodeId>,
    handshake: Handshake,
    buffer: BytesMut,
    out: BytesMut,
    last_heard: Mono,
    last_heartbeat: Mono,
}

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The handshake is done.
    Joined(Hello),
    /// A whole frame, not decoded.
    Frame(Bytes),
    /// A founding message.
    Founding(Box<FoundingMessage>),
    /// An order about faults.
    Order {
        /// The giver's number for it.
        number: u64,
        /// What to do.
        order: Order,
    },
}

/// Why a connection is closed.
#[derive(Debug)]
pub(super) enum Closing {
    /// It ended, or broke.
    Ended(String),
    /// It never became a link.
    Refused(HandshakeError),
    /// Its bytes make no sense.
    Nonsense(String),
}

impl Accepted {
    pub(super) fn new(stream: TcpStream, remote: SocketAddr, handshake: Handshake, now: Mono) -> Accepted {
        Accepted {
            stream,
            remote,
            peer: None,
            is_readable: true,
            is_hung_up: false,
            since: now,
            swallowed: None,
            handshake,
            buffer: BytesMut::new(),
            out: BytesMut::new(),
            last_heard: now,
            last_heartbeat: now,
        }
    }

    /// Reads what is there, up to its turn's share. Leaves `is_readable` set if there may be more. Answers bytes read. What `is_cut` covers is lost: it is not taken, and does not count as
    /// a sign of life.
    pub(super) fn read(
        &mut self,
        now: Mono,
        scratch: &mut [u8],
        faults: &mut Faults,
        is_cut: impl Fn(&Faults, &Hello) -> bool,
        wanted: impl Fn(&Hello) -> Option<Refused>,
        mut take: impl FnMut(&mut Faults, Incoming),
    ) -> Result<usize, Closing> {
        let mut read = 0;
        while self.is_readable && read < READ_PER_TURN_BYTES {
            match self.stream.read(scratch) {
                Ok(0) => return Err(Closing::Ended("it closed the connection".into())),
                Ok(n) => {
                    read += n;
                    // A short read has emptied the socket: what comes later is a new event.
                    self.is_readable = n == scratch.len() || self.is_hung_up;
                    if self.swallowed.is_some() {
                        continue;
                    }
                    self.buffer.extend_from_slice(&scratch[..n]);
                    if !self.peer.as_ref().is_some_and(|hello| is_cut(faults, hello)) {
                        self.last_heard = now;
                    }
                    let result = self.understand(faults, &is_cut, &wanted, &mut take);
                    self.write();
                    result?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Closing::Ended(error.to_string())),
            }
        }
        Ok(read)
    }

    fn understand(
        &mut self,
        faults: &mut Faults,
        is_cut: &impl Fn(&Faults, &Hello) -> bool,
        wanted: &impl Fn(&Hello) -> Option<Refused>,
        take: &mut impl FnMut(&mut Faults, Incoming),
    ) -> Result<(), Closing> {
        let purpose = match &self.peer {
            Some(hello) => hello.purpose,
            None => {
                let progress = self.handshake.receive(&mut self.buffer, wanted, &mut self.out);
                if let Some(hello) = self.handshake.theirs().filter(|hello| is_cut(faults, hello)) {
                    self.swallowed = Some(hello.node);
                    self.out.clear();
                    self.buffer.clear();
                    return Ok(());
                }
                match progress.map_err(Closing::Refused)? {
                    Progress::More => return Ok(()),
                    Progress::Done(hello) => {
                        let purpose = hello.purpose;
                        take(faults, Incoming::Joined(hello.clone()));
                        self.peer = Some(hello);
                        purpose
                    }
                }
            }
        };
        while !self.buffer.is_empty() {
            let Some(incoming) = self.next_whole(purpose).map_err(Closing::Nonsense)? else { break };
            // Cut in the middle of a frame or not: its end is found, so that what follows a healing is understood.
            if !self.peer.as_ref().is_some_and(|hello| is_cut(faults, hello)) {
                take(faults, incoming);
            }
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new(); // an idle link holds no memory
        }
        Ok(())
    }

    /// The next thing that has arrived as a whole.
    fn next_whole(&mut self, purpose: Purpose) -> Result<Option<Incoming>, String> {
        let total = match purpose {
            Purpose::Orders => {
                return match FaultMessage::take(&mut self.buffer)? {
                    Some(FaultMessage::Order { number, order }) => {
                        Ok(Some(Incoming::Order { number, order }))
                    }
                    Some(FaultMessage::Answer { .. }) => Err("an answer where an order was due".to_owned()),
                    None => Ok(None),
                };
            }
            Purpose::Frames => Frame::total_bytes(&self.buffer).map_err(|why| why.to_string())?,
            Purpose::Founding => FoundingMessage::total_bytes(&self.buffer).map_err(|why| why.to_string())?,
        };
        let Some(total) = total.filter(|total| self.buffer.len() >= *total) else { return Ok(None) };
        let whole = self.buffer.split_to(total).freeze();
        Ok(Some(match purpose {
            Purpose::Founding => Incoming::Founding(
                FoundingMessage::decode(&whole).map(Box::new).map_err(|why| why.to_string())?,
            ),
            _ => Incoming::Frame(whole),
        }))
    }

    /// Says something to the other side, at once.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.write();
    }

    /// Writes the little that this side has to say. What does not fit into the socket's buffer is not worth waiting for: the other side does not read.
    fn write(&mut self) {
        if !self.out.is_empty() {
            let _ = self.stream.write(&self.out);
            self.out.clear();
        }
    }

    /// What the passing of time asks for; an error says why the connection is closed.
    pub(super) fn tick(&mut self, now: Mono) -> Result<(), Closing> {
        let (allowed, what) = match &self.peer {
            None => (HANDSHAKE_TIMEOUT, "no handshake in time"),
            Some(hello) if hello.purpose != Purpose::Frames => (PASSING_IDLE_TIMEOUT, "nothing to say"),
            Some(_) => (SILENCE_TIMEOUT, "silent for too long"),
        };
        if now - self.last_heard >= allowed {
            return Err(Closing::Ended(what.into()));
        }
        if self.peer.is_some() && now - self.last_heartbeat >= HEARTBEAT_INTERVAL {
            self.last_heartbeat = now;
            self.out.extend_from_slice(HEARTBEAT);
            self.write();
        }
        Ok(())
    }
}
