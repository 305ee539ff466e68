//! How tentative operations are decided, entry by entry: the rules of `docs/consistency.md` on a whole machine, its snapshots included.
//!
//! Timestamps are small numbers; every entry commits one after the one before, or where a test says. Node 9 is the front of the strong writes.

use bytes::Bytes;
use node::arbitration::overlay::{self, Shown};
use node::arbitration::{Verdict, strong_time};
use node::machine::{Applied, Machine, ShardMachine};
use node::query::{Answered, answer};
use proptest::prelude::*;
use proto::command::Command;
use proto::commands;
use proto::hlc::Timestamp;
use proto::ids::{Incarnation, NodeId, Slot};
use proto::limits::{MAX_CONFLICTS, SLOT_COUNT};
use proto::log_entry::{ClientNumber, Deed, LogEntry, StreamPosition};
use proto::ops::{HashRead, KeyRead, KeyWrite, Read, SetRead, StringRead, StringWrite, Write};
use proto::outcome::{Outcome, State};
use proto::reply::Reply;
use proto::tentative::{Dot, Dots, Fold, Operation, Origin, WhySuperseded};
use std::collections::BTreeMap;

fn write(text: &str) -> Write {
    let argv: Vec<Bytes> = text.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
    match commands::parse(&argv).expect("a command") {
        Command::Write { write, .. } => write,
        Command::Del { keys } => Write::Key(KeyWrite::Del { keys }),
        Command::MSet { pairs } => Write::String(StringWrite::MSet { pairs }),
        Command::FlushAll => Write::Key(KeyWrite::Flush),
        other => panic!("no write: {other:?}"),
    }
}

fn origin(node: u64) -> Origin {
    Origin::first_of(NodeId(node))
}

fn dot(node: u64, number: u64) -> Dot {
    Dot { origin: origin(node), number }
}

fn dots<const N: usize>(all: [Dot; N]) -> Dots {
    all.into_iter().collect()
}

/// An operation of a node taken at this time, the first of its shard, that has seen nothing.
fn operation(node: u64, number: u64, time: u64, text: &str) -> Operation {
    let tentative = write(text).into_tentative(0).expect("it means something below sequential");
    Operation {
        dot: dot(node, number),
        predecessor: 0,
        time: Timestamp(time),
        seen: Timestamp::ZERO,
        held: Dots::NONE,
        dep_hlc: Timestamp::ZERO,
        dots: Dots::NONE,
        client: None,
        write: tentative.into_iter().next().expect("of one key"),
    }
}

struct Shard {
    machine: Machine,
    written: u64,
}

impl Shard {
    fn new() -> Shard {
        Shard { machine: Machine::shard(Slot(0), SLOT_COUNT), written: 0 }
    }

    fn shard(&self) -> &ShardMachine {
        self.machine.as_shard().expect("it is a shard")
    }

    fn now(&self) -> Timestamp {
        self.machine.last()
    }

    fn enter(&mut self, entry: &LogEntry) -> Applied {
        self.machine.apply(&postcard::to_stdvec(entry).expect("encoding to memory cannot fail"))
    }

    fn strong_write(&mut self, write: Write) -> (Reply, Dots) {
        let (front, incarnation, previous) = (NodeId(9), Incarnation(1), self.written);
        self.written += 1;
        let position =
            StreamPosition { front, incarnation, number: self.written, previous, acknowledged: previous };
        let deed = Deed::Apply(write);
        match self.enter(&LogEntry::Write { proposed: Timestamp::ZERO, position, client: None, deed }) {
            Applied::Write { outcome: Outcome::Done { reply, .. }, dots, .. } => (reply, dots),
            other => panic!("{other:?}"),
        }
    }

    /// A strong write; its commit timestamp.
    fn strong(&mut self, text: &str) -> Timestamp {
        self.strong_write(write(text));
        self.now()
    }

    fn decide(&mut self, operation: &Operation) -> Verdict {
        let operation = operation.clone();
        match self.enter(&LogEntry::Tentative { proposed: Timestamp::ZERO, operation }) {
            Applied::Tentative { verdict, at, .. } => {
                assert_eq!(at, self.now());
                verdict
            }
            other => panic!("{other:?}"),
        }
    }

    fn floor(&mut self, floor: Timestamp, folds: Vec<Fold>) {
        self.enter(&LogEntry::Floor { proposed: Timestamp::ZERO, floor, folds });
    }

    fn at(&mut self, wall_ms: u64) {
        self.enter(&LogEntry::Empty { proposed: Timestamp::from_wall_ms(wall_ms) });
    }

    fn answer(&self, read: &Read) -> Answered {
        answer(self.shard(), self.now().wall_ms(), read)
    }

    fn get(&self, key: &str) -> Option<String> {
        text(self.answer(&get(key)).reply)
    }

    fn shown(&self, operations: &[&Operation], read: &Read) -> Shown {
        overlay::read(self.shard(), operations, self.now().wall_ms(), read)
    }

    /// A machine that is made of this one's snapshot.
    fn restored(&self) -> Shard {
        let frozen = self.machine.freeze();
        let mut machine = Machine::shard(Slot(0), SLOT_COUNT);
        assert!(machine.restore(frozen.slots.into_iter().collect(), &frozen.tables));
        Shard { machine, written: self.written }
    }
}

fn key(name: &str) -> Bytes {
    Bytes::copy_from_slice(name.as_bytes())
}

fn get(name: &str) -> Read {
    Read::String(StringRead::Get { key: key(name) })
}

