//! The rules: what becomes of a tentative operation when its place in the log is known.
//!
//! First the order: each origin's operations once and in their order, behind everything of the shard that their origin held. Then the operation's meaning: an effect is applied whenever it comes; an assignment loses to a strong write that it
//! had not seen, to a newer operation, and to the floor (a hint, for which no floor waits, to whatever may be forgotten). Writes of several fields are decided field by field. A removal takes what its origin had observed.
//!
//! The overlay decides by [`rule`] too, on a copy: what is shown before the log has spoken is what the log would say.

use super::conflicts::Conflict;
use super::elements::{is_there, part};
use super::marks::{ElementMark, KeyMark, Winner, newest};
use super::{Arbitration, Verdict};
use crate::apply;
use crate::machine::ShardMachine;
use crate::marks::{Mark, reached};
#[cfg(feature = "planted")]
use crate::planted::Planted;
use bytes::Bytes;
use proto::error::ErrorKind;
use proto::hlc::Timestamp;
use proto::ids::NodeId;
use proto::log_entry::ClientNumber;
use proto::ops::{KeyWrite, Meaning, SortedSetWrite, Write};
use proto::outcome::{Certificate, Outcome};
use proto::reply::Reply;
use proto::tentative::{Dot, Operation, WhySuperseded};
use std::collections::BTreeSet;
use storage::state::ShardState;

/// Where an operation is decided.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// In the log, at this commit timestamp.
    Log(Timestamp),
    /// On a copy, at the replica's safe time; in truth later.
    Overlay(Timestamp),
}

impl Place {
    fn at(self) -> Timestamp {
        match self {
            Place::Log(at) | Place::Overlay(at) => at,
        }
    }

    /// The commit timestamp, for whoever asks later whether something had been seen. Nothing undecided was seen as decided.
    fn decided_at(self) -> Timestamp {
        match self {
            Place::Log(at) => at,
            Place::Overlay(_) => Timestamp(u64::MAX),
        }
    }
}

/// What the rules say.
pub(super) struct Ruled {
    pub(super) verdict: Verdict,
    pub(super) reply: Reply,
    pub(super) version: Timestamp,
    /// What of the write was not applied, and why.
    pub(super) lost: Option<(Write, WhySuperseded)>,
    /// Nothing that was there before is left.
    pub(super) replaces: bool,
}

impl Ruled {
    fn nothing() -> Ruled {
        let (verdict, reply, version) = (Verdict::Applied, Reply::Nil, Timestamp::ZERO);
        Ruled { verdict, reply, version, lost: None, replaces: false }
    }

    /// Its command cannot be carried out on what is there, and answers an error.
    fn refused(self, write: &Write) -> Ruled {
        let why = WhySuperseded::Refused;
        Ruled { verdict: Verdict::Superseded(why), lost: Some((write.clone(), why)), ..self }
    }

    fn superseded(lost: Write, why: WhySuperseded) -> Ruled {
        Ruled { verdict: Verdict::Superseded(why), lost: Some((lost, why)), ..Ruled::nothing() }
    }
}

/// Decides an operation that the log brought at this commit timestamp.
pub(crate) fn decide(shard: &mut ShardMachine, at: Timestamp, operation: &Operation) -> Verdict {
    let (origin, number) = (operation.dot.origin, operation.dot.number);
    let arbitration = &mut shard.arbitration;
    let mark = arbitration.mark(origin);
    if number <= mark {
        return Verdict::Repeated;
    }
    let follows = operation.predecessor == mark;
    #[cfg(feature = "planted")]
    let follows = follows || arbitration.planted == Planted::PredecessorNotChecked;
    let lacks = |held: Dot| held.origin != origin && held.number > arbitration.mark(held.origin);
    if !follows || operation.held.iter().any(lacks) {
        return Verdict::TooEarly;
    }
    arbitration.decided.add(operation.dot);
    let client = match was_applied(shard, operation.client.as_ref()) {
        Client::Before => {
            reached(Mark::NumberedBefore);
            return Verdict::Applied;
        }
        Client::Now(client) => client,
    };
    let ruled = rule(&mut shard.state, &mut shard.arbitration, Place::Log(at), operation);
    if let Some((lost, why)) = &ruled.lost {
        let key = apply::single_key(&operation.write).expect("what loses is of one key");
        shard.arbitration.superseded += 1;
        shard.arbitration.conflicts.note(Conflict::new(key, lost, operation, *why, at));
    }
    if let (Some(client), Verdict::Applied | Verdict::Superseded(WhySuperseded::Refused)) =
        (client, ruled.verdict)
    {
        let certificate = Certificate { version: ruled.version, as_of: at, served_by: NodeId::default() };
        let outcome = Outcome::Done { reply: ruled.reply, certificate };
        shard.sessions.remember(client.clone(), outcome, at);
    }
    ruled.verdict
}

