//! The 80-bit floating-point numbers in which Redis computes INCRBYFLOAT, in integers.
//!
//! Redis adds in C's `long double` and prints with 17 decimals, zeros trimmed. On x86 that is a 64-bit mantissa, and users see it: 3.0 + 1.1 is 4.1 there, and
//! would not be in 64-bit floats. Rust has no such type, and C's differs between machines, while our replicas must agree: so it is done here, exactly, round to
//! nearest even at each step. Subnormal numbers are left out (nothing that small shows in 17 decimals).

use proto::commands::number::is_float;

/// What `long double` can hold: the exponent of the leading bit.
const MAX_EXPONENT: i32 = 16_383;
const MIN_EXPONENT: i32 = -16_382;
/// Decimal exponents beyond this are out of range whatever the digits (at most 5 KiB of them).
const MAX_DECIMAL_EXPONENT: i64 = 12_000;
const NINE_DIGITS: u32 = 1_000_000_000;

/// A number: `mantissa · 2^exponent`, the mantissa's highest bit set (or all of it zero).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LongDouble {
    Finite { negative: bool, mantissa: u64, exponent: i32 },
    Infinite { negative: bool },
    NotANumber,
}

impl LongDouble {
    pub(super) const ZERO: LongDouble = LongDouble::Finite { negative: false, mantissa: 0, exponent: 0 };

    /// As `strtold` reads it; `None` for what is no number or too large or small for one.
    pub(super) fn parse(text: &[u8]) -> Option<LongDouble> {
        if !is_float(text) {
            return None;
        }
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if text[0].eq_ignore_ascii_case(&b'i') {
            return Some(LongDouble::Infinite { negative });
        }
        let (mantissa, exponent) = match text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e')) {
            Some(at) => (&text[..at], decimal_exponent(&text[at + 1..])),
            None => (text, 0),
        };
        let mut digits = Big::default();
        let mut exponent = exponent;
        let mut point_seen = false;
        for &byte in mantissa {
            if byte == b'.' {
                point_seen = true;
                continue;
            }
            digits.multiply(10);
            digits.add(u32::from(byte - b'0'));
            exponent -= i64::from(point_seen);
        }
        if digits.is_zero() {
            return Some(LongDouble::Finite { negative, mantissa: 0, exponent: 0 });
        }
        if exponent.abs() > MAX_DECIMAL_EXPONENT {
            return None;
        }
        let mut tens = exponent.unsigned_abs() as u32;
        let number = if exponent >= 0 {
            while tens > 0 {
                let step = tens.min(9);
                digits.multiply(10u32.pow(step));
                tens -= step;
            }
            digits.round(0, false, negative)
        } else {
            // Room for 64 bits of quotient however large the divisor: 10^tens < 2^(4·tens).
            let shift = 66 + 4 * tens;
            digits.shift_left(shift);
            let mut inexact = false;
            while tens > 0 {
                let step = tens.min(9);
                inexact |= digits.divide(10u32.pow(step)) != 0;
                tens -= step;
            }
            digits.round(-(shift as i32), inexact, negative)
        };
        match number {
            LongDouble::Finite { mantissa, exponent, .. }
                if mantissa == 0 || exponent + 63 < MIN_EXPONENT =>
            {
                None
            }
            LongDouble::Infinite { .. } => None,
            number => Some(number),
        }
    }

    /// The sum, rounded.
    pub(super) fn plus(self, other: LongDouble) -> LongDouble {
        use LongDouble::{Finite, Infinite, NotANumber};
        match (self, other) {
            (NotANumber, _) | (_, NotANumber) => NotANumber,
            (Infinite { negative: a }, Infinite { negative: b }) if a != b => NotANumber,
            (infinite @ Infinite { .. }, _) | (_, infinite @ Infinite { .. }) => infinite,
            (Finite { mantissa: 0, .. }, finite) | (finite, Finite { mantissa: 0, .. }) => finite,
            (Finite { .. }, Finite { .. }) => self.plus_finite(other),
        }
    }

    fn plus_finite(self, other: LongDouble) -> LongDouble {
        let key = |number: &LongDouble| match *number {
            LongDouble::Finite { mantissa, exponent, .. } => (exponent, mantissa),
            _ => unreachable!("both are finite"),
        };
        let (large, small) = if key(&self) >= key(&other) { (self, other) } else { (other, self) };
        let (
            LongDouble::Finite { negative, mantissa, exponent },
            LongDouble::Finite {
                negative: small_negative,
                mantissa: small_mantissa,
                exponent: small_exponent,
            },
        ) = (large, small)
        else {
            unreachable!("both are finite")
        };
        // 63 bits of room below the larger one; what falls below even that only matters as "not exact".
        const ROOM: u32 = 63;
        let large = u128::from(mantissa) << ROOM;
        let apart = exponent.abs_diff(small_exponent);
        let small = u128::from(small_mantissa) << ROOM;
        let small = match apart {
            0..=126 => {
                let shifted = small >> apart;
                shifted | u128::from(shifted << apart != small)
            }
            _ => 1,
        };
        let sum = if negative == small_negative { large + small } else { large - small };
        if sum == 0 {
            return LongDouble::ZERO;
        }
        let mut big = Big::default();
        big.words.extend((0..4).map(|word| (sum >> (32 * word)) as u32));
        big.round(exponent - ROOM as i32, false, negative)
    }

    /// With 17 decimals, zeros at the end trimmed; `None` for infinity and for what is not a number.
    pub(super) fn to_text(self) -> Option<String> {
        const DECIMALS: usize = 17;
        let LongDouble::Finite { negative, mantissa, exponent } = self else { return None };
        let mut scaled = Big::default();
        scaled.words.extend([mantissa as u32, (mantissa >> 32) as u32]);
        scaled.multiply(NINE_DIGITS);
        scaled.multiply(100_000_000);
        if exponent >= 0 {
            scaled.shift_left(exponent.unsigned_abs());
        } else {
            scaled.shift_right_rounding(exponent.unsigned_abs(), false);
        }
        let digits = scaled.to_decimal();
        let digits = format!("{digits:0>width$}", width = DECIMALS + 1);
        let (whole, decimals) = digits.split_at(digits.len() - DECIMALS);
        let text = format!("{whole}.{decimals}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        Some(if negative && text != "0" { format!("-{text}") } else { text.to_owned() })
    }
}

