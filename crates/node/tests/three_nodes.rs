//! Three cores in one thread, with a perfect network and a disk that forgets nothing: the shortest way to see that the parts fit.
//!
//! The hostile version of this is the simulator (`crates/sim`). Here a failure can be read at a glance.

mod cluster;

use cluster::{Cluster, text};
use proto::error::ErrorKind;
use proto::ids::NodeId;
use proto::level::Level;
use proto::outcome::Outcome;
use proto::reply::Reply;

#[test]
fn what_is_written_through_one_node_is_read_through_another() {
    let mut cluster = Cluster::new(3, 8);
    cluster.ready();
    for key in 0..50 {
        assert_eq!(cluster.call(key % 3, &format!("SET key{key} value{key}")), Reply::OK);
    }
    for key in 0..50 {
        assert_eq!(cluster.call((key + 1) % 3, &format!("GET key{key}")), text(&format!("value{key}")));
    }
    assert_eq!(cluster.call(0, "DBSIZE"), Reply::Int(50));
    assert_eq!(
        cluster.call(1, "MGET key1 nothing key2"),
        Reply::Array(vec![text("value1"), Reply::Nil, text("value2")])
    );
    assert_eq!(cluster.call(2, "DEL key1 key2 nothing"), Reply::Int(2));
    assert_eq!(cluster.call(0, "FLUSHALL"), Reply::OK);
    assert_eq!(cluster.call(1, "DBSIZE"), Reply::Int(0));
}

/// A leader tells what it decided at the end of its next idle drain. With the next tick it would be up to 25 rounds later, with the next heartbeat up to 50.
#[test]
fn followers_apply_a_write_before_the_next_tick() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    let applied = |cluster: &Cluster| -> Vec<u64> {
        let cores = cluster.cores.iter().flatten();
        let shards = cores.map(|core| core.status(cluster.now).shards.remove(0));
        shards.map(|shard| shard.local.expect("a replica everywhere").applied.0).collect()
    };
    for write in 0..40 {
        cluster.call(0, &format!("SET key {write}"));
        let newest = applied(&cluster).into_iter().max();
        let rounds = (0..100).find(|_| {
            let told = applied(&cluster).iter().all(|&index| Some(index) == newest);
            cluster.round();
            told
        });
        assert!(rounds.is_some_and(|rounds| rounds <= 6), "write {write}: {rounds:?} rounds");
    }
}

#[test]
fn leaders_are_spread_evenly_and_again_after_a_node_returns() {
    let mut cluster = Cluster::new(3, 32);
    cluster.ready();
    let spread = |cluster: &Cluster| {
        let status = cluster.cores[0].as_ref().expect("node 1 lives").status(cluster.now);
        status.nodes.iter().map(|node| node.leads).all(|leads| (10..=11).contains(&leads))
    };
    cluster.until("leaders are spread", spread);
    cluster.kill(2);
    cluster.until("the others lead everything", |cluster| {
        cluster.cores[0].as_ref().expect("node 1 lives").status(cluster.now).nodes[2].leads == 0
    });
    cluster.call(0, "SET while-away yes");
    cluster.start(2);
    cluster.until("leaders are spread again", spread);
    assert_eq!(cluster.call(2, "GET while-away"), text("yes"));
}

#[test]
fn everything_is_there_after_all_nodes_were_killed_at_once() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    for key in 0..30 {
        cluster.call(key % 3, &format!("INCRBY counter{key} {key}"));
    }
    for at in 0..3 {
        cluster.kill(at);
    }
    for at in 0..3 {
        cluster.start(at);
    }
    cluster.ready();
    for key in 0..30 {
        assert_eq!(cluster.call(key % 3, &format!("GET counter{key}")), text(&key.to_string()));
    }
}

#[test]
fn a_node_alone_is_a_cluster() {
    let mut cluster = Cluster::new(1, 4);
    cluster.ready();
    assert_eq!(cluster.call(0, "SET k v"), Reply::OK);
    cluster.kill(0);
    cluster.start(0);
    assert_eq!(cluster.call(0, "GET k"), text("v"));
}

#[test]
fn pipelined_commands_of_one_connection_keep_their_order() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    let mut requests = Vec::new();
    for n in 0..40 {
        requests.push((cluster.send(1, &format!("SET k {n}")), Reply::OK));
        requests.push((cluster.send(1, "GET k"), text(&n.to_string())));
        requests
            .push((cluster.send(1, &format!("APPEND k {n}")), Reply::Int(2 * n.to_string().len() as i64)));
    }
    cluster.until("all are answered", |cluster| {
        requests.iter().all(|(id, _)| cluster.answers.contains_key(&(1, *id)))
    });
    for (id, expected) in requests {
        let Outcome::Done { reply, .. } = &cluster.answers[&(1, id)] else { panic!("request {id} failed") };
        assert_eq!(*reply, expected);
    }
}

#[test]
fn a_follower_far_behind_catches_up_by_a_snapshot() {
    let mut cluster = Cluster::new(3, 2);
    cluster.ready();
    cluster.kill(2);
    let value = "x".repeat(100_000);
    for round in 0..400 {
        cluster.call(0, &format!("SET big{} {value}{round}", round % 20));
    }
    cluster.start(2);
    cluster.until("the follower has applied what the leader has", |cluster| {
        let applied = |at: usize| -> Vec<u64> {
            let status = cluster.cores[at].as_ref().expect("alive").status(cluster.now);
            status
                .shards
                .iter()
                .map(|shard| shard.local.as_ref().expect("a replica everywhere").applied.0)
                .collect()
        };
        applied(2) >= applied(0)
    });
    let digests = |cluster: &Cluster, at: usize| -> Vec<u128> {
        cluster.cores[at].as_ref().expect("alive").probes().iter().map(|probe| probe.digest).collect()
    };
    cluster.until("replicas are equal", |cluster| digests(cluster, 0)[1..] == digests(cluster, 2)[1..]);
    assert_eq!(cluster.call(2, "GET big7"), text(&format!("{value}387")));
}

