//! The front's side of weak writes: which replica they are handed to, once, and what that means when no answer comes.
//!
//! A weak write becomes an operation at the replica that takes it, so two replicas must never take one. It goes to our own replica if this node has one (nothing is lost on that way), else to one that is linked, and after
//! that to nobody else unless that one refuses it. Every handing over has a number of its own, and a node answers a number once (`once`): a refusal is final. Silence is *unknown*.
//!
//! A replica is given a little less time than the client has, so that its own refusal ("too far behind for this session") comes before the deadline, while another rung may still be tried.
//!
//! An eventual write of a shard of which this node has no replica, and to none of whose replicas it has had a link for a while, is given to this node itself, which holds it as a *hint* (`tentative::hints`). Not at once: links come
//! back, and a hint is the weakest write there is, for an assignment loses to whatever was there. Nor before one of its connection that still waits for a replica.
//!
//! Invariant: a write is under way at one node at most, and the writes of one group leave for one node in the order in which they were asked.

use crate::flights::behind;
use crate::front_reads::next_replica;
use crate::marks::{Mark, reached};
use crate::outbox::Outbox;
use crate::streams::PartId;
use directory::routing::Routing;
use proto::error::{ErrorKind, Failure};
use proto::ids::{ConnectionId, GroupId, Incarnation, NodeId};
use proto::log_entry::ClientNumber;
use proto::ops::Write;
use proto::peer::Message;
use proto::session::Session;
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// After a refusal the next attempt waits this long.
const BREATH: Duration = Duration::from_millis(10);
/// So much less than the client has does a replica have, and never more than a quarter less.
const MARGIN: Duration = Duration::from_millis(60);
/// A node that has had no link to any replica of a shard for so long holds hints for it.
const HINT_PATIENCE: Duration = Duration::from_millis(250);

/// A weak write of a client.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Who waits.
    pub(crate) part: PartId,
    /// On which connection.
    pub(crate) connection: ConnectionId,
    /// Its shard.
    pub(crate) group: GroupId,
    /// What to do.
    pub(crate) write: Write,
    /// What its session has seen; `None`: it depends on nothing.
    pub(crate) session: Option<Session>,
    /// The client's own number.
    pub(crate) client: Option<ClientNumber>,
    /// On how many nodes it is to be durable.
    pub(crate) acks: u8,
    /// When its rung ends.
    pub(crate) until: Mono,
}

#[derive(Debug)]
struct Entry {
    asked: Asked,
    /// Who has it and has not refused it.
    holder: Option<NodeId>,
    /// Who refused it last.
    refused_by: Option<NodeId>,
    /// A replica has said that it cannot be as new as the session in time.
    is_behind: bool,
    send_at: Mono,
}

/// All weak writes of this node's clients that have no answer.
#[derive(Debug, Default)]
pub(crate) struct FrontTentative {
    entries: BTreeMap<u64, Entry>,
    unsent: BTreeSet<u64>,
    newest: u64,
    /// When this front first looked for links.
    started: Option<Mono>,
    /// Since when there is no link to a node, if there ever was one.
    down_since: BTreeMap<NodeId, Mono>,
}

impl FrontTentative {
    /// Adds a write, and answers its number. It leaves with the next `send`.
    pub(crate) fn ask(&mut self, asked: Asked) -> u64 {
        self.insert(Entry { asked, holder: None, refused_by: None, is_behind: false, send_at: Mono(0) })
    }

    fn insert(&mut self, entry: Entry) -> u64 {
        self.newest += 1;
        self.unsent.insert(self.newest);
        self.entries.insert(self.newest, entry);
        self.newest
    }

    /// A link came up.
    pub(crate) fn link_up(&mut self, node: NodeId) {
        self.down_since.remove(&node);
    }

    /// A link broke.
    pub(crate) fn link_down(&mut self, node: NodeId, now: Mono) {
        self.down_since.entry(node).or_insert(now);
    }

    /// Since when none of these, to which there is no link, could be reached.
    fn cut_off_since(&self, replicas: &[NodeId]) -> Mono {
        let started = self.started.unwrap_or_default();
        let since = |node| self.down_since.get(node).copied().unwrap_or(started);
        replicas.iter().map(since).max().unwrap_or(started)
    }

