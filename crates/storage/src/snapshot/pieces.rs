//! A slot cut into pieces, and put together again.
//!
//! The first piece begins with the slot's newest deletion (u64, little-endian); then come the records of its items in the slot's order (`state::item`), one after the other over
//! all pieces, none of them parted. A large collection is many records, so it too travels in bounded pieces. One content has one cut, so pieces are the same
//! bytes wherever they are made.

use crate::state::{Record, SlotState, decode_record, encode_record};
use bytes::{Bytes, BytesMut};
use proto::hlc::Timestamp;
use proto::ids::Slot;
use proto::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES, SNAPSHOT_CHUNK_BYTES};
use proto::slots::slot_of;
use std::sync::Arc;

/// What no piece exceeds: the largest record alone, with room for everything around key, field and value.
const MAX_PIECE_BYTES: usize = SNAPSHOT_CHUNK_BYTES + MAX_KEY_BYTES + 2 * MAX_VALUE_BYTES + 256;

/// Cuts a slot into encoded pieces of at most `SNAPSHOT_CHUNK_BYTES` (one larger record alone in its piece). An empty slot is one piece without items.
pub struct SlotPieces {
    slot: Arc<SlotState>,
    /// Where the next item lies: a position, and how many items at it were taken.
    position: u64,
    taken: usize,
    /// Where the next record of that item begins, if it is a collection of which some elements were taken.
    element: usize,
    /// The record that did not fit into the piece before.
    carry: BytesMut,
    number: u32,
    ended: bool,
}

/// One piece of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotPiece {
    /// Counted from 0.
    pub number: u32,
    /// No further piece of the slot follows.
    pub last: bool,
    /// Encoded items.
    pub data: Bytes,
}

impl SlotPieces {
    /// Holds on to the content as it is now; it may be changed meanwhile.
    pub fn new(slot: Arc<SlotState>) -> Self {
        SlotPieces {
            slot,
            position: 0,
            taken: 0,
            element: 0,
            carry: BytesMut::new(),
            number: 0,
            ended: false,
        }
    }

    fn begin_piece(&mut self) -> BytesMut {
        if self.number > 0 {
            return std::mem::take(&mut self.carry);
        }
        BytesMut::from(&self.slot.newest_deletion().0.to_le_bytes()[..])
    }
}

impl Iterator for SlotPieces {
    type Item = SlotPiece;

    fn next(&mut self) -> Option<SlotPiece> {
        if self.ended {
            return None;
        }
        let mut piece = self.begin_piece();
        let slot = self.slot.clone();
        let mut items = slot.iter_from(self.position).skip(self.taken).peekable();
        let mut last = true;
        while items.peek().is_some() {
            if piece.len() >= SNAPSHOT_CHUNK_BYTES {
                last = false;
                break;
            }
            let &(position, key, item) = items.peek().expect("peeked");
            let before = piece.len();
            match encode_record(&mut piece, key, item, self.element) {
                Some(next) => self.element = next,
                None => {
                    items.next();
                    self.element = 0;
                    self.taken = if position == self.position { self.taken + 1 } else { 1 };
                    self.position = position;
                }
            }
            if piece.len() > SNAPSHOT_CHUNK_BYTES && before > 0 {
                self.carry = piece.split_off(before);
                last = false;
                break;
            }
        }
        self.ended = last;
        self.number += 1;
        Some(SlotPiece { number: self.number - 1, last, data: piece.freeze() })
    }
}

/// Why a piece was not taken; the transfer of the slot begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssembleError {
    /// Not the piece that follows.
    OutOfOrder,
    /// Its bytes are no items of this slot.
    Malformed,
    /// More bytes than the bound.
    TooLarge,
    /// The whole does not have the digest that was promised.
    OtherDigest,
}

/// A slot that is being put together, with whatever digest it comes to have.
pub(super) struct SlotBuilder {
    slot: Slot,
    state: SlotState,
    last_key: Option<Bytes>,
    next_number: u32,
    ended: bool,
}

impl SlotBuilder {
    pub(super) fn new(slot: Slot) -> Self {
        SlotBuilder { slot, state: SlotState::default(), last_key: None, next_number: 0, ended: false }
    }

