//! The repository stands alone: no file of it points at a folder that a stranger who clones it does not have.

use super::{Finding, Tree};

/// This file must name what it forbids.
const THIS: &str = "xtask/src/tidy/outside.rs";
const PLACES: &[&str] = &["../shared", "/work/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.files.iter().filter(|(path, _)| *path != THIS) {
        for (index, line) in text.lines().enumerate() {
            for place in PLACES.iter().filter(|place| line.contains(**place)) {
                let message = format!(
                    "`{place}` is outside of the repository: bring what is needed in, or say it here"
                );
                found.push(Finding::new(path, index + 1, message));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_to_the_outside_is_found() {
        assert_eq!(check(&Tree::of(&[("docs/a.md", "x\nsee ../shared/design\n")]))[0].line, 2);
        assert!(check(&Tree::of(&[("docs/a.md", "shared state")])).is_empty());
    }
}
