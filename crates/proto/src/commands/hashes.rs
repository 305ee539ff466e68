//! Arguments of the hash commands.

use super::Row;
use super::arguments::{integer, is, read, syntax, write, wrong_number};
use super::number::is_float;
use super::sets::{element_scan, random_count};
use crate::command::Command;
use crate::ops::{HashRead, HashWrite, Read, Write};
use crate::reply::Reply;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

fn set(row: &Row, argv: &[Bytes], ok_reply: bool) -> Parsed {
    let (pairs, rest) = argv[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_number(row.name));
    }
    let fields = pairs.iter().map(|[field, value]| (field.clone(), value.clone())).collect();
    write(&argv[1], Write::Hash(HashWrite::Set { key: argv[1].clone(), fields, ok_reply }))
}

pub(super) fn hset(row: &Row, argv: &[Bytes]) -> Parsed {
    set(row, argv, false)
}

pub(super) fn hmset(row: &Row, argv: &[Bytes]) -> Parsed {
    set(row, argv, true)
}

pub(super) fn hsetnx(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, field, value) = (argv[1].clone(), argv[2].clone(), argv[3].clone());
    write(&argv[1], Write::Hash(HashWrite::SetNx { key, field, value }))
}

pub(super) fn hdel(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, fields) = (argv[1].clone(), argv[2..].to_vec());
    write(&argv[1], Write::Hash(HashWrite::Delete { key, fields }))
}

pub(super) fn hincrby(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, field, delta) = (argv[1].clone(), argv[2].clone(), integer(&argv[3])?);
    write(&argv[1], Write::Hash(HashWrite::IncrBy { key, field, delta }))
}

pub(super) fn hincrbyfloat(_: &Row, argv: &[Bytes]) -> Parsed {
    if !is_float(&argv[3]) {
        return Err(Reply::error("ERR value is not a valid float"));
    }
    if argv[3].iter().any(|byte| byte.eq_ignore_ascii_case(&b'n')) {
        return Err(Reply::error("ERR value is NaN or Infinity"));
    }
    let (key, field, delta) = (argv[1].clone(), argv[2].clone(), argv[3].clone());
    write(&argv[1], Write::Hash(HashWrite::IncrByFloat { key, field, delta }))
}

pub(super) fn hget(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, field) = (argv[1].clone(), argv[2].clone());
    read(&argv[1], Read::Hash(HashRead::Get { key, field }))
}

pub(super) fn hmget(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, fields) = (argv[1].clone(), argv[2..].to_vec());
    read(&argv[1], Read::Hash(HashRead::MGet { key, fields }))
}

pub(super) fn hgetall(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Hash(HashRead::GetAll { key: argv[1].clone() }))
}

pub(super) fn hkeys(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Hash(HashRead::Keys { key: argv[1].clone() }))
}

pub(super) fn hvals(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Hash(HashRead::Values { key: argv[1].clone() }))
}

pub(super) fn hlen(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::Hash(HashRead::Len { key: argv[1].clone() }))
}

pub(super) fn hexists(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, field) = (argv[1].clone(), argv[2].clone());
    read(&argv[1], Read::Hash(HashRead::Exists { key, field }))
}

pub(super) fn hstrlen(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, field) = (argv[1].clone(), argv[2].clone());
    read(&argv[1], Read::Hash(HashRead::StrLen { key, field }))
}

pub(super) fn hscan(_: &Row, argv: &[Bytes]) -> Parsed {
    let scan = element_scan(argv)?;
    read(&argv[1], Read::Hash(HashRead::Scan { key: argv[1].clone(), scan }))
}

pub(super) fn hrandfield(_: &Row, argv: &[Bytes]) -> Parsed {
    let (count, with_values) = match &argv[2..] {
        [] => (None, false),
        [count] => (Some(random_count(count, false)?), false),
        [count, word] if is(word, "WITHVALUES") => (Some(random_count(count, true)?), true),
        _ => return Err(syntax()),
    };
    let key = argv[1].clone();
    read(&argv[1], Read::Hash(HashRead::RandomField { key, count, with_values, seed: 0 }))
}
