//! How many tests ran, read from the closing lines of test runners, so that the gate can close with one such line.
//!
//! Understood: nextest's `Summary`, `test result:` of cargo test, and a line that is `N passed, N failed, N skipped`. Tests
//! that a runner was told to leave out (soak tests, another step's share) are not skips and are not counted.

use std::fmt;
use std::ops::AddAssign;

/// Sums over runners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Counts {
    /// Adds what a line of output says, if it is a closing line.
    pub(super) fn read(&mut self, line: &str) {
        let line = line.trim();
        let runner = line.starts_with("Summary [") || line.starts_with("test result:");
        let plain = line.split(", ").all(|part| {
            part.split_once(' ').is_some_and(|(number, word)| {
                number.parse::<u64>().is_ok() && matches!(word, "passed" | "failed" | "skipped")
            })
        });
        if !runner && !plain {
            return;
        }
        let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" | "timed" => self.failed += number,
                "skipped" if plain => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(line: &str) -> (u64, u64, u64) {
        let mut counts = Counts::default();
        counts.read(line);
        (counts.passed, counts.failed, counts.skipped)
    }

    #[test]
    fn closing_lines_of_the_runners_are_understood() {
        assert_eq!(
            counted(
                "     Summary [   1.5s] 15 tests run: 12 passed (1 slow), 2 failed, 1 timed out, 9 skipped"
            ),
            (12, 3, 0)
        );
        assert_eq!(
            counted("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out"),
            (3, 0, 0)
        );
        assert_eq!(counted("175 passed, 1 failed, 2 skipped"), (175, 1, 2));
    }

    #[test]
    fn other_lines_are_not() {
        assert_eq!(counted("checked 3 passed nodes"), (0, 0, 0));
        assert_eq!(counted("seed 4: 3 passed, 1 failed"), (0, 0, 0));
        assert_eq!(counted(""), (0, 0, 0));
    }
}
