//! WAIT and ACKS: on how many nodes a write is. Whatever is answered is certain, also beside a cut and with messages lost.

mod cluster;

use cluster::Cluster;
use node::io::Input;
use proto::ids::{ConnectionId, NodeId};
use proto::outcome::Outcome;
use proto::peer::Message;
use proto::reply::Reply;
use std::time::Duration;

fn ready(nodes: u16, shards: u32) -> Cluster {
    let mut cluster = Cluster::new(nodes, shards);
    cluster.ready();
    cluster
}

fn rounds(cluster: &mut Cluster, count: usize) {
    (0..count).for_each(|_| cluster.round());
}

/// Three nodes of which the last is cut off, long enough for the others to have leaders of their own.
fn split() -> Cluster {
    let mut cluster = ready(3, 4);
    cluster.cut = Some(2);
    rounds(&mut cluster, 3_000);
    cluster
}

/// The answer to a line, and how long it took.
fn timed(cluster: &mut Cluster, at: usize, line: &str) -> (i64, Duration) {
    let begin = cluster.now.mono;
    match cluster.call(at, line) {
        Reply::Int(number) => (number, cluster.now.mono - begin),
        other => panic!("{line}: {other:?}"),
    }
}

const SOON: Duration = Duration::from_millis(60);

#[test]
fn a_decided_write_is_on_one_other_node_at_once_and_on_both_as_soon_as_they_say_so() {
    let mut cluster = ready(3, 4);
    for round in 0..20 {
        let at = round % 3;
        assert_eq!(cluster.call(at, &format!("SET key{round} v")), Reply::OK);
        assert_eq!(timed(&mut cluster, at, "WAIT 1 1000"), (1, Duration::from_millis(1)));
        let (nodes, took) = timed(&mut cluster, at, "WAIT 2 1000");
        assert!(nodes == 2 && took < SOON, "{nodes} after {took:?}");
    }
    assert_eq!(timed(&mut cluster, 0, "WAIT -1 0").0, 1, "what is certain without asking");
}

#[test]
fn a_cluster_of_one_has_no_other_node() {
    let mut cluster = ready(1, 4);
    assert_eq!(cluster.call(0, "SET k v"), Reply::OK);
    assert_eq!(timed(&mut cluster, 0, "WAIT 0 1000"), (0, Duration::from_millis(1)));
    let (nodes, took) = timed(&mut cluster, 0, "WAIT 1 300");
    assert!(nodes == 0 && took >= Duration::from_millis(300), "{nodes} after {took:?}");
}

#[test]
fn a_tentative_write_is_counted_wherever_it_is_held() {
    let mut cluster = ready(3, 4);
    for round in 0..20 {
        let at = round % 3;
        for level in ["causal", "eventual"] {
            assert!(matches!(cluster.call(at, &format!("INCR@{level} {level}{round}")), Reply::Int(_)));
            let (nodes, took) = timed(&mut cluster, at, "WAIT 2 1000");
            assert!(nodes == 2 && took < SOON, "{level}: {nodes} after {took:?}");
        }
    }
}

#[test]
fn a_front_without_a_replica_counts_those_that_have_one() {
    let mut cluster = ready(5, 6);
    for round in 0..30 {
        let at = round % 5;
        assert_eq!(cluster.call(at, &format!("INCR@causal n{round}")), Reply::Int(1));
        assert_eq!(cluster.call(at, &format!("SET s{round} v")), Reply::OK);
        let (nodes, took) = timed(&mut cluster, at, "WAIT 2 1000");
        assert!(nodes == 2 && took < SOON, "{nodes} after {took:?}");
    }
}

#[test]
fn a_node_that_is_cut_off_promises_no_copies() {
    let mut cluster = split();
    for line in ["INCR@causal n", "INCR@eventual n"] {
        assert!(matches!(cluster.call(2, line), Reply::Int(_)));
        let (nodes, took) = timed(&mut cluster, 2, "WAIT 2 500");
        assert!(nodes == 0 && took >= Duration::from_millis(500), "{nodes} after {took:?}");
    }
    // The other side has two of three.
    for line in ["SET k v", "INCR@causal n"] {
        cluster.call(0, line);
        assert_eq!(timed(&mut cluster, 0, "WAIT 1 1000").0, 1);
        let (nodes, took) = timed(&mut cluster, 0, "WAIT 2 500");
        assert!(nodes == 1 && took >= Duration::from_millis(500), "{nodes} after {took:?}");
    }
}

#[test]
fn a_wait_ends_when_the_links_are_whole_again() {
    let mut cluster = split();
    assert_eq!(cluster.call(2, "INCR@causal n"), Reply::Int(1));
    let (cut_off, majority) = (cluster.send(2, "WAIT 2 0"), cluster.send(0, "WAIT 2 0"));
    let other = cluster.send(2, "INCR@eventual m");
    rounds(&mut cluster, 5_000);
    assert!(cluster.answers.remove(&(2, other)).is_some(), "nothing waits behind it");
    assert!(!cluster.answers.contains_key(&(2, cut_off)));
    // Nothing was written there: what a majority has is all that anybody could ask for.
    assert!(!cluster.answers.contains_key(&(0, majority)));
    cluster.cut = None;
    let told = |cluster: &Cluster| cluster.answers.contains_key(&(2, cut_off));
    cluster.until("the others hold it", told);
    let Some(Outcome::Done { reply, .. }) = cluster.answers.remove(&(2, cut_off)) else { panic!("refused") };
    assert_eq!(reply, Reply::Int(2));
}

