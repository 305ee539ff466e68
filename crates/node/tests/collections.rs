//! Sets, hashes, lists and sorted sets against a model that a reader can check in a minute: sorted sets, sorted maps and vectors of the standard library.
//!
//! Also: a twin that is again and again cut into the pieces of a snapshot and put together stays equal, digests and byte counts included, and frozen slots do not change.

use bytes::Bytes;
use node::apply::apply;
use node::query::read;
use proptest::prelude::*;
use proto::hlc::Timestamp;
use proto::ids::Slot;
use proto::limits::SLOT_COUNT;
use proto::ops::{
    AddOptions, End, HashRead, HashWrite, KeyRead, KeyWrite, ListRead, ListWrite, Range, RangeQuery, Read,
    ScoreEnd, SetRead, SetWrite, SortedSetRead, SortedSetWrite, Write,
};
use proto::reply::Reply;
use proto::score::Score;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use storage::snapshot::{SlotAssembler, SlotPieces};
use storage::state::ShardState;

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Set(BTreeSet<Bytes>),
    Hash(BTreeMap<Bytes, Bytes>),
    List(Vec<Bytes>),
    Sorted(BTreeMap<Bytes, i32>),
}

type Model = BTreeMap<Bytes, Value>;

fn int(number: usize) -> Reply {
    Reply::Int(number as i64)
}

fn bulks<'a>(all: impl IntoIterator<Item = &'a Bytes>) -> Vec<Reply> {
    all.into_iter().map(|one| Reply::Bulk(one.clone())).collect()
}

fn ranked(members: &BTreeMap<Bytes, i32>) -> Vec<(i32, Bytes)> {
    let mut ranked: Vec<_> = members.iter().map(|(name, score)| (*score, name.clone())).collect();
    ranked.sort();
    ranked
}

/// The model's value of a type under a key, made if need be; or the refusal.
macro_rules! value {
    ($model:expr, $key:expr, $kind:ident, $empty:expr) => {
        match $model.entry($key.clone()).or_insert(Value::$kind($empty)) {
            Value::$kind(value) => value,
            _ => return Reply::wrong_type(),
        }
    };
}

/// What a write does to the model. SPOP's choice is told by the state machine's reply.
fn expected(model: &mut Model, write: &Write, given: &Reply) -> Reply {
    match write {
        Write::Set(SetWrite::Add { key, members }) => {
            let set = value!(model, key, Set, BTreeSet::new());
            int(members.iter().filter(|member| set.insert((*member).clone())).count())
        }
        Write::Set(SetWrite::Remove { key, members }) => {
            let set = value!(model, key, Set, BTreeSet::new());
            int(members.iter().filter(|member| set.remove(*member)).count())
        }
        Write::Set(SetWrite::Pop { key, count, .. }) => {
            let set = value!(model, key, Set, BTreeSet::new());
            let Reply::Set(popped) = given else { return Reply::Nil };
            let all = popped.iter().all(|member| matches!(member, Reply::Bulk(name) if set.remove(name)));
            let enough = set.is_empty() || Some(popped.len() as u64) == *count;
            if all && enough { given.clone() } else { Reply::Nil }
        }
        Write::Hash(HashWrite::Set { key, fields, .. }) => {
            let hash = value!(model, key, Hash, BTreeMap::new());
            let new =
                fields.iter().filter(|(field, value)| hash.insert(field.clone(), value.clone()).is_none());
            int(new.count())
        }
        Write::Hash(HashWrite::Delete { key, fields }) => {
            let hash = value!(model, key, Hash, BTreeMap::new());
            int(fields.iter().filter(|field| hash.remove(*field).is_some()).count())
        }
        Write::List(ListWrite::Push { key, values, end, .. }) => {
            let list = value!(model, key, List, Vec::new());
            for value in values {
                list.insert(if *end == End::Left { 0 } else { list.len() }, value.clone());
            }
            int(list.len())
        }
        Write::List(ListWrite::Pop { key, end, count: Some(count) }) => {
            if !model.contains_key(key) {
                return Reply::NilArray;
            }
            let list = value!(model, key, List, Vec::new());
            let count = (*count as usize).min(list.len());
            let popped: Vec<Bytes> = match end {
                End::Left => list.drain(..count).collect(),
                End::Right => list.drain(list.len() - count..).rev().collect(),
            };
            Reply::Array(bulks(&popped))
        }
        Write::List(ListWrite::Set { key, index, value }) => {
            if !model.contains_key(key) {
                return Reply::error("ERR no such key");
            }
            let list = value!(model, key, List, Vec::new());
            match list.get_mut(*index as usize) {
                Some(element) => *element = value.clone(),
                None => return Reply::error("ERR index out of range"),
            }
            Reply::OK
        }
        Write::List(ListWrite::Remove { key, count: 0, value }) => {
            let list = value!(model, key, List, Vec::new());
            let before = list.len();
            list.retain(|element| element != value);
            int(before - list.len())
        }
        Write::List(ListWrite::Insert { key, before, pivot, value }) => {
            if !model.contains_key(key) {
                return int(0);
            }
            let list = value!(model, key, List, Vec::new());
            let Some(at) = list.iter().position(|element| element == pivot) else { return Reply::Int(-1) };
            list.insert(if *before { at } else { at + 1 }, value.clone());
            int(list.len())
        }
        Write::List(ListWrite::Trim { key, start, stop }) => {
            let list = value!(model, key, List, Vec::new());
            let keep = *start as usize..=*stop as usize;
            let mut index = 0..;
            list.retain(|_| keep.contains(&index.next().expect("endless")));
            Reply::OK
        }
        Write::SortedSet(SortedSetWrite::Add { key, members, .. }) => {
            let sorted = value!(model, key, Sorted, BTreeMap::new());
            let put =
                |(score, name): &&(Score, Bytes)| sorted.insert(name.clone(), score.get() as i32).is_none();
            int(members.iter().filter(put).count())
        }
        Write::SortedSet(SortedSetWrite::Remove { key, members }) => {
            let sorted = value!(model, key, Sorted, BTreeMap::new());
            int(members.iter().filter(|name| sorted.remove(*name).is_some()).count())
        }
        Write::SortedSet(SortedSetWrite::RemoveRange { key, range: Range::Rank { start, stop } }) => {
            let sorted = value!(model, key, Sorted, BTreeMap::new());
            let gone = ranked(sorted).into_iter().skip(*start as usize).take((stop - start + 1) as usize);
            int(gone.filter(|(_, name)| sorted.remove(name).is_some()).count())
        }
        Write::SortedSet(SortedSetWrite::Pop { key, end, count: None }) => {
            let sorted = value!(model, key, Sorted, BTreeMap::new());
            let mut all = ranked(sorted);
            let popped = if *end == ScoreEnd::Max { all.pop() } else { all.into_iter().next() };
            let Some((score, name)) = popped else { return Reply::Array(Vec::new()) };
            sorted.remove(&name);
            Reply::Array(vec![Reply::Bulk(name), Reply::Double(score.into())])
        }
        Write::Key(KeyWrite::Del { keys }) => {
            int(keys.iter().filter(|key| model.remove(*key).is_some()).count())
        }
        other => unreachable!("not drawn: {other:?}"),
    }
}

