//! Hints: eventual writes at a node that has no replica of the key's shard and reaches none. What is taken, what becomes of it, and what is not taken.
//!
//! First over some cores in one thread, five nodes with three replicas of each shard; then the rules by which hints are decided, entry by entry on a machine. The hostile version of both is the simulator (`crates/sim`).

mod cluster;

use bytes::Bytes;
use cluster::{Cluster, text};
use node::arbitration::Verdict;
use node::core::Core;
use node::io::Input;
use node::machine::{Applied, Machine};
use proto::error::ErrorKind;
use proto::frame::Frame;
use proto::hlc::Timestamp;
use proto::ids::{Incarnation, NodeId, Slot};
use proto::limits::SLOT_COUNT;
use proto::log_entry::{Deed, LogEntry, StreamPosition};
use proto::ops::{StringRead, Write};
use proto::outcome::State;
use proto::peer::Message;
use proto::reply::Reply;
use proto::slots::slot_of;
use proto::tentative::{Dot, Dots, Operation, Origin, WhySuperseded};

/// Long enough for whatever is undecided to be decided and told to everybody.
const SETTLING_ROUNDS: usize = 1_500;
/// The holder: the last of five nodes.
const HOLDER: usize = 4;

fn rounds(cluster: &mut Cluster, count: usize) {
    (0..count).for_each(|_| cluster.round());
}

fn link(cluster: &mut Cluster, is_up: bool) {
    for other in 0..HOLDER {
        for (at, node) in [(other, NodeId(HOLDER as u64 + 1)), (HOLDER, NodeId(other as u64 + 1))] {
            let input = if is_up { Input::LinkUp { node } } else { Input::LinkDown { node } };
            cluster.inputs.push_back((at, input));
        }
    }
}

fn cut_off(cluster: &mut Cluster) {
    cluster.cut = Some(HOLDER);
    link(cluster, false);
    rounds(cluster, 300);
}

fn heal(cluster: &mut Cluster) {
    cluster.cut = None;
    link(cluster, true);
    rounds(cluster, SETTLING_ROUNDS);
    settled(cluster);
}

fn settled(cluster: &Cluster) {
    let held: usize = cluster.cores.iter().flatten().map(Core::held_operations).sum();
    assert_eq!(held, 0, "everything is decided");
}

/// Five nodes of which the last is cut off, and whose links it has given up.
fn split() -> Cluster {
    let mut cluster = Cluster::new(5, 8);
    cluster.ready();
    cut_off(&mut cluster);
    cluster
}

/// The first key of this name whose shard the holder replicates, or not.
fn key(cluster: &Cluster, name: &str, is_here: bool) -> String {
    let routing = cluster.cores[0].as_ref().expect("runs").routing();
    let replicates = |key: &String| {
        let group = routing.shard_of(slot_of(key.as_bytes())).group();
        routing.replicas(group).contains(&NodeId(HOLDER as u64 + 1))
    };
    (0..1_000)
        .map(|number| format!("{name}{number}"))
        .find(|key| replicates(key) == is_here)
        .expect("one of many")
}

fn elsewhere(cluster: &Cluster, name: &str) -> String {
    key(cluster, name, false)
}

fn hints(cluster: &Cluster) -> usize {
    cluster.cores[HOLDER].as_ref().expect("runs").held_hints()
}

/// Takes a write at the holder and sees that it is a hint.
#[track_caller]
fn hint(cluster: &mut Cluster, line: &str) -> Reply {
    let reply = cluster.call(HOLDER, line);
    let dot = cluster.achieved.dot.expect("it has a dot");
    assert!(dot.origin.is_hints(), "{line}: {dot}");
    assert_eq!(cluster.achieved.state, State::Tentative);
    reply
}

#[track_caller]
fn all_read(cluster: &mut Cluster, key: &str, expected: &Reply) {
    for at in 0..5 {
        assert_eq!(&cluster.call(at, &format!("GET@eventual {key}")), expected, "node {}", at + 1);
        assert_eq!(&cluster.call(at, &format!("GET {key}")), expected, "node {}", at + 1);
    }
}

fn conflicts(cluster: &mut Cluster, key: &str) -> String {
    format!("{:?}", cluster.call(0, &format!("CONFLICTS {key}")))
}

