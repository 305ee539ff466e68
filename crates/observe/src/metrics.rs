//! Every number that a node counts, in the text format of Prometheus.
//!
//! Counting must cost next to nothing on the request path: a front asks once for the [`CommandMetrics`] of a command and keeps them; a count is then one atomic
//! addition. What can be read off the node's status (terms, lags, memory) is not counted here but set when somebody looks.

use node::event::Event;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use proto::level::Level;
use std::time::Duration;

/// How a request ended, as far as metrics tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeClass {
    /// A reply that is no error.
    Ok,
    /// A reply that is an error of the command's own, or a request that made no sense.
    Error,
    /// Nothing was applied: no quorum, out of memory, or too much under way.
    Refused,
    /// It may have been applied.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    front: &'static str,
    command: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LevelLabels {
    front: &'static str,
    level: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    front: &'static str,
    command: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NodeLabels {
    node: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    group: u32,
}

/// The counters of one command of one front, kept by whoever serves it.
#[derive(Clone, Debug)]
pub struct CommandMetrics {
    by_outcome: [Counter; 4],
    latency_seconds: Histogram,
}

impl CommandMetrics {
    /// Counts one request that took this long.
    pub fn count(&self, outcome: OutcomeClass, took: Duration) {
        self.by_outcome[outcome as usize].inc();
        self.latency_seconds.observe(took.as_secs_f64());
    }
}

/// All metrics of a node. Shared between the loop, the disk threads and the HTTP front.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    answers: Family<LevelLabels, Counter>,
    latency_seconds: Family<CommandLabels, Histogram, fn() -> Histogram>,
    log_sync_seconds: Histogram,
    log_bytes: Counter,
    elections_won: Counter,
    leaderships_lost: Counter,
    transfers: Counter,
    snapshots_written: Counter,
    snapshots_installed: Counter,
    client_bytes: Family<DirectionLabels, Counter>,
    peer_bytes: Family<DirectionLabels, Counter>,
    peer_heard: Family<NodeLabels, Gauge>,
    refused_peer_messages: Counter,
    relayed_frames: Counter,
    state_differences: Counter,
    quarantines: Counter,
    relayed_bytes: Counter,
    term: Family<GroupLabels, Gauge>,
    lag_entries: Family<GroupLabels, Gauge>,
    /// Open client connections of all fronts.
    pub connected_clients: Gauge,
    /// Bytes that the state holds in memory.
    pub state_bytes: Gauge,
    /// Tentative writes held and not known to be decided.
    pub undecided: Gauge,
    /// Hints among them.
    pub hints: Gauge,
    /// Client bytes received.
    pub client_bytes_in: Counter,
    /// Client bytes sent.
    pub client_bytes_out: Counter,
    /// Peer bytes received.
    pub peer_bytes_in: Counter,
    /// Peer bytes sent.
    pub peer_bytes_out: Counter,
    /// Client connections accepted since the start.
    pub connections_accepted: Counter,
    /// Client connections refused since the start.
    pub connections_refused: Counter,
}

