//! What a cart is made of: entries, which merge in whatever order they arrive.
//!
//! Each put makes one entry with a stamp of its own: a timestamp (milliseconds and a counter, like the cluster's own) and four letters of whoever made it, so that no two are the same. A remove takes away the
//! entries that its session has seen, and no other: what somebody else puts at the same time stays.
//!
//! * In a set the member `STAMP ITEM` is the entry, and SREM takes it away.
//! * A list can only grow below sequential (LREM is a decision, hence linearizable), so a remove appends `-STAMP ITEM` for each `+STAMP ITEM` that was seen. An entry that has its `-` is gone, wherever the two stand:
//!   lists that were written on both sides of a cut may change their order while they settle, and this does not mind.
//!
//! Pure: texts in, entries out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// When and by whom an entry was made. Orders by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// As in the certificates of answers: 48 bits of milliseconds, 16 of counter.
    pub time: u64,
    writer: String,
}

impl Stamp {
    pub(super) fn new(time: u64, writer: &str) -> Stamp {
        Stamp { time, writer: writer.to_owned() }
    }

    fn parse(text: &str) -> Option<Stamp> {
        let (time, writer) = text.split_once('-')?;
        Some(Stamp { time: time.parse().ok()?, writer: writer.to_owned() })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.time, self.writer)
    }
}

/// What one put made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Which one it is.
    pub stamp: Stamp,
    /// What was put in.
    pub item: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stamp, self.item)
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Entry> {
        let (stamp, item) = text.split_once(' ')?;
        Some(Entry { stamp: Stamp::parse(stamp)?, item: item.to_owned() })
    }

    pub(super) fn put_in_list(&self) -> String {
        format!("+{self}")
    }

    pub(super) fn removed_from_list(&self) -> String {
        format!("-{self}")
    }
}

/// The entries of a set, by time. What is none was put there by somebody else's program, and is left alone.
pub(super) fn of_set(members: &[String]) -> Vec<Entry> {
    let entries: BTreeSet<Entry> = members.iter().filter_map(|member| Entry::parse(member)).collect();
    entries.into_iter().collect()
}

/// The entries of a list that have not been removed, by time.
pub(super) fn of_list(elements: &[String]) -> Vec<Entry> {
    let (mut put, mut removed) = (BTreeSet::new(), BTreeSet::new());
    for element in elements {
        if let Some(entry) = element.strip_prefix('+').and_then(Entry::parse) {
            put.insert(entry);
        } else if let Some(entry) = element.strip_prefix('-').and_then(Entry::parse) {
            removed.insert(entry);
        }
    }
    put.difference(&removed).cloned().collect()
}

/// Each item once, with the newest of its stamps.
pub(super) fn items(entries: &[Entry]) -> Vec<Entry> {
    let mut newest: BTreeMap<&str, &Stamp> = BTreeMap::new();
    for entry in entries {
        let kept = newest.entry(&entry.item).or_insert(&entry.stamp);
        *kept = (*kept).max(&entry.stamp);
    }
    let mut items: Vec<Entry> = newest
        .into_iter()
        .map(|(item, stamp)| Entry { stamp: stamp.clone(), item: item.to_owned() })
        .collect();
    items.sort();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(time: u64, writer: &str, item: &str) -> Entry {
        Entry { stamp: Stamp::new(time, writer), item: item.to_owned() }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let apple = entry(113, "ab12", "two red apples");
        assert_eq!(apple.to_string(), "113-ab12 two red apples");
        assert_eq!(
            of_set(&[apple.to_string(), "stray".to_owned(), "x y".to_owned()]),
            std::slice::from_ref(&apple)
        );
        assert_eq!(of_list(&[apple.put_in_list(), "stray".to_owned()]), [apple]);
    }

    #[test]
    fn a_remove_takes_what_was_seen_in_whatever_order_the_list_has_it() {
        let (mine, theirs) = (entry(1, "aaaa", "apple"), entry(1, "bbbb", "apple"));
        let mut list = vec![mine.put_in_list(), theirs.put_in_list(), mine.removed_from_list()];
        assert_eq!(of_list(&list), std::slice::from_ref(&theirs));
        list.reverse();
        assert_eq!(of_list(&list), std::slice::from_ref(&theirs));
        // Put once more, it is another entry.
        let again = entry(2, "aaaa", "apple");
        list.push(again.put_in_list());
        assert_eq!(of_list(&list), [theirs, again]);
    }

    #[test]
    fn an_item_that_was_put_twice_is_shown_once_with_its_newest_stamp() {
        let entries = [entry(5, "a", "pear"), entry(1, "a", "apple"), entry(7, "b", "apple")];
        assert_eq!(items(&entries), [entry(5, "a", "pear"), entry(7, "b", "apple")]);
    }
}
