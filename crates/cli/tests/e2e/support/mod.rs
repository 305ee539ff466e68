//! What the tests share: clusters of their own, ports, the load that is recorded, a small HTTP client.

pub(crate) mod fronts;
pub(crate) mod harness;
pub(crate) mod ports;
pub(crate) mod split;
pub(crate) mod web;
pub(crate) mod workload;

use std::time::Duration;

/// For anything that a healthy cluster does at once, on a machine that is slow and busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
