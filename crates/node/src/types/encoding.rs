//! OBJECT ENCODING as Redis would tell it.
//!
//! How a value is held here does not depend on its size in ways that matter to anyone, but tools look at Redis's names. So they are computed from the content, with
//! Redis's default thresholds. One difference: Redis does not go back to a compact form when a collection shrinks, and this does, because nothing is kept.

use super::strings::content;
use proto::commands::number::parse_i64;
use storage::state::{Blob, Element, Item, Value};

/// The longest string that Redis keeps in one allocation with its head.
const EMBEDDED_BYTES: usize = 44;
/// The most members of an intset.
const INTSET_ENTRIES: usize = 512;
/// The most fields of a hash, and members of a sorted set, in a listpack.
const HASH_LISTPACK_ENTRIES: usize = 512;
const SORTED_SET_LISTPACK_ENTRIES: usize = 128;
/// The longest element in one.
const LISTPACK_BYTES: usize = 64;

/// The name of the encoding.
pub(super) fn name(item: &Item) -> &'static str {
    let short = |blob: &Blob| blob.as_slice().len() <= LISTPACK_BYTES;
    match &item.value {
        Value::String(_) if item.is_edited() => "raw",
        Value::String(_) if parse_i64(content(item)).is_some() => "int",
        Value::String(content) if content.as_slice().len() > EMBEDDED_BYTES => "raw",
        Value::String(_) => "embstr",
        Value::Set(set) => {
            let integers = || set.iter().all(|member| parse_i64(member.name().as_slice()).is_some());
            if set.len() <= INTSET_ENTRIES && integers() { "intset" } else { "hashtable" }
        }
        Value::Hash(hash) => {
            let all_short = || hash.iter().all(|field| short(field.name()) && short(&field.value));
            if hash.len() <= HASH_LISTPACK_ENTRIES && all_short() { "listpack" } else { "hashtable" }
        }
        Value::List(_) => "quicklist",
        Value::SortedSet(sorted) => {
            let all_short = || sorted.members().iter().all(|member| short(member.name()));
            if sorted.len() <= SORTED_SET_LISTPACK_ENTRIES && all_short() { "listpack" } else { "skiplist" }
        }
    }
}
