//! Commands about the server: COMMAND, CONFIG, TIME, FUNCTION, QUARTET; INFO is in `info`, QUARTET FAULT in `faults`.

use super::context::Context;
use super::glob::glob_matches;
use super::info;
use crate::faults::StatusWithFaults;
use bytes::Bytes;
use proto::commands::{
    Row, command_count, command_docs, command_getkeys, command_getkeysandflags, command_info, command_list,
    help,
};
use proto::reply::Reply;

/// Carries out a command of [`proto::commands::Family::Server`].
pub(super) fn run(row: &Row, argv: &[Bytes], context: &mut Context<'_>) -> Reply {
    let rest = argv.get(2..).unwrap_or_default();
    match row.name {
        "command" => command_info(&[]),
        "command|info" => command_info(rest),
        "command|count" => command_count(),
        "command|docs" => command_docs(rest),
        "command|list" => command_list(rest, glob_matches),
        "command|getkeys" => command_getkeys(rest),
        "command|getkeysandflags" => command_getkeysandflags(rest),
        "config|get" => context.shared.settings.get(rest),
        "config|set" => context.shared.settings.set(rest),
        "config|resetstat" => {
            let shared = &mut *context.shared;
            (shared.commands_processed, shared.connections_received, shared.connections_refused) = (0, 0, 0);
            shared.answers_by_level.fill(0);
            (shared.input_bytes, shared.output_bytes) = (0, 0);
            Reply::OK
        }
        "function|flush" => Reply::OK,
        "info" => Reply::Verbatim("txt", info::text(&argv[1..], context)),
        "time" => time(context.now.wall_ms),
        "quartet|status" => {
            let (status, faults) = (context.core.status(context.now), &*context.shared.faults);
            json(&StatusWithFaults { status: &status, faults })
        }
        "quartet|where" => match argv.get(2) {
            Some(key) => json(&context.core.where_key(key)),
            None => Reply::error("ERR wrong number of arguments for 'quartet|where' command"),
        },
        name => match name.split_once('|').map_or((name, "help"), |(container, sub)| (container, sub)) {
            (container, "help") => help(container),
            _ => {
                Reply::error(format!("ERR not supported yet: {} (see docs/redis.md)", name.replace('|', " ")))
            }
        },
    }
}

/// Seconds and microseconds since the Unix epoch; the wall clock is read in milliseconds.
fn time(wall_ms: u64) -> Reply {
    let part = |number: u64| Reply::bulk(number.to_string());
    Reply::Array(vec![part(wall_ms / 1000), part(wall_ms % 1000 * 1000)])
}

fn json(value: &impl serde::Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(text) => Reply::bulk(text),
        Err(error) => Reply::error(format!("ERR the status cannot be written as JSON: {error}")),
    }
}
