//! Faults that anyone can make: what a user sees of partitions, made with `quartet fault` against real processes.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stderr, stdout};
use crate::support::ports::Ports;
use crate::support::web::{get, request};
use crate::support::workload::Load;
use cli::dev::Cluster;
use client::Reply;
use client::blocking::Connection;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Operations that show that the load flows.
const A_WHILE: u64 = 200;

/// `quartet fault …`, said to one node.
fn fault(cluster: &TestCluster, at: u64, words: &[&str]) -> Output {
    let mut command = Command::new(QUARTET);
    command.args(["fault", "--at", &cluster.node(at).resp]).args(words);
    run(command.env_remove("QUARTET_REQUIREPASS"), b"")
}

/// Says one command to one node, and to no other.
fn say(cluster: &TestCluster, at: u64, words: &[&str]) -> Reply {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let mut connection =
        Connection::open(&cluster.node(at).resp, None, PATIENCE).expect("clients reach every node");
    connection.call(&words, PATIENCE).expect("it answers")
}

#[track_caller]
fn expect_error(reply: &Reply, words: &[&str]) {
    let Reply::Error(text) = reply else { panic!("no error but {reply:?}") };
    assert!(words.iter().any(|word| text.starts_with(word)), "{text}");
}

fn where_is(cluster: &TestCluster, key: &str) -> serde_json::Value {
    serde_json::from_slice(&cluster.quartet(&["where", "--json", key]).stdout).expect("JSON")
}

/// Waits until one node hears another on a link of its own, or does not (any more). What others pass on does not count.
fn hears(cluster: &mut TestCluster, node: u64, other: u64, wanted: bool) {
    let trouble = |cluster: &Cluster| {
        let view = match cluster.view(node) {
            Ok(view) => view,
            Err(error) => return Some(error.to_string()),
        };
        let own = view.nodes.iter().find(|seen| seen.id == node).expect("it is a member");
        let is_heard = own.hears.iter().any(|(heard, _)| *heard == other);
        (is_heard != wanted).then(|| format!("node {node} hears {:?}", own.hears))
    };
    cluster.wait_until(PATIENCE, trouble).expect("who hears whom follows the faults");
}

#[test]
fn fault_an_isolated_leader_answers_nothing_stale_while_the_others_go_on() {
    let mut cluster = TestCluster::start(3);
    let leader = where_is(&cluster, "k")["leader"].as_u64().expect("a leader");
    let (one, other) = (leader % 3 + 1, (leader + 1) % 3 + 1);
    assert_eq!(say(&cluster, leader, &["SET", "k", "old"]), Reply::OK);
    let isolated = leader.to_string();
    expect_exit(&fault(&cluster, one, &["isolate", &isolated]), 0);

    // The cut is there when the command has ended: not one read more.
    let read = ["WITH", "k", "linearizable", "DEADLINE", "500", "DO", "GET", "k"];
    expect_error(&say(&cluster, leader, &read), &["NOQUORUM"]);
    // The others elect, and go on.
    let end = Instant::now() + PATIENCE;
    while say(&cluster, one, &["SET", "k", "new"]) != Reply::OK {
        assert!(Instant::now() < end, "the majority does not go on");
    }
    assert_eq!(say(&cluster, other, &["GET", "k"]), Reply::bulk("new"));
    for _ in 0..3 {
        expect_error(&say(&cluster, leader, &read), &["NOQUORUM"]);
    }
    expect_error(&say(&cluster, leader, &["GET", "k"]), &["CLUSTERDOWN"]);
    expect_error(&say(&cluster, leader, &["SET", "k", "lost"]), &["CLUSTERDOWN", "UNKNOWN"]);
    assert_eq!(say(&cluster, one, &["GET", "k"]), Reply::bulk("new"));

    // Everyone shows it; the core is told when the links have timed out.
    for node in 1..=3 {
        let cuts = cluster.view(node).expect("a status").faults.cuts;
        assert_eq!(cuts.len(), 4, "node {node}: {cuts:?}");
    }
    let text = stdout(&run(Command::new(QUARTET).args(["status", "--at", &cluster.node(one).resp]), b""));
    assert!(text.contains("faults ") && text.contains(" cut"), "{text}");
    hears(&mut cluster, leader, one, false);
    hears(&mut cluster, other, leader, false);

    // The isolated node itself can heal.
    let output = fault(&cluster, leader, &["heal"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "faults   none\n");
    cluster.serves();
    hears(&mut cluster, leader, one, true);
    let end = Instant::now() + PATIENCE;
    loop {
        let reply = say(&cluster, leader, &["GET", "k"]);
        if reply == Reply::bulk("new") {
            break;
        }
        expect_error(&reply, &["CLUSTERDOWN"]);
        assert!(Instant::now() < end, "the healed node does not serve");
    }
}

#[test]
fn fault_partial_partitions_under_load_give_no_wrong_answer() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "partial");
    load.goes_on(A_WHILE);
    for (words, (deaf, lost)) in [(["cut", "1", "2"], (2, 1)), (["oneway", "2", "3"], (3, 2))] {
        expect_exit(&fault(&cluster, 3, &words), 0);
        // Long enough for elections. That all go on meanwhile is shown in `broken_links`.
        hears(&mut cluster, deaf, lost, false);
        std::thread::sleep(Duration::from_secs(2));
        expect_exit(&fault(&cluster, 2, &["heal", words[1], words[2]]), 0);
        assert_eq!(stdout(&fault(&cluster, 1, &[])).lines().next(), Some("faults   none"));
        hears(&mut cluster, deaf, lost, true);
        cluster.serves();
        load.goes_on(A_WHILE);
    }
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
}

