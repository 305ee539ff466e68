//! The body of a simulated node: starts its process, steps its core, carries out what the core says.
//!
//! A step takes everything that has come in since the last one, then drains once, as the real driver loop does. A machine that is to die among its outputs
//! carries out a drawn number of them and no more: every boundary between two outputs is a place where a crash must do no harm.
//!
//! Invariant: a core sees only its own machine's clocks, and never an input of an earlier life.

use crate::coverage::FrameFate;
use crate::coverage::Mishap;
use crate::describe;
use crate::founders;
use crate::machine::{Mind, Process, lane_index};
use crate::schedule::{Instant, MILLISECOND};
use crate::shiviz::{Host, Stamp};
use crate::verdict::Failure;
use crate::world::{Answer, Event, World, id_of, number_of};
use bytes::Bytes;
use directory::founding::{
    Founding, FoundingMessage, FoundingSet, Input as FoundingInput, Output as FoundingOutput,
};
use node::config::Config;
use node::core::Core;
use node::event::Event as Observation;
use node::io::{Input, Output};
use proto::ids::NodeId;
use proto::time::Mono;
use storage::disk::DiskJob;

/// How often a founder is told that time passes, in nanoseconds.
const FOUNDING_TICK_NS: u64 = 100 * MILLISECOND;

impl World {
    /// A machine starts its process: with a core if its folder has an identity or a set is ready, as a founder otherwise.
    pub(crate) fn start(&mut self, node: usize) {
        self.machines[node].start_planned = false;
        if self.machines[node].process.is_some() {
            return;
        }
        let now = self.now();
        let machine = &mut self.machines[node];
        let mut random = machine.random.fork("process", self.processes);
        machine.clocks.begin_process(now, &mut random);
        let ready = self.ready_set.clone();
        match founders::next_start(&mut machine.disk, node, ready.as_ref()) {
            Ok(Some((identity, set))) => self.start_core(node, identity, set),
            Ok(None) => {
                let stored = founders::load_stored(&mut machine.disk);
                let wanted = founders::wanted(&self.params, &mut random);
                let founding =
                    Founding::new(founders::founder(node), wanted, founders::drawn(&mut random), stored);
                self.begin_process(node, Mind::Founding(Box::new(founding)));
            }
            Err(_) if self.machines[node].disk.capacity_bytes.is_some() => self.waits_for_space(node),
            Err(why) => self.fail(Failure::safety("the identity survives", why)),
        }
    }

    fn start_core(&mut self, node: usize, identity: storage::identity::Identity, set: FoundingSet) {
        let clocks_now = self.machines[node].clocks.now(self.now());
        let incarnation = identity.incarnation;
        let member = founders::member(node, identity.node, incarnation);
        let seed = self.params.seed ^ (node as u64) << 32;
        let mut config = Config::new(identity, set, member, seed);
        config.memory_limit_bytes = self.params.memory_limit_bytes;
        config.lease = self.params.lease;
        config.segment_sizes.first_bytes = self.params.segment_bytes;
        config.segment_sizes.largest_bytes = 4 * self.params.segment_bytes;
        config.disk_reserve_bytes = 4 * config.segment_sizes.largest_bytes;
        config.snapshot_min_log_bytes = self.params.snapshot_log_bytes;
        config.record_applied = true;
        config.tail_bytes = self.params.snapshot_log_bytes as usize;
        #[cfg(feature = "planted")]
        {
            config.planted = self.planted;
        }
        match Core::start(config, &mut self.machines[node].disk, clocks_now) {
            Ok(core) => {
                self.machines[node].is_misdirected = false;
                self.judges.started(node, &core);
                self.begin_process(node, Mind::Core(Box::new(core)));
            }
            Err(_) if self.machines[node].disk.capacity_bytes.is_some() => self.waits_for_space(node),
            // The operator does what the sentence says.
            Err(_) if self.machines[node].is_hurt => self.rebuild(node),
            Err(error) => self.fail(Failure::safety(
                "a node starts again after crashes",
                format!("node {}, start {incarnation}: {error}", id_of(node)),
            )),
        }
    }

    /// A node cannot start on a disk without space: it is started again until it can.
    fn waits_for_space(&mut self, node: usize) {
        self.coverage.mishap(Mishap::NoSpaceToStart);
        self.start_after(node, 200 * MILLISECOND);
    }