/// An exponent that may be absurdly long; it saturates far out of range.
fn decimal_exponent(text: &[u8]) -> i64 {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let magnitude =
        digits.iter().fold(0i64, |magnitude, digit| (magnitude * 10 + i64::from(digit - b'0')).min(1 << 40));
    sign * magnitude
}

/// A natural number of any size: 32-bit words, the lowest first.
#[derive(Default)]
struct Big {
    words: Vec<u32>,
}

impl Big {
    fn is_zero(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    fn bits(&self) -> u32 {
        match self.words.iter().rposition(|&word| word != 0) {
            Some(at) => at as u32 * 32 + 32 - self.words[at].leading_zeros(),
            None => 0,
        }
    }

    fn bit(&self, at: u32) -> bool {
        self.words.get((at / 32) as usize).is_some_and(|word| word >> (at % 32) & 1 == 1)
    }

    /// Whether any bit below `at` is set.
    fn any_below(&self, at: u32) -> bool {
        let whole = (at / 32) as usize;
        self.words.iter().take(whole).any(|&word| word != 0)
            || self.words.get(whole).is_some_and(|word| word & ((1 << (at % 32)) - 1) != 0)
    }

    fn multiply(&mut self, by: u32) {
        let mut carry = 0u64;
        for word in &mut self.words {
            carry += u64::from(*word) * u64::from(by);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.words.push(carry as u32);
        }
    }

    fn add(&mut self, number: u32) {
        let mut carry = number;
        for word in &mut self.words {
            let (sum, overflow) = word.overflowing_add(carry);
            *word = sum;
            carry = u32::from(overflow);
            if carry == 0 {
                return;
            }
        }
        if carry > 0 {
            self.words.push(carry);
        }
    }

    /// Divides and answers the remainder.
    fn divide(&mut self, by: u32) -> u32 {
        let mut remainder = 0u64;
        for word in self.words.iter_mut().rev() {
            let dividend = remainder << 32 | u64::from(*word);
            *word = (dividend / u64::from(by)) as u32;
            remainder = dividend % u64::from(by);
        }
        remainder as u32
    }

    fn shift_left(&mut self, bits: u32) {
        let odd = bits % 32;
        if odd > 0 {
            self.multiply(1 << odd);
        }
        self.words.splice(0..0, std::iter::repeat_n(0, (bits / 32) as usize));
    }

    /// Drops bits, rounding to nearest, ties to even. `inexact`: there is something below the lowest bit.
    fn shift_right_rounding(&mut self, bits: u32, inexact: bool) {
        if bits == 0 {
            return;
        }
        let half = self.bit(bits - 1);
        let below = inexact || self.any_below(bits - 1);
        let odd = self.bit(bits);
        self.words.drain(..((bits / 32) as usize).min(self.words.len()));
        if !bits.is_multiple_of(32) {
            self.divide(1 << (bits % 32));
        }
        if half && (below || odd) {
            self.add(1);
        }
    }

    /// The number times `2^exponent` with 64 bits of mantissa.
    fn round(mut self, exponent: i32, inexact: bool, negative: bool) -> LongDouble {
        let bits = self.bits();
        if bits == 0 {
            return LongDouble::ZERO;
        }
        let mut exponent = exponent;
        if bits > 64 {
            self.shift_right_rounding(bits - 64, inexact);
            exponent += (bits - 64) as i32;
            if self.bits() > 64 {
                self.shift_right_rounding(1, false);
                exponent += 1;
            }
        } else {
            self.shift_left(64 - bits);
            exponent -= (64 - bits) as i32;
        }
        let word = |at: usize| u64::from(self.words.get(at).copied().unwrap_or(0));
        let mantissa = word(1) << 32 | word(0);
        if exponent + 63 > MAX_EXPONENT {
            return LongDouble::Infinite { negative };
        }
        LongDouble::Finite { negative, mantissa, exponent }
    }

    fn to_decimal(&self) -> String {
        let mut rest = Big { words: self.words.clone() };
        let mut groups = Vec::new();
        while !rest.is_zero() {
            groups.push(rest.divide(NINE_DIGITS));
            while rest.words.last() == Some(&0) {
                rest.words.pop();
            }
        }
        let Some(first) = groups.pop() else { return "0".to_owned() };
        let mut text = first.to_string();
        groups.iter().rev().for_each(|group| text.push_str(&format!("{group:09}")));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        LongDouble::parse(a.as_bytes())?.plus(LongDouble::parse(b.as_bytes())?).to_text()
    }

    /// Each line was computed by a Redis 7.0 on x86-64, except where an error is expected.
    #[test]
    fn sums_are_those_of_redis() {
        for (a, b, expected) in [
            ("3.0", "1.1", "4.1"),
            ("0", "0.1", "0.1"),
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("1", "-1.1", "-0.1"),
            ("17179869184", "1.5", "17179869185.5"),
            ("0.02439024390243903", "-0.02439024390243903", "0"),
            ("-0", "0", "0"),
            ("1e-20", "0", "0"),
            ("-1e-20", "0", "0"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551616", "1", "18446744073709551616"),
            ("1e20", "0.1", "100000000000000000000"),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(expected), "{a} + {b}");
        }
    }

    #[test]
    fn infinities_and_what_is_out_of_range_give_no_text() {
        assert_eq!(sum("0", "+inf"), None);
        assert_eq!(sum("inf", "-inf"), None);
        assert_eq!(LongDouble::parse(b"1e5000"), None);
        assert_eq!(LongDouble::parse(b"1e-5000"), None);
        assert_eq!(LongDouble::parse(b"1e99999999999999999999"), None);
        assert_eq!(
            LongDouble::parse(b"1e4900").map(|number| number.plus(number).to_text().map(|text| text.len())),
            Some(Some(4901))
        );
        assert!(LongDouble::parse(b"1e4932").is_some_and(|number| number.plus(number).to_text().is_none()));
        assert!(LongDouble::parse(b"0e99999999999999999999").is_some());
    }

    /// Where 64-bit floats are exact, both must agree.
    #[test]
    fn sums_of_small_binary_fractions_are_exact() {
        for a in -50i32..50 {
            for b in -50i32..50 {
                let (a, b) = (f64::from(a) / 8.0, f64::from(b) / 16.0);
                assert_eq!(sum(&a.to_string(), &b.to_string()), Some((a + b + 0.0).to_string()), "{a} + {b}");
            }
        }
    }

    #[test]
    fn numbers_far_apart_round_to_the_larger_one() {
        assert_eq!(sum("1e30", "1e-10"), sum("1e30", "0"));
        assert_eq!(sum("1e4000", "-1e-4000"), sum("1e4000", "0"));
    }
}
