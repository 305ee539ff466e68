//! Host names to IP addresses, on a thread of its own: the operating system's resolver blocks for as long as it likes.
//!
//! Names are resolved anew for each attempt to connect, so a node may move and keep its name. IP addresses never come here.

use directory::Address;
use mio::Waker;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Names that may wait; more than there are links.
const MAX_WAITING: usize = 256;

/// An answer: nothing found is an empty list.
pub(super) type Resolved = (Address, Vec<SocketAddr>);

/// The thread's mailbox.
#[derive(Debug)]
pub(super) struct Resolver {
    asked: SyncSender<Address>,
    answers: Receiver<Resolved>,
}

impl Resolver {
    /// Starts the thread; it ends when this is dropped and the name in hand is resolved.
    pub(super) fn start(waker: Arc<Waker>) -> io::Result<Resolver> {
        let (asked, to_do) = sync_channel::<Address>(MAX_WAITING);
        let (done, answers) = sync_channel(MAX_WAITING);
        std::thread::Builder::new().name("quartet-names".into()).spawn(move || {
            while let Ok(address) = to_do.recv() {
                let found = (address.host.as_str(), address.port)
                    .to_socket_addrs()
                    .map(Iterator::collect)
                    .unwrap_or_default();
                if done.send((address, found)).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        })?;
        Ok(Resolver { asked, answers })
    }

    /// Asks for an address that [`literal`] does not know.
    pub(super) fn ask(&self, address: &Address) {
        let _ = self.asked.try_send(address.clone()); // an attempt without an answer times out and is made again
    }

    /// The next answer, if there is one.
    pub(super) fn answer(&self) -> Option<Resolved> {
        self.answers.try_recv().ok()
    }
}

/// The socket address of a host that is an IP address.
pub(super) fn literal(address: &Address) -> Option<SocketAddr> {
    address.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, address.port))
}
