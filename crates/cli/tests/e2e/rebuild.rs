//! A damaged log with real processes: the node says where and what to do, the command does it, and the others fill it.

use crate::support::PATIENCE;
use crate::support::harness::{QUARTET, TestCluster, expect_exit, run, stderr};
use crate::support::workload::Load;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Flips a bit in a batch of the newest segment that others follow. Answers the segment's name.
fn flip_a_bit(data: &Path) -> String {
    let mut segments: Vec<String> = std::fs::read_dir(data)
        .expect("a folder")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("log-0-0"))
        .collect();
    segments.sort();
    let name = segments.pop().expect("a segment");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(data.join(&name)).expect("a file");
    let bytes = std::fs::read(data.join(&name)).expect("it can be read");
    let frames: Vec<usize> =
        (4_096..bytes.len()).step_by(4_096).filter(|at| bytes[*at..].starts_with(b"QLFR")).collect();
    assert!(frames.len() > 8, "the log is long enough to be damaged in its middle");
    // Its payload, not its header.
    let at = frames[frames.len() / 2] + 40;
    file.write_all_at(&[bytes[at] ^ 16], at as u64).expect("it can be written");
    name
}

/// What the node said when it refused to start.
fn refuses_to_start(cluster: &mut TestCluster, id: u64) -> String {
    cluster.restart(id).expect("the process starts");
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(death) = cluster.deaths().pop() {
            assert!(death.id == id && death.status.code() == Some(2), "{death:?}");
            return death.last_words;
        }
        assert!(Instant::now() < end, "node {id} runs on a damaged log");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_node_with_a_flipped_bit_in_its_log_says_where_and_is_rebuilt_by_one_command() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "rebuild");
    load.goes_on(300);
    cluster.kill(2);
    load.goes_on(300);
    let data = cluster.node(2).data.clone();
    let segment = flip_a_bit(&data);
    let words = refuses_to_start(&mut cluster, 2);
    assert!(words.contains(&segment) && words.contains("at byte"), "{words}");
    assert!(words.contains("quartet rebuild"), "{words}");

    let done = run(Command::new(QUARTET).arg("rebuild").arg(&data), b"");
    expect_exit(&done, 0);
    assert!(stderr(&done).contains("set aside"), "{}", stderr(&done));
    let aside = std::fs::read_dir(&data).expect("a folder").flatten();
    let aside: Vec<_> =
        aside.filter(|entry| entry.file_name().to_string_lossy().starts_with("damaged-")).collect();
    assert!(aside.len() == 1 && aside[0].path().join(&segment).exists(), "nothing is deleted");

    cluster.restart(2).expect("it starts");
    load.goes_on(300);
    cluster.serves();
    let log = std::fs::read_to_string(&cluster.node(2).log).expect("a log");
    assert!(log.contains("rebuilding:") && log.contains("rebuilt shard 0"), "{log}");
    let refused = run(Command::new(QUARTET).arg("rebuild").arg(&data), b"");
    expect_exit(&refused, 2);
    assert!(stderr(&refused).contains("another node is using"), "{}", stderr(&refused));
    // Now the rebuilt node and one other are the majority.
    load.goes_on(300);
    cluster.kill(1);
    cluster.serves();
    load.goes_on(300);
    let history = load.finish();
    history.is_linearizable();
    history.is_all_there(&client);
    // Another start is one like any other.
    cluster.restart(1).expect("it starts");
    cluster.serves();
    cluster.kill(2);
    cluster.restart(2).expect("it starts");
    cluster.serves();
    history.is_all_there(&client);
}

#[test]
fn a_log_that_is_gone_is_no_first_start() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    client.set("k", "v", &client::SetOptions::default()).expect("written");
    cluster.kill(3);
    let data = cluster.node(3).data.clone();
    for entry in std::fs::read_dir(&data).expect("a folder").flatten() {
        if entry.file_name().to_string_lossy().starts_with("log-") {
            std::fs::remove_file(entry.path()).expect("removed");
        }
    }
    let words = refuses_to_start(&mut cluster, 3);
    assert!(words.contains("the log is gone") && words.contains("quartet rebuild"), "{words}");
    expect_exit(&run(Command::new(QUARTET).arg("rebuild").arg(&data), b""), 0);
    cluster.restart(3).expect("it starts");
    cluster.serves();
}
