//! Arguments of the set commands, and those that other collections have in the same form: scans, counts, numbered keys.

use super::Row;
use super::arguments::{cross_slot, integer, is, one_slot, read, syntax, write};
use super::number::{parse_i64, parse_u64};
use crate::command::Command;
use crate::limits::{MAX_PATTERN_BYTES, MAX_SCAN_COUNT};
use crate::ops::{ElementScan, Read, SetOperation, SetRead, SetWrite, Write};
use crate::reply::Reply;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

/// A write whose keys must all be in one slot.
pub(super) fn write_to_one_slot<'a>(keys: impl Iterator<Item = &'a Bytes>, write: Write) -> Parsed {
    let slot = one_slot(keys).ok_or_else(cross_slot)?;
    Ok(Command::Write { slot, write })
}

/// A read whose keys must all be in one slot.
pub(super) fn read_of_one_slot<'a>(keys: impl Iterator<Item = &'a Bytes>, read: Read) -> Parsed {
    let slot = one_slot(keys).ok_or_else(cross_slot)?;
    Ok(Command::Read { slot, read })
}

/// A count that pops and the like take: none below zero.
pub(super) fn count_not_negative(argument: &[u8]) -> Result<u64, Reply> {
    parse_i64(argument)
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| Reply::error("ERR value is out of range, must be positive"))
}

/// The count of SRANDMEMBER, HRANDFIELD and ZRANDMEMBER. `doubled`: each element is answered with something else.
pub(super) fn random_count(argument: &[u8], doubled: bool) -> Result<i64, Reply> {
    let count = integer(argument)?;
    if count == i64::MIN {
        return Err(Reply::error(format!(
            "ERR value is out of range, value must between {} and {}",
            -i64::MAX,
            i64::MAX
        )));
    }
    if doubled && count.unsigned_abs() > (i64::MAX / 2).unsigned_abs() {
        return Err(Reply::error("ERR value is out of range"));
    }
    Ok(count)
}

/// `numkeys key [key …]` from a position on: the keys, and where the rest begins. `few` and `many` say what is wrong with the number.
pub(super) fn counted_keys(
    argv: &[Bytes],
    at: usize,
    few: impl Fn() -> Reply,
    many: impl Fn() -> Reply,
) -> Result<(Vec<Bytes>, usize), Reply> {
    let count = parse_i64(&argv[at]).filter(|&count| count > 0).ok_or_else(few)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let end = (at + 1).checked_add(count).filter(|&end| end <= argv.len()).ok_or_else(many)?;
    Ok((argv[at + 1..end].to_vec(), end))
}

pub(super) fn numkeys_too_few() -> Reply {
    Reply::error("ERR numkeys should be greater than 0")
}

/// The arguments of SSCAN, HSCAN and ZSCAN after the key.
pub(super) fn element_scan(argv: &[Bytes]) -> Result<ElementScan, Reply> {
    let cursor = parse_u64(&argv[2]).ok_or_else(|| Reply::error("ERR invalid cursor"))?;
    let (mut count, mut pattern) = (10, None);
    let mut rest = argv[3..].iter();
    while let Some(word) = rest.next() {
        let argument = rest.next().ok_or_else(syntax)?;
        if is(word, "COUNT") {
            count = match integer(argument)? {
                ..1 => return Err(syntax()),
                count => u32::try_from(count).unwrap_or(u32::MAX).min(MAX_SCAN_COUNT),
            };
        } else if is(word, "MATCH") {
            if argument.len() > MAX_PATTERN_BYTES {
                return Err(Reply::error(format!("ERR pattern is longer than {MAX_PATTERN_BYTES} bytes")));
            }
            pattern = Some(argument.clone());
        } else {
            return Err(syntax());
        }
    }
    Ok(ElementScan { cursor, count, pattern })
}

/// `[LIMIT n]` of SINTERCARD and ZINTERCARD.
pub(super) fn limit(rest: &[Bytes]) -> Result<u64, Reply> {
    match rest {
        [] => Ok(0),
        [word, limit] if is(word, "LIMIT") => parse_i64(limit)
            .and_then(|limit| u64::try_from(limit).ok())
            .ok_or_else(|| Reply::error("ERR LIMIT can't be negative")),
        _ => Err(syntax()),
    }
}

