//! The gate's steps, as data. To add one, add a row.
//!
//! Builds are what costs, so there are few: `--profile ci` once for lints and docs (metadata only) and once for all
//! tests and the simulator, the planted bugs in a target folder of their own, and the release binary that users get.
//!
//! In a command, `{target}` is the target folder, `{seed}` a number drawn from the tree under test, `{xtask}` this
//! program, and `~` a blank inside one argument. Every command finds in its environment:
//!
//! * `QUARTET_BIN`: the release binary (built before the steps that use it);
//! * `QUARTET_SKIPS`: a file; a test that cannot run here appends a line with the reason, and passes;
//! * `PYTHONPATH`, `NODE_PATH`, `REDIS_SOURCE`: what `.ci/run` installed below `target/gate`.
//!
//! A script's closing line `N passed, N failed, N skipped` is added to the gate's own.

use std::time::Duration;

use super::tools::Tool;

/// One row of the gate.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// Without this file there is nothing to run, and the step is skipped by name.
    pub(super) path: Option<&'static str>,
    /// Without these the step is skipped by name.
    pub(super) tools: &'static [Tool],
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// Run in order; the first failure ends the step.
    pub(super) commands: &'static [&'static str],
    /// Run these instead when the tool is missing.
    pub(super) fallback: Option<(Tool, &'static [&'static str])>,
    /// For each command; then it is ended and has failed.
    pub(super) limit: Duration,
}

impl Step {
    pub(super) const DEFAULT: Step = Step {
        name: "",
        path: None,
        tools: &[],
        environment: &[],
        commands: &[],
        fallback: None,
        limit: Duration::from_secs(20 * 60),
    };
}

const NEXTEST: Tool = Tool::Program("cargo-nextest");

/// Every step, cheap ones first.
pub(super) fn all() -> Vec<Step> {
    vec![
        Step { name: "format", commands: &["cargo fmt --all --check"], ..Step::DEFAULT },
        Step { name: "tidy", commands: &["{xtask} tidy"], ..Step::DEFAULT },
        Step {
            name: "lints",
            commands: &["cargo clippy --profile ci --locked --workspace --all-targets -- -D warnings"],
            ..Step::DEFAULT
        },
        Step {
            name: "documentation",
            environment: &[("RUSTDOCFLAGS", "-D warnings")],
            commands: &["cargo doc --profile ci --locked --workspace --no-deps"],
            ..Step::DEFAULT
        },
        Step {
            name: "build for tests",
            commands: &["cargo build --profile ci --locked --workspace --all-targets"],
            ..Step::DEFAULT
        },
        Step {
            name: "unit and scenario tests",
            commands: &[
                "cargo nextest run --cargo-profile ci --locked --workspace -E not~(package(cli)~&~kind(test))~-~package(fuzz)",
            ],
            fallback: Some((
                NEXTEST,
                &["cargo test --profile ci --locked --workspace --exclude cli --exclude fuzz --all-targets"],
            )),
            ..Step::DEFAULT
        },
        Step {
            name: "fuzz targets, their corpora and a bounded number of mutations",
            path: Some("fuzz/tests/corpus.rs"),
            commands: &["cargo nextest run --cargo-profile ci --locked --workspace -E package(fuzz)"],
            fallback: Some((NEXTEST, &["cargo test --profile ci --locked -p fuzz"])),
            ..Step::DEFAULT
        },
        Step {
            name: "documentation tests",
            commands: &["cargo test --profile ci --locked --workspace --doc"],
            ..Step::DEFAULT
        },
        Step {
            name: "simulation",
            path: Some("crates/sim/src/main.rs"),
            commands: &["{target}/ci/sim --seeds 150", "{target}/ci/sim --from {seed} --seeds 50"],
            ..Step::DEFAULT
        },
        Step {
            name: "planted bugs are caught",
            path: Some("crates/sim/tests/planted.rs"),
            commands: &[
                "cargo nextest run --cargo-profile ci --locked -p sim --features planted --target-dir {target}/planted --test planted --test planted_stories",
            ],
            fallback: Some((
                NEXTEST,
                &[
                    "cargo test --profile ci --locked -p sim --features planted --target-dir {target}/planted --test planted --test planted_stories",
                ],
            )),
            ..Step::DEFAULT
        },
        Step {
            name: "end to end, real processes",
            path: Some("crates/cli/tests"),
            commands: &[
                "cargo nextest run --cargo-profile ci --locked --workspace -E package(cli)~&~kind(test)",
            ],
            fallback: Some((
                NEXTEST,
                &["cargo test --profile ci --locked -p cli --test * -- --test-threads=1"],
            )),
            ..Step::DEFAULT
        },
        Step {
            name: "release binary",
            commands: &["cargo build --release --locked -p cli"],
            ..Step::DEFAULT
        },
        Step {
            name: "systemd unit",
            tools: &[Tool::Program("systemd-analyze")],
            commands: &["bash packaging/verify-unit.sh"],
            ..Step::DEFAULT
        },
        Step {
            name: "end to end, clients of other languages",
            path: Some("tests/clients/run.py"),
            tools: &[
                Tool::Program("python3"),
                Tool::PythonModule("redis"),
                Tool::Program("node"),
                Tool::NodeModule("ioredis"),
                Tool::NodeModule("redis"),
                Tool::Program("redis-cli"),
                Tool::Program("redis-benchmark"),
                Tool::Program("curl"),
            ],
            commands: &["python3 tests/clients/run.py"],
            ..Step::DEFAULT
        },
        Step {
            name: "end to end, the API document",
            path: Some("tests/api/run.py"),
            tools: &[Tool::Program("python3"), Tool::PythonModule("schemathesis")],
            commands: &["python3 tests/api/run.py"],
            ..Step::DEFAULT
        },
        Step {
            name: "end to end, Redis's own test units",
            path: Some("tests/redis/run.sh"),
            tools: &[Tool::Program("tclsh"), Tool::Program("redis-cli"), Tool::Folder("redis")],
            commands: &["bash tests/redis/run.sh"],
            ..Step::DEFAULT
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_step_does_something() {
        let steps = all();
        let names: std::collections::BTreeSet<&str> = steps.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), steps.len());
        assert!(steps.iter().all(|step| !step.commands.is_empty()));
    }

    #[test]
    fn nothing_but_the_format_check_may_touch_the_lock_file() {
        let cargo =
            all().into_iter().flat_map(|step| step.commands).filter(|line| line.starts_with("cargo "));
        for line in cargo.filter(|line| !line.contains("fmt")) {
            assert!(line.contains("--locked"), "{line}");
        }
    }
}
