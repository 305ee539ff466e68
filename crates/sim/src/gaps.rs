//! How long writes stand still when links break: one cut in a calm world, and clients that do nothing but write.
//!
//! For each node and shard a client writes one key through that node, a new write twenty milliseconds after each answer. At second 10 the links are cut in some shape, at second 16 they heal. What counts is the longest span without an
//! acknowledged write of the slowest client, among those whose node is in a connected part of the cluster that has a majority. etcd is measured alike in `benches/partitions.sh`.
//!
//! Nothing is judged here but that (histories are `run`'s); what is drawn are distances, start times and who plays which part.

use crate::network::Shape;
use crate::params::Params;
use crate::schedule::{Instant, MILLISECOND, SECOND};
use crate::trace::TraceParams;
use crate::weak::WeakParams;
use crate::world::{Event, World, id_of};
use bytes::Bytes;
use node::io::Input;
use proto::command::{Command, Request};
use proto::ids::{ConnectionId, GroupId, RequestId, Term};
use proto::ops::{StringWrite, Write};
use proto::outcome::Outcome;
use proto::slots::slot_of;
use std::collections::BTreeMap;

/// Connections of writers are numbered from here, far from those of the workload.
const FIRST_CONNECTION: u64 = 1 << 40;
const STEP_NS: u64 = 2 * MILLISECOND;
const THINK_NS: u64 = 20 * MILLISECOND;
const CUT_AT: Instant = Instant(10 * SECOND);
const HEALED_AT: Instant = Instant(16 * SECOND);
const ENDS_AT: Instant = Instant(19 * SECOND);
/// A flapping link is down and up for so long.
const FLAP_NS: u64 = 250 * MILLISECOND;

/// How links are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// A shape that stays until it heals.
    Shape(Shape),
    /// The links between a leader and one other node are cut and mended all the time.
    Flapping,
}

impl Breakage {
    /// All that are measured, with their names.
    pub const ALL: [(&'static str, Breakage); 8] = [
        ("quorum loss", Breakage::Shape(Shape::QuorumLoss)),
        ("constrained election", Breakage::Shape(Shape::ConstrainedElection)),
        ("chained", Breakage::Shape(Shape::Chained)),
        ("one way", Breakage::Shape(Shape::OneWay)),
        ("bridge", Breakage::Shape(Shape::Bridge)),
        ("ring", Breakage::Shape(Shape::Ring)),
        ("isolate", Breakage::Shape(Shape::Isolate)),
        ("flapping", Breakage::Flapping),
    ];
}

/// What came of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Writers whose node was in a part with a majority.
    pub writers: usize,
    /// The longest span without an acknowledged write of the slowest of them, from the cut on, in nanoseconds.
    pub longest_ns: u64,
    /// By how much the terms rose, of the group whose term rose most, from the cut to the end.
    pub terms: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
}

/// One client.
struct Writer {
    node: usize,
    key: Bytes,
    requests: u64,
    under_way: bool,
    ask_at: Instant,
    last: Instant,
    longest_ns: u64,
}

/// All writers of a world.
pub(crate) struct Writers {
    writers: Vec<Writer>,
    acknowledged: u64,
}

impl Writers {
    /// Takes an answer if it is one of theirs.
    pub(crate) fn answered(&mut self, connection: ConnectionId, outcome: &Outcome, now: Instant) -> bool {
        let Some(index) = connection.0.checked_sub(FIRST_CONNECTION) else { return false };
        let writer = &mut self.writers[index as usize];
        writer.under_way = false;
        writer.ask_at = now.after(THINK_NS);
        if matches!(outcome, Outcome::Done { .. }) {
            writer.longest_ns = writer.longest_ns.max(now.0 - writer.last.0);
            writer.last = now;
            self.acknowledged += 1;
        }
        true
    }
}

/// A calm world of this size.
fn calm(seed: u64, nodes: usize, replicas: usize) -> Params {
    let mut params = Params::draw_with(seed, Some(0));
    params.nodes = nodes;
    params.replicas = replicas;
    params.shards = 2;
    params.founding_by_messages = false;
    params.network.latency_ns = MILLISECOND / 2;
    params.network.loss_ppm = 0;
    params.network.duplication_ppm = 0;
    params.network.reordering_ppm = 0;
    // TCP gives a silent connection up after seconds.
    params.network.notice_ns = 4 * SECOND;
    params.disk.sync_ns = MILLISECOND / 2;
    params.batch_ns = 50_000;
    params.drift_ppm = 50;
    params.wall_offset_ms = 5;
    params.memory_limit_bytes = None;
    params.workload.clients = 0;
    params.workload.weak = WeakParams::default();
    params
}

