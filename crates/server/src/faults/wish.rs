//! What a person may ask for: in words on the Redis port, as JSON over HTTP. And what becomes an error before anything is done.
//!
//! `CUT a b` · `ONEWAY a b` · `ISOLATE a` · `DELAY ms [a b]` · `HEAL [a b]` · `PAUSE a [FOR span]` · `LIST`, or nothing, which lists.
//!
//! A wish names nodes; only the cluster's members can be meant, and a link needs two of them. All of that is judged here, so that a wish that is wrong in any part does nothing at all.

use super::{Delay, Direction, Order};
use bytes::Bytes;
use proto::ids::NodeId;
use proto::limits::{DEFAULT_FAULT_PAUSE_MS, MAX_FAULT_DELAY_MS, MAX_FAULT_PAUSE_MS};
use std::collections::BTreeSet;
use std::fmt;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// What is cut?
    List,
    /// Cut both directions.
    Cut(NodeId, NodeId),
    /// Cut what the first says to the second.
    Oneway(NodeId, NodeId),
    /// Cut a node from all others.
    Isolate(NodeId),
    /// Let all links hold each frame for so many milliseconds.
    Delay(u64),
    /// Let the link of a pair hold each frame for so many milliseconds.
    DelayPair(NodeId, NodeId, u64),
    /// Heal everything.
    Heal,
    /// Heal both directions of a pair.
    HealPair(NodeId, NodeId),
    /// Let a node stand still for so many milliseconds.
    Pause(NodeId, u64),
}

/// How a wish failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultErrorKind {
    /// It makes no sense; nothing was done.
    Invalid,
    /// This node was started without `--allow-faults`; nothing was done.
    NotAllowed,
    /// This node cannot take it now; nothing was done.
    NotReady,
    /// Another node was started without `--allow-faults`; the others obeyed.
    Partly,
    /// A node did not answer; the others obeyed, and it may yet.
    Unanswered,
}

/// A wish that failed: how, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultError {
    /// How.
    pub kind: FaultErrorKind,
    /// For people.
    pub sentence: String,
}

impl FaultError {
    /// An error with its sentence.
    pub(crate) fn new(kind: FaultErrorKind, sentence: impl Into<String>) -> FaultError {
        FaultError { kind, sentence: sentence.into() }
    }

    pub(super) fn invalid(sentence: impl Into<String>) -> FaultError {
        FaultError::new(FaultErrorKind::Invalid, sentence)
    }
}

/// What is told to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub order: Order,
    /// Everyone who is told.
    pub told: BTreeSet<NodeId>,
    /// Those without whose answer it is not done.
    pub concerned: BTreeSet<NodeId>,
}

const USAGE: &str =
    "the words are: CUT a b, ONEWAY a b, ISOLATE a, DELAY ms [a b], HEAL [a b], PAUSE a [FOR 5s], LIST";

impl Wish {
    /// From the words after `QUARTET FAULT`.
    pub(crate) fn from_words(words: &[Bytes]) -> Result<Wish, FaultError> {
        let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let Some((first, rest)) = words.split_first() else { return Ok(Wish::List) };
        let (nodes, span) = match rest {
            [nodes @ .., word, span] if word.eq_ignore_ascii_case("for") => (nodes, Some(&**span)),
            nodes => (nodes, None),
        };
        let (nodes, ms) = match nodes {
            [ms, nodes @ ..] if first.eq_ignore_ascii_case("delay") => {
                (nodes, Some(ms.parse().map_err(|_| bad_delay())?))
            }
            nodes => (nodes, None),
        };
        let nodes = nodes.iter().map(|word| node(word)).collect::<Result<Vec<_>, _>>()?;
        Wish::new(first, &nodes, span, ms)
    }

    /// From its parts. `span` belongs to `pause` alone, `ms` to `delay`.
    pub(crate) fn new(
        fault: &str,
        nodes: &[NodeId],
        span: Option<&str>,
        ms: Option<u64>,
    ) -> Result<Wish, FaultError> {
        let name = fault.to_ascii_lowercase();
        let wish = match (&*name, nodes) {
            ("list", []) => Wish::List,
            ("cut", &[a, b]) => Wish::Cut(a, b),
            ("oneway", &[a, b]) => Wish::Oneway(a, b),
            ("isolate", &[a]) => Wish::Isolate(a),
            ("heal", []) => Wish::Heal,
            ("heal", &[a, b]) => Wish::HealPair(a, b),
            ("delay", []) => Wish::Delay(delay_ms(ms)?),
            ("delay", &[a, b]) => Wish::DelayPair(a, b, delay_ms(ms)?),
            ("pause", &[a]) => Wish::Pause(a, span.map_or(Ok(DEFAULT_FAULT_PAUSE_MS), span_ms)?),
            ("cut" | "oneway", _) => {
                return Err(FaultError::invalid(format!("{name} wants two nodes: {name} 1 2")));
            }
            ("isolate" | "pause", _) => {
                return Err(FaultError::invalid(format!("{name} wants one node: {name} 3")));
            }
            ("heal", _) => {
                return Err(FaultError::invalid(
                    "heal wants two nodes, or none to heal everything: heal 1 2",
                ));
            }
            ("delay", _) => return Err(bad_delay()),
            ("list", _) => return Err(FaultError::invalid("list wants nothing more")),
            _ => {
                let shown: String = name.chars().take(32).collect();
                return Err(FaultError::invalid(format!("there is no fault '{shown}'; {USAGE}")));
            }
        };
        if span.is_some() && !matches!(wish, Wish::Pause(..)) {
            return Err(FaultError::invalid(format!(
                "a time belongs to pause alone; {name} holds until it is healed"
            )));
        }
        if ms.is_some() && !matches!(wish, Wish::Delay(..) | Wish::DelayPair(..)) {
            return Err(FaultError::invalid(format!("milliseconds belong to delay alone, not to {name}")));
        }
        Ok(wish)
    }

