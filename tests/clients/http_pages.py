"""What HTTP serves beside keys: health, status, metrics and its own description. And curl, as the documentation shows it."""

import json
import subprocess
import time

from expect import holds, same
from http_client import ask, key_path
from wire import Wire


def test_health_and_readiness(cluster):
    for node in range(3):
        same(ask(cluster.http(node), "GET", "/healthz").status, 200)
        # Not ready is a node that misses some shard's leader: on a busy machine that may be so for a moment, and the answer says so.
        deadline = time.monotonic() + 30
        while (answer := ask(cluster.http(node), "GET", "/readyz")).status != 200 and time.monotonic() < deadline:
            same(answer.problem(), "not_ready")
            time.sleep(0.2)
        same(answer.status, 200)


def test_status_is_json_and_what_the_redis_front_says(cluster):
    answer = ask(cluster.http(0), "GET", "/admin/status")
    same(answer.status, 200)
    status = json.loads(answer.body)
    with Wire(cluster.resp(0)) as wire:
        other = json.loads(wire.do("QUARTET", "STATUS"))
    for found in (status, other):
        same([node["resp"] for node in found["nodes"]], [node["resp"] for node in cluster.nodes])
        same(len(found["shards"]), 32)
        holds(all(shard["leader"] in (1, 2, 3) for shard in found["shards"]), "every shard has a leader")
    same(sorted(status), sorted(other))


def counter(text, name, *labels):
    """The sum over the samples of this name that carry all of the labels."""
    lines = [line for line in text.splitlines() if line.startswith((name + "{", name + " "))]
    return sum(float(line.split("} ")[-1].split()[0]) for line in lines if all(label in line for label in labels))


def test_metrics_count_requests(cluster):
    def scrape():
        answer = ask(cluster.http(1), "GET", "/metrics")
        same(answer.status, 200)
        holds(answer.body.rstrip().endswith(b"# EOF"), "OpenMetrics ends with # EOF")
        return answer.body.decode()

    name = "quartet_requests_total"
    before = counter(scrape(), name)
    with Wire(cluster.resp(1)) as wire:
        for i in range(10):
            wire.do("SET", f"pages:{i}", "v")
    text = scrape()
    holds(counter(text, name) >= before + 10, f"{name} was {before}, is {counter(text, name)}")
    holds(counter(text, name, 'command="set"') >= 10, "SET is counted by its name")
    for wanted in ["quartet_term", "quartet_elections_won_total", "quartet_lag_entries", "quartet_log_sync_duration_seconds_count", "quartet_client_bytes_total"]:
        holds(wanted in text, f"{wanted} is not there")


def test_openapi_describes_every_path(cluster):
    answer = ask(cluster.http(2), "GET", "/openapi.json")
    same(answer.status, 200)
    document = json.loads(answer.body)
    same(document["openapi"], "3.1.0")
    same(sorted(document["paths"]), ["/admin/faults", "/admin/status", "/conflicts/{key}", "/healthz", "/kvs/{key}", "/metrics", "/openapi.json", "/readyz"])
    same(sorted(document["paths"]["/kvs/{key}"]), ["delete", "get", "put"])


def curl(*words):
    return subprocess.run(["curl", "-sS", "--max-time", "30", *words], capture_output=True, check=True).stdout


def test_curl_as_documented(cluster):
    base = "http://{}:{}/kvs/greeting".format(*cluster.http(0))
    code = ["-o", "/dev/null", "-w", "%{http_code}"]
    same(curl(*code, "-X", "PUT", "--data-binary", "hello", base), b"201")
    found = curl("-i", base)
    holds(found.startswith(b"HTTP/1.1 200 ") and found.endswith(b"\r\n\r\nhello"), repr(found))
    same(curl(*code, "-X", "PUT", "--data-binary", "for ten seconds", base + "?ttl=10"), b"200")
    same(curl(*code, "-X", "DELETE", base), b"200")
    # A body in chunks, whose length is not said before.
    same(curl(*code, "-X", "PUT", "-H", "Transfer-Encoding: chunked", "--data-binary", "hello", base), b"201")
    same(curl(base), b"hello")


def test_many_requests_on_one_connection(cluster):
    import http.client

    connection = http.client.HTTPConnection(*cluster.http(1), timeout=30)
    for i in range(50):
        connection.request("PUT", key_path(f"pages:kept:{i}"), str(i).encode())
        response = connection.getresponse()
        same((response.status, response.read()), (201, b""))
    connection.close()
