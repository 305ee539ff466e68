//! What the families of collections share: finding one, changing one in place, storing a result, and answers that stay within the limits.
//!
//! Invariants: a change is made in place ([`ShardState::edit`]), so its cost does not grow with the collection; a key never holds an empty collection; what would be a
//! larger answer than `MAX_COLLECTION_REPLY_BYTES` is an error, and is found out before anything is taken away.

use proto::hlc::Timestamp;
use proto::limits::{MAX_COLLECTION_REPLY_BYTES, MAX_COMBINED_ELEMENTS, MAX_POPPED_BYTES};
use proto::ops::{ElementScan, SetOperation};
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

fn too_large(most_bytes: usize) -> Reply {
    Reply::error(format!(
        "ERR the answer would be larger than {most_bytes} bytes; ask for a part, with a range, a count or a scan"
    ))
}

fn within<T>(
    answers: impl Iterator<Item = T>,
    weight_bytes: impl Fn(&T) -> usize,
    most_bytes: usize,
) -> Result<Vec<T>, Reply> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for answer in answers {
        bytes += weight_bytes(&answer);
        if bytes > most_bytes {
            return Err(too_large(most_bytes));
        }
        all.push(answer);
    }
    Ok(all)
}

fn weight_of_pair((first, second): &(Reply, Reply)) -> usize {
    first.weight_bytes() + second.weight_bytes()
}

/// The replies one after the other, unless they are too many.
pub(super) fn bounded(replies: impl Iterator<Item = Reply>) -> Result<Vec<Reply>, Reply> {
    within(replies, Reply::weight_bytes, MAX_COLLECTION_REPLY_BYTES)
}

/// The same for replies that come in pairs.
pub(super) fn bounded_pairs(
    pairs: impl Iterator<Item = (Reply, Reply)>,
) -> Result<Vec<(Reply, Reply)>, Reply> {
    within(pairs, weight_of_pair, MAX_COLLECTION_REPLY_BYTES)
}

/// The same for what is taken out: the answers of writes are replicated state, and travel whole with snapshots.
pub(super) fn bounded_pops(replies: impl Iterator<Item = Reply>) -> Result<Vec<Reply>, Reply> {
    within(replies, Reply::weight_bytes, MAX_POPPED_BYTES)
}

/// The same in pairs.
pub(super) fn bounded_popped_pairs(
    pairs: impl Iterator<Item = (Reply, Reply)>,
) -> Result<Vec<(Reply, Reply)>, Reply> {
    within(pairs, weight_of_pair, MAX_POPPED_BYTES)
}

/// Refuses a command that takes out so many elements that their answer could not be within the bound, before they are looked for.
pub(super) fn may_pop(elements: usize) -> Result<(), Reply> {
    let least_bytes = elements.saturating_mul(Reply::Nil.weight_bytes());
    if least_bytes > MAX_POPPED_BYTES { Err(too_large(MAX_POPPED_BYTES)) } else { Ok(()) }
}

/// Refuses to combine collections of these sizes in this way if that would take too long. Pure in the state, so every replica refuses alike.
pub(super) fn may_combine(sizes: &[usize], operation: SetOperation) -> Result<(), Reply> {
    let smallest = sizes.iter().copied().min().unwrap_or(0);
    let first = sizes.first().copied().unwrap_or(0);
    let elements = match operation {
        SetOperation::Union => sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size)),
        SetOperation::Intersection => smallest.saturating_mul(sizes.len()),
        SetOperation::Difference => first.saturating_mul(sizes.len()),
    };
    if elements <= MAX_COMBINED_ELEMENTS {
        return Ok(());
    }
    Err(Reply::error(format!(
        "ERR this would look at {elements} elements, and one command may at {MAX_COMBINED_ELEMENTS}; combine fewer or smaller ones, or scan them"
    )))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_elements_are_combined_and_no_more() {
        let half = MAX_COMBINED_ELEMENTS / 2;
        assert_eq!(may_combine(&[half, half], SetOperation::Union), Ok(()));
        assert!(may_combine(&[half, half, 1], SetOperation::Union).is_err());
        // Repeated keys count each time.
        assert!(may_combine(&[20; 65_536], SetOperation::Union).is_err());
        assert!(may_combine(&[usize::MAX, usize::MAX], SetOperation::Union).is_err());
        assert_eq!(may_combine(&[10 * half, 3], SetOperation::Intersection), Ok(()));
        assert!(may_combine(&[half, half, half], SetOperation::Intersection).is_err());
        assert_eq!(may_combine(&[3, 10 * half], SetOperation::Difference), Ok(()));
        assert!(may_combine(&[10 * half, 3], SetOperation::Difference).is_err());
        assert_eq!(may_combine(&[], SetOperation::Union), Ok(()));
    }

    #[test]
    fn so_much_is_not_popped_that_its_answer_could_not_be_kept() {
        assert_eq!(may_pop(1), Ok(()));
        assert!(may_pop(usize::MAX).is_err());
        let element = || Reply::bulk(vec![b'x'; 1024 * 1024]);
        assert!(bounded_pops(std::iter::repeat_with(element).take(8)).is_ok());
        assert!(bounded_pops(std::iter::repeat_with(element).take(10)).is_err());
    }
}
