//! The way from the HTTP thread to the core and back: a channel there, a one-shot channel back for each call, and the loop's waker.

use crate::faults::{Asker, FaultError, FaultErrorKind, FaultView, Report, StatusWithFaults, Wish};
use crate::fronts::resp::{class_of, foreign_connection};
use mio::Waker;
use node::core::Core;
use node::io::Input;
use observe::metrics::{CommandMetrics, Metrics, OutcomeClass};
use proto::command::Request;
use proto::error::{ErrorKind, Failure};
use proto::ids::{ConnectionId, RequestId};
use proto::limits::MAX_CONNECTIONS;
use proto::outcome::{Achieved, Outcome};
use proto::time::{Mono, Now};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;

/// Calls that wait for the loop. Every connection has at most one, so this is never reached.
const MAX_CALLS: usize = MAX_CONNECTIONS;

/// How a request ended, and what it achieved.
pub(crate) type Answer = (Outcome, Achieved);

#[allow(clippy::large_enum_variant)] // nearly all are of the large kind
enum Call {
    Data { name: &'static str, request: Request, answer: oneshot::Sender<Answer> },
    Status { answer: oneshot::Sender<Option<String>> },
    Ready { answer: oneshot::Sender<Result<(), String>> },
    Metrics { answer: oneshot::Sender<String> },
    Fault { wish: Wish, answer: oneshot::Sender<Result<Report, FaultError>> },
}

/// The HTTP thread's end.
#[derive(Clone)]
pub(crate) struct Handoff {
    calls: SyncSender<Call>,
    waker: Arc<Waker>,
}

/// The core's end.
pub(crate) struct Calls {
    calls: Receiver<Call>,
    under_way: HashMap<ConnectionId, UnderWay>,
    births: u64,
    metrics: Arc<Metrics>,
    counters: HashMap<&'static str, CommandMetrics>,
    fault_commands: Vec<(Asker, Wish)>,
    faults: Arc<FaultView>,
}

struct UnderWay {
    name: &'static str,
    started: Mono,
    answer: oneshot::Sender<Answer>,
}

/// Both ends.
pub(crate) fn channel(waker: Arc<Waker>, metrics: Arc<Metrics>) -> (Handoff, Calls) {
    let (sender, receiver) = sync_channel(MAX_CALLS);
    let calls = Calls {
        calls: receiver,
        under_way: HashMap::new(),
        births: 0,
        metrics,
        counters: HashMap::new(),
        fault_commands: Vec::new(),
        faults: Arc::default(),
    };
    (Handoff { calls: sender, waker }, calls)
}

fn failed(kind: ErrorKind, why: &str) -> Answer {
    (Outcome::Failed(Failure::new(kind, why)), Achieved::default())
}

impl Handoff {
    async fn call<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Call) -> Option<T> {
        let (answer, waiting) = oneshot::channel();
        self.calls.try_send(make(answer)).ok()?;
        self.waker.wake().ok()?;
        waiting.await.ok()
    }

    /// Hands a request to the core. `name` is what metrics call it.
    pub(crate) async fn data(&self, name: &'static str, request: Request) -> Answer {
        let answer = self.call(|answer| Call::Data { name, request, answer }).await;
        answer.unwrap_or_else(|| failed(ErrorKind::Closed, "the node is stopping; ask another one"))
    }

    /// The node's status as JSON; `None` while it has none.
    pub(crate) async fn status(&self) -> Option<String> {
        self.call(|answer| Call::Status { answer }).await.flatten()
    }

    /// Whether the node serves; if not, why.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        self.call(|answer| Call::Ready { answer })
            .await
            .unwrap_or_else(|| Err("the node is stopping".to_owned()))
    }

    /// All metrics as text.
    pub(crate) async fn metrics(&self) -> Option<String> {
        self.call(|answer| Call::Metrics { answer }).await
    }

    /// Carries out a command about faults.
    pub(crate) async fn fault(&self, wish: Wish) -> Result<Report, FaultError> {
        self.call(|answer| Call::Fault { wish, answer }).await.unwrap_or_else(|| {
            Err(FaultError::new(FaultErrorKind::NotReady, "the node is stopping; ask another one"))
        })
    }
}

