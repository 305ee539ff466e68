//! Arguments of the commands on keys of any type and on the key space.

use super::Row;
use super::arguments::{cross_slot, integer, invalid_expire, is, one_slot, read, syntax, write};
use super::number::parse_u64;
use super::strings::LAST_WALL_MS;
use crate::command::Command;
use crate::ids::Slot;
use crate::limits::{MAX_PATTERN_BYTES, MAX_SCAN_COUNT, SLOT_COUNT};
use crate::ops::{ExpireCondition, KeyRead, KeyWrite, Read, TtlUnit, TypeFilter, Write};
use crate::reply::Reply;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

pub(super) fn del(_: &Row, argv: &[Bytes]) -> Parsed {
    let keys = argv[1..].to_vec();
    Ok(match one_slot(keys.iter()) {
        Some(slot) => Command::Write { slot, write: Write::Key(KeyWrite::Del { keys }) },
        None => Command::Del { keys },
    })
}

pub(super) fn exists(_: &Row, argv: &[Bytes]) -> Parsed {
    let keys = argv[1..].to_vec();
    Ok(match one_slot(keys.iter()) {
        Some(slot) => Command::Read { slot, read: Read::Key(KeyRead::Exists { keys }) },
        None => Command::Exists { keys },
    })
}

/// `CONFLICTS key`
pub(super) fn conflicts(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Key(KeyRead::Conflicts { key: argv[1].clone() }))
}

pub(super) fn key_type(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Key(KeyRead::Type { key: argv[1].clone() }))
}

fn expire_condition(options: &[Bytes]) -> Result<ExpireCondition, Reply> {
    let mut condition = ExpireCondition::default();
    for word in options {
        if is(word, "NX") {
            condition.nx = true;
        } else if is(word, "XX") {
            condition.xx = true;
        } else if is(word, "GT") {
            condition.gt = true;
        } else if is(word, "LT") {
            condition.lt = true;
        } else {
            return Err(Reply::error(format!("ERR Unsupported option {}", String::from_utf8_lossy(word))));
        }
    }
    if condition.nx && (condition.xx || condition.gt || condition.lt) {
        return Err(Reply::error("ERR NX and XX, GT or LT options at the same time are not compatible"));
    }
    if condition.gt && condition.lt {
        return Err(Reply::error("ERR GT and LT options at the same time are not compatible"));
    }
    Ok(condition)
}

fn expire_after(row: &Row, argv: &[Bytes], unit_ms: i64) -> Parsed {
    let condition = expire_condition(&argv[3..])?;
    match integer(&argv[2])?.checked_mul(unit_ms) {
        Some(after_ms) if after_ms <= i64::MAX - LAST_WALL_MS => {
            write(&argv[1], Write::Key(KeyWrite::ExpireAfter { key: argv[1].clone(), after_ms, condition }))
        }
        _ => Err(invalid_expire(row.name)),
    }
}

fn expire_at(row: &Row, argv: &[Bytes], unit_ms: i64) -> Parsed {
    let condition = expire_condition(&argv[3..])?;
    let at_ms = integer(&argv[2])?.checked_mul(unit_ms).ok_or_else(|| invalid_expire(row.name))?;
    write(&argv[1], Write::Key(KeyWrite::ExpireAt { key: argv[1].clone(), at_ms, condition }))
}

pub(super) fn expire(row: &Row, argv: &[Bytes]) -> Parsed {
    expire_after(row, argv, 1000)
}

pub(super) fn pexpire(row: &Row, argv: &[Bytes]) -> Parsed {
    expire_after(row, argv, 1)
}

pub(super) fn expireat(row: &Row, argv: &[Bytes]) -> Parsed {
    expire_at(row, argv, 1000)
}

pub(super) fn pexpireat(row: &Row, argv: &[Bytes]) -> Parsed {
    expire_at(row, argv, 1)
}

fn time_to_live(argv: &[Bytes], unit: TtlUnit) -> Parsed {
    read(&argv[1], Read::Key(KeyRead::Ttl { key: argv[1].clone(), unit }))
}

pub(super) fn ttl(_: &Row, argv: &[Bytes]) -> Parsed {
    time_to_live(argv, TtlUnit::Seconds)
}

pub(super) fn pttl(_: &Row, argv: &[Bytes]) -> Parsed {
    time_to_live(argv, TtlUnit::Milliseconds)
}

pub(super) fn expiretime(_: &Row, argv: &[Bytes]) -> Parsed {
    time_to_live(argv, TtlUnit::UnixSeconds)
}

pub(super) fn pexpiretime(_: &Row, argv: &[Bytes]) -> Parsed {
    time_to_live(argv, TtlUnit::UnixMilliseconds)
}

pub(super) fn persist(_: &Row, argv: &[Bytes]) -> Parsed {
    write(&argv[1], Write::Key(KeyWrite::Persist { key: argv[1].clone() }))
}

