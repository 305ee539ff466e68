//! Founders that found at all found the same cluster.

use crate::verdict::Failure;
use directory::founding::FoundingSet;

/// The set that was founded first.
#[derive(Default)]
pub(super) struct OneCluster {
    first: Option<FoundingSet>,
}

impl OneCluster {
    pub(super) fn founded(&mut self, set: &FoundingSet) -> Result<(), Failure> {
        let first = self.first.get_or_insert_with(|| set.clone());
        if first == set {
            return Ok(());
        }
        let explanation = format!("{first:?} and {set:?}");
        Err(Failure::safety("founders found one cluster", explanation))
    }
}
