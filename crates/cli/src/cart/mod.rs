//! `cart`: a shopping cart at causal level, the example of what stays available on every side of a cut and merges afterwards (`docs/examples/cart.md`).
//!
//! * `entry`: what a cart is made of, and why it merges. `kept`: what one call leaves for the next. `talk`: what a person says.
//!
//! A [`Cart`] is a key of its own (`cart:NAME`, a set, or `cart-list:NAME`, a list) and a session. Everything goes through the session, so a cart shows its own puts at whatever node, and what another session put once
//! its token was handed over.
//!
//! Not here: a write that waits for a majority. A node may be alone, and the cart takes its words.

mod entry;
mod kept;
mod talk;

pub use entry::{Entry, Stamp};
pub(crate) use talk::run;

use crate::visit::Visit;
use client::{Error, ErrorKind, Level, Reply};
use proto::hlc::Timestamp;
use std::time::SystemTime;

/// How a cart is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a set: a remove takes away the members that it has seen.
    Set,
    /// As a list, which grows only: a remove is an element more.
    List,
}

/// A cart, seen by one session.
#[derive(Debug)]
pub struct Cart {
    visit: Visit,
    key: String,
    shape: Shape,
    writer: String,
    newest: u64,
}

impl Cart {
    /// The cart of this name, in the session of the visit.
    pub fn of(name: &str, shape: Shape, visit: Visit) -> Cart {
        let kind = match shape {
            Shape::Set => "cart",
            Shape::List => "cart-list",
        };
        let writer = crate::visit::random_name()[..4].to_owned();
        Cart { visit, key: format!("{kind}:{name}"), shape, writer, newest: 0 }
    }

    /// Whom it talks to, with the session.
    pub fn visit(&self) -> &Visit {
        &self.visit
    }

    /// The newest stamp's time that it has given out or seen.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Its stamps will be later than this.
    pub fn begin_after(&mut self, newest: u64) {
        self.newest = self.newest.max(newest);
    }

    /// Puts an item in; its stamp.
    ///
    /// # Errors
    /// What every write may end with.
    pub fn put(&mut self, item: &str) -> Result<Stamp, Error> {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall = Timestamp::from_wall_ms(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
        self.newest = wall.max(Timestamp(self.newest).next()).0;
        let entry = Entry { stamp: Stamp::new(self.newest, &self.writer), item: item.to_owned() };
        match self.shape {
            Shape::Set => self.write("SADD", &[entry.to_string()])?,
            Shape::List => self.write("RPUSH", &[entry.put_in_list()])?,
        }
        Ok(entry.stamp)
    }

    /// Removes an item, as far as this session has seen it. `Ok(false)`: it saw none.
    ///
    /// # Errors
    /// What every operation may end with.
    pub fn remove(&mut self, item: &str) -> Result<bool, Error> {
        let mut seen = self.entries()?;
        seen.retain(|entry| entry.item == item);
        self.remove_entries(&seen)?;
        Ok(!seen.is_empty())
    }

    /// Each item with the stamp of its newest put, by time.
    ///
    /// # Errors
    /// What every read may end with.
    pub fn items(&mut self) -> Result<Vec<Entry>, Error> {
        Ok(entry::items(&self.entries()?))
    }

    /// Erases the cart everywhere: what this session has seen of it. A put that it has not seen stays, except that a list's may go if it is older than this; a list leaves nothing behind, and so forgets what was removed.
    ///
    /// # Errors
    /// What every operation may end with.
    pub fn finalize(&mut self) -> Result<(), Error> {
        let seen = self.entries()?;
        // Of a list too: should a newer put of somebody else outlive the DEL, what this session saw is removed all the same.
        self.remove_entries(&seen)?;
        match self.shape {
            Shape::Set => Ok(()),
            Shape::List => self.write("DEL", &[]),
        }
    }

    fn remove_entries(&mut self, entries: &[Entry]) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        match self.shape {
            Shape::Set => {
                let members: Vec<String> = entries.iter().map(Entry::to_string).collect();
                self.write("SREM", &members)
            }
            Shape::List => {
                let elements: Vec<String> = entries.iter().map(Entry::removed_from_list).collect();
                self.write("RPUSH", &elements)
            }
        }
    }

    fn write(&mut self, command: &str, values: &[String]) -> Result<(), Error> {
        let mut words: Vec<&[u8]> = vec![command.as_bytes(), self.key.as_bytes()];
        words.extend(values.iter().map(String::as_bytes));
        self.visit.ask(Level::Causal, &words, true).map(drop)
    }

    fn entries(&mut self) -> Result<Vec<Entry>, Error> {
        let key = self.key.as_bytes();
        let (reply, met) = match self.shape {
            Shape::Set => self.visit.ask(Level::Causal, &[b"SMEMBERS", key], false)?,
            Shape::List => self.visit.ask(Level::Causal, &[b"LRANGE", key, b"0", b"-1"], false)?,
        };
        let (Reply::Array(values) | Reply::Set(values)) = reply else {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("the cart's key holds something else: {reply:?}"),
            ));
        };
        let values: Vec<String> = values.iter().filter_map(crate::visit::text_of).collect();
        let entries = match self.shape {
            Shape::Set => entry::of_set(&values),
            Shape::List => entry::of_list(&values),
        };
        let seen = entries.iter().map(|entry| entry.stamp.time).max();
        self.newest = self.newest.max(met.as_of).max(seen.unwrap_or_default());
        Ok(entries)
    }
}

/// Reads what might be a cart; for the fuzz targets.
pub(crate) fn read_all(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let of_set = entry::of_set(&lines);
    let again: Vec<String> = of_set.iter().map(ToString::to_string).collect();
    assert_eq!(entry::of_set(&again), of_set);
    let items = entry::items(&entry::of_list(&lines));
    assert!(items.len() <= lines.len());
    kept::read_all(&text);
}
