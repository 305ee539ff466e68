//! The words of each operation, shared by both bodies: how it is asked. How its answer is read is in `answer`.
//!
//! A program needs them only with `Client::perform`, where it wants to know what an operation achieved and not its reply alone.

use crate::core::{Access, Command};
use crate::error::Error;
use crate::options::{Condition, SetOptions};
use bytes::Bytes;
use proto::slots::slot_of;
use std::collections::BTreeMap;
use std::time::Duration;

fn word(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn number(number: impl ToString) -> Bytes {
    Bytes::from(number.to_string())
}

/// A time to live in whole milliseconds; shorter ones are rounded up, because zero is no time to live.
fn whole_ms(ttl: Duration) -> Bytes {
    number(ttl.as_millis().max(1))
}

fn copied(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// GET.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn get(key: &[u8]) -> Result<Command, Error> {
    Command::new(vec![word("GET"), copied(key)], 1, Access::Read)
}

/// SET, on the options' conditions.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn set(key: &[u8], value: &[u8], options: &SetOptions) -> Result<Command, Error> {
    let mut words = vec![word("SET"), copied(key), copied(value)];
    match &options.condition {
        Condition::Always => {}
        Condition::Absent => words.push(word("NX")),
        Condition::Present => words.push(word("XX")),
        Condition::Equals(old) => words.extend([word("IFEQ"), old.clone()]),
    }
    if let Some(ttl) = options.ttl {
        words.extend([word("PX"), whole_ms(ttl)]);
    }
    Command::new(words, 1, Access::Numbered)
}

/// SET if the key holds exactly `expected` (`None`: if it is absent).
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn cas(key: &[u8], expected: Option<&[u8]>, new: &[u8]) -> Result<Command, Error> {
    let options = match expected {
        Some(expected) => SetOptions::new().if_equals(copied(expected)),
        None => SetOptions::new().if_absent(),
    };
    set(key, new, &options)
}

/// DEL of one key.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn del(key: &[u8]) -> Result<Command, Error> {
    Command::new(vec![word("DEL"), copied(key)], 1, Access::Numbered)
}

/// INCRBY.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn incr(key: &[u8], by: i64) -> Result<Command, Error> {
    Command::new(vec![word("INCRBY"), copied(key), number(by)], 1, Access::Numbered)
}

/// APPEND.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn append(key: &[u8], suffix: &[u8]) -> Result<Command, Error> {
    Command::new(vec![word("APPEND"), copied(key), copied(suffix)], 1, Access::Numbered)
}

/// EXISTS of one key.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn exists(key: &[u8]) -> Result<Command, Error> {
    Command::new(vec![word("EXISTS"), copied(key)], 1, Access::Read)
}

/// CONFLICTS.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn conflicts(key: &[u8]) -> Result<Command, Error> {
    Command::new(vec![word("CONFLICTS"), copied(key)], 1, Access::Read)
}

/// PEXPIRE.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn expire(key: &[u8], ttl: Duration) -> Result<Command, Error> {
    Command::new(vec![word("PEXPIRE"), copied(key), whole_ms(ttl)], 1, Access::Numbered)
}

/// PTTL.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn ttl(key: &[u8]) -> Result<Command, Error> {
    Command::new(vec![word("PTTL"), copied(key)], 1, Access::Read)
}

/// MGET.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn mget<K: AsRef<[u8]>>(keys: &[K]) -> Result<Command, Error> {
    let mut words = vec![word("MGET")];
    words.extend(keys.iter().map(|key| copied(key.as_ref())));
    Command::new(words, 1, Access::Read)
}

/// One MSET a slot: a number belongs to one shard. Pairs of one slot are written at once, and the last of a repeated key wins.
///
/// # Errors
/// `Invalid` if one passes the limits.
pub fn mset<K: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(K, V)]) -> Result<Vec<Command>, Error> {
    let mut by_slot: BTreeMap<u16, Vec<Bytes>> = BTreeMap::new();
    for (key, value) in pairs {
        let words = by_slot.entry(slot_of(key.as_ref()).0).or_insert_with(|| vec![word("MSET")]);
        words.extend([copied(key.as_ref()), copied(value.as_ref())]);
    }
    by_slot.into_values().map(|words| Command::new(words, 1, Access::Numbered)).collect()
}

/// One step of SCAN.
///
/// # Errors
/// `Invalid` if it passes the limits.
pub fn scan(cursor: u64, pattern: Option<&[u8]>, count: usize) -> Result<Command, Error> {
    let mut words = vec![word("SCAN"), number(cursor), word("COUNT"), number(count)];
    if let Some(pattern) = pattern {
        words.extend([word("MATCH"), copied(pattern)]);
    }
    Command::without_key(words, Access::Read)
}
