//! Redis's glob patterns: `*`, `?`, `[a-z]`, `[^…]`, `\` before a character that stands for itself.
//!
//! A mismatch goes back to the last `*` only, which is enough: what an earlier one could still take, the last one can take too. So the time is at most the
//! product of the two lengths, and nothing recurses. An unclosed `[` goes to the end of the pattern, as in Redis.

/// Whether the pattern matches the whole text, byte by byte.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, t));
            continue;
        }
        if t == text.len() && p == pattern.len() {
            return true;
        }
        let next = match text.get(t) {
            Some(&byte) if p < pattern.len() => one(pattern, p, byte),
            _ => None,
        };
        match (next, &mut star) {
            (Some(next), _) => (p, t) = (next, t + 1),
            (None, Some((after_star, taken))) if *taken < text.len() => {
                *taken += 1;
                (p, t) = (*after_star, *taken);
            }
            (None, _) => return false,
        }
    }
}

/// Where the pattern goes on if its element at `p` (no `*`) matches this byte.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match pattern[p] {
        b'?' => Some(p + 1),
        b'[' => {
            let (next, matched) = class(pattern, p + 1, byte);
            matched.then_some(next)
        }
        b'\\' if p + 1 < pattern.len() => (pattern[p + 1] == byte).then_some(p + 2),
        literal => (literal == byte).then_some(p + 1),
    }
}

/// A class whose first character is at `p`: where it ends, and whether it has this byte.
fn class(pattern: &[u8], mut p: usize, byte: u8) -> (usize, bool) {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut found = false;
    loop {
        match pattern[p.min(pattern.len())..] {
            [] => return (pattern.len(), found != negated),
            [b'\\', literal, ..] => {
                found |= literal == byte;
                p += 2;
            }
            [b']', ..] => return (p + 1, found != negated),
            [start, b'-', end, ..] => {
                found |= (start.min(end)..=start.max(end)).contains(&byte);
                p += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                p += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("foo*", "foobar", true),
            ("*bar", "foobar", true),
            ("*o*a*", "foobar", true),
            ("*o*x*", "foobar", false),
            ("f?o", "foo", true),
            ("f?o", "fo", false),
            ("h[ae]llo", "hello", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h[a-b]llo", "hcllo", false),
            ("[abc", "c", true),
            ("[", "[", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"[\]]", "]", true),
            (r"\", r"\", true),
            ("**a", "ba", true),
            ("a*b*c", "aXbYbZc", true),
            ("[^]x", "ax", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "a*".repeat(2000) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(20_000).as_bytes()));
    }
}