#[test]
fn a_wait_sees_what_is_pipelined_before_it() {
    let mut cluster = ready(3, 4);
    let writes: Vec<u64> = (0..20).map(|key| cluster.send(1, &format!("INCR@causal key{key}"))).collect();
    let strong = cluster.send(1, "SET strong v");
    let (first, second) = (cluster.send(1, "WAIT 2 1000"), cluster.send(1, "WAIT 2 1000"));
    cluster.until("the first WAIT", |cluster| cluster.answers.contains_key(&(1, first)));
    assert!(writes.iter().chain([&strong]).all(|write| cluster.answers.contains_key(&(1, *write))));
    cluster.until("the second WAIT", |cluster| cluster.answers.contains_key(&(1, second)));
    for wait in [first, second] {
        let Some(Outcome::Done { reply, .. }) = cluster.answers.remove(&(1, wait)) else { panic!("refused") };
        assert_eq!(reply, Reply::Int(2));
    }
}

#[test]
fn of_a_session_that_came_from_elsewhere_nothing_is_certain_before_it_is_decided() {
    let mut cluster = split();
    assert_eq!(cluster.call(2, "INCR@causal n"), Reply::Int(1));
    let token = cluster.token(2);
    assert_eq!(cluster.call(0, &format!("SESSION RESUME {token}")), Reply::OK);
    assert_eq!(timed(&mut cluster, 0, "WAIT 1 300").0, 0);
    cluster.cut = None;
    assert_eq!(timed(&mut cluster, 0, "WAIT 1 9000").0, 1);
}

/// A node that is no replica of a shard and reaches none holds writes for it as hints: they are counted where they have been decided.
#[test]
fn a_hint_is_on_no_other_node_before_it_is_decided() {
    const HOLDER: usize = 4;
    let mut cluster = ready(5, 6);
    let link = |cluster: &mut Cluster, is_up: bool| {
        for other in 0..HOLDER {
            for (at, node) in [(other, NodeId(HOLDER as u64 + 1)), (HOLDER, NodeId(other as u64 + 1))] {
                let input = if is_up { Input::LinkUp { node } } else { Input::LinkDown { node } };
                cluster.inputs.push_back((at, input));
            }
        }
    };
    cluster.cut = Some(HOLDER);
    link(&mut cluster, false);
    rounds(&mut cluster, 300);
    let mut hints = 0;
    for key in 0..20 {
        assert_eq!(cluster.call(HOLDER, &format!("INCR@eventual n{key}")), Reply::Int(1));
        hints += usize::from(cluster.achieved.dot.is_some_and(|dot| dot.origin.is_hints()));
    }
    assert!((1..20).contains(&hints), "{hints} of 20 are hints");
    assert_eq!(timed(&mut cluster, HOLDER, "WAIT 1 300").0, 0);
    cluster.cut = None;
    link(&mut cluster, true);
    assert_eq!(timed(&mut cluster, HOLDER, "WAIT 2 9000").0, 2);
}

#[test]
fn a_connection_that_closes_waits_no_more() {
    let mut cluster = split();
    assert_eq!(cluster.call(2, "INCR@causal n"), Reply::Int(1));
    let wait = cluster.send(2, "WAIT 2 300");
    rounds(&mut cluster, 5);
    cluster.inputs.push_back((2, Input::ConnectionClosed { connection: ConnectionId(1) }));
    rounds(&mut cluster, 1_000);
    assert!(!cluster.answers.contains_key(&(2, wait)));
    assert_eq!(
        timed(&mut cluster, 2, "WAIT 1 300").0,
        1,
        "it is a new connection, which has written nothing"
    );
}

#[test]
fn copies_beyond_a_majority_are_acknowledged_whatever_was_lost() {
    let mut cluster = ready(3, 4);
    // Every acknowledgement is lost until the write is decided, and nothing of it is held any more.
    let request = cluster.send(0, "WITH k causal ACKS 3 DEADLINE 9000 DO SET k v");
    cluster.lost = Some(Box::new(|message| matches!(message, Message::HeldDurably { .. })));
    rounds(&mut cluster, 1_000);
    let held: usize = cluster.cores.iter().flatten().map(node::core::Core::held_operations).sum();
    assert_eq!((held, cluster.answers.contains_key(&(0, request))), (0, false));
    cluster.lost = None;
    cluster.until("it is acknowledged", |cluster| cluster.answers.contains_key(&(0, request)));
    assert!(matches!(cluster.answers.remove(&(0, request)), Some(Outcome::Done { .. })));

    // Half of what is said of tentative writes is lost.
    let mut draw = 1_u64;
    cluster.lost = Some(Box::new(move |message| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let is_of_a_write = matches!(message, Message::HeldDurably { .. } | Message::Held { .. });
        is_of_a_write && draw >> 63 == 1
    }));
    for round in 0..200 {
        let line = format!("WITH key{round} causal ACKS 3 DEADLINE 5000 DO INCR key{round}");
        assert_eq!(cluster.call(round % 3, &line), Reply::Int(1), "{round}");
    }
}

#[test]
fn copies_are_not_acknowledged_by_who_is_cut_off() {
    let mut cluster = split();
    let request = cluster.send(0, "WITH k causal ACKS 3 DEADLINE 2000 DO SET k v");
    cluster.until("its deadline", |cluster| cluster.answers.contains_key(&(0, request)));
    assert!(matches!(cluster.answers.remove(&(0, request)), Some(Outcome::Failed(_))));
    for at in 0..2 {
        cluster.inputs.push_back((at, Input::LinkDown { node: NodeId(3) }));
    }
    assert_eq!(cluster.call(0, "WITH k causal ACKS 2 DEADLINE 2000 DO SET k w"), Reply::OK);
}
