//! Faults of the real world on real processes, in pairs at once, with a load at all four levels whose history every judge passes.
//!
//! Each test shows that its fault really was there (a link that does not connect, a process that does not answer, a clock that shows another day), and that operations succeed before, during (where a majority is connected) and after it.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use crate::support::hosts::Hosts;
use crate::support::mixed::Mixed;
use crate::support::skipped;
use crate::support::web::get;
use cli::dev::Host;
use client::blocking::Connection;
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Operations that show that the load flows.
pub(crate) const A_WHILE: u64 = 200;

/// The load, at all nodes.
pub(crate) fn start(cluster: &TestCluster) -> Mixed {
    Mixed::start(&cluster.addresses(), cluster.plan().password.as_deref())
}

/// A cluster whose nodes have hosts of their own; both secrets are asked for beyond loopback.
pub(crate) fn on_hosts(hosts: &Hosts) -> TestCluster {
    TestCluster::start_with(hosts.plan().len(), |plan| {
        plan.hosts = hosts.plan();
        plan.environment.push(("QUARTET_CLUSTER_SECRET".to_owned(), "hurt together".to_owned()));
        plan.environment.push(("QUARTET_REQUIREPASS".to_owned(), "hurt".to_owned()));
        plan.password = Some("hurt".to_owned());
    })
}

/// So many hosts, or what is skipped without them.
pub(crate) fn hosts(count: u64) -> Option<Hosts> {
    let hosts = Hosts::make(count);
    if hosts.is_none() {
        skipped("faults on hosts of their own: needs root and ip (iproute2)");
    }
    hosts
}

/// Whether a node answers a ping in time.
pub(crate) fn answers(cluster: &TestCluster, id: u64) -> bool {
    let limit = Duration::from_millis(300);
    let address = &cluster.node(id).resp;
    Connection::open(address, cluster.plan().password.as_deref(), limit)
        .and_then(|mut connection| connection.call(&[b"PING"], limit))
        .is_ok()
}

#[test]
fn hurt_a_link_is_cut_while_a_node_is_killed_and_both_come_back() {
    let Some(hosts) = hosts(5) else { return };
    let mut cluster = on_hosts(&hosts);
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    for (victim, cut) in [(1, (2, 3)), (4, (5, 1)), (2, (3, 4))] {
        hosts.cut(cut.0, cut.1);
        cluster.kill(victim);
        assert!(!hosts.reaches(cut.0, &cluster.node(cut.1).resp), "the link is cut");
        assert!(!answers(&cluster, victim), "the node is gone");
        load.goes_on(A_WHILE);
        cluster.restart(victim).expect("it starts");
        load.goes_on(A_WHILE);
        hosts.heal();
        cluster.serves();
        load.goes_on(A_WHILE);
    }
    load.finish_and_judge();
}

#[test]
fn hurt_a_node_stands_still_while_another_is_isolated_in_one_direction() {
    let Some(hosts) = hosts(5) else { return };
    let mut cluster = on_hosts(&hosts);
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    for (paused, mute) in [(1, 2), (3, 4)] {
        for other in (1..=5).filter(|other| *other != mute) {
            hosts.cut_one_way(mute, other);
        }
        cluster.pause(paused);
        assert!(!answers(&cluster, paused), "it stands still");
        assert!(!hosts.reaches(mute, &cluster.node(paused % 5 + 2).resp), "nothing it says arrives");
        load.goes_on(A_WHILE);
        std::thread::sleep(Duration::from_secs(2)); // longer than any election: what it held when it stopped is old
        cluster.resume(paused);
        hosts.heal();
        cluster.serves();
        load.goes_on(A_WHILE);
    }
    load.finish_and_judge();
}

#[test]
fn hurt_connections_between_nodes_are_reset_each_second_while_a_node_restarts_in_order() {
    let Some(hosts) = hosts(3) else { return };
    let mut cluster = on_hosts(&hosts);
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    let mut resets = 0;
    for round in 0..6 {
        resets += (1..=3).map(|host| hosts.reset_connections(host)).sum::<usize>();
        if round == 2 {
            cluster.stop(2).expect("it stops");
            cluster.restart(2).expect("it starts");
        }
        load.goes_on(50);
        std::thread::sleep(Duration::from_secs(1));
    }
    if resets == 0 {
        return skipped("resets of connections between nodes: this kernel ends none by ss -K");
    }
    cluster.serves();
    load.goes_on(A_WHILE);
    load.finish_and_judge();
}