fn rename_to(argv: &[Bytes], only_if_absent: bool) -> Parsed {
    let (from, to) = (argv[1].clone(), argv[2].clone());
    one_slot([&from, &to].into_iter()).ok_or_else(cross_slot)?;
    write(&argv[1], Write::Key(KeyWrite::Rename { from, to, only_if_absent }))
}

pub(super) fn rename(_: &Row, argv: &[Bytes]) -> Parsed {
    rename_to(argv, false)
}

pub(super) fn renamenx(_: &Row, argv: &[Bytes]) -> Parsed {
    rename_to(argv, true)
}

pub(super) fn copy(_: &Row, argv: &[Bytes]) -> Parsed {
    let mut replace = false;
    let mut rest = argv[3..].iter();
    while let Some(word) = rest.next() {
        if is(word, "REPLACE") {
            replace = true;
        } else if is(word, "DB") {
            if integer(rest.next().ok_or_else(syntax)?)? != 0 {
                return Err(Reply::error("ERR DB index is out of range"));
            }
        } else {
            return Err(syntax());
        }
    }
    let (from, to) = (argv[1].clone(), argv[2].clone());
    if from == to {
        return Err(Reply::error("ERR source and destination objects are the same"));
    }
    one_slot([&from, &to].into_iter()).ok_or_else(cross_slot)?;
    write(&argv[1], Write::Key(KeyWrite::Copy { from, to, replace }))
}

fn bounded_pattern(argument: &Bytes) -> Result<Bytes, Reply> {
    if argument.len() > MAX_PATTERN_BYTES {
        return Err(Reply::error(format!("ERR pattern is longer than {MAX_PATTERN_BYTES} bytes")));
    }
    Ok(argument.clone())
}

pub(super) fn keys(_: &Row, argv: &[Bytes]) -> Parsed {
    Ok(Command::Keys { pattern: bounded_pattern(&argv[1])? })
}

pub(super) fn scan(_: &Row, argv: &[Bytes]) -> Parsed {
    let cursor = parse_u64(&argv[1]).ok_or_else(|| Reply::error("ERR invalid cursor"))?;
    let (mut count, mut pattern, mut type_filter) = (10, None, None);
    let mut rest = argv[2..].iter();
    while let Some(word) = rest.next() {
        let argument = rest.next().ok_or_else(syntax)?;
        if is(word, "COUNT") {
            count = match integer(argument)? {
                ..1 => return Err(syntax()),
                count => u32::try_from(count).unwrap_or(u32::MAX).min(MAX_SCAN_COUNT),
            };
        } else if is(word, "MATCH") {
            pattern = Some(bounded_pattern(argument)?);
        } else if is(word, "TYPE") {
            type_filter = Some(TypeFilter(argument.clone()));
        } else {
            return Err(syntax());
        }
    }
    Ok(Command::Scan { cursor, count, pattern, type_filter })
}

pub(super) fn randomkey(_: &Row, _: &[Bytes]) -> Parsed {
    Ok(Command::RandomKey)
}

pub(super) fn dbsize(_: &Row, _: &[Bytes]) -> Parsed {
    Ok(Command::DbSize)
}

pub(super) fn flush(_: &Row, argv: &[Bytes]) -> Parsed {
    match &argv[1..] {
        [] => Ok(Command::FlushAll),
        [word] if is(word, "SYNC") || is(word, "ASYNC") => Ok(Command::FlushAll),
        _ => Err(syntax()),
    }
}

pub(super) fn object(row: &Row, argv: &[Bytes]) -> Parsed {
    let subcommand = row.name.rsplit('|').next().expect("a name has a last part");
    let subcommand = Bytes::from_static(subcommand.as_bytes());
    read(&argv[2], Read::Key(KeyRead::Object { key: argv[2].clone(), subcommand }))
}

pub(super) fn memory_usage(_: &Row, argv: &[Bytes]) -> Parsed {
    let mut rest = argv[3..].iter();
    while let Some(word) = rest.next() {
        if !is(word, "SAMPLES") || integer(rest.next().ok_or_else(syntax)?)? < 0 {
            return Err(syntax());
        }
    }
    read(&argv[2], Read::Key(KeyRead::MemoryUsage { key: argv[2].clone() }))
}

fn slot(argument: &[u8]) -> Result<Slot, Reply> {
    match integer(argument)?.try_into() {
        Ok(slot) if slot < SLOT_COUNT => Ok(Slot(slot)),
        _ => Err(Reply::error("ERR Invalid slot")),
    }
}

pub(super) fn count_in_slot(_: &Row, argv: &[Bytes]) -> Parsed {
    let slot = slot(&argv[2])?;
    Ok(Command::Read { slot, read: Read::Key(KeyRead::CountInSlot { slot }) })
}

pub(super) fn keys_in_slot(_: &Row, argv: &[Bytes]) -> Parsed {
    let slot = slot(&argv[2])?;
    let count = integer(&argv[3])?;
    if count < 0 {
        return Err(Reply::error("ERR Invalid number of keys"));
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Command::Read { slot, read: Read::Key(KeyRead::KeysInSlot { slot, count }) })
}
