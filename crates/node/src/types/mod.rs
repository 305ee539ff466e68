//! What commands do to values, one file a family.
//!
//! * `strings`, with `counters` (integers), `long_double` (INCRBYFLOAT) and `lcs`.
//! * `sets`, `hashes`, `lists`, `sorted_sets`, over what they share (`collection`), with random choices (`draw`).
//! * `keys`: keys of any type, with `expiry`, `encoding` and the key space (`scan`, `glob`).
//!
//! Each family has an `apply` and a `read` over a [`ShardState`](storage::state::ShardState). Error texts are Redis's, word for word.

mod collection;
mod counters;
mod draw;
mod encoding;
pub(crate) mod expiry;
pub mod glob;
pub(crate) mod hashes;
pub(crate) mod keys;
mod lcs;
pub(crate) mod lists;
mod long_double;
mod scan;
pub(crate) mod sets;
mod sorted_set_unions;
pub(crate) mod sorted_sets;
pub(crate) mod strings;
