//! The state machine of one group: a pure function of its log.
//!
//! A shard's machine is its keys ([`ShardState`]), its exactly-once tables ([`Sessions`]), and what it decides tentative operations by ([`Arbitration`]); the directory's is [`DirectoryState`]. `apply` is infallible: whatever cannot be
//! done is a reply, the same on every replica. The commit timestamp of an entry is `max(proposed, last + 1)`, so log order is timestamp order.
//!
//! It does not know who leads, who waits for the reply, or what time it is.

use crate::arbitration::{self, Arbitration, Verdict};
use crate::marks::{Mark, reached};
use crate::rebuild::{Rebuild, Rebuilds};
use crate::sessions::{Place, Sessions};
use bytes::Bytes;
use directory::state::{Change, DirectoryState};
use proto::error::Failure;
use proto::hlc::Timestamp;
use proto::ids::{NodeId, Slot};
use proto::log_entry::{ClientNumber, Deed, LogEntry, StreamPosition};
use proto::outcome::{Certificate, Outcome};
use proto::tentative::{Dot, Dots};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::state::{ShardState, SlotState};

/// What applying an entry tells the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// Nothing that anybody waits for.
    Quietly,
    /// A write of a front's stream has its outcome.
    Write {
        /// Whose, and which.
        position: StreamPosition,
        /// How it ended.
        outcome: Outcome,
        /// The undecided operations that its writer depends on from now on, if it looked at what was there.
        dots: Dots,
        /// Whether it was applied just now (not a repetition).
        fresh: bool,
    },
    /// A write of a front's stream whose predecessor is missing: nothing was applied.
    Gap {
        /// Whose, and which.
        position: StreamPosition,
        /// How far the stream is applied.
        mark: u64,
    },
    /// A tentative operation was looked at.
    Tentative {
        /// Which.
        dot: Dot,
        /// The timestamp of the entry that brought it.
        at: Timestamp,
        /// What became of it.
        verdict: Verdict,
    },
    /// The directory changed.
    Directory,
}

/// The state of a group.
#[derive(Debug)]
pub enum Machine {
    /// A shard.
    Shard(Box<ShardMachine>),
    /// The directory.
    Directory(Box<DirectoryMachine>),
}

/// A shard's replicated state.
#[derive(Debug)]
pub struct ShardMachine {
    first: Slot,
    count: u16,
    /// Its keys.
    pub state: ShardState,
    /// Its exactly-once tables.
    pub sessions: Sessions,
    /// What tentative operations are decided by.
    pub arbitration: Arbitration,
    /// The replicas that were taken in anew.
    pub rebuilds: Rebuilds,
    /// The planted bug: a client's repeated write is applied again. (A repeated forward hardly reaches the log: leaders refuse it.)
    #[cfg(feature = "planted")]
    pub repeats_apply: bool,
}

/// The directory's replicated state.
#[derive(Clone, Debug)]
pub struct DirectoryMachine {
    /// Members, map, settings.
    pub state: DirectoryState,
    /// The commit timestamp of the last entry.
    pub last: Timestamp,
    /// The replicas that were taken in anew.
    pub rebuilds: Rebuilds,
}

/// Everything of a shard that is not in slots, as it travels in snapshots.
#[derive(Deserialize)]
struct ShardTables {
    last: Timestamp,
    sessions: Sessions,
    arbitration: Arbitration,
    rebuilds: Rebuilds,
}

/// The same, only looked at: what is written of it is byte for byte the same.
#[derive(Serialize)]
struct ShardTablesSeen<'a> {
    last: Timestamp,
    sessions: &'a Sessions,
    arbitration: &'a Arbitration,
    rebuilds: &'a Rebuilds,
}

/// The same as it was written before replicas could be rebuilt.
#[derive(Deserialize)]
struct ShardTablesWithoutRebuilds {
    last: Timestamp,
    sessions: Sessions,
    arbitration: Arbitration,
}

/// The same as it was written before there were tentative operations.
#[derive(Deserialize)]
struct EarlierShardTables {
    last: Timestamp,
    sessions: Sessions,
}

/// A frozen copy of a machine: cheap to take, unaffected by what is applied later.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// The slots of a shard with their content; none for the directory.
    pub slots: Vec<(Slot, Arc<SlotState>)>,
    /// Everything else, encoded.
    pub tables: Bytes,
}

