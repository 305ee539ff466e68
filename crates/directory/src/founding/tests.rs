//! A small world of founders: links that lose, double, reorder and break; nodes that crash at any moment, come back, or lose their disks.
//!
//! Each seed draws everything. Safety is judged at every step, liveness after the links have healed and all nodes live.

use super::*;
use crate::address::Address;
use crate::state::DirectoryState;
use proto::ids::{ClusterId, NodeId};
use proto::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

const TICK_MS: u64 = 100;

struct Node {
    address: Address,
    /// Kept on disk.
    id: u128,
    stored: Option<StoredFounding>,
    /// Running state; `None` while down.
    running: Option<Founding>,
    /// Asked to be stored, not yet durable.
    storing: Option<StoredFounding>,
    founded: Option<FoundingSet>,
    refused: Option<String>,
    waiting: String,
    waiting_said_ms: Vec<u64>,
}

struct World {
    random: Random,
    now_ms: u64,
    wanted: Wanted,
    joins: Vec<Vec<Address>>,
    nodes: Vec<Node>,
    /// When, from which node, to which address, what.
    wire: Vec<(u64, usize, Address, Vec<u8>)>,
    cut: BTreeSet<(usize, usize)>,
    loss: u64,
    doubling: u64,
    delay_ms: u64,
    /// Every durable confirmation there ever was.
    confirmations: BTreeMap<u128, FoundingSet>,
    founded: Vec<FoundingSet>,
    /// Founder ids whose disks are gone.
    wiped: BTreeSet<u128>,
    /// Further names of node 0's address.
    names_of_first: Vec<Address>,
}

fn at(port: u16) -> Address {
    Address::new("10.0.0.1", port)
}

fn founder(id: u128, peer: &Address) -> Founder {
    Founder {
        id,
        peer: peer.clone(),
        resp: Address::new(peer.host.clone(), peer.port + 100),
        http: Address::new(peer.host.clone(), peer.port + 200),
    }
}

impl World {
    fn new(seed: u64, count: usize, expect: usize) -> World {
        let mut random = Random(seed);
        let mut ports: Vec<u16> = (0..count).map(|at| 995 + 3 * u16::try_from(at).unwrap()).collect();
        for at in (1..ports.len()).rev() {
            ports.swap(at, random.below(at as u64 + 1) as usize);
        }
        let nodes: Vec<Node> = ports
            .iter()
            .map(|&port| Node {
                address: at(port),
                id: u128::from(random.next()) << 64 | u128::from(random.next()),
                stored: None,
                running: None,
                storing: None,
                founded: None,
                refused: None,
                waiting: String::new(),
                waiting_said_ms: Vec::new(),
            })
            .collect();
        // Either everybody knows everybody, or a chain or star in which each knows one other.
        let shape = random.below(3);
        let joins = (0..count)
            .map(|me| match shape {
                0 => nodes.iter().map(|node| node.address.clone()).collect(),
                1 => vec![nodes[(me + 1) % count].address.clone()],
                _ => vec![nodes[0].address.clone()],
            })
            .collect();
        World {
            random,
            now_ms: 5_000,
            wanted: Wanted { expect, join: Vec::new(), replicas: 3, shards: 8 },
            joins,
            nodes,
            wire: Vec::new(),
            cut: BTreeSet::new(),
            loss: 0,
            doubling: 0,
            delay_ms: 20,
            confirmations: BTreeMap::new(),
            founded: Vec::new(),
            wiped: BTreeSet::new(),
            names_of_first: Vec::new(),
        }
    }

    fn start(&mut self, at: usize) {
        let wanted = Wanted { join: self.joins[at].clone(), ..self.wanted.clone() };
        self.start_with(at, wanted);
    }

    fn start_with(&mut self, at: usize, wanted: Wanted) {
        let mut drawn = Drawn { cluster: ClusterId::default(), token_key: [0; 32] };
        for byte in drawn.cluster.0.iter_mut().chain(&mut drawn.token_key) {
            *byte = self.random.next() as u8;
        }
        let node = &mut self.nodes[at];
        // What is stored goes through its bytes, as on a real disk.
        let stored = node.stored.as_ref().map(|stored| StoredFounding::decode(&stored.encode()).unwrap());
        node.running = Some(Founding::new(founder(node.id, &node.address), wanted, drawn, stored));
        node.storing = None;
        node.founded = None;
        node.refused = None;
        node.waiting.clear();
        node.waiting_said_ms.clear();
    }

