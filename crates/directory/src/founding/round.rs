//! The founding round of one node: inputs in, outputs out. The protocol and its safety argument stand in the header of `founding`.
//!
//! Invariants: at most one set is ever asked to be stored as confirmed; nothing says `Confirmed` or `Founded` before the body said `Stored`; a
//! set counts as founded only when each member's own confirmation was heard, or a member said that it is founded.

use super::message::{FoundingMessage, Stage};
use super::sentences;
use super::set::{Founder, FoundingSet, StoredFounding};
use crate::address::Address;
use proto::ids::ClusterId;
use proto::limits::{MAX_FOUNDING_ADDRESSES, MAX_NODES, MAX_REPLICAS, MAX_SHARDS};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How often a founder tells its view.
const ROUND: Duration = Duration::from_millis(200);
/// How old, in own rounds, the echo in a founder's view may be for the founder to count as here.
const FRESH_ROUNDS: u64 = 10;
/// After how many rounds what was heard is forgotten.
const KEPT_ROUNDS: u64 = 50;
/// Views that are this many rounds or fewer behind the newest were overtaken on the way; more, and the sender restarted.
const OVERTAKEN_ROUNDS: u64 = 1_000;
/// Addresses that are remembered per founder by which it reached this node.
const ALIASES_PER_FOUNDER: usize = 8;
/// How long a sentence for people stands at least.
const SENTENCE: Duration = Duration::from_secs(1);

/// What the operator wants of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many nodes found it, this one included. 1 to `MAX_NODES`.
    pub expect: usize,
    /// Peer addresses of some of the others; may name this node too.
    pub join: Vec<Address>,
    /// Replicas of each shard. 1 to `MAX_REPLICAS`; fewer nodes than that hold fewer for now.
    pub replicas: u32,
    /// Number of shards. 1 to `MAX_SHARDS`.
    pub shards: u32,
}

/// Random bytes, drawn by the body anew at every start. They become the cluster's if this node proposes.
#[derive(Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The name that the cluster would get.
    pub cluster: ClusterId,
    /// The key that the cluster would sign tokens with.
    pub token_key: [u8; 32],
}

/// What happens to a founder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // a few a second pass by, and callers read better without a box
pub enum Input {
    /// A founding message arrived; who says it and where to answer stand in it.
    Message(FoundingMessage),
    /// Time passes. Every 100 ms or so.
    Tick,
    /// What the latest [`Output::Store`] asked for is durable.
    Stored,
}

/// What a founder wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // a few a second pass by, and callers read better without a box
pub enum Output {
    /// Send this, over a link or a passing connection; it may be lost.
    Send {
        /// The address to connect to.
        to: Address,
        /// What to say.
        message: FoundingMessage,
    },
    /// Make this durable, then answer [`Input::Stored`]. Nothing that rests on it is said before. The next one comes only after that answer.
    Store(StoredFounding),
    /// The cluster exists, and this is known durably. Said once per start. Go on feeding messages: latecomers ask.
    Founded(FoundingSet),
    /// What it is waiting for, in sentences for people. At most once a second, and only when it changed.
    Waiting(String),
    /// It cannot go on, and why, and what to do. Nothing follows.
    Refused(String),
}

/// The founding round of one node.
pub struct Founding {
    pub(super) me: Founder,
    pub(super) wanted: Wanted,
    drawn: Drawn,
    /// The first round of this start; random, so that echoes of an earlier start never count.
    first_round: u64,
    round: u64,
    next_round_at: Option<Mono>,
    /// The newest view of whoever is at a peer address.
    pub(super) heard: BTreeMap<Address, Heard>,
    /// Addresses that others told of, with the own round in which they last did.
    rumours: BTreeMap<Address, u64>,
    /// Addresses under which this node, or one whose own address is known, answers, with the own round in which that was last seen.
    aliases: BTreeMap<Address, u64>,
    /// The own round in which another founder last said that this node's address is its own.
    rival_at_round: Option<u64>,
    /// What is on the disk.
    pub(super) stored: Option<StoredFounding>,
    /// What the body was asked to store and has not yet said to be durable.
    storing: Option<StoredFounding>,
    /// Members of the stored set whose confirmation was heard.
    pub(super) confirmed_by: BTreeSet<u128>,
    /// The choice that all were last told.
    told_choice: Vec<u128>,
    said_founded: bool,
    refused: bool,
    sentence: String,
    sentence_at: Option<Mono>,
    outputs: VecDeque<Output>,
}

