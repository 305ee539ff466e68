//! What is durable, and what a shard holds in memory.
//!
//! * `disk`: the narrow seam to a data folder; the real one is in `server`, a hostile one in `sim`.
//! * `disk_conformance`: what every implementation of that seam must do.
//! * `log`: one log for all groups of a core, with group commit.
//! * `state`: a shard's slots, keys and values, with their digests.
//! * `snapshot`: one immutable file a group, and the pieces in which it travels.
//! * `identity`: the small file that says whose folder this is.
//! * `folder`: the small file that says which of a node's folders this is, and whether it was emptied on purpose.
//!
//! Invariant: deterministic; every byte that reaches a disk goes through `disk::Disk`. What commands do to values is `node`'s business.

pub mod disk;
pub mod disk_conformance;
pub mod folder;
pub mod identity;
pub mod log;
pub mod snapshot;
pub mod state;
