//! One hash slot: its items in the order of (48-bit hash of the key, key), and its digest.
//!
//! The order is what makes SCAN stateless: a position in it means the same after any change, on any replica. A slot of a few hundred items is a sorted
//! vector, which wastes the least memory and is quick to copy when a snapshot holds the old one. A larger one (one hash tag for everything, or very many keys)
//! is a persistent map, so that no single write ever copies more than a few nodes of it.

use super::blob::Blob;
use super::item::Item;
use imbl::OrdMap;
use proto::hlc::Timestamp;
use std::cmp::Ordering;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// More items than this make a slot a persistent map.
const LARGE_ITEMS: usize = 512;
/// Fewer make it a vector again.
const SMALL_ITEMS: usize = 128;
/// What an item occupies beside the payload: itself and its share of spare room.
const ITEM_OVERHEAD_BYTES: usize = size_of::<Entry>() + 8;

/// The place of a key in its slot's order: 48 bits.
pub(super) fn position_of(key: &[u8]) -> u64 {
    xxh3_64(key) >> 16
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: u64,
    key: Blob,
}

#[derive(Clone, Debug)]
struct Entry {
    place: Place,
    item: Item,
}

#[derive(Clone, Debug)]
enum Items {
    Small(Vec<Entry>),
    Large(OrdMap<Place, Item>),
}

/// The content of one slot.
#[derive(Clone, Debug)]
pub struct SlotState {
    items: Items,
    sum: u128,
    newest_deletion: Timestamp,
    bytes: u64,
}

impl Default for SlotState {
    fn default() -> SlotState {
        SlotState { items: Items::Small(Vec::new()), sum: 0, newest_deletion: Timestamp::ZERO, bytes: 0 }
    }
}

/// Where a key stands in a sorted vector, or would. Positions are hashes and so spread evenly: the guess is a few entries off, and walking from it touches one or
/// two cache lines where halving would touch six. Keys made to collide cost a walk of at most `LARGE_ITEMS`.
fn find(entries: &[Entry], position: u64, key: &[u8]) -> Result<usize, usize> {
    let compare = |at: usize| {
        let place = &entries[at].place;
        place.position.cmp(&position).then_with(|| place.key.as_slice().cmp(key))
    };
    let mut at = ((position * entries.len() as u64) >> 48) as usize;
    while at > 0 && compare(at - 1).is_ge() {
        at -= 1;
    }
    while at < entries.len() {
        match compare(at) {
            Ordering::Less => at += 1,
            Ordering::Equal => return Ok(at),
            Ordering::Greater => return Err(at),
        }
    }
    Err(at)
}

impl SlotState {
    /// How many keys it has.
    pub fn len(&self) -> usize {
        match &self.items {
            Items::Small(entries) => entries.len(),
            Items::Large(map) => map.len(),
        }
    }

    /// Whether it has no key. An empty slot may still have a newest deletion.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes its items occupy, overhead included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The timestamp of the newest deletion or expiry of one of its keys; zero if there was none.
    pub fn newest_deletion(&self) -> Timestamp {
        self.newest_deletion
    }

    /// A key of this slot was deleted, or fell due, at this time.
    pub fn note_deletion(&mut self, at: Timestamp) {
        self.newest_deletion = self.newest_deletion.max(at);
    }

    /// A fingerprint of the whole content: the sum over its items of the hash of their bytes, and the newest deletion. Zero for a slot that never held anything.
    pub fn digest(&self) -> u128 {
        if self.newest_deletion == Timestamp::ZERO {
            return self.sum;
        }
        self.sum.wrapping_add(xxh3_128(&self.newest_deletion.0.to_le_bytes()))
    }

    /// The item of a key.
    pub fn get(&self, key: &[u8]) -> Option<&Item> {
        let position = position_of(key);
        match &self.items {
            Items::Small(entries) => find(entries, position, key).ok().map(|at| &entries[at].item),
            Items::Large(map) => map.get(&Place { position, key: Blob::from(key) }),
        }
    }

    /// Puts an item and answers the one that it replaces.
    pub fn put(&mut self, key: &[u8], item: Item) -> Option<Item> {
        let position = position_of(key);
        self.sum = self.sum.wrapping_add(item.digest(key));
        self.bytes += weight(key, &item);
        let old = match &mut self.items {
            Items::Small(entries) => match find(entries, position, key) {
                Ok(at) => Some(std::mem::replace(&mut entries[at].item, item)),
                Err(at) => {
                    if entries.len() == entries.capacity() {
                        entries.reserve_exact(4.max(entries.len() / 8));
                    }
                    entries.insert(at, Entry { place: Place { position, key: Blob::from(key) }, item });
                    None
                }
            },
            Items::Large(map) => map.insert(Place { position, key: Blob::from(key) }, item),
        };
        match &old {
            Some(old) => self.forget(key, old),
            None => self.resize(),
        }
        old
    }

    /// Changes an item in place; `None` if there is none. What the change costs does not depend on the item's size.
    pub(crate) fn edit<R>(&mut self, key: &[u8], change: impl FnOnce(&mut Item) -> R) -> Option<R> {
        let position = position_of(key);
        let item = match &mut self.items {
            Items::Small(entries) => find(entries, position, key).ok().map(|at| &mut entries[at].item),
            Items::Large(map) => map.get_mut(&Place { position, key: Blob::from(key) }),
        }?;
        self.sum = self.sum.wrapping_sub(item.digest(key));
        self.bytes -= weight(key, item);
        let result = change(item);
        self.sum = self.sum.wrapping_add(item.digest(key));
        self.bytes += weight(key, item);
        Some(result)
    }

