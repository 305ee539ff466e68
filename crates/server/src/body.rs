//! What a node has before it has a mind: sockets, the poll, the signals, the clock.
//!
//! Everything that can be refused at a start because of the machine (a port in use, a folder in use) is refused here, before anything is written.

use crate::clock::Clock;
use crate::config::Config;
use crate::faults::Faults;
use crate::fronts::http::{Calls, HttpThread, channel};
use crate::fronts::password::Password;
use crate::links::proof::Secret;
use crate::links::{Links, is_loopback};
use crate::refusal::Refusal;
use crate::signals::Signals;
use crate::waiting::Waiting;
use directory::Address;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use observe::metrics::Metrics;
use proto::level::Ladder;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

pub(crate) const WAKER: usize = 0;
pub(crate) const SIGNALS: usize = 1;
pub(crate) const LINKS: usize = 2;
pub(crate) const RESP: usize = LINKS + Links::TOKENS;
const EVENTS_PER_POLL: usize = 1024;
const SCRATCH_BYTES: usize = 256 * 1024;

/// The parts that outlive the founding round.
pub(crate) struct Body {
    pub poll: Poll,
    pub events: Events,
    waiting: Waiting,
    pub waker: Arc<Waker>,
    pub clock: Clock,
    pub signals: Signals,
    pub links: Links,
    pub resp_listener: Option<TcpListener>,
    /// More ports for Redis clients, each with the ladder that it stands for.
    pub level_listeners: Vec<(Ladder, TcpListener)>,
    pub resp_address: SocketAddr,
    pub http: HttpThread,
    pub calls: Calls,
    pub metrics: Arc<Metrics>,
    /// Connections of all fronts.
    pub open: Arc<AtomicUsize>,
    pub password: Option<Password>,
    /// Where sockets are read into: one for all, because they are read one after the other.
    pub scratch: Vec<u8>,
}

impl Body {
    /// Binds every port and starts the HTTP thread.
    pub(crate) fn new(config: &Config) -> Result<Body, Refusal> {
        let resp_std = bind(config, config.resp_port, "--resp-port")?;
        let http_std = bind(config, config.http_port, "--http-port")?;
        let peer_std = bind(config, config.peer_port, "--peer-port")?;
        let mut level_std = Vec::with_capacity(config.level_ports.len());
        for (ladder, port) in &config.level_ports {
            level_std.push((*ladder, bind(config, *port, "--level-port")?));
        }
        let address = |listener: &std::net::TcpListener| listener.local_addr();
        let make = || -> io::Result<Body> {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), Token(WAKER))?);
            let mut signals = Signals::install()?;
            poll.registry().register(&mut signals.pipe, Token(SIGNALS), Interest::READABLE)?;
            let metrics = Arc::new(Metrics::new());
            let resp_address = address(&resp_std)?;
            let peer_address = address(&peer_std)?;
            if config.secret.is_none() && !is_loopback(&peer_address) {
                tracing::warn!(
                    "there is no cluster secret: only peers on this machine are accepted; give all nodes the same one (--cluster-secret-file or QUARTET_CLUSTER_SECRET)"
                );
            }
            if config.allow_faults {
                tracing::warn!(
                    "--allow-faults: every client of this node can cut its links and halt it (`quartet fault`); that is for trying things out, never for data that anyone needs"
                );
            }
            let secret = config.secret.clone().map(Secret::new);
            let password = config.password.as_deref().map(Password::new);
            let open = Arc::new(AtomicUsize::new(0));
            let peers = mio_listener(peer_std)?;
            let faults = Faults::new(config.allow_faults);
            let links = Links::new(peers, secret, poll.registry(), LINKS, &waker, &metrics, faults)?;
            let (handoff, calls) = channel(waker.clone(), metrics.clone());
            let http = HttpThread::start(http_std, handoff, password.clone(), open.clone(), metrics.clone())?;
            Ok(Body {
                poll,
                events: Events::with_capacity(EVENTS_PER_POLL),
                waiting: Waiting::default(),
                waker,
                clock: Clock::start(),
                signals,
                links,
                resp_listener: Some(mio_listener(resp_std)?),
                level_listeners: level_std
                    .into_iter()
                    .map(|(ladder, listener)| Ok((ladder, mio_listener(listener)?)))
                    .collect::<io::Result<_>>()?,
                resp_address,
                http,
                calls,
                metrics,
                open,
                password,
                scratch: vec![0; SCRATCH_BYTES],
            })
        };
        make().map_err(|error| Refusal::new(format!("the node cannot start: {error}")))
    }

    /// Waits until something happens, at most this long.
    pub(crate) fn wait(&mut self, at_most: Duration) -> Result<(), Refusal> {
        self.waiting
            .wait(&mut self.poll, &mut self.events, at_most)
            .map_err(|error| Refusal::new(format!("waiting for the network failed: {error}")))
    }
}

fn bind(config: &Config, port: u16, option: &str) -> Result<std::net::TcpListener, Refusal> {
    let shown = Address::new(&config.listen, port);
    let found = (config.listen.as_str(), port).to_socket_addrs().ok().and_then(|mut found| found.next());
    let Some(address) = found else {
        return Err(Refusal::new(format!(
            "cannot listen on {shown}: {} is no address of this machine",
            config.listen
        )));
    };
    std::net::TcpListener::bind(address).map_err(|error| {
        Refusal::new(match error.kind() {
            ErrorKind::AddrInUse => format!(
                "{shown} is in use by another process; stop it, or choose another port with {option} (is this node running already?)"
            ),
            ErrorKind::AddrNotAvailable => {
                format!("cannot listen on {shown}: {} is no address of this machine; choose another with --listen", config.listen)
            }
            ErrorKind::PermissionDenied => {
                format!("this user may not listen on {shown}; choose a port from 1024 on with {option}")
            }
            _ => format!("cannot listen on {shown}: {error}"),
        })
    })
}

fn mio_listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener))
}
