//! Arguments of the string commands.

use super::Row;
use super::arguments::{
    cross_slot, integer, invalid_expire, is, one_slot, read, syntax, write, wrong_number,
};
use super::number::is_float;
use crate::command::Command;
use crate::ops::{Condition, Read, SetExpiry, StringRead, StringWrite, Write};
use crate::reply::Reply;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

/// No commit timestamp is later than this, so an expiry that is no further from the end of `i64` cannot overflow when it is resolved.
pub(super) const LAST_WALL_MS: i64 = (1 << 48) - 1;

pub(super) fn get(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::String(StringRead::Get { key: argv[1].clone() }))
}

/// What SET-like options may say.
struct Options {
    expiry: SetExpiry,
    condition: Condition,
    get: bool,
}

/// `EX`, `PX`, `EXAT`, `PXAT` with their argument, checked as SET checks it.
fn expiry(row: &Row, unit: Unit, argument: &[u8]) -> Result<SetExpiry, Reply> {
    let number = integer(argument)?;
    let in_ms = if unit.seconds() { number.checked_mul(1000) } else { Some(number) };
    let limit = if unit.relative() { i64::MAX - LAST_WALL_MS } else { i64::MAX };
    match in_ms {
        Some(ms @ 1..) if ms <= limit => {
            let ms = ms.unsigned_abs();
            Ok(if unit.relative() { SetExpiry::AfterMs(ms) } else { SetExpiry::AtMs(ms) })
        }
        _ => Err(invalid_expire(row.name)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Ex,
    Px,
    ExAt,
    PxAt,
}

impl Unit {
    fn named(word: &[u8]) -> Option<Unit> {
        [("EX", Unit::Ex), ("PX", Unit::Px), ("EXAT", Unit::ExAt), ("PXAT", Unit::PxAt)]
            .into_iter()
            .find_map(|(name, unit)| is(word, name).then_some(unit))
    }

    fn seconds(self) -> bool {
        matches!(self, Unit::Ex | Unit::ExAt)
    }

    fn relative(self) -> bool {
        matches!(self, Unit::Ex | Unit::Px)
    }
}

/// SET's options. Redis lets a unit be repeated (the last one counts) but not two units be mixed.
fn set_options(row: &Row, options: &[Bytes]) -> Result<Options, Reply> {
    let mut condition = Condition::Always;
    let mut keep = false;
    let mut get = false;
    let mut given: Option<(Unit, &Bytes)> = None;
    let mut rest = options.iter();
    while let Some(word) = rest.next() {
        if is(word, "NX") && matches!(condition, Condition::Always | Condition::Absent) {
            condition = Condition::Absent;
        } else if is(word, "XX") && matches!(condition, Condition::Always | Condition::Present) {
            condition = Condition::Present;
        } else if is(word, "GET") {
            get = true;
        } else if is(word, "KEEPTTL") && given.is_none() {
            keep = true;
        } else if is(word, "IFEQ") && condition == Condition::Always {
            condition = Condition::Equals(rest.next().ok_or_else(syntax)?.clone());
        } else if is(word, "IFNE") && condition == Condition::Always {
            condition = Condition::NotEquals(rest.next().ok_or_else(syntax)?.clone());
        } else if let Some(unit) = Unit::named(word)
            && !keep
            && given.is_none_or(|(other, _)| other == unit)
        {
            given = Some((unit, rest.next().ok_or_else(syntax)?));
        } else {
            return Err(syntax());
        }
    }
    let expiry = match given {
        Some((unit, argument)) => expiry(row, unit, argument)?,
        None if keep => SetExpiry::Keep,
        None => SetExpiry::Never,
    };
    Ok(Options { expiry, condition, get })
}

pub(super) fn set(row: &Row, argv: &[Bytes]) -> Parsed {
    let Options { expiry, condition, get } = if argv.len() == 3 {
        Options { expiry: SetExpiry::Never, condition: Condition::Always, get: false }
    } else {
        set_options(row, &argv[3..])?
    };
    let (key, value) = (argv[1].clone(), argv[2].clone());
    write(
        &argv[1],
        Write::String(StringWrite::Set { key, value, expiry, condition, get, integer_reply: false }),
    )
}

pub(super) fn setnx(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, value) = (argv[1].clone(), argv[2].clone());
    let set = StringWrite::Set {
        key,
        value,
        expiry: SetExpiry::Never,
        condition: Condition::Absent,
        get: false,
        integer_reply: true,
    };
    write(&argv[1], Write::String(set))
}

pub(super) fn setex(row: &Row, argv: &[Bytes]) -> Parsed {
    set_for(row, argv, Unit::Ex)
}

pub(super) fn psetex(row: &Row, argv: &[Bytes]) -> Parsed {
    set_for(row, argv, Unit::Px)
}

fn set_for(row: &Row, argv: &[Bytes], unit: Unit) -> Parsed {
    let set = StringWrite::Set {
        key: argv[1].clone(),
        value: argv[3].clone(),
        expiry: expiry(row, unit, &argv[2])?,
        condition: Condition::Always,
        get: false,
        integer_reply: false,
    };
    write(&argv[1], Write::String(set))
}

pub(super) fn getset(_: &Row, argv: &[Bytes]) -> Parsed {
    let set = StringWrite::Set {
        key: argv[1].clone(),
        value: argv[2].clone(),
        expiry: SetExpiry::Never,
        condition: Condition::Always,
        get: true,
        integer_reply: false,
    };
    write(&argv[1], Write::String(set))
}

pub(super) fn getdel(_: &Row, argv: &[Bytes]) -> Parsed {
    write(&argv[1], Write::String(StringWrite::GetDel { key: argv[1].clone() }))
}

pub(super) fn getex(row: &Row, argv: &[Bytes]) -> Parsed {
    let mut persist = false;
    let mut given: Option<(Unit, &Bytes)> = None;
    let mut rest = argv[2..].iter();
    while let Some(word) = rest.next() {
        if is(word, "PERSIST") && given.is_none() {
            persist = true;
        } else if let Some(unit) = Unit::named(word)
            && !persist
            && given.is_none_or(|(other, _)| other == unit)
        {
            given = Some((unit, rest.next().ok_or_else(syntax)?));
        } else {
            return Err(syntax());
        }
    }
    let key = argv[1].clone();
    match given {
        Some((unit, argument)) => {
            let expiry = expiry(row, unit, argument)?;
            write(&argv[1], Write::String(StringWrite::GetEx { key, expiry }))
        }
        None if persist => {
            write(&argv[1], Write::String(StringWrite::GetEx { key, expiry: SetExpiry::Never }))
        }
        None => get(row, argv),
    }
}

pub(super) fn append(_: &Row, argv: &[Bytes]) -> Parsed {
    write(&argv[1], Write::String(StringWrite::Append { key: argv[1].clone(), value: argv[2].clone() }))
}

pub(super) fn strlen(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::String(StringRead::StrLen { key: argv[1].clone() }))
}

