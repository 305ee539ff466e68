//! What this node holds of one shard's tentative operations: its own and those of other origins, as long as the log has not decided them.
//!
//! An origin's operations come in their order and without gaps: whoever hands some over says up to where the receiver must have everything already, and up to where nothing is missing behind them (*covered*).
//! So a replica knows that it lacks nothing, which is what a session asks of it. What is covered counts only once everything before it is durable here.
//!
//! Invariants: an origin's operations are here from some number on without gaps; what another node holds for sure (`acknowledged`) is never overstated; operations that the log has decided are dropped by `prune`, and
//! whoever looks passes the marks of the state it looks at.

use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::{LogIndex, NodeId};
use proto::limits::{MAX_HELD_BYTES, MAX_HELD_OPERATIONS};
use proto::ops::Write;
use proto::tentative::{Dot, Dots, Operation, Origin};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};

/// One operation.
#[derive(Debug)]
pub struct Held {
    /// As its origin took it.
    pub operation: Operation,
    /// Where it stands in the journal.
    pub at: LogIndex,
    /// Since when it is here.
    pub since: Mono,
    /// Whether it is durable here.
    pub is_durable: bool,
}

/// What is here of one origin.
#[derive(Debug, Default)]
struct Stock {
    operations: BTreeMap<u64, Held>,
    /// Nothing up to here is missing; part of it may not be durable yet.
    reached: u64,
    /// Nothing up to here is missing, and all of it is durable.
    covered: u64,
    /// The newest operation that ever was here.
    last: u64,
    /// Something up to here was never held: it was known to be decided when what follows was taken in. After a restart the state may stand where it is not, and then nothing behind it counts.
    bridged: u64,
}

/// What is held of one shard.
#[derive(Debug, Default)]
pub struct Holdings {
    stocks: BTreeMap<Origin, Stock>,
    by_key: BTreeMap<Bytes, BTreeSet<Dot>>,
    count: usize,
    bytes: usize,
    /// How far each other replica holds this node's own operations durably.
    acknowledged: BTreeMap<NodeId, u64>,
    /// The newest promise about what this node will not take any more.
    pub promised: Timestamp,
}

impl Holdings {
    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many operations are held.
    pub fn len(&self) -> usize {
        self.count
    }

    /// About how many bytes they weigh.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is room for another operation.
    pub fn has_room(&self) -> bool {
        self.count < MAX_HELD_OPERATIONS && self.bytes < MAX_HELD_BYTES
    }

    /// Takes an operation in.
    pub fn insert(&mut self, operation: Operation, at: LogIndex, now: Mono, is_durable: bool) {
        let dot = operation.dot;
        self.count += 1;
        self.bytes += weight(&operation);
        for key in operation.write.keys() {
            self.by_key.entry(key.clone()).or_default().insert(dot);
        }
        let stock = self.stocks.entry(dot.origin).or_default();
        stock.reached = stock.reached.max(dot.number);
        stock.last = stock.last.max(dot.number);
        stock.operations.insert(dot.number, Held { operation, at, since: now, is_durable });
    }

    /// At a start: an operation that was found in the journal, for a state with these marks.
    pub fn recover(&mut self, operation: Operation, at: LogIndex, marks: &Dots) {
        let dot = operation.dot;
        let stock = self.stocks.entry(dot.origin).or_default();
        if operation.predecessor > stock.last.max(marks.of(dot.origin)) {
            stock.bridged = operation.predecessor;
        }
        stock.last = stock.last.max(dot.number);
        self.cover(dot.origin, dot.number);
        if dot.number > marks.of(dot.origin) && self.get(dot).is_none() {
            self.insert(operation, at, Mono(0), true);
        }
    }

    /// At a start: this has been decided.
    pub fn recover_mark(&mut self, mark: Dot) {
        self.cover(mark.origin, mark.number);
        let stock = self.stocks.entry(mark.origin).or_default();
        stock.last = stock.last.max(mark.number);
    }

    /// Whether anything of this origin is held.
    pub fn holds(&self, origin: Origin) -> bool {
        self.stocks.get(&origin).is_some_and(|stock| !stock.operations.is_empty())
    }

    /// Up to where nothing of this origin is missing, durable or on its way to be.
    pub fn reached(&self, origin: Origin) -> u64 {
        self.stocks.get(&origin).map_or(0, |stock| stock.reached)
    }

