"""What no client library shows: inline commands, pipelines, the types of RESP2 and RESP3, and replies switched off."""

from expect import holds, refusal, same
from wire import Error, Simple, Wire, encode


def test_inline_commands(cluster):
    with Wire(cluster.resp(0)) as wire:
        wire.raw(b'SET wire:inline "two words"\r\nGET wire:inline\r\n\r\nPING\n')
        same(wire.reply(), Simple("OK"))
        same(wire.reply(), b"two words")
        same(wire.reply(), Simple("PONG"))


def test_a_pipeline_is_answered_in_order(cluster):
    with Wire(cluster.resp(1)) as wire:
        # Keys of many shards, and each read after its write.
        wire.raw(b"".join(encode(["SET", f"wire:line:{i}", i]) + encode(["GET", f"wire:line:{i}"]) for i in range(500)))
        for i in range(500):
            same(wire.reply(), Simple("OK"))
            same(wire.reply(), str(i).encode())


def test_a_pipeline_goes_on_after_an_error(cluster):
    with Wire(cluster.resp(2)) as wire:
        wire.raw(encode(["SET", "wire:word", "x"]) + encode(["INCR", "wire:word"]) + encode(["GET", "wire:word"]))
        same(wire.reply(), Simple("OK"))
        same(wire.reply(), Error("ERR value is not an integer or out of range"))
        same(wire.reply(), b"x")


def test_one_byte_at_a_time(cluster):
    with Wire(cluster.resp(0)) as wire:
        for byte in encode(["ECHO", "slow"]):
            wire.raw(bytes([byte]))
        same(wire.reply(), b"slow")


def test_values_are_bytes(cluster):
    value = bytes(range(256)) * 3 + b"\r\n$-1\r\n"
    with Wire(cluster.resp(1)) as wire:
        same(wire.do("SET", b"wire:\xff\x00\r\n", value), Simple("OK"))
    with Wire(cluster.resp(2)) as wire:
        same(wire.do("GET", b"wire:\xff\x00\r\n"), value)


def test_the_types_of_resp2(cluster):
    with Wire(cluster.resp(0)) as wire:
        same(wire.do("GET", "wire:absent"), None)
        same(wire.do("EXISTS", "wire:absent"), 0)
        same(wire.do("INCRBYFLOAT", "wire:float", "1.5"), b"1.5")
        same(wire.do("MGET", "wire:absent", "wire:float"), [None, b"1.5"])
        same(wire.do("TYPE", "wire:float"), Simple("string"))
        same(wire.do("CONFIG", "GET", "no-such-setting"), [])


def test_the_types_of_resp3(cluster):
    with Wire(cluster.resp(1)) as wire:
        hello = wire.do("HELLO", "3", "SETNAME", "tester")
        same(hello[b"server"], b"redis")
        same(hello[b"proto"], 3)
        same(wire.do("CLIENT", "GETNAME"), b"tester")
        wire.send("GET", "wire:absent")
        same(wire.stream.readline(), b"_\r\n")
        same(wire.do("CONFIG", "GET", "no-such-setting"), {})
        same(wire.do("SET", "wire:three", "v"), Simple("OK"))
        same(wire.do("MGET", "wire:three", "wire:absent"), [b"v", None])
        found = wire.do("HELLO", "2")
        holds(isinstance(found, list), f"HELLO 2 answers an array, not {found!r}")
        refusal(wire.do("HELLO", "4"), "NOPROTO")


def test_replies_switched_off(cluster):
    with Wire(cluster.resp(2)) as wire:
        wire.send("CLIENT", "REPLY", "SKIP")
        wire.send("SET", "wire:silent", "1")
        same(wire.do("GET", "wire:silent"), b"1")
        wire.send("CLIENT", "REPLY", "OFF")
        wire.send("INCR", "wire:silent")
        same(wire.do("CLIENT", "REPLY", "ON"), Simple("OK"))
        same(wire.do("GET", "wire:silent"), b"2")


def test_reset_and_quit(cluster):
    with Wire(cluster.resp(0)) as wire:
        wire.do("HELLO", "3", "SETNAME", "tester")
        same(wire.do("RESET"), Simple("RESET"))
        same(wire.do("CLIENT", "GETNAME") in (None, b""), True)
        wire.send("GET", "wire:absent")
        same(wire.stream.readline(), b"$-1\r\n")
        same(wire.do("QUIT"), Simple("OK"))
        holds(wire.closed(), "QUIT closes the connection")


def test_what_is_not_here_says_so(cluster):
    with Wire(cluster.resp(1)) as wire:
        same(wire.do("NOSUCH", "a"), Error("ERR unknown command 'NOSUCH', with args beginning with: 'a' "))
        same(wire.do("BLPOP", "wire:list", "1"), Error("ERR not supported yet: BLPOP (see docs/redis.md)"))
        same(wire.do("GET"), Error("ERR wrong number of arguments for 'get' command"))
        same(wire.do("SELECT", "0"), Simple("OK"))
        refusal(wire.do("SELECT", "1"), "ERR DB index is out of range")
        refusal(wire.do("CLIENT", "NOSUCH"), "ERR unknown subcommand 'NOSUCH'")


def test_what_breaks_the_protocol_is_refused_and_the_node_goes_on(cluster):
    for garbage, words in [
        (b"*1\r\n$600000000\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*99999999\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*1\r\n:5\r\n", "ERR Protocol error: expected '$'"),
        (b'GET "open\r\n', "ERR Protocol error: unbalanced quotes"),
    ]:
        with Wire(cluster.resp(2)) as wire:
            wire.raw(garbage)
            refusal(wire.reply(), words)
            holds(wire.closed(), "the connection ends after a protocol error")
    with Wire(cluster.resp(2)) as wire:
        same(wire.do("PING"), Simple("PONG"))


def test_limits_of_keys_and_values(cluster):
    with Wire(cluster.resp(0)) as wire:
        largest = b"k" * (64 << 10)
        same(wire.do("SET", largest, "v"), Simple("OK"))
        same(wire.do("GET", largest), b"v")
        refusal(wire.do("SET", largest + b"k", "v"), "ERR")
        same(wire.do("PING"), Simple("PONG"))
        value = b"v" * (8 << 20)
        # On a busy machine three disks need their time for it.
        same(wire.do("WITH", "wire:large", "linearizable", "DEADLINE", "60000", "DO", "SET", "wire:large", value), Simple("OK"))
        same(wire.do("STRLEN", "wire:large"), len(value))
    with Wire(cluster.resp(1)) as wire:
        same(wire.do("GET", "wire:large") == value, True)
        refusal(wire.do("APPEND", "wire:large", "v"), "ERR")
        refusal(wire.do("SETRANGE", "wire:large", len(value), "v"), "ERR")
        same(wire.do("DEL", "wire:large"), 1)
