//! How a core comes up from its data folder: the log is opened, each group's snapshot is read, and the replicas start from what is durable.
//!
//! Recovery reads the disk directly and in order; nothing is served meanwhile. Damage is refused with a sentence: a node that has forgotten what it promised must not vote. A folder that was emptied for a rebuild has replicas that are not born yet (`rebuild`).

use crate::batching::Batching;
use crate::clock::Clock;
use crate::config::Config;
use crate::consensus::{Birth, Replica, founding_point};
use crate::core::Core;
use crate::digests::Digests;
use crate::fitness::Fitness;
use crate::group::Group;
use crate::leadership::Leadership;
use crate::machine::Machine;
use crate::marks::{Mark, reached};
use crate::mesh::Mesh;
use crate::neighbours::Neighbours;
use crate::outbox::Outbox;
use crate::reads::LeaseTerms;
use crate::rebuild::Unborn;
use crate::requests::Front;
use crate::snapshots::Snapshots;
use crate::tentative::{JOURNAL, Tentative};
use crate::transfer::Transfers;
use directory::routing::Routing;
use directory::state::DirectoryState;
#[cfg(feature = "planted")]
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex, NodeId, ReplicaId};
use proto::peer::SnapshotPoint;
use proto::session::TokenKey;
use proto::time::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use storage::disk::{Disk, DiskError};
use storage::folder::{self, Folder, FolderError, Phase};
use storage::log::{Log, LogError, LogOwner, RecoveredGroup};
use storage::snapshot::{self, Partial, SnapshotError};

/// Why a core cannot start. Each says what to do.
#[derive(Debug)]
pub enum StartError {
    /// The log.
    Log(LogError),
    /// A snapshot.
    Snapshot(SnapshotError),
    /// The disk.
    Disk(DiskError),
    /// The file that says which folder this is.
    Folder(FolderError),
    /// A log was begun here, and there is none.
    LogMissing,
    /// The folder is half emptied.
    HalfEmptied,
    /// Log and snapshots do not fit together.
    Inconsistent(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Log(error) => error.fmt(f),
            StartError::Snapshot(error) => error.fmt(f),
            StartError::Disk(error) => write!(f, "the data folder cannot be read: {error}"),
            StartError::Folder(error) => error.fmt(f),
            StartError::LogMissing => f.write_str(
                "the log is gone: the data folder says that there was one. What this node has promised is forgotten, so it does not start; run `quartet rebuild` on the data folder and start the node: it is filled from the others",
            ),
            StartError::HalfEmptied => f.write_str(
                "`quartet rebuild` was begun on this data folder and did not finish; run it again",
            ),
            StartError::Inconsistent(why) => write!(
                f,
                "the data folder does not fit together: {why}. Do not repair it by hand; run `quartet rebuild` on the data folder and start the node: it is filled from the others"
            ),
        }
    }
}

impl std::error::Error for StartError {}

impl From<LogError> for StartError {
    fn from(error: LogError) -> StartError {
        StartError::Log(error)
    }
}

impl From<SnapshotError> for StartError {
    fn from(error: SnapshotError) -> StartError {
        StartError::Snapshot(error)
    }
}

impl From<FolderError> for StartError {
    fn from(error: FolderError) -> StartError {
        StartError::Folder(error)
    }
}

impl From<DiskError> for StartError {
    fn from(error: DiskError) -> StartError {
        StartError::Disk(error)
    }
}

