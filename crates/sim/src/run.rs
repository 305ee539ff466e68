//! One run: a seed's world through both of its phases, and what came of it.
//!
//! First the safety phase with faults on; then everything is mended and the liveness phase begins: within `LIVENESS_NS` of virtual time every client must have its answers, every
//! replica must have converged and leadership must be spread; where there was anything tentative, every node is then asked what it holds, at every level. Then what the nodes hold, and the clients' history, are judged.
//!
//! Invariant: a run always ends: virtual time is bounded, and so is the number of events at one instant's pace. A panic anywhere in the core is a failure, even one that the core caught.

use crate::aims::Aim;
use crate::coverage::Coverage;
use crate::judges::{Evidence, Judged, as_far_as_known, judge_history};
use crate::overrides::Overrides;
use crate::params::Params;
use crate::schedule::{Instant, MILLISECOND, SECOND};
use crate::trace::{Filter, TraceParams};
use crate::verdict::Failure;
use crate::workload::WorkStory;
use crate::world::World;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// How long the cluster has to finish and converge after the healing.
const LIVENESS_NS: u64 = 60 * SECOND;
/// How long tentative writes that were acknowledged before the healing may wait for their decision after it.
const DECISION_NS: u64 = 30 * SECOND;
/// How long what has converged must stay so.
const REST_NS: u64 = SECOND;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The parameters that it had.
    pub params: Params,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The same for every run of this seed.
    pub fingerprint: u64,
    /// Things that happened.
    pub events: u64,
    /// Faults of the plan that were due, whether or not they were left out.
    pub faults: u64,
    /// How much virtual time passed, in nanoseconds.
    pub virtual_ns: u64,
    /// What its clients went through.
    pub story: WorkStory,
    /// What happened to it.
    pub coverage: Coverage,
    /// How much the judges had to judge.
    pub evidence: Evidence,
    /// What was judged of the history.
    pub judged: Judged,
    /// How long it took to come to rest after the healing, in nanoseconds.
    pub healing_ns: u64,
    /// The trace, if lines were wanted.
    pub lines: String,
    /// The diagram, if one was wanted.
    pub shiviz: String,
}

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static LISTENS: RefCell<bool> = const { RefCell::new(false) };
}

/// Keeps panics of this thread's runs instead of printing them.
fn listen_to_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if LISTENS.with(|listens| *listens.borrow()) {
                PANICS.with(|panics| panics.borrow_mut().push(info.to_string().replace('\n', " ")));
            } else {
                usual(info);
            }
        }));
    });
}

/// Every bug that can be planted.
#[cfg(feature = "planted")]
pub const PLANTED: [node::planted::Planted; 32] = {
    use node::planted::Planted::*;
    [
        ReplyBeforeSync,
        DedupNotInSnapshot,
        RepeatAppliedAgain,
        AppliedAtRecovery,
        VoteCountedTwice,
        VoteForgotten,
        ReadWithoutRound,
        LeaseByAnEarlierClock,
        LeaseTooLong,
        ReadsOutOfLine,
        ReadBeforeApplied,
        SessionNotAwaited,
        SessionNotMerged,
        SafeTimeByClock,
        CausalWriteDoesNotWait,
        FoldIsNoPrefix,
        CoverageOutsideTheStream,
        OutboxAnsweredBeforeSync,
        ClockBackOnRestart,
        StrongTimeForgotten,
        PredecessorNotChecked,
        TombstonesDropped,
        FloorNotEnforced,
        OverlayByOtherRules,
        KeyForgetsDots,
        OtherShardsDotsForgotten,
        ReadDoesNotJoinDots,
        AbsentIsVersionZero,
        ExpiryByReplicaClock,
        FoldAfterProposal,
        RemovalTakesUnseen,
        RebuiltVotesAtOnce,
    ]
};

/// How a run is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether trace lines are wanted.
    pub with_lines: bool,
    /// Whether a diagram is wanted.
    pub with_shiviz: bool,
    /// What lines and diagram show.
    pub filter: Filter,
    /// Of a hundred operations so many are below sequential, whatever the seed says; 0 is a world without any.
    pub weak_percent: Option<u64>,
    /// Where worlds are aimed, wherever the seed would aim them.
    pub aim: Option<Aim>,
    /// The bug that is planted.
    #[cfg(feature = "planted")]
    pub planted: node::planted::Planted,
}

