//! Which links between nodes hold what is said on them for a while, and for how long.
//!
//! A link is a pair of nodes and has one delay, which is that of each of its directions: a frame that goes there, and its answer, take twice as much. Saying a delay again replaces it.
//! Bounded by `MAX_FAULT_DELAYS` and `MAX_FAULT_DELAY_MS`. How a frame is held is in `links::held`.

use super::Direction;
use proto::ids::NodeId;
use proto::limits::{MAX_FAULT_DELAY_MS, MAX_FAULT_DELAYS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// A link that holds frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub(crate) struct Delay {
    /// Its two ends.
    #[schema(value_type = [u64; 2])]
    pub nodes: [NodeId; 2],
    /// How long each direction holds a frame, in milliseconds.
    pub ms: u64,
}

/// All links that hold frames, as one node knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Delays(BTreeMap<[NodeId; 2], u64>);

fn link(a: NodeId, b: NodeId) -> [NodeId; 2] {
    [a.min(b), a.max(b)]
}

impl Delays {
    /// How long a frame between these two is held.
    pub(super) fn between(&self, a: NodeId, b: NodeId) -> Option<Duration> {
        self.0.get(&link(a, b)).map(|&ms| Duration::from_millis(ms))
    }

    /// Delays these too. What is beyond the limits is left as it is or cut down to them: no cluster has so many pairs.
    pub(super) fn delay(&mut self, delays: &[Delay]) {
        for &Delay { nodes: [a, b], ms } in delays {
            let is_known = self.0.contains_key(&link(a, b));
            if a != b && (is_known || self.0.len() < MAX_FAULT_DELAYS) {
                self.0.insert(link(a, b), ms.clamp(1, MAX_FAULT_DELAY_MS));
            }
        }
    }

    /// The links to which these directions belong hold nothing any more.
    pub(super) fn heal(&mut self, directions: &[Direction]) {
        for direction in directions {
            self.0.remove(&link(direction.from, direction.to));
        }
    }

    /// No link holds anything any more.
    pub(super) fn heal_all(&mut self) {
        self.0.clear();
    }

    /// All of them, in order.
    pub(super) fn list(&self) -> Vec<Delay> {
        self.0.iter().map(|(&nodes, &ms)| Delay { nodes, ms }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_one_delay_whichever_end_is_named_first() {
        let (one, two, three) = (NodeId(1), NodeId(2), NodeId(3));
        let mut delays = Delays::default();
        delays.delay(&[Delay { nodes: [two, one], ms: 10 }, Delay { nodes: [one, three], ms: 7 }]);
        delays.delay(&[Delay { nodes: [one, two], ms: 20 }, Delay { nodes: [one, one], ms: 20 }]);
        assert_eq!(delays.between(one, two), Some(Duration::from_millis(20)));
        assert_eq!(delays.between(two, one), Some(Duration::from_millis(20)));
        assert_eq!((delays.between(two, three), delays.between(one, one)), (None, None));
        delays.heal(&Direction::both(two, one));
        assert_eq!(delays.list(), [Delay { nodes: [one, three], ms: 7 }]);
        delays.heal_all();
        assert_eq!(delays.list(), []);
    }

    #[test]
    fn delays_and_their_number_are_bounded() {
        let mut delays = Delays::default();
        let made_up: Vec<_> = (0..2 * MAX_FAULT_DELAYS as u64)
            .map(|n| Delay { nodes: [NodeId(0), NodeId(n + 1)], ms: u64::MAX })
            .collect();
        delays.delay(&made_up);
        assert_eq!(delays.list().len(), MAX_FAULT_DELAYS);
        assert_eq!(delays.between(NodeId(0), NodeId(1)), Some(Duration::from_millis(MAX_FAULT_DELAY_MS)));
    }
}
