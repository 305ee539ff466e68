//! Hashes: fields with values, and numbers in them.

use super::collection::{bounded, bounded_pairs, bulk, count, edit, either, look, scan};
use super::draw::Draw;
use super::long_double::LongDouble;
use bytes::Bytes;
use proto::commands::number::parse_i64;
use proto::hlc::Timestamp;
use proto::ops::{HashRead, HashWrite};
use proto::reply::Reply;
use storage::state::{Blob, Element, Elements, Field, ShardState};

type Hash = Elements<Field>;

pub(crate) fn apply(state: &mut ShardState, ts: Timestamp, write: &HashWrite) -> Reply {
    either(match write {
        HashWrite::Set { key, fields, ok_reply } => set(state, ts, key, fields, *ok_reply),
        HashWrite::SetNx { key, field, value } => set_if_absent(state, ts, key, field, value),
        HashWrite::Delete { key, fields } => delete(state, ts, key, fields),
        HashWrite::IncrBy { key, field, delta } => increase(state, ts, key, field, *delta),
        HashWrite::IncrByFloat { key, field, delta } => increase_float(state, ts, key, field, delta),
    })
}

pub(crate) fn read(state: &ShardState, read: &HashRead) -> Reply {
    either(answer(state, read))
}

fn answer(state: &ShardState, read: &HashRead) -> Result<Reply, Reply> {
    let all = |key: &Bytes| -> Result<_, Reply> {
        let hash: Option<&Hash> = look(state, key)?;
        Ok(hash.into_iter().flat_map(Hash::iter))
    };
    let one = |key: &Bytes, field: &Bytes| -> Result<Option<&Blob>, Reply> {
        Ok(look::<Hash>(state, key)?.and_then(|hash| value_of(hash, field)))
    };
    match read {
        HashRead::Get { key, field } => Ok(one(key, field)?.map_or(Reply::Nil, bulk)),
        HashRead::MGet { key, fields } => {
            let hash: Option<&Hash> = look(state, key)?;
            let value = |field: &Bytes| hash.and_then(|hash| value_of(hash, field)).map_or(Reply::Nil, bulk);
            bounded(fields.iter().map(value)).map(Reply::Array)
        }
        HashRead::GetAll { key } => bounded_pairs(all(key)?.map(shown)).map(Reply::Map),
        HashRead::Keys { key } => bounded(all(key)?.map(|field| bulk(field.name()))).map(Reply::Array),
        HashRead::Values { key } => bounded(all(key)?.map(|field| bulk(&field.value))).map(Reply::Array),
        HashRead::Len { key } => Ok(count(look(state, key)?.map_or(0, Hash::len))),
        HashRead::Exists { key, field } => Ok(Reply::Int(i64::from(one(key, field)?.is_some()))),
        HashRead::StrLen { key, field } => {
            Ok(count(one(key, field)?.map_or(0, |value| value.as_slice().len())))
        }
        HashRead::Scan { key, scan: step } => scan(look::<Hash>(state, key)?, step, |field| {
            let (name, value) = shown(field);
            vec![name, value]
        }),
        HashRead::RandomField { key, count: None, seed, .. } => {
            let hash: Option<&Hash> = look(state, key)?;
            let drawn = hash.and_then(|hash| hash.at(Draw::new(*seed).below(hash.len())));
            Ok(drawn.map_or(Reply::Nil, |field| bulk(field.name())))
        }
        HashRead::RandomField { key, count: Some(count), with_values, seed } => {
            let Some(hash) = look::<Hash>(state, key)? else { return Ok(Reply::Array(Vec::new())) };
            let drawn = Draw::new(*seed).indices(*count, hash.len()).filter_map(|index| hash.at(index));
            if *with_values {
                bounded_pairs(drawn.map(shown)).map(Reply::Pairs)
            } else {
                bounded(drawn.map(|field| bulk(field.name()))).map(Reply::Array)
            }
        }
    }
}

fn shown(field: &Field) -> (Reply, Reply) {
    (bulk(field.name()), bulk(&field.value))
}

fn value_of<'a>(hash: &'a Hash, field: &[u8]) -> Option<&'a Blob> {
    hash.get(field).map(|field| &field.value)
}

fn set(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    fields: &[(Bytes, Bytes)],
    ok_reply: bool,
) -> Result<Reply, Reply> {
    look::<Hash>(state, key)?;
    let new = edit(state, ts, key, |hash: &mut Hash| {
        let put = |(field, value): &&(Bytes, Bytes)| hash.insert(Field::new(field, value)).is_none();
        (fields.iter().filter(put).count(), true)
    });
    Ok(if ok_reply { Reply::OK } else { count(new) })
}

fn set_if_absent(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    field: &[u8],
    value: &[u8],
) -> Result<Reply, Reply> {
    if look::<Hash>(state, key)?.is_some_and(|hash| hash.contains(field)) {
        return Ok(Reply::Int(0));
    }
    put(state, ts, key, field, value);
    Ok(Reply::Int(1))
}

fn put(state: &mut ShardState, ts: Timestamp, key: &[u8], field: &[u8], value: &[u8]) {
    edit(state, ts, key, |hash: &mut Hash| (drop(hash.insert(Field::new(field, value))), true));
}

fn delete(state: &mut ShardState, ts: Timestamp, key: &[u8], fields: &[Bytes]) -> Result<Reply, Reply> {
    let known: Option<&Hash> = look(state, key)?;
    if !known.is_some_and(|hash| fields.iter().any(|field| hash.contains(field))) {
        return Ok(Reply::Int(0));
    }
    Ok(count(edit(state, ts, key, |hash: &mut Hash| {
        let gone = fields.iter().filter(|field| hash.remove(field).is_some()).count();
        (gone, gone > 0)
    })))
}

fn increase(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    field: &[u8],
    delta: i64,
) -> Result<Reply, Reply> {
    let old = match look::<Hash>(state, key)?.and_then(|hash| value_of(hash, field)) {
        None => 0,
        Some(value) => {
            parse_i64(value.as_slice()).ok_or_else(|| Reply::error("ERR hash value is not an integer"))?
        }
    };
    let new =
        old.checked_add(delta).ok_or_else(|| Reply::error("ERR increment or decrement would overflow"))?;
    put(state, ts, key, field, new.to_string().as_bytes());
    Ok(Reply::Int(new))
}

fn increase_float(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    field: &[u8],
    delta: &[u8],
) -> Result<Reply, Reply> {
    let old = match look::<Hash>(state, key)?.and_then(|hash| value_of(hash, field)) {
        None => LongDouble::ZERO,
        Some(value) => LongDouble::parse(value.as_slice())
            .ok_or_else(|| Reply::error("ERR hash value is not a float"))?,
    };
    let delta = LongDouble::parse(delta).ok_or_else(|| Reply::error("ERR value is not a valid float"))?;
    let text = old
        .plus(delta)
        .to_text()
        .ok_or_else(|| Reply::error("ERR increment would produce NaN or Infinity"))?;
    put(state, ts, key, field, text.as_bytes());
    Ok(Reply::bulk(text))
}
