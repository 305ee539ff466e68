//! `quartet dev` as a person, or another program, uses it.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, expect_exit, run, stderr};
use crate::support::ports::Ports;
use client::blocking::Client;
use client::{Options, SetOptions};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

struct Dev {
    process: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Dev {
    fn start(data: &Path, arguments: &[&str]) -> Dev {
        let mut process = command(data, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dev starts");
        let stdout = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let stderr = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        Dev { process, stdout, stderr }
    }

    /// The one line that it prints when the cluster serves.
    fn description(&mut self) -> serde_json::Value {
        match self.stdout.next() {
            Some(line) => serde_json::from_str(&line.expect("a line")).expect("JSON"),
            None => panic!("no line on stdout; stderr: {:?}", self.stderr.by_ref().collect::<Vec<_>>()),
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("it runs");
    }

    fn ends(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("a status") {
                return status.code();
            }
            assert!(Instant::now() < end, "dev does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Its nodes end with it.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(QUARTET);
    command.arg("dev").arg("--data").arg(data).args(arguments);
    command
}

fn pids(description: &serde_json::Value) -> Vec<Pid> {
    let nodes = description["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .map(|node| Pid::from_raw(node["pid"].as_i64().expect("a pid") as i32).expect("not 0"))
        .collect()
}

fn client(description: &serde_json::Value) -> Client {
    let address = description["nodes"][0]["resp"].as_str().expect("an address").to_owned();
    Client::connect(&[address], Options { deadline: PATIENCE, ..Options::default() }).expect("a client")
}

fn all_end(pids: &[Pid]) {
    let end = Instant::now() + PATIENCE;
    while pids.iter().any(|&pid| test_kill_process(pid).is_ok()) {
        assert!(Instant::now() < end, "a node outlives its dev");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn dev_describes_its_cluster_in_one_line_stops_cleanly_and_keeps_the_data() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("cluster");
    let ports = Ports::take();
    let port = ports.base.to_string();
    let mut dev = Dev::start(&data, &["--json", "--nodes", "3", "--port", &port]);
    let description = dev.description();
    let nodes = description["nodes"].as_array().expect("nodes");
    assert_eq!(description["cluster"].as_str().map(str::len), Some(32), "{description}");
    for (index, node) in nodes.iter().enumerate() {
        let at = |offset: u16| format!("127.0.0.1:{}", ports.base + index as u16 + offset);
        assert_eq!(node["id"], index as u64 + 1);
        assert_eq!(
            (&node["resp"], &node["http"], &node["peer"]),
            (&at(0).into(), &at(100).into(), &at(200).into())
        );
        assert!(Path::new(node["data"].as_str().expect("a path")).is_dir());
    }
    assert_eq!(nodes.len(), 3);
    assert!(client(&description).set("kept", "through restarts", &SetOptions::new()).expect("a write"));

    // While it runs its ports are taken, and its folder is.
    let output = run(&mut command(&folder.path().join("other"), &["--json", "--port", &port]), b"");
    expect_exit(&output, 2);
    assert!(stderr(&output).contains("port"), "{}", stderr(&output));

    dev.signal(Signal::TERM);
    assert_eq!(dev.ends(), Some(0));
    assert!(dev.stdout.next().is_none(), "one line and no more");
    all_end(&pids(&description));

    // Another number of nodes, or another port, is not what the folder holds.
    for arguments in [["--nodes", "5"], ["--port", "29999"]] {
        let output = run(&mut command(&data, &arguments), b"");
        expect_exit(&output, 2);
        assert!(stderr(&output).contains("holds a cluster"), "{}", stderr(&output));
    }

    // Started again without a word about its size or ports, it is what it was.
    let mut dev = Dev::start(&data, &["--json"]);
    let again = dev.description();
    assert_eq!(again["cluster"], description["cluster"]);
    assert_eq!(client(&again).get("kept").expect("a read").as_deref(), Some(&b"through restarts"[..]));
    dev.signal(Signal::INT);
    assert_eq!(dev.ends(), Some(0));
    all_end(&pids(&again));
}

#[test]
fn a_cluster_of_one_and_one_of_seven_serve() {
    for nodes in ["1", "7"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports = Ports::take();
        let mut dev =
            Dev::start(folder.path(), &["--json", "--nodes", nodes, "--port", &ports.base.to_string()]);
        let description = dev.description();
        assert_eq!(description["nodes"].as_array().map(Vec::len), nodes.parse().ok());
        assert_eq!(client(&description).incr("n", 2).expect("a write"), 2);
        dev.signal(Signal::TERM);
        assert_eq!(dev.ends(), Some(0));
    }
}

#[test]
fn nodes_end_with_a_dev_that_is_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = Ports::take();
    let mut dev = Dev::start(folder.path(), &["--json", "--port", &ports.base.to_string()]);
    let description = dev.description();
    // One of them is paused: it has to go all the same.
    kill_process(pids(&description)[1], Signal::STOP).expect("it runs");
    dev.signal(Signal::KILL);
    dev.ends();
    all_end(&pids(&description));
}

#[test]
fn dev_tells_of_a_dead_node_and_how_to_start_it_again_and_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = Ports::take();
    let mut dev = Dev::start(folder.path(), &["--json", "--port", &ports.base.to_string()]);
    let description = dev.description();
    kill_process(pids(&description)[1], Signal::KILL).expect("it runs");
    let line = loop {
        let line = dev.stderr.next().expect("dev goes on").expect("a line");
        if let Some(line) = line.strip_prefix("to start it again: ") {
            break line.to_owned();
        }
    };
    let client = client(&description);
    assert_eq!(client.incr("n", 1).expect("two of three serve"), 1);

    let mut node = Command::new("sh")
        .args(["-c", &format!("exec {line}")])
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let address = description["nodes"][1]["resp"].as_str().expect("an address").to_owned();
    let end = Instant::now() + PATIENCE;
    loop {
        let alone =
            Client::new(&[&address], Options { deadline: Duration::from_millis(500), ..Options::default() });
        if alone.expect("a client").execute(&["QUARTET", "STATUS"]).is_ok() {
            break;
        }
        assert!(Instant::now() < end, "the line does not start the node");
    }
    kill_process(Pid::from_child(&node), Signal::TERM).expect("it runs");
    assert!(node.wait().expect("it ends").success());
    dev.signal(Signal::TERM);
    assert_eq!(dev.ends(), Some(0));
}

#[test]
fn dev_prints_the_lines_to_paste_next() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = Ports::take();
    let mut dev = Dev::start(folder.path(), &["--nodes", "1", "--port", &ports.base.to_string()]);
    let lines: Vec<String> = dev.stdout.by_ref().take(4).map(|line| line.expect("a line")).collect();
    assert!(lines[0].contains(&format!("redis-cli -h 127.0.0.1 -p {}", ports.base)), "{lines:?}");
    assert!(lines[1].contains(&format!("curl http://127.0.0.1:{}/kvs/", ports.base + 100)), "{lines:?}");
    // The last ones work as they are.
    for line in &lines[2..] {
        expect_exit(&run(Command::new("sh").args(["-c", line.trim()]), b""), 0);
    }
    dev.signal(Signal::TERM);
    assert_eq!(dev.ends(), Some(0));
}
