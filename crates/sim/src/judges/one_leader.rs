//! At most one replica of a group leads in a term.

use crate::verdict::Failure;
use crate::world::id_of;
use node::consensus::View;
use proto::ids::{GroupId, Term};
use std::collections::BTreeMap;

/// Who was seen to lead.
#[derive(Default)]
pub(super) struct OneLeader {
    leaders: BTreeMap<(GroupId, Term), usize>,
}

impl OneLeader {
    pub(super) fn look(&mut self, node: usize, group: GroupId, view: View) -> Result<(), Failure> {
        if !view.leads {
            return Ok(());
        }
        let first = *self.leaders.entry((group, view.term)).or_insert(node);
        if first == node {
            return Ok(());
        }
        Err(Failure::safety(
            "a term has one leader",
            format!("group {} in term {}: nodes {} and {}", group, view.term, id_of(first), id_of(node)),
        ))
    }
}
