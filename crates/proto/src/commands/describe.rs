//! Rows as `COMMAND` shows them, in the form that Redis 7 gives: clients route by key positions and refuse what is not listed.

use super::arguments::{is, syntax, wrong_number};
use super::{KeyRange, Row, lookup, resolve, table};
use crate::level::Level;
use crate::reply::Reply;
use bytes::Bytes;

fn commands() -> impl Iterator<Item = &'static Row> {
    table().iter().filter(|row| row.container().is_none())
}

/// The names that a command is listed under: its own, and one with each level that it has, because clients refuse what is not listed.
fn listed_names(row: &'static Row) -> impl Iterator<Item = Bytes> {
    let levels = Level::ALL.into_iter().filter(|level| row.has_level(*level));
    let with_level = levels.map(|level| Bytes::from(format!("{}@{level}", row.name)));
    std::iter::once(Bytes::from_static(row.name.as_bytes())).chain(with_level)
}

/// The row of a listed name, with that name.
fn named(name: &Bytes) -> Option<(&'static Row, Bytes)> {
    let row = lookup(name)?;
    let lower = Bytes::from(name.to_ascii_lowercase());
    (lower == row.name || listed_names(row).any(|listed| listed == lower)).then_some((row, lower))
}

/// `COMMAND COUNT`
pub fn command_count() -> Reply {
    Reply::Int(commands().map(|row| listed_names(row).count()).sum::<usize>() as i64)
}

/// `COMMAND` (no names) and `COMMAND INFO [name…]`. A name that is not listed answers nil.
pub fn command_info(names: &[Bytes]) -> Reply {
    if names.is_empty() {
        return Reply::Array(
            commands().flat_map(|row| listed_names(row).map(move |name| info(row, name))).collect(),
        );
    }
    let one = |name| named(name).map_or(Reply::NilArray, |(row, name)| info(row, name));
    Reply::Array(names.iter().map(one).collect())
}

