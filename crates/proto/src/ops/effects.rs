//! Which writes mean something below sequential, and as what.
//!
//! An *effect* is applied once, whenever it is decided: an increment, an added member, a pushed element. An *assignment* says what a key, a field or a score is from now on, so of two that have not seen each other
//! one must lose (`docs/consistency.md`, arbitration). A write whose answer is itself a decision (a condition, a pop, a move) is neither, and is refused below sequential.
//!
//! A tentative operation is a write of one key in absolute terms: when it will be decided nobody knows, so an expiry counts from the moment at which it was taken.

use super::keys::ExpireCondition;
use super::sorted_sets::AddOptions;
use super::strings::{Condition, SetExpiry};
use super::{HashWrite, KeyWrite, ListWrite, SetWrite, SortedSetWrite, StringWrite, Write};
use bytes::Bytes;

/// What a write that means something below sequential says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// What the whole key is: SET, DEL, EXPIRE, PERSIST.
    Assigns,
    /// Something that is added to what is there, whatever that is: INCR, APPEND, RPUSH.
    Adds,
    /// Members that are there from now on: SADD.
    AddsElements(Vec<&'a Bytes>),
    /// Members that go, as far as their adding had been seen: SREM, ZREM.
    RemovesElements(Vec<&'a Bytes>),
    /// What each of these elements is or that it is not: HSET, HDEL, ZADD.
    AssignsElements(Vec<&'a Bytes>),
    /// Something that is added to what one element is: HINCRBY, ZINCRBY.
    AddsToElement(&'a Bytes),
}

impl Write {
    /// This write as tentative operations, one for each key, counted from the origin's wall clock in milliseconds. `None`: it has no meaning below sequential.
    pub fn into_tentative(self, wall_ms: u64) -> Option<Vec<Write>> {
        let absolute = |expiry: SetExpiry| match expiry {
            SetExpiry::AfterMs(after_ms) => SetExpiry::AtMs(wall_ms.saturating_add(after_ms)),
            other => other,
        };
        let several = match self {
            Write::String(StringWrite::MSet { pairs }) => {
                pairs.into_iter().map(|(key, value)| assignment(key, value, SetExpiry::Never)).collect()
            }
            Write::Key(KeyWrite::Del { keys }) => {
                keys.into_iter().map(|key| Write::Key(KeyWrite::Del { keys: vec![key] })).collect()
            }
            Write::String(StringWrite::Set { key, value, expiry, condition, get, integer_reply }) => {
                let condition = plain(condition).filter(|_| !get && expiry != SetExpiry::Keep)?;
                let expiry = absolute(expiry);
                vec![Write::String(StringWrite::Set { key, value, expiry, condition, get, integer_reply })]
            }
            Write::String(StringWrite::Put { key, value, expiry, condition }) => {
                let condition = plain(condition).filter(|_| expiry != SetExpiry::Keep)?;
                vec![Write::String(StringWrite::Put { key, value, expiry: absolute(expiry), condition })]
            }
            Write::Key(KeyWrite::Delete { key, condition }) => {
                vec![Write::Key(KeyWrite::Delete { key, condition: plain(condition)? })]
            }
            Write::Key(KeyWrite::ExpireAfter { key, after_ms, condition }) => {
                let at_ms = i64::try_from(wall_ms).unwrap_or(i64::MAX).saturating_add(after_ms);
                Write::Key(KeyWrite::ExpireAt { key, at_ms, condition }).into_tentative(wall_ms)?
            }
            other => other.meaning().is_some().then(|| vec![other])?,
        };
        Some(several)
    }

    /// Whether [`Write::into_tentative`] would make something of it. It may then be asked for below sequential.
    pub fn has_meaning_below_sequential(&self) -> bool {
        match self {
            Write::String(StringWrite::MSet { .. }) | Write::Key(KeyWrite::Del { .. }) => true,
            Write::Key(KeyWrite::ExpireAfter { condition, .. }) => *condition == ExpireCondition::default(),
            other => other.meaning().is_some(),
        }
    }

    /// What this write of one key says below sequential; `None` if it means nothing there.
    pub fn meaning(&self) -> Option<Meaning<'_>> {
        Some(match self {
            Write::String(write) => match write {
                StringWrite::Set { condition: Condition::Always, get: false, expiry, .. }
                | StringWrite::Put { condition: Condition::Always, expiry, .. }
                    if *expiry != SetExpiry::Keep =>
                {
                    Meaning::Assigns
                }
                StringWrite::Append { .. } | StringWrite::IncrBy { .. } | StringWrite::IncrByFloat { .. } => {
                    Meaning::Adds
                }
                _ => return None,
            },
            Write::Key(write) => match write {
                KeyWrite::Del { keys } if keys.len() == 1 => Meaning::Assigns,
                KeyWrite::Delete { condition: Condition::Always, .. } | KeyWrite::Persist { .. } => {
                    Meaning::Assigns
                }
                KeyWrite::ExpireAt { condition, .. } if *condition == ExpireCondition::default() => {
                    Meaning::Assigns
                }
                _ => return None,
            },
            Write::Set(write) => match write {
                SetWrite::Add { members, .. } => Meaning::AddsElements(members.iter().collect()),
                SetWrite::Remove { members, .. } => Meaning::RemovesElements(members.iter().collect()),
                _ => return None,
            },
            Write::Hash(write) => match write {
                HashWrite::Set { fields, .. } => {
                    Meaning::AssignsElements(fields.iter().map(|(field, _)| field).collect())
                }
                HashWrite::Delete { fields, .. } => Meaning::AssignsElements(fields.iter().collect()),
                HashWrite::IncrBy { field, .. } | HashWrite::IncrByFloat { field, .. } => {
                    Meaning::AddsToElement(field)
                }
                HashWrite::SetNx { .. } => return None,
            },
            Write::List(ListWrite::Push { only_if_present: false, .. }) => Meaning::Adds,
            Write::List(_) => return None,
            Write::SortedSet(write) => match write {
                SortedSetWrite::Add { options, members, .. } => {
                    let elements: Vec<&Bytes> = members.iter().map(|(_, member)| member).collect();
                    match *options {
                        AddOptions { nx: false, xx: false, gt: false, lt: false, incr: false, .. } => {
                            Meaning::AssignsElements(elements)
                        }
                        AddOptions { nx: false, xx: false, gt: false, lt: false, incr: true, .. } => {
                            Meaning::AddsToElement(elements.first()?)
                        }
                        _ => return None,
                    }
                }
                SortedSetWrite::Remove { members, .. } => Meaning::RemovesElements(members.iter().collect()),
                _ => return None,
            },
        })
    }

    /// Whether its answer tells something of what was there before: then it is a read of its session too.
    pub fn answers_from_state(&self) -> bool {
        !matches!(
            self,
            Write::String(
                StringWrite::Set { get: false, condition: Condition::Always, .. } | StringWrite::MSet { .. }
            )
        )
    }
}

fn plain(condition: Condition) -> Option<Condition> {
    matches!(condition, Condition::Always).then_some(condition)
}

fn assignment(key: Bytes, value: Bytes, expiry: SetExpiry) -> Write {
    let condition = Condition::Always;
    Write::String(StringWrite::Set { key, value, expiry, condition, get: false, integer_reply: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(condition: Condition, get: bool, expiry: SetExpiry) -> Write {
        let (key, value) = (Bytes::from_static(b"k"), Bytes::from_static(b"v"));
        Write::String(StringWrite::Set { key, value, expiry, condition, get, integer_reply: false })
    }

    #[test]
    fn a_write_whose_answer_is_a_decision_means_nothing_below_sequential() {
        for refused in [
            set(Condition::Absent, false, SetExpiry::Never),
            set(Condition::Always, true, SetExpiry::Never),
            set(Condition::Always, false, SetExpiry::Keep),
            Write::Key(KeyWrite::Flush),
            Write::Set(SetWrite::Pop { key: Bytes::new(), count: None, seed: 1 }),
        ] {
            assert_eq!(refused.clone().into_tentative(5), None, "{refused:?}");
            assert!(!refused.has_meaning_below_sequential(), "{refused:?}");
            assert_eq!(refused.meaning(), None);
        }
    }

    #[test]
    fn what_is_taken_is_of_one_key_and_its_expiry_absolute() {
        let taken = set(Condition::Always, false, SetExpiry::AfterMs(7)).into_tentative(1_000);
        assert_eq!(taken, Some(vec![set(Condition::Always, false, SetExpiry::AtMs(1_007))]));
        let keys = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        let taken = Write::Key(KeyWrite::Del { keys }).into_tentative(0).expect("DEL is an assignment");
        assert_eq!(taken.len(), 2);
        assert!(taken.iter().all(|write| write.meaning() == Some(Meaning::Assigns)));
    }
}
