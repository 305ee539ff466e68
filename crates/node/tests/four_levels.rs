//! All four levels over some cores in one thread: what is taken on a side that is cut off, what it depends on, and what becomes of it.
//!
//! The hostile version of this is the simulator (`crates/sim`). Here a failure can be read at a glance.

mod cluster;

use cluster::{Cluster, text};
use node::core::Core;
use node::io::Input;
use proto::error::ErrorKind;
use proto::frame::Frame;
use proto::ids::NodeId;
use proto::level::Level;
use proto::outcome::{Outcome, State};
use proto::peer::Message;
use proto::reply::Reply;

/// Long enough for whatever is undecided to be decided and told to everybody.
const SETTLING_ROUNDS: usize = 1_500;

fn rounds(cluster: &mut Cluster, count: usize) {
    (0..count).for_each(|_| cluster.round());
}

/// Three nodes of which the last is cut off, long enough for the others to have leaders of their own.
fn split() -> Cluster {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    cluster.cut = Some(2);
    rounds(&mut cluster, 3_000);
    cluster
}

/// The nodes notice that the links to the last one are gone.
fn notice(cluster: &mut Cluster) {
    for at in 0..2 {
        cluster.inputs.push_back((at, Input::LinkDown { node: NodeId(3) }));
        cluster.inputs.push_back((2, Input::LinkDown { node: NodeId(at as u64 + 1) }));
    }
}

fn heal(cluster: &mut Cluster) {
    cluster.cut = None;
    for at in 0..2 {
        cluster.inputs.push_back((at, Input::LinkUp { node: NodeId(3) }));
        cluster.inputs.push_back((2, Input::LinkUp { node: NodeId(at as u64 + 1) }));
    }
    rounds(cluster, SETTLING_ROUNDS);
    let held: usize = cluster.cores.iter().flatten().map(Core::held_operations).sum();
    assert_eq!(held, 0, "everything is decided");
}

#[test]
fn a_weak_write_is_answered_at_once_and_decided_everywhere() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    for key in 0..20 {
        assert_eq!(cluster.call(key % 3, &format!("SET@causal key{key} value{key}")), Reply::OK);
        assert_eq!((cluster.achieved.level, cluster.achieved.state), (Level::Causal, State::Tentative));
        assert_eq!(cluster.call(key % 3, &format!("GET@causal key{key}")), text(&format!("value{key}")));
        assert_eq!(cluster.call(key % 3, &format!("INCR@eventual n{key}")), Reply::Int(1));
    }
    heal(&mut cluster);
    for key in 0..20 {
        assert_eq!(cluster.call((key + 1) % 3, &format!("GET key{key}")), text(&format!("value{key}")));
        assert_eq!(cluster.call((key + 2) % 3, &format!("GET n{key}")), text("1"));
        assert_eq!(cluster.achieved.state, State::Committed);
    }
}

#[test]
fn both_sides_of_a_split_go_on_below_sequential_and_nothing_that_was_added_is_lost() {
    let mut cluster = split();
    for at in [0, 2] {
        assert_eq!(cluster.call(at, "INCRBY@causal n 5"), Reply::Int(5));
        assert_eq!(cluster.call(at, "INCRBY@eventual n 2"), Reply::Int(7));
        assert_eq!(cluster.call(at, "GET@causal n"), text("7"));
        assert_eq!(cluster.call(at, &format!("SADD@causal s from{at}")), Reply::Int(1));
    }
    assert_eq!(cluster.fails(2, "GET n"), ErrorKind::NoQuorum);
    heal(&mut cluster);
    for at in 0..3 {
        assert_eq!(cluster.call(at, "GET n"), text("14"));
        assert_eq!(cluster.call(at, "SCARD@eventual s"), Reply::Int(2));
    }
}

#[test]
fn a_strong_write_wins_over_a_weak_one_that_had_not_seen_it() {
    let mut cluster = split();
    assert_eq!(cluster.call(2, "SET@causal lock mine"), Reply::OK);
    assert_eq!(cluster.call(0, "SET lock theirs"), Reply::OK);
    assert_eq!(cluster.call(2, "GET@causal lock"), text("mine"), "nobody here can know");
    heal(&mut cluster);
    for at in 0..3 {
        assert_eq!(cluster.call(at, "GET@eventual lock"), text("theirs"));
        assert_eq!(cluster.call(at, "GET lock"), text("theirs"));
    }
}

