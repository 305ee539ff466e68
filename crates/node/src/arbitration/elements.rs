//! Fields and members: whether one is there, and the part of a write that concerns only some of them.

use bytes::Bytes;
use proto::ops::{HashWrite, SetWrite, SortedSetWrite, Write};
use storage::state::{ShardState, Value};

/// Whether a key's collection has this element.
pub(super) fn is_there(state: &ShardState, key: &[u8], name: &[u8]) -> bool {
    state.get(key).is_some_and(|item| match &item.value {
        Value::Set(set) => set.contains(name),
        Value::Hash(hash) => hash.contains(name),
        Value::SortedSet(sorted) => sorted.score(name).is_some(),
        Value::String(_) | Value::List(_) => false,
    })
}

/// The elements that a write names; `None`: it is not of elements.
pub(super) fn named(write: &Write) -> Option<Vec<&Bytes>> {
    Some(match write {
        Write::Set(SetWrite::Add { members, .. } | SetWrite::Remove { members, .. })
        | Write::SortedSet(SortedSetWrite::Remove { members, .. })
        | Write::Hash(HashWrite::Delete { fields: members, .. }) => members.iter().collect(),
        Write::SortedSet(SortedSetWrite::Add { members, .. }) => {
            members.iter().map(|(_, member)| member).collect()
        }
        Write::Hash(HashWrite::Set { fields, .. }) => fields.iter().map(|(field, _)| field).collect(),
        Write::Hash(
            HashWrite::SetNx { field, .. }
            | HashWrite::IncrBy { field, .. }
            | HashWrite::IncrByFloat { field, .. },
        ) => vec![field],
        _ => return None,
    })
}

/// The same write of those elements alone for which this holds. A write that is not of several elements stays as it is.
pub(super) fn part(write: &Write, keep: impl Fn(&[u8]) -> bool) -> Write {
    let kept = |members: &[Bytes]| members.iter().filter(|member| keep(member)).cloned().collect();
    match write {
        Write::Set(SetWrite::Add { key, members }) => {
            Write::Set(SetWrite::Add { key: key.clone(), members: kept(members) })
        }
        Write::Set(SetWrite::Remove { key, members }) => {
            Write::Set(SetWrite::Remove { key: key.clone(), members: kept(members) })
        }
        Write::Hash(HashWrite::Set { key, fields, ok_reply }) => {
            let fields = fields.iter().filter(|(field, _)| keep(field)).cloned().collect();
            Write::Hash(HashWrite::Set { key: key.clone(), fields, ok_reply: *ok_reply })
        }
        Write::Hash(HashWrite::Delete { key, fields }) => {
            Write::Hash(HashWrite::Delete { key: key.clone(), fields: kept(fields) })
        }
        Write::SortedSet(SortedSetWrite::Add { key, options, members }) => {
            let members = members.iter().filter(|(_, member)| keep(member)).cloned().collect();
            Write::SortedSet(SortedSetWrite::Add { key: key.clone(), options: *options, members })
        }
        Write::SortedSet(SortedSetWrite::Remove { key, members }) => {
            Write::SortedSet(SortedSetWrite::Remove { key: key.clone(), members: kept(members) })
        }
        other => other.clone(),
    }
}
