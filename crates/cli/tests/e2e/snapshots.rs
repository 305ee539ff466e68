//! Snapshots and their limits with real processes: the log stays bounded, a node that was away too long gets the state, whatever dies meanwhile, and a full memory refuses growth only.
//!
//! In the gate with 64 MiB and 200,000 overwrites; `QUARTET_SOAK=1` makes it 1 GiB and ten million.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;
const VALUE_BYTES: usize = 1024;
/// Commands that are sent before their answers are read.
const PIPELINE: u64 = 256;

fn soak() -> bool {
    std::env::var_os("QUARTET_SOAK").is_some()
}

/// The value that write number `n` gives to its key.
fn value(n: u64) -> Vec<u8> {
    let mut value = format!("{n:020}").into_bytes();
    value.resize(VALUE_BYTES, b'a' + (n % 26) as u8);
    value
}

/// Write number `n` goes to this key.
fn key(n: u64, keys: u64) -> String {
    format!("key{:09}", n % keys)
}

/// Sets keys in pipelines, numbers `from` to `to`, through one node. Every answer must be OK.
fn overwrite(resp: &str, from: u64, to: u64, keys: u64) {
    let mut socket = TcpStream::connect(resp).expect("the node accepts");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut n = from;
    while n < to {
        let end = (n + PIPELINE).min(to);
        let mut commands = Vec::new();
        for write in n..end {
            let (key, value) = (key(write, keys), value(write));
            commands.extend(
                format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n", key.len(), value.len()).bytes(),
            );
            commands.extend(value);
            commands.extend(b"\r\n");
        }
        socket.write_all(&commands).expect("the node reads");
        let mut answers = vec![0; (end - n) as usize * b"+OK\r\n".len()];
        socket.read_exact(&mut answers).expect("the node answers");
        assert!(
            answers.chunks(5).all(|answer| answer == b"+OK\r\n"),
            "{}",
            String::from_utf8_lossy(&answers)
        );
        n = end;
    }
}

/// Bytes of all files below a folder.
fn disk_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    // A file may be renamed or removed while it is looked at.
    entries
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .filter(|file| file.is_file())
        .map(|file| file.len())
        .sum()
}

/// Waits until a node has applied everything that was decided before.
fn catches_up(cluster: &mut TestCluster, id: u64, other: u64) {
    let goal: Vec<u64> = cluster
        .view(other)
        .expect("a status")
        .shards
        .iter()
        .map(|shard| shard.local.as_ref().map_or(0, |local| local.applied))
        .collect();
    cluster
        .wait_until(PATIENCE * 2, |cluster| {
            let view = cluster.view(id).ok()?;
            let behind = view
                .shards
                .iter()
                .zip(&goal)
                .find(|(shard, goal)| shard.local.as_ref().is_none_or(|local| local.applied < **goal))?;
            Some(format!("shard {} of node {id} is behind", behind.0.shard))
        })
        .expect("it catches up");
}

