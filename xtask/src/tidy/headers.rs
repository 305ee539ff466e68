//! Every Rust file opens with a `//!` header of at least a sentence: what it is, why this way, what it does not do.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.rust() {
        let header: String = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!").trim())
            .collect::<Vec<_>>()
            .join(" ");
        let sentence = header.len() >= 30 && header.contains(' ') && header.contains(['.', ':', '!', '?']);
        if !sentence {
            found.push(Finding::new(
                path,
                1,
                "open the file with a `//!` header: what it is, why this way, its invariants",
            ));
        } else if header.contains("Placeholder") {
            found.push(Finding::new(path, 1, "the header is still a placeholder: say what the file is"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check(&Tree::of(&[("crates/node/src/a.rs", text)])).len()
    }

    #[test]
    fn a_sentence_is_enough() {
        assert_eq!(findings("//! Shards are ranges of slots, and this file finds them.\nfn a() {}"), 0);
    }

    #[test]
    fn no_header_a_word_or_a_placeholder_is_not() {
        assert_eq!(findings("fn a() {}\n//! Shards are ranges of slots, found here."), 1);
        assert_eq!(findings("//! Shards."), 1);
        assert_eq!(findings("//! Placeholder header; to be replaced by its builder."), 1);
    }
}
