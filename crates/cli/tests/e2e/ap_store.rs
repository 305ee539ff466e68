//! The store that asks its primary and falls back to its own copy: HTTP `/kvs` and the ladder `linearizable, eventual` (`docs/examples/ap-store.md`), while the primary's side is gone.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use crate::support::split::{fault, heal, is_alone, isolate};
use crate::support::web::{Response, get, request};
use std::time::Instant;

const LADDER: [(&str, &str); 1] = [("Consistency", "linearizable;300ms, eventual")];

fn ask(cluster: &TestCluster, node: u64, method: &str, key: &str, body: &str) -> Response {
    request(&cluster.node(node).http, method, &format!("/kvs/{key}"), &LADDER, body.as_bytes())
}

/// Status, value, and what the answer is labelled with.
#[track_caller]
fn labelled(response: &Response) -> (u16, String, String, String) {
    let header = |name| response.header(name).unwrap_or_else(|| panic!("no {name}: {response:?}")).to_owned();
    let value = if response.status == 200 { response.text() } else { String::new() };
    (response.status, value, header("consistency"), header("state"))
}

fn seen(status: u16, value: &str, level: &str, state: &str) -> (u16, String, String, String) {
    (status, value.to_owned(), level.to_owned(), state.to_owned())
}

/// Waits until each node answers this key linearizably in one way.
fn settles(cluster: &TestCluster, key: &str, value: Option<&str>) {
    let end = Instant::now() + PATIENCE;
    for node in 1..=3 {
        loop {
            let read = get(&cluster.node(node).http, &format!("/kvs/{key}"));
            let is = match value {
                Some(value) => read.status == 200 && read.text() == value,
                None => read.status == 404,
            };
            if is {
                break;
            }
            assert!(
                Instant::now() < end,
                "node {node}: {key} is no {value:?}: {} {}",
                read.status,
                read.text()
            );
        }
    }
}

#[test]
fn ap_store_every_node_answers_with_the_primary_gone_and_nothing_taken_is_lost() {
    let mut cluster = TestCluster::start(3);
    for key in ["kept", "deleted", "deleted:late"] {
        let wrote = ask(&cluster, 1, "PUT", key, "old");
        assert_eq!((wrote.status, wrote.header("consistency")), (201, Some("linearizable")));
    }
    // Everybody has it, and says so.
    for node in 1..=3 {
        for key in ["kept", "deleted", "deleted:late"] {
            let sequential = [("Consistency", "sequential"), ("Max-Staleness", "1ms")];
            let path = format!("/kvs/{key}");
            assert_eq!(request(&cluster.node(node).http, "GET", &path, &sequential, b"").status, 200);
        }
    }
    let place: serde_json::Value =
        serde_json::from_slice(&cluster.quartet(&["where", "--json", "kept"]).stdout).expect("JSON");
    let primary = place["leader"].as_u64().expect("a leader");
    let (one, other) = (primary % 3 + 1, (primary + 1) % 3 + 1);

    // The primary alone; the others have a majority, elect, and go on.
    isolate(&mut cluster, primary);
    for node in [one, other] {
        assert_eq!(
            labelled(&ask(&cluster, node, "GET", "kept", "")),
            seen(200, "old", "linearizable", "committed")
        );
    }
    assert_eq!(
        labelled(&ask(&cluster, primary, "GET", "kept", "")),
        seen(200, "old", "eventual", "committed")
    );
    assert_eq!(labelled(&ask(&cluster, one, "DELETE", "deleted", "")).2, "linearizable");
    assert_eq!(
        labelled(&ask(&cluster, other, "GET", "deleted", "")),
        seen(404, "", "linearizable", "committed")
    );
    // Right on both sides: who cannot know of it tells what it has, and by the label that it may be old.
    assert_eq!(
        labelled(&ask(&cluster, primary, "GET", "deleted", "")),
        seen(200, "old", "eventual", "committed")
    );
    // A write on the primary's side is taken, too.
    let wrote = ask(&cluster, primary, "PUT", "by:primary", "p");
    assert_eq!(labelled(&wrote).2, "eventual", "{}", wrote.text());

    // Now nobody has a majority, and everybody answers.
    let link = [one.to_string(), other.to_string()];
    fault(&cluster, one, &["cut", &link[0], &link[1]]);
    is_alone(&mut cluster, one);
    is_alone(&mut cluster, other);
    for node in [one, other, primary] {
        assert_eq!(
            labelled(&ask(&cluster, node, "GET", "kept", "")),
            seen(200, "old", "eventual", "committed")
        );
        let key = format!("by:{node}:alone");
        let wrote = ask(&cluster, node, "PUT", &key, "here");
        assert_eq!(wrote.status, 201, "{}", wrote.text());
        assert_eq!(
            (wrote.header("consistency"), wrote.header("state")),
            (Some("eventual"), Some("tentative"))
        );
        assert_eq!(
            labelled(&ask(&cluster, node, "GET", &key, "")),
            seen(200, "here", "eventual", "tentative")
        );
    }
    let deleted = ask(&cluster, other, "DELETE", "deleted:late", "");
    assert_eq!(
        (deleted.status, deleted.header("consistency")),
        (200, Some("eventual")),
        "{}",
        deleted.text()
    );
    let gone = ask(&cluster, other, "GET", "deleted:late", "");
    assert_eq!((gone.status, gone.header("consistency")), (404, Some("eventual")));
    assert_eq!(
        labelled(&ask(&cluster, one, "GET", "deleted:late", "")),
        seen(200, "old", "eventual", "committed")
    );

    heal(&mut cluster);
    settles(&cluster, "kept", Some("old"));
    settles(&cluster, "deleted", None);
    settles(&cluster, "deleted:late", None);
    settles(&cluster, "by:primary", Some("p"));
    for node in 1..=3 {
        settles(&cluster, &format!("by:{node}:alone"), Some("here"));
    }
    // What was deleted stays so.
    for node in 1..=3 {
        assert_eq!(
            labelled(&ask(&cluster, node, "GET", "deleted", "")),
            seen(404, "", "linearizable", "committed")
        );
    }
}
