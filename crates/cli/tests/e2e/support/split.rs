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
        others
            .iter()
            .find_map(|&id| led_without(cluster, id, lone))
            .or_else(|| knows_it_is_alone(cluster, lone))
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

/// What keeps a node that is alone from knowing it: then it hears nobody, and knows no leader, itself least of all.
fn knows_it_is_alone(cluster: &Cluster, lone: u64) -> Option<String> {
    let view = match cluster.view(lone) {
        Ok(view) => view,
        Err(error) => return Some(error.to_string()),
    };
    let heard = view.nodes.iter().find(|node| node.id != lone && node.state == "up");
    let led = view.shards.iter().find(|shard| shard.leader.is_some());
    heard.map(|node| format!("node {lone} still hears node {}", node.id)).or_else(|| {
        led.map(|shard| format!("node {lone} sees shard {} led by {:?}", shard.shard, shard.leader))
    })
}

/// Waits until a node that was cut off from everybody knows it: until then a write may be handed over, and what was handed over steps down no ladder.
pub(crate) fn is_alone(cluster: &mut TestCluster, lone: u64) {
    cluster.wait_until(PATIENCE, |cluster| knows_it_is_alone(cluster, lone)).expect("it notices");
}
