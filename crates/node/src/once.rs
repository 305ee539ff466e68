//! Forwards of weak writes that this node has met before.
//!
//! A frame may come twice, and the second copy late. A strong write is safe from that in the log; a weak one becomes an operation the moment it is taken, so its copy must be known again: whatever this node
//! said to the first one, taken or refused, the second is dropped without a word. A front gives each handing over a number of its own, also when it tries again after a refusal: so a refusal is final for its number.
//!
//! Not here: copies that outlive this node's own start. A link does not.

use proto::ids::{Incarnation, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that are remembered one by one for each front.
const MAX_REMEMBERED: usize = 16_384;

/// What has come of one start of a front.
#[derive(Debug, Default)]
struct Met {
    incarnation: Incarnation,
    /// All numbers up to here count as met.
    floor: u64,
    /// Those above it that were met.
    numbers: BTreeSet<u64>,
}

/// What has come of every front.
#[derive(Debug, Default)]
pub struct Once {
    fronts: BTreeMap<NodeId, Met>,
}

impl Once {
    /// Whether this forward comes for the first time; from then on it does not.
    pub fn is_first(&mut self, front: NodeId, incarnation: Incarnation, id: u64) -> bool {
        let met = self.fronts.entry(front).or_default();
        if incarnation < met.incarnation {
            return false;
        }
        if incarnation > met.incarnation {
            *met = Met { incarnation, ..Met::default() };
        }
        if id <= met.floor || !met.numbers.insert(id) {
            return false;
        }
        while met.numbers.len() > MAX_REMEMBERED {
            // Who is that late is not heard, and answered *unknown* by its own front.
            met.floor = met.numbers.pop_first().unwrap_or(met.floor);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_copy_is_known_again_and_a_new_start_counts_anew() {
        let mut once = Once::default();
        let mut first = |start, id| once.is_first(NodeId(1), Incarnation(start), id);
        assert!(first(1, 7) && first(1, 3) && !first(1, 7) && !first(1, 3));
        assert!(first(2, 3) && !first(1, 9), "of the earlier start nothing is taken any more");
        for id in 10..10 + MAX_REMEMBERED as u64 {
            assert!(first(2, id));
        }
        assert!(!first(2, 3) && !first(2, 2), "forgotten counts as met");
    }
}
