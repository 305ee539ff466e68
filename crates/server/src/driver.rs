//! The loop: read every socket that is ready, step the core with all of it, take one drain, hand its disk jobs to the disk threads, write every socket.
//!
//! While a sync is in flight the loop goes on with the next batch: nothing here waits for a disk. The core decides when; this file only moves bytes and says what time it is.
//!
//! A stop in good order: no new connections; the core hands its leaderships over while requests are still served; then what is under way is answered and written; then the disk threads
//! finish. Each step has a time limit, and a second signal ends it at once.

use crate::body::{Body, LINKS, RESP, SIGNALS};
use crate::faults::{Asker, Desk, Wish};
use crate::fronts::resp::{RespFront, is_foreign};
use crate::lanes::Lanes;
use crate::links::LinkEvent;
use crate::refusal::Refusal;
use directory::founding::{Founding, Input as FoundingInput, Output as FoundingOutput};
use mio::Token;
use node::core::Core;
use node::io::{Input, Output};
use proto::ids::NodeId;
use proto::time::{Mono, Now};
use std::time::Duration;

/// How long the core may take to hand over and sync.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connections may take to get their last answers.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
const FOUNDING_TICK: Duration = Duration::from_millis(500);
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often a node that stands still looks whether it is to stop.
const PAUSE_GLANCE: Duration = Duration::from_millis(20);

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// The core hands over.
    Stopping {
        until: Mono,
    },
    /// Connections get their last answers.
    Draining {
        until: Mono,
    },
}

/// A node that serves.
pub(crate) struct Driver {
    body: Body,
    core: Core,
    founding: Box<Founding>,
    resp: RespFront,
    lanes: Lanes,
    phase: Phase,
    next_founding_tick: Mono,
    link_events: Vec<LinkEvent>,
    /// Commands about faults.
    desk: Desk,
}

impl Driver {
    /// Puts the parts together. Links to all members are made from now on.
    pub(crate) fn new(
        mut body: Body,
        core: Core,
        founding: Box<Founding>,
        resp: RespFront,
        lanes: Lanes,
        me: NodeId,
    ) -> Driver {
        let now = body.clock.mono();
        body.links.set_members(core.directory().members.values(), now);
        Driver {
            body,
            core,
            founding,
            resp,
            lanes,
            phase: Phase::Serving,
            next_founding_tick: now,
            link_events: Vec::new(),
            desk: Desk::new(me),
        }
    }

    /// Serves until the node is stopped. `ready` is called once, when the node serves for the first time.
    pub(crate) fn run(mut self, ready: impl FnOnce()) -> Result<(), Refusal> {
        let mut ready = Some(ready);
        loop {
            self.body.wait(self.rest())?;
            let now = self.body.clock.now();
            let signals = self.take_events();
            if signals > 0 && !self.begin_stop(now, signals) {
                return Ok(());
            }
            self.read(now)?;
            self.drain()?;
            self.founding(now.mono)?;
            self.faults(now.mono);
            self.body.links.flush(now.mono);
            let now = self.body.clock.now();
            self.resp.flush(&mut self.core, now);
            if let Some(ready) = ready.take_if(|_| self.core.is_ready()) {
                ready();
            }
            if self.is_over(now) {
                break;
            }
            // After the answers have left: whoever ordered it has its own.
            if let Some(span) = self.body.links.faults().take_pause()
                && !self.stand_still(span)
            {
                return Ok(());
            }
        }
        let Driver { body, lanes, .. } = self;
        lanes.stop();
        drop(body.calls);
        body.http.join();
        Ok(())
    }

    /// How long it may sleep.
    fn rest(&self) -> Duration {
        if self.resp.wants_a_turn() || self.body.links.wants_a_turn() {
            return Duration::ZERO;
        }
        let now = self.body.clock.mono();
        let stop = match self.phase {
            Phase::Serving => now + LONGEST_SLEEP,
            Phase::Stopping { until } | Phase::Draining { until } => until,
        };
        let desk = self.desk.deadline().unwrap_or(stop);
        let first =
            [self.core.next_deadline(), self.body.links.deadline(now), self.next_founding_tick, stop, desk];
        first.into_iter().fold(now + LONGEST_SLEEP, Mono::min) - now
    }

