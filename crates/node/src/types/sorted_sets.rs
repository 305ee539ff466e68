//! Sorted sets: scores, ranks, ranges and pops. What becomes of several of them is in `sorted_set_unions`.

use super::collection::{
    bounded, bounded_pairs, bounded_popped_pairs, bulk, count, edit, either, look, scan, store,
};
use super::draw::Draw;
use super::lists::between;
use super::sorted_set_unions::{combined, intersection_size};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ops::{AddOptions, NameBound, Range, RangeQuery, ScoreEnd, SortedSetRead, SortedSetWrite};
use proto::reply::Reply;
use proto::score::Score;
use std::ops;
use storage::state::{Element, Ranked, Scored, ShardState, SortedSet};

pub(crate) fn apply(state: &mut ShardState, ts: Timestamp, write: &SortedSetWrite) -> Reply {
    either(match write {
        SortedSetWrite::Add { key, options, members } => add(state, ts, key, *options, members),
        SortedSetWrite::Remove { key, members } => remove(state, ts, key, members),
        SortedSetWrite::RemoveRange { key, range } => remove_range(state, ts, key, range),
        SortedSetWrite::Pop { key, end, count } => pop(state, ts, key, *end, *count),
        SortedSetWrite::MultiPop { keys, end, count } => multi_pop(state, ts, keys, *end, *count),
        SortedSetWrite::StoreRange { to, from, query } => store_range(state, ts, to, from, query),
        SortedSetWrite::Store { to, combination } => combined(state, combination).map(|result| {
            let len = result.len();
            store(state, ts, to, result, len)
        }),
    })
}

pub(crate) fn read(state: &ShardState, read: &SortedSetRead) -> Reply {
    either(answer(state, read))
}

fn answer(state: &ShardState, read: &SortedSetRead) -> Result<Reply, Reply> {
    let of = |key: &Bytes| look::<SortedSet>(state, key);
    let score = |sorted: Option<&SortedSet>, member: &Bytes| {
        sorted.and_then(|sorted| sorted.score(member)).map_or(Reply::Nil, shown_score)
    };
    match read {
        SortedSetRead::Score { key, member } => Ok(score(of(key)?, member)),
        SortedSetRead::Scores { key, members } => {
            let sorted = of(key)?;
            Ok(Reply::Array(members.iter().map(|member| score(sorted, member)).collect()))
        }
        SortedSetRead::Card { key } => Ok(count(of(key)?.map_or(0, SortedSet::len))),
        SortedSetRead::Count { key, range } => {
            Ok(count(of(key)?.map_or(0, |sorted| places(sorted, range, false).len())))
        }
        SortedSetRead::Range { key, query, with_scores } => {
            let Some(sorted) = of(key)? else { return Ok(Reply::Array(Vec::new())) };
            let selected = selected(sorted, query);
            if *with_scores {
                bounded_pairs(selected.map(shown)).map(Reply::Pairs)
            } else {
                bounded(selected.map(|ranked| bulk(&ranked.name))).map(Reply::Array)
            }
        }
        SortedSetRead::Rank { key, member, reverse, with_score } => {
            let sorted = of(key)?;
            let Some((sorted, rank)) = sorted.and_then(|sorted| Some((sorted, sorted.rank(member)?))) else {
                return Ok(if *with_score { Reply::NilArray } else { Reply::Nil });
            };
            let rank = count(if *reverse { sorted.len() - 1 - rank } else { rank });
            let with = || Reply::Array(vec![rank.clone(), score(Some(sorted), member)]);
            Ok(if *with_score { with() } else { rank })
        }
        SortedSetRead::Scan { key, scan: step } => {
            // A scan shows scores as text in either protocol.
            let show = |member: &Scored| vec![bulk(member.name()), Reply::bulk(member.score.to_string())];
            scan(of(key)?.map(SortedSet::members), step, show)
        }
        SortedSetRead::RandomMember { key, count: None, seed, .. } => {
            let drawn = of(key)?.and_then(|sorted| sorted.order().get(Draw::new(*seed).below(sorted.len())));
            Ok(drawn.map_or(Reply::Nil, |ranked| bulk(&ranked.name)))
        }
        SortedSetRead::RandomMember { key, count: Some(count), with_scores, seed } => {
            let Some(sorted) = of(key)? else { return Ok(Reply::Array(Vec::new())) };
            let indices = Draw::new(*seed).indices(*count, sorted.len());
            let drawn = indices.filter_map(|index| sorted.order().get(index));
            if *with_scores {
                bounded_pairs(drawn.map(shown)).map(Reply::Pairs)
            } else {
                bounded(drawn.map(|ranked| bulk(&ranked.name))).map(Reply::Array)
            }
        }
        SortedSetRead::Combine { combination, with_scores } => {
            let result = combined(state, combination)?;
            if *with_scores {
                bounded_pairs(result.iter().map(shown)).map(Reply::Pairs)
            } else {
                bounded(result.iter().map(|ranked| bulk(&ranked.name))).map(Reply::Array)
            }
        }
        SortedSetRead::InterCard { keys, limit } => intersection_size(state, keys, *limit).map(count),
    }
}

