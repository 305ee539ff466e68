//! The async client in one page. Start a cluster first: `cargo run --release -- dev`, then
//! `cargo run -p client --example hello_async [HOST:PORT]`.

#![allow(clippy::print_stdout)] // an example talks to its reader

use client::nonblocking::Client;
use client::{Error, Level, Options, SetOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    hello(&std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7001".to_owned())).await
}

/// What differs from the blocking client.
pub(crate) async fn hello(address: &str) -> Result<(), Error> {
    let password = std::env::var("QUARTET_REQUIREPASS").ok();
    let client = Client::connect(&[address], Options { password, ..Options::default() }).await?;

    client.set("async:greeting", "hello", &SetOptions::new()).await?;
    let value = client.get("async:greeting").await?.expect("it was just written");
    println!("async:greeting = {}", String::from_utf8_lossy(&value));

    // Many at once: each task has its own handle, all share connections, map and numbers.
    client.del("async:visits").await?;
    let visits: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.incr("async:visits", 1).await })
        })
        .collect();
    for visit in visits {
        visit.await.expect("the task ran to its end")?;
    }
    let count = client.get("async:visits").await?;
    assert_eq!(count.as_deref(), Some(&b"10"[..]));
    println!("async:visits = 10");

    // A client is one session: a read at any replica sees what it wrote before.
    let anywhere = client.at(Level::Sequential);
    assert_eq!(anywhere.get("async:greeting").await?.as_deref(), Some(&b"hello"[..]));
    Ok(())
}
