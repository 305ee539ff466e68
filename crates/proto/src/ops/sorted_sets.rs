//! Operations on sorted sets: members with scores, asked for by rank, score or name. What an operation does to the state is `node::types::sorted_sets`.

#![allow(missing_docs)] // the fields are the arguments of the commands that the variants name

use super::sets::{ElementScan, SetOperation};
use crate::score::Score;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// ZADD's options. NX excludes XX, GT and LT; GT excludes LT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOptions {
    /// Only members that are not there.
    pub nx: bool,
    /// Only members that are there.
    pub xx: bool,
    /// Only if the new score is greater. New members come in all the same.
    pub gt: bool,
    /// Only if the new score is less. New members come in all the same.
    pub lt: bool,
    /// Answer how many changed, instead of how many are new.
    pub ch: bool,
    /// Add to the score, and answer the new one (ZINCRBY). There is one member.
    pub incr: bool,
}

/// A bound of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreBound {
    pub score: Score,
    /// `(`: what has this score is outside.
    pub exclusive: bool,
}

/// A bound of a range of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameBound {
    /// `-`: before every name.
    First,
    /// `+`: after every name.
    Last,
    /// `[name`.
    Included(Bytes),
    /// `(name`.
    Excluded(Bytes),
}

/// Which members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// By place, both inclusive, negative ones from the end.
    Rank { start: i64, stop: i64 },
    /// By score.
    Score { min: ScoreBound, max: ScoreBound },
    /// By name, where all scores are the same.
    Name { min: NameBound, max: NameBound },
}

/// Which members, in which direction, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeQuery {
    pub range: Range,
    /// From the highest to the lowest; ranks count from there too.
    pub reverse: bool,
    /// So many are left out first; all if negative.
    pub offset: i64,
    /// So many at most; negative means no limit.
    pub count: i64,
}

/// One of the two ends of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScoreEnd {
    /// The lowest score.
    Min,
    /// The highest one.
    Max,
}

/// How the scores of one member in several sets become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregate {
    Sum,
    Min,
    Max,
}

/// What ZUNION, ZINTER, ZDIFF and their STORE forms make of several sets, sorted or not; all keys in one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combination {
    pub operation: SetOperation,
    pub keys: Vec<Bytes>,
    /// One for each key, or none at all: then each is 1.
    pub weights: Vec<Score>,
    pub aggregate: Aggregate,
}

/// A write to sorted sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SortedSetWrite {
    /// ZADD, ZINCRBY.
    Add { key: Bytes, options: AddOptions, members: Vec<(Score, Bytes)> },
    /// ZREM.
    Remove { key: Bytes, members: Vec<Bytes> },
    /// ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.
    RemoveRange { key: Bytes, range: Range },
    /// ZPOPMIN, ZPOPMAX, with or without a count.
    Pop { key: Bytes, end: ScoreEnd, count: Option<u64> },
    /// ZMPOP: from the first of the keys that has something; all in one slot.
    MultiPop { keys: Vec<Bytes>, end: ScoreEnd, count: u64 },
    /// ZRANGESTORE; both keys in one slot.
    StoreRange { to: Bytes, from: Bytes, query: Box<RangeQuery> },
    /// ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE.
    Store { to: Bytes, combination: Box<Combination> },
}

/// A read of sorted sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SortedSetRead {
    /// ZSCORE.
    Score { key: Bytes, member: Bytes },
    /// ZMSCORE.
    Scores { key: Bytes, members: Vec<Bytes> },
    /// ZCARD.
    Card { key: Bytes },
    /// ZCOUNT, ZLEXCOUNT.
    Count { key: Bytes, range: Range },
    /// ZRANGE and the older commands that it stands for.
    Range { key: Bytes, query: RangeQuery, with_scores: bool },
    /// ZRANK, ZREVRANK.
    Rank { key: Bytes, member: Bytes, reverse: bool, with_score: bool },
    /// ZSCAN.
    Scan { key: Bytes, scan: ElementScan },
    /// ZRANDMEMBER, with or without a count; a negative one may answer a member more than once. `seed` picks.
    RandomMember { key: Bytes, count: Option<i64>, with_scores: bool, seed: u64 },
    /// ZUNION, ZINTER, ZDIFF.
    Combine { combination: Combination, with_scores: bool },
    /// ZINTERCARD; all keys in one slot. `limit` 0 means none.
    InterCard { keys: Vec<Bytes>, limit: u64 },
}