    fn crash(&mut self, at: usize) {
        let becomes_durable = self.random.percent(50);
        if let Some(storing) = self.nodes[at].storing.take()
            && becomes_durable
        {
            self.make_durable(at, storing);
        }
        self.nodes[at].running = None;
    }

    fn wipe(&mut self, at: usize) {
        self.crash(at);
        let fresh = u128::from(self.random.next());
        let node = &mut self.nodes[at];
        self.wiped.insert(std::mem::replace(&mut node.id, fresh));
        node.stored = None;
    }

    fn make_durable(&mut self, at: usize, what: StoredFounding) {
        let node = &mut self.nodes[at];
        let former = self.confirmations.insert(node.id, what.set.clone());
        assert!(former.is_none_or(|former| former == what.set), "one data folder confirmed two sets");
        assert_eq!(
            what.set.member(node.id),
            Some(&founder(node.id, &node.address)),
            "confirmed a set without itself"
        );
        node.stored = Some(what);
    }

    fn step(&mut self, at: usize, input: Input) {
        let now = Mono(self.now_ms * 1_000_000);
        let Some(running) = &mut self.nodes[at].running else { return };
        running.step(now, input);
        while let Some(output) = self.nodes[at].running.as_mut().and_then(Founding::drain) {
            assert!(self.nodes[at].refused.is_none(), "said something after it refused");
            match output {
                Output::Send { to, message } => self.post(at, to, &message),
                Output::Store(what) => {
                    assert!(self.nodes[at].storing.is_none(), "two things to store at once");
                    self.nodes[at].storing = Some(what);
                }
                Output::Founded(set) => self.judge_founded(at, set),
                Output::Waiting(sentence) => {
                    assert!(sentence.ends_with('.') && sentence != self.nodes[at].waiting);
                    self.nodes[at].waiting = sentence;
                    let now_ms = self.now_ms;
                    let said = &mut self.nodes[at].waiting_said_ms;
                    assert!(
                        said.last().is_none_or(|last| now_ms - last >= 1_000),
                        "talks more than once a second"
                    );
                    said.push(now_ms);
                }
                Output::Refused(why) => {
                    assert!(self.nodes[at].founded.is_none(), "refused after it had founded: {why}");
                    self.nodes[at].refused = Some(why);
                }
            }
        }
    }

    /// Safety: everybody confirmed it, durably, and no data folder is in two founded sets.
    fn judge_founded(&mut self, at: usize, set: FoundingSet) {
        assert_eq!(
            self.nodes[at].stored,
            Some(StoredFounding { set: set.clone(), founded: true }),
            "founded, but not on disk"
        );
        for member in &set.members {
            assert_eq!(
                self.confirmations.get(&member.id),
                Some(&set),
                "{} is in a set that it never confirmed",
                member.peer
            );
        }
        for other in self.founded.iter().filter(|other| **other != set) {
            let shared = other.members.iter().find(|member| set.member(member.id).is_some());
            assert!(shared.is_none(), "two founded sets share {shared:?}");
            let common_address = other.members.iter().any(|a| set.members.iter().any(|b| a.peer == b.peer));
            assert!(common_address || self.nodes.len() >= 2 * self.wanted.expect, "two clusters");
        }
        self.nodes[at].founded = Some(set.clone());
        if !self.founded.contains(&set) {
            self.founded.push(set);
        }
    }

    fn post(&mut self, from: usize, to: Address, message: &FoundingMessage) {
        let bytes = message.encode();
        assert_eq!(FoundingMessage::decode(&bytes).as_ref(), Ok(message));
        if self.random.percent(self.loss) {
            return;
        }
        for _ in 0..=u64::from(self.random.percent(self.doubling)) {
            let due = self.now_ms + 1 + self.random.below(self.delay_ms);
            self.wire.push((due, from, to.clone(), bytes.to_vec()));
        }
    }

