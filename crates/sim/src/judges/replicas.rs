//! Replicas that have applied the same entries hold the same state (`checker::ReplicaEquality`).

use crate::verdict::Failure;
use checker::{ReplicaEquality, ReplicaObservation};
use proto::ids::{GroupId, LogIndex};

/// The judge and its feed.
#[derive(Default)]
pub(super) struct Replicas {
    judge: ReplicaEquality,
}

impl Replicas {
    pub(super) fn look(
        &mut self,
        node: usize,
        group: GroupId,
        applied: LogIndex,
        digest: u128,
    ) -> Result<(), Failure> {
        let seen = ReplicaObservation {
            group: u64::from(group.0),
            replica: node as u64 + 1,
            applied_index: applied.0,
            digest: (digest >> 64) as u64 ^ digest as u64,
        };
        self.judge.observe(seen).map_err(|broken| Failure::safety("replicas are equal", broken.to_string()))
    }

    pub(super) fn comparisons(&self) -> u64 {
        self.judge.comparisons()
    }
}