#[test]
fn a_session_reads_its_own_writes_at_any_replica_and_across_shards() {
    let mut cluster = Cluster::new(3, 8);
    cluster.ready();
    for n in 0..40 {
        assert_eq!(cluster.call(n % 3, &format!("SET key{n} {n}")), Reply::OK);
        let token = cluster.token(n % 3);
        for at in 0..3 {
            // Also on shards that were never written: they catch up by an empty entry.
            for key in [n, n + 1] {
                let line = format!("WITH key{key} sequential AFTER {token} META DO GET key{key}");
                let expected = if key == n { text(&n.to_string()) } else { Reply::Nil };
                assert_eq!(cluster.call(at, &line), expected);
                assert_eq!(cluster.achieved.level, Level::Sequential);
            }
        }
    }
}

#[test]
fn a_resumed_session_is_as_new_as_the_one_that_it_came_from() {
    let mut cluster = Cluster::new(3, 2);
    cluster.ready();
    cluster.call(0, "SET k v");
    let token = cluster.token(0);
    assert_eq!(cluster.call(1, &format!("SESSION RESUME {token}")), Reply::OK);
    assert_eq!(cluster.call(1, "GET@sequential k"), text("v"));
    assert_eq!(cluster.fails(1, "SESSION RESUME nonsense"), ErrorKind::Invalid);
    assert_eq!(cluster.fails(1, "WITH k linearizable AFTER nonsense DO SET k w"), ErrorKind::Invalid);
    assert_eq!(cluster.call(1, "GET k"), text("v"), "nothing was applied");
}

#[test]
fn a_node_that_is_cut_off_answers_old_sessions_and_says_behind_to_newer_ones() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.call(0, "SET k old");
    cluster.call(2, "GET@sequential k");
    let old = cluster.token(0);
    cluster.until("node 3 has it", |cluster| {
        let probe = |at: usize| cluster.cores[at].as_ref().expect("alive").probes()[1].digest;
        probe(0) == probe(2)
    });
    cluster.cut = Some(2);
    cluster.until("another leads", |cluster| {
        cluster.cores[0].as_ref().expect("alive").status(cluster.now).shards[0]
            .leader
            .is_some_and(|leader| leader != NodeId(3))
    });
    cluster.call(0, "SET k new");
    let new = cluster.token(0);
    let read = |token: &str| format!("WITH k sequential AFTER {token} DEADLINE 500 META DO GET k");
    assert_eq!(cluster.call(2, &read(&old)), text("old"));
    assert!(cluster.achieved.age_ms > 0);
    assert_eq!(cluster.fails(2, &read(&new)), ErrorKind::Behind);
    assert_eq!(cluster.fails(2, "WITH k sequential MAXSTALE 1 DEADLINE 500 DO GET k"), ErrorKind::Behind);
    assert_eq!(cluster.fails(2, "WITH k linearizable DEADLINE 500 DO GET k"), ErrorKind::NoQuorum);
    let ladder = format!("WITH k linearizable;100ms,sequential AFTER {old} META DO GET k");
    assert_eq!(cluster.call(2, &ladder), text("old"));
    assert_eq!(cluster.achieved.level, Level::Sequential);
    cluster.cut = None;
    assert_eq!(cluster.call(2, &read(&new)), text("new"));
    assert_eq!(cluster.call(2, &ladder), text("new"));
}

#[test]
fn a_staleness_bound_is_proven_by_the_leader_where_the_shard_is_idle() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.call(0, "SET k v");
    for _ in 0..3_000 {
        cluster.round();
    }
    for at in 0..3 {
        cluster.call(at, "GET@sequential k");
        assert!(cluster.achieved.age_ms >= 2_000, "nothing asked for more: {:?}", cluster.achieved);
    }
    for at in 0..3 {
        assert_eq!(cluster.call(at, "WITH k sequential MAXSTALE 100 META DO GET k"), text("v"));
        // The bound counts from the arrival of the request.
        assert!(cluster.achieved.age_ms <= 110, "{:?}", cluster.achieved);
    }
}

#[test]
fn a_cluster_at_rest_writes_nothing() {
    let mut cluster = Cluster::new(3, 8);
    cluster.ready();
    cluster.call(0, "SET k v");
    let syncs = |cluster: &Cluster| -> Vec<u64> {
        cluster.cores.iter().flatten().map(|core| core.status(cluster.now).log.syncs).collect()
    };
    for _ in 0..2_000 {
        cluster.round();
    }
    let before = syncs(&cluster);
    for _ in 0..10_000 {
        cluster.round();
    }
    assert_eq!(syncs(&cluster), before);
}

/// A change of an expiry leaves the version alone; a session that has seen it depends on it all the same.
#[test]
fn a_session_that_has_seen_an_expiry_depends_on_the_write_that_set_it() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    cluster.call(0, "SET k v");
    let Outcome::Done { certificate, .. } = cluster.outcome(0, "PEXPIRE k 100000") else { panic!() };
    let set_at = certificate.as_of;
    // A session of its own, which has seen nothing but this.
    let Reply::Int(ttl_ms) = cluster.call(1, "PTTL k") else { panic!() };
    assert!(ttl_ms > 0);
    let Outcome::Done { certificate, .. } = cluster.outcome(1, "PTTL@sequential k") else { panic!() };
    assert!(certificate.as_of >= set_at, "{certificate:?}");
}
