"""Levels and sessions with the clients that people use: a command's suffix, `CONSISTENCY`, and a token that goes from one client to another."""

import redis
from redis.cluster import RedisCluster

from expect import holds, refusal, refused, same
from http_client import ask, key_path
from wire import Simple, Wire


def plain(cluster, node, **options):
    host, port = cluster.resp(node)
    return redis.Redis(host=host, port=port, socket_timeout=30, decode_responses=True, **options)


def test_a_suffix_with_redis_py(cluster):
    for node, protocol in enumerate((2, 3)):
        r = plain(cluster, node, protocol=protocol)
        key = f"level:py:{protocol}"
        same(r.execute_command("SET@sequential", key, "v"), "OK")
        same(r.execute_command("GET@sequential", key), "v")
        same(r.execute_command("get@linearizable", key), "v")
        same(r.execute_command("MGET@sequential", key, key + ":absent"), ["v", None])
        same(r.execute_command("SET@causal", key, "w"), "OK")
        same(r.execute_command("GET@causal", key), "w")
        same(r.execute_command("INCRBY@eventual", key + ":n", 3), 3)
        refused("has linearizable and sequential", r.execute_command, "GETDEL@causal", key)
        refused("unknown consistency level", r.execute_command, "GET@strong", key)


def test_a_suffix_with_redis_cluster(cluster):
    for protocol in (2, 3):
        host, port = cluster.resp(protocol)
        rc = RedisCluster(host=host, port=port, socket_timeout=30, decode_responses=True, protocol=protocol)
        for i in range(40):
            key = f"level:pyc:{protocol}:{i}"
            same(rc.execute_command("SET@linearizable", key, str(i)), "OK")
            same(rc.execute_command("GET@sequential", key), str(i))
        same(rc.execute_command("WITH", "level:pyc:k", "sequential", "DO", "GET", "level:pyc:k"), None)
        rc.close()


def test_consistency_of_a_connection(cluster):
    with Wire(cluster.resp(0)) as wire:
        same(wire.do("CONSISTENCY"), b"linearizable")
        same(wire.do("CONSISTENCY", "linearizable;50ms, sequential", "MAXSTALE", "9000"), Simple("OK"))
        shown = wire.do("CONSISTENCY")
        same(shown, b"linearizable;50ms, sequential MAXSTALE 9000")
        same(wire.do("CONSISTENCY", *shown.decode().split(" ")), Simple("OK"))
        same(wire.do("CONSISTENCY"), shown)
        refusal(wire.do("CONSISTENCY", "quorum"), "LEVEL")
        same(wire.do("CONSISTENCY", "causal", "ACKS", "2"), Simple("OK"))
        same(wire.do("SET", "level:two-copies", "v"), Simple("OK"))
        refusal(wire.do("CONSISTENCY", "causal", "ACKS", "0"), "ERR")
        same(wire.do("RESET"), Simple("RESET"))
        same(wire.do("CONSISTENCY"), b"linearizable")


def test_a_token_goes_from_client_to_client(cluster):
    for i in range(20):
        key = f"level:token:{i}"
        with Wire(cluster.resp(i)) as wire:
            wire.do("SET", key, "v")
            token = wire.do("SESSION", "TOKEN").decode()
        other = plain(cluster, i + 1, single_connection_client=True)
        same(other.execute_command("SESSION", "RESUME", token), "OK")
        same(other.execute_command("GET@sequential", key), "v")
        answer = ask(cluster.http(i + 2), "GET", key_path(key), Consistency="sequential", Session=token)
        same((answer.status, answer.body, answer.headers["Consistency"]), (200, b"v", "sequential"))
        holds(answer.headers["Session"], "every reply brings a token")
        refused("session token", other.execute_command, "SESSION", "RESUME", token[:-4] + "AAAA")


def test_names_with_levels_are_listed(cluster):
    rows = plain(cluster, 0).execute_command("COMMAND INFO", "get@sequential", "mset@sequential")
    names = rows if isinstance(rows, dict) else {row[0]: row for row in rows}
    holds("get@sequential" in names and "mset@sequential" in names, f"COMMAND INFO lists {sorted(names)}")