    fn node_at(&self, address: &Address) -> Option<usize> {
        if self.names_of_first.contains(address) {
            return Some(0);
        }
        self.nodes.iter().position(|node| node.address == *address)
    }

    /// A tenth of a second for everyone.
    fn tick(&mut self) {
        self.now_ms += TICK_MS;
        let now_ms = self.now_ms;
        let (mut due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.wire).into_iter().partition(|m| m.0 <= now_ms);
        self.wire = rest;
        due.sort_by_key(|message| message.0);
        for (_, from, to, bytes) in due {
            let Some(to) = self.node_at(&to) else { continue };
            if !self.cut.contains(&(from, to)) {
                self.step(to, Input::Message(FoundingMessage::decode(&bytes).unwrap()));
            }
        }
        for at in 0..self.nodes.len() {
            self.step(at, Input::Tick);
            if self.nodes[at].running.is_some()
                && self.random.percent(70)
                && let Some(what) = self.nodes[at].storing.take()
            {
                self.make_durable(at, what);
                self.step(at, Input::Stored);
            }
        }
    }

    fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.tick();
        }
    }

    fn start_all(&mut self) {
        for at in 0..self.nodes.len() {
            self.start(at);
        }
    }

    fn hurt(&mut self, wipes: bool) {
        let count = self.nodes.len() as u64;
        let at = self.random.below(count) as usize;
        match self.random.below(100) {
            0..=5 => self.crash(at),
            6..=15 if self.nodes[at].running.is_none() => self.start(at),
            16..=17 if wipes => self.wipe(at),
            18..=22 => {
                let other = self.random.below(count) as usize;
                self.cut.insert((at, other));
            }
            23..=27 => {
                self.cut.pop_first();
            }
            28 => self.cut.clear(),
            _ => {}
        }
    }

    fn heal(&mut self) {
        self.cut.clear();
        (self.loss, self.doubling, self.delay_ms) = (0, 0, 20);
        for at in 0..self.nodes.len() {
            if self.nodes[at].running.is_none() {
                self.start(at);
            }
        }
    }

    fn start_refused(&mut self) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].refused.is_some() {
                self.start(at);
            }
        }
    }

    /// Somebody's confirmed set needs a disk that is gone.
    fn is_stuck(&self) -> bool {
        let live = self.nodes.iter().filter_map(|node| node.stored.as_ref());
        live.into_iter().any(|stored| stored.set.members.iter().any(|member| self.wiped.contains(&member.id)))
    }
}

fn storm(seed: u64, wipes: bool, extra: usize) -> World {
    let mut random = Random(seed ^ 0xf0);
    let expect = 1 + random.below(6) as usize;
    let mut world = World::new(
        seed,
        expect + if extra > 0 { 1 + random.below(extra as u64) as usize } else { 0 },
        expect,
    );
    world.loss = random.below(50);
    world.doubling = random.below(30);
    world.delay_ms = 1 + random.below(1_500);
    for _ in 0..random.below(150) {
        world.hurt(wipes);
        world.tick();
    }
    world.heal();
    world
}

#[test]
fn through_loss_and_crashes_n_nodes_found_exactly_one_cluster() {
    crashes(0..500);
}

fn crashes(seeds: Range<u64>) {
    for seed in seeds {
        let mut world = storm(seed, false, 0);
        world.run(80);
        assert_eq!(
            world.founded.len(),
            1,
            "seed {seed}: {:?}",
            world.nodes.iter().map(|n| &n.waiting).collect::<Vec<_>>()
        );
        for node in &world.nodes {
            assert_eq!(
                node.founded.as_ref(),
                world.founded.first(),
                "seed {seed}: {} {:?}",
                node.waiting,
                node.refused
            );
        }
    }
}

#[test]
fn lost_disks_never_make_two_clusters_and_are_named() {
    lost_disks(0..500);
}

