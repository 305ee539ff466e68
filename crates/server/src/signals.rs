//! What the operating system asks of the process, turned into bytes that the loop can read.
//!
//! SIGTERM and SIGINT ask for a graceful stop; a second one while that is under way ends the process at once. SIGXFSZ is caught and otherwise left alone, so that a
//! write beyond the file-size limit is an error (a full disk) and not the death of the process. SIGPIPE is ignored by Rust itself.

use mio::net::UnixStream;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The reading end of the pipe that the signal handlers write to.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Readable after a signal.
    pub pipe: UnixStream,
}

impl Signals {
    /// Installs the handlers, for the whole process.
    pub(crate) fn install() -> io::Result<Signals> {
        let (read, write) = std::os::unix::net::UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGTERM, write.try_clone()?)?;
        signal_hook::low_level::pipe::register(SIGINT, write)?;
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(Signals { pipe: UnixStream::from_std(read) })
    }

    /// How many signals have arrived since the last call.
    pub(crate) fn take(&mut self) -> usize {
        let mut buffer = [0; 16];
        let mut count = 0;
        while let Ok(n @ 1..) = self.pipe.read(&mut buffer) {
            count += n;
        }
        count
    }
}