fn members(name: &str) -> Read {
    Read::Set(SetRead::Members { key: key(name) })
}

fn field(name: &str, field: &str) -> Read {
    Read::Hash(HashRead::Get { key: key(name), field: key(field) })
}

fn text(reply: Reply) -> Option<String> {
    match reply {
        Reply::Bulk(bytes) => Some(String::from_utf8(bytes.to_vec()).expect("text")),
        Reply::Nil => None,
        other => panic!("{other:?}"),
    }
}

fn superseded_by_strong(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Superseded(WhySuperseded::Strong(_)))
}

#[test]
fn a_strong_write_wins_over_an_unseen_weak_set_and_not_over_one_that_saw_it() {
    let mut shard = Shard::new();
    let at = shard.strong("SET k strong");
    let unseen = Operation { seen: Timestamp(at.0 - 1), ..operation(1, 1, 100, "SET k unseen") };
    assert_eq!(shard.decide(&unseen), Verdict::Superseded(WhySuperseded::Strong(at)));
    assert_eq!(shard.get("k").as_deref(), Some("strong"));
    let seen = Operation { seen: at, ..operation(2, 1, 90, "SET k seen") };
    assert_eq!(shard.decide(&seen), Verdict::Applied);
    assert_eq!(shard.get("k").as_deref(), Some("seen"));
}

#[test]
fn the_newest_assignment_wins_whatever_the_order_of_decision() {
    let (old, new) = (operation(2, 1, 10, "SET k old"), operation(1, 1, 11, "SET k new"));
    for order in [[&old, &new], [&new, &old]] {
        let mut shard = Shard::new();
        let verdicts = order.map(|operation| shard.decide(operation));
        assert_eq!(shard.get("k").as_deref(), Some("new"), "{verdicts:?}");
    }
    let mut shard = Shard::new();
    shard.decide(&new);
    let at = shard.now();
    assert_eq!(shard.decide(&old), Verdict::Superseded(WhySuperseded::Newer { dot: new.dot, at }));
}

#[test]
fn of_equal_times_the_greater_node_wins_whatever_the_order() {
    let (one, two) = (operation(1, 1, 10, "SET k one"), operation(2, 1, 10, "SET k two"));
    for order in [[&one, &two], [&two, &one]] {
        let mut shard = Shard::new();
        order.iter().for_each(|operation| assert_ne!(shard.decide(operation), Verdict::TooEarly));
        assert_eq!(shard.get("k").as_deref(), Some("two"));
    }
}

#[test]
fn a_deletion_during_a_split_is_right_after_both_orders_of_decision() {
    let (set, del) = (operation(1, 1, 10, "SET k v"), operation(2, 1, 11, "DEL k"));
    for order in [[&set, &del], [&del, &set]] {
        let mut shard = Shard::new();
        order.iter().for_each(|operation| assert_ne!(shard.decide(operation), Verdict::TooEarly));
        assert_eq!(shard.get("k"), None);
    }
    let newer = operation(1, 1, 12, "SET k v");
    for order in [[&newer, &del], [&del, &newer]] {
        let mut shard = Shard::new();
        order.iter().for_each(|operation| assert_ne!(shard.decide(operation), Verdict::TooEarly));
        assert_eq!(shard.get("k").as_deref(), Some("v"));
    }
}

#[test]
fn effects_are_applied_whatever_was_decided_and_only_once() {
    let mut shard = Shard::new();
    shard.strong("SET n 5");
    let more = operation(1, 1, 1, "INCRBY n 2");
    assert_eq!(shard.decide(&more), Verdict::Applied);
    assert_eq!(shard.decide(&more), Verdict::Repeated);
    assert_eq!(shard.get("n").as_deref(), Some("7"));
}

#[test]
fn an_operation_whose_predecessor_is_undecided_waits() {
    let mut shard = Shard::new();
    let first = operation(1, 3, 1, "INCR n");
    let second = Operation { predecessor: 3, ..operation(1, 7, 2, "INCR n") };
    assert_eq!(shard.decide(&second), Verdict::TooEarly);
    assert_eq!(shard.get("n"), None);
    assert_eq!(shard.shard().arbitration.mark(origin(1)), 0);
    assert_eq!(shard.decide(&first), Verdict::Applied);
    assert_eq!(shard.decide(&second), Verdict::Applied);
    assert_eq!(shard.get("n").as_deref(), Some("2"));
    assert_eq!(shard.shard().arbitration.marks(), &dots([dot(1, 7)]));
}

#[test]
fn what_its_origin_held_is_decided_before_an_operation() {
    let mut shard = Shard::new();
    let later = Operation { held: dots([dot(1, 1), dot(2, 0)]), ..operation(2, 1, 2, "SREM s a") };
    assert_eq!(shard.decide(&later), Verdict::TooEarly);
    assert_eq!(shard.decide(&operation(1, 1, 1, "SADD s a")), Verdict::Applied);
    assert_eq!(shard.decide(&later), Verdict::Applied);
    assert_eq!(shard.answer(&members("s")).reply, Reply::Set(vec![]));
}

