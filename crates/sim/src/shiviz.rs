//! A run as a log that ShiViz draws (<https://bestchai.bitbucket.io/shiviz/>): every event with its host and its vector clock.
//!
//! The first line is the expression by which ShiViz reads the rest, the second, which would part several runs, is empty. Then two lines an event: the host with its clock, and what happened there. Hosts are nodes (`n1`) and clients (`c0`). What nobody
//! wants to see (idle talk, what a filter leaves out) is no event: clocks do not tick for it, and nothing follows from it.
//!
//! Invariants: a host's own component rises by one with each of its events, from 1; a receipt's clock is at least its sending's in every component.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// The expression that reads an event.
pub const EXPRESSION: &str = r"(?<host>\S+) (?<clock>\{.*\})\n(?<event>.*)";

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// The node of this number, from 0.
    Node(usize),
    /// The client of this number, from 0.
    Client(usize),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Node(node) => write!(f, "n{}", node + 1),
            Host::Client(client) => write!(f, "c{client}"),
        }
    }
}

/// Says which sending a receipt belongs to; the default belongs to none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Option<u32>);

type Clock = BTreeMap<Host, u64>;

/// The log, as it grows.
#[derive(Debug, Default)]
pub struct ShiViz {
    clocks: BTreeMap<Host, Clock>,
    sent: Vec<Clock>,
    log: String,
}

impl ShiViz {
    /// Something happens at a host.
    pub fn happened(&mut self, host: Host, what: &str) {
        let clock = self.clocks.entry(host).or_default();
        *clock.entry(host).or_default() += 1;
        let parts: Vec<String> = clock.iter().map(|(host, count)| format!("\"{host}\":{count}")).collect();
        let what = what.replace('\n', " ");
        writeln!(self.log, "{host} {{{}}}\n{what}", parts.join(",")).expect("a string takes everything");
    }

    /// A host sends something.
    pub fn sent(&mut self, host: Host, what: &str) -> Stamp {
        self.happened(host, what);
        self.sent.push(self.clocks[&host].clone());
        Stamp(u32::try_from(self.sent.len() - 1).ok())
    }

    /// It arrives.
    pub fn received(&mut self, host: Host, stamp: Stamp, what: &str) {
        let Some(sent) = stamp.0.and_then(|at| self.sent.get(at as usize)) else { return };
        let clock = self.clocks.entry(host).or_default();
        for (host, count) in sent {
            let known = clock.entry(*host).or_default();
            *known = (*known).max(*count);
        }
        self.happened(host, what);
    }

    /// The whole file.
    pub fn into_log(self) -> String {
        format!("{EXPRESSION}\n\n{}", self.log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_knows_what_its_sending_knew() {
        let mut log = ShiViz::default();
        log.happened(Host::Node(1), "starts");
        let stamp = log.sent(Host::Node(0), "to 2");
        log.received(Host::Node(1), Stamp::default(), "nobody saw it leave");
        log.received(Host::Node(1), stamp, "from 1");
        let text = log.into_log();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], [EXPRESSION, ""]);
        assert_eq!(
            lines[2..],
            ["n2 {\"n2\":1}", "starts", "n1 {\"n1\":1}", "to 2", "n2 {\"n1\":1,\"n2\":2}", "from 1"]
        );
    }
}
