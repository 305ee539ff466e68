//! How much memory the process occupies, as the operating system counts it.

/// Resident memory in bytes; 0 where the system does not say (it is read from `/proc`, which is Linux's).
pub(crate) fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE_BYTES
}
