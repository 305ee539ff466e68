//! Hosts of our own: one network namespace a node, all on one bridge, with links that can be cut one way or both.
//!
//! Faults by `quartet fault` are dropped frames inside the processes. Here it is the network itself: what is cut is silent, TCP goes on sending it again, nobody is told. A direction is cut by a permanent wrong neighbour entry:
//! the sender's frames go to a hardware address that nobody has, so only `ip` is needed, no firewall. Clients reach every host from outside, over the bridge, whatever is cut between the nodes.
//! Needs root, `ip` and bash; without them [`Hosts::make`] answers `None`, and the test says so and is skipped by name.

use cli::dev::Host;
use std::process::{Command, Stdio};

/// An address that no host has.
const NOBODY: &str = "02:51:74:00:00:00";

/// Hosts that go away with the test.
pub(crate) struct Hosts {
    name: String,
    net: String,
    count: u64,
}

fn ip(words: &[&str]) -> bool {
    let status = Command::new("ip").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Hosts {
    /// So many hosts, from 1.
    pub(crate) fn make(count: u64) -> Option<Hosts> {
        let number = std::process::id() % 200 + 20;
        let hosts =
            Hosts { name: format!("qt{}", std::process::id()), net: format!("10.91.{number}"), count };
        let bridge = hosts.bridge();
        let made = ip(&["link", "add", &bridge, "type", "bridge"])
            && ip(&["addr", "add", &format!("{}.254/24", hosts.net), "dev", &bridge])
            && ip(&["link", "set", &bridge, "up"])
            && (1..=count).all(|host| hosts.add(host));
        made.then_some(hosts)
    }

    fn add(&self, host: u64) -> bool {
        let (space, outer) = (self.space(host), format!("{}v{host}", self.name));
        ip(&["netns", "add", &space])
            && ip(&["link", "add", &outer, "type", "veth", "peer", "name", "eth0", "netns", &space])
            && ip(&["link", "set", &outer, "master", &self.bridge(), "up"])
            && ip(&["-n", &space, "link", "set", "lo", "up"])
            && ip(&["-n", &space, "addr", "add", &format!("{}/24", self.address(host)), "dev", "eth0"])
            && ip(&["-n", &space, "link", "set", "eth0", "up"])
    }

    fn bridge(&self) -> String {
        format!("{}b", self.name)
    }

    fn space(&self, host: u64) -> String {
        format!("{}n{host}", self.name)
    }

    fn address(&self, host: u64) -> String {
        format!("{}.{host}", self.net)
    }

    /// For a cluster's plan.
    pub(crate) fn plan(&self) -> Vec<Host> {
        let host = |host| Host {
            address: self.address(host),
            launcher: ["ip", "netns", "exec", &self.space(host)].map(Into::into).to_vec(),
        };
        (1..=self.count).map(host).collect()
    }

    /// From now on nothing that `from` sends reaches `to`.
    pub(crate) fn cut_one_way(&self, from: u64, to: u64) {
        let cut = [
            "-n",
            &self.space(from),
            "neigh",
            "replace",
            &self.address(to),
            "lladdr",
            NOBODY,
            "nud",
            "permanent",
            "dev",
            "eth0",
        ];
        assert!(ip(&cut), "host {from} forgets where host {to} is");
    }

    /// Neither reaches the other.
    pub(crate) fn cut(&self, a: u64, b: u64) {
        self.cut_one_way(a, b);
        self.cut_one_way(b, a);
    }

    /// Cuts every pair but those that are kept.
    pub(crate) fn keep_only(&self, kept: impl Fn(u64, u64) -> bool) {
        for a in 1..=self.count {
            for b in a + 1..=self.count {
                if !kept(a, b) {
                    self.cut(a, b);
                }
            }
        }
    }

    /// Mends everything.
    pub(crate) fn heal(&self) {
        for from in 1..=self.count {
            for to in (1..=self.count).filter(|to| *to != from) {
                // Fails where nothing was cut and nothing was asked.
                ip(&["-n", &self.space(from), "neigh", "del", &self.address(to), "dev", "eth0"]);
            }
        }
    }

    /// Ends every TCP connection of a host with other hosts by a reset; answers how many.
    pub(crate) fn reset_connections(&self, host: u64) -> usize {
        let others = format!("{}.0/25", self.net);
        let kill = [
            "netns",
            "exec",
            &self.space(host),
            "ss",
            "-K",
            "-n",
            "-t",
            "-H",
            "state",
            "established",
            "dst",
            &others,
        ];
        let output = Command::new("ip").args(kill).stderr(Stdio::null()).output();
        output.map_or(0, |output| String::from_utf8_lossy(&output.stdout).lines().count())
    }

    /// Whether one host can connect to another's address: that a fault really is there. Both directions must work for that.
    pub(crate) fn reaches(&self, from: u64, address: &str) -> bool {
        let (host, port) = address.split_once(':').expect("HOST:PORT");
        let connect = format!("exec 3<>/dev/tcp/{host}/{port}");
        ip(&["netns", "exec", &self.space(from), "timeout", "2", "bash", "-c", &connect])
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in 1..=self.count {
            ip(&["netns", "del", &self.space(host)]);
        }
        ip(&["link", "del", &self.bridge()]);
    }
}
