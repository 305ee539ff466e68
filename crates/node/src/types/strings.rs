//! Strings: SET and its family, parts of values, several at once.

use super::{counters, expiry, lcs};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::limits::MAX_VALUE_BYTES;
use proto::ops::{Condition, SetExpiry, StringRead, StringWrite};
use proto::reply::Reply;
use storage::state::{Blob, Item, ShardState, Value};

pub(crate) fn apply(state: &mut ShardState, ts: Timestamp, write: &StringWrite) -> Reply {
    if let Some(key) = reads_a_string(write)
        && !holds_string_or_nothing(state, key)
    {
        return Reply::wrong_type();
    }
    match write {
        // The plain SET, without a look at what it replaces.
        StringWrite::Set {
            key,
            value,
            expiry,
            condition: Condition::Always,
            get: false,
            integer_reply: false,
        } => {
            set(state, ts, key, value, *expiry);
            Reply::OK
        }
        StringWrite::Set { key, value, expiry, condition, get, integer_reply } => {
            let old = state.get(key);
            let old_reply = if *get { bulk_or_nil(old) } else { Reply::Nil };
            let holds = holds(condition, old);
            if holds {
                set(state, ts, key, value, *expiry);
            }
            match (get, integer_reply) {
                (true, _) => old_reply,
                (false, true) => Reply::Int(i64::from(holds)),
                (false, false) if holds => Reply::OK,
                (false, false) => Reply::Nil,
            }
        }
        StringWrite::Put { key, value, expiry, condition } => {
            let old = state.get(key);
            let created = old.is_none();
            if !holds(condition, old) {
                return Reply::Nil;
            }
            set(state, ts, key, value, *expiry);
            Reply::Int(i64::from(created))
        }
        StringWrite::GetEx { key, expiry } => {
            let Some(item) = state.get(key) else { return Reply::Nil };
            let reply = bulk(item);
            let due = expiry::resolve(*expiry, item, ts);
            expiry::replace(state, ts, key, due);
            reply
        }
        StringWrite::GetDel { key } => {
            let reply = bulk_or_nil(state.get(key));
            state.remove(key, ts);
            reply
        }
        StringWrite::Append { key, value } => append(state, ts, key, value),
        StringWrite::SetRange { key, offset, value } => set_range(state, ts, key, *offset, value),
        StringWrite::IncrBy { key, delta } => counters::increase(state, ts, key, *delta),
        StringWrite::IncrByFloat { key, delta } => counters::increase_float(state, ts, key, delta),
        StringWrite::MSet { pairs } => {
            pairs.iter().for_each(|(key, value)| set(state, ts, key, value, SetExpiry::Never));
            Reply::OK
        }
        StringWrite::MSetNx { pairs } => {
            let free = pairs.iter().all(|(key, _)| state.get(key).is_none());
            if free {
                pairs.iter().for_each(|(key, value)| set(state, ts, key, value, SetExpiry::Never));
            }
            Reply::Int(i64::from(free))
        }
    }
}

/// The key whose value a write looks into, which must then be a string. What only writes replaces a value of any type.
fn reads_a_string(write: &StringWrite) -> Option<&Bytes> {
    match write {
        StringWrite::Set { key, get: true, .. }
        | StringWrite::Set { key, condition: Condition::Equals(_) | Condition::NotEquals(_), .. }
        | StringWrite::Put { key, condition: Condition::Equals(_) | Condition::NotEquals(_), .. }
        | StringWrite::GetEx { key, .. }
        | StringWrite::GetDel { key }
        | StringWrite::Append { key, .. }
        | StringWrite::SetRange { key, .. }
        | StringWrite::IncrBy { key, .. }
        | StringWrite::IncrByFloat { key, .. } => Some(key),
        StringWrite::Set { .. }
        | StringWrite::Put { .. }
        | StringWrite::MSet { .. }
        | StringWrite::MSetNx { .. } => None,
    }
}

fn holds_string_or_nothing(state: &ShardState, key: &[u8]) -> bool {
    state.get(key).is_none_or(|item| matches!(item.value, Value::String(_)))
}

pub(crate) fn read(state: &ShardState, read: &StringRead) -> Reply {
    match read {
        StringRead::Get { key } | StringRead::StrLen { key } | StringRead::GetRange { key, .. }
            if !holds_string_or_nothing(state, key) =>
        {
            Reply::wrong_type()
        }
        StringRead::Lcs { first, second, .. }
            if !holds_string_or_nothing(state, first) || !holds_string_or_nothing(state, second) =>
        {
            Reply::error("ERR The specified keys must contain string values")
        }
        StringRead::Get { key } => bulk_or_nil(state.get(key)),
        StringRead::StrLen { key } => Reply::Int(content_of(state, key).len() as i64),
        StringRead::GetRange { key, start, end } => {
            let content = content_of(state, key);
            Reply::Bulk(Bytes::copy_from_slice(range(content, *start, *end)))
        }
        StringRead::MGet { keys } => {
            Reply::Array(keys.iter().map(|key| bulk_or_nil(state.get(key))).collect())
        }
        StringRead::Lcs { first, second, len_only, idx, min_match_len, with_match_len } => {
            let (first, second) = (content_of(state, first), content_of(state, second));
            lcs::reply(first, second, *len_only, *idx, *min_match_len, *with_match_len)
        }
    }
}