#[test]
fn a_node_that_reaches_no_replica_holds_eventual_writes_and_they_are_decided_after_the_heal() {
    let mut cluster = split();
    let (name, count, set) = (elsewhere(&cluster, "k"), elsewhere(&cluster, "n"), elsewhere(&cluster, "s"));
    assert_eq!(hint(&mut cluster, &format!("SET@eventual {name} v")), Reply::OK);
    assert_eq!(hint(&mut cluster, &format!("INCR@eventual {count}")), Reply::Int(1));
    assert_eq!(hint(&mut cluster, &format!("INCRBY@eventual {count} 4")), Reply::Int(5), "of what it holds");
    assert_eq!(hint(&mut cluster, &format!("SADD@eventual {set} a b")), Reply::Int(2));
    assert_eq!(hints(&cluster), 4);
    assert_eq!(cluster.call(0, &format!("INCRBY {count} 10")), Reply::Int(10), "the others go on");
    heal(&mut cluster);
    all_read(&mut cluster, &name, &text("v"));
    all_read(&mut cluster, &count, &text("15"));
    assert_eq!(cluster.call(1, &format!("SCARD {set}")), Reply::Int(2));
    assert_eq!(conflicts(&mut cluster, &name), format!("{:?}", Reply::Array(Vec::new())));
}

#[test]
fn a_hint_survives_the_crash_of_its_holder_and_its_number_is_not_used_again() {
    let mut cluster = split();
    let count = elsewhere(&cluster, "n");
    for number in 1..=5 {
        assert_eq!(hint(&mut cluster, &format!("INCR@eventual {count}")), Reply::Int(number));
    }
    for _ in 0..2 {
        cluster.kill(HOLDER);
        rounds(&mut cluster, 50);
        cluster.start(HOLDER);
        cut_off(&mut cluster);
        assert_eq!(hints(&cluster), 5);
    }
    heal(&mut cluster);
    all_read(&mut cluster, &count, &text("5"));
    // All are decided and forgotten; what comes now must not look like one of them.
    cluster.kill(HOLDER);
    rounds(&mut cluster, 50);
    cluster.start(HOLDER);
    cut_off(&mut cluster);
    assert_eq!(hints(&cluster), 0);
    hint(&mut cluster, &format!("INCR@eventual {count}"));
    assert_eq!(cluster.achieved.dot.expect("seen").number, 6);
    heal(&mut cluster);
    all_read(&mut cluster, &count, &text("6"));
}

#[test]
fn a_hint_that_is_handed_over_again_and_again_counts_once() {
    let mut cluster = split();
    let count = elsewhere(&cluster, "n");
    for _ in 0..3 {
        hint(&mut cluster, &format!("INCR@eventual {count}"));
    }
    cluster.cut = None;
    link(&mut cluster, true);
    // Every copy of a handing over goes to every node as well, now and later; no word comes back for a while.
    let mut copies: Vec<Bytes> = Vec::new();
    for round in 0..600 {
        cluster.round();
        let frames = std::mem::take(&mut cluster.inputs);
        for (at, input) in frames {
            if let Input::Frame { bytes, .. } = &input {
                let messages = Frame::decode(bytes).expect("a node made it").messages;
                let is = |what: fn(&Message) -> bool| messages.iter().any(what);
                if is(|message| matches!(message, Message::HandedOver { .. })) && round < 400 {
                    continue;
                }
                if is(|message| matches!(message, Message::HandOver { .. })) {
                    copies.push(bytes.clone());
                }
            }
            cluster.inputs.push_back((at, input));
        }
        if round % 50 == 0 {
            for copy in &copies {
                let to = Frame::decode(copy).expect("seen above").destination.0 as usize - 1;
                let from = NodeId(HOLDER as u64 + 1);
                cluster.inputs.push_back((to, Input::Frame { from, bytes: copy.clone() }));
            }
        }
    }
    assert!(copies.len() > 2, "{} copies", copies.len());
    rounds(&mut cluster, SETTLING_ROUNDS);
    settled(&cluster);
    all_read(&mut cluster, &count, &text("3"));
}

