//! The core of a node: inputs in, outputs out (the contract is `io`).
//!
//! It dispatches and keeps the order of a drain; what is done lives in the sub-machines beside it: `group` (consensus and state), `requests` (clients), `streams`, `leadership`,
//! `mesh`, `neighbours`, `snapshots`, `transfer`, `rebuild`. Messages from peers are handled in `inbox`, the regular word to them is in `announce`, frames of others in `relaying`, starting up in `recovery`, looking in from outside in `report`.
//!
//! A drain: what was read under a lease is judged by the new look at the clock; timers that are due; then rounds of {messages to ourselves, clients' parts to leaders, groups pumped} until nothing moves; what followers do not know yet of what is decided, if
//! nothing is under way that would carry it; then one log batch for all groups, if none is in flight and this one has waited for its company (`batching`); one frame a link, the answers.
//! The next batch is stepped while the log syncs.

use crate::batching::Batching;
use crate::clock::Clock;
use crate::config::Config;
use crate::digests::Digests;
use crate::event::Event;
use crate::fitness::{Fitness, last_words};
use crate::group::{Group, Logged, Surroundings};
use crate::io::{Input, Output};
use crate::leadership::Leadership;
use crate::marks::{Mark, reached};
use crate::mesh::Mesh;
use crate::neighbours::Neighbours;
use crate::outbox::Outbox;
use crate::reads::LeaseTerms;
use crate::rebuild::Unborn;
use crate::requests::Front;
use crate::snapshots::{Pressing, Snapshots};
use crate::tentative::{JOURNAL, Tentative};
use crate::transfer::Transfers;
use directory::routing::Routing;
use directory::state::DirectoryState;
use proto::ids::{GroupId, LogIndex, NodeId, ReplicaId};
use proto::peer::{Message, SnapshotStep};
use proto::time::{Mono, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use storage::disk::{DiskJob, DiskOp, JobId, JobResult, Lane};
use storage::folder::Folder;
use storage::log::{BatchNumber, Log};

/// How long a stopping node waits for its leaderships and its clients' requests.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long a stopping node goes on answering peers after its last leadership is gone, so that they hear it.
const STOP_LINGER: Duration = Duration::from_millis(100);

/// What a disk job was for.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// A log batch, with the newest work of each group in it, and files that may go when it is durable.
    Batch {
        number: BatchNumber,
        bytes: u64,
        works: Vec<(GroupId, u64)>,
        /// The newest entry of the outbox's journal.
        journal: LogIndex,
        /// Replicas that are born with it.
        born: Vec<GroupId>,
        retire: Vec<DiskOp>,
    },
    /// A new log segment.
    LogMaintenance,
    /// A piece of a snapshot of our own.
    OwnSnapshot,
    /// A piece of a received snapshot's file.
    ReceivedSnapshot(GroupId),
    /// Something that nobody waits for.
    Housekeeping,
}

/// The deterministic state machine of one core.
pub struct Core {
    pub(crate) config: Config,
    pub(crate) me: NodeId,
    pub(crate) now: Now,
    #[cfg(feature = "planted")]
    pub(crate) stepped_at: Mono,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) lease: LeaseTerms,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    /// Which of this node's data folders this is.
    pub(crate) folder: Folder,
    /// The groups whose replica here has lost its memory.
    pub(crate) unborn: BTreeMap<GroupId, Unborn>,
    /// Those of them whose birth is queued for the log.
    pub(crate) newborn: Vec<GroupId>,
    pub(crate) digests: Digests,
    /// Replicas that were quarantined since the start.
    pub(crate) forgotten: u64,
    pub(crate) dirty: BTreeSet<GroupId>,
    /// Groups that have read under their lease since the clock was looked at.
    pub(crate) leased: BTreeSet<GroupId>,
    pub(crate) unsealed: BTreeSet<GroupId>,
    /// Those of them with something that somebody waits for.
    pub(crate) awaited: BTreeSet<GroupId>,
    /// Groups whose followers have not been told of the newest decision.
    pub(crate) untold: BTreeSet<GroupId>,
    pub(crate) batching: Batching,
    pub(crate) outbox: Outbox,
    pub(crate) front: Front,
    pub(crate) tentative: Tentative,
    pub(crate) mesh: Mesh,
    pub(crate) neighbours: Neighbours,
    pub(crate) leadership: Leadership,
    pub(crate) routing: Routing,
    /// This node's copy of the directory, and the index that it stands for.
    pub(crate) directory: DirectoryState,
    pub(crate) directory_index: LogIndex,
    pub(crate) snapshots: Snapshots,
    pub(crate) transfers: Transfers,
    pub(crate) jobs: BTreeMap<JobId, Purpose>,
    pub(crate) next_job: u64,
    pub(crate) next_tick: Mono,
    pub(crate) next_announce: Mono,
    pub(crate) announce_soon: bool,
    pub(crate) memory_full: bool,
    pub(crate) fitness: Fitness,
    pub(crate) stopping: Option<Mono>,
    pub(crate) leaderless_since: Option<Mono>,
    pub(crate) stopped: bool,
    pub(crate) fatal: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) out: Vec<Output>,
}

