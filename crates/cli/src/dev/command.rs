//! What a person sees of `dev`: talk on stderr, and on stdout the lines to paste next, or one line of JSON.

use super::cluster::{Cluster, Death, DevError};
use super::folder;
use super::plan::Plan;
use crate::arguments::Dev;
use crate::exit::{Exit, Failure};
use crate::{secret, talk};
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the processes are looked at.
const GLANCE: Duration = Duration::from_millis(50);
/// How often a person who waits hears what keeps the cluster.
const NEWS: Duration = Duration::from_secs(5);

/// The line of `--json`.
#[derive(Serialize)]
struct Described {
    cluster: String,
    nodes: Vec<DescribedNode>,
}

#[derive(Serialize)]
struct DescribedNode {
    id: u64,
    pid: u32,
    resp: String,
    http: String,
    peer: String,
    data: PathBuf,
}

impl From<DevError> for Failure {
    fn from(error: DevError) -> Failure {
        Failure::bad_input(error.to_string())
    }
}

pub(crate) fn run(arguments: &Dev) -> Result<Exit, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| Failure::bad_input(format!("cannot listen for signals: {error}")))?;
    }
    let plan = plan(arguments)?;
    let program = plan.program.clone();
    talk::say(format_args!("starting {} nodes; data below {}", plan.nodes, plan.data.display()));
    let mut cluster = Cluster::start(plan)?;
    if !serves(&mut cluster, &stop)? {
        return stopped(cluster);
    }
    announce(&cluster, &program, arguments.json)?;
    while !stop.load(Ordering::Relaxed) {
        for death in cluster.deaths() {
            report(&cluster, &death);
        }
        std::thread::sleep(GLANCE);
    }
    stopped(cluster)
}

fn plan(arguments: &Dev) -> Result<Plan, Failure> {
    let nodes = arguments.nodes.map(|nodes| usize::try_from(nodes).expect("at most 7"));
    let settled = folder::settle(&arguments.data, nodes, arguments.port)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::bad_input(format!("cannot find this program's own file: {error}")))?;
    let data = std::path::absolute(&arguments.data)
        .map_err(|error| Failure::bad_input(format!("{}: {error}", arguments.data.display())))?;
    let mut plan = Plan::new(program, data, settled.nodes, settled.port);
    plan.password =
        secret::from_file_or_environment(arguments.requirepass_file.as_deref(), secret::REQUIREPASS)?;
    for (flag, file) in [
        ("--requirepass-file", &arguments.requirepass_file),
        ("--cluster-secret-file", &arguments.cluster_secret_file),
    ] {
        if let Some(file) = file {
            plan.flags.extend([flag.into(), file.clone().into()]);
        }
    }
    plan.verbose = arguments.verbose;
    Ok(plan)
}

/// Waits until the cluster serves; false if it is to stop before.
fn serves(cluster: &mut Cluster, stop: &AtomicBool) -> Result<bool, Failure> {
    let mut told = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if let Some(death) = cluster.deaths().first() {
            return Err(Failure::bad_input(format!("node {} did not start; {}", death.id, death.last_words)));
        }
        let Some(trouble) = cluster.trouble() else { return Ok(true) };
        if told.elapsed() >= NEWS {
            told = Instant::now();
            talk::say(format_args!("waiting: {trouble}"));
        }
        std::thread::sleep(GLANCE);
    }
    Ok(false)
}

fn announce(cluster: &Cluster, program: &Path, json: bool) -> Result<(), Failure> {
    if json {
        return talk::print(format_args!("{}", described(cluster)?));
    }
    let first = cluster.node(1);
    let (host, port) = first.resp.split_once(':').expect("HOST:PORT");
    talk::say(format_args!("the cluster serves; Ctrl-C stops it. Try:"));
    let last = cluster.ids().len();
    let fault = if last > 1 { "isolate" } else { "pause" };
    for line in [
        format!("  redis-cli -h {host} -p {port} set greeting hello"),
        format!("  curl http://{}/kvs/greeting", first.http),
        format!("  {} status --at {}", program.display(), first.resp),
        format!("  {} fault --at {} {fault} {last}", program.display(), first.resp),
    ] {
        talk::print(format_args!("{line}"))?;
    }
    talk::say(format_args!("the last of these makes a fault; `fault heal` undoes it (docs/faults.md)"));
    Ok(())
}

fn described(cluster: &Cluster) -> Result<String, Failure> {
    let nodes = cluster.ids().into_iter().filter_map(|id| {
        let node = cluster.node(id);
        Some(DescribedNode {
            id,
            pid: cluster.pid(id)?,
            resp: node.resp.clone(),
            http: node.http.clone(),
            peer: node.peer.clone(),
            data: node.data.clone(),
        })
    });
    let described = Described { cluster: cluster.view(1)?.cluster, nodes: nodes.collect() };
    Ok(serde_json::to_string(&described).expect("texts and numbers are valid JSON"))
}

fn report(cluster: &Cluster, death: &Death) {
    let node = cluster.node(death.id);
    talk::say(format_args!("node {} ended ({}); {}", death.id, death.status, death.last_words));
    talk::say(format_args!("to start it again: {}", cluster.plan().restart_line(node)));
}

fn stopped(mut cluster: Cluster) -> Result<Exit, Failure> {
    talk::say(format_args!("stopping"));
    match cluster.stop_all() {
        Ok(()) => Ok(Exit::Done),
        // The data is safe all the same, and the cluster is down: what was asked for is done.
        Err(error) => {
            talk::say(format_args!("{error}"));
            Ok(Exit::Done)
        }
    }
}
