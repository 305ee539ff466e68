//! A node that is asked for more than it can do: it refuses in words, nothing of what it refused was applied, and those who ask little are served. How quickly is measured, not tested: `benches/run.sh overload`.

use crate::support::fronts::{at, fronts};
use crate::support::harness::TestCluster;
use crate::support::split::{heal, isolate};
use client::SetOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

const CUT_OFF: u64 = 3;
const CONNECTIONS: usize = 40;
const COMMANDS: usize = 300;

fn key(connection: usize, command: usize) -> String {
    format!("flood:{connection}:{command}")
}

#[test]
fn what_waited_too_long_for_its_turn_is_refused_in_words_and_was_not_applied() {
    let mut cluster = TestCluster::start(3);
    cluster.serves();
    let address = cluster.node(CUT_OFF).resp.clone();
    let mut flood = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        // Answers open its window: then places are all that is missing.
        stream.write_all("GET none\r\n".repeat(COMMANDS).as_bytes()).expect("sent");
        let mut answers = BufReader::new(stream.try_clone().expect("a socket")).lines();
        assert!((0..COMMANDS).all(|_| answers.next().expect("an answer").expect("a line") == "$-1"));
        flood.push(stream);
    }
    isolate(&mut cluster, CUT_OFF);
    // Far more than may be under way, at a node that can decide nothing now.
    for (connection, stream) in flood.iter_mut().enumerate() {
        let commands: String = (0..COMMANDS).map(|n| format!("SET {} v\r\n", key(connection, n))).collect();
        stream.write_all(commands.as_bytes()).expect("sent");
    }
    let [redis, http] = fronts(&cluster, CUT_OFF);
    for n in 0..50 {
        let (key, value) = (format!("small:{n}"), n.to_string());
        redis.set(&key, &value, at("eventual")).expect("a weak write beside the flood");
        let told = http.get(&key, at("eventual")).expect("a weak read beside the flood");
        assert_eq!(told.value, Some(value));
    }
    let mut refused = Vec::new();
    for (connection, stream) in flood.into_iter().enumerate() {
        let mut answers = BufReader::new(stream).lines();
        for command in 0..COMMANDS {
            let answer = answers.next().expect("an answer to each").expect("a line");
            if answer.starts_with("-TRYAGAIN overloaded: ") {
                refused.push(key(connection, command));
            } else {
                // Begun: it is told what became of it in the usual words.
                assert!(answer.starts_with("-CLUSTERDOWN ") || answer.starts_with("-UNKNOWN "), "{answer}");
            }
        }
    }
    let all = CONNECTIONS * COMMANDS;
    assert!(refused.len() > all / 2, "only {} of {all} were refused", refused.len());
    heal(&mut cluster);
    let client = cluster.client();
    for key in refused.iter().step_by(10) {
        assert_eq!(client.get(key).expect("a read"), None, "{key} was refused");
    }
    client.set("after", "v", &SetOptions::new()).expect("a write");
}

#[test]
fn what_a_clients_own_slowness_keeps_waiting_is_not_refused() {
    let cluster = TestCluster::start(3);
    let client = cluster.client();
    client.set("long", vec![b'x'; 1 << 20], &SetOptions::new()).expect("a write");
    // More than its buffer holds is asked for, and read later than any of it may wait for its turn.
    let mut stream = TcpStream::connect(&cluster.node(1).resp).expect("a connection");
    stream.write_all("GET long\r\n".repeat(30).as_bytes()).expect("sent");
    // Its own window is full of one slow command, for longer than that.
    let mut slow = TcpStream::connect(&cluster.node(1).resp).expect("a connection");
    let commands = "WAIT 7 2500\r\n".to_owned() + &"GET none\r\n".repeat(30);
    slow.write_all(commands.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_secs(2));
    let mut lines = BufReader::new(stream).lines();
    for n in 0..30 {
        let (head, value) = (lines.next(), lines.next());
        assert_eq!(head.expect("an answer").expect("a line"), "$1048576", "answer {n}");
        assert_eq!(value.expect("a value").expect("a line").len(), 1 << 20);
    }
    let mut lines = BufReader::new(slow).lines();
    assert!(lines.next().expect("an answer").expect("a line").starts_with(':'));
    for n in 0..30 {
        assert_eq!(lines.next().expect("an answer").expect("a line"), "$-1", "answer {n}");
    }
}

#[test]
fn commands_behind_one_that_ended_the_connections_input_are_all_answered() {
    let cluster = TestCluster::start(3);
    let mut stream = TcpStream::connect(&cluster.node(1).resp).expect("a connection");
    let commands: String = (0..2_000).map(|n| format!("INCR counter\r\nECHO {n}\r\n")).collect();
    stream.write_all(commands.as_bytes()).expect("sent");
    stream.shutdown(std::net::Shutdown::Write).expect("it will say no more");
    let lines: Vec<String> = BufReader::new(stream).lines().map(|line| line.expect("a line")).collect();
    assert_eq!(lines.len(), 2_000 * 3);
    for (n, answers) in lines.chunks(3).enumerate() {
        assert_eq!(answers[0], format!(":{}", n + 1));
        assert_eq!(answers[2], n.to_string());
    }
}
