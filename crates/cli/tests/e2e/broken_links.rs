//! Links that break while nodes live: every connected majority goes on, at every node's clients, because frames are relayed around what is broken.
//!
//! Once with cuts inside the processes (`quartet fault cut`), which anybody can make, and once with hosts of their own whose network is silent where it is cut. How long writes stand still is measured in the simulator
//! (`crates/sim/tests/partitions.rs`) and by `benches/partitions.sh`; here it only counts that they go on while the links are cut, and that what clients saw was linearizable.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use crate::support::hosts::Hosts;
use crate::support::skipped;
use crate::support::split::fault;
use crate::support::workload::Load;
use cli::dev::Cluster;
use client::Reply;
use client::blocking::Connection;
use std::time::{Duration, Instant};

type Kept = fn(u64, u64) -> bool;

/// Which pairs of five keep their link. 1 leads nothing in particular: leaders are spread.
const SHAPES: [(&str, Kept); 4] = [
    ("all through a hub (quorum loss)", |a, b| a == 2 || b == 2),
    ("a chain", |a, b| b - a == 1),
    ("a ring", |a, b| b - a == 1 || b - a == 4),
    ("two halves and a bridge", |a, b| a == 3 || b == 3 || (a < 3) == (b < 3)),
];

/// Waits until a node takes a write of each of so many keys, which lie in different shards.
fn all_nodes_write(cluster: &TestCluster, ids: &[u64], round: &str) {
    for &id in ids {
        let end = Instant::now() + PATIENCE;
        let address = &cluster.node(id).resp;
        let mut connection = Connection::open(address, cluster.plan().password.as_deref(), PATIENCE)
            .expect("clients reach every node");
        for key in 0..12 {
            let (key, value) = (format!("links:{key}"), format!("{round} of {id}"));
            let write = [b"SET", key.as_bytes(), value.as_bytes()];
            loop {
                let answer = connection.call(&write, PATIENCE);
                if answer == Ok(Reply::OK) {
                    break;
                }
                assert!(Instant::now() < end, "node {id} takes no write of {key} ({round}): {answer:?}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Waits until a node sends what is for another one through a third, or does not any more.
fn relays(cluster: &mut TestCluster, from: u64, to: u64, wanted: bool) {
    let trouble = |cluster: &Cluster| {
        let view = match cluster.view(from) {
            Ok(view) => view,
            Err(error) => return Some(error.to_string()),
        };
        let seen = view.nodes.iter().find(|seen| seen.id == to).expect("they are members");
        (seen.via.is_some() != wanted || seen.state != "up")
            .then(|| format!("node {from} sees node {to} as {} via {:?}", seen.state, seen.via))
    };
    cluster.wait_until(PATIENCE, trouble).expect("frames find a way");
}

#[test]
fn links_cut_inside_the_processes_are_relayed_around_and_taken_again_when_they_heal() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "mended");
    load.goes_on(200);
    fault(&cluster, 2, &["cut", "1", "3"]);
    relays(&mut cluster, 1, 3, true);
    relays(&mut cluster, 3, 1, true);
    all_nodes_write(&cluster, &[1, 2, 3], "cut");
    load.goes_on(300);
    let text = String::from_utf8(cluster.quartet(&["status"]).stdout).expect("text");
    assert!(text.contains("via node 2"), "status names the way:\\n{text}");
    fault(&cluster, 2, &["heal"]);
    relays(&mut cluster, 1, 3, false);
    relays(&mut cluster, 3, 1, false);
    load.goes_on(200);
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
}

#[test]
fn five_nodes_go_on_at_every_client_whatever_links_are_cut_as_long_as_all_are_connected() {
    let mut cluster = TestCluster::start(5);
    let client = cluster.client();
    let load = Load::start(&client, "shapes");
    load.goes_on(200);
    for (name, kept) in SHAPES {
        for a in 1..=5 {
            for b in a + 1..=5 {
                if !kept(a, b) {
                    fault(&cluster, 2, &["cut", &a.to_string(), &b.to_string()]);
                }
            }
        }
        all_nodes_write(&cluster, &[1, 2, 3, 4, 5], name);
        load.goes_on(200);
        fault(&cluster, 2, &["heal"]);
        cluster.serves();
    }
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
}

#[test]
fn hosts_whose_links_are_silent_go_on_in_every_connected_shape_and_one_way() {
    let Some(hosts) = Hosts::make(5) else {
        return skipped("silent links between hosts: needs root and ip (iproute2)");
    };
    let mut cluster = TestCluster::start_with(5, |plan| {
        plan.hosts = hosts.plan();
        // Beyond loopback both are asked for.
        let (secret, password) = ("links that are cut", "links");
        plan.environment.push(("QUARTET_CLUSTER_SECRET".to_owned(), secret.to_owned()));
        plan.environment.push(("QUARTET_REQUIREPASS".to_owned(), password.to_owned()));
        plan.password = Some(password.to_owned());
    });
    let client = cluster.client();
    let load = Load::start(&client, "hosts");
    load.goes_on(200);
    for (name, kept) in SHAPES {
        hosts.keep_only(kept);
        let cut = (1..=5).flat_map(|a| (a + 1..=5).map(move |b| (a, b))).find(|(a, b)| !kept(*a, *b));
        let (a, b) = cut.expect("each shape cuts something");
        assert!(!hosts.reaches(a, &cluster.node(b).resp), "{name}: the link is cut");
        all_nodes_write(&cluster, &[1, 2, 3, 4, 5], name);
        load.goes_on(200);
        hosts.heal();
        assert!(hosts.reaches(a, &cluster.node(b).resp), "{name}: the link is mended");
        cluster.serves();
    }
    hosts.cut_one_way(1, 2);
    all_nodes_write(&cluster, &[1, 2, 3, 4, 5], "one way");
    load.goes_on(200);
    hosts.heal();
    // A constrained election: one is cut off from everybody, the others reach each other through one of them.
    hosts.keep_only(|a, b| a != 1 && (a == 2 || b == 2));
    all_nodes_write(&cluster, &[2, 3, 4, 5], "constrained");
    load.goes_on(200);
    hosts.heal();
    cluster.serves();
    all_nodes_write(&cluster, &[1, 2, 3, 4, 5], "healed");
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
    cluster.stop_all().expect("they stop");
}
