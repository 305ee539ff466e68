//! Sets: members come and go, random ones, and what several sets have in common.

use super::collection::{
    bounded, bounded_pops, bulk, count, edit, either, look, look_all, may_combine, may_pop, scan, store,
};
use super::draw::Draw;
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ops::{SetOperation, SetRead, SetWrite};
use proto::reply::Reply;
use storage::state::{Element, Elements, Member, ShardState};

type Set = Elements<Member>;

pub(crate) fn apply(state: &mut ShardState, ts: Timestamp, write: &SetWrite) -> Reply {
    either(match write {
        SetWrite::Add { key, members } => add(state, ts, key, members),
        SetWrite::Remove { key, members } => remove(state, ts, key, members),
        SetWrite::Pop { key, count, seed } => pop(state, ts, key, *count, *seed),
        SetWrite::Move { from, to, member } => move_member(state, ts, from, to, member),
        SetWrite::Store { to, keys, operation } => {
            look_all(state, keys).and_then(|sets| combined(&sets, *operation)).map(|result| {
                let len = result.len();
                store(state, ts, to, result, len)
            })
        }
    })
}

pub(crate) fn read(state: &ShardState, read: &SetRead) -> Reply {
    either(answer(state, read))
}

fn answer(state: &ShardState, read: &SetRead) -> Result<Reply, Reply> {
    let has = |set: Option<&Set>, member: &Bytes| {
        Reply::Int(i64::from(set.is_some_and(|set| set.contains(member))))
    };
    match read {
        SetRead::Members { key } => {
            let set: Option<&Set> = look(state, key)?;
            bounded(set.into_iter().flat_map(Set::iter).map(shown)).map(Reply::Set)
        }
        SetRead::IsMember { key, member } => Ok(has(look(state, key)?, member)),
        SetRead::AreMembers { key, members } => {
            let set = look(state, key)?;
            Ok(Reply::Array(members.iter().map(|member| has(set, member)).collect()))
        }
        SetRead::Card { key } => Ok(count(look(state, key)?.map_or(0, Set::len))),
        SetRead::RandomMember { key, count: None, seed } => {
            let set: Option<&Set> = look(state, key)?;
            Ok(set.and_then(|set| set.at(Draw::new(*seed).below(set.len()))).map_or(Reply::Nil, shown))
        }
        SetRead::RandomMember { key, count: Some(count), seed } => {
            let Some(set) = look::<Set>(state, key)? else { return Ok(Reply::Array(Vec::new())) };
            let indices = Draw::new(*seed).indices(*count, set.len());
            bounded(indices.filter_map(|index| set.at(index).map(shown))).map(Reply::Array)
        }
        SetRead::Scan { key, scan: step } => {
            scan(look::<Set>(state, key)?, step, |member| vec![shown(member)])
        }
        SetRead::Combine { keys, operation } => {
            let result = combined(&look_all(state, keys)?, *operation)?;
            bounded(result.iter().map(shown)).map(Reply::Set)
        }
        SetRead::InterCard { keys, limit } => {
            let sets: Vec<Option<&Set>> = look_all(state, keys)?;
            may_combine(&sizes(&sets), SetOperation::Intersection)?;
            let most = usize::try_from(*limit).ok().filter(|&limit| limit > 0).unwrap_or(usize::MAX);
            Ok(count(intersection(&sets).take(most).count()))
        }
    }
}

fn shown(member: &Member) -> Reply {
    bulk(member.name())
}

fn add(state: &mut ShardState, ts: Timestamp, key: &[u8], members: &[Bytes]) -> Result<Reply, Reply> {
    let known: Option<&Set> = look(state, key)?;
    // What is there already is no change, and copies nothing.
    if known.is_some_and(|set| members.iter().all(|member| set.contains(member))) {
        return Ok(Reply::Int(0));
    }
    Ok(count(edit(state, ts, key, |set: &mut Set| {
        let new = members
            .iter()
            .filter(|member| !set.contains(member) && set.insert(Member::new(member)).is_none());
        let new = new.count();
        (new, new > 0)
    })))
}

