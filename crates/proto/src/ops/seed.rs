//! Random choices: the state machine has no random source, so whoever plans a request hands it a number.

use super::{HashRead, Read, SetRead, SetWrite, SortedSetRead, Write};

impl Write {
    /// The same operation with this seed, if it draws anything.
    pub fn seeded(mut self, with: u64) -> Write {
        if let Write::Set(SetWrite::Pop { seed, .. }) = &mut self {
            *seed = with;
        }
        self
    }
}

impl Read {
    /// The same operation with this seed, if it draws anything.
    pub fn seeded(mut self, with: u64) -> Read {
        match &mut self {
            Read::Set(SetRead::RandomMember { seed, .. })
            | Read::SortedSet(SortedSetRead::RandomMember { seed, .. })
            | Read::Hash(HashRead::RandomField { seed, .. }) => *seed = with,
            _ => {}
        }
        self
    }
}
