//! One command over many shards: how it is split, and how the answers become one.
//!
//! Pure. What is atomic follows from it: an operation is one log entry of one shard, so a command is atomic within a shard and nowhere else (`docs/redis.md`).

use crate::requests::{invalid, plain};
use bytes::Bytes;
use directory::routing::Routing;
use proto::command::Command;
use proto::error::{ErrorKind, Failure};
use proto::ids::{GroupId, Slot};
use proto::log_entry::ClientNumber;
use proto::ops::{KeyRead, KeyWrite, Read, StringRead, StringWrite, Write};
use proto::outcome::{Certificate, Outcome};
use proto::reply::Reply;
use proto::slots::slot_of;
use std::collections::BTreeMap;

/// A part of a command, for one group.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Changes nothing.
    Read(Read),
    /// May change the state.
    Write(Write),
}

/// How the parts' answers become one.
#[derive(Clone, Debug, PartialEq)]
pub enum Gather {
    /// There is one part, and its answer is the answer.
    Single,
    /// Each part answers an array; its elements go to these places.
    Places(Vec<Vec<usize>>),
    /// Integers are added up.
    Sum,
    /// All must have answered OK.
    AllOk,
    /// Arrays are put one after the other.
    Concatenate,
    /// Each part answers its number of keys and one of them; one part is drawn by weight.
    Draw(u64),
}

/// Splits a command. A client's number is only possible where there is one part.
pub fn plan(
    command: &Command,
    client: Option<&ClientNumber>,
    routing: &Routing,
    seed: u64,
) -> Result<(Gather, Vec<(GroupId, Operation)>), Failure> {
    let group_of = |slot: Slot| routing.shard_of(slot).group();
    let everywhere = |operation: Operation| -> Vec<(GroupId, Operation)> {
        routing.map().shards.iter().map(|placement| (placement.shard.group(), operation.clone())).collect()
    };
    let by_group = |keys: &[Bytes]| {
        let mut groups: BTreeMap<GroupId, (Vec<usize>, Vec<Bytes>)> = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            let (places, part) = groups.entry(group_of(slot_of(key))).or_default();
            places.push(place);
            part.push(key.clone());
        }
        groups
    };
    let (gather, parts) = match command {
        Command::Read { slot, read } => {
            (Gather::Single, vec![(group_of(*slot), Operation::Read(read.clone().seeded(seed)))])
        }
        Command::Write { slot, write } => {
            (Gather::Single, vec![(group_of(*slot), Operation::Write(write.clone().seeded(seed)))])
        }
        Command::MGet { keys } => {
            let (mut places, mut parts) = (Vec::new(), Vec::new());
            for (group, (part_places, keys)) in by_group(keys) {
                places.push(part_places);
                parts.push((group, Operation::Read(Read::String(StringRead::MGet { keys }))));
            }
            (Gather::Places(places), parts)
        }
        Command::MSet { pairs } => {
            let mut groups: BTreeMap<GroupId, Vec<(Bytes, Bytes)>> = BTreeMap::new();
            for (key, value) in pairs {
                groups.entry(group_of(slot_of(key))).or_default().push((key.clone(), value.clone()));
            }
            let parts = groups
                .into_iter()
                .map(|(group, pairs)| (group, Operation::Write(Write::String(StringWrite::MSet { pairs }))));
            (Gather::AllOk, parts.collect())
        }
        Command::Del { keys } => {
            let parts = by_group(keys)
                .into_iter()
                .map(|(group, (_, keys))| (group, Operation::Write(Write::Key(KeyWrite::Del { keys }))));
            (Gather::Sum, parts.collect())
        }
        Command::Exists { keys } => {
            let parts = by_group(keys)
                .into_iter()
                .map(|(group, (_, keys))| (group, Operation::Read(Read::Key(KeyRead::Exists { keys }))));
            (Gather::Sum, parts.collect())
        }
        Command::DbSize => (Gather::Sum, everywhere(Operation::Read(Read::Key(KeyRead::Count)))),
        Command::Keys { pattern } => {
            let read = Read::Key(KeyRead::Keys { pattern: pattern.clone() });
            (Gather::Concatenate, everywhere(Operation::Read(read)))
        }
        Command::Scan { cursor, count, pattern, type_filter } => {
            let Some(slot) = storage::state::cursor_slot(*cursor) else {
                return Err(invalid("invalid cursor"));
            };
            let read = KeyRead::Scan {
                cursor: *cursor,
                count: *count,
                pattern: pattern.clone(),
                type_filter: type_filter.clone(),
            };
            (Gather::Single, vec![(group_of(slot), Operation::Read(Read::Key(read)))])
        }
        Command::RandomKey => {
            (Gather::Draw(seed), everywhere(Operation::Read(Read::Key(KeyRead::RandomKey { seed }))))
        }
        // The front answers these itself.
        Command::SessionToken | Command::SessionResume { .. } | Command::Wait { .. } => {
            (Gather::Single, Vec::new())
        }
        Command::FlushAll => (Gather::AllOk, everywhere(Operation::Write(Write::Key(KeyWrite::Flush)))),
    };
    if client.is_some() && parts.len() > 1 {
        return Err(invalid(
            "a numbered write must stay within one shard; give the keys one {hash tag}, or send them one by one",
        ));
    }
    Ok((gather, parts))
}

