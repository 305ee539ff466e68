//! What a replica knows only grows within a life: term, decided, applied; and it applies nothing that is not decided, and decides nothing that it does not have.

use crate::verdict::Failure;
use crate::world::id_of;
use node::consensus::View;
use proto::ids::{GroupId, LogIndex};
use std::collections::BTreeMap;

/// How far each replica was when it was last seen.
#[derive(Default)]
pub(super) struct Progress {
    seen: BTreeMap<(usize, GroupId), (View, LogIndex)>,
}

impl Progress {
    /// A new life begins: what was not durable may be gone.
    pub(super) fn restarted(&mut self, node: usize) {
        self.seen.retain(|(of, _), _| *of != node);
    }

    /// Takes one look; returns whether the replica has applied something since the last one.
    pub(super) fn look(
        &mut self,
        node: usize,
        group: GroupId,
        view: View,
        applied: LogIndex,
    ) -> Result<bool, Failure> {
        let wrong = |what: String| {
            let place = format!("node {}, group {group}: {what}", id_of(node));
            Err(Failure::safety("replicas apply only what is decided and never go back", place))
        };
        if applied > view.decided || view.decided > view.last {
            return wrong(format!("applied {applied}, decided {}, last {}", view.decided, view.last));
        }
        let Some((before, applied_before)) = self.seen.insert((node, group), (view, applied)) else {
            return Ok(true);
        };
        if view.term < before.term || view.decided < before.decided || applied < applied_before {
            return wrong(format!(
                "from {before:?}, applied {applied_before}, back to {view:?}, applied {applied}"
            ));
        }
        Ok(applied > applied_before)
    }
}