/// 50 µs to about 13 s, doubling.
fn latency_histogram() -> Histogram {
    Histogram::new((0..19).map(|exponent| 50e-6 * f64::from(1 << exponent)))
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let direction = |bytes: &Family<DirectionLabels, Counter>, direction| {
            bytes.get_or_create(&DirectionLabels { direction }).clone()
        };
        let client_bytes = Family::default();
        let peer_bytes = Family::default();
        let mut metrics = Metrics {
            registry: Registry::with_prefix("quartet"),
            requests: Family::default(),
            answers: Family::default(),
            latency_seconds: Family::new_with_constructor(latency_histogram),
            log_sync_seconds: latency_histogram(),
            log_bytes: Counter::default(),
            elections_won: Counter::default(),
            leaderships_lost: Counter::default(),
            transfers: Counter::default(),
            snapshots_written: Counter::default(),
            snapshots_installed: Counter::default(),
            client_bytes_in: direction(&client_bytes, "in"),
            client_bytes_out: direction(&client_bytes, "out"),
            peer_bytes_in: direction(&peer_bytes, "in"),
            peer_bytes_out: direction(&peer_bytes, "out"),
            client_bytes,
            peer_bytes,
            peer_heard: Family::default(),
            refused_peer_messages: Counter::default(),
            relayed_frames: Counter::default(),
            state_differences: Counter::default(),
            quarantines: Counter::default(),
            relayed_bytes: Counter::default(),
            term: Family::default(),
            lag_entries: Family::default(),
            connected_clients: Gauge::default(),
            state_bytes: Gauge::default(),
            undecided: Gauge::default(),
            hints: Gauge::default(),
            connections_accepted: Counter::default(),
            connections_refused: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests by front, command and outcome", self.requests.clone());
        let answers = self.answers.clone();
        r.register("answers", "Answers from the state, by front and by the level that was met", answers);
        let latency = self.latency_seconds.clone();
        r.register_with_unit(
            "request_duration",
            "Time from a request's arrival to its answer",
            Unit::Seconds,
            latency,
        );
        let syncs = self.log_sync_seconds.clone();
        r.register_with_unit("log_sync_duration", "Log batches written and synced", Unit::Seconds, syncs);
        r.register_with_unit("log_written", "Bytes written to the log", Unit::Bytes, self.log_bytes.clone());
        r.register("elections_won", "Times a replica of this node became leader", self.elections_won.clone());
        r.register(
            "leaderships_lost",
            "Times a replica of this node ceased to lead",
            self.leaderships_lost.clone(),
        );
        r.register(
            "leadership_transfers",
            "Leaderships that this node began to hand over",
            self.transfers.clone(),
        );
        r.register("snapshots_written", "Snapshots written to disk", self.snapshots_written.clone());
        r.register(
            "snapshots_installed",
            "Snapshots received and installed",
            self.snapshots_installed.clone(),
        );
        r.register_with_unit(
            "client",
            "Bytes exchanged with clients",
            Unit::Bytes,
            self.client_bytes.clone(),
        );
        r.register_with_unit("peer", "Bytes exchanged with peers", Unit::Bytes, self.peer_bytes.clone());
        r.register("peer_heard", "Whether this node hears a peer (1) or not (0)", self.peer_heard.clone());
        let refused = self.refused_peer_messages.clone();
        r.register(
            "peer_messages_refused",
            "Peer messages that made no sense or came from the future",
            refused,
        );
        r.register(
            "state_differences",
            "Times that a replica here was not equal to another one",
            self.state_differences.clone(),
        );
        r.register(
            "quarantines",
            "Replicas here that were forgotten and rebuilt because a majority contradicted them",
            self.quarantines.clone(),
        );
        r.register("relayed_frames", "Frames of other nodes passed on", self.relayed_frames.clone());
        r.register_with_unit(
            "relayed",
            "Bytes of other nodes' frames passed on",
            Unit::Bytes,
            self.relayed_bytes.clone(),
        );
        r.register("term", "Consensus term of each group as this node knows it", self.term.clone());
        r.register(
            "lag_entries",
            "Decided log entries that this node has not applied",
            self.lag_entries.clone(),
        );
        r.register("connected_clients", "Open client connections", self.connected_clients.clone());
        r.register_with_unit("state", "Bytes of the data in memory", Unit::Bytes, self.state_bytes.clone());
        r.register(
            "tentative_undecided",
            "Tentative writes held here and not known to be decided",
            self.undecided.clone(),
        );
        r.register("hints", "Those of shards of which this node has no replica", self.hints.clone());
        r.register("connections_accepted", "Client connections accepted", self.connections_accepted.clone());
        r.register("connections_refused", "Client connections refused", self.connections_refused.clone());
    }

    /// The counters of one command, to be kept.
    pub fn command(&self, front: &'static str, command: &'static str) -> CommandMetrics {
        let outcomes = ["ok", "error", "refused", "unknown"];
        CommandMetrics {
            by_outcome: outcomes.map(|outcome| {
                self.requests.get_or_create(&RequestLabels { front, command, outcome }).clone()
            }),
            latency_seconds: self.latency_seconds.get_or_create(&CommandLabels { front, command }).clone(),
        }
    }

    /// Counts an answer by the level that it met.
    pub fn answered(&self, front: &'static str, level: Level) {
        self.answers.get_or_create(&LevelLabels { front, level: level.name() }).inc();
    }

    /// A log batch of this many bytes was written and synced in this time.
    pub fn log_synced(&self, took: Duration, bytes: usize) {
        self.log_sync_seconds.observe(took.as_secs_f64());
        self.log_bytes.inc_by(bytes as u64);
    }

    /// Counts an event of the node.
    pub fn observe(&self, event: &Event) {
        let heard = |node: u64, heard: i64| self.peer_heard.get_or_create(&NodeLabels { node }).set(heard);
        match event {
            Event::LeaderElected { .. } => drop(self.elections_won.inc()),
            Event::LeaderLost { .. } => drop(self.leaderships_lost.inc()),
            Event::TransferBegun { .. } => drop(self.transfers.inc()),
            Event::PeerHeard { node } => drop(heard(node.0, 1)),
            Event::PeerSilent { node } => drop(heard(node.0, 0)),
            Event::StateDiffers { .. } => drop(self.state_differences.inc()),
            Event::Quarantined { .. } => drop(self.quarantines.inc()),
            Event::Relayed { bytes } => {
                self.relayed_frames.inc();
                self.relayed_bytes.inc_by(*bytes);
            }
            Event::PeerRefused { .. } | Event::ClockAhead { .. } => drop(self.refused_peer_messages.inc()),
            Event::SnapshotWritten { .. } => drop(self.snapshots_written.inc()),
            Event::SnapshotInstalled { .. } => drop(self.snapshots_installed.inc()),
            Event::ReplicaReborn { .. } => drop(self.snapshots_installed.inc()),
            Event::SnapshotOffered { .. }
            | Event::RebuildBegun { .. }
            | Event::RebuildWanted { .. }
            | Event::GroupPoisoned { .. }
            | Event::MemoryLimit { .. }
            | Event::Rerouted { .. }
            | Event::DiskSpace { .. }
            | Event::SpaceRanOut { .. }
            | Event::DiskStalled { .. }
            | Event::LogSynced { .. } => {}
        }
    }

    /// What the node's status says about one group.
    pub fn group(&self, group: u32, term: u64, lag_entries: u64) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.term.get_or_create(&GroupLabels { group }).set(number(term));
        self.lag_entries.get_or_create(&GroupLabels { group }).set(number(lag_entries));
    }

    /// Everything, as Prometheus reads it (OpenMetrics text).
    pub fn text(&self) -> String {
        let mut out = String::new();
        encode(&mut out, &self.registry).expect("writing to a string cannot fail");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        let set = metrics.command("resp", "set");
        set.count(OutcomeClass::Ok, Duration::from_micros(70));
        set.count(OutcomeClass::Unknown, Duration::from_secs(2));
        metrics.answered("http", Level::Sequential);
        metrics.log_synced(Duration::from_millis(1), 4096);
        metrics.group(3, 7, 2);
        let text = metrics.text();
        for line in [
            "quartet_requests_total{front=\"resp\",command=\"set\",outcome=\"ok\"} 1",
            "quartet_requests_total{front=\"resp\",command=\"set\",outcome=\"unknown\"} 1",
            "quartet_answers_total{front=\"http\",level=\"sequential\"} 1",
            "quartet_request_duration_seconds_count{front=\"resp\",command=\"set\"} 2",
            "quartet_log_sync_duration_seconds_count 1",
            "quartet_log_written_bytes_total 4096",
            "quartet_term{group=\"3\"} 7",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