fn increase(key: &Bytes, delta: i64) -> Parsed {
    write(key, Write::String(StringWrite::IncrBy { key: key.clone(), delta }))
}

pub(super) fn incr(_: &Row, argv: &[Bytes]) -> Parsed {
    increase(&argv[1], 1)
}

pub(super) fn decr(_: &Row, argv: &[Bytes]) -> Parsed {
    increase(&argv[1], -1)
}

pub(super) fn incrby(_: &Row, argv: &[Bytes]) -> Parsed {
    increase(&argv[1], integer(&argv[2])?)
}

pub(super) fn decrby(_: &Row, argv: &[Bytes]) -> Parsed {
    match integer(&argv[2])?.checked_neg() {
        Some(delta) => increase(&argv[1], delta),
        None => Err(Reply::error("ERR decrement would overflow")),
    }
}

pub(super) fn incrbyfloat(_: &Row, argv: &[Bytes]) -> Parsed {
    if !is_float(&argv[2]) {
        return Err(Reply::error("ERR value is not a valid float"));
    }
    write(&argv[1], Write::String(StringWrite::IncrByFloat { key: argv[1].clone(), delta: argv[2].clone() }))
}

pub(super) fn mget(_: &Row, argv: &[Bytes]) -> Parsed {
    let keys = argv[1..].to_vec();
    Ok(match one_slot(keys.iter()) {
        Some(slot) => Command::Read { slot, read: Read::String(StringRead::MGet { keys }) },
        None => Command::MGet { keys },
    })
}

fn pairs(row: &Row, argv: &[Bytes]) -> Result<Vec<(Bytes, Bytes)>, Reply> {
    let (pairs, rest) = argv[1..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_number(row.name));
    }
    Ok(pairs.iter().map(|[key, value]| (key.clone(), value.clone())).collect())
}

pub(super) fn mset(row: &Row, argv: &[Bytes]) -> Parsed {
    let pairs = pairs(row, argv)?;
    Ok(match one_slot(pairs.iter().map(|(key, _)| key)) {
        Some(slot) => Command::Write { slot, write: Write::String(StringWrite::MSet { pairs }) },
        None => Command::MSet { pairs },
    })
}

pub(super) fn msetnx(row: &Row, argv: &[Bytes]) -> Parsed {
    let pairs = pairs(row, argv)?;
    match one_slot(pairs.iter().map(|(key, _)| key)) {
        Some(slot) => Ok(Command::Write { slot, write: Write::String(StringWrite::MSetNx { pairs }) }),
        None => Err(cross_slot()),
    }
}

pub(super) fn getrange(_: &Row, argv: &[Bytes]) -> Parsed {
    let (start, end) = (integer(&argv[2])?, integer(&argv[3])?);
    read(&argv[1], Read::String(StringRead::GetRange { key: argv[1].clone(), start, end }))
}

pub(super) fn setrange(_: &Row, argv: &[Bytes]) -> Parsed {
    let offset = u64::try_from(integer(&argv[2])?).map_err(|_| Reply::error("ERR offset is out of range"))?;
    write(
        &argv[1],
        Write::String(StringWrite::SetRange { key: argv[1].clone(), offset, value: argv[3].clone() }),
    )
}

pub(super) fn lcs(_: &Row, argv: &[Bytes]) -> Parsed {
    let (first, second) = (argv[1].clone(), argv[2].clone());
    let (mut len_only, mut idx, mut min_match_len, mut with_match_len) = (false, false, 0, false);
    let mut rest = argv[3..].iter();
    while let Some(word) = rest.next() {
        if is(word, "IDX") {
            idx = true;
        } else if is(word, "LEN") {
            len_only = true;
        } else if is(word, "WITHMATCHLEN") {
            with_match_len = true;
        } else if is(word, "MINMATCHLEN") {
            let least = integer(rest.next().ok_or_else(syntax)?)?;
            min_match_len = u64::try_from(least).unwrap_or(0);
        } else {
            return Err(syntax());
        }
    }
    if idx && len_only {
        return Err(Reply::error("ERR If you want both the length and indexes, please just use IDX."));
    }
    let slot = one_slot([&first, &second].into_iter()).ok_or_else(cross_slot)?;
    Ok(Command::Read {
        slot,
        read: Read::String(StringRead::Lcs { first, second, len_only, idx, min_match_len, with_match_len }),
    })
}
