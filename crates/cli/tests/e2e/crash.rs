//! Kills and pauses under load: no acknowledged write is lost, no read is wrong, and the history says so.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run};
use crate::support::workload::Load;
use std::process::Command;
use std::time::{Duration, Instant};

/// Operations that show that the load flows.
const A_WHILE: u64 = 300;

#[test]
fn one_node_killed_under_load_loses_nothing_and_catches_up() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "one");
    load.goes_on(A_WHILE);
    let victim = cluster.main_leader(1);
    cluster.kill(victim);
    load.goes_on(A_WHILE);
    cluster.restart(victim).expect("it starts");
    cluster.serves();
    load.goes_on(A_WHILE);
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
    // What it missed has reached it, and it leads its part again.
    cluster
        .wait_until(PATIENCE, |cluster| {
            let view = cluster.view(victim).ok()?;
            let behind =
                view.shards.iter().find(|shard| shard.local.as_ref().is_none_or(|local| local.lag > 0))?;
            Some(format!("shard {} of node {victim} lags", behind.shard))
        })
        .expect("it catches up");
    cluster.leads_evenly();
}

#[test]
fn all_nodes_killed_at_once_lose_nothing() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "all");
    load.goes_on(A_WHILE);
    cluster.kill_all(&[1, 2, 3]);
    for id in 1..=3 {
        cluster.restart(id).expect("it starts");
    }
    cluster.serves();
    load.goes_on(A_WHILE);
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
    // The recorded file passes the same judges from the command line.
    let path = cluster.folder.path().join("history.jsonl");
    std::fs::write(&path, history.lines()).expect("a file");
    expect_exit(&run(Command::new(QUARTET).arg("check").arg(&path), b""), 0);
}

#[test]
fn a_leader_that_was_paused_for_three_election_timeouts_answers_nothing_stale() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "pause");
    for _ in 0..3 {
        load.goes_on(A_WHILE);
        let leader = cluster.main_leader(1);
        let other = leader % 3 + 1;
        cluster.pause(leader);
        // Others lead all it led: three election timeouts or more have passed there.
        let end = Instant::now() + PATIENCE;
        loop {
            let view = cluster.view(other).expect("a status");
            if view.leads().iter().all(|&(id, shards)| id != leader || shards == 0) {
                break;
            }
            assert!(Instant::now() < end, "nobody takes over from node {leader}");
            std::thread::sleep(Duration::from_millis(50));
        }
        load.goes_on(A_WHILE);
        cluster.resume(leader);
        cluster.serves();
    }
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
}
