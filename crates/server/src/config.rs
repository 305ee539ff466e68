//! What `quartet start` is told, and what of it cannot work.

use crate::refusal::Refusal;
use directory::Address;
use proto::level::Ladder;
use proto::limits::{MAX_LEVEL_PORTS, MAX_NODES, MAX_REPLICAS, MAX_SHARDS};
use std::net::IpAddr;
use std::path::PathBuf;

/// One node's settings. They do not change while it runs.
#[derive(Clone)]
pub struct Config {
    /// The data folder; made if it is missing.
    pub data: PathBuf,
    /// The host or IP address to listen on.
    pub listen: String,
    /// The host or IP address at which others reach this node; `listen` unless given.
    pub advertise: Option<String>,
    /// For Redis clients.
    pub resp_port: u16,
    /// More ports for Redis clients, each with the ladder that its connections start with.
    pub level_ports: Vec<(Ladder, u16)>,
    /// For HTTP.
    pub http_port: u16,
    /// For peers.
    pub peer_port: u16,
    /// Peer addresses of some nodes to found a cluster with; may name this node too.
    pub join: Vec<Address>,
    /// How many nodes found the cluster, this one included. `None`: alone if `join` is empty.
    pub bootstrap_expect: Option<usize>,
    /// Replicas of each shard. Counts when the cluster is founded.
    pub replicas: u32,
    /// Number of shards. Counts when the cluster is founded.
    pub shards: u32,
    /// What clients must know.
    pub password: Option<Vec<u8>>,
    /// What peers prove to each other.
    pub secret: Option<Vec<u8>>,
    /// Writes that grow the data are refused beyond this.
    pub memory_limit_bytes: Option<u64>,
    /// Whether orders to cut links and to stand still are obeyed (`QUARTET FAULT`).
    pub allow_faults: bool,
}

impl Config {
    /// Settings of a cluster of one that listens on 127.0.0.1.
    pub fn new(data: PathBuf) -> Config {
        Config {
            data,
            listen: "127.0.0.1".to_owned(),
            advertise: None,
            resp_port: 7001,
            level_ports: Vec::new(),
            http_port: 7101,
            peer_port: 7201,
            join: Vec::new(),
            bootstrap_expect: None,
            replicas: 3,
            shards: 32,
            password: None,
            secret: None,
            memory_limit_bytes: None,
            allow_faults: false,
        }
    }

    /// How many nodes found the cluster.
    pub fn expected_nodes(&self) -> Option<usize> {
        self.bootstrap_expect.or(if self.join.is_empty() { Some(1) } else { None })
    }

    /// The host at which others reach this node.
    pub fn advertised_host(&self) -> &str {
        self.advertise.as_deref().unwrap_or(&self.listen)
    }

    /// Refuses what cannot work, with what to do instead.
    pub fn check(&self) -> Result<(), Refusal> {
        let refuse = |sentence: String| Err(Refusal::new(sentence));
        let host = self.advertised_host();
        if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
            return refuse(format!(
                "{host} is no address that others can connect to; say with --advertise at which address this node is reached"
            ));
        }
        for (option, port) in [
            ("--resp-port", self.resp_port),
            ("--http-port", self.http_port),
            ("--peer-port", self.peer_port),
        ] {
            Address::new(host, port).check().map_err(|why| Refusal::new(format!("{option}: {why}")))?;
        }
        if self.resp_port == self.http_port
            || self.resp_port == self.peer_port
            || self.http_port == self.peer_port
        {
            return refuse(
                "--resp-port, --http-port and --peer-port must be three different ports".to_owned(),
            );
        }
        let mut taken = vec![self.resp_port, self.http_port, self.peer_port];
        for (ladder, port) in &self.level_ports {
            Address::new(host, *port)
                .check()
                .map_err(|why| Refusal::new(format!("--level-port {ladder}={port}: {why}")))?;
            if taken.contains(port) {
                return refuse(format!(
                    "--level-port {ladder}={port}: this node has another use for port {port}; choose one of its own"
                ));
            }
            taken.push(*port);
        }
        if self.level_ports.len() > MAX_LEVEL_PORTS {
            return refuse(format!("--level-port: at most {MAX_LEVEL_PORTS} of them"));
        }
        if !(1..=MAX_REPLICAS).contains(&(self.replicas as usize)) {
            return refuse(format!("--replicas {}: choose 1 to {MAX_REPLICAS}", self.replicas));
        }
        if !(1..=MAX_SHARDS).contains(&self.shards) {
            return refuse(format!("--shards {}: choose 1 to {MAX_SHARDS}", self.shards));
        }
        if let Some(expect) = self.bootstrap_expect {
            if !(1..=MAX_NODES).contains(&expect) {
                return refuse(format!("--bootstrap-expect {expect}: choose 1 to {MAX_NODES}"));
            }
            if expect > 1 && self.join.is_empty() {
                return refuse(format!(
                    "--bootstrap-expect {expect} needs --join with the peer address of at least one other node"
                ));
            }
        }
        for (what, bytes) in [("password", &self.password), ("cluster secret", &self.secret)] {
            if bytes.as_ref().is_some_and(Vec::is_empty) {
                return refuse(format!(
                    "the {what} is empty; write one into its file, or leave the option out"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl Fn(&mut Config)) -> String {
        let mut config = Config::new("data".into());
        assert_eq!(config.check(), Ok(()));
        change(&mut config);
        config.check().expect_err("refused").to_string()
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_way_out() {
        assert!(refusal(|c| c.listen = "0.0.0.0".into()).contains("--advertise"));
        assert!(refusal(|c| c.advertise = Some("::".into())).contains("--advertise"));
        assert!(refusal(|c| c.http_port = c.resp_port).contains("three different ports"));
        assert!(refusal(|c| c.level_ports = vec![(Ladder::default(), c.http_port)]).contains("another use"));
        assert!(refusal(|c| c.level_ports = vec![(Ladder::default(), 7011); 2]).contains("another use"));
        assert!(
            refusal(|c| c.level_ports = vec![(Ladder::default(), 0)]).contains("--level-port linearizable=0")
        );
        assert!(refusal(|c| c.peer_port = 0).contains("--peer-port"));
        assert!(refusal(|c| c.bootstrap_expect = Some(3)).contains("--join"));
        assert!(refusal(|c| c.replicas = 8).contains("1 to 7"));
        assert!(refusal(|c| c.password = Some(vec![])).contains("password"));
    }
}
