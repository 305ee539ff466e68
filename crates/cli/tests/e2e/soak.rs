//! Figures that a busy machine would spoil: left out unless asked for.
//!
//! `cargo test --release -p cli --test e2e -- --ignored --nocapture --test-threads=1 soak`

use crate::support::harness::TestCluster;
use crate::support::workload::Load;
use client::blocking::{Client, Connection};
use client::{Options, Reply, SetOptions};
use proto::slots::slot_of;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const ROUNDS: usize = 10;

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans[spans.len() / 2]
}

/// A key of a shard that this node leads.
fn key_led_by(cluster: &TestCluster, leader: u64) -> String {
    let view = cluster.view(leader).expect("a status");
    let led: Vec<_> = view.shards.iter().filter(|shard| shard.leader == Some(leader)).collect();
    let is_led = |key: &String| {
        let slot = slot_of(key.as_bytes()).0;
        led.iter().any(|shard| (shard.first_slot..=shard.last_slot).contains(&slot))
    };
    (0..).map(|n| format!("probe:{n}")).find(is_led).expect("a node leads a shard")
}

#[test]
#[ignore = "soak: measures"]
fn soak_writes_flow_again_after_a_kill() {
    let mut cluster = TestCluster::start(3);
    let mut spans = Vec::new();
    for _ in 0..ROUNDS {
        let victim = cluster.main_leader(1);
        let key = key_led_by(&cluster, victim);
        let others: Vec<String> = cluster
            .ids()
            .into_iter()
            .filter(|&id| id != victim)
            .map(|id| cluster.node(id).resp.clone())
            .collect();
        let client = Client::connect(&others, Options::default()).expect("a client");
        client.set(&key, "before", &SetOptions::new()).expect("a write");
        cluster.kill(victim);
        let begin = Instant::now();
        client
            .with_deadline(Duration::from_secs(30))
            .set(&key, "after", &SetOptions::new())
            .expect("a write");
        spans.push(begin.elapsed());
        cluster.restart(victim).expect("it starts");
        cluster.serves();
        cluster.leads_evenly();
    }
    eprintln!(
        "from kill -9 of a leader to its shard's next write: median {:?} of {spans:?}",
        median(spans.clone())
    );
    assert!(median(spans) <= Duration::from_secs(1), "writes flow again within a second");
}

#[test]
#[ignore = "soak: measures"]
fn soak_a_graceful_stop_is_hardly_felt() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let mut longest = Vec::new();
    for round in 0..ROUNDS {
        let id = round as u64 % 3 + 1;
        let load = Load::start(&client, &format!("graceful{round}"));
        load.goes_on(500);
        cluster.stop(id).expect("it stops");
        load.goes_on(500);
        let history = load.finish();
        assert!(history.errors.is_empty(), "{:?}", history.errors);
        longest.push(history.longest);
        cluster.restart(id).expect("it starts");
        cluster.serves();
        cluster.leads_evenly();
    }
    eprintln!("longest operation while a node stops: median {:?} of {longest:?}", median(longest.clone()));
    assert!(median(longest) <= Duration::from_millis(200), "a stop is felt for 200 ms at most");
}

#[test]
#[ignore = "soak: measures"]
fn soak_slow_readers_slow_nobody_else() {
    let cluster = TestCluster::start(3);
    let client = cluster.client();
    client.set("big", vec![b'x'; 256 * 1024], &SetOptions::new()).expect("a write");
    let at = &cluster.node(1).resp;
    let _greedy: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(at).expect("a connection");
            stream.set_nonblocking(true).expect("a socket");
            for _ in 0..20 {
                // Full is what it shall become.
                let _full = stream.write(&b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n".repeat(200));
            }
            stream
        })
        .collect();
    let limit = Duration::from_secs(10);
    let mut connection = Connection::open(at, None, limit).expect("a connection");
    let mut spans: Vec<Duration> = (0..2000)
        .map(|_| {
            let begin = Instant::now();
            let reply = connection.call(&[b"SET", b"small", b"v"], limit);
            assert!(matches!(reply, Ok(Reply::Status(_) | Reply::Simple(_))), "{reply:?}");
            begin.elapsed()
        })
        .collect();
    spans.sort();
    let p99 = spans[spans.len() * 99 / 100];
    eprintln!("SET beside 50 slow readers: p50 {:?}, p99 {p99:?}", spans[spans.len() / 2]);
    assert!(p99 < Duration::from_millis(50));
}
