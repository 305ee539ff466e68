"""A cluster with a password: nothing without it, everything with it, on each front."""

import base64
import os
import subprocess

import redis
from redis.cluster import RedisCluster

from expect import holds, refusal, refused, same
from http_client import ask, key_path
from wire import Simple, Wire

PASSWORD = "open sesame"


def basic(password, user="default"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_nothing_without_it(cluster):
    with Wire(cluster.resp(0)) as wire:
        for words in (["GET", "k"], ["SET", "k", "v"], ["CLUSTER", "SLOTS"], ["QUARTET", "STATUS"], ["FLUSHALL"], ["WITH", "k", "linearizable", "DO", "GET", "k"]):
            refusal(wire.do(*words), "NOAUTH Authentication required.")
        refusal(wire.do("HELLO", "3"), "NOAUTH")
        refusal(wire.do("AUTH", "wrong"), "WRONGPASS")
        refusal(wire.do("AUTH", "somebody", PASSWORD), "WRONGPASS")
        refusal(wire.do("GET", "k"), "NOAUTH")


def test_auth_and_hello(cluster):
    with Wire(cluster.resp(1)) as wire:
        same(wire.do("AUTH", PASSWORD), Simple("OK"))
        same(wire.do("SET", "k", "v"), Simple("OK"))
        same(wire.do("RESET"), Simple("RESET"))
        refusal(wire.do("GET", "k"), "NOAUTH")
        same(wire.do("AUTH", "default", PASSWORD), Simple("OK"))
        same(wire.do("GET", "k"), b"v")
    with Wire(cluster.resp(2)) as wire:
        same(wire.do("HELLO", "3", "AUTH", "default", PASSWORD)[b"proto"], 3)
        same(wire.do("GET", "k"), b"v")


def test_a_large_request_before_it_is_refused(cluster):
    with Wire(cluster.resp(0)) as wire:
        wire.raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n")
        refusal(wire.reply(), "ERR Protocol error: unauthenticated bulk length")


def test_http_basic(cluster):
    path = key_path("http")
    for headers in ({}, {"Authorization": basic("wrong")}, {"Authorization": basic(PASSWORD, "somebody")}, {"Authorization": "Bearer x"}):
        for page in (path, "/admin/status", "/metrics"):
            answer = ask(cluster.http(0), "GET", page, **headers)
            same(answer.status, 401)
            same(answer.problem(), "unauthorized")
            holds(answer.headers["WWW-Authenticate"].startswith("Basic"), "401 says how to authenticate")
    same(ask(cluster.http(1), "PUT", path, b"v", Authorization=basic(PASSWORD)).status, 201)
    same(ask(cluster.http(2), "GET", path, Authorization=basic(PASSWORD)).body, b"v")
    same(ask(cluster.http(0), "GET", "/healthz").status, 200)


def test_client_libraries(cluster):
    host, port = cluster.resp(0)
    same(redis.Redis(host=host, port=port, password=PASSWORD).set("py", "v"), True)
    refused("invalid username-password pair", redis.Redis(host=host, port=port, password="wrong").get, "py")
    same(RedisCluster(host=host, port=port, password=PASSWORD).get("py"), b"v")


def test_redis_cli(cluster):
    host, port = cluster.resp(2)
    done = subprocess.run(
        ["redis-cli", "-h", host, "-p", str(port), "ECHO", "in"], capture_output=True, timeout=60, env={**os.environ, "REDISCLI_AUTH": PASSWORD}
    )
    same(done.stdout, b"in\n")
