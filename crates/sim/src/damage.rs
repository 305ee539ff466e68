//! Doing what the plan of faults says.
//!
//! Invariant: whatever is taken away is given back, by an event that is scheduled when it is taken: a process that ended starts again, a cut heals, a pause ends.

use crate::faults::{Fault, Kind, Victim};
use crate::machine::Mind;
use crate::network::Shape;
use crate::schedule::{MILLISECOND, SECOND};
use crate::world::{Ending, Event, World};
use node::io::Input;

/// How long an origin that died of its answer is away at least, in nanoseconds.
const BACK_AT_ONCE_NS: u64 = 20 * MILLISECOND;
/// Its wall clock may be so far behind then, in milliseconds: less than peers accept.
const MOST_BEHIND_MS: i64 = 480;

/// Within so long, in nanoseconds, a sleeper is cut off: an election takes about as long.
const EARLY_NS: u64 = 500 * MILLISECOND;
/// For so long nobody hears of a candidate whose voter died, in nanoseconds: several elections.
const UNHEARD_NS: u64 = 1_500 * MILLISECOND;

/// The shapes that leave everybody in reach of somebody.
const PARTIAL: [Shape; 5] =
    [Shape::QuorumLoss, Shape::ConstrainedElection, Shape::Chained, Shape::OneWay, Shape::Random];

impl World {
    /// Puts the plan's next fault into the schedule.
    pub(crate) fn plan_next_fault(&mut self) {
        let Some(plan) = &mut self.plan else { return };
        let left = &self.params.left;
        loop {
            let (calm_ns, fault) = plan.draw();
            match (left.calm_ns, &left.only_faults) {
                (Some(_), Some(only)) if only.last().is_none_or(|last| *last < fault.number) => return,
                (Some(_), Some(only)) if !only.contains(&fault.number) => continue,
                _ => {}
            }
            let calm_ns = left.calm_ns.unwrap_or(calm_ns);
            return self.schedule.after(calm_ns, Event::FaultBegins(Box::new(fault)));
        }
    }

