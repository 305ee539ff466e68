//! `cargo xtask ci`: the whole gate, one command, the same on every machine.
//!
//! The steps are data (`steps.rs`); this file runs them in order, goes on after a failure so that one run tells
//! everything, and closes with what failed, what was skipped and why, and a line of counts. With `--strict` a skip is a failure:
//! that is how CI runs it, so that a missing tool cannot pass for a passing test.
//!
//! The gate reads the source tree and writes only below the target folder.

mod counts;
mod process;
mod steps;
mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use counts::Counts;
use steps::Step;

/// What the command line asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// A skipped check fails the gate.
    strict: bool,
    /// Print the steps instead of running them.
    list: bool,
    /// Only steps whose name contains this.
    only: Option<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Options> {
        let mut options = Options::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--strict" => options.strict = true,
                "--list" => options.list = true,
                "--only" => {
                    options.only = Some(rest.next().context("--only wants a word of a step's name")?.clone())
                }
                other => bail!("`ci` has no option `{other}`; see `cargo xtask help`"),
            }
        }
        Ok(options)
    }
}

/// How one step ended.
enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs the gate. The exit code is success only when nothing failed (and, with `--strict`, nothing was skipped).
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let place = Place::find(root)?;
    let steps: Vec<Step> = steps::all()
        .into_iter()
        .filter(|step| options.only.as_ref().is_none_or(|word| step.name.contains(word.as_str())))
        .collect();
    if steps.is_empty() {
        bail!("no step's name contains that; `cargo xtask ci --list` shows them");
    }
    if options.list {
        list(&steps, &place);
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(place.skips_file.parent().unwrap_or(root))?;

    let begin = Instant::now();
    let mut counts = Counts::default();
    let mut table = Vec::new();
    let mut failures = Vec::new();
    let mut skips = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {}/{} {}", index + 1, steps.len(), step.name);
        let step_begin = Instant::now();
        std::fs::write(&place.skips_file, "")?;
        let mut step_counts = Counts::default();
        let verdict = run_step(step, &place, &mut step_counts);
        for reason in std::fs::read_to_string(&place.skips_file).unwrap_or_default().lines() {
            skips.push(format!("{}: {reason}", step.name));
            step_counts.skipped += 1;
        }
        let (word, note) = match verdict {
            Verdict::Passed => {
                step_counts.passed += u64::from(step_counts.passed == 0);
                ("ok", String::new())
            }
            Verdict::Failed(why) => {
                step_counts.failed += u64::from(step_counts.failed == 0);
                failures.push(format!("{}: {why}", step.name));
                ("FAILED", why)
            }
            Verdict::Skipped(why) => {
                step_counts.skipped += 1;
                skips.push(format!("{}: {why}", step.name));
                ("skipped", why)
            }
        };
        counts += step_counts;
        let row = format!("{word:8}{:>8}  {}", seconds(step_begin.elapsed()), step.name);
        println!("--- {row}{}{note}", if note.is_empty() { "" } else { ": " });
        table.push(row);
    }

    println!("\n=== gate: {}", seconds(begin.elapsed()));
    for row in table {
        println!("{row}");
    }
    for skip in &skips {
        println!("skipped, {skip}");
    }
    for failure in &failures {
        println!("FAILED, {failure}");
    }
    let refused = options.strict && !skips.is_empty();
    if refused {
        println!(
            "--strict: what was skipped counts as failed; install what it names, or run without --strict"
        );
        counts.failed += counts.skipped;
        counts.skipped = 0;
    }
    println!("{counts}");
    Ok(if failures.is_empty() && !refused { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_step(step: &Step, place: &Place, counts: &mut Counts) -> Verdict {
    if let Some(path) = step.path.filter(|path| !place.root.join(path).exists()) {
        return Verdict::Skipped(format!("{path} is not there"));
    }
    if let Some(missing) = step.tools.iter().find(|tool| !tool.is_here(place)) {
        return Verdict::Skipped(format!("needs {missing}"));
    }
    let commands = match step.fallback {
        Some((tool, commands)) if !tool.is_here(place) => commands,
        _ => step.commands,
    };
    for line in commands {
        let words = place.fill(line);
        println!("$ {}", words.join(" "));
        let outcome =
            process::run(&words, &place.environment(step), &place.root, step.limit, |line| counts.read(line));
        if let Err(error) = outcome {
            return Verdict::Failed(format!("{error:#}"));
        }
    }
    Verdict::Passed
}

fn list(steps: &[Step], place: &Place) {
    for (index, step) in steps.iter().enumerate() {
        println!("{:>2}  {}", index + 1, step.name);
        for line in step.commands {
            println!("      $ {line}");
        }
        for tool in step.tools {
            println!("      needs {tool}{}", if tool.is_here(place) { "" } else { "  (not here)" });
        }
        if let Some(path) = step.path.filter(|path| !place.root.join(path).exists()) {
            println!("      {path} is not there");
        }
    }
}

fn seconds(duration: Duration) -> String {
    let total = duration.as_secs();
    if total < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{}:{:02} min", total / 60, total % 60)
    }
}

/// Where things lie on this machine.
pub(crate) struct Place {
    root: PathBuf,
    target: PathBuf,
    /// A test that cannot run here appends one line with the reason to this file.
    skips_file: PathBuf,
    /// The tree under test, as the first seed of the fresh simulations.
    tree_seed: u64,
}

impl Place {
    fn find(root: &Path) -> Result<Place> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let tree = Command::new("git").args(["rev-parse", "HEAD^{tree}"]).current_dir(root).output()?;
        let tree = String::from_utf8_lossy(&tree.stdout).trim().to_owned();
        // 48 bits: short enough to type again, and far from the seeds 0, 1, 2 … of the fixed run.
        let tree_seed = tree
            .get(..12)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .context("`git rev-parse HEAD^{tree}` gives no tree; the gate runs in a clone with a commit")?;
        Ok(Place { root: root.to_owned(), skips_file: target.join("gate/skips"), target, tree_seed })
    }

    /// The folder into which `.ci/run` puts packages of other languages.
    fn tools_folder(&self) -> PathBuf {
        self.root.join("target/gate")
    }

    fn fill(&self, line: &str) -> Vec<String> {
        let target = self.target.to_string_lossy();
        let xtask = std::env::current_exe().unwrap_or_default();
        line.split_whitespace()
            .map(|word| {
                word.replace("{target}", &target)
                    .replace("{seed}", &self.tree_seed.to_string())
                    .replace("{xtask}", &xtask.to_string_lossy())
                    .replace('~', " ")
            })
            .collect()
    }

    /// What every command of the gate finds in its environment, beside what was there.
    fn environment(&self, step: &Step) -> Vec<(String, String)> {
        let mut environment = vec![
            ("QUARTET_SKIPS".to_owned(), self.skips_file.to_string_lossy().into_owned()),
            ("QUARTET_BIN".to_owned(), self.target.join("release/quartet").to_string_lossy().into_owned()),
            ("PYTHONPATH".to_owned(), self.tools_folder().join("python").to_string_lossy().into_owned()),
            ("PYTHONUNBUFFERED".to_owned(), "1".to_owned()),
            (
                "NODE_PATH".to_owned(),
                self.tools_folder().join("node/node_modules").to_string_lossy().into_owned(),
            ),
            ("REDIS_SOURCE".to_owned(), self.tools_folder().join("redis").to_string_lossy().into_owned()),
        ];
        environment
            .extend(step.environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { root: ".".into(), target: "/t".into(), skips_file: "/t/gate/skips".into(), tree_seed: 7 }
    }

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let options = Options::parse(&words("--strict --only sim")).unwrap();
        assert!(options.strict && options.only.as_deref() == Some("sim"));
        assert!(Options::parse(&words("--fast")).is_err());
        assert!(Options::parse(&words("--only")).is_err());
    }

    #[test]
    fn placeholders_are_filled_and_a_tilde_is_a_blank() {
        assert_eq!(place().fill("{target}/ci/sim --from {seed} a~b"), ["/t/ci/sim", "--from", "7", "a b"]);
    }

    #[test]
    fn a_step_fails_skips_or_passes() {
        let step = Step { name: "x", commands: &["true"], ..Step::DEFAULT };
        let verdict = |step: Step| run_step(&step, &place(), &mut Counts::default());
        assert!(matches!(verdict(step), Verdict::Passed));
        assert!(matches!(verdict(Step { commands: &["true", "false"], ..step }), Verdict::Failed(_)));
        assert!(matches!(verdict(Step { path: Some("no/such/file"), ..step }), Verdict::Skipped(_)));
        assert!(matches!(
            verdict(Step { tools: &[tools::Tool::Program("no-such-program")], ..step }),
            Verdict::Skipped(_)
        ));
        let fallback = Some((tools::Tool::Program("no-such-program"), &["false"][..]));
        assert!(matches!(verdict(Step { fallback, ..step }), Verdict::Failed(_)));
    }
}
