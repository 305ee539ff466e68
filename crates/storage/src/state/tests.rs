//! The shard as a whole: expiry, counters, freezing, scanning.

use super::*;

fn shard() -> ShardState {
    ShardState::new(Slot(0), 16_384)
}

fn expiring(at_ms: u64, version: Timestamp) -> Item {
    Item::new(Value::String(Blob::from(&b"v"[..])), version, Some(at_ms))
}

fn at(wall_ms: u64) -> Timestamp {
    Timestamp::from_wall_ms(wall_ms)
}

#[test]
fn keys_fall_due_at_their_expiry_and_not_before() {
    let mut state = shard();
    state.put(b"a", expiring(100, at(1)));
    state.put(b"b", expiring(200, at(1)));
    state.put(b"c", Item::string(b"v", at(1)));
    assert_eq!(state.next_expiry_ms(), Some(100));
    state.advance(at(99));
    assert_eq!(state.len(), 3);
    let expired = state.advance(at(100));
    assert_eq!(expired, [Expired { key: b"a".to_vec(), version: at(1), at: at(100) }]);
    assert!(state.get(b"a").is_none() && state.get(b"b").is_some());
    assert_eq!(state.version_of(b"a"), at(100));
    assert_eq!(state.next_expiry_ms(), Some(200));
    state.advance(at(1000));
    assert_eq!((state.len(), state.next_expiry_ms()), (1, None));
}

#[test]
fn a_key_that_was_due_when_it_was_written_counts_as_deleted_at_its_version() {
    let mut state = shard();
    state.put(b"a", expiring(100, at(150)));
    state.advance(at(200));
    assert_eq!(state.version_of(b"a"), at(150));
}

#[test]
fn an_expiry_that_is_taken_away_or_moved_does_not_fire() {
    let mut state = shard();
    state.put(b"a", expiring(100, at(1)));
    state.put(b"a", Item::string(b"v", at(2)));
    state.put(b"b", expiring(100, at(1)));
    state.put(b"b", expiring(300, at(2)));
    state.put(b"c", expiring(100, at(1)));
    state.remove(b"c", at(3));
    state.advance(at(200));
    assert_eq!((state.len(), state.expiry.len()), (2, 1));
    assert_eq!(state.version_of(b"c"), at(3));
}

#[test]
fn counters_go_back_to_zero() {
    let mut state = shard();
    for number in 0..1000u64 {
        state.put(format!("key:{number}").as_bytes(), expiring(number + 1, at(0)));
    }
    assert_eq!(state.len(), 1000);
    for number in 0..500u64 {
        assert!(state.remove(format!("key:{number}").as_bytes(), at(0)).is_some());
    }
    assert!(state.remove(b"key:0", at(9)).is_none());
    state.advance(at(2000));
    assert_eq!((state.len(), state.bytes(), state.expiry.len()), (0, 0, 0));
}

#[test]
fn a_frozen_slot_does_not_change_under_its_holder() {
    let mut state = shard();
    state.put(b"a", Item::string(b"old", at(1)));
    let frozen = state.freeze();
    state.put(b"a", Item::string(b"new", at(2)));
    let (_, slot) = &frozen[usize::from(slot_of(b"a").0)];
    assert_eq!(slot.get(b"a"), Some(&Item::string(b"old", at(1))));
    assert_eq!(state.get(b"a"), Some(&Item::string(b"new", at(2))));
    drop(frozen);
    let before = Arc::as_ptr(&state.slots[usize::from(slot_of(b"a").0)]);
    state.put(b"a", Item::string(b"newer", at(3)));
    assert_eq!(
        before,
        Arc::as_ptr(&state.slots[usize::from(slot_of(b"a").0)]),
        "copied though nobody held it"
    );
}

#[test]
fn a_shard_made_of_another_ones_slots_is_the_same_shard() {
    let mut state = shard();
    for number in 0..100u64 {
        state.put(format!("key:{number}").as_bytes(), expiring(number + 10, at(0)));
    }
    state.advance(at(20));
    let mut copy = shard();
    copy.put(b"leftover", expiring(5, at(0)));
    for (slot, content) in state.freeze() {
        copy.replace_slot(slot, content);
    }
    copy.advance(state.last());
    assert_eq!(copy.slot_digests(), state.slot_digests());
    assert_eq!((copy.len(), copy.bytes(), &copy.expiry), (state.len(), state.bytes(), &state.expiry));
    copy.advance(at(60));
    state.advance(at(60));
    assert_eq!(copy.slot_digests(), state.slot_digests());
}