/// Breaks links of one world and measures.
pub fn measure(seed: u64, nodes: usize, replicas: usize, breakage: Breakage) -> Gaps {
    let mut world = World::new(calm(seed, nodes, replicas), TraceParams::default());
    world.plan = None;
    world.run_until(Instant(8 * SECOND));
    let writers = writers_of(&world);
    world.writers = Some(Writers { writers, acknowledged: 0 });
    world.writers_ask();
    world.run_until(CUT_AT);
    let leader = world.victim(crate::faults::Victim::Leader);
    let terms_before = terms(&world);
    let flaps = breakage == Breakage::Flapping;
    if let Breakage::Shape(shape) = breakage {
        world.network.partition(shape, leader);
        world.update_links();
    }
    let majority = world.network.largest_part();
    let writers = world.writers.as_mut().expect("just made");
    for writer in &mut writers.writers {
        (writer.last, writer.longest_ns) = (CUT_AT, 0);
    }
    let acknowledged = writers.acknowledged;
    if flaps {
        let other = (leader + 1) % nodes;
        let mut at = CUT_AT;
        while at < HEALED_AT {
            world.network.cut_pair(leader, other);
            world.update_links();
            world.run_until(at.after(FLAP_NS));
            world.network.heal();
            world.update_links();
            at = at.after(2 * FLAP_NS);
            world.run_until(at);
        }
    }
    world.run_until(HEALED_AT);
    world.network.heal();
    world.update_links();
    world.run_until(ENDS_AT);
    let rose = terms(&world)
        .into_iter()
        .map(|(group, term)| term.0 - terms_before.get(&group).map_or(0, |term| term.0))
        .max()
        .unwrap_or(0);
    let writers = world.writers.take().expect("still there");
    let counted: Vec<&Writer> =
        writers.writers.iter().filter(|writer| majority.contains(&writer.node)).collect();
    assert!(world.failure.is_none(), "{:?}", world.failure);
    Gaps {
        writers: counted.len(),
        // A span that is still open counts too.
        longest_ns: counted
            .iter()
            .map(|writer| writer.longest_ns.max(ENDS_AT.0 - writer.last.0))
            .max()
            .unwrap_or(0),
        terms: rose,
        acknowledged: writers.acknowledged - acknowledged,
    }
}

/// One writer a node and shard.
fn writers_of(world: &World) -> Vec<Writer> {
    let core = world.machines[0].core().expect("it serves by now");
    let mut tags = BTreeMap::new();
    for number in 0u32.. {
        let tag = format!("{{gap-{number}}}");
        tags.entry(core.routing().shard_of(slot_of(tag.as_bytes()))).or_insert(tag);
        if tags.len() == world.params.shards as usize {
            break;
        }
    }
    let writer = |node: usize, tag: &String| Writer {
        node,
        key: Bytes::from(format!("{tag}-by-{}", node + 1)),
        requests: 0,
        under_way: false,
        ask_at: world.now(),
        last: world.now(),
        longest_ns: 0,
    };
    (0..world.nodes()).flat_map(|node| tags.values().map(move |tag| writer(node, tag))).collect()
}

impl World {
    /// Writers that are due ask, and will be looked at again.
    pub(crate) fn writers_ask(&mut self) {
        let now = self.now();
        let Some(writers) = &mut self.writers else { return };
        let mut asked = Vec::new();
        for (index, writer) in writers.writers.iter_mut().enumerate() {
            if writer.under_way || writer.ask_at > now {
                continue;
            }
            writer.under_way = true;
            writer.requests += 1;
            let write = Write::String(StringWrite::IncrBy { key: writer.key.clone(), delta: 1 });
            let body = Request::new(Command::Write { slot: slot_of(&writer.key), write });
            let connection = ConnectionId(FIRST_CONNECTION + index as u64);
            asked.push((
                writer.node,
                Input::Request { connection, request: RequestId(writer.requests), body },
            ));
        }
        for (node, input) in asked {
            self.enqueue(node, input);
        }
        self.schedule.after(STEP_NS, Event::WritersAsk);
    }
}

/// The highest term of each group.
fn terms(world: &World) -> BTreeMap<GroupId, Term> {
    let mut terms = BTreeMap::new();
    for node in 0..world.nodes() {
        let core = world.machines[node].core().unwrap_or_else(|| panic!("node {} serves", id_of(node)));
        for (group, view, _) in core.views() {
            let term = terms.entry(group).or_insert(view.term);
            *term = view.term.max(*term);
        }
    }
    terms
}