#[test]
fn a_removal_takes_what_it_observed_and_an_add_that_it_did_not_see_wins() {
    let remove = Operation { held: dots([dot(1, 1)]), ..operation(3, 1, 9, "SREM s a b") };
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 1, "SADD s a b"));
    shard.decide(&operation(2, 1, 2, "SADD s a"));
    assert_eq!(shard.decide(&remove), Verdict::Applied);
    assert_eq!(shard.answer(&members("s")).reply, Reply::Set(vec![Reply::bulk("a")]));
    // The other order comes to the same.
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 1, "SADD s a b"));
    shard.decide(&remove);
    shard.decide(&operation(2, 1, 2, "SADD s a"));
    assert_eq!(shard.answer(&members("s")).reply, Reply::Set(vec![Reply::bulk("a")]));
}

#[test]
fn what_a_removal_took_need_not_have_been_seen_by_the_next_one() {
    let (one, two) = (operation(1, 1, 1, "SADD s a"), operation(2, 1, 2, "SADD s a"));
    let took_one = Operation { held: dots([dot(1, 1)]), ..operation(3, 1, 3, "SREM s a") };
    let took_two = Operation { held: dots([dot(2, 1)]), ..operation(4, 1, 4, "SREM s a") };
    for order in [[&one, &two, &took_one, &took_two], [&one, &took_one, &two, &took_two]] {
        let mut shard = Shard::new();
        order.iter().for_each(|operation| assert_eq!(shard.decide(operation), Verdict::Applied));
        assert_eq!(shard.answer(&members("s")).reply, Reply::Set(vec![]));
    }
}

#[test]
fn a_removal_leaves_what_was_strongly_added_after_it_looked() {
    let mut shard = Shard::new();
    shard.strong("SADD s a");
    let seen = shard.now();
    shard.decide(&operation(1, 1, 5, "SADD s b"));
    shard.strong("SADD s c");
    let remove = Operation { seen, held: dots([dot(1, 1)]), ..operation(2, 1, 6, "SREM s a b c") };
    assert_eq!(shard.decide(&remove), Verdict::Applied);
    assert_eq!(shard.answer(&members("s")).reply, Reply::Set(vec![Reply::bulk("c")]));
    let nothing = Operation { predecessor: 1, seen, ..operation(2, 2, 7, "SREM s c") };
    assert!(superseded_by_strong(shard.decide(&nothing)));
}

#[test]
fn fields_are_decided_one_by_one() {
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 10, "HSET h f new g new"));
    let late = operation(2, 1, 9, "HSET h f old other old");
    assert_eq!(shard.decide(&late), Verdict::Applied);
    assert_eq!(text(shard.answer(&field("h", "f")).reply).as_deref(), Some("new"));
    assert_eq!(text(shard.answer(&field("h", "other")).reply).as_deref(), Some("old"));
    let strong = shard.strong("HSET h g strong");
    let mixed = Operation {
        predecessor: 1,
        seen: Timestamp(strong.0 - 1),
        ..operation(2, 2, 50, "HSET h f newest g lost")
    };
    assert_eq!(shard.decide(&mixed), Verdict::Applied);
    assert_eq!(text(shard.answer(&field("h", "f")).reply).as_deref(), Some("newest"));
    assert_eq!(text(shard.answer(&field("h", "g")).reply).as_deref(), Some("strong"));
    let lost: Vec<&str> = shard.shard().arbitration.conflicts().map(|conflict| &conflict.write[..]).collect();
    assert_eq!(lost, [r#"HSET "f" "old""#, r#"HSET "g" "lost""#]);
}

#[test]
fn a_deleted_field_is_not_brought_back_by_an_older_assignment() {
    let (set, del) = (operation(1, 1, 10, "HSET h f v"), operation(2, 1, 11, "HDEL h f"));
    for order in [[&set, &del], [&del, &set]] {
        let mut shard = Shard::new();
        order.iter().for_each(|operation| assert_ne!(shard.decide(operation), Verdict::TooEarly));
        assert_eq!(shard.answer(&field("h", "f")).reply, Reply::Nil);
    }
}

#[test]
fn an_assignment_of_the_whole_key_must_beat_its_elements_and_they_must_beat_it() {
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 10, "HSET h f v"));
    assert!(matches!(shard.decide(&operation(2, 1, 9, "DEL h")), Verdict::Superseded(_)));
    assert_eq!(shard.decide(&Operation { predecessor: 1, ..operation(2, 2, 20, "DEL h") }), Verdict::Applied);
    let late = Operation { predecessor: 1, ..operation(1, 2, 15, "HSET h g v") };
    assert!(matches!(shard.decide(&late), Verdict::Superseded(WhySuperseded::Newer { .. })));
    assert_eq!(shard.answer(&field("h", "g")).reply, Reply::Nil);
}

#[test]
fn an_assignment_must_beat_the_newest_effect_and_an_effect_adds_to_whatever_is_there() {
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 10, "INCR n"));
    assert!(matches!(shard.decide(&operation(2, 1, 9, "SET n 100")), Verdict::Superseded(_)));
    assert_eq!(
        shard.decide(&Operation { predecessor: 1, ..operation(2, 2, 11, "SET n 100") }),
        Verdict::Applied
    );
    assert_eq!(shard.decide(&Operation { predecessor: 1, ..operation(1, 2, 5, "INCR n") }), Verdict::Applied);
    assert_eq!(shard.get("n").as_deref(), Some("101"));
}

