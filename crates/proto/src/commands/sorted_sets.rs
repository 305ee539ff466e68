//! Arguments of the sorted-set commands. The ranges have a file of their own (`sorted_set_ranges`).

use super::Row;
use super::arguments::{integer, is, read, syntax, write};
use super::lists::pop_count;
use super::sets::{
    count_not_negative, counted_keys, element_scan, limit, numkeys_too_few, random_count, read_of_one_slot,
    write_to_one_slot,
};
use crate::command::Command;
use crate::ops::{
    AddOptions, Aggregate, Combination, Read, ScoreEnd, SetOperation, SortedSetRead, SortedSetWrite, Write,
};
use crate::reply::Reply;
use crate::score::Score;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

fn score(argument: &[u8]) -> Result<Score, Reply> {
    Score::parse(argument).ok_or_else(|| Reply::error("ERR value is not a valid float"))
}

pub(super) fn zadd(_: &Row, argv: &[Bytes]) -> Parsed {
    let mut options = AddOptions::default();
    let mut rest = &argv[2..];
    while let [word, more @ ..] = rest {
        let flag = match () {
            () if is(word, "NX") => &mut options.nx,
            () if is(word, "XX") => &mut options.xx,
            () if is(word, "GT") => &mut options.gt,
            () if is(word, "LT") => &mut options.lt,
            () if is(word, "CH") => &mut options.ch,
            () if is(word, "INCR") => &mut options.incr,
            () => break,
        };
        *flag = true;
        rest = more;
    }
    let (pairs, odd) = rest.as_chunks::<2>();
    if !odd.is_empty() || pairs.is_empty() {
        return Err(syntax());
    }
    if options.nx && options.xx {
        return Err(Reply::error("ERR XX and NX options at the same time are not compatible"));
    }
    if [options.gt, options.lt, options.nx].into_iter().filter(|&given| given).count() > 1 {
        return Err(Reply::error("ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if options.incr && pairs.len() > 1 {
        return Err(Reply::error("ERR INCR option supports a single increment-element pair"));
    }
    let members = pairs.iter().map(|[number, member]| Ok((score(number)?, member.clone())));
    let members = members.collect::<Result<_, Reply>>()?;
    write(&argv[1], Write::SortedSet(SortedSetWrite::Add { key: argv[1].clone(), options, members }))
}

pub(super) fn zincrby(_: &Row, argv: &[Bytes]) -> Parsed {
    let members = vec![(score(&argv[2])?, argv[3].clone())];
    let options = AddOptions { incr: true, ..AddOptions::default() };
    write(&argv[1], Write::SortedSet(SortedSetWrite::Add { key: argv[1].clone(), options, members }))
}

pub(super) fn zrem(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, members) = (argv[1].clone(), argv[2..].to_vec());
    write(&argv[1], Write::SortedSet(SortedSetWrite::Remove { key, members }))
}

pub(super) fn zscore(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, member) = (argv[1].clone(), argv[2].clone());
    read(&argv[1], Read::SortedSet(SortedSetRead::Score { key, member }))
}

pub(super) fn zmscore(_: &Row, argv: &[Bytes]) -> Parsed {
    let (key, members) = (argv[1].clone(), argv[2..].to_vec());
    read(&argv[1], Read::SortedSet(SortedSetRead::Scores { key, members }))
}

pub(super) fn zcard(_: &Row, argv: &[Bytes]) -> Parsed {
    read(&argv[1], Read::SortedSet(SortedSetRead::Card { key: argv[1].clone() }))
}

fn rank(argv: &[Bytes], reverse: bool) -> Parsed {
    let with_score = match &argv[3..] {
        [] => false,
        [word] if is(word, "WITHSCORE") => true,
        _ => return Err(syntax()),
    };
    let (key, member) = (argv[1].clone(), argv[2].clone());
    read(&argv[1], Read::SortedSet(SortedSetRead::Rank { key, member, reverse, with_score }))
}

pub(super) fn zrank(_: &Row, argv: &[Bytes]) -> Parsed {
    rank(argv, false)
}

pub(super) fn zrevrank(_: &Row, argv: &[Bytes]) -> Parsed {
    rank(argv, true)
}

pub(super) fn zscan(_: &Row, argv: &[Bytes]) -> Parsed {
    let scan = element_scan(argv)?;
    read(&argv[1], Read::SortedSet(SortedSetRead::Scan { key: argv[1].clone(), scan }))
}

pub(super) fn zrandmember(_: &Row, argv: &[Bytes]) -> Parsed {
    let (count, with_scores) = match &argv[2..] {
        [] => (None, false),
        [count] => (Some(random_count(count, false)?), false),
        [count, word] if is(word, "WITHSCORES") => (Some(random_count(count, true)?), true),
        _ => return Err(syntax()),
    };
    let key = argv[1].clone();
    read(&argv[1], Read::SortedSet(SortedSetRead::RandomMember { key, count, with_scores, seed: 0 }))
}

