//! The conflict log through every front: a real conflict, made by a real cut, is told alike by the Redis protocol, HTTP and the command line.

use crate::support::PATIENCE;
use crate::support::harness::{TestCluster, expect_exit, stderr, stdout};
use crate::support::split::{heal, isolate};
use crate::support::web::{Response, get, request};
use client::Reply;
use client::blocking::Connection;
use proto::superseded::Superseded;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Writes over HTTP; answers the operation's name, if it is tentative.
fn put(cluster: &TestCluster, node: u64, path: &str, level: &str, value: &str) -> Option<String> {
    let said = [("Consistency", level), ("Deadline", "30s")];
    let put = request(&cluster.node(node).http, "PUT", path, &said, value.as_bytes());
    assert!(put.status == 200 || put.status == 201, "{}", put.text());
    put.header("dot").map(str::to_owned)
}

/// Waits until what a node shows of a key is decided.
fn is_decided(cluster: &TestCluster, node: u64, path: &str) {
    let end = Instant::now() + PATIENCE;
    let state = || {
        let read = request(&cluster.node(node).http, "GET", path, &[("Consistency", "eventual")], b"");
        read.header("state").map(str::to_owned)
    };
    while state().as_deref() != Some("committed") {
        assert!(Instant::now() < end, "{path} stays undecided");
    }
}

/// Waits until node 1 tells a conflict of this key.
fn told(cluster: &TestCluster, path: &str) -> Response {
    let end = Instant::now() + PATIENCE;
    loop {
        let told = get(&cluster.node(1).http, path);
        assert_eq!(told.status, 200, "{}", told.text());
        if told.json()["conflicts"].as_array().is_some_and(|all| !all.is_empty()) {
            return told;
        }
        assert!(Instant::now() < end, "no conflict is told of {path}");
    }
}

fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no timestamp: {value}"))
}

#[test]
fn conflicts_of_a_real_cut_are_told_alike_by_every_front() {
    let mut cluster = TestCluster::start(3);
    isolate(&mut cluster, 3);
    // A key with slashes in it, the last of them before the word.
    let lost = put(&cluster, 3, "/kvs/lock/conflicts", "causal", "mine").expect("tentative");
    let version =
        request(&cluster.node(1).http, "PUT", "/kvs/lock/conflicts", &[("Deadline", "30s")], b"theirs");
    let version = version.header("etag").expect("a version").trim_matches('"').to_owned();
    let older = put(&cluster, 3, "/kvs/color", "causal", "red").expect("tentative");
    // Of two in the same millisecond the greater node's counts as the newer.
    std::thread::sleep(Duration::from_millis(5));
    let newer = put(&cluster, 1, "/kvs/color", "causal", "blue").expect("tentative");
    // An older one loses only to what was decided before it.
    is_decided(&cluster, 1, "/kvs/color");
    for path in ["/conflicts/lock/conflicts", "/conflicts/color"] {
        let none = request(&cluster.node(3).http, "GET", path, &[("Consistency", "eventual")], b"");
        assert_eq!((none.status, &none.json()["conflicts"]), (200, &Value::Array(Vec::new())));
    }
    heal(&mut cluster);

    let response = told(&cluster, "/conflicts/lock/conflicts");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("consistency"), Some("linearizable"));
    assert_eq!((response.header("state"), response.header("etag")), (Some("committed"), None));
    assert!(response.header("session").is_some() && response.header("served-by").is_some());
    let document = response.json();
    assert_eq!(document["key"], "lock/conflicts");
    let conflict = &document["conflicts"][0];
    assert_eq!(
        (&conflict["write"], &conflict["operation"]),
        (&"SET \"mine\"".into(), &lost.into()),
        "{conflict}"
    );
    let by = &conflict["superseded_by"];
    assert_eq!(
        (&by["what"], &by["operation"], &by["at"]),
        (&"strong write".into(), &Value::Null, &version.into())
    );
    let (taken, decided) = (number(&conflict["taken"]), number(&conflict["decided"]));
    assert!(taken < decided && number(&by["at"]) < decided, "{conflict}");
    assert_eq!(conflict["taken_ms"], taken >> 16);
    assert_eq!(conflict["decided_ms"], decided >> 16);

    let by = &told(&cluster, "/conflicts/color").json()["conflicts"][0];
    assert_eq!((&by["write"], &by["operation"]), (&"SET \"red\"".into(), &older.into()), "{by}");
    let by = &by["superseded_by"];
    assert_eq!((&by["what"], &by["operation"]), (&"newer write".into(), &newer.into()));

    // The Redis protocol and the command line tell the same, at whatever level once it is there.
    let mut redis = Connection::open(&cluster.node(2).resp, None, PATIENCE).expect("the node answers");
    let reply = redis.call(&[b"CONFLICTS", b"lock/conflicts"], PATIENCE).expect("a reply");
    let all = Superseded::read(&reply).unwrap_or_else(|| panic!("{reply:?}"));
    assert_eq!(serde_json::to_value(&all).expect("JSON"), document["conflicts"]);
    let output = cluster.quartet(&["conflicts", "--json", "lock/conflicts"]);
    expect_exit(&output, 0);
    assert_eq!(serde_json::from_str::<Value>(&stdout(&output)).expect("one object"), document);
    let output = cluster.quartet(&["conflicts", "lock/conflicts", "--consistency", "sequential", "--meta"]);
    expect_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.starts_with("SET \"mine\"\n") && text.contains("by a strong write of 20"), "{text}");
    assert!(stderr(&output).contains("\"level\":\"sequential\""), "{}", stderr(&output));
}

#[test]
fn conflicts_are_read_at_the_levels_and_in_the_session_that_were_asked_for() {
    let cluster = TestCluster::start(3);
    let at = &*cluster.node(2).http;
    let wrote = request(at, "PUT", "/kvs/k", &[], b"v");
    let token = wrote.header("session").expect("a token").to_owned();
    for level in ["linearizable", "sequential", "causal", "eventual"] {
        let said = [("Consistency", level), ("Session", &*token)];
        let read = request(at, "GET", "/conflicts/k", &said, b"");
        assert_eq!((read.status, read.header("consistency")), (200, Some(level)), "{}", read.text());
        assert_eq!(read.json(), serde_json::json!({ "key": "k", "conflicts": [] }));
    }
    let code = |path: &str| get(at, path).json()["code"].as_str().map(str::to_owned);
    assert_eq!(code("/conflicts/k?session=hello").as_deref(), Some("bad_session"));
    assert_eq!(code("/conflicts/k?consistency=strong").as_deref(), Some("level"));
    assert_eq!(code("/conflicts/k?ttl=5").as_deref(), Some("unknown_parameter"));
    assert_eq!(code("/conflicts/").as_deref(), Some("no_key"));
    assert_eq!(get(at, "/kvs/k/conflicts").status, 404, "that is a key");

    let output = cluster.quartet(&["conflicts", "k"]);
    expect_exit(&output, 0);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("nothing of \"k\""), "{}", stderr(&output));
    expect_exit(&cluster.quartet(&["conflicts", "k", "--consistency", "strong"]), 2);
    let mut redis = Connection::open(&cluster.node(1).resp, None, PATIENCE).expect("the node answers");
    let reply = redis.call(&[b"CONFLICTS@causal", b"k"], PATIENCE).expect("a reply");
    assert_eq!(reply, Reply::Array(Vec::new()));
}