#[test]
fn a_strong_deletion_is_remembered_until_the_floor_and_after_it_the_floor_speaks() {
    let mut shard = Shard::new();
    shard.strong("SET k v");
    let seen = shard.now();
    shard.strong("DEL k");
    let deleted = shard.now();
    let late = Operation { seen, ..operation(1, 1, 100, "SET k late") };
    assert!(superseded_by_strong(shard.restored().decide(&late)));
    assert!(shard.shard().arbitration.wants_floor());
    shard.floor(deleted, vec![]);
    assert!(!shard.shard().arbitration.wants_floor());
    assert_eq!(shard.decide(&late), Verdict::Superseded(WhySuperseded::Floor(deleted)));
    assert_eq!(shard.get("k"), None);
    let effect = Operation { predecessor: 1, seen, ..operation(1, 2, 101, "INCR k") };
    assert_eq!(shard.decide(&effect), Verdict::Applied);
}

/// Whoever was told that a member is there, or that a key is absent, relies on it.
#[test]
fn a_strong_write_that_changes_nothing_wins_all_the_same_unless_it_was_refused() {
    let cases = [
        ("", "DEL k", "SET k late"),
        ("SADD k a", "SADD k a", "DEL k"),
        ("SADD k a", "SREM k b", "DEL k"),
        ("HSET k f v", "HDEL k g", "HSET k g late"),
        ("", "HDEL k g", "HSET k g late"),
        ("ZADD k 1 a", "ZADD k 1 a", "ZADD k 2 a"),
        ("ZADD k 1 a", "ZREM k b", "ZADD k 2 b"),
        ("SET k v", "PERSIST k", "EXPIRE k 100"),
        ("SET b v", "SUNIONSTORE k {k}nothing", "SET k late"),
        ("SET b v", "DEL b k", "SET k late"),
    ];
    for (before, strong, late) in cases {
        // With and without a mark of another key: the common case has a short cut.
        for other in ["", "APPEND other x"] {
            let mut shard = Shard::new();
            if !before.is_empty() {
                shard.strong(before);
            }
            if !other.is_empty() {
                shard.decide(&operation(3, 1, 1, other));
            }
            let seen = shard.now();
            let at = shard.strong(strong);
            let late = Operation { seen, ..operation(1, 1, 100, late) };
            let verdict = shard.restored().decide(&late);
            assert_eq!(
                verdict,
                Verdict::Superseded(WhySuperseded::Strong(at)),
                "{before}, {strong}, {late:?}"
            );
            let had_seen = Operation { seen: at, ..late };
            assert_eq!(shard.decide(&had_seen), Verdict::Applied, "{before}, {strong}, {had_seen:?}");
        }
    }
    for (before, refused, late) in [
        ("SET k v", "SET k w NX", "SET k late"),
        ("ZADD k 2 a", "ZADD k GT 1 a", "ZADD k 3 a"),
        ("", "EXPIRE k 100", "SET k late"),
    ] {
        let mut shard = Shard::new();
        if !before.is_empty() {
            shard.strong(before);
        }
        let seen = shard.now();
        shard.strong(refused);
        assert_eq!(shard.decide(&Operation { seen, ..operation(1, 1, 100, late) }), Verdict::Applied);
    }
}

#[test]
fn what_cannot_be_carried_out_on_what_is_there_is_superseded_and_said_to_be() {
    let mut shard = Shard::new();
    shard.strong("SET k text");
    shard.strong("SET n 9223372036854775807");
    let seen = shard.now();
    let cases = [
        "HSET k f v",
        "SADD k a b",
        "INCR k",
        "RPUSH k x",
        "ZADD k 1 a",
        "SREM k a",
        "INCR n",
        "HINCRBY k f 2",
    ];
    for (number, text) in (1_u64..).zip(cases) {
        let operation = Operation { predecessor: number - 1, seen, ..operation(1, number, 9, text) };
        assert!(!shard.shown(&[&operation], &get("k")).reply.is_error());
        assert_eq!(shard.decide(&operation), Verdict::Superseded(WhySuperseded::Refused), "{text}");
    }
    let lost: Vec<&str> = shard.shard().arbitration.conflicts().map(|conflict| &conflict.write[..]).collect();
    let words = [
        r#"HSET "f" "v""#,
        r#"SADD "a" "b""#,
        "INCRBY 1",
        r#"RPUSH "x""#,
        r#"ZADD 1 "a""#,
        r#"SREM "a""#,
        "INCRBY 1",
        r#"HINCRBY "f" 2"#,
    ];
    assert_eq!(lost, words);
    assert_eq!(shard.get("k").as_deref(), Some("text"));
}

