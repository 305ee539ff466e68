//! Commands about faults that are under way at the node that was asked: who was told, who has answered, and what the asker hears in the end.
//!
//! Everyone is told at once, and a command is answered when everyone has answered or is known to be down, at the latest two seconds later. So when it succeeds the fault *is* there. A node where nobody
//! listens is down: it neither sends nor hears, and the other end enforces the cut. A node that does not answer is another matter: if the fault concerns it, the
//! command ends as *unknown*, because the order may still be on its way.
//!
//! Sans-IO: what to send comes out, answers and the time go in.

use super::wish::{FaultError, FaultErrorKind, Plan, Wish};
use super::{Delay, Direction, Known, Order, OrderAnswer};
use proto::ids::{ConnectionId, NodeId, RequestId};
use proto::limits::MAX_FAULT_COMMANDS;
use proto::time::Mono;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::oneshot;
use utoipa::ToSchema;

/// How long nodes have to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who asked.
#[derive(Debug)]
pub(crate) enum Asker {
    /// A Redis client.
    Resp(ConnectionId, RequestId),
    /// The HTTP thread.
    Http(oneshot::Sender<Result<Report, FaultError>>),
}

/// A command that has come to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Who asked.
    pub asker: Asker,
    /// What it hears.
    pub result: Result<Report, FaultError>,
    /// Those who did not answer: orders that wait for them are to be forgotten.
    pub silent: Vec<NodeId>,
}

/// What is cut and slow now, as each node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Report {
    /// The node that was asked.
    #[schema(value_type = u64)]
    pub node: NodeId,
    /// What was done; left out of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// What any of the nodes drops.
    pub cuts: Vec<Direction>,
    /// What any of the nodes holds for a while.
    pub delays: Vec<Delay>,
    /// What each node that was told said.
    pub nodes: Vec<NodeReport>,
}

/// What one node said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct NodeReport {
    /// Which.
    #[schema(value_type = u64)]
    pub node: NodeId,
    /// `ok`, `down` (nobody listens there), `silent` (no answer within two seconds) or `not allowed` (started without --allow-faults).
    #[schema(value_type = String)]
    pub answer: &'static str,
    /// What is cut, as it knows; left out if it did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuts: Option<Vec<Direction>>,
    /// What is slow, as it knows; left out if it did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delays: Option<Vec<Delay>>,
}

#[derive(Debug)]
struct Command {
    asker: Asker,
    wish: Wish,
    plan: Plan,
    answers: BTreeMap<NodeId, Said>,
    until: Mono,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Down,
    Answer(OrderAnswer),
}

/// All commands under way.
#[derive(Debug)]
pub(crate) struct Desk {
    me: NodeId,
    last_number: u64,
    commands: BTreeMap<u64, Command>,
    ended: Vec<Ended>,
}

impl Desk {
    /// Nothing is under way.
    pub(crate) fn new(me: NodeId) -> Desk {
        Desk { me, last_number: 0, commands: BTreeMap::new(), ended: Vec::new() }
    }

    /// Takes a command. `tell` gives an order to a node; this node's own answer comes back from it at once.
    pub(crate) fn begin(
        &mut self,
        asker: Asker,
        wish: Wish,
        members: &BTreeSet<NodeId>,
        is_allowed: bool,
        now: Mono,
        mut tell: impl FnMut(NodeId, u64, &Order) -> Option<OrderAnswer>,
    ) {
        let refusal = if !is_allowed {
            let sentence = "faults are not allowed on this node: they are for trying things out, and a node takes them only if it was started with --allow-faults (as `quartet dev` does)";
            Some(FaultError::new(FaultErrorKind::NotAllowed, sentence))
        } else if self.commands.len() >= MAX_FAULT_COMMANDS {
            let sentence =
                "too many commands about faults are under way on this node; ask again in two seconds";
            Some(FaultError::new(FaultErrorKind::NotReady, sentence))
        } else {
            None
        };
        let plan = match refusal.map_or_else(|| wish.plan(members), Err) {
            Ok(plan) => plan,
            Err(error) => {
                self.ended.push(Ended { asker, result: Err(error), silent: Vec::new() });
                return;
            }
        };
        self.last_number += 1;
        let number = self.last_number;
        let mut answers = BTreeMap::new();
        // This node last: if it is to stand still, the others have been told.
        let others = plan.told.iter().filter(|node| **node != self.me);
        for &node in others.chain(plan.told.get(&self.me)) {
            if let Some(answer) = tell(node, number, &plan.order) {
                answers.insert(node, Said::Answer(answer));
            }
        }
        self.commands.insert(number, Command { asker, wish, plan, answers, until: now + PATIENCE });
        self.look(number, now);
    }

    /// A node answered an order.
    pub(crate) fn answered(&mut self, from: NodeId, number: u64, answer: OrderAnswer, now: Mono) {
        if let Some(command) = self.commands.get_mut(&number)
            && command.plan.told.contains(&from)
        {
            command.answers.insert(from, Said::Answer(answer));
            self.look(number, now);
        }
    }

