//! SCAN's cursor: a slot and a position in it, in one number.
//!
//! ```text
//! bit   63 62 | 61 … 48 | 47 … 0
//!       zero  | slot    | position (upper 48 bits of xxh3 of the key)
//! ```
//!
//! It names the next position to look at. So the server remembers nothing about a scan, a cursor works on every node and after any change of leader, and a
//! key that is there from the scan's start to its end is answered exactly once. 0 begins and, as an answer, ends.

use proto::ids::Slot;
use proto::limits::SLOT_COUNT;

const POSITION_BITS: u32 = 48;

/// The slot that a client's cursor points into; `None` if it is no cursor.
pub fn cursor_slot(number: u64) -> Option<Slot> {
    Cursor::from_number(number).map(Cursor::slot)
}

/// Where a scan goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(u64);

impl Cursor {
    /// From the number that a client sends; `None` if no scan ever answered it.
    pub fn from_number(number: u64) -> Option<Cursor> {
        (number >> POSITION_BITS < u64::from(SLOT_COUNT)).then_some(Cursor(number))
    }

    /// The number that a client is told.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The slot to look at next.
    pub fn slot(self) -> Slot {
        Slot((self.0 >> POSITION_BITS) as u16)
    }

    /// The position in it to look at next.
    pub(super) fn position(self) -> u64 {
        self.0 & ((1 << POSITION_BITS) - 1)
    }

    /// Right after a position; `None` after the last of all.
    pub(super) fn after(slot: Slot, position: u64) -> Option<Cursor> {
        Cursor::from_number((u64::from(slot.0) << POSITION_BITS | position) + 1)
    }

    /// At the front of the slot after this one; `None` after the last.
    pub(super) fn after_slot(slot: Slot) -> Option<Cursor> {
        Cursor::after(slot, (1 << POSITION_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_go_through_positions_and_slots_and_end() {
        let cursor = Cursor::after(Slot(5), 41).expect("not the last");
        assert_eq!((cursor.slot(), cursor.position()), (Slot(5), 42));
        assert_eq!(Cursor::after_slot(Slot(5)).map(Cursor::slot), Some(Slot(6)));
        assert_eq!(Cursor::after_slot(Slot(SLOT_COUNT - 1)), None);
        assert_eq!(Cursor::from_number(cursor.number()), Some(cursor));
        assert_eq!((cursor_slot(1 << 62), cursor_slot((1 << 62) - 1)), (None, Some(Slot(SLOT_COUNT - 1))));
        assert!(Cursor::after_slot(Slot(SLOT_COUNT - 2)).expect("one more").number() < 1 << 62);
    }
}
