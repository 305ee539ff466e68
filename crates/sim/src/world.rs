//! The simulated world: machines, the network between them, clients, and what happens next.
//!
//! A loop over events. Everything that a body must do for a core is done here as the real one does it (`node::io`): inputs are gathered and stepped in a batch, one drain
//! follows, its outputs are carried out in order. Everything that the real world does to a body is done here as well, and worse.
//!
//! The parts are next door: `body` steps cores and carries out their outputs, `links` tells them about each other, `damage` does faults, `customers` moves requests
//! and answers between clients and cores, `judges` watches. This file holds what they share, and the loop.
//!
//! Invariant: every draw comes from a fork of the seed, every event from the schedule. Nodes are numbered from 0 here; a core's `NodeId` is one more.

use crate::clocks::Clocks;
use crate::coverage::Coverage;
use crate::faults::{Fault, Plan};
use crate::gaps::Writers;
use crate::judges::Judges;
use crate::machine::Machine;
use crate::network::Network;
use crate::params::Params;
use crate::random::Random;
use crate::schedule::{Instant, MILLISECOND, SECOND, Schedule};
use crate::shiviz::Stamp;
use crate::trace::{Trace, TraceParams};
use crate::trouble::Trouble;
use crate::verdict::Failure;
use crate::workload::Workload;
use bytes::Bytes;
use directory::founding::{FoundingMessage, FoundingSet};
use proto::ids::{ConnectionId, NodeId, RequestId};
use proto::outcome::{Achieved, Outcome};
use proto::tentative::Dot;

/// Events of one virtual second before something is thought to multiply. A busy world has some thousands.
const MOST_EVENTS_A_SECOND: u64 = 200_000;

/// Something that will happen.
pub(crate) enum Event {
    /// A frame reaches a machine.
    Arrives { to: usize, from: usize, bytes: Bytes, stamp: Stamp },
    /// A founding message reaches a machine.
    FounderHears { to: usize, message: Box<FoundingMessage> },
    /// A process steps what has come in, or was asked to be woken. Only valid while it is still due at this instant.
    Steps { node: usize, process: u64 },
    /// The first disk job of a lane is complete.
    DiskDone { node: usize, process: u64, lane: usize },
    /// One end of a link learns what has become of it.
    LinkNotice { at: usize, peer: usize },
    /// A machine starts its process.
    Starts { node: usize },
    /// A client may ask.
    Asks { client: usize },
    /// A client tries to connect.
    Connects { client: usize, node: usize },
    /// A front puts an answer on the wire.
    AnswerLeaves { node: usize, process: u64, answer: Box<Answer> },
    /// A client has an answer.
    AnswerArrives { client: usize, answer: Box<Answer> },
    /// A client has waited for far longer than the deadline.
    GivesUp { client: usize, connection: ConnectionId, request: RequestId },
    /// A client has the answer to a tentative write of this process.
    OriginDies { node: usize, process: u64 },
    /// Writers whose gaps are measured may ask.
    WritersAsk,
    /// The next fault of the plan.
    FaultBegins(Box<Fault>),
    /// A fault that lasted is over.
    FaultEnds(Ending),
}

/// An answer on its way.
pub(crate) struct Answer {
    /// The client's connection.
    pub connection: ConnectionId,
    /// Which request.
    pub request: RequestId,
    /// How it ended.
    pub outcome: Outcome,
    /// What it achieved.
    pub achieved: Achieved,
    /// Where it left, for the diagram.
    pub stamp: Stamp,
}

/// What a lasting fault leaves to be undone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// Every cut is mended.
    Heals,
    /// Loss is as usual again.
    LossEnds,
    /// Latency is as usual again.
    SlownessEnds,
    /// This machine wakes, and is cut off from the others for so long, in nanoseconds.
    CutOff { node: usize, length_ns: u64 },
    /// The operator sets this machine's wall clock right.
    ClockMended(usize),
    /// This machine's disk is as fast as usual.
    DiskRecovers(usize),
    /// This machine loses power: what its disk did in silence shows.
    PowerFails(usize),
    /// This machine's disk has space again.
    SpaceReturns(usize),
}