    /// Nothing of this origin is missing up to here, as soon as what is written now is durable.
    pub fn reach(&mut self, origin: Origin, number: u64) {
        let stock = self.stocks.entry(origin).or_default();
        stock.reached = stock.reached.max(number);
    }

    /// Nothing of this origin is missing up to here, and all of it is durable.
    pub fn cover(&mut self, origin: Origin, number: u64) {
        let stock = self.stocks.entry(origin).or_default();
        stock.covered = stock.covered.max(number);
        stock.reached = stock.reached.max(number);
    }

    /// Up to where nothing of this origin is missing here, durably.
    pub fn covered(&self, origin: Origin) -> u64 {
        self.stocks.get(&origin).map_or(0, |stock| stock.covered)
    }

    /// The same for all origins that were ever heard of here.
    pub fn all_covered(&self) -> Dots {
        self.stocks.iter().map(|(origin, stock)| Dot { origin: *origin, number: stock.covered }).collect()
    }

    /// The operation of this dot is durable here.
    pub fn durable(&mut self, dot: Dot) {
        if let Some(held) =
            self.stocks.get_mut(&dot.origin).and_then(|stock| stock.operations.get_mut(&dot.number))
        {
            held.is_durable = true;
        }
    }

    /// An operation, if it is here.
    pub fn get(&self, dot: Dot) -> Option<&Held> {
        self.stocks.get(&dot.origin)?.operations.get(&dot.number)
    }

    /// Notes where an operation stands in the journal now.
    pub fn moved(&mut self, dot: Dot, to: LogIndex) {
        if let Some(held) =
            self.stocks.get_mut(&dot.origin).and_then(|stock| stock.operations.get_mut(&dot.number))
        {
            held.at = to;
        }
    }

