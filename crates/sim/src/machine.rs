//! One simulated machine: its disk, its clocks, and the process that may run on it.
//!
//! A machine outlives its processes. What a crash destroys is in [`Process`]; what it damages is the disk; what it leaves alone are the clocks. A machine
//! does nothing by itself: the `world` hands it inputs and carries out what its core says.
//!
//! Invariant: disk jobs of one lane run one after the other, at the virtual time at which they complete; a crash catches at most one job of each
//! lane in the middle, and the ones behind it have not begun.

use crate::clocks::Clocks;
use crate::random::Random;
use crate::schedule::Instant;
use crate::sim_disk::SimDisk;
use directory::founding::Founding;
use node::core::Core;
use node::io::Input;
use proto::ids::ConnectionId;
use proto::time::Now;
use std::collections::{BTreeMap, VecDeque};
use storage::disk::{DiskJob, Lane};

/// What runs in a process.
pub enum Mind {
    /// It looks for the others with whom it founds a cluster.
    Founding(Box<Founding>),
    /// It serves.
    Core(Box<Core>),
}

/// One life of a node.
pub struct Process {
    /// Which life, counted over the whole world, so that events for an earlier one are told apart.
    pub number: u64,
    /// What runs.
    pub mind: Mind,
    /// What has come in and waits for the next step.
    pub inbox: Vec<Input>,
    /// When the next step is due.
    pub step_at: Option<Instant>,
    /// Disk jobs by lane; the first of each is under way.
    pub lanes: [VecDeque<DiskJob>; 2],
    /// To which life of which peer there is a link, as this process was told.
    pub links: Vec<Option<u64>>,
    /// Client connections, with the clients that hold them.
    pub connections: BTreeMap<ConnectionId, usize>,
    /// It was told to stop in good order.
    pub stopping: bool,
}

/// A machine and what runs on it.
pub struct Machine {
    /// Its disk.
    pub disk: SimDisk,
    /// Its clocks.
    pub clocks: Clocks,
    /// What runs, if anything does.
    pub process: Option<Process>,
    /// It takes no step before this.
    pub paused_until: Instant,
    /// It will stop for so long when it has read under a lease and not yet looked at the clock again.
    pub pauses_before_look_ns: Option<u64>,
    /// It stopped when it had looked at the clock, and will take what came meanwhile for something of that moment.
    pub looked_before_pause: Option<Now>,
    /// Its disk takes this many times as long; 1 usually.
    pub disk_slowness: u64,
    /// No disk job is complete before this.
    pub stalled_until: Instant,
    /// Its disk had hardly any space once, so its body says how much there is.
    pub reports_space: bool,
    /// It dies in the middle of carrying out the outputs of its next drain; with `true` its power is lost.
    pub dies_among_outputs: Option<bool>,
    /// It loses power as soon as it has sent a vote.
    pub dies_of_votes: bool,
    /// It loses power for so long, in nanoseconds, as soon as its client has the answer to a tentative write.
    pub dies_after_answer_ns: Option<u64>,
    /// How long it stays down after a graceful stop, in nanoseconds.
    pub restart_after_stop_ns: u64,
    /// Its disk was damaged, or has lost what it held: until all its replicas are whole again it counts among the few that may be.
    pub is_hurt: bool,
    /// A batch of its log lies where it does not belong, and the process does not know.
    pub is_misdirected: bool,
    /// A sync of the running process has failed: it will end itself.
    pub ends_itself: bool,
    /// It is down, and will be started by an event that is on its way.
    pub start_planned: bool,
    /// What its disk and its losses are drawn from.
    pub random: Random,
}

/// The place of a lane in [`Process::lanes`].
pub fn lane_index(lane: Lane) -> usize {
    match lane {
        Lane::Log => 0,
        Lane::Bulk => 1,
    }
}

impl Process {
    /// A process that has just begun.
    pub fn new(number: u64, mind: Mind, nodes: usize) -> Process {
        Process {
            number,
            mind,
            inbox: Vec::new(),
            step_at: None,
            lanes: [VecDeque::new(), VecDeque::new()],
            links: vec![None; nodes],
            connections: BTreeMap::new(),
            stopping: false,
        }
    }

    /// Its core, if it serves.
    pub fn core(&self) -> Option<&Core> {
        match &self.mind {
            Mind::Core(core) => Some(core),
            Mind::Founding(_) => None,
        }
    }
}

impl Machine {
    /// A machine with an empty disk, and nothing running.
    pub fn new(clocks: Clocks, random: Random) -> Machine {
        Machine {
            disk: SimDisk::default(),
            clocks,
            process: None,
            paused_until: Instant(0),
            pauses_before_look_ns: None,
            looked_before_pause: None,
            disk_slowness: 1,
            stalled_until: Instant(0),
            reports_space: false,
            dies_among_outputs: None,
            dies_of_votes: false,
            dies_after_answer_ns: None,
            restart_after_stop_ns: 0,
            is_hurt: false,
            is_misdirected: false,
            ends_itself: false,
            start_planned: false,
            random,
        }
    }

    /// The process that runs, if it is this one.
    pub(crate) fn process(&mut self, number: u64) -> Option<&mut Process> {
        self.process.as_mut().filter(|process| process.number == number)
    }

    /// The core that serves here.
    pub fn core(&self) -> Option<&Core> {
        self.process.as_ref()?.core()
    }

    /// Ends the process. With the power gone, what was not synced is kept or lost; otherwise the machine's cache saves it. Returns the
    /// clients that lose their connections.
    pub fn end_process(&mut self, power_lost: bool) -> Vec<usize> {
        let Some(process) = self.process.take() else { return Vec::new() };
        for lane in &process.lanes {
            if let Some(job) = lane.front() {
                self.disk.run_torn(&job.ops, &mut self.random);
            }
        }
        self.ends_itself = false;
        self.pauses_before_look_ns = None;
        self.looked_before_pause = None;
        self.disk.fails_next_sync = false;
        // With nothing behind it, it would look like a torn one.
        if self.disk.put_right() {
            self.is_misdirected = false;
        }
        if power_lost {
            self.disk.crash(&mut self.random);
        }
        self.dies_among_outputs = None;
        self.dies_of_votes = false;
        process.connections.into_values().collect()
    }
}
