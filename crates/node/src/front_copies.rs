//! WAIT: on how many nodes everything is that a connection has written, besides the node that took each write.
//!
//! A decided write is on the disks of a majority of its shard's replicas, so for that many nobody is asked. Where more are wanted, or a write is not decided, each replica of the shards in question is asked a causal read of
//! nothing, in a session that has written just what this connection has there: it answers once it holds all of that durably (`docs/consistency.md`, sessions, rule 3; a replica applies nothing that is not on its disk). The
//! origin of a tentative write is a replica like the others, whichever node it is, so a session that hopped from node to node is counted like one that stayed.
//!
//! A write of several shards, or writes to several, are on as many nodes as the one that is on the fewest. A session that came from elsewhere says no shards, and a connection that has written to very many forgets which: of
//! such writes only the majority is ever certain, once they are decided, and nothing before that. Writes whose outcome is unknown are not counted: nobody can say where they are.
//!
//! Invariant: the answer never says more nodes than is certain.

use crate::folding::Folds;
use crate::requests::{Answer, Front, plain};
use crate::streams::PartId;
use directory::routing::Routing;
use proto::hlc::Timestamp;
use proto::ids::{ConnectionId, GroupId, NodeId, RequestId};
use proto::limits::MAX_WRITTEN_SHARDS;
use proto::ops::{KeyRead, Read};
use proto::outcome::Outcome;
use proto::peer::Demand;
use proto::reply::Reply;
use proto::session::Session;
use proto::tentative::{Dot, Dots};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};

/// What a connection has written, as far as it was answered.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// By shard: the newest that was decided, and the newest of each origin that was not when it was answered.
    shards: BTreeMap<GroupId, Session>,
    /// What is known without its shards, as far as it was not decided; `None` if there never was any.
    unplaced: Option<Dots>,
}

impl Written {
    /// Whether nothing was.
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.is_empty() && self.unplaced.is_none()
    }

    /// A write was decided by then.
    pub(crate) fn decided(&mut self, group: GroupId, at: Timestamp) {
        self.at(group).see(at);
    }

    /// A write was taken, as this operation.
    pub(crate) fn tentative(&mut self, group: GroupId, dot: Dot) {
        self.at(group).dots.add(dot);
    }

    fn at(&mut self, group: GroupId) -> &mut Session {
        if self.shards.len() >= MAX_WRITTEN_SHARDS && !self.shards.contains_key(&group) {
            let unplaced = self.unplaced.get_or_insert_default();
            std::mem::take(&mut self.shards).values().for_each(|session| unplaced.join(&session.dots));
        }
        self.shards.entry(group).or_default()
    }

    /// The connection goes on from this session.
    pub(crate) fn resumed(&mut self, session: &Session) {
        self.unplaced.get_or_insert_default().join(&session.dots);
    }
}

/// What is asked of one shard.
#[derive(Debug)]
struct Asked {
    group: GroupId,
    session: Session,
    replicas: Vec<Asking>,
}

#[derive(Debug)]
struct Asking {
    node: NodeId,
    /// The read that asks it.
    read: u64,
    holds: bool,
}

impl Asked {
    /// On so many nodes of the shard all of it is for sure.
    fn certain(&self, folds: &Folds) -> usize {
        let known = if folds.cover(&self.session.dots) { majority(self.replicas.len()) } else { 1 };
        self.replicas.iter().filter(|asking| asking.holds).count().max(known)
    }
}

fn majority(replicas: usize) -> usize {
    replicas / 2 + 1
}

/// One WAIT.
#[derive(Debug)]
pub(crate) struct Wait {
    connection: ConnectionId,
    request: RequestId,
    wanted: usize,
    until: Mono,
    shards: Vec<Asked>,
    unplaced: Option<Dots>,
    /// Of the shard with the fewest replicas.
    majority: usize,
}

impl Wait {
    /// On so many nodes besides the one that took it each write is for sure.
    fn certain(&self, folds: &Folds) -> usize {
        let of_shards = self.shards.iter().map(|asked| asked.certain(folds)).min();
        let of_others = self.unplaced.as_ref().map(|dots| if folds.cover(dots) { self.majority } else { 1 });
        of_shards.into_iter().chain(of_others).min().unwrap_or(self.majority).saturating_sub(1)
    }
}

/// All that are under way.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    waits: BTreeMap<u64, Wait>,
    deadlines: BTreeSet<(Mono, u64)>,
}

impl Waits {
    /// Whether a WAIT has this number.
    pub(crate) fn is_one_of_them(&self, id: u64) -> bool {
        self.waits.contains_key(&id)
    }

    /// When the next one is answered, whatever is known then.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }
}

