//! A connection that this node makes to a peer, and makes again whenever it breaks: frames go out here.
//!
//! States: waiting to try, resolving a name, connecting, shaking hands, up. Each step has a time limit; after a failure the next attempt waits a little longer, up to one
//! second, with some randomness so that nodes do not knock in step. While up, the other side says a byte every half second: three seconds without one, and the link is
//! closed and made anew, because TCP stays silent for long after a partition has healed.

use super::accepted::{HANDSHAKE_TIMEOUT, SILENCE_TIMEOUT};
use super::handshake::{Handshake, HandshakeError, Hello, Progress, Refused};
use super::held::Held;
use super::outbox::Outbox;
use bytes::{Bytes, BytesMut};
use directory::Address;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use proto::limits::MAX_LINK_QUEUE_BYTES;
use proto::time::Mono;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_BACKOFF: Duration = Duration::from_millis(25);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// One connection to one address.
#[derive(Debug)]
pub(super) struct Dialled {
    pub address: Address,
    pub state: State,
    pub is_readable: bool,
    pub queue: Outbox,
    /// What is sent here is lost on purpose (`orders`), and life signs are not heard.
    pub is_cut: bool,
    /// How long each frame is held back on purpose; `None` while the link is not slow.
    pub delay: Option<Duration>,
    /// What is held back now.
    pub held: Held,
    /// What the other side says after the handshake, where that is more than life signs: on connections for orders.
    pub answers: BytesMut,
    /// Whether this is a connection for orders.
    pub is_for_orders: bool,
    candidates: Vec<SocketAddr>,
    failures: u32,
    last_complaint: String,
}

/// Where it stands.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there are a few dozen links
pub(super) enum State {
    /// The next attempt begins at this time.
    Waiting { until: Mono },
    /// The resolver is asked.
    Resolving { until: Mono },
    /// The operating system connects.
    Connecting { stream: TcpStream, until: Mono },
    /// Hellos and verdicts.
    Shaking { stream: TcpStream, handshake: Handshake, buffer: BytesMut, out: BytesMut, until: Mono },
    /// Frames flow.
    Up { stream: TcpStream, last_heard: Mono },
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing that others must know.
    Nothing,
    /// The link is up.
    Up(Hello),
}

impl Dialled {
    pub(super) fn new(address: Address, now: Mono) -> Dialled {
        Dialled {
            address,
            state: State::Waiting { until: now },
            is_readable: false,
            queue: Outbox::default(),
            is_cut: false,
            delay: None,
            held: Held::default(),
            answers: BytesMut::new(),
            is_for_orders: false,
            candidates: Vec::new(),
            failures: 0,
            last_complaint: String::new(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// When it wants to be looked at again, whatever happens.
    pub(super) fn deadline(&self) -> Mono {
        match &self.state {
            State::Waiting { until }
            | State::Resolving { until }
            | State::Connecting { until, .. }
            | State::Shaking { until, .. } => *until,
            State::Up { last_heard, .. } => *last_heard + SILENCE_TIMEOUT,
        }
    }

    /// Whether the time has come to begin an attempt.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        matches!(self.state, State::Waiting { until } if now >= until)
    }

    /// Whether an attempt is under way or is to begin: one that needs the other side.
    pub(super) fn wants_an_answer(&self, now: Mono) -> bool {
        match self.state {
            State::Waiting { until } => now >= until,
            State::Resolving { .. } | State::Connecting { .. } | State::Shaking { .. } => true,
            State::Up { .. } => false,
        }
    }

    /// Waits for the resolver.
    pub(super) fn resolving(&mut self, now: Mono) {
        self.state = State::Resolving { until: now + RESOLVE_TIMEOUT };
    }

    /// Connects to one of these, another one at each attempt.
    pub(super) fn connect(
        &mut self,
        found: Vec<SocketAddr>,
        registry: &Registry,
        token: Token,
        now: Mono,
    ) -> Result<(), Complaint> {
        self.candidates = found;
        let Some(&target) = self.candidates.get(self.failures as usize % self.candidates.len().max(1)) else {
            return Err(Complaint::Broken(format!("the name {} is not known", self.address.host)));
        };
        let begun = (|| -> io::Result<TcpStream> {
            let mut stream = TcpStream::connect(target)?;
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        })();
        let stream = begun.map_err(|error| Complaint::connecting(&error))?;
        self.state = State::Connecting { stream, until: now + CONNECT_TIMEOUT };
        Ok(())
    }

    /// The socket became writable for the first time, or broke. `begin` makes this side's handshake.
    pub(super) fn connected(
        &mut self,
        now: Mono,
        begin: impl FnOnce(bool, &mut BytesMut) -> Handshake,
    ) -> Result<(), Complaint> {
        let State::Connecting { stream, .. } = &self.state else { return Ok(()) };
        if let Ok(Some(error)) | Err(error) = stream.take_error() {
            return Err(Complaint::connecting(&error));
        }
        let remote = match stream.peer_addr() {
            Ok(remote) => remote,
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(Complaint::connecting(&error)),
        };
        super::tune(stream);
        let mut out = BytesMut::new();
        let handshake = begin(super::is_loopback(&remote), &mut out);
        let until = now + HANDSHAKE_TIMEOUT;
        let waiting = State::Waiting { until: now };
        let State::Connecting { stream, .. } = std::mem::replace(&mut self.state, waiting) else {
            unreachable!()
        };
        self.state = State::Shaking { stream, handshake, buffer: BytesMut::new(), out, until };
        self.is_readable = true;
        Ok(())
    }

    /// Reads what is there.
    pub(super) fn read(
        &mut self,
        now: Mono,
        scratch: &mut [u8],
        wanted: impl Fn(&Hello) -> Option<Refused>,
    ) -> Result<Step, Complaint> {
        let mut joined = None;
        while self.is_readable {
            let (State::Shaking { stream, .. } | State::Up { stream, .. }) = &mut self.state else { break };
            let n = match stream.read(scratch) {
                Ok(0) => return Err(Complaint::Broken("it closed the connection".into())),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_readable = false;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Complaint::Broken(error.to_string())),
            };
            match &mut self.state {
                State::Up { .. } if self.is_cut => {}
                // After the handshake the other side only says that it lives, or answers orders.
                State::Up { last_heard, .. } => {
                    *last_heard = now;
                    if self.is_for_orders {
                        self.answers.extend_from_slice(&scratch[..n]);
                    }
                }
                State::Shaking { handshake, buffer, out, stream, .. } => {
                    buffer.extend_from_slice(&scratch[..n]);
                    match handshake.receive(buffer, &wanted, out) {
                        Ok(Progress::More) => {}
                        Ok(Progress::Done(hello)) => joined = Some(hello),
                        Err(error) => {
                            let _ = stream.write(out); // its last word: why
                            return Err(Complaint::Handshake(error));
                        }
                    }
                }
                _ => {}
            }
            if joined.is_some() && matches!(self.state, State::Shaking { .. }) {
                let waiting = State::Waiting { until: now };
                if let State::Shaking { stream, .. } = std::mem::replace(&mut self.state, waiting) {
                    self.state = State::Up { stream, last_heard: now };
                }
                self.failures = 0;
                self.last_complaint.clear();
            }
        }
        Ok(joined.map_or(Step::Nothing, Step::Up))
    }

    /// Queues a chunk if the link is up and has room, and drops it else.
    pub(super) fn send(&mut self, chunk: Bytes) {
        if self.has_room(&chunk) {
            self.queue.push(chunk);
        }
    }

    /// Like `send`, for a frame: a slow link holds it back first.
    pub(super) fn send_frame(&mut self, frame: Bytes, now: Mono) {
        match self.delay {
            // What was held when the delay ended goes first.
            None if self.held.is_empty() => self.send(frame),
            delay if self.has_room(&frame) => self.held.push(frame, now, delay.unwrap_or_default()),
            _ => {}
        }
    }

    /// Bytes that wait for the socket.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.queue.len_bytes() + self.held.len_bytes()
    }

