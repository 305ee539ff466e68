"""redis-cli as people type it, its --pipe, and redis-benchmark."""

import os
import subprocess

from expect import holds, same
from wire import encode

LIMIT_S = 120


def run(program, cluster, node, *words, stdin=b""):
    host, port = cluster.resp(node)
    command = [program, "-h", host, "-p", str(port), *words]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT_S, env={**os.environ, "TERM": "dumb"})
    holds(done.returncode == 0, f"{command}: exit code {done.returncode}: {done.stdout[-500:]!r} {done.stderr[-500:]!r}")
    return done.stdout.decode()


def test_one_command_each_through_another_node(cluster):
    same(run("redis-cli", cluster, 0, "SET", "cli:k", "v"), "OK\n")
    same(run("redis-cli", cluster, 1, "GET", "cli:k"), "v\n")
    same(run("redis-cli", cluster, 2, "--no-raw", "INCR", "cli:n"), "(integer) 1\n")
    same(run("redis-cli", cluster, 0, "--no-raw", "GET", "cli:absent"), "(nil)\n")
    same(run("redis-cli", cluster, 1, "--no-raw", "-3", "MGET", "cli:k", "cli:absent"), '1) "v"\n2) (nil)\n')


def test_commands_from_stdin(cluster):
    same(run("redis-cli", cluster, 1, stdin=b"SET cli:in 41\nINCR cli:in\nGET cli:in\n"), "OK\n42\n42\n")


def test_cluster_mode(cluster):
    for i in range(20):
        same(run("redis-cli", cluster, i, "-c", "SET", f"cli:c:{i}", str(i)), "OK\n")
    found = run("redis-cli", cluster, 1, "--cluster", "check", "{}:{}".format(*cluster.resp(1)))
    holds("[OK] All 16384 slots covered." in found, found)


def test_pipe(cluster):
    found = run("redis-cli", cluster, 2, "--pipe", stdin=b"".join(encode(["SET", f"cli:pipe:{i}", i]) for i in range(5_000)))
    holds("errors: 0, replies: 5000" in found, found)
    same(run("redis-cli", cluster, 0, "GET", "cli:pipe:4999"), "4999\n")


def test_scan(cluster):
    run("redis-cli", cluster, 0, "--pipe", stdin=b"".join(encode(["SET", f"cli:scan:{i}", i]) for i in range(50)))
    found = run("redis-cli", cluster, 1, "--scan", "--pattern", "cli:scan:*").split()
    same(sorted(found), sorted(f"cli:scan:{i}" for i in range(50)))


def test_benchmark(cluster):
    found = run("redis-benchmark", cluster, 0, "-t", "ping_inline,ping_mbulk,set,get,incr,mset", "-n", "500", "-c", "10", "-P", "4", "-r", "100", "-q", "--csv")
    rows = [line.split(",")[0].strip('"') for line in found.splitlines()[1:]]
    same([row.split(" ")[0] for row in rows], ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET"])


def test_benchmark_in_cluster_mode(cluster):
    found = run("redis-benchmark", cluster, 1, "--cluster", "-t", "set,get", "-n", "500", "-c", "6", "-r", "100", "-q", "--csv")
    holds('"SET"' in found and '"GET"' in found, found)