#[test]
fn what_is_tried_out_on_an_excerpt_or_overlay_does_not_reach_the_shard() {
    let mut state = shard();
    state.put(b"a", expiring(100, at(1)));
    state.put(b"b", Item::string(b"v", at(2)));
    state.put(b"gone", Item::string(b"v", at(2)));
    state.remove(b"gone", at(3));
    state.advance(at(50));
    let before = state.slot_digests();
    let mut excerpt = state.excerpt(&[b"a", b"gone", b"nosuch"]);
    assert_eq!((excerpt.len(), excerpt.last()), (1, at(50)));
    assert_eq!((excerpt.version_of(b"gone"), excerpt.get(b"a")), (at(3), state.get(b"a")));
    excerpt.remove(b"a", at(60));
    let mut overlay = state.overlay();
    overlay.put(b"c", Item::string(b"new", at(60)));
    overlay.remove(b"a", at(60));
    assert_eq!((overlay.len(), state.len()), (2, 2));
    assert_eq!(state.slot_digests(), before);
    assert_eq!(state.next_expiry_ms(), Some(100));
}

#[test]
fn a_flush_leaves_deletions_where_there_were_keys() {
    let mut state = shard();
    state.put(b"a", expiring(10, at(1)));
    state.flush(at(5));
    assert_eq!((state.len(), state.bytes(), state.next_expiry_ms()), (0, 0, None));
    assert_eq!((state.version_of(b"a"), state.version_of(b"b")), (at(5), Timestamp::ZERO));
}

#[test]
fn a_scan_answers_every_key_once_whatever_the_count() {
    let mut state = shard();
    for number in 0..300 {
        state.put(format!("{{tag}}{number}").as_bytes(), Item::string(b"", at(1)));
        state.put(format!("key:{number}").as_bytes(), Item::string(b"", at(1)));
    }
    for count in [1, 7, 1000] {
        let mut seen = Vec::new();
        let mut cursor = Some(Cursor::from_number(0).expect("a cursor"));
        while let Some(from) = cursor {
            let (found, next) = state.scan(from, count);
            seen.extend(found.iter().map(|(key, _)| key.to_vec()));
            cursor = next;
        }
        let total = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((total, seen.len()), (600, 600));
    }
}

#[test]
fn a_scan_of_one_shard_ends_at_the_next() {
    let state = ShardState::new(Slot(512), 512);
    let (found, next) = state.scan(Cursor::from_number(512 << 48).expect("a cursor"), 10);
    assert!(found.is_empty());
    assert_eq!(next.map(Cursor::slot), Some(Slot(1024)));
    assert_eq!(
        ShardState::new(Slot(15_872), 512).scan(Cursor::from_number(15_872 << 48).expect("a cursor"), 10).1,
        None
    );
}

#[test]
fn random_keys_are_spread_over_small_and_large_slots() {
    let mut state = shard();
    assert_eq!(state.random_key(7), None);
    for number in 0..1000 {
        state.put(format!("{{tag}}{number}").as_bytes(), Item::string(b"", at(1)));
    }
    state.put(b"other", Item::string(b"", at(1)));
    let mut seen = BTreeSet::new();
    for seed in 0..100_000u64 {
        seen.insert(state.random_key(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).expect("there are keys"));
    }
    assert!(seen.len() > 900, "{}", seen.len());
    assert!(seen.contains(&b"other"[..]));
}

fn set(members: std::ops::Range<u32>) -> Value {
    let mut set = Elements::default();
    members.for_each(|number| assert!(set.insert(Member::new(&number.to_le_bytes())).is_none()));
    set.into_value()
}

#[test]
fn an_edit_in_place_leaves_what_a_put_would_have_left() {
    let (mut edited, mut put) = (shard(), shard());
    for state in [&mut edited, &mut put] {
        state.put(b"k", Item::new(set(0..1000), at(1), Some(900)));
    }
    let frozen = edited.freeze();
    let before = edited.slot_digests();
    let answer = edited.edit(b"k", at(2), |value| {
        let set = Elements::<Member>::of_mut(value).expect("a set");
        (set.remove(&7u32.to_le_bytes()).is_some(), true)
    });
    assert_eq!(answer, Some(true));
    let mut smaller = set(0..1000);
    Elements::<Member>::of_mut(&mut smaller).expect("a set").remove(&7u32.to_le_bytes());
    put.put(b"k", Item::new(smaller, at(2), Some(900)));
    assert_eq!((edited.slot_digests(), edited.bytes()), (put.slot_digests(), put.bytes()));
    assert_eq!(edited.get(b"k"), put.get(b"k"));
    let kept: Vec<_> = frozen.iter().map(|(slot, content)| (*slot, content.digest())).collect();
    assert_eq!(kept, before, "a frozen slot changed");
    assert_eq!(edited.edit(b"k", at(3), |_| ((), false)), Some(()));
    assert_eq!(edited.version_of(b"k"), at(2));
    assert_eq!(edited.edit(b"absent", at(3), |_| ((), true)), None);
}

#[test]
fn a_collection_that_becomes_empty_deletes_its_key() {
    let mut state = shard();
    state.put(b"k", Item::new(set(0..1), at(1), Some(900)));
    state.edit(b"k", at(5), |value| (Elements::<Member>::of_mut(value).expect("a set").remove_at(0), true));
    assert_eq!((state.len(), state.bytes(), state.next_expiry_ms()), (0, 0, None));
    assert_eq!(state.version_of(b"k"), at(5));
}