    /// Tells everyone what is ready; answers how many signals came.
    fn take_events(&mut self) -> usize {
        let mut signals = 0;
        for event in &self.body.events {
            let Token(token) = event.token();
            if token >= RESP {
                self.resp.ready(token, event.into());
            } else if token >= LINKS {
                self.body.links.ready(token, event.into());
            } else if token == SIGNALS {
                signals += self.body.signals.take();
            }
        }
        signals
    }

    /// Steps the core with everything that has come.
    fn read(&mut self, now: Now) -> Result<(), Refusal> {
        let Body { links, poll, scratch, calls, .. } = &mut self.body;
        links.turn(poll.registry(), now.mono, scratch, &mut self.link_events);
        for event in self.link_events.drain(..) {
            match event {
                LinkEvent::Up(node) => self.core.step(now, Input::LinkUp { node }),
                LinkEvent::Down(node) => self.core.step(now, Input::LinkDown { node }),
                LinkEvent::Frame { from, bytes } => self.core.step(now, Input::Frame { from, bytes }),
                LinkEvent::Founding(message) => {
                    self.founding.step(now.mono, FoundingInput::Message(*message))
                }
                LinkEvent::Outdated(sentence) => return Err(Refusal::new(sentence)),
                LinkEvent::FaultAnswer { from, number, answer } => {
                    self.desk.answered(from, number, answer, now.mono)
                }
                LinkEvent::NobodyThere(node) => self.desk.is_down(node, now.mono),
            }
        }
        while let Some((job, result)) = self.lanes.finished() {
            self.core.step(now, Input::DiskDone { job, result });
        }
        if let Some(free_bytes) = self.lanes.free_bytes() {
            self.core.step(now, Input::DiskSpace { free_bytes });
        }
        self.resp.turn(poll.registry(), &mut self.core, now, scratch);
        calls.turn(&mut self.core, now);
        if now.mono >= self.core.next_deadline() {
            self.core.step(now, Input::Tick);
        }
        Ok(())
    }

    /// Carries out what the core wants, and all that it wants after one more look at the clock.
    fn drain(&mut self) -> Result<(), Refusal> {
        self.carry_out()?;
        while self.core.awaits_a_look() {
            self.carry_out()?;
        }
        Ok(())
    }

    /// One drain, at a moment behind everything that was read: the process may have slept since the turn began.
    fn carry_out(&mut self) -> Result<(), Refusal> {
        let clock = self.body.clock;
        let now = clock.now();
        let outputs = self.core.drain(now);
        // Not before anything that was read in this turn: a slow link counts from here.
        let sent = clock.mono();
        for output in outputs {
            match output {
                Output::Answer { connection, request, outcome, achieved } => {
                    if is_foreign(connection) {
                        let answer = (outcome, achieved);
                        self.body.calls.answer(&mut self.core, connection, answer, clock.now());
                    } else {
                        self.resp.answer(connection, request, outcome, achieved);
                    }
                }
                Output::Send { to, frame } => self.body.links.send(to, frame, sent),
                Output::Relay { to, frame } => self.body.links.relay(to, frame, sent),
                Output::Disk(job) => self.lanes.submit(job),
                Output::Event(event) => {
                    self.body.metrics.observe(&event);
                    observe::event_text::log(&event);
                }
                Output::MembersChanged => {
                    self.body.links.set_members(self.core.directory().members.values(), now.mono);
                }
                Output::Stopped => self.begin_drain(clock.now()),
                Output::Fatal { message } => return Err(Refusal::new(message)),
            }
        }
        Ok(())
    }

