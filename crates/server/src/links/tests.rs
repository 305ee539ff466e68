//! Links over real loopback sockets: who links with whom, what arrives, and what strangers can do.
//! Several nodes share one thread and take turns, so a test that hangs says so.

use super::*;
use crate::clock::Clock;
use crate::faults::{Delay, Direction, Known, Order};
use mio::{Events, Poll};
use proto::frame::Frame;
use proto::limits::MAX_LINK_QUEUE_BYTES;
use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

const WAKER: Token = Token(0);
const FIRST: usize = 1;
const CLUSTER: ClusterId = ClusterId([5; 16]);

/// One node's links with a loop of their own.
struct Node {
    poll: Poll,
    events: Events,
    links: Links,
    clock: Clock,
    at: SocketAddr,
    heard: Vec<LinkEvent>,
}

impl Node {
    fn new(secret: Option<&str>, clock: Clock) -> Node {
        let poll = Poll::new().expect("a poll");
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).expect("a waker"));
        let listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let at = listener.local_addr().expect("bound");
        let secret = secret.map(|text| Secret::new(text.into()));
        let metrics = Arc::new(Metrics::new());
        let links = Links::new(listener, secret, poll.registry(), FIRST, &waker, &metrics, Faults::new(true))
            .expect("links");
        Node { poll, events: Events::with_capacity(64), links, clock, at, heard: Vec::new() }
    }

    fn is(&mut self, node: u64, incarnation: u64) {
        self.links.set_me(Me {
            cluster: Some(CLUSTER),
            node: NodeId(node),
            incarnation: Incarnation(incarnation),
        });
    }

    fn member(&self, node: u64, incarnation: u64) -> Member {
        let at = Address::new("127.0.0.1", self.at.port());
        Member {
            node: NodeId(node),
            incarnation: Incarnation(incarnation),
            peer: at.clone(),
            resp: at.clone(),
            http: at,
        }
    }

    fn say(&mut self, to: NodeId, frame: Bytes) {
        let now = self.clock.mono();
        self.links.send(to, frame, now);
    }

    fn turn(&mut self) {
        self.poll.poll(&mut self.events, Some(Duration::from_millis(5))).expect("polled");
        for event in &self.events {
            if event.token() != WAKER {
                self.links.ready(event.token().0, event.into());
            }
        }
        let now = self.clock.mono();
        let mut scratch = vec![0; 4096];
        self.links.turn(self.poll.registry(), now, &mut scratch, &mut self.heard);
        self.links.flush(now);
    }
}

/// Lets everyone turn until something holds.
fn until(nodes: &mut [&mut Node], mut holds: impl FnMut(&mut [&mut Node]) -> bool) {
    let begun = Instant::now();
    while !holds(nodes) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not come to hold in time");
        nodes.iter_mut().for_each(|node| node.turn());
    }
}

fn is_up(node: &Node, peer: u64) -> bool {
    node.heard.iter().any(|event| matches!(event, LinkEvent::Up(up) if up.0 == peer))
}

fn pair(secrets: [Option<&str>; 2]) -> (Node, Node) {
    let clock = Clock::start();
    let (mut one, mut two) = (Node::new(secrets[0], clock), Node::new(secrets[1], clock));
    one.is(1, 1);
    two.is(2, 1);
    let members = [one.member(1, 1), two.member(2, 1)];
    let now = clock.mono();
    one.links.set_members(members.iter(), now);
    two.links.set_members(members.iter(), now);
    (one, two)
}

fn frame(from: u64, to: u64) -> Bytes {
    let frame = Frame {
        source: NodeId(from),
        destination: NodeId(to),
        hops_left: 1,
        first_sent_ms: 0,
        messages: Vec::new(),
    };
    frame.encode(0)
}

