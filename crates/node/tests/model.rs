//! The state machine against a model that a reader can check in a minute: a sorted map of values and expiries.
//!
//! Also: two replicas that apply the same entries are equal, digests included, whether or not one of them was frozen for a snapshot or restored from one on the way.

use bytes::Bytes;
use node::apply::apply;
use node::query::read;
use proptest::prelude::*;
use proto::hlc::Timestamp;
use proto::ids::Slot;
use proto::limits::SLOT_COUNT;
use proto::ops::{
    Condition, ExpireCondition, KeyRead, KeyWrite, Read, SetExpiry, StringRead, StringWrite, Write,
};
use proto::reply::Reply;
use std::collections::BTreeMap;
use storage::state::ShardState;

#[derive(Default)]
struct Model {
    keys: BTreeMap<Bytes, (Vec<u8>, Option<u64>)>,
}

impl Model {
    fn set(&mut self, now_ms: u64, key: &Bytes, value: &[u8], expiry: SetExpiry) {
        let expires = match expiry {
            SetExpiry::Never => None,
            SetExpiry::Keep => self.keys.get(key).and_then(|(_, expires)| *expires),
            SetExpiry::AfterMs(ms) => Some(now_ms + ms),
            SetExpiry::AtMs(ms) => Some(ms),
        };
        self.keys.insert(key.clone(), (value.to_vec(), expires));
        self.expire(now_ms);
    }

    fn expire(&mut self, now_ms: u64) {
        self.keys.retain(|_, (_, expires)| expires.is_none_or(|at| at > now_ms));
    }

    fn value(&self, key: &Bytes) -> Option<&Vec<u8>> {
        self.keys.get(key).map(|(value, _)| value)
    }

    fn apply(&mut self, now_ms: u64, write: &Write) -> Reply {
        self.expire(now_ms);
        let bulk = |value: Option<&Vec<u8>>| value.map_or(Reply::Nil, |value| Reply::bulk(value.clone()));
        match write {
            Write::String(StringWrite::Set { key, value, expiry, condition, get, .. }) => {
                let old = self.value(key).cloned();
                let holds = match condition {
                    Condition::Absent => old.is_none(),
                    Condition::Present => old.is_some(),
                    Condition::Equals(wanted) => old.as_deref() == Some(wanted),
                    _ => true,
                };
                if holds {
                    self.set(now_ms, key, value, *expiry);
                }
                match (get, holds) {
                    (true, _) => bulk(old.as_ref()),
                    (false, true) => Reply::OK,
                    (false, false) => Reply::Nil,
                }
            }
            Write::String(StringWrite::Append { key, value }) => {
                let entry = self.keys.entry(key.clone()).or_default();
                entry.0.extend_from_slice(value);
                Reply::Int(entry.0.len() as i64)
            }
            Write::String(StringWrite::IncrBy { key, delta }) => {
                // An integer is only what would be printed: no plus, no leading zeros.
                let integer = |value: &Vec<u8>| {
                    let text = std::str::from_utf8(value).ok()?;
                    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
                };
                let Some(old) = self.value(key).map_or(Some(0), integer) else {
                    return Reply::error("ERR value is not an integer or out of range");
                };
                let new = old + delta;
                self.keys.entry(key.clone()).or_default().0 = new.to_string().into_bytes();
                Reply::Int(new)
            }
            Write::String(StringWrite::GetDel { key }) => {
                bulk(self.keys.remove(key).map(|(value, _)| value).as_ref())
            }
            Write::Key(KeyWrite::Del { keys }) => {
                Reply::Int(keys.iter().filter(|key| self.keys.remove(*key).is_some()).count() as i64)
            }
            Write::Key(KeyWrite::ExpireAfter { key, after_ms, .. }) => {
                let found = self
                    .keys
                    .get_mut(key)
                    .map(|(_, expires)| *expires = Some((now_ms as i64 + after_ms).max(0) as u64));
                self.expire(now_ms);
                Reply::Int(i64::from(found.is_some()))
            }
            Write::Key(KeyWrite::Flush) => {
                self.keys.clear();
                Reply::OK
            }
            other => unreachable!("not drawn: {other:?}"),
        }
    }
}