fn shown_score(score: Score) -> Reply {
    Reply::Double(score.get())
}

fn shown(ranked: &Ranked) -> (Reply, Reply) {
    (bulk(&ranked.name), shown_score(ranked.score))
}

/// The places, counted from the lowest, of the members in a range. `reverse`: ranks count from the highest.
fn places(sorted: &SortedSet, range: &Range, reverse: bool) -> ops::Range<usize> {
    let len = sorted.len();
    let before = |is_before: &dyn Fn(&Ranked) -> bool| sorted.order().partition_point(is_before);
    let (start, end) = match range {
        Range::Rank { start, stop } => {
            let places = between(*start, *stop, len);
            if reverse { (len - places.end, len - places.start) } else { (places.start, places.end) }
        }
        Range::Score { min, max } => (
            before(&|ranked| ranked.score < min.score || min.exclusive && ranked.score == min.score),
            before(&|ranked| ranked.score < max.score || !max.exclusive && ranked.score == max.score),
        ),
        // The order is by score first. Where all scores are equal it answers by halving; elsewhere names stand anyhow, and halving would answer by the shape of the tree, which replicas do not share:
        // there the range is the first run of names within it, found by a pass, as Redis does with small ones.
        Range::Name { min, max } => {
            let is_below = |ranked: &Ranked| match min {
                NameBound::First => false,
                NameBound::Last => true,
                NameBound::Included(name) => ranked.name.as_slice() < &name[..],
                NameBound::Excluded(name) => ranked.name.as_slice() <= &name[..],
            };
            let is_within = |ranked: &Ranked| match max {
                NameBound::First => false,
                NameBound::Last => true,
                NameBound::Included(name) => ranked.name.as_slice() <= &name[..],
                NameBound::Excluded(name) => ranked.name.as_slice() < &name[..],
            };
            let order = sorted.order();
            let score_at = |index: usize| order.get(index).map(|ranked| ranked.score);
            if score_at(0) == score_at(len.saturating_sub(1)) {
                (before(&is_below), before(&is_within))
            } else {
                let start = order.range(0..len).take_while(|ranked| is_below(ranked)).count();
                (start, start + order.range(start..len).take_while(|ranked| is_within(ranked)).count())
            }
        }
    };
    start..end.max(start)
}

/// The members that a query asks for, in its direction.
fn selected<'a>(sorted: &'a SortedSet, query: &RangeQuery) -> Box<dyn Iterator<Item = &'a Ranked> + 'a> {
    let places = places(sorted, &query.range, query.reverse);
    // A negative offset leaves out everything, as in Redis.
    let skipped = usize::try_from(query.offset).unwrap_or(usize::MAX).min(places.len());
    let left = places.len() - skipped;
    let taken = usize::try_from(query.count).unwrap_or(usize::MAX).min(left);
    if query.reverse {
        let end = places.end - skipped;
        Box::new(sorted.order().range(end - taken..end).rev())
    } else {
        let start = places.start + skipped;
        Box::new(sorted.order().range(start..start + taken))
    }
}

/// What ZADD makes of one member: its new score, if it gets one. `Err` if that would be no number.
fn outcome(old: Option<Score>, given: Score, options: AddOptions) -> Result<Option<Score>, Reply> {
    let Some(old) = old else { return Ok((!options.xx).then_some(given)) };
    if options.nx {
        return Ok(None);
    }
    let new = if options.incr {
        Score::new(old.get() + given.get())
            .ok_or_else(|| Reply::error("ERR resulting score is not a number (NaN)"))?
    } else {
        given
    };
    let refused = options.gt && new <= old || options.lt && new >= old;
    Ok((!refused).then_some(new))
}

fn add(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    options: AddOptions,
    members: &[(Score, Bytes)],
) -> Result<Reply, Reply> {
    let known: Option<&SortedSet> = look(state, key)?;
    if options.incr
        && let [(given, member)] = members
    {
        let old = known.and_then(|sorted| sorted.score(member));
        let Some(new) = outcome(old, *given, options)? else { return Ok(Reply::Nil) };
        if old != Some(new) {
            edit(state, ts, key, |sorted: &mut SortedSet| (sorted.insert(member, new), true));
        }
        return Ok(shown_score(new));
    }
    let changes = |sorted: &SortedSet, given: Score, member: &[u8]| {
        let old = sorted.score(member);
        outcome(old, given, options).ok().flatten().filter(|new| old != Some(*new))
    };
    // What would change nothing copies nothing.
    let empty = SortedSet::default();
    if !members.iter().any(|(given, member)| changes(known.unwrap_or(&empty), *given, member).is_some()) {
        return Ok(Reply::Int(0));
    }
    let (added, updated) = edit(state, ts, key, |sorted: &mut SortedSet| {
        let (mut added, mut updated) = (0, 0);
        for (given, member) in members {
            if let Some(new) = changes(sorted, *given, member) {
                match sorted.insert(member, new) {
                    None => added += 1,
                    Some(_) => updated += 1,
                }
            }
        }
        ((added, updated), true)
    });
    Ok(count(if options.ch { added + updated } else { added }))
}