    fn begin_process(&mut self, node: usize, mind: Mind) {
        self.processes += 1;
        let kind = if matches!(mind, Mind::Core(_)) { "starts" } else { "founds" };
        let process = Process::new(self.processes, mind, self.nodes());
        self.machines[node].process = Some(process);
        self.note(node, kind, String::new);
        self.trace.happened(Host::Node(node), || kind.to_owned());
        self.wake(node);
        self.update_links();
    }

    /// Something came in for a process: it will be stepped soon.
    pub(crate) fn enqueue(&mut self, node: usize, input: Input) {
        let Some(process) = &mut self.machines[node].process else { return };
        process.inbox.push(input);
        self.wake(node);
    }

    /// A process is to be stepped after its batching time.
    pub(crate) fn wake(&mut self, node: usize) {
        let delay = if self.params.batch_ns == 0 { 0 } else { self.random.below(self.params.batch_ns) };
        let at = self.now().after(delay);
        self.step_at(node, at);
    }

    fn step_at(&mut self, node: usize, at: Instant) {
        let machine = &mut self.machines[node];
        let at = at.max(machine.paused_until);
        let Some(process) = &mut machine.process else { return };
        if process.step_at.is_none_or(|due| at < due) {
            process.step_at = Some(at);
            let process = process.number;
            self.schedule.at(at, Event::Steps { node, process });
        }
    }

    pub(crate) fn process_steps(&mut self, node: usize, number: u64) {
        let now = self.now();
        let paused_until = self.machines[node].paused_until;
        let Some(process) =
            self.machines[node].process(number).filter(|process| process.step_at == Some(now))
        else {
            return;
        };
        process.step_at = None;
        if paused_until > now {
            self.step_at(node, paused_until);
            return;
        }
        match &process.mind {
            Mind::Core(_) => self.core_steps(node),
            Mind::Founding(_) => self.founder_steps(node, FoundingInput::Tick),
        }
    }

    fn core_steps(&mut self, node: usize) {
        let now = self.now();
        let machine = &mut self.machines[node];
        let drained_at = machine.clocks.now(now);
        let clocks_now = machine.looked_before_pause.take().unwrap_or(drained_at);
        let Some(Process { mind: Mind::Core(core), inbox, .. }) = &mut machine.process else { return };
        let inputs = std::mem::take(inbox);
        if machine.reports_space {
            core.step(clocks_now, Input::DiskSpace { free_bytes: machine.disk.free_bytes() });
        }
        if core.next_deadline() <= clocks_now.mono {
            core.step(clocks_now, Input::Tick);
        }
        for input in inputs {
            core.step(clocks_now, input);
        }
        let mut outputs = core.drain(drained_at);
        let deadline = core.next_deadline();
        let reads_by_lease = core.awaits_a_look();
        let dies = machine.dies_among_outputs.filter(|_| !outputs.is_empty());
        if dies.is_some() {
            outputs.truncate(machine.random.index(outputs.len() + 1));
        }
        // Also before it dies: some of what it has applied may be on its way to others.
        self.look_at(node);
        if let Some(power_lost) = dies {
            self.carry_out(node, outputs);
            self.crash(node, power_lost);
            return;
        }
        self.carry_out(node, outputs);
        if reads_by_lease {
            self.looks_again(node);
        } else {
            self.wake_at_mono(node, deadline);
        }
    }

    /// Between reading and looking at the clock again a process may lose its processor, for a moment or for long.
    fn looks_again(&mut self, node: usize) {
        let now = self.now();
        let machine = &mut self.machines[node];
        if let Some(span_ns) = machine.pauses_before_look_ns.take() {
            machine.paused_until = machine.paused_until.max(now.after(span_ns));
        }
        let delay = machine.random.below(50_000);
        self.step_at(node, now.after(delay.max(1_000)));
    }

    fn wake_at_mono(&mut self, node: usize, deadline: Mono) {
        let at = self.machines[node].clocks.instant_of(deadline).max(self.now().after(1_000));
        self.step_at(node, at);
    }