    /// Hands over what nobody has, where somebody can be asked.
    pub(crate) fn send(
        &mut self,
        incarnation: Incarnation,
        now: Mono,
        routing: &Routing,
        outbox: &mut Outbox,
    ) {
        self.started.get_or_insert(now);
        if self.unsent.is_empty() {
            return;
        }
        let mut still_unsent = BTreeSet::new();
        let mut waiting: BTreeSet<(ConnectionId, GroupId)> = BTreeSet::new();
        for id in std::mem::take(&mut self.unsent) {
            let Some(entry) = self.entries.get(&id) else { continue };
            let asked = &entry.asked;
            let replicas = routing.replicas(asked.group);
            let place = (asked.connection, asked.group);
            let is_hint = || {
                let is_patient = now - self.cut_off_since(replicas) >= HINT_PATIENCE;
                asked.session.is_none()
                    && asked.acks <= 1
                    && (is_patient || asked.until - now <= MARGIN)
                    && !waiting.contains(&place)
            };
            let target = next_replica(replicas, entry.refused_by, outbox);
            let target = target.or_else(|| is_hint().then(|| outbox.me()));
            let is_time = now >= entry.send_at && now < asked.until;
            let Some(target) = target.filter(|target| is_time && outbox.may_hand_to(*target)) else {
                still_unsent.insert(id);
                waiting.insert(place);
                continue;
            };
            let entry = self.entries.get_mut(&id).expect("just seen");
            let asked = &entry.asked;
            entry.holder = Some(target);
            let left = asked.until - now;
            let message = Message::ForwardTentative {
                group: asked.group,
                id,
                incarnation,
                deadline_ms: u64::try_from((left - MARGIN.min(left / 4)).as_millis()).unwrap_or(u64::MAX),
                session: asked.session.clone(),
                client: asked.client.clone(),
                acks: asked.acks,
                write: asked.write.clone(),
            };
            outbox.send(target, message);
        }
        self.unsent = still_unsent;
    }

    /// A node did not take a write: it is asked for again under a new number, which is answered with who waits and for which group. `None`: nobody waits for that answer.
    pub(crate) fn refused(&mut self, from: NodeId, id: u64, now: Mono) -> Option<(PartId, GroupId, u64)> {
        let mut entry = self.take_of(from, id)?;
        reached(Mark::WeakWriteAskedAgain);
        entry.send_at = now + BREATH;
        let (part, group) = (entry.asked.part, entry.asked.group);
        Some((part, group, self.insert(entry)))
    }

    /// The replica that has a write cannot be as new as its session in time, so it did not take it, and no other is asked at this rung. Answers who waits, and the new number.
    pub(crate) fn found_behind(&mut self, from: NodeId, id: u64) -> Option<(PartId, GroupId, u64)> {
        let mut entry = self.take_of(from, id)?;
        reached(Mark::WeakWriteFoundBehind);
        (entry.is_behind, entry.send_at) = (true, entry.asked.until);
        let (part, group) = (entry.asked.part, entry.asked.group);
        Some((part, group, self.insert(entry)))
    }

    /// The entry that this node has under this number.
    fn take_of(&mut self, from: NodeId, id: u64) -> Option<Entry> {
        self.entries.get(&id).filter(|entry| entry.holder == Some(from))?;
        let mut entry = self.entries.remove(&id)?;
        (entry.holder, entry.refused_by) = (None, Some(from));
        Some(entry)
    }

    /// The answer to a write has come: says who waits for it.
    pub(crate) fn answered(&mut self, id: u64) -> Option<PartId> {
        self.unsent.remove(&id);
        self.entries.remove(&id).map(|entry| entry.asked.part)
    }

    /// Whether nobody has a write.
    pub(crate) fn can_take_back(&self, id: u64) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.holder.is_none())
    }

    /// Takes a write back that nobody has.
    pub(crate) fn take_back(&mut self, id: u64) -> Option<Write> {
        if !self.can_take_back(id) {
            return None;
        }
        self.unsent.remove(&id);
        self.entries.remove(&id).map(|entry| entry.asked.write)
    }

    /// The deadline of a write has passed: what its waiter is to hear.
    pub(crate) fn expire(&mut self, id: u64) -> Failure {
        self.unsent.remove(&id);
        match self.entries.remove(&id) {
            Some(entry) if entry.holder.is_none() && entry.is_behind => behind(),
            Some(entry) if entry.holder.is_none() => no_replica(),
            _ => taken_unanswered(),
        }
    }
}

/// Nobody took it.
fn no_replica() -> Failure {
    Failure::new(
        ErrorKind::NoQuorum,
        "no replica of the shard could be reached, or none took the write by the deadline; nothing was applied: try again, or see `quartet status`",
    )
}