#[test]
fn of_two_weak_writes_the_later_wins_on_both_sides_alike() {
    let mut cluster = split();
    assert_eq!(cluster.call(0, "SET@causal k first"), Reply::OK);
    rounds(&mut cluster, 20);
    assert_eq!(cluster.call(2, "SET@causal k second"), Reply::OK);
    assert_eq!(cluster.call(2, "DEL@causal gone nothing"), Reply::Int(0));
    heal(&mut cluster);
    for at in 0..3 {
        assert_eq!(cluster.call(at, "GET k"), text("second"));
    }
}

#[test]
fn a_deletion_during_the_split_is_right_on_its_side_and_after_the_heal() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    assert_eq!(cluster.call(0, "SET k v"), Reply::OK);
    rounds(&mut cluster, SETTLING_ROUNDS);
    cluster.cut = Some(2);
    rounds(&mut cluster, 3_000);
    assert_eq!(cluster.call(2, "DEL@eventual k"), Reply::Int(1));
    assert_eq!(cluster.call(2, "GET@eventual k"), Reply::Nil);
    assert_eq!(cluster.call(0, "GET@eventual k"), text("v"));
    heal(&mut cluster);
    for at in 0..3 {
        assert_eq!(cluster.call(at, "GET@eventual k"), Reply::Nil);
        assert_eq!(cluster.call(at, "GET k"), Reply::Nil);
    }
}

#[test]
fn a_session_that_depends_on_the_other_side_waits_or_says_so() {
    let mut cluster = split();
    assert_eq!(cluster.call(2, "SET@causal k v"), Reply::OK);
    let token = cluster.token(2);
    let asked = format!("WITH k causal AFTER {token} DEADLINE 300 DO GET k");
    assert_eq!(cluster.fails(0, &asked), ErrorKind::Behind);
    assert_eq!(
        cluster.fails(0, &format!("WITH z linearizable AFTER {token} DEADLINE 300 DO SET z 1")),
        ErrorKind::NoQuorum,
        "a strong write waits for everything that its session depends on"
    );
    assert_eq!(cluster.call(0, &format!("WITH k eventual AFTER {token} DO GET k")), Reply::Nil);
    cluster.cut = None;
    let asked = format!("WITH k causal AFTER {token} DEADLINE 9000 DO GET k");
    assert_eq!(cluster.call(0, &asked), text("v"));
    let asked = format!("WITH z linearizable AFTER {token} DEADLINE 9000 DO SET z 1");
    assert_eq!(cluster.call(1, &asked), Reply::OK);
}

#[test]
fn what_was_answered_survives_the_crash_of_its_origin() {
    let mut cluster = split();
    for number in 1..=5 {
        assert_eq!(cluster.call(2, "INCR@causal n"), Reply::Int(number));
    }
    cluster.kill(2);
    rounds(&mut cluster, 50);
    cluster.start(2);
    rounds(&mut cluster, 50);
    assert_eq!(cluster.call(2, "INCR@eventual n"), Reply::Int(6), "it remembers, and counts on");
    heal(&mut cluster);
    for at in 0..3 {
        assert_eq!(cluster.call(at, "GET n"), text("6"));
    }
}

#[test]
fn a_ladder_steps_down_where_nothing_was_handed_over() {
    let mut cluster = split();
    notice(&mut cluster);
    let line = "WITH k linearizable;50ms,causal DEADLINE 5000 DO SET k v";
    assert_eq!(cluster.call(2, line), Reply::OK);
    assert_eq!((cluster.achieved.level, cluster.achieved.state), (Level::Causal, State::Tentative));
    assert_eq!(cluster.call(2, "WITH k linearizable;50ms,eventual DO GET k"), text("v"));
    assert_eq!(cluster.achieved.level, Level::Eventual);
    assert_eq!(cluster.call(0, line), Reply::OK);
    assert_eq!((cluster.achieved.level, cluster.achieved.state), (Level::Linearizable, State::Committed));
}