    /// Goes on answering nodes that come late to the founding round.
    fn founding(&mut self, now: Mono) -> Result<(), Refusal> {
        if now >= self.next_founding_tick {
            self.next_founding_tick = now + FOUNDING_TICK;
            self.founding.step(now, FoundingInput::Tick);
        }
        while let Some(output) = self.founding.drain() {
            match output {
                FoundingOutput::Send { to, message } => self.body.links.send_founding(&to, &message, now),
                FoundingOutput::Refused(sentence) => return Err(Refusal::new(sentence)),
                // What it would store is stored, and the identity file holds it too.
                FoundingOutput::Store(_) => self.founding.step(now, FoundingInput::Stored),
                FoundingOutput::Founded(_) | FoundingOutput::Waiting(_) => {}
            }
        }
        Ok(())
    }

    /// Carries commands about faults to the nodes, and their ends to whoever asked.
    fn faults(&mut self, now: Mono) {
        let asked = self.resp.fault_commands();
        let asked =
            asked.into_iter().map(|(connection, request, wish)| (Asker::Resp(connection, request), wish));
        let asked: Vec<(Asker, Wish)> = asked.chain(self.body.calls.fault_commands()).collect();
        let links = &mut self.body.links;
        for (asker, wish) in asked {
            let members = self.core.directory().members.keys().copied().collect();
            let is_allowed = links.faults().is_allowed();
            self.desk.begin(asker, wish, &members, is_allowed, now, |node, number, order| {
                links.order(node, number, order, now)
            });
        }
        self.desk.tick(now);
        for ended in self.desk.ended() {
            ended.silent.iter().for_each(|node| links.forget_orders(*node));
            match ended.asker {
                Asker::Resp(connection, request) => {
                    self.resp.answer_fault(connection, request, ended.result);
                }
                // A receiver that is gone has hung up.
                Asker::Http(answer) => drop(answer.send(ended.result)),
            }
        }
        if let Some(view) = links.faults().take_news() {
            let view = std::sync::Arc::new(view);
            self.resp.show_faults(view.clone());
            self.body.calls.show_faults(view);
        }
    }

    /// Takes no step and answers nothing for so long, like a process that was stopped with SIGSTOP: the operating system goes on taking connections and bytes, and time passes. Jobs that the disk
    /// threads already have are finished. A signal ends it. False if the process must end at once.
    fn stand_still(&mut self, span: Duration) -> bool {
        tracing::warn!("fault: this node stands still for {} ms", span.as_millis());
        let begun = self.body.clock.mono();
        let _still = self.body.http.stand_still();
        let mut signals = 0;
        while signals == 0 && self.body.clock.mono() - begun < span {
            std::thread::sleep(PAUSE_GLANCE.min(span));
            signals = self.body.signals.take();
        }
        tracing::warn!("fault: this node goes on");
        signals == 0 || self.begin_stop(self.body.clock.now(), signals)
    }

    /// A signal came. False if the process must end at once.
    fn begin_stop(&mut self, now: Now, signals: usize) -> bool {
        if self.phase != Phase::Serving || signals > 1 {
            tracing::warn!("stopping at once; what was not answered is unknown to its clients");
            return false;
        }
        tracing::info!("stopping: handing leadership over and finishing what is under way");
        self.phase = Phase::Stopping { until: now.mono + STOP_TIMEOUT };
        self.resp.stop_accepting(self.body.poll.registry());
        self.body.http.stop_accepting();
        self.core.step(now, Input::Stop);
        true
    }

    fn begin_drain(&mut self, now: Now) {
        if !matches!(self.phase, Phase::Draining { .. }) {
            self.phase = Phase::Draining { until: now.mono + DRAIN_TIMEOUT };
            self.resp.drain(&mut self.core, now);
        }
    }

    /// Whether the stop has come to its end.
    fn is_over(&mut self, now: Now) -> bool {
        match self.phase {
            Phase::Serving => false,
            Phase::Stopping { until } => {
                if now.mono >= until {
                    tracing::warn!("leadership was not handed over in time; stopping anyway");
                    self.begin_drain(now);
                }
                false
            }
            Phase::Draining { until } => {
                (self.resp.is_empty() && self.body.calls.is_empty()) || now.mono >= until
            }
        }
    }
}
