//! HTTP connections: how many there may be, and for how long they may be idle.
//!
//! A client has 30 seconds to send the head of a request (and as long between two requests); bodies have a limit of their own in `kvs`.

use super::handoff::Handoff;
use super::router;
use super::stillness::{Still, Stillness};
use crate::fronts::password::Password;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use observe::metrics::Metrics;
use proto::limits::MAX_CONNECTIONS;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// HTTP connections; the Redis front has the rest of `MAX_CONNECTIONS`.
const MAX_HTTP_CONNECTIONS: usize = MAX_CONNECTIONS / 10;
const GRACE: Duration = Duration::from_secs(2);

/// The thread on which HTTP runs.
pub(crate) struct HttpThread {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    stillness: Arc<Stillness>,
}

impl HttpThread {
    /// Starts it on a listening socket. `open` counts the connections of all fronts.
    pub(crate) fn start(
        listener: std::net::TcpListener,
        handoff: Handoff,
        password: Option<Password>,
        open: Arc<AtomicUsize>,
        metrics: Arc<Metrics>,
    ) -> io::Result<HttpThread> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopping) = watch::channel(false);
        let app = router(handoff, password);
        let stillness = Arc::new(Stillness::default());
        let still = stillness.clone();
        let thread = std::thread::Builder::new().name("quartet-http".into()).spawn(move || {
            runtime.block_on(async move {
                tokio::spawn(still.hold());
                match TcpListener::from_std(listener) {
                    Ok(listener) => serve(listener, app, open, metrics, stopping).await,
                    Err(error) => tracing::error!("HTTP cannot start: {error}"),
                }
            });
        })?;
        Ok(HttpThread { stop, thread: Some(thread), stillness })
    }

    /// Takes no new connections; those that are open end after the request under way.
    pub(crate) fn stop_accepting(&self) {
        let _ = self.stop.send(true); // nobody listens: the thread has ended already
    }

    /// Nothing is answered until the result is dropped.
    pub(crate) fn stand_still(&self) -> Still {
        self.stillness.begin()
    }

    /// Waits for the end, at most for the grace that open connections have.
    pub(crate) fn join(mut self) {
        self.stop_accepting();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it has said why on stderr
        }
    }
}

/// One open connection, counted for as long as it lives.
struct Counted {
    open: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

impl Counted {
    fn new(open: &Arc<AtomicUsize>, metrics: &Arc<Metrics>) -> Counted {
        open.fetch_add(1, Ordering::Relaxed);
        metrics.connections_accepted.inc();
        metrics.connected_clients.inc();
        Counted { open: open.clone(), metrics: metrics.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.metrics.connected_clients.dec();
    }
}

async fn serve(
    listener: TcpListener,
    app: axum::Router,
    open: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => break,
        };
        while connections.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept an HTTP connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors is no reason to spin
                continue;
            }
        };
        if connections.len() >= MAX_HTTP_CONNECTIONS || open.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
            metrics.connections_refused.inc();
            continue; // closed without a word: a word would need a task of its own
        }
        let counted = Counted::new(&open, &metrics);
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(app.clone());
        let mut stopping = stopping.clone();
        connections.spawn(async move {
            let _counted = counted;
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = stopping.changed() => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GRACE, connection).await; // a broken connection is the client's affair
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