#[test]
fn members_link_up_and_frames_arrive_under_the_name_of_whoever_proved_itself() {
    let (mut one, mut two) = pair([Some("s"), Some("s")]);
    until(&mut [&mut one, &mut two], |nodes| is_up(nodes[0], 2) && is_up(nodes[1], 1));
    one.say(NodeId(2), frame(1, 2));
    one.say(NodeId(7), frame(1, 7)); // no such link: dropped
    let arrived = |node: &Node| {
        node.heard.iter().any(
            |event| matches!(event, LinkEvent::Frame { from: NodeId(1), bytes } if *bytes == frame(1, 2)),
        )
    };
    until(&mut [&mut one, &mut two], |nodes| arrived(nodes[1]));
    // A member that is gone takes its link with it, and the other side notices.
    let only = [one.member(1, 1)];
    let now = one.clock.mono();
    one.links.set_members(only.iter(), now);
    until(&mut [&mut one, &mut two], |nodes| {
        nodes[0].heard.iter().any(|event| matches!(event, LinkEvent::Down(NodeId(2))))
    });
}

#[test]
fn different_secrets_make_no_link() {
    let (mut one, mut two) = pair([Some("s"), Some("t")]);
    let begun = Instant::now();
    until(&mut [&mut one, &mut two], |_| begun.elapsed() > Duration::from_millis(300));
    assert!(!is_up(&one, 2) && !is_up(&two, 1));
}

#[test]
fn a_node_on_an_old_copy_of_its_folder_is_told_to_stop() {
    let clock = Clock::start();
    let (mut old, mut new) = (Node::new(None, clock), Node::new(None, clock));
    old.is(1, 3);
    new.is(2, 1);
    let members = [old.member(1, 4), new.member(2, 1)];
    let now = clock.mono();
    new.links.set_members(members.iter(), now);
    old.links.set_members(members[1..].iter(), now);
    until(&mut [&mut old, &mut new], |nodes| {
        nodes[0]
            .heard
            .iter()
            .any(|event| matches!(event, LinkEvent::Outdated(why) if why.contains("old copy")))
    });
    assert!(!is_up(&new, 1) && !is_up(&old, 2));
}

#[test]
fn nodes_of_two_clusters_do_not_link() {
    let (mut one, mut two) = pair([None, None]);
    two.links.set_me(Me { cluster: Some(ClusterId([6; 16])), node: NodeId(2), incarnation: Incarnation(1) });
    let members = [one.member(1, 1), two.member(2, 1)];
    let now = one.clock.mono();
    two.links.set_members(members.iter(), now);
    let begun = Instant::now();
    until(&mut [&mut one, &mut two], |_| begun.elapsed() > Duration::from_millis(300));
    assert!(!is_up(&one, 2) && !is_up(&two, 1));
}

#[test]
fn hostile_bytes_close_the_connection_and_strangers_stay_few() {
    let mut node = Node::new(None, Clock::start());
    node.is(1, 1);
    let mut hostile = std::net::TcpStream::connect(node.at).expect("connected");
    hostile.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("written");
    hostile.set_nonblocking(true).expect("set");
    until(
        &mut [&mut node],
        |_| !matches!(hostile.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock),
    );
    let silent: Vec<_> =
        (0..MAX_STRANGERS + 20).map(|_| std::net::TcpStream::connect(node.at).expect("connected")).collect();
    until(&mut [&mut node], |nodes| nodes[0].links.accepted.iter().flatten().count() >= MAX_STRANGERS);
    (0..20).for_each(|_| node.turn());
    assert_eq!(node.links.accepted.iter().flatten().count(), MAX_STRANGERS);
    // After the time limit they are gone.
    until(&mut [&mut node], |nodes| nodes[0].links.accepted.iter().flatten().count() == 0);
    drop(silent);
}

fn ups(node: &Node, peer: u64) -> usize {
    node.heard.iter().filter(|event| matches!(event, LinkEvent::Up(up) if up.0 == peer)).count()
}

fn frames(node: &Node) -> usize {
    node.heard.iter().filter(|event| matches!(event, LinkEvent::Frame { .. })).count()
}

/// A node's own clients order it.
fn obeys(node: &mut Node, order: &Order) {
    let (me, now) = (node.links.me.node, node.clock.mono());
    node.links.order(me, 0, order, now).expect("this node answers at once");
}