impl Core {
    /// The only mutation. Runs to completion and never blocks.
    pub fn step(&mut self, now: Now, input: Input) {
        self.set_now(now);
        #[cfg(feature = "planted")]
        {
            self.stepped_at = now.mono;
        }
        match input {
            Input::Tick => {}
            Input::Request { connection, request, body } => {
                self.front.request(connection, request, body, now.mono, &self.routing);
            }
            Input::ConnectionClosed { connection } => self.front.close(connection),
            Input::Frame { from, bytes } => self.frame(from, &bytes),
            Input::LinkUp { node } => self.link_up(node),
            Input::LinkDown { node } => self.link_down(node),
            Input::DiskDone { job, result } => self.disk_done(job, result),
            Input::DiskSpace { free_bytes } => self.fitness.report(free_bytes),
            Input::Stop => {
                self.stopping.get_or_insert(now.mono);
                self.announce_soon = true;
            }
        }
    }

    /// Carries out everything that follows from the inputs since the last drain.
    pub fn drain(&mut self, now: Now) -> Vec<Output> {
        self.set_now(now);
        if !self.fatal {
            // First, before anything else can end a lease that held at `now`.
            for id in std::mem::take(&mut self.leased) {
                self.with_group(id, |group, around| group.judge_leased(around));
                self.dirty.insert(id);
            }
            self.timers();
            self.settle();
            if !self.untold.is_empty() && self.is_idle() {
                self.tell_decided();
            }
            self.seal();
            self.outbox.flush(now, &mut self.out);
        }
        self.out.extend(self.events.drain(..).map(Output::Event));
        std::mem::take(&mut self.out)
    }

    /// When the core wants an `Input::Tick` at the latest.
    pub fn next_deadline(&self) -> Mono {
        if self.awaits_a_look() {
            return self.now.mono;
        }
        let next = self.next_tick.min(self.next_announce);
        let next = self.front.next_deadline().map_or(next, |deadline| deadline.min(next));
        if self.log.has_queued() && !self.log.in_flight() {
            next.min(self.batching.deadline(self.waiters()))
        } else {
            next
        }
    }

    /// Whether answers wait for one more look at the clock: the body drains again at once.
    pub fn awaits_a_look(&self) -> bool {
        !self.leased.is_empty() && !self.fatal
    }

    fn set_now(&mut self, now: Now) {
        assert!(now.mono >= self.now.mono, "the monotonic clock went back");
        self.now = now;
    }

    /// Rounds until nothing moves.
    fn settle(&mut self) {
        loop {
            self.front.send(self.now.mono, &self.routing, &mut self.outbox);
            let mut moved = false;
            while let Some(message) = self.outbox.next_loopback() {
                moved = true;
                self.message(self.me, message);
            }
            for id in std::mem::take(&mut self.dirty) {
                moved = true;
                self.pump(id);
                self.tentative_applied(id);
                self.serve_weak(id);
            }
            self.begin_received_snapshots();
            moved |= self.front.take_turns();
            for answer in self.front.take_answers(self.now.mono, &self.routing) {
                moved = true;
                self.out.push(Output::Answer {
                    connection: answer.connection,
                    request: answer.request,
                    outcome: answer.outcome,
                    achieved: answer.achieved,
                });
            }
            if !moved {
                break;
            }
        }
        self.transfers.send(&mut self.outbox);
        if let Some(ops) = self.log.maintenance() {
            self.job(Lane::Bulk, ops, Purpose::LogMaintenance);
        }
    }

    /// Nothing is under way whose messages would soon tell the followers what is decided.
    fn is_idle(&self) -> bool {
        self.front.is_idle() && !self.log.in_flight() && !self.log.has_queued()
    }