fn lost_disks(seeds: Range<u64>) {
    let (mut founded, mut stuck) = (0, 0);
    for seed in seeds {
        let mut world = storm(seed, true, 0);
        world.run(80);
        // Words of a cluster whose disks are all gone may still have been under way, and refused somebody: people start it again.
        world.start_refused();
        world.run(80);
        if world.is_stuck() {
            stuck += 1;
            for node in &world.nodes {
                let said = node.refused.as_ref().unwrap_or(&node.waiting);
                assert!(
                    node.founded.is_some()
                        || said.contains("empty")
                        || said.contains("data folder")
                        || said.contains("--join"),
                    "seed {seed}: {} is stuck and does not say what to do: {said:?}",
                    node.address
                );
            }
        } else {
            founded += 1;
            for node in &world.nodes {
                let set = node.founded.as_ref();
                assert!(
                    set.is_some() && set == world.founded.last(),
                    "seed {seed}: {} {} {:?} {:?} founded {}",
                    node.address,
                    node.waiting,
                    node.refused,
                    set,
                    world.founded.len()
                );
            }
        }
    }
    assert!(
        founded > stuck && stuck * 100 > founded,
        "the storm is too mild or too wild: {founded} founded, {stuck} stuck"
    );
}

#[test]
fn with_more_nodes_than_expected_all_but_n_are_refused() {
    more_nodes(0..500);
}

fn more_nodes(seeds: Range<u64>) {
    let (mut founded, mut stuck) = (0, 0);
    for seed in seeds {
        let mut world = storm(seed, false, 3);
        world.run(80);
        let inside = world.nodes.iter().filter(|node| node.founded.is_some()).count();
        if inside == 0 {
            stuck += 1;
            assert!(world.nodes.iter().all(|node| !node.waiting.is_empty()), "seed {seed}");
        } else {
            founded += 1;
            assert_eq!(inside, world.wanted.expect * world.founded.len(), "seed {seed}");
            // Who knows only nodes that are gone waits: nobody is there to refuse it.
            for node in world.nodes.iter().filter(|node| node.founded.is_none() && node.refused.is_none()) {
                let said = &node.waiting;
                assert!(!said.is_empty(), "seed {seed}: {} does not say why it waits", node.address);
            }
        }
    }
    assert!(stuck * 50 < founded, "{founded} founded, {stuck} stuck");
}

#[test]
#[ignore = "a soak of minutes: cargo test --release -p directory -- --ignored"]
fn twenty_thousand_further_storms_of_each_kind() {
    crashes(500..20_500);
    lost_disks(500..20_500);
    more_nodes(500..20_500);
}

#[test]
fn in_quiet_weather_a_cluster_is_founded_within_three_seconds() {
    for count in 1..=9 {
        for seed in 0..20 {
            let mut world = World::new(seed, count, count);
            world.start_all();
            world.run(30);
            assert!(world.nodes.iter().all(|node| node.founded.is_some()), "{count} nodes, seed {seed}");
        }
    }
}

#[test]
fn a_node_alone_is_a_cluster_of_one_at_once() {
    let mut world = World::new(1, 1, 1);
    world.joins[0].clear();
    world.start(0);
    world.run(10);
    let set = world.nodes[0].founded.clone().unwrap();
    assert_eq!(set.node_id_of(world.nodes[0].id), Some(NodeId(1)));
    assert_eq!(DirectoryState::genesis(&set).members.len(), 1);
}

#[test]
fn a_founder_that_dies_founds_nothing_and_is_named() {
    let mut world = World::new(3, 3, 3);
    world.start(0);
    world.start(1);
    world.run(40);
    assert!(world.founded.is_empty());
    for at in [0, 1] {
        let waiting = &world.nodes[at].waiting;
        assert!(waiting.contains("3 nodes"), "{waiting}");
    }
    // It comes, all agree, and it dies before it can confirm.
    world.start(2);
    while world.confirmations.is_empty() {
        world.tick();
        world.nodes[2].storing = None;
    }
    world.nodes[2].running = None;
    world.run(60);
    assert!(world.founded.is_empty());
    let dead = world.nodes[2].address.to_string();
    assert!(world.nodes[..2].iter().all(|node| node.waiting.contains(&format!("No answer from {dead}"))));
    world.start(2);
    world.run(20);
    assert!(world.nodes.iter().all(|node| node.founded.is_some()));
}

