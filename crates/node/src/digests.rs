//! Replicas compare what they hold: hashes of their whole state at agreed places of the log, and quarantine for the one that differs.
//!
//! Equal logs make equal states, unless memory was damaged, or a computation came out otherwise on one machine than on the others. Nothing else would notice: consensus agrees on entries, not on what they did. So each replica hashes its state at every
//! [`EVERY_ENTRIES`]th entry, and where it has come to rest, and tells the others. A difference is named. A replica that sees a majority agree against it forgets its state and asks to be filled anew, as one that has lost its disk does (`rebuild`,
//! `docs/decisions/0040`). If no majority agrees, nobody knows who is right: it is said, and nothing is done.
//!
//! Invariants: a replica judges itself only; hashes are of the same entry, or they say nothing; bounded: [`KEPT`] places for each replica of a group.
//!
//! It does not find damage in values that nobody touches: the hash of a slot is kept while it changes, not made anew from its values.

use crate::core::Core;
use crate::event::Event;
use proto::ids::{GroupId, LogIndex, NodeId};
use proto::peer::{Message, StateDigest};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// At each multiple of so many entries every replica of a group hashes its state.
pub(crate) const EVERY_ENTRIES: u64 = 1_024;
/// So many of the newest places are remembered of each replica.
const KEPT: usize = 4;
/// How often hashes are told, and a group that has come to rest is hashed.
const INTERVAL: Duration = Duration::from_secs(1);
/// A newest hash is told again in every so many rounds: messages get lost.
const AGAIN_EVERY_ROUNDS: u64 = 8;

/// A place in the log and the hash of the state there.
type Point = (LogIndex, u128);

/// What is known of one group's replicas.
#[derive(Debug, Default)]
struct Known {
    own: VecDeque<Point>,
    others: BTreeMap<NodeId, VecDeque<Point>>,
    told: LogIndex,
    /// Where it stood in the last round.
    stood: LogIndex,
    /// Differences that were named already.
    named: BTreeSet<(NodeId, LogIndex)>,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// This node's state is not this other node's.
    Differs { index: LogIndex, node: NodeId },
    /// A majority of the replicas agrees, and this node does not.
    Minority { index: LogIndex },
}

/// What is known of all groups.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    groups: BTreeMap<GroupId, Known>,
    next: Mono,
    rounds: u64,
    /// Replicas of this node that are to be forgotten as soon as nothing is under way with them.
    condemned: BTreeMap<GroupId, LogIndex>,
}

fn keep(points: &mut VecDeque<Point>, point: Point) {
    points.retain(|(index, _)| *index != point.0);
    points.push_back(point);
    if points.len() > KEPT {
        points.pop_front();
    }
}

fn at(points: &VecDeque<Point>, index: LogIndex) -> Option<u128> {
    points.iter().find(|(known, _)| *known == index).map(|(_, digest)| *digest)
}

impl Known {
    /// Compares at one place. `replicas` is how many there are.
    fn compare(&mut self, index: LogIndex, replicas: usize) -> Vec<Finding> {
        let Some(own) = at(&self.own, index) else { return Vec::new() };
        let heard: Vec<(NodeId, u128)> = self
            .others
            .iter()
            .filter_map(|(node, points)| at(points, index).map(|digest| (*node, digest)))
            .collect();
        let mut findings = Vec::new();
        for (node, _) in heard.iter().filter(|(_, digest)| *digest != own) {
            if self.named.insert((*node, index)) {
                findings.push(Finding::Differs { index, node: *node });
            }
        }
        while self.named.len() > 4 * KEPT * replicas {
            self.named.pop_first();
        }
        let agree = |digest: u128| heard.iter().filter(|(_, other)| *other == digest).count();
        if heard.iter().any(|(_, digest)| *digest != own && agree(*digest) > replicas / 2) {
            findings.push(Finding::Minority { index });
        }
        findings
    }
}

impl Digests {
    /// This node's state at a place.
    pub(crate) fn own(
        &mut self,
        group: GroupId,
        index: LogIndex,
        digest: u128,
        replicas: usize,
    ) -> Vec<Finding> {
        let known = self.groups.entry(group).or_default();
        keep(&mut known.own, (index, digest));
        known.compare(index, replicas)
    }

    /// Another replica's state at a place, by its own word.
    pub(crate) fn heard(
        &mut self,
        group: GroupId,
        node: NodeId,
        index: LogIndex,
        digest: u128,
        replicas: usize,
    ) -> Vec<Finding> {
        let known = self.groups.entry(group).or_default();
        keep(known.others.entry(node).or_default(), (index, digest));
        known.compare(index, replicas)
    }

    /// Everything said of a group so far is void: its replica here begins anew.
    fn forget(&mut self, group: GroupId) {
        self.groups.remove(&group);
        self.condemned.remove(&group);
    }
}