/// Everything.
pub struct World {
    pub(crate) params: Params,
    pub(crate) schedule: Schedule<Event>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) network: Network,
    pub(crate) trouble: Trouble,
    pub(crate) workload: Workload,
    pub(crate) plan: Option<Plan>,
    /// Clients beside the workload, whose gaps are measured.
    pub(crate) writers: Option<Writers>,
    /// How many of the plan's faults were due.
    pub(crate) faults_due: u64,
    pub(crate) judges: Judges,
    pub(crate) coverage: Coverage,
    pub(crate) trace: Trace,
    pub(crate) random: Random,
    pub(crate) ready_set: Option<FoundingSet>,
    /// Whether a client's next move is in the schedule.
    pub(crate) client_plans: Vec<bool>,
    pub(crate) processes: u64,
    pub(crate) connections: u64,
    /// The present virtual second, and how many events it has had.
    pace: (u64, u64),
    /// The tentative writes that had been acknowledged before the healing.
    pub(crate) owed: Vec<Dot>,
    pub(crate) failure: Option<Failure>,
    #[cfg(feature = "planted")]
    pub(crate) planted: node::planted::Planted,
}

impl World {
    /// The world of a seed, with all machines about to start.
    pub fn new(params: Params, trace: TraceParams) -> World {
        let plan = Random::new(params.seed).fork("faults", 1);
        let seed = match params.left.variant {
            0 => Random::new(params.seed),
            variant => Random::new(params.seed).fork("variant", variant),
        };
        let nodes = params.nodes;
        let machines = (0..nodes)
            .map(|node| {
                let mut random = seed.fork("clocks", node as u64);
                let mut clocks = Clocks::draw(&mut random, params.drift_ppm, params.wall_offset_ms);
                clocks.drift_wall(&mut random, params.wall_drift_ppm);
                Machine::new(clocks, seed.fork("machine", node as u64))
            })
            .collect();
        let ready_set = (!params.founding_by_messages).then(|| crate::founders::ready_set(&params));
        let mut world = World {
            schedule: Schedule::default(),
            machines,
            network: Network::new(nodes, params.network, seed.fork("network", 0)),
            trouble: Trouble::new(nodes, seed.fork("trouble", 0)),
            workload: Workload::new(params.workload, nodes, seed.fork("workload", 0)),
            plan: Some(Plan::new(params.faults.clone(), nodes, plan)),
            faults_due: 0,
            writers: None,
            judges: Judges::new(),
            coverage: Coverage::default(),
            trace: Trace::new(nodes, trace),
            random: seed.fork("world", 0),
            ready_set,
            client_plans: vec![true; params.workload.clients],
            processes: 0,
            connections: 0,
            pace: (0, 0),
            owed: Vec::new(),
            failure: None,
            params,
            #[cfg(feature = "planted")]
            planted: node::planted::Planted::default(),
        };
        world.workload.limit(world.params.left.most_operations);
        for node in 0..nodes {
            world.machines[node].start_planned = true;
            let delay = world.random.below(200 * MILLISECOND);
            world.schedule.after(delay, Event::Starts { node });
        }
        for client in 0..world.workload.clients() {
            let delay = world.random.below(500 * MILLISECOND);
            if world.params.left.only_clients.as_ref().is_none_or(|only| only.contains(&client)) {
                world.schedule.after(delay, Event::Asks { client });
            } else {
                world.client_plans[client] = false;
            }
        }
        world.plan_next_fault();
        world
    }

    /// How many machines there are.
    pub fn nodes(&self) -> usize {
        self.machines.len()
    }

    /// The present moment.
    pub fn now(&self) -> Instant {
        self.schedule.now()
    }

    /// The instant from which the next stretch of a phase is counted: there is always something to happen, for nodes tick.
    pub(crate) fn next_look(&self) -> Instant {
        self.schedule.next_at().unwrap_or(self.schedule.now())
    }

    /// Lets things happen until this instant, or until something fails.
    pub fn run_until(&mut self, until: Instant) {
        while self.failure.is_none() && self.schedule.next_at().is_some_and(|at| at <= until) {
            let Some(event) = self.schedule.take_next() else { break };
            self.keep_pace();
            self.happen(event);
        }
    }

    /// Whoever answers each message with two would keep the world in one second for ever.
    fn keep_pace(&mut self) {
        let second = self.now().0 / SECOND;
        self.pace = if self.pace.0 == second { (second, self.pace.1 + 1) } else { (second, 1) };
        if self.pace.1 > MOST_EVENTS_A_SECOND {
            let explanation = format!("{} events within second {second}", self.pace.1);
            self.fail(Failure::safety("messages do not multiply", explanation));
        }
    }