    /// What is held of these keys, beyond what the marks say is decided. `unsure`: also what is not durable yet of this origin.
    pub fn of_keys<'a>(
        &'a self,
        keys: impl IntoIterator<Item = &'a Bytes>,
        marks: &Dots,
        unsure: Option<Origin>,
    ) -> Vec<&'a Operation> {
        if self.count == 0 {
            return Vec::new();
        }
        let dots: BTreeSet<Dot> =
            keys.into_iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        dots.into_iter()
            .filter(|dot| dot.number > marks.of(dot.origin))
            .filter_map(|dot| self.get(dot))
            .filter(|held| held.is_durable || unsure == Some(held.operation.dot.origin))
            .map(|held| &held.operation)
            .collect()
    }

    /// For each origin but this one the newest operation that is durable here, or decided.
    pub fn newest(&self, but: Origin, marks: &Dots) -> Dots {
        let held = self.stocks.iter().filter(|(origin, _)| **origin != but).map(|(origin, stock)| {
            let newest = stock.operations.iter().rev().find(|(_, held)| held.is_durable);
            let number = newest.map_or(0, |(number, _)| *number);
            Dot { origin: *origin, number }
        });
        let mut all: Dots = held.collect();
        all.join(marks);
        all.retain(|dot| dot.origin != but);
        all
    }

    /// Whether everything that these dots cover in this shard is decided and applied by a state with these marks. `own` is this node's origin, with its newest durable number.
    pub fn is_settled(&self, dots: &Dots, marks: &Dots, own: Dot) -> bool {
        dots.iter().all(|dot| {
            self.has(dot, marks, own) && {
                let undecided = self.stocks.get(&dot.origin).and_then(|stock| {
                    stock.operations.keys().find(|number| **number > marks.of(dot.origin)).copied()
                });
                undecided.is_none_or(|number| number > dot.number)
            }
        })
    }

    /// Whether nothing of this shard that these dots cover is missing here.
    pub fn has_all(&self, dots: &Dots, marks: &Dots, own: Dot) -> bool {
        dots.iter().all(|dot| self.has(dot, marks, own))
    }

    fn has(&self, dot: Dot, marks: &Dots, own: Dot) -> bool {
        let mark = marks.of(dot.origin);
        let covered = match self.stocks.get(&dot.origin) {
            _ if dot.origin == own.origin => own.number,
            Some(stock) if mark >= stock.bridged => stock.covered,
            _ => 0,
        };
        dot.number <= covered.max(mark)
    }

    /// Durable operations of an origin from a number on, in their order, about `bytes` of them; and the number that whoever takes them must have everything up to.
    pub fn after(&self, origin: Origin, number: u64, bytes: usize) -> Vec<Operation> {
        let mut found = Vec::new();
        let mut left = bytes;
        let Some(stock) = self.stocks.get(&origin) else { return found };
        let mut before = None;
        for (_, held) in stock.operations.range(number + 1..) {
            // What was never held here is a hole that nobody may be led across.
            let follows = before.is_none_or(|before| held.operation.predecessor == before);
            if !held.is_durable || left == 0 || !follows {
                break;
            }
            before = Some(held.operation.dot.number);
            left = left.saturating_sub(weight(&held.operation));
            found.push(held.operation.clone());
        }
        found
    }

    /// The number of the newest operation of an origin in this shard that is durable here, or was.
    pub fn last_number(&self, origin: Origin) -> u64 {
        self.stocks.get(&origin).map_or(0, |stock| stock.last)
    }

    /// The origins of which something is held, with how long the oldest of them waits and whether it is durable.
    pub fn waiting(&self) -> impl Iterator<Item = (Origin, Mono)> + '_ {
        self.stocks.iter().filter_map(|(origin, stock)| {
            let (_, held) = stock.operations.first_key_value()?;
            held.is_durable.then_some((*origin, held.since))
        })
    }

    /// The least that an operation of this origin had seen which is held here.
    pub fn least_seen(&self, origin: Origin) -> Option<Timestamp> {
        self.stocks.get(&origin)?.operations.values().map(|held| held.operation.seen).min()
    }

    /// The predecessor that the next operation of this origin names.
    pub fn newest_of(&self, origin: Origin, marks: &Dots) -> u64 {
        let held = self
            .stocks
            .get(&origin)
            .and_then(|stock| stock.operations.keys().next_back())
            .copied()
            .unwrap_or(0);
        held.max(marks.of(origin))
    }

    /// Drops what is decided, and answers its dots.
    pub fn prune(&mut self, marks: &Dots) -> Vec<Dot> {
        let mut dropped = Vec::new();
        if self.count == 0 {
            return dropped;
        }
        for (origin, stock) in &mut self.stocks {
            let rest = stock.operations.split_off(&(marks.of(*origin) + 1));
            for (number, held) in std::mem::replace(&mut stock.operations, rest) {
                let dot = Dot { origin: *origin, number };
                self.count -= 1;
                self.bytes -= weight(&held.operation);
                for key in held.operation.write.keys() {
                    if let Some(dots) = self.by_key.get_mut(key) {
                        dots.remove(&dot);
                        if dots.is_empty() {
                            self.by_key.remove(key);
                        }
                    }
                }
                dropped.push(dot);
            }
        }
        dropped
    }

    /// Another replica holds this node's own operations durably up to here. Answers whether that is news.
    pub fn acknowledge(&mut self, node: NodeId, number: u64) -> bool {
        let known = self.acknowledged.entry(node).or_default();
        let news = number > *known;
        *known = number.max(*known);
        news
    }

    /// Up to where another replica holds this node's own operations durably.
    pub fn acknowledged(&self, node: NodeId) -> u64 {
        self.acknowledged.get(&node).copied().unwrap_or(0)
    }

    /// On how many nodes, this one among them, this node's own operation is durable for sure.
    pub fn copies(&self, number: u64) -> usize {
        1 + self.acknowledged.values().filter(|known| **known >= number).count()
    }
}

fn weight(operation: &Operation) -> usize {
    operation.weight_bytes()
}

/// The keys of a tentative operation's write: one.
trait Keys {
    fn keys(&self) -> std::option::IntoIter<&Bytes>;
}

