//! Clients that are not ours: the `redis` crate, plain and cluster-aware. And the examples of the one that is.

use crate::support::harness::TestCluster;
use redis::cluster::ClusterClient;
use redis::{Commands, RedisResult};

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

#[test]
fn the_examples_of_our_own_client_work() {
    let cluster = TestCluster::start(3);
    hello::hello(&cluster.node(3).resp).expect("the blocking example");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(hello_async::hello(&cluster.node(3).resp)).expect("the async example");
}