fn pop(argv: &[Bytes], end: ScoreEnd) -> Parsed {
    let count = match &argv[2..] {
        [] => None,
        [count] => Some(count_not_negative(count)?),
        _ => return Err(syntax()),
    };
    write(&argv[1], Write::SortedSet(SortedSetWrite::Pop { key: argv[1].clone(), end, count }))
}

pub(super) fn zpopmin(_: &Row, argv: &[Bytes]) -> Parsed {
    pop(argv, ScoreEnd::Min)
}

pub(super) fn zpopmax(_: &Row, argv: &[Bytes]) -> Parsed {
    pop(argv, ScoreEnd::Max)
}

pub(super) fn zmpop(_: &Row, argv: &[Bytes]) -> Parsed {
    let (keys, rest) = counted_keys(argv, 1, numkeys_too_few, syntax)?;
    let end = match argv.get(rest) {
        Some(word) if is(word, "MIN") => ScoreEnd::Min,
        Some(word) if is(word, "MAX") => ScoreEnd::Max,
        _ => return Err(syntax()),
    };
    let count = pop_count(&argv[rest + 1..])?;
    write_to_one_slot(argv[2..rest].iter(), Write::SortedSet(SortedSetWrite::MultiPop { keys, end, count }))
}

/// The counted keys of ZUNION and its kin, whose number stands at `at`.
fn inputs(row: &Row, argv: &[Bytes], at: usize) -> Result<(Vec<Bytes>, usize), Reply> {
    if integer(&argv[at])? < 1 {
        return Err(Reply::error(format!("ERR at least 1 input key is needed for '{}' command", row.name)));
    }
    counted_keys(argv, at, syntax, syntax)
}

/// Keys and options of ZUNION and its kin; whether scores are wanted, where `scores_allowed`.
fn combination(
    row: &Row,
    argv: &[Bytes],
    at: usize,
    operation: SetOperation,
    scores_allowed: bool,
) -> Result<(Combination, bool), Reply> {
    let (keys, rest) = inputs(row, argv, at)?;
    let (mut weights, mut aggregate, mut with_scores) = (Vec::new(), Aggregate::Sum, false);
    let mut rest = &argv[rest..];
    let has_scores = operation != SetOperation::Difference;
    loop {
        rest = match rest {
            [] => break,
            [word, more @ ..] if has_scores && is(word, "WEIGHTS") && more.len() >= keys.len() => {
                let (these, more) = more.split_at(keys.len());
                let parsed = these.iter().map(|weight| Score::parse(weight)).collect::<Option<_>>();
                weights = parsed.ok_or_else(|| Reply::error("ERR weight value is not a float"))?;
                more
            }
            [word, how, more @ ..] if has_scores && is(word, "AGGREGATE") => {
                aggregate = match () {
                    () if is(how, "SUM") => Aggregate::Sum,
                    () if is(how, "MIN") => Aggregate::Min,
                    () if is(how, "MAX") => Aggregate::Max,
                    () => return Err(syntax()),
                };
                more
            }
            [word, more @ ..] if scores_allowed && is(word, "WITHSCORES") => {
                with_scores = true;
                more
            }
            _ => return Err(syntax()),
        };
    }
    Ok((Combination { operation, keys, weights, aggregate }, with_scores))
}

fn combine(row: &Row, argv: &[Bytes], operation: SetOperation) -> Parsed {
    let (combination, with_scores) = combination(row, argv, 1, operation, true)?;
    let keys = combination.keys.clone();
    read_of_one_slot(keys.iter(), Read::SortedSet(SortedSetRead::Combine { combination, with_scores }))
}

pub(super) fn zunion(row: &Row, argv: &[Bytes]) -> Parsed {
    combine(row, argv, SetOperation::Union)
}

pub(super) fn zinter(row: &Row, argv: &[Bytes]) -> Parsed {
    combine(row, argv, SetOperation::Intersection)
}

pub(super) fn zdiff(row: &Row, argv: &[Bytes]) -> Parsed {
    combine(row, argv, SetOperation::Difference)
}

pub(super) fn zintercard(row: &Row, argv: &[Bytes]) -> Parsed {
    let (keys, rest) = inputs(row, argv, 1)?;
    let limit = limit(&argv[rest..])?;
    read_of_one_slot(argv[2..rest].iter(), Read::SortedSet(SortedSetRead::InterCard { keys, limit }))
}

fn store(row: &Row, argv: &[Bytes], operation: SetOperation) -> Parsed {
    let (combination, _) = combination(row, argv, 2, operation, false)?;
    let (to, keys) = (argv[1].clone(), combination.keys.clone());
    let all = std::iter::once(&argv[1]).chain(&keys);
    let combination = Box::new(combination);
    write_to_one_slot(all, Write::SortedSet(SortedSetWrite::Store { to, combination }))
}

pub(super) fn zunionstore(row: &Row, argv: &[Bytes]) -> Parsed {
    store(row, argv, SetOperation::Union)
}

pub(super) fn zinterstore(row: &Row, argv: &[Bytes]) -> Parsed {
    store(row, argv, SetOperation::Intersection)
}

pub(super) fn zdiffstore(row: &Row, argv: &[Bytes]) -> Parsed {
    store(row, argv, SetOperation::Difference)
}
