//! Numbers for writes: each lane is a client name of its own, with one write under way at a time.
//!
//! The cluster remembers the newest 64 replies of a client name and refuses numbers below them. If all writes of a program shared one
//! name, a write that is retried while 64 later ones pass would fall out. One lane for each write under way avoids that by construction;
//! a lane that is free is used again, so there are as many names as there were writes at the same time, and no more.
//!
//! A lane whose write ended *unknown* goes on with the next number: nobody repeats the old one any more.

/// A write's number in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    name: u128,
    lane: u32,
    number: u64,
}

impl Number {
    /// The text of `WITH … ID`.
    pub(crate) fn id(&self) -> String {
        format!("{:032x}.{}:{}", self.name, self.lane, self.number)
    }
}

/// The lanes of one client.
#[derive(Debug)]
pub(crate) struct Lanes {
    name: u128,
    opened: u32,
    free: Vec<Number>,
}

impl Lanes {
    pub(crate) fn new(name: u128) -> Lanes {
        Lanes { name, opened: 0, free: Vec::new() }
    }

    /// A number that no write has had, in a lane that no write is using.
    pub(crate) fn take(&mut self) -> Number {
        match self.free.pop() {
            Some(last) => Number { number: last.number + 1, ..last },
            None => {
                self.opened += 1;
                Number { name: self.name, lane: self.opened, number: 1 }
            }
        }
    }

    /// The write with this number is over, whatever its end.
    pub(crate) fn put_back(&mut self, number: Number) {
        self.free.push(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_used_again_with_the_next_number_and_never_by_two_writes_at_once() {
        let mut lanes = Lanes::new(0xab);
        let (first, second) = (lanes.take(), lanes.take());
        assert_eq!(first.id(), format!("{:032x}.1:1", 0xab));
        assert_eq!(second.id(), format!("{:032x}.2:1", 0xab));
        lanes.put_back(first);
        assert_eq!(lanes.take().id(), format!("{:032x}.1:2", 0xab));
        assert_eq!(lanes.take().id(), format!("{:032x}.3:1", 0xab));
    }

    #[test]
    fn the_longest_name_is_within_the_clusters_limit() {
        let number = Number { name: u128::MAX, lane: u32::MAX, number: u64::MAX };
        let id = number.id();
        let (name, _) = id.rsplit_once(':').unwrap();
        assert!(name.len() <= proto::limits::MAX_CLIENT_NAME_BYTES);
    }
}