    /// Tells followers what is decided where no append has carried it (rule 6): at the end of an idle drain, and at each tick.
    fn tell_decided(&mut self) {
        for id in std::mem::take(&mut self.untold) {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            group.replica().tell_decided();
            self.pump(id);
        }
    }

    /// Runs `body` on a group with what it may touch of the node.
    pub(crate) fn with_group<R>(
        &mut self,
        id: GroupId,
        body: impl FnOnce(&mut Group, &mut Surroundings<'_>) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(&id)?;
        let mut around = Surroundings {
            now: self.now,
            incarnation: self.config.identity.incarnation,
            clock: &mut self.clock,
            log: &mut self.log,
            outbox: &mut self.outbox,
            events: &mut self.events,
            lease: self.lease,
            takes_entries: !self.fitness.is_out(),
            tentative: &self.tentative,
            #[cfg(feature = "planted")]
            planted: self.config.planted,
            #[cfg(feature = "planted")]
            stepped_at: self.stepped_at,
        };
        Some(body(group, &mut around))
    }

    fn pump(&mut self, id: GroupId) {
        let room = self.transfers.has_room();
        let before = self.groups.get(&id).map(Group::view);
        let logged = self.with_group(id, |group, around| {
            group.replica().allow_snapshots(room);
            (group.pump(around), group.duties.reads.awaits_a_look())
        });
        let Some((logged, reads_by_lease)) = logged else { return };
        if reads_by_lease {
            self.leased.insert(id);
        }
        if logged != Logged::Nothing {
            self.unsealed.insert(id);
        }
        if logged == Logged::Awaited {
            self.awaited.insert(id);
        }
        let group = self.groups.get_mut(&id).expect("just pumped");
        let view = group.view();
        let wanted = std::mem::take(&mut group.snapshots_wanted);
        let hashed = std::mem::take(&mut group.hashed);
        if group.replica_ref().untold() {
            self.untold.insert(id);
        }
        if view.leader.0 != 0 && self.routing.learn_leader(id, view.term, NodeId(view.leader.0)) {
            self.front.leader_changed();
        }
        if before.is_some_and(|before| before.leads != view.leads) {
            self.announce_soon = true;
            if !view.leads {
                self.transfers.leadership_lost(id);
            }
        }
        for (index, digest) in hashed {
            self.state_hashed(id, index, digest);
        }
        for wanted in wanted {
            self.events.push(Event::SnapshotOffered {
                group: id,
                to: NodeId(wanted.to.0),
                index: wanted.point.index,
            });
            self.transfers.offer(id, wanted, self.now.mono, &mut self.outbox);
        }
        if id == GroupId::DIRECTORY {
            self.refresh_directory();
        }
        self.compact(id);
    }

    /// Keeps the in-memory tail within its bound: followers that answer and still need an entry may hold it back eight times that.
    fn compact(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let bytes = group.replica_ref().tail_bytes();
        if bytes <= self.config.tail_bytes || group.replica_ref().frozen() {
            return;
        }
        let mut to = group.view().applied;
        if bytes <= 8 * self.config.tail_bytes
            && let Some(needed) = group.replica_ref().needed_from()
        {
            to = to.min(needed);
        }
        group.replica().compact(to);
    }

    /// Takes the replicated directory's state into this node's copy.
    fn refresh_directory(&mut self) {
        let Some(group) = self.groups.get(&GroupId::DIRECTORY) else { return };
        let applied = group.view().applied;
        if let Some(machine) = group.machine.as_directory()
            && applied > self.directory_index
        {
            let state = machine.state.clone();
            self.adopt_directory(applied, state);
        }
    }

    /// A newer copy of the directory.
    pub(crate) fn adopt_directory(&mut self, index: LogIndex, state: DirectoryState) {
        self.directory_index = index;
        if state != self.directory {
            self.routing.update(&state);
            self.front.leader_changed();
            self.directory = state;
            self.out.push(Output::MembersChanged);
        }
    }

    pub(crate) fn job(&mut self, lane: Lane, ops: Vec<DiskOp>, purpose: Purpose) {
        let id = JobId(self.next_job);
        self.next_job += 1;
        self.jobs.insert(id, purpose);
        self.out.push(Output::Disk(DiskJob { id, lane, ops }));
    }

    fn disk_done(&mut self, job: JobId, result: JobResult) {
        let Some(purpose) = self.jobs.remove(&job) else { return };
        if let Err(error) = result {
            // Other files are made anew; only the log's own word is doubtful.
            if error.full && !matches!(purpose, Purpose::Batch { .. }) {
                return self.space_ran_out(&purpose, &error);
            }
            // Rule 6 of the contract: what a failed write or sync left behind is unknown, so this start of the node is over.
            self.fatal = true;
            self.out.push(Output::Fatal { message: last_words(&error) });
            return;
        }
        match purpose {
            Purpose::Batch { number, bytes, works, journal, born, retire } => {
                self.log.completed(number);
                self.fitness.sync_ends();
                self.events.push(Event::LogSynced { bytes });
                for (id, work) in works {
                    self.with_group(id, |group, around| group.persisted(work, around));
                    self.install_restored(id);
                    self.dirty.insert(id);
                }
                born.into_iter().for_each(|id| self.born(id));
                self.journal_durable(journal);
                if !retire.is_empty() {
                    self.job(Lane::Bulk, retire, Purpose::Housekeeping);
                }
            }
            Purpose::LogMaintenance => {
                self.log.maintenance_done(true);
            }
            Purpose::OwnSnapshot => self.own_snapshot_piece(),
            Purpose::ReceivedSnapshot(group) => self.received_snapshot_piece(group),
            Purpose::Housekeeping => {}
        }
    }

    fn begin_own_snapshot(&mut self) {
        let (min_log_bytes, transfers) = (self.config.snapshot_min_log_bytes, &self.transfers);
        let (fitness, groups) = (&self.fitness, &self.groups);
        let has_room = |id: &GroupId| {
            groups.get(id).is_some_and(|group| fitness.has_room_for(group.machine.bytes(), &self.config))
        };
        // The outbox is kept as short as a shard's log: no more is read at a start than the data weighs.
        let data_bytes: u64 = self.groups.values().map(|group| group.machine.bytes()).sum();
        let has_outgrown = self.log.bytes_since_snapshot(JOURNAL) > min_log_bytes.max(data_bytes);
        let pinning = match self.log.pinned_by() {
            Some(JOURNAL) => self.tentative.pinning_shard(),
            pinning => pinning,
        };
        let for_others = Pressing {
            outbox: self.tentative.pinning_shard().filter(|_| has_outgrown),
            oldest_segment: pinning,
        };
        if self.snapshots.begin_if_due(&self.groups, &self.log, min_log_bytes, for_others, |group| {
            transfers.writes(group) || !has_room(&group)
        }) {
            self.own_snapshot_piece();
        }
    }

    fn own_snapshot_piece(&mut self) {
        if let Some(ops) = self.snapshots.next_piece() {
            self.job(Lane::Bulk, ops, Purpose::OwnSnapshot);
        } else if let Some((group, index)) = self.snapshots.finished(&mut self.log) {
            self.events.push(Event::SnapshotWritten { group, index });
        }
    }

    fn begin_received_snapshots(&mut self) {
        if self.fitness.is_out() {
            return;
        }
        for group in self.transfers.begin_writing(self.snapshots.group_being_written()) {
            self.received_snapshot_piece(group);
        }
    }

    fn received_snapshot_piece(&mut self, id: GroupId) {
        if let Some(ops) = self.transfers.next_piece(id) {
            if let Some((from, step)) = self.transfers.still_alive(id) {
                self.outbox.send(from, Message::Snapshot { group: id, step });
            }
            self.job(Lane::Bulk, ops, Purpose::ReceivedSnapshot(id));
            return;
        }
        let Some(complete) = self.transfers.complete(id) else { return };
        if self.is_unborn(id) {
            return self.conceive(id, complete);
        }
        let (from, term, point) = (ReplicaId(complete.from.0), complete.term, complete.point.clone());
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.replica().offer_snapshot(from, term, &point);
        group.received = Some(complete);
        // The library accepts (its next work carries the restoration) or has no need of it any more.
        self.pump(id);
        let group = self.groups.get_mut(&id).expect("just pumped");
        if !group.replica_ref().frozen() {
            let decided = group.view().decided;
            if let Some(unused) = group.received.take() {
                reached(Mark::ReceivedNotNeeded);
                let (transfer, installed) = (unused.transfer, decided >= unused.point.index);
                let step = SnapshotStep::Finished { transfer, installed };
                self.outbox.send(unused.from, Message::Snapshot { group: id, step });
                if self.snapshots.durable(id) != unused.point.index {
                    let ops = storage::snapshot::remove_ops(id, unused.point.index);
                    self.job(Lane::Bulk, ops, Purpose::Housekeeping);
                }
            }
        } else {
            self.snapshots.supersede(id, point.index);
        }
    }

    /// A received snapshot is durable and the library stands at its point: so does the state machine now.
    fn install_restored(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(point) = group.restored.take() else { return };
        let complete = group.received.take().expect("a restoration follows a received snapshot");
        assert_eq!(
            complete.point.index, point.index,
            "the library restored another snapshot than the one at hand"
        );
        let kept_slots = complete.slots.len() - complete.fetched;
        let restored = group.machine.restore(complete.slots, &complete.tables);
        assert!(restored, "the tables of a snapshot that was offered make no sense");
        self.clock.merge_decided(group.machine.last());
        self.events.push(Event::SnapshotInstalled {
            group: id,
            index: point.index,
            fetched_slots: complete.fetched,
            kept_slots,
        });
        let step = SnapshotStep::Finished { transfer: complete.transfer, installed: true };
        self.outbox.send(complete.from, Message::Snapshot { group: id, step });
        let ops = self.transfers.forget_partial(id);
        if !ops.is_empty() {
            self.job(Lane::Bulk, ops, Purpose::Housekeeping);
        }
    }

    fn timers(&mut self) {
        let now = self.now.mono;
        if self.front.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.front.timers(now, &self.routing);
        }
        if now >= self.next_tick {
            // Ticks missed in a stall are dropped (rule 8): at most one a group and drain.
            self.next_tick = now + self.config.tick;
            self.tick();
        }
        if now >= self.next_announce || self.announce_soon {
            self.next_announce = now + self.config.announce_interval;
            self.announce_soon = false;
            self.announce();
        }
    }

