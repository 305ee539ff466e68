//! Clients that are not ours: the `redis` crate, plain and cluster-aware. And the examples of the one that is.

use crate::support::PATIENCE;
use crate::support::harness::TestCluster;
use client::blocking::Client;
use client::{ErrorKind, Options, Reply, SetOptions, Ttl};
use redis::cluster::ClusterClient;
use redis::{Commands, RedisResult};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

#[path = "../../../client/examples/hello.rs"]
#[allow(dead_code)] // its `main` is for people
mod hello;
#[path = "../../../client/examples/hello_async.rs"]
#[allow(dead_code)] // its `main` is for people
mod hello_async;

fn exercise(connection: &mut impl Commands) -> RedisResult<()> {
    let _: () = connection.set("k", "v")?;
    assert_eq!(connection.get::<_, String>("k")?, "v");
    assert_eq!(connection.append::<_, _, usize>("k", "w")?, 2);
    assert_eq!(connection.strlen::<_, usize>("k")?, 2);
    assert_eq!(connection.getrange::<_, String>("k", 1, 1)?, "w");
    assert!(!connection.set_nx::<_, _, bool>("k", "x")?);
    let _: () = connection.set_ex("brief", "x", 1000)?;
    assert!(connection.ttl::<_, i64>("brief")? > 900);
    assert!(connection.persist::<_, bool>("brief")?);
    assert_eq!(connection.ttl::<_, i64>("brief")?, -1);
    assert_eq!(connection.incr::<_, _, i64>("n", 41)?, 41);
    assert_eq!(connection.incr::<_, _, i64>("n", 1)?, 42);
    assert_eq!(connection.decr::<_, _, i64>("n", 2)?, 40);
    let _: () = connection.mset(&[("{t}a", "1"), ("{t}b", "2")])?;
    let values: Vec<Option<String>> = connection.mget(&["{t}a", "{t}b", "{t}c"])?;
    assert_eq!(values, [Some("1".to_owned()), Some("2".to_owned()), None]);
    let _: () = connection.rename("{t}a", "{t}z")?;
    assert!(!connection.exists::<_, bool>("{t}a")?);
    assert_eq!(connection.key_type::<_, String>("k")?, "string");
    assert_eq!(connection.get_del::<_, Option<String>>("{t}z")?.as_deref(), Some("1"));
    for n in 0..50 {
        let _: () = connection.set(format!("many:{n}"), n)?;
    }
    for n in 0..50 {
        assert_eq!(connection.get::<_, i64>(format!("many:{n}"))?, n);
        assert_eq!(connection.del::<_, i64>(format!("many:{n}"))?, 1);
    }
    Ok(())
}

#[test]
fn the_redis_crate_works_through_any_node() {
    let cluster = TestCluster::start(3);
    for id in cluster.ids() {
        let client = redis::Client::open(format!("redis://{}/", cluster.node(id).resp)).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        exercise(&mut connection).unwrap_or_else(|error| panic!("through node {id}: {error}"));
        let keys: Vec<String> = connection.scan().expect("a scan").collect::<RedisResult<_>>().expect("keys");
        assert!(keys.contains(&"k".to_owned()), "{keys:?}");
        let _: () = redis::cmd("FLUSHALL").query(&mut connection).expect("a flush");
        assert_eq!(redis::cmd("DBSIZE").query::<i64>(&mut connection).expect("a size"), 0);
    }
}

#[test]
fn the_redis_crate_works_as_a_cluster_client() {
    let cluster = TestCluster::start(3);
    let address = format!("redis://{}/", cluster.node(2).resp);
    let client = ClusterClient::new(vec![address]).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    exercise(&mut connection).expect("all commands");
}