impl Keys for Write {
    fn keys(&self) -> std::option::IntoIter<&Bytes> {
        crate::apply::single_key(self).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;
    use proto::ops::StringWrite;

    fn origin(node: u64) -> Origin {
        Origin::first_of(NodeId(node))
    }

    fn dot(node: u64, number: u64) -> Dot {
        Dot { origin: origin(node), number }
    }

    fn dots(all: &[Dot]) -> Dots {
        all.iter().copied().collect()
    }

    fn operation(node: u64, number: u64, predecessor: u64) -> Operation {
        Operation {
            dot: dot(node, number),
            predecessor,
            time: Timestamp(number),
            seen: Timestamp(number),
            held: Dots::NONE,
            dep_hlc: Timestamp::ZERO,
            dots: Dots::NONE,
            client: None,
            write: Write::String(StringWrite::IncrBy { key: Bytes::from_static(b"k"), delta: 1 }),
        }
    }

    #[test]
    fn what_is_not_durable_is_not_shown_and_what_is_decided_is_dropped() {
        let (mut holdings, key) = (Holdings::default(), Bytes::from_static(b"k"));
        holdings.insert(operation(2, 4, 0), LogIndex(1), Mono(0), true);
        holdings.insert(operation(2, 7, 4), LogIndex(2), Mono(0), false);
        let shown = |holdings: &Holdings, marks: &Dots, unsure: Option<Origin>| {
            let held = holdings.of_keys([&key], marks, unsure);
            held.iter().map(|operation| operation.dot.number).collect::<Vec<_>>()
        };
        assert_eq!(shown(&holdings, &Dots::NONE, None), [4]);
        assert_eq!(shown(&holdings, &Dots::NONE, Some(origin(2))), [4, 7]);
        holdings.durable(dot(2, 7));
        let marks = dots(&[dot(2, 4)]);
        assert_eq!(shown(&holdings, &marks, None), [7], "the state has the other");
        assert_eq!(holdings.prune(&marks), [dot(2, 4)]);
        assert_eq!((holdings.len(), holdings.newest_of(origin(2), &marks)), (1, 7));
    }

    #[test]
    fn a_dot_is_settled_when_nothing_that_it_covers_is_missing_or_undecided() {
        let mut holdings = Holdings::default();
        let own = dot(1, 9);
        let wanted = dots(&[dot(2, 5)]);
        assert!(!holdings.has_all(&wanted, &Dots::NONE, own), "nothing was heard of it");
        holdings.insert(operation(2, 3, 0), LogIndex(1), Mono(0), true);
        holdings.cover(origin(2), 6);
        assert!(holdings.has_all(&wanted, &Dots::NONE, own));
        assert!(!holdings.is_settled(&wanted, &Dots::NONE, own), "3 is undecided");
        assert!(holdings.is_settled(&wanted, &dots(&[dot(2, 3)]), own));
        assert!(holdings.is_settled(&dots(&[own]), &Dots::NONE, own), "nothing of its own is here");
        assert!(!holdings.has_all(&dots(&[dot(1, 10)]), &Dots::NONE, own));
    }

    #[test]
    fn after_a_restart_nothing_counts_behind_what_was_never_held() {
        // 4 was decided when 6 came, and was never here; then the state was set back to before 4.
        let mut holdings = Holdings::default();
        holdings.recover(operation(2, 6, 4), LogIndex(1), &Dots::NONE);
        let wanted = dots(&[dot(2, 5)]);
        assert!(!holdings.has_all(&wanted, &Dots::NONE, dot(1, 0)));
        assert!(holdings.has_all(&wanted, &dots(&[dot(2, 4)]), dot(1, 0)));
    }

    #[test]
    fn only_what_is_durable_is_passed_on_and_in_order() {
        let mut holdings = Holdings::default();
        for (number, before, is_durable) in [(1, 0, true), (2, 1, true), (5, 2, false), (6, 5, true)] {
            holdings.insert(operation(1, number, before), LogIndex(number), Mono(0), is_durable);
        }
        let numbers = |after, bytes| {
            let found = holdings.after(origin(1), after, bytes);
            found.iter().map(|operation| operation.dot.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(0, 1 << 20), [1, 2], "6 must not overtake 5");
        assert_eq!(numbers(1, 1 << 20), [2]);
        assert_eq!(numbers(0, 1), [1], "one at least");
        // 3 was decided when 4 came, and was never here.
        holdings.insert(operation(2, 2, 0), LogIndex(7), Mono(0), true);
        holdings.insert(operation(2, 4, 3), LogIndex(8), Mono(0), true);
        let found = holdings.after(origin(2), 0, 1 << 20);
        assert_eq!(found.len(), 1, "nobody is led across a hole");
    }

    #[test]
    fn copies_are_counted_by_what_each_replica_acknowledged() {
        let mut holdings = Holdings::default();
        assert!(holdings.acknowledge(NodeId(2), 5));
        assert!(!holdings.acknowledge(NodeId(2), 4));
        assert_eq!((holdings.copies(5), holdings.copies(6)), (2, 1));
    }
}
