//! The blocking client in one page. Start a cluster first: `cargo run --release -- dev`, then
//! `cargo run -p client --example hello [HOST:PORT]`.

#![allow(clippy::print_stdout)] // an example talks to its reader

use client::blocking::Client;
use client::{Error, Ladder, Level, Options, Session, SetOptions, Ttl};
use std::time::Duration;

fn main() -> Result<(), Error> {
    hello(&std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7001".to_owned()))
}

/// Everything that the client does, once.
pub(crate) fn hello(address: &str) -> Result<(), Error> {
    // The password, if the cluster has one, is best kept out of the command line.
    let password = std::env::var("QUARTET_REQUIREPASS").ok();
    let client = Client::connect(&[address], Options { password, ..Options::default() })?;
    println!("nodes: {}", client.addresses().join(", "));

    client.set("greeting", "hello", &SetOptions::new().ttl(Duration::from_secs(60)))?;
    let value = client.get("greeting")?.expect("it was just written");
    println!("greeting = {}", String::from_utf8_lossy(&value));
    if let Ttl::Left(left) = client.ttl("greeting")? {
        println!("… for another {} s", left.as_secs());
    }

    // Compare and set: only one of those who saw "hello" can replace it.
    assert!(client.cas("greeting", Some(b"hello"), "bonjour")?);
    assert!(!client.cas("greeting", Some(b"hello"), "hola")?);

    // A write that is tried again by the client is still applied once.
    client.del("visits")?;
    println!("visits = {}", client.incr("visits", 1)?);

    client.mset(&[("{user1}name", "Ada"), ("{user1}born", "1815")])?;
    let values = client.mget(&["{user1}name", "{user1}born", "{user1}died"])?;
    assert_eq!(values[0].as_deref(), Some(&b"Ada"[..]));
    assert_eq!(values[2], None);

    // The version of a value, for those who want to know.
    let answer = client.ask(&["GET", "visits"])?;
    println!("visits has version {}", answer.achieved.expect("GET has a key").version);
    one_session_in_two_clients(address, &client)
}

/// What a program wrote, another one reads, at any replica: the token says how new the replica must be.
fn one_session_in_two_clients(address: &str, client: &Client) -> Result<(), Error> {
    let session = Session::new();
    client.in_session(&session).set("order:7", "paid", &SetOptions::new())?;
    let token = session.token().expect("it has written something");

    // In another process, perhaps behind a queue that carried the token along.
    let session: Session = token.parse()?;
    let password = std::env::var("QUARTET_REQUIREPASS").ok();
    let other = Client::connect(&[address], Options { password, ..Options::default() })?;
    let other = other.at(Level::Sequential).in_session(&session);
    let answer = other.ask(&["GET", "order:7"])?;
    let achieved = answer.achieved.clone().expect("GET has a key");
    assert_eq!(answer.value()?.as_deref(), Some(&b"paid"[..]));
    println!("order:7 was read at {} from node {}", achieved.level, achieved.served_by);

    // The newest value if it can be had within 100 ms, else what a replica has; the answer says which it was.
    let ladder: Ladder = "linearizable;100ms, sequential".parse().expect("two levels");
    let answer = client.at(ladder).ask(&["GET", "order:7"])?;
    println!("and then at {}", answer.achieved.expect("GET has a key").level);
    Ok(())
}
