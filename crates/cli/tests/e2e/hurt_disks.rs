//! As `hurt`, with disks and with clients that are no good: no power, no space, floods, and readers that take nothing, each with something else at once.

use crate::hurt::{A_WHILE, answers, hosts, on_hosts, start};
use crate::support::PATIENCE;
use crate::support::disks::{PowerLine, SmallDisk};
use crate::support::harness::TestCluster;
use crate::support::skipped;
use client::SetOptions;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

#[test]
fn hurt_all_nodes_lose_power_while_one_of_them_stands_still() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(power) = PowerLine::make(folder.path()) else {
        return skipped(
            "a power cut under load at all levels: needs root, loop mounts and xfs_io (xfsprogs)",
        );
    };
    let data = power.mount.join("cluster");
    let mut cluster = TestCluster::start_with(3, |plan| plan.data = data);
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    for still in [2, 3] {
        cluster.pause(still);
        assert!(!answers(&cluster, still), "it stands still");
        load.goes_on(A_WHILE);
        power.cut();
        cluster.kill_all(&[1, 2, 3]);
        assert!((1..=3).all(|id| !answers(&cluster, id)), "all are gone");
        assert!(power.off() && power.on(), "the file system comes back");
        for id in 1..=3 {
            cluster.restart(id).expect("it starts");
        }
        cluster.serves();
        load.goes_on(A_WHILE);
    }
    load.finish_and_judge();
    cluster.stop_all().expect("they stop");
    drop(cluster);
}

/// What a node's status calls its disk.
fn disk_of(cluster: &TestCluster, id: u64) -> String {
    let output = cluster.quartet(&["status", "--json", "--at", &cluster.node(id).resp]);
    let text = String::from_utf8_lossy(&output.stdout).replace(' ', "");
    let word = text.split("\"disk\":\"").nth(1).and_then(|rest| rest.split('"').next());
    word.unwrap_or_else(|| panic!("no word about the disk: {text}")).to_owned()
}

fn disk_is(cluster: &TestCluster, id: u64, wanted: &str) {
    let end = Instant::now() + PATIENCE;
    while disk_of(cluster, id) != wanted {
        assert!(Instant::now() < end, "node {id}'s disk is not {wanted}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn hurt_one_disk_is_full_while_readers_take_nothing_and_another_node_is_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("cluster");
    let Some(disk) = SmallDisk::make(data.join("node-2"), 512) else {
        return skipped("one full disk of three: needs root to mount a small file system in memory");
    };
    let mut cluster = TestCluster::start_with(3, |plan| plan.data = data);
    cluster.client().set("big", vec![b'x'; 1 << 20], &SetOptions::new()).expect("a write");
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    let ballast = disk.0.join("ballast");
    let filled = Command::new("fallocate").args(["-l", "300m"]).arg(&ballast).status();
    assert!(filled.is_ok_and(|status| status.success()), "the ballast is there");
    disk_is(&cluster, 2, "low");
    let before = cluster.resident_bytes(3);
    // 100 MiB are asked for, and not a byte of it is read.
    let takes_nothing: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(&cluster.node(3).resp).expect("it accepts");
            stream.write_all(&b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n".repeat(5)).expect("it reads");
            stream
        })
        .collect();
    load.goes_on(2 * A_WHILE);
    let grown = cluster.resident_bytes(3).saturating_sub(before) >> 20;
    assert!(grown < 200, "node 3 grew by {grown} MiB for readers that take nothing");
    cluster.kill(1);
    assert!(!answers(&cluster, 1), "the node is gone");
    cluster.restart(1).expect("it starts");
    load.goes_on(A_WHILE);
    assert_eq!(disk_of(&cluster, 2), "low", "all the while");
    // They had asked: what they get now is whole.
    let whole = [&b"$1048576\r\n"[..], &vec![b'x'; 1 << 20], b"\r\n"].concat();
    for mut stream in takes_nothing {
        let mut answers = vec![0; 5 * whole.len()];
        stream.read_exact(&mut answers).expect("five answers");
        assert!(answers.chunks(whole.len()).all(|answer| answer == whole), "refused, or not whole");
    }
    std::fs::remove_file(&ballast).expect("space returns");
    disk_is(&cluster, 2, "ok");
    cluster.serves();
    load.goes_on(A_WHILE);
    load.finish_and_judge();
    assert!(cluster.deaths().is_empty(), "nobody ended itself");
    drop(cluster);
    drop(disk);
}

/// Commands that one connection of a flood has on their way.
const MOST_AHEAD: u64 = 10_000;

/// Clients that ask ahead, far more than a node can do, and read what comes.
struct Flood {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    threads: Vec<JoinHandle<u64>>,
}

impl Flood {
    fn start(address: &str, password: &str, connections: u64) -> Flood {
        let (stop, refused) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let flood = |connection: u64| {
            let (stop, refused) = (stop.clone(), refused.clone());
            let (address, password) = (address.to_owned(), password.to_owned());
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).expect("a connection");
                let mut reader = stream.try_clone().expect("a socket");
                let seen = Arc::<AtomicU64>::default();
                let told = seen.clone();
                let answers = std::thread::spawn(move || {
                    let mut chunk = vec![0; 64 * 1024];
                    while let Ok(count @ 1..) = reader.read(&mut chunk) {
                        let text = String::from_utf8_lossy(&chunk[..count]);
                        told.fetch_add(text.matches('\n').count() as u64, Ordering::Relaxed);
                        refused
                            .fetch_add(text.matches("TRYAGAIN overloaded").count() as u64, Ordering::Relaxed);
                    }
                });
                write!(stream, "AUTH {password}\r\nCONSISTENCY linearizable DEADLINE 200\r\n").expect("sent");
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    let batch: String =
                        (0..100).map(|n| format!("SET flood:{connection}:{n} v\r\n")).collect();
                    stream.write_all(batch.as_bytes()).expect("sent");
                    asked += 100;
                    while asked > seen.load(Ordering::Relaxed) + MOST_AHEAD {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                stream.shutdown(std::net::Shutdown::Write).expect("it says no more");
                answers.join().expect("a reader panicked");
                assert_eq!(seen.load(Ordering::Relaxed), asked + 2, "each command has one answer");
                asked
            })
        };
        let threads = (0..connections).map(flood).collect();
        Flood { stop, refused, threads }
    }

    /// Stops it; how many commands there were, and how many were refused for want of a turn.
    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let asked = self.threads.into_iter().map(|thread| thread.join().expect("a flooder panicked")).sum();
        (asked, self.refused.load(Ordering::Relaxed))
    }
}

#[test]
fn hurt_one_node_is_flooded_while_a_link_is_cut_and_another_node_is_killed() {
    let Some(hosts) = hosts(5) else { return };
    let mut cluster = on_hosts(&hosts);
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    let flood = Flood::start(&cluster.node(1).resp, "hurt", 24);
    load.goes_on(A_WHILE);
    hosts.cut(2, 3);
    assert!(!hosts.reaches(2, &cluster.node(3).resp), "the link is cut");
    load.goes_on(A_WHILE);
    cluster.kill(4);
    assert!(!answers(&cluster, 4), "the node is gone");
    load.goes_on(A_WHILE);
    cluster.restart(4).expect("it starts");
    hosts.heal();
    let (asked, refused) = flood.stop();
    assert!(refused > 0, "none of {asked} commands found the node too busy: that was no flood");
    cluster.serves();
    load.goes_on(A_WHILE);
    load.finish_and_judge();
}
