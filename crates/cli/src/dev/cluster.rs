//! The node processes of one cluster: started, watched, stopped; and killed, paused and resumed by those who test them.
//!
//! A `Cluster` that is dropped kills what still runs. Nodes get a process group of their own, so that Ctrl-C in a terminal reaches `dev` alone,
//! which then stops them in order.

use super::folder::{self, Remembered};
use super::plan::{NodePlan, Plan};
use crate::status::View;
use client::blocking::Connection;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How long one question for a node's state may take.
const ASK_LIMIT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// Why a cluster does not start or serve: one sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevError(pub(super) String);

impl fmt::Display for DevError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DevError {}

/// The processes of one cluster. Nodes are named by their ids, from 1.
#[derive(Debug)]
pub struct Cluster {
    plan: Plan,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    plan: NodePlan,
    process: Option<Child>,
}

/// A node that ended by itself.
#[derive(Debug)]
pub struct Death {
    /// Which.
    pub id: u64,
    /// How.
    pub status: ExitStatus,
    /// The last words of its log, if it wrote one.
    pub last_words: String,
}

impl Cluster {
    /// Starts all nodes of a plan. They serve later: see [`Cluster::wait_until_serving`].
    ///
    /// # Errors
    /// The folder holds another cluster, a port is in use, or a process cannot be started.
    pub fn start(plan: Plan) -> Result<Cluster, DevError> {
        let settled = folder::settle(&plan.data, Some(plan.nodes), Some(plan.port))?;
        let mut cluster = Cluster { nodes: Vec::with_capacity(plan.nodes), plan };
        for node in cluster.plan.node_plans() {
            refuse_used_ports(&node)?;
            cluster.nodes.push(Node { plan: node, process: None });
        }
        folder::remember(&cluster.plan.data, Remembered { ..settled })?;
        for id in cluster.ids() {
            cluster.restart(id)?;
        }
        Ok(cluster)
    }

