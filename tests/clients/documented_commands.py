"""docs/redis.md and the program agree: what the table lists is answered, and what it leaves out is not supported."""

import re

from expect import holds, same
from wire import Error, Wire, encode

TABLE = "../../docs/redis.md"
# They change the connection so that the next reply would not come.
SILENT = {"CLIENT REPLY", "QUIT"}


def documented():
    with open(TABLE) as page:
        table = page.read().split("<!-- table -->")[1].split("<!-- /table -->")[0]
    return re.findall(r"^\| `([A-Z ]+)` \|", table, re.MULTILINE)


def test_every_documented_command_is_there(cluster):
    names = documented()
    holds(len(names) > 90, f"only {len(names)} commands are found in {TABLE}")
    for name in names:
        if name in SILENT:
            continue
        with Wire(cluster.resp(0)) as wire:
            # No arguments: what needs some says so, and nothing is changed but by FLUSHALL and FLUSHDB, which are asked for a mode that nobody has.
            words = name.split() + (["NOSUCHMODE"] if name.startswith("FLUSH") else [])
            reply = wire.do(*words)
            strange = isinstance(reply, Error) and any(text in reply for text in ("unknown command", "unknown subcommand", "not supported yet"))
            holds(not strange, f"{name}: {reply}")


def test_command_lists_exactly_the_documented_ones(cluster):
    top_level = {name.split()[0].lower() for name in documented()}
    with Wire(cluster.resp(1)) as wire:
        listed = {row[0].decode().lower() for row in wire.do("COMMAND")}
        same(wire.do("COMMAND", "COUNT"), len(listed))
        same(sorted(top_level - listed), [])
        holds(all("@" in name for name in listed - top_level), f"not documented: {sorted(listed - top_level)}")


def test_command_finds_the_keys(cluster):
    with Wire(cluster.resp(2)) as wire:
        same(wire.do("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"), [b"a", b"b"])
        same(wire.do("COMMAND", "GETKEYS", "RENAME", "a", "b"), [b"a", b"b"])
        same(wire.do("COMMAND", "GETKEYS", "ZUNIONSTORE", "d", "2", "a", "b", "WEIGHTS", "1", "2"), [b"d", b"a", b"b"])
        same(wire.do("COMMAND", "GETKEYS", "LMPOP", "1", "a", "LEFT"), [b"a"])
        same(wire.do("COMMAND", "GETKEYS", "WITH", "a", "linearizable", "DO", "GET", "a"), [b"a"])
        rows = wire.do("COMMAND", "INFO", "get", "mset", "nosuch")
        same(rows[0][:2], [b"get", 2])
        same(rows[0][3:6], [1, 1, 1])
        same(rows[1][3:6], [1, -1, 2])
        same(rows[2], None)


def test_no_other_command_of_redis_is_half_there(cluster):
    names = ["XADD", "SETBIT", "MULTI", "EXEC", "EVAL", "SUBSCRIBE", "PUBLISH", "BLPOP", "DEBUG", "SWAPDB", "MOVE", "DUMP", "SORT", "WAITAOF", "GEOADD", "PFADD"]
    with Wire(cluster.resp(0)) as wire:
        wire.raw(b"".join(encode([name, "a", "b", "c"]) for name in names))
        for name in names:
            same(wire.reply(), Error(f"ERR not supported yet: {name} (see docs/redis.md)"))
