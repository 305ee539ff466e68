"""redis-py, one node at a time: every command of docs/redis.md that it has a method for, with the types that it makes of the replies."""

import time

import redis

from expect import holds, refused, same


def client(cluster, node, **options):
    host, port = cluster.resp(node)
    return redis.Redis(host=host, port=port, socket_timeout=30, **options)


def each_protocol(cluster):
    """A client per protocol version, each at another node."""
    for node, protocol in enumerate((2, 3)):
        yield f"py:{protocol}:", client(cluster, node, protocol=protocol, decode_responses=True)


def test_strings(cluster):
    for prefix, r in each_protocol(cluster):
        key = prefix + "s"
        same(r.set(key, "v"), True)
        same(r.get(key), "v")
        same(r.get(prefix + "absent"), None)
        same(r.append(key, "wxyz"), 5)
        same(r.strlen(key), 5)
        same(r.getrange(key, 1, -2), "wxy")
        same(r.substr(key, 1, 2), "wx")
        same(r.setrange(key, 1, "WW"), 5)
        same(r.getset(key, "new"), "vWWyz")
        same(r.getdel(key), "new")
        same(r.exists(key), 0)
        same(r.setnx(key, "a"), True)
        same(r.setnx(key, "b"), False)
        same(r.setex(key, 100, "e"), True)
        same(r.psetex(key, 100_000, "p"), True)
        holds(99_000 < r.pttl(key) <= 100_000, "PSETEX sets the expiry")
        same(r.getex(key, persist=True), "p")
        same(r.ttl(key), -1)
        same(r.lcs(key, key, len=True), 1)


def test_set_with_options(cluster):
    for prefix, r in each_protocol(cluster):
        key = prefix + "o"
        same(r.set(key, "1", nx=True), True)
        same(r.set(key, "2", nx=True), None)
        same(r.set(key, "2", xx=True), True)
        same(r.set(prefix + "o2", "2", xx=True), None)
        same(r.set(key, "3", get=True), "2")
        same(r.set(key, "4", ex=50), True)
        same(r.set(key, "5", keepttl=True), True)
        holds(48 <= r.ttl(key) <= 50, "KEEPTTL keeps it")
        same(r.set(key, "6", px=60_000), True)
        same(r.set(key, "7", exat=int(time.time()) + 70), True)
        same(r.set(key, "8", pxat=int(time.time() * 1000) + 80_000), True)
        holds(77_000 <= r.pttl(key) <= 80_000, "PXAT is a moment")
        same(r.execute_command("SET", key, "9", "IFEQ", "8"), True)
        same(r.execute_command("SET", key, "x", "IFEQ", "8"), None)
        same(r.execute_command("SET", key, "10", "IFNE", "8"), True)
        same(r.get(key), "10")
        refused("syntax error", r.execute_command, "SET", key, "v", "NX", "XX")
        refused("invalid expire time in 'set' command", r.set, key, "v", ex=0)


def test_numbers(cluster):
    for prefix, r in each_protocol(cluster):
        key = prefix + "n"
        same(r.incr(key), 1)
        same(r.incrby(key, 41), 42)
        same(r.decr(key), 41)
        same(r.decrby(key, 50), -9)
        same(r.incrbyfloat(prefix + "f", 0.5), 0.5)
        same(r.incrbyfloat(prefix + "f", 2), 2.5)
        r.set(key, str(2**63 - 1))
        refused("increment or decrement would overflow", r.incr, key)
        r.set(key, "word")
        refused("value is not an integer or out of range", r.incr, key)
        refused("value is not a valid float", r.incrbyfloat, key, 1)


def test_several_keys_over_all_shards(cluster):
    for prefix, r in each_protocol(cluster):
        pairs = {f"{prefix}m:{i}": str(i) for i in range(60)}
        keys = list(pairs)
        same(r.mset(pairs), True)
        same(r.mget(keys + [prefix + "absent"]), list(pairs.values()) + [None])
        same(r.exists(*keys, keys[0]), 61)
        same(r.touch(*keys), 60)
        same(r.delete(*keys[:30], prefix + "absent"), 30)
        same(r.unlink(*keys), 30)
        tagged = {f"{{{prefix}}}{name}": name for name in "ab"}
        same(r.msetnx(tagged), True)
        same(r.msetnx({f"{{{prefix}}}b": "x", f"{{{prefix}}}c": "x"}), False)
        refused("don't hash to the same slot", r.msetnx, {prefix + "x": "1", prefix + "y": "2"})
        refused("wrong number of arguments for 'mset' command", r.execute_command, "MSET", "a", "1", "b")


