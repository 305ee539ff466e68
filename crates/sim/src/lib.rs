//! The simulated world: the whole node core, unchanged, in one thread, with time, network, disks and clocks drawn from one seed.
//!
//! What `server` is in the real world, this crate is here: the other body of the same mind. A run goes through a safety phase with faults on, then everything is
//! healed and must finish and converge within a bound of virtual time. `docs/simulator.md` says how to use it.
//!
//! * `random`, `schedule`, `clocks`, `sim_disk`, `network`, `trouble`: the world's parts, each knowing nothing of the others.
//! * `params`, `faults`, `weak`, `aims`: what a seed decides; `overrides`: what of it a person, or `shrink`, changes.
//! * `operations`, `workload`: what clients ask and remember.
//! * `machine`, `founders`: a node's machine, and how it becomes a member.
//! * `world`, with `body`, `links`, `damage`, `customers`: the loop, and everything that happens to a core.
//! * `hurt_disk`: disks that lose or change what was synced.
//! * `judges`: the invariants, one file each.
//! * `run`, `verdict`, `batch`, `shrink`: phases of a run, how it can end, many seeds on some threads, the smallest world that still fails.
//! * `gaps`: how long writes stand still when links break.
//! * `stories`: the same cores in a world where nothing is drawn and everything is said.
//! * `trace`, `shiviz`, `describe`, `coverage`: what happened, for comparing, for reading, for drawing, for counting.
//!
//! Invariant: a run is a function of its seed. Nothing here reads a clock, a file, an address or the order of a hash map.

pub mod aims;
pub mod batch;
mod body;
pub mod clocks;
pub mod coverage;
mod customers;
mod damage;
mod describe;
pub mod faults;
pub mod founders;
pub mod gaps;
mod hurt_disk;
mod in_line;
pub mod judges;
mod links;
pub mod machine;
pub mod network;
pub mod operations;
pub mod overrides;
pub mod params;
#[cfg(feature = "planted")]
pub mod planted_table;
pub mod random;
pub mod run;
pub mod schedule;
pub mod shiviz;
pub mod shrink;
pub mod sim_disk;
pub mod stories;
pub mod trace;
pub mod trouble;
pub mod verdict;
pub mod weak;
pub mod workload;
pub mod world;