#[test]
fn a_member_that_missed_the_founding_learns_it_after_its_restart() {
    let mut world = World::new(5, 3, 3);
    world.start_all();
    // Node 0 confirms, and hears no more.
    while world.nodes[0].stored.is_none() {
        world.tick();
    }
    world.cut.extend([(1, 0), (2, 0)]);
    world.run(30);
    assert!(
        world.nodes[0].founded.is_none()
            && world.nodes[1].founded.is_some()
            && world.nodes[2].founded.is_some()
    );
    world.crash(0);
    world.crash(1);
    world.cut.clear();
    world.run(100);
    world.start(0);
    world.run(10);
    assert_eq!(world.nodes[0].founded, world.nodes[2].founded);
    // A founded node says so at its next start, though nobody else is there.
    world.crash(0);
    world.crash(2);
    world.start(0);
    world.run(2);
    assert!(world.nodes[0].founded.is_some());
}

#[test]
fn a_newcomer_and_a_node_that_lost_its_disk_are_refused_by_a_founded_cluster() {
    let mut world = World::new(7, 4, 3);
    world.joins = vec![world.nodes.iter().map(|node| node.address.clone()).collect(); 4];
    for at in 0..3 {
        world.start(at);
    }
    world.run(30);
    let key = world.founded[0].token_key;
    world.start(3);
    world.run(10);
    assert!(
        world.nodes[3].refused.as_ref().unwrap().contains("without this node"),
        "{:?}",
        world.nodes[3].refused
    );
    world.wipe(1);
    world.start(1);
    world.run(2);
    let secret_told = world.wire.iter().any(|(.., bytes)| bytes.windows(32).any(|window| window == key));
    assert!(!secret_told, "the cluster's key was told to a node outside of it");
    world.run(10);
    assert!(
        world.nodes[1].refused.as_ref().unwrap().contains("another data folder"),
        "{:?}",
        world.nodes[1].refused
    );
}

#[test]
fn nobody_is_told_to_empty_folders_while_a_silent_member_may_serve() {
    let mut world = World::new(21, 5, 5);
    world.joins = vec![world.nodes.iter().map(|node| node.address.clone()).collect(); 5];
    world.start_all();
    while world.nodes[0].stored.is_none() {
        world.tick();
    }
    // Node 0 hears no more; the others found. Then one of them loses its disk and only it reaches node 0.
    world.cut.extend((1..5).map(|other| (other, 0)));
    world.run(30);
    assert!(world.nodes[0].founded.is_none() && world.nodes[1].founded.is_some());
    world.cut.clear();
    for other in 1..5 {
        world.crash(other);
    }
    world.wire.clear();
    world.wipe(4);
    world.start(4);
    world.run(40);
    let lost = world.nodes[4].address.to_string();
    let said = &world.nodes[0].waiting;
    assert!(
        said.contains(&format!("At {lost} another data folder")) && said.contains("they may know"),
        "{said}"
    );
    assert!(!said.contains("empty"), "{said}");
    assert!(!world.nodes[4].waiting.contains("empty"), "{}", world.nodes[4].waiting);
    world.start(1);
    world.run(20);
    assert!(world.nodes[0].founded.is_some());
}

#[test]
fn different_wishes_are_named_with_both_values() {
    for (wish, words) in [
        (
            Wanted { expect: 5, join: Vec::new(), replicas: 3, shards: 8 },
            "--bootstrap-expect 5, this node with 3",
        ),
        (Wanted { expect: 3, join: Vec::new(), replicas: 5, shards: 8 }, "--replicas 5, this node with 3"),
        (Wanted { expect: 3, join: Vec::new(), replicas: 3, shards: 9 }, "--shards 9, this node with 8"),
    ] {
        let mut world = World::new(9, 3, 3);
        world.start(0);
        world.start(1);
        let join = world.joins[2].clone();
        world.start_with(2, Wanted { join, ..wish });
        world.run(30);
        assert!(world.founded.is_empty());
        assert!(world.nodes[0].waiting.contains(words), "{}", world.nodes[0].waiting);
    }
}

