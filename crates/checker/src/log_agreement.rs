//! Log agreement: at one place of one group's log, every replica decides the same entry, for ever.
//!
//! Fed with each entry that a replica learns to be decided; the first to report a place fixes it for all, itself
//! included, so an entry that changes over a restart is found too.
//!
//! Not here: whether decided entries were applied (`exactly_once`) or kept (`durability`).

use std::collections::BTreeMap;

use crate::verdict::{Broken, Rule};

/// A replica knows this entry to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogObservation {
    /// The replica that reports it.
    pub replica: u64,
    /// Its consensus group.
    pub group: u64,
    /// The place in the group's log.
    pub index: u64,
    /// The term in which the entry was proposed.
    pub term: u64,
    /// A digest of the entry's bytes.
    pub digest: u64,
}

/// The judge: what each place of each log holds, as first reported.
#[derive(Clone, Debug, Default)]
pub struct LogAgreement {
    /// By group and index.
    decided: BTreeMap<(u64, u64), LogObservation>,
}

impl LogAgreement {
    /// Takes one observation.
    ///
    /// # Errors
    /// Another entry was reported for this place before.
    pub fn observe(&mut self, seen: LogObservation) -> Result<(), Broken> {
        let first = *self.decided.entry((seen.group, seen.index)).or_insert(seen);
        if (first.term, first.digest) == (seen.term, seen.digest) {
            return Ok(());
        }
        let entry = |of: &LogObservation| format!("term {} digest {:016x}", of.term, of.digest);
        Err(Broken {
            rule: Rule::LogAgreement,
            explanation: format!(
                "group {} index {}: replica {} decided {}, replica {} decided {}",
                seen.group,
                seen.index,
                first.replica,
                entry(&first),
                seen.replica,
                entry(&seen)
            ),
        })
    }

    /// How many places have been fixed; a run in which this stays 0 judged nothing.
    pub fn places(&self) -> usize {
        self.decided.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(replica: u64, index: u64, term: u64, digest: u64) -> LogObservation {
        LogObservation { replica, group: 9, index, term, digest }
    }

    #[test]
    fn replicas_that_decide_the_same_entries_agree() {
        let mut judge = LogAgreement::default();
        for replica in 1..=3 {
            for index in 1..=4 {
                judge.observe(seen(replica, index, 2, index * 7)).unwrap();
            }
        }
        assert_eq!(judge.places(), 4);
    }

    #[test]
    fn another_entry_at_the_same_place_is_found_whoever_reports_it() {
        for (replica, term, digest) in [(2, 3, 70), (2, 4, 71), (1, 3, 71)] {
            let mut judge = LogAgreement::default();
            judge.observe(seen(1, 5, 3, 70)).unwrap();
            let verdict = judge.observe(seen(replica, 5, term, digest));
            if (term, digest) == (3, 70) {
                assert_eq!(verdict, Ok(()));
            } else {
                let broken = verdict.unwrap_err();
                assert_eq!(broken.rule, Rule::LogAgreement);
                assert!(broken.to_string().contains("group 9 index 5"), "{broken}");
            }
        }
    }

    #[test]
    fn groups_have_logs_of_their_own() {
        let mut judge = LogAgreement::default();
        judge.observe(seen(1, 5, 3, 70)).unwrap();
        judge.observe(LogObservation { group: 8, ..seen(1, 5, 1, 2) }).unwrap();
    }
}
