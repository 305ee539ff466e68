//! What a cluster of `dev` consists of: one folder and three ports a node, all derived from a few numbers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The host that all nodes listen on, unless they have hosts of their own.
const LOOPBACK: &str = "127.0.0.1";
/// From a node's RESP port to its HTTP port.
const HTTP_OFFSET: u16 = 100;
/// From a node's RESP port to its peer port.
const PEER_OFFSET: u16 = 200;

/// Where a node runs, if not like the others on this host: how tests lay links between nodes that they can cut.
#[derive(Clone, Debug)]
pub struct Host {
    /// The address that it listens on, reachable from here.
    pub address: String,
    /// What stands before the command that starts the node, such as `ip netns exec NAME`; it must become that command (`exec`).
    pub launcher: Vec<OsString>,
}

/// A cluster to be started.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The binary `quartet`.
    pub program: PathBuf,
    /// The folder of the cluster; each node has one below it.
    pub data: PathBuf,
    /// How many nodes.
    pub nodes: usize,
    /// The first node's RESP port.
    pub port: u16,
    /// One for each node, or none: then all are on this host's loopback.
    pub hosts: Vec<Host>,
    /// Further flags for each `quartet start`, such as `--shards 4`.
    pub flags: Vec<OsString>,
    /// Further environment for each node.
    pub environment: Vec<(String, String)>,
    /// The clients' password, if there is one: for asking the nodes how they are.
    pub password: Option<String>,
    /// Whether the nodes write to this process's stderr; else to a file each.
    pub verbose: bool,
}

/// One node of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// From 1.
    pub id: u64,
    /// `HOST:PORT` of the Redis protocol.
    pub resp: String,
    /// `HOST:PORT` of HTTP.
    pub http: String,
    /// `HOST:PORT` for peers.
    pub peer: String,
    /// Its data folder.
    pub data: PathBuf,
    /// Where its log lines go.
    pub log: PathBuf,
    /// The address that it listens on.
    pub(super) host: String,
    launcher: Vec<OsString>,
    ports: [u16; 3],
}

impl Plan {
    /// A plan without a password or further flags.
    pub fn new(program: impl Into<PathBuf>, data: impl Into<PathBuf>, nodes: usize, port: u16) -> Plan {
        Plan {
            program: program.into(),
            data: data.into(),
            nodes,
            port,
            hosts: Vec::new(),
            flags: Vec::new(),
            environment: Vec::new(),
            password: None,
            verbose: false,
        }
    }

    /// All nodes, in the order of their ids.
    pub fn node_plans(&self) -> Vec<NodePlan> {
        (0..self.nodes).map(|index| self.node(index)).collect()
    }

    fn node(&self, index: usize) -> NodePlan {
        let resp = self.port + index as u16;
        let ports = [resp, resp + HTTP_OFFSET, resp + PEER_OFFSET];
        let host = self.hosts.get(index);
        let address = host.map_or(LOOPBACK, |host| &host.address);
        let at = |port: u16| format!("{address}:{port}");
        NodePlan {
            id: index as u64 + 1,
            host: address.to_owned(),
            launcher: host.map(|host| host.launcher.clone()).unwrap_or_default(),
            resp: at(ports[0]),
            http: at(ports[1]),
            peer: at(ports[2]),
            data: self.data.join(format!("node-{}", index + 1)),
            log: self.data.join(format!("node-{}.log", index + 1)),
            ports,
        }
    }

    /// The arguments of `quartet` that start this node.
    pub(super) fn arguments(&self, node: &NodePlan) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["start".into(), "--data".into(), node.data.clone().into()];
        for (flag, value) in [
            ("--listen", node.host.clone()),
            ("--resp-port", node.ports[0].to_string()),
            ("--http-port", node.ports[1].to_string()),
            ("--peer-port", node.ports[2].to_string()),
        ] {
            arguments.extend([flag.into(), value.into()]);
        }
        if self.nodes > 1 {
            let peers: Vec<String> = self.node_plans().into_iter().map(|node| node.peer).collect();
            arguments.extend(["--join".into(), peers.join(",").into()]);
            arguments.extend(["--bootstrap-expect".into(), self.nodes.to_string().into()]);
        }
        // These nodes are for trying things out.
        arguments.push("--allow-faults".into());
        arguments.extend(self.flags.iter().cloned());
        arguments
    }

    /// The words that start this node, the program's name first or what launches it.
    pub(super) fn words(&self, node: &NodePlan) -> Vec<OsString> {
        let program = self.program.clone().into_os_string();
        node.launcher.iter().cloned().chain([program]).chain(self.arguments(node)).collect()
    }

    /// The line that starts this node by hand.
    pub fn restart_line(&self, node: &NodePlan) -> String {
        self.words(node).iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ")
    }
}

impl NodePlan {
    /// Its ports: RESP, HTTP, peers.
    pub(super) fn ports(&self) -> [u16; 3] {
        self.ports
    }
}

/// A word as a shell takes it.
fn shown(word: &std::ffi::OsStr) -> String {
    let text = Path::new(word).display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_folders_follow_from_the_first_port() {
        let plan = Plan::new("quartet", "/d", 3, 7001);
        let node = &plan.node_plans()[1];
        assert_eq!(
            (node.id, &*node.resp, &*node.http, &*node.peer),
            (2, "127.0.0.1:7002", "127.0.0.1:7102", "127.0.0.1:7202")
        );
        assert_eq!(node.data, Path::new("/d/node-2"));
    }

    #[test]
    fn the_line_that_restarts_a_node_survives_a_shell() {
        let plan = Plan::new("quartet", "/my data", 1, 7001);
        let line = plan.restart_line(&plan.node_plans()[0]);
        assert_eq!(
            line,
            "quartet start --data '/my data/node-1' --listen 127.0.0.1 --resp-port 7001 --http-port 7101 --peer-port 7201 --allow-faults"
        );
    }
}
