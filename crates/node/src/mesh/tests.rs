//! Small clusters of meshes that pass each other's words on, without anything else of a node.

use super::*;

const INTERVAL: Duration = Duration::from_millis(100);
const SILENCE: Duration = Duration::from_millis(1_000);

/// Meshes in steps of 10 ms; words arrive in the next step, unless their direction is cut.
struct World {
    now: Mono,
    meshes: BTreeMap<NodeId, Mesh>,
    cut: BTreeSet<(u64, u64)>,
    on_the_way: Vec<(NodeId, NodeId, Vec<LinkState>)>,
    words: usize,
}

impl World {
    fn new(nodes: u64) -> World {
        let ids = || (1..=nodes).map(NodeId);
        let now = Mono(1_000_000_000);
        let mut meshes: BTreeMap<NodeId, Mesh> =
            ids().map(|id| (id, Mesh::new(id, Incarnation(1), INTERVAL, SILENCE))).collect();
        for (id, mesh) in &mut meshes {
            ids().filter(|peer| peer != id).for_each(|peer| mesh.set_linked(peer, true, now));
        }
        World { now, meshes, cut: BTreeSet::new(), on_the_way: Vec::new(), words: 0 }
    }

    fn cut(&mut self, pairs: &[(u64, u64)]) {
        for (a, b) in pairs {
            self.cut.extend([(*a, *b), (*b, *a)]);
        }
    }

    fn post(&mut self, from: NodeId, nodes: &[NodeId]) {
        let mesh = self.meshes.get_mut(&from).expect("a node");
        let own = mesh.tell(self.now);
        for (peer, mut states) in self.meshes[&from].pass_on(nodes) {
            states.push(own.clone());
            self.words += states.len();
            if !self.cut.contains(&(from.0, peer.0)) {
                self.on_the_way.push((from, peer, states));
            }
        }
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.now = self.now + Duration::from_millis(10);
            for (from, to, states) in std::mem::take(&mut self.on_the_way) {
                let mesh = self.meshes.get_mut(&to).expect("a node");
                mesh.heard(from, self.now);
                let news = mesh.learn(states, self.now, |_| true);
                if !news.is_empty() {
                    self.post(to, &news);
                }
            }
            let is_round = (self.now.0 / 10_000_000).is_multiple_of(10);
            for id in self.meshes.keys().copied().collect::<Vec<_>>() {
                let mesh = self.meshes.get_mut(&id).expect("a node");
                let (_, hears_others) = mesh.look(self.now);
                if is_round || hears_others {
                    let fresh = mesh.fresh();
                    self.post(id, &fresh);
                }
            }
        }
    }

    /// The way of a frame, as each node on it would pass it on; ends where somebody knows no further.
    fn way(&self, from: u64, to: u64) -> Vec<u64> {
        let (mut at, mut came_from) = (NodeId(from), NodeId(from));
        let mut way = vec![from];
        while at.0 != to && way.len() <= self.meshes.len() {
            let Some(hop) = self.meshes[&at].relay(NodeId(to), came_from) else { break };
            if self.cut.contains(&(at.0, hop.0)) {
                break;
            }
            (came_from, at) = (at, hop);
            way.push(at.0);
        }
        way
    }

    fn all_arrive(&self) -> bool {
        let nodes = self.meshes.len() as u64;
        (1..=nodes).all(|from| (1..=nodes).all(|to| self.way(from, to).last() == Some(&to)))
    }
}

fn pairs_without(nodes: u64, kept: impl Fn(u64, u64) -> bool) -> Vec<(u64, u64)> {
    (1..=nodes).flat_map(|a| (a + 1..=nodes).map(move |b| (a, b))).filter(|(a, b)| !kept(*a, *b)).collect()
}

