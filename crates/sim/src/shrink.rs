//! Makes a world that fails small: takes away faults, clients, nodes, kinds of trouble, operations and time as long as it fails in the same way.
//!
//! A world is chaotic: whatever is taken away changes all that comes after it. So each smaller world is tried in a few variants (`overrides`), with the same parameters and faults and other chances, and the first that still breaks the same
//! promise is kept. What is tried follows a list from coarse to fine, again and again until nothing helps any more or the time is over; sets of faults and clients are halved first and then thinned one by one.
//!
//! Invariant: the result fails with the class and the invariant that the seed itself failed with. Not here: clocks. The caller says when to stop.

use crate::overrides::{Left, Overrides, Without};
use crate::params::Params;
use crate::run::{Ended, Options, run_changed};
use crate::schedule::{MILLISECOND, SECOND};
use crate::verdict::Failure;
use std::collections::BTreeSet;
use std::thread;

/// A smaller world is tried in so many variants besides the present one.
const VARIANTS: u64 = 5;

/// The smallest world found so far.
#[derive(Clone, Debug)]
pub struct Smallest {
    /// What was taken from the seed's world.
    pub overrides: Overrides,
    /// Its run.
    pub ended: Ended,
    /// Runs that were tried.
    pub tries: u64,
}

/// Whether two runs failed alike.
fn is_like(failure: Option<&Failure>, wanted: &Failure) -> bool {
    failure.is_some_and(|failure| (failure.class, failure.invariant) == (wanted.class, wanted.invariant))
}

struct Shrinker<'a> {
    seed: u64,
    options: Options,
    wanted: Failure,
    threads: usize,
    is_over: &'a dyn Fn() -> bool,
    best: Smallest,
}

/// Shrinks the world of a seed that fails with these overrides. `None`: it does not fail.
pub fn shrink(
    seed: u64,
    overrides: Overrides,
    options: Options,
    threads: usize,
    is_over: &dyn Fn() -> bool,
) -> Option<Smallest> {
    let ended = run_changed(seed, &overrides, options);
    let wanted = ended.failure.clone()?;
    let best = Smallest { overrides, ended, tries: 1 };
    let mut shrinker = Shrinker { seed, options, wanted, threads: threads.max(1), is_over, best };
    shrinker.all();
    Some(shrinker.best)
}

