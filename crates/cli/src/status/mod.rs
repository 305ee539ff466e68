//! `status`: one node's view of the cluster, for a person or as the JSON that the node sent.

mod table;
mod view;

pub(crate) use table::{columns, faults};
pub use view::{Cut, Delay, FaultsView, GroupView, LogView, NodeView, ShardView, View};

use crate::arguments::Status;
use crate::exit::{Exit, Failure};
use crate::{data, talk};
use client::Reply;
use client::blocking::Client;
use std::time::Duration;

const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

pub(crate) fn run(arguments: &Status) -> Result<Exit, Failure> {
    let access = &arguments.access;
    let client = Client::new(&access.at, data::options(access)?)?;
    let look = || -> Result<String, Failure> {
        let reply = client.execute(&["QUARTET", "STATUS"])?;
        match arguments.json {
            true => Ok(text_of(&reply).map_err(Failure::bad_input)?.to_owned()),
            false => Ok(table::render(&View::from_reply(&reply).map_err(Failure::bad_input)?)),
        }
    };
    if !arguments.watch {
        return talk::print(format_args!("{}", look()?)).map(|()| Exit::Done);
    }
    let clear = if arguments.json { "" } else { CLEAR };
    loop {
        match look() {
            Ok(shown) => talk::print(format_args!("{clear}{shown}"))?,
            // Who watches wants to see the end of the trouble, too.
            Err(failure) => talk::say(format_args!("{}", failure.sentence.unwrap_or_default())),
        }
        std::thread::sleep(WATCH_INTERVAL);
    }
}

/// The JSON of a reply of `QUARTET …`.
pub(crate) fn text_of(reply: &Reply) -> Result<&str, String> {
    match reply {
        Reply::Bulk(bytes) => {
            std::str::from_utf8(bytes).map_err(|error| format!("the node's answer is no text: {error}"))
        }
        Reply::Status(text) | Reply::Verbatim(_, text) | Reply::Error(text) => Ok(text),
        other => Err(format!("the node answered in words that this version does not know: {other:?}")),
    }
}
