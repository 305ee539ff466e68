//! Snapshots between nodes: a follower that needs what the leader has forgotten gets the state instead of the entries.
//!
//! The leader offers a table of contents (each slot with its digest); the follower answers which slots it lacks, counting what it has itself and what an earlier, broken transfer left behind;
//! the leader sends those in pieces, a window at a time, within a budget a tick. What has arrived is written to a partial file, so a `kill -9` of either side loses nothing that still
//! matches. When all slots are at hand the follower writes an ordinary snapshot file, and only when that is durable is the consensus library told (rule 1).
//!
//! Invariant: every offer ends in a report to the leader's library (rule 11), by an answer, a broken link, or silence.

use crate::machine::Frozen;
use crate::marks::{Mark, reached};
use crate::outbox::Outbox;
use bytes::Bytes;
use proto::ids::{GroupId, NodeId, ReplicaId, Slot, Term};
use proto::limits::SNAPSHOT_CHUNK_BYTES;
use proto::peer::{Message, SnapshotPoint, SnapshotStep};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use storage::disk::DiskOp;
use storage::snapshot::{Partial, SlotAssembler, SlotPieces, SnapshotWriter};
use storage::state::SlotState;

/// Outgoing transfers at once.
const MAX_OUTGOING: usize = 2;
/// Bytes on their way and not acknowledged.
const WINDOW_BYTES: u64 = 4 * SNAPSHOT_CHUNK_BYTES as u64;
/// Bytes sent a tick, all transfers together.
const TICK_BUDGET_BYTES: usize = 4 * 1024 * 1024;
/// A transfer without progress for this long has failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest slot that is taken from a peer: the largest state that a node can hold is bounded by its memory limit, not here.
const MAX_SLOT_BYTES: u64 = u64::MAX;

/// A snapshot that the library wants sent.
#[derive(Debug)]
pub struct WantedSnapshot {
    /// The follower.
    pub to: ReplicaId,
    /// The leader's term.
    pub term: Term,
    /// What it stands for.
    pub point: SnapshotPoint,
    /// The state at that point.
    pub content: Frozen,
}

/// A snapshot on its way to a follower.
struct Outgoing {
    transfer: u64,
    content: BTreeMap<Slot, Arc<SlotState>>,
    wanted: VecDeque<Slot>,
    current: Option<(Slot, SlotPieces)>,
    sent_bytes: u64,
    received_bytes: u64,
    last_progress: Mono,
    answered: bool,
}

/// A snapshot on its way here.
struct Incoming {
    from: NodeId,
    transfer: u64,
    term: Term,
    point: SnapshotPoint,
    digests: BTreeMap<Slot, u128>,
    tables: Bytes,
    have: BTreeMap<Slot, Arc<SlotState>>,
    lacking: BTreeSet<Slot>,
    fetched: usize,
    assembler: Option<(Slot, SlotAssembler)>,
    received_bytes: u64,
    acknowledged_bytes: u64,
    last_progress: Mono,
    writer: Option<SnapshotWriter>,
}

/// A whole received snapshot.
#[derive(Debug)]
pub struct Complete {
    /// The leader that offered it.
    pub from: NodeId,
    /// Its number there.
    pub transfer: u64,
    /// The leader's term.
    pub term: Term,
    /// What it stands for.
    pub point: SnapshotPoint,
    /// All slots.
    pub slots: BTreeMap<Slot, Arc<SlotState>>,
    /// Everything else.
    pub tables: Bytes,
    /// How many slots had to be fetched.
    pub fetched: usize,
}

/// All transfers of one node.
#[derive(Default)]
pub struct Transfers {
    outgoing: BTreeMap<(GroupId, ReplicaId), Outgoing>,
    incoming: BTreeMap<GroupId, Incoming>,
    /// Slots left behind by earlier transfers.
    kept: BTreeMap<GroupId, BTreeMap<Slot, Arc<SlotState>>>,
    partials: BTreeMap<GroupId, Partial>,
    next_transfer: u64,
    budget_bytes: usize,
}

impl Transfers {
    /// Begins with what partial files held. `start` makes transfer numbers of this start of the node unlike those of others.
    pub fn new(
        start: u64,
        recovered: BTreeMap<GroupId, (Partial, BTreeMap<Slot, Arc<SlotState>>)>,
    ) -> Transfers {
        let mut transfers = Transfers { next_transfer: start << 32, ..Transfers::default() };
        for (group, (partial, slots)) in recovered {
            transfers.kept.insert(group, slots);
            transfers.partials.insert(group, partial);
        }
        transfers
    }

