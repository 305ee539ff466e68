//! At which levels each command has a meaning, as the table knows it by name: for `COMMAND`, which lists a name with each of its levels, and for the page.
//!
//! What counts is [`Command::has`](crate::command::Command::has), which looks at the command's options too; the tests below hold these names to it. A command whose answer is a decision (a condition, a pop, a move) has
//! the two strong levels; one that lists or counts the key space sees decided keys only, so it is not causal.

use super::Row;
use crate::level::Level;

/// Writes that mean something below sequential, and the options that take that from them.
const WEAK: &[(&str, &str)] = &[
    ("append", ""),
    ("decr", ""),
    ("decrby", ""),
    ("del", ""),
    ("expire", "without NX, XX, GT, LT"),
    ("expireat", "without NX, XX, GT, LT"),
    ("getex", "without an expiry"),
    ("hdel", ""),
    ("hincrby", ""),
    ("hincrbyfloat", ""),
    ("hmset", ""),
    ("hset", ""),
    ("incr", ""),
    ("incrby", ""),
    ("incrbyfloat", ""),
    ("lpush", ""),
    ("mset", ""),
    ("persist", ""),
    ("pexpire", "without NX, XX, GT, LT"),
    ("pexpireat", "without NX, XX, GT, LT"),
    ("psetex", ""),
    ("rpush", ""),
    ("sadd", ""),
    ("set", "without NX, XX, IFEQ, GET, KEEPTTL"),
    ("setex", ""),
    ("srem", ""),
    ("unlink", ""),
    ("zadd", "without NX, XX, GT, LT"),
    ("zincrby", ""),
    ("zrem", ""),
];

/// Reads of the key space.
const OF_THE_KEY_SPACE: &[&str] =
    &["cluster|countkeysinslot", "cluster|getkeysinslot", "dbsize", "keys", "randomkey", "scan"];

impl Row {
    /// Whether it has a meaning at this level, at least with some options.
    pub fn has_level(&self, level: Level) -> bool {
        let has = |row: &Row| match level {
            Level::Linearizable | Level::Sequential => true,
            Level::Causal | Level::Eventual if row.is_write() => {
                WEAK.iter().any(|(name, _)| *name == row.name)
            }
            Level::Causal => !OF_THE_KEY_SPACE.contains(&row.name),
            Level::Eventual => true,
        };
        let subcommands = self.subcommands();
        self.takes_level()
            && if subcommands.is_empty() {
                has(self)
            } else {
                subcommands.iter().any(|row| row.takes_level() && has(row))
            }
    }

    /// Which options it cannot have below sequential, in words; empty if there are none.
    pub fn weak_condition(&self) -> &'static str {
        WEAK.iter().find(|(name, _)| *name == self.name).map_or("", |(_, condition)| condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{Family, parse_request, table};
    use bytes::Bytes;

    /// Each write with its plainest arguments, and some with options that make their answer a decision (after `!`).
    const WRITES: &str = "append k v,copy {k} {k}2,decr k,decrby k 1,del a b,expire k 1,!expire k 1 NX,expireat k 9,!expireat k 9 GT,flushall,flushdb,getdel k,getex k,!getex k EX 5,getset k v,hdel h f,\
        hincrby h f 1,hincrbyfloat h f 1,hmset h f v,hset h f v,hsetnx h f v,incr k,incrby k 1,incrbyfloat k 1,linsert l before a b,lmove {l} {l}2 left right,lmpop 1 l left,lpop l,lpush l a,\
        lpushx l a,lrem l 0 a,lset l 0 a,ltrim l 0 1,mset a 1 b 2,msetnx {a} 1 {a}2 2,persist k,pexpire k 1,!pexpire k 1 XX,pexpireat k 9,!pexpireat k 9 LT,psetex k 1 v,rename {k} {k}2,\
        renamenx {k} {k}2,rpop l,rpoplpush {l} {l}2,rpush l a,rpushx l a,sadd s a,sdiffstore {s} {s}2,set k v,!set k v NX,!set k v XX,!set k v IFEQ w,!set k v GET,!set k v KEEPTTL,set k v PX 5,setex k 1 v,\
        setnx k v,setrange k 0 v,sinterstore {s} {s}2,smove {s} {s}2 a,spop s,srem s a,sunionstore {s} {s}2,unlink a b,zadd z 1 a,zadd z INCR 1 a,!zadd z NX 1 a,!zadd z XX 1 a,!zadd z GT 1 a,\
        zdiffstore {z} 1 {z}2,zincrby z 1 a,zinterstore {z} 1 {z}2,zmpop 1 z min,zpopmax z,zpopmin z,zrangestore {z} {z}2 0 1,zrem z a,zremrangebylex z - +,zremrangebyrank z 0 1,\
        zremrangebyscore z 0 1,zunionstore {z} 1 {z}2";
    const READS: &str = "dbsize,keys *,randomkey,scan 0,cluster countkeysinslot 1,cluster getkeysinslot 1 1,get k,mget a b,exists a b,hgetall h,smembers s,zrange z 0 1,lrange l 0 1,ttl k";

    #[test]
    fn the_names_say_what_the_commands_are() {
        let mut seen = Vec::new();
        for line in WRITES.split(',').chain(READS.split(',')).map(str::trim) {
            let is_plain = !line.starts_with('!');
            let argv: Vec<Bytes> =
                line.trim_start_matches('!').split(' ').map(|word| Bytes::from(word.to_owned())).collect();
            let command = parse_request(&argv).expect(line).request.command;
            let row = super::super::resolve(&argv).expect(line);
            for level in Level::ALL {
                assert_eq!(
                    command.has(level),
                    row.has_level(level) && (is_plain || !level.is_weak()),
                    "{line}, {level}"
                );
            }
            assert!(is_plain || !row.weak_condition().is_empty(), "{line}");
            seen.push(row.name);
        }
        let writes = table().iter().filter(|row| row.is_write() && matches!(row.family, Family::Data(_)));
        for row in writes {
            assert!(seen.contains(&row.name), "{} is not tried", row.name);
        }
    }
}
