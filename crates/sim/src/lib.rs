//! The simulated world: the whole node core, unchanged, in one thread, with time, network, disks and clocks drawn from one seed.
//!
//! What `server` is in the real world, this crate is here: the other body of the same mind. A run goes through a safety phase with faults on, then everything is
//! healed and must finish and converge within a bound of virtual time. `docs/simulator.md` says how to use it.
//!
//! * `random`, `schedule`, `clocks`, `sim_disk`, `network`: the world's parts, each knowing nothing of the others.
//! * `params`, `faults`, `weak`: what a seed decides.
//! * `operations`, `workload`: what clients ask and remember.
//! * `machine`, `founders`: a node's machine, and how it becomes a member.
//! * `world`, with `body`, `links`, `damage`, `customers`: the loop, and everything that happens to a core.
//! * `hurt_disk`: disks that lose or change what was synced.
//! * `judges`: the invariants, one file each.
//! * `run`, `verdict`, `batch`: phases of a run, how it can end, many seeds on some threads.
//! * `gaps`: how long writes stand still when links break.
//! * `stories`: the same cores in a world where nothing is drawn and everything is said.
//! * `trace`, `coverage`: what happened, for comparing, for reading, for counting.
//!
//! Invariant: a run is a function of its seed. Nothing here reads a clock, a file, an address or the order of a hash map.

pub mod batch;
mod body;
pub mod clocks;
pub mod coverage;
mod customers;
mod damage;
pub mod faults;
pub mod founders;
pub mod gaps;
mod hurt_disk;
pub mod judges;
mod links;
pub mod machine;
pub mod network;
pub mod operations;
pub mod params;
pub mod random;
pub mod run;
pub mod schedule;
pub mod sim_disk;
pub mod stories;
pub mod trace;
pub mod verdict;
pub mod weak;
pub mod workload;
pub mod world;