    /// Whether one more may be started.
    pub fn has_room(&self) -> bool {
        self.outgoing.len() < MAX_OUTGOING
    }

    /// Whether a snapshot is on its way to this replica.
    pub fn sends(&self, group: GroupId, to: ReplicaId) -> bool {
        self.outgoing.contains_key(&(group, to))
    }

    /// Whether a snapshot of this group is on its way here.
    pub fn receives(&self, group: GroupId) -> bool {
        self.incoming.contains_key(&group)
    }

    /// Transfers under way: group, peer, whether outgoing, bytes so far.
    pub fn under_way(&self) -> Vec<(GroupId, NodeId, bool, u64)> {
        let outgoing =
            self.outgoing.iter().map(|((group, to), out)| (*group, NodeId(to.0), true, out.sent_bytes));
        let incoming = self.incoming.iter().map(|(group, inc)| (*group, inc.from, false, inc.received_bytes));
        outgoing.chain(incoming).collect()
    }

    /// Offers a snapshot to a follower.
    pub fn offer(&mut self, group: GroupId, wanted: WantedSnapshot, now: Mono, outbox: &mut Outbox) {
        let WantedSnapshot { to, term, point, content } = wanted;
        self.next_transfer += 1;
        let transfer = self.next_transfer;
        let slots = content.slots.iter().map(|(slot, state)| (*slot, state.digest())).collect();
        let step = SnapshotStep::Offer { transfer, term, point, slots, tables: content.tables };
        outbox.send(NodeId(to.0), Message::Snapshot { group, step });
        let outgoing = Outgoing {
            transfer,
            content: content.slots.into_iter().collect(),
            wanted: VecDeque::new(),
            current: None,
            sent_bytes: 0,
            received_bytes: 0,
            last_progress: now,
            answered: false,
        };
        self.outgoing.insert((group, to), outgoing);
    }

    /// A follower says what it lacks, or how far it is.
    pub fn follower_says(&mut self, group: GroupId, from: ReplicaId, step: &SnapshotStep, now: Mono) {
        let Some(outgoing) = self.outgoing.get_mut(&(group, from)) else { return };
        match step {
            SnapshotStep::Want { transfer, slots } if *transfer == outgoing.transfer => {
                outgoing.wanted =
                    slots.iter().copied().filter(|slot| outgoing.content.contains_key(slot)).collect();
                outgoing.answered = true;
                outgoing.last_progress = now;
            }
            SnapshotStep::Received { transfer, bytes } if *transfer == outgoing.transfer => {
                outgoing.received_bytes = outgoing.received_bytes.max(*bytes).min(outgoing.sent_bytes);
                outgoing.last_progress = now;
            }
            _ => {}
        }
    }

    /// A follower is done. Returns whether this ended a transfer of ours.
    pub fn follower_finished(&mut self, group: GroupId, from: ReplicaId, transfer: u64) -> bool {
        let ours = self.outgoing.get(&(group, from)).is_some_and(|outgoing| outgoing.transfer == transfer);
        if ours {
            self.outgoing.remove(&(group, from));
        }
        ours
    }

