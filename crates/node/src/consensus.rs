//! One replica of one consensus group: the only door to the consensus library.
//!
//! Raft itself (Ongaro 2014) is `raft` 0.7.0; this file and its three neighbours drive it by the rules of `docs/consensus.md` and translate
//! between its types and ours, so that nothing else in Quartet names it and a replacement is one module. [`Replica`] is a small machine: step messages and ticks in,
//! take [`Work`] out, tell it what became durable and what was applied.
//!
//! Invariants: numbers of work are persisted in order; while a snapshot is being made durable nothing else happens to the replica (rule 1); the library's own random
//! draw never shows (rule 4); a panic inside the library poisons the replica and nothing else (rule 13).
//!
//! It does not know what entries mean, what a disk is, or who else is on the node.

mod admit;
mod tail;
mod translate;

use crate::marks::{Mark, reached};
use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, ReplicaId, Term};
use proto::peer::{Configuration, ConsensusEntry, ConsensusMessage, SnapshotPoint};
use raft::eraftpb::{ConfChangeV2, Message, MessageType, Snapshot};
use raft::{Config, INVALID_ID, RawNode, ReadOnlyOption, SnapshotStatus, StateRole};
use std::panic::{AssertUnwindSafe, catch_unwind};
use storage::log::HardState;
use tail::Tail;

pub use admit::Inadmissible;

/// How a replica keeps time, in ticks of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Ticks without a leader's word before an election; drawn from one to two times this.
    pub election_timeout_ticks: usize,
    /// Ticks between a leader's heartbeats.
    pub heartbeat_ticks: usize,
}

/// What a replica starts from.
#[derive(Clone, Debug)]
pub struct Birth {
    /// The group, for the drawing of election timeouts.
    pub group: GroupId,
    /// This replica.
    pub replica: ReplicaId,
    /// From which election timeouts are drawn.
    pub seed: u64,
    /// The durable applied state (a snapshot, or the group's founding).
    pub point: SnapshotPoint,
    /// Term, vote and commit as they were durable.
    pub hard_state: HardState,
    /// The durable entries above the point.
    pub entries: Vec<ConsensusEntry>,
    /// Its pace.
    pub pace: Pace,
}

/// What one round of the library wants done, in our own words. In the order of the fields: messages of `now` leave at once; entries and hard state go
/// to the log; `committed` is applied; when the log says so, `Replica::persisted(number)` releases `after_persist`.
#[derive(Debug, Default)]
pub struct Work {
    /// To be handed back once everything in it is durable; numbers rise.
    pub number: u64,
    /// Messages that leave in parallel with the disk (a leader's).
    pub now: Vec<(ReplicaId, ConsensusMessage)>,
    /// Followers that need a snapshot at the applied state of this moment.
    pub snapshots: Vec<(ReplicaId, SnapshotPoint)>,
    /// Messages that must wait until this work is durable.
    pub after_persist: Vec<(ReplicaId, ConsensusMessage)>,
    /// Entries for the log.
    pub entries: Vec<ConsensusEntry>,
    /// Term, vote and commit for the log; present only when they must be durable before anything else happens.
    pub hard_state: Option<HardState>,
    /// Entries to apply, in order.
    pub committed: Vec<ConsensusEntry>,
    /// Reads that are proven: answer them once this index is applied. The number is the one given to `read_index`.
    pub reads: Vec<(LogIndex, u64)>,
    /// A snapshot was accepted and must be made durable before anything else happens to this replica.
    pub restore: Option<SnapshotPoint>,
}

impl Work {
    /// Whether the log has to be written for this work.
    pub fn needs_log(&self) -> bool {
        !self.entries.is_empty() || self.hard_state.is_some() || self.restore.is_some()
    }
}

/// What the rest of the node may know of a replica without asking the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The current term.
    pub term: Term,
    /// Whether this replica leads in that term.
    pub leads: bool,
    /// Whether the leader can take proposals and reads: it has applied an entry of its own term and is not handing over.
    pub serves: bool,
    /// The leader as far as this replica knows; 0 if it knows none.
    pub leader: ReplicaId,
    /// The last entry known to be decided.
    pub decided: LogIndex,
    /// The last entry applied.
    pub applied: LogIndex,
    /// The last entry of the log, durable or not.
    pub last: LogIndex,
}