/// Whether a conditional write takes effect.
pub(super) fn holds(condition: &Condition, old: Option<&Item>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Absent => old.is_none(),
        Condition::Present => old.is_some(),
        Condition::Equals(wanted) => old.is_some_and(|item| content(item) == wanted),
        Condition::NotEquals(unwanted) => old.is_none_or(|item| content(item) != unwanted),
        Condition::AnyVersion(versions) => old.is_some_and(|item| versions.contains(&item.version)),
        Condition::NoVersion(versions) => old.is_none_or(|item| !versions.contains(&item.version)),
    }
}

/// The bytes of a string item; of any other, none. Where the difference counts, the type was looked at before.
pub(super) fn content(item: &Item) -> &[u8] {
    if let Value::String(content) = &item.value { content.as_slice() } else { &[] }
}

fn content_of<'a>(state: &'a ShardState, key: &[u8]) -> &'a [u8] {
    state.get(key).map_or(&[], content)
}

/// A string's bytes; nil for any other type, as MGET has it.
fn bulk(item: &Item) -> Reply {
    if let Value::String(content) = &item.value { Reply::Bulk(content.to_bytes()) } else { Reply::Nil }
}

fn bulk_or_nil(item: Option<&Item>) -> Reply {
    item.map_or(Reply::Nil, bulk)
}

/// Writes a value with an expiry. One that has already come deletes the key.
fn set(state: &mut ShardState, ts: Timestamp, key: &[u8], value: &[u8], expiry: SetExpiry) {
    let due = match expiry {
        SetExpiry::Never => expiry::Due::Never,
        SetExpiry::Keep => {
            state.get(key).and_then(Item::expires_at_ms).map_or(expiry::Due::Never, expiry::Due::At)
        }
        SetExpiry::AfterMs(ms) => expiry::due(ts, ts.wall_ms().saturating_add(ms)),
        SetExpiry::AtMs(ms) => expiry::due(ts, ms),
    };
    let expires_at_ms = match due {
        expiry::Due::Never => None,
        expiry::Due::At(ms) => Some(ms),
        expiry::Due::Past => {
            state.remove(key, ts);
            return;
        }
    };
    state.put(key, Item::new(Value::String(Blob::from(value)), ts, expires_at_ms));
}

/// Puts a changed value in place of the old one; the expiry stays.
pub(super) fn replace(state: &mut ShardState, ts: Timestamp, key: &[u8], value: Blob) {
    let expires_at_ms = state.get(key).and_then(Item::expires_at_ms);
    state.put(key, Item::new(Value::String(value), ts, expires_at_ms));
}

fn too_long(length: u64) -> Option<Reply> {
    (length > MAX_VALUE_BYTES as u64)
        .then(|| Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"))
}

fn append(state: &mut ShardState, ts: Timestamp, key: &[u8], value: &[u8]) -> Reply {
    let Some(old) = state.get(key) else {
        set(state, ts, key, value, SetExpiry::Never);
        return Reply::Int(value.len() as i64);
    };
    let old_content = content(old);
    let length = old_content.len() + value.len();
    if let Some(refusal) = too_long(length as u64) {
        return refusal;
    }
    let joined = Blob::from([old_content, value].concat());
    let item = Item::new(Value::String(joined), ts, old.expires_at_ms()).edited();
    state.put(key, item);
    Reply::Int(length as i64)
}

fn set_range(state: &mut ShardState, ts: Timestamp, key: &[u8], offset: u64, value: &[u8]) -> Reply {
    let old = state.get(key);
    let old_content = old.map_or(&[][..], content);
    if value.is_empty() {
        return Reply::Int(old_content.len() as i64);
    }
    if let Some(refusal) = too_long(offset.saturating_add(value.len() as u64)) {
        return refusal;
    }
    let start = offset as usize;
    let end = start + value.len();
    let mut changed = Vec::with_capacity(end.max(old_content.len()));
    changed.extend_from_slice(old_content);
    changed.resize(end.max(old_content.len()), 0);
    changed[start..end].copy_from_slice(value);
    let item =
        Item::new(Value::String(Blob::from(&changed[..])), ts, old.and_then(Item::expires_at_ms)).edited();
    state.put(key, item);
    Reply::Int(changed.len() as i64)
}

/// The part between two offsets, both included; negative ones count from the end.
fn range(content: &[u8], start: i64, end: i64) -> &[u8] {
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let length = content.len() as i64;
    let from_front = |offset: i64| if offset < 0 { length.saturating_add(offset).max(0) } else { offset };
    let (start, end) = (from_front(start), from_front(end).min(length - 1));
    if start > end { &[] } else { &content[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_redis() {
        let content = b"Hello World";
        for (start, end, expected) in [
            (0, 3, &b"Hell"[..]),
            (0, -1, b"Hello World"),
            (-4, -1, b"orld"),
            (5, 3, b""),
            (5, 5000, b" World"),
            (-5000, 10_000, b"Hello World"),
            (-1, -5, b""),
            (i64::MIN, i64::MIN, b"H"),
            (i64::MAX, i64::MAX, b""),
            (0, i64::MIN, b"H"),
        ] {
            assert_eq!(range(content, start, end), expected, "{start} {end}");
        }
        assert_eq!(range(b"", 0, -1), b"");
        assert_eq!(range(b"", 0, 0), b"");
    }
}