    /// Nobody listens where a node should be.
    pub(crate) fn is_down(&mut self, node: NodeId, now: Mono) {
        let numbers: Vec<_> = self.commands.keys().copied().collect();
        for number in numbers {
            let command = self.commands.get_mut(&number).expect("it was listed");
            if command.plan.told.contains(&node) {
                command.answers.entry(node).or_insert(Said::Down);
            }
            self.look(number, now);
        }
    }

    /// The time passes.
    pub(crate) fn tick(&mut self, now: Mono) {
        let due: Vec<_> = self
            .commands
            .iter()
            .filter(|(_, command)| now >= command.until)
            .map(|(number, _)| *number)
            .collect();
        for number in due {
            self.look(number, now);
        }
    }

    /// When it wants to be looked at again.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.commands.values().map(|command| command.until).min()
    }

    /// Commands that have ended since the last call.
    pub(crate) fn ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// Ends a command if everyone has answered or its time is over.
    fn look(&mut self, number: u64, now: Mono) {
        let is_over =
            |command: &Command| command.answers.len() == command.plan.told.len() || now >= command.until;
        if self.commands.get(&number).is_some_and(is_over) {
            let command = self.commands.remove(&number).expect("it was found");
            let silent = command
                .plan
                .told
                .iter()
                .filter(|node| !command.answers.contains_key(node))
                .copied()
                .collect();
            let result = command.failure().map_or_else(|| Ok(command.report(self.me)), Err);
            self.ended.push(Ended { asker: command.asker, result, silent });
        }
    }
}

impl Command {
    fn report(&self, me: NodeId) -> Report {
        let (mut cuts, mut delays) = (BTreeSet::new(), BTreeSet::new());
        let nodes = self.plan.told.iter().map(|&node| {
            let (answer, known) = match self.answers.get(&node) {
                None => ("silent", None),
                Some(Said::Down) => ("down", None),
                Some(Said::Answer(OrderAnswer::NotAllowed)) => ("not allowed", None),
                Some(Said::Answer(OrderAnswer::Obeyed(known))) => {
                    cuts.extend(known.cuts.iter().copied());
                    delays.extend(known.delays.iter().copied());
                    ("ok", Some(known.clone()))
                }
            };
            let Known { cuts, delays } = known.clone().unwrap_or_default();
            NodeReport {
                node,
                answer,
                cuts: known.is_some().then_some(cuts),
                delays: known.is_some().then_some(delays),
            }
        });
        let nodes = nodes.collect();
        let done = (self.wish != Wish::List).then(|| self.wish.to_string());
        let (cuts, delays) = (cuts.into_iter().collect(), delays.into_iter().collect());
        Report { node: me, done, cuts, delays, nodes }
    }

    /// Why it did not come to what was wished.
    fn failure(&self) -> Option<FaultError> {
        let who = |wanted: &dyn Fn(Option<&Said>) -> bool| -> Vec<NodeId> {
            self.plan.concerned.iter().filter(|node| wanted(self.answers.get(node))).copied().collect()
        };
        let silent = who(&|said| said.is_none());
        if !silent.is_empty() {
            let others = if self.plan.told.len() > silent.len() { "; the others have done it" } else { "" };
            return Some(FaultError::new(
                FaultErrorKind::Unanswered,
                format!(
                    "{} did not answer within {} s and may yet do it{others}: it may be paused, stopped or out of reach; look with `quartet fault list`, and repeat the command when it answers",
                    named(&silent),
                    PATIENCE.as_secs()
                ),
            ));
        }
        let refusing = who(&|said| said == Some(&Said::Answer(OrderAnswer::NotAllowed)));
        if !refusing.is_empty() {
            return Some(FaultError::new(
                FaultErrorKind::Partly,
                format!(
                    "{} was started without --allow-faults and takes no part; other nodes have done it: undo it with `quartet fault heal`, or start that node with --allow-faults",
                    named(&refusing)
                ),
            ));
        }
        let is_up = |node: &NodeId| matches!(self.answers.get(node), Some(Said::Answer(_)));
        match &self.plan.order {
            Order::Cut(directions) => {
                let loose = directions.iter().find(|cut| !is_up(&cut.from) && !is_up(&cut.to))?;
                let sentence = format!(
                    "{} are down, and a cut needs an end that runs: start one of them first",
                    named(&[loose.from, loose.to])
                );
                Some(FaultError::invalid(sentence))
            }
            // A node that is down delays nothing when it comes back; the report says that it is down. With nobody there is no delay at all.
            Order::Delay(_) => {
                let is_nobody = !self.plan.concerned.iter().any(is_up);
                let down: Vec<_> = self.plan.concerned.iter().copied().collect();
                let sentence = format!("{} are down, and a delay needs an end that runs", named(&down));
                is_nobody.then(|| FaultError::invalid(sentence))
            }
            Order::Pause(_) => {
                let down = self.plan.concerned.iter().find(|node| !is_up(node))?;
                Some(FaultError::invalid(format!("{} is down: there is nothing to pause", named(&[*down]))))
            }
            Order::Heal(_) | Order::HealAll | Order::Tell => None,
        }
    }
}