fn key() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        (0..6u8).prop_map(|n| Bytes::from(format!("k{n}"))),
        (0..6u8).prop_map(|n| Bytes::from(format!("{{a tag}} and a key longer than a line {n}"))),
    ]
}

fn value() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        (-5..5i64).prop_map(|n| Bytes::from(n.to_string())),
        proptest::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let expiry = prop_oneof![
        Just(SetExpiry::Never),
        Just(SetExpiry::Keep),
        (1..50u64).prop_map(SetExpiry::AfterMs),
        (1..400u64).prop_map(SetExpiry::AtMs),
    ];
    let condition = prop_oneof![
        Just(Condition::Always),
        Just(Condition::Absent),
        Just(Condition::Present),
        value().prop_map(Condition::Equals),
    ];
    prop_oneof![
        4 => (key(), value(), expiry, condition, any::<bool>()).prop_map(|(key, value, expiry, condition, get)| {
            Write::String(StringWrite::Set { key, value, expiry, condition, get, integer_reply: false })
        }),
        2 => (key(), value()).prop_map(|(key, value)| Write::String(StringWrite::Append { key, value })),
        2 => (key(), -5..5i64).prop_map(|(key, delta)| Write::String(StringWrite::IncrBy { key, delta })),
        1 => key().prop_map(|key| Write::String(StringWrite::GetDel { key })),
        1 => proptest::collection::vec(key(), 1..4).prop_map(|keys| Write::Key(KeyWrite::Del { keys })),
        2 => (key(), -5..50i64).prop_map(|(key, after_ms)| {
            Write::Key(KeyWrite::ExpireAfter { key, after_ms, condition: ExpireCondition::default() })
        }),
        1 => Just(Write::Key(KeyWrite::Flush)),
    ]
}

fn empty() -> ShardState {
    ShardState::new(Slot(0), SLOT_COUNT)
}

/// What the model knows of the state; the expiries must agree too.
fn content(state: &ShardState) -> BTreeMap<Bytes, (Vec<u8>, Option<u64>)> {
    let value = |key: &[u8]| {
        let get = Read::String(StringRead::Get { key: Bytes::copy_from_slice(key) });
        match read(state, state.last().wall_ms(), &get).reply {
            Reply::Bulk(value) => value.to_vec(),
            other => panic!("{other:?}"),
        }
    };
    state
        .iter()
        .map(|(key, item)| (Bytes::copy_from_slice(key), (value(key), item.expires_at_ms())))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_state_machine_does_what_the_model_does(
        entries in proptest::collection::vec((0..20u64, write(), proptest::bool::weighted(0.03)), 1..120)
    ) {
        let mut model = Model::default();
        let (mut state, mut twin) = (empty(), empty());
        let mut now = Timestamp::from_wall_ms(100);
        let mut snapshots = Vec::new();
        for (later_ms, write, disturb) in entries {
            now = Timestamp::from_wall_ms(now.wall_ms() + later_ms).max(now.next());
            let reply = model.apply(now.wall_ms(), &write);
            let applied = apply(&mut state, now, &write);
            prop_assert_eq!(&applied.reply, &reply, "{:?}", write);
            prop_assert!(applied.version <= now);
            prop_assert_eq!(apply(&mut twin, now, &write), applied);
            if disturb {
                snapshots.push((state.freeze(), state.slot_digests()));
                let mut restored = empty();
                twin.freeze().into_iter().for_each(|(slot, content)| restored.replace_slot(slot, content));
                restored.advance(twin.last());
                twin = restored;
            }
            prop_assert_eq!(content(&state), model.keys.clone());
            let count = read(&state, now.wall_ms(), &Read::Key(KeyRead::Count)).reply;
            prop_assert_eq!(count, Reply::Int(model.keys.len() as i64));
            prop_assert_eq!(state.next_expiry_ms(), model.keys.values().filter_map(|(_, at)| *at).min());
        }
        prop_assert_eq!(state.slot_digests(), twin.slot_digests());
        prop_assert_eq!((state.bytes(), state.len()), (twin.bytes(), twin.len()));
        for (slots, digests) in snapshots {
            let now: Vec<_> = slots.iter().map(|(slot, content)| (*slot, content.digest())).collect();
            prop_assert_eq!(now, digests, "a frozen slot changed");
        }
    }
}
