//! Scores of sorted sets: the floating-point numbers that can be ordered.
//!
//! Every number but NaN, infinities among them. Minus zero is zero, so one score has one encoding and replicas agree byte for byte. Written as Redis 7.0 writes
//! doubles, C's `%.17g`: 17 significant digits, which read back as the same number, without the zeros at the end.

use crate::commands::number::is_float;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// A number that is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(f64);

impl Score {
    /// The score of this number; `None` for NaN.
    pub fn new(number: f64) -> Option<Score> {
        // Adding zero makes minus zero zero, and leaves every other number alone.
        (!number.is_nan()).then_some(Score(number + 0.0))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// A score as Redis reads it: C's `strtod` on the whole text, hexadecimal and NaN left out, and nothing out of range.
    pub fn parse(text: &[u8]) -> Option<Score> {
        if !is_float(text) {
            return None;
        }
        let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        let digits = text.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next().unwrap_or_default();
        let named = text.iter().any(|byte| byte.eq_ignore_ascii_case(&b'n'));
        let overflown = number.is_infinite() && !named;
        let vanished = number == 0.0 && digits.iter().any(|byte| (b'1'..=b'9').contains(byte));
        if overflown || vanished { None } else { Score::new(number) }
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Score) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Score) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f64> for Score {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Score, &'static str> {
        Score::new(number).ok_or("not a number is no score")
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> f64 {
        score.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&double_to_text(self.0))
    }
}

/// A double as replies show it, C's `%.17g`: with an exponent below 10⁻⁴ and from 10¹⁷ on.
pub fn double_to_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let scientific = format!("{:.16e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the form has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    let digits = mantissa.replace('.', "");
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    let pointed = |whole: &str, rest: &str| {
        if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
    };
    match usize::try_from(exponent) {
        Ok(places @ 0..17) if digits.len() <= places => {
            format!("{sign}{digits}{}", "0".repeat(places + 1 - digits.len()))
        }
        Ok(places @ 0..17) => {
            let (whole, rest) = digits.split_at(places + 1);
            format!("{sign}{}", pointed(whole, rest))
        }
        Err(_) if exponent >= -4 => {
            format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1))
        }
        _ => {
            let (whole, rest) = digits.split_at(1);
            let direction = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{}e{direction}{:02}", pointed(whole, rest), exponent.unsigned_abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_the_c_library_does_and_read_back() {
        for (number, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (10.0, "10"),
            (100.5, "100.5"),
            (0.1, "0.10000000000000001"),
            (1.1, "1.1000000000000001"),
            (3.0e16, "30000000000000000"),
            (1e17, "1e+17"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e300, "1.0000000000000001e+300"),
            (-1.25e-300, "-1.25e-300"),
            (0.0001, "0.0001"),
            (-0.00012, "-0.00012"),
            (0.00001, "1.0000000000000001e-05"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (0.907_540_699_889_669_6, "0.90754069988966957"),
            (2.5e-5, "2.5000000000000001e-05"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(double_to_text(number), text);
            assert_eq!(Score::parse(text.as_bytes()).map(Score::get), Some(number));
        }
    }

    #[test]
    fn scores_are_ordered_and_what_is_none_is_refused() {
        assert_eq!(Score::new(-0.0), Score::new(0.0));
        assert_eq!(Score::new(-0.0).map(|score| score.to_string()), Some("0".to_owned()));
        assert_eq!(Score::new(f64::NAN), None);
        let sorted = [f64::NEG_INFINITY, -2.0, -1e-300, 0.0, 1e-300, 2.0, f64::INFINITY];
        assert!(sorted.windows(2).all(|pair| Score::new(pair[0]) < Score::new(pair[1])));
        for good in ["+inf", "-Infinity", "1.", ".5", "1E3", "-0", "+7", "0e999"] {
            assert!(Score::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["", "nan", "1e999", "-1e999", "1e-999", " 1", "1 ", "0x10", "str"] {
            assert!(Score::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
