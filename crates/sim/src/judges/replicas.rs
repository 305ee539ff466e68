//! Replicas that have applied the same entries hold the same state (`checker::ReplicaEquality`).

use crate::verdict::Failure;
use checker::{ReplicaEquality, ReplicaObservation};
use node::report::Probe;

/// The judge and its feed.
#[derive(Default)]
pub(super) struct Replicas {
    judge: ReplicaEquality,
}

impl Replicas {
    pub(super) fn look(&mut self, node: usize, probe: &Probe) -> Result<(), Failure> {
        let seen = ReplicaObservation {
            group: u64::from(probe.group.0),
            replica: node as u64 + 1,
            applied_index: probe.applied.0,
            digest: (probe.digest >> 64) as u64 ^ probe.digest as u64,
        };
        self.judge.observe(seen).map_err(|broken| Failure::safety("replicas are equal", broken.to_string()))
    }

    pub(super) fn comparisons(&self) -> u64 {
        self.judge.comparisons()
    }
}
