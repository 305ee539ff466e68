//! No file grows beyond what one idea needs: 600 lines outside of its tests. A file of tests alone may have 1,000.
//!
//! A ratchet: a file that is over the limit when the rule meets it may be listed with its size, and then only shrinks.

use super::{Finding, Tree, modules};
use crate::source;

/// Lines of a file, items under `#[cfg(test)]` not counted.
const LIMIT_LINES: usize = 600;

/// Lines of a file that only a test build reaches.
const TEST_LIMIT_LINES: usize = 1000;

/// Files over the limit, with the size that they must not pass. Never add one for new code.
const OVERSIZE: &[(&str, usize)] = &[];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let tests = modules::walk(tree).test_only;
    for (path, text) in tree.rust() {
        let lines = lines_without_tests(text);
        let usual = if tests.contains(path) { TEST_LIMIT_LINES } else { LIMIT_LINES };
        let limit = OVERSIZE.iter().find(|(known, _)| *known == path).map_or(usual, |(_, size)| *size);
        if lines > limit {
            let message = format!(
                "{lines} lines, and {limit} is the limit: find the idea in it that wants a file of its own"
            );
            found.push(Finding::new(path, 0, message));
        }
    }
    found
}

fn lines_without_tests(text: &str) -> usize {
    let code = source::code(text);
    let kept = source::without_tests(&code);
    // A line counts unless it held code and all of it belonged to a test.
    code.lines()
        .zip(kept.lines())
        .filter(|(all, rest)| all.trim().is_empty() || !rest.trim().is_empty())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_found_and_tests_do_not_count() {
        let lines = "fn a() {}\n".repeat(LIMIT_LINES);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{lines}}}\n");
        assert!(check(&Tree::of(&[("a.rs", &format!("{lines}{tests}"))])).is_empty());
        assert_eq!(check(&Tree::of(&[("a.rs", &format!("{lines}fn b() {{}}\n"))])).len(), 1);
    }
    #[test]
    fn a_file_of_tests_may_be_longer_but_not_endless() {
        let of = |lines: usize| {
            let text = "fn a() {}\n".repeat(lines);
            let files =
                [("crates/node/src/lib.rs", "#[cfg(test)]\nmod tests;"), ("crates/node/src/tests.rs", &text)];
            check(&Tree::of(&files).with_crate("node", &[])).len()
        };
        assert_eq!(of(TEST_LIMIT_LINES), 0);
        assert_eq!(of(TEST_LIMIT_LINES + 1), 1);
    }
}
