//! Arguments of the list commands.

use super::Row;
use super::arguments::{integer, is, read, syntax, write, wrong_number};
use super::number::parse_i64;
use super::sets::{count_not_negative, counted_keys, numkeys_too_few, write_to_one_slot};
use crate::command::Command;
use crate::ops::{End, ListRead, ListWrite, Read, Write};
use crate::reply::Reply;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

fn end(word: &[u8]) -> Result<End, Reply> {
    if is(word, "LEFT") {
        Ok(End::Left)
    } else if is(word, "RIGHT") {
        Ok(End::Right)
    } else {
        Err(syntax())
    }
}

fn push(argv: &[Bytes], end: End, only_if_present: bool) -> Parsed {
    let (key, values) = (argv[1].clone(), argv[2..].to_vec());
    write(&argv[1], Write::List(ListWrite::Push { key, values, end, only_if_present }))
}

pub(super) fn lpush(_: &Row, argv: &[Bytes]) -> Parsed {
    push(argv, End::Left, false)
}

pub(super) fn rpush(_: &Row, argv: &[Bytes]) -> Parsed {
    push(argv, End::Right, false)
}

pub(super) fn lpushx(_: &Row, argv: &[Bytes]) -> Parsed {
    push(argv, End::Left, true)
}

pub(super) fn rpushx(_: &Row, argv: &[Bytes]) -> Parsed {
    push(argv, End::Right, true)
}

fn pop(row: &Row, argv: &[Bytes], end: End) -> Parsed {
    let count = match &argv[2..] {
        [] => None,
        [count] => Some(count_not_negative(count)?),
        _ => return Err(wrong_number(row.name)),
    };
    write(&argv[1], Write::List(ListWrite::Pop { key: argv[1].clone(), end, count }))
}

pub(super) fn lpop(row: &Row, argv: &[Bytes]) -> Parsed {
    pop(row, argv, End::Left)
}

pub(super) fn rpop(row: &Row, argv: &[Bytes]) -> Parsed {
    pop(row, argv, End::Right)
}

/// `[COUNT n]` of LMPOP and ZMPOP.
pub(super) fn pop_count(rest: &[Bytes]) -> Result<u64, Reply> {
    match rest {
        [] => Ok(1),
        [word, count] if is(word, "COUNT") => parse_i64(count)
            .filter(|&count| count > 0)
            .map(i64::unsigned_abs)
            .ok_or_else(|| Reply::error("ERR count should be greater than 0")),
        _ => Err(syntax()),
    }
}

pub(super) fn lmpop(_: &Row, argv: &[Bytes]) -> Parsed {
    let (keys, rest) = counted_keys(argv, 1, numkeys_too_few, syntax)?;
    let end = end(argv.get(rest).ok_or_else(syntax)?)?;
    let count = pop_count(&argv[rest + 1..])?;
    write_to_one_slot(argv[2..rest].iter(), Write::List(ListWrite::MultiPop { keys, end, count }))
}

pub(super) fn lset(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, index, value) = (argv[1].clone(), integer(&argv[2])?, argv[3].clone());
    write(&argv[1], Write::List(ListWrite::Set { key, index, value }))
}

pub(super) fn lrem(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, count, value) = (argv[1].clone(), integer(&argv[2])?, argv[3].clone());
    write(&argv[1], Write::List(ListWrite::Remove { key, count, value }))
}

pub(super) fn ltrim(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, start, stop) = (argv[1].clone(), integer(&argv[2])?, integer(&argv[3])?);
    write(&argv[1], Write::List(ListWrite::Trim { key, start, stop }))
}

pub(super) fn linsert(_: &Row, argv: &[Bytes]) -> Parsed {
    let before = is(&argv[2], "BEFORE");
    if !before && !is(&argv[2], "AFTER") {
        return Err(syntax());
    }
    let (key, pivot, value) = (argv[1].clone(), argv[3].clone(), argv[4].clone());
    write(&argv[1], Write::List(ListWrite::Insert { key, before, pivot, value }))
}

fn move_element(argv: &[Bytes], from_end: End, to_end: End) -> Parsed {
    let (from, to) = (argv[1].clone(), argv[2].clone());
    write_to_one_slot(argv[1..3].iter(), Write::List(ListWrite::Move { from, to, from_end, to_end }))
}

pub(super) fn lmove(_: &Row, argv: &[Bytes]) -> Parsed {
    move_element(argv, end(&argv[3])?, end(&argv[4])?)
}

pub(super) fn rpoplpush(_: &Row, argv: &[Bytes]) -> Parsed {
    move_element(argv, End::Right, End::Left)
}

pub(super) fn lrange(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, start, stop) = (argv[1].clone(), integer(&argv[2])?, integer(&argv[3])?);
    read(&argv[1], Read::List(ListRead::Range { key, start, stop }))
}

pub(super) fn llen(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::List(ListRead::Len { key: argv[1].clone() }))
}

pub(super) fn lindex(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, index) = (argv[1].clone(), integer(&argv[2])?);
    read(&argv[1], Read::List(ListRead::Index { key, index }))
}

pub(super) fn lpos(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, value) = (argv[1].clone(), argv[2].clone());
    let (mut rank, mut count, mut max_len) = (1, None, 0);
    let not_negative = |argument: &Bytes, name: &str| {
        let number = parse_i64(argument).and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| Reply::error(format!("ERR {name} can't be negative")))
    };
    let mut rest = argv[3..].iter();
    while let Some(word) = rest.next() {
        let argument = rest.next().ok_or_else(syntax)?;
        if is(word, "RANK") {
            rank = match integer(argument)? {
                0 => {
                    return Err(Reply::error(
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
                    ));
                }
                i64::MIN => {
                    return Err(Reply::error(format!(
                        "ERR value is out of range, value must between {} and {}",
                        -i64::MAX,
                        i64::MAX
                    )));
                }
                rank => rank,
            };
        } else if is(word, "COUNT") {
            count = Some(not_negative(argument, "COUNT")?);
        } else if is(word, "MAXLEN") {
            max_len = not_negative(argument, "MAXLEN")?;
        } else {
            return Err(syntax());
        }
    }
    read(&argv[1], Read::List(ListRead::Position { key, value, rank, count, max_len }))
}
