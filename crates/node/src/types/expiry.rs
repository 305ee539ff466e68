//! When keys fall due. An expiry that has come by the entry's own timestamp deletes the key at once.

use proto::hlc::Timestamp;
use proto::ops::{ExpireCondition, SetExpiry, TtlUnit};
use proto::reply::Reply;
use storage::state::{Item, ShardState};

/// An expiry, seen from the entry that sets it.
pub(super) enum Due {
    Never,
    /// Milliseconds since the Unix epoch, later than the entry.
    At(u64),
    /// It has come.
    Past,
}

/// An expiry at this moment, seen from an entry.
pub(super) fn due(ts: Timestamp, at_ms: u64) -> Due {
    if at_ms <= ts.wall_ms() { Due::Past } else { Due::At(at_ms) }
}

/// What an option says about the expiry of a key that is there.
pub(super) fn resolve(expiry: SetExpiry, item: &Item, ts: Timestamp) -> Due {
    match expiry {
        SetExpiry::Never => Due::Never,
        SetExpiry::Keep => item.expires_at_ms().map_or(Due::Never, Due::At),
        SetExpiry::AfterMs(ms) => due(ts, ts.wall_ms().saturating_add(ms)),
        SetExpiry::AtMs(ms) => due(ts, ms),
    }
}

/// Gives a key that is there another expiry. Where that is a change it is a write of the key, and its version moves.
pub(super) fn replace(state: &mut ShardState, ts: Timestamp, key: &[u8], due: Due) {
    let Some(item) = state.get(key) else { return };
    let expires_at_ms = match due {
        Due::Never => None,
        Due::At(at_ms) => Some(at_ms),
        Due::Past => {
            state.remove(key, ts);
            return;
        }
    };
    if item.expires_at_ms() != expires_at_ms {
        let item = Item::new(item.value.clone(), ts, expires_at_ms);
        state.put(key, item);
    }
}

pub(super) fn expire_after(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    after_ms: i64,
    condition: ExpireCondition,
) -> Reply {
    let now_ms = i64::try_from(ts.wall_ms()).expect("timestamps have 48 bits of milliseconds");
    expire_at(state, ts, key, now_ms.saturating_add(after_ms), condition)
}

pub(super) fn expire_at(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    at_ms: i64,
    condition: ExpireCondition,
) -> Reply {
    let Some(item) = state.get(key) else { return Reply::Int(0) };
    let present = item.expires_at_ms();
    let earlier_than_present = present.is_none_or(|present| at_ms < 0 || at_ms.unsigned_abs() < present);
    let later_than_present = present.is_some_and(|present| at_ms > 0 && at_ms.unsigned_abs() > present);
    let refused = condition.nx && present.is_some()
        || condition.xx && present.is_none()
        || condition.gt && !later_than_present
        || condition.lt && !earlier_than_present;
    if refused {
        return Reply::Int(0);
    }
    replace(state, ts, key, due(ts, u64::try_from(at_ms).unwrap_or(0)));
    Reply::Int(1)
}

pub(super) fn persist(state: &mut ShardState, ts: Timestamp, key: &[u8]) -> Reply {
    let had_one = state.get(key).is_some_and(|item| item.expires_at_ms().is_some());
    replace(state, ts, key, Due::Never);
    Reply::Int(i64::from(had_one))
}

/// TTL and its family: -2 for no key, -1 for no expiry.
pub(super) fn time_to_live(state: &ShardState, now_ms: u64, key: &[u8], unit: TtlUnit) -> Reply {
    let Some(item) = state.get(key) else { return Reply::Int(-2) };
    let Some(at_ms) = item.expires_at_ms() else { return Reply::Int(-1) };
    let rounded = |ms: u64| ms.saturating_add(500) / 1000;
    let answer = match unit {
        TtlUnit::Seconds => rounded(at_ms.saturating_sub(now_ms)),
        TtlUnit::Milliseconds => at_ms.saturating_sub(now_ms),
        TtlUnit::UnixSeconds => rounded(at_ms),
        TtlUnit::UnixMilliseconds => at_ms,
    };
    Reply::Int(i64::try_from(answer).unwrap_or(i64::MAX))
}
