//! Which directions between nodes are cut.
//!
//! A set of ordered pairs, nothing more: a cut pair is two of them, an isolated node two for each other node. Cutting what is cut and healing what is whole change nothing, so orders may
//! be repeated. Bounded by `MAX_FAULT_CUTS`.

use proto::ids::NodeId;
use proto::limits::MAX_FAULT_CUTS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// From one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub(crate) struct Direction {
    /// The node whose words are lost.
    #[schema(value_type = u64)]
    pub from: NodeId,
    /// The node that does not hear them.
    #[schema(value_type = u64)]
    pub to: NodeId,
}

impl Direction {
    /// Both directions between two nodes.
    pub(super) fn both(a: NodeId, b: NodeId) -> [Direction; 2] {
        [Direction { from: a, to: b }, Direction { from: b, to: a }]
    }
}

/// All directions that are cut, as one node knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cuts(BTreeSet<Direction>);

impl Cuts {
    /// Whether what `from` says to `to` is lost.
    pub(super) fn covers(&self, from: NodeId, to: NodeId) -> bool {
        !self.0.is_empty() && self.0.contains(&Direction { from, to })
    }

    /// Cuts these too. What is beyond the limit is left whole: no cluster has so many pairs.
    pub(super) fn cut(&mut self, directions: &[Direction]) {
        for direction in directions {
            if self.0.len() < MAX_FAULT_CUTS && direction.from != direction.to {
                self.0.insert(*direction);
            }
        }
    }

    /// Heals these.
    pub(super) fn heal(&mut self, directions: &[Direction]) {
        for direction in directions {
            self.0.remove(direction);
        }
    }

    /// Heals everything.
    pub(super) fn heal_all(&mut self) {
        self.0.clear();
    }

    /// All of them, in order.
    pub(super) fn list(&self) -> Vec<Direction> {
        self.0.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_cut_and_healed_one_by_one() {
        let (one, two, three) = (NodeId(1), NodeId(2), NodeId(3));
        let mut cuts = Cuts::default();
        cuts.cut(&Direction::both(one, two));
        cuts.cut(&Direction::both(one, two));
        cuts.cut(&[Direction { from: one, to: three }, Direction { from: one, to: one }]);
        assert!(cuts.covers(one, two) && cuts.covers(two, one) && cuts.covers(one, three));
        assert!(!cuts.covers(three, one) && !cuts.covers(one, one) && !cuts.covers(two, three));
        cuts.heal(&Direction::both(two, one));
        assert_eq!(cuts.list(), [Direction { from: one, to: three }]);
        cuts.heal_all();
        assert_eq!(cuts.list(), []);
    }

    #[test]
    fn there_are_at_most_as_many_as_a_cluster_has() {
        let mut cuts = Cuts::default();
        let made_up: Vec<_> = (0..2 * MAX_FAULT_CUTS as u64)
            .map(|n| Direction { from: NodeId(0), to: NodeId(n + 1) })
            .collect();
        cuts.cut(&made_up);
        assert_eq!(cuts.list().len(), MAX_FAULT_CUTS);
    }
}
