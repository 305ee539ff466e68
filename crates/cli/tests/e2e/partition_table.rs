//! The table of `docs/consistency.md`, *In a partition*: a test for each row, with real processes and a real cut, through both fronts.
//!
//! Node 3 is cut off; node 1 has a majority. `quartet demo levels` shows the same to a person, and is run here too.

use crate::support::PATIENCE;
use crate::support::fronts::{Front, Told, Wish, at, fronts};
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stdout};
use crate::support::split::{heal, isolate};
use std::process::Command;
use std::time::Instant;

const WITH_MAJORITY: u64 = 1;
const CUT_OFF: u64 = 3;

/// A cluster with node 3 cut off, where each of these keys was written before and had reached everybody.
fn split(keys: &[&str]) -> TestCluster {
    let mut cluster = TestCluster::start(3);
    for key in keys {
        let [redis, _] = fronts(&cluster, WITH_MAJORITY);
        let token = redis.set(key, "before", at("linearizable").within_ms(30_000)).expect("written").token;
        let token = token.expect("it has written");
        for node in 1..=3 {
            let [redis, _] = fronts(&cluster, node);
            let read = redis.get(key, at("sequential").after(&token).within_ms(30_000)).expect("read");
            assert_eq!(read.value.as_deref(), Some("before"));
        }
    }
    isolate(&mut cluster, CUT_OFF);
    cluster
}

#[track_caller]
fn is(told: Result<Told, String>, value: Option<&str>, level: &str, state: &str) -> String {
    let told = told.unwrap_or_else(|error| panic!("no answer but {error}"));
    let seen = (told.value.as_deref(), &*told.level, &*told.state);
    assert_eq!(seen, (value, level, state));
    told.token.expect("a token")
}

#[track_caller]
fn refused(told: Result<Told, String>, words: &[&str]) {
    match told {
        Err(word) => assert!(words.contains(&&*word), "{word}"),
        Ok(told) => panic!("an answer: {told:?}"),
    }
}

/// What a write of the majority's side answers, however long its election takes.
fn patient(level: &str) -> Wish<'_> {
    at(level).within_ms(30_000)
}

#[test]
fn partition_a_linearizable_read_answers_with_a_majority_and_has_no_quorum_without() {
    let cluster = split(&["k"]);
    for front in fronts(&cluster, WITH_MAJORITY) {
        is(front.get("k", patient("linearizable")), Some("before"), "linearizable", "committed");
    }
    for front in fronts(&cluster, CUT_OFF) {
        refused(front.get("k", at("linearizable")), &["NOQUORUM"]);
    }
}

#[test]
fn partition_a_strong_write_answers_with_a_majority_and_without_has_no_quorum_or_is_unknown() {
    let cluster = split(&["k"]);
    for level in ["linearizable", "sequential"] {
        for front in fronts(&cluster, WITH_MAJORITY) {
            is(front.set("k", level, patient(level)), None, level, "committed");
            is(front.get("k", patient("linearizable")), Some(level), "linearizable", "committed");
        }
        for front in fronts(&cluster, CUT_OFF) {
            refused(front.set("k", "lost", at(level)), &["NOQUORUM", "UNKNOWN"]);
            refused(front.del("k", at(level)), &["NOQUORUM", "UNKNOWN"]);
        }
    }
}

#[test]
fn partition_a_sequential_read_of_a_session_that_has_seen_no_more_answers_on_both_sides() {
    let cluster = split(&["k"]);
    let [redis, _] = fronts(&cluster, WITH_MAJORITY);
    redis.set("k", "after", patient("linearizable")).expect("written");
    for front in fronts(&cluster, CUT_OFF) {
        let token = is(front.get("k", at("sequential")), Some("before"), "sequential", "committed");
        is(front.get("k", at("sequential").after(&token)), Some("before"), "sequential", "committed");
    }
    for front in fronts(&cluster, WITH_MAJORITY) {
        let read = front.get("k", at("sequential")).expect("answered");
        assert_eq!((&*read.level, &*read.state), ("sequential", "committed"));
    }
}

