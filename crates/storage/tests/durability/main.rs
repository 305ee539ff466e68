//! The storage crate over a hostile disk: crashes at every operation, torn and lost writes, flipped bits, failed syncs.
//!
//! Everything is drawn from a seed; a failure names the seed.

mod draw;
mod folder;
mod formats;
mod hostile;
mod identity;
mod log_crashes;
mod log_damage;
mod snapshots;