    /// What it was started from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The ids of all nodes.
    pub fn ids(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.plan.id).collect()
    }

    /// One node's addresses and folders.
    pub fn node(&self, id: u64) -> &NodePlan {
        &self.nodes[place(id)].plan
    }

    /// The RESP addresses of all nodes.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.plan.resp.clone()).collect()
    }

    /// The process id of a node that runs.
    pub fn pid(&self, id: u64) -> Option<u32> {
        self.nodes[place(id)].process.as_ref().map(Child::id)
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// A process cannot be started, or its log file cannot be written.
    pub fn restart(&mut self, id: u64) -> Result<(), DevError> {
        let node = &mut self.nodes[place(id)];
        assert!(node.process.is_none(), "node {id} runs already");
        let words = self.plan.words(&node.plan);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command.args(["--exit-with-parent", &std::process::id().to_string()]);
        command.envs(self.plan.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        if !self.plan.verbose {
            let log = OpenOptions::new().create(true).append(true).open(&node.plan.log);
            let log =
                log.map_err(|error| DevError(format!("cannot write {}: {error}", node.plan.log.display())))?;
            command.stderr(log);
        }
        let process = command
            .spawn()
            .map_err(|error| DevError(format!("cannot start {}: {error}", self.plan.program.display())))?;
        node.process = Some(process);
        Ok(())
    }

    /// Nodes that have ended by themselves since the last call.
    pub fn deaths(&mut self) -> Vec<Death> {
        let mut deaths = Vec::new();
        for node in &mut self.nodes {
            let Some(process) = &mut node.process else { continue };
            if let Ok(Some(status)) = process.try_wait() {
                node.process = None;
                deaths.push(Death { id: node.plan.id, status, last_words: last_words(&node.plan.log) });
            }
        }
        deaths
    }

    /// Asks a node how the cluster is, from its own point of view.
    ///
    /// # Errors
    /// It does not answer, or answers nonsense.
    pub fn view(&self, id: u64) -> Result<View, DevError> {
        let asked = Connection::open(&self.node(id).resp, self.plan.password.as_deref(), ASK_LIMIT)
            .and_then(|mut connection| connection.call(&[b"QUARTET", b"STATUS"], ASK_LIMIT));
        let reply = asked.map_err(|error| DevError(error.to_string()))?;
        View::from_reply(&reply).map_err(DevError)
    }

    /// What keeps the cluster from serving, as its running nodes see it; `None` if nothing does: each of them knows a leader of every shard.
    pub fn trouble(&self) -> Option<String> {
        let running: Vec<_> = self.nodes.iter().filter(|node| node.process.is_some()).collect();
        if running.is_empty() {
            return Some("no node runs".to_owned());
        }
        running.into_iter().find_map(|node| match self.view(node.plan.id) {
            Ok(view) => view.trouble(node.plan.id),
            Err(error) => Some(format!("node {}: {error}", node.plan.id)),
        })
    }

    /// Waits until each running node knows a leader of every shard.
    ///
    /// # Errors
    /// A node died meanwhile, or the time is over: with what kept it.
    pub fn wait_until_serving(&mut self, limit: Duration) -> Result<(), DevError> {
        self.wait_until(limit, Cluster::trouble)
    }

    /// Waits until `trouble` finds nothing to name any more.
    ///
    /// # Errors
    /// A node died meanwhile, or the time is over: with what `trouble` named last.
    pub fn wait_until(
        &mut self,
        limit: Duration,
        mut trouble: impl FnMut(&Cluster) -> Option<String>,
    ) -> Result<(), DevError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(death) = self.deaths().first() {
                return Err(DevError(format!(
                    "node {} ended ({}); {}",
                    death.id, death.status, death.last_words
                )));
            }
            let Some(what) = trouble(self) else { return Ok(()) };
            if Instant::now() >= end {
                return Err(DevError(format!("not after {} s: {what}", limit.as_secs())));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Ends a node at once, as a crash would (SIGKILL). It need not run.
    pub fn kill(&mut self, id: u64) {
        if let Some(mut process) = self.nodes[place(id)].process.take() {
            // Both fail only for a process that is already gone.
            let _gone = process.kill();
            let _gone = process.wait();
        }
    }

    /// Ends several nodes at once, before any of them can notice.
    pub fn kill_all(&mut self, ids: &[u64]) {
        for &id in ids {
            self.signal(id, Signal::KILL);
        }
        for &id in ids {
            self.kill(id);
        }
    }

    /// Asks a node to stop (SIGTERM), without waiting for it. See [`Cluster::stopped`].
    pub fn ask_to_stop(&self, id: u64) {
        self.signal(id, Signal::TERM);
    }

    /// Waits until a node that was asked to stop has ended.
    ///
    /// # Errors
    /// It did not end in time, and was killed; or it ended badly.
    pub fn stopped(&mut self, id: u64) -> Result<(), DevError> {
        let node = &mut self.nodes[place(id)];
        let Some(process) = &mut node.process else { return Ok(()) };
        let end = Instant::now() + STOP_LIMIT;
        let status = loop {
            match process.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < end => std::thread::sleep(PAUSE),
                Ok(None) => {
                    self.kill(id);
                    return Err(DevError(format!(
                        "node {id} did not stop within {} s and was killed; its data is safe",
                        STOP_LIMIT.as_secs()
                    )));
                }
                Err(error) => return Err(DevError(format!("node {id}: {error}"))),
            }
        };
        node.process = None;
        match status.success() {
            true => Ok(()),
            false => {
                Err(DevError(format!("node {id} ended badly ({status}); {}", last_words(&node.plan.log))))
            }
        }
    }

    /// Stops a node gracefully.
    ///
    /// # Errors
    /// As [`Cluster::stopped`].
    pub fn stop(&mut self, id: u64) -> Result<(), DevError> {
        self.ask_to_stop(id);
        self.stopped(id)
    }

    /// Stops all nodes gracefully, at the same time.
    ///
    /// # Errors
    /// The first node's that did not stop well; the others are stopped all the same.
    pub fn stop_all(&mut self) -> Result<(), DevError> {
        let ids = self.ids();
        for &id in &ids {
            self.signal(id, Signal::CONT);
            self.ask_to_stop(id);
        }
        let ends: Vec<_> = ids.into_iter().map(|id| self.stopped(id)).collect();
        ends.into_iter().collect()
    }

    /// Halts a node where it stands (SIGSTOP).
    pub fn pause(&self, id: u64) {
        self.signal(id, Signal::STOP);
    }

    /// Lets a paused node go on (SIGCONT).
    pub fn resume(&self, id: u64) {
        self.signal(id, Signal::CONT);
    }

    fn signal(&self, id: u64, signal: Signal) {
        let pid = self.pid(id).and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            // A process that has just ended needs no signal.
            let _ended = kill_process(pid, signal);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for id in self.ids() {
            self.kill(id);
        }
    }
}

fn place(id: u64) -> usize {
    usize::try_from(id).expect("ids are small") - 1
}

fn refuse_used_ports(node: &NodePlan) -> Result<(), DevError> {
    for port in node.ports() {
        // On a host of its own its ports are its own too.
        let Some(host) = node.host.parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_loopback) else { continue };
        if let Err(error) = TcpListener::bind((host, port)) {
            return Err(DevError(format!(
                "port {port} of node {} cannot be used ({error}); stop what uses it, or choose other ports with --port and another folder with --data",
                node.id
            )));
        }
    }
    Ok(())
}

/// The end of a node's log: what it said before it ended.
fn last_words(log: &Path) -> String {
    const BYTES: u64 = 600;
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => match text.trim().lines().last() {
            Some(line) => format!("its last words: {line}"),
            None => "it said nothing".to_owned(),
        },
        Err(_) => "it left no log".to_owned(),
    }
}
