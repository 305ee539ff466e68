//! Looking into a core from outside: status, routing, the directory, and probes for the simulator. Nothing here changes anything.

use crate::arbitration::Verdict;
use crate::consensus::View;
use crate::core::Core;
use crate::group::Group;
use crate::machine::Applied;
use crate::status::{
    GroupStatus, LocalKey, LogStatus, NodeStatus, ShardStatus, Status, TransferStatus, Whereabouts,
};
use bytes::Bytes;
use directory::routing::Routing;
use directory::state::DirectoryState;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex, NodeId, ShardId, Term};
use proto::ops::Read;
use proto::reply::Reply;
use proto::slots::slot_of;
use proto::tentative::Dot;
use proto::time::Now;
use storage::state::Value;

/// What the simulator's invariants look at, of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The group.
    pub group: GroupId,
    /// Its consensus state.
    pub view: View,
    /// The entry up to which `digest` stands.
    pub applied: LogIndex,
    /// A hash of the whole replicated state.
    pub digest: u128,
}

/// An entry that a replica applied, for the simulator's judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedEntry {
    /// The group.
    pub group: GroupId,
    /// Where it stands.
    pub index: LogIndex,
    /// The term of the leader that made it.
    pub term: Term,
    /// Its bytes; `None` where a snapshot took the place of all entries up to this one.
    pub data: Option<Bytes>,
    /// Whether a write took effect here (was no repetition).
    pub fresh: bool,
    /// What became of the tentative operation that it brought.
    pub decision: Option<Decision>,
}

/// What the log said of a tentative operation at one of its places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub dot: Dot,
    /// The commit timestamp of the entry.
    pub at: Timestamp,
    /// What was said.
    pub verdict: Verdict,
}

impl Decision {
    /// What applying an entry said of a tentative operation; `None` if it brought none.
    pub fn of(applied: &Applied) -> Option<Decision> {
        match applied {
            Applied::Tentative { dot, at, verdict } => {
                Some(Decision { dot: *dot, at: *at, verdict: *verdict })
            }
            _ => None,
        }
    }
}

impl Core {
    /// What was applied since the last call, group by group, if `Config::record_applied` asks for it.
    pub fn take_applied(&mut self) -> Vec<AppliedEntry> {
        self.groups
            .values_mut()
            .filter_map(|group| group.recorded.as_mut())
            .flat_map(std::mem::take)
            .collect()
    }

    /// How many tentative operations this node holds that its replicas have not seen decided.
    pub fn undecided(&self) -> u64 {
        self.held_operations() as u64
    }

    /// This node's copy of the directory.
    pub fn directory(&self) -> &DirectoryState {
        &self.directory
    }

    /// Where slots live and who leads them.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// Which node this is.
    pub fn node(&self) -> NodeId {
        self.me
    }

    /// Whether no replica here is being rebuilt, and every group has a leader that this node knows, hears, and has caught up with as far as it can tell.
    pub fn is_ready(&self) -> bool {
        let led = |group: GroupId| {
            self.routing.group_leader(group).is_some_and(|(_, leader)| {
                leader == self.me
                    || self.neighbours.get(leader, self.now.mono).is_some_and(|(_, silent, announce)| {
                        !silent && announce.leads.iter().any(|(led, _)| *led == group)
                    })
            })
        };
        let own_ready = self.groups.values().all(|group| {
            let view = group.view();
            view.leader.0 != 0 && (!view.leads || view.serves)
        });
        own_ready
            && self.unborn.is_empty()
            && self.routing.map().shards.iter().all(|placement| led(placement.shard.group()))
    }

    /// Bytes of data of all local replicas.
    pub fn data_bytes(&self) -> u64 {
        self.groups.values().map(|group| group.machine.bytes()).sum()
    }

    /// Keys of all local replicas.
    pub fn keys(&self) -> u64 {
        self.groups.values().map(group_keys).sum()
    }