impl Machine {
    /// The empty machine of a shard whose slots are `first` and the `count - 1` after it.
    pub fn shard(first: Slot, count: u16) -> Machine {
        let state = ShardState::new(first, count);
        Machine::Shard(Box::new(ShardMachine {
            first,
            count,
            state,
            sessions: Sessions::default(),
            arbitration: Arbitration::default(),
            rebuilds: Rebuilds::default(),
            #[cfg(feature = "planted")]
            repeats_apply: false,
        }))
    }

    /// The machine of a founded directory.
    pub fn directory(state: DirectoryState) -> Machine {
        Machine::Directory(Box::new(DirectoryMachine {
            state,
            last: Timestamp::ZERO,
            rebuilds: Rebuilds::default(),
        }))
    }

    /// The commit timestamp of the last entry applied: the replica's safe time.
    pub fn last(&self) -> Timestamp {
        match self {
            Machine::Shard(shard) => shard.state.last(),
            Machine::Directory(directory) => directory.last,
        }
    }

    /// Applies one decided entry. Bytes that are no entry (the library's own empty ones among them) only move time on.
    pub fn apply(&mut self, data: &[u8]) -> Applied {
        let entry = if data.is_empty() { None } else { postcard::from_bytes::<LogEntry>(data).ok() };
        let proposed = match &entry {
            None => Timestamp::ZERO,
            Some(
                LogEntry::Empty { proposed }
                | LogEntry::Write { proposed, .. }
                | LogEntry::Tentative { proposed, .. }
                | LogEntry::Floor { proposed, .. }
                | LogEntry::Directory { proposed, .. }
                | LogEntry::Rebuilt { proposed, .. }
                | LogEntry::Closed { proposed, .. },
            ) => *proposed,
        };
        let at = proposed.max(self.last().next());
        if let Some(LogEntry::Rebuilt { replica, nonce, folder, .. }) = entry {
            self.rebuilds_mut().take_in(replica, Rebuild { nonce, folder });
        }
        match self {
            Machine::Shard(shard) => {
                let expired = shard.state.advance(at);
                if !expired.is_empty() {
                    arbitration::note_expired(&mut shard.arbitration, expired);
                }
                shard.sessions.age(at);
                let applied = match entry {
                    Some(LogEntry::Write { position, client, deed, .. }) => {
                        shard.write(at, position, client, deed)
                    }
                    Some(LogEntry::Tentative { operation, .. }) => {
                        let verdict = arbitration::decide(shard, at, &operation);
                        Applied::Tentative { dot: operation.dot, at, verdict }
                    }
                    Some(LogEntry::Floor { floor, folds, .. }) => {
                        shard.arbitration.raise_floor(floor, &folds);
                        Applied::Quietly
                    }
                    Some(LogEntry::Closed { origin, .. }) => {
                        shard.arbitration.close(origin);
                        Applied::Quietly
                    }
                    Some(LogEntry::Empty { .. } | LogEntry::Directory { .. } | LogEntry::Rebuilt { .. })
                    | None => Applied::Quietly,
                };
                shard.arbitration.bound_marks();
                #[cfg(feature = "planted")]
                if shard.arbitration.planted == crate::planted::Planted::TombstonesDropped {
                    shard.arbitration.drop_deletions(&shard.state);
                }
                applied
            }
            Machine::Directory(directory) => {
                directory.last = at;
                match entry {
                    Some(LogEntry::Directory { change, .. }) => directory.change(&change),
                    _ => Applied::Quietly,
                }
            }
        }
    }

    /// A copy for a snapshot, at this moment.
    pub fn freeze(&self) -> Frozen {
        match self {
            Machine::Shard(shard) => Frozen { slots: shard.state.freeze(), tables: self.tables() },
            Machine::Directory(_) => Frozen { slots: Vec::new(), tables: self.tables() },
        }
    }

    /// Everything that is not in slots, encoded.
    fn tables(&self) -> Bytes {
        match self {
            Machine::Shard(shard) => encode(&ShardTablesSeen {
                last: shard.state.last(),
                sessions: &shard.sessions,
                arbitration: &shard.arbitration,
                rebuilds: &shard.rebuilds,
            }),
            Machine::Directory(directory) => {
                encode(&(directory.last, directory.state.encode(), &directory.rebuilds))
            }
        }
    }