/// Somebody may have taken it.
fn taken_unanswered() -> Failure {
    Failure::new(
        ErrorKind::Unknown,
        "the deadline passed after a replica was given the write; it may have been taken, on fewer nodes than ACKS asked for or on none: read before you repeat it, or number your writes (WITH … ID)",
    )
}

/// Others of its connection went behind it, so it cannot be tried again in its place.
pub(crate) fn overtaken() -> Failure {
    Failure::new(
        ErrorKind::Retry,
        "the replica has too many tentative writes under way, and later ones of this connection are behind this one; nothing of it was applied: slow down and try again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use directory::address::Address;
    use directory::founding::{Founder, FoundingSet};
    use directory::state::DirectoryState;
    use proto::ids::{ClusterId, ShardId};
    use proto::ops::StringWrite;

    const INCARNATION: Incarnation = Incarnation(1);

    /// Four nodes, one shard, on nodes 1 to 3.
    fn routing() -> Routing {
        let founder = |port: u16| Founder {
            id: u128::from(port),
            peer: Address::new("h", port),
            resp: Address::new("h", port + 1_000),
            http: Address::new("h", port + 2_000),
        };
        Routing::new(&DirectoryState::genesis(&FoundingSet {
            cluster: ClusterId([1; 16]),
            token_key: [2; 32],
            members: vec![founder(1), founder(2), founder(3), founder(4)],
            replicas: 3,
            shards: 1,
        }))
    }

    fn asked() -> Asked {
        Asked {
            part: PartId { flight: 1, part: 0 },
            connection: ConnectionId(1),
            group: ShardId(0).group(),
            write: Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 }),
            session: Some(Session::default()),
            client: None,
            acks: 1,
            until: Mono(1_000_000_000),
        }
    }

    /// The node whose client asks, with links to these.
    fn outbox(me: u64, linked: &[u64]) -> Outbox {
        let mut outbox = Outbox::new(NodeId(me));
        outbox.set_hops(&linked.iter().map(|node| (NodeId(*node), NodeId(*node))).collect());
        outbox
    }

    #[test]
    fn what_nobody_has_can_be_taken_back_and_what_somebody_has_cannot() {
        let (routing, mut tentative) = (routing(), FrontTentative::default());
        let mut cut_off = outbox(4, &[]);
        let id = tentative.ask(asked());
        tentative.send(INCARNATION, Mono(1), &routing, &mut cut_off);
        assert!(tentative.can_take_back(id));
        tentative.send(INCARNATION, Mono(2), &routing, &mut outbox(4, &[3]));
        assert!(!tentative.can_take_back(id));
        assert_eq!(tentative.take_back(id), None);
        assert_eq!(tentative.expire(id).kind, ErrorKind::Unknown);
        let id = tentative.ask(asked());
        assert_eq!(tentative.expire(id).kind, ErrorKind::NoQuorum);
    }

    #[test]
    fn a_refused_write_is_handed_over_again_under_another_number() {
        let (routing, mut tentative) = (routing(), FrontTentative::default());
        let mut own = outbox(1, &[2]);
        let id = tentative.ask(asked());
        tentative.send(INCARNATION, Mono(1), &routing, &mut own);
        assert!(own.next_loopback().is_some(), "our own replica is asked first");
        assert_eq!(tentative.refused(NodeId(2), id, Mono(2)), None, "who has not got it cannot refuse it");
        let (_, _, again) = tentative.refused(NodeId(1), id, Mono(2)).expect("somebody waits");
        assert!(again != id && tentative.can_take_back(again));
        assert_eq!(tentative.refused(NodeId(1), id, Mono(2)), None, "a second copy of the refusal");
        tentative.send(INCARNATION, Mono(3), &routing, &mut own);
        assert!(tentative.can_take_back(again), "not at once");
        tentative.send(INCARNATION, Mono(20_000_000), &routing, &mut own);
        assert_eq!(tentative.entries[&again].holder, Some(NodeId(2)));
        assert_eq!(tentative.answered(id), None);
        assert!(tentative.answered(again).is_some());
    }

    #[test]
    fn a_replica_that_is_behind_leaves_the_write_to_the_next_rung() {
        let (routing, mut tentative) = (routing(), FrontTentative::default());
        let mut own = outbox(1, &[2]);
        let id = tentative.ask(asked());
        tentative.send(INCARNATION, Mono(1), &routing, &mut own);
        let (_, _, id) = tentative.found_behind(NodeId(1), id).expect("somebody waits");
        tentative.send(INCARNATION, Mono(999_999_999), &routing, &mut own);
        assert!(tentative.can_take_back(id));
        assert_eq!(tentative.expire(id).kind, ErrorKind::Behind);
    }
}
