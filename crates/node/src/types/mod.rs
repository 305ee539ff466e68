//! What commands do to values, one file a family.
//!
//! * `strings`, with `counters` (integers), `long_double` (INCRBYFLOAT) and `lcs`.
//! * `keys`: keys of any type, with `expiry` and the key space (`scan`, `glob`).
//!
//! Each family has an `apply` and a `read` over a [`ShardState`](storage::state::ShardState). Error texts are Redis's, word for word.

mod counters;
pub(crate) mod expiry;
pub mod glob;
pub(crate) mod keys;
mod lcs;
mod long_double;
mod scan;
pub(crate) mod strings;