/// Makes one outcome of the parts' outcomes. `writes`: the parts may have changed something.
pub fn gather(how: Gather, writes: bool, mut outcomes: Vec<Outcome>) -> Outcome {
    if let (Gather::Single, 1) = (&how, outcomes.len()) {
        return outcomes.remove(0);
    }
    let (mut replies, mut failures, mut certificate) = (Vec::new(), Vec::new(), Certificate::default());
    for outcome in outcomes {
        match outcome {
            Outcome::Done { reply, certificate: part } => {
                certificate.as_of = certificate.as_of.max(part.as_of);
                certificate.served_by = part.served_by;
                replies.push(reply);
            }
            Outcome::Failed(failure) => failures.push(failure),
        }
    }
    if let Some(failure) = worst(failures, writes && !replies.is_empty()) {
        return Outcome::Failed(failure);
    }
    if let Some(error) = replies.iter().find(|reply| reply.is_error()) {
        return plain(error.clone());
    }
    let reply = match how {
        Gather::Single => Reply::Nil,
        Gather::AllOk => Reply::OK,
        Gather::Sum => {
            Reply::Int(replies.iter().map(|reply| if let Reply::Int(n) = reply { *n } else { 0 }).sum())
        }
        Gather::Concatenate => Reply::Array(replies.into_iter().flat_map(elements).collect()),
        Gather::Places(places) => {
            let mut all = vec![Reply::Nil; places.iter().map(Vec::len).sum()];
            for (part, reply) in places.iter().zip(replies) {
                for (place, element) in part.iter().zip(elements(reply)) {
                    all[*place] = element;
                }
            }
            Reply::Array(all)
        }
        Gather::Draw(seed) => draw(seed, replies),
    };
    Outcome::Done { reply, certificate }
}

/// The failure that says most: *unknown* above all. A command of which some parts were applied is unknown as a whole.
fn worst(failures: Vec<Failure>, some_applied: bool) -> Option<Failure> {
    let unknown = failures.iter().position(|failure| failure.kind == ErrorKind::Unknown);
    let first = failures.into_iter().nth(unknown.unwrap_or(0))?;
    if some_applied && unknown.is_none() {
        return Some(Failure::new(
            ErrorKind::Unknown,
            format!("applied on some shards only, on others not: {}", first.message),
        ));
    }
    Some(first)
}

fn elements(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items,
        other => vec![other],
    }
}

fn draw(seed: u64, replies: Vec<Reply>) -> Reply {
    let parts: Vec<(u64, Reply)> = replies
        .into_iter()
        .filter_map(|reply| match &elements(reply)[..] {
            [Reply::Int(count), key] if *count > 0 => Some((u64::try_from(*count).ok()?, key.clone())),
            _ => None,
        })
        .collect();
    let total: u64 = parts.iter().map(|(count, _)| count).sum();
    if total == 0 {
        return Reply::Nil;
    }
    let mut at = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % total;
    for (count, key) in parts {
        if at < count {
            return key;
        }
        at -= count;
    }
    Reply::Nil
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(reply: Reply) -> Outcome {
        plain(reply)
    }

    #[test]
    fn elements_return_to_their_places() {
        let parts = vec![
            done(Reply::Array(vec![Reply::Int(2), Reply::Int(0)])),
            done(Reply::Array(vec![Reply::Int(1)])),
        ];
        let Outcome::Done { reply, .. } = gather(Gather::Places(vec![vec![2, 0], vec![1]]), false, parts)
        else {
            panic!()
        };
        assert_eq!(reply, Reply::Array(vec![Reply::Int(0), Reply::Int(1), Reply::Int(2)]));
    }

    #[test]
    fn a_command_applied_on_some_shards_only_is_unknown() {
        let failed = Outcome::Failed(Failure::new(ErrorKind::NoQuorum, "no"));
        let outcome = gather(Gather::AllOk, true, vec![done(Reply::OK), failed.clone()]);
        assert!(matches!(outcome, Outcome::Failed(failure) if failure.kind == ErrorKind::Unknown));
        let outcome = gather(Gather::AllOk, true, vec![failed.clone(), failed]);
        assert!(matches!(outcome, Outcome::Failed(failure) if failure.kind == ErrorKind::NoQuorum));
    }
}