#[test]
fn in_a_whole_mesh_every_frame_goes_straight_and_nobody_passes_anything_on() {
    let mut world = World::new(5);
    world.run(1_000);
    assert!((1..=5).all(|from| (1..=5).all(|to| world.way(from, to).len() <= 2)));
    world.words = 0;
    world.run(1_000);
    assert_eq!(world.words, 5 * 4 * 10, "own words only, ten a second to each peer");
}

#[test]
fn a_broken_link_is_routed_around_within_half_a_second_and_taken_again_when_it_works() {
    let mut world = World::new(3);
    world.run(1_000);
    world.cut(&[(1, 3)]);
    world.run(500);
    assert_eq!((world.way(1, 3), world.way(3, 1)), (vec![1, 2, 3], vec![3, 2, 1]));
    world.cut.clear();
    world.run(500);
    assert_eq!((world.way(1, 3), world.way(3, 1)), (vec![1, 3], vec![3, 1]));
}

#[test]
fn every_connected_shape_of_three_to_seven_nodes_is_whole_again_within_a_second() {
    for nodes in [3, 5, 7] {
        type Kept = fn(u64, u64, u64) -> bool;
        let shapes: [(&str, Kept); 4] = [
            ("a hub", |_, a, b| a == 2 || b == 2),
            ("a chain", |_, a, b| b - a == 1),
            ("a ring", |n, a, b| b - a == 1 || b - a == n - 1),
            ("a bridge", |n, a, b| (a <= n / 2 + 1) == (b <= n / 2 + 1) || a == n / 2 + 1 || b == n / 2 + 1),
        ];
        for (name, kept) in shapes {
            let mut world = World::new(nodes);
            world.run(1_000);
            world.cut(&pairs_without(nodes, |a, b| kept(nodes, a, b)));
            world.run(1_000);
            assert!(world.all_arrive(), "{name} of {nodes}");
        }
    }
}

#[test]
fn one_direction_that_is_cut_is_gone_around_and_the_other_stays() {
    let mut world = World::new(3);
    world.run(1_000);
    world.cut.insert((1, 2));
    world.run(600);
    assert_eq!((world.way(1, 2), world.way(2, 1)), (vec![1, 3, 2], vec![2, 1]));
}

#[test]
fn a_node_that_is_cut_off_has_no_way_to_anybody_and_is_back_soon_after() {
    let mut world = World::new(5);
    world.run(1_000);
    world.cut(&[(1, 5), (2, 5), (3, 5), (4, 5)]);
    world.run(1_500);
    for node in 1..=4 {
        world.meshes.get_mut(&NodeId(node)).expect("a node").set_linked(NodeId(5), false, world.now);
    }
    world.run(10);
    assert!((1..=4).all(|node| world.way(node, 5) == [node]));
    for node in 1..=4 {
        world.meshes.get_mut(&NodeId(node)).expect("a node").set_linked(NodeId(5), true, world.now);
    }
    world.cut.clear();
    world.run(600);
    assert!(world.all_arrive());
}

#[test]
fn an_earlier_start_s_word_and_a_stranger_s_are_not_believed() {
    let mut mesh = Mesh::new(NodeId(1), Incarnation(1), INTERVAL, SILENCE);
    let now = Mono(1_000_000_000);
    let state = |node, incarnation, number, hears: &[u64]| LinkState {
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
        number,
        hears: hears.iter().map(|peer| (NodeId(*peer), 0)).collect(),
    };
    let is_member = |node: NodeId| node.0 <= 3;
    assert_eq!(mesh.learn(vec![state(2, 2, 1, &[1])], now, is_member), [NodeId(2)]);
    assert_eq!(mesh.learn(vec![state(2, 1, 9, &[])], now, is_member), []);
    assert_eq!(mesh.learn(vec![state(2, 2, 1, &[])], now, is_member), []);
    assert_eq!(mesh.learn(vec![state(9, 1, 1, &[1]), state(1, 9, 9, &[])], now, is_member), []);
    assert_eq!(mesh.heard_by(NodeId(2)), [(NodeId(1), 0)]);
}