impl Calls {
    /// Takes every call that waits, and steps the core with those for it.
    pub(crate) fn turn(&mut self, core: &mut Core, now: Now) {
        while let Ok(call) = self.calls.try_recv() {
            match call {
                Call::Data { name, request, answer } => {
                    self.births += 1;
                    let connection = foreign_connection(self.births);
                    self.under_way.insert(connection, UnderWay { name, started: now.mono, answer });
                    core.step(now, Input::Request { connection, request: RequestId(1), body: request });
                }
                // A receiver that is gone has hung up: nobody wants the answer.
                Call::Status { answer } => {
                    let (status, faults) = (core.status(now), &*self.faults);
                    let text = serde_json::to_string(&StatusWithFaults { status: &status, faults });
                    drop(answer.send(text.ok()));
                }
                Call::Ready { answer } => drop(answer.send(if core.is_ready() {
                    Ok(())
                } else {
                    Err("a shard has no leader that this node knows, or the node has not caught up"
                        .to_owned())
                })),
                Call::Metrics { answer } => drop(answer.send(self.text(core, now))),
                Call::Fault { wish, answer } => self.fault_commands.push((Asker::Http(answer), wish)),
            }
        }
    }

    /// Answers every call that waits while there is no core yet.
    pub(crate) fn turn_without_core(&mut self, why: &str) {
        while let Ok(call) = self.calls.try_recv() {
            match call {
                Call::Data { answer, .. } => {
                    drop(answer.send(failed(ErrorKind::NoQuorum, why)));
                }
                Call::Status { answer } => drop(answer.send(None)),
                Call::Ready { answer } => drop(answer.send(Err(why.to_owned()))),
                Call::Metrics { answer } => drop(answer.send(self.metrics.text())),
                Call::Fault { answer, .. } => {
                    drop(answer.send(Err(FaultError::new(FaultErrorKind::NotReady, why))));
                }
            }
        }
    }

    /// An answer of the core.
    pub(crate) fn answer(
        &mut self,
        core: &mut Core,
        connection: ConnectionId,
        (outcome, achieved): Answer,
        now: Now,
    ) {
        let Some(call) = self.under_way.remove(&connection) else { return };
        let class = match &outcome {
            Outcome::Done { reply, .. } if reply.is_error() => OutcomeClass::Error,
            Outcome::Done { .. } => OutcomeClass::Ok,
            Outcome::Failed(failure) => class_of(failure.kind),
        };
        let metrics = &self.metrics;
        let counters = self.counters.entry(call.name).or_insert_with(|| metrics.command("http", call.name));
        counters.count(class, now.mono - call.started);
        if matches!(outcome, Outcome::Done { .. }) {
            metrics.answered("http", achieved.level);
        }
        drop(call.answer.send((outcome, achieved)));
        core.step(now, Input::ConnectionClosed { connection });
    }

    /// Commands about faults since the last call.
    pub(crate) fn fault_commands(&mut self) -> Vec<(Asker, Wish)> {
        std::mem::take(&mut self.fault_commands)
    }

    /// What status shows of faults from now on.
    pub(crate) fn show_faults(&mut self, view: Arc<FaultView>) {
        self.faults = view;
    }

    /// Calls that wait for the core.
    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The counters, and what the node's status adds to them.
    fn text(&mut self, core: &Core, now: Now) -> String {
        let status = core.status(now);
        let groups = status.shards.iter().filter_map(|shard| shard.local.as_ref()).chain(&status.directory);
        for group in groups {
            self.metrics.group(group.group.0, group.term.0, group.lag);
        }
        self.metrics.state_bytes.set(i64::try_from(status.data_bytes).unwrap_or(i64::MAX));
        self.metrics.undecided.set(i64::try_from(status.undecided).unwrap_or(i64::MAX));
        self.metrics.hints.set(i64::try_from(status.hints).unwrap_or(i64::MAX));
        self.metrics.text()
    }
}
