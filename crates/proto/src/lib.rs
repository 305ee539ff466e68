//! The words of Quartet and their bytes.
//!
//! Everything that two crates, or two nodes, say to each other is defined here: ids, timestamps, commands,
//! replies, peer messages, limits. No behaviour lives here: what a command does to a value belongs to `node`, where
//! a message goes belongs to `node` and `directory`.
//!
//! Invariant: this crate is in the deterministic zone. It knows no clock, thread, socket, file or random source.

pub mod command;
pub mod commands;
pub mod error;
pub mod frame;
pub mod hlc;
pub mod ids;
pub mod level;
pub mod limits;
pub mod log_entry;
pub mod ops;
pub mod outcome;
pub mod peer;
pub mod reply;
pub mod resp;
pub mod score;
pub mod session;
pub mod slots;
pub mod superseded;
pub mod tentative;
pub mod time;
