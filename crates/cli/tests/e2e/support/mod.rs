//! What the tests share: clusters of their own, ports, the load that is recorded, a small HTTP client.

pub(crate) mod disks;
pub(crate) mod fronts;
pub(crate) mod harness;
pub(crate) mod hosts;
pub(crate) mod mixed;
pub(crate) mod ports;
pub(crate) mod split;
pub(crate) mod web;
pub(crate) mod workload;

use std::time::Duration;

/// For anything that a healthy cluster does at once, on a machine that is slow and busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Says by name what was not tried, where the gate looks for it.
pub(crate) fn skipped(what: &str) {
    eprintln!("skipped: {what}");
    if let Some(path) = std::env::var_os("QUARTET_SKIPS") {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| writeln!(file, "{what}")).expect("the list of skips can be written");
    }
}
