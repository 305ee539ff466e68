//! Tentative writes on this node: taken, made durable, shown, spread and handed in, until the log has decided them.
//!
//! A replica that takes a write below sequential is its origin (`take`): it numbers it, writes it into the `journal` and answers when that is durable. Then it `spread`s it to the other replicas of the shard and
//! hands it in to the leader; so does any other holder while it stays undecided. What is held (`holdings`) is the overlay that reads below sequential see on top of the decided state (`serve`); what it does there, and when
//! it is decided, is `arbitration`'s. A node that reaches no replica of a shard holds eventual writes of it as `hints`. `folds` tells everybody what is decided of an origin as a whole; `floor` promises what this node will not take any more, so that deletions can be forgotten. `leftovers` ends origins whose data folder is gone.
//!
//! Nothing in here is replicated state: it is one node's memory of what is on its disk.
//!
//! Invariants: nothing is shown, spread or answered before it is durable here; numbers of this origin rise, are never used twice, and leave in their order.

mod floor;
mod folds;
mod hints;
mod holdings;
mod journal;
mod leftovers;
mod serve;
mod spread;
mod take;

pub use holdings::Holdings;
pub use journal::{JOURNAL, Journal, Kept};
pub use serve::{Waiting, Weak, WeakRequest};
pub use spread::LAST_NUMBER;

use crate::folding::Folds;
use crate::once::Once;
use folds::OwnFold;
use hints::Hints;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, Incarnation, LogIndex, NodeId};
use proto::outcome::Outcome;
use proto::peer::Message;
use proto::session::Session;
use proto::tentative::{Dot, Dots, Origin};
use proto::time::Mono;
use std::collections::{BTreeMap, VecDeque};
use storage::log::RecoveredGroup;

/// What waits for the journal.
#[derive(Debug)]
enum Pending {
    /// An operation that this node holds from then on.
    Operation(GroupId, Dot),
    /// Nothing of this origin is missing up to here from then on.
    Covered(GroupId, Dot),
    /// A promise may be told.
    Promise(GroupId, Timestamp),
    /// A hint that this node holds from then on.
    Hint(GroupId, Dot),
}

/// An answer to a write that was taken, which waits for its copies.
#[derive(Debug)]
struct Unanswered {
    at: LogIndex,
    group: GroupId,
    number: u64,
    copies: usize,
    front: NodeId,
    answer: Message,
}

/// All of it.
#[derive(Debug)]
pub struct Tentative {
    origin: Origin,
    /// The newest number that was given out.
    newest: u64,
    /// The newest number that is durable here.
    durable: u64,
    journal: Journal,
    shards: BTreeMap<GroupId, Shard>,
    own: OwnFold,
    hints: Hints,
    /// What is known to be decided of each origin.
    pub folds: Folds,
    /// The forwards that have come.
    pub(crate) once: Once,
    pending: VecDeque<(LogIndex, Pending)>,
    /// The journal's newest entry in the batch that was sealed last.
    sealed: LogIndex,
    unanswered: VecDeque<Unanswered>,
}

/// What this node keeps for one of its shards.
#[derive(Debug, Default)]
pub struct Shard {
    /// The operations.
    pub holdings: Holdings,
    /// Reads and writes that wait.
    pub waiting: Waiting,
    /// How far this node's own operations were sent to each other replica.
    sent: BTreeMap<NodeId, u64>,
    /// When what stays undecided was handed in or told last.
    handed_in: Mono,
    /// How far this node's own operations were handed in.
    handed_in_up_to: u64,
    asked: Mono,
    /// When each replica was asked last because what it sent did not fit.
    asked_of: BTreeMap<NodeId, Mono>,
    floor: floor::Collection,
    leftovers: leftovers::Leftovers,
    /// The nodes that handed hints over here, with up to where each was told that they are decided.
    hinters: BTreeMap<Origin, u64>,
}

