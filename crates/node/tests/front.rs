//! The front alone: what it says to the nodes, and what its clients hear, without any shard behind it.
//!
//! Node 1 of three; every shard has its replicas on all of them. What the front sends to itself is taken off its loopback, and the test answers in the shards' place.

use bytes::Bytes;
use directory::address::Address;
use directory::founding::{Founder, FoundingSet};
use directory::routing::Routing;
use directory::state::DirectoryState;
use node::front_reads::AnsweredRead;
use node::outbox::Outbox;
use node::requests::{Answer, Front};
use proto::error::ErrorKind;
use proto::hlc::Timestamp;
use proto::ids::{ClusterId, ConnectionId, GroupId, Incarnation, NodeId, RequestId, ShardId, Term};
use proto::level::Level;
use proto::outcome::{Certificate, Outcome, State};
use proto::peer::{Demand, Message, Untaken, WhyNotTaken};
use proto::reply::Reply;
use proto::session::{Session, TokenKey};
use proto::tentative::{Dot, Dots, Fold, Origin};
use proto::time::Mono;
use std::collections::BTreeMap;

const ME: NodeId = NodeId(1);
const START: Incarnation = Incarnation(1);
const CLIENT: ConnectionId = ConnectionId(1);

struct Alone {
    now: Mono,
    front: Front,
    outbox: Outbox,
    routing: Routing,
    /// What the front has said to this node, and nobody has answered.
    said: Vec<Message>,
    answers: BTreeMap<u64, Answer>,
    next: u64,
}

fn dot(node: u64, number: u64) -> Dot {
    Dot { origin: Origin::first_of(NodeId(node)), number }
}

fn session(hlc: u64, dots: &[Dot]) -> Session {
    Session { hlc: Timestamp(hlc), dots: dots.iter().copied().collect() }
}

fn done() -> Outcome {
    Outcome::Done { reply: Reply::OK, certificate: Certificate::default() }
}

fn key() -> TokenKey {
    TokenKey::new(ClusterId([1; 16]), [2; 32])
}

impl Alone {
    fn new(leader: Option<NodeId>) -> Alone {
        let founder = |port: u16| Founder {
            id: u128::from(port),
            peer: Address::new("h", port),
            resp: Address::new("h", port + 1_000),
            http: Address::new("h", port + 2_000),
        };
        let mut routing = Routing::new(&DirectoryState::genesis(&FoundingSet {
            cluster: ClusterId([1; 16]),
            token_key: [2; 32],
            members: vec![founder(1), founder(2), founder(3)],
            replicas: 3,
            shards: 1,
        }));
        if let Some(leader) = leader {
            routing.learn_leader(ShardId(0).group(), Term(1), leader);
        }
        Alone {
            now: Mono(1_000_000_000),
            front: Front::new(ME, START, 1, key()),
            outbox: Outbox::new(ME),
            routing,
            said: Vec::new(),
            answers: BTreeMap::new(),
            next: 1,
        }
    }

    fn settle(&mut self) {
        loop {
            self.front.send(self.now, &self.routing, &mut self.outbox);
            let before = self.said.len();
            while let Some(message) = self.outbox.next_loopback() {
                self.said.push(message);
            }
            self.front.take_turns();
            let answers = self.front.take_answers(self.now, &self.routing);
            let is_still = answers.is_empty() && before == self.said.len();
            self.answers.extend(answers.into_iter().map(|answer| (answer.request.0, answer)));
            if is_still {
                return;
            }
        }
    }

