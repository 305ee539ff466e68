//! The invariants, one file each, and what feeds them.
//!
//! They look at cores after every step (`node::report`), at digests every few entries; at the clients' history when the run is over; and at the whole
//! cluster in the liveness phase. The ones that know nothing of nodes are `checker`'s, here they are fed.
//!
//! Invariant: looking changes nothing.

mod collections;
mod contents;
mod convergence;
mod durability;
mod entries;
mod fates;
mod linearizability;
mod one_cluster;
mod one_leader;
mod progress;
mod replicas;
mod sequentiality;
mod sessions;
mod weak;

use crate::schedule::Instant;
use crate::verdict::Failure;
use crate::world::{World, id_of};
use checker::{Fate, History, OpName, Status};
use directory::founding::FoundingSet;
use node::core::Core;
use proto::tentative::Dot;
use std::collections::BTreeSet;

pub use fates::{NAMES as VERDICTS, Verdicts};
pub use linearizability::Judged;

/// A digest is dear, so replicas are compared at indexes that are multiples of this only; nearly every replica stops at nearly every index.
const DIGEST_EVERY: u64 = 16;
/// Events that may wait in the world before something is thought to multiply.
const MOST_EVENTS: usize = 200_000;
/// Bytes of one node's folder: a group at rest may keep the log's oldest segment until the log is 128 MiB long, and the data is far less than the rest.
const MOST_DISK_BYTES: u64 = 192 << 20;

/// All of them.
pub struct Judges {
    one_cluster: one_cluster::OneCluster,
    one_leader: one_leader::OneLeader,
    progress: progress::Progress,
    replicas: replicas::Replicas,
    entries: entries::Entries,
    fates: fates::Fates,
    contents: contents::Contents,
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
    /// Collections that were compared with what the log says.
    pub contents: u64,
    /// What the log said of tentative operations.
    pub verdicts: Verdicts,
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
            fates: fates::Fates::default(),
            contents: contents::Contents::default(),
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
            contents: self.contents.compared(),
            verdicts: self.fates.verdicts(),
        }
    }

    /// Whether it is known what became of a tentative operation.
    pub fn knows(&self, dot: Dot) -> bool {
        self.fates.knows(dot)
    }

    /// What became of tentative operations.
    pub fn fates(&self) -> impl Iterator<Item = &Fate> {
        self.fates.all()
    }

    fn look(&mut self, node: usize, core: &mut Core, now: Instant) -> Result<(), Failure> {
        for entry in core.take_applied() {
            self.fates.applied(node, &entry, now)?;
            self.contents.applied(&entry)?;
            self.entries.applied(node, entry)?;
        }
        self.contents.look(node, core)?;
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
        let now = self.now();
        let machine = &mut self.machines[node];
        let Some(process) = &mut machine.process else { return };
        let crate::machine::Mind::Core(core) = &mut process.mind else { return };
        let mut seen = self.judges.look(node, core, now);
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
        durability::check(self)?;
        self.judges.contents.acknowledged(self.workload.pushes())
    }
}

impl World {
    /// What clients saw, and what became of their tentative writes.
    pub fn history(&self) -> History {
        let records = self.workload.history().iter().cloned().enumerate();
        let mut history =
            History { records: records.map(|(at, record)| (at + 1, record)).collect(), fates: Vec::new() };
        let first = history.records.len() + 1;
        history.fates =
            self.judges.fates().cloned().enumerate().map(|(at, fate)| (first + at, fate)).collect();
        history
    }
}

/// The same history where not everything has come to rest: acknowledged writes without fate may take effect later, or never.
pub fn as_far_as_known(mut history: History) -> History {
    let known: BTreeSet<_> = history.fates.iter().map(|(_, fate)| fate.dot.clone()).collect();
    for (_, record) in &mut history.records {
        if record.op != OpName::Get && record.dots.iter().any(|dot| !known.contains(dot)) {
            (record.status, record.return_ns) = (Status::Unknown, None);
            record.dots.clear();
        }
    }
    history
}

/// Judges the clients' history.
///
/// # Errors
/// A level's promise is broken.
pub fn judge_history(history: &History) -> Result<Judged, Failure> {
    let mut judged = linearizability::check(history)?;
    let history = sequentiality::without_several(history);
    judged.sequential_reads = sequentiality::check(&history)?;
    sessions::check(&history)?;
    judged.weak_answers = weak::check(&history)?;
    Ok(judged)
}