    /// Takes the next piece; gives the slot with the last one.
    pub(super) fn push(
        &mut self,
        number: u32,
        last: bool,
        data: &[u8],
    ) -> Result<Option<SlotState>, AssembleError> {
        if number != self.next_number || self.ended {
            return Err(AssembleError::OutOfOrder);
        }
        if data.len() > MAX_PIECE_BYTES {
            return Err(AssembleError::TooLarge);
        }
        let mut rest = data;
        if number == 0 {
            let (deletion, items) = data.split_first_chunk::<8>().ok_or(AssembleError::Malformed)?;
            self.state.note_deletion(Timestamp(u64::from_le_bytes(*deletion)));
            rest = items;
        }
        while !rest.is_empty() {
            let Record { key, item, continues } =
                decode_record(&mut rest).map_err(|_| AssembleError::Malformed)?;
            // A collection goes on right behind its own last record and nowhere else.
            let taken = if continues {
                self.last_key == Some(key.clone())
                    && self.state.edit(&key, |known| known.extend(item)) == Some(true)
            } else {
                slot_of(&key) == self.slot && self.state.put(&key, item).is_none()
            };
            if !taken {
                return Err(AssembleError::Malformed);
            }
            self.last_key = Some(key);
        }
        self.next_number += 1;
        self.ended = last;
        Ok(last.then(|| std::mem::take(&mut self.state)))
    }
}

/// Rebuilds one slot from its pieces, in order, up to a bound of bytes.
pub struct SlotAssembler {
    builder: SlotBuilder,
    digest: u128,
    bytes_left: u64,
}

impl SlotAssembler {
    /// For a slot of this digest and at most `max_bytes` of pieces.
    pub fn new(slot: Slot, digest: u128, max_bytes: u64) -> Self {
        SlotAssembler { builder: SlotBuilder::new(slot), digest, bytes_left: max_bytes }
    }

