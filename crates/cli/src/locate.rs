//! `where KEY`: which slot and shard a key lives in, who leads it and who holds copies.

use crate::arguments::Where;
use crate::exit::{Exit, Failure};
use crate::{data, status, talk};
use client::blocking::Client;
use serde::Deserialize;

/// What `QUARTET WHERE key` answers.
#[derive(Debug, Deserialize)]
struct Place {
    slot: u16,
    shard: u32,
    leader: Option<u64>,
    replicas: Vec<u64>,
}

pub(crate) fn run(arguments: &Where) -> Result<Exit, Failure> {
    let access = &arguments.access;
    let client = Client::new(&access.at, data::options(access)?)?;
    let reply = client.execute(&["QUARTET", "WHERE", &arguments.key])?;
    let text = status::text_of(&reply).map_err(Failure::bad_input)?;
    if arguments.json {
        return talk::print(format_args!("{text}")).map(|()| Exit::Done);
    }
    let place: Place = serde_json::from_str(text).map_err(|error| {
        Failure::bad_input(format!("the node answered in words that this version does not know ({error})"))
    })?;
    talk::print(format_args!("slot      {}", place.slot))?;
    talk::print(format_args!("shard     {}", place.shard))?;
    match place.leader {
        Some(leader) => talk::print(format_args!("leader    node {leader}"))?,
        None => talk::print(format_args!("leader    none known"))?,
    }
    let replicas: Vec<String> = place.replicas.iter().map(u64::to_string).collect();
    talk::print(format_args!("replicas  nodes {}", replicas.join(", ")))?;
    Ok(Exit::Done)
}
