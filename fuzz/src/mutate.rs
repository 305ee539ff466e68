//! The mutations of the gate: small changes to files of a corpus, all drawn from one seed, so that what passes on one machine passes on
//! the next. libFuzzer, which looks where its inputs lead, is for longer runs.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Draw(pub u64);

impl Draw {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.number() % bound as u64) as usize }
    }
}

/// Lengths and numbers at which decoders stumble.
const ODD: &[&[u8]] = &[
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80\x80\x80\x80\x10",
    b"\0\0\0\x80",
    b"-1",
    b"9223372036854775807",
    b"18446744073709551615",
    b"1e308",
    b"nan",
    b"\r\n",
    b"\n",
    b" ",
    b"%",
    b"%00",
    b",",
    b":::",
    b"{\"",
    b"null",
    b"*",
    b"$",
    b"~",
];

/// A file of the corpus, changed in a few places.
pub fn mutated(draw: &mut Draw, corpus: &[Vec<u8>], longest_bytes: usize) -> Vec<u8> {
    let mut bytes = corpus.get(draw.below(corpus.len())).cloned().unwrap_or_default();
    for _ in 0..1 + draw.below(5) {
        let at = draw.below(bytes.len() + 1);
        match draw.below(9) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << draw.below(8);
                }
            }
            2 => {
                let new = draw.number() as u8;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = new;
                }
            }
            3 => {
                let odd = ODD[draw.below(ODD.len())];
                bytes.splice(at..at, odd.iter().copied());
            }
            4 => {
                let odd = ODD[draw.below(ODD.len())];
                let end = (at + odd.len()).min(bytes.len());
                bytes.splice(at..end, odd.iter().copied());
            }
            5 => {
                let end = (at + draw.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            6 => {
                let end = (at + draw.below(40)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = draw.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            7 => {
                let other = corpus.get(draw.below(corpus.len())).cloned().unwrap_or_default();
                let from = draw.below(other.len() + 1);
                let end = (from + draw.below(200)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes.truncate(longest_bytes);
    bytes
}