    /// Takes the planted bugs in that live in the state machine.
    #[cfg(feature = "planted")]
    pub fn with_planted(mut self, planted: crate::planted::Planted) -> Machine {
        if let Machine::Shard(shard) = &mut self {
            shard.repeats_apply = planted == crate::planted::Planted::RepeatAppliedAgain;
            shard.arbitration.planted = planted;
        }
        self
    }

    /// The planted bug: what is due by a replica's clock is gone.
    #[cfg(feature = "planted")]
    pub fn expire_by(&mut self, wall_ms: u64) {
        let Machine::Shard(shard) = self else { return };
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= wall_ms);
        let due = shard.state.iter().filter(|(_, item)| is_due(item.expires_at_ms()));
        let due: Vec<(Vec<u8>, Timestamp)> = due.map(|(key, item)| (key.to_vec(), item.version)).collect();
        for (key, version) in due {
            shard.state.remove(&key, version);
        }
    }

    /// The planted bug: a snapshot without the exactly-once tables.
    #[cfg(feature = "planted")]
    pub fn freeze_without_sessions(&self) -> Frozen {
        let mut frozen = self.freeze();
        if let Machine::Shard(shard) = self {
            let (last, arbitration) = (shard.state.last(), &shard.arbitration);
            let (sessions, rebuilds) = (&Sessions::default(), &shard.rebuilds);
            frozen.tables = encode(&ShardTablesSeen { last, sessions, arbitration, rebuilds });
        }
        frozen
    }

    /// Replaces the whole state by a snapshot's. The slots must be all of the shard's, or none for the directory. `false` if the tables make no sense.
    pub fn restore(&mut self, slots: BTreeMap<Slot, Arc<SlotState>>, tables: &[u8]) -> bool {
        match self {
            Machine::Shard(shard) => {
                let Some(decoded) = decode_tables(tables) else { return false };
                let mut state = ShardState::new(shard.first, shard.count);
                for (slot, content) in slots {
                    state.replace_slot(slot, content);
                }
                state.advance(decoded.last);
                shard.state = state;
                shard.sessions = decoded.sessions;
                shard.rebuilds = decoded.rebuilds;
                #[cfg(feature = "planted")]
                let planted = shard.arbitration.planted;
                shard.arbitration = decoded.arbitration;
                #[cfg(feature = "planted")]
                {
                    shard.arbitration.planted = planted;
                }
                true
            }
            Machine::Directory(directory) => {
                let Some((last, bytes, rebuilds)) = decode_directory(tables) else { return false };
                let Ok(state) = DirectoryState::decode(&bytes) else { return false };
                directory.last = last;
                directory.state = state;
                directory.rebuilds = rebuilds;
                true
            }
        }
    }

    /// The replicas of this group that were taken in anew.
    pub fn rebuilds(&self) -> &Rebuilds {
        match self {
            Machine::Shard(shard) => &shard.rebuilds,
            Machine::Directory(directory) => &directory.rebuilds,
        }
    }

    fn rebuilds_mut(&mut self) -> &mut Rebuilds {
        match self {
            Machine::Shard(shard) => &mut shard.rebuilds,
            Machine::Directory(directory) => &mut directory.rebuilds,
        }
    }

    /// The same of a snapshot of this group, from its tables. `None` if they make no sense.
    pub fn rebuilds_in(&self, tables: &[u8]) -> Option<Rebuilds> {
        match self {
            Machine::Shard(_) => decode_tables(tables).map(|tables| tables.rebuilds),
            Machine::Directory(_) => decode_directory(tables).map(|(_, _, rebuilds)| rebuilds),
        }
    }

    /// About how many bytes the state occupies in memory.
    pub fn bytes(&self) -> u64 {
        match self {
            Machine::Shard(shard) => shard.state.bytes() + shard.arbitration.bytes(),
            Machine::Directory(_) => 0,
        }
    }

    /// A hash of the whole replicated state. Costs a pass over the tables and a look at each slot; for checks, not for every entry.
    pub fn digest(&self) -> u128 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        hash.update(&self.tables());
        if let Machine::Shard(shard) = self {
            for (slot, digest) in shard.state.touched_slot_digests() {
                hash.update(&slot.0.to_le_bytes());
                hash.update(&digest.to_le_bytes());
            }
        }
        hash.digest128()
    }

    /// The shard's machine, if it is one.
    pub fn as_shard(&self) -> Option<&ShardMachine> {
        match self {
            Machine::Shard(shard) => Some(shard),
            Machine::Directory(_) => None,
        }
    }

    /// The directory's machine, if it is one.
    pub fn as_directory(&self) -> Option<&DirectoryMachine> {
        match self {
            Machine::Shard(_) => None,
            Machine::Directory(directory) => Some(directory),
        }
    }
}