#[test]
fn a_copied_data_folder_is_refused() {
    for seed in 0..50 {
        let mut world = World::new(seed, 3, 3);
        world.nodes[2].id = world.nodes[1].id;
        world.start_all();
        world.run(40);
        assert!(world.founded.is_empty());
        let mut refusals = world.nodes.iter().filter_map(|node| node.refused.as_ref()).peekable();
        assert!(refusals.peek().is_some(), "seed {seed}");
        assert!(refusals.all(|why| why.contains("copy of this data folder")));
    }
}

#[test]
fn other_names_of_a_node_are_seen_through() {
    let mut world = World::new(11, 3, 3);
    let names: Vec<Address> =
        ["alpha", "localhost", "0-first", "z"].iter().map(|name| Address::new(*name, 1)).collect();
    world.names_of_first.clone_from(&names);
    let others: Vec<Address> = world.nodes[1..].iter().map(|node| node.address.clone()).collect();
    world.joins = vec![names.iter().cloned().chain(others).collect(); 3];
    world.start_all();
    world.run(30);
    assert!(world.nodes.iter().all(|node| node.founded.is_some()), "{}", world.nodes[1].waiting);
}

#[test]
fn two_nodes_that_claim_one_address_are_told() {
    let mut world = World::new(13, 2, 2);
    world.joins = vec![vec![world.nodes[1].address.clone()], vec![world.nodes[0].address.clone()]];
    world.start(0);
    world.tick();
    let mut rival =
        world.wire.iter().map(|(.., bytes)| FoundingMessage::decode(bytes).unwrap()).next().unwrap();
    rival.founder.id ^= 1;
    for _ in 0..20 {
        world.step(0, Input::Message(rival.clone()));
        world.tick();
    }
    assert!(world.nodes[0].waiting.contains("address of its own"), "{}", world.nodes[0].waiting);
}

#[test]
fn hostile_bytes_are_refused_without_a_panic() {
    let mut world = World::new(15, 3, 3);
    world.start_all();
    let mut messages = Vec::new();
    for _ in 0..30 {
        world.tick();
        messages.extend(world.wire.iter().map(|(.., bytes)| bytes.clone()));
    }
    let stored = world.nodes[0].stored.clone().unwrap().encode().to_vec();
    let mut random = Random(15);
    for _ in 0..20_000 {
        let mut bytes = messages[random.below(messages.len() as u64) as usize].clone();
        let mut file = stored.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.next() as u8;
            let at = random.below(file.len() as u64) as usize;
            file[at] = random.next() as u8;
        }
        if random.percent(20) {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
            file.truncate(random.below(file.len() as u64) as usize);
        }
        let _ = FoundingMessage::decode(&bytes);
        let _ = StoredFounding::decode(&file);
        // The same with checksums made right, so that what lies behind them is tried too.
        if bytes.len() >= HEADER_BYTES {
            bytes[..8].copy_from_slice(b"QTB1\x01\0\0\0");
            let length = (bytes.len() - HEADER_BYTES) as u32;
            bytes[8..12].copy_from_slice(&length.to_le_bytes());
            let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[HEADER_BYTES..]);
            bytes[12..16].copy_from_slice(&sum.to_le_bytes());
            if let Ok(message) = FoundingMessage::decode(&bytes) {
                world.step(0, Input::Message(message));
            }
        }
        if file.len() > 5 {
            let sum = crc32c::crc32c(&file[5..]);
            file[..1].copy_from_slice(&[1]);
            file[1..5].copy_from_slice(&sum.to_le_bytes());
            let _ = StoredFounding::decode(&file);
        }
    }
    assert_eq!(FoundingMessage::decode(b"QTF1").unwrap_err(), MessageError::Magic);
    assert!(FoundingMessage::decode(b"GET / HTTP/1.1\r\n\r\n").is_err());
    assert_eq!(
        FoundingMessage::total_bytes(b"QTB1\x01\0\0\0\xff\xff\xff\xff\0\0\0\0"),
        Err(MessageError::Length)
    );
}