    fn tick(&mut self) {
        let now = self.now.mono;
        self.look_at_links();
        self.front.timers(now, &self.routing);
        for (group, to) in self.transfers.tick(now) {
            self.report_transfer(group, to, false);
        }
        let patience = self.config.tick * 3;
        for (id, group) in &mut self.groups {
            group.replica().set_preferred(self.leadership.preferred(*id) == Some(self.me));
            group.replica().tick();
            group.duties.reads.retry(now, patience);
            group.safe_reads.drop_overdue(now);
            // Nobody reads the directory in a session.
            if group.view().serves && *id != GroupId::DIRECTORY {
                let newest = self.clock.newest_seen();
                group.duties.keep_up(group.machine.last(), newest, now, self.config.safe_time_interval);
            }
            self.dirty.insert(*id);
        }
        let bytes: u64 = self.groups.values().map(|group| group.machine.bytes()).sum();
        let full = self.config.memory_limit_bytes.is_some_and(|limit| bytes >= limit);
        if full != self.memory_full {
            self.memory_full = full;
            self.events.push(Event::MemoryLimit { reached: full });
        }
        self.look_at_the_disk();
        self.ask_to_be_rebuilt();
        self.compare_states();
        self.tentative_tick();
        self.tell_decided();
        self.begin_own_snapshot();
        self.stop_if_done();
    }

    pub(crate) fn report_transfer(&mut self, id: GroupId, to: ReplicaId, installed: bool) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.replica().report_snapshot(to, installed);
            self.dirty.insert(id);
        }
    }

    /// A stopping node is done when it leads nothing, its clients are answered and its log is quiet; or when its patience ends.
    fn stop_if_done(&mut self) {
        let Some(since) = self.stopping.filter(|_| !self.stopped) else { return };
        let now = self.now.mono;
        let others_live = !self.neighbours.eligible().is_empty();
        let leads = others_live && self.groups.values().any(|group| group.view().leads);
        let log_busy = self.jobs.values().any(|purpose| matches!(purpose, Purpose::Batch { .. }));
        let busy = leads || self.front.under_way() > 0 || log_busy;
        if busy {
            self.leaderless_since = None;
        } else {
            self.leaderless_since.get_or_insert(now);
        }
        let lingered = self.leaderless_since.is_some_and(|quiet| now - quiet >= STOP_LINGER);
        if lingered || now - since > STOP_PATIENCE {
            self.stopped = true;
            self.out.push(Output::Stopped);
        }
    }
}