#[test]
fn a_hint_reaches_the_leader_through_another_replica() {
    let mut cluster = split();
    let name = elsewhere(&cluster, "k");
    hint(&mut cluster, &format!("SET@eventual {name} v"));
    let routing = cluster.cores[0].as_ref().expect("runs").routing();
    let group = routing.shard_of(slot_of(name.as_bytes())).group();
    let (_, leader) = routing.group_leader(group).expect("it has one");
    let follower = *routing.replicas(group).iter().find(|node| **node != leader).expect("one of three");
    cluster.cut = None;
    // The holder has one link: to a follower.
    cluster.inputs.push_back((HOLDER, Input::LinkUp { node: follower }));
    cluster.inputs.push_back((follower.0 as usize - 1, Input::LinkUp { node: NodeId(HOLDER as u64 + 1) }));
    rounds(&mut cluster, SETTLING_ROUNDS);
    settled(&cluster);
    assert_eq!(cluster.call(0, &format!("GET {name}")), text("v"));
}

#[test]
fn a_hint_loses_to_a_strong_write_and_the_conflict_log_says_so() {
    let mut cluster = split();
    let name = elsewhere(&cluster, "lock");
    assert_eq!(cluster.call(0, &format!("SET {name} theirs")), Reply::OK);
    assert_eq!(hint(&mut cluster, &format!("SET@eventual {name} mine")), Reply::OK);
    heal(&mut cluster);
    all_read(&mut cluster, &name, &text("theirs"));
    let told = conflicts(&mut cluster, &name);
    assert!(told.contains("a strong write at") && told.contains("n5.hints.1:1"), "{told}");
}

#[test]
fn a_hint_does_not_bring_a_deleted_key_back_also_after_its_tombstone_was_dropped() {
    let mut cluster = Cluster::new(5, 8);
    cluster.ready();
    let (strong, weak) = (elsewhere(&cluster, "strong"), elsewhere(&cluster, "weak"));
    for (name, level) in [(&strong, "linearizable"), (&weak, "causal")] {
        assert_eq!(cluster.call(0, &format!("SET@{level} {name} v")), Reply::OK);
        rounds(&mut cluster, SETTLING_ROUNDS);
    }
    cut_off(&mut cluster);
    hint(&mut cluster, &format!("SET@eventual {strong} back"));
    hint(&mut cluster, &format!("SET@eventual {weak} back"));
    assert_eq!(cluster.call(0, &format!("DEL {strong}")), Reply::Int(1));
    assert_eq!(cluster.call(0, &format!("DEL@causal {weak}")), Reply::Int(1));
    // The holder is no replica, so it holds back no floor.
    rounds(&mut cluster, 2 * SETTLING_ROUNDS);
    heal(&mut cluster);
    for name in [&strong, &weak] {
        all_read(&mut cluster, name, &Reply::Nil);
        let told = conflicts(&mut cluster, name);
        assert!(told.contains("may be forgotten"), "the tombstone is gone: {told}");
    }
}

#[test]
fn only_what_depends_on_nothing_and_wants_one_copy_is_held() {
    let mut cluster = split();
    let name = elsewhere(&cluster, "k");
    assert_eq!(cluster.fails(HOLDER, &format!("SET@causal {name} v")), ErrorKind::NoQuorum);
    let two = format!("WITH {name} eventual ACKS 2 DEADLINE 500 DO SET {name} v");
    assert_eq!(cluster.fails(HOLDER, &two), ErrorKind::NoQuorum);
    assert_eq!(cluster.fails(HOLDER, &format!("GET@eventual {name}")), ErrorKind::Behind);
    assert_eq!(cluster.fails(HOLDER, &format!("SET@eventual {name} v NX")), ErrorKind::Level);
    assert_eq!(hints(&cluster), 0);
    // Where it has a replica of its own, that takes the write.
    let own = key(&cluster, "k", true);
    assert_eq!(cluster.call(HOLDER, &format!("SET@eventual {own} v")), Reply::OK);
    assert!(!cluster.achieved.dot.expect("it has a dot").origin.is_hints());
    // A ladder ends there.
    hint(&mut cluster, &format!("WITH {name} linearizable;50ms,causal;50ms,eventual DO SET {name} v"));
    heal(&mut cluster);
    all_read(&mut cluster, &name, &text("v"));
    all_read(&mut cluster, &own, &text("v"));
}

