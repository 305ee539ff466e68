"""Two of three nodes stand still: the third answers in time, and says whether a write may have been applied. Afterwards all is as before."""

import contextlib
import json
import os
import signal
import time

from expect import holds, refusal, same
from http_client import ask, key_path
from wire import Simple, Wire

# A node that has just lost its peers may still hand a write over; one that has long lost them has nobody to hand it to.
UNDECIDED = ("NOQUORUM", "UNKNOWN", "CLUSTERDOWN")


@contextlib.contextmanager
def only_the_first(cluster):
    others = [node["pid"] for node in cluster.nodes[1:]]
    try:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def within(least_s, most_s, call, *arguments, **options):
    begin = time.monotonic()
    answer = call(*arguments, **options)
    span = time.monotonic() - begin
    holds(least_s <= span <= most_s, f"answered after {span:.2f} s, wanted {least_s} to {most_s} s: {answer!r}")
    return answer


def test_both_fronts_answer_by_the_deadline(cluster):
    path = key_path("lost:k")
    with Wire(cluster.resp(0)) as wire:
        same(wire.do("SET", "lost:k", "v"), Simple("OK"))
        with only_the_first(cluster):
            time.sleep(1)
            refusal(within(0, 6, wire.do, "GET", "lost:k"), "CLUSTERDOWN")
            refusal(within(0, 4, wire.do, "WITH", "lost:k", "linearizable", "DEADLINE", "300", "DO", "GET", "lost:k"), "NOQUORUM")
            reply = within(0, 4, wire.do, "WITH", "lost:k", "linearizable", "DEADLINE", "300", "DO", "SET", "lost:k", "w")
            holds(reply.startswith(UNDECIDED), reply)
            read = within(0, 4, ask, cluster.http(0), "GET", path, Deadline="300ms")
            same((read.status, read.problem()), (503, "no_quorum"))
            holds(int(read.headers["Retry-After"]) >= 0, "503 says when to try again")
            write = within(0, 4, ask, cluster.http(0), "PUT", path, b"x", Deadline="300ms")
            if write.problem() == "unknown":
                same((write.status, json.loads(write.body)["maybe_applied"]), (504, True))
            else:
                same((write.status, write.problem()), (503, "no_quorum"))
            same(ask(cluster.http(0), "GET", "/healthz").status, 200)
            # What needs no majority is answered.
            same(wire.do("PING"), Simple("PONG"))
            holds(json.loads(wire.do("QUARTET", "STATUS"))["node"] == cluster.nodes[0]["id"], "STATUS is this node's own view")


def test_it_serves_again_when_they_go_on(cluster):
    deadline = time.monotonic() + 30
    for node in range(3):
        with Wire(cluster.resp(node)) as wire:
            while wire.do("SET", f"lost:after:{node}", "v") != "OK":
                holds(time.monotonic() < deadline, "no majority 30 s after the nodes go on")
            holds(wire.do("GET", "lost:k") in (b"v", b"w", b"x"), "one of the values that were written")
