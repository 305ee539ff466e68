//! What a read sees in a shard's state.
//!
//! A read judges expiry by what is in the state, that is, by the last applied entry: so every read of one state sees the same keys, and an expired key is gone
//! for good once it is gone. The clock only serves to tell times to live. Where the clock is past an expiry that the log has not reached, the caller first
//! lets the log catch up with an empty entry ([`needs_empty_entry`]): otherwise a client could see a key after its time.

use crate::arbitration::Conflict;
use crate::machine::ShardMachine;
use crate::types::{hashes, keys, lists, sets, sorted_sets, strings};
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ops::{HashRead, KeyRead, ListRead, Read, SetRead, SortedSetRead, StringRead};
use proto::reply::Reply;
use proto::tentative::Dots;
use storage::state::ShardState;

/// What came of a read.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What the client is told.
    pub reply: Reply,
    /// The version of the key's value; of an absent key, its slot's newest deletion; zero for a read of no single key.
    pub version: Timestamp,
    /// Nothing that it saw was committed later: the newest version of its keys; for a read of the key space, the state's last entry.
    pub seen: Timestamp,
    /// The undecided operations that what it saw depends on, or that were when it was written.
    pub dots: Dots,
}

/// Answers a read of a shard's decided state, with everything that its reader depends on from then on. `now_ms` as in [`read`].
pub fn answer(shard: &ShardMachine, now_ms: u64, what: &Read) -> Answered {
    let mut answered = read(&shard.state, now_ms, what);
    #[cfg(feature = "planted")]
    if shard.arbitration.planted == crate::planted::Planted::AbsentIsVersionZero
        && matches!(concerns(what), Concerns::Keys([key]) if shard.state.get(key).is_none())
    {
        answered.seen = Timestamp::ZERO;
    }
    if let Read::Key(KeyRead::Conflicts { key }) = what {
        let of_key = shard.arbitration.conflicts().filter(|conflict| conflict.is_of(key));
        answered.reply = Reply::Array(of_key.map(Conflict::shown).collect());
    }
    let mut join = |key: &Bytes| {
        shard.arbitration.join_dependencies(key, &mut answered.dots, &mut answered.seen);
    };
    match concerns(what) {
        Concerns::Keys(keys) => keys.iter().for_each(join),
        Concerns::Pair(first, second) => {
            join(first);
            join(second);
        }
        Concerns::KeySpace => answered.dots = shard.arbitration.all_dots(),
    }
    answered
}

/// The keys that a read looks at; `None`: it reads the key space.
pub fn keys_of(read: &Read) -> Option<Vec<&Bytes>> {
    match concerns(read) {
        Concerns::Keys(keys) => Some(keys.iter().collect()),
        Concerns::Pair(first, second) => Some(vec![first, second]),
        Concerns::KeySpace => None,
    }
}

/// Answers a read by the values alone: nothing is told of what they depend on. `now_ms` is the leader's clock, no earlier than the state's last entry; times to live are told against it.
pub fn read(state: &ShardState, now_ms: u64, read: &Read) -> Answered {
    let reply = match read {
        Read::String(read) => strings::read(state, read),
        Read::Key(read) => keys::read(state, now_ms, read),
        Read::Set(read) => sets::read(state, read),
        Read::Hash(read) => hashes::read(state, read),
        Read::List(read) => lists::read(state, read),
        Read::SortedSet(read) => sorted_sets::read(state, read),
    };
    let newest = |keys: &[Bytes]| keys.iter().map(|key| state.version_of(key)).max().unwrap_or_default();
    let (version, seen) = match concerns(read) {
        Concerns::Keys(keys @ [_]) => (newest(keys), newest(keys)),
        Concerns::Keys(keys) => (Timestamp::ZERO, newest(keys)),
        Concerns::Pair(first, second) => {
            (Timestamp::ZERO, state.version_of(first).max(state.version_of(second)))
        }
        Concerns::KeySpace => (Timestamp::ZERO, state.last()),
    };
    Answered { reply, version, seen, dots: Dots::NONE }
}

/// Whether the read would see a key whose time is over by this clock. Then an empty entry must be applied first.
pub fn needs_empty_entry(state: &ShardState, now_ms: u64, read: &Read) -> bool {
    // Nothing is due at all: the common case, and cheap to tell.
    if state.next_expiry_ms().is_none_or(|at| at > now_ms) {
        return false;
    }
    let due =
        |key: &Bytes| state.get(key).and_then(|item| item.expires_at_ms()).is_some_and(|at| at <= now_ms);
    match concerns(read) {
        Concerns::Keys(keys) => keys.iter().any(due),
        Concerns::Pair(first, second) => due(first) || due(second),
        Concerns::KeySpace => true,
    }
}

/// What a read looks at.
enum Concerns<'a> {
    Keys(&'a [Bytes]),
    Pair(&'a Bytes, &'a Bytes),
    KeySpace,
}

fn concerns(read: &Read) -> Concerns<'_> {
    let one = |key| Concerns::Keys(std::slice::from_ref(key));
    match read {
        Read::String(read) => match read {
            StringRead::Get { key } | StringRead::StrLen { key } | StringRead::GetRange { key, .. } => {
                one(key)
            }
            StringRead::MGet { keys } => Concerns::Keys(keys),
            StringRead::Lcs { first, second, .. } => Concerns::Pair(first, second),
        },
        Read::Key(read) => match read {
            KeyRead::Exists { keys } => Concerns::Keys(keys),
            KeyRead::Type { key }
            | KeyRead::Ttl { key, .. }
            | KeyRead::Object { key, .. }
            | KeyRead::MemoryUsage { key }
            | KeyRead::Conflicts { key } => one(key),
            KeyRead::Count
            | KeyRead::Keys { .. }
            | KeyRead::Scan { .. }
            | KeyRead::RandomKey { .. }
            | KeyRead::CountInSlot { .. }
            | KeyRead::KeysInSlot { .. } => Concerns::KeySpace,
        },
        Read::Set(read) => match read {
            SetRead::Members { key }
            | SetRead::IsMember { key, .. }
            | SetRead::AreMembers { key, .. }
            | SetRead::Card { key }
            | SetRead::RandomMember { key, .. }
            | SetRead::Scan { key, .. } => one(key),
            SetRead::Combine { keys, .. } | SetRead::InterCard { keys, .. } => Concerns::Keys(keys),
        },
        Read::Hash(read) => match read {
            HashRead::Get { key, .. }
            | HashRead::MGet { key, .. }
            | HashRead::GetAll { key }
            | HashRead::Keys { key }
            | HashRead::Values { key }
            | HashRead::Len { key }
            | HashRead::Exists { key, .. }
            | HashRead::StrLen { key, .. }
            | HashRead::Scan { key, .. }
            | HashRead::RandomField { key, .. } => one(key),
        },
        Read::List(read) => match read {
            ListRead::Range { key, .. }
            | ListRead::Len { key }
            | ListRead::Index { key, .. }
            | ListRead::Position { key, .. } => one(key),
        },
        Read::SortedSet(read) => match read {
            SortedSetRead::Score { key, .. }
            | SortedSetRead::Scores { key, .. }
            | SortedSetRead::Card { key }
            | SortedSetRead::Count { key, .. }
            | SortedSetRead::Range { key, .. }
            | SortedSetRead::Rank { key, .. }
            | SortedSetRead::Scan { key, .. }
            | SortedSetRead::RandomMember { key, .. } => one(key),
            SortedSetRead::Combine { combination, .. } => Concerns::Keys(&combination.keys),
            SortedSetRead::InterCard { keys, .. } => Concerns::Keys(keys),
        },
    }
}