fn key() -> impl Strategy<Value = Bytes> {
    (0..5u8).prop_map(|n| Bytes::from(format!("{{k}}{n}")))
}

fn name() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => (0..40u8).prop_map(|n| Bytes::from(format!("name {n}"))),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Bytes::from),
    ]
}

fn names() -> impl Strategy<Value = Vec<Bytes>> {
    prop_oneof![9 => proptest::collection::vec(name(), 1..6), 1 => proptest::collection::vec(name(), 80..120)]
}

fn write() -> impl Strategy<Value = Write> {
    let end = || any::<bool>().prop_map(|left| if left { End::Left } else { End::Right });
    let scored =
        (-20..20i32, name()).prop_map(|(score, name)| (Score::new(score.into()).expect("a number"), name));
    prop_oneof![
        4 => (key(), names()).prop_map(|(key, members)| Write::Set(SetWrite::Add { key, members })),
        2 => (key(), names()).prop_map(|(key, members)| Write::Set(SetWrite::Remove { key, members })),
        1 => (key(), 0..9u64, any::<u64>()).prop_map(|(key, count, seed)| {
            Write::Set(SetWrite::Pop { key, count: Some(count), seed })
        }),
        4 => (key(), proptest::collection::vec((name(), name()), 1..6)).prop_map(|(key, fields)| {
            Write::Hash(HashWrite::Set { key, fields, ok_reply: false })
        }),
        2 => (key(), names()).prop_map(|(key, fields)| Write::Hash(HashWrite::Delete { key, fields })),
        4 => (key(), names(), end()).prop_map(|(key, values, end)| {
            Write::List(ListWrite::Push { key, values, end, only_if_present: false })
        }),
        2 => (key(), end(), 0..9u64).prop_map(|(key, end, count)| {
            Write::List(ListWrite::Pop { key, end, count: Some(count) })
        }),
        1 => (key(), 0..9i64, name()).prop_map(|(key, index, value)| Write::List(ListWrite::Set { key, index, value })),
        1 => (key(), name()).prop_map(|(key, value)| Write::List(ListWrite::Remove { key, count: 0, value })),
        1 => (key(), any::<bool>(), name(), name()).prop_map(|(key, before, pivot, value)| {
            Write::List(ListWrite::Insert { key, before, pivot, value })
        }),
        1 => (key(), 0..9i64, 0..90i64).prop_map(|(key, start, stop)| Write::List(ListWrite::Trim { key, start, stop })),
        4 => (key(), proptest::collection::vec(scored, 1..90)).prop_map(|(key, members)| {
            Write::SortedSet(SortedSetWrite::Add { key, options: AddOptions::default(), members })
        }),
        2 => (key(), names()).prop_map(|(key, members)| Write::SortedSet(SortedSetWrite::Remove { key, members })),
        1 => (key(), 0..9i64, 0..9i64).prop_map(|(key, start, more)| {
            let range = Range::Rank { start, stop: start + more };
            Write::SortedSet(SortedSetWrite::RemoveRange { key, range })
        }),
        1 => (key(), any::<bool>()).prop_map(|(key, max)| {
            let end = if max { ScoreEnd::Max } else { ScoreEnd::Min };
            Write::SortedSet(SortedSetWrite::Pop { key, end, count: None })
        }),
        2 => key().prop_map(|key| Write::Key(KeyWrite::Del { keys: vec![key] })),
    ]
}