    fn ask(&mut self, line: &str) -> u64 {
        let argv: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let body = proto::commands::parse_request(&argv).expect("a data command").request;
        let request = self.next;
        self.next += 1;
        self.front.request(CLIENT, RequestId(request), body, self.now, &self.routing);
        self.settle();
        request
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now.0 += 1_000_000;
            self.front.timers(self.now, &self.routing);
            self.settle();
        }
    }

    /// The weak writes that were handed to our own replica and not answered: numbers, and sessions.
    fn weak(&self) -> Vec<(u64, Option<Session>)> {
        let of = |message: &Message| match message {
            Message::ForwardTentative { id, session, .. } => Some((*id, session.clone())),
            _ => None,
        };
        self.said.iter().filter_map(of).collect()
    }

    fn take(&mut self, after: &Session, dot: Dot) {
        let (id, _) = self.weak()[0];
        self.said.retain(|message| !matches!(message, Message::ForwardTentative { id: of, .. } if *of == id));
        self.front.tentative_answered(ME, START, id, done(), after, Some(dot));
        self.settle();
    }

    fn refuse(&mut self, id: u64) {
        let (what, why) = (Untaken::Tentative(id), WhyNotTaken::Busy);
        self.front.not_taken(ME, true, ShardId(0).group(), START, what, why, self.now);
        self.said.retain(|message| !matches!(message, Message::ForwardTentative { id: of, .. } if *of == id));
        self.settle();
    }

    /// The strong writes that were handed to this node: their numbers and sessions.
    fn strong(&self) -> Vec<(GroupId, u64, Timestamp)> {
        let of = |message: &Message| match message {
            Message::ForwardWrite { group, forward } => {
                Some((*group, forward.position.number, forward.session))
            }
            _ => None,
        };
        self.said.iter().filter_map(of).collect()
    }

    /// The reads that were handed to a leader, the first to begin with.
    fn reads(&self) -> Vec<u64> {
        let of = |message: &Message| match message {
            Message::ForwardRead { id, demand: Demand::Everything { .. }, .. } => Some(*id),
            _ => None,
        };
        self.said.iter().filter_map(of).collect()
    }

    /// The leader answers a read from the state of `as_of`.
    fn show(&mut self, read: u64, as_of: u64) {
        let certificate = Certificate { as_of: Timestamp(as_of), ..Certificate::default() };
        let outcome = Outcome::Done { reply: Reply::OK, certificate };
        let (saw, state) = (session(as_of, &[]), State::Committed);
        self.front.read_answered(START, read, AnsweredRead { outcome, saw, state, age_ms: 0 });
        self.settle();
    }

    fn fold(&mut self, node: u64, number: u64, at: u64) {
        let fold = Fold { origin: Origin::first_of(NodeId(node)), number, at: Timestamp(at) };
        self.front.folded(fold, self.now, &self.routing);
        self.settle();
    }

    fn kind(&self, request: u64) -> Option<ErrorKind> {
        match &self.answers.get(&request)?.outcome {
            Outcome::Failed(failure) => Some(failure.kind),
            Outcome::Done { .. } => None,
        }
    }

    fn token(&mut self) -> Session {
        let request = self.ask("SESSION TOKEN");
        match &self.answers[&request].outcome {
            Outcome::Done { reply: Reply::Bulk(token), .. } => key().open(token).expect("genuine"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_weak_write_is_taken_here_and_its_session_knows_it() {
    let mut alone = Alone::new(None);
    let request = alone.ask("SET@causal k v");
    assert_eq!(alone.weak()[0].1, Some(Session::default()));
    alone.take(&session(5, &[dot(1, 1)]), dot(1, 1));
    let achieved = &alone.answers[&request].achieved;
    assert_eq!(
        (achieved.level, achieved.state, achieved.dot),
        (Level::Causal, State::Tentative, Some(dot(1, 1)))
    );
    assert!(achieved.dots.is_empty(), "it depends on nothing else");
    assert_eq!(alone.token(), session(5, &[dot(1, 1)]));
    alone.ask("SET@eventual k v");
    assert_eq!(alone.weak()[0].1, None, "an eventual one depends on nothing");
    alone.take(&Session::default(), dot(1, 2));
    assert_eq!(alone.token(), session(5, &[dot(1, 1)]), "and its session does not know it");
}

#[test]
fn a_strong_write_waits_until_its_session_is_decided() {
    let mut alone = Alone::new(Some(ME));
    alone.ask("SET@causal k v");
    alone.take(&session(5, &[dot(1, 1), dot(2, 7)]), dot(1, 1));
    let write = alone.ask("SET k w");
    let behind = alone.ask("GET@eventual k");
    assert!(alone.said.is_empty(), "what is behind it waits too");
    alone.fold(1, 1, 10);
    assert!(alone.strong().is_empty());
    alone.fold(2, 9, 20);
    assert_eq!(alone.strong()[0].2, Timestamp(20));
    let (group, number, _) = alone.strong()[0];
    let certificate = Certificate { as_of: Timestamp(30), ..Certificate::default() };
    let outcome = Outcome::Done { reply: Reply::OK, certificate };
    let dots: Dots = [dot(3, 4)].into_iter().collect();
    alone.front.write_answered(group, START, number, outcome, &dots, alone.now);
    alone.settle();
    assert!(alone.answers.contains_key(&write) && !alone.answers.contains_key(&behind));
    assert!(alone.said.iter().any(|message| matches!(
        message,
        Message::ForwardRead { demand: Demand::Nothing { max_staleness_ms: None }, .. }
    )));
}

#[test]
fn a_strong_write_whose_session_stays_undecided_is_no_quorum_at_its_deadline() {
    let mut alone = Alone::new(Some(ME));
    alone.ask("SET@causal k v");
    alone.take(&session(5, &[dot(2, 7)]), dot(1, 1));
    let write = alone.ask("WITH k sequential DEADLINE 50 DO SET k w");
    assert_eq!(alone.front.next_deadline(), Some(Mono(alone.now.0 + 50_000_000)));
    alone.pass(51);
    assert_eq!(alone.kind(write), Some(ErrorKind::NoQuorum));
    assert!(alone.strong().is_empty());
}

#[test]
fn a_write_whose_session_is_undecided_steps_down_in_time() {
    let mut alone = Alone::new(Some(ME));
    alone.ask("SET@causal k v");
    alone.take(&session(5, &[dot(1, 1)]), dot(1, 1));
    let write = alone.ask("WITH k linearizable;30ms,causal DO SET k w");
    alone.pass(29);
    assert!(alone.said.is_empty());
    alone.pass(2);
    assert_eq!(alone.weak()[0].1, Some(session(5, &[dot(1, 1)])));
    alone.take(&session(5, &[dot(1, 2)]), dot(1, 2));
    let achieved = &alone.answers[&write].achieved;
    assert_eq!(achieved.level, Level::Causal);
    assert_eq!(achieved.dots, [dot(1, 1)].into_iter().collect(), "its own dot is not what it depends on");
}

#[test]
fn a_write_steps_down_only_if_nobody_has_it() {
    let mut alone = Alone::new(None);
    let nobody = alone.ask("WITH k linearizable;30ms,causal DO INCR k");
    alone.pass(31);
    assert_eq!(alone.weak().len(), 1, "no leader is known");
    alone.take(&session(0, &[dot(1, 1)]), dot(1, 1));
    assert!(alone.answers.contains_key(&nobody));
    alone.fold(1, 1, 1);
    let mut alone = Alone::new(Some(ME));
    let somebody = alone.ask("WITH k linearizable;30ms,causal DEADLINE 100 DO INCR k");
    assert_eq!(alone.strong().len(), 1);
    alone.pass(101);
    assert!(alone.weak().is_empty());
    assert_eq!(alone.kind(somebody), Some(ErrorKind::Unknown));
}

#[test]
fn what_means_nothing_below_sequential_is_refused_before_anything_is_sent() {
    let mut alone = Alone::new(None);
    for line in
        ["SET@causal k v NX", "SPOP@eventual k", "FLUSHALL@eventual", "KEYS@causal *", "DBSIZE@causal"]
    {
        let request = alone.ask(line);
        assert_eq!(alone.kind(request), Some(ErrorKind::Level), "{line}");
    }
    let request = alone.ask("WITH k causal ACKS 4 DO SET k v");
    assert_eq!(alone.kind(request), Some(ErrorKind::Invalid), "there are three replicas");
    assert!(alone.said.is_empty());
}

#[test]
fn weak_writes_are_pipelined_and_everything_else_waits_for_them() {
    let mut alone = Alone::new(Some(ME));
    alone.ask("SET@causal k a");
    alone.ask("SET@causal k b");
    alone.ask("SET@eventual k c");
    alone.ask("GET k");
    assert_eq!(alone.weak().len(), 2);
    alone.take(&session(1, &[dot(1, 1)]), dot(1, 1));
    assert_eq!(alone.weak().len(), 1);
    alone.take(&session(1, &[dot(1, 2)]), dot(1, 2));
    assert_eq!(alone.weak()[0].1, None, "the eventual one goes on");
    assert_eq!(alone.said.len(), 1);
    alone.take(&Session::default(), dot(1, 3));
    let dots = match &alone.said[..] {
        [Message::ForwardRead { demand: Demand::Everything { dots, .. }, .. }] => dots.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(dots, [dot(1, 2)].into_iter().collect());
}

#[test]
fn a_refused_weak_write_is_tried_again_unless_another_went_behind_it() {
    let mut alone = Alone::new(None);
    let only = alone.ask("SET@causal k a");
    let (id, _) = alone.weak()[0].clone();
    alone.refuse(id);
    let next = alone.ask("SET@causal k b");
    assert!(alone.weak().is_empty());
    alone.pass(12);
    assert_eq!(alone.weak().len(), 1, "the second waits for the first");
    assert_ne!(alone.weak()[0].0, id);
    alone.take(&session(1, &[dot(1, 1)]), dot(1, 1));
    let (id, _) = alone.weak()[0].clone();
    let third = alone.ask("SET@causal k c");
    alone.refuse(id);
    assert_eq!(alone.kind(next), Some(ErrorKind::Retry));
    alone.take(&session(1, &[dot(1, 2)]), dot(1, 2));
    assert!(alone.kind(only).is_none() && alone.kind(third).is_none());
}

#[test]
fn a_causal_write_that_was_not_taken_goes_on_at_eventual() {
    let mut alone = Alone::new(None);
    let request = alone.ask("WITH k causal;40ms,eventual DO SET k v");
    let (id, _) = alone.weak()[0].clone();
    alone.said.clear();
    let behind = Outcome::Failed(proto::error::Failure::new(ErrorKind::Behind, "too far"));
    alone.front.tentative_answered(ME, START, id, behind, &Session::default(), None);
    alone.pass(41);
    assert_eq!(alone.weak()[0].1, None);
    alone.take(&Session::default(), dot(1, 1));
    assert_eq!(alone.answers[&request].achieved.level, Level::Eventual);
}

#[test]
fn a_session_never_becomes_wider_than_a_token() {
    let mut alone = Alone::new(None);
    let wide = |from: u64, to: u64| (from..=to).map(|node| dot(node, 1)).collect::<Vec<_>>();
    let token = |from, to| key().seal(&session(1, &wide(from, to)));
    let resume = alone.ask(&format!("SESSION RESUME {}.{}", token(1, 10), token(5, 14)));
    assert!(!alone.answers.contains_key(&resume));
    for node in 1..=3 {
        alone.fold(node, 1, 9);
    }
    assert!(alone.answers.contains_key(&resume));
    assert_eq!(alone.token(), session(9, &wide(4, 14)));
    let taken = alone.ask("SET@causal k v");
    alone.take(&session(9, &wide(20, 21)), dot(20, 1));
    assert!(!alone.answers.contains_key(&taken), "kept until there is room");
    alone.fold(4, 1, 10);
    assert!(alone.answers.contains_key(&taken));
    assert_eq!(alone.token().dots.len(), 12);
    let full = alone.ask("WITH k causal DEADLINE 20 DO SET k v");
    assert!(alone.weak().is_empty());
    alone.pass(21);
    assert_eq!(alone.kind(full), Some(ErrorKind::Behind));
}

#[test]
fn nothing_is_answered_unknown_that_was_never_handed_over() {
    let mut alone = Alone::new(None);
    let handed = alone.ask("WITH k causal DEADLINE 50 DO SET k v");
    alone.pass(51);
    assert_eq!(alone.kind(handed), Some(ErrorKind::Unknown));
    let refused = alone.ask("WITH k eventual DEADLINE 50 DO SET k v");
    while let Some((id, _)) = alone.weak().last().cloned().filter(|_| alone.kind(refused).is_none()) {
        alone.refuse(id);
        alone.pass(5);
        if alone.now.0 > 1_200_000_000 {
            break;
        }
        if alone.weak().is_empty() {
            alone.pass(6);
        }
    }
    alone.pass(60);
    assert_eq!(alone.kind(refused), Some(ErrorKind::NoQuorum));
}

#[test]
fn pipelined_reads_show_states_in_the_order_in_which_they_were_asked() {
    let mut alone = Alone::new(Some(ME));
    let [first, second, third] = ["GET k", "GET k", "GET k"].map(|line| alone.ask(line));
    let asked = alone.reads();
    assert_eq!(asked.len(), 3, "all are under way at once");
    alone.show(asked[1], 20);
    assert!(alone.answers.is_empty(), "the one before it has no answer yet");
    alone.show(asked[0], 30);
    assert!(alone.answers.contains_key(&first) && !alone.answers.contains_key(&second));
    let again = alone.reads();
    assert_eq!(again.len(), 4, "what shows less than the one before it is asked for again");
    alone.show(asked[2], 40);
    assert!(!alone.answers.contains_key(&third));
    alone.show(again[3], 35);
    assert!(alone.answers.contains_key(&second) && alone.answers.contains_key(&third));
    let [lost, last] = ["WITH k linearizable DEADLINE 50 DO GET k", "GET k"].map(|line| alone.ask(line));
    let asked = alone.reads();
    alone.show(asked[5], 50);
    alone.pass(51);
    assert_eq!(alone.kind(lost), Some(ErrorKind::NoQuorum));
    assert!(alone.answers.contains_key(&last), "nobody waits for an answer that will not come");
}

#[test]
fn answers_that_became_too_old_are_asked_for_again_together() {
    let mut alone = Alone::new(Some(ME));
    let requests = ["GET k"; 4].map(|line| alone.ask(line));
    let asked = alone.reads();
    for read in &asked[1..] {
        alone.show(*read, 20);
    }
    alone.show(asked[0], 30);
    let again = alone.reads();
    assert_eq!(again.len(), 7);
    again[4..].iter().for_each(|read| alone.show(*read, 30));
    assert!(requests.iter().all(|request| alone.answers.contains_key(request)));
}

#[test]
fn a_read_without_answer_takes_none_of_those_behind_it_along() {
    let mut alone = Alone::new(Some(ME));
    let requests = ["WITH k linearizable DEADLINE 50 DO GET k"; 3].map(|line| alone.ask(line));
    let asked = alone.reads();
    alone.show(asked[1], 20);
    alone.show(asked[2], 20);
    alone.pass(51);
    assert_eq!(requests.map(|request| alone.kind(request)), [Some(ErrorKind::NoQuorum), None, None]);
    let done = |request: &u64| matches!(alone.answers[request].outcome, Outcome::Done { .. });
    assert!(requests[1..].iter().all(done), "they had the same deadline, and their answers");
}

#[test]
fn what_a_closed_connection_read_early_is_forgotten() {
    let mut alone = Alone::new(Some(ME));
    for line in ["GET k"; 2] {
        alone.ask(line);
    }
    let asked = alone.reads();
    alone.show(asked[1], 20);
    alone.front.close(CLIENT);
    alone.settle();
    assert_eq!(alone.front.under_way(), 1, "only what has no answer");
}
