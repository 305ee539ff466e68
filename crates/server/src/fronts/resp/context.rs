//! What a command of the front may look at: the node, the clock, the settings, the other connections.

use super::connection::Connection;
use super::settings::Settings;
use crate::faults::FaultView;
use crate::fronts::password::Password;
use crate::memory;
use node::core::Core;
use observe::metrics::Metrics;
use proto::level::Level;
use proto::time::{Mono, Now};
use std::net::SocketAddr;
use std::sync::Arc;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// What clients must know, if anything.
    pub password: Option<Password>,
    /// CONFIG.
    pub settings: Settings,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// When the front began.
    pub started: Mono,
    /// Drawn at the start, as Redis's `run_id`.
    pub run_id: String,
    /// Where it listens.
    pub listening: SocketAddr,
    /// Commands since the start, or since CONFIG RESETSTAT.
    pub commands_processed: u64,
    /// Answers from the state by the level that they met, since the start or since CONFIG RESETSTAT.
    pub answers_by_level: [u64; Level::ALL.len()],
    /// Connections since the start, or since CONFIG RESETSTAT.
    pub connections_received: u64,
    /// Connections refused since the start, or since CONFIG RESETSTAT.
    pub connections_refused: u64,
    /// Bytes from clients.
    pub input_bytes: u64,
    /// Bytes to clients.
    pub output_bytes: u64,
    /// The most resident memory that INFO has seen, in bytes.
    pub memory_peak_bytes: u64,
    /// What status shows of this node's faults.
    pub faults: Arc<FaultView>,
}

impl Shared {
    /// Memory that the process occupies, in bytes; keeps the peak.
    pub(crate) fn resident_bytes(&mut self) -> u64 {
        let now = memory::resident_bytes();
        self.memory_peak_bytes = self.memory_peak_bytes.max(now);
        now
    }
}

/// For one command.
pub(super) struct Context<'a> {
    /// Both clocks.
    pub now: Now,
    /// The node.
    pub core: &'a Core,
    /// All connections but the one that asks, whose place is empty.
    pub others: &'a [Option<Box<Connection>>],
    /// What all connections share.
    pub shared: &'a mut Shared,
}
