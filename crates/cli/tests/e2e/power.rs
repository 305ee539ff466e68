//! A power cut of every node at once: what was acknowledged is there afterwards.
//!
//! `kill -9` cannot show this, because the page cache survives it. Here the whole cluster lives on a file system of its own on a loop device; the cut is the file system's shutdown call, which drops everything that
//! was not synced. Needs root and `xfs_io`; without them the test says so and is skipped by name.

use crate::support::disks::PowerLine;
use crate::support::harness::TestCluster;
use crate::support::skipped;
use crate::support::workload::Load;

#[test]
fn a_power_cut_of_all_nodes_at_once_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(power) = PowerLine::make(folder.path()) else {
        skipped("power cut of every node's file system: needs root, loop mounts and xfs_io (xfsprogs)");
        return;
    };
    let data = power.mount.join("cluster");
    let mut cluster = TestCluster::start_with(3, |plan| plan.data = data);
    let client = cluster.client();
    let load = Load::start(&client, "power");
    for _ in 0..2 {
        load.goes_on(300);
        power.cut();
        cluster.kill_all(&[1, 2, 3]);
        assert!(power.off() && power.on(), "the file system comes back");
        for id in 1..=3 {
            cluster.restart(id).expect("it starts");
        }
        cluster.serves();
    }
    load.goes_on(300);
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
    cluster.stop_all().expect("they stop");
    drop(cluster);
}
