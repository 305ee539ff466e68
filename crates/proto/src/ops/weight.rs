//! About how many bytes an operation weighs, for limits on what is under way. Payload bytes and a constant; never exact.

use super::{HashWrite, KeyWrite, ListWrite, SetWrite, SortedSetWrite, StringWrite, Write};
use bytes::Bytes;

const OPERATION_BYTES: usize = 64;

fn all(keys: &[Bytes]) -> usize {
    keys.iter().map(|key| key.len() + 16).sum()
}

fn pairs(pairs: &[(Bytes, Bytes)]) -> usize {
    pairs.iter().map(|(key, value)| key.len() + value.len() + 32).sum()
}

impl Write {
    /// About how many bytes this operation weighs.
    pub fn weight_bytes(&self) -> usize {
        OPERATION_BYTES
            + match self {
                Write::String(write) => match write {
                    StringWrite::Set { key, value, .. }
                    | StringWrite::Put { key, value, .. }
                    | StringWrite::Append { key, value }
                    | StringWrite::SetRange { key, value, .. }
                    | StringWrite::IncrByFloat { key, delta: value } => key.len() + value.len(),
                    StringWrite::GetEx { key, .. }
                    | StringWrite::GetDel { key }
                    | StringWrite::IncrBy { key, .. } => key.len(),
                    StringWrite::MSet { pairs: many } | StringWrite::MSetNx { pairs: many } => pairs(many),
                },
                Write::Key(write) => match write {
                    KeyWrite::Del { keys } => all(keys),
                    KeyWrite::Delete { key, .. }
                    | KeyWrite::ExpireAfter { key, .. }
                    | KeyWrite::ExpireAt { key, .. }
                    | KeyWrite::Persist { key } => key.len(),
                    KeyWrite::Rename { from, to, .. } | KeyWrite::Copy { from, to, .. } => {
                        from.len() + to.len()
                    }
                    KeyWrite::Flush => 0,
                },
                Write::Set(write) => match write {
                    SetWrite::Add { key, members } | SetWrite::Remove { key, members } => {
                        key.len() + all(members)
                    }
                    SetWrite::Pop { key, .. } => key.len(),
                    SetWrite::Move { from, to, member } => from.len() + to.len() + member.len(),
                    SetWrite::Store { to, keys, .. } => to.len() + all(keys),
                },
                Write::Hash(write) => match write {
                    HashWrite::Set { key, fields, .. } => key.len() + pairs(fields),
                    HashWrite::SetNx { key, field, value }
                    | HashWrite::IncrByFloat { key, field, delta: value } => {
                        key.len() + field.len() + value.len()
                    }
                    HashWrite::Delete { key, fields } => key.len() + all(fields),
                    HashWrite::IncrBy { key, field, .. } => key.len() + field.len(),
                },
                Write::List(write) => match write {
                    ListWrite::Push { key, values, .. } => key.len() + all(values),
                    ListWrite::Pop { key, .. } | ListWrite::Trim { key, .. } => key.len(),
                    ListWrite::MultiPop { keys, .. } => all(keys),
                    ListWrite::Set { key, value, .. } | ListWrite::Remove { key, value, .. } => {
                        key.len() + value.len()
                    }
                    ListWrite::Insert { key, pivot, value, .. } => key.len() + pivot.len() + value.len(),
                    ListWrite::Move { from, to, .. } => from.len() + to.len(),
                },
                Write::SortedSet(write) => match write {
                    SortedSetWrite::Add { key, members, .. } => {
                        key.len() + members.iter().map(|(_, member)| member.len() + 24).sum::<usize>()
                    }
                    SortedSetWrite::Remove { key, members } => key.len() + all(members),
                    SortedSetWrite::RemoveRange { key, .. } | SortedSetWrite::Pop { key, .. } => key.len(),
                    SortedSetWrite::MultiPop { keys, .. } => all(keys),
                    SortedSetWrite::StoreRange { to, from, .. } => to.len() + from.len(),
                    SortedSetWrite::Store { to, combination } => to.len() + all(&combination.keys),
                },
            }
    }
}
