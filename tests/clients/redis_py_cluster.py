"""redis-py's RedisCluster: it learns who leads what, goes there, and splits what it can."""

from redis.cluster import RedisCluster

from expect import refused, same
from topology import settled


def client(cluster, node, **options):
    host, port = cluster.resp(node)
    return RedisCluster(host=host, port=port, socket_timeout=30, **options)


def test_it_finds_all_nodes_as_primaries(cluster):
    settled(cluster)
    for node in range(3):
        rc = client(cluster, node)
        same(sorted((n.host, n.port) for n in rc.get_primaries()), sorted(cluster.resp(n) for n in range(3)))
        same(rc.get_replicas(), [])
        rc.close()


def test_keys_of_all_slots(cluster):
    for protocol in (2, 3):
        rc = client(cluster, protocol, protocol=protocol, decode_responses=True)
        for i in range(100):
            same(rc.set(f"pyc:{protocol}:{i}", i), True)
        same([rc.get(f"pyc:{protocol}:{i}") for i in range(100)], [str(i) for i in range(100)])
        same(rc.incr(f"pyc:{protocol}:1"), 2)
        same(rc.expire(f"pyc:{protocol}:1", 100), True)
        same(rc.delete(*[f"pyc:{protocol}:{i}" for i in range(100)]), 100)
        rc.close()


def test_several_keys(cluster):
    rc = client(cluster, 1, decode_responses=True)
    same(rc.mset({"{pyc}a": "1", "{pyc}b": "2"}), True)
    same(rc.mget("{pyc}a", "{pyc}b", "{pyc}c"), ["1", "2", None])
    rc.mset_nonatomic({f"pyc:n:{i}": i for i in range(50)})
    same(rc.mget_nonatomic([f"pyc:n:{i}" for i in range(50)]), [str(i) for i in range(50)])
    same(rc.exists(*[f"pyc:n:{i}" for i in range(50)]), 50)
    same(rc.rename("{pyc}a", "{pyc}z"), True)
    refused("don't hash to the same slot", rc.execute_command, "MSETNX", "pyc:x", "1", "pyc:y", "2", target_nodes=rc.get_random_node())
    rc.close()


def test_pipeline(cluster):
    rc = client(cluster, 2, decode_responses=True)
    line = rc.pipeline()
    for i in range(100):
        line.set(f"pyc:p:{i}", i)
    same(line.execute(), [True] * 100)
    line = rc.pipeline()
    for i in range(100):
        line.get(f"pyc:p:{i}")
    same(line.execute(), [str(i) for i in range(100)])
    rc.close()


def test_one_node_answers_for_the_whole_key_space(cluster):
    rc = client(cluster, 0, decode_responses=True)
    keys = {f"pyc:scan:{i}" for i in range(100)}
    for key in keys:
        rc.set(key, "v")
    node = rc.get_random_node()
    same(set(rc.keys("pyc:scan:*", target_nodes=node)), keys)
    same(set(rc.scan_iter(match="pyc:scan:*", target_nodes=node)), keys)
    rc.close()


def test_commands_with_options_of_their_own(cluster):
    rc = client(cluster, 0, decode_responses=True)
    same(rc.execute_command("WITH", "pyc:w", "linearizable", "ID", "pyc:1", "DO", "SET", "pyc:w", "v"), "OK")
    same(rc.execute_command("WITH", "pyc:w", "linearizable", "DO", "GET", "pyc:w"), "v")
    rc.close()