#[test]
fn links_that_come_back_at_once_leave_the_write_to_a_replica() {
    let mut cluster = Cluster::new(5, 8);
    cluster.ready();
    let name = elsewhere(&cluster, "k");
    link(&mut cluster, false);
    let request = cluster.send(HOLDER, &format!("SET@eventual {name} v"));
    rounds(&mut cluster, 100);
    assert!(!cluster.answers.contains_key(&(HOLDER, request)), "it waits for its links");
    link(&mut cluster, true);
    cluster.until("it is taken", |cluster| cluster.answers.contains_key(&(HOLDER, request)));
    assert!(!cluster.achieved.dot.expect("it has a dot").origin.is_hints());
}

#[test]
fn a_write_that_a_replica_may_have_taken_is_not_held_as_well() {
    let mut cluster = Cluster::new(5, 8);
    cluster.ready();
    let count = elsewhere(&cluster, "n");
    // What is sent is lost, and nobody notices before it is sent.
    cluster.cut = Some(HOLDER);
    let request = cluster.send(HOLDER, &format!("INCR@eventual {count}"));
    rounds(&mut cluster, 20);
    link(&mut cluster, false);
    cluster.until("it is answered", |cluster| cluster.answers.contains_key(&(HOLDER, request)));
    let outcome = cluster.answers.remove(&(HOLDER, request)).expect("just seen");
    assert!(
        matches!(outcome, proto::outcome::Outcome::Failed(failure) if failure.kind == ErrorKind::Unknown)
    );
    assert_eq!(hints(&cluster), 0);
}

#[test]
fn a_node_that_holds_as_much_as_it_can_refuses_more() {
    let mut cluster = split();
    let name = elsewhere(&cluster, "k");
    let value = "v".repeat(7 << 20);
    let mut taken = 0;
    let refused = loop {
        let outcome = cluster.outcome(HOLDER, &format!("SET@eventual {name} {value}"));
        if let proto::outcome::Outcome::Failed(failure) = outcome {
            break failure;
        }
        taken += 1;
        assert!(taken < 20, "it takes everything");
    };
    assert_eq!((refused.kind, hints(&cluster)), (ErrorKind::Retry, taken));
    heal(&mut cluster);
    assert_eq!(cluster.call(HOLDER, &format!("DEL@eventual {name}")), Reply::Int(1), "there is room again");
}

/// One shard's machine, entry by entry. Every entry commits one after the one before.
struct Shard {
    machine: Machine,
    written: u64,
    hinted: u64,
}

fn write(line: &str) -> Write {
    let argv: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
    match proto::commands::parse(&argv).expect("a command") {
        proto::command::Command::Write { write, .. } => write,
        proto::command::Command::Del { keys } => Write::Key(proto::ops::KeyWrite::Del { keys }),
        other => panic!("no write: {other:?}"),
    }
}

impl Shard {
    fn new() -> Shard {
        Shard { machine: Machine::shard(Slot(0), SLOT_COUNT), written: 0, hinted: 0 }
    }

    fn enter(&mut self, entry: &LogEntry) -> Applied {
        self.machine.apply(&postcard::to_stdvec(entry).expect("encoding to memory cannot fail"))
    }

    fn strong(&mut self, line: &str) -> Timestamp {
        let (front, incarnation, previous) = (NodeId(9), Incarnation(1), self.written);
        self.written += 1;
        let position =
            StreamPosition { front, incarnation, number: self.written, previous, acknowledged: previous };
        let deed = Deed::Apply(write(line));
        self.enter(&LogEntry::Write { proposed: Timestamp::ZERO, position, client: None, deed });
        self.machine.last()
    }

    fn decide(&mut self, origin: Origin, number: u64, time: u64, seen: Timestamp, line: &str) -> Verdict {
        let tentative = write(line).into_tentative(0).expect("it means something below sequential");
        let operation = Operation {
            dot: Dot { origin, number },
            predecessor: number - 1,
            time: Timestamp(time),
            seen,
            held: Dots::NONE,
            dep_hlc: Timestamp::ZERO,
            dots: Dots::NONE,
            client: None,
            write: tentative.into_iter().next().expect("of one key"),
        };
        match self.enter(&LogEntry::Tentative { proposed: Timestamp::ZERO, operation }) {
            Applied::Tentative { verdict, .. } => verdict,
            other => panic!("{other:?}"),
        }
    }

    /// A hint of node 5.
    fn hint(&mut self, time: u64, line: &str) -> Verdict {
        self.hinted += 1;
        self.decide(Origin::hints_of(NodeId(5)), self.hinted, time, Timestamp::ZERO, line)
    }

