//! What a core is told at birth. Nothing here changes while it lives.

use crate::consensus::Pace;
use directory::founding::FoundingSet;
use directory::state::Member;
use proto::limits::{DISK_RESERVE_BYTES, MAX_TAIL_BYTES_PER_GROUP};
use std::time::Duration;
use storage::identity::Identity;
use storage::log::SegmentSizes;

/// A core's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose folder this is, and which start.
    pub identity: Identity,
    /// The set that founded the cluster.
    pub founding: FoundingSet,
    /// This node, with the addresses at which others reach it now.
    pub member: Member,
    /// From which election timeouts and the like are drawn.
    pub seed: u64,
    /// Writes that grow the data are refused beyond this; `None` means no limit.
    pub memory_limit_bytes: Option<u64>,
    /// Writes that grow the data are refused while less is free on the folder's file system.
    pub disk_reserve_bytes: u64,
    /// A log batch that is under way for longer says that the disk hangs.
    pub stall: Duration,
    /// One tick of every group.
    pub tick: Duration,
    /// Ticks of elections and heartbeats.
    pub pace: Pace,
    /// Between two announcements to each peer.
    pub announce_interval: Duration,
    /// Without a word for this long a peer counts as silent.
    pub silence: Duration,
    /// For so long the set of live nodes must be unchanged before leadership is moved to spread it.
    pub settle: Duration,
    /// Whether linearizable reads may rest on a lease (`docs/consensus.md`, rule 8). The simulator and the stories turn it off where rounds are to be seen.
    pub lease: bool,
    /// A leader that knows of a time newer than its shard's last entry for this long appends an empty entry.
    pub safe_time_interval: Duration,
    /// How much two monotonic clocks may drift apart, in parts per thousand.
    pub drift_per_mille: u32,
    /// How large log segments are.
    pub segment_sizes: SegmentSizes,
    /// A group is not snapshotted for less log than this.
    pub snapshot_min_log_bytes: u64,
    /// Entries of one group that are kept in memory for followers; below them they get a snapshot.
    pub tail_bytes: usize,
    /// Whether applied entries are kept for `Core::take_applied`: the simulator's judges want them.
    pub record_applied: bool,
    #[cfg(feature = "planted")]
    /// A bug that is planted to prove a checker.
    pub planted: crate::planted::Planted,
}

impl Config {
    /// The settings that everybody uses.
    pub fn new(identity: Identity, founding: FoundingSet, member: Member, seed: u64) -> Config {
        Config {
            identity,
            founding,
            member,
            seed,
            memory_limit_bytes: None,
            disk_reserve_bytes: DISK_RESERVE_BYTES,
            stall: Duration::from_secs(1),
            tick: Duration::from_millis(25),
            pace: Pace { election_timeout_ticks: 12, heartbeat_ticks: 2 },
            announce_interval: Duration::from_millis(100),
            silence: Duration::from_millis(1_000),
            settle: Duration::from_secs(3),
            lease: true,
            safe_time_interval: Duration::from_millis(100),
            drift_per_mille: 50,
            segment_sizes: SegmentSizes::default(),
            snapshot_min_log_bytes: 1024 * 1024,
            tail_bytes: MAX_TAIL_BYTES_PER_GROUP,
            record_applied: false,
            #[cfg(feature = "planted")]
            planted: crate::planted::Planted::default(),
        }
    }
}