impl Front {
    /// A connection with nothing under way asks on how many nodes its writes are.
    pub(crate) fn begin_wait(
        &mut self,
        id: ConnectionId,
        request: RequestId,
        wanted: usize,
        until: Mono,
        routing: &Routing,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let shards = connection.written.shards.iter().map(|(group, session)| {
            let asking = |node: &NodeId| Asking { node: *node, read: 0, holds: false };
            let replicas = routing.replicas(*group).iter().map(asking).collect();
            Asked { group: *group, session: session.clone(), replicas }
        });
        let fewest = routing.map().shards.iter().map(|placement| placement.replicas.len()).min();
        let mut wait = Wait {
            connection: id,
            request,
            wanted,
            until,
            shards: shards.collect(),
            unplaced: connection.written.unplaced.clone(),
            majority: majority(fewest.unwrap_or(1)),
        };
        let certain = wait.certain(&self.folds);
        if certain >= wanted {
            return self.answer_at_once(id, request, told(certain));
        }
        let number = self.next_flight;
        self.next_flight += 1;
        let mut part = 0;
        for asked in &mut wait.shards {
            let is_enough = asked.certain(&self.folds) > wanted;
            for asking in &mut asked.replicas {
                if !is_enough {
                    let demand = Demand::Session { session: asked.session.clone(), max_staleness_ms: None };
                    let nothing = Read::Key(KeyRead::Exists { keys: Vec::new() });
                    let waiter = PartId { flight: number, part };
                    asking.read = self.reads.ask_of(asking.node, waiter, asked.group, nothing, demand, until);
                }
                part += 1;
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.wait = Some(number);
        }
        self.waits.deadlines.insert((until, number));
        self.waits.waits.insert(number, wait);
    }

    /// A replica has answered: it holds what it was asked for.
    pub(crate) fn copy_told(&mut self, part: PartId, outcome: &Outcome) {
        let Some(wait) = self.waits.waits.get_mut(&part.flight) else { return };
        let mut replicas = wait.shards.iter_mut().flat_map(|asked| &mut asked.replicas);
        if let (Some(asking), Outcome::Done { .. }) = (replicas.nth(part.part), outcome) {
            asking.holds = true;
            self.count_copies_of(part.flight);
        }
    }

    /// More is known to be decided.
    pub(crate) fn count_copies(&mut self) {
        let all: Vec<u64> = self.waits.waits.keys().copied().collect();
        all.into_iter().for_each(|id| self.count_copies_of(id));
    }

    fn count_copies_of(&mut self, id: u64) {
        let Some(wait) = self.waits.waits.get(&id) else { return };
        let certain = wait.certain(&self.folds);
        if certain >= wait.wanted {
            self.answer_wait(id, certain);
        }
    }

    /// Those whose time is over hear what is certain now.
    pub(crate) fn look_at_waits(&mut self, now: Mono) {
        while let Some((until, id)) = self.waits.deadlines.first().copied() {
            if now < until {
                return;
            }
            let certain = self.waits.waits.get(&id).map_or(0, |wait| wait.certain(&self.folds));
            self.answer_wait(id, certain);
        }
    }

    fn answer_wait(&mut self, id: u64, certain: usize) {
        if let Some(wait) = self.end_wait(id) {
            if let Some(connection) = self.connections.get_mut(&wait.connection) {
                connection.wait = None;
            }
            self.answers.push(Answer::at_once(wait.connection, wait.request, told(certain)));
        }
    }

    /// Nobody waits any more.
    pub(crate) fn end_wait(&mut self, id: u64) -> Option<Wait> {
        let wait = self.waits.waits.remove(&id)?;
        self.waits.deadlines.remove(&(wait.until, id));
        for asking in wait.shards.iter().flat_map(|asked| &asked.replicas) {
            self.reads.forget(asking.read);
        }
        Some(wait)
    }
}

fn told(nodes: usize) -> Outcome {
    plain(Reply::Int(i64::try_from(nodes).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::tentative::{Fold, Origin};

    #[test]
    fn who_writes_to_very_many_shards_keeps_their_writes_and_forgets_where_they_are() {
        let dot = |number| Dot { origin: Origin::first_of(NodeId(1)), number };
        let mut written = Written::default();
        (1..=MAX_WRITTEN_SHARDS as u32)
            .for_each(|group| written.tentative(GroupId(group), dot(u64::from(group))));
        assert_eq!((written.shards.len(), written.unplaced.is_some()), (MAX_WRITTEN_SHARDS, false));
        written.tentative(GroupId(1), dot(100));
        written.decided(GroupId(1_000), Timestamp(7));
        assert_eq!(written.shards.len(), 1);
        let unplaced = written.unplaced.expect("they are kept");
        assert_eq!(unplaced.of(dot(1).origin), 100);
        let mut folds = Folds::default();
        folds.learn(Fold { origin: dot(1).origin, number: 99, at: Timestamp(9) });
        assert!(!folds.cover(&unplaced));
        folds.learn(Fold { origin: dot(1).origin, number: 100, at: Timestamp(9) });
        assert!(folds.cover(&unplaced) && folds.cover(&Dots::NONE));
    }
}
