//! The cluster of a demonstration: the same code as `dev`, in a temporary folder, gone with it.
//!
//! Its ports are searched from 10,000 on, below those that systems give to outgoing connections and away from `dev`'s own.

use crate::dev::{Cluster, Plan};
use crate::exit::{Exit, Failure};
use crate::secret;
use crate::visit::{self, Place, Visit};
use client::Reply;
use client::blocking::Connection;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NODES: usize = 3;
/// For anything that a healthy cluster does at once.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(20);

/// A running cluster that goes away with its folder.
pub(super) struct Stage {
    // Dropped first: the nodes write into the folder.
    cluster: Cluster,
    folder: Folder,
    password: Option<String>,
    stop: Arc<AtomicBool>,
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the system's temporary folder, which is emptied by others.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

impl Stage {
    /// A cluster that serves.
    pub(super) fn set() -> Result<Stage, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, stop.clone())
                .map_err(|error| Failure::bad_input(format!("cannot listen for signals: {error}")))?;
        }
        let program = std::env::current_exe()
            .map_err(|error| Failure::bad_input(format!("cannot find this program's own file: {error}")))?;
        let name = format!("quartet-demo-{}-{}", std::process::id(), visit::random_name());
        let folder = Folder(std::env::temp_dir().join(name));
        let password = secret::from_file_or_environment(None, secret::REQUIREPASS)?;
        let mut plan = Plan::new(program, folder.0.clone(), NODES, free_ports()?);
        plan.password = password.clone();
        let cluster = Cluster::start(plan)?;
        let mut stage = Stage { cluster, folder, password, stop };
        stage.until(Cluster::trouble)?;
        Ok(stage)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub(super) fn places(&self) -> Vec<Place> {
        let place = |id| Place { node: id, address: self.cluster.node(id).resp.clone() };
        self.cluster.ids().into_iter().map(place).collect()
    }

    /// A new session at a node, which stays there.
    pub(super) fn visit(&self, node: u64, deadline: Duration) -> Visit {
        let home = usize::try_from(node).expect("ids are small") - 1;
        Visit::new(self.places(), home, visit::random_name(), deadline)
            .that_stays(true)
            .with_password(self.password.clone())
    }

    /// Cuts a node off, and waits until both sides have taken it in: the others have elected, and it knows that it is alone.
    pub(super) fn isolate(&mut self, lone: u64) -> Result<(), Failure> {
        self.fault(lone, &["ISOLATE", &lone.to_string()])?;
        self.until(|cluster| {
            cluster.ids().into_iter().find_map(|id| {
                let view = match cluster.view(id) {
                    Ok(view) => view,
                    Err(error) => return Some(error.to_string()),
                };
                // A leader that is alone goes on believing that it leads.
                let misled = view.shards.iter().any(|shard| shard.leader.is_none_or(|leader| leader == lone));
                let hears = view
                    .nodes
                    .iter()
                    .any(|node| node.id != id && node.state == "up" && (id == lone || node.id == lone));
                (id != lone && misled || hears).then(|| format!("node {id} has not taken the cut in"))
            })
        })
    }

    /// Everything is whole again.
    pub(super) fn heal(&mut self, at: u64) -> Result<(), Failure> {
        self.fault(at, &["HEAL"])?;
        self.until(Cluster::trouble)
    }

    fn fault(&self, at: u64, words: &[&str]) -> Result<(), Failure> {
        let address = &self.cluster.node(at).resp;
        let mut connection = Connection::open(address, self.password.as_deref(), PATIENCE)?;
        let mut all: Vec<&[u8]> = vec![b"QUARTET", b"FAULT"];
        all.extend(words.iter().map(|word| word.as_bytes()));
        match connection.call(&all, PATIENCE)? {
            Reply::Error(text) => Err(Failure::bad_input(text)),
            _ => Ok(()),
        }
    }

    /// Waits until nothing is named any more.
    fn until(&mut self, mut trouble: impl FnMut(&Cluster) -> Option<String>) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.goes_on()?;
            let Some(what) = trouble(&self.cluster) else { return Ok(()) };
            if let Some(death) = self.cluster.deaths().first() {
                return Err(Failure::bad_input(format!("node {} ended; {}", death.id, death.last_words)));
            }
            if Instant::now() >= end {
                return Err(Failure::new(
                    Exit::Unreachable,
                    format!("not after {} s: {what}", PATIENCE.as_secs()),
                ));
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Ends the demonstration if a person has asked for it (Ctrl-C).
    pub(super) fn goes_on(&self) -> Result<(), Failure> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Failure::bad_input("stopped before its end")),
            false => Ok(()),
        }
    }
}

/// The first port of a range in which nobody listens.
fn free_ports() -> Result<u16, Failure> {
    const RANGES: u16 = 30;
    let first = u16::try_from(std::process::id() % u32::from(RANGES)).expect("less than 30");
    let bases = (0..RANGES).map(|step| 10_000 + (first + step) % RANGES * 300);
    let is_free = |base: u16| {
        let mut ports = (0..NODES as u16).flat_map(|node| [0, 100, 200].map(|front| base + node + front));
        ports.all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    };
    let mut bases = bases;
    bases
        .find(|&base| is_free(base))
        .ok_or_else(|| Failure::bad_input("no free ports between 10000 and 19000"))
}
