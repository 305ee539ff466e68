//! Numbers in strings: INCR and its family. The expiry stays.

use super::long_double::LongDouble;
use super::strings::{content, replace};
use proto::commands::number::parse_i64;
use proto::hlc::Timestamp;
use proto::reply::Reply;
use storage::state::{Blob, ShardState};

pub(super) fn increase(state: &mut ShardState, ts: Timestamp, key: &[u8], delta: i64) -> Reply {
    let old = match state.get(key) {
        None => 0,
        Some(item) => match parse_i64(content(item)) {
            Some(number) => number,
            None => return Reply::error("ERR value is not an integer or out of range"),
        },
    };
    let Some(new) = old.checked_add(delta) else {
        return Reply::error("ERR increment or decrement would overflow");
    };
    replace(state, ts, key, Blob::from(new.to_string().as_bytes()));
    Reply::Int(new)
}

pub(super) fn increase_float(state: &mut ShardState, ts: Timestamp, key: &[u8], delta: &[u8]) -> Reply {
    let old = match state.get(key) {
        None => Some(LongDouble::ZERO),
        Some(item) => LongDouble::parse(content(item)),
    };
    let (Some(old), Some(delta)) = (old, LongDouble::parse(delta)) else {
        return Reply::error("ERR value is not a valid float");
    };
    let Some(text) = old.plus(delta).to_text() else {
        return Reply::error("ERR increment would produce NaN or Infinity");
    };
    replace(state, ts, key, Blob::from(text.as_bytes()));
    Reply::bulk(text)
}
