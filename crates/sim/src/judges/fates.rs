//! What becomes of tentative operations: each is decided once, every replica says the same of it, each origin's enter the log in their order, and an origin's clock never goes back, whatever happened to the
//! node: a later number has a later time.
//!
//! Fed with what the log said at each of its places (`node::report::Decision`). Out of the first sighting of each decision the history's fates are made (`checker::Fate`), so that
//! the judges of `causal` and `eventual` know what took effect, and where.
//!
//! Not here: whether an operation had reason to lose, or to win (`checker`), and whether every acknowledged one has a fate (`weak`, `world`).

use crate::operations::in_history;
use crate::schedule::Instant;
use crate::verdict::Failure;
use crate::world::id_of;
use checker::{Ending, Fate};
use node::arbitration::Verdict;
use node::report::{AppliedEntry, Decision};
use proto::hlc::Timestamp;
use proto::ids::{GroupId, LogIndex};
use proto::log_entry::LogEntry;
use proto::tentative::{Dot, Origin, WhySuperseded};
use std::collections::BTreeMap;

/// Counts of what was said, by the names in [`NAMES`].
pub type Verdicts = [u64; NAMES.len()];

/// What the log may say of a tentative operation.
pub const NAMES: [&str; 10] = [
    "applied",
    "superseded by strong",
    "superseded by newer",
    "superseded by the floor",
    "refused by what was there",
    "repeated",
    "too early",
    "hints applied",
    "hints superseded",
    "hints repeated",
];

/// Everything that was said so far.
#[derive(Default)]
pub(super) struct Fates {
    places: BTreeMap<(GroupId, LogIndex), Decision>,
    decided: BTreeMap<Dot, (GroupId, LogIndex, Fate)>,
    /// By group and origin, the numbers at the places that decided them.
    numbers: BTreeMap<(GroupId, Origin), BTreeMap<LogIndex, u64>>,
    /// By origin, the times of the numbers that were decided.
    times: BTreeMap<Origin, BTreeMap<u64, Timestamp>>,
    verdicts: Verdicts,
}

fn wrong(explanation: String) -> Result<(), Failure> {
    Err(Failure::safety("each tentative operation is decided once, and everywhere alike", explanation))
}

impl Fates {
    pub(super) fn applied(&mut self, node: usize, entry: &AppliedEntry, now: Instant) -> Result<(), Failure> {
        let Some(decision) = entry.decision else { return Ok(()) };
        let Decision { dot, at, verdict } = decision;
        let place = (entry.group, entry.index);
        if let Some(known) = self.places.get(&place) {
            if *known == decision {
                return Ok(());
            }
            let text = format!(
                "group {} index {}: node {} says {decision:?}, another said {known:?}",
                place.0,
                place.1,
                id_of(node)
            );
            return wrong(text);
        }
        self.places.insert(place, decision);
        self.verdicts[number_of(verdict)] += 1;
        if let Some(number) = number_of_hint(verdict).filter(|_| dot.origin.is_hints()) {
            self.verdicts[number] += 1;
        }
        let operation = match entry.data.as_deref().map(postcard::from_bytes::<LogEntry>) {
            Some(Ok(LogEntry::Tentative { operation, .. })) if operation.dot == dot => operation,
            _ => {
                return wrong(format!(
                    "group {} index {} decides {dot}, which it does not bring",
                    place.0, place.1
                ));
            }
        };
        let mut fate = match verdict {
            Verdict::Applied => Fate::new(in_history(dot), Ending::Decided, Some(at.0)),
            Verdict::Superseded(_) => Fate::new(in_history(dot), Ending::Superseded, Some(at.0)),
            Verdict::Repeated | Verdict::TooEarly => return Ok(()),
        };
        fate.by = match verdict {
            Verdict::Superseded(WhySuperseded::Strong(by) | WhySuperseded::Newer { at: by, .. }) => {
                Some(by.0)
            }
            _ => None,
        };
        fate.seen = Some(operation.seen.0);
        fate.time = Some(operation.time.0);
        fate.known_ns = Some(now.0);
        fate.node = Some(format!("n{}", id_of(node)));
        if let Some((group, index, _)) = self.decided.insert(dot, (place.0, place.1, fate)) {
            return wrong(format!(
                "{dot} is decided at index {index} of group {group} and at index {} of group {}",
                place.1, place.0
            ));
        }
        let times = self.times.entry(dot.origin).or_default();
        times.insert(dot.number, operation.time);
        let before = times.range(..dot.number).next_back().filter(|(_, time)| **time >= operation.time);
        let behind = times.range(dot.number + 1..).next().filter(|(_, time)| **time <= operation.time);
        if let Some((number, time)) = before.or(behind) {
            return Err(Failure::safety(
                "the clock of an origin never goes back",
                format!("{dot} was taken at {}, number {number} at {time}", operation.time),
            ));
        }
        let numbers = self.numbers.entry((place.0, dot.origin)).or_default();
        numbers.insert(place.1, dot.number);
        let before = numbers.range(..place.1).next_back().filter(|(_, number)| **number > dot.number);
        let behind = numbers.range(place.1..).nth(1).filter(|(_, number)| **number < dot.number);
        match before.or(behind) {
            None => Ok(()),
            Some((index, number)) => wrong(format!(
                "group {}: origin {} has its number {} at index {} and its number {number} at index {index}",
                place.0, dot.origin, dot.number, place.1
            )),
        }
    }

    /// Whether it is known what became of this one.
    pub(super) fn knows(&self, dot: Dot) -> bool {
        self.decided.contains_key(&dot)
    }

