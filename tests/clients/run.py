#!/usr/bin/env python3
"""Drives a running cluster of three nodes with the clients that people use, and by hand where the very bytes matter.

Every function `test_…` of the modules below is a test and gets the cluster; a script for node reports its tests as lines `ok NAME` and `not ok NAME: WHY`.
A test uses keys of its own, so their order does not matter. The cluster with a password gets the tests of `password.py` alone.

Needs QUARTET_BIN, and the packages that .ci/run installs. `run.py WORD` runs the tests whose name contains WORD.
"""

import importlib
import os
import subprocess
import sys
import time
import traceback

from cluster import Cluster
from topology import settled

MODULES = ["wire_protocol", "with_options", "documented_commands", "topology", "http_keys", "http_pages", "redis_cli", "redis_py", "redis_py_cluster", "levels"]
SCRIPTS = ["ioredis_plain.js", "ioredis_cluster.js", "node_redis.js"]
SCRIPT_LIMIT_S = 60


class Tally:
    def __init__(self, word):
        self.word = word
        self.passed = 0
        self.failures = []

    def wants(self, name):
        return self.word in name

    def report(self, name, why=None, seconds=None):
        span = "" if seconds is None else f" ({seconds:.2f} s)"
        if why is None:
            self.passed += 1
            print(f"ok      {name}{span}")
        else:
            self.failures.append(name)
            print(f"FAILED  {name}{span}\n{why}")


def run_module(tally, module_name, cluster):
    module = importlib.import_module(module_name)
    for test_name in [name for name in vars(module) if name.startswith("test_")]:
        name = f"{module_name}: {test_name.removeprefix('test_').replace('_', ' ')}"
        if not tally.wants(name):
            continue
        begin = time.monotonic()
        try:
            getattr(module, test_name)(cluster)
            tally.report(name, None, time.monotonic() - begin)
        except Exception:
            tally.report(name, traceback.format_exc(), time.monotonic() - begin)


def run_script(tally, script, cluster):
    if not tally.wants(script):
        return
    addresses = [node["resp"] for node in cluster.nodes]
    try:
        process = subprocess.run(["node", script, *addresses], capture_output=True, text=True, timeout=SCRIPT_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        tally.report(script, f"not at its end after {SCRIPT_LIMIT_S} s: {error.stdout}")
        return
    reported = 0
    for line in process.stdout.splitlines():
        if line.startswith("ok "):
            tally.report(f"{script}: {line[3:]}")
        elif line.startswith("not ok "):
            name, _, why = line[7:].partition(": ")
            tally.report(f"{script}: {name}", why)
        else:
            print(line)
            continue
        reported += 1
    if process.returncode != 0 or reported == 0:
        tally.report(f"{script} comes to its end", f"exit code {process.returncode}\n{process.stderr[-4000:]}")


def with_cluster(tally, environment, tests):
    cluster = Cluster(environment)
    try:
        tests(cluster)
    finally:
        try:
            cluster.stop()
            tally.report("the cluster stops cleanly")
        except Exception as error:
            tally.report("the cluster stops cleanly", str(error))


def main():
    if not os.access(os.environ.get("QUARTET_BIN", ""), os.X_OK):
        sys.exit("QUARTET_BIN must name the quartet binary")
    os.environ["QUARTET_BIN"] = os.path.abspath(os.environ["QUARTET_BIN"])
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    tally = Tally(" ".join(sys.argv[1:]))

    def open_cluster(cluster):
        for module in MODULES:
            run_module(tally, module, cluster)
        for script in SCRIPTS:
            settled(cluster)
            run_script(tally, script, cluster)
        run_module(tally, "lost_majority", cluster)

    with_cluster(tally, {}, open_cluster)
    with_cluster(tally, {"QUARTET_REQUIREPASS": "open sesame"}, lambda cluster: run_module(tally, "password", cluster))
    for name in tally.failures:
        print(f"FAILED  {name}")
    print(f"{tally.passed} passed, {len(tally.failures)} failed, 0 skipped")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
