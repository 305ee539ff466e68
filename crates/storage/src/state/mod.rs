//! A shard's data in memory: slots, keys, values, expiries, digests.
//!
//! Slots are behind `Arc`s: a snapshot takes the pointers, and a write copies a slot only if a snapshot still holds it. An index by time knows what falls
//! due next; expiry is judged by the timestamps of the log alone ([`ShardState::advance`]), never by a clock, so every replica forgets the same keys at the same entry.
//!
//! Invariants: `expiry` holds exactly the expiries of the items; `len` and `bytes` are the sums over the slots; nothing here holds on to a caller's buffer
//! (`blob`). Not here: what commands do to values (`node::types`), and files (`snapshot`).

mod blob;
mod cursor;
mod elements;
mod item;
mod list;
mod sequence;
mod slot;
mod sorted_set;
mod value;

pub use blob::Blob;
pub use cursor::{Cursor, cursor_slot};
pub use elements::{Element, Elements, Field, Member, Scored};
pub use item::{Item, ItemError, Record, decode_record, encode_record};
pub use list::{List, ListEnd};
pub use sequence::{Iter, Sequence};
pub use slot::SlotState;
pub use sorted_set::{Ranked, SortedSet};
pub use value::{Collection, Value};

use proto::hlc::Timestamp;
use proto::ids::Slot;
use proto::slots::slot_of;
use std::collections::BTreeSet;
use std::sync::Arc;

/// When something falls due, and where: all keys of this slot at this position with this expiry.
type Due = (u64, u16, u64);

/// A key that fell due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its name.
    pub key: Vec<u8>,
    /// The version that its value had.
    pub version: Timestamp,
    /// When it counts as deleted: at its expiry, or at its version, if later.
    pub at: Timestamp,
}

/// What one expiry occupies in the index.
const EXPIRY_BYTES: u64 = 36;

/// The data of one shard: a range of slots.
#[derive(Clone, Debug)]
pub struct ShardState {
    first: Slot,
    slots: Vec<Arc<SlotState>>,
    expiry: BTreeSet<Due>,
    last: Timestamp,
    len: usize,
    bytes: u64,
}

impl ShardState {
    /// An empty shard of the slots `first` to `first + count - 1`.
    pub fn new(first: Slot, count: u16) -> ShardState {
        let empty = Arc::new(SlotState::default());
        ShardState {
            first,
            slots: vec![empty; usize::from(count)],
            expiry: BTreeSet::new(),
            last: Timestamp::ZERO,
            len: 0,
            bytes: 0,
        }
    }

    /// Its first slot.
    pub fn first_slot(&self) -> Slot {
        self.first
    }

    /// How many slots it has.
    pub fn slot_count(&self) -> u16 {
        self.slots.len() as u16
    }

