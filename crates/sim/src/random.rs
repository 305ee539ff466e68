//! The only source of chance in a simulated run: a small generator, seeded from one `u64`.
//!
//! xoshiro256++ (Blackman and Vigna, 2019), its state filled by SplitMix64. Ours, because a seed that is written down today must draw the same run
//! after any upgrade of any dependency. Integers only: logarithms differ between platforms in their last bit.
//!
//! Invariant: components never share a stream. Each takes a [`Random::fork`] with a name of its own, so one more draw in one of them leaves
//! what the others draw untouched. Not for secrets.

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Random {
        let mut filler = seed;
        Random { state: std::array::from_fn(|_| split_mix(&mut filler)) }
    }

    /// A stream of its own for the component of this name and number. Draws nothing from this one.
    pub fn fork(&self, name: &str, number: u64) -> Random {
        let mut seed =
            self.state[0] ^ self.state[2].rotate_left(17) ^ number.wrapping_mul(0xD605_1F95_43AD_0B6B);
        for byte in name.bytes() {
            seed = split_mix(&mut seed) ^ u64::from(byte);
        }
        Random::new(split_mix(&mut seed))
    }

    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        let result = self.state[0].wrapping_add(self.state[3]).rotate_left(23).wrapping_add(self.state[0]);
        let shifted = self.state[1] << 17;
        self.state[2] ^= self.state[0];
        self.state[3] ^= self.state[1];
        self.state[1] ^= self.state[2];
        self.state[0] ^= self.state[3];
        self.state[2] ^= shifted;
        self.state[3] = self.state[3].rotate_left(45);
        result
    }

    /// A number below `bound`, which is not 0. The bias of the multiplication is below 2^-32 for every bound used here.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing lies below zero");
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range: {low} to {high}");
        low + self.below(high - low + 1)
    }

    /// An index into something of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// True this many times in a million.
    pub fn chance_ppm(&mut self, parts_per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(parts_per_million)
    }

    /// True `times` in `of`.
    pub fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// Puts them in a drawn order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// A span around `usual`: most draws lie between a half and three halves of it, one in sixteen is up to eight times as long.
    pub fn span(&mut self, usual: u64) -> u64 {
        let span = usual / 2 + self.below(usual.max(1));
        if self.chance(1, 16) { span.saturating_mul(self.between(2, 8)) } else { span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_published_generator() {
        // Reference: xoshiro256plusplus.c with the state {1, 2, 3, 4}.
        let mut random = Random { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn forks_neither_disturb_their_parent_nor_resemble_each_other() {
        let parent = Random::new(7);
        let mut untouched = parent.clone();
        let mut disk = parent.fork("disk", 1);
        let mut other = parent.fork("disk", 2);
        let mut network = parent.fork("network", 1);
        let draws = [disk.bits(), other.bits(), network.bits(), untouched.bits(), parent.clone().bits()];
        assert_eq!(draws[3], draws[4]);
        assert!(draws[0] != draws[1] && draws[0] != draws[2] && draws[0] != draws[3]);
        assert_eq!(parent.fork("disk", 1).bits(), draws[0]);
    }

    #[test]
    fn draws_stay_in_their_bounds_and_reach_both_ends() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.between(3, 6)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&6)));
        assert!((0..10_000).filter(|_| random.chance_ppm(100_000)).count().abs_diff(1_000) < 150);
    }
}