#[test]
fn partition_a_sequential_read_of_a_session_that_has_seen_more_or_with_a_bound_is_behind_where_it_is_cut_off()
{
    let cluster = split(&["k"]);
    let [redis, _] = fronts(&cluster, WITH_MAJORITY);
    let token = redis.set("k", "after", patient("linearizable")).expect("written").token.expect("a token");
    let fresh = Wish { max_staleness_ms: Some(100), ..at("sequential") };
    for front in fronts(&cluster, CUT_OFF) {
        refused(front.get("k", at("sequential").after(&token)), &["BEHIND"]);
        refused(front.get("k", fresh), &["BEHIND"]);
    }
    for front in fronts(&cluster, WITH_MAJORITY) {
        let seen = patient("sequential").after(&token);
        is(front.get("k", seen), Some("after"), "sequential", "committed");
        front.get("k", Wish { deadline_ms: 30_000, ..fresh }).expect("it can prove its age");
    }
}

#[test]
fn partition_causal_reads_and_writes_answer_on_both_sides_and_a_session_sees_its_own() {
    let mut cluster = split(&["left:0", "left:1", "right:0", "right:1"]);
    for (node, side) in [(WITH_MAJORITY, "left"), (CUT_OFF, "right")] {
        for (index, front) in fronts(&cluster, node).iter().enumerate() {
            let key = format!("{side}:{index}");
            assert_eq!(front.get(&key, at("causal")).expect("answered").value.as_deref(), Some("before"));
            let wrote = front.set(&key, side, at("causal")).expect("taken");
            assert_eq!((&*wrote.level, &*wrote.state), ("causal", "tentative"));
            let token = wrote.token.expect("a token");
            // Through the other door of the same node, too.
            for door in fronts(&cluster, node) {
                let read = door.get(&key, at("causal").after(&token)).expect("answered");
                assert_eq!((read.value.as_deref(), &*read.level), (Some(side), "causal"));
                if node == CUT_OFF {
                    assert_eq!(read.state, "tentative", "nobody can decide it here");
                }
            }
        }
    }
    // What one side wrote is not known on the other, and after the healing it is decided everywhere.
    for front in fronts(&cluster, WITH_MAJORITY) {
        is(front.get("right:0", at("causal")), Some("before"), "causal", "committed");
    }
    heal(&mut cluster);
    for key in ["left:0", "left:1", "right:0", "right:1"] {
        settles(&cluster, key, key.split(':').next());
    }
}

#[test]
fn partition_a_causal_operation_of_a_session_that_has_seen_more_is_behind_where_it_is_cut_off() {
    let mut cluster = split(&["k"]);
    let [redis, _] = fronts(&cluster, WITH_MAJORITY);
    let strong = redis.set("k", "after", patient("linearizable")).expect("written").token.expect("a token");
    let weak = redis.set("k", "later", at("causal").after(&strong)).expect("taken").token.expect("a token");
    for token in [&strong, &weak] {
        for front in fronts(&cluster, CUT_OFF) {
            refused(front.get("k", at("causal").after(token)), &["BEHIND"]);
            refused(front.set("k", "lost", at("causal").after(token)), &["BEHIND"]);
        }
        for front in fronts(&cluster, WITH_MAJORITY) {
            let read = front.get("k", patient("causal").after(token)).expect("answered");
            assert_eq!(read.value.as_deref(), Some("later"));
        }
    }
    // And the other way: what only the cut-off node holds keeps the session's operations waiting elsewhere; a new session does not depend on it.
    let [lone, _] = fronts(&cluster, CUT_OFF);
    let token = lone.set("k", "alone", at("causal")).expect("taken").token.expect("a token");
    for front in fronts(&cluster, WITH_MAJORITY) {
        refused(front.get("k", at("causal").after(&token)), &["BEHIND"]);
        refused(front.set("k", "lost", at("linearizable").after(&token)), &["NOQUORUM"]);
        let decided = patient("linearizable").after(&weak);
        is(front.get("k", decided), Some("later"), "linearizable", "committed");
    }
    heal(&mut cluster);
    for front in fronts(&cluster, WITH_MAJORITY) {
        front.get("k", patient("causal").after(&token)).expect("the session goes on");
    }
}