    /// Who is told what, in a cluster of these members.
    pub(super) fn plan(self, members: &BTreeSet<NodeId>) -> Result<Plan, FaultError> {
        let all = members.clone();
        let plan = |order, concerned: &[NodeId]| Plan {
            order,
            told: all.clone(),
            concerned: concerned.iter().copied().collect(),
        };
        Ok(match self {
            Wish::List => plan(Order::Tell, &[]),
            Wish::Cut(a, b) => {
                pair(a, b, members)?;
                plan(Order::Cut(Direction::both(a, b).into()), &[a, b])
            }
            Wish::Oneway(from, to) => {
                pair(from, to, members)?;
                plan(Order::Cut(vec![Direction { from, to }]), &[from, to])
            }
            Wish::Isolate(a) => {
                member(a, members)?;
                let others = members.iter().filter(|other| **other != a);
                let directions: Vec<_> = others.flat_map(|&other| Direction::both(a, other)).collect();
                if directions.is_empty() {
                    return Err(FaultError::invalid(
                        "this cluster has one node: there is nobody to cut it from",
                    ));
                }
                plan(Order::Cut(directions), &members.iter().copied().collect::<Vec<_>>())
            }
            Wish::Delay(ms) => {
                let pairs = all.iter().flat_map(|&a| all.range(a..).skip(1).map(move |&b| [a, b]));
                let delays: Vec<_> = pairs.map(|nodes| Delay { nodes, ms }).collect();
                if delays.is_empty() {
                    return Err(FaultError::invalid(
                        "this cluster has one node: there is no link that could be slow",
                    ));
                }
                plan(Order::Delay(delays), &members.iter().copied().collect::<Vec<_>>())
            }
            Wish::DelayPair(a, b, ms) => {
                pair(a, b, members)?;
                plan(Order::Delay(vec![Delay { nodes: [a.min(b), a.max(b)], ms }]), &[a, b])
            }
            Wish::Heal => plan(Order::HealAll, &members.iter().copied().collect::<Vec<_>>()),
            Wish::HealPair(a, b) => {
                pair(a, b, members)?;
                plan(Order::Heal(Direction::both(a, b).into()), &[a, b])
            }
            Wish::Pause(a, ms) => {
                member(a, members)?;
                Plan { order: Order::Pause(ms), told: [a].into(), concerned: [a].into() }
            }
        })
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wish::List => f.write_str("list"),
            Wish::Cut(a, b) => write!(f, "cut {a} {b}"),
            Wish::Oneway(from, to) => write!(f, "oneway {from} {to}"),
            Wish::Isolate(a) => write!(f, "isolate {a}"),
            Wish::Delay(ms) => write!(f, "delay {ms}"),
            Wish::DelayPair(a, b, ms) => write!(f, "delay {ms} {a} {b}"),
            Wish::Heal => f.write_str("heal"),
            Wish::HealPair(a, b) => write!(f, "heal {a} {b}"),
            Wish::Pause(a, ms) if ms % 1_000 == 0 => write!(f, "pause {a} for {}s", ms / 1_000),
            Wish::Pause(a, ms) => write!(f, "pause {a} for {ms}ms"),
        }
    }
}

fn node(word: &str) -> Result<NodeId, FaultError> {
    word.parse().map(NodeId).map_err(|_| {
        let shown: String = word.chars().take(32).collect();
        FaultError::invalid(format!(
            "'{shown}' is no node: nodes are named by their numbers, such as 2; {USAGE}"
        ))
    })
}

fn member(node: NodeId, members: &BTreeSet<NodeId>) -> Result<(), FaultError> {
    if members.contains(&node) {
        return Ok(());
    }
    let known: Vec<_> = members.iter().map(NodeId::to_string).collect();
    Err(FaultError::invalid(format!("there is no node {node}; the cluster has {}", known.join(", "))))
}

fn pair(a: NodeId, b: NodeId, members: &BTreeSet<NodeId>) -> Result<(), FaultError> {
    member(a, members)?;
    member(b, members)?;
    if a == b {
        return Err(FaultError::invalid(format!("a link has two ends, and both are node {a}")));
    }
    Ok(())
}

