//! The world of a story: virtual time, machines, and what a body does for a core.
//!
//! As the simulator's world, without chance: a frame takes a millisecond, a disk job a millisecond unless the story says otherwise, a core is stepped as soon as something comes in, and its outputs are carried out at once. Everybody's clock is right until
//! the story says otherwise. Machines, disks, clocks and the schedule are the simulator's own (`machine`, `sim_disk`, `clocks`, `schedule`).
//!
//! Invariant: events of one instant happen in the order in which they were put in.

use super::clients::Clients;
use super::links::Links;
use super::words;
use crate::clocks::Clocks;
use crate::founders;
use crate::machine::{Machine, Mind, Process, lane_index};
use crate::random::Random;
use crate::schedule::{Instant, MILLISECOND, SECOND, Schedule};
use crate::world::{id_of, number_of};
use bytes::Bytes;
use directory::founding::FoundingSet;
use node::config::Config;
use node::core::Core;
use node::event::Event as Observation;
use node::io::{Input, Output};
use proto::ids::{ClusterId, GroupId, Term};
use proto::time::{Mono, Now};
use std::collections::BTreeMap;
use std::time::Duration;
use storage::disk::{DiskError, DiskJob, DiskOp};

/// How long a disk job takes, in nanoseconds, unless the story says otherwise.
pub(super) const DISK_JOB_NS: u64 = MILLISECOND;
/// How long a cluster may take to come up, in nanoseconds.
const COMING_UP_NS: u64 = 20 * SECOND;
/// Log segments are small, so that stories come to their ends.
pub(super) const SEGMENT_BYTES: u64 = 64 * 1024;
/// More events than this and something multiplies.
const MOST_EVENTS: u64 = 5_000_000;

/// Something that will happen.
pub(super) enum Event {
    /// A frame reaches a machine.
    Arrives { to: usize, from: usize, bytes: Bytes },
    /// A process steps what has come in.
    Steps { node: usize, life: u64 },
    /// A process goes on after it was stopped between deciding and doing.
    CarriesOut { node: usize, life: u64, outputs: Vec<Output> },
    /// The first disk job of a lane is complete.
    DiskDone { node: usize, life: u64, lane: usize },
    /// One end of a link learns what has become of it.
    LinkNotice { at: usize, peer: usize },
}

/// What a story has said of one machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// How long a disk job takes, in nanoseconds.
    pub(super) disk_job_ns: u64,
    /// Syncs fail.
    pub(super) sync_fails: bool,
    /// The process stops for so long, in nanoseconds, after the next drain that answers a client, before it carries it out.
    pub(super) stops_before_answer_ns: Option<u64>,
    /// The process stopped when it had looked at the clock: its next step is one of that moment.
    pub(super) looked_before_pause: Option<Now>,
    /// Monotonic drift of the next process, in parts per million.
    pub(super) drift_ppm: i64,
}

/// What `nodes` says.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    lease: bool,
    settle: Duration,
    memory_limit_bytes: Option<u64>,
    snapshot_log_bytes: u64,
    pub(super) shards: u32,
}

/// A cluster in a story.
pub(super) struct Cluster {
    pub(super) settings: Settings,
    /// The bug that is planted in every node.
    #[cfg(feature = "planted")]
    pub(super) planted: node::planted::Planted,
    pub(super) schedule: Schedule<Event>,
    pub(super) set: FoundingSet,
    pub(super) machines: Vec<Machine>,
    pub(super) said: Vec<Said>,
    pub(super) links: Links,
    pub(super) clients: Clients,
    /// Terms are told from here on.
    pub(super) first_terms: BTreeMap<GroupId, Term>,
    /// What happened since it was last told.
    happened: String,
    lives: u64,
    events: u64,
}

