//! A cluster for one test: the same code as `quartet dev`, in a temporary folder. On failure it shows what the nodes said last.

use super::PATIENCE;
use super::ports::Ports;
use cli::dev::{Cluster, Plan};
use client::Options;
use client::blocking::Client;
use std::ops::{Deref, DerefMut};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const QUARTET: &str = env!("CARGO_BIN_EXE_quartet");

/// A running cluster that goes away with the test.
pub(crate) struct TestCluster {
    cluster: Cluster,
    _ports: Ports,
    pub(crate) folder: TempDir,
}

impl TestCluster {
    /// A cluster of so many nodes that serves.
    pub(crate) fn start(nodes: usize) -> TestCluster {
        TestCluster::start_with(nodes, |_| {})
    }

    /// Likewise, with a plan that was changed before.
    pub(crate) fn start_with(nodes: usize, change: impl FnOnce(&mut Plan)) -> TestCluster {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports = Ports::take();
        let mut plan = Plan::new(QUARTET, folder.path().join("cluster"), nodes, ports.base);
        change(&mut plan);
        let cluster = Cluster::start(plan).expect("the nodes start");
        let mut cluster = TestCluster { cluster, _ports: ports, folder };
        cluster.serves();
        cluster
    }

    /// Waits until every running node knows a leader of every shard.
    pub(crate) fn serves(&mut self) {
        self.cluster.wait_until_serving(PATIENCE).expect("the cluster serves");
    }

    /// A client that knows all addresses.
    pub(crate) fn client(&self) -> Client {
        self.client_with(Duration::from_secs(30))
    }

    /// Likewise, with another deadline.
    pub(crate) fn client_with(&self, deadline: Duration) -> Client {
        let password = self.plan().password.clone();
        let options = Options { password, deadline, ..Options::default() };
        Client::connect(&self.addresses(), options).expect("a client")
    }

    /// The node that leads most shards, as node `asked` sees it.
    pub(crate) fn main_leader(&self, asked: u64) -> u64 {
        let view = self.view(asked).expect("a status");
        view.leads().into_iter().max_by_key(|&(_, shards)| shards).expect("there are nodes").0
    }

    /// Demands that the nodes lead as many shards as each other, give or take one, ten seconds from now at the latest.
    pub(crate) fn leads_evenly(&mut self) {
        let even = |cluster: &Cluster| {
            let leads = match cluster.view(1) {
                Ok(view) => view.leads(),
                Err(error) => return Some(error.to_string()),
            };
            let (least, most) = (leads.iter().map(|&(_, n)| n).min()?, leads.iter().map(|&(_, n)| n).max()?);
            (most - least > 1).then(|| format!("leaders are uneven: {leads:?}"))
        };
        self.wait_until(Duration::from_secs(10), even).expect("leaders are even");
    }

    /// Resident memory of a node, in bytes.
    pub(crate) fn resident_bytes(&self, id: u64) -> u64 {
        let pid = self.pid(id).expect("the node runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux shows it");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line for it");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// Runs `quartet` with these arguments and `--at` this cluster's node 1.
    pub(crate) fn quartet(&self, arguments: &[&str]) -> Output {
        self.quartet_with_input(arguments, b"")
    }

    /// Likewise, with bytes on its stdin.
    pub(crate) fn quartet_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new(QUARTET);
        command.arg(arguments[0]).args(["--at", &self.node(1).resp]).args(&arguments[1..]);
        run(command.env_remove("QUARTET_REQUIREPASS"), input)
    }
}

/// Runs a command to its end with bytes on its stdin.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A command that does not read its input has ended, or does not want it.
    let _unread = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

/// What a command wrote to stdout.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command wrote to stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Demands an exit code, and shows what was said if it is another.
#[track_caller]
pub(crate) fn expect_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
}

impl Deref for TestCluster {
    type Target = Cluster;
    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl DerefMut for TestCluster {
    fn deref_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for id in self.ids() {
            let log = std::fs::read_to_string(&self.node(id).log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(25)..];
            eprintln!("--- node {id}, its last words:\n{}", last.join("\n"));
        }
    }
}