#[test]
fn fault_a_paused_node_answers_nothing_and_goes_on_by_itself() {
    let mut cluster = TestCluster::start(3);
    let mut waiting = TcpStream::connect(&cluster.node(2).http).expect("it listens");
    let begun = Instant::now();
    expect_exit(&fault(&cluster, 1, &["pause", "2", "--for", "6s"]), 0);
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").expect("written");
    waiting.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let silence = waiting.read(&mut [0; 1]).expect_err("no answer");
    assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence}");
    assert!(Connection::open(&cluster.node(2).resp, None, Duration::from_millis(500)).is_err());
    // It cannot take `heal`: that is unknown, and says so.
    let output = fault(&cluster, 3, &["heal"]);
    if begun.elapsed() < Duration::from_secs(6) {
        expect_exit(&output, 4);
        assert!(stderr(&output).contains("node 2 did not answer"), "{}", stderr(&output));
    }
    waiting.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).expect("it goes on");
    assert!(answer.starts_with("HTTP/1.1 200 ") && begun.elapsed() >= Duration::from_secs(5), "{answer}");
    cluster.serves();
    expect_exit(&fault(&cluster, 2, &["heal"]), 0);

    // A node can be asked to pause itself, hears that it will, and a stop ends the pause.
    expect_exit(&fault(&cluster, 2, &["pause", "2", "--for", "60s"]), 0);
    let begun = Instant::now();
    cluster.stop(2).expect("it stops");
    assert!(begun.elapsed() < Duration::from_secs(50));
    // Who is down is no reason to wait, and nothing that could be paused.
    expect_exit(&fault(&cluster, 1, &["cut", "1", "2"]), 0);
    expect_exit(&fault(&cluster, 1, &["pause", "2"]), 2);
}