#[test]
fn partition_a_strong_write_of_a_session_that_depends_on_what_only_the_other_side_holds_has_no_quorum() {
    let mut cluster = split(&["k", "other"]);
    let mut tokens = Vec::new();
    for (holder, asked) in [(CUT_OFF, WITH_MAJORITY), (WITH_MAJORITY, CUT_OFF)] {
        let [redis, _] = fronts(&cluster, holder);
        let wrote = redis.set("k", "held here", at("causal")).expect("taken");
        assert_eq!(wrote.state, "tentative");
        let token = wrote.token.expect("a token");
        for front in fronts(&cluster, asked) {
            // On whatever shard; a session that depends on nothing is not kept.
            for key in ["k", "other"] {
                refused(front.set(key, "lost", at("linearizable").after(&token)), &["NOQUORUM"]);
            }
            if asked == WITH_MAJORITY {
                is(front.set("other", "taken", patient("linearizable")), None, "linearizable", "committed");
            }
        }
        tokens.push(token);
    }
    heal(&mut cluster);
    for token in &tokens {
        for front in fronts(&cluster, WITH_MAJORITY) {
            let wish = patient("linearizable").after(token);
            is(front.set("k", "after all", wish), None, "linearizable", "committed");
        }
    }
    settles(&cluster, "k", Some("after all"));
}

#[test]
fn partition_eventual_reads_and_writes_answer_on_both_sides_at_once() {
    let mut cluster = split(&["k"]);
    let [redis, _] = fronts(&cluster, WITH_MAJORITY);
    let seen = redis.set("k", "after", patient("linearizable")).expect("written").token.expect("a token");
    for front in fronts(&cluster, CUT_OFF) {
        // Whatever the session has seen.
        let read = front.get("k", at("eventual").after(&seen)).expect("answered");
        assert_eq!((read.value.as_deref(), &*read.level), (Some("before"), "eventual"));
    }
    for (node, side) in [(WITH_MAJORITY, "left"), (CUT_OFF, "right")] {
        for (index, front) in fronts(&cluster, node).iter().enumerate() {
            let key = format!("new:{side}:{index}");
            let wrote = front.set(&key, side, at("eventual")).expect("taken");
            assert_eq!((&*wrote.level, &*wrote.state), ("eventual", "tentative"));
            let read = front.get(&key, at("eventual")).expect("answered");
            assert_eq!((read.value.as_deref(), &*read.level), (Some(side), "eventual"));
        }
    }
    heal(&mut cluster);
    for index in 0..2 {
        settles(&cluster, &format!("new:left:{index}"), Some("left"));
        settles(&cluster, &format!("new:right:{index}"), Some("right"));
    }
}

#[test]
fn partition_a_ladder_is_met_at_its_first_rung_on_one_side_and_at_its_last_on_the_other() {
    const LADDER: &str = "linearizable;200ms, eventual";
    let cluster = split(&["k", "w"]);
    let wish = at(LADDER).within_ms(2_000);
    for front in fronts(&cluster, WITH_MAJORITY) {
        let read = front.get("k", patient("linearizable, eventual")).expect("answered");
        assert_eq!((&*read.level, &*read.state), ("linearizable", "committed"));
    }
    for front in fronts(&cluster, CUT_OFF) {
        let read = front.get("k", wish).expect("answered");
        assert_eq!((read.value.as_deref(), &*read.level), (Some("before"), "eventual"));
        let wrote = front.set("w", "mine", wish).expect("taken");
        assert_eq!((&*wrote.level, &*wrote.state), ("eventual", "tentative"));
    }
}

/// Of five nodes one is cut off that has no replica of the keys' shards.
#[test]
fn partition_an_eventual_write_is_held_by_a_node_that_reaches_no_replica() {
    const HOLDER: u64 = 5;
    let mut cluster = TestCluster::start(5);
    let view = cluster.view(WITH_MAJORITY).expect("its status");
    let is_elsewhere = |key: &String| {
        let slot = proto::slots::slot_of(key.as_bytes()).0;
        let of_key = |shard: &&cli::status::ShardView| (shard.first_slot..=shard.last_slot).contains(&slot);
        let shard = view.shards.iter().find(of_key).expect("every slot has a shard");
        !shard.replicas.contains(&HOLDER)
    };
    let keys: Vec<String> = (0..).map(|n| format!("k{n}")).filter(is_elsewhere).take(2).collect();
    let locks: Vec<String> = (0..).map(|n| format!("lock{n}")).filter(is_elsewhere).take(2).collect();
    isolate(&mut cluster, HOLDER);
    for (index, front) in fronts(&cluster, HOLDER).iter().enumerate() {
        for key in [&keys[index], &locks[index]] {
            let wrote = front.set(key, "held", at("eventual")).expect("taken");
            assert_eq!((&*wrote.level, &*wrote.state), ("eventual", "tentative"));
        }
        refused(front.get(&keys[index], at("eventual")), &["BEHIND"]);
        refused(front.set(&keys[index], "lost", at("causal")), &["NOQUORUM"]);
    }
    assert_eq!(cluster.view(HOLDER).expect("its status").hints, 4);
    for (index, front) in fronts(&cluster, WITH_MAJORITY).iter().enumerate() {
        front.set(&locks[index], "theirs", patient("linearizable")).expect("written");
    }
    heal(&mut cluster);
    keys.iter().for_each(|key| settles(&cluster, key, Some("held")));
    locks.iter().for_each(|key| settles(&cluster, key, Some("theirs")));
    // The holder hears of the decision a little later.
    let held = |cluster: &cli::dev::Cluster| match cluster.view(HOLDER) {
        Ok(view) => (view.hints > 0).then(|| format!("{} hints are held", view.hints)),
        Err(error) => Some(error.to_string()),
    };
    cluster.wait_until(PATIENCE, held).expect("nothing is held any more");
}