/// Commands that the crate has no method for, or that other clients send at start.
#[test]
fn less_common_commands_answer_as_redis_does() {
    let cluster = TestCluster::start(3);
    let client = redis::Client::open(format!("redis://{}/", cluster.node(1).resp)).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    let mut say = |line: &str| -> redis::Value {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().expect("a word"));
        words.for_each(|word| {
            command.arg(word);
        });
        command.query(&mut connection).unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    let int = redis::Value::Int;
    let bulk = |text: &str| redis::Value::BulkString(text.into());
    assert_eq!(say("SET k Hello EX 100 GET"), redis::Value::Nil);
    assert_eq!(say("SET k World KEEPTTL IFEQ Hello"), redis::Value::Okay);
    assert_eq!(say("SET k Nobody IFEQ Hello"), redis::Value::Nil);
    assert_eq!(say("EXPIRE k 200 GT"), int(1));
    assert_eq!(say("EXPIRE k 100 GT"), int(0));
    assert_eq!(say("SETRANGE k 1 ELSH"), int(5));
    assert_eq!(say("GETRANGE k 0 -1"), bulk("WELSH"));
    assert_eq!(say("GETEX k PERSIST"), bulk("WELSH"));
    assert_eq!(say("PEXPIRETIME k"), int(-1));
    assert_eq!(say("INCRBYFLOAT f 1.5"), bulk("1.5"));
    assert_eq!(say("MSETNX {x}1 a {x}2 b"), int(1));
    assert_eq!(say("MSETNX {x}2 a {x}3 b"), int(0));
    assert_eq!(say("COPY {x}1 {x}4"), int(1));
    assert_eq!(say("LCS {x}1 {x}4"), bulk("a"));
    assert_eq!(say("RENAMENX {x}1 {x}4"), int(0));
    assert_eq!(say("UNLINK {x}1 {x}2 k nothing"), int(3));
    assert_eq!(say("EXISTS f f {x}4"), int(3));
    assert_eq!(say("OBJECT ENCODING f"), bulk("embstr"));
    assert_eq!(say("CLUSTER KEYSLOT foo"), int(12182));
    assert_eq!(say("CLUSTER COUNTKEYSINSLOT 0"), int(0));
    assert_eq!(say("DBSIZE"), int(2));
    assert_eq!(say("SELECT 0"), redis::Value::Okay);
    assert_eq!(say("ECHO hello"), bulk("hello"));
    for line in [
        "TIME",
        "INFO",
        "COMMAND COUNT",
        "CLIENT ID",
        "CLIENT LIST",
        "CLUSTER NODES",
        "CLUSTER SHARDS",
        "CLUSTER INFO",
    ] {
        say(line);
    }
    for line in
        ["MEMORY USAGE f", "RANDOMKEY", "KEYS *", "CONFIG GET maxmemory", "COMMAND DOCS get", "OBJECT FREQ f"]
    {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().expect("a word"));
        words.for_each(|word| {
            command.arg(word);
        });
        // Some answer with an error that Redis has, too; none breaks the connection.
        let _answer: RedisResult<redis::Value> = command.query(&mut connection);
    }
    let later: RedisResult<redis::Value> =
        redis::cmd("XADD").arg("s").arg("*").arg("f").arg("v").query(&mut connection);
    let error = later.expect_err("streams come later").to_string();
    assert!(error.contains("docs/redis.md"), "{error}");
}

/// `printf … | nc`: where the end of what a client says has come together with the last bytes, no second event announces it. The node stands still meanwhile, so that they do.
#[test]
fn a_client_that_says_everything_at_once_and_no_more_is_answered_and_let_go() {
    let cluster = TestCluster::start(1);
    let at = cluster.node(1).resp.clone();
    let connect = || {
        let stream = TcpStream::connect(&at).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    };
    let mut known = connect();
    known.write_all(b"PING\r\n").expect("writes");
    known.read_exact(&mut [0; 7]).expect("a pong");
    cluster.pause(1);
    let mut streams = [known, connect()];
    for stream in &mut streams {
        stream.write_all(b"PING\r\nGET nothing\r\n").expect("writes");
        stream.shutdown(Shutdown::Write).expect("shuts down");
    }
    cluster.resume(1);
    for stream in &mut streams {
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap_or_else(|error| panic!("{error} after {said:?}"));
        assert_eq!(said, "+PONG\r\n$-1\r\n");
    }
}