    pub(crate) fn fault_begins(&mut self, fault: Fault) {
        if self.plan.is_none() {
            return;
        }
        self.plan_next_fault();
        self.faults_due = fault.number;
        if self.params.left.only_faults.as_ref().is_some_and(|only| !only.contains(&fault.number)) {
            return;
        }
        let victim = self.victim(fault.victim);
        self.coverage.fault(fault.kind);
        let now = self.now();
        self.trace.add(now, None, fault.kind.name(), &[], || {
            format!("fault {}: node {}, {} ms", fault.number, victim + 1, fault.length_ns / MILLISECOND)
        });
        match fault.kind {
            Kind::PowerLoss => self.crash_for(victim, true, fault.length_ns),
            Kind::Kill => self.crash_for(victim, false, fault.length_ns),
            Kind::PowerLossAmongOutputs | Kind::KillAmongOutputs => {
                let machine = &mut self.machines[victim];
                let serves = machine.process.as_ref().is_some_and(|process| process.core().is_some());
                machine.dies_among_outputs = serves.then_some(fault.kind == Kind::PowerLossAmongOutputs);
            }
            Kind::PowerLossOfAll => {
                for node in 0..self.nodes() {
                    let length_ns = self.random.span(fault.length_ns);
                    self.crash_for(node, true, length_ns);
                }
            }
            Kind::Partition => {
                self.coverage.shape(fault.shape);
                self.network.partition(fault.shape, victim);
                self.update_links();
                self.schedule.after(fault.length_ns, Event::FaultEnds(Ending::Heals));
            }
            Kind::PartialPartition => {
                let shape = PARTIAL[fault.detail as usize % PARTIAL.len()];
                self.coverage.shape(shape);
                self.network.partition(shape, victim);
                self.update_links();
                let length_ns = (3 * fault.length_ns).min(10 * SECOND);
                self.schedule.after(length_ns, Event::FaultEnds(Ending::Heals));
            }
            Kind::Clog => self.trouble.clog(victim, now.after(fault.length_ns)),
            Kind::HalfDead => self.trouble.swallow(victim, now.after(2 * fault.length_ns)),
            Kind::LateVotes => self.trouble.delay_votes(now.after((4 * fault.length_ns).min(10 * SECOND))),
            Kind::VoterDies => {
                // The leader is back soon, and asks the same voters for the same term, if they let it.
                let leader = self.victim(Victim::Leader);
                for node in (0..self.nodes()).filter(|node| *node != leader) {
                    self.machines[node].dies_of_votes = true;
                }
                self.crash_for(leader, false, fault.length_ns.min(SECOND / 2));
            }
            Kind::LinkFlap => self.flap_links(victim),
            Kind::LossStorm => {
                self.network.storm_loss_ppm = 50_000 + (fault.detail % 400_000) as u32;
                self.schedule.after(fault.length_ns, Event::FaultEnds(Ending::LossEnds));
            }
            Kind::SlowNetwork => {
                self.network.storm_slowness = 2 + fault.detail % 30;
                self.schedule.after(fault.length_ns, Event::FaultEnds(Ending::SlownessEnds));
            }
            Kind::Pause => self.pause(victim, fault.length_ns, fault.detail),
            Kind::LongPause => self.pause(victim, 2 * SECOND + 3 * fault.length_ns, fault.detail),
            Kind::WakesCutOff => {
                let node = self.victim(Victim::Leader);
                let pause_ns = SECOND + fault.length_ns / 2;
                self.pause(node, pause_ns, fault.detail);
                // Mostly before anybody else is elected: then it does not know, when it wakes, that it is deposed.
                let ending = Ending::CutOff { node, length_ns: pause_ns + fault.length_ns };
                self.schedule.after(fault.detail % EARLY_NS, Event::FaultEnds(ending));
            }
            Kind::GracefulStop => self.stop_gracefully(victim, fault.length_ns),
            Kind::SlowDisk => {
                self.machines[victim].disk_slowness = 5 + fault.detail % 100;
                self.schedule.after(fault.length_ns, Event::FaultEnds(Ending::DiskRecovers(victim)));
            }
            Kind::LostDisk | Kind::FlippedBits => self.hurt_disk(victim, fault.kind, fault.length_ns),
            Kind::MisdirectedWrite => self.misdirect(victim, fault.length_ns),
            Kind::FailedSync => {
                let machine = &mut self.machines[victim];
                machine.disk.fails_next_sync =
                    machine.process.as_ref().is_some_and(|process| process.core().is_some());
            }
            Kind::FullDisk => {
                let machine = &mut self.machines[victim];
                let left = fault.detail % (2 * 4 * self.params.segment_bytes);
                machine.disk.capacity_bytes = Some(machine.disk.bytes() + left);
                machine.reports_space = true;
                let length_ns = (2 * fault.length_ns).min(10 * SECOND);
                self.schedule.after(length_ns, Event::FaultEnds(Ending::SpaceReturns(victim)));
            }
            Kind::Stall => {
                let length_ns = SECOND + fault.length_ns;
                self.machines[victim].stalled_until = now.after(length_ns);
            }
            Kind::CutOff => {
                self.coverage.shape(Shape::Isolate);
                self.network.partition(Shape::Isolate, victim);
                self.update_links();
                let length_ns = (4 * fault.length_ns).min(10 * SECOND);
                self.schedule.after(length_ns, Event::FaultEnds(Ending::Heals));
            }
            Kind::OriginDies => {
                // Half of the time it is back at once: so its next writes stand close behind those that nobody else has.
                let at_once = (fault.detail / 2).is_multiple_of(2);
                let length_ns = if at_once { BACK_AT_ONCE_NS } else { fault.length_ns };
                self.machines[victim].dies_after_answer_ns = Some(length_ns);
                if fault.detail.is_multiple_of(2) {
                    // Then nobody else has what it answered.
                    self.network.partition(Shape::Isolate, victim);
                    self.update_links();
                    self.schedule.after(fault.length_ns, Event::FaultEnds(Ending::Heals));
                }
            }
            Kind::LateReplica => {
                self.machines[victim].disk_slowness = 100 + fault.detail % 400;
                let length_ns = (2 * fault.length_ns).min(10 * SECOND);
                self.schedule.after(length_ns, Event::FaultEnds(Ending::DiskRecovers(victim)));
            }
            Kind::WallFarAhead => {
                let by_ms = 500 + (fault.detail % 30_000) as i64;
                let clocks = &mut self.machines[victim].clocks;
                clocks.jump_wall(by_ms - clocks.wall_offset_ms());
                self.schedule.after(2 * fault.length_ns, Event::FaultEnds(Ending::ClockMended(victim)));
            }
            Kind::ClockJump => {
                // Up to five seconds back, or up to 400 ms ahead: peers accept that.
                let by_ms = (fault.detail % 5_400) as i64 - 5_000;
                let clocks = &mut self.machines[victim].clocks;
                clocks.jump_wall(by_ms - clocks.wall_offset_ms());
            }
        }
    }