/// What a client's own number says.
pub(super) enum Client<'a> {
    /// The write took effect before.
    Before,
    /// It takes effect now, and is to be remembered if it has a number and there is room.
    Now(Option<&'a ClientNumber>),
}

/// Whether a client's numbered write took effect before. What was answered long ago cannot be refused for want of room: then it is applied, and not remembered.
pub(super) fn was_applied<'a>(shard: &ShardMachine, client: Option<&'a ClientNumber>) -> Client<'a> {
    match client.and_then(|client| shard.sessions.repeated(client)) {
        None => Client::Now(client),
        Some(Outcome::Failed(failure)) if matches!(failure.kind, ErrorKind::Retry | ErrorKind::Expired) => {
            Client::Now(None)
        }
        Some(_) => Client::Before,
    }
}

/// Whether this assignment of a whole key leaves what the key holds.
fn keeps_value(write: &Write) -> bool {
    matches!(write, Write::Key(KeyWrite::ExpireAt { .. } | KeyWrite::Persist { .. }))
}

/// Applies an operation by the rules, whatever its place in its origin's order.
pub(super) fn rule(
    state: &mut ShardState,
    arbitration: &mut Arbitration,
    place: Place,
    operation: &Operation,
) -> Ruled {
    let (Some(meaning), Some(key)) = (operation.write.meaning(), apply::single_key(&operation.write)) else {
        return Ruled::nothing();
    };
    let base = arbitration.strong(state, key);
    let is_unknown = arbitration.keys.get(key).is_none() && state.get(key).is_none();
    let deleted = if is_unknown { state.version_of(key) } else { Timestamp::ZERO };
    let decision = Decision { state, arbitration, place, operation, key, base, deleted };
    match meaning {
        Meaning::Assigns => decision.assign(),
        Meaning::Adds => decision.add(),
        Meaning::AddsElements(members) => decision.add_elements(&members),
        Meaning::RemovesElements(members) => decision.remove_elements(&members),
        Meaning::AssignsElements(elements) => decision.assign_elements(&elements),
        Meaning::AddsToElement(element) => decision.add_to_element(element),
    }
}

struct Decision<'a> {
    state: &'a mut ShardState,
    arbitration: &'a mut Arbitration,
    place: Place,
    operation: &'a Operation,
    key: &'a Bytes,
    /// The key's newest strong write, from before the operation.
    base: Timestamp,
    /// Of a key of which nothing is there and nothing remembered: its slot's newest deletion, which may have been of this key.
    deleted: Timestamp,
}