fn what_one_says_to_two() -> Order {
    Order::Cut(vec![Direction { from: NodeId(1), to: NodeId(2) }])
}

#[test]
fn a_cut_direction_carries_nothing_is_given_up_in_silence_and_comes_back() {
    // Either end enforces it alone.
    for knows in [[true, true], [true, false], [false, true]] {
        let (mut one, mut two) = pair([Some("s"), Some("s")]);
        until(&mut [&mut one, &mut two], |nodes| is_up(nodes[0], 2) && is_up(nodes[1], 1));
        for node in
            [&mut one, &mut two].into_iter().zip(knows).filter_map(|(node, knows)| knows.then_some(node))
        {
            obeys(node, &what_one_says_to_two());
        }
        let is_down =
            |node: &Node| node.heard.iter().any(|event| matches!(event, LinkEvent::Down(NodeId(2))));
        let begun = Instant::now();
        until(&mut [&mut one, &mut two], |nodes| {
            nodes[0].say(NodeId(2), frame(1, 2));
            nodes[1].say(NodeId(1), frame(2, 1));
            is_down(nodes[0])
        });
        assert!(begun.elapsed() > Duration::from_secs(1), "nobody tells a node that its link is cut");
        assert_eq!(frames(&two), 0, "{knows:?}");
        assert!(frames(&one) > 0, "the other way flows");
        let begun = Instant::now();
        until(&mut [&mut one, &mut two], |nodes| {
            nodes[1].say(NodeId(1), frame(2, 1));
            begun.elapsed() > Duration::from_millis(1500)
        });
        assert_eq!((ups(&one, 2), ups(&two, 1)), (1, 1), "no handshake passes, and the other way is whole");
        obeys(&mut one, &Order::HealAll);
        obeys(&mut two, &Order::HealAll);
        until(&mut [&mut one, &mut two], |nodes| ups(nodes[0], 2) == 2);
        one.say(NodeId(2), frame(1, 2));
        until(&mut [&mut one, &mut two], |nodes| frames(nodes[1]) == 1);
    }
}

#[test]
fn a_cut_that_is_healed_at_once_leaves_the_link_as_it_was() {
    let (mut one, mut two) = pair([None, None]);
    until(&mut [&mut one, &mut two], |nodes| is_up(nodes[0], 2) && is_up(nodes[1], 1));
    // Only the receiver drops, so that the frames are on their way.
    obeys(&mut two, &what_one_says_to_two());
    let begun = Instant::now();
    until(&mut [&mut one, &mut two], |nodes| {
        nodes[0].say(NodeId(2), frame(1, 2));
        begun.elapsed() > Duration::from_millis(200)
    });
    assert_eq!(frames(&two), 0);
    obeys(&mut two, &Order::HealAll);
    one.say(NodeId(2), frame(1, 2));
    until(&mut [&mut one, &mut two], |nodes| frames(nodes[1]) > 0);
    assert_eq!(ups(&one, 2), 1);
}

/// Lets both turn until two has heard `wanted` frames; how long that took.
fn until_heard(one: &mut Node, two: &mut Node, wanted: usize) -> Duration {
    let begun = Instant::now();
    until(&mut [one, two], |nodes| frames(nodes[1]) == wanted);
    begun.elapsed()
}

