#!/usr/bin/env python3
"""Holds a running cluster to its own `/openapi.json`, with schemathesis: requests that fit the document and requests that do not, and
chains of requests along the document's links (write, read what was written, write over that version, delete, find it gone).

Always the same seed and a bounded number of examples, so that what passes on one machine passes on the next; `run.py --max-examples 500`
looks further (what stands behind the name goes to schemathesis). Needs QUARTET_BIN, and the package that .ci/run installs.
The nodes do not allow faults, so those are refused behind the checks that are of interest here: nobody pauses a node for a minute.
"""

import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

from cluster import Cluster  # noqa: E402  (found by the line above)

BOUNDS = ["--seed", "7", "--generation-database", "none", "--max-examples", "100", "--phases", "examples,coverage,fuzzing,stateful"]
LIMIT_S = 110


def main():
    cluster = Cluster()
    try:
        host, port = cluster.http(0)
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"]
        command += [f"http://{host}:{port}/openapi.json", *BOUNDS, "--no-shrink", "--continue-on-failure", "--warnings", "off"]
        command += ["--no-color", *sys.argv[1:]]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
        try:
            run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, cwd=cluster.folder, env=environment)
        except subprocess.TimeoutExpired as error:
            print((error.stdout or b"").decode(errors="replace")[-4000:])
            sys.exit(f"schemathesis was not at its end after {LIMIT_S} s")
    finally:
        cluster.stop()
    print(run.stdout[-20_000:])
    if run.returncode != 0:
        sys.exit(run.returncode)
    # A run that did not follow the links, or asked nothing, proves nothing.
    cases = re.search(r"(\d+) generated", run.stdout)
    links = re.search(r"API Links: +(\d+) covered", run.stdout)
    if not cases or int(cases.group(1)) < 500 or not links or int(links.group(1)) < 6:
        sys.exit("schemathesis said that all is well, but it hardly asked anything, or hardly followed a link")
    print(f"{cases.group(1)} passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main()
