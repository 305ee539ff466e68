"""`WITH`: the level, the number and the deadline of one request, and what was achieved."""

from expect import holds, refusal, same
from wire import Simple, Wire


def test_the_reply_is_that_of_the_command(cluster):
    with Wire(cluster.resp(0)) as wire:
        same(wire.do("WITH", "with:k", "linearizable", "DO", "SET", "with:k", "v"), Simple("OK"))
        same(wire.do("with", "with:k", "LINEARIZABLE", "DEADLINE", "1500", "do", "get", "with:k"), b"v")


def test_a_numbered_write_is_applied_once_through_whatever_node(cluster):
    for node in range(6):
        with Wire(cluster.resp(node)) as wire:
            same(wire.do("WITH", "with:once", "linearizable", "ID", "teller:1", "DO", "INCRBY", "with:once", "5"), 5)
    with Wire(cluster.resp(0)) as wire:
        same(wire.do("WITH", "with:once", "linearizable", "ID", "teller:2", "DO", "INCRBY", "with:once", "5"), 10)
        same(wire.do("WITH", "with:once", "linearizable", "ID", "teller:1", "DO", "INCRBY", "with:once", "5"), 5)
        same(wire.do("GET", "with:once"), b"10")


def test_meta_tells_version_time_and_node(cluster):
    with Wire(cluster.resp(1)) as wire:
        wire.do("HELLO", "3")
        reply, wrote = wire.do("WITH", "with:meta", "linearizable", "META", "DO", "SET", "with:meta", "v")
        same(reply, Simple("OK"))
        reply, read = wire.do("WITH", "with:meta", "linearizable", "META", "DO", "GET", "with:meta")
        same(reply, b"v")
        same(read[b"level"], b"linearizable")
        same(read[b"state"], b"committed")
        same(read[b"version"], wrote[b"version"])
        holds(int(read[b"as_of"]) >= int(read[b"version"]), f"the answer is of {read[b'as_of']}, before its version")
        holds(int(read[b"node"]) in {node["id"] for node in cluster.nodes}, f"no node has the id {read[b'node']}")
        _, again = wire.do("WITH", "with:meta", "linearizable", "META", "DO", "SET", "with:meta", "w")
        holds(int(again[b"version"]) > int(wrote[b"version"]), "a later write has a later version")
    with Wire(cluster.resp(2)) as wire:
        reply, meta = wire.do("WITH", "with:meta", "linearizable", "META", "DO", "GET", "with:meta")
        same(reply, b"w")
        holds(isinstance(meta, list) and b"version" in meta[::2], "RESP2 gets the same as a flat list")


def test_what_it_cannot_keep_is_refused(cluster):
    with Wire(cluster.resp(2)) as wire:
        refusal(wire.do("WITH", "with:k", "strong", "DO", "GET", "with:k"), "LEVEL")
        refusal(wire.do("GETDEL@eventual", "with:k"), "LEVEL")
        refusal(wire.do("WITH", "other", "linearizable", "DO", "GET", "with:k"), "ERR")
        refusal(wire.do("WITH", "with:k", "linearizable", "NOSUCH", "DO", "GET", "with:k"), "ERR")
        refusal(wire.do("WITH", "with:k", "linearizable", "DEADLINE", "soon", "DO", "GET", "with:k"), "ERR")
        refusal(wire.do("WITH", "with:k", "linearizable", "DO"), "ERR")


def test_a_number_covers_keys_of_one_slot_only(cluster):
    with Wire(cluster.resp(0)) as wire:
        refusal(wire.do("WITH", "with:a", "linearizable", "ID", "m:1", "DO", "MSET", "with:a", "1", "with:b", "2"), "ERR ID numbers a write whose keys are in one slot")
        same(wire.do("EXISTS", "with:a", "with:b"), 0)
        same(wire.do("WITH", "{with}a", "linearizable", "ID", "m:2", "DO", "MSET", "{with}a", "1", "{with}b", "2"), Simple("OK"))
