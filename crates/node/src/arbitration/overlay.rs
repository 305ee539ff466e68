//! What a replica shows below sequential: the decided state with the undecided operations on top, as the log would decide them now.
//!
//! The operations are decided on a copy of the keys that a read concerns (persistent maps: a copy is a few pointers), in the order of their times, by the rules of the log. So no loser is ever shown, an effect
//! is never hidden by an assignment that loses, and what is shown settles unless something newer comes.
//!
//! An answer's version is that of the decided state beneath. What its reader depends on from then on: the dots that the view's keys keep (of a key that a shown operation assigned, only that one's and later ones'), the decided
//! version beneath, and what the shown operations' sessions had seen of what is decided. Expiry is judged at the replica's safe time, as everywhere.
//!
//! Nothing here changes the shard.

use super::decide::{Client, Place, rule, was_applied};
use super::{Arbitration, Verdict};
use crate::apply;
use crate::machine::ShardMachine;
use crate::query;
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::log_entry::ClientNumber;
use proto::ops::{KeyWrite, Read, SetExpiry, StringWrite, Write};
use proto::outcome::State;
use proto::reply::Reply;
use proto::tentative::{Dots, Operation};
use std::collections::{BTreeMap, BTreeSet};
use storage::state::ShardState;

/// What a read below sequential sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What the client is told.
    pub reply: Reply,
    /// The version of the decided value beneath; zero for a read of no single key.
    pub version: Timestamp,
    /// What is decided and was seen, through what is shown too.
    pub seen: Timestamp,
    /// What is undecided and was seen.
    pub dots: Dots,
    /// Whether anything undecided was shown.
    pub state: State,
}

/// What a tentative write will answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// What the client is told.
    pub reply: Reply,
    /// The version of the decided value beneath.
    pub version: Timestamp,
    /// What is decided and was seen.
    pub seen: Timestamp,
    /// What is undecided and was seen.
    pub dots: Dots,
}

/// Answers a read from the decided state and these operations, in any order; those that are decided already, or of other keys, count for nothing.
/// `now_ms` is the replica's clock, no earlier than the state's last entry.
pub fn read(shard: &ShardMachine, operations: &[&Operation], now_ms: u64, read: &Read) -> Shown {
    let beneath = query::answer(shard, now_ms, read);
    let keys = query::keys_of(read);
    let view = View::of(shard, operations, keys.as_deref());
    let Some(view) = view.filter(|view| !view.shown.is_empty()) else {
        let query::Answered { reply, version, seen, dots } = beneath;
        return Shown { reply, version, seen, dots, state: State::Committed };
    };
    let reply = match read {
        Read::Key(proto::ops::KeyRead::Conflicts { .. }) => beneath.reply,
        _ => query::read(&view.state, now_ms, read).reply,
    };
    let (mut seen, mut dots) = (beneath.seen, Dots::NONE);
    match &keys {
        Some(keys) => keys.iter().for_each(|key| view.join(key, &mut dots, &mut seen)),
        None => {
            dots.join(&beneath.dots);
            view.join_all(&mut dots, &mut seen);
        }
    }
    Shown { reply, version: beneath.version, seen, dots, state: State::Tentative }
}

/// What a write that is taken now will answer: its effect on what is shown. It judges expiry as reads do, and has the newest time of all.
pub fn estimate(shard: &ShardMachine, operations: &[&Operation], write: &Write) -> Estimate {
    let Some(key) = apply::single_key(write) else {
        let (version, seen) = (Timestamp::ZERO, Timestamp::ZERO);
        return Estimate { reply: Reply::Nil, version, seen, dots: Dots::NONE };
    };
    let version = shard.state.version_of(key);
    let (mut seen, mut dots) = (version, Dots::NONE);
    shard.arbitration.join_dependencies(key, &mut dots, &mut seen);
    let mut state = match View::of(shard, operations, Some(&[key])) {
        Some(view) => {
            dots = Dots::NONE;
            view.join(key, &mut dots, &mut seen);
            view.state
        }
        None => shard.state.excerpt(&[key]),
    };
    let at = state.last();
    Estimate { reply: apply::apply(&mut state, at, write).reply, version, seen, dots }
}

