//! Every file of every corpus, and a fixed number of mutations of each, in the gate and without libFuzzer.
//!
//! Memory is bounded by the process's limit of address space: a decoder that reserves what was only announced does not get it,
//! and the test ends.

use fuzz::mutate::{Draw, mutated};
use fuzz::{TARGETS, Target};
use std::path::PathBuf;

/// What a target may take besides what the process has when it begins. Announced lengths go to half a gigabyte and more.
const ROOM_BYTES: u64 = 192 << 20;

fn folder(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// The files, in the order of their names.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(files) = std::fs::read_dir(folder(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(&path).expect("a readable file"))).collect()
}

fn bound_memory() {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("this process's memory");
    let now: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number of pages");
    let limit = Some(now * 4096 + ROOM_BYTES);
    let limit = rustix::process::Rlimit { current: limit, maximum: limit };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).expect("a process may bound itself");
}

/// Runs one input, and says which it was if it fails.
fn run(target: &Target, what: &str, bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| (target.run)(bytes));
    if outcome.is_err() {
        let file = std::env::temp_dir().join(format!("quartet-fuzz-{}", target.name));
        let kept = std::fs::write(&file, bytes).is_ok();
        panic!("{} fails on {what}; the input is {} ({kept})", target.name, file.display());
    }
}

fn bounded(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{name} has no corpus");
    for (path, bytes) in &corpus {
        assert!(bytes.len() <= 1 << 16, "{} is too long to be kept in the tree", path.display());
        run(target, &path.display().to_string(), bytes);
    }
    bound_memory();
    let files: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
    let rounds = std::env::var("QUARTET_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok());
    for round in 0..rounds.unwrap_or(target.rounds) {
        let bytes = mutated(&mut Draw(round), &files, target.longest_bytes);
        run(target, &format!("round {round}"), &bytes);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { bounded(stringify!($name)); })*

        #[test]
        fn every_target_is_run_here() {
            let here = [$(stringify!($name)),*];
            let there: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(here.to_vec(), there);
        }
    };
}

targets! {
    resp_requests resp_replies http_requests session_tokens peer_frames log_entries core_frames founding_messages handshakes
    fault_orders log_files log_damage log_payloads snapshot_files snapshot_damage snapshot_pieces identity_files histories
    request_files
}

#[test]
fn what_was_only_announced_is_not_to_be_had() {
    bound_memory();
    let mut announced: Vec<u8> = Vec::new();
    assert!(announced.try_reserve_exact(512 << 20).is_err());
}

#[test]
#[ignore = "writes files"]
fn write_seeds() {
    for target in TARGETS {
        std::fs::create_dir_all(folder(target)).expect("a folder");
        for (number, bytes) in fuzz::seeds::of(target.name).into_iter().enumerate() {
            std::fs::write(folder(target).join(format!("seed-{number:02}")), bytes).expect("a file");
        }
    }
}