#[test]
fn fault_a_cut_survives_the_restart_of_one_end_and_http_says_the_same() {
    let mut cluster = TestCluster::start(3);
    let at = |cluster: &TestCluster, node| cluster.node(node).http.clone();
    let post = |at: &str, body: &str| request(at, "POST", "/admin/faults", &[], body.as_bytes());
    let made = post(&at(&cluster, 3), r#"{"fault":"cut","nodes":[1,2]}"#);
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["cuts"].as_array().map(Vec::len), Some(2), "{}", made.text());
    cluster.kill(2);
    cluster.restart(2).expect("it starts");
    hears(&mut cluster, 2, 3, true);
    // It knows nothing of the cut, and is cut off all the same, in both directions.
    assert!(cluster.view(2).expect("a status").faults.cuts.is_empty());
    let listed = get(&at(&cluster, 2), "/admin/faults").json();
    assert_eq!(listed["cuts"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(listed["nodes"][1]["cuts"].as_array().map(Vec::len), Some(0), "{listed}");
    hears(&mut cluster, 2, 1, false);
    hears(&mut cluster, 1, 2, false);
    let healed = request(&at(&cluster, 2), "DELETE", "/admin/faults", &[], br#"{"nodes":[2,1]}"#);
    assert_eq!(healed.status, 200, "{}", healed.text());
    hears(&mut cluster, 2, 1, true);
    hears(&mut cluster, 1, 2, true);

    for (body, code) in [
        (r#"{"fault":"cut","nodes":[1,9]}"#, "bad_fault"),
        (r#"{"fault":"cut","nodes":[1,1]}"#, "bad_fault"),
        (r#"{"fault":"sever","nodes":[1,2]}"#, "bad_fault"),
        (r#"{"fault":"pause","nodes":[1],"for":"2h"}"#, "bad_fault"),
        (r#"{"fault":"cut","nodes":"1,2"}"#, "bad_body"),
        ("", "bad_body"),
    ] {
        let refused = post(&at(&cluster, 1), body);
        assert_eq!((refused.status, &refused.json()["code"]), (400, &code.into()), "{body}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    let refused = request(&at(&cluster, 1), "DELETE", "/admin/faults?nodes=1,2", &[], b"");
    assert_eq!(refused.json()["code"], "unknown_parameter");
    for everything in ["", "null", "{}"] {
        assert_eq!(
            request(&at(&cluster, 1), "DELETE", "/admin/faults", &[], everything.as_bytes()).status,
            200
        );
    }

    // The command line refuses the same, and nothing was done by any of it.
    for words in [
        &["cut", "1"][..],
        &["cut", "1", "9"],
        &["oneway", "3", "3"],
        &["isolate"],
        &["heal", "1"],
        &["list", "1"],
        &["sever", "1", "2"],
    ] {
        let output = fault(&cluster, 1, words);
        expect_exit(&output, 2);
        assert!(!stderr(&output).is_empty(), "{words:?}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&fault(&cluster, 1, &["--json"]).stdout).expect("JSON");
    assert_eq!(json["cuts"].as_array().map(Vec::len), Some(0), "{json}");
}

/// A key with a leader that is another node than this one.
fn led_elsewhere(cluster: &TestCluster, node: u64) -> String {
    let keys = (0..200).map(|n| format!("far{n}"));
    let mut far = keys.filter(|key| where_is(cluster, key)["leader"].as_u64() != Some(node));
    far.next().expect("leaders are spread")
}

/// The quickest of a few of these commands, one after the other on one connection.
fn quickest(cluster: &TestCluster, at: u64, words: &[&str]) -> Duration {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let mut connection = Connection::open(&cluster.node(at).resp, None, PATIENCE).expect("it listens");
    let times = (0..20).map(|_| {
        let begun = Instant::now();
        assert_eq!(connection.call(&words, PATIENCE).expect("it answers"), Reply::OK);
        begun.elapsed()
    });
    times.min().expect("there are some")
}

#[test]
fn fault_slow_links_cost_each_round_between_nodes_and_nothing_where_none_is_made() {
    let cluster = TestCluster::start(3);
    let key = led_elsewhere(&cluster, 1);
    let (strong, weak) = (["SET", &key, "v"], ["SET@eventual", &key, "v"]);
    expect_exit(&fault(&cluster, 2, &["delay", "30"]), 0);
    // To the leader, to a majority and back, and to the node that was asked: four ways. A tentative write makes none.
    let slow = quickest(&cluster, 1, &strong);
    assert!(slow >= Duration::from_millis(4 * 30), "{slow:?}");
    let tentative = quickest(&cluster, 1, &weak);
    assert!(tentative < slow / 2, "{tentative:?} is not far below {slow:?}");
    for node in 1..=3 {
        let delays = cluster.view(node).expect("a status").faults.delays;
        assert_eq!(delays.iter().map(|delay| delay.ms).collect::<Vec<_>>(), [30; 3], "node {node}");
    }
    let text = stdout(&run(Command::new(QUARTET).args(["status", "--at", &cluster.node(3).resp]), b""));
    assert!(text.contains("faults   1–2 30 ms, 1–3 30 ms, 2–3 30 ms"), "{text}");

    // Said again for one link, it is that link's; healed for one, the others stay.
    let output = fault(&cluster, 1, &["delay", "7", "3", "2"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "faults   1–2 30 ms, 1–3 30 ms, 2–3 7 ms\n");
    expect_exit(&fault(&cluster, 1, &["heal", "1", "2"]), 0);
    let listed = get(&cluster.node(2).http, "/admin/faults").json();
    let expected = serde_json::json!([{"nodes": [1, 3], "ms": 30}, {"nodes": [2, 3], "ms": 7}]);
    assert_eq!(listed["delays"], expected, "{listed}");
    let output = fault(&cluster, 3, &["heal"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "faults   none\n");
    let whole = quickest(&cluster, 1, &strong);
    assert!(whole < slow / 2, "{whole:?} is not far below {slow:?}");

    let post = |body: &str| request(&cluster.node(1).http, "POST", "/admin/faults", &[], body.as_bytes());
    for words in [
        &["delay"][..],
        &["delay", "0"],
        &["delay", "1001"],
        &["delay", "fast"],
        &["delay", "10", "1"],
        &["delay", "10", "1", "9"],
        &["delay", "10", "--for", "5s"],
    ] {
        let output = fault(&cluster, 1, words);
        expect_exit(&output, 2);
        assert!(!stderr(&output).is_empty(), "{words:?}");
    }
    for body in [
        r#"{"fault":"delay"}"#,
        r#"{"fault":"delay","ms":0}"#,
        r#"{"fault":"delay","ms":10,"nodes":[1]}"#,
        r#"{"fault":"cut","ms":10,"nodes":[1,2]}"#,
    ] {
        let refused = post(body);
        assert_eq!((refused.status, &refused.json()["code"]), (400, &"bad_fault".into()), "{body}");
    }
    assert!(cluster.view(2).expect("a status").faults.delays.is_empty());
    let made = post(r#"{"fault":"delay","ms":10,"nodes":[1,3]}"#);
    assert_eq!(made.json()["delays"], serde_json::json!([{"nodes": [1, 3], "ms": 10}]), "{}", made.text());
}

/// A node that goes away with the test.
struct Alone(Child);

impl Drop for Alone {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn fault_is_refused_by_nodes_that_were_not_started_for_it_and_asks_for_the_password() {
    let (folder, ports) = (tempfile::tempdir().expect("a temporary folder"), Ports::take());
    let resp = format!("127.0.0.1:{}", ports.base);
    let http = format!("127.0.0.1:{}", ports.base + 100);
    let [resp_port, http_port, peer_port] = [0, 100, 200].map(|more| (ports.base + more).to_string());
    let start = |flags: &[&str]| {
        let mut command = Command::new(QUARTET);
        command.args(["start", "--data"]).arg(folder.path().join("data"));
        command
            .args(["--resp-port", &resp_port, "--http-port", &http_port, "--peer-port", &peer_port])
            .args(flags);
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let node =
            Alone(command.env("QUARTET_REQUIREPASS", "sesame").stderr(log).spawn().expect("it starts"));
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(&http).is_err() || get(&http, "/readyz").status != 200 {
            assert!(Instant::now() < end, "it does not serve");
            std::thread::sleep(Duration::from_millis(20));
        }
        node
    };
    let ask = |password: &str, words: &[&str]| {
        let mut command = Command::new(QUARTET);
        command
            .args(["fault", "--at", &resp])
            .args(words)
            .env("QUARTET_REQUIREPASS", password)
            .stdin(Stdio::null());
        run(&mut command, b"")
    };
    let log = || std::fs::read_to_string(folder.path().join("log")).expect("a log");
    let basic = [("Authorization", "Basic ZGVmYXVsdDpzZXNhbWU=")];

    let node = start(&[]);
    for words in [&["list"][..], &["pause", "1"], &["heal"]] {
        let output = ask("sesame", words);
        expect_exit(&output, 2);
        assert!(stderr(&output).contains("--allow-faults"), "{}", stderr(&output));
    }
    let refused = request(&http, "GET", "/admin/faults", &basic, b"");
    assert_eq!((refused.status, &refused.json()["code"]), (403, &"faults_not_allowed".into()));
    assert!(!log().contains("--allow-faults"), "{}", log());
    drop(node);

    let _node = start(&["--allow-faults"]);
    assert!(log().contains("WARN") && log().contains("--allow-faults"), "{}", log());
    expect_exit(&ask("", &["list"]), 2);
    expect_exit(&ask("wrong", &["list"]), 2);
    assert_eq!(get(&http, "/admin/faults").status, 401);
    expect_exit(&ask("sesame", &["list"]), 0);
    assert_eq!(request(&http, "GET", "/admin/faults", &basic, b"").status, 200);
    let output = ask("sesame", &["isolate", "1"]);
    expect_exit(&output, 2);
    assert!(stderr(&output).contains("one node"), "{}", stderr(&output));
}