#[test]
fn hurt_a_cut_of_a_minute_heals_and_everybody_is_reached_again_soon() {
    let Some(hosts) = hosts(3) else { return };
    let mut cluster = on_hosts(&hosts);
    let password = cluster.plan().password.clone();
    let load = Mixed::start_with(&cluster.addresses(), password.as_deref(), Duration::from_millis(150));
    load.goes_on(A_WHILE);
    hosts.cut(1, 2);
    hosts.cut(1, 3);
    assert!(!hosts.reaches(2, &cluster.node(1).resp), "it is cut off");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        load.goes_on(10);
        std::thread::sleep(Duration::from_millis(500));
    }
    hosts.heal();
    // TCP alone would be silent for another minute.
    let healed = Instant::now();
    cluster.serves();
    cluster
        .wait_until(PATIENCE, |cluster| {
            let view = cluster.view(1).ok()?;
            let silent = view.nodes.iter().find(|node| node.state != "up");
            silent.map(|node| format!("node 1 sees node {} as {}", node.id, node.state))
        })
        .expect("all are heard");
    assert!(healed.elapsed() < Duration::from_secs(30), "only after {:?}", healed.elapsed());
    load.goes_on(A_WHILE);
    load.finish_and_judge();
}

/// The library that shows programs another time, as Debian has it.
fn libfaketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    folders.flatten().map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.exists())
}

/// Sets the wall clock of one node: so many seconds from the truth.
fn set_clock(file: &Path, seconds: i64) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, format!("{seconds:+}s\n")).expect("the folder can be written");
    std::fs::rename(fresh, file).expect("the folder can be written");
}

#[test]
fn hurt_wall_clocks_jump_back_and_forth_while_a_node_is_killed() {
    let Some(library) = libfaketime() else {
        return skipped("wall clocks that jump: needs libfaketime (the Debian package libfaketime)");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = |id: u64| folder.path().join(format!("clock-{id}"));
    (1..=3).for_each(|id| set_clock(&clock(id), 0));
    let host = |id: u64| Host {
        address: "127.0.0.1".to_owned(),
        launcher: vec![
            "env".into(),
            format!("LD_PRELOAD={}", library.display()).into(),
            format!("FAKETIME_TIMESTAMP_FILE={}", clock(id).display()).into(),
            "FAKETIME_NO_CACHE=1".into(),
            // Rust programs hang without it: spans must stay true.
            "DONT_FAKE_MONOTONIC=1".into(),
        ],
    };
    let mut cluster = TestCluster::start_with(3, |plan| plan.hosts = (1..=3).map(host).collect());
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    for (id, seconds, victim) in [(1, -40, 2), (2, 0, 3), (3, -2, 1)] {
        set_clock(&clock(id), seconds);
        let shown = wall_clock_of(&cluster, id);
        let truth =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let off = shown as i64 - truth as i64;
        assert!((off - seconds).abs() <= 2, "node {id}'s clock is off by {off} s and not {seconds}");
        cluster.kill(victim);
        cluster.restart(victim).expect("it starts");
        set_clock(&clock(id), 0);
        cluster.serves();
        load.goes_on(A_WHILE);
    }
    load.finish_and_judge();
}

/// What a node's own clock shows, in seconds since 1970: each answer of its HTTP front has a date.
fn wall_clock_of(cluster: &TestCluster, id: u64) -> u64 {
    let answer = get(&cluster.node(id).http, "/healthz");
    let date = answer.header("date").expect("HTTP servers say when they answer");
    let seconds = Command::new("date").args(["-u", "+%s", "-d", date]).output().expect("date runs");
    String::from_utf8_lossy(&seconds.stdout).trim().parse().expect("seconds")
}

/// A library that makes each sync of one process slow, built here from the source beside this file.
fn slow_syncs(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/support/slow_sync.c");
    let library = folder.join("slow_sync.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn hurt_one_disk_is_slow_while_half_open_connections_pile_up_at_another_node() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(library) = slow_syncs(folder.path()) else {
        return skipped("a slow disk: needs a C compiler (cc)");
    };
    let counted = folder.path().join("slowed");
    let host = |id: u64| Host {
        address: "127.0.0.1".to_owned(),
        launcher: match id {
            2 => vec![
                "env".into(),
                format!("LD_PRELOAD={}", library.display()).into(),
                "SLOW_SYNC_MS=150".into(),
                format!("SLOW_SYNC_COUNT={}", counted.display()).into(),
            ],
            _ => vec!["env".into()],
        },
    };
    let mut cluster = TestCluster::start_with(3, |plan| plan.hosts = (1..=3).map(host).collect());
    let load = start(&cluster);
    load.goes_on(A_WHILE);
    // Clients that connect and never say a word, or half of one.
    let half_open: Vec<TcpStream> = (0..300)
        .map(|n| {
            let mut stream = TcpStream::connect(&cluster.node(3).resp).expect("it accepts");
            if n % 2 == 0 {
                std::io::Write::write_all(&mut stream, b"*3\r\n$3\r\nSET\r\n$1").expect("it reads");
            }
            stream
        })
        .collect();
    load.goes_on(2 * A_WHILE);
    cluster.kill(1);
    cluster.restart(1).expect("it starts");
    load.goes_on(A_WHILE);
    drop(half_open);
    cluster.serves();
    let mut slowed = String::new();
    std::fs::File::open(&counted).and_then(|mut file| file.read_to_string(&mut slowed)).expect("it counted");
    assert!(slowed.len() > 5, "hardly a sync was slowed: {}", slowed.len());
    load.goes_on(A_WHILE);
    load.finish_and_judge();
}
