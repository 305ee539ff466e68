//! What the parsers share: error texts in Redis's words, options, slots.

use crate::command::Command;
use crate::commands::number::parse_i64;
use crate::ids::Slot;
use crate::ops::{Read, Write};
use crate::reply::Reply;
use crate::slots::slot_of;
use bytes::Bytes;

pub(crate) fn wrong_number(name: &str) -> Reply {
    Reply::error(format!("ERR wrong number of arguments for '{name}' command"))
}

pub(crate) fn syntax() -> Reply {
    Reply::error("ERR syntax error")
}

pub(crate) fn not_an_integer() -> Reply {
    Reply::error("ERR value is not an integer or out of range")
}

pub(crate) fn cross_slot() -> Reply {
    Reply::error("CROSSSLOT Keys in request don't hash to the same slot")
}

pub(crate) fn invalid_expire(name: &str) -> Reply {
    Reply::error(format!("ERR invalid expire time in '{name}' command"))
}

pub(crate) fn integer(argument: &[u8]) -> Result<i64, Reply> {
    parse_i64(argument).ok_or_else(not_an_integer)
}

/// Whether an argument is this word, in any case.
pub(crate) fn is(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// The one slot of all these keys, if they have one.
pub(crate) fn one_slot<'a>(mut keys: impl Iterator<Item = &'a Bytes>) -> Option<Slot> {
    let slot = slot_of(keys.next()?);
    keys.all(|key| slot_of(key) == slot).then_some(slot)
}

pub(crate) fn read(key: &Bytes, read: Read) -> Result<Command, Reply> {
    Ok(Command::Read { slot: slot_of(key), read })
}

pub(crate) fn write(key: &Bytes, write: Write) -> Result<Command, Reply> {
    Ok(Command::Write { slot: slot_of(key), write })
}