#[test]
fn a_command_whose_answer_is_a_decision_is_refused_below_sequential() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    for line in
        ["SET@causal k v NX", "SPOP@eventual s", "FLUSHALL@causal", "GETDEL@causal k", "KEYS@causal *"]
    {
        assert_eq!(cluster.fails(0, line), ErrorKind::Level, "{line}");
    }
}

#[test]
fn a_node_without_a_replica_asks_one_that_has_it() {
    let mut cluster = Cluster::new(5, 6);
    cluster.ready();
    for key in 0..30 {
        assert_eq!(cluster.call(key % 5, &format!("INCR@causal n{key}")), Reply::Int(1));
        assert_eq!(cluster.call(key % 5, &format!("GET@causal n{key}")), text("1"));
    }
    heal(&mut cluster);
    for key in 0..30 {
        assert_eq!(cluster.call((key + 3) % 5, &format!("GET n{key}")), text("1"));
    }
}

#[test]
fn two_copies_are_not_promised_where_there_is_one() {
    let mut cluster = split();
    assert_eq!(cluster.fails(2, "WITH k causal ACKS 2 DEADLINE 300 DO SET k v"), ErrorKind::Unknown);
    assert_eq!(cluster.call(0, "WITH k causal ACKS 2 DEADLINE 3000 DO SET k w"), Reply::OK);
}

#[test]
fn a_cluster_at_rest_after_weak_writes_writes_nothing() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    for key in 0..10 {
        assert_eq!(cluster.call(key % 3, &format!("SET@causal key{key} v")), Reply::OK);
        assert_eq!(cluster.call(key % 3, &format!("DEL@eventual key{key}")), Reply::Int(1));
    }
    rounds(&mut cluster, 3_000);
    let batches = |cluster: &Cluster| -> u64 {
        cluster.cores.iter().flatten().map(|core| core.status(cluster.now).log.batches).sum()
    };
    let before = batches(&cluster);
    rounds(&mut cluster, 5_000);
    assert_eq!(batches(&cluster), before);
}

/// A strong DEL answers whether the key was there: so its session depends on what made it absent.
#[test]
fn a_strong_deletion_that_finds_nothing_has_seen_what_deleted_it() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    // The origin is cut off from one shard's quorum only in the simulator; here its first operation is not decided yet when the second is seen.
    assert_eq!(cluster.call(0, "SET@causal first v"), Reply::OK);
    assert_eq!(cluster.call(0, "DEL@causal second"), Reply::Int(0));
    assert_eq!(cluster.call(1, "DEL second"), Reply::Int(0));
    assert_eq!(cluster.call(1, "GET first"), text("v"));
}

/// Otherwise a session could read the new field at one replica, and at an older one what the strong write had replaced.
#[test]
fn a_weak_assignment_depends_on_the_strong_write_that_it_replaces_whatever_it_assigns() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    for (strong, weak) in
        [("SET k strong", "SET@eventual k weak"), ("HSET h f strong", "HSET@eventual h f weak")]
    {
        let Outcome::Done { certificate, .. } = cluster.outcome(0, strong) else { panic!("{strong}") };
        rounds(&mut cluster, SETTLING_ROUNDS);
        cluster.send(0, weak);
        let taken = (0..200).find_map(|_| {
            cluster.round();
            cluster.inputs.iter().find_map(|(_, input)| {
                let Input::Frame { bytes, .. } = input else { return None };
                let frame = Frame::decode(bytes).expect("a node made it");
                frame.messages.into_iter().find_map(|message| match message {
                    Message::Held { operations, .. } => operations.into_iter().next(),
                    _ => None,
                })
            })
        });
        let taken = taken.expect("it is told to the others");
        assert!(taken.dep_hlc >= certificate.as_of, "{weak}: {:?}", taken.dep_hlc);
    }
}