/// A replica's library state, with what the library does not keep for us.
pub struct Replica {
    birth: Birth,
    raft: Option<RawNode<Tail>>,
    /// Elections begun since the last leader was heard, so that two replicas do not draw alike for ever.
    attempts: u64,
    /// Ticks during which unforced votes are still dropped (rule 8). The library keeps from voting while it knows a leader, and that may rest a lease on it; a started replica knows none yet, and a late message of a higher
    /// term that is neither a leader's nor a vote (an answer to somebody who stood for election) makes it forget the one that it knew.
    deaf_ticks: usize,
    /// Whether this replica is the group's preferred leader: it then draws short timeouts.
    preferred: bool,
    frozen: Option<raft::Ready>,
    transferring: Option<ReplicaId>,
    poisoned: Option<String>,
    /// Whether this leader knows of a decision that no message to the followers carries yet.
    untold: bool,
    last_view: View,
}

impl Replica {
    /// A replica from what is durable (rule 2: `commit = max(stored, applied)`, not above the last index).
    pub fn new(birth: Birth) -> Replica {
        let tail = Tail::new(&birth);
        let applied = birth.point.index.0;
        let mut replica = Replica {
            deaf_ticks: birth.pace.election_timeout_ticks,
            birth,
            raft: None,
            attempts: 0,
            preferred: false,
            frozen: None,
            transferring: None,
            poisoned: None,
            untold: false,
            last_view: View::default(),
        };
        replica.start(tail, applied);
        replica
    }

    fn start(&mut self, tail: Tail, applied: u64) {
        let config = Config {
            id: self.birth.replica.0,
            election_tick: self.birth.pace.election_timeout_ticks,
            heartbeat_tick: self.birth.pace.heartbeat_ticks,
            applied,
            max_size_per_msg: 1024 * 1024,
            max_inflight_msgs: 256,
            check_quorum: true,
            pre_vote: true,
            read_only_option: ReadOnlyOption::Safe,
            batch_append: true,
            // Rule 6: the core says when the followers hear of a decision that no append carries (`tell_decided`).
            skip_bcast_commit: true,
            max_uncommitted_size: proto::limits::MAX_UNDECIDED_BYTES_PER_GROUP as u64,
            max_committed_size_per_ready: 4 * 1024 * 1024,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, tail, &logger)
            .expect("the configuration is valid and the tail cannot fail");
        self.raft = Some(raft);
        self.refresh_view();
    }

    /// This replica's id.
    pub fn id(&self) -> ReplicaId {
        self.birth.replica
    }

    /// What is known of this replica. Cheap.
    pub fn view(&self) -> View {
        self.last_view
    }

    /// The configuration that is in force.
    pub fn configuration(&self) -> Configuration {
        self.raft.as_ref().map(|raft| raft.store().point().configuration.clone()).unwrap_or_default()
    }

    /// Why this replica can do nothing more until it is rebuilt; `None` while it is sound.
    pub fn poisoned(&self) -> Option<&str> {
        self.poisoned.as_deref()
    }

    /// Whether the replica waits for a snapshot to become durable and must not be touched (rule 1).
    pub fn frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Says whether this replica should win elections where it can.
    pub fn set_preferred(&mut self, preferred: bool) {
        self.preferred = preferred;
    }

    /// One tick; none while the replica is frozen (rule 1). Missed ticks are dropped by the caller, never made up (rule 8).
    pub fn tick(&mut self) {
        if self.frozen() {
            return;
        }
        self.deaf_ticks = self.deaf_ticks.saturating_sub(1);
        let (birth, preferred, attempts) = (&self.birth, self.preferred, self.attempts);
        let timeout_ticks = {
            let term = self.last_view.term;
            election_timeout_ticks(
                birth.seed,
                birth.group,
                birth.replica,
                term,
                attempts,
                preferred,
                birth.pace,
            )
        };
        let fired = self.guard(|raft| {
            raft.raft.set_randomized_election_timeout(timeout_ticks);
            let leads = raft.raft.state == StateRole::Leader;
            raft.tick() && !leads
        });
        if fired == Some(true) {
            reached(Mark::ElectionBegun);
            self.attempts += 1;
        }
        if self.last_view.leader.0 != 0 {
            self.attempts = 0;
        }
        self.transferring = self
            .transferring
            .filter(|_| self.raft.as_ref().is_some_and(|raft| raft.raft.lead_transferee.is_some()));
    }