impl Cluster {
    /// The cluster that the words after `nodes` describe, with nothing running.
    pub(super) fn found(arguments: &[String]) -> Result<Cluster, String> {
        let (first, settings) = arguments.split_first().ok_or("how many nodes?")?;
        let nodes: usize = first.parse().map_err(|_| format!("'{first}' is no number of nodes"))?;
        let mut told = Settings {
            lease: false,
            // Nobody moves leadership but the story, unless it asks for it.
            settle: Duration::from_secs(3_600),
            memory_limit_bytes: None,
            snapshot_log_bytes: 1024 * 1024,
            shards: 1,
        };
        let mut replicas = nodes.min(3) as u32;
        for word in settings {
            let (key, value) = words::setting(word);
            let number = || value.parse::<u64>().map_err(|_| format!("'{value}' is no number"));
            match key {
                "shards" => told.shards = number()? as u32,
                "replicas" => replicas = number()? as u32,
                "lease" => told.lease = value == "on",
                "settle" => told.settle = Duration::from_nanos(words::span_ns(value)?),
                "memory" => told.memory_limit_bytes = Some(number()?),
                "snapshot" => told.snapshot_log_bytes = number()?,
                _ => return Err(format!("'{key}' is no setting of a cluster")),
            }
        }
        let set = FoundingSet {
            cluster: ClusterId([5; 16]),
            token_key: [7; 32],
            members: (0..nodes).map(founders::founder).collect(),
            replicas,
            shards: told.shards,
        };
        let clocks = || Clocks::draw(&mut Random::new(0), 0, 0);
        let said = Said {
            disk_job_ns: DISK_JOB_NS,
            sync_fails: false,
            stops_before_answer_ns: None,
            looked_before_pause: None,
            drift_ppm: 0,
        };
        Ok(Cluster {
            settings: told,
            #[cfg(feature = "planted")]
            planted: node::planted::Planted::default(),
            schedule: Schedule::default(),
            set,
            machines: (0..nodes).map(|_| Machine::new(clocks(), Random::new(0))).collect(),
            said: vec![said; nodes],
            links: Links::new(nodes),
            clients: Clients::default(),
            first_terms: BTreeMap::new(),
            happened: String::new(),
            lives: 0,
            events: 0,
        })
    }

    /// Starts every node and waits until all serve.
    pub(super) fn come_up(&mut self) -> Result<(), String> {
        for node in 0..self.machines.len() {
            self.start(node)?;
        }
        let until = self.schedule.now().after(COMING_UP_NS);
        while !self.machines.iter().all(|machine| machine.core().is_some_and(Core::is_ready)) {
            if self.schedule.now() > until {
                return Err("the cluster does not come up".to_owned());
            }
            self.next_event()?;
        }
        self.run(300 * MILLISECOND)?;
        let views = self.machines.iter().filter_map(Machine::core).flat_map(Core::views);
        for (group, view, _) in views {
            let term = self.first_terms.entry(group).or_default();
            *term = (*term).max(view.term);
        }
        self.happened.clear();
        Ok(())
    }

    /// Starts a node on what its disk holds.
    pub(super) fn start(&mut self, node: usize) -> Result<(), String> {
        let now = self.schedule.now();
        let (machine, said) = (&mut self.machines[node], self.said[node]);
        if machine.process.is_some() {
            return Err(format!("node {} runs already", node + 1));
        }
        machine.clocks.begin_process_with_drift(now, said.drift_ppm);
        let (identity, set) = founders::next_start(&mut machine.disk, node, Some(&self.set))?
            .ok_or("a founder is not in its own set")?;
        let member = founders::member(node, identity.node, identity.incarnation);
        let mut config = Config::new(identity, set, member, 11 ^ (node as u64) << 32);
        config.lease = self.settings.lease;
        config.settle = self.settings.settle;
        config.memory_limit_bytes = self.settings.memory_limit_bytes;
        config.segment_sizes.first_bytes = SEGMENT_BYTES;
        config.segment_sizes.largest_bytes = SEGMENT_BYTES;
        config.snapshot_min_log_bytes = self.settings.snapshot_log_bytes;
        config.tail_bytes = self.settings.snapshot_log_bytes as usize;
        #[cfg(feature = "planted")]
        {
            config.planted = self.planted;
        }
        let core = Core::start(config, &mut machine.disk, machine.clocks.now(now))
            .map_err(|error| error.to_string())?;
        self.lives += 1;
        let process = Process::new(self.lives, Mind::Core(Box::new(core)), self.machines.len());
        self.machines[node].process = Some(process);
        self.step_at(node, now);
        self.update_links(false);
        Ok(())
    }

