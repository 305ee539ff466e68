//! What Redis (7, and what came since) has and this version has not, and the words for commands that nobody has.
//!
//! A known command is refused by name and pointed to `docs/redis.md`, so that nobody takes it for a typing error.

use crate::reply::Reply;
use bytes::Bytes;

use super::Row;

/// Commands and subcommands that are not here yet, sorted, in lower case.
#[rustfmt::skip] // as many names a line as fit
pub const LATER: &[&str] = &[
    "acl", "asking", "bgrewriteaof", "bgsave", "bitcount", "bitfield", "bitfield_ro", "bitop", "bitpos", "blmove",
    "blmpop", "blpop", "brpop", "brpoplpush", "bzmpop", "bzpopmax", "bzpopmin", "client|caching",
    "client|getredir", "client|kill", "client|no-evict", "client|no-touch", "client|pause", "client|tracking",
    "client|trackinginfo", "client|unblock", "client|unpause", "cluster|addslots", "cluster|addslotsrange",
    "cluster|bumpepoch", "cluster|count-failure-reports", "cluster|delslots", "cluster|delslotsrange",
    "cluster|failover", "cluster|flushslots", "cluster|forget", "cluster|links", "cluster|meet",
    "cluster|myshardid", "cluster|replicas", "cluster|replicate", "cluster|reset", "cluster|saveconfig",
    "cluster|set-config-epoch", "cluster|setslot", "cluster|slaves", "cluster|slot-stats", "config|rewrite",
    "debug", "delex", "digest", "discard", "dump", "eval", "eval_ro", "evalsha", "evalsha_ro",
    "exec", "failover", "fcall", "fcall_ro", "function|delete", "function|dump", "function|kill", "function|list",
    "function|load", "function|restore", "function|stats", "geoadd", "geodist", "geohash", "geopos", "georadius",
    "georadius_ro", "georadiusbymember", "georadiusbymember_ro", "geosearch", "geosearchstore", "getbit",
    "hexpire", "hexpireat", "hexpiretime", "hgetdel", "hgetex", "hpersist", "hpexpire", "hpexpireat",
    "hpexpiretime", "hpttl", "hsetex", "httl", "lastsave", "latency", "lolwut", "memory|doctor",
    "memory|malloc-stats", "memory|purge", "memory|stats", "migrate", "module", "monitor", "move", "msetex",
    "multi", "pfadd", "pfcount", "pfdebug", "pfmerge", "pfselftest", "psubscribe", "psync", "publish", "pubsub",
    "punsubscribe", "replconf", "replicaof", "restore", "restore-asking", "role", "save", "script",
    "setbit", "shutdown", "slaveof", "slowlog", "sort", "sort_ro", "spublish", "ssubscribe", "subscribe",
    "sunsubscribe", "swapdb", "sync", "unsubscribe", "unwatch", "waitaof", "watch", "xack", "xadd",
    "xautoclaim", "xclaim", "xdel", "xgroup", "xinfo", "xlen", "xpending", "xrange", "xread", "xreadgroup",
    "xrevrange", "xsetid", "xtrim",
];

fn is_later(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    LATER.binary_search_by(|later| later.as_bytes().cmp(&lower)).is_ok()
}

fn not_yet(name: &str) -> Reply {
    Reply::error(format!("ERR not supported yet: {} (see docs/redis.md)", name.to_ascii_uppercase()))
}

/// A command that the table does not list.
pub(super) fn unknown(argv: &[Bytes]) -> Reply {
    const SHOWN_BYTES: usize = 128;
    let name = shown(&argv[0], SHOWN_BYTES);
    if is_later(&argv[0]) {
        return not_yet(&name);
    }
    if let Some((base, suffix)) = name.split_once('@')
        && super::lookup(base.as_bytes()).is_some()
    {
        return Reply::error(format!(
            "ERR '{base}' is not a command on keys, so it takes no level: '@{suffix}'"
        ));
    }
    let mut arguments = String::new();
    for argument in &argv[1..] {
        if arguments.len() >= SHOWN_BYTES {
            break;
        }
        arguments.push_str(&format!("'{}' ", shown(argument, SHOWN_BYTES - arguments.len())));
    }
    Reply::error(format!("ERR unknown command '{name}', with args beginning with: {arguments}"))
}

/// A subcommand that the table does not list.
pub(super) fn unknown_subcommand(container: &Row, subcommand: &Bytes) -> Reply {
    let subcommand = shown(subcommand, 128);
    let container = container.name;
    if is_later(format!("{container}|{subcommand}").as_bytes()) {
        if container == "cluster" {
            let upper = subcommand.to_ascii_uppercase();
            return Reply::error(format!(
                "ERR not supported yet: CLUSTER {upper}; the cluster arranges itself, see `quartet status` (docs/redis.md)"
            ));
        }
        return not_yet(&format!("{container} {subcommand}"));
    }
    Reply::error(format!(
        "ERR unknown subcommand '{subcommand}'. Try {} HELP.",
        container.to_ascii_uppercase()
    ))
}

fn shown(argument: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(&argument[..argument.len().min(limit)]).into_owned()
}