fn remove(state: &mut ShardState, ts: Timestamp, key: &[u8], members: &[Bytes]) -> Result<Reply, Reply> {
    let known: Option<&SortedSet> = look(state, key)?;
    if !known.is_some_and(|sorted| members.iter().any(|member| sorted.score(member).is_some())) {
        return Ok(Reply::Int(0));
    }
    Ok(count(edit(state, ts, key, |sorted: &mut SortedSet| {
        let gone = members.iter().filter(|member| sorted.remove(member).is_some()).count();
        (gone, gone > 0)
    })))
}

/// Takes the members at these places out.
fn take(state: &mut ShardState, ts: Timestamp, key: &[u8], places: ops::Range<usize>, len: usize) {
    if places.len() == len {
        state.remove(key, ts);
    } else if !places.is_empty() {
        edit(state, ts, key, |sorted: &mut SortedSet| {
            places.rev().for_each(|place| drop(sorted.remove_at(place)));
            ((), true)
        });
    }
}

fn remove_range(state: &mut ShardState, ts: Timestamp, key: &[u8], range: &Range) -> Result<Reply, Reply> {
    let Some(sorted) = look::<SortedSet>(state, key)? else { return Ok(Reply::Int(0)) };
    let (places, len) = (places(sorted, range, false), sorted.len());
    let gone = places.len();
    take(state, ts, key, places, len);
    Ok(count(gone))
}

/// Pops so many members from an end and answers them.
fn popped(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    end: ScoreEnd,
    wanted: u64,
) -> Result<Vec<(Reply, Reply)>, Reply> {
    let Some(sorted) = look::<SortedSet>(state, key)? else { return Ok(Vec::new()) };
    let len = sorted.len();
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(len);
    let (places, members) = match end {
        ScoreEnd::Min => (0..wanted, bounded_popped_pairs(sorted.order().range(0..wanted).map(shown))?),
        ScoreEnd::Max => (
            len - wanted..len,
            bounded_popped_pairs(sorted.order().range(len - wanted..len).rev().map(shown))?,
        ),
    };
    take(state, ts, key, places, len);
    Ok(members)
}

fn pop(
    state: &mut ShardState,
    ts: Timestamp,
    key: &[u8],
    end: ScoreEnd,
    wanted: Option<u64>,
) -> Result<Reply, Reply> {
    let members = popped(state, ts, key, end, wanted.unwrap_or(1))?;
    Ok(match wanted {
        Some(_) => Reply::Pairs(members),
        None => Reply::Array(members.into_iter().flat_map(|(member, score)| [member, score]).collect()),
    })
}

fn multi_pop(
    state: &mut ShardState,
    ts: Timestamp,
    keys: &[Bytes],
    end: ScoreEnd,
    wanted: u64,
) -> Result<Reply, Reply> {
    for key in keys {
        let members = popped(state, ts, key, end, wanted)?;
        if !members.is_empty() {
            // Arrays of two in either protocol.
            let members = members.into_iter().map(|(member, score)| Reply::Array(vec![member, score]));
            return Ok(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Array(members.collect())]));
        }
    }
    Ok(Reply::NilArray)
}

fn store_range(
    state: &mut ShardState,
    ts: Timestamp,
    to: &[u8],
    from: &[u8],
    query: &RangeQuery,
) -> Result<Reply, Reply> {
    let mut result = SortedSet::default();
    if let Some(sorted) = look::<SortedSet>(state, from)? {
        for ranked in selected(sorted, query) {
            result.insert(ranked.name.as_slice(), ranked.score);
        }
    }
    let len = result.len();
    Ok(store(state, ts, to, result, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replicas that came to the same members in different ways hold them in trees of different shapes. What the order does not answer must not be read off the shape.
    #[test]
    fn a_range_of_names_over_different_scores_is_the_same_however_the_members_came() {
        let scored =
            |n: u32| (format!("m{:03}", n * 7_919 % 400), Score::new(f64::from(n)).expect("a number"));
        let (mut by_score, mut by_name) = (SortedSet::default(), SortedSet::default());
        for n in 0..400 {
            let (name, score) = scored(n);
            by_score.insert(name.as_bytes(), score);
        }
        let mut all: Vec<(String, Score)> = (0..400).map(scored).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, score) in &all {
            by_name.insert(name.as_bytes(), *score);
        }
        let bound = |n: u32| Bytes::from(format!("m{n:03}"));
        for from in (0..400).step_by(13) {
            for to in (0..400).step_by(17) {
                let range = Range::Name {
                    min: NameBound::Included(bound(from)),
                    max: NameBound::Excluded(bound(to)),
                };
                assert_eq!(places(&by_score, &range, false), places(&by_name, &range, false), "{range:?}");
            }
        }
    }
}
