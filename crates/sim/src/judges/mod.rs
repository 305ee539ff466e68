//! The invariants, one file each, and what feeds them.
//!
//! They look at cores through `node::core::Core::probes`, at every step of a node or, where a look is dear, every few milliseconds; at the clients' history when the run is over; and at the whole
//! cluster in the liveness phase. The ones that know nothing of nodes are `checker`'s, here they are fed.
//!
//! Invariant: looking changes nothing.

mod convergence;
mod durability;
mod entries;
mod linearizability;
mod one_cluster;
mod one_leader;
mod progress;
mod replicas;

use crate::schedule::{Instant, MILLISECOND};
use crate::verdict::Failure;
use crate::world::{World, id_of};
use checker::Record;
use directory::founding::FoundingSet;
use node::core::Core;

pub use linearizability::Judged;

/// Between two looks at the digests of one node, in nanoseconds.
const LOOK_NS: u64 = 4 * MILLISECOND;
/// Events that may wait in the world before something is thought to multiply.
const MOST_EVENTS: usize = 200_000;
/// Bytes of one node's folder. What the runs write in all is far less than what would need this much.
const MOST_DISK_BYTES: u64 = 64 << 20;

/// All of them.
pub struct Judges {
    one_cluster: one_cluster::OneCluster,
    one_leader: one_leader::OneLeader,
    progress: progress::Progress,
    replicas: replicas::Replicas,
    entries: entries::Entries,
    looked_at: Vec<Instant>,
}

/// How much the judges had to judge; a run in which one of these stays 0 proved less than it seems.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    /// Replicas that were compared at equal indexes.
    pub comparisons: u64,
    /// Places in logs that were compared.
    pub places: u64,
    /// Numbered writes that took effect.
    pub numbered: u64,
}

impl Judges {
    /// Judges who have seen nothing.
    pub fn new(nodes: usize) -> Judges {
        Judges {
            one_cluster: one_cluster::OneCluster::default(),
            one_leader: one_leader::OneLeader::default(),
            progress: progress::Progress::default(),
            replicas: replicas::Replicas::default(),
            entries: entries::Entries::default(),
            looked_at: vec![Instant(0); nodes],
        }
    }

    /// A core has recovered from its disk.
    pub(crate) fn started(&mut self, node: usize, core: &Core) {
        self.progress.restarted(node);
        for probe in core.probes() {
            self.entries.restored(node, probe.group, probe.applied);
        }
    }

    /// A node says that it founded a cluster.
    pub(crate) fn founded(&mut self, set: &FoundingSet) -> Result<(), Failure> {
        self.one_cluster.founded(set)
    }

    /// How much was judged.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            comparisons: self.replicas.comparisons(),
            places: self.entries.places(),
            numbered: self.entries.numbered(),
        }
    }

    fn look(&mut self, node: usize, core: &mut Core, now: Instant) -> Result<(), Failure> {
        for entry in core.take_applied() {
            self.entries.applied(node, entry)?;
        }
        if now.0 < self.looked_at[node].0 + LOOK_NS {
            return Ok(());
        }
        self.looked_at[node] = now;
        for probe in core.probes() {
            self.one_leader.look(node, &probe)?;
            self.progress.look(node, &probe)?;
            self.replicas.look(node, &probe)?;
        }
        Ok(())
    }
}

impl World {
    /// Looks at a node that has just stepped.
    pub(crate) fn look_at(&mut self, node: usize) {
        let now = self.now();
        let machine = &mut self.machines[node];
        let Some(process) = &mut machine.process else { return };
        let crate::machine::Mind::Core(core) = &mut process.mind else { return };
        let mut seen = self.judges.look(node, core, now);
        if machine.disk.bytes() > MOST_DISK_BYTES {
            seen = Err(Failure::safety("disks stay bounded", format!("node {} uses {} bytes", id_of(node), machine.disk.bytes())));
        }
        if self.schedule.waiting() > MOST_EVENTS {
            seen = Err(Failure::safety("queues stay bounded", format!("{} events wait", self.schedule.waiting())));
        }
        if let Err(failure) = seen {
            self.fail(failure);
        }
    }

    /// Whether everything has come to rest after the healing; if not, what is missing.
    pub fn is_converged(&self) -> Result<(), Failure> {
        convergence::check(self)
    }

    /// Looks at what the nodes hold after everything came to rest.
    pub fn judge_holdings(&self) -> Result<(), Failure> {
        durability::check(self)
    }
}

/// Judges the clients' history.
///
/// # Errors
/// It is not linearizable.
pub fn judge_history(history: &[(usize, Record)]) -> Result<Judged, Failure> {
    linearizability::check(history)
}