/// The newest view heard from one peer address.
pub(super) struct Heard {
    pub(super) view: FoundingMessage,
    /// The own round in which it came.
    at_round: u64,
    /// The newest of our rounds that the sender had heard.
    echo: Option<u64>,
    /// Addresses other than ours under which the sender reached us, with the own round in which it last did.
    dialed: BTreeMap<Address, u64>,
}

impl Founding {
    /// Begins, or goes on after a restart with what was stored. Wishes count only until a set is confirmed. The first outputs come with the first step.
    pub fn new(me: Founder, wanted: Wanted, drawn: Drawn, stored: Option<StoredFounding>) -> Founding {
        let seed: [u8; 8] = drawn.cluster.0[..8].try_into().expect("eight bytes");
        let first_round = u64::from_le_bytes(seed) >> 1;
        Founding {
            confirmed_by: stored.iter().map(|_| me.id).collect(),
            me,
            wanted,
            drawn,
            first_round,
            round: first_round,
            next_round_at: None,
            heard: BTreeMap::new(),
            rumours: BTreeMap::new(),
            aliases: BTreeMap::new(),
            rival_at_round: None,
            stored,
            storing: None,
            told_choice: Vec::new(),
            said_founded: false,
            refused: false,
            sentence: String::new(),
            sentence_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input. Never blocks; drain the outputs afterwards.
    pub fn step(&mut self, now: Mono, input: Input) {
        if self.refused {
            return;
        }
        if self.next_round_at.is_none() {
            self.begin(now);
        }
        if !self.refused {
            match input {
                Input::Message(view) => self.hear(view),
                Input::Stored => self.is_stored(),
                Input::Tick => {}
            }
        }
        if !self.refused && self.next_round_at.is_some_and(|at| now >= at) {
            self.next_round_at = Some(now + ROUND);
            self.next_round(now);
        }
    }

    /// The next output; `None` when there is none for now.
    pub fn drain(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The set that this node knows, durably, to have founded the cluster.
    pub fn founded(&self) -> Option<&FoundingSet> {
        self.stored.as_ref().filter(|stored| stored.founded).map(|stored| &stored.set)
    }

    fn begin(&mut self, now: Mono) {
        self.next_round_at = Some(now);
        self.sentence_at = Some(now);
        if let Some(stored) = &self.stored {
            if stored.set.member(self.me.id).is_none() {
                self.refuse(sentences::foreign_founding_file());
            } else if stored.founded {
                self.say_founded();
            }
        } else if let Err(why) = self.check_wishes() {
            self.refuse(why);
        }
    }

    fn check_wishes(&self) -> Result<(), String> {
        let Wanted { expect, replicas, shards, .. } = self.wanted;
        self.me.check()?;
        if !(1..=MAX_NODES).contains(&expect) {
            return Err(format!("--bootstrap-expect {expect}: 1 to {MAX_NODES} nodes can found a cluster"));
        }
        if !(1..=MAX_REPLICAS).contains(&(replicas as usize)) {
            return Err(format!("--replicas {replicas}: 1 to {MAX_REPLICAS} are possible"));
        }
        if !(1..=MAX_SHARDS).contains(&shards) {
            return Err(format!("--shards {shards}: 1 to {MAX_SHARDS} are possible"));
        }
        Ok(())
    }

    // ---- hearing ----

    fn hear(&mut self, view: FoundingMessage) {
        if view.founder.id == self.me.id {
            self.hear_own_id(&view);
            return;
        }
        let is_new =
            self.heard.get(&view.founder.peer).is_none_or(|heard| heard.view.founder.id != view.founder.id);
        let answer_at_once = if self.founded().is_some() { !view.stage.is_founded() } else { is_new };
        self.note(&view);
        match &view.stage {
            Stage::Seeking { .. } => {}
            Stage::Confirmed { set } => self.hear_confirmed(view.founder.id, set),
            Stage::Founded { set } => self.hear_founded(set),
            Stage::Elsewhere { cluster, members, founded } => match &self.stored {
                // The sender takes this node for what its address was before; what it says of the set is true all the same.
                Some(stored) if stored.set.cluster == *cluster => {
                    let set = stored.set.clone();
                    if *founded {
                        self.hear_founded(&set)
                    } else {
                        self.hear_confirmed(view.founder.id, &set)
                    }
                }
                _ => self.hear_elsewhere(members, *founded),
            },
        }
        if self.refused {
            return;
        }
        if answer_at_once && view.founder.peer != self.me.peer {
            self.tell(&view.founder.peer);
        }
        self.decide();
        // News does not wait for the next round.
        if self.stored.is_none() && self.told_choice != ids_of(&self.choice()) {
            self.tell_all();
        }
    }

    fn hear_own_id(&mut self, view: &FoundingMessage) {
        if view.founder.peer == self.me.peer {
            // Our own words came back, so the address that they were sent to is ours.
            if (self.first_round..=self.round).contains(&view.round) && view.dialed != self.me.peer {
                self.aliases.insert(view.dialed.clone(), self.round);
            }
        } else if self.founded().is_some() {
            self.tell(&view.founder.peer); // the copy is to hear that the cluster exists, and refuse itself
        } else {
            self.refuse(sentences::copied_folder(&view.founder.peer));
        }
    }

    /// Keeps the view, unless a newer one of the same founder is there.
    fn note(&mut self, view: &FoundingMessage) {
        let peer = &view.founder.peer;
        if *peer == self.me.peer {
            self.rival_at_round = Some(self.round);
            return;
        }
        for asked in view.answers.iter().filter(|asked| *asked != peer) {
            if self.aliases.len() < MAX_FOUNDING_ADDRESSES || self.aliases.contains_key(asked) {
                self.aliases.insert(asked.clone(), self.round);
            }
        }
        for address in &view.knows {
            if self.rumours.len() < MAX_FOUNDING_ADDRESSES || self.rumours.contains_key(address) {
                self.rumours.insert(address.clone(), self.round);
            }
        }
        let overtaken = self.heard.get(peer).is_some_and(|heard| {
            heard.view.founder.id == view.founder.id
                && (1..=OVERTAKEN_ROUNDS).contains(&heard.view.round.saturating_sub(view.round))
        });
        if overtaken || (!self.heard.contains_key(peer) && self.heard.len() >= MAX_FOUNDING_ADDRESSES) {
            return;
        }
        let echo = view.heard.iter().find(|(id, _)| *id == self.me.id).map(|&(_, round)| round);
        let mut dialed = self.heard.remove(peer).map(|heard| heard.dialed).unwrap_or_default();
        dialed.retain(|_, at| self.round - *at <= KEPT_ROUNDS);
        if view.dialed != self.me.peer && dialed.len() < ALIASES_PER_FOUNDER {
            dialed.insert(view.dialed.clone(), self.round);
        }
        self.heard.insert(peer.clone(), Heard { view: view.clone(), at_round: self.round, echo, dialed });
    }

    fn hear_confirmed(&mut self, from: u128, set: &FoundingSet) {
        match &self.stored {
            Some(stored) if stored.set == *set => {
                self.confirmed_by.insert(from);
                self.founded_if_all_confirmed();
            }
            Some(_) => {}
            None if self.storing.is_none() && self.may_confirm(set) => {
                self.store(StoredFounding { set: set.clone(), founded: false });
            }
            None => {}
        }
    }

    /// Whether the set is what this node wanted, as far as it can see.
    fn may_confirm(&self, set: &FoundingSet) -> bool {
        set.member(self.me.id) == Some(&self.me)
            && set.members.len() == self.wanted.expect
            && set.replicas == self.wanted.replicas
            && set.shards == self.wanted.shards
            // No member's data folder was replaced since: its confirmation would never come, and ours cannot be taken back.
            && set.members.iter().all(|member| {
                self.fresh(&member.peer).is_none_or(|heard| heard.view.founder.id == member.id)
            })
    }

    fn hear_founded(&mut self, set: &FoundingSet) {
        match &self.stored {
            Some(stored) if stored.set == *set => {
                self.confirmed_by.extend(set.members.iter().map(|member| member.id));
                self.founded_if_all_confirmed();
            }
            _ => self.hear_elsewhere(&set.members, true),
        }
    }

    fn hear_elsewhere(&mut self, members: &[Founder], founded: bool) {
        if !founded || self.founded().is_some() {
            return;
        }
        // A set that was confirmed here can still be founded beside that one if it shares no member with it.
        let shares = |set: &FoundingSet| {
            set.members.iter().any(|mine| members.iter().any(|other| other.id == mine.id))
        };
        if self.stored.as_ref().or(self.storing.as_ref()).is_none_or(|mine| shares(&mine.set)) {
            self.refuse(sentences::founded_without(&self.me, members));
        }
    }

    // ---- deciding ----

    /// Proposes, if it is this node's turn.
    fn decide(&mut self) {
        if self.stored.is_some() || self.storing.is_some() {
            return;
        }
        let choice = self.choice();
        let ids = ids_of(&choice);
        let mine_to_propose = ids.first() == Some(&self.me.id);
        let all_agree = choice.iter().skip(1).all(|founder| {
            self.fresh(&founder.peer)
                .is_some_and(|heard| matches!(&heard.view.stage, Stage::Seeking { choice } if *choice == ids))
        });
        if mine_to_propose && all_agree {
            let set = FoundingSet {
                cluster: self.drawn.cluster,
                token_key: self.drawn.token_key,
                members: choice,
                replicas: self.wanted.replicas,
                shards: self.wanted.shards,
            };
            self.store(StoredFounding { set, founded: false });
        }
    }

    /// The founders that this node would found with, by address; empty while there are too few, or while waiting is safer.
    pub(super) fn choice(&self) -> Vec<Founder> {
        let expect = self.wanted.expect;
        if self.stored.is_some() || self.bound_elsewhere().next().is_some() || self.is_crowded_and_unsure() {
            return Vec::new();
        }
        let mut candidates: Vec<Founder> = self.candidates().cloned().collect();
        candidates.push(self.me.clone());
        candidates.sort_by(|a, b| a.peer.cmp(&b.peer));
        candidates.truncate(expect);
        if candidates.len() < expect { Vec::new() } else { candidates }
    }

    /// Other founders that are here, unbound, and want the same as this node.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Founder> {
        self.here()
            .filter(|view| self.wants_the_same(view) && !self.runs_twice(view.founder.id))
            .filter_map(|view| matches!(view.stage, Stage::Seeking { .. }).then_some(&view.founder))
    }

    /// Founders that confirmed a set which this node does not belong to.
    pub(super) fn bound_elsewhere(&self) -> impl Iterator<Item = &FoundingMessage> {
        self.here().filter(|view| match &view.stage {
            Stage::Seeking { .. } => false,
            Stage::Elsewhere { members, .. } => members.iter().all(|member| member.id != self.me.id),
            Stage::Confirmed { set } | Stage::Founded { set } => set.member(self.me.id).is_none(),
        })
    }

    /// From twice the expected number of addresses on, sets can be disjoint: then every address must answer first.
    pub(super) fn is_crowded_and_unsure(&self) -> bool {
        let known = self.targets();
        known.len() + 1 >= 2 * self.wanted.expect && known.iter().any(|address| self.fresh(address).is_none())
    }

    pub(super) fn wants_the_same(&self, view: &FoundingMessage) -> bool {
        view.expect as usize == self.wanted.expect
            && view.replicas == self.wanted.replicas
            && view.shards == self.wanted.shards
    }

    /// Whether two addresses answer with one founder id.
    pub(super) fn runs_twice(&self, founder: u128) -> bool {
        self.here().filter(|view| view.founder.id == founder).count() > 1
    }

    /// Whether another founder lately said that this node's address is its own.
    pub(super) fn has_rival(&self) -> bool {
        self.rival_at_round.is_some_and(|at| self.round - at <= FRESH_ROUNDS)
    }

    /// The views of founders that have lately heard this node, by address.
    pub(super) fn here(&self) -> impl Iterator<Item = &FoundingMessage> {
        self.heard.values().filter(|heard| self.is_fresh(heard)).map(|heard| &heard.view)
    }

    pub(super) fn fresh(&self, peer: &Address) -> Option<&Heard> {
        self.heard.get(peer).filter(|heard| self.is_fresh(heard))
    }

    fn is_fresh(&self, heard: &Heard) -> bool {
        heard.echo.is_some_and(|echo| {
            (self.first_round..=self.round).contains(&echo) && self.round - echo <= FRESH_ROUNDS
        })
    }

    fn founded_if_all_confirmed(&mut self) {
        let Some(stored) = &self.stored else { return };
        let all = stored.set.members.iter().all(|member| self.confirmed_by.contains(&member.id));
        if all && !stored.founded && self.storing.is_none() {
            let set = stored.set.clone();
            self.store(StoredFounding { set, founded: true });
        }
    }

    // ---- storing ----

    fn store(&mut self, what: StoredFounding) {
        assert!(self.storing.is_none(), "one thing is stored at a time");
        assert!(
            self.stored.as_ref().is_none_or(|stored| stored.set == what.set),
            "a data folder confirms one founding set in its life"
        );
        assert!(what.set.check().is_ok(), "a broken set is about to be confirmed");
        self.outputs.push_back(Output::Store(what.clone()));
        self.storing = Some(what);
    }

    fn is_stored(&mut self) {
        let Some(what) = self.storing.take() else { return };
        let founded = what.founded;
        self.stored = Some(what);
        self.confirmed_by.insert(self.me.id);
        if founded {
            self.say_founded();
        }
        self.tell_all();
        self.founded_if_all_confirmed();
    }

    fn say_founded(&mut self) {
        if let Some(set) = self.founded().cloned()
            && !self.said_founded
        {
            self.said_founded = true;
            self.outputs.push_back(Output::Founded(set));
        }
    }

    fn refuse(&mut self, why: String) {
        self.refused = true;
        self.outputs.push_back(Output::Refused(why));
    }

    // ---- telling ----

    fn next_round(&mut self, now: Mono) {
        self.round += 1;
        let round = self.round;
        let kept = |at: u64| round - at <= KEPT_ROUNDS;
        self.heard.retain(|_, heard| kept(heard.at_round));
        self.rumours.retain(|_, at| kept(*at));
        self.aliases.retain(|_, at| kept(*at));
        if self.founded().is_some() {
            return; // from here on it only answers
        }
        self.decide();
        self.founded_if_all_confirmed(); // a cluster of one that was stopped between its two stores
        self.tell_all();
        if self.sentence_at.is_some_and(|at| now - at >= SENTENCE) {
            let sentence = sentences::waiting(self);
            if sentence != self.sentence {
                self.sentence_at = Some(now);
                self.sentence.clone_from(&sentence);
                self.outputs.push_back(Output::Waiting(sentence));
            }
        }
    }

    /// Every address to tell, in order: those known, without this node's own and without second names of others.
    pub(super) fn targets(&self) -> Vec<Address> {
        let members =
            self.stored.iter().flat_map(|stored| stored.set.members.iter().map(|member| &member.peer));
        let all: BTreeSet<&Address> = self
            .wanted
            .join
            .iter()
            .chain(members)
            .chain(self.rumours.keys())
            .chain(self.heard.keys())
            .collect();
        all.into_iter()
            .filter(|address| **address != self.me.peer && !self.aliases.contains_key(address))
            .take(MAX_FOUNDING_ADDRESSES)
            .cloned()
            .collect()
    }

    fn tell_all(&mut self) {
        self.told_choice = ids_of(&self.choice());
        for address in self.targets() {
            self.tell(&address);
        }
    }

    fn tell(&mut self, to: &Address) {
        let message = self.view_for(to);
        self.outputs.push_back(Output::Send { to: to.clone(), message });
    }

    fn view_for(&self, to: &Address) -> FoundingMessage {
        let heard = self.heard.get(to);
        let stage = match &self.stored {
            None => Stage::Seeking { choice: ids_of(&self.choice()) },
            Some(StoredFounding { set, founded }) => {
                // An address alone does not make a member: its data folder may have been replaced.
                let belongs = match heard {
                    Some(heard) => set.member(heard.view.founder.id).is_some(),
                    None => set.members.iter().any(|member| member.peer == *to),
                };
                match (belongs, founded) {
                    (false, &founded) => {
                        Stage::Elsewhere { cluster: set.cluster, members: set.members.clone(), founded }
                    }
                    (true, false) => Stage::Confirmed { set: set.clone() },
                    (true, true) => Stage::Founded { set: set.clone() },
                }
            }
        };
        FoundingMessage {
            founder: self.me.clone(),
            expect: u32::try_from(self.wanted.expect).unwrap_or(u32::MAX),
            replicas: self.wanted.replicas,
            shards: self.wanted.shards,
            round: self.round,
            dialed: to.clone(),
            answers: heard.map(|heard| heard.dialed.keys().cloned().collect()).unwrap_or_default(),
            heard: self.heard.values().map(|heard| (heard.view.founder.id, heard.view.round)).collect(),
            knows: self.heard.keys().cloned().collect(),
            stage,
        }
    }
}

fn ids_of(founders: &[Founder]) -> Vec<u128> {
    founders.iter().map(|founder| founder.id).collect()
}
