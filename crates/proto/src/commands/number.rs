//! Numbers in arguments, read by Redis's rules rather than Rust's.
//!
//! An integer is what Redis itself would have printed: no leading plus, zeros or spaces. A float is what C's `strtold` takes whole, hexadecimal and NaN left out;
//! its value is computed where it is applied (`node::types`), because it must come out the same on every machine.

/// A signed integer, exactly as printed.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut magnitude: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// An unsigned integer, exactly as printed.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// Whether this is a float: digits with an optional sign, point and exponent, or `inf`.
pub fn is_float(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return true;
    }
    let (mantissa, exponent) = match text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e')) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let points = mantissa.iter().filter(|&&byte| byte == b'.').count();
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit()).count();
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    });
    digits > 0
        && points <= 1
        && points + digits == mantissa.len()
        && exponent_is_good
        && text.len() < 5 * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_only_as_redis_prints_them() {
        for number in [0, 1, -1, 42, i64::MAX, i64::MIN] {
            assert_eq!(parse_i64(number.to_string().as_bytes()), Some(number));
        }
        for bad in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            " 1",
            "1 ",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "0x1",
            "٣",
        ] {
            assert_eq!(parse_i64(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn floats_are_read_as_the_c_library_reads_them() {
        for good in ["1", "-1.5", "+.5", "5.", "1e5", "1E-5", "1.5e+3", "inf", "-Infinity"] {
            assert!(is_float(good.as_bytes()), "{good}");
        }
        for bad in
            ["", ".", "-", "1e", "1e+", " 1", "1 ", "nan", "1.2.3", "abc", "1a", "0x10", "--1", "1e5.5"]
        {
            assert!(!is_float(bad.as_bytes()), "{bad}");
        }
    }
}