    /// Takes an item out. The caller says when ([`SlotState::note_deletion`]).
    pub fn remove(&mut self, key: &[u8]) -> Option<Item> {
        let position = position_of(key);
        let old = match &mut self.items {
            Items::Small(entries) => find(entries, position, key).ok().map(|at| entries.remove(at).item),
            Items::Large(map) => map.remove(&Place { position, key: Blob::from(key) }),
        }?;
        self.forget(key, &old);
        self.resize();
        Some(old)
    }

    fn forget(&mut self, key: &[u8], old: &Item) {
        self.sum = self.sum.wrapping_sub(old.digest(key));
        self.bytes -= weight(key, old);
    }

    /// Chooses the form that fits the number of items.
    fn resize(&mut self) {
        match &mut self.items {
            Items::Small(entries) if entries.len() > LARGE_ITEMS => {
                let entries = std::mem::take(entries);
                self.items =
                    Items::Large(entries.into_iter().map(|entry| (entry.place, entry.item)).collect());
            }
            Items::Small(entries) => {
                if entries.len() < entries.capacity() / 2 {
                    entries.shrink_to(entries.len() + entries.len() / 8);
                }
            }
            Items::Large(map) if map.len() < SMALL_ITEMS => {
                let map = std::mem::take(map);
                self.items =
                    Items::Small(map.into_iter().map(|(place, item)| Entry { place, item }).collect());
            }
            Items::Large(_) => {}
        }
    }

    /// Every key and item, in the slot's order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Item)> {
        self.iter_from(0).map(|(_, key, item)| (key, item))
    }

    /// Positions, keys and items from a position on.
    pub(crate) fn iter_from(&self, position: u64) -> impl Iterator<Item = (u64, &[u8], &Item)> {
        let (small, large) = match &self.items {
            Items::Small(entries) => {
                let start = entries.partition_point(|entry| entry.place.position < position);
                (&entries[start..], None)
            }
            Items::Large(map) => (&[][..], Some(map.range(Place { position, key: Blob::from(&b""[..]) }..))),
        };
        let small = small.iter().map(|entry| (&entry.place, &entry.item));
        small
            .chain(large.into_iter().flatten())
            .map(|(place, item)| (place.position, place.key.as_slice(), item))
    }

    /// Some key: the `number`-th of a small slot, one near a position drawn from `number` in a large one. `None` if there is none.
    pub(super) fn pick(&self, number: u64) -> Option<&[u8]> {
        match &self.items {
            Items::Small(entries) => {
                let at = number.checked_rem(entries.len() as u64)? as usize;
                Some(entries[at].place.key.as_slice())
            }
            Items::Large(_) => {
                let position = position_of(&number.to_le_bytes());
                self.iter_from(position).chain(self.iter_from(0)).next().map(|(_, key, _)| key)
            }
        }
    }
}

/// What a key and its item occupy.
pub(super) fn weight(key: &[u8], item: &Item) -> u64 {
    let key_bytes =
        if key.len() > super::blob::INLINE_BYTES { (key.len() + 16).next_multiple_of(16) } else { 0 };
    (ITEM_OVERHEAD_BYTES + key_bytes + item.heap_bytes()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn item(number: u64) -> Item {
        Item::string(&number.to_le_bytes(), Timestamp(number))
    }

    #[test]
    fn a_slot_keeps_order_and_digest_as_it_grows_large_and_shrinks_again() {
        let mut slot = SlotState::default();
        let mut model = BTreeMap::new();
        let keys: Vec<Vec<u8>> = (0..2000u32).map(|n| format!("key:{n}").into_bytes()).collect();
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(slot.put(key, item(number as u64)), None);
            model.insert((position_of(key), key.clone()), item(number as u64));
        }
        assert!(matches!(slot.items, Items::Large(_)));
        let check = |slot: &SlotState, model: &BTreeMap<(u64, Vec<u8>), Item>| {
            assert_eq!(slot.len(), model.len());
            let listed: Vec<_> =
                slot.iter_from(0).map(|(at, key, item)| ((at, key.to_vec()), item.clone())).collect();
            assert_eq!(listed, model.clone().into_iter().collect::<Vec<_>>());
            let sum = model.iter().fold(0u128, |sum, ((_, key), item)| sum.wrapping_add(item.digest(key)));
            assert_eq!(slot.digest(), sum);
            assert_eq!(slot.bytes(), model.iter().map(|((_, key), item)| weight(key, item)).sum::<u64>());
        };
        check(&slot, &model);
        for key in keys.iter().skip(50) {
            assert_eq!(slot.remove(key), model.remove(&(position_of(key), key.clone())));
        }
        assert!(matches!(slot.items, Items::Small(_)));
        check(&slot, &model);
        assert_eq!(slot.remove(b"nosuch"), None);
        assert!(slot.put(&keys[0], item(9)).is_some() && slot.get(&keys[0]) == Some(&item(9)));
    }

    #[test]
    fn a_deletion_changes_the_digest_of_an_empty_slot() {
        let mut slot = SlotState::default();
        assert_eq!(slot.digest(), 0);
        slot.note_deletion(Timestamp(5));
        slot.note_deletion(Timestamp(3));
        assert_eq!(slot.newest_deletion(), Timestamp(5));
        assert_ne!(slot.digest(), 0);
    }

    #[test]
    fn an_entry_is_nine_words() {
        assert_eq!(size_of::<Entry>(), 72);
    }
}