#[test]
fn the_marks_of_a_collection_that_is_written_go_with_the_floor_and_a_removal_from_below_it_takes_nothing() {
    let mut shard = Shard::new();
    for number in 1..=2_000_u64 {
        let seen = shard.now();
        let add = operation(1, number, number, &format!("SADD s member{number}"));
        shard.decide(&Operation { predecessor: number - 1, seen, ..add });
        if number.is_multiple_of(50) {
            shard.floor(seen, vec![]);
        }
    }
    assert!(shard.shard().arbitration.bytes() < 400 * 256, "{}", shard.shard().arbitration.bytes());
    let below = operation(2, 1, 5_000, "SREM s member1 member2000");
    // Of one nobody remembers who put it in, of the other it is known that the removal had not seen it.
    assert_eq!(shard.decide(&below), Verdict::Applied);
    let lost: Vec<&str> = shard.shard().arbitration.conflicts().map(|conflict| &conflict.write[..]).collect();
    assert_eq!(lost, [r#"SREM "member1""#]);
    let read = Read::Set(SetRead::Card { key: key("s") });
    assert_eq!(shard.answer(&read).reply, Reply::Int(2_000));
    let seen = shard.now();
    let above = Operation { predecessor: 1, seen, ..operation(2, 2, 5_001, "SREM s member1 member2000") };
    assert_eq!(shard.decide(&above), Verdict::Applied);
    assert_eq!(shard.answer(&read).reply, Reply::Int(1_998));
}

#[test]
fn a_strong_time_outlives_a_weak_overwrite() {
    let mut shard = Shard::new();
    let strong = shard.strong("SET k strong");
    shard.decide(&Operation { seen: strong, ..operation(1, 1, 10, "SET k weak") });
    assert_eq!(strong_time(shard.shard(), b"k"), strong);
    let unseen = Operation { seen: Timestamp(strong.0 - 1), ..operation(2, 1, 99, "SET k unseen") };
    assert_eq!(shard.decide(&unseen), Verdict::Superseded(WhySuperseded::Strong(strong)));
    assert_eq!(shard.get("k").as_deref(), Some("weak"));
}

#[test]
fn an_expiry_keeps_the_strong_time_and_supersedes_nothing_by_itself() {
    let mut shard = Shard::new();
    shard.at(100);
    let strong = shard.strong("SET k v PX 50");
    shard.at(200);
    assert_eq!((shard.get("k"), strong_time(shard.shard(), b"k")), (None, strong));
    let unseen = Operation { seen: Timestamp(strong.0 - 1), ..operation(1, 1, 1, "SET k unseen") };
    assert!(superseded_by_strong(shard.decide(&unseen)));
    let seen = Operation { seen: strong, ..operation(2, 1, 2, "SET k seen") };
    assert_eq!(shard.decide(&seen), Verdict::Applied);
    assert_eq!(shard.get("k").as_deref(), Some("seen"));
}

#[test]
fn a_flush_is_a_strong_write_of_every_key() {
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 1, "SET a v"));
    let seen = shard.now();
    let flushed = shard.strong("FLUSHALL");
    let late = Operation { seen, ..operation(2, 1, 99, "SET b v") };
    assert_eq!(shard.decide(&late), Verdict::Superseded(WhySuperseded::Strong(flushed)));
    assert_eq!(shard.decide(&Operation { seen: flushed, ..operation(3, 1, 3, "SET b v") }), Verdict::Applied);
}

#[test]
fn a_strong_write_of_a_key_without_marks_leaves_none_and_a_blind_one_takes_them_away() {
    let mut shard = Shard::new();
    for text in
        ["SET k v", "INCR n", "HSET h f v", "SADD s a", "MSET a 1 b 2", "SETNX k w", "EXPIRE absent 9"]
    {
        shard.strong(text);
    }
    assert!(shard.shard().arbitration.is_empty());
    let carried = Operation { dots: dots([dot(5, 9)]), ..operation(1, 1, 1, "APPEND k x") };
    shard.decide(&carried);
    assert_eq!(shard.answer(&get("k")).dots, dots([dot(1, 1), dot(5, 9)]));
    let (_, joined) = shard.strong_write(write("APPEND k y"));
    assert_eq!(joined, dots([dot(1, 1), dot(5, 9)]));
    assert_eq!(shard.answer(&get("k")).dots, joined, "who reads keeps");
    assert_eq!(shard.strong_write(write("SET k v")).1, Dots::NONE);
    assert_eq!(shard.answer(&get("k")).dots, Dots::NONE);
    assert!(shard.shard().arbitration.is_empty());
}

#[test]
fn dots_go_with_what_is_renamed_and_stay_with_what_is_deleted() {
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 1, "SET {t}a v"));
    shard.strong("RENAME {t}a {t}b");
    assert_eq!(shard.answer(&get("{t}b")).dots, dots([dot(1, 1)]));
    assert_eq!(shard.strong_write(write("GETDEL {t}b")).1, dots([dot(1, 1)]));
    assert_eq!(shard.answer(&get("{t}b")).dots, dots([dot(1, 1)]));
}

#[test]
fn folded_dots_leave_the_keys_and_their_time_is_seen() {
    let mut shard = Shard::new();
    shard.decide(&operation(1, 1, 1, "SET k v"));
    let fold = Fold { origin: origin(1), number: 1, at: Timestamp(77) };
    shard.floor(Timestamp::ZERO, vec![fold]);
    let answered = shard.answer(&get("k"));
    assert_eq!((answered.dots, answered.seen), (Dots::NONE, Timestamp(77)));
    shard.floor(shard.now(), vec![]);
    assert_eq!(shard.answer(&get("k")).seen, Timestamp(77), "after its mark was dropped, too");
    assert_eq!(shard.shard().arbitration.all_dots(), Dots::NONE);
}

#[test]
fn a_client_s_numbered_write_takes_effect_once_at_any_level() {
    let mut shard = Shard::new();
    let client = Some(ClientNumber { client: key("c"), number: 1 });
    shard.decide(&Operation { client: client.clone(), ..operation(1, 1, 1, "INCR n") });
    let again = Operation { client: client.clone(), ..operation(2, 1, 2, "INCR n") };
    assert!(shard.shown(&[&again], &get("n")).state == State::Committed);
    assert_eq!(shard.decide(&again), Verdict::Applied);
    assert_eq!(shard.get("n").as_deref(), Some("1"));
    let (one, two) = (ClientNumber { client: key("c"), number: 2 }, 3);
    let (first, second) = (
        Operation { predecessor: 1, client: Some(one.clone()), ..operation(1, 2, two, "INCR n") },
        Operation { predecessor: 1, client: Some(one), ..operation(2, 2, 4, "INCR n") },
    );
    assert_eq!(text(shard.shown(&[&first, &second], &get("n")).reply).as_deref(), Some("2"));
}

