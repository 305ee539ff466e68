//! A power cut of every node at once: what was acknowledged is there afterwards.
//!
//! `kill -9` cannot show this, because the page cache survives it. Here the whole cluster lives on a file system of its own on a loop device; the cut is the file system's shutdown call, which drops everything that
//! was not synced. Needs root and `xfs_io`; without them the test says so and is skipped by name.

use crate::support::harness::TestCluster;
use crate::support::skipped;
use crate::support::workload::Load;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A file system on a loop device.
struct PowerLine {
    image: PathBuf,
    mount: PathBuf,
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl PowerLine {
    /// Makes and mounts it; `None` where this user cannot.
    fn make(folder: &Path) -> Option<PowerLine> {
        let (image, mount) = (folder.join("disk.img"), folder.join("disk"));
        std::fs::create_dir(&mount).ok()?;
        std::fs::File::create(&image).and_then(|file| file.set_len(2 << 30)).ok()?;
        let line = PowerLine { image, mount };
        let formatted = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), line.image.as_os_str()]);
        let cuts = run("xfs_io", &["-V".as_ref()]);
        (formatted && cuts && line.on()).then_some(line)
    }

    fn on(&self) -> bool {
        run("mount", &["-o".as_ref(), "loop".as_ref(), self.image.as_os_str(), self.mount.as_os_str()])
    }

    /// From now on nothing reaches the disk, and what had not is gone.
    fn cut(&self) {
        let shutdown = ["-x", "-c", "shutdown"].map(std::ffi::OsStr::new);
        assert!(
            run("xfs_io", &[&shutdown[..], &[self.mount.as_os_str()]].concat()),
            "the file system shuts down"
        );
    }

    fn off(&self) -> bool {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            run("umount", &[self.mount.as_os_str()])
        })
    }
}

impl Drop for PowerLine {
    fn drop(&mut self) {
        run("umount", &["-l".as_ref(), self.mount.as_os_str()]);
    }
}

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
