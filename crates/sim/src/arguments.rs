//! The arguments of the command `sim`.

use sim::aims::Aim;
use sim::overrides::{self, Overrides, parse_span};
use sim::run::Options;

const USAGE: &str = "usage: sim --seeds N [--from S] [--threads T] [--keep-going] [--weak P]
       sim --minutes M [--from S] [--threads T] [--keep-going] [--weak P]
       sim --seed S [--trace | --shiviz | --shrink] [--weak P] [what is left of its world]

  --seeds N      run N seeds; with 150 or more, whatever they should have reached and did not is a failure
  --minutes M    run seeds for M minutes
  --from S       the first seed (1 unless said)
  --threads T    seeds at a time (2 unless said)
  --keep-going   do not stop at the first failure
  --seed S       run one seed twice, and compare
  --weak P       of a hundred operations P are below sequential, whatever the seed says; 0 is a world without any
  --aim WHERE    worlds aimed at elections, stale-leaders, partial-cuts, leases, skewed-sessions, or nowhere, wherever the seed aims
  --trace        run it once and print what happened, a line an event
  --shiviz       run it once and print a log that ShiViz draws
    --node N, --group G, --from 12s, --to 14.5s
                 show no more than that of it
  --shrink       look for a small world that fails as this seed does
  --seconds N    for so long at most (120 unless said)

what is left of a world (what --shrink prints):
{}

exit codes: 0 success, 2 wrong usage, 10 crash, 11 safety, 12 liveness, 13 two runs of one seed differ, 14 a batch did not reach all that it should";

/// What is wanted.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) seeds: Option<u64>,
    pub(crate) minutes: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) from: u64,
    pub(crate) threads: usize,
    pub(crate) keep_going: bool,
    pub(crate) shrink: bool,
    pub(crate) seconds: u64,
    pub(crate) overrides: Overrides,
    pub(crate) options: Options,
    /// The bugs of which a table is wanted.
    #[cfg(feature = "planted")]
    pub(crate) planted_table: Option<Vec<node::planted::Planted>>,
    /// Where each search of the table begins.
    #[cfg(feature = "planted")]
    pub(crate) starts: Vec<u64>,
}

impl Wanted {
    /// Reads the arguments. An error is a sentence for the person who typed them.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
        let mut wanted = Wanted { from: 1, threads: 2, seconds: 120, ..Wanted::default() };
        let mut from = None;
        while let Some(argument) = arguments.next() {
            if wanted.overrides.parse(&argument, &mut || arguments.next())? {
                continue;
            }
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--seeds" => wanted.seeds = Some(number(&argument, &value()?)?),
                "--minutes" => wanted.minutes = Some(number(&argument, &value()?)?),
                "--seed" => wanted.seed = Some(number(&argument, &value()?)?),
                "--from" => from = Some(value()?),
                "--to" => wanted.options.filter.to_ns = Some(parse_span(&value()?)?),
                "--node" => {
                    let node =
                        number(&argument, &value()?)?.checked_sub(1).ok_or("nodes are numbered from 1")?;
                    wanted.options.filter.node = Some(node as usize);
                }
                "--group" => wanted.options.filter.group = Some(number(&argument, &value()?)? as u32),
                "--threads" => wanted.threads = number(&argument, &value()?)?.clamp(1, 64) as usize,
                "--seconds" => wanted.seconds = number(&argument, &value()?)?,
                "--weak" => wanted.options.weak_percent = Some(number(&argument, &value()?)?.min(100)),
                "--aim" => {
                    let word = value()?;
                    let aim = Aim::ALL.into_iter().find(|aim| aim.word() == word);
                    wanted.options.aim =
                        Some(aim.ok_or_else(|| format!("write one of {:?}", Aim::ALL.map(Aim::word)))?);
                }
                "--keep-going" => wanted.keep_going = true,
                "--trace" => wanted.options.with_lines = true,
                "--shiviz" => wanted.options.with_shiviz = true,
                "--shrink" => wanted.shrink = true,
                #[cfg(feature = "planted")]
                "--planted" => wanted.options.planted = planted(&value()?)?,
                #[cfg(feature = "planted")]
                "--planted-table" => {
                    let text = value()?;
                    let all = || Ok(sim::run::PLANTED.to_vec());
                    let some = || text.split(',').map(planted).collect();
                    wanted.planted_table = Some(if text == "all" { all() } else { some() }?);
                }
                #[cfg(feature = "planted")]
                "--starts" => {
                    let starts: Result<Vec<u64>, String> =
                        value()?.split(',').map(|start| number("--starts", start)).collect();
                    wanted.starts = starts?;
                }
                other => return Err(format!("{other:?} is not known")),
            }
        }
        match (from, wanted.seed) {
            (Some(text), None) => wanted.from = number("--from", &text)?,
            (Some(text), Some(_)) => wanted.options.filter.from_ns = Some(parse_span(&text)?),
            (None, _) => {}
        }
        #[cfg(feature = "planted")]
        if wanted.planted_table.is_some() {
            return Ok(wanted);
        }
        let ways = [wanted.seeds, wanted.minutes, wanted.seed].iter().flatten().count();
        if ways != 1 {
            return Err("say one of --seeds, --minutes, --seed".to_owned());
        }
        if wanted.seed.is_none() && wanted.overrides != Overrides::default() {
            return Err("only one seed's world can be changed: say --seed".to_owned());
        }
        Ok(wanted)
    }
}

/// The words that tell how to use it.
pub(crate) fn usage() -> String {
    USAGE.replace("{}", overrides::USAGE)
}

fn number(argument: &str, text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16));
    digits.map_err(|_| format!("{argument} wants a whole number, not {text:?}"))
}

/// The bug of this name. Known only to builds that have planted bugs.
#[cfg(feature = "planted")]
fn planted(name: &str) -> Result<node::planted::Planted, String> {
    let all = sim::run::PLANTED;
    all.into_iter().find(|bug| format!("{bug:?}") == name).ok_or_else(|| format!("write one of {all:?}"))
}
