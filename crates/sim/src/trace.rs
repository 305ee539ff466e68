//! What happened, twice: as a number that two runs of a seed must share, and as lines that a person can read.
//!
//! Everything that happens is folded into the fingerprint, always. Lines are made only when somebody wants them: one line an event, virtual time on the left, then a
//! column for each node, so that the eye can follow one node down the page; what concerns the whole world stands in a column of its own, at the left.
//!
//! Invariant: making lines changes nothing in the run.

use crate::schedule::Instant;
use std::fmt::Write;
use xxhash_rust::xxh3::Xxh3;

const COLUMN_CHARS: usize = 14;

/// The record of a run.
pub struct Trace {
    fingerprint: Xxh3,
    events: u64,
    lines: Option<String>,
    nodes: usize,
}

impl Trace {
    /// An empty record for a cluster of this many nodes.
    pub fn new(nodes: usize, with_lines: bool) -> Trace {
        Trace { fingerprint: Xxh3::new(), events: 0, lines: with_lines.then(String::new), nodes }
    }

    /// Whether lines are wanted.
    pub fn has_lines(&self) -> bool {
        self.lines.is_some()
    }

    /// Records something that happened to a node (`Some`, from 0) or to the world (`None`). `what` is the kind, a fixed word; `data` whatever bytes
    /// tell this event from others; `line` is asked only when lines are wanted.
    pub fn add(
        &mut self,
        at: Instant,
        node: Option<usize>,
        what: &'static str,
        data: &[u8],
        line: impl FnOnce() -> String,
    ) {
        self.events += 1;
        self.fingerprint.update(&at.0.to_le_bytes());
        self.fingerprint.update(&[node.map_or(u8::MAX, |node| node as u8)]);
        self.fingerprint.update(what.as_bytes());
        self.fingerprint.update(data);
        if let Some(lines) = &mut self.lines {
            let column = node.map_or(0, |node| node + 1);
            let indent = column * COLUMN_CHARS;
            let ruler: String =
                (0..indent).map(|at| if at % COLUMN_CHARS == 0 { '.' } else { ' ' }).collect();
            let text = line();
            let space = if text.is_empty() { "" } else { " " };
            writeln!(lines, "{at} {ruler}{what}{space}{text}").expect("a string takes everything");
        }
    }

    /// The number that two runs of one seed share.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint.digest()
    }

    /// How many events were recorded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines, under a heading with the nodes' numbers; empty if none were wanted.
    pub fn into_lines(self) -> String {
        let Some(lines) = self.lines else { return String::new() };
        let mut heading = format!("{:>10} {:<COLUMN_CHARS$}", "time", "world");
        for node in 1..=self.nodes {
            write!(heading, "{:<COLUMN_CHARS$}", format!("node {node}")).expect("a string takes everything");
        }
        format!("{}\n{lines}", heading.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_do_not_change_the_fingerprint_and_every_event_does() {
        let record = |with_lines: bool, data: &[u8]| {
            let mut trace = Trace::new(3, with_lines);
            trace.add(Instant(1), Some(2), "frame", data, || "from 1".to_owned());
            trace.fingerprint()
        };
        assert_eq!(record(true, b"a"), record(false, b"a"));
        assert_ne!(record(true, b"a"), record(true, b"b"));
    }

    #[test]
    fn each_node_has_its_column() {
        let mut trace = Trace::new(2, true);
        trace.add(Instant(1_500_000), None, "heal", &[], String::new);
        trace.add(Instant(2_000_000), Some(1), "crash", &[], || "power".to_owned());
        let lines = trace.into_lines();
        let found: Vec<&str> = lines.lines().collect();
        assert_eq!(found[0].find("node 2"), found[2].find("crash"));
        assert!(found[1].ends_with(" heal"));
    }
}