impl Shrinker<'_> {
    fn all(&mut self) {
        loop {
            let before = self.best.overrides.clone();
            self.time();
            self.faults();
            self.calm();
            self.time();
            self.clients();
            self.troubles();
            self.cluster();
            self.operations();
            let without_variant = |overrides: &Overrides| Overrides {
                left: Left { variant: 0, ..overrides.left.clone() },
                ..overrides.clone()
            };
            if (self.is_over)() || without_variant(&before) == without_variant(&self.best.overrides) {
                return;
            }
        }
    }

    /// Tries a smaller world; keeps it if one of its variants fails alike.
    fn attempt(&mut self, smaller: Overrides) -> bool {
        if smaller == self.best.overrides || (self.is_over)() {
            return false;
        }
        let present = smaller.left.variant;
        let mut variants: Vec<u64> = vec![present];
        variants.extend((0..=VARIANTS).filter(|variant| *variant != present).take(VARIANTS as usize));
        for some in variants.chunks(self.threads) {
            let worlds = some.iter().map(|variant| Overrides {
                left: Left { variant: *variant, ..smaller.left.clone() },
                ..smaller.clone()
            });
            let worlds: Vec<Overrides> = worlds.collect();
            let (seed, options) = (self.seed, self.options);
            let ended: Vec<Ended> = thread::scope(|scope| {
                let runs: Vec<_> = worlds
                    .iter()
                    .map(|world| scope.spawn(move || run_changed(seed, world, options)))
                    .collect();
                runs.into_iter().map(|run| run.join().expect("a run catches its panics")).collect()
            });
            self.best.tries += ended.len() as u64;
            let found = worlds
                .into_iter()
                .zip(ended)
                .find(|(_, ended)| is_like(ended.failure.as_ref(), &self.wanted));
            if let Some((overrides, ended)) = found {
                (self.best.overrides, self.best.ended) = (overrides, ended);
                return true;
            }
        }
        false
    }

    fn time(&mut self) {
        // Whoever does not fail by then need not run on: this makes all later tries short.
        let failed_ns = self.best.ended.virtual_ns + 10 * MILLISECOND;
        if failed_ns < self.best.ended.params.safety_ns {
            self.attempt(Overrides { until_ns: Some(failed_ns), ..self.best.overrides.clone() });
        }
        loop {
            let until_ns = self.best.ended.params.safety_ns.min(self.best.ended.virtual_ns);
            let parts = [(1, 2), (3, 4)];
            let shorter = parts.into_iter().any(|(times, of)| {
                let until_ns = (until_ns * times / of) / (100 * MILLISECOND) * (100 * MILLISECOND);
                until_ns >= SECOND
                    && self.attempt(Overrides { until_ns: Some(until_ns), ..self.best.overrides.clone() })
            });
            if !shorter {
                return;
            }
        }
    }

    fn with_left(&self, change: impl FnOnce(&mut Left)) -> Overrides {
        let mut overrides = self.best.overrides.clone();
        change(&mut overrides.left);
        overrides
    }

    fn faults(&mut self) {
        // As many as can have begun: the plan numbers them from 1.
        let all = || (1..=self.best.ended.faults).collect();
        let present: BTreeSet<u64> = self.best.overrides.left.only_faults.clone().unwrap_or_else(all);
        self.thin(present, |left, only| left.only_faults = Some(only));
    }

    /// What is left of the faults comes sooner.
    fn calm(&mut self) {
        if self.best.overrides.left.only_faults.is_some() {
            [2 * SECOND, SECOND, SECOND / 4].into_iter().all(|calm_ns| {
                let is_sooner = self.best.overrides.left.calm_ns.is_none_or(|calm| calm_ns < calm);
                !is_sooner || self.attempt(self.with_left(|left| left.calm_ns = Some(calm_ns)))
            });
        }
    }

    fn clients(&mut self) {
        let all = || (0..self.best.ended.params.workload.clients).collect();
        let present: BTreeSet<usize> = self.best.overrides.left.only_clients.clone().unwrap_or_else(all);
        self.thin(present, |left, only| left.only_clients = Some(only));
    }

    /// Takes members out of a set: halves, quarters, and so on down to single ones.
    fn thin<T: Ord + Copy>(&mut self, mut present: BTreeSet<T>, set: impl Fn(&mut Left, BTreeSet<T>)) {
        let mut chunk = present.len();
        while chunk > 0 {
            let members: Vec<T> = present.iter().copied().collect();
            for some in members.chunks(chunk) {
                let fewer: BTreeSet<T> = present.iter().copied().filter(|one| !some.contains(one)).collect();
                if fewer.len() < present.len()
                    && self.attempt(self.with_left(|left| set(left, fewer.clone())))
                {
                    present = fewer;
                }
            }
            chunk /= 2;
        }
    }

    fn troubles(&mut self) {
        let mut all = self.best.overrides.clone();
        all.without.extend(Without::ALL);
        if self.attempt(all) {
            return;
        }
        for without in Without::ALL {
            let mut less = self.best.overrides.clone();
            if less.without.insert(without) {
                self.attempt(less);
            }
        }
    }

    fn cluster(&mut self) {
        let Params { nodes, shards, workload, .. } = self.best.ended.params.clone();
        for fewer in (1..nodes).rev() {
            if !self.attempt(Overrides { nodes: Some(fewer), ..self.best.overrides.clone() }) {
                break;
            }
        }
        for fewer in [1, shards / 2, shards - 1] {
            if fewer >= 1
                && fewer < shards
                && self.attempt(Overrides { shards: Some(fewer), ..self.best.overrides.clone() })
            {
                break;
            }
        }
        if workload.hot_keys > 1 {
            self.attempt(Overrides { hot_keys: Some(1), ..self.best.overrides.clone() });
        }
    }

    fn operations(&mut self) {
        loop {
            let begun = self.best.ended.story.operations;
            let most = self.best.overrides.left.most_operations.unwrap_or(begun).min(begun);
            let fewer = [most / 4, most / 2, most * 3 / 4, most * 9 / 10];
            let is_smaller = fewer.into_iter().any(|fewer| {
                fewer < most && self.attempt(self.with_left(|left| left.most_operations = Some(fewer)))
            });
            if !is_smaller {
                return;
            }
        }
    }
}