    pub(crate) fn fault_ends(&mut self, ending: Ending) {
        match ending {
            Ending::Heals => {
                self.network.heal();
                self.update_links();
            }
            Ending::CutOff { node, length_ns } => {
                self.network.partition(Shape::Isolate, node);
                self.update_links();
                self.schedule.after(length_ns, Event::FaultEnds(Ending::Heals));
            }
            Ending::LossEnds => self.network.storm_loss_ppm = 0,
            Ending::SlownessEnds => self.network.storm_slowness = 1,
            Ending::PowerFails(node) => self.crash_for(node, true, SECOND / 4),
            Ending::SpaceReturns(node) => self.machines[node].disk.capacity_bytes = None,
            Ending::ClockMended(node) => self.machines[node].clocks.mend_wall(50),
            Ending::DiskRecovers(node) => self.machines[node].disk_slowness = 1,
        }
        self.trace.add(self.schedule.now(), None, "over", &[], || format!("{ending:?}"));
    }

    /// A tentative write was answered by this process: it may have been told to die of that.
    pub(crate) fn origin_dies(&mut self, node: usize, number: u64) {
        let machine = &mut self.machines[node];
        if machine.process(number).is_none() {
            return;
        }
        if let Some(length_ns) = machine.dies_after_answer_ns.take() {
            if length_ns == BACK_AT_ONCE_NS && machine.clocks.wall_offset_ms() > -MOST_BEHIND_MS / 2 {
                // Without power a machine's clock loses a little.
                machine.clocks.jump_wall(-MOST_BEHIND_MS / 2);
            }
            self.note(node, "dies", || "with what it has answered".to_owned());
            self.crash_for(node, true, length_ns);
        }
    }

    /// A node has given a vote, and was told to die of it.
    pub(crate) fn voter_dies(&mut self, node: usize, candidate: usize) {
        self.note(node, "dies", || "having voted".to_owned());
        // Whom it has elected is not heard of for a while, so that others are candidates too.
        self.trouble.mute(candidate, self.schedule.now().after(UNHEARD_NS));
        let length_ns = self.random.between(1, 50) * MILLISECOND;
        self.crash_for(node, true, length_ns);
    }

    pub(crate) fn crash_for(&mut self, node: usize, power_lost: bool, length_ns: u64) {
        if self.machines[node].process.is_none() {
            return;
        }
        self.end_process(node, power_lost);
        self.start_after(node, length_ns);
    }

    /// A process dies now and is started again within a second or so.
    pub(crate) fn crash(&mut self, node: usize, power_lost: bool) {
        self.note(node, "dies", String::new);
        let length_ns = self.random.span(SECOND / 4);
        self.crash_for(node, power_lost, length_ns);
    }

    pub(crate) fn start_after(&mut self, node: usize, length_ns: u64) {
        if !std::mem::replace(&mut self.machines[node].start_planned, true) {
            self.schedule.after(length_ns, Event::Starts { node });
        }
    }

    /// The process takes no step for so long: from now on, or from when it has next read under a lease and not yet answered. It may have looked at the clock right before.
    fn pause(&mut self, node: usize, length_ns: u64, detail: u64) {
        let now = self.now();
        let machine = &mut self.machines[node];
        if self.params.lease && (detail >> 32).is_multiple_of(4) {
            machine.pauses_before_look_ns = Some(length_ns);
            return;
        }
        let serves = machine.process.as_ref().is_some_and(|process| process.core().is_some());
        if serves && machine.paused_until <= now && (detail >> 34).is_multiple_of(2) {
            machine.looked_before_pause = Some(machine.clocks.now(now));
        }
        machine.paused_until = machine.paused_until.max(now.after(length_ns));
    }

    fn stop_gracefully(&mut self, node: usize, length_ns: u64) {
        let Some(process) = &mut self.machines[node].process else { return };
        if matches!(process.mind, Mind::Core(_)) && !process.stopping {
            process.stopping = true;
            self.enqueue(node, Input::Stop);
            // Counted from the order to stop: if the node needs longer, it is started once it has stopped.
            self.machines[node].start_planned = false;
            self.machines[node].restart_after_stop_ns = length_ns;
        }
    }

    /// The process on a machine is gone: links and clients will notice.
    pub(crate) fn end_process(&mut self, node: usize, power_lost: bool) {
        let stopping = self.machines[node].process.as_ref().is_some_and(|process| process.stopping);
        let clients = self.machines[node].end_process(power_lost);
        if stopping {
            let length_ns = self.machines[node].restart_after_stop_ns;
            self.start_after(node, length_ns);
        }
        self.update_links();
        for client in clients {
            self.workload.disconnected(client);
            self.client_goes_on(client);
        }
    }
}
