//! The sockets that Redis clients connect to: the node's own port, and one more for each level that a port stands for.
//!
//! A client that cannot say a level (a cache library, a dashboard) connects to a port that says it: its connection begins as if `CONSISTENCY` had been sent. Everything else is the same at every door, and the map names the
//! node's own port only.

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use proto::commands::consistency::Consistency;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// One listening socket.
#[derive(Debug)]
pub(crate) struct Door {
    /// Where clients knock.
    pub listener: TcpListener,
    /// What a connection that comes in here starts with.
    pub consistency: Consistency,
}

/// All of them. Their tokens follow each other from the first, in this order.
#[derive(Debug)]
pub(super) struct Doors {
    doors: Vec<Door>,
    may_accept: Vec<bool>,
}

impl Doors {
    /// Takes over listening sockets.
    pub(super) fn new(mut doors: Vec<Door>, first_token: usize, registry: &Registry) -> io::Result<Doors> {
        for (at, door) in doors.iter_mut().enumerate() {
            registry.register(&mut door.listener, Token(first_token + at), Interest::READABLE)?;
        }
        let may_accept = vec![true; doors.len()];
        Ok(Doors { doors, may_accept })
    }

    /// How many there were at the start.
    pub(super) fn count(&self) -> usize {
        self.may_accept.len()
    }

    /// Somebody may stand at this one.
    pub(super) fn ready(&mut self, at: usize) {
        self.may_accept[at] = true;
    }

    /// Somebody may stand at any: looked at again after a failure that no event ends.
    pub(super) fn look_again(&mut self) {
        self.may_accept.fill(true);
    }

    /// Whether somebody may stand outside.
    pub(super) fn want_a_turn(&self) -> bool {
        !self.doors.is_empty() && self.may_accept.contains(&true)
    }

    /// Lets one client in.
    pub(super) fn accept(&mut self) -> Option<(TcpStream, SocketAddr, Consistency)> {
        for (door, may_accept) in self.doors.iter().zip(&mut self.may_accept) {
            while *may_accept {
                match door.listener.accept() {
                    Ok((stream, remote)) => return Some((stream, remote, door.consistency)),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => {
                        // Tried again with the next event, or sweep: out of descriptors is no reason to spin.
                        *may_accept = false;
                        if error.kind() != ErrorKind::WouldBlock {
                            tracing::warn!("cannot accept a client's connection: {error}");
                        }
                    }
                }
            }
        }
        None
    }

    /// Nobody comes in from now on.
    pub(super) fn close(&mut self, registry: &Registry) {
        for mut door in self.doors.drain(..) {
            let _ = registry.deregister(&mut door.listener); // the socket is closed with it
        }
    }
}