impl Decision<'_> {
    /// Counts a branch, in the log only: what the overlay tries has not happened.
    fn marked(&self, mark: Mark) {
        if matches!(self.place, Place::Log(_)) {
            reached(mark);
        }
    }

    fn mark(&self) -> Option<&KeyMark> {
        self.arbitration.keys.get(self.key)
    }

    fn is_hint(&self) -> bool {
        self.operation.dot.origin.is_hints()
    }

    /// Anything that is not remembered may have been forgotten.
    fn forgotten(&self) -> Option<WhySuperseded> {
        let floor = self.arbitration.floor;
        (floor > Timestamp::ZERO).then_some(WhySuperseded::Floor(floor))
    }

    /// Whether the operation, an assignment, had seen less than what is remembered.
    fn below_floor(&self) -> Option<WhySuperseded> {
        let floor = self.arbitration.floor;
        if self.is_hint() {
            // No floor waits for hints, and they have seen nothing. A key that is there without a mark counts as written strongly, and what has a mark is known; so only a forgotten deletion could be undone.
            return (self.deleted > Timestamp::ZERO).then(|| {
                self.marked(Mark::HintBelowForgottenDeletion);
                WhySuperseded::Floor(floor.max(self.deleted))
            });
        }
        let below = self.operation.seen < floor;
        #[cfg(feature = "planted")]
        let below = below && self.arbitration.planted != Planted::FloorNotEnforced;
        below.then_some(WhySuperseded::Floor(floor))
    }

    /// A strong write at this time was not seen.
    fn unseen(&self, strong: Timestamp) -> Option<WhySuperseded> {
        let unseen = strong > self.operation.seen;
        #[cfg(feature = "planted")]
        let unseen = unseen
            && !(matches!(self.place, Place::Overlay(_))
                && self.arbitration.planted == Planted::OverlayByOtherRules);
        // What stands at or below the floor may as well be a tentative write whose mark was dropped.
        let is_unsure = self.is_hint() && strong <= self.arbitration.floor;
        let why = if is_unsure {
            WhySuperseded::Floor(self.arbitration.floor)
        } else {
            WhySuperseded::Strong(strong)
        };
        if unseen && is_unsure {
            self.marked(Mark::StrongTimeUnsure);
        }
        unseen.then_some(why)
    }

    fn newer(&self, winner: Option<Winner>) -> Option<WhySuperseded> {
        let winner = winner.filter(|winner| winner.beats(self.operation))?;
        Some(WhySuperseded::Newer { dot: winner.dot, at: winner.at })
    }

    fn apply(&mut self, write: &Write) -> Ruled {
        let applied = apply::apply(self.state, self.place.at(), write);
        Ruled { reply: applied.reply, version: applied.version, ..Ruled::nothing() }
    }

    /// Notes in the key's mark that the operation made something of it. `note` does what is particular.
    fn note(&mut self, note: impl FnOnce(&mut KeyMark, Timestamp)) {
        let mut dots = self.operation.dots.clone();
        // Nothing can depend on a hint that is not decided: it is shown by its decision, and the version says when that was.
        if !self.is_hint() {
            dots.add(self.operation.dot);
        }
        #[cfg(feature = "planted")]
        if self.arbitration.planted == Planted::KeyForgetsDots {
            dots = proto::tentative::Dots::NONE;
        }
        let folded = self.arbitration.strip(&mut dots);
        self.arbitration.kept.join(&dots);
        // A mark says all that hints must lose to: a deletion that was forgotten, and what is above the floor is not, counts as strong from now on. Whoever else is above the floor has seen it.
        let base = self.base.max(self.deleted.min(self.arbitration.floor));
        let mut mark = self.arbitration.keys.take(self.key).unwrap_or_else(|| KeyMark::new(base));
        let at = self.place.decided_at();
        note(&mut mark, at);
        newest(&mut mark.winner, self.operation, at);
        mark.decided_at = mark.decided_at.max(at);
        mark.dots.join(&dots);
        mark.folded = mark.folded.max(folded);
        self.arbitration.keys.put(self.key, mark);
    }

    fn assign(mut self) -> Ruled {
        let write = &self.operation.write;
        let winner = self.mark().and_then(|mark| mark.winner);
        let lost = self.below_floor().or_else(|| self.unseen(self.base)).or_else(|| self.newer(winner));
        if let Some(why) = lost {
            return Ruled::superseded(write.clone(), why);
        }
        let mut ruled = self.apply(write);
        let keeps_value = keeps_value(write);
        // An EXPIRE or PERSIST that found nothing to change says nothing about the key. A DEL says that it is absent, whether or not it was there.
        if ruled.reply.is_error() {
            return ruled.refused(write);
        }
        if keeps_value && ruled.reply == Reply::Int(0) {
            return ruled;
        }
        if !keeps_value && self.state.get(self.key).is_none() {
            // It is a write of the key all the same: the key is absent since then, by this operation.
            self.state.note_absence(self.key, self.place.at());
            ruled.version = self.state.version_of(self.key);
        }
        ruled.replaces = !keeps_value;
        let operation = self.operation;
        #[cfg(feature = "planted")]
        let forgets_strong = self.arbitration.planted == Planted::StrongTimeForgotten;
        self.note(|mark, at| {
            if !keeps_value {
                // What it has seen of the elements counts for all of them from now on: it beat the newest of each.
                *mark = KeyMark { decided_at: mark.decided_at, ..KeyMark::new(mark.strong) };
                #[cfg(feature = "planted")]
                if forgets_strong {
                    *mark = KeyMark::default();
                }
            }
            mark.whole_winner = Some(Winner::of(operation, at));
        });
        ruled
    }

    fn add(mut self) -> Ruled {
        let write = &self.operation.write;
        let ruled = self.apply(write);
        if ruled.reply.is_error() {
            return ruled.refused(write);
        }
        self.note(|_, _| ());
        ruled
    }

    /// Whether each of these elements is there.
    fn present(&self, names: &[&Bytes]) -> Vec<bool> {
        names.iter().map(|name| is_there(self.state, self.key, name)).collect()
    }

    /// Applies the write and notes it with each of these elements: as what puts it in if `puts_in`, as what it is from now on if `wins`.
    fn write_elements(mut self, write: &Write, names: &[&Bytes], puts_in: bool, wins: bool) -> Ruled {
        let present = self.present(names);
        let ruled = self.apply(write);
        if ruled.reply.is_error() {
            return ruled.refused(&self.operation.write);
        }
        let (operation, floor) = (self.operation, self.arbitration.floor);
        // Who put it in may be forgotten, and a hint's add must not make it look as if its holder had.
        let unknown = if self.is_hint() { floor } else { Timestamp::ZERO };
        self.note(|mark, at| {
            for (&name, present) in names.iter().zip(present) {
                let mut element = mark.elements.take(name).unwrap_or_default();
                // Without a mark it was put in strongly, as far as is known.
                if present && element.adds.is_empty() {
                    element.strong = element.strong.max(mark.whole).max(unknown);
                }
                if puts_in {
                    element.added(operation.dot, at);
                }
                if wins {
                    newest(&mut element.winner, operation, at);
                }
                mark.elements.put(name, element);
                mark.elements.forget_some(name, floor);
            }
        });
        ruled
    }

    fn add_elements(self, members: &[&Bytes]) -> Ruled {
        let write = &self.operation.write;
        self.write_elements(write, members, true, false)
    }

    fn add_to_element(self, element: &Bytes) -> Ruled {
        let write = &self.operation.write;
        self.write_elements(write, &[element], matches!(write, Write::SortedSet(_)), true)
    }

    /// Why an assignment to an element loses.
    fn element_loses(&self, name: &[u8]) -> Option<WhySuperseded> {
        let Some(mark) = self.mark() else { return self.unseen(self.base) };
        if self.is_hint() {
            // Marks of elements are forgotten one by one, and the floor that makes up for that does not count here: a hint must beat what the key remembers of all of them.
            return self.unseen(mark.strong).or_else(|| self.newer(mark.winner));
        }
        let element = mark.elements.get(name);
        let strong = element.map_or(mark.whole, |element| element.strong.max(mark.whole));
        self.unseen(strong)
            .or_else(|| self.newer(mark.whole_winner))
            .or_else(|| self.newer(element.and_then(|element| element.winner)))
    }

    /// Decides each element by itself, and writes those that do not lose.
    fn assign_elements(self, names: &[&Bytes]) -> Ruled {
        let write = &self.operation.write;
        if let Some(why) = self.below_floor() {
            return Ruled::superseded(write.clone(), why);
        }
        let puts_in = matches!(write, Write::SortedSet(SortedSetWrite::Add { .. }));
        let mut why = None;
        let mut losers: BTreeSet<&[u8]> = BTreeSet::new();
        for &name in names {
            if let Some(reason) = self.element_loses(name) {
                why.get_or_insert(reason);
                losers.insert(name);
            }
        }
        let Some(why) = why else { return self.write_elements(write, names, puts_in, true) };
        let winners: Vec<&Bytes> = names.iter().copied().filter(|name| !losers.contains(&name[..])).collect();
        if winners.is_empty() {
            self.marked(Mark::ElementsLost);
            return Ruled::superseded(write.clone(), why);
        }
        self.marked(Mark::ElementsLostInPart);
        let kept = part(write, |name| !losers.contains(name));
        let lost = part(write, |name| losers.contains(name));
        let ruled = self.write_elements(&kept, &winners, puts_in, true);
        Ruled { lost: ruled.lost.or(Some((lost, why))), ..ruled }
    }

    /// Whether the operation's origin had observed what put an element in.
    fn observed(&self, dot: Dot, at: Timestamp) -> bool {
        let operation = self.operation;
        dot.origin == operation.dot.origin
            || dot.number <= operation.held.of(dot.origin)
            || at <= operation.seen
    }

    /// Why a removal leaves a member: something put it in that the origin had not observed.
    fn add_wins(&self, name: &[u8]) -> Option<WhySuperseded> {
        if !is_there(self.state, self.key, name) {
            return None;
        }
        #[cfg(feature = "planted")]
        if self.arbitration.planted == Planted::RemovalTakesUnseen {
            return None;
        }
        let Some(element) = self.mark().and_then(|mark| mark.elements.get(name)) else {
            // Below the floor nobody remembers who put it in.
            return self
                .unseen(self.mark().map_or(self.base, |mark| mark.whole))
                .or_else(|| if self.is_hint() { self.forgotten() } else { self.below_floor() });
        };
        let unobserved = element.adds.iter().find(|(dot, at)| !self.observed(*dot, *at));
        let newer = unobserved.map(|&(dot, at)| WhySuperseded::Newer { dot, at });
        self.unseen(element.strong).or(newer)
    }

    /// Takes what was observed out of these elements' marks, of those that stay too: the next removal need not have seen it.
    fn forget_observed(&mut self, names: &[&Bytes], is_set: bool) {
        let Some(mut mark) = self.arbitration.keys.take(self.key) else { return };
        for &name in names {
            let Some(mut element) = mark.elements.take(name) else { continue };
            element.adds.retain(|(dot, at)| !self.observed(*dot, *at));
            // A score may still be assigned late, and must lose to what was there; a set's member is only ever added.
            if is_set && element.strong <= self.operation.seen {
                element.strong = Timestamp::ZERO;
            }
            if !is_set || element != ElementMark::default() {
                mark.elements.put(name, element);
            }
        }
        self.arbitration.keys.put(self.key, mark);
    }

    /// A removal is an effect: it takes what it observed, and where an add stays that it did not, that is no loss. Only where a strong write or the floor decides is it said to have lost, for of keys without marks not every strong add is
    /// known, and below the floor none.
    fn remove_elements(mut self, names: &[&Bytes]) -> Ruled {
        let write = &self.operation.write;
        let (mut stays, mut loses) = (BTreeSet::new(), BTreeSet::new());
        let mut why = None;
        for &name in names {
            let reason = self.add_wins(name);
            if reason.is_some() {
                self.marked(Mark::AddWins);
                stays.insert(&name[..]);
            }
            if let Some(reason @ (WhySuperseded::Strong(_) | WhySuperseded::Floor(_))) = reason {
                loses.insert(&name[..]);
                why.get_or_insert(reason);
            }
        }
        let mut ruled = if stays.is_empty() {
            self.apply(write)
        } else {
            self.apply(&part(write, |name| !stays.contains(name)))
        };
        if ruled.reply.is_error() {
            return ruled.refused(write);
        }
        self.forget_observed(names, matches!(write, Write::Set(_)));
        ruled.lost = why.map(|why| (part(write, |name| loses.contains(name)), why));
        if let Some(why) = why.filter(|_| names.iter().all(|name| loses.contains(&name[..]))) {
            return Ruled { verdict: Verdict::Superseded(why), ..ruled };
        }
        self.note(|_, _| ());
        ruled
    }
}
