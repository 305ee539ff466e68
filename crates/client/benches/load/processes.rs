//! What processes have used so far, read from `/proc`: Linux only, and only of processes on this machine.
//!
//! Not here: threads or children of theirs, each pid is asked for by itself. A process that is gone counts as nothing.

use std::fs::read_to_string;

/// The kernel reports processor time to user space in hundredths of a second on every platform that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds, user and system, of one process; `"self"` is this one.
pub(crate) fn cpu_seconds(pid: &str) -> f64 {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may contain spaces: fields are counted from its end. User time is field 14, system time 15.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / TICKS_PER_SECOND
}

/// Processor seconds of all of them.
pub(crate) fn cpu_seconds_of(pids: &[String]) -> f64 {
    pids.iter().map(|pid| cpu_seconds(pid)).sum()
}

/// Resident memory of all of them, in MiB.
pub(crate) fn resident_mib(pids: &[String]) -> f64 {
    let kib: u64 = pids
        .iter()
        .filter_map(|pid| read_to_string(format!("/proc/{pid}/status")).ok())
        .filter_map(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    kib as f64 / 1024.0
}
