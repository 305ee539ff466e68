//! Shortest ways through what the nodes say of whom they hear.
//!
//! A plain breadth-first search over directed edges: a frame passes from `a` to `b` if `b` hears `a`. Of ways of one length the one whose first relay has the lowest id is taken, so every run of the same inputs routes alike. Relays look for
//! themselves, from the same announcements; while these still differ a frame may take a detour, and its hop limit ends it.

use proto::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// For each node that can be reached from `me`, the first hop towards it. `heard_by(n)` are the nodes that hear `n`.
pub(super) fn first_hops(
    me: NodeId,
    heard_by: impl Fn(NodeId) -> BTreeSet<NodeId>,
) -> BTreeMap<NodeId, NodeId> {
    let mut hops = BTreeMap::new();
    let mut queue = VecDeque::from([(me, None)]);
    while let Some((node, first)) = queue.pop_front() {
        for next in heard_by(node) {
            if next != me && !hops.contains_key(&next) {
                let first = first.unwrap_or(next);
                hops.insert(next, first);
                queue.push_back((next, Some(first)));
            }
        }
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops(me: u64, edges: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let heard_by = |node: NodeId| {
            edges.iter().filter(|(from, _)| *from == node.0).map(|(_, to)| NodeId(*to)).collect()
        };
        first_hops(NodeId(me), heard_by).into_iter().map(|(to, first)| (to.0, first.0)).collect()
    }

    #[test]
    fn the_shortest_way_is_taken_and_of_equals_the_lowest_relay() {
        assert_eq!(hops(1, &[(1, 2), (2, 3), (3, 4), (1, 4), (4, 3)]), [(2, 2), (3, 2), (4, 4)]);
        assert_eq!(hops(1, &[(1, 2), (2, 3), (3, 4), (4, 5)]), [(2, 2), (3, 2), (4, 2), (5, 2)]);
    }

    #[test]
    fn a_direction_that_is_cut_is_no_way() {
        assert_eq!(hops(1, &[(2, 1), (1, 3), (3, 2)]), [(2, 3), (3, 3)]);
        assert_eq!(hops(1, &[(2, 1)]), []);
    }
}
