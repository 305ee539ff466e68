//! Durability: no write that was acknowledged is lost.
//!
//! Versions of a key only grow, so it is enough to remember the newest version that was acknowledged for each key,
//! and to compare it with what the cluster holds once it is whole again: an older version means that the
//! acknowledged write is gone. An absent key counts with its slot's newest deletion. Writes may have followed, so a
//! newer version proves nothing lost.
//!
//! Not here: the values themselves (`linearizable` holds reads to them).

use std::collections::BTreeMap;

use crate::verdict::{Broken, Rule};

/// A key at a version. Keys are numbers here: the caller's own numbering, or a digest of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    /// The key.
    pub key: u64,
    /// The commit timestamp.
    pub version: u64,
}

/// The judge: the newest acknowledged version of each key.
#[derive(Clone, Debug, Default)]
pub struct Durability {
    newest: BTreeMap<u64, u64>,
}

impl Durability {
    /// A client was told that its write has this version.
    pub fn acknowledged(&mut self, write: KeyVersion) {
        let newest = self.newest.entry(write.key).or_insert(write.version);
        *newest = write.version.max(*newest);
    }

    /// A replica, which must have everything by now, holds this.
    ///
    /// # Errors
    /// A newer version was acknowledged.
    pub fn holds(&self, replica: u64, held: KeyVersion) -> Result<(), Broken> {
        match self.newest.get(&held.key) {
            Some(newest) if held.version < *newest => Err(Broken {
                rule: Rule::Durability,
                explanation: format!(
                    "key {}: version {newest} was acknowledged, but replica {replica} holds only version {}",
                    held.key, held.version
                ),
            }),
            _ => Ok(()),
        }
    }

    /// The keys with an acknowledged write, in order: each of them has to be looked at.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        self.newest.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_must_still_be_there_or_be_followed_by_something_newer() {
        let mut judge = Durability::default();
        for version in [5, 9, 7] {
            judge.acknowledged(KeyVersion { key: 1, version });
        }
        assert_eq!(judge.keys().collect::<Vec<_>>(), [1]);
        judge.holds(2, KeyVersion { key: 1, version: 9 }).unwrap();
        judge.holds(2, KeyVersion { key: 1, version: 12 }).unwrap();
        judge.holds(2, KeyVersion { key: 3, version: 0 }).unwrap();
        let broken = judge.holds(2, KeyVersion { key: 1, version: 7 }).unwrap_err();
        assert_eq!(broken.rule, Rule::Durability);
        assert!(broken.to_string().contains("version 9 was acknowledged"), "{broken}");
    }
}