fn content(state: &ShardState) -> Model {
    let ask = |what: Read| read(state, 0, &what).reply;
    let bytes = |reply: Reply| if let Reply::Bulk(bytes) = reply { bytes } else { panic!("{reply:?}") };
    let value = |key: Bytes| match ask(Read::Key(KeyRead::Type { key: key.clone() })) {
        Reply::Simple("set") => {
            let Reply::Set(all) = ask(Read::Set(SetRead::Members { key })) else { panic!("a set") };
            Value::Set(all.into_iter().map(bytes).collect())
        }
        Reply::Simple("hash") => {
            let Reply::Map(all) = ask(Read::Hash(HashRead::GetAll { key })) else { panic!("a map") };
            Value::Hash(all.into_iter().map(|(field, value)| (bytes(field), bytes(value))).collect())
        }
        Reply::Simple("list") => {
            let range = ListRead::Range { key, start: 0, stop: -1 };
            let Reply::Array(all) = ask(Read::List(range)) else { panic!("an array") };
            Value::List(all.into_iter().map(bytes).collect())
        }
        Reply::Simple("zset") => {
            let query = RangeQuery {
                range: Range::Rank { start: 0, stop: -1 },
                reverse: false,
                offset: 0,
                count: -1,
            };
            let range = SortedSetRead::Range { key, query, with_scores: true };
            let Reply::Pairs(all) = ask(Read::SortedSet(range)) else { panic!("pairs") };
            let member = |(name, score)| match score {
                Reply::Double(score) => (bytes(name), score as i32),
                other => panic!("{other:?}"),
            };
            let found: Vec<(Bytes, i32)> = all.into_iter().map(member).collect();
            let sorted: BTreeMap<Bytes, i32> = found.iter().cloned().collect();
            let order: Vec<(i32, Bytes)> = found.into_iter().map(|(name, score)| (score, name)).collect();
            assert_eq!(order, ranked(&sorted), "in the order of scores");
            Value::Sorted(sorted)
        }
        other => panic!("{other:?}"),
    };
    state.iter().map(|(key, _)| Bytes::copy_from_slice(key)).map(|key| (key.clone(), value(key))).collect()
}

/// The same state after a journey through the pieces of a snapshot.
fn sent(state: &ShardState) -> ShardState {
    let mut arrived = ShardState::new(Slot(0), SLOT_COUNT);
    for (slot, content) in state.freeze().into_iter().filter(|(_, content)| content.digest() != 0) {
        let mut assembler = SlotAssembler::new(slot, content.digest(), u64::MAX);
        let mut whole = None;
        for piece in SlotPieces::new(content) {
            whole = assembler.push(piece.number, piece.last, &piece.data).expect("taken");
        }
        arrived.replace_slot(slot, Arc::new(whole.expect("whole")));
    }
    arrived.advance(state.last());
    arrived
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn collections_do_what_the_model_does(
        entries in proptest::collection::vec((write(), proptest::bool::weighted(0.05)), 1..150)
    ) {
        let mut model = Model::new();
        let mut state = ShardState::new(Slot(0), SLOT_COUNT);
        let mut twin = ShardState::new(Slot(0), SLOT_COUNT);
        let mut now = Timestamp::from_wall_ms(100);
        let mut snapshots = Vec::new();
        for (write, disturb) in entries {
            now = now.next();
            let applied = apply(&mut state, now, &write);
            let reply = expected(&mut model, &write, &applied.reply);
            model.retain(|_, value| match value {
                Value::Set(set) => !set.is_empty(),
                Value::Hash(hash) => !hash.is_empty(),
                Value::List(list) => !list.is_empty(),
                Value::Sorted(sorted) => !sorted.is_empty(),
            });
            prop_assert_eq!(&applied.reply, &reply, "{:?}", write);
            prop_assert!(applied.version <= now);
            prop_assert_eq!(apply(&mut twin, now, &write), applied);
            prop_assert_eq!(content(&state), model.clone());
            if disturb {
                snapshots.push((state.freeze(), state.slot_digests()));
                twin = sent(&twin);
            }
        }
        prop_assert_eq!(state.slot_digests(), twin.slot_digests());
        prop_assert_eq!((state.bytes(), state.len()), (twin.bytes(), twin.len()));
        for (slots, digests) in snapshots {
            let now: Vec<_> = slots.iter().map(|(slot, content)| (*slot, content.digest())).collect();
            prop_assert_eq!(now, digests, "a frozen slot changed");
        }
    }
}
