//! Newtypes for everything that is named by a number.
//!
//! Ids are given out by the directory from counters and never reused. They are newtypes so that a shard cannot be
//! passed where a group is wanted. They order and print as their numbers.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A node: one process with one data folder. Given out by the directory, from 1; 0 means "none".
    NodeId(u64)
);
id!(
    /// One replica of one group. In the first version the replica of a group on node `n` is replica `n`; the two are kept
    /// apart because a node that loses its disk comes back under a new replica id.
    ReplicaId(u64)
);
id!(
    /// A shard: a range of hash slots. From 0.
    ShardId(u32)
);
id!(
    /// A consensus group: 0 is the directory, `shard + 1` a shard.
    GroupId(u32)
);
id!(
    /// A hash slot, 0 to 16,383.
    Slot(u16)
);
id!(
    /// One start of a node: its data folder counts its starts, so that nothing from before a restart is taken for new.
    Incarnation(u64)
);
id!(
    /// A client connection, unique within one incarnation of the node that holds it.
    ConnectionId(u64)
);
id!(
    /// A request of one connection, counted from 1 in the order in which it arrived.
    RequestId(u64)
);
id!(
    /// An index into a group's log.
    LogIndex(u64)
);
id!(
    /// A consensus term.
    Term(u64)
);

/// The name of a cluster for ever: 128 random bits, drawn in the founding round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ClusterId(pub [u8; 16]);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl GroupId {
    /// The group that holds members, shard map and settings.
    pub const DIRECTORY: GroupId = GroupId(0);

    /// The shard that this group replicates; `None` for the directory.
    pub fn shard(self) -> Option<ShardId> {
        self.0.checked_sub(1).map(ShardId)
    }
}

impl ShardId {
    /// The consensus group that replicates this shard.
    pub fn group(self) -> GroupId {
        GroupId(self.0 + 1)
    }
}