    fn carry_out(&mut self, node: usize, outputs: Vec<Output>) {
        let Some(process) = self.machines[node].process.as_ref().map(|process| process.number) else {
            return;
        };
        for output in outputs {
            if self.machines[node].process(process).is_none() {
                // It has died of what it sent.
                return;
            }
            match output {
                Output::Answer { connection, request, outcome, achieved } => {
                    let stamp = Stamp::default();
                    let answer = Box::new(Answer { connection, request, outcome, achieved, stamp });
                    let delay = self.random.below(50_000);
                    self.schedule.after(delay, Event::AnswerLeaves { node, process, answer });
                }
                Output::Send { to, frame } | Output::Relay { to, frame } => self.send_frame(node, to, frame),
                Output::Disk(job) => self.begin_job(node, job),
                Output::Event(observation) => self.observe(node, observation),
                Output::MembersChanged => {}
                Output::Stopped => {
                    self.note(node, "stopped", String::new);
                    self.end_process(node, false);
                    return;
                }
                // What it says of a full disk or a failed sync is what such a disk calls for.
                Output::Fatal { .. } if self.machines[node].ends_itself => {
                    self.coverage.mishap(Mishap::EndedItself);
                    self.crash(node, false);
                    return;
                }
                Output::Fatal { message } => {
                    self.fail(Failure::crash(format!("node {} ended itself: {message}", id_of(node))));
                    return;
                }
            }
        }
    }

    fn send_frame(&mut self, node: usize, to: NodeId, frame: Bytes) {
        let to = number_of(to);
        let linked = self.machines[node].process.as_ref().is_some_and(|process| process.links[to].is_some());
        let is_cut = self.network.is_cut(node, to);
        let mut deliveries = if linked { self.network.send(node, to, frame.len()) } else { Vec::new() };
        let meddled = self.trouble.meddle(node, to, self.schedule.now(), &frame, &mut deliveries);
        self.coverage.frame(meddled.unwrap_or(match deliveries.len() {
            0 if is_cut => FrameFate::Cut,
            0 => FrameFate::Lost,
            1 => FrameFate::Delivered,
            _ => FrameFate::Doubled,
        }));
        let fate = [deliveries.len() as u8];
        self.trace.add(self.schedule.now(), Some(node), "sends", &fate, || {
            let fate = match deliveries.len() {
                0 => " LOST",
                1 => "",
                _ => " TWICE",
            };
            format!("to {}{fate}: {}", to + 1, describe::frame(&frame))
        });
        let stamp = self.trace.sent(Host::Node(node), || {
            (!describe::is_idle_talk(&frame)).then(|| format!("to {}: {}", to + 1, describe::frame(&frame)))
        });
        let is_voter_to_die = self.machines[node].dies_of_votes && describe::gives_a_vote(&frame);
        for delay in deliveries {
            let bytes = frame.clone();
            self.schedule.after(delay, Event::Arrives { to, from: node, bytes, stamp });
        }
        if is_voter_to_die {
            self.voter_dies(node, to);
        }
    }

    pub(crate) fn frame_arrives(&mut self, to: usize, from: usize, bytes: Bytes, stamp: Stamp) {
        let checksum = bytes.get(36..40).unwrap_or_default();
        self.trace.add(self.schedule.now(), Some(to), "hears", checksum, || {
            format!("{}: {}", from + 1, describe::frame(&bytes))
        });
        self.trace
            .received(Host::Node(to), stamp, || format!("from {}: {}", from + 1, describe::frame(&bytes)));
        self.enqueue(to, Input::Frame { from: id_of(from), bytes });
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
        let (disk, machine) = (self.params.disk, &mut self.machines[node]);
        let Some(process) = &machine.process else { return };
        let Some(job) = process.lanes[lane].front() else { return };
        let syncs = job.ops.iter().filter(|op| is_sync(op)).count() as u64;
        let usual = syncs * disk.sync_ns + (job.ops.len() as u64 - syncs) * disk.operation_ns;
        let delay = machine.random.span(usual) * machine.disk_slowness;
        self.schedule.after(delay, Event::DiskDone { node, process: process.number, lane });
    }

    pub(crate) fn disk_done(&mut self, node: usize, number: u64, lane: usize) {
        let now = self.now();
        let machine = &mut self.machines[node];
        let Some(process) = machine.process.as_mut().filter(|process| process.number == number) else {
            return;
        };
        if machine.stalled_until > now {
            let at = machine.stalled_until;
            return self.schedule.at(at, Event::DiskDone { node, process: number, lane });
        }
        let Some(job) = process.lanes[lane].pop_front() else { return };
        let result = storage::disk::run(&mut machine.disk, &job.ops);
        machine.ends_itself |= result.as_ref().is_err_and(|error| error.sync || error.full);
        self.trace.add(self.schedule.now(), Some(node), "disk", &job.id.0.to_le_bytes(), || {
            format!("job {} of {} operations", job.id.0, job.ops.len())
        });
        self.enqueue(node, Input::DiskDone { job: job.id, result });
        self.begin_first_job(node, lane);
    }

