//! `dev`: a cluster of node processes on this machine.
//!
//! * `plan`: what a cluster consists of: folders, ports, flags. `folder`: what a cluster's folder remembers.
//! * `cluster`: the processes: start, watch, stop, and for tests kill, pause, resume.
//! * `command`: what a person sees.
//!
//! End-to-end tests start their clusters with the same [`Cluster`], so what they test is what a person runs.
//!
//! Invariants: no node outlives the process that started it, however that ends; a node that died is never started again by itself.

mod cluster;
mod command;
mod folder;
mod parent;
mod plan;

pub use cluster::{Cluster, Death, DevError};
pub use plan::{Host, NodePlan, Plan};

pub(crate) use command::run;
pub(crate) use parent::exit_with_parent;