impl ShardMachine {
    fn write(
        &mut self,
        at: Timestamp,
        position: StreamPosition,
        client: Option<ClientNumber>,
        deed: Deed,
    ) -> Applied {
        let place = self.sessions.place(&position);
        match place {
            Place::Next => {}
            Place::Repeat(kept) => {
                reached(Mark::EntryRepeated);
                let outcome = kept.unwrap_or_else(|| Outcome::Failed(Failure::unknown()));
                // What it depended on when it was applied is not kept with it: everything that it may have been.
                let dots = self.arbitration.all_dots();
                return Applied::Write { position, outcome, dots, fresh: false };
            }
            Place::Gap(mark) => {
                reached(Mark::EntryAfterGap);
                return Applied::Gap { position, mark };
            }
            Place::Stale => {
                reached(Mark::EntryOfEarlierStart);
                return Applied::Quietly;
            }
        }
        let repeated = client.as_ref().and_then(|client| self.sessions.repeated(client));
        #[cfg(feature = "planted")]
        let repeated = repeated.filter(|_| !self.repeats_apply);
        let fresh = repeated.is_none() && matches!(deed, Deed::Apply(_));
        let mut dots = Dots::NONE;
        let outcome = match (repeated, deed) {
            (Some(outcome), _) => {
                reached(Mark::ClientNumberKnown);
                dots = self.arbitration.all_dots();
                outcome
            }
            (None, Deed::Nothing) => Outcome::Failed(Failure::unknown()),
            (None, Deed::RefuseForMemory) => Outcome::Failed(Failure::out_of_memory()),
            (None, Deed::RefuseForDisk) => Outcome::Failed(Failure::disk_full()),
            (None, Deed::Apply(write)) => {
                let (applied, seen) =
                    arbitration::apply_strong(&mut self.state, &mut self.arbitration, at, &write);
                dots = seen;
                let certificate =
                    Certificate { version: applied.version, as_of: at, served_by: NodeId::default() };
                let outcome = Outcome::Done { reply: applied.reply, certificate };
                if let Some(client) = client {
                    self.sessions.remember(client, outcome.clone(), at);
                }
                outcome
            }
        };
        self.sessions.applied(&position, outcome.clone());
        Applied::Write { position, outcome, dots, fresh }
    }
}

impl DirectoryMachine {
    fn change(&mut self, change: &[u8]) -> Applied {
        if let Ok(change) = Change::decode(change) {
            self.state.apply(&change);
        }
        Applied::Directory
    }
}

/// The tables of a shard in the newest form, or the one before it: the newer one is longer, so an earlier one is never taken for it.
fn decode_tables(tables: &[u8]) -> Option<ShardTables> {
    if let Ok(tables) = postcard::from_bytes(tables) {
        return Some(tables);
    }
    let rebuilds = Rebuilds::default();
    if let Ok(tables) = postcard::from_bytes(tables) {
        let ShardTablesWithoutRebuilds { last, sessions, arbitration } = tables;
        return Some(ShardTables { last, sessions, arbitration, rebuilds });
    }
    let EarlierShardTables { last, sessions } = postcard::from_bytes(tables).ok()?;
    Some(ShardTables { last, sessions, arbitration: Arbitration::default(), rebuilds })
}

/// The same for the directory's.
fn decode_directory(tables: &[u8]) -> Option<(Timestamp, Bytes, Rebuilds)> {
    if let Ok(tables) = postcard::from_bytes(tables) {
        return Some(tables);
    }
    let (last, state) = postcard::from_bytes(tables).ok()?;
    Some((last, state, Rebuilds::default()))
}

fn encode<T: Serialize>(value: &T) -> Bytes {
    Bytes::from(postcard::to_stdvec(value).expect("encoding to memory cannot fail"))
}