fn delay_ms(ms: Option<u64>) -> Result<u64, FaultError> {
    ms.filter(|ms| (1..=MAX_FAULT_DELAY_MS).contains(ms)).ok_or_else(bad_delay)
}

fn bad_delay() -> FaultError {
    FaultError::invalid(format!(
        "delay wants whole milliseconds, from 1 to {MAX_FAULT_DELAY_MS}, and two nodes or none for all links: delay 10 1 2; heal ends it"
    ))
}

/// `500ms`, `5s`, `1m`; a bare number counts seconds.
fn span_ms(text: &str) -> Result<u64, FaultError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit_ms = match &text[digits..] {
        "ms" => Some(1),
        "s" | "" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let ms =
        text[..digits].parse::<u64>().ok().zip(unit_ms).and_then(|(number, unit)| number.checked_mul(unit));
    ms.filter(|ms| (1..=MAX_FAULT_PAUSE_MS).contains(ms)).ok_or_else(|| {
        FaultError::invalid(format!(
            "a pause wants a time such as 500ms or 5s, more than 0 and at most {}s",
            MAX_FAULT_PAUSE_MS / 1_000
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Result<Wish, FaultErrorKind> {
        let words: Vec<_> =
            line.split_whitespace().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        Wish::from_words(&words).map_err(|error| error.kind)
    }

    #[test]
    fn words_mean_wishes() {
        let (one, two) = (NodeId(1), NodeId(2));
        assert_eq!(said(""), Ok(Wish::List));
        assert_eq!(said("list"), Ok(Wish::List));
        assert_eq!(said("CUT 1 2"), Ok(Wish::Cut(one, two)));
        assert_eq!(said("oneway 2 1"), Ok(Wish::Oneway(two, one)));
        assert_eq!(said("isolate 2"), Ok(Wish::Isolate(two)));
        assert_eq!(said("delay 10"), Ok(Wish::Delay(10)));
        assert_eq!(said("DELAY 1000 2 1"), Ok(Wish::DelayPair(two, one, 1_000)));
        assert_eq!(said("heal"), Ok(Wish::Heal));
        assert_eq!(said("heal 1 2"), Ok(Wish::HealPair(one, two)));
        assert_eq!(said("pause 2"), Ok(Wish::Pause(two, DEFAULT_FAULT_PAUSE_MS)));
        assert_eq!(said("pause 2 FOR 500ms"), Ok(Wish::Pause(two, 500)));
        assert_eq!(said("pause 2 for 5"), Ok(Wish::Pause(two, 5_000)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "cut",
            "cut 1",
            "cut 1 2 3",
            "cut one 2",
            "cut 1 -2",
            "isolate",
            "isolate 1 2",
            "heal 1",
            "list 1",
            "sever 1 2",
            "pause 1 for 0s",
            "pause 1 for 61s",
            "pause 1 for ever",
            "pause 1 for",
            "cut 1 2 for 5s",
            "pause for 5s",
            "pause 1 for 99999999999999999999s",
            "pause 1 for ５s",
            "delay",
            "delay 0",
            "delay 1001",
            "delay -1",
            "delay 1.5",
            "delay 10ms",
            "delay 10 1",
            "delay 10 1 2 3",
            "delay 10 1 x",
            "delay 10 for 5s",
            "delay 99999999999999999999",
        ] {
            assert_eq!(said(line), Err(FaultErrorKind::Invalid), "{line}");
        }
    }

    #[test]
    fn only_members_can_be_meant_and_a_link_has_two_ends() {
        let members: BTreeSet<_> = (1..=3).map(NodeId).collect();
        let refusal = |line| said(line).expect("it parses").plan(&members).expect_err("refused").sentence;
        assert!(refusal("cut 1 4").contains("no node 4") && refusal("cut 1 4").contains("1, 2, 3"));
        assert!(refusal("cut 2 2").contains("two ends"));
        assert!(refusal("isolate 0").contains("no node 0"));
        assert!(refusal("pause 9").contains("no node 9"));
        assert!(refusal("delay 10 1 4").contains("no node 4"));
        assert!(refusal("delay 10 2 2").contains("two ends"));
        let plan = said("delay 10").expect("it parses").plan(&members).expect("it is possible");
        let pairs = [[1, 2], [1, 3], [2, 3]].map(|pair| Delay { nodes: pair.map(NodeId), ms: 10 });
        assert_eq!((plan.order, plan.concerned), (Order::Delay(pairs.into()), members.clone()));
        assert!(Wish::Delay(10).plan(&[NodeId(1)].into()).is_err());
        assert!(Wish::new("cut", &[NodeId(1), NodeId(2)], None, Some(10)).is_err());
        assert!(Wish::new("delay", &[], None, None).is_err());
        let plan = said("isolate 3").expect("it parses").plan(&members).expect("it is possible");
        assert_eq!(plan.concerned, members);
        assert!(matches!(plan.order, Order::Cut(directions) if directions.len() == 4));
        assert!(Wish::Isolate(NodeId(1)).plan(&[NodeId(1)].into()).is_err());
    }
}