    /// A tentative write of a replica that has seen everything.
    fn weak(&mut self, number: u64, time: u64, line: &str) -> Verdict {
        let seen = self.machine.last();
        self.decide(Origin::first_of(NodeId(1)), number, time, seen, line)
    }

    /// Forgets everything that a floor here lets go.
    fn floor(&mut self) {
        let floor = self.machine.last();
        let fold = proto::tentative::Fold { origin: Origin::first_of(NodeId(1)), number: 99, at: floor };
        for _ in 0..2 {
            self.enter(&LogEntry::Floor { proposed: Timestamp::ZERO, floor, folds: vec![fold] });
        }
        assert!(self.machine.as_shard().expect("it is one").arbitration.is_empty(), "all is forgotten");
    }

    fn get(&self, key: &str) -> Option<String> {
        let shard = self.machine.as_shard().expect("it is one");
        let read = proto::ops::Read::String(StringRead::Get { key: Bytes::copy_from_slice(key.as_bytes()) });
        match node::query::answer(shard, 0, &read).reply {
            Reply::Bulk(bytes) => Some(String::from_utf8(bytes.to_vec()).expect("text")),
            _ => None,
        }
    }

    fn dots_of(&self, key: &str) -> Dots {
        let shard = self.machine.as_shard().expect("it is one");
        let read = proto::ops::Read::String(StringRead::Get { key: Bytes::copy_from_slice(key.as_bytes()) });
        node::query::answer(shard, 0, &read).dots
    }
}

fn is_unsure(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Superseded(WhySuperseded::Floor(_)))
}

#[test]
fn a_hint_takes_effect_where_nothing_was_written_whatever_the_floor() {
    let mut shard = Shard::new();
    shard.weak(1, 10, "SET other v");
    shard.floor();
    assert_eq!(shard.hint(20, "SET k v"), Verdict::Applied);
    assert_eq!(shard.get("k").as_deref(), Some("v"));
    assert!(shard.dots_of("k").is_empty(), "nobody depends on a hint");
}

#[test]
fn among_hints_and_other_tentative_writes_the_newest_wins() {
    let mut shard = Shard::new();
    assert_eq!(shard.weak(1, 30, "SET k newer"), Verdict::Applied);
    let lost = shard.hint(20, "SET k older");
    assert!(matches!(lost, Verdict::Superseded(WhySuperseded::Newer { .. })), "{lost:?}");
    assert_eq!(shard.hint(40, "SET k newest"), Verdict::Applied);
    assert_eq!(shard.hint(41, "DEL k"), Verdict::Applied);
    assert_eq!(shard.hint(42, "SET k again"), Verdict::Applied, "its own deletion is remembered");
    assert_eq!(shard.get("k").as_deref(), Some("again"));
    assert_eq!(shard.decide(Origin::first_of(NodeId(1)), 2, 41, shard.machine.last(), "SET k late"), {
        let at = shard.machine.last();
        Verdict::Superseded(WhySuperseded::Newer {
            dot: Dot { origin: Origin::hints_of(NodeId(5)), number: 4 },
            at: Timestamp(at.0 - 1),
        })
    });
}

#[test]
fn a_hint_loses_to_every_strong_write_however_it_was_overwritten() {
    let mut shard = Shard::new();
    let at = shard.strong("SET k strong");
    assert_eq!(shard.hint(90, "SET k hint"), Verdict::Superseded(WhySuperseded::Strong(at)));
    assert_eq!(shard.weak(1, 50, "SET k weak"), Verdict::Applied);
    assert_eq!(shard.hint(91, "SET k hint"), Verdict::Superseded(WhySuperseded::Strong(at)));
    shard.floor();
    assert!(is_unsure(shard.hint(92, "SET k hint")), "what made it is forgotten");
    assert_eq!(shard.get("k").as_deref(), Some("weak"));
    assert!(is_unsure(shard.hint(93, "DEL k")));
    assert!(is_unsure(shard.hint(94, "EXPIRE k 100")));
    assert_eq!(shard.hint(95, "APPEND k +"), Verdict::Applied, "an effect never loses");
    assert_eq!(shard.get("k").as_deref(), Some("weak+"));
}

