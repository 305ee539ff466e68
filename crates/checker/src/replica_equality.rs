//! Replica equality: replicas of a group that have applied the same entries hold the same bytes.
//!
//! Fed with a digest of a replica's whole replicated state (values, dedup table, marks) at an applied index, as often
//! as the caller can pay for; only observations at equal indexes meet.
//!
//! Not here: which entries were applied (`log_agreement`, `exactly_once`).

use std::collections::BTreeMap;

use crate::verdict::{Broken, Rule};

/// A replica's state after it applied everything up to an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaObservation {
    /// The consensus group.
    pub group: u64,
    /// The replica.
    pub replica: u64,
    /// The last index that is applied.
    pub applied_index: u64,
    /// A digest of the state.
    pub digest: u64,
}

/// The judge: the state at each index of each group, as first reported.
#[derive(Clone, Debug, Default)]
pub struct ReplicaEquality {
    /// By group and applied index: the digest, and who reported it.
    states: BTreeMap<(u64, u64), (u64, u64)>,
    comparisons: u64,
}

impl ReplicaEquality {
    /// Takes one observation.
    ///
    /// # Errors
    /// Another digest was reported for this group and index before.
    pub fn observe(&mut self, seen: ReplicaObservation) -> Result<(), Broken> {
        let Some((digest, replica)) = self.states.get(&(seen.group, seen.applied_index)) else {
            self.states.insert((seen.group, seen.applied_index), (seen.digest, seen.replica));
            return Ok(());
        };
        if *digest == seen.digest {
            self.comparisons += u64::from(*replica != seen.replica);
            return Ok(());
        }
        Err(Broken {
            rule: Rule::ReplicaEquality,
            explanation: format!(
                "group {} at applied index {}: replica {replica} has state {digest:016x}, replica {} has {:016x}",
                seen.group, seen.applied_index, seen.replica, seen.digest
            ),
        })
    }

    /// How often two replicas met at one index and were equal; a run in which this stays 0 judged nothing.
    pub fn comparisons(&self) -> u64 {
        self.comparisons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(replica: u64, applied_index: u64, digest: u64) -> ReplicaObservation {
        ReplicaObservation { group: 1, replica, applied_index, digest }
    }

    #[test]
    fn states_at_different_indexes_are_not_compared() {
        let mut judge = ReplicaEquality::default();
        judge.observe(seen(1, 10, 5)).unwrap();
        judge.observe(seen(2, 11, 6)).unwrap();
        assert_eq!(judge.comparisons(), 0);
        judge.observe(seen(2, 10, 5)).unwrap();
        assert_eq!(judge.comparisons(), 1);
    }

    #[test]
    fn a_replica_that_differs_at_the_same_index_is_found() {
        let mut judge = ReplicaEquality::default();
        judge.observe(seen(1, 10, 5)).unwrap();
        let broken = judge.observe(seen(2, 10, 6)).unwrap_err();
        assert_eq!(broken.rule, Rule::ReplicaEquality);
        assert!(broken.to_string().contains("applied index 10"), "{broken}");
    }

    #[test]
    fn a_replica_that_comes_back_different_from_a_restart_is_found() {
        let mut judge = ReplicaEquality::default();
        judge.observe(seen(1, 10, 5)).unwrap();
        assert!(judge.observe(seen(1, 10, 6)).is_err());
    }
}
