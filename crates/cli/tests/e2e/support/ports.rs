//! Port ranges that no other test uses, also not one in another process.
//!
//! A range is taken by locking a file that is named after it; the lock ends with the process. Below 32,768, where Linux begins to hand out ports for
//! outgoing connections.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;

/// Ports of one range: `base + 0..10`, and the same 100 and 200 above.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) base: u16,
    _lock: File,
}

impl Ports {
    /// A range that is free.
    pub(crate) fn take() -> Ports {
        let folder = std::env::temp_dir().join("quartet-test-ports");
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let start = std::process::id() as u16 % 400;
        for step in 0..400 {
            let number = (start + step) % 400;
            let base = 20_000 + number / 10 * 300 + number % 10 * 10;
            let path = folder.join(base.to_string());
            let lock =
                OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("a lock file");
            let free = |offset| TcpListener::bind(("127.0.0.1", base + offset)).is_ok();
            if lock.try_lock().is_ok()
                && (0..7).all(|node| [0, 100, 200].iter().all(|front| free(node + front)))
            {
                return Ports { base, _lock: lock };
            }
        }
        panic!("no free range of ports below 32,768");
    }
}
