//! The invariants, one file each, and what feeds them.
//!
//! They look at cores after every step (`node::report`), at digests every few entries; at the clients' history when the run is over; and at the whole
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
mod sequentiality;

use crate::verdict::Failure;
use crate::world::{World, id_of};
use checker::Record;
use directory::founding::FoundingSet;
use node::core::Core;

pub use linearizability::Judged;

/// A digest is dear, so replicas are compared at indexes that are multiples of this only; nearly every replica stops at nearly every index.
const DIGEST_EVERY: u64 = 16;
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

#[allow(clippy::new_without_default)] // judges that have seen nothing are no default worth a name
impl Judges {
    /// Judges who have seen nothing.
    pub fn new() -> Judges {
        Judges {
            one_cluster: one_cluster::OneCluster::default(),
            one_leader: one_leader::OneLeader::default(),
            progress: progress::Progress::default(),
            replicas: replicas::Replicas::default(),
            entries: entries::Entries::default(),
        }
    }

    /// A core has recovered from its disk.
    pub(crate) fn started(&mut self, node: usize, core: &Core) {
        self.progress.restarted(node);
        for (group, _, applied) in core.views() {
            self.entries.restored(node, group, applied);
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

    fn look(&mut self, node: usize, core: &mut Core) -> Result<(), Failure> {
        for entry in core.take_applied() {
            self.entries.applied(node, entry)?;
        }
        for (group, view, applied) in core.views() {
            self.one_leader.look(node, group, view)?;
            let moved = self.progress.look(node, group, view, applied)?;
            if moved && applied.0.is_multiple_of(DIGEST_EVERY) {
                let digest = core.digest(group).unwrap_or_default();
                self.replicas.look(node, group, applied, digest)?;
            }
        }
        Ok(())
    }
}

impl World {
    /// Looks at a node that has just stepped.
    pub(crate) fn look_at(&mut self, node: usize) {
        let machine = &mut self.machines[node];
        let Some(process) = &mut machine.process else { return };
        let crate::machine::Mind::Core(core) = &mut process.mind else { return };
        let mut seen = self.judges.look(node, core);
        if machine.disk.bytes() > MOST_DISK_BYTES {
            seen = Err(Failure::safety(
                "disks stay bounded",
                format!("node {} uses {} bytes", id_of(node), machine.disk.bytes()),
            ));
        }
        if self.schedule.waiting() > MOST_EVENTS {
            seen = Err(Failure::safety(
                "queues stay bounded",
                format!("{} events wait", self.schedule.waiting()),
            ));
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
/// It is not linearizable, or its sequential reads fit no order.
pub fn judge_history(history: &[(usize, Record)]) -> Result<Judged, Failure> {
    let mut judged = linearizability::check(history)?;
    judged.sequential_reads = sequentiality::check(history)?;
    Ok(judged)
}