    /// Something happened that the reader should know.
    pub(super) fn happened(&mut self, what: &str) {
        self.happened.push_str(what);
        self.happened.push('\n');
    }

    /// What happened since this was last asked.
    pub(super) fn take_said(&mut self) -> String {
        std::mem::take(&mut self.happened)
    }

    /// Lets a span of time pass, in nanoseconds.
    pub(super) fn run(&mut self, span_ns: u64) -> Result<(), String> {
        let until = self.schedule.now().after(span_ns);
        // The queue's clock moves with its events: an empty one marks the end.
        self.schedule.at(until, Event::LinkNotice { at: 0, peer: 0 });
        while self.schedule.next_at().is_some_and(|at| at <= until) {
            self.next_event()?;
        }
        Ok(())
    }

    /// The next thing happens.
    pub(super) fn next_event(&mut self) -> Result<(), String> {
        self.events += 1;
        if self.events > MOST_EVENTS {
            return Err("the story does not end: something multiplies".to_owned());
        }
        match self.schedule.take_next().ok_or("nothing will ever happen")? {
            Event::Arrives { to, from, bytes } => {
                self.enqueue(to, Input::Frame { from: id_of(from), bytes });
            }
            Event::Steps { node, life } => self.steps(node, life),
            Event::CarriesOut { node, life, outputs } => {
                if self.machines[node].process(life).is_some() {
                    self.carry_out(node, outputs);
                }
            }
            Event::DiskDone { node, life, lane } => self.disk_done(node, life, lane),
            Event::LinkNotice { at, peer } => self.link_notice(at, peer),
        }
        Ok(())
    }

    /// Something came in for a process.
    pub(super) fn enqueue(&mut self, node: usize, input: Input) {
        let Some(process) = &mut self.machines[node].process else { return };
        process.inbox.push(input);
        self.step_at(node, self.schedule.now());
    }

    fn step_at(&mut self, node: usize, at: Instant) {
        let machine = &mut self.machines[node];
        let at = at.max(machine.paused_until);
        let Some(process) = &mut machine.process else { return };
        if process.step_at.is_none_or(|due| at < due) {
            process.step_at = Some(at);
            let life = process.number;
            self.schedule.at(at, Event::Steps { node, life });
        }
    }

    fn steps(&mut self, node: usize, life: u64) {
        let now = self.schedule.now();
        let machine = &mut self.machines[node];
        let paused_until = machine.paused_until;
        let drained_at = machine.clocks.now(now);
        let Some(process) = machine.process(life).filter(|process| process.step_at == Some(now)) else {
            return;
        };
        process.step_at = None;
        if paused_until > now {
            return self.step_at(node, paused_until);
        }
        let clocks_now = self.said[node].looked_before_pause.take().unwrap_or(drained_at);
        let inputs = std::mem::take(&mut process.inbox);
        let Mind::Core(core) = &mut process.mind else { return };
        if core.next_deadline() <= clocks_now.mono {
            core.step(clocks_now, Input::Tick);
        }
        for input in inputs {
            core.step(clocks_now, input);
        }
        let outputs = core.drain(drained_at);
        let deadline = core.next_deadline();
        let answers =
            core.awaits_a_look() || outputs.iter().any(|output| matches!(output, Output::Answer { .. }));
        match self.said[node].stops_before_answer_ns.take_if(|_| answers) {
            None => self.carry_out(node, outputs),
            Some(span_ns) => {
                self.machines[node].paused_until = now.after(span_ns);
                self.schedule.after(span_ns, Event::CarriesOut { node, life, outputs });
            }
        }
        self.wake_at(node, deadline);
    }

    fn wake_at(&mut self, node: usize, deadline: Mono) {
        let at = self.machines[node].clocks.instant_of(deadline).max(self.schedule.now().after(1_000));
        self.step_at(node, at);
    }

