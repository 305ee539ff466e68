//! Keys and values. A value is made from its key alone, so that a read can be judged without a memory of the writes.

/// `key:` and twelve digits: 16 bytes. With tags, one of them goes before it.
pub(crate) fn key(tags: &[String], number: u64) -> Vec<u8> {
    match tags.get((number % tags.len().max(1) as u64) as usize) {
        None => format!("key:{number:012}").into_bytes(),
        Some(tag) => format!("{{{tag}}}key:{number:012}").into_bytes(),
    }
}

/// The set whose members `toggle` removes and adds; with tags, it lives where the first of them does.
pub(crate) fn set(tags: &[String]) -> Vec<u8> {
    tags.first().map_or("set".to_owned(), |tag| format!("{{{tag}}}set")).into_bytes()
}

/// `m` and eight digits.
pub(crate) fn member(number: u64) -> Vec<u8> {
    format!("m{number:08}").into_bytes()
}

/// A number, in 16 digits, and filler up to `bytes`.
pub(crate) fn value(number: u64, bytes: u32) -> Vec<u8> {
    let mut value = format!("{number:016}").into_bytes();
    value.resize(bytes as usize, b'v');
    value
}

/// Random enough to spread keys, and the same in every run: a linear congruential generator, of which the high half is used.
pub(crate) struct Spread(u64);

impl Spread {
    pub(crate) fn new() -> Spread {
        Spread(0x853c_49e6_748f_ea9b)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * u128::from(end)) >> 64) as u64
    }
}