/// Whether one of these operations gives a key an expiry that this clock has passed and the log has not: then an empty entry must be applied first, if a leader can be reached.
pub fn needs_empty_entry(shard: &ShardMachine, operations: &[&Operation], now_ms: u64) -> bool {
    let safe_ms = shard.state.last().wall_ms();
    let due =
        |operation: &&Operation| expiry_of(&operation.write).is_some_and(|at| at > safe_ms && at <= now_ms);
    operations.iter().any(due)
}

fn expiry_of(write: &Write) -> Option<u64> {
    match write {
        Write::String(
            StringWrite::Set { expiry: SetExpiry::AtMs(at_ms), .. }
            | StringWrite::Put { expiry: SetExpiry::AtMs(at_ms), .. },
        ) => Some(*at_ms),
        Write::Key(KeyWrite::ExpireAt { at_ms, .. }) => u64::try_from(*at_ms).ok(),
        _ => None,
    }
}

/// The copy on which the operations are decided.
struct View<'a> {
    state: ShardState,
    arbitration: Arbitration,
    /// For each key the operations that made what it shows.
    shown: BTreeMap<&'a Bytes, Vec<&'a Operation>>,
}

impl<'a> View<'a> {
    /// Of these keys, or of all; `None` if no operation is undecided and of them.
    fn of(shard: &ShardMachine, operations: &[&'a Operation], keys: Option<&[&Bytes]>) -> Option<View<'a>> {
        let wanted: Option<BTreeSet<&Bytes>> = keys.map(|keys| keys.iter().copied().collect());
        let mut undecided: Vec<(&'a Bytes, &'a Operation)> = operations
            .iter()
            .filter(|operation| operation.dot.number > shard.arbitration.mark(operation.dot.origin))
            .filter_map(|operation| Some((apply::single_key(&operation.write)?, *operation)))
            .filter(|(key, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(key)))
            .collect();
        if undecided.is_empty() {
            return None;
        }
        undecided.sort_by_key(|(_, operation)| (operation.time, operation.dot));
        let names: Option<Vec<&[u8]>> = keys.map(|keys| keys.iter().map(|key| &key[..]).collect());
        let state = match &names {
            Some(names) => shard.state.excerpt(names),
            None => shard.state.overlay(),
        };
        let arbitration = shard.arbitration.excerpt(names.as_deref());
        let mut view = View { state, arbitration, shown: BTreeMap::new() };
        let mut clients: BTreeSet<&ClientNumber> = BTreeSet::new();
        for (key, operation) in undecided {
            let takes_effect = match was_applied(shard, operation.client.as_ref()) {
                Client::Before => false,
                Client::Now(Some(client)) => clients.insert(client),
                Client::Now(None) => true,
            };
            if takes_effect {
                view.decide(key, operation);
            }
        }
        Some(view)
    }

    fn decide(&mut self, key: &'a Bytes, operation: &'a Operation) {
        let place = Place::Overlay(self.state.last());
        let ruled = rule(&mut self.state, &mut self.arbitration, place, operation);
        if ruled.verdict == Verdict::Applied {
            let shown = self.shown.entry(key).or_default();
            if ruled.replaces {
                shown.clear();
            }
            shown.push(operation);
        }
    }

    /// Joins what whoever sees this key depends on.
    fn join(&self, key: &Bytes, dots: &mut Dots, seen: &mut Timestamp) {
        self.arbitration.join_dependencies(key, dots, seen);
        for operation in self.shown.get(key).into_iter().flatten() {
            *seen = self.time_of(operation).max(*seen);
        }
    }

    /// The same of all keys.
    fn join_all(&self, dots: &mut Dots, seen: &mut Timestamp) {
        for operation in self.shown.values().flatten() {
            let mut own = operation.dots.clone();
            own.add(operation.dot);
            *seen = self.arbitration.strip(&mut own).max(self.time_of(operation)).max(*seen);
            dots.join(&own);
        }
    }

    /// What is decided and an operation's reader has seen: what its session had, and that it has expired if it has.
    fn time_of(&self, operation: &Operation) -> Timestamp {
        let safe_ms = self.state.last().wall_ms();
        let expired = expiry_of(&operation.write).filter(|at| *at <= safe_ms);
        expired.map(Timestamp::from_wall_ms).unwrap_or_default().max(operation.dep_hlc)
    }
}