    /// The run has failed; the first failure counts.
    pub(crate) fn fail(&mut self, failure: Failure) {
        let line = failure.to_string();
        self.trace.add(self.schedule.now(), None, "FAILS", &[], || line);
        self.failure.get_or_insert(failure);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrives { to, from, bytes, stamp } => self.frame_arrives(to, from, bytes, stamp),
            Event::FounderHears { to, message } => self.founder_hears(to, *message),
            Event::Steps { node, process } => self.process_steps(node, process),
            Event::DiskDone { node, process, lane } => self.disk_done(node, process, lane),
            Event::LinkNotice { at, peer } => self.link_notice(at, peer),
            Event::Starts { node } => self.start(node),
            Event::Asks { client } => self.client_asks(client),
            Event::Connects { client, node } => self.client_connects(client, node),
            Event::AnswerLeaves { node, process, answer } => self.answer_leaves(node, process, *answer),
            Event::AnswerArrives { client, answer } => self.answer_arrives(client, *answer),
            Event::GivesUp { client, connection, request } => {
                self.client_gives_up(client, connection, request)
            }
            Event::OriginDies { node, process } => self.origin_dies(node, process),
            Event::WritersAsk => self.writers_ask(),
            Event::FaultBegins(fault) => self.fault_begins(*fault),
            Event::FaultEnds(ending) => self.fault_ends(ending),
        }
    }

    /// Records what happens to a node.
    pub(crate) fn note(&mut self, node: usize, what: &'static str, line: impl FnOnce() -> String) {
        self.trace.add(self.schedule.now(), Some(node), what, &[], line);
    }

    /// Ends the phase of faults: mends everything, starts everybody, and lets clients finish.
    pub fn heal(&mut self) {
        self.plan = None;
        self.network.calm();
        self.trouble.calm();
        let now = self.now();
        self.trace.add(now, None, "heal", &[], String::new);
        for node in 0..self.nodes() {
            let machine = &mut self.machines[node];
            machine.paused_until = now;
            machine.pauses_before_look_ns = None;
            machine.disk_slowness = 1;
            machine.stalled_until = now;
            machine.disk.capacity_bytes = None;
            machine.disk.fails_next_sync = false;
            machine.disk.misdirects_next = false;
            machine.dies_among_outputs = None;
            machine.dies_of_votes = false;
            machine.dies_after_answer_ns = None;
            machine.clocks.mend_wall(50);
            // Also one whose start is planned: an outage may have been drawn longer than the world has left.
            if machine.process.is_none() {
                machine.start_planned = true;
                self.schedule.after(100 * MILLISECOND, Event::Starts { node });
            }
            self.wake(node);
        }
        self.update_links();
        self.owed = self.workload.acknowledged().collect();
        self.workload.close();
        for client in 0..self.workload.clients() {
            self.client_goes_on(client);
        }
    }

    /// Everything has come to rest: every node is asked once more what it holds, at every level.
    pub fn settle(&mut self) {
        self.workload.settle();
        for client in 0..self.workload.clients() {
            let connection = self.workload.connection(client);
            if let (Some(connection), Some(home)) = (connection, self.workload.home(client))
                && connection.node != home
            {
                self.hang_up(client, connection.id);
            }
            self.client_goes_on(client);
        }
    }

    /// Whether what was acknowledged before the healing is decided by now; if not, what is missing.
    pub fn is_decided(&self) -> Result<(), Failure> {
        let open: Vec<String> =
            self.owed.iter().filter(|dot| !self.judges.knows(**dot)).map(Dot::to_string).collect();
        if open.is_empty() {
            return Ok(());
        }
        let explanation = format!("{} are open, among them {}", open.len(), open[0]);
        Err(Failure::liveness("acknowledged tentative writes are decided in time", explanation))
    }
}

/// The number of a node that a core calls by this id.
pub(crate) fn number_of(id: NodeId) -> usize {
    (id.0 - 1) as usize
}

/// The id that a core has for the node of this number.
pub(crate) fn id_of(node: usize) -> NodeId {
    NodeId(node as u64 + 1)
}