    /// A tick: the budget is renewed. Returns outgoing transfers that have failed, to be reported.
    pub fn tick(&mut self, now: Mono) -> Vec<(GroupId, ReplicaId)> {
        self.budget_bytes = TICK_BUDGET_BYTES;
        let stale: Vec<GroupId> = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.writer.is_none() && now - incoming.last_progress > PATIENCE)
            .map(|(group, _)| *group)
            .collect();
        for group in stale {
            self.abandon_incoming(group);
        }
        let failed: Vec<_> = self
            .outgoing
            .iter()
            .filter(|(_, outgoing)| now - outgoing.last_progress > PATIENCE)
            .map(|(key, _)| *key)
            .collect();
        for key in &failed {
            reached(Mark::TransferSilent);
            self.outgoing.remove(key);
        }
        failed
    }

    /// The link to a peer broke: its transfers have failed. Returns the outgoing ones, to be reported.
    pub fn link_broke(&mut self, node: NodeId) -> Vec<(GroupId, ReplicaId)> {
        let broken: Vec<_> = self.outgoing.keys().filter(|(_, to)| to.0 == node.0).copied().collect();
        for key in &broken {
            self.outgoing.remove(key);
        }
        let from: Vec<GroupId> = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.from == node && incoming.writer.is_none())
            .map(|(group, _)| *group)
            .collect();
        for group in from {
            self.abandon_incoming(group);
        }
        broken
    }

    /// A group's leadership is gone: so are its outgoing transfers.
    pub fn leadership_lost(&mut self, group: GroupId) {
        self.outgoing.retain(|(of, _), _| *of != group);
    }

    /// Sends what windows and budget allow.
    pub fn send(&mut self, outbox: &mut Outbox) {
        for ((group, to), outgoing) in &mut self.outgoing {
            while outgoing.sent_bytes - outgoing.received_bytes < WINDOW_BYTES && self.budget_bytes > 0 {
                if outgoing.current.is_none() {
                    let Some(slot) = outgoing.wanted.pop_front() else { break };
                    let content =
                        outgoing.content.remove(&slot).expect("only slots that are here are wanted");
                    outgoing.current = Some((slot, SlotPieces::new(content)));
                }
                let Some((slot, pieces)) = &mut outgoing.current else { break };
                let Some(piece) = pieces.next() else {
                    outgoing.current = None;
                    continue;
                };
                outgoing.sent_bytes += piece.data.len() as u64 + 1;
                self.budget_bytes = self.budget_bytes.saturating_sub(piece.data.len());
                let step = SnapshotStep::Piece {
                    transfer: outgoing.transfer,
                    slot: *slot,
                    number: piece.number,
                    last: piece.last,
                    data: piece.data,
                };
                outbox.send(NodeId(to.0), Message::Snapshot { group: *group, step });
            }
        }
    }

    /// A leader offers a snapshot. `own` is this replica's present content, whose matching slots need not travel.
    #[allow(clippy::too_many_arguments)] // the offer's fields, as they travel
    pub fn offered(
        &mut self,
        group: GroupId,
        from: NodeId,
        transfer: u64,
        term: Term,
        point: SnapshotPoint,
        slots: Vec<(Slot, u128)>,
        tables: Bytes,
        own: Frozen,
        now: Mono,
        outbox: &mut Outbox,
    ) {
        match self.incoming.get(&group) {
            Some(incoming) if incoming.writer.is_some() || incoming.transfer == transfer => return,
            Some(_) => self.abandon_incoming(group),
            None => {}
        }
        let digests: BTreeMap<Slot, u128> = slots.into_iter().collect();
        let kept = self.kept.remove(&group).unwrap_or_default();
        if !kept.is_empty() {
            reached(Mark::SlotsLeftBehindUsed);
        }
        let mut have: BTreeMap<Slot, Arc<SlotState>> = BTreeMap::new();
        for (slot, state) in own.slots.into_iter().chain(kept) {
            if digests.get(&slot) == Some(&state.digest()) {
                have.insert(slot, state);
            }
        }
        let lacking: BTreeSet<Slot> =
            digests.keys().filter(|slot| !have.contains_key(slot)).copied().collect();
        if lacking.is_empty() {
            reached(Mark::NothingLacking);
        }
        let step = SnapshotStep::Want { transfer, slots: lacking.iter().copied().collect() };
        outbox.send(from, Message::Snapshot { group, step });
        let incoming = Incoming {
            from,
            transfer,
            term,
            point,
            digests,
            tables,
            have,
            lacking,
            fetched: 0,
            assembler: None,
            received_bytes: 0,
            acknowledged_bytes: 0,
            last_progress: now,
            writer: None,
        };
        self.incoming.insert(group, incoming);
    }

    /// A piece arrives. Returns what is to be written to the partial file.
    #[allow(clippy::too_many_arguments)] // the piece's fields, as they travel
    pub fn piece(
        &mut self,
        group: GroupId,
        from: NodeId,
        transfer: u64,
        slot: Slot,
        number: u32,
        last: bool,
        data: &Bytes,
        now: Mono,
        outbox: &mut Outbox,
    ) -> Vec<DiskOp> {
        let Some(incoming) = self.incoming.get_mut(&group) else { return Vec::new() };
        if incoming.transfer != transfer || incoming.from != from || !incoming.lacking.contains(&slot) {
            return Vec::new();
        }
        if incoming.assembler.as_ref().is_none_or(|(of, _)| *of != slot) {
            let digest = incoming.digests[&slot];
            incoming.assembler = Some((slot, SlotAssembler::new(slot, digest, MAX_SLOT_BYTES)));
        }
        let (_, assembler) = incoming.assembler.as_mut().expect("made above");
        let assembled = match assembler.push(number, last, data) {
            Ok(assembled) => assembled,
            Err(_) => {
                // A lost or damaged piece: give up; the leader's patience ends too, and it offers again.
                self.abandon_incoming(group);
                return Vec::new();
            }
        };
        incoming.last_progress = now;
        incoming.received_bytes += data.len() as u64 + 1;
        if incoming.received_bytes - incoming.acknowledged_bytes >= WINDOW_BYTES / 4 || last {
            incoming.acknowledged_bytes = incoming.received_bytes;
            let step = SnapshotStep::Received { transfer, bytes: incoming.received_bytes };
            outbox.send(from, Message::Snapshot { group, step });
        }
        let Some(state) = assembled else { return Vec::new() };
        let state = Arc::new(state);
        incoming.assembler = None;
        incoming.lacking.remove(&slot);
        incoming.fetched += 1;
        let mut ops = Vec::new();
        let partial = self.partials.entry(group).or_insert_with(|| {
            let (partial, begin) = Partial::begin(group);
            ops.extend(begin);
            partial
        });
        ops.extend(partial.append(slot, &state));
        incoming.have.insert(slot, state);
        ops
    }

    /// Whether a received snapshot of this group is being written.
    pub fn writes(&self, group: GroupId) -> bool {
        self.incoming.get(&group).is_some_and(|incoming| incoming.writer.is_some())
    }

    /// Groups whose incoming snapshot has all its slots and is not being written yet: begins to write it. The group of which this node's own snapshot is being written
    /// (`occupied`) waits: both would write one file.
    pub fn begin_writing(&mut self, occupied: Option<GroupId>) -> Vec<GroupId> {
        let mut begun = Vec::new();
        for (group, incoming) in &mut self.incoming {
            if occupied != Some(*group) && incoming.lacking.is_empty() && incoming.writer.is_none() {
                let slots = incoming.have.iter().map(|(slot, state)| (*slot, state.clone())).collect();
                incoming.writer =
                    Some(SnapshotWriter::new(*group, incoming.point.clone(), slots, incoming.tables.clone()));
                begun.push(*group);
            }
        }
        begun
    }

    /// The next piece of a received snapshot's file; `None` when it is complete, and then `complete` is to be called.
    pub fn next_piece(&mut self, group: GroupId) -> Option<Vec<DiskOp>> {
        self.incoming.get_mut(&group)?.writer.as_mut()?.next(SNAPSHOT_CHUNK_BYTES)
    }

    /// What to tell the leader while its snapshot is being written here: that it is not forgotten.
    pub fn still_alive(&self, group: GroupId) -> Option<(NodeId, SnapshotStep)> {
        let incoming = self.incoming.get(&group)?;
        let step = SnapshotStep::Received { transfer: incoming.transfer, bytes: incoming.received_bytes };
        Some((incoming.from, step))
    }

    /// The file of a received snapshot is durable.
    pub fn complete(&mut self, group: GroupId) -> Option<Complete> {
        let incoming = self.incoming.remove(&group)?;
        Some(Complete {
            from: incoming.from,
            transfer: incoming.transfer,
            term: incoming.term,
            point: incoming.point,
            slots: incoming.have,
            tables: incoming.tables,
            fetched: incoming.fetched,
        })
    }

    /// There is no room for the file: the transfer is given up, and what arrived is kept in memory. Returns the operations that remove what there is of the file.
    pub fn abandon_writing(&mut self, group: GroupId) -> Vec<DiskOp> {
        let writer = self.incoming.get_mut(&group).and_then(|incoming| incoming.writer.take());
        self.abandon_incoming(group);
        writer.map(SnapshotWriter::abandon).unwrap_or_default()
    }

    /// The snapshot is installed: what earlier transfers left behind can go. Returns the operations that remove it.
    pub fn forget_partial(&mut self, group: GroupId) -> Vec<DiskOp> {
        self.kept.remove(&group);
        if self.partials.remove(&group).is_some() { Partial::remove(group) } else { Vec::new() }
    }

    /// Gives up an incoming transfer and keeps what arrived.
    fn abandon_incoming(&mut self, group: GroupId) {
        if let Some(incoming) = self.incoming.remove(&group) {
            reached(Mark::TransferAbandoned);
            self.kept.entry(group).or_default().extend(incoming.have);
        }
    }
}