#[test]
fn the_overlay_never_shows_what_has_lost() {
    let mut shard = Shard::new();
    let strong = shard.strong("SET k strong");
    let loser = Operation { seen: Timestamp(strong.0 - 1), ..operation(1, 1, 99, "SET k loser") };
    let shown = shard.shown(&[&loser], &get("k"));
    assert_eq!((text(shown.reply).as_deref(), shown.state), (Some("strong"), State::Committed));
    assert_eq!((shown.version, shown.dots), (strong, Dots::NONE));
    let winner = Operation {
        seen: strong,
        dep_hlc: Timestamp(50),
        dots: dots([dot(4, 4)]),
        ..operation(2, 3, 9, "SET k winner")
    };
    let shown = shard.shown(&[&loser, &winner], &get("k"));
    assert_eq!((text(shown.reply).as_deref(), shown.state), (Some("winner"), State::Tentative));
    assert_eq!((shown.version, shown.seen), (strong, Timestamp(50)));
    assert_eq!(shown.dots, dots([dot(2, 3), dot(4, 4)]));
    shard.floor(Timestamp(strong.0 + 1), vec![]);
    assert_eq!(shard.shown(&[&winner], &get("k")).state, State::Committed, "below the floor");
}

#[test]
fn an_estimate_counts_what_is_shown_and_changes_nothing() {
    let mut shard = Shard::new();
    shard.strong("SET n 5");
    let seen = shard.now();
    let digest = shard.machine.digest();
    let more = Operation { seen, dep_hlc: Timestamp(60), ..operation(1, 1, 9, "INCR n") };
    let estimate = overlay::estimate(shard.shard(), &[&more], &write("INCRBY n 10"));
    assert_eq!(estimate.reply, Reply::Int(16));
    assert_eq!((estimate.version, estimate.seen, estimate.dots), (seen, Timestamp(60), dots([dot(1, 1)])));
    assert_eq!(shard.machine.digest(), digest);
}

#[test]
fn the_overlay_shows_the_key_space_too() {
    let mut shard = Shard::new();
    shard.strong("SET a v");
    let (one, two) =
        (operation(1, 1, 9, "SET b v"), Operation { seen: shard.now(), ..operation(2, 1, 9, "DEL a") });
    let shown = shard.shown(&[&two, &one], &Read::Key(KeyRead::Keys { pattern: key("*") }));
    assert_eq!(shown.reply, Reply::Array(vec![Reply::bulk("b")]));
    assert_eq!(shown.dots, dots([dot(1, 1), dot(2, 1)]));
    assert_eq!(shard.get("a").as_deref(), Some("v"));
}

#[test]
fn a_tentative_value_past_its_expiry_is_gone_and_its_reader_has_seen_the_expiry() {
    let mut shard = Shard::new();
    shard.at(100);
    let short = operation(1, 1, 9, "SET k v PXAT 150");
    assert_eq!(text(shard.shown(&[&short], &get("k")).reply).as_deref(), Some("v"));
    assert!(overlay::needs_empty_entry(shard.shard(), &[&short], 150));
    shard.at(200);
    let shown = shard.shown(&[&short], &get("k"));
    assert_eq!((shown.reply, shown.seen), (Reply::Nil, Timestamp::from_wall_ms(150)));
    assert!(!overlay::needs_empty_entry(shard.shard(), &[&short], 300));
}

