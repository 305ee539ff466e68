//! What several sorted sets, or sets, have in common: ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD.
//!
//! A member of a set counts with the score 1. Scores are taken in the order of the keys, so every replica adds them up alike. What would be no number (infinity minus
//! infinity, zero times infinity) counts as 0, as in Redis.

use super::collection::may_combine;
use bytes::Bytes;
use proto::ops::{Aggregate, Combination, SetOperation};
use proto::reply::Reply;
use proto::score::Score;
use storage::state::{Collection, Element, Elements, Member, ShardState, SortedSet};

/// A set, sorted or not, or nothing.
#[derive(Clone, Copy)]
enum Input<'a> {
    Absent,
    Set(&'a Elements<Member>),
    Sorted(&'a SortedSet),
}

impl<'a> Input<'a> {
    fn of(state: &'a ShardState, key: &[u8]) -> Result<Input<'a>, Reply> {
        let Some(item) = state.get(key) else { return Ok(Input::Absent) };
        if let Some(sorted) = SortedSet::of(&item.value) {
            return Ok(Input::Sorted(sorted));
        }
        Elements::<Member>::of(&item.value).map(Input::Set).ok_or_else(Reply::wrong_type)
    }

    fn all(state: &'a ShardState, keys: &[Bytes]) -> Result<Vec<Input<'a>>, Reply> {
        keys.iter().map(|key| Input::of(state, key)).collect()
    }

    fn len(self) -> usize {
        match self {
            Input::Absent => 0,
            Input::Set(set) => set.len(),
            Input::Sorted(sorted) => sorted.len(),
        }
    }

    fn score(self, name: &[u8]) -> Option<f64> {
        match self {
            Input::Absent => None,
            Input::Set(set) => set.contains(name).then_some(1.0),
            Input::Sorted(sorted) => sorted.score(name).map(Score::get),
        }
    }

    fn iter(self) -> Box<dyn Iterator<Item = (&'a [u8], f64)> + 'a> {
        match self {
            Input::Absent => Box::new(std::iter::empty()),
            Input::Set(set) => Box::new(set.iter().map(|member| (member.name().as_slice(), 1.0))),
            Input::Sorted(sorted) => {
                let members = sorted.members().iter();
                Box::new(members.map(|member| (member.name().as_slice(), member.score.get())))
            }
        }
    }
}

/// The number, or 0 for what is none.
fn number(number: f64) -> Score {
    Score::new(number).unwrap_or_default()
}

fn aggregated(how: Aggregate, a: Score, b: Score) -> Score {
    match how {
        Aggregate::Sum => number(a.get() + b.get()),
        Aggregate::Min => a.min(b),
        Aggregate::Max => a.max(b),
    }
}

/// What the combination makes of its inputs.
pub(super) fn combined(state: &ShardState, combination: &Combination) -> Result<SortedSet, Reply> {
    let inputs = Input::all(state, &combination.keys)?;
    may_combine(&sizes(&inputs), combination.operation)?;
    let weighted = |at: usize, score: f64| {
        number(combination.weights.get(at).map_or(score, |weight| weight.get() * score))
    };
    let mut result = SortedSet::default();
    match combination.operation {
        SetOperation::Union => {
            for (at, input) in inputs.iter().enumerate() {
                for (name, score) in input.iter() {
                    let score = weighted(at, score);
                    let known = result.score(name);
                    result.insert(
                        name,
                        known.map_or(score, |known| aggregated(combination.aggregate, known, score)),
                    );
                }
            }
        }
        SetOperation::Intersection => {
            for (name, _) in smallest(&inputs).iter() {
                let scores: Option<Vec<f64>> = inputs.iter().map(|input| input.score(name)).collect();
                let Some(scores) = scores else { continue };
                let scores = scores.into_iter().enumerate().map(|(at, score)| weighted(at, score));
                let sum = scores.reduce(|a, b| aggregated(combination.aggregate, a, b));
                result.insert(name, sum.unwrap_or_default());
            }
        }
        SetOperation::Difference => {
            let (first, others) = inputs.split_first().unwrap_or((&Input::Absent, &[]));
            for (name, score) in first.iter() {
                if others.iter().all(|other| other.score(name).is_none()) {
                    result.insert(name, number(score));
                }
            }
        }
    }
    Ok(result)
}

fn sizes(inputs: &[Input<'_>]) -> Vec<usize> {
    inputs.iter().map(|input| input.len()).collect()
}

fn smallest<'a>(inputs: &[Input<'a>]) -> Input<'a> {
    inputs.iter().copied().min_by_key(|input| input.len()).unwrap_or(Input::Absent)
}

/// How many members are in all inputs, counted up to a limit (0: none).
pub(super) fn intersection_size(state: &ShardState, keys: &[Bytes], limit: u64) -> Result<usize, Reply> {
    let inputs = Input::all(state, keys)?;
    may_combine(&sizes(&inputs), SetOperation::Intersection)?;
    let most = usize::try_from(limit).ok().filter(|&limit| limit > 0).unwrap_or(usize::MAX);
    let in_all = |name: &[u8]| inputs.iter().all(|input| input.score(name).is_some());
    Ok(smallest(&inputs).iter().filter(|(name, _)| in_all(name)).take(most).count())
}
