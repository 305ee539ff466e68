//! Redis's glob patterns, for the names of settings and commands: `*`, `?`, `[a-c]`, `[^x]`, `\` before anything.
//!
//! Iterative with one point of return, so a hostile pattern costs at most pattern × text.

/// Whether the whole text matches.
pub(super) fn glob_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some(width) = pattern.get(p..).and_then(|rest| one(rest, text[t])) {
            p += width;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            p = star_p + 1;
            t = star_t + 1;
            star = Some((star_p, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// How many bytes of the pattern match this one byte.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => {
            let negated = rest.first() == Some(&b'^');
            let mut at = usize::from(negated);
            let mut found = false;
            while at < rest.len() && rest[at] != b']' {
                match &rest[at..] {
                    [b'\\', escaped, ..] => {
                        found |= *escaped == byte;
                        at += 2;
                    }
                    [low, b'-', high, ..] if *high != b']' => {
                        found |= (*low.min(high)..=*low.max(high)).contains(&byte);
                        at += 3;
                    }
                    _ => {
                        found |= rest[at] == byte;
                        at += 1;
                    }
                }
            }
            (found != negated).then_some((at + 2).min(pattern.len()))
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::glob_matches as glob;

    #[test]
    fn patterns_match_as_in_redis() {
        assert!(
            glob(b"*", b"") && glob(b"h*o", b"hello") && glob(b"h?llo", b"hallo") && glob(b"**a", b"banana")
        );
        assert!(glob(b"h[ae]llo", b"hello") && !glob(b"h[^e]llo", b"hello") && glob(b"h[a-c]", b"hb"));
        assert!(
            glob(b"a\\*", b"a*") && !glob(b"a\\*", b"ab") && !glob(b"abc", b"ab") && !glob(b"ab", b"abc")
        );
        assert!(!glob(&b"*a".repeat(40), &[b'b'; 5000]), "and it ends");
    }
}