#[test]
fn the_conflict_log_is_bounded_and_read() {
    let mut shard = Shard::new();
    shard.strong("SET k v");
    let mut predecessor = 0;
    for number in 1..=MAX_CONFLICTS as u64 + 5 {
        let late = Operation { predecessor, ..operation(1, number, number, "SET k late") };
        assert!(superseded_by_strong(shard.decide(&late)));
        predecessor = number;
    }
    let arbitration = &shard.shard().arbitration;
    assert_eq!(arbitration.conflicts().count(), MAX_CONFLICTS);
    assert_eq!(arbitration.conflicts().next().map(|conflict| conflict.dot.number), Some(6));
    assert_eq!(arbitration.superseded(), MAX_CONFLICTS as u64 + 5);
    match shard.answer(&Read::Key(KeyRead::Conflicts { key: Bytes::from_static(b"k") })).reply {
        Reply::Array(all) => assert_eq!(all.len(), MAX_CONFLICTS),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_snapshot_from_before_tentative_operations_is_still_read() {
    let mut shard = Shard::new();
    shard.strong("SET k v");
    let frozen = shard.machine.freeze();
    let earlier = postcard::to_stdvec(&(shard.now(), shard.shard().sessions.clone()))
        .expect("encoding to memory cannot fail");
    let mut machine = Machine::shard(Slot(0), SLOT_COUNT);
    assert!(machine.restore(frozen.slots.into_iter().collect(), &earlier));
    assert_eq!(machine.digest(), shard.machine.digest());
}

/// Each bug that is planted here changes what one of these histories comes to.
#[cfg(feature = "planted")]
#[test]
fn every_planted_bug_of_arbitration_is_noticed() {
    use node::planted::Planted;
    type History = fn(&mut Shard) -> String;
    let overwritten: History = |shard| {
        let strong = shard.strong("SET k strong");
        shard.decide(&Operation { seen: strong, ..operation(1, 1, 10, "SET k weak") });
        format!("{:?}", shard.decide(&operation(2, 1, 99, "SET k unseen")))
    };
    let gap: History =
        |shard| format!("{:?}", shard.decide(&Operation { predecessor: 3, ..operation(1, 7, 2, "INCR n") }));
    let deleted: History = |shard| {
        shard.decide(&operation(1, 1, 10, "DEL k"));
        format!("{:?}", shard.decide(&operation(2, 1, 9, "SET k v")))
    };
    let below: History = |shard| {
        shard.floor(Timestamp(5), vec![]);
        format!("{:?}", shard.decide(&operation(2, 1, 9, "SET k v")))
    };
    let shown: History = |shard| {
        shard.strong("SET k strong");
        format!("{:?}", shard.shown(&[&operation(1, 1, 99, "SET k loser")], &get("k")).reply)
    };
    let kept: History = |shard| {
        shard.decide(&operation(1, 1, 10, "SET k v"));
        format!("{:?}", shard.answer(&get("k")).dots)
    };
    for (bug, history) in [
        (Planted::StrongTimeForgotten, overwritten),
        (Planted::PredecessorNotChecked, gap),
        (Planted::TombstonesDropped, deleted),
        (Planted::FloorNotEnforced, below),
        (Planted::OverlayByOtherRules, shown),
        (Planted::KeyForgetsDots, kept),
    ] {
        let mut buggy = Shard { machine: Shard::new().machine.with_planted(bug), written: 0 };
        assert_ne!(history(&mut Shard::new()), history(&mut buggy), "{bug:?}");
    }
}

/// One step of a history: which origin, what it writes, how far behind its view is, and how much older its time is.
#[derive(Clone, Debug)]
enum Step {
    Strong(Write),
    Weak { node: u64, write: Write, lag: u64, older: u64, sees_others: bool, carries: bool },
    Floor { behind: u64, folds: bool },
    Later(u64),
}

fn weak_write() -> impl Strategy<Value = Write> {
    let name = (0..3u8).prop_map(|n| format!("k{n}"));
    (name, 0..16u8, 0..3u8, 0..9u8).prop_map(|(name, kind, one, two)| {
        write(&match kind {
            0..=2 => format!("SET {name} {two}"),
            3 => format!("DEL {name}"),
            4 | 5 => format!("INCR {name}"),
            6 => format!("PERSIST {name}"),
            7 | 8 => format!("SADD {{s}}{name} {one} {two}"),
            9 | 10 => format!("SREM {{s}}{name} {one} {two}"),
            11 => format!("HSET {{h}}{name} {one} {two} {two} {one}"),
            12 => format!("HDEL {{h}}{name} {one} {two}"),
            13 => format!("HINCRBY {{h}}{name} {one} 1"),
            14 => format!("ZADD {{z}}{name} {two} {one}"),
            _ => format!("ZREM {{z}}{name} {one}"),
        })
    })
}

fn strong_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        6 => weak_write(),
        1 => (0..3u8, 1..30u64).prop_map(|(n, ms)| write(&format!("SET k{n} 5 PX {ms}"))),
        1 => (0..3u8, 0..3u8).prop_map(|(a, b)| write(&format!("RENAME {{s}}k{a} {{s}}k{b}"))),
        1 => (0..3u8).prop_map(|n| write(&format!("SPOP {{s}}k{n}"))),
        1 => Just(write("FLUSHALL")),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let weak = (1..4u64, weak_write(), 0..12u64, 0..6u64, any::<bool>(), any::<bool>()).prop_map(
        |(node, write, lag, older, sees_others, carries)| Step::Weak {
            node,
            write,
            lag,
            older,
            sees_others,
            carries,
        },
    );
    prop_oneof![
        8 => weak,
        3 => strong_write().prop_map(Step::Strong),
        1 => (0..20u64, any::<bool>()).prop_map(|(behind, folds)| Step::Floor { behind, folds }),
        1 => (0..20u64).prop_map(Step::Later),
    ]
}

/// Makes well-formed operations of steps: each origin's in order, times rising.
#[derive(Default)]
struct Origins {
    newest: BTreeMap<u64, (u64, u64)>,
    clock: u64,
}

impl Origins {
    fn take(&mut self, now: Timestamp, step: Step) -> Operation {
        let Step::Weak { node, write, lag, older, sees_others, carries } = step else {
            panic!("no operation")
        };
        self.clock += 2;
        let marks: Dots = self.newest.iter().map(|(node, (number, _))| dot(*node, *number)).collect();
        let (number, time) = self.newest.entry(node).or_default();
        let predecessor = *number;
        *number += 1;
        *time = (*time + 1).max(self.clock.saturating_sub(older));
        Operation {
            dot: dot(node, *number),
            predecessor,
            time: Timestamp(*time),
            seen: Timestamp(now.0.saturating_sub(lag)),
            held: if sees_others { marks.clone() } else { Dots::NONE },
            dep_hlc: Timestamp(now.0 / 2),
            dots: if carries { marks } else { Dots::NONE },
            client: None,
            write,
        }
    }
}

impl Shard {
    fn run(&mut self, origins: &mut Origins, step: Step) {
        match step {
            Step::Strong(write) => drop(self.strong_write(write)),
            Step::Floor { behind, folds } => {
                let folds = if folds {
                    let fold = |(node, (number, _)): (&u64, &(u64, u64))| Fold {
                        origin: origin(*node),
                        number: *number / 2,
                        at: self.now(),
                    };
                    origins.newest.iter().map(fold).collect()
                } else {
                    vec![]
                };
                self.floor(Timestamp(self.now().0.saturating_sub(behind)), folds);
            }
            Step::Later(ms) => self.at(self.now().wall_ms() + ms),
            weak @ Step::Weak { .. } => {
                let operation = origins.take(self.now(), weak);
                assert!(!matches!(self.decide(&operation), Verdict::Repeated | Verdict::TooEarly));
            }
        }
    }
}

fn reads() -> Vec<Read> {
    let named = |n: u8, kind: &str| key(&format!("{kind}k{n}"));
    let of = |n: u8| {
        [
            get(&format!("k{n}")),
            Read::Set(SetRead::Members { key: named(n, "{s}") }),
            Read::Hash(HashRead::GetAll { key: named(n, "{h}") }),
            Read::SortedSet(proto::ops::SortedSetRead::Count {
                key: named(n, "{z}"),
                range: proto::ops::Range::Rank { start: 0, stop: -1 },
            }),
            Read::SortedSet(proto::ops::SortedSetRead::Scores {
                key: named(n, "{z}"),
                members: vec![key("0"), key("1"), key("2")],
            }),
        ]
    };
    (0..3).flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_machine_made_of_a_snapshot_goes_on_as_the_one_that_it_was_taken_of(
        steps in proptest::collection::vec(step(), 1..80),
        cut in 0..80usize,
    ) {
        let (mut whole, mut twin) = (Shard::new(), Shard::new());
        let (mut origins, mut twin_origins) = (Origins::default(), Origins::default());
        for (number, step) in steps.into_iter().enumerate() {
            if number == cut {
                twin = twin.restored();
            }
            whole.run(&mut origins, step.clone());
            twin.run(&mut twin_origins, step);
            prop_assert_eq!(&whole.shard().arbitration, &twin.shard().arbitration);
        }
        prop_assert_eq!(whole.machine.digest(), twin.machine.digest());
        prop_assert_eq!(whole.machine.bytes(), twin.machine.bytes());
    }

    #[test]
    fn the_overlay_shows_what_deciding_everything_in_the_order_of_time_would_give(
        decided in proptest::collection::vec(step(), 0..40),
        undecided in proptest::collection::vec(step(), 1..12),
    ) {
        let (mut shard, mut origins) = (Shard::new(), Origins::default());
        decided.into_iter().for_each(|step| shard.run(&mut origins, step));
        let now = shard.now();
        let mut held: Vec<Operation> = undecided
            .into_iter()
            .filter(|step| matches!(step, Step::Weak { .. }))
            .map(|step| Operation { held: Dots::NONE, ..origins.take(now, step) })
            .collect();
        let before = shard.machine.digest();
        let operations: Vec<&Operation> = held.iter().rev().collect();
        let shown: Vec<Shown> = reads().iter().map(|read| shard.shown(&operations, read)).collect();
        prop_assert_eq!(shard.machine.digest(), before, "a read changed the shard");
        held.sort_by_key(|operation| (operation.time, operation.dot));
        for operation in &held {
            shard.decide(operation);
        }
        for (read, shown) in reads().iter().zip(shown) {
            let settled = shard.answer(read);
            prop_assert_eq!(&shown.reply, &settled.reply, "{:?}", read);
            prop_assert_eq!(&shown.dots, &settled.dots, "{:?}", read);
            prop_assert!(shown.version <= now && shown.seen <= settled.seen.max(shown.version).max(now));
        }
    }

    #[test]
    fn assignments_and_members_come_to_the_same_in_any_order_that_the_log_allows(
        steps in proptest::collection::vec((1..4u64, 0..7u8, 0..3u8, 0..6u64, any::<bool>()), 1..24),
        order in proptest::collection::vec(0..3usize, 0..200),
    ) {
        let mut origins = Origins::default();
        let mut queues: Vec<Vec<Operation>> = vec![vec![]; 3];
        let mut straight = Shard::new();
        for (node, kind, one, older, sees_others) in steps {
            let text = match kind {
                0 | 1 => format!("SET k{one} {}", origins.clock),
                2 => format!("HSET h {one} {}", origins.clock),
                3 if one == 0 => "DEL k0".to_owned(),
                3 => format!("HDEL h {one}"),
                4 | 5 => format!("SADD s {one} {older}"),
                _ => format!("SREM s {one}"),
            };
            let step = Step::Weak { node, write: write(&text), lag: 0, older, sees_others, carries: false };
            let operation = origins.take(Timestamp::ZERO, step);
            straight.decide(&operation);
            queues[node as usize - 1].insert(0, operation);
        }
        let mut other = Shard::new();
        for queue in order.into_iter().chain([0, 1, 2].repeat(24)) {
            if let Some(operation) = queues[queue].pop()
                && other.decide(&operation) == Verdict::TooEarly
            {
                queues[queue].push(operation);
            }
        }
        prop_assert!(queues.iter().all(Vec::is_empty));
        prop_assert_eq!(straight.answer(&members("s")).reply, other.answer(&members("s")).reply);
        for name in ["k0", "k1", "k2"] {
            prop_assert_eq!(straight.get(name), other.get(name));
        }
        let all = Read::Hash(HashRead::GetAll { key: key("h") });
        prop_assert_eq!(straight.answer(&all).reply, other.answer(&all).reply);
    }
}