/// `node 1`, `nodes 1 and 2`, `nodes 1, 2 and 3`.
fn named(nodes: &[NodeId]) -> String {
    let texts: Vec<_> = nodes.iter().map(NodeId::to_string).collect();
    match texts.split_last() {
        Some((last, [])) => format!("node {last}"),
        Some((last, rest)) => format!("nodes {} and {last}", rest.join(", ")),
        None => "no node".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

    struct Story {
        desk: Desk,
        told: Vec<NodeId>,
        now: Mono,
    }

    impl Story {
        /// Node 1 is asked, and allows faults.
        fn begin(wish: Wish) -> Story {
            let mut story = Story { desk: Desk::new(NodeId(1)), told: Vec::new(), now: Mono::default() };
            let told = &mut story.told;
            let asker = Asker::Resp(ConnectionId(1), RequestId(1));
            story.desk.begin(asker, wish, &NODES.into(), true, story.now, |node, _, _| {
                told.push(node);
                (node == NodeId(1)).then(|| OrderAnswer::Obeyed(Known::default()))
            });
            story
        }

        fn obeys(&mut self, node: u64) {
            self.desk.answered(NodeId(node), 1, OrderAnswer::Obeyed(Known::default()), self.now);
        }

        fn end(&mut self) -> Option<Result<Report, FaultError>> {
            self.desk.ended().pop().map(|ended| ended.result)
        }

        fn failure(&mut self) -> FaultError {
            self.end().expect("it has ended").expect_err("it has failed")
        }
    }

    #[test]
    fn a_command_ends_when_everyone_has_answered_and_not_before() {
        let mut story = Story::begin(Wish::Cut(NodeId(1), NodeId(2)));
        assert_eq!(story.told, [NodeId(2), NodeId(3), NodeId(1)]);
        story.obeys(2);
        story.obeys(2);
        story.desk.answered(NodeId(9), 1, OrderAnswer::Obeyed(Known::default()), story.now);
        assert!(
            story.end().is_none(),
            "a bystander is waited for, so that orders do not overtake each other"
        );
        story.obeys(3);
        let report = story.end().expect("it has ended").expect("it is done");
        assert_eq!(report.done.as_deref(), Some("cut 1 2"));
        assert_eq!(report.nodes.len(), 3);
    }

    #[test]
    fn silence_is_unknown_where_it_matters_and_down_is_not_silence() {
        let mut story = Story::begin(Wish::Cut(NodeId(1), NodeId(2)));
        story.obeys(3);
        story.now = story.desk.deadline().expect("it waits");
        story.desk.tick(story.now);
        let failure = story.failure();
        assert_eq!(failure.kind, FaultErrorKind::Unanswered);
        assert!(failure.sentence.starts_with("node 2 did not answer"), "{}", failure.sentence);

        let mut story = Story::begin(Wish::Cut(NodeId(1), NodeId(2)));
        story.obeys(2);
        story.now = story.desk.deadline().expect("it waits");
        story.desk.tick(story.now);
        let report = story.end().expect("it has ended").expect("a bystander's silence is no failure");
        assert_eq!(report.nodes[2].answer, "silent");

        let mut story = Story::begin(Wish::Cut(NodeId(1), NodeId(2)));
        story.desk.is_down(NodeId(2), story.now);
        story.obeys(3);
        assert_eq!(story.end().expect("it has ended").expect("one end is enough").nodes[1].answer, "down");
    }

    #[test]
    fn a_cut_between_two_that_are_down_and_a_pause_of_one_are_refused() {
        let mut story = Story::begin(Wish::Cut(NodeId(2), NodeId(3)));
        story.desk.is_down(NodeId(2), story.now);
        story.desk.is_down(NodeId(3), story.now);
        assert!(story.failure().sentence.contains("nodes 2 and 3 are down"));
        let mut story = Story::begin(Wish::DelayPair(NodeId(2), NodeId(3), 10));
        story.desk.is_down(NodeId(2), story.now);
        story.desk.is_down(NodeId(3), story.now);
        assert!(story.failure().sentence.contains("nodes 2 and 3 are down"));
        let mut story = Story::begin(Wish::Pause(NodeId(2), 1));
        assert_eq!(story.told, [NodeId(2)]);
        story.desk.is_down(NodeId(2), story.now);
        assert!(story.failure().sentence.contains("nothing to pause"));
    }

    #[test]
    fn a_node_that_allows_no_faults_is_named() {
        let mut story = Story::begin(Wish::Isolate(NodeId(3)));
        story.obeys(2);
        story.desk.answered(NodeId(3), 1, OrderAnswer::NotAllowed, story.now);
        assert_eq!(story.failure().kind, FaultErrorKind::Partly);
        let mut desk = Desk::new(NodeId(1));
        let asker = Asker::Resp(ConnectionId(1), RequestId(1));
        desk.begin(asker, Wish::List, &NODES.into(), false, Mono::default(), |_, _, _| {
            panic!("nobody is told")
        });
        let error = desk.ended().pop().expect("it has ended").result.expect_err("refused");
        assert!(error.kind == FaultErrorKind::NotAllowed && error.sentence.contains("--allow-faults"));
    }
}