    /// All that became of tentative operations.
    pub(super) fn all(&self) -> impl Iterator<Item = &Fate> {
        self.decided.values().map(|(_, _, fate)| fate)
    }

    pub(super) fn verdicts(&self) -> Verdicts {
        self.verdicts
    }
}

fn number_of(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Applied => 0,
        Verdict::Superseded(WhySuperseded::Strong(_)) => 1,
        Verdict::Superseded(WhySuperseded::Newer { .. }) => 2,
        Verdict::Superseded(WhySuperseded::Floor(_)) => 3,
        Verdict::Superseded(WhySuperseded::Refused) => 4,
        Verdict::Repeated => 5,
        Verdict::TooEarly => 6,
    }
}

/// Hints are counted once more.
fn number_of_hint(verdict: Verdict) -> Option<usize> {
    match verdict {
        Verdict::Applied => Some(7),
        Verdict::Superseded(_) => Some(8),
        Verdict::Repeated => Some(9),
        Verdict::TooEarly => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proto::ids::{NodeId, Term};
    use proto::ops::{KeyWrite, Write};
    use proto::tentative::{Dots, Operation};

    fn dot(number: u64) -> Dot {
        Dot { origin: Origin::first_of(NodeId(1)), number }
    }

    fn operation(number: u64) -> Operation {
        Operation {
            dot: dot(number),
            predecessor: number - 1,
            time: Timestamp(50 + number),
            seen: Timestamp(40),
            held: Dots::NONE,
            dep_hlc: Timestamp::ZERO,
            dots: Dots::NONE,
            client: None,
            write: Write::Key(KeyWrite::Del { keys: vec![Bytes::from_static(b"k")] }),
        }
    }

    fn entry(index: u64, number: u64, verdict: Verdict) -> AppliedEntry {
        let operation = operation(number);
        let entry = LogEntry::Tentative { proposed: Timestamp(60), operation };
        AppliedEntry {
            group: GroupId(2),
            index: LogIndex(index),
            term: Term(1),
            data: Some(postcard::to_stdvec(&entry).unwrap().into()),
            fresh: false,
            decision: Some(Decision { dot: dot(number), at: Timestamp(100 + index), verdict }),
        }
    }

    #[test]
    fn the_first_sighting_makes_a_fate_and_others_must_agree() {
        let mut fates = Fates::default();
        let newer = Verdict::Superseded(WhySuperseded::Newer { dot: dot(1), at: Timestamp(107) });
        for (node, at) in [(0, 5), (1, 9)] {
            fates.applied(node, &entry(7, 1, Verdict::Applied), Instant(at)).unwrap();
            fates.applied(node, &entry(8, 2, newer), Instant(at)).unwrap();
            fates.applied(node, &entry(9, 2, Verdict::Repeated), Instant(at)).unwrap();
        }
        assert_eq!(fates.verdicts(), [1, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
        assert!(fates.knows(dot(2)) && !fates.knows(dot(3)));
        let lines: Vec<String> = fates.all().map(Fate::to_line).collect();
        assert_eq!(
            lines,
            [
                r#"{"decided_version":107,"dots":[["n1.0.1",1]],"fate":"decided","known":5,"node":"n1","seen":40,"time":51}"#,
                r#"{"by":107,"decided_version":108,"dots":[["n1.0.1",2]],"fate":"superseded","known":5,"node":"n1","seen":40,"time":52}"#,
            ]
        );
        let other = fates.applied(2, &entry(7, 1, Verdict::TooEarly), Instant(9)).unwrap_err();
        assert!(other.to_string().contains("node 3 says"), "{other}");
    }

    #[test]
    fn an_operation_that_is_decided_twice_or_out_of_turn_is_found() {
        let mut fates = Fates::default();
        fates.applied(0, &entry(7, 2, Verdict::Applied), Instant(5)).unwrap();
        assert!(fates.applied(0, &entry(9, 2, Verdict::Applied), Instant(5)).is_err());
        for (index, number) in [(8, 1), (5, 3)] {
            let mut fates = Fates::default();
            fates.applied(0, &entry(7, 2, Verdict::Applied), Instant(5)).unwrap();
            fates.applied(1, &entry(6, 1, Verdict::TooEarly), Instant(5)).unwrap();
            let broken = fates.applied(1, &entry(index, number, Verdict::Applied), Instant(5)).unwrap_err();
            assert!(broken.to_string().contains("has its number"), "{broken}");
        }
    }

    #[test]
    fn an_origin_whose_clock_went_back_is_found() {
        let applied = |number: u64, time: u64| {
            let mut applied = entry(6 + number, number, Verdict::Applied);
            let operation = Operation { time: Timestamp(time), ..operation(number) };
            let brought = LogEntry::Tentative { proposed: Timestamp(60), operation };
            applied.data = Some(postcard::to_stdvec(&brought).unwrap().into());
            applied
        };
        let mut fates = Fates::default();
        fates.applied(0, &applied(1, 50), Instant(5)).unwrap();
        fates.applied(0, &applied(3, 52), Instant(5)).unwrap();
        let broken = fates.applied(0, &applied(4, 51), Instant(5)).unwrap_err();
        assert!(broken.to_string().contains("never goes back"), "{broken}");
    }

    #[test]
    fn an_entry_that_decides_what_it_does_not_bring_is_found() {
        let mut wrong = entry(7, 2, Verdict::Applied);
        wrong.decision = Some(Decision { dot: dot(3), ..wrong.decision.unwrap() });
        assert!(Fates::default().applied(0, &wrong, Instant(5)).is_err());
    }
}
