//! CLUSTER: the map as Redis's cluster clients read it.
//!
//! Each node is listed only as the primary of the slots that it leads, because clients that find one address in two roles skip data without a word. All slots are
//! covered at all times: while a shard elects, its last leader stays listed (`directory::routing`), and any node forwards anyway.

use super::context::Context;
use bytes::Bytes;
use directory::Member;
use directory::routing::SlotRange;
use node::core::Core;
use proto::commands::{Row, help};
use proto::ids::{ClusterId, NodeId};
use proto::limits::SLOT_COUNT;
use proto::reply::Reply;
use proto::slots::slot_of;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Carries out a command of [`proto::commands::Family::Cluster`].
pub(super) fn run(row: &Row, argv: &[Bytes], context: &Context<'_>, me: NodeId) -> Reply {
    let core = context.core;
    match row.name {
        "cluster|slots" => slots(core),
        "cluster|shards" => shards(core),
        "cluster|nodes" => Reply::Verbatim("txt", nodes(core, me)),
        "cluster|info" => Reply::Verbatim("txt", info(core)),
        "cluster|myid" => Reply::bulk(id_of(core.directory().cluster, me)),
        "cluster|keyslot" => Reply::Int(i64::from(slot_of(&argv[2]).0)),
        _ => help("cluster"),
    }
}

/// 40 hexadecimal digits, as Redis has them: the cluster and the node.
fn id_of(cluster: ClusterId, node: NodeId) -> String {
    format!("{cluster}{:08x}", node.0)
}

fn int(number: impl Into<i64>) -> Reply {
    Reply::Int(number.into())
}

fn slots(core: &Core) -> Reply {
    let cluster = core.directory().cluster;
    let entry = |range: SlotRange| {
        let Member { node, resp, .. } = range.leader;
        let primary = Reply::Array(vec![
            Reply::bulk(resp.host),
            int(resp.port),
            Reply::bulk(id_of(cluster, node)),
            Reply::Array(Vec::new()),
        ]);
        Reply::Array(vec![int(range.first_slot.0), int(range.last_slot.0), primary])
    };
    Reply::Array(core.routing().cluster_slots().into_iter().map(entry).collect())
}

/// The runs of slots of each node; nodes that lead nothing have none.
fn by_leader(core: &Core) -> BTreeMap<NodeId, Vec<(u16, u16)>> {
    let mut runs: BTreeMap<NodeId, Vec<(u16, u16)>> = BTreeMap::new();
    for range in core.routing().cluster_slots() {
        runs.entry(range.leader.node).or_default().push((range.first_slot.0, range.last_slot.0));
    }
    runs
}

fn shards(core: &Core) -> Reply {
    let directory = core.directory();
    let pair = |name: &'static str, value| (Reply::bulk(name), value);
    let entry = |(node, runs): (NodeId, Vec<(u16, u16)>)| {
        let member = directory.members.get(&node)?;
        let description = Reply::Map(vec![
            pair("id", Reply::bulk(id_of(directory.cluster, node))),
            pair("port", int(member.resp.port)),
            pair("ip", Reply::bulk(member.resp.host.clone())),
            pair("endpoint", Reply::bulk(member.resp.host.clone())),
            pair("role", Reply::bulk("master")),
            pair("replication-offset", int(0)),
            pair("health", Reply::bulk("online")),
        ]);
        let slots = runs.into_iter().flat_map(|(first, last)| [int(first), int(last)]).collect();
        Some(Reply::Map(vec![
            pair("slots", Reply::Array(slots)),
            pair("nodes", Reply::Array(vec![description])),
        ]))
    };
    Reply::Array(by_leader(core).into_iter().filter_map(entry).collect())
}

fn nodes(core: &Core, me: NodeId) -> String {
    let directory = core.directory();
    let mut runs = by_leader(core);
    let mut out = String::new();
    for (node, member) in &directory.members {
        let flags = if *node == me { "myself,master" } else { "master" };
        let _ = write!(
            out,
            "{} {}:{}@{} {flags} - 0 0 {} connected",
            id_of(directory.cluster, *node),
            member.resp.host,
            member.resp.port,
            member.peer.port,
            directory.map.epoch,
        );
        for (first, last) in runs.remove(node).unwrap_or_default() {
            let _ = if first == last { write!(out, " {first}") } else { write!(out, " {first}-{last}") };
        }
        out.push('\n');
    }
    out
}

fn info(core: &Core) -> String {
    let directory = core.directory();
    let is_led = |shard: &directory::ShardPlacement| core.routing().leader_hint(shard.shard).is_some();
    let state = if directory.map.shards.iter().all(is_led) { "ok" } else { "fail" };
    let epoch = directory.map.epoch;
    let leading = by_leader(core).len();
    [
        format!("cluster_state:{state}"),
        format!("cluster_slots_assigned:{SLOT_COUNT}"),
        format!("cluster_slots_ok:{SLOT_COUNT}"),
        "cluster_slots_pfail:0".to_owned(),
        "cluster_slots_fail:0".to_owned(),
        format!("cluster_known_nodes:{}", directory.members.len()),
        format!("cluster_size:{leading}"),
        format!("cluster_current_epoch:{epoch}"),
        format!("cluster_my_epoch:{epoch}"),
        "cluster_stats_messages_sent:0".to_owned(),
        "cluster_stats_messages_received:0".to_owned(),
    ]
    .map(|line| line + "\r\n")
    .concat()
}