    /// Consensus state and last applied entry of every group that is not frozen. Cheap.
    pub fn views(&self) -> impl Iterator<Item = (GroupId, View, LogIndex)> + '_ {
        self.groups
            .iter()
            .filter(|(_, group)| !group.replica_ref().frozen())
            .map(|(id, group)| (*id, group.view(), group.applied()))
    }

    /// What the local replica's decided state answers to a read of one key; `None` if the key is not here.
    pub fn look(&self, read: &Read) -> Option<Reply> {
        let key = crate::query::keys_of(read)?.pop()?;
        let shard = self.routing.shard_of(slot_of(key));
        let machine = self.groups.get(&shard.group())?.machine.as_shard()?;
        Some(crate::query::read(&machine.state, machine.state.last().wall_ms(), read).reply)
    }

    /// A hash of the whole replicated state of a group; `None` if it is not here. Dear: it walks all slots.
    pub fn digest(&self, group: GroupId) -> Option<u128> {
        self.groups.get(&group).map(|group| group.machine.digest())
    }

    /// One probe a group.
    pub fn probes(&self) -> Vec<Probe> {
        self.groups
            .iter()
            .filter(|(_, group)| !group.replica_ref().frozen())
            .map(|(id, group)| Probe {
                group: *id,
                view: group.view(),
                applied: group.applied(),
                digest: group.machine.digest(),
            })
            .collect()
    }

    /// Everything that `quartet status` shows.
    pub fn status(&self, now: Now) -> Status {
        let statistics = self.log.statistics();
        Status {
            cluster: self.config.identity.cluster,
            node: self.me,
            incarnation: self.config.identity.incarnation.0,
            version: env!("CARGO_PKG_VERSION"),
            ready: self.is_ready(),
            stopping: self.stopping.is_some(),
            nodes: self.directory.members.keys().map(|node| self.node_status(*node, now)).collect(),
            shards: self.routing.map().shards.iter().map(|placement| self.shard_status(placement)).collect(),
            directory: self.groups.get(&GroupId::DIRECTORY).map(|group| self.group_status(group)),
            rebuilding: self.unborn.len(),
            data_bytes: self.data_bytes(),
            memory_limit_bytes: self.config.memory_limit_bytes,
            keys: self.keys(),
            requests_under_way: self.front.under_way(),
            undecided: self.held_operations(),
            hints: self.held_hints(),
            disk_free_bytes: self.fitness.free_bytes(),
            disk: match &self.fitness {
                fitness if fitness.is_out() => "out",
                fitness if fitness.is_low() => "low",
                fitness if fitness.is_stalled() => "stalled",
                _ => "ok",
            },
            log: LogStatus {
                batches: statistics.batches,
                syncs: statistics.syncs,
                written_bytes: statistics.bytes,
                disk_bytes: self.log.disk_bytes(),
                segments: statistics.segments,
            },
            transfers: self
                .transfers
                .under_way()
                .into_iter()
                .map(|(group, peer, outgoing, bytes)| TransferStatus { group, peer, outgoing, bytes })
                .collect(),
        }
    }

    fn node_status(&self, id: NodeId, now: Now) -> NodeStatus {
        let member = &self.directory.members[&id];
        let heard = self.neighbours.get(id, now.mono);
        let (state, heard_ms_ago, hears) = if id == self.me {
            let state = if self.stopping.is_some() { "stopping" } else { "up" };
            (state, Some(0), self.mesh.hears(now.mono))
        } else {
            let hears = self.mesh.heard_by(id);
            match heard {
                None => ("never heard", None, hears),
                Some((ms, true, _)) => ("silent", Some(ms), hears),
                Some((ms, false, announce)) if announce.stopping => ("stopping", Some(ms), hears),
                Some((ms, false, _)) => ("up", Some(ms), hears),
            }
        };
        let via = self.mesh.hops().get(&id).copied().filter(|hop| *hop != id);
        let leads =
            |placement: &&directory::map::ShardPlacement| self.known_leader(placement.shard) == Some(id);
        NodeStatus {
            id,
            resp: member.resp.to_string(),
            http: member.http.to_string(),
            peer: member.peer.to_string(),
            incarnation: member.incarnation.0,
            state,
            heard_ms_ago,
            hears,
            via,
            leads: self.routing.map().shards.iter().filter(leads).count(),
        }
    }

    fn shard_status(&self, placement: &directory::map::ShardPlacement) -> ShardStatus {
        ShardStatus {
            shard: placement.shard.0,
            first_slot: placement.first_slot.0,
            last_slot: placement.last_slot.0,
            replicas: placement.replicas.clone(),
            leader: self.known_leader(placement.shard),
            rebuilding: self.is_unborn(placement.shard.group()),
            local: self.groups.get(&placement.shard.group()).map(|group| self.group_status(group)),
        }
    }

    /// A shard's leader, as its own replica here knows it: a node that is cut off leads nothing, whatever it had heard before. Without a replica, what others said last, if the leader is heard.
    fn known_leader(&self, shard: ShardId) -> Option<NodeId> {
        match self.groups.get(&shard.group()) {
            Some(group) => {
                Some(group.view().leader).filter(|leader| leader.0 != 0).map(|leader| NodeId(leader.0))
            }
            None => self.routing.leader_hint(shard).filter(|leader| {
                self.neighbours.get(*leader, self.now.mono).is_some_and(|(_, silent, _)| !silent)
            }),
        }
    }

    fn group_status(&self, group: &Group) -> GroupStatus {
        let view = group.view();
        GroupStatus {
            group: group.id(),
            term: view.term,
            leader: (view.leader.0 != 0).then_some(NodeId(view.leader.0)),
            decided: view.decided,
            applied: view.applied,
            lag: view.decided.0.saturating_sub(view.applied.0),
            last: view.last,
            snapshot: self.snapshots.durable(group.id()),
            keys: group_keys(group),
            data_bytes: group.machine.bytes(),
        }
    }

    /// Where a key lives, and what the local replica holds of it.
    pub fn where_key(&self, key: &[u8]) -> Whereabouts {
        let slot = slot_of(key);
        let shard = self.routing.shard_of(slot);
        let local = self.groups.get(&shard.group()).and_then(|group| {
            let machine = group.machine.as_shard()?;
            let item = machine.state.get(key);
            Some(LocalKey {
                applied: group.view().applied,
                present: item.is_some(),
                version: machine.state.version_of(key).0,
                expires_at_ms: item.and_then(|item| item.expires_at_ms()),
                value_bytes: item.and_then(|item| match &item.value {
                    Value::String(content) => Some(content.as_slice().len()),
                    _ => None,
                }),
            })
        });
        Whereabouts {
            slot: slot.0,
            shard: shard.0,
            replicas: self
                .routing
                .placement(shard)
                .map(|placement| placement.replicas.clone())
                .unwrap_or_default(),
            leader: self.known_leader(shard),
            local,
        }
    }
}

fn group_keys(group: &Group) -> u64 {
    group.machine.as_shard().map_or(0, |shard| shard.state.len() as u64)
}
