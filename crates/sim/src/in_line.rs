//! The judge of pipelined reads: of one connection's linearizable reads of one slot none shows an older state than one that was asked before it (`docs/consistency.md`, sessions, rule 7).
//!
//! Each of them may be linearizable and the two in the wrong order all the same, because both were under way at once: no other judge sees that.

use proto::hlc::Timestamp;
use proto::ids::{RequestId, Slot};
use std::collections::BTreeMap;

/// So many answers of a slot are kept: more than a client ever has under way.
const MOST_KEPT: usize = 64;

/// What the newest reads of one connection showed.
#[derive(Debug, Default)]
pub(crate) struct InLine {
    shown: BTreeMap<Slot, BTreeMap<RequestId, Timestamp>>,
}

impl InLine {
    /// A linearizable read was answered from the state that the shard's log had made `as_of`.
    pub(crate) fn read(&mut self, request: RequestId, slot: Slot, as_of: Timestamp) -> Result<(), String> {
        let shown = self.shown.entry(slot).or_default();
        let earlier = shown.range(..request).next_back().filter(|(_, earlier)| **earlier > as_of);
        let later = shown.range(request..).next().filter(|(_, later)| **later < as_of);
        if let Some((other, other_as_of)) = earlier.or(later) {
            return Err(format!(
                "pipelined reads out of order: request {request} shows the state of {as_of:?}, request {other} that of {other_as_of:?}"
            ));
        }
        shown.insert(request, as_of);
        if shown.len() > MOST_KEPT {
            shown.pop_first();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_shows_less_than_an_earlier_one_of_its_connection_is_found_whichever_is_heard_first() {
        let mut line = InLine::default();
        let mut read = |slot, request, as_of| line.read(RequestId(request), Slot(slot), Timestamp(as_of));
        assert!(read(1, 1, 5).is_ok() && read(1, 3, 5).is_ok() && read(1, 4, 9).is_ok());
        assert!(read(1, 2, 6).is_err(), "more than a later one showed");
        assert!(read(1, 5, 8).is_err(), "less than an earlier one showed");
        assert!(read(2, 5, 4).is_ok(), "another slot");
    }
}
