//! Keys that a command counts out itself: `ZUNION numkeys key [key …]`.
//!
//! `COMMAND` calls them movable. Their number stands right before the first of them: after the name, or after the key that a STORE form writes to. A number that
//! makes no sense yields none of them; the parser then says what is wrong with it.

use super::Row;
use super::number::parse_u64;
use bytes::Bytes;

impl Row {
    /// Whether it counts its keys out itself.
    pub fn counts_its_keys(&self) -> bool {
        self.flags.contains(&"movablekeys")
    }

    /// Where the keys are among these arguments, the fixed and the counted ones.
    pub fn key_positions(&self, argv: &[Bytes]) -> Vec<usize> {
        let mut positions: Vec<usize> = self.keys.positions(argv.len()).collect();
        if self.counts_its_keys() {
            let number_at = positions.len() + 1;
            let count = argv.get(number_at).and_then(|number| parse_u64(number)).unwrap_or(0);
            let left = argv.len().saturating_sub(number_at + 1);
            if let Some(count) = usize::try_from(count).ok().filter(|&count| count <= left) {
                positions.extend(number_at + 1..=number_at + count);
            }
        }
        positions
    }
}
