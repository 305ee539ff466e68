//! A node of `dev` ends with its parent, even when that is killed with -9: the kernel sends it SIGKILL then.
//!
//! The kernel counts the *thread* that started the process as the parent, so `dev` starts its nodes from its main thread, and a test from the
//! thread that lives as long as the cluster. Other systems than Linux lack the call; there a node outlives a `dev` that was killed with -9.

use crate::exit::{Exit, Failure};

/// Asks the kernel to end this process with its parent, which must have this process id.
pub(crate) fn exit_with_parent(parent: u32) -> Result<(), Failure> {
    let gone =
        || Failure::new(Exit::BadInput, "the process that started this node has ended; so does the node");
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| Failure::bad_input(format!("cannot tie this node to its parent: {error}")))?;
    // It may have ended before the call; then this process has another parent by now.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if now.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) { Ok(()) } else { Err(gone()) }
}