    /// A peer's message, checked first (rule 7).
    pub fn step(&mut self, from: ReplicaId, message: ConsensusMessage) -> Result<(), Inadmissible> {
        let Some(raft) = self.raft.as_ref().filter(|_| self.frozen.is_none() && self.poisoned.is_none())
        else {
            return Ok(());
        };
        admit::check(raft, from, &message)?;
        if self.deaf_ticks > 0 && admit::asks_unforced_vote(&message) {
            reached(Mark::VoteAskedOfTheNewlyStarted);
            return Ok(());
        }
        let is_forced = admit::forces_vote(&message);
        let promised = |raft: &RawNode<Tail>| {
            let raft = &raft.raft;
            let follows = raft.state == StateRole::Follower && raft.leader_id != INVALID_ID;
            follows.then(|| raft.election_timeout().saturating_sub(raft.election_elapsed))
        };
        // Who is told to stand for election forgets its leader too, and that one has no lease any more.
        let is_lost = |raft: &RawNode<Tail>| {
            raft.raft.state == StateRole::Follower && raft.raft.leader_id == INVALID_ID
        };
        let message = translate::message_in(from, self.birth.replica, message);
        let forgotten = self.guard(|raft| {
            let before = promised(raft);
            // The library refuses what is stale; a refused message is a lost message.
            let _ = raft.step(message);
            before.filter(|ticks| *ticks > 0 && !is_forced && is_lost(raft))
        });
        if let Some(ticks) = forgotten.flatten() {
            reached(Mark::LeaderForgotten);
            self.deaf_ticks = self.deaf_ticks.max(ticks);
        }
        Ok(())
    }

