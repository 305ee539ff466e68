//! A non-blocking connection to one address: what is still to be sent, what came in part, and which requests are on their way.
//!
//! Readiness is reported on edges, so both directions go on until the socket has no more. Not here: what to ask next, and what to do
//! when the connection breaks.

use crate::session::{Outcome, Session};
use mio::net::TcpStream;
use mio::{Interest, Poll, Token};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Room for one read. A read that leaves room has emptied the socket, so it is not asked again.
const READ_BYTES: usize = 16 * 1024;

/// A request on its way.
struct Flight {
    id: u64,
    /// What the asker calls it.
    tag: u64,
    since: Instant,
}

/// A request that was answered.
pub(crate) struct Landed {
    pub(crate) tag: u64,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    session: Session,
    output: Vec<u8>,
    sent: usize,
    input: Vec<u8>,
    flights: VecDeque<Flight>,
}

impl Connection {
    /// Starts to connect. Requests may be made at once; they are sent when the connection stands.
    ///
    /// # Errors
    /// The socket could not be made or registered.
    pub(crate) fn open(
        poll: &Poll,
        token: Token,
        address: SocketAddr,
        session: Session,
    ) -> std::io::Result<Connection> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let mut output = Vec::new();
        session.greet(&mut output);
        Ok(Connection { stream, session, output, sent: 0, input: Vec::new(), flights: VecDeque::new() })
    }

    /// Requests on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Bytes of requests that the socket has not taken yet.
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.output.len() - self.sent
    }

    /// Since when the oldest request has been on its way.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        self.flights.iter().map(|flight| flight.since).min()
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], tag: u64) {
        let id = self.session.set(key, value, &mut self.output);
        self.flights.push_back(Flight { id, tag, since: Instant::now() });
    }

    pub(crate) fn get(&mut self, key: &[u8], tag: u64) {
        let id = self.session.get(key, &mut self.output);
        self.flights.push_back(Flight { id, tag, since: Instant::now() });
    }

    pub(crate) fn toggle(&mut self, set: &[u8], member: &[u8], is_in: bool) {
        let id = self.session.toggle(set, member, is_in, &mut self.output);
        self.flights.push_back(Flight { id, tag: 0, since: Instant::now() });
    }

    /// Sends what the socket takes.
    ///
    /// # Errors
    /// The connection broke, or was never made.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(0) => return Err("closed".to_owned()),
                Ok(count) => self.sent += count,
                // Not connected yet: the edge that says so is still to come.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }

    /// Appends what was answered to `landed`.
    ///
    /// # Errors
    /// The connection broke, or what came is not the protocol. What landed before is in `landed` all the same.
    pub(crate) fn receive(&mut self, landed: &mut Vec<Landed>) -> Result<(), String> {
        let mut answers = Vec::new();
        loop {
            let before = self.input.len();
            self.input.resize(before + READ_BYTES, 0);
            let read = self.stream.read(&mut self.input[before..]);
            self.input.truncate(before + *read.as_ref().unwrap_or(&0));
            let emptied = match read {
                Ok(0) => return Err("closed by the server".to_owned()),
                Ok(count) => count < READ_BYTES,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.to_string()),
            };
            let used = self.session.read(&self.input, &mut self.output, &mut answers);
            let now = Instant::now();
            for (id, outcome) in answers.drain(..) {
                let index = self
                    .flights
                    .iter()
                    .position(|flight| flight.id == id)
                    .ok_or("an answer to a request that is not on its way")?;
                let flight = self.flights.remove(index).expect("just found");
                landed.push(Landed { tag: flight.tag, took: now - flight.since, outcome });
            }
            self.input.drain(..used?);
            if emptied {
                return Ok(());
            }
        }
    }
}