/// Waits until every node tells the same decided value through both doors.
fn settles(cluster: &TestCluster, key: &str, value: Option<&str>) {
    let end = Instant::now() + PATIENCE;
    let all: Vec<Front> = cluster.ids().into_iter().flat_map(|node| fronts(cluster, node)).collect();
    loop {
        let told: Vec<_> = all.iter().map(|front| front.get(key, at("eventual"))).collect();
        let settled = |told: &Result<Told, String>| {
            told.as_ref().is_ok_and(|told| told.value.as_deref() == value && told.state == "committed")
        };
        if told.iter().all(settled) {
            break;
        }
        assert!(Instant::now() < end, "{key} does not settle as {value:?}: {told:?}");
    }
    let [redis, _] = fronts(cluster, WITH_MAJORITY);
    assert_eq!(redis.get(key, patient("linearizable")).expect("answered").value.as_deref(), value);
}

#[test]
fn demo_levels_shows_what_each_level_answers_on_each_side() {
    let output = run(Command::new(QUARTET).args(["demo", "levels"]).env_remove("QUARTET_REQUIREPASS"), b"");
    expect_exit(&output, 0);
    let text = stdout(&output);
    // What each row says first on each side; times, and whether a weak answer is decided yet, vary.
    let row = |name: &str| {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        let cells: Vec<&str> =
            line[name.len()..].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let word = |cell: &str| cell.split([' ', ',']).next().unwrap_or_default().to_owned();
        assert_eq!(cells.len(), 2, "{line}");
        (word(cells[0]), word(cells[1]))
    };
    let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
    for level in ["linearizable", "sequential"] {
        let (left, right) = row(&format!("{level} write"));
        assert!(left == "taken" && (right == "NOQUORUM" || right == "UNKNOWN"), "{text}");
    }
    assert_eq!(row("linearizable read"), pair("\"left\"", "NOQUORUM"));
    assert_eq!(row("sequential read, new session"), pair("\"left\"", "\"before\""));
    assert_eq!(row("sequential read, left's session"), pair("\"left\"", "BEHIND"));
    for level in ["causal", "eventual"] {
        assert_eq!(row(&format!("{level} write")), pair("taken", "taken"));
    }
    assert_eq!(row("causal read, own session"), pair("\"left\"", "\"right\""));
    assert_eq!(row("causal read, left's session"), pair("\"left\"", "BEHIND"));
    assert_eq!(row("eventual read"), pair("\"left\"", "\"right\""));

    // After the healing: strong wins over what had not seen it, the newest wins among weak writes, counters and sets merge.
    let settled = |key: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(key))
            .unwrap_or_else(|| panic!("{key}: {text}"));
        line.trim_start()[key.len()..].trim().to_owned()
    };
    assert_eq!(settled("demo:lock "), "\"left\" on all nodes");
    assert_eq!(settled("demo:causal "), "\"right\" on all nodes");
    assert_eq!(settled("demo:eventual "), "\"right\" on all nodes");
    assert_eq!(settled("demo:visits "), "5 on all nodes");
    assert_eq!(settled("demo:guests "), "ann, bob, cid on all nodes");
    let superseded = text.split("superseded").nth(1).unwrap_or_default();
    assert!(superseded.contains("demo:lock"), "{text}");
}