def test_keys(cluster):
    for prefix, r in each_protocol(cluster):
        one, other = f"{{{prefix}}}one", f"{{{prefix}}}other"
        r.set(one, "v", ex=100)
        same(r.type(one), "string")
        same(r.type(other), "none")
        same(r.rename(one, other), True)
        holds(98 <= r.ttl(other) <= 100, "RENAME takes the expiry along")
        same(r.copy(other, one), True)
        same(r.copy(other, one), False)
        same(r.copy(other, one, replace=True), True)
        same(r.renamenx(one, other), False)
        refused("no such key", r.rename, f"{{{prefix}}}absent", other)
        refused("don't hash to the same slot", r.rename, one, prefix + "elsewhere")
        same(r.object("ENCODING", one), "embstr")
        same(r.object("REFCOUNT", one), 1)
        holds(r.memory_usage(one) > 0, "MEMORY USAGE answers bytes")
        same(r.memory_usage(prefix + "absent"), None)


def test_expiry(cluster):
    for prefix, r in each_protocol(cluster):
        key = prefix + "e"
        r.set(key, "v")
        same(r.ttl(key), -1)
        same(r.ttl(prefix + "absent"), -2)
        same(r.expire(prefix + "absent", 10), False)
        same(r.expire(key, 100, xx=True), False)
        same(r.expire(key, 100, nx=True), True)
        same(r.expire(key, 50, gt=True), False)
        same(r.expire(key, 50, lt=True), True)
        same(r.pexpire(key, 70_000, gt=True), True)
        moment = int(time.time()) + 1000
        same(r.expireat(key, moment), True)
        same(r.expiretime(key), moment)
        same(r.pexpireat(key, moment * 1000 + 5), True)
        same(r.pexpiretime(key), moment * 1000 + 5)
        same(r.persist(key), True)
        same(r.persist(key), False)
        same(r.pexpire(key, 150), True)
        same(r.get(key), "v")
        time.sleep(0.2)
        for node in range(3):
            same(client(cluster, node).get(key), None)
        same(r.exists(key), 0)
        r.set(key, "v")
        same(r.expire(key, -1), True)
        same(r.exists(key), 0)


def test_the_key_space_of_the_whole_cluster(cluster):
    for prefix, r in each_protocol(cluster):
        keys = {f"{prefix}scan:{i}" for i in range(300)}
        r.mset(dict.fromkeys(keys, "v"))
        same(set(r.keys(f"{prefix}scan:*")), keys)
        found = list(r.scan_iter(match=f"{prefix}scan:*", count=20))
        same(len(found), len(keys))
        same(set(found), keys)
        holds(r.dbsize() >= 300, "DBSIZE counts all shards")
        same(sorted(r.scan_iter(match=f"{prefix}scan:*", _type="list")), [])
        holds(isinstance(r.randomkey(), str), "RANDOMKEY answers a key")


def test_a_scan_goes_on_at_another_node(cluster):
    nodes = [client(cluster, node, decode_responses=True) for node in range(3)]
    keys = {f"py:hop:{i}" for i in range(200)}
    nodes[0].mset(dict.fromkeys(keys, "v"))
    found, cursor, call = [], 0, 0
    while call == 0 or cursor != 0:
        cursor, page = nodes[call % 3].scan(cursor, match="py:hop:*", count=50)
        found += page
        call += 1
    same(len(found), len(keys))
    same(set(found), keys)


def test_pipeline(cluster):
    for prefix, r in each_protocol(cluster):
        line = r.pipeline(transaction=False)
        for i in range(100):
            line.set(f"{prefix}p:{i}", i)
            line.incr(f"{prefix}p:{i}")
        same(line.execute(), [answer for i in range(100) for answer in (True, i + 1)])


def test_connection_and_server(cluster):
    for prefix, r in each_protocol(cluster):
        same(r.ping(), True)
        same(r.echo("hello"), "hello")
        same(r.client_setname("tester"), True)
        same(r.client_getname(), "tester")
        holds(isinstance(r.client_id(), int), "CLIENT ID answers a number")
        holds(any(row["name"] == "tester" for row in r.client_list()), "CLIENT LIST has this connection")
        same(r.client_info()["name"], "tester")
        holds(abs(r.time()[0] - time.time()) < 60, "TIME is now")
        same(r.info("server")["redis_mode"], "cluster")
        holds("maxmemory" in r.config_get("max*"), "CONFIG GET takes patterns")
        same(r.config_set("hz", "20"), True)
        same(r.config_resetstat(), True)
        holds(r.command_count() > 60, "COMMAND COUNT")
        holds("get" in r.command(), "COMMAND")
        holds(len(r.info()) > 20, "INFO")
        refused("not supported yet: XADD", r.xadd, prefix + "x", {"f": "v"})