/// All nodes' syncs for some writes of one client, at a node that does not lead their shard, until everything is decided.
fn syncs_of(cluster: &mut Cluster, at: usize, level: &str) -> u64 {
    let syncs = |cluster: &Cluster| -> u64 {
        cluster.cores.iter().flatten().map(|core| core.status(cluster.now).log.syncs).sum()
    };
    let before = syncs(cluster);
    for key in 0..20 {
        assert_eq!(cluster.call(at, &format!("SET@{level} key{key} value")), Reply::OK);
    }
    rounds(cluster, 20);
    assert_eq!(cluster.cores.iter().flatten().map(Core::held_operations).sum::<usize>(), 0, "all is decided");
    syncs(cluster) - before
}

#[test]
fn a_tentative_write_costs_no_more_syncs_than_a_strong_one_and_reaches_the_leader_once() {
    let mut cluster = Cluster::new(3, 1);
    cluster.ready();
    rounds(&mut cluster, SETTLING_ROUNDS);
    let leader = cluster.cores[0].as_ref().and_then(|core| core.status(cluster.now).shards[0].leader);
    let at = (0..3).find(|at| leader != Some(NodeId(*at as u64 + 1))).expect("one of three leads");
    let strong = syncs_of(&mut cluster, at, "linearizable");
    let handed_in = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = handed_in.clone();
    cluster.lost = Some(Box::new(move |message| {
        seen.set(seen.get() + usize::from(matches!(message, Message::Submit { .. })));
        false
    }));
    let tentative = syncs_of(&mut cluster, at, "eventual");
    // The last ones' decision has no company: one sync more at each node.
    assert!(tentative <= strong + 3, "{tentative} syncs, and {strong} for strong writes");
    assert_eq!(handed_in.get(), 0, "it was spread to the leader, too");
}

/// A new session that reads a key on a side that is cut off must be able to write there, too: what the key's origin did later, on other shards, is nothing that it depends on.
#[test]
fn a_dot_becomes_the_time_of_its_own_decision_and_not_of_what_its_origin_did_later_elsewhere() {
    let mut cluster = Cluster::new(3, 4);
    cluster.ready();
    rounds(&mut cluster, SETTLING_ROUNDS);
    let keys = ["{a}s", "{b}s", "{c}s"];
    // The floor takes the dots of the first members out of the state, and comes too late for those of the second.
    for member in ["first", "second"] {
        for key in keys {
            assert_eq!(cluster.call(0, &format!("SADD@causal {key} {member}")), Reply::Int(1));
            rounds(&mut cluster, 8);
        }
    }
    cluster.cut = Some(2);
    notice(&mut cluster);
    for key in keys {
        assert_eq!(cluster.call(2, &format!("SCARD@causal {key}")), Reply::Int(2));
        assert_eq!(cluster.call(2, &format!("SADD@causal {key} third")), Reply::Int(1), "{key}");
    }
}

/// What was handed over cannot be tried in another way. (This holds here even if requests may be handed to silent peers, so it does not guard `Outbox::may_hand_to`; the test in `front_reads` does.)
#[test]
fn a_ladder_steps_down_as_soon_as_the_others_are_silent_though_no_link_is_given_up() {
    let mut cluster = split();
    for key in 0..8 {
        let write = format!("WITH k{key} linearizable;50ms,causal DO SET k{key} v");
        assert_eq!(cluster.call(2, &write), Reply::OK);
        assert_eq!(cluster.achieved.level, Level::Causal);
        let read = format!("WITH k{key} linearizable;50ms,eventual DO GET k{key}");
        assert_eq!(cluster.call(2, &read), text("v"));
        assert_eq!(cluster.achieved.level, Level::Eventual);
    }
    heal(&mut cluster);
    assert_eq!(cluster.call(2, "GET k0"), text("v"));
}

#[test]
fn a_node_that_is_cut_off_names_no_leader_and_least_of_all_itself() {
    let cluster = split();
    let now = cluster.now;
    let leaders = |at: usize| {
        let status = cluster.cores[at].as_ref().expect("it runs").status(now);
        status.shards.into_iter().map(|shard| shard.leader).collect::<Vec<_>>()
    };
    assert!(leaders(0).iter().all(|leader| leader.is_some_and(|leader| leader != NodeId(3))));
    assert_eq!(leaders(2), [None; 4]);
}