impl Core {
    /// Recovers a core from its folder.
    pub fn start(config: Config, disk: &mut dyn Disk, now: Now) -> Result<Core, StartError> {
        let me = config.identity.node;
        let folder = folder_of(disk)?;
        let owner = LogOwner {
            cluster: config.identity.cluster,
            node: me,
            incarnation: config.identity.incarnation,
            core: 0,
        };
        let (log, mut recovered) = Log::open_sized(disk, &owner, config.segment_sizes)?;
        if folder.phase != Phase::Begun {
            // Nothing was promised before this.
            folder::store(disk, &Folder { phase: Phase::Begun, ..folder })?;
        }
        let genesis = DirectoryState::genesis(&config.founding);
        let journal = recovered.groups.remove(&JOURNAL).unwrap_or_default();
        let marks: BTreeMap<GroupId, LogIndex> = recovered
            .groups
            .iter()
            .filter_map(|(id, group)| group.mark.map(|(index, _)| (*id, index)))
            .collect();
        snapshot::remove_stale(disk, &marks)?;
        let (mut groups, mut unborn) = (BTreeMap::new(), BTreeMap::new());
        let mut partials = BTreeMap::new();
        let mut clock = Clock::default();
        for (id, replicas, machine) in own_groups(
            me,
            &genesis,
            #[cfg(feature = "planted")]
            config.planted,
        ) {
            let found = recovered.groups.remove(&id).unwrap_or_default();
            if let Some(partial) = Partial::recover(disk, id)? {
                reached(Mark::PartialFoundAtStart);
                partials.insert(id, partial);
            }
            // In a folder that was emptied a replica exists from the snapshot on that it was born from.
            let is_unborn = folder.nonce != 0 && found.mark.is_none();
            #[cfg(feature = "planted")]
            let is_unborn = is_unborn && config.planted != crate::planted::Planted::RebuiltVotesAtOnce;
            if is_unborn {
                unborn.insert(id, Unborn::new(machine, folder.nonce));
                continue;
            }
            let mut group = recover_group(&config, disk, id, replicas, machine, found)?;
            group.recorded = config.record_applied.then(Vec::new);
            clock.merge_decided(group.machine.last());
            groups.insert(id, group);
        }
        let replicated: Vec<GroupId> =
            groups.keys().copied().filter(|id| *id != GroupId::DIRECTORY).collect();
        let (tentative, newest) = Tentative::recover(me, folder.number, journal, &replicated, |id| {
            let machine = groups.get(&id).and_then(|group: &Group| group.machine.as_shard())?;
            Some((machine.arbitration.marks().clone(), machine.state.last()))
        })
        .map_err(StartError::Inconsistent)?;
        #[cfg(feature = "planted")]
        let newest = match config.planted {
            crate::planted::Planted::ClockBackOnRestart => Timestamp::ZERO,
            _ => newest,
        };
        clock.merge_decided(newest);
        let mut core = Core {
            tentative,
            me,
            now,
            #[cfg(feature = "planted")]
            stepped_at: now.mono,
            clock,
            log,
            lease: LeaseTerms::of(&config),
            dirty: groups.keys().copied().collect(),
            leased: BTreeSet::new(),
            groups,
            folder,
            unborn,
            newborn: Vec::new(),
            digests: Digests::default(),
            forgotten: 0,
            unsealed: BTreeSet::new(),
            awaited: BTreeSet::new(),
            untold: BTreeSet::new(),
            batching: Batching::new(now.mono),
            outbox: Outbox::new(me),
            front: Front::new(
                config.identity.node,
                config.identity.incarnation,
                config.seed,
                TokenKey::new(config.identity.cluster, config.founding.token_key),
            ),
            mesh: Mesh::new(me, config.identity.incarnation, config.announce_interval, config.silence),
            neighbours: Neighbours::default(),
            leadership: Leadership::default(),
            routing: Routing::new(&genesis),
            directory: genesis,
            directory_index: LogIndex(0),
            snapshots: Snapshots::new(marks),
            transfers: Transfers::new(config.identity.incarnation.0, partials),
            jobs: BTreeMap::new(),
            next_job: 1,
            next_tick: now.mono,
            next_announce: now.mono,
            announce_soon: true,
            memory_full: false,
            fitness: Fitness::default(),
            stopping: None,
            leaderless_since: None,
            stopped: false,
            fatal: false,
            events: Vec::new(),
            out: Vec::new(),
            config,
        };
        #[cfg(feature = "planted")]
        {
            core.front.planted = core.config.planted;
            if core.config.planted == crate::planted::Planted::LeaseTooLong {
                core.lease.span *= 20;
            }
        }
        core.take_recovered_directory();
        core.says_at_start();
        Ok(core)
    }