impl Tentative {
    /// What is found on the disk of this node, in its data folder of this number. `decided` says of a shard what its state, as it was read, has decided, and its time; `None` for what this node does not replicate.
    pub fn recover(
        node: NodeId,
        folder: u32,
        found: RecoveredGroup,
        groups: &[GroupId],
        decided: impl Fn(GroupId) -> Option<(Dots, Timestamp)>,
    ) -> Result<(Tentative, Timestamp), String> {
        let origin = Origin::of_folder(node, folder);
        let (journal, kept) = Journal::recover(found)?;
        let mut shards: BTreeMap<GroupId, Shard> = BTreeMap::new();
        let (mut newest, mut own, mut clock) = (0, OwnFold::default(), Timestamp::ZERO);
        for group in groups {
            let Some((marks, last)) = decided(*group) else { continue };
            newest = newest.max(marks.of(origin));
            own.saw(last);
            let shard = shards.entry(*group).or_default();
            marks.iter().for_each(|mark| shard.holdings.recover_mark(mark));
        }
        let mut tentative = Tentative {
            origin,
            newest,
            durable: 0,
            journal,
            shards,
            own,
            hints: Hints::new(Origin::hints_of_folder(node, folder)),
            folds: Folds::default(),
            once: Once::default(),
            pending: VecDeque::new(),
            sealed: LogIndex(0),
            unanswered: VecDeque::new(),
        };
        for (at, kept) in kept {
            match kept {
                Kept::Operation(group, operation) => {
                    let Some(shard) = tentative.shards.get_mut(&group) else { continue };
                    let dot = operation.dot;
                    clock = clock.max(operation.time).max(operation.dep_hlc);
                    if dot.origin == origin {
                        tentative.newest = tentative.newest.max(dot.number);
                    }
                    let marks = decided(group).map(|(marks, _)| marks).unwrap_or_default();
                    if dot.number <= marks.of(dot.origin) {
                        // The snapshot that was read contains its decision.
                        tentative.journal.decided(group, dot, LogIndex(0));
                    } else if dot.origin == origin {
                        tentative.own.took(dot.number);
                    }
                    shard.holdings.recover(operation, at, &marks);
                }
                Kept::Promise(group, floor) => {
                    if let Some(shard) = tentative.shards.get_mut(&group) {
                        shard.holdings.promised = floor;
                    }
                }
                Kept::Hint(group, operation) => {
                    clock = clock.max(operation.time);
                    tentative.hints.recover(group, operation, at);
                }
                Kept::Handed(group, number) => {
                    tentative.hints.decided(group, number, &mut tentative.journal);
                }
            }
        }
        tentative.durable = tentative.newest;
        tentative.own.numbered(tentative.newest);
        Ok((tentative, clock))
    }

    /// This node as an origin, with its newest durable number.
    pub fn own(&self) -> Dot {
        Dot { origin: self.origin, number: self.durable }
    }

    /// What is kept for a shard; `None` if this node does not replicate it.
    pub fn shard(&self, group: GroupId) -> Option<&Shard> {
        self.shards.get(&group)
    }

    /// A batch is sealed: answers the newest entry of the journal in it.
    pub fn seal(&mut self) -> LogIndex {
        self.sealed = self.journal.newest();
        self.sealed
    }

    /// How many answers wait for the batch that is sealed next.
    pub fn unsealed_answers(&self) -> usize {
        self.unanswered.iter().rev().take_while(|waiting| waiting.at > self.sealed).count()
    }

    /// How many operations are held undecided.
    pub fn held(&self) -> usize {
        self.shards.values().map(|shard| shard.holdings.len()).sum::<usize>() + self.hints.len()
    }

    /// How many of them are hints.
    pub fn hints(&self) -> usize {
        self.hints.len()
    }

    /// Whether everything of this shard that these dots cover is decided, and applied by a state with these marks.
    pub fn is_settled(&self, group: GroupId, dots: &Dots, marks: &Dots) -> bool {
        dots.is_empty()
            || self.shards.get(&group).is_some_and(|shard| shard.holdings.is_settled(dots, marks, self.own()))
    }

    /// A state with these marks has applied up to `index`, at time `last`: what is decided is dropped. Answers whether something was.
    pub fn prune(&mut self, group: GroupId, marks: &Dots, last: Timestamp, index: LogIndex) -> bool {
        let Some(shard) = self.shards.get_mut(&group) else { return false };
        let dropped = shard.holdings.prune(marks);
        for dot in &dropped {
            self.journal.decided(group, *dot, index);
            if dot.origin == self.origin {
                self.own.decided(dot.number, last);
            }
        }
        !dropped.is_empty()
    }
}

impl crate::core::Core {
    /// How many tentative operations this node holds that are not decided.
    pub fn held_operations(&self) -> usize {
        self.tentative.held()
    }

    /// How many hints this node holds that it does not know to be decided.
    pub fn held_hints(&self) -> usize {
        self.tentative.hints()
    }
}

/// An answer to a write below sequential.
fn answer(
    incarnation: Incarnation,
    id: u64,
    outcome: Outcome,
    session: Session,
    dot: Option<Dot>,
) -> Message {
    Message::TentativeAnswer { incarnation, id, outcome, session, dot }
}