fn remove(state: &mut ShardState, ts: Timestamp, key: &[u8], members: &[Bytes]) -> Result<Reply, Reply> {
    let known: Option<&Set> = look(state, key)?;
    if !known.is_some_and(|set| members.iter().any(|member| set.contains(member))) {
        return Ok(Reply::Int(0));
    }
    Ok(count(edit(state, ts, key, |set: &mut Set| {
        let gone = members.iter().filter(|member| set.remove(member).is_some()).count();
        (gone, gone > 0)
    })))
}

fn pop(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    wanted: Option<u64>,
    seed: u64,
) -> Result<Reply, Reply> {
    let nothing = || if wanted.is_some() { Reply::Set(Vec::new()) } else { Reply::Nil };
    let Some(set) = look::<Set>(state, key)? else { return Ok(nothing()) };
    let most = usize::try_from(wanted.unwrap_or(1)).unwrap_or(usize::MAX).min(set.len());
    may_pop(most)?;
    let indices = Draw::new(seed).distinct(wanted.unwrap_or(1), set.len());
    let mut popped = bounded_pops(indices.iter().filter_map(|&index| set.at(index).map(shown)))?;
    if popped.is_empty() {
        return Ok(nothing());
    }
    if indices.len() == set.len() {
        state.remove(key, ts);
    } else {
        edit(state, ts, key, |set: &mut Set| {
            indices.iter().rev().for_each(|&index| drop(set.remove_at(index)));
            ((), true)
        });
    }
    Ok(if wanted.is_some() { Reply::Set(popped) } else { popped.remove(0) })
}

fn move_member(
    state: &mut ShardState,
    ts: Timestamp,
    from: &[u8],
    to: &[u8],
    member: &[u8],
) -> Result<Reply, Reply> {
    let Some(source) = look::<Set>(state, from)? else { return Ok(Reply::Int(0)) };
    let target: Option<&Set> = look(state, to)?;
    let is_there = source.contains(member);
    let is_in_both = target.is_some_and(|target| target.contains(member));
    if is_there && from != to {
        edit(state, ts, from, |set: &mut Set| (drop(set.remove(member)), true));
        if !is_in_both {
            edit(state, ts, to, |set: &mut Set| (drop(set.insert(Member::new(member))), true));
        }
    }
    Ok(Reply::Int(i64::from(is_there)))
}

/// The members that are in all sets, by a pass over the smallest.
fn intersection<'a>(sets: &[Option<&'a Set>]) -> impl Iterator<Item = &'a Member> + use<'a> {
    let all: Option<Vec<&'a Set>> = sets.iter().copied().collect();
    let mut all = all.unwrap_or_default();
    all.sort_by_key(|set| set.len());
    let smallest = all.first().copied();
    let others = all.into_iter().skip(1).collect::<Vec<_>>();
    let in_all = move |member: &&Member| others.iter().all(|set| set.contains(member.name().as_slice()));
    smallest.into_iter().flat_map(Set::iter).filter(in_all)
}

fn sizes(sets: &[Option<&Set>]) -> Vec<usize> {
    sets.iter().map(|set| set.map_or(0, Set::len)).collect()
}

/// What an operation makes of these sets; one that is not there is empty.
fn combined(sets: &[Option<&Set>], operation: SetOperation) -> Result<Set, Reply> {
    may_combine(&sizes(sets), operation)?;
    let mut result = Set::default();
    let mut put = |member: &Member| drop(result.insert(member.clone()));
    match operation {
        SetOperation::Intersection => intersection(sets).for_each(put),
        SetOperation::Union => sets.iter().flatten().for_each(|set| set.iter().for_each(&mut put)),
        SetOperation::Difference => {
            let (first, others) = sets.split_first().unwrap_or((&None, &[]));
            let in_others =
                |member: &Member| others.iter().flatten().any(|set| set.contains(member.name().as_slice()));
            first.iter().flat_map(|set| set.iter()).filter(|member| !in_others(member)).for_each(put);
        }
    }
    Ok(result)
}
