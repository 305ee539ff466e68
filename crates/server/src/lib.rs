//! The body of a node: the real world around the deterministic core.
//!
//! One thread (`driver`) runs the core with `mio`: Redis connections (`fronts::resp`) and peer links (`links`) are read, stepped, drained and written there. Two threads wait
//! for the disk (`lanes`, `disk`), one runs HTTP (`fronts::http`), one resolves names. `run` puts a node together; `founding` is what happens before it has a cluster; `rebuild` empties a damaged folder.
//!
//! Invariants: no operation of the loop blocks on a disk, a name or a peer; everything from outside is bounded (`proto::limits`); the clocks and the random source are read here and
//! nowhere else. It decides nothing about data: what may be answered, and when, is the core's business.

mod body;
mod clock;
pub mod config;
mod disk;
mod driver;
mod faults;
mod founding;
mod fronts;
mod lanes;
mod links;
mod lock;
mod memory;
#[doc(hidden)]
pub mod outside;
mod random;
mod readiness;
pub mod rebuild;
mod refusal;
mod run;
mod signals;
mod waiting;

pub use refusal::Refusal;
pub use run::run;
