//! Exactly once: a numbered operation takes effect at one place of the log only, and no entry is applied to a state
//! that has it already.
//!
//! Fed with every application that changes a replica's state (an entry that the dedup table skips is none), and with
//! every restart: from which index on the restored state lacks entries. Two things are asked. Does each (stream,
//! number) take effect at one log index only, whatever replica tells? And do the indexes that one replica applies
//! grow, from what its state held when it was restored? Entries applied again after a restart to a state that already
//! held them break the second, even though each stands at one index.
//!
//! Not here: operations without a number, and effects that got lost (`durability`).

use std::collections::BTreeMap;

use crate::verdict::{Broken, Rule};

/// A replica let one numbered operation take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    /// The consensus group.
    pub group: u64,
    /// The replica.
    pub replica: u64,
    /// Whose numbers these are: a client, or an origin with its incarnation.
    pub stream: u64,
    /// The operation's number in its stream.
    pub number: u64,
    /// The entry that carried it.
    pub log_index: u64,
}

/// The judge: where each numbered operation took effect, and how far each replica is.
#[derive(Clone, Debug, Default)]
pub struct ExactlyOnce {
    /// By group, stream and number: the application that was reported first.
    applied: BTreeMap<(u64, u64, u64), Application>,
    /// By group and replica: the last index in its state.
    reached: BTreeMap<(u64, u64), u64>,
}

impl ExactlyOnce {
    /// A replica starts from a state that holds everything up to `log_index` (a restart or a snapshot).
    pub fn restored(&mut self, group: u64, replica: u64, log_index: u64) {
        self.reached.insert((group, replica), log_index);
    }

    /// Takes one application.
    ///
    /// # Errors
    /// The operation took effect at another index before, or this replica's state already held the entry.
    pub fn applied(&mut self, now: Application) -> Result<(), Broken> {
        let broken = |explanation| Err(Broken { rule: Rule::ExactlyOnce, explanation });
        let reached = self.reached.insert((now.group, now.replica), now.log_index).unwrap_or(0);
        if now.log_index <= reached {
            return broken(format!(
                "group {} replica {}: entry {} was applied to a state that held everything up to {reached}",
                now.group, now.replica, now.log_index
            ));
        }
        let first = *self.applied.entry((now.group, now.stream, now.number)).or_insert(now);
        if first.log_index == now.log_index {
            return Ok(());
        }
        broken(format!(
            "group {}: operation {} of stream {} took effect at index {} (replica {}) and at index {} (replica {})",
            now.group, now.number, now.stream, first.log_index, first.replica, now.log_index, now.replica
        ))
    }

    /// How many numbered operations took effect; a run in which this stays 0 judged nothing.
    pub fn operations(&self) -> usize {
        self.applied.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(replica: u64, number: u64, log_index: u64) -> Application {
        Application { group: 1, replica, stream: 40, number, log_index }
    }

    #[test]
    fn every_replica_applies_each_operation_at_the_same_index() {
        let mut judge = ExactlyOnce::default();
        for replica in 1..=3 {
            for number in 1..=5 {
                judge.applied(application(replica, number, 10 + number)).unwrap();
            }
        }
        assert_eq!(judge.operations(), 5);
    }

    #[test]
    fn a_retry_that_takes_effect_again_is_found_even_on_another_replica() {
        for replica in [1, 2] {
            let mut judge = ExactlyOnce::default();
            judge.applied(application(1, 7, 10)).unwrap();
            let broken = judge.applied(application(replica, 7, 14)).unwrap_err();
            assert_eq!(broken.rule, Rule::ExactlyOnce);
            assert!(broken.to_string().contains("operation 7 of stream 40"), "{broken}");
        }
    }

    #[test]
    fn entries_applied_again_after_a_restart_need_a_state_without_them() {
        let mut judge = ExactlyOnce::default();
        judge.applied(application(1, 1, 10)).unwrap();
        judge.applied(application(1, 2, 11)).unwrap();
        judge.restored(1, 1, 10);
        judge.applied(application(1, 2, 11)).unwrap();
        judge.restored(1, 1, 11);
        let broken = judge.applied(application(1, 2, 11)).unwrap_err();
        assert!(broken.to_string().contains("held everything up to 11"), "{broken}");
    }
}
