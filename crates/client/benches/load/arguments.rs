//! What the load generator is asked to do.
//!
//! `cargo bench` without arguments of ours must not fail: then there is nothing to measure, and the help is shown.

use crate::{etcd, resp, session::Session, workload};
use clap::{Parser, ValueEnum};
use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Redis' RESP2.
    Resp,
    /// etcd's gRPC.
    Etcd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// Writes of random keys.
    Set,
    /// Reads of random keys; load them first.
    Get,
    /// Writes each key once, then ends, however long it takes.
    Load,
    /// Members of one set, each removed and added again
    Toggle,
    /// One request at a time, writes and reads of all four levels in turn
    Levels,
    /// Writers of their own keys while a process is killed; then every acknowledged write is read again.
    Failover,
    /// More than the servers can do, and what a client that asks for little feels meanwhile
    Overload,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Set => "set",
            Operation::Get => "get",
            Operation::Load => "load",
            Operation::Toggle => "toggle",
            Operation::Levels => "levels",
            Operation::Failover => "failover",
            Operation::Overload => "overload",
        }
    }
}

/// A closed-loop load generator in one thread: every connection waits for an answer before it asks again.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Arguments {
    /// What the servers speak
    #[arg(long, value_enum, default_value = "resp")]
    pub(crate) proto: Protocol,
    /// Addresses; the connections are spread over them in turn
    #[arg(long, value_delimiter = ',')]
    pub(crate) addrs: Vec<SocketAddr>,
    #[arg(long, value_enum, default_value = "set")]
    pub(crate) op: Operation,
    /// Connections; with failover, writers
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) conns: u32,
    /// Requests on their way on each connection
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) pipeline: u32,
    /// Seconds that are measured
    #[arg(long, default_value_t = 5.0)]
    pub(crate) secs: f64,
    /// Seconds before that, which are not
    #[arg(long, default_value_t = 1.0)]
    pub(crate) warmup: f64,
    /// Different keys, 16 bytes each; with toggle, different members
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keys: u64,
    /// The level of each request, for a server that takes GET@LEVEL
    #[arg(long)]
    pub(crate) level: Option<String>,
    /// Hash tags that the keys have in turn, so that they live where these do
    #[arg(long, value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// levels: hash tags of keys whose leader is the node that is asked
    #[arg(long, value_delimiter = ',')]
    pub(crate) own: Vec<String>,
    /// levels: hash tags of keys whose leader is another node
    #[arg(long, value_delimiter = ',')]
    pub(crate) far: Vec<String>,
    /// Bytes of a value
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(16..=60_000))]
    pub(crate) vsize: u32,
    /// Processes whose time and memory are counted
    #[arg(long, value_delimiter = ',')]
    pub(crate) pids: Vec<String>,
    /// etcd only: reads that one member answers by itself
    #[arg(long)]
    pub(crate) serializable: bool,
    /// A name to print
    #[arg(long, default_value = "")]
    pub(crate) label: String,
    /// failover: the process to kill with SIGKILL
    #[arg(long)]
    pub(crate) kill_pid: Option<u32>,
    /// failover: a command to run instead, which is not waited for
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// failover: each writer stays at its address
    #[arg(long)]
    pub(crate) pinned: bool,
    /// For servers that ask for one, in the Redis protocol
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// overload: how many times the capacity is offered
    #[arg(long, default_value_t = 2.0)]
    pub(crate) times: f64,
    /// overload: reads instead of writes; load the keys first
    #[arg(long)]
    pub(crate) reads: bool,
    /// failover: seconds until then
    #[arg(long, default_value_t = 4.0)]
    pub(crate) kill_after: f64,
    /// failover: milliseconds without an answer after which a writer goes to the next address
    #[arg(long, default_value_t = 250)]
    pub(crate) op_timeout_ms: u64,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// The key of this number.
    pub(crate) fn key(&self, number: u64) -> Vec<u8> {
        workload::key(&self.tags, number)
    }

    /// A fresh conversation with the server at `address`.
    pub(crate) fn session(&self, address: SocketAddr) -> Session {
        match self.proto {
            Protocol::Resp => Session::Resp(resp::Session::new(self.level.as_deref(), self.password.clone())),
            Protocol::Etcd => Session::Etcd(etcd::Session::new(address.to_string(), self.serializable)),
        }
    }
}