    fn take_recovered_directory(&mut self) {
        let Some(group) = self.groups.get(&GroupId::DIRECTORY) else { return };
        let (applied, machine) = (group.view().applied, group.machine.as_directory());
        if let Some(state) = machine.map(|machine| machine.state.clone()) {
            self.adopt_directory(applied, state);
        }
    }
}

/// What the folder says of itself, and whether a node may start on it.
fn folder_of(disk: &mut dyn Disk) -> Result<Folder, StartError> {
    let folder = folder::load(disk)?.unwrap_or(Folder::FIRST);
    match folder.phase {
        Phase::Clearing => Err(StartError::HalfEmptied),
        Phase::Begun if !storage::log::exists(disk, 0)? => Err(StartError::LogMissing),
        Phase::Empty | Phase::Begun => Ok(folder),
    }
}

/// The groups that this node replicates, with all their replicas and their empty machines.
pub(crate) fn own_groups(
    me: NodeId,
    directory: &DirectoryState,
    #[cfg(feature = "planted")] planted: crate::planted::Planted,
) -> Vec<(GroupId, Vec<NodeId>, Machine)> {
    let mut own = Vec::new();
    let replicas = directory.directory_replicas();
    if replicas.contains(&me) {
        own.push((GroupId::DIRECTORY, replicas, Machine::directory(directory.clone())));
    }
    for placement in &directory.map.shards {
        if placement.replicas.contains(&me) {
            let count = placement.last_slot.0 - placement.first_slot.0 + 1;
            let machine = Machine::shard(placement.first_slot, count);
            #[cfg(feature = "planted")]
            let machine = machine.with_planted(planted);
            own.push((placement.shard.group(), placement.replicas.clone(), machine));
        }
    }
    own
}

fn recover_group(
    config: &Config,
    disk: &mut dyn Disk,
    id: GroupId,
    replicas: Vec<NodeId>,
    mut machine: Machine,
    found: RecoveredGroup,
) -> Result<Group, StartError> {
    let mut voters: Vec<ReplicaId> = replicas.into_iter().map(|node| ReplicaId(node.0)).collect();
    voters.sort_unstable();
    let mut point = founding_point(voters);
    if let Some((index, term)) = found.mark {
        let snapshot = snapshot::read(disk, id, index)?;
        if snapshot.point.index != index || snapshot.point.term != term {
            return Err(StartError::Inconsistent(format!(
                "the log of group {id} marks a snapshot at {index}, the file stands for {}",
                snapshot.point.index
            )));
        }
        reached(Mark::SnapshotReadAtStart);
        point = restore(&mut machine, id, snapshot)?;
    }
    let last = found.entries.last().map_or(point.index, |entry| entry.index);
    if let Some(first) = found.entries.first()
        && first.index.0 != point.index.0 + 1
    {
        return Err(StartError::Inconsistent(format!(
            "the log of group {id} begins at {}, its snapshot ends at {}",
            first.index, point.index
        )));
    }
    #[cfg(feature = "planted")]
    if config.planted == crate::planted::Planted::AppliedAtRecovery {
        for entry in &found.entries {
            machine.apply(&entry.data);
        }
    }
    let hard_state = found.hard_state.unwrap_or_default();
    let applied = (point.index, point.term);
    let birth = Birth {
        group: id,
        replica: ReplicaId(config.identity.node.0),
        seed: config.seed,
        point,
        hard_state,
        entries: found.entries,
        pace: config.pace,
    };
    Ok(Group::new(id, Replica::new(birth), machine, hard_state, last, applied))
}

fn restore(
    machine: &mut Machine,
    id: GroupId,
    snapshot: snapshot::Snapshot,
) -> Result<SnapshotPoint, StartError> {
    let slots = snapshot.slots.into_iter().map(|(slot, state)| (slot, Arc::new(state))).collect();
    if !machine.restore(slots, &snapshot.tables) {
        return Err(StartError::Inconsistent(format!(
            "the tables in the snapshot of group {id} make no sense"
        )));
    }
    Ok(snapshot.point)
}