#[test]
fn a_node_past_the_logs_truncation_gets_the_state_though_receiver_and_sender_are_killed() {
    let (keys, overwrites) = if soak() { (1024 * 1024, 10_000_000) } else { (64 * 1024, 200_000) };
    let mut cluster = TestCluster::start(3);
    cluster.kill(3);
    cluster.serves();
    let resp = cluster.node(1).resp.clone();
    let data_bytes = keys * VALUE_BYTES as u64;
    let mut most_bytes = 0;
    let (total, step) = (keys + overwrites, (keys + overwrites) / 20);
    let mut n = 0;
    while n < total {
        overwrite(&resp, n, (n + step).min(total), keys);
        n = (n + step).min(total);
        most_bytes = most_bytes.max(disk_bytes(&cluster.node(1).data));
    }
    // Two generations of snapshots, the log since, and segments that are kept ready.
    let bound = 4 * data_bytes + 384 * MIB;
    assert!(most_bytes <= bound, "{most_bytes} bytes on disk for {data_bytes} bytes of data");
    let view = cluster.view(1).expect("a status");
    let snapshots =
        view.shards.iter().filter(|shard| shard.local.as_ref().is_some_and(|local| local.snapshot > 0));
    assert!(snapshots.count() > 16, "most shards have been snapshotted");

    // The receiver dies while it receives, the sender while it sends; clients go on.
    cluster.restart(3).expect("it starts");
    std::thread::sleep(Duration::from_millis(500));
    cluster.kill(3);
    cluster.restart(3).expect("it starts again");
    std::thread::sleep(Duration::from_millis(500));
    cluster.kill(2);
    cluster.restart(2).expect("it starts");
    cluster.serves();
    overwrite(&resp, total, total + 1_000, keys);
    catches_up(&mut cluster, 3, 1);
    catches_up(&mut cluster, 2, 1);

    // What node 3 got is right: it alone with one other answers every key with its last value.
    cluster.kill(2);
    cluster.serves();
    let mut socket = TcpStream::connect(&cluster.node(3).resp).expect("node 3 accepts");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    for n in (total + 1_000 - keys..total + 1_000).step_by(101) {
        let key = key(n, keys);
        socket
            .write_all(format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len()).as_bytes())
            .expect("it reads");
        let expected = [format!("${VALUE_BYTES}\r\n").as_bytes(), &value(n), b"\r\n"].concat();
        let mut answer = vec![0; expected.len()];
        socket.read_exact(&mut answer).expect("it answers");
        assert_eq!(answer, expected, "{key}");
    }
    let log = std::fs::read_to_string(&cluster.node(3).log).unwrap_or_default();
    assert!(log.contains("installed a snapshot"), "node 3 caught up by snapshots");
}

#[test]
fn a_full_memory_refuses_what_grows_and_nothing_else() {
    let mut cluster = TestCluster::start_with(3, |plan| {
        plan.flags = vec!["--memory-limit".into(), "8m".into(), "--shards".into(), "4".into()];
    });
    let resp = cluster.node(1).resp.clone();
    let mut socket = TcpStream::connect(&resp).expect("the node accepts");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut call = |command: &[&[u8]]| -> String {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for argument in command {
            bytes.extend(format!("${}\r\n", argument.len()).bytes());
            bytes.extend(*argument);
            bytes.extend(b"\r\n");
        }
        socket.write_all(&bytes).expect("the node reads");
        let mut answer = vec![0; 64];
        let length = socket.read(&mut answer).expect("the node answers");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    let large = vec![b'x'; 64 * 1024];
    let end = Instant::now() + PATIENCE;
    let mut stored = 0;
    loop {
        let answer = call(&[b"SET", format!("k{stored}").as_bytes(), &large]);
        if answer.starts_with("-OOM") {
            break;
        }
        assert_eq!(answer, "+OK\r\n");
        stored += 1;
        assert!(Instant::now() < end && stored < 1_000, "{stored} values and no refusal");
    }
    assert!(stored > 50, "only {stored} values before the limit");
    // Another node may lead this key's shard, and apply the last of the values a moment later.
    while !call(&[b"SET", b"small", b"x"]).starts_with("-OOM") {
        assert!(Instant::now() < end, "another leader goes on growing");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(call(&[b"STRLEN", b"k0"]), ":65536\r\n", "reads go on");
    // Leaders look at their memory once a tick, so more was taken than the limit says: a few deletes may not make room.
    for n in 0..40 {
        assert_eq!(call(&[b"DEL", format!("k{n}").as_bytes()]), ":1\r\n", "deletes go on");
    }
    let room = Instant::now() + PATIENCE;
    while call(&[b"SET", b"small", b"x"]) != "+OK\r\n" {
        assert!(Instant::now() < room, "deletes made room, and it is not used");
        std::thread::sleep(Duration::from_millis(20));
    }
    cluster.serves();
}
