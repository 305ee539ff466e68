//! The front's side of reads: who is asked, and asked again after silence or a refusal.
//!
//! A linearizable read is for the leader. One below that is for any replica: our own if this node has one, and if that does not answer, because it is cut off from the leader that would bring its safe time on, the
//! others in turn. The first answer counts; another replica's later one finds nobody waiting. What is asked of one replica only (`front_copies`) goes to that one, and is asked again there.

use crate::outbox::Outbox;
use crate::streams::PartId;
use directory::routing::Routing;
use proto::ids::{GroupId, Incarnation, NodeId};
use proto::ops::Read;
use proto::outcome::{Outcome, State};
use proto::peer::{Demand, Message};
use proto::session::Session;
use proto::tentative::Fold;
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// After this long without an answer a read is sent again.
const PATIENCE: Duration = Duration::from_millis(300);
/// One that any replica can answer at once, whatever it has, is sent to the next after this long.
const IMPATIENCE: Duration = Duration::from_millis(50);
/// After a refusal a read waits this long.
const BREATH: Duration = Duration::from_millis(10);

/// The answer to a read, as it came.
#[derive(Debug)]
pub struct AnsweredRead {
    /// How it ended.
    pub outcome: Outcome,
    /// What it saw: nothing of it was committed later than this, or is one of these dots.
    pub saw: Session,
    /// Whether what it shows is decided.
    pub state: State,
    /// At most so old was the state that answered, in milliseconds.
    pub age_ms: u64,
}

#[derive(Debug)]
struct FrontRead {
    part: PartId,
    group: GroupId,
    read: Read,
    demand: Demand,
    deadline: Mono,
    /// Nobody else is asked.
    only: Option<NodeId>,
    target: Option<NodeId>,
    send_at: Mono,
}

/// All reads of this node's clients that have no answer.
#[derive(Debug, Default)]
pub struct FrontReads {
    reads: BTreeMap<u64, FrontRead>,
    unsent: BTreeSet<u64>,
    newest: u64,
}

impl FrontReads {
    /// Adds a read, and answers its number. It leaves with the next `send`.
    pub fn ask(&mut self, part: PartId, group: GroupId, read: Read, demand: Demand, deadline: Mono) -> u64 {
        let (only, target, send_at) = (None, None, Mono(0));
        self.insert(FrontRead { part, group, read, demand, deadline, only, target, send_at })
    }

    /// Likewise, of this replica and no other.
    pub(crate) fn ask_of(
        &mut self,
        node: NodeId,
        part: PartId,
        group: GroupId,
        read: Read,
        demand: Demand,
        deadline: Mono,
    ) -> u64 {
        let (only, target, send_at) = (Some(node), None, Mono(0));
        self.insert(FrontRead { part, group, read, demand, deadline, only, target, send_at })
    }

    fn insert(&mut self, read: FrontRead) -> u64 {
        self.newest += 1;
        self.unsent.insert(self.newest);
        self.reads.insert(self.newest, read);
        self.newest
    }

    /// A read is answered, or nobody waits for it any more: answers who did.
    pub fn forget(&mut self, id: u64) -> Option<PartId> {
        self.reads.remove(&id).map(|read| read.part)
    }

    /// More is known to be decided: what waits for that is asked again, for less.
    pub fn folded(&mut self, fold: &Fold) {
        for (id, read) in &mut self.reads {
            let (Demand::Everything { dots, .. } | Demand::UpTo { dots, .. }) = &mut read.demand else {
                continue;
            };
            let before = dots.len();
            dots.retain(|dot| dot.origin != fold.origin || dot.number > fold.number);
            if dots.len() < before {
                if let Demand::UpTo { at, .. } = &mut read.demand {
                    *at = fold.at.max(*at);
                }
                (read.target, read.send_at) = (None, Mono(0));
                self.unsent.insert(*id);
            }
        }
    }