#[test]
fn a_slow_link_holds_each_frame_at_the_end_that_sends_and_a_healed_one_none() {
    let slow = Duration::from_millis(150);
    let order = Order::Delay(vec![Delay { nodes: [NodeId(1), NodeId(2)], ms: 150 }]);
    let (mut one, mut two) = pair([None, None]);
    until(&mut [&mut one, &mut two], |nodes| is_up(nodes[0], 2) && is_up(nodes[1], 1));
    // Both ends know it, as they do after a command; each holds what it says, and not what it hears.
    obeys(&mut one, &order);
    obeys(&mut two, &order);
    one.say(NodeId(2), frame(1, 2));
    one.say(NodeId(2), frame(1, 2));
    assert!(one.links.deadline(one.clock.mono()) <= one.clock.mono() + slow, "the loop wakes for it");
    assert!(until_heard(&mut one, &mut two, 2) >= slow);
    two.say(NodeId(1), frame(2, 1));
    assert!(until_heard(&mut two, &mut one, 1) >= slow);
    // The receiver alone holds nothing: what is said leaves at once.
    obeys(&mut one, &Order::HealAll);
    one.say(NodeId(2), frame(1, 2));
    one.turn();
    let held = |node: &Node| {
        node.links.outgoing.iter().flatten().map(|out| out.link.held.len_bytes()).sum::<usize>()
    };
    assert_eq!(held(&one), 0);
    until_heard(&mut one, &mut two, 3);
    // What is held when the delay ends leaves, before what is said later; a cut loses it.
    two.say(NodeId(1), frame(2, 1));
    two.turn();
    assert!(held(&two) > 0);
    obeys(&mut two, &Order::HealAll);
    two.turn();
    assert_eq!(held(&two), 0);
    until_heard(&mut two, &mut one, 2);
    obeys(&mut one, &order);
    one.say(NodeId(2), frame(1, 2));
    obeys(&mut one, &what_one_says_to_two());
    obeys(&mut one, &Order::HealAll);
    one.say(NodeId(2), frame(1, 2));
    until_heard(&mut one, &mut two, 4);
    assert_eq!((ups(&one, 2), ups(&two, 1)), (1, 1));
}

#[test]
fn what_a_slow_link_holds_counts_against_its_bound() {
    let (mut one, mut two) = pair([None, None]);
    until(&mut [&mut one, &mut two], |nodes| is_up(nodes[0], 2) && is_up(nodes[1], 1));
    obeys(&mut one, &Order::Delay(vec![Delay { nodes: [NodeId(1), NodeId(2)], ms: 1_000 }]));
    let large = Bytes::from(vec![0; MAX_LINK_QUEUE_BYTES / 4]); // shared, so it costs one quarter
    (0..6).for_each(|_| one.say(NodeId(2), large.clone()));
    let link = &one.links.outgoing.iter().flatten().next().expect("a link").link;
    assert_eq!(link.held.len_bytes() + link.queue.len_bytes(), MAX_LINK_QUEUE_BYTES);
}

#[test]
fn orders_pass_where_all_else_is_cut_and_a_node_where_nobody_listens_is_named() {
    let (mut one, mut two) = pair([Some("s"), Some("s")]);
    let both = [NodeId(1), NodeId(2)].map(|from| Direction { from, to: NodeId(3 - from.0) });
    obeys(&mut two, &Order::Cut(both.into()));
    let begun = Instant::now();
    until(&mut [&mut one, &mut two], |_| begun.elapsed() > Duration::from_millis(300));
    assert!(!is_up(&one, 2) && !is_up(&two, 1));
    let answer = |node: &Node, wanted: u64| {
        node.heard.iter().find_map(|event| match event {
            LinkEvent::FaultAnswer { from: NodeId(2), number, answer } if *number == wanted => {
                Some(answer.clone())
            }
            _ => None,
        })
    };
    let now = one.clock.mono();
    assert_eq!(one.links.order(NodeId(2), 7, &Order::Tell, now), None);
    one.links.order(NodeId(2), 8, &Order::HealAll, now);
    until(&mut [&mut one, &mut two], |nodes| answer(nodes[0], 8).is_some());
    assert_eq!(answer(&one, 7), Some(OrderAnswer::Obeyed(Known { cuts: both.into(), delays: vec![] })));
    assert_eq!(answer(&one, 8), Some(OrderAnswer::Obeyed(Known::default())));
    until(&mut [&mut one, &mut two], |nodes| is_up(nodes[0], 2) && is_up(nodes[1], 1));

    let mut gone = one.member(3, 1);
    gone.peer = Address::new("127.0.0.1", 1);
    let members = [one.member(1, 1), gone];
    one.links.set_members(members.iter(), now);
    one.links.order(NodeId(3), 9, &Order::Tell, now);
    until(&mut [&mut one], |nodes| {
        nodes[0].heard.iter().any(|event| matches!(event, LinkEvent::NobodyThere(NodeId(3))))
    });
}
