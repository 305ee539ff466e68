//! What a cluster of `dev` consists of: one folder and three ports a node, all derived from a few numbers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The host that all nodes listen on.
pub(super) const HOST: &str = "127.0.0.1";
/// From a node's RESP port to its HTTP port.
const HTTP_OFFSET: u16 = 100;
/// From a node's RESP port to its peer port.
const PEER_OFFSET: u16 = 200;

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
        let at = |port: u16| format!("{HOST}:{port}");
        NodePlan {
            id: index as u64 + 1,
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
            ("--listen", HOST.to_owned()),
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

    /// The line that starts this node by hand.
    pub fn restart_line(&self, node: &NodePlan) -> String {
        let mut line = shown(self.program.as_os_str());
        for argument in self.arguments(node) {
            line.push(' ');
            line.push_str(&shown(&argument));
        }
        line
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
