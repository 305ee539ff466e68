//! The mind of a node: inputs in, outputs out.
//!
//! [`Core`](core::Core) is one deterministic state machine. A body (the real one in `server`, the simulated one in `sim`) hands it inputs with the time, drains its
//! outputs, and does what they say. `io` is that contract; `core` dispatches; everything else is a sub-machine in a file of its own.
//!
//! Invariants: no clock, thread, socket, file or random source; the same inputs give the same outputs, byte for byte. Only `consensus` names the consensus library.

mod announce;
pub mod apply;
pub mod arbitration;
mod batching;
mod belonging;
pub mod clock;
pub mod config;
pub mod connections;
pub mod consensus;
pub mod core;
mod digests;
pub mod duties;
pub mod event;
pub mod fitness;
mod flights;
mod folding;
mod front_answers;
mod front_copies;
pub mod front_reads;
mod front_tentative;
mod front_waiting;
pub mod group;
mod inbox;
pub mod io;
pub mod kinds;
pub mod leadership;
pub mod machine;
pub mod marks;
mod mesh;
pub mod neighbours;
pub mod once;
pub mod outbox;
pub mod plan;
#[cfg(feature = "planted")]
pub mod planted;
pub mod query;
pub mod reads;
pub mod rebuild;
pub mod recovery;
mod relaying;
pub mod report;
pub mod requests;
pub mod safe_reads;
mod sealing;
pub mod sessions;
pub mod snapshots;
pub mod status;
pub mod streams;
pub mod tentative;
pub mod transfer;
pub mod types;
