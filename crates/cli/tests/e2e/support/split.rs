//! A cluster of three with one node cut off, once both sides know it: the majority has leaders of its own, the other side knows that it has none.

use super::PATIENCE;
use super::harness::{QUARTET, TestCluster, expect_exit, run};
use cli::dev::Cluster;
use std::process::Command;

/// `quartet fault …`, said to one node.
pub(crate) fn fault(cluster: &TestCluster, at: u64, words: &[&str]) {
    let mut command = Command::new(QUARTET);
    command.args(["fault", "--at", &cluster.node(at).resp]).args(words);
    expect_exit(&run(command.env_remove("QUARTET_REQUIREPASS"), b""), 0);
}

/// Isolates a node and waits until both sides have taken it in.
pub(crate) fn isolate(cluster: &mut TestCluster, lone: u64) {
    fault(cluster, lone, &["isolate", &lone.to_string()]);
    let others: Vec<u64> = cluster.ids().into_iter().filter(|&id| id != lone).collect();
    let trouble = |cluster: &Cluster| {
        others.iter().find_map(|&id| led_without(cluster, id, lone)).or_else(|| hears_nobody(cluster, lone))
    };
    cluster.wait_until(PATIENCE, trouble).expect("both sides notice");
}

/// Heals everything and waits until every node serves.
pub(crate) fn heal(cluster: &mut TestCluster) {
    fault(cluster, 1, &["heal"]);
    cluster.serves();
}

/// What keeps node `asked` from being served by others than `lone`.
fn led_without(cluster: &Cluster, asked: u64, lone: u64) -> Option<String> {
    let view = match cluster.view(asked) {
        Ok(view) => view,
        Err(error) => return Some(error.to_string()),
    };
    let missing = view.shards.iter().find(|shard| shard.leader.is_none_or(|leader| leader == lone));
    missing.map(|shard| format!("node {asked} sees shard {} led by {:?}", shard.shard, shard.leader))
}

/// What keeps a node that is alone from knowing it. It may go on believing that it leads.
fn hears_nobody(cluster: &Cluster, lone: u64) -> Option<String> {
    let view = match cluster.view(lone) {
        Ok(view) => view,
        Err(error) => return Some(error.to_string()),
    };
    let heard = view.nodes.iter().find(|node| node.id != lone && node.state == "up");
    heard.map(|node| format!("node {lone} still hears node {}", node.id))
}

/// Waits until a node that is alone has given its links up: until then it sends requests into them, and a write that was sent is handed over and steps down no ladder.
pub(crate) fn gives_its_links_up(cluster: &mut TestCluster, lone: u64) {
    /// Links are given up after three seconds of silence.
    const SILENCE_MS: u64 = 4_000;
    let trouble = |cluster: &Cluster| {
        let view = match cluster.view(lone) {
            Ok(view) => view,
            Err(error) => return Some(error.to_string()),
        };
        let late = view
            .nodes
            .iter()
            .find(|node| node.id != lone && node.heard_ms_ago.is_some_and(|ms| ms < SILENCE_MS));
        late.map(|node| format!("node {lone} may still send to node {}", node.id))
    };
    cluster.wait_until(PATIENCE, trouble).expect("links are given up");
}