def test_wait(cluster):
    for prefix, r in each_protocol(cluster):
        with r.client() as one:
            same(one.set(prefix + "w", "v"), True)
            same(one.wait(1, 1_000), 1)
            same(one.wait(2, 10_000), 2)
            same(one.execute_command("INCR@causal", prefix + "w:n"), 1)
            same(one.wait(2, 10_000), 2)
            begin = time.monotonic()
            same(one.wait(3, 200), 2)
            holds(time.monotonic() - begin >= 0.2, "there is no third other node")
            refused("timeout is negative", one.wait, 1, -1)


def test_sets(cluster):
    for prefix, r in each_protocol(cluster):
        one, other = f"{{{prefix}s}}one", f"{{{prefix}s}}other"
        same(r.sadd(one, "a", "b", "c"), 3)
        same(set(r.smembers(one)), {"a", "b", "c"})
        same(bool(r.sismember(one, "a")), True)
        same(r.smismember(one, ["a", "x"]), [1, 0])
        same(r.sadd(other, "c", "d"), 2)
        same(set(r.sinter([one, other])), {"c"})
        same(r.sunionstore(f"{{{prefix}s}}all", [one, other]), 4)
        same(r.sintercard(2, [one, other]), 1)
        same(sorted(r.sscan_iter(one)), ["a", "b", "c"])
        same(bool(r.smove(one, other, "a")), True)
        same(r.srem(one, "b", "x"), 1)
        same(r.spop(one), "c")
        same(r.exists(one), 0)
        refused("don't hash to the same slot", r.sunion, [prefix + "1", prefix + "2"])


def test_hashes(cluster):
    for prefix, r in each_protocol(cluster):
        key = prefix + "hash"
        same(r.hset(key, mapping={"f": "1", "g": "2"}), 2)
        same(r.hgetall(key), {"f": "1", "g": "2"})
        same(r.hmget(key, ["f", "nosuch"]), ["1", None])
        same(r.hincrby(key, "f", 4), 5)
        same(r.hincrbyfloat(key, "f", 0.5), 5.5)
        same(dict(r.hscan_iter(key)), {"f": "5.5", "g": "2"})
        same(r.hdel(key, "f", "g"), 2)
        same(r.type(key), "none")
        r.sadd(key, "m")
        refused("WRONGTYPE", r.hget, key, "f")


def test_lists(cluster):
    for prefix, r in each_protocol(cluster):
        one, other = f"{{{prefix}l}}one", f"{{{prefix}l}}other"
        same(r.rpush(one, "a", "b", "c"), 3)
        same(r.lpush(one, "z"), 4)
        same(r.lrange(one, 0, -1), ["z", "a", "b", "c"])
        same(r.lpos(one, "b"), 2)
        same(r.lmove(one, other, "RIGHT", "LEFT"), "c")
        same(r.lpop(one, 2), ["z", "a"])
        same(r.lmpop(2, one, other, direction="LEFT", count=5), [one, ["b"]])
        same(r.llen(one), 0)


def test_sorted_sets(cluster):
    for prefix, r in each_protocol(cluster):
        key = prefix + "zset"
        same(r.zadd(key, {"a": 1, "b": 2.5, "c": 3}), 3)
        same(r.zscore(key, "b"), 2.5)
        same(r.zrank(key, "c"), 2)
        same([list(pair) for pair in r.zrange(key, 0, -1, withscores=True)], [["a", 1.0], ["b", 2.5], ["c", 3.0]])
        same(r.zrangebyscore(key, "(1", "+inf"), ["b", "c"])
        same(r.zincrby(key, 10, "a"), 11.0)
        same(r.zcount(key, 0, 5), 2)
        same(r.zrevrange(key, 0, 0), ["a"])
        same(r.zrem(key, "a"), 1)
        same([pair[0] for pair in r.zpopmin(key, 2)], ["b", "c"])
        same(r.exists(key), 0)


def test_what_one_node_wrote_the_others_read_at_once(cluster):
    nodes = [client(cluster, node) for node in range(3)]
    for i in range(60):
        nodes[i % 3].set("py:fresh", i)
        same(nodes[(i + 1) % 3].get("py:fresh"), str(i).encode())
        same(nodes[(i + 2) % 3].get("py:fresh"), str(i).encode())


def test_flush(cluster):
    for node, name in enumerate(("flushall", "flushdb")):
        r = client(cluster, node)
        r.mset({f"py:flush:{i}": i for i in range(100)})
        same(getattr(r, name)(), True)
        same(client(cluster, node + 1).dbsize(), 0)
        same(r.keys("*"), [])
        same(r.randomkey(), None)