    /// Sends what is unsent, where somebody can be asked.
    pub fn send(&mut self, incarnation: Incarnation, now: Mono, routing: &Routing, outbox: &mut Outbox) {
        let mut still_unsent = BTreeSet::new();
        for id in std::mem::take(&mut self.unsent) {
            let Some(read) = self.reads.get_mut(&id) else { continue };
            let target = match (read.only, &read.demand) {
                (Some(only), _) => Some(only),
                (None, Demand::Everything { .. }) => {
                    routing.group_leader(read.group).map(|(_, leader)| leader)
                }
                (None, _) => next_replica(routing.replicas(read.group), read.target, outbox),
            };
            let Some(target) = target.filter(|target| now >= read.send_at && outbox.reaches(*target)) else {
                still_unsent.insert(id);
                continue;
            };
            read.target = Some(target);
            let has_nothing_to_wait_for = matches!(read.demand, Demand::Nothing { max_staleness_ms: None });
            read.send_at = now + if has_nothing_to_wait_for { IMPATIENCE } else { PATIENCE };
            // What is asked again at the same replica need not wait there beyond that.
            let until = if read.only.is_some() { read.deadline.min(read.send_at) } else { read.deadline };
            let message = Message::ForwardRead {
                group: read.group,
                id,
                incarnation,
                demand: read.demand.clone(),
                deadline_ms: u64::try_from((until - now).as_millis()).unwrap_or(u64::MAX),
                read: read.read.clone(),
            };
            outbox.send(target, message);
        }
        self.unsent = still_unsent;
    }

    /// Looks for reads without an answer, and for those whose leader is another now.
    pub fn look_again(&mut self, now: Mono, routing: &Routing) {
        for (id, read) in &self.reads {
            let leader = routing.group_leader(read.group).map(|(_, leader)| leader);
            let follows_leader = matches!(read.demand, Demand::Everything { .. });
            let leader_changed = follows_leader && leader.is_some() && leader != read.target;
            if read.target.is_some() && (now >= read.send_at || leader_changed) {
                self.unsent.insert(*id);
            }
        }
    }

    /// A node did not take a read.
    pub fn refused(&mut self, from: NodeId, id: u64, now: Mono) {
        if let Some(read) = self.reads.get_mut(&id).filter(|read| read.target == Some(from)) {
            if matches!(read.demand, Demand::Everything { .. }) {
                read.target = None;
            }
            read.send_at = now + BREATH;
            self.unsent.insert(id);
        }
    }
}

/// The replica to ask for a state that any may have: our own, or else one after the other.
pub(crate) fn next_replica(replicas: &[NodeId], last: Option<NodeId>, outbox: &Outbox) -> Option<NodeId> {
    if last.is_none() && replicas.contains(&outbox.me()) {
        return Some(outbox.me());
    }
    let after = last.and_then(|last| replicas.iter().position(|replica| *replica == last)).unwrap_or(0);
    let mut in_turn = (1..=replicas.len()).map(|step| replicas[(after + step) % replicas.len()]);
    in_turn.find(|replica| outbox.may_hand_to(*replica))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_replica_is_asked_first_and_then_the_others_that_can_be_reached() {
        let mut outbox = Outbox::new(NodeId(2));
        outbox.set_hops(&[(NodeId(3), NodeId(3))].into());
        let replicas = [NodeId(1), NodeId(2), NodeId(3)];
        assert_eq!(next_replica(&replicas, None, &outbox), Some(NodeId(2)));
        assert_eq!(next_replica(&replicas, Some(NodeId(2)), &outbox), Some(NodeId(3)));
        assert_eq!(next_replica(&replicas, Some(NodeId(3)), &outbox), Some(NodeId(2)), "1 is not linked");
        assert_eq!(next_replica(&[NodeId(1), NodeId(3)], None, &outbox), Some(NodeId(3)));
        outbox.set_silent(NodeId(3), true);
        assert_eq!(next_replica(&[NodeId(1), NodeId(3)], None, &outbox), None, "nor is 3 heard");
        outbox.set_silent(NodeId(3), false);
        assert_eq!(next_replica(&[], None, &outbox), None);
    }
}
