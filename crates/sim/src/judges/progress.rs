//! What a replica knows only grows within a life: term, decided, applied; and it applies nothing that is not decided, and decides nothing that it does not have.

use crate::verdict::Failure;
use crate::world::id_of;
use node::report::Probe;
use proto::ids::GroupId;
use std::collections::BTreeMap;

/// How far each replica was when it was last seen.
#[derive(Default)]
pub(super) struct Progress {
    seen: BTreeMap<(usize, GroupId), Probe>,
}

impl Progress {
    /// A new life begins: what was not durable may be gone.
    pub(super) fn restarted(&mut self, node: usize) {
        self.seen.retain(|(of, _), _| *of != node);
    }

    pub(super) fn look(&mut self, node: usize, probe: &Probe) -> Result<(), Failure> {
        let view = probe.view;
        let wrong = |what: String| {
            let place = format!("node {}, group {}: {what}", id_of(node), probe.group);
            Err(Failure::safety("replicas apply only what is decided and never go back", place))
        };
        if probe.applied > view.decided || view.decided > view.last {
            return wrong(format!("applied {}, decided {}, last {}", probe.applied, view.decided, view.last));
        }
        if let Some(before) = self.seen.insert((node, probe.group), *probe) {
            let went_back = view.term < before.view.term
                || view.decided < before.view.decided
                || probe.applied < before.applied;
            if went_back {
                return wrong(format!("from {:?} back to {:?}", before.view, view));
            }
        }
        Ok(())
    }
}
