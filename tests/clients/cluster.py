"""A cluster of real node processes for tests: `quartet dev --json` on free ports, with its data in a temporary folder."""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

START_LIMIT_S = 120
STOP_LIMIT_S = 60


class Cluster:
    """Started when it is made; `stop` must follow. `nodes` is the list of the line of `--json`."""

    def __init__(self, environment=None):
        self.folder = tempfile.mkdtemp(prefix="quartet-clients-")
        self.environment = {**os.environ, **(environment or {})}
        for _ in range(5):
            # Below the range from which the system takes ports for outgoing connections.
            self.port = random.randrange(12_000, 30_000)
            if self._start():
                return
        talk = self._talk()
        shutil.rmtree(self.folder, ignore_errors=True)
        raise RuntimeError(f"no cluster could be started; what it said last:\n{talk}")

    def _start(self):
        command = [os.environ["QUARTET_BIN"], "dev", "--json", "--data", f"{self.folder}/data", "--port", str(self.port)]
        with open(f"{self.folder}/ready", "w") as ready, open(f"{self.folder}/talk", "w") as talk:
            self.process = subprocess.Popen(command, stdout=ready, stderr=talk, env=self.environment, cwd=self.folder)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with open(f"{self.folder}/ready") as ready:
                line = ready.readline()
            if line.endswith("\n"):
                self.nodes = json.loads(line)["nodes"]
                return True
            time.sleep(0.1)
        self._end()
        shutil.rmtree(f"{self.folder}/data", ignore_errors=True)
        return False

    def _talk(self):
        with open(f"{self.folder}/talk") as talk:
            return talk.read()[-4000:]

    def _end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            # The nodes end with it.
            self.process.kill()
            return self.process.wait()

    def resp(self, node):
        """Host and port for the Redis protocol; nodes count from 0, and any number is some node's."""
        return self._address(node, "resp")

    def http(self, node):
        return self._address(node, "http")

    def _address(self, node, front):
        host, port = self.nodes[node % len(self.nodes)][front].rsplit(":", 1)
        return host, int(port)

    def stop(self):
        """Stops it as Ctrl-C would; raises if that was not clean."""
        code = self._end()
        talk = self._talk()
        shutil.rmtree(self.folder, ignore_errors=True)
        if code != 0:
            raise RuntimeError(f"the cluster ended with exit code {code}; what it said last:\n{talk}")
