//! The words of the language: nodes, spans of time, directions, settings.

use crate::schedule::{MILLISECOND, SECOND};

/// The name of a message's kind that means all of them.
const ALL: &str = "all";

/// A node's number, from 0, of a cluster of so many.
pub(super) fn node(word: &str, nodes: usize) -> Result<usize, String> {
    match word.parse::<usize>() {
        Ok(number) if (1..=nodes).contains(&number) => Ok(number - 1),
        _ => Err(format!("'{word}' is none of the {nodes} nodes")),
    }
}

/// A span of time in nanoseconds: `300ms`, `2s`.
pub(super) fn span_ns(word: &str) -> Result<u64, String> {
    let number = |digits: &str| digits.parse::<u64>().ok();
    let ms = word.strip_suffix("ms").and_then(number).map(|ms| ms * MILLISECOND);
    let span = ms.or_else(|| word.strip_suffix('s').and_then(number).map(|seconds| seconds * SECOND));
    span.ok_or_else(|| format!("'{word}' is no span of time, such as 300ms or 2s"))
}

/// `key=value`, or the word alone and nothing.
pub(super) fn setting(word: &str) -> (&str, &str) {
    word.split_once('=').unwrap_or((word, ""))
}

/// Which messages are meant: `append heartbeat from 1 to 2`; what is left out means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meant {
    kinds: Vec<String>,
    from: Option<usize>,
    to: Option<usize>,
}

impl Meant {
    /// Reads them.
    pub(super) fn parse(words: &[String], nodes: usize) -> Result<Meant, String> {
        let mut meant = Meant::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut end = || node(words.next().ok_or("a node is missing")?, nodes).map(Some);
            match word.as_str() {
                "from" => meant.from = end()?,
                "to" => meant.to = end()?,
                ALL => {}
                kind => meant.kinds.push(kind.to_owned()),
            }
        }
        Ok(meant)
    }

    /// Whether a message is among them.
    pub(super) fn has(&self, kind: &str, from: usize, to: usize) -> bool {
        (self.kinds.is_empty() || self.kinds.iter().any(|known| known == kind))
            && self.from.is_none_or(|known| known == from)
            && self.to.is_none_or(|known| known == to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_nodes_are_read_or_refused() {
        assert_eq!(span_ns("300ms"), Ok(300 * MILLISECOND));
        assert_eq!(span_ns("2s"), Ok(2 * SECOND));
        assert!(span_ns("2").is_err() && span_ns("s").is_err());
        assert_eq!(node("3", 3), Ok(2));
        assert!(node("4", 3).is_err() && node("0", 3).is_err());
    }

    #[test]
    fn what_is_left_out_means_any() {
        let words: Vec<String> = ["append", "from", "1"].map(str::to_owned).to_vec();
        let meant = Meant::parse(&words, 3).expect("it makes sense");
        assert!(meant.has("append", 0, 2) && !meant.has("append", 1, 2) && !meant.has("heartbeat", 0, 2));
        assert!(Meant::default().has("announce", 2, 1));
    }
}
