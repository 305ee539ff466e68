//! Changes to a seed's world, in writing: what the shrinker tries, and what a person types to see its result again.
//!
//! A seed draws a world; overrides take away from it: faults, clients, nodes, kinds of trouble, time. They are the arguments of a command line, so that what is printed is what is typed. Another *variant* of a world has the same
//! parameters and the same plan of faults, and other chances in everything else: a world from which something was taken fails in another way than before, or in no way, and a few variants tell whether it still can.
//!
//! Invariant: [`Overrides::parse`] understands what `Display` writes.

use crate::params::Params;
use crate::schedule::{MILLISECOND, SECOND};
use std::collections::BTreeSet;
use std::fmt;

/// A kind of trouble that a world can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Without {
    /// Frames that are lost by themselves.
    Loss,
    /// Frames that come twice.
    Duplication,
    /// Frames that overtake each other.
    Reordering,
    /// Long ways.
    Latency,
    /// Monotonic clocks that drift.
    Drift,
    /// Wall clocks that are off.
    Skew,
    /// A memory limit.
    Memory,
    /// Founding by messages.
    Founding,
    /// Steps that wait for company.
    Batching,
    /// Slow disks.
    SlowDisks,
    /// Snapshots, and logs that are cut.
    Snapshots,
    /// Clients with several requests under way.
    Pipelines,
    /// Large values.
    LargeValues,
}

impl Without {
    /// All of them.
    pub const ALL: [Without; 13] = [
        Without::Loss,
        Without::Duplication,
        Without::Reordering,
        Without::Latency,
        Without::Drift,
        Without::Skew,
        Without::Memory,
        Without::Founding,
        Without::Batching,
        Without::SlowDisks,
        Without::Snapshots,
        Without::Pipelines,
        Without::LargeValues,
    ];

    fn word(self) -> &'static str {
        match self {
            Without::Loss => "loss",
            Without::Duplication => "duplication",
            Without::Reordering => "reordering",
            Without::Latency => "latency",
            Without::Drift => "drift",
            Without::Skew => "skew",
            Without::Memory => "memory",
            Without::Founding => "founding",
            Without::Batching => "batching",
            Without::SlowDisks => "slow-disks",
            Without::Snapshots => "snapshots",
            Without::Pipelines => "pipelines",
            Without::LargeValues => "large-values",
        }
    }

    fn take_from(self, params: &mut Params) {
        match self {
            Without::Loss => params.network.loss_ppm = 0,
            Without::Duplication => params.network.duplication_ppm = 0,
            Without::Reordering => params.network.reordering_ppm = 0,
            Without::Latency => params.network.latency_ns = 100_000,
            Without::Drift => (params.drift_ppm, params.wall_drift_ppm) = (0, 0),
            Without::Skew => params.wall_offset_ms = 0,
            Without::Memory => params.memory_limit_bytes = None,
            Without::Founding => params.founding_by_messages = false,
            Without::Batching => params.batch_ns = 0,
            Without::SlowDisks => {
                (params.disk.sync_ns, params.disk.operation_ns) = (100_000, 10_000);
            }
            Without::Snapshots => {
                (params.segment_bytes, params.snapshot_log_bytes) = (1 << 26, 1 << 26);
            }
            Without::Pipelines => params.workload.pipeline = 1,
            Without::LargeValues => params.workload.cold_value_bytes = 16,
        }
    }
}

/// What a run leaves out of what its parameters would have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Only these faults of the plan happen, by their places in it from 1; `None`: all.
    pub only_faults: Option<BTreeSet<u64>>,
    /// Between two of the faults that happen there is so much calm, in nanoseconds, whatever the plan says.
    pub calm_ns: Option<u64>,
    /// Only these clients ask anything before the healing, from 0; `None`: all.
    pub only_clients: Option<BTreeSet<usize>>,
    /// So many operations are begun before the healing at most.
    pub most_operations: Option<u64>,
    /// Which chances everything has but the parameters and the plan of faults.
    pub variant: u64,
}

/// Changes to a seed's world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// What is left of it.
    pub left: Left,
    /// When the faults end, in nanoseconds.
    pub until_ns: Option<u64>,
    /// So many nodes.
    pub nodes: Option<usize>,
    /// So many shards.
    pub shards: Option<u32>,
    /// So many judged keys of each kind.
    pub hot_keys: Option<u64>,
    /// Kinds of trouble that it does without.
    pub without: BTreeSet<Without>,
}

/// The arguments that [`Overrides::parse`] understands.
pub const USAGE: &str = "  --only-faults 3,7   only these faults of the plan, by their numbers in it; 0: none
  --calm 1s           so much time before each of them, whatever the plan says
  --only-clients 1,4  only these clients
  --operations N      no more operations than these before the healing
  --until 12.5s       the healing comes then
  --nodes N, --shards N, --hot-keys N
                      a smaller cluster, less data
  --no loss,skew      without loss, duplication, reordering, latency, drift, skew, memory, founding, batching, slow-disks, snapshots, pipelines, large-values
  --variant K         the same world with other chances";

