//! Whether what a peer asks of a group is about keys of the group's shard.
//!
//! A node that routes by its copy of the shard map never asks another thing. But a shard's state is an array of its own slots, and whoever
//! reaches beside it stops the node: so a peer that is confused, or hostile, is refused at the door, and hears nothing.
//!
//! Not here: entries of the log. They come from the shard's leader, which has let nothing in that does not belong.

use crate::arbitration;
use crate::core::Core;
use crate::machine::Machine;
use crate::query;
use bytes::Bytes;
use proto::ids::GroupId;
use proto::ops::Write;
use proto::peer::Message;
use proto::slots::slot_of;

impl Core {
    /// Whether the keys that a message is about, if it is about keys, are of its group's shard as this node replicates it.
    pub(crate) fn is_of_its_shard(&self, message: &Message) -> bool {
        match message {
            Message::ForwardRead { group, read, .. } => {
                self.holds(*group, &query::keys_of(read).unwrap_or_default())
            }
            Message::ForwardWrite { group, forward } => self.takes(*group, forward.write.iter()),
            Message::ForwardTentative { group, write, .. } => self.takes(*group, [write]),
            Message::Held { group, operations, .. }
            | Message::Submit { group, operations }
            | Message::HandOver { group, operations } => {
                self.takes(*group, operations.iter().map(|operation| &operation.write))
            }
            _ => true,
        }
    }

    fn takes<'a>(&self, group: GroupId, writes: impl IntoIterator<Item = &'a Write>) -> bool {
        writes.into_iter().all(|write| self.holds(group, &arbitration::keys_of(write)))
    }

    fn holds(&self, group: GroupId, keys: &[&Bytes]) -> bool {
        let Some(group) = self.groups.get(&group) else { return true };
        match &group.machine {
            Machine::Shard(shard) => {
                let first = shard.state.first_slot().0;
                let count = shard.state.slot_count();
                keys.iter().all(|key| slot_of(key).0.wrapping_sub(first) < count)
            }
            // The directory has no keys, so it is asked for none.
            Machine::Directory(_) => keys.is_empty(),
        }
    }
}