pub(super) fn sadd(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, members) = (argv[1].clone(), argv[2..].to_vec());
    write(&argv[1], Write::Set(SetWrite::Add { key, members }))
}

pub(super) fn srem(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, members) = (argv[1].clone(), argv[2..].to_vec());
    write(&argv[1], Write::Set(SetWrite::Remove { key, members }))
}

pub(super) fn spop(_: &Row, argv: &[Bytes]) -> Parsed {
    let count = match &argv[2..] {
        [] => None,
        [count] => Some(count_not_negative(count)?),
        _ => return Err(syntax()),
    };
    write(&argv[1], Write::Set(SetWrite::Pop { key: argv[1].clone(), count, seed: 0 }))
}

pub(super) fn smove(_: &Row, argv: &[Bytes]) -> Parsed {
    let (from, to, member) = (argv[1].clone(), argv[2].clone(), argv[3].clone());
    write_to_one_slot(argv[1..3].iter(), Write::Set(SetWrite::Move { from, to, member }))
}

pub(super) fn smembers(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Set(SetRead::Members { key: argv[1].clone() }))
}

pub(super) fn sismember(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, member) = (argv[1].clone(), argv[2].clone());
    read(&argv[1], Read::Set(SetRead::IsMember { key, member }))
}

pub(super) fn smismember(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, members) = (argv[1].clone(), argv[2..].to_vec());
    read(&argv[1], Read::Set(SetRead::AreMembers { key, members }))
}

pub(super) fn scard(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Set(SetRead::Card { key: argv[1].clone() }))
}

pub(super) fn srandmember(_: &Row, argv: &[Bytes]) -> Parsed {
    let count = match &argv[2..] {
        [] => None,
        [count] => Some(random_count(count, false)?),
        _ => return Err(syntax()),
    };
    read(&argv[1], Read::Set(SetRead::RandomMember { key: argv[1].clone(), count, seed: 0 }))
}

pub(super) fn sscan(_: &Row, argv: &[Bytes]) -> Parsed {
    let scan = element_scan(argv)?;
    read(&argv[1], Read::Set(SetRead::Scan { key: argv[1].clone(), scan }))
}

fn combine(argv: &[Bytes], operation: SetOperation) -> Parsed {
    let keys = argv[1..].to_vec();
    read_of_one_slot(argv[1..].iter(), Read::Set(SetRead::Combine { keys, operation }))
}

pub(super) fn sinter(_: &Row, argv: &[Bytes]) -> Parsed {
    combine(argv, SetOperation::Intersection)
}

pub(super) fn sunion(_: &Row, argv: &[Bytes]) -> Parsed {
    combine(argv, SetOperation::Union)
}

pub(super) fn sdiff(_: &Row, argv: &[Bytes]) -> Parsed {
    combine(argv, SetOperation::Difference)
}

pub(super) fn sintercard(_: &Row, argv: &[Bytes]) -> Parsed {
    let many = || Reply::error("ERR Number of keys can't be greater than number of args");
    let (keys, end) = counted_keys(argv, 1, numkeys_too_few, many)?;
    let limit = limit(&argv[end..])?;
    read_of_one_slot(argv[2..end].iter(), Read::Set(SetRead::InterCard { keys, limit }))
}

fn store(argv: &[Bytes], operation: SetOperation) -> Parsed {
    let (to, keys) = (argv[1].clone(), argv[2..].to_vec());
    write_to_one_slot(argv[1..].iter(), Write::Set(SetWrite::Store { to, keys, operation }))
}

pub(super) fn sinterstore(_: &Row, argv: &[Bytes]) -> Parsed {
    store(argv, SetOperation::Intersection)
}

pub(super) fn sunionstore(_: &Row, argv: &[Bytes]) -> Parsed {
    store(argv, SetOperation::Union)
}

pub(super) fn sdiffstore(_: &Row, argv: &[Bytes]) -> Parsed {
    store(argv, SetOperation::Difference)
}