#[test]
fn a_numbered_write_that_is_sent_again_through_another_node_is_applied_once() {
    let cluster = TestCluster::start(3);
    let numbered = |id: u64, number: &str| {
        let options = Options { deadline: PATIENCE, ..Options::default() };
        let client = Client::connect(&[&cluster.node(id).resp], options).expect("a client");
        client.execute(&["WITH", "n", "linearizable", "ID", number, "DO", "INCR", "n"]).expect("an answer")
    };
    for id in [1, 2, 3, 1] {
        assert_eq!(numbered(id, "me:1"), Reply::Int(1));
    }
    assert_eq!(numbered(2, "me:2"), Reply::Int(2));
    assert_eq!(numbered(3, "you:1"), Reply::Int(3));
}

#[test]
fn our_own_client_does_every_operation() {
    let cluster = TestCluster::start(3);
    let client = cluster.client();
    let plain = SetOptions::new();
    assert!(client.set("k", "v", &SetOptions::new().if_absent()).unwrap());
    assert!(!client.set("k", "w", &SetOptions::new().if_absent()).unwrap());
    assert!(client.set("k", "w", &SetOptions::new().if_present().ttl(Duration::from_secs(500))).unwrap());
    assert!(!client.set("absent", "w", &SetOptions::new().if_present()).unwrap());
    assert!(matches!(client.ttl("k").unwrap(), Ttl::Left(left) if left > Duration::from_secs(400)));
    assert!(client.set("k", "x", &plain.clone().if_equals("w")).unwrap());
    assert_eq!(client.ttl("k").unwrap(), Ttl::Forever);
    assert!(client.expire("k", Duration::from_millis(1)).unwrap());
    assert!(!client.expire("absent", Duration::from_secs(1)).unwrap());
    let end = Instant::now() + PATIENCE;
    while client.exists("k").unwrap() {
        assert!(Instant::now() < end, "a key outlives its time to live");
    }
    assert_eq!(client.ttl("k").unwrap(), Ttl::Absent);
    assert!(client.cas("k", None, "1").unwrap());
    assert!(!client.cas("k", Some(b"2"), "3").unwrap());
    assert_eq!(client.incr("k", i64::MAX - 1).unwrap(), i64::MAX);
    assert_eq!(client.incr("k", 1).unwrap_err().kind, ErrorKind::Refused);
    assert_eq!(client.append("journal", "abc").unwrap(), 3);
    assert!(client.del("k").unwrap());
    assert!(!client.del("k").unwrap());
    assert_eq!(client.set("k", vec![0; 9 << 20], &plain).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(client.execute(&["NOSUCH"]).unwrap_err().kind, ErrorKind::Invalid);

    let pairs: Vec<(String, String)> = (0..300).map(|n| (format!("many:{n}"), n.to_string())).collect();
    client.mset(&pairs).unwrap();
    let keys: Vec<&String> = pairs.iter().map(|(key, _)| key).collect();
    let values = client.mget(&keys).unwrap();
    assert!(
        values.iter().zip(&pairs).all(|(found, (_, written))| found.as_deref() == Some(written.as_bytes()))
    );
    let (mut cursor, mut found) = (0, BTreeSet::new());
    loop {
        let (next, page) = client.scan(cursor, Some(b"many:*"), 50).unwrap();
        found.extend(page);
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(found.len(), 300);
    // One address was enough to learn the others, which lead parts of the whole.
    let one = Client::connect(&[&cluster.node(2).resp], Options::default()).unwrap();
    let known: BTreeSet<String> = one.addresses().into_iter().collect();
    assert_eq!(known, cluster.addresses().into_iter().collect());
    // The version rises with each write of the key.
    let version = |words: &[&str]| one.ask(words).unwrap().achieved.expect("a key").version;
    let first = version(&["SET", "v", "1"]);
    assert_eq!(version(&["GET", "v"]), first);
    assert!(version(&["SET", "v", "2"]) > first);
}

#[test]
fn the_examples_of_our_own_client_work() {
    let cluster = TestCluster::start(3);
    hello::hello(&cluster.node(3).resp).expect("the blocking example");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(hello_async::hello(&cluster.node(3).resp)).expect("the async example");
}