impl Core {
    /// Once a tick: hashes what has come to rest, tells the others, and forgets what is condemned.
    pub(crate) fn compare_states(&mut self) {
        self.forget_condemned();
        let now = self.now.mono;
        if now < self.digests.next {
            return;
        }
        self.digests.next = now + INTERVAL;
        self.digests.rounds += 1;
        let again = self.digests.rounds.is_multiple_of(AGAIN_EVERY_ROUNDS);
        let mut resting = Vec::new();
        for (id, group) in &self.groups {
            let known = self.digests.groups.entry(*id).or_default();
            let applied = group.applied();
            if std::mem::replace(&mut known.stood, applied) == applied
                && applied.0 > 0
                && at(&known.own, applied).is_none()
                && !group.replica_ref().frozen()
            {
                resting.push((*id, applied, group.machine.digest()));
            }
        }
        for (id, index, digest) in resting {
            self.state_hashed(id, index, digest);
        }
        let mut told: BTreeMap<NodeId, Vec<StateDigest>> = BTreeMap::new();
        for (id, known) in &mut self.digests.groups {
            let Some((newest, _)) = known.own.back().copied() else { continue };
            for (index, digest) in &known.own {
                if *index > known.told || (again && *index == newest) {
                    for &peer in self.routing.replicas(*id).iter().filter(|peer| **peer != self.me) {
                        told.entry(peer).or_default().push(StateDigest {
                            group: *id,
                            index: *index,
                            digest: *digest,
                        });
                    }
                }
            }
            known.told = newest;
        }
        for (peer, digests) in told {
            self.outbox.send(peer, Message::StateDigests { digests });
        }
    }

    /// A replica here has hashed its state.
    pub(crate) fn state_hashed(&mut self, id: GroupId, index: LogIndex, digest: u128) {
        let replicas = self.routing.replicas(id).len();
        let findings = self.digests.own(id, index, digest, replicas);
        self.found(id, findings);
    }

    /// Another node told its hashes.
    pub(crate) fn states_told(&mut self, from: NodeId, digests: Vec<StateDigest>) {
        for StateDigest { group, index, digest } in digests {
            let replicas = self.routing.replicas(group);
            if replicas.contains(&from) && self.groups.contains_key(&group) {
                let findings = self.digests.heard(group, from, index, digest, replicas.len());
                self.found(group, findings);
            }
        }
    }

    fn found(&mut self, group: GroupId, findings: Vec<Finding>) {
        for finding in findings {
            match finding {
                Finding::Differs { index, node } => {
                    self.events.push(Event::StateDiffers { group, index, node });
                }
                Finding::Minority { index } => drop(self.digests.condemned.insert(group, index)),
            }
        }
    }

    /// Condemned replicas become unborn, each as soon as nothing of it is on its way to the disk that could not be left there.
    fn forget_condemned(&mut self) {
        for (id, index) in self.digests.condemned.clone() {
            let is_busy = self.groups.get(&id).is_some_and(|group| {
                group.replica_ref().frozen() || group.received.is_some() || group.restored.is_some()
            });
            if is_busy || self.snapshots.group_being_written() == Some(id) || self.transfers.receives(id) {
                continue;
            }
            self.digests.forget(id);
            if self.groups.remove(&id).is_none() {
                continue;
            }
            self.transfers.leadership_lost(id);
            for set in [&mut self.dirty, &mut self.unsealed, &mut self.awaited, &mut self.untold] {
                set.remove(&id);
            }
            self.events.push(Event::Quarantined { group: id, index });
            self.forget_replica(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId(3);

    fn differs(index: u64, node: u64) -> Finding {
        Finding::Differs { index: LogIndex(index), node: NodeId(node) }
    }

    #[test]
    fn the_one_that_a_majority_contradicts_knows_it_and_the_others_name_it() {
        let mut odd = Digests::default();
        assert_eq!(odd.own(GROUP, LogIndex(8), 1, 3), []);
        assert_eq!(odd.heard(GROUP, NodeId(2), LogIndex(8), 7, 3), [differs(8, 2)]);
        let found = odd.heard(GROUP, NodeId(3), LogIndex(8), 7, 3);
        assert_eq!(found, [differs(8, 3), Finding::Minority { index: LogIndex(8) }]);

        let mut even = Digests::default();
        assert_eq!(even.heard(GROUP, NodeId(1), LogIndex(8), 1, 3), []);
        assert_eq!(even.heard(GROUP, NodeId(3), LogIndex(8), 7, 3), []);
        assert_eq!(even.own(GROUP, LogIndex(8), 7, 3), [differs(8, 1)]);
        assert_eq!(even.own(GROUP, LogIndex(8), 7, 3), [], "it is named once");
    }

    #[test]
    fn without_a_majority_it_is_said_and_nobody_is_condemned() {
        let mut of_two = Digests::default();
        of_two.own(GROUP, LogIndex(8), 1, 2);
        assert_eq!(of_two.heard(GROUP, NodeId(2), LogIndex(8), 7, 2), [differs(8, 2)]);
        let mut of_five = Digests::default();
        of_five.own(GROUP, LogIndex(8), 1, 5);
        of_five.heard(GROUP, NodeId(2), LogIndex(8), 7, 5);
        assert_eq!(of_five.heard(GROUP, NodeId(3), LogIndex(8), 7, 5), [differs(8, 3)]);
    }

    #[test]
    fn hashes_of_different_places_say_nothing_about_each_other() {
        let mut digests = Digests::default();
        digests.own(GROUP, LogIndex(8), 1, 3);
        assert_eq!(digests.heard(GROUP, NodeId(2), LogIndex(9), 7, 3), []);
        assert_eq!(digests.heard(GROUP, NodeId(3), LogIndex(9), 7, 3), []);
        assert_eq!(digests.own(GROUP, LogIndex(9), 7, 3), []);
        for index in 10..30 {
            digests.heard(GROUP, NodeId(2), LogIndex(index), 7, 3);
        }
        assert_eq!(digests.groups[&GROUP].others[&NodeId(2)].len(), KEPT);
    }
}