    /// Its slots.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        (self.first.0..=self.first.0 + (self.slots.len() as u16 - 1)).map(Slot)
    }

    /// The timestamp of the last entry that was applied.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// About how many bytes of memory the data occupies, overhead included.
    pub fn bytes(&self) -> u64 {
        self.bytes + self.expiry.len() as u64 * EXPIRY_BYTES
    }

    /// A slot's content.
    ///
    /// # Panics
    /// If the slot is not of this shard.
    pub fn slot(&self, slot: Slot) -> &SlotState {
        &self.slots[self.index(slot)]
    }

    fn index(&self, slot: Slot) -> usize {
        let index = usize::from(slot.0.wrapping_sub(self.first.0));
        assert!(index < self.slots.len(), "slot {slot} is not of this shard");
        index
    }

    /// The item of a key, as of the last applied entry.
    pub fn get(&self, key: &[u8]) -> Option<&Item> {
        self.slot(slot_of(key)).get(key)
    }

    /// About how many bytes a key and its item occupy; `None` if it is not there.
    pub fn bytes_of(&self, key: &[u8]) -> Option<u64> {
        self.get(key).map(|item| slot::weight(key, item))
    }

    /// The version of a key's value; of an absent key, its slot's newest deletion.
    pub fn version_of(&self, key: &[u8]) -> Timestamp {
        let slot = self.slot(slot_of(key));
        slot.get(key).map_or(slot.newest_deletion(), |item| item.version)
    }

    /// The timestamp of the newest deletion or expiry in a slot.
    pub fn newest_deletion(&self, slot: Slot) -> Timestamp {
        self.slot(slot).newest_deletion()
    }

    /// Puts an item and answers the one that it replaces. Copies the key.
    pub fn put(&mut self, key: &[u8], item: Item) -> Option<Item> {
        let slot = slot_of(key);
        let index = self.index(slot);
        let expires_at_ms = item.expires_at_ms();
        let content = Arc::make_mut(&mut self.slots[index]);
        self.bytes -= content.bytes();
        let old = content.put(key, item);
        self.bytes += content.bytes();
        self.len += usize::from(old.is_none());
        let old_expiry = old.as_ref().and_then(Item::expires_at_ms);
        if old_expiry != expires_at_ms {
            self.forget_expiry(slot, key, old_expiry);
            if let Some(at) = expires_at_ms {
                self.expiry.insert((at, slot.0, slot::position_of(key)));
            }
        }
        old
    }

    /// Changes the value of a key in place at this time; `None` if the key is not there. The change answers whether it was one: then the version moves. The
    /// expiry stays. A collection that is empty afterwards deletes its key.
    pub fn edit<R>(
        &mut self,
        key: &[u8],
        at: Timestamp,
        change: impl FnOnce(&mut Value) -> (R, bool),
    ) -> Option<R> {
        let index = self.index(slot_of(key));
        self.slots[index].get(key)?;
        let content = Arc::make_mut(&mut self.slots[index]);
        self.bytes -= content.bytes();
        let (result, emptied) = content.edit(key, |item| {
            let (result, changed) = change(&mut item.value);
            if changed {
                item.version = at;
            }
            (result, item.value.is_empty_collection())
        })?;
        self.bytes += content.bytes();
        if emptied {
            self.remove(key, at);
        }
        Some(result)
    }

    /// Deletes a key at this time; if it is not there, nothing changes.
    pub fn remove(&mut self, key: &[u8], at: Timestamp) -> Option<Item> {
        let slot = slot_of(key);
        let index = self.index(slot);
        self.slots[index].get(key)?;
        let content = Arc::make_mut(&mut self.slots[index]);
        self.bytes -= content.bytes();
        let old = content.remove(key)?;
        content.note_deletion(at);
        self.bytes += content.bytes();
        self.len -= 1;
        self.forget_expiry(slot, key, old.expires_at_ms());
        Some(old)
    }

    /// Takes an expiry out of the index, unless another key at the same position has the same one.
    fn forget_expiry(&mut self, slot: Slot, key: &[u8], expires_at_ms: Option<u64>) {
        let Some(at) = expires_at_ms else { return };
        let position = slot::position_of(key);
        let shared = keys_at(self.slot(slot), position).any(|(_, item)| item.expires_at_ms() == Some(at));
        if !shared {
            self.expiry.remove(&(at, slot.0, position));
        }
    }

    /// Moves time on to this entry's timestamp: every key whose expiry has come disappears, and counts as deleted at its expiry (or at its version, if later).
    /// Answers those keys; nothing is allocated where there are none.
    ///
    /// # Panics
    /// If time would run backwards.
    pub fn advance(&mut self, to: Timestamp) -> Vec<Expired> {
        let mut expired = Vec::new();
        assert!(to >= self.last, "entries are applied in the order of their timestamps");
        self.last = to;
        while let Some(&(at, slot, position)) = self.expiry.first() {
            if at > to.wall_ms() {
                break;
            }
            self.expiry.pop_first();
            let index = self.index(Slot(slot));
            let content = Arc::make_mut(&mut self.slots[index]);
            let due: Vec<(Vec<u8>, Timestamp)> = keys_at(content, position)
                .filter(|(_, item)| item.expires_at_ms() == Some(at))
                .map(|(key, item)| (key.to_vec(), item.version))
                .collect();
            self.bytes -= content.bytes();
            for (key, version) in due {
                let at = Timestamp::from_wall_ms(at).max(version);
                content.remove(&key);
                content.note_deletion(at);
                self.len -= 1;
                expired.push(Expired { key, version, at });
            }
            self.bytes += content.bytes();
        }
        expired
    }

    /// The earliest expiry that has not come, in milliseconds since the Unix epoch.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.expiry.first().map(|&(at, ..)| at)
    }

    /// Says that a key is absent since this time, where it was absent before.
    pub fn note_absence(&mut self, key: &[u8], at: Timestamp) {
        if self.get(key).is_none() {
            let index = self.index(slot_of(key));
            Arc::make_mut(&mut self.slots[index]).note_deletion(at);
        }
    }

    /// Deletes every key at this time.
    pub fn flush(&mut self, at: Timestamp) {
        for content in self.slots.iter_mut().filter(|content| !content.is_empty()) {
            let mut empty = SlotState::default();
            empty.note_deletion(content.newest_deletion().max(at));
            *content = Arc::new(empty);
        }
        self.expiry.clear();
        self.len = 0;
        self.bytes = 0;
    }

    /// These keys of the shard alone, at this moment, with the newest deletions of their slots: to try out what writes to them would do.
    pub fn excerpt(&self, keys: &[&[u8]]) -> ShardState {
        let slots = || keys.iter().map(|key| slot_of(key).0);
        let (first, last) = (slots().min().unwrap_or(self.first.0), slots().max().unwrap_or(self.first.0));
        let mut excerpt = ShardState::new(Slot(first), last - first + 1);
        excerpt.last = self.last;
        for &key in keys {
            let index = excerpt.index(slot_of(key));
            Arc::make_mut(&mut excerpt.slots[index]).note_deletion(self.newest_deletion(slot_of(key)));
            if let Some(item) = self.get(key) {
                excerpt.put(key, item.clone());
            }
        }
        excerpt
    }

    /// The whole shard at this moment, to try out what writes would do. It shares the slots with this one, and has no index of what falls due: time does not move on in it.
    pub fn overlay(&self) -> ShardState {
        let slots = self.slots.clone();
        ShardState { first: self.first, slots, expiry: BTreeSet::new(), ..*self }
    }

    /// The slots as they are now, for a snapshot: a few hundred pointers.
    pub fn freeze(&self) -> Vec<(Slot, Arc<SlotState>)> {
        self.slots().zip(self.slots.iter().cloned()).collect()
    }

    /// Each slot with its digest, in order.
    pub fn slot_digests(&self) -> Vec<(Slot, u128)> {
        self.slots().zip(self.slots.iter().map(|content| content.digest())).collect()
    }

    /// The same without those that never held anything, whose digest is zero.
    pub fn touched_slot_digests(&self) -> impl Iterator<Item = (Slot, u128)> + '_ {
        self.slots()
            .zip(&self.slots)
            .map(|(slot, content)| (slot, content.digest()))
            .filter(|(_, digest)| *digest != 0)
    }

    /// Puts a slot's content in place of what is there (from a snapshot). What has fallen due in it goes with the next [`ShardState::advance`].
    pub fn replace_slot(&mut self, slot: Slot, content: Arc<SlotState>) {
        let index = self.index(slot);
        let old = std::mem::replace(&mut self.slots[index], content);
        for (position, _, item) in old.iter_from(0) {
            if let Some(at) = item.expires_at_ms() {
                self.expiry.remove(&(at, slot.0, position));
            }
        }
        let new = &self.slots[index];
        for (position, _, item) in new.iter_from(0) {
            if let Some(at) = item.expires_at_ms() {
                self.expiry.insert((at, slot.0, position));
            }
        }
        self.len = self.len - old.len() + new.len();
        self.bytes = self.bytes - old.bytes() + new.bytes();
    }

    /// Every key and item, in the order of slots and positions.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Item)> {
        self.slots.iter().flat_map(|content| content.iter())
    }

    /// Looks at about `count` items from a cursor whose slot is of this shard (one before it starts at the front); answers them and where to go on: a slot of the
    /// next shard, or `None` after the last slot of all. Items at one position are never parted.
    pub fn scan(&self, from: Cursor, count: usize) -> (Vec<(&[u8], &Item)>, Option<Cursor>) {
        let mut found = Vec::new();
        for slot in self.slots().filter(|&slot| slot >= from.slot()) {
            let start = if slot == from.slot() { from.position() } else { 0 };
            let mut items = self.slot(slot).iter_from(start).peekable();
            while let Some((position, key, item)) = items.next() {
                found.push((key, item));
                let parted = items.peek().is_some_and(|&(next, ..)| next == position);
                if found.len() >= count && !parted {
                    return (found, Cursor::after(slot, position));
                }
            }
        }
        let end = self.slots().next_back().expect("a shard has a slot");
        (found, Cursor::after_slot(end))
    }

    /// Some key, drawn by `seed`; `None` if there is none.
    pub fn random_key(&self, seed: u64) -> Option<&[u8]> {
        let mut number = seed.checked_rem(self.len as u64)?;
        for content in &self.slots {
            let len = content.len() as u64;
            if number < len {
                return content.pick(number.wrapping_add(seed / self.len as u64 * len));
            }
            number -= len;
        }
        None
    }
}

fn keys_at(slot: &SlotState, position: u64) -> impl Iterator<Item = (&[u8], &Item)> {
    slot.iter_from(position).take_while(move |&(at, ..)| at == position).map(|(_, key, item)| (key, item))
}

#[cfg(test)]
mod tests;