    fn has_room(&self, chunk: &Bytes) -> bool {
        let waiting_bytes = self.waiting_bytes();
        self.is_up() && (waiting_bytes == 0 || waiting_bytes + chunk.len() <= MAX_LINK_QUEUE_BYTES)
    }

    /// From now on each frame is held for so long. Without a delay, everything that is held leaves.
    pub(super) fn set_delay(&mut self, delay: Option<Duration>) {
        self.delay = delay;
        if delay.is_none() {
            self.held.release();
        }
    }

    /// Writes what waits and has been held for long enough; answers how many bytes went.
    pub(super) fn write(&mut self, now: Mono) -> io::Result<usize> {
        while let Some(frame) = self.held.pop(now) {
            self.queue.push(frame);
        }
        match &mut self.state {
            State::Shaking { stream, out, .. } if !out.is_empty() => match stream.write(out) {
                Ok(n) => {
                    bytes::Buf::advance(out, n);
                    Ok(n)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
                Err(error) => Err(error),
            },
            State::Up { stream, .. } => self.queue.write_to(stream),
            _ => Ok(0),
        }
    }

    /// Gives up this attempt. Answers the sentence if it is news; `jitter` is between 0 and 1.
    pub(super) fn fail(&mut self, now: Mono, why: String, jitter: f64) -> Option<String> {
        let backoff = (FIRST_BACKOFF * 2u32.saturating_pow(self.failures.min(10))).min(LONGEST_BACKOFF);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting { until: now + backoff.mul_f64(0.5 + 0.5 * jitter) };
        self.queue.clear();
        self.held.clear();
        self.answers.clear();
        self.is_readable = false;
        if self.last_complaint == why {
            return None;
        }
        self.last_complaint.clone_from(&why);
        Some(why)
    }
}

/// Why a read ended the attempt.
#[derive(Debug)]
pub(super) enum Complaint {
    /// The connection ended.
    Broken(String),
    /// Nobody listens at the address.
    NobodyThere(String),
    /// One side does not want the other.
    Handshake(HandshakeError),
}

impl Complaint {
    fn connecting(error: &io::Error) -> Complaint {
        match error.kind() {
            ErrorKind::ConnectionRefused => Complaint::NobodyThere(error.to_string()),
            _ => Complaint::Broken(error.to_string()),
        }
    }
}
