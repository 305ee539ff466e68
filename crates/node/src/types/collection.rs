//! What the families of collections share: finding one, changing one in place, storing a result, and answers that stay within the limits.
//!
//! Invariants: a change is made in place ([`ShardState::edit`]), so its cost does not grow with the collection; a key never holds an empty collection; what would be a
//! larger answer than `MAX_COLLECTION_REPLY_BYTES` is an error, and is found out before anything is taken away.

use proto::hlc::Timestamp;
use proto::limits::MAX_COLLECTION_REPLY_BYTES;
use proto::ops::ElementScan;
use proto::reply::Reply;
use storage::state::{Blob, Collection, Element, Elements, Item, ShardState};

/// The collection of a key; `None` if the key is not there, an error if it holds something else.
pub(super) fn look<'a, C: Collection + 'a>(
    state: &'a ShardState,
    key: &[u8],
) -> Result<Option<&'a C>, Reply> {
    match state.get(key) {
        None => Ok(None),
        Some(item) => C::of(&item.value).map(Some).ok_or_else(Reply::wrong_type),
    }
}

/// The collections of several keys, of all that are there.
pub(super) fn look_all<'a, C: Collection + 'a>(
    state: &'a ShardState,
    keys: &[bytes::Bytes],
) -> Result<Vec<Option<&'a C>>, Reply> {
    keys.iter().map(|key| look(state, key)).collect()
}

/// Changes a key's collection, or makes one. The change answers whether it was one. The key must not hold anything else.
///
/// # Panics
/// If it does: [`look`] tells.
pub(super) fn edit<C: Collection, R>(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    change: impl FnOnce(&mut C) -> (R, bool),
) -> R {
    if state.get(key).is_none() {
        let mut collection = C::default();
        let (result, changed) = change(&mut collection);
        if changed {
            state.put(key, Item::new(collection.into_value(), ts, None));
        }
        return result;
    }
    state
        .edit(key, ts, |value| change(C::of_mut(value).expect("the type was looked at")))
        .expect("the key is there")
}

/// Puts a collection in place of whatever the key holds, expiry included; an empty one deletes the key. Answers how many elements it has.
pub(super) fn store<C: Collection>(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    collection: C,
    len: usize,
) -> Reply {
    if len == 0 {
        state.remove(key, ts);
    } else {
        state.put(key, Item::new(collection.into_value(), ts, None));
    }
    count(len)
}

pub(super) fn count(count: usize) -> Reply {
    Reply::Int(i64::try_from(count).expect("memory is smaller"))
}

pub(super) fn bulk(blob: &Blob) -> Reply {
    Reply::Bulk(blob.to_bytes())
}

fn too_large() -> Reply {
    Reply::error(format!(
        "ERR the answer would be larger than {MAX_COLLECTION_REPLY_BYTES} bytes; ask for a part, with a range, a count or a scan"
    ))
}

/// The replies one after the other, unless they are too many.
pub(super) fn bounded(replies: impl Iterator<Item = Reply>) -> Result<Vec<Reply>, Reply> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for reply in replies {
        bytes += reply.weight_bytes();
        if bytes > MAX_COLLECTION_REPLY_BYTES {
            return Err(too_large());
        }
        all.push(reply);
    }
    Ok(all)
}

/// The same for replies that come in pairs.
pub(super) fn bounded_pairs(
    pairs: impl Iterator<Item = (Reply, Reply)>,
) -> Result<Vec<(Reply, Reply)>, Reply> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for (first, second) in pairs {
        bytes += first.weight_bytes() + second.weight_bytes();
        if bytes > MAX_COLLECTION_REPLY_BYTES {
            return Err(too_large());
        }
        all.push((first, second));
    }
    Ok(all)
}

/// One step of SSCAN, HSCAN or ZSCAN: `[next cursor, [what each element shows…]]`.
pub(super) fn scan<E: Element>(
    elements: Option<&Elements<E>>,
    scan: &ElementScan,
    show: impl Fn(&E) -> Vec<Reply>,
) -> Result<Reply, Reply> {
    let (found, next) = elements
        .map_or((Vec::new(), None), |elements| elements.scan(scan.cursor, scan.count.max(1) as usize));
    let matching = found.into_iter().filter(|element| {
        let pattern = scan.pattern.as_deref();
        pattern.is_none_or(|pattern| super::glob::matches(pattern, element.name().as_slice()))
    });
    let shown = bounded(matching.flat_map(show))?;
    Ok(Reply::Array(vec![Reply::bulk(next.unwrap_or(0).to_string()), Reply::Array(shown)]))
}

/// Either way a reply: a refusal is one too.
pub(super) fn either(result: Result<Reply, Reply>) -> Reply {
    result.unwrap_or_else(|refusal| refusal)
}