    /// Tells the replica that the state up to `point` is at hand and durable, as the leader of `term` offered it. It may accept (then the next work
    /// carries `restore`) or find that it needs no snapshot any more.
    pub fn offer_snapshot(&mut self, from: ReplicaId, term: Term, point: &SnapshotPoint) {
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgSnapshot);
        message.from = from.0;
        message.to = self.birth.replica.0;
        message.term = term.0;
        message.set_snapshot(translate::snapshot_out(point));
        if self.frozen.is_none() {
            self.guard(|raft| {
                let _ = raft.step(message);
            });
        }
    }

    /// Proposes entries as one message (rule 6). `false`: nothing was proposed, try again after the next work.
    pub fn propose(&mut self, entries: Vec<Bytes>) -> bool {
        if !self.last_view.leads || self.frozen.is_some() || entries.is_empty() {
            return false;
        }
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.from = self.birth.replica.0;
        message.set_entries(entries.into_iter().map(translate::proposal).collect::<Vec<_>>().into());
        let proposed = self.guard(|raft| raft.step(message).is_ok()).unwrap_or(false);
        self.untold &= !proposed; // the appends carry what is decided
        proposed
    }

    /// Whether the followers have not been told of the newest decision.
    pub fn untold(&self) -> bool {
        self.untold && self.last_view.leads
    }

    /// Tells the followers what is decided, now that no proposal is on its way that would.
    pub fn tell_decided(&mut self) {
        if self.untold() && self.frozen.is_none() {
            reached(Mark::DecisionToldByItself);
            self.guard(|raft| raft.raft.bcast_append());
        }
        self.untold = false;
    }

    /// Begins a quorum round that proves leadership; `number` comes back in `Work::reads`. May be dropped silently: ask again on a timer (rule 9).
    pub fn read_index(&mut self, number: u64) {
        if self.frozen.is_none() {
            self.guard(|raft| raft.read_index(number.to_le_bytes().to_vec()));
        }
    }

    /// Begins handing leadership to `to`. The library gives up after an election timeout.
    pub fn transfer(&mut self, to: ReplicaId) {
        if self.last_view.leads && self.transferring.is_none() && self.frozen.is_none() {
            self.transferring = Some(to);
            self.guard(|raft| raft.transfer_leader(to.0));
        }
    }

    /// How far a follower's log is known to agree with ours; `None` unless we lead and it is a follower that answers.
    pub fn matched(&self, replica: ReplicaId) -> Option<LogIndex> {
        let raft = self.raft.as_ref().filter(|_| self.last_view.leads)?;
        let progress = raft.raft.prs().get(replica.0)?;
        progress.recent_active.then_some(LogIndex(progress.matched))
    }

    /// The lowest log position that an answering follower still needs from memory; `None` unless we lead.
    pub fn needed_from(&self) -> Option<LogIndex> {
        let raft = self.raft.as_ref().filter(|_| self.last_view.leads)?;
        raft.raft
            .prs()
            .iter()
            .filter(|(_, progress)| {
                progress.recent_active && progress.state == raft::ProgressState::Replicate
            })
            .map(|(_, progress)| LogIndex(progress.matched))
            .min()
    }

    /// The link to a peer broke.
    pub fn report_unreachable(&mut self, replica: ReplicaId) {
        if self.frozen.is_none() {
            self.guard(|raft| raft.report_unreachable(replica.0));
        }
    }

    /// A snapshot that this leader sent has ended (rule 11).
    pub fn report_snapshot(&mut self, replica: ReplicaId, installed: bool) {
        let status = if installed { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        if self.frozen.is_none() {
            self.guard(|raft| raft.report_snapshot(replica.0, status));
        }
    }

    /// Whether snapshots may be started now; if not, the library is told to ask again later.
    pub fn allow_snapshots(&mut self, allowed: bool) {
        if let Some(raft) = &mut self.raft {
            raft.mut_store().snapshots_allowed = allowed;
        }
    }

    /// What is to be done now; `None` when there is nothing. The entries are already readable to the library; `committed` must be applied, and
    /// `applied` called, before the next tick (rule 3).
    pub fn take_work(&mut self) -> Option<Work> {
        if self.frozen.is_some() || self.poisoned.is_some() {
            return None;
        }
        if !self.raft.as_mut()?.has_ready() {
            return None;
        }
        let taken = self.guard(|raft| {
            let mut ready = raft.ready();
            let mut work = Work { number: ready.number(), ..Work::default() };
            let mut torn = Vec::new();
            for message in ready.take_messages() {
                match translate::has_gap(&message) {
                    true => torn.push(message.to),
                    false => translate::message_out(message, &mut work.now, &mut work.snapshots),
                }
            }
            for message in ready.take_persisted_messages() {
                translate::message_out(message, &mut work.after_persist, &mut work.snapshots);
            }
            // Whoever would have got it is sent what follows its log, as after a loss.
            torn.into_iter().for_each(|to| raft.report_unreachable(to));
            let entries = ready.take_entries();
            work.reads = ready.take_read_states().into_iter().filter_map(translate::read_state).collect();
            let committed = ready.take_committed_entries();
            if ready.must_sync() || !entries.is_empty() {
                let hard_state = ready.hs().cloned().unwrap_or_else(|| raft.raft.hard_state());
                work.hard_state = Some(translate::hard_state_in(&hard_state));
            }
            work.committed = committed.into_iter().map(translate::entry_in).collect();
            if !ready.snapshot().is_empty() {
                work.restore = Some(translate::snapshot_in(ready.snapshot()));
                work.entries = entries.iter().cloned().map(translate::entry_in).collect();
                // The library wants its Ready back only when the snapshot is durable.
                return (work, Some((ready, entries)));
            }
            if let Some(hard_state) = ready.hs() {
                raft.mut_store().set_hard_state(hard_state.clone());
            }
            work.entries = entries.iter().cloned().map(translate::entry_in).collect();
            raft.mut_store().append(entries);
            raft.advance_append_async(ready);
            (work, None)
        })?;
        let (work, restore) = taken;
        if let Some((ready, entries)) = restore {
            // A restored log begins above the snapshot; entries of the same Ready follow it.
            let point = work.restore.clone().expect("set together");
            if let Some(raft) = &mut self.raft {
                if let Some(hard_state) = ready.hs() {
                    raft.mut_store().set_hard_state(hard_state.clone());
                }
                raft.mut_store().restore(point);
                raft.mut_store().append(entries);
            }
            self.frozen = Some(ready);
        }
        self.refresh_view();
        Some(work)
    }

    /// Everything of the works up to `number` is durable. If the last of them restored a snapshot, the replica thaws and stands at its point.
    pub fn persisted(&mut self, number: u64) {
        let thaw = self.frozen.as_ref().is_some_and(|ready| ready.number() <= number);
        if thaw {
            let ready = self.frozen.take().expect("just seen");
            let index = ready.snapshot().get_metadata().index;
            self.guard(|raft| {
                raft.advance_append_async(ready);
                raft.on_persist_ready(number);
                raft.advance_apply_to(index);
            });
        } else {
            self.guard(|raft| raft.on_persist_ready(number));
        }
    }

    /// The state machine has applied everything up to `index`, whose term is `term`.
    pub fn applied(&mut self, index: LogIndex, term: Term) {
        self.guard(|raft| {
            raft.mut_store().set_applied(index, term);
            raft.advance_apply_to(index.0);
        });
    }

    /// Applies a decided configuration change, exactly once, and returns the configuration that is in force from here on (rule 10).
    pub fn apply_configuration_change(&mut self, entry: &ConsensusEntry) -> Configuration {
        let change: Option<ConfChangeV2> = translate::configuration_change(entry);
        self.guard(|raft| {
            if let Some(state) = change.and_then(|change| raft.apply_conf_change(&change).ok()) {
                raft.mut_store().set_configuration(translate::configuration_in(&state));
            }
        });
        self.configuration()
    }

    /// Bytes of entries in memory.
    pub fn tail_bytes(&self) -> usize {
        self.raft.as_ref().map_or(0, |raft| raft.store().bytes())
    }

    /// Forgets entries in memory up to `index`, which must be applied (rule 3). Followers that still need them get a snapshot.
    pub fn compact(&mut self, index: LogIndex) {
        let applied = self.last_view.applied;
        assert!(index <= applied, "compaction to {index} passes what is applied ({applied})");
        if let Some(raft) = &mut self.raft {
            raft.mut_store().compact(index);
        }
    }

    /// Makes a poisoned replica anew from what is durable: `hard_state` and the entries up to `durable_last`. Everything handed to the log before must be durable by now.
    /// `applied` (with its term) is what the state machine stands at.
    pub fn rebuild(&mut self, hard_state: HardState, durable_last: LogIndex, applied: LogIndex, term: Term) {
        let Some(raft) = self.raft.take() else { return };
        let mut tail = raft.store().clone();
        tail.set_applied(applied, term);
        tail.keep_durable(hard_state, durable_last);
        self.frozen = None;
        self.transferring = None;
        self.poisoned = None;
        self.deaf_ticks = self.birth.pace.election_timeout_ticks;
        self.start(tail, applied.0);
    }

    /// Runs `body` on the library; a panic in it poisons this replica and is told to nobody else (rule 13).
    fn guard<R>(&mut self, body: impl FnOnce(&mut RawNode<Tail>) -> R) -> Option<R> {
        if self.poisoned.is_some() {
            return None;
        }
        let raft = self.raft.as_mut()?;
        match catch_unwind(AssertUnwindSafe(|| body(raft))) {
            Ok(result) => {
                self.refresh_view();
                Some(result)
            }
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                self.poisoned = Some(text.unwrap_or_else(|| "a panic without words".to_owned()));
                self.last_view.leads = false;
                self.last_view.serves = false;
                None
            }
        }
    }

    fn refresh_view(&mut self) {
        let Some(raft) = &self.raft else { return };
        let inner = &raft.raft;
        let leads = inner.state == StateRole::Leader;
        self.untold |= leads && inner.raft_log.committed > self.last_view.decided.0;
        self.last_view = View {
            term: Term(inner.term),
            leads,
            serves: leads && inner.apply_to_current_term() && inner.lead_transferee.is_none(),
            leader: ReplicaId(inner.leader_id),
            decided: LogIndex(inner.raft_log.committed),
            applied: LogIndex(inner.raft_log.applied),
            last: LogIndex(inner.raft_log.last_index()),
        };
    }
}

