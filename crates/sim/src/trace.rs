//! What happened, twice: as a number that two runs of a seed must share, and as lines that a person can read.
//!
//! Everything that happens is folded into the fingerprint, always. Lines are made only when somebody wants them: one line an event, virtual time on the left, then a
//! column for each node, so that the eye can follow one node down the page; what concerns the whole world stands in a column of its own, at the left.
//!
//! A filter leaves lines out: other nodes, other groups, other times. Beside the lines there may be a diagram (`shiviz`), under the same filter.
//!
//! Invariant: making lines changes nothing in the run.

use crate::schedule::Instant;
use crate::shiviz::{Host, ShiViz, Stamp};
use std::fmt::Write;
use xxhash_rust::xxh3::Xxh3;

const COLUMN_CHARS: usize = 14;

/// What is shown of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only what happens to this node, from 0.
    pub node: Option<usize>,
    /// Of messages, only those of this group.
    pub group: Option<u32>,
    /// Nothing before this, in nanoseconds.
    pub from_ns: Option<u64>,
    /// Nothing after this, in nanoseconds.
    pub to_ns: Option<u64>,
}

impl Filter {
    fn shows(&self, at: Instant, node: Option<usize>) -> bool {
        self.from_ns.is_none_or(|from| at.0 >= from)
            && self.to_ns.is_none_or(|to| at.0 <= to)
            && (self.node.is_none() || node.is_none() || self.node == node)
    }

    /// What is left of a text about several messages; `None` if nothing is.
    fn of_group(&self, text: String) -> Option<String> {
        let Some(group) = self.group else { return Some(text) };
        let (head, messages) = match text.split_once(": ") {
            Some((head, messages)) if messages.starts_with('g') || messages.contains("; ") => {
                (head, messages)
            }
            _ => return Some(text).filter(|text| is_about(text, group)),
        };
        let kept: Vec<&str> = messages.split("; ").filter(|message| is_about(message, group)).collect();
        (!kept.is_empty()).then(|| format!("{head}: {}", kept.join("; ")))
    }
}

/// Whether a text is about this group, or about none that it names.
fn is_about(text: &str, group: u32) -> bool {
    let number =
        |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().ok();
    let named = match text.strip_prefix('g').and_then(number) {
        Some(named) => Some(named),
        None => text.split_once("group: GroupId(").and_then(|(_, rest)| number(rest)),
    };
    named.is_none_or(|named| named == group)
}

/// What is to be recorded of a run besides its fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceParams {
    /// Lines.
    pub lines: bool,
    /// A diagram.
    pub shiviz: bool,
    /// Of what.
    pub filter: Filter,
}

/// The record of a run.
pub struct Trace {
    fingerprint: Xxh3,
    events: u64,
    lines: Option<String>,
    shiviz: Option<ShiViz>,
    filter: Filter,
    now: Instant,
    nodes: usize,
}

impl Trace {
    /// An empty record for a cluster of this many nodes.
    pub fn new(nodes: usize, params: TraceParams) -> Trace {
        Trace {
            fingerprint: Xxh3::new(),
            events: 0,
            lines: params.lines.then(String::new),
            shiviz: params.shiviz.then(ShiViz::default),
            filter: params.filter,
            now: Instant(0),
            nodes,
        }
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
        self.now = at;
        if let Some(lines) = self.lines.as_mut().filter(|_| self.filter.shows(at, node)) {
            let Some(text) = self.filter.of_group(line()) else { return };
            let column = node.map_or(0, |node| node + 1);
            let indent = column * COLUMN_CHARS;
            let ruler: String =
                (0..indent).map(|at| if at % COLUMN_CHARS == 0 { '.' } else { ' ' }).collect();
            let space = if text.is_empty() { "" } else { " " };
            writeln!(lines, "{at} {ruler}{what}{space}{text}").expect("a string takes everything");
        }
    }

    fn diagram(&mut self, host: Host) -> Option<&mut ShiViz> {
        let node = if let Host::Node(node) = host { Some(node) } else { None };
        self.shiviz.as_mut().filter(|_| self.filter.shows(self.now, node))
    }

    /// For the diagram: something happens at a host.
    pub fn happened(&mut self, host: Host, what: impl FnOnce() -> String) {
        let filter = self.filter;
        if let Some(diagram) = self.diagram(host)
            && let Some(what) = filter.of_group(what())
        {
            diagram.happened(host, &what);
        }
    }

    /// For the diagram: something is sent, unless nobody wants to see it.
    pub fn sent(&mut self, host: Host, what: impl FnOnce() -> Option<String>) -> Stamp {
        let filter = self.filter;
        let Some(diagram) = self.diagram(host) else { return Stamp::default() };
        what()
            .and_then(|what| filter.of_group(what))
            .map_or(Stamp::default(), |what| diagram.sent(host, &what))
    }

    /// For the diagram: what was sent arrives.
    pub fn received(&mut self, host: Host, stamp: Stamp, what: impl FnOnce() -> String) {
        let filter = self.filter;
        if stamp != Stamp::default()
            && let Some(diagram) = self.diagram(host)
            && let Some(what) = filter.of_group(what())
        {
            diagram.received(host, stamp, &what);
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

    /// The lines, under a heading with the nodes' numbers, and the diagram; empty where they were not wanted.
    pub fn into_text(mut self) -> (String, String) {
        let diagram = self.shiviz.take().map(ShiViz::into_log).unwrap_or_default();
        (self.into_lines(), diagram)
    }

    fn into_lines(self) -> String {
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
            let mut trace = Trace::new(3, TraceParams { lines: with_lines, ..TraceParams::default() });
            trace.add(Instant(1), Some(2), "frame", data, || "from 1".to_owned());
            trace.fingerprint()
        };
        assert_eq!(record(true, b"a"), record(false, b"a"));
        assert_ne!(record(true, b"a"), record(true, b"b"));
    }

    #[test]
    fn each_node_has_its_column() {
        let mut trace = Trace::new(2, TraceParams { lines: true, ..TraceParams::default() });
        trace.add(Instant(1_500_000), None, "heal", &[], String::new);
        trace.add(Instant(2_000_000), Some(1), "crash", &[], || "power".to_owned());
        let lines = trace.into_lines();
        let found: Vec<&str> = lines.lines().collect();
        assert_eq!(found[0].find("node 2"), found[2].find("crash"));
        assert!(found[1].ends_with(" heal"));
    }

    #[test]
    fn a_filter_leaves_what_it_names_and_what_concerns_the_world() {
        let filter = Filter { node: Some(1), group: Some(3), from_ns: Some(10), to_ns: Some(20) };
        let mut trace = Trace::new(2, TraceParams { lines: true, filter, ..TraceParams::default() });
        let mut add = |at, node, text: &str| trace.add(Instant(at), node, "x", &[], || text.to_owned());
        add(9, Some(1), "early");
        add(10, Some(0), "elsewhere");
        add(10, None, "world");
        add(11, Some(1), "to 2: g2 append t1; g3 append t2; announce; g33 append");
        add(12, Some(1), "to 2: g2 append t1; g33 append");
        add(13, Some(1), "LeaderElected { group: GroupId(3), term: Term(1) }");
        add(13, Some(1), "LeaderElected { group: GroupId(4), term: Term(1) }");
        add(21, Some(1), "late");
        let lines = trace.into_lines();
        let found: Vec<&str> = lines.lines().skip(1).map(|line| line.split_once("x ").unwrap().1).collect();
        assert_eq!(
            found,
            ["world", "to 2: g3 append t2; announce", "LeaderElected { group: GroupId(3), term: Term(1) }"]
        );
    }
}