/// A span of time in nanoseconds: `12.5s` or `300ms`.
pub fn parse_span(text: &str) -> Result<u64, String> {
    let wrong = || format!("write a time like 12.5s or 300ms, not {text:?}");
    let (number, unit_ns) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, MILLISECOND),
        (None, Some(number)) => (number, SECOND),
        (None, None) => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    if !(0.0..1e9).contains(&number) {
        return Err(wrong());
    }
    Ok((number * unit_ns as f64) as u64)
}

fn numbers<T: std::str::FromStr + Ord>(text: &str) -> Result<BTreeSet<T>, String> {
    let one = |word: &str| word.parse().map_err(|_| format!("write numbers with commas, not {text:?}"));
    text.split(',').map(one).collect()
}

impl Overrides {
    /// Takes in one argument with its value. `Ok(false)`: it is none of these.
    pub fn parse(
        &mut self,
        argument: &str,
        value: &mut dyn FnMut() -> Option<String>,
    ) -> Result<bool, String> {
        let mut value = || value().ok_or_else(|| format!("{argument} wants a value"));
        match argument {
            "--only-faults" => self.left.only_faults = Some(numbers(&value()?)?),
            "--calm" => self.left.calm_ns = Some(parse_span(&value()?)?),
            "--only-clients" => self.left.only_clients = Some(numbers(&value()?)?),
            "--operations" => self.left.most_operations = numbers(&value()?)?.first().copied(),
            "--variant" => self.left.variant = numbers(&value()?)?.first().copied().unwrap_or_default(),
            "--until" => self.until_ns = Some(parse_span(&value()?)?),
            "--nodes" => self.nodes = numbers(&value()?)?.first().copied(),
            "--shards" => self.shards = numbers(&value()?)?.first().copied(),
            "--hot-keys" => self.hot_keys = numbers(&value()?)?.first().copied(),
            "--no" => {
                for word in value()?.split(',') {
                    let known = Without::ALL.into_iter().find(|without| without.word() == word);
                    self.without.insert(known.ok_or_else(|| format!("--no knows no {word:?}"))?);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Changes the world.
    pub fn apply(&self, params: &mut Params) {
        if let Some(until_ns) = self.until_ns {
            params.safety_ns = until_ns;
        }
        if let Some(nodes) = self.nodes {
            params.nodes = nodes.clamp(1, params.nodes);
            params.replicas = params.replicas.min(params.nodes);
        }
        if let Some(shards) = self.shards {
            params.shards = shards.clamp(1, params.shards);
        }
        if let Some(hot_keys) = self.hot_keys {
            params.workload.hot_keys = hot_keys.clamp(1, params.workload.hot_keys);
        }
        self.without.iter().for_each(|without| without.take_from(params));
        params.left = self.left.clone();
    }
}

fn joined<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = &self.left;
        if let Some(only) = &left.only_faults {
            let none = BTreeSet::from([0]);
            write!(f, " --only-faults {}", joined(if only.is_empty() { &none } else { only }))?;
        }
        if let Some(calm_ns) = left.calm_ns {
            write!(f, " --calm {}ms", calm_ns / MILLISECOND)?;
        }
        if let Some(only) = &left.only_clients {
            write!(f, " --only-clients {}", joined(only))?;
        }
        if let Some(most) = left.most_operations {
            write!(f, " --operations {most}")?;
        }
        if let Some(until_ns) = self.until_ns {
            write!(f, " --until {}ms", until_ns / MILLISECOND)?;
        }
        if let Some(nodes) = self.nodes {
            write!(f, " --nodes {nodes}")?;
        }
        if let Some(shards) = self.shards {
            write!(f, " --shards {shards}")?;
        }
        if let Some(hot_keys) = self.hot_keys {
            write!(f, " --hot-keys {hot_keys}")?;
        }
        if !self.without.is_empty() {
            write!(f, " --no {}", joined(self.without.iter().map(|without| without.word())))?;
        }
        if left.variant > 0 {
            write!(f, " --variant {}", left.variant)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood() {
        let written = Overrides {
            left: Left {
                only_faults: Some([3, 7].into()),
                calm_ns: Some(SECOND),
                only_clients: Some([1].into()),
                most_operations: Some(40),
                variant: 2,
            },
            until_ns: Some(12_500 * MILLISECOND),
            nodes: Some(3),
            shards: Some(1),
            hot_keys: Some(1),
            without: Without::ALL.into(),
        };
        let text = written.to_string();
        let mut words = text.split_whitespace().map(str::to_owned);
        let mut read = Overrides::default();
        while let Some(word) = words.next() {
            assert_eq!(read.parse(&word, &mut || words.next()), Ok(true), "{word}");
        }
        assert_eq!(read, written);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut overrides = Overrides::default();
        for (argument, value) in
            [("--only-faults", "x"), ("--until", "12"), ("--no", "sense"), ("--until", "-1s")]
        {
            assert!(overrides.parse(argument, &mut || Some(value.to_owned())).is_err(), "{argument} {value}");
        }
        assert_eq!(overrides, Overrides::default());
        assert_eq!(overrides.parse("--threads", &mut || None), Ok(false));
        assert_eq!(parse_span("0.5s"), Ok(SECOND / 2));
    }
}