impl Options {
    /// Whether nothing about the worlds is prescribed.
    pub fn is_general(&self) -> bool {
        #[cfg(feature = "planted")]
        let is_planted = self.planted != node::planted::Planted::Nothing;
        #[cfg(not(feature = "planted"))]
        let is_planted = false;
        self.weak_percent.is_none() && self.aim.is_none() && !is_planted
    }
}

/// Runs a seed.
pub fn run(seed: u64, options: Options) -> Ended {
    run_changed(seed, &Overrides::default(), options)
}

/// Runs a seed whose world was changed.
pub fn run_changed(seed: u64, overrides: &Overrides, options: Options) -> Ended {
    let mut params = Params::draw_aimed(seed, options.weak_percent, options.aim);
    overrides.apply(&mut params);
    run_with(params, options)
}

/// Runs a world of these parameters.
pub fn run_with(params: Params, options: Options) -> Ended {
    listen_to_panics();
    PANICS.with(|panics| panics.borrow_mut().clear());
    LISTENS.with(|listens| *listens.borrow_mut() = true);
    node::marks::take();
    let Options { with_lines: lines, with_shiviz: shiviz, filter, .. } = options;
    let mut world = World::new(params.clone(), TraceParams { lines, shiviz, filter });
    #[cfg(feature = "planted")]
    {
        world.planted = options.planted;
    }
    let mut judged = Judged::default();
    let mut healing_ns = 0;
    // A world that a panic has left is only read from: its trace and its counts.
    let unwound = catch_unwind(AssertUnwindSafe(|| healing_ns = phases(&mut world, &mut judged))).is_err();
    LISTENS.with(|listens| *listens.borrow_mut() = false);
    let panics = PANICS.with(|panics| std::mem::take(&mut *panics.borrow_mut()));
    let mut failure = world.failure.take();
    if let Some(first) = panics.first()
        && failure.as_ref().is_none_or(|failure| unwound || failure.class == crate::verdict::Class::Liveness)
    {
        failure = Some(Failure::crash(first.clone()));
    }
    world.coverage.verdicts(world.judges.evidence().verdicts);
    world.coverage.merge(&world.workload.coverage);
    world.coverage.take_marks();
    let (fingerprint, events) = (world.trace.fingerprint(), world.trace.events());
    let (virtual_ns, evidence) = (world.now().0, world.judges.evidence());
    let (lines, shiviz) = world.trace.into_text();
    Ended {
        params,
        failure,
        fingerprint,
        events,
        faults: world.faults_due,
        virtual_ns,
        story: world.workload.story,
        coverage: world.coverage,
        evidence,
        judged,
        healing_ns,
        lines,
        shiviz,
    }
}

fn phases(world: &mut World, judged: &mut Judged) -> u64 {
    world.run_until(Instant(world.params.safety_ns));
    let healed_at = world.now();
    if world.failure.is_none() {
        world.heal();
    }
    come_to_rest(world, healed_at);
    let healing_ns = world.now().0.saturating_sub(healed_at.0);
    if world.failure.is_none() && world.params.workload.weak.is_on() {
        world.settle();
        let settles_at = world.now();
        come_to_rest(world, settles_at);
    }
    if world.failure.is_none()
        && let Err(failure) = world.judge_holdings()
    {
        world.fail(failure);
    }
    // A violation is the better explanation of whatever else went wrong.
    let history = match &world.failure {
        None => world.history(),
        Some(_) => as_far_as_known(world.history()),
    };
    match judge_history(&history) {
        Ok(found) => *judged = found,
        Err(failure) => {
            if world.failure.as_ref().is_none_or(|known| known.class == crate::verdict::Class::Liveness) {
                world.failure = Some(failure);
            }
        }
    }
    healing_ns
}

/// Goes on until everything has come to rest and stays so, or fails.
fn come_to_rest(world: &mut World, since: Instant) {
    let mut rests_since = None;
    while world.failure.is_none() {
        world.run_until(world.next_look().after(100 * MILLISECOND));
        match world.is_converged() {
            Ok(()) if rests_since.is_some_and(|since: u64| world.now().0 >= since + REST_NS) => break,
            Ok(()) => {
                rests_since.get_or_insert(world.now().0);
            }
            Err(failure) => {
                rests_since = None;
                if world.now() >= since.after(LIVENESS_NS) {
                    world.fail(failure);
                } else if world.now() >= since.after(DECISION_NS)
                    && let Err(failure) = world.is_decided()
                {
                    world.fail(failure);
                }
            }
        }
    }
}
