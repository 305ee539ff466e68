//! Arguments of the commands on ranges of sorted sets: ZRANGE, the six older commands that it stands for, and what counts, removes or stores a range.

use super::Row;
use super::arguments::{integer, is, read, syntax, write};
use super::sets::write_to_one_slot;
use crate::command::Command;
use crate::ops::{NameBound, Range, RangeQuery, Read, ScoreBound, SortedSetRead, SortedSetWrite, Write};
use crate::reply::Reply;
use crate::score::Score;
use bytes::Bytes;

type Parsed = Result<Command, Reply>;

/// What a range is by.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Rank,
    Score,
    Name,
}

fn score_bound(argument: &[u8]) -> Result<ScoreBound, Reply> {
    let (exclusive, number) = match argument {
        [b'(', number @ ..] => (true, number),
        number => (false, number),
    };
    let score = Score::parse(number).ok_or_else(|| Reply::error("ERR min or max is not a float"))?;
    Ok(ScoreBound { score, exclusive })
}

fn name_bound(argument: &Bytes) -> Result<NameBound, Reply> {
    match &argument[..] {
        b"-" => Ok(NameBound::First),
        b"+" => Ok(NameBound::Last),
        [b'[', ..] => Ok(NameBound::Included(argument.slice(1..))),
        [b'(', ..] => Ok(NameBound::Excluded(argument.slice(1..))),
        _ => Err(Reply::error("ERR min or max not valid string range item")),
    }
}

fn range(by: By, min: &Bytes, max: &Bytes) -> Result<Range, Reply> {
    Ok(match by {
        By::Rank => Range::Rank { start: integer(min)?, stop: integer(max)? },
        By::Score => Range::Score { min: score_bound(min)?, max: score_bound(max)? },
        By::Name => Range::Name { min: name_bound(min)?, max: name_bound(max)? },
    })
}

/// What the name of a command says already.
struct Said {
    by: Option<By>,
    reverse: Option<bool>,
    scores_allowed: bool,
}

/// Two bounds, which begin at `at`, and options; whether scores are wanted.
fn query(argv: &[Bytes], at: usize, said: &Said) -> Result<(RangeQuery, bool), Reply> {
    let (mut by, mut reverse, mut with_scores, mut limit) = (said.by, said.reverse, false, None);
    let mut rest = &argv[at + 2..];
    loop {
        rest = match rest {
            [] => break,
            [word, more @ ..] if said.scores_allowed && is(word, "WITHSCORES") => {
                with_scores = true;
                more
            }
            [word, offset, count, more @ ..] if is(word, "LIMIT") => {
                limit = Some((integer(offset)?, integer(count)?));
                more
            }
            [word, more @ ..] if reverse.is_none() && is(word, "REV") => {
                reverse = Some(true);
                more
            }
            [word, more @ ..] if by.is_none() && is(word, "BYLEX") => {
                by = Some(By::Name);
                more
            }
            [word, more @ ..] if by.is_none() && is(word, "BYSCORE") => {
                by = Some(By::Score);
                more
            }
            _ => return Err(syntax()),
        };
    }
    let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
    if limit.is_some() && by == By::Rank {
        return Err(Reply::error(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ));
    }
    if with_scores && by == By::Name {
        return Err(Reply::error("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
    }
    let (min, max) = if reverse && by != By::Rank { (at + 1, at) } else { (at, at + 1) };
    let range = range(by, &argv[min], &argv[max])?;
    let (offset, count) = limit.unwrap_or((0, -1));
    Ok((RangeQuery { range, reverse, offset, count }, with_scores))
}

fn ranged(argv: &[Bytes], said: &Said) -> Parsed {
    let (query, with_scores) = query(argv, 2, said)?;
    let key = argv[1].clone();
    read(&argv[1], Read::SortedSet(SortedSetRead::Range { key, query, with_scores }))
}

pub(super) fn zrange(_: &Row, argv: &[Bytes]) -> Parsed {
    ranged(argv, &Said { by: None, reverse: None, scores_allowed: true })
}

pub(super) fn zrevrange(_: &Row, argv: &[Bytes]) -> Parsed {
    ranged(argv, &Said { by: Some(By::Rank), reverse: Some(true), scores_allowed: true })
}

pub(super) fn zrangebyscore(_: &Row, argv: &[Bytes]) -> Parsed {
    ranged(argv, &Said { by: Some(By::Score), reverse: Some(false), scores_allowed: true })
}

pub(super) fn zrevrangebyscore(_: &Row, argv: &[Bytes]) -> Parsed {
    ranged(argv, &Said { by: Some(By::Score), reverse: Some(true), scores_allowed: true })
}

pub(super) fn zrangebylex(_: &Row, argv: &[Bytes]) -> Parsed {
    ranged(argv, &Said { by: Some(By::Name), reverse: Some(false), scores_allowed: true })
}

pub(super) fn zrevrangebylex(_: &Row, argv: &[Bytes]) -> Parsed {
    ranged(argv, &Said { by: Some(By::Name), reverse: Some(true), scores_allowed: true })
}

pub(super) fn zrangestore(_: &Row, argv: &[Bytes]) -> Parsed {
    let (query, _) = query(argv, 3, &Said { by: None, reverse: None, scores_allowed: false })?;
    let (to, from) = (argv[1].clone(), argv[2].clone());
    let store = Write::SortedSet(SortedSetWrite::StoreRange { to, from, query: Box::new(query) });
    write_to_one_slot(argv[1..3].iter(), store)
}

fn counted(argv: &[Bytes], by: By) -> Parsed {
    let range = range(by, &argv[2], &argv[3])?;
    read(&argv[1], Read::SortedSet(SortedSetRead::Count { key: argv[1].clone(), range }))
}

pub(super) fn zcount(_: &Row, argv: &[Bytes]) -> Parsed {
    counted(argv, By::Score)
}

pub(super) fn zlexcount(_: &Row, argv: &[Bytes]) -> Parsed {
    counted(argv, By::Name)
}

fn removed(argv: &[Bytes], by: By) -> Parsed {
    let range = range(by, &argv[2], &argv[3])?;
    write(&argv[1], Write::SortedSet(SortedSetWrite::RemoveRange { key: argv[1].clone(), range }))
}

pub(super) fn zremrangebyrank(_: &Row, argv: &[Bytes]) -> Parsed {
    removed(argv, By::Rank)
}

pub(super) fn zremrangebyscore(_: &Row, argv: &[Bytes]) -> Parsed {
    removed(argv, By::Score)
}

pub(super) fn zremrangebylex(_: &Row, argv: &[Bytes]) -> Parsed {
    removed(argv, By::Name)
}