    /// Takes the next piece; gives the slot with the last one.
    ///
    /// # Errors
    /// [`AssembleError`]; the assembler is of no use then.
    pub fn push(
        &mut self,
        number: u32,
        last: bool,
        data: &Bytes,
    ) -> Result<Option<SlotState>, AssembleError> {
        self.bytes_left = self.bytes_left.checked_sub(data.len() as u64).ok_or(AssembleError::TooLarge)?;
        let state = self.builder.push(number, last, data)?;
        if state.as_ref().is_some_and(|state| state.digest() != self.digest) {
            return Err(AssembleError::OtherDigest);
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Blob, Collection, Elements, Field, Item, List, ListEnd, Member, SortedSet};
    use proto::score::Score;

    fn slot_with(values: &[usize]) -> (Slot, Arc<SlotState>) {
        let mut state = SlotState::default();
        for (at, len) in values.iter().enumerate() {
            let key = format!("{{tag}}{at}");
            state.put(key.as_bytes(), Item::string(&vec![at as u8; *len], Timestamp(at as u64 + 1)));
        }
        state.note_deletion(Timestamp(77));
        (slot_of(b"{tag}"), Arc::new(state))
    }

    fn assemble(slot: Slot, digest: u128, pieces: &[SlotPiece]) -> Result<Option<SlotState>, AssembleError> {
        let mut assembler = SlotAssembler::new(slot, digest, u64::MAX);
        let mut whole = None;
        for piece in pieces {
            whole = assembler.push(piece.number, piece.last, &piece.data)?;
        }
        Ok(whole)
    }

    #[test]
    fn slots_of_all_shapes_survive_being_cut() {
        let chunk = SNAPSHOT_CHUNK_BYTES;
        let shapes: [&[usize]; 7] = [
            &[],
            &[1],
            &[chunk * 3],
            &[10, chunk * 2, 10, chunk, 10],
            &[chunk / 2; 9],
            &[100; 5000],
            &[chunk - 200, 5, MAX_VALUE_BYTES],
        ];
        for shape in shapes {
            let (slot, state) = slot_with(shape);
            let pieces: Vec<SlotPiece> = SlotPieces::new(state.clone()).collect();
            for piece in &pieces {
                let items = {
                    let mut rest = if piece.number == 0 { &piece.data[8..] } else { &piece.data[..] };
                    std::iter::from_fn(|| {
                        (!rest.is_empty()).then(|| decode_record(&mut rest).expect("a record"))
                    })
                    .count()
                };
                assert!(
                    piece.data.len() <= chunk || items == 1,
                    "{items} items in {} bytes",
                    piece.data.len()
                );
            }
            assert!(pieces.iter().rev().skip(1).all(|piece| !piece.last) && pieces[pieces.len() - 1].last);
            let whole = assemble(slot, state.digest(), &pieces).expect("taken").expect("whole");
            assert_eq!(whole.digest(), state.digest());
            assert_eq!(whole.len(), shape.len());
            assert_eq!(whole.newest_deletion(), Timestamp(77));
        }
    }

    fn collections(elements: u32, bytes: usize) -> (Slot, Arc<SlotState>) {
        let name = |number: u32| {
            let mut name = vec![b'x'; bytes];
            name[..4].copy_from_slice(&number.to_le_bytes());
            name
        };
        let (mut set, mut hash) = (Elements::default(), Elements::default());
        let (mut list, mut sorted) = (List::default(), SortedSet::default());
        for number in 0..elements {
            set.insert(Member::new(&name(number)));
            hash.insert(Field::new(&name(number), &name(number)));
            list.push(ListEnd::Back, Blob::from(name(number % 10)));
            sorted.insert(&name(number), Score::new(f64::from(number % 100)).expect("a number"));
        }
        let mut state = SlotState::default();
        let values = [set.into_value(), hash.into_value(), list.into_value(), sorted.into_value()];
        for (at, value) in values.into_iter().enumerate() {
            let key = format!("{{tag}}{at}");
            state.put(key.as_bytes(), Item::new(value, Timestamp(at as u64 + 1), Some(at as u64 + 99)));
        }
        (slot_of(b"{tag}"), Arc::new(state))
    }

    #[test]
    fn large_collections_travel_in_bounded_pieces() {
        for (elements, bytes) in
            [(1, 4), (64, 10), (20_000, 20), (30, SNAPSHOT_CHUNK_BYTES / 4), (3, 1 << 20)]
        {
            let (slot, state) = collections(elements, bytes);
            let pieces: Vec<SlotPiece> = SlotPieces::new(state.clone()).collect();
            let most = SNAPSHOT_CHUNK_BYTES.max(2 * bytes + 1000);
            assert!(pieces.iter().all(|piece| piece.data.len() <= most));
            let whole = assemble(slot, state.digest(), &pieces).expect("taken").expect("whole");
            assert_eq!((whole.digest(), whole.bytes()), (state.digest(), state.bytes()));
            assert!(whole.iter().eq(state.iter()));
            let again: Vec<SlotPiece> = SlotPieces::new(Arc::new(whole)).collect();
            assert!(again == pieces, "one content has one cut");
        }
    }

    #[test]
    fn a_collection_goes_on_only_where_it_ended() {
        let record = |key: &[u8], item: &Item, from: usize| {
            let mut out = BytesMut::new();
            let next = encode_record(&mut out, key, item, from);
            (out.freeze(), next)
        };
        let (slot, state) = collections(20_000, 20);
        let item = state.get(b"{tag}0").expect("the set");
        let (first, next) = record(b"{tag}0", item, 0);
        let (second, _) = record(b"{tag}0", item, next.expect("more"));
        let (other, _) = record(b"{tag}1", state.get(b"{tag}1").expect("the hash"), 0);
        let (stranger, _) = record(b"{tag}9", item, next.expect("more"));
        let deletion = Bytes::from_static(&[0; 8]);
        let taken = |records: &[&Bytes]| {
            let data = [&deletion].iter().chain(records).flat_map(|part| part.to_vec()).collect::<Vec<u8>>();
            SlotBuilder::new(slot).push(0, true, &data).is_ok()
        };
        assert!(taken(&[&first, &second, &other]) && taken(&[&other, &first, &second]));
        for wrong in [
            &[&second][..],
            &[&first, &first],
            &[&first, &second, &second],
            &[&first, &other, &second],
            &[&first, &stranger],
        ] {
            assert!(!taken(wrong));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (slot, state) = slot_with(&[SNAPSHOT_CHUNK_BYTES / 2; 6]);
        let pieces: Vec<SlotPiece> = SlotPieces::new(state.clone()).collect();
        assert!(pieces.len() > 2);
        let digest = state.digest();
        let error = |result: Result<Option<SlotState>, AssembleError>| result.expect_err("refused");
        assert_eq!(error(assemble(slot, digest, &pieces[1..])), AssembleError::OutOfOrder);
        assert_eq!(error(assemble(slot, digest + 1, &pieces)), AssembleError::OtherDigest);
        assert_eq!(error(assemble(Slot(slot.0 ^ 1), digest, &pieces)), AssembleError::Malformed);
        let twice = [pieces[0].clone(), SlotPiece { number: 1, last: true, data: pieces[0].data.slice(8..) }];
        assert_eq!(error(assemble(slot, digest, &twice)), AssembleError::Malformed);
        let cut = [SlotPiece { number: 0, last: true, data: pieces[0].data.slice(..100) }];
        assert_eq!(error(assemble(slot, digest, &cut)), AssembleError::Malformed);
        let mut bounded = SlotAssembler::new(slot, digest, 1000);
        assert_eq!(bounded.push(0, false, &pieces[0].data).err(), Some(AssembleError::TooLarge));
        let mut ended = SlotAssembler::new(slot, 0, 1000);
        assert!(ended.push(0, true, &Bytes::from_static(&[0; 8])).expect("an empty slot").is_some());
        assert_eq!(ended.push(1, true, &Bytes::new()).err(), Some(AssembleError::OutOfOrder));
    }
}
