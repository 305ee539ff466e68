//! Choices by a seed that came with the operation: SPOP, SRANDMEMBER, HRANDFIELD, ZRANDMEMBER.
//!
//! Every replica draws the same. The generator is SplitMix64; a number below a bound is the high half of a product, whose bias is below 2⁻⁴⁰ for any collection that
//! fits in memory.

use std::collections::BTreeSet;

/// A source of numbers that depend on nothing but the seed.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// So many different numbers below a bound (all of them if there are no more), in rising order: each choice is as likely as any other (Floyd).
    pub(super) fn distinct(&mut self, count: u64, bound: usize) -> Vec<usize> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count >= bound {
            return (0..bound).collect();
        }
        let mut chosen = BTreeSet::new();
        for last in bound - count..bound {
            let drawn = self.below(last + 1);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }

    /// What SRANDMEMBER and its kin answer for a count: different ones, or for a negative count as many as asked, repeats allowed.
    pub(super) fn indices(mut self, count: i64, bound: usize) -> Box<dyn Iterator<Item = usize>> {
        match (u64::try_from(count), bound) {
            (_, 0) => Box::new(std::iter::empty()),
            (Ok(count), _) => Box::new(self.distinct(count, bound).into_iter()),
            (Err(_), _) => Box::new((0..count.unsigned_abs()).map(move |_| self.below(bound))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_even_and_depend_on_the_seed_alone() {
        let mut hits = [0u32; 20];
        for seed in 0..20_000 {
            let chosen = Draw::new(seed).distinct(5, 20);
            assert_eq!(chosen, Draw::new(seed).distinct(5, 20));
            assert!(chosen.len() == 5 && chosen.windows(2).all(|pair| pair[0] < pair[1]));
            chosen.into_iter().for_each(|at| hits[at] += 1);
        }
        assert!(hits.iter().all(|&hits| (4700..5300).contains(&hits)), "{hits:?}");
        assert_eq!(Draw::new(1).distinct(9, 3), [0, 1, 2]);
        assert_eq!(Draw::new(1).indices(-7, 3).filter(|&at| at < 3).count(), 7);
        assert_eq!(Draw::new(1).indices(-7, 0).count(), 0);
    }
}