#[test]
fn a_hint_does_not_undo_a_deletion_that_is_forgotten() {
    for is_strong in [true, false] {
        let mut shard = Shard::new();
        let mut number = 0;
        let mut write = |shard: &mut Shard, line: &str| {
            if is_strong {
                shard.strong(line);
            } else {
                number += 1;
                assert_eq!(shard.weak(number, 10 + number, line), Verdict::Applied);
            }
        };
        write(&mut shard, "SET k v");
        write(&mut shard, "DEL k");
        shard.floor();
        assert!(is_unsure(shard.hint(90, "SET k back")));
        assert_eq!(shard.get("k"), None);
        // A replica's own write makes the key anew, and a mark that does not know of the deletion by itself.
        write(&mut shard, "SADD k2 a");
        assert_eq!(shard.weak(number + 1, 20, "SET k new"), Verdict::Applied);
        let late = shard.hint(91, "SET k back");
        assert!(is_unsure(late), "the deletion was not seen: {late:?}");
        assert_eq!(shard.get("k").as_deref(), Some("new"));
    }
}

#[test]
fn fields_are_decided_by_the_same_rule() {
    let mut shard = Shard::new();
    assert_eq!(shard.hint(10, "HSET h a 1"), Verdict::Applied);
    let at = shard.strong("HSET h b 2");
    for line in ["HSET h b 3", "HSET h a 3", "HDEL h a"] {
        assert_eq!(
            shard.hint(20, line),
            Verdict::Superseded(WhySuperseded::Strong(at)),
            "whatever the field"
        );
    }
    assert_eq!(shard.strong("DEL h"), shard.machine.last());
    shard.floor();
    assert!(is_unsure(shard.hint(30, "HSET h a 4")));
    assert_eq!(shard.hint(31, "HINCRBY h a 4"), Verdict::Applied, "an effect");
}

/// The marks of a key's elements are forgotten one by one, while the key's own is still there.
#[test]
fn a_hint_does_not_undo_what_is_forgotten_of_one_field() {
    let mut shard = Shard::new();
    assert_eq!(shard.weak(1, 50, "HSET h a newer"), Verdict::Applied);
    assert_eq!(shard.weak(2, 51, "SADD s theirs"), Verdict::Applied);
    let passed = shard.machine.last();
    // Undecided dots keep the keys' marks. Another element is written, and the first one's mark goes.
    shard.enter(&LogEntry::Floor { proposed: Timestamp::ZERO, floor: passed, folds: Vec::new() });
    assert_eq!(shard.weak(3, 60, "HSET h b v"), Verdict::Applied);
    assert_eq!(shard.weak(4, 61, "SADD s other"), Verdict::Applied);
    let lost = shard.hint(40, "HSET h a older");
    assert!(matches!(lost, Verdict::Superseded(WhySuperseded::Newer { .. })), "{lost:?}");
    assert!(is_unsure(shard.hint(70, "SREM s theirs")), "nobody knows any more who put it in");
    assert_eq!(shard.hint(71, "SADD s theirs"), Verdict::Applied);
    assert!(is_unsure(shard.hint(72, "SREM s theirs")), "also if it was put in twice");
    assert_eq!(shard.hint(73, "HSET h a newest"), Verdict::Applied);
}

/// A strong DEL that found nothing is a write: who was told that the key is absent relies on it, also when its mark is gone.
#[test]
fn a_hint_does_not_undo_a_strong_deletion_that_found_nothing() {
    for keep_marks in [true, false] {
        let mut shard = Shard::new();
        if keep_marks {
            shard.weak(1, 10, "SET other v");
        }
        shard.strong("DEL k");
        shard.floor();
        assert!(is_unsure(shard.hint(90, "SET k back")));
    }
}

#[test]
fn a_hint_removes_what_its_holder_had_put_in_and_leaves_the_rest() {
    let mut shard = Shard::new();
    shard.weak(1, 10, "SADD s theirs");
    shard.hint(20, "SADD s mine");
    assert_eq!(shard.hint(21, "SREM s mine theirs"), Verdict::Applied);
    let read = proto::ops::Read::Set(proto::ops::SetRead::Members { key: Bytes::from_static(b"s") });
    let machine = shard.machine.as_shard().expect("it is one");
    let left = format!("{:?}", node::query::answer(machine, 0, &read).reply);
    assert!(left.contains("theirs") && !left.contains("mine"), "{left}");
}