/// The election timeout of this attempt: a function of what is known, so that two runs of the simulator agree (rule 4). The preferred leader draws from the
/// lowest quarter, the others from above it, so that most elections have one candidate.
fn election_timeout_ticks(
    seed: u64,
    group: GroupId,
    replica: ReplicaId,
    term: Term,
    attempt: u64,
    preferred: bool,
    pace: Pace,
) -> usize {
    let mut bytes = [0; 36];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..12].copy_from_slice(&group.0.to_le_bytes());
    bytes[12..20].copy_from_slice(&replica.0.to_le_bytes());
    bytes[20..28].copy_from_slice(&term.0.to_le_bytes());
    bytes[28..].copy_from_slice(&attempt.to_le_bytes());
    let draw = xxhash_rust::xxh3::xxh3_64(&bytes);
    let span = pace.election_timeout_ticks;
    let quarter = (span / 4).max(1);
    let (from, width) = if preferred { (span, quarter) } else { (span + quarter, span - quarter) };
    from + usize::try_from(draw % width.max(1) as u64).expect("smaller than a timeout")
}

/// The state of a group that every founder computes alike: index 1, term 1, nothing in it.
pub fn founding_point(voters: Vec<ReplicaId>) -> SnapshotPoint {
    SnapshotPoint {
        index: LogIndex(1),
        term: Term(1),
        configuration: Configuration { voters, ..Configuration::default() },
    }
}

/// An empty library snapshot, for the tail.
fn empty_snapshot() -> Snapshot {
    Snapshot::default()
}