/// `COMMAND DOCS [name…]`. A name that is not listed is left out.
pub fn command_docs(names: &[Bytes]) -> Reply {
    let pair = |row: &'static Row| (name(row), docs(row));
    Reply::Map(if names.is_empty() {
        commands().map(pair).collect()
    } else {
        names.iter().filter_map(|name| lookup(name)).map(pair).collect()
    })
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`; `arguments` are those after LIST. `matches` is the glob matcher.
pub fn command_list(arguments: &[Bytes], matches: impl Fn(&[u8], &[u8]) -> bool) -> Reply {
    let all = || table().iter();
    let chosen: Vec<&Row> = match arguments {
        [] => all().filter(|row| row.container().is_none()).collect(),
        [word, kind, argument] if is(word, "FILTERBY") => {
            if is(kind, "MODULE") {
                Vec::new()
            } else if is(kind, "ACLCAT") {
                all()
                    .filter(|row| categories(row).iter().any(|category| is(argument, &category[1..])))
                    .collect()
            } else if is(kind, "PATTERN") {
                all().filter(|row| matches(argument, row.name.as_bytes())).collect()
            } else {
                return syntax();
            }
        }
        _ => return syntax(),
    };
    Reply::Array(chosen.into_iter().map(name).collect())
}

/// `COMMAND GETKEYS name argument…`; `argv` is the command line that is asked about.
pub fn command_getkeys(argv: &[Bytes]) -> Reply {
    match keys_of(argv) {
        Ok((_, keys)) => Reply::Array(keys.into_iter().map(Reply::Bulk).collect()),
        Err(reply) => reply,
    }
}

/// `COMMAND GETKEYSANDFLAGS name argument…`
pub fn command_getkeysandflags(argv: &[Bytes]) -> Reply {
    match keys_of(argv) {
        Ok((row, keys)) => {
            let pair = |key| Reply::Array(vec![Reply::Bulk(key), Reply::Set(statuses(key_flags(row)))]);
            Reply::Array(keys.into_iter().map(pair).collect())
        }
        Err(reply) => reply,
    }
}

fn keys_of(argv: &[Bytes]) -> Result<(&'static Row, Vec<Bytes>), Reply> {
    let Some(first) = argv.first() else { return Err(wrong_number("command|getkeys")) };
    if lookup(first).is_none() {
        return Err(Reply::error("ERR Invalid command specified"));
    }
    let row =
        resolve(argv).map_err(|_| Reply::error("ERR Invalid number of arguments specified for command"))?;
    if row.keys == KeyRange::NONE && !row.counts_its_keys() {
        return Err(Reply::error("ERR The command has no key arguments"));
    }
    let positions = row.key_positions(argv);
    if positions.is_empty() {
        return Err(Reply::error("ERR Invalid arguments specified for command"));
    }
    Ok((row, positions.into_iter().map(|at| argv[at].clone()).collect()))
}

fn name(row: &Row) -> Reply {
    Reply::Bulk(Bytes::from_static(row.name.as_bytes()))
}

fn statuses<'a>(words: impl IntoIterator<Item = &'a &'static str>) -> Vec<Reply> {
    words.into_iter().map(|word| Reply::Simple(word)).collect()
}

fn categories(row: &Row) -> Vec<&'static str> {
    let mut categories = vec![match row.group {
        "string" => "@string",
        "set" => "@set",
        "hash" => "@hash",
        "list" => "@list",
        "sorted-set" => "@sortedset",
        "generic" => "@keyspace",
        "connection" => "@connection",
        "scripting" => "@scripting",
        _ => "@admin",
    }];
    if row.is_write() {
        categories.push("@write");
    }
    if row.flags.contains(&"readonly") {
        categories.push("@read");
    }
    if matches!(row.name, "keys" | "flushall" | "flushdb") {
        categories.push("@dangerous");
    }
    categories.push(if row.flags.contains(&"fast") { "@fast" } else { "@slow" });
    categories
}

fn key_flags(row: &Row) -> &'static [&'static str] {
    match row.name {
        "set" | "mset" | "setex" | "psetex" => &["OW", "UPDATE"],
        "del" | "unlink" => &["RM", "DELETE"],
        "getdel" => &["RW", "ACCESS", "DELETE"],
        "getset" | "getex" | "incr" | "incrby" | "incrbyfloat" | "decr" | "decrby" => {
            &["RW", "ACCESS", "UPDATE"]
        }
        "srem" | "hdel" | "zrem" | "ltrim" | "lrem" => &["RW", "DELETE"],
        "spop" | "lpop" | "rpop" | "zpopmin" | "zpopmax" | "lmpop" | "zmpop" => &["RW", "ACCESS", "DELETE"],
        "hincrby" | "hincrbyfloat" | "zincrby" => &["RW", "ACCESS", "UPDATE"],
        "sadd" | "hsetnx" | "lpush" | "rpush" | "lpushx" | "rpushx" | "linsert" => &["RW", "INSERT"],
        "scard" | "hlen" | "llen" | "zcard" | "hstrlen" | "hexists" | "sismember" | "smismember" => &["RO"],
        "append" | "setnx" | "msetnx" => &["RW", "INSERT"],
        "exists" | "touch" | "type" | "strlen" => &["RO"],
        _ if row.is_write() => &["RW", "UPDATE"],
        _ => &["RO", "ACCESS"],
    }
}

fn info(row: &'static Row, listed_as: Bytes) -> Reply {
    let KeyRange { first, last, step } = row.keys;
    Reply::Array(vec![
        Reply::Bulk(listed_as),
        Reply::Int(row.arity.into()),
        Reply::Set(statuses(row.flags)),
        Reply::Int(first.into()),
        Reply::Int(last.into()),
        Reply::Int(step.into()),
        Reply::Set(statuses(&categories(row))),
        Reply::Array(vec![]),
        Reply::Array(key_specification(row).into_iter().collect()),
        Reply::Array(
            row.subcommands().iter().map(|row| info(row, Bytes::from_static(row.name.as_bytes()))).collect(),
        ),
    ])
}

fn word(word: &'static str) -> Reply {
    Reply::Bulk(Bytes::from_static(word.as_bytes()))
}

fn key_specification(row: &Row) -> Option<Reply> {
    let KeyRange { first, last, step } = row.keys;
    if first == 0 {
        return None;
    }
    let last_from_first = if last < 0 { last } else { last - first };
    Some(Reply::Map(vec![
        (word("flags"), Reply::Set(statuses(key_flags(row)))),
        (
            word("begin_search"),
            Reply::Map(vec![
                (word("type"), word("index")),
                (word("spec"), Reply::Map(vec![(word("index"), Reply::Int(first.into()))])),
            ]),
        ),
        (
            word("find_keys"),
            Reply::Map(vec![
                (word("type"), word("range")),
                (
                    word("spec"),
                    Reply::Map(vec![
                        (word("lastkey"), Reply::Int(last_from_first.into())),
                        (word("keystep"), Reply::Int(step.into())),
                        (word("limit"), Reply::Int(0)),
                    ]),
                ),
            ]),
        ),
    ]))
}

fn docs(row: &'static Row) -> Reply {
    let mut pairs = vec![
        (word("summary"), word(row.summary)),
        (word("since"), word(row.since)),
        (word("group"), word(row.group)),
    ];
    let subcommands = row.subcommands();
    if !subcommands.is_empty() {
        pairs.push((
            word("subcommands"),
            Reply::Map(subcommands.iter().map(|sub| (name(sub), docs(sub))).collect()),
        ));
    }
    Reply::Map(pairs)
}
