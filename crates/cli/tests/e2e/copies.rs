//! On how many nodes a write is: `WAIT` on a connection, `--acks` on the command line. What is promised is there, also beside a cut.

use crate::support::PATIENCE;
use crate::support::harness::{TestCluster, expect_exit, stderr, stdout};
use crate::support::split::{heal, isolate};
use client::Reply;
use client::blocking::Connection;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A Redis connection to a node.
struct Talk(Connection);

impl Talk {
    fn to(cluster: &TestCluster, node: u64) -> Talk {
        Talk(Connection::open(&cluster.node(node).resp, None, PATIENCE).expect("the node answers"))
    }

    fn say(&mut self, line: &str) -> Reply {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.0.call(&words, PATIENCE).expect("a reply")
    }

    /// The answer to a WAIT, and how long it took.
    fn wait(&mut self, nodes: u64, ms: u64) -> (i64, Duration) {
        let begin = Instant::now();
        match self.say(&format!("WAIT {nodes} {ms}")) {
            Reply::Int(number) => (number, begin.elapsed()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn wait_answers_how_many_other_nodes_hold_what_its_connection_wrote() {
    let mut cluster = TestCluster::start(3);
    for node in 1..=3 {
        let mut redis = Talk::to(&cluster, node);
        for key in 0..20 {
            assert_eq!(redis.say(&format!("SET strong:{node}:{key} v")), Reply::OK);
            let (nodes, took) = redis.wait(2, 10_000);
            assert!(nodes == 2 && took < Duration::from_secs(5), "{nodes} after {took:?}");
            assert_eq!(redis.say(&format!("INCR@causal weak:{node}:{key}")), Reply::Int(1));
            let (nodes, took) = redis.wait(2, 10_000);
            assert!(nodes == 2 && took < Duration::from_secs(5), "{nodes} after {took:?}");
        }
        assert_eq!(redis.wait(1, 0).0, 1, "a majority is certain");
        assert!(matches!(redis.say("WAIT 1 -5"), Reply::Error(text) if text == "ERR timeout is negative"));
        assert!(
            matches!(redis.say("WAIT one 5"), Reply::Error(text) if text.starts_with("ERR value is not"))
        );
    }
    let mut before = Talk::to(&cluster, 1);
    assert_eq!(before.say("SET before v"), Reply::OK);
    isolate(&mut cluster, 3);
    let mut lone = Talk::to(&cluster, 3);
    for line in ["INCR@causal alone", "INCR@eventual alone"] {
        assert!(matches!(lone.say(line), Reply::Int(_)));
        let (nodes, took) = lone.wait(1, 500);
        assert!(nodes == 0 && took >= Duration::from_millis(500), "{nodes} after {took:?}");
    }
    // With a majority two of three have it, and the third cannot be sure of.
    let mut redis = Talk::to(&cluster, 1);
    for line in ["WITH here linearizable DEADLINE 30000 DO SET here v", "INCR@causal here:n"] {
        assert!(!matches!(redis.say(line), Reply::Error(_)));
        assert_eq!(redis.wait(1, 10_000).0, 1);
        let (nodes, took) = redis.wait(2, 500);
        assert!(nodes == 1 && took >= Duration::from_millis(500), "{nodes} after {took:?}");
    }
    heal(&mut cluster);
    for redis in [&mut lone, &mut redis, &mut before] {
        assert_eq!(redis.wait(2, 30_000).0, 2);
    }
}

#[test]
fn wait_on_a_cluster_of_one_finds_no_other_node() {
    let cluster = TestCluster::start(1);
    let mut redis = Talk::to(&cluster, 1);
    assert_eq!(redis.say("SET k v"), Reply::OK);
    assert_eq!(redis.wait(0, 1_000).0, 0);
    let (nodes, took) = redis.wait(1, 300);
    assert!(nodes == 0 && took >= Duration::from_millis(300), "{nodes} after {took:?}");
}

#[test]
fn acks_can_be_asked_for_on_the_command_line() {
    let mut cluster = TestCluster::start(3);
    for round in 0..5 {
        let key = format!("k{round}");
        let weak = ["--consistency", "causal", "--acks", "3"];
        expect_exit(&cluster.quartet(&[&["put", &key, "v"], &weak[..]].concat()), 0);
        assert_eq!(stdout(&cluster.quartet(&[&["append", &key, "w"], &weak[..]].concat())), "2\n");
        expect_exit(&cluster.quartet(&[&["del", &key], &weak[..]].concat()), 0);
        assert_eq!(stdout(&cluster.quartet(&[&["incr", &key], &weak[..]].concat())), "1\n");
    }
    let output = cluster.quartet(&["put", "k", "v", "--consistency", "eventual", "--acks", "4"]);
    expect_exit(&output, 2);
    assert!(stderr(&output).contains("which 3 do"), "{}", stderr(&output));
    for bad in ["0", "8", "many"] {
        let output = cluster.quartet(&["put", "k", "v", "--consistency", "causal", "--acks", bad]);
        expect_exit(&output, 2);
        assert!(stderr(&output).contains("--acks"), "{}", stderr(&output));
    }
    expect_exit(&cluster.quartet(&["get", "k"]), 1);

    // Beside a cut two copies are there on one side only.
    isolate(&mut cluster, 3);
    let sent = ["run", "--json", "--pin", "--deadline", "3000", "--each", "3, 1, side ::: v"];
    let results = |output: &std::process::Output| -> Vec<(u64, bool)> {
        let lines: Vec<Value> =
            stdout(output).lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        let mut results: Vec<_> =
            lines.iter().filter_map(|line| Some((line["node"].as_u64()?, line["ok"].as_bool()?))).collect();
        results.sort_unstable();
        results
    };
    let output = cluster.quartet(&sent);
    assert_eq!(results(&output), [(1, true), (2, true), (3, true)], "{}", stdout(&output));
    let output = cluster.quartet(&[&sent[..], &["--acks", "2"]].concat());
    expect_exit(&output, 4);
    assert_eq!(results(&output), [(1, true), (2, true), (3, false)], "{}", stdout(&output));
}
