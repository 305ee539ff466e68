//! What people see of a node: metrics, one line of text an event, and how log lines look.
//!
//! It reads `node`'s events and status; `node` does not know it. Nothing here decides anything.

pub mod event_text;
pub mod logging;
pub mod metrics;