    fn carry_out(&mut self, node: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Answer { connection, request, outcome, achieved } => {
                    self.heard(connection, request, (outcome, achieved));
                }
                Output::Send { to, frame } | Output::Relay { to, frame } => {
                    self.send(node, number_of(to), &frame)
                }
                Output::Disk(job) => self.begin_job(node, job),
                Output::Event(observation) => self.observe(node, &observation),
                Output::MembersChanged => {}
                Output::Stopped => {
                    self.happened(&format!("{} has stopped", node + 1));
                    self.end_process(node, false);
                    return;
                }
                Output::Fatal { message } => {
                    let reason = message.split([':', '.', ';']).next().unwrap_or_default();
                    self.happened(&format!("{} ends itself: {reason}", node + 1));
                    self.end_process(node, false);
                    return;
                }
            }
        }
    }

    fn begin_job(&mut self, node: usize, job: DiskJob) {
        let lane = lane_index(job.lane);
        let Some(process) = &mut self.machines[node].process else { return };
        process.lanes[lane].push_back(job);
        if process.lanes[lane].len() == 1 {
            self.begin_first_job(node, lane);
        }
    }

    fn begin_first_job(&mut self, node: usize, lane: usize) {
        let Some(process) = &self.machines[node].process else { return };
        if !process.lanes[lane].is_empty() {
            let event = Event::DiskDone { node, life: process.number, lane };
            self.schedule.after(self.said[node].disk_job_ns, event);
        }
    }

    fn disk_done(&mut self, node: usize, life: u64, lane: usize) {
        let sync_fails = self.said[node].sync_fails;
        let machine = &mut self.machines[node];
        let Some(process) = machine.process.as_mut().filter(|process| process.number == life) else { return };
        let Some(job) = process.lanes[lane].pop_front() else { return };
        let first_sync = job.ops.iter().position(|op| matches!(op, DiskOp::Sync { .. }));
        let result = match first_sync.filter(|_| sync_fails) {
            Some(at) => {
                let _ = storage::disk::run(&mut machine.disk, &job.ops[..at]);
                let place = "log".to_owned();
                Err(DiskError { place, message: "the sync failed".to_owned(), full: false, sync: true })
            }
            None => storage::disk::run(&mut machine.disk, &job.ops),
        };
        self.enqueue(node, Input::DiskDone { job: job.id, result });
        self.begin_first_job(node, lane);
    }

    fn observe(&mut self, node: usize, observation: &Observation) {
        let node = node + 1;
        let what = match observation {
            Observation::LeaderElected { group, term } if *group != GroupId::DIRECTORY => {
                format!("{node} leads{} in term {}", self.of_shard(*group), self.term(*group, *term))
            }
            Observation::LeaderLost { group, term } if *group != GroupId::DIRECTORY => {
                format!("{node} leads{} no more in term {}", self.of_shard(*group), self.term(*group, *term))
            }
            Observation::SnapshotInstalled { group, .. } if *group != GroupId::DIRECTORY => {
                format!("{node} has installed a snapshot{}", self.of_shard(*group))
            }
            Observation::ReplicaReborn { group, .. } if *group != GroupId::DIRECTORY => {
                format!("{node} is born again{}", self.of_shard(*group))
            }
            Observation::ClockAhead { node: peer, .. } => {
                let what = format!("{node} refuses messages of {peer}: its clock is too far ahead");
                if self.happened.contains(&what) {
                    return;
                }
                what
            }
            Observation::GroupPoisoned { group, why } => format!("{node} lost group {group}: {why}"),
            Observation::PeerRefused { node: peer, why } => {
                format!("{node} refuses a message of {peer}: {why}")
            }
            Observation::MemoryLimit { reached: true } => format!("the memory of {node} is full"),
            Observation::MemoryLimit { reached: false } => format!("the memory of {node} has room again"),
            _ => return,
        };
        self.happened(&what);
    }

    /// A group in words; with one shard there is nothing to tell.
    pub(super) fn of_shard(&self, group: GroupId) -> String {
        match group.shard() {
            Some(shard) if self.settings.shards > 1 => format!(" shard {shard}"),
            _ => String::new(),
        }
    }

    /// A term, counted from the story's first.
    pub(super) fn term(&self, group: GroupId, term: Term) -> u64 {
        let first = self.first_terms.get(&group).map_or(0, |first| first.0);
        (term.0 + 1).saturating_sub(first)
    }
}
