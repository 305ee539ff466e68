//! Rust source as the rules read it: what is code, what is comment, what is test, without a parser.
//!
//! A small scanner blanks what a rule must not see (comments and the insides of literals) and keeps every line where
//! it was, so that findings name lines. A full parser would be slower to build than all rules together.
//!
//! Caveat: macros that define tokens of their own are read as plain tokens. The rules that need certainty (types,
//! methods) are clippy's, in the `clippy.toml` files.

/// The code alone: comments, and the insides of string and character literals, are blanks.
pub(crate) fn code(source: &str) -> String {
    split(source).0
}

/// The comments alone: everything else is blanks.
pub(crate) fn comments(source: &str) -> String {
    split(source).1
}

/// Code without the items under `#[cfg(test)]`. Takes what [`code`] returned.
pub(crate) fn without_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = find(&bytes, b"#[cfg(test)]", from) {
        let end = item_end(&bytes, found);
        for byte in &mut bytes[found..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// The line (from 1) of a byte offset.
pub(crate) fn line_of(source: &str, offset: usize) -> usize {
    source.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Offsets at which `path` (`std::fs`, `raft::`) stands as a path of its own: not inside a longer name, nor behind `::`.
pub(crate) fn path_uses(code: &str, path: &str) -> Vec<usize> {
    code.match_indices(path)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = code[..*at].trim_end_matches("::").len();
            let absolute = before + 2 == *at && !code[..before].ends_with(is_name);
            let starts = before == *at && !code[..*at].ends_with(is_name);
            let ends = path.ends_with("::") || !code[at + path.len()..].starts_with(is_name);
            (starts || absolute) && ends
        })
        .collect()
}

/// Every full path that the `use` items name, with the offset of its item: `use std::{fs, io::Read}` gives two.
pub(crate) fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in path_uses(code, "use") {
        let Some(end) = code[at..].find(';') else { continue };
        expand("", &code[at + "use".len()..at + end], &mut |path| found.push((at, path)));
    }
    found
}

fn expand(prefix: &str, tree: &str, emit: &mut impl FnMut(String)) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let path: String = path.chars().filter(|letter| !letter.is_whitespace()).collect();
        emit(format!("{prefix}{}", path.trim_start_matches("::")));
        return;
    };
    let head: String = tree[..open].chars().filter(|letter| !letter.is_whitespace()).collect();
    let prefix = format!("{prefix}{}", head.trim_start_matches("::"));
    let body = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let mut depth = 0;
    let mut start = 0;
    for (at, letter) in body.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &body[start..at], emit);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !body[start..].trim().is_empty() {
        expand(&prefix, &body[start..], emit);
    }
}

/// Where the item that begins with the attribute at `start` ends: behind its `;` or its closing brace.
fn item_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'[' | b'(' => brackets += 1,
            b']' | b')' => brackets = brackets.saturating_sub(1),
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| at + from)
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Code and comments, each with the other blanked out.
fn split(source: &str) -> (String, String) {
    let bytes = source.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut comments = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (kind, end) = token(bytes, at);
        for (index, byte) in bytes[at..end].iter().enumerate() {
            let edge = index == 0 || at + index + 1 == end;
            let blank = if *byte == b'\n' { b'\n' } else { b' ' };
            match kind {
                Kind::Code => {
                    code.push(*byte);
                    comments.push(blank);
                }
                Kind::Comment => {
                    code.push(blank);
                    comments.push(*byte);
                }
                Kind::Literal => {
                    code.push(if edge { *byte } else { blank });
                    comments.push(blank);
                }
            }
        }
        at = end;
    }
    // Blanks replace whole runs between ASCII delimiters, so both stay valid UTF-8.
    (String::from_utf8_lossy(&code).into_owned(), String::from_utf8_lossy(&comments).into_owned())
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Literal,
}

fn token(bytes: &[u8], at: usize) -> (Kind, usize) {
    let rest = &bytes[at..];
    let inside_name = at > 0 && is_name(char::from(bytes[at - 1]));
    if rest.starts_with(b"//") {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        return (Kind::Comment, at + end);
    }
    if rest.starts_with(b"/*") {
        return (Kind::Comment, block_comment_end(bytes, at));
    }
    if !inside_name && let Some(end) = raw_string_end(bytes, at) {
        return (Kind::Literal, end);
    }
    if rest[0] == b'"' {
        return (Kind::Literal, quoted_end(bytes, at + 1, b'"'));
    }
    // A character literal, and not a lifetime: 'x' or '\…'.
    if rest[0] == b'\'' {
        if rest.get(1) == Some(&b'\\') {
            return (Kind::Literal, quoted_end(bytes, at + 1, b'\''));
        }
        let width = std::str::from_utf8(&rest[1..rest.len().min(5)])
            .or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]))
            .ok()
            .and_then(|text| text.chars().next())
            .map_or(1, char::len_utf8);
        if rest.get(1 + width) == Some(&b'\'') {
            return (Kind::Literal, at + width + 2);
        }
    }
    (Kind::Code, at + 1)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if matches!(bytes[at], b'b' | b'c') {
        at += 1;
    }
    if bytes.get(at) != Some(&b'r') {
        return None;
    }
    at += 1;
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    at += hashes;
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut closing = vec![b'"'];
    closing.resize(1 + hashes, b'#');
    Some(find(bytes, &closing, at + 1).map_or(bytes.len(), |end| end + closing.len()))
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let source = "let a = \"std::fs // x\"; // std::net\n/* a /* b */ c */ let b = 'x'; let c: &'a str = r#\"q\"#;";
        let code = code(source);
        assert!(!code.contains("std::fs") && !code.contains("std::net") && !code.contains('q'), "{code}");
        assert!(code.contains("let b =") && code.contains("&'a str"), "{code}");
        assert_eq!(code.len(), source.len());
        assert!(comments(source).contains("std::net") && !comments(source).contains("let"));
    }

    #[test]
    fn quotes_and_escapes_do_not_derail() {
        assert!(code(r#"f('"'); g('\''); h("\""); std::fs"#).contains("std::fs"));
        assert!(code("f('é'); b'\"'; std::fs").contains("std::fs"));
    }

    #[test]
    fn test_items_are_cut_and_what_follows_stays() {
        let kept = without_tests(
            "#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(test)]\nmod t { fn b() { c() } }\nfn d() {}",
        );
        assert!(kept.contains("fn a()") && kept.contains("fn d()"), "{kept}");
        assert!(!kept.contains("mod tests") && !kept.contains("c()"), "{kept}");
        assert_eq!(line_of(&kept, kept.find("fn d()").unwrap()), 6);
    }

    #[test]
    fn a_path_counts_only_when_it_stands_alone() {
        assert_eq!(path_uses("raft::X; ::raft::Y; crate::raft::Z; craft::W", "raft::").len(), 2);
        assert_eq!(path_uses("std::fs; std::fsx; std::fs::read", "std::fs").len(), 2);
    }

    #[test]
    fn grouped_imports_are_expanded() {
        let paths: Vec<String> = imports("use std::{fs, io::{self, Read as R}, net};\nuse a::b;")
            .into_iter()
            .map(|(_, path)| path)
            .collect();
        assert_eq!(paths, ["std::fs", "std::io::self", "std::io::Read", "std::net", "a::b"]);
    }
}
