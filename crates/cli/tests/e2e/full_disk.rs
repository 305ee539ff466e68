//! A full disk with real processes: growth is refused early and by name, reads and deletions go on, and it goes on by itself when there is space again.
//!
//! The cluster lives on a small file system in memory, which somebody else fills. Needs root; without it the test says so and is skipped by name.

use crate::support::PATIENCE;
use crate::support::disks::SmallDisk;
use crate::support::harness::TestCluster;
use crate::support::skipped;
use client::SetOptions;
use std::process::Command;
use std::time::{Duration, Instant};

/// Waits until a node's status calls its disk so.
fn disk_is(cluster: &TestCluster, word: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let output = cluster.quartet(&["status", "--json"]);
        let text = String::from_utf8_lossy(&output.stdout).replace(' ', "");
        if text.contains(&format!("\"disk\":\"{word}\"")) {
            return;
        }
        assert!(Instant::now() < end, "the disk is not {word}: {text}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_full_disk_refuses_growth_by_name_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::make(folder.path().join("disk"), 512) else {
        skipped("a full disk: needs root to mount a small file system in memory");
        return;
    };
    let data = disk.0.join("cluster");
    let mut cluster = TestCluster::start_with(3, |plan| plan.data = data);
    let client = cluster.client();
    let options = SetOptions::default();
    assert!(client.set("kept", "value", &options).expect("there is space"));
    // Somebody else takes all but a few MiB.
    let ballast = disk.0.join("ballast");
    let status = Command::new("fallocate").args(["-l", "440m"]).arg(&ballast).status();
    assert!(status.is_ok_and(|status| status.success()), "the ballast is there");
    disk_is(&cluster, "out");
    std::fs::File::options()
        .write(true)
        .open(&ballast)
        .and_then(|file| file.set_len(300 << 20))
        .expect("less");
    disk_is(&cluster, "low");
    let error = client.set("grows", "value", &options).expect_err("there is no space");
    assert!(error.to_string().contains("DISKFULL"), "{error}");
    let refused = cluster.quartet(&["put", "grows", "value"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert_eq!(client.get("kept").expect("reads go on").expect("it is there").as_ref(), b"value");
    assert!(client.del("kept").expect("deletions go on"));
    std::fs::remove_file(&ballast).expect("space returns");
    disk_is(&cluster, "ok");
    assert!(client.set("grows", "value", &options).expect("there is space"));
    assert!(cluster.deaths().is_empty(), "nobody ended itself");
    drop(cluster);
}
