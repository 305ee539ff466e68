//! Who belongs to the cluster, where each shard lives, and who should lead it.
//!
//! The directory is a small replicated state machine of its own (group 0): members, shard map, settings. It is on nobody's
//! request path; every node keeps a copy. This crate holds its state and changes, the routing table that is made from it, the planner that spreads
//! leadership, and the founding round by which N nodes that know only some addresses become one cluster.
//!
//! Invariant: everything here is pure and deterministic; time, randomness and durability are handed in. It does not replicate anything:
//! consensus belongs to `node`, links and files to `server`.

pub mod address;
pub mod founding;
pub mod map;
pub mod planner;
pub mod routing;
pub mod state;

pub use address::Address;
pub use map::{ShardMap, ShardPlacement};
pub use routing::Routing;
pub use state::{Change, ChangeOutcome, DirectoryState, Member};
