//! Randomness from the operating system: nonces, names, keys, seeds. The only source of it in the process.

/// Fresh random bytes.
///
/// # Panics
/// If the operating system has none, which no supported system does after it has started.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random number that is not zero.
pub(crate) fn number() -> u64 {
    u64::from_le_bytes(bytes()).max(1)
}
