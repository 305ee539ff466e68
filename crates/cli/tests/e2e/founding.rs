//! `quartet start` without `dev`: founding, coming back, and what is refused.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stderr, stdout};
use crate::support::ports::Ports;
use cli::dev::Plan;
use client::blocking::Client;
use client::{Options, SetOptions};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends with the test.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn start(data: &Path, port: u16, more: &[&str]) -> Command {
    let mut command = Command::new(QUARTET);
    command.arg("start").arg("--data").arg(data);
    for (flag, offset) in [("--resp-port", 0), ("--http-port", 100), ("--peer-port", 200)] {
        command.args([flag, &(port + offset).to_string()]);
    }
    command.args(more).stderr(Stdio::null());
    command
}

fn client(port: u16) -> Client {
    let options = Options { deadline: PATIENCE, ..Options::default() };
    Client::new(&[format!("127.0.0.1:{port}")], options).expect("a client")
}

#[test]
fn three_nodes_that_know_one_address_found_a_cluster_and_come_back_without_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = Ports::take();
    let join = format!("127.0.0.1:{}", ports.base + 200);
    let found = ["--join", &join, "--bootstrap-expect", "3", "--shards", "4"];
    let data = |index: u16| folder.path().join(index.to_string());
    let spawn = |index: u16, more: &[&str]| {
        Node(start(&data(index), ports.base + index, more).spawn().expect("the node starts"))
    };
    let nodes: Vec<Node> = (0..3).map(|index| spawn(index, &found)).collect();
    client(ports.base).set("k", "v", &SetOptions::new()).expect("a write");
    drop(nodes);

    let _nodes: Vec<Node> = (0..3).map(|index| spawn(index, &[])).collect();
    for index in 0..3 {
        let client = client(ports.base + index);
        assert_eq!(client.get("k").expect("a read").as_deref(), Some(&b"v"[..]));
    }
    let end = Instant::now() + PATIENCE;
    loop {
        let output = run(
            Command::new(QUARTET).args(["status", "--json", "--at", &format!("127.0.0.1:{}", ports.base)]),
            b"",
        );
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if status["shards"].as_array().map(Vec::len) == Some(4) {
            break;
        }
        assert!(Instant::now() < end, "four shards were chosen: {}", stdout(&output));
    }
}

#[test]
fn two_of_three_founders_found_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = Ports::take();
    let join = format!("127.0.0.1:{},127.0.0.1:{}", ports.base + 200, ports.base + 201);
    let found = ["--join", &join, "--bootstrap-expect", "3"];
    let _nodes: Vec<Node> = (0..2)
        .map(|index| {
            let mut command = start(&folder.path().join(index.to_string()), ports.base + index, &found);
            Node(command.spawn().expect("the node starts"))
        })
        .collect();
    let options = Options { deadline: Duration::from_secs(3), ..Options::default() };
    let client = Client::new(&[format!("127.0.0.1:{}", ports.base)], options).expect("a client");
    client.set("k", "v", &SetOptions::new()).expect_err("there is no cluster yet");
}

#[test]
fn a_used_port_a_used_folder_and_a_folder_of_another_cluster_are_refused_with_a_sentence() {
    let cluster = TestCluster::start(1);
    let free = Ports::take();
    let node = cluster.node(1);
    let refused = |command: &mut Command| {
        let output = run(command, b"");
        expect_exit(&output, 2);
        stderr(&output)
    };
    let port: u16 = node.resp.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let elsewhere = cluster.folder.path().join("elsewhere");
    assert!(refused(&mut start(&elsewhere, port, &[])).contains(&port.to_string()), "the port is named");
    assert!(
        refused(&mut start(&node.data, free.base, &[])).contains("another node is using"),
        "the folder is in use"
    );
    let damaged = cluster.folder.path().join("file");
    std::fs::write(&damaged, "no folder").expect("a file");
    assert!(refused(&mut start(&damaged, free.base, &[])).contains("--data"));
    assert!(refused(&mut start(&elsewhere, free.base, &["--listen", "0.0.0.0"])).contains("--advertise"));
}

#[test]
fn an_old_copy_of_a_folder_is_refused() {
    let mut cluster = TestCluster::start(3);
    cluster.stop(3).expect("it stops");
    let node = cluster.node(3).clone();
    let copy = cluster.folder.path().join("copy");
    let copied = Command::new("cp").arg("-r").arg(&node.data).arg(&copy).status().expect("cp runs");
    assert!(copied.success());
    for _ in 0..2 {
        cluster.restart(3).expect("it starts");
        cluster.serves();
        cluster.stop(3).expect("it stops");
    }
    let port: u16 = node.resp.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let output = run(start(&copy, port, &[]).stderr(Stdio::piped()), b"");
    expect_exit(&output, 2);
    assert!(stderr(&output).contains("old copy"), "{}", stderr(&output));
    // The right folder is still welcome.
    cluster.restart(3).expect("it starts");
    cluster.serves();
}

#[test]
fn nodes_that_share_a_secret_form_a_cluster_and_one_without_it_is_not_let_in() {
    let secret =
        |plan: &mut Plan| plan.environment.push(("QUARTET_CLUSTER_SECRET".to_owned(), "hush".to_owned()));
    let mut cluster = TestCluster::start_with(3, secret);
    cluster.client().set("k", "v", &SetOptions::new()).expect("a write");
    cluster.stop(3).expect("it stops");
    let node = cluster.node(3).clone();
    let port: u16 = node.resp.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let _stranger =
        Node(start(&node.data, port, &[]).env("QUARTET_CLUSTER_SECRET", "wrong").spawn().expect("it starts"));
    // It knocks and is not heard: for the others node 3 stays away.
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        let view = cluster.view(1).expect("a status");
        let third = view.nodes.iter().find(|node| node.id == 3).expect("a member");
        assert_ne!(third.state, "up");
        std::thread::sleep(Duration::from_millis(100));
    }
}
