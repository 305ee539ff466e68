//! Replicas whose states differ although their logs agree: memory that was damaged before the checksum was made. Here one node's copy of a value is changed on the way to it.

mod cluster;

use bytes::Bytes;
use cluster::{Cluster, text};
use node::core::Core;
use proto::ids::{GroupId, ShardId};
use proto::ops::{Read, StringRead};
use proto::peer::{ConsensusKind, Message};
use proto::reply::Reply;

const HONEST: &[u8] = b"honest-value";
const BROKEN: &[u8] = b"broken-value";

/// Changes the value in every entry that goes to one of these nodes.
fn break_at(victims: &'static [usize]) -> cluster::Tampers {
    Box::new(move |to, message| {
        let Message::Consensus { message, .. } = message else { return };
        if !victims.contains(&to) || message.kind != ConsensusKind::Append {
            return;
        }
        for entry in &mut message.entries {
            if let Some(at) = entry.data.windows(HONEST.len()).position(|part| part == HONEST) {
                let mut data = entry.data.to_vec();
                data[at..at + BROKEN.len()].copy_from_slice(BROKEN);
                entry.data = Bytes::from(data);
            }
        }
    })
}

/// What each replica holds.
fn held(cluster: &Cluster) -> Vec<Option<Reply>> {
    let read = Read::String(StringRead::Get { key: Bytes::from_static(b"key") });
    cluster.cores.iter().flatten().map(|core| core.look(&read)).collect()
}

fn digests(cluster: &Cluster) -> Vec<Option<u128>> {
    cluster.cores.iter().flatten().map(|core| core.digest(ShardId(0).group())).collect()
}

fn leader(cluster: &Cluster) -> usize {
    let leads = |core: &Core| core.views().any(|(group, view, _)| group != GroupId::DIRECTORY && view.leads);
    cluster.cores.iter().flatten().position(leads).expect("a leader")
}

/// A cluster of three whose shard is led by the first node.
fn led_by_first() -> Cluster {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.until("the first leads", |cluster| leader(cluster) == 0);
    cluster
}

#[test]
fn a_replica_that_differs_from_the_majority_is_named_forgotten_and_filled_from_it() {
    let mut cluster = led_by_first();
    cluster.tampers = Some(break_at(&[2]));
    assert_eq!(cluster.call(0, "SET key honest-value"), Reply::OK);
    cluster.until("it is broken at the third", |cluster| held(cluster)[2] == Some(text("broken-value")));
    cluster.tampers = None;
    cluster.until("it is whole again", |cluster| {
        held(cluster).iter().all(|held| *held == Some(text("honest-value")))
    });
    cluster.until("all are equal", |cluster| {
        let digests = digests(cluster);
        digests.iter().all(|digest| digest.is_some() && *digest == digests[0])
    });
    // It votes and follows as before: with another one down the two make a majority.
    cluster.ready();
    cluster.kill(1);
    assert_eq!(cluster.call(2, "SET key later"), Reply::OK);
    assert_eq!(cluster.call(0, "GET key"), text("later"));
}

#[test]
fn a_leader_that_differs_from_the_majority_is_forgotten_too() {
    let mut cluster = led_by_first();
    cluster.tampers = Some(break_at(&[1, 2]));
    assert_eq!(cluster.call(0, "SET key honest-value"), Reply::OK);
    cluster.until("the others agree on it", |cluster| {
        held(cluster)[1..].iter().all(|held| *held == Some(text("broken-value")))
    });
    cluster.tampers = None;
    cluster.until("the majority has its way", |cluster| {
        held(cluster).iter().all(|held| *held == Some(text("broken-value")))
    });
    cluster.ready();
    assert_eq!(cluster.call(0, "SET key later"), Reply::OK);
    assert_eq!(cluster.call(1, "GET key"), text("later"));
}

#[test]
fn replicas_are_compared_at_the_same_places_under_load_and_nothing_is_named_while_they_are_equal() {
    let mut cluster = led_by_first();
    for n in 0..2_500 {
        cluster.send((n % 3) as usize, &format!("SET key{} v{n}", n % 50));
        if n % 10 == 0 {
            cluster.round();
        }
    }
    cluster.until("all is applied", |cluster| cluster.answers.len() == 2_500);
    for _ in 0..5_000 {
        cluster.round();
    }
    let digests = digests(&cluster);
    assert!(digests.iter().all(|digest| digest.is_some() && *digest == digests[0]));
    let unborn = cluster.cores.iter().flatten().any(|core| core.unborn().next().is_some());
    assert!(!unborn);
}