    fn observe(&mut self, node: usize, observation: Observation) {
        self.coverage.observation(&observation);
        if let Observation::LogSynced { .. } = observation {
            return;
        }
        self.note(node, "event", || format!("{observation:?}"));
        self.trace.happened(Host::Node(node), || format!("{observation:?}"));
        if let Observation::GroupPoisoned { group, why } = observation {
            self.fail(Failure::crash(format!("node {}, group {group}: {why}", id_of(node))));
        }
    }

    // Founding

    pub(crate) fn founder_hears(&mut self, to: usize, message: FoundingMessage) {
        let Some(process) = &self.machines[to].process else { return };
        if let Mind::Founding(_) = process.mind {
            self.founder_steps(to, FoundingInput::Message(message));
        } else if let Some(mut answering) = self.latecomers_founder(to) {
            // A founded node goes on answering latecomers.
            let mono = self.machines[to].clocks.now(self.now()).mono;
            answering.step(mono, FoundingInput::Message(message));
            while let Some(output) = answering.drain() {
                if let FoundingOutput::Send { to: address, message } = output {
                    self.send_founding(to, &address, message);
                }
            }
        }
    }

    /// The founding round of a node that already serves, rebuilt from its disk.
    fn latecomers_founder(&mut self, node: usize) -> Option<Founding> {
        let machine = &mut self.machines[node];
        let stored = founders::load_stored(&mut machine.disk)?;
        let mut random = machine.random.fork("latecomers", 0);
        let wanted = founders::wanted(&self.params, &mut random);
        Some(Founding::new(founders::founder(node), wanted, founders::drawn(&mut random), Some(stored)))
    }

    fn founder_steps(&mut self, node: usize, input: FoundingInput) {
        let now = self.now();
        let machine = &mut self.machines[node];
        let mono = machine.clocks.now(now).mono;
        let Some(Process { mind: Mind::Founding(founding), .. }) = &mut machine.process else { return };
        founding.step(mono, input);
        let mut said = Vec::new();
        while let Some(output) = founding.drain() {
            if let FoundingOutput::Store(stored) = &output {
                if let Err(error) = founders::store(&mut machine.disk, stored) {
                    said.push(FoundingOutput::Refused(error.to_string()));
                    break;
                }
                founding.step(mono, FoundingInput::Stored);
            } else {
                said.push(output);
            }
        }
        for output in said {
            match output {
                FoundingOutput::Send { to, message } => self.send_founding(node, &to, message),
                FoundingOutput::Founded(set) => self.founded(node, set),
                FoundingOutput::Refused(why) => {
                    self.fail(Failure::safety("founders that want the same found a cluster", why));
                }
                FoundingOutput::Waiting(_) | FoundingOutput::Store(_) => {}
            }
        }
        self.step_at(node, now.after(FOUNDING_TICK_NS));
    }

    fn send_founding(&mut self, node: usize, to: &directory::Address, message: FoundingMessage) {
        let Some(to) = founders::node_at(to) else { return };
        for delay in self.network.send(node, to, 200) {
            let message = Box::new(message.clone());
            self.schedule.after(delay, Event::FounderHears { to, message });
        }
    }

    fn founded(&mut self, node: usize, set: FoundingSet) {
        self.note(node, "founded", || set.cluster.to_string());
        if let Err(failure) = self.judges.founded(&set) {
            self.fail(failure);
            return;
        }
        match founders::next_start(&mut self.machines[node].disk, node, Some(&set)) {
            Ok(Some((identity, set))) => {
                // The process is the same; only what runs in it changes, and links begin.
                self.machines[node].process = None;
                self.start_core(node, identity, set);
            }
            Ok(None) => {}
            Err(why) => self.fail(Failure::safety("the identity survives", why)),
        }
    }
}

fn is_sync(op: &storage::disk::DiskOp) -> bool {
    use storage::disk::DiskOp;
    matches!(op, DiskOp::Sync { .. } | DiskOp::Rename { .. } | DiskOp::SyncFolder)
}
