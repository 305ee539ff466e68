//! File systems of a test's own: one that is small, in memory, and one on a loop device whose power can be cut. Both need root; whoever asks for one says by name what was skipped without it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A file system of so many MiB.
pub(crate) struct SmallDisk(pub(crate) PathBuf);

impl SmallDisk {
    /// Mounts it at this path, which does not exist yet; `None` where this user cannot.
    pub(crate) fn make(mount: PathBuf, mib: u32) -> Option<SmallDisk> {
        std::fs::create_dir_all(&mount).ok()?;
        let size = format!("size={mib}m");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&mount).status();
        status.is_ok_and(|status| status.success()).then_some(SmallDisk(mount))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A file system on a loop device.
pub(crate) struct PowerLine {
    image: PathBuf,
    pub(crate) mount: PathBuf,
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl PowerLine {
    /// Makes and mounts it; `None` where this user cannot.
    pub(crate) fn make(folder: &Path) -> Option<PowerLine> {
        let (image, mount) = (folder.join("disk.img"), folder.join("disk"));
        std::fs::create_dir(&mount).ok()?;
        std::fs::File::create(&image).and_then(|file| file.set_len(2 << 30)).ok()?;
        let line = PowerLine { image, mount };
        let formatted = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), line.image.as_os_str()]);
        let cuts = run("xfs_io", &["-V".as_ref()]);
        (formatted && cuts && line.on()).then_some(line)
    }

    /// Mounts it again; whether that went.
    pub(crate) fn on(&self) -> bool {
        run("mount", &["-o".as_ref(), "loop".as_ref(), self.image.as_os_str(), self.mount.as_os_str()])
    }

    /// From now on nothing reaches the disk, and what had not is gone.
    pub(crate) fn cut(&self) {
        let shutdown = ["-x", "-c", "shutdown"].map(std::ffi::OsStr::new);
        assert!(
            run("xfs_io", &[&shutdown[..], &[self.mount.as_os_str()]].concat()),
            "the file system shuts down"
        );
    }

    /// Unmounts it; whether that went.
    pub(crate) fn off(&self) -> bool {
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
