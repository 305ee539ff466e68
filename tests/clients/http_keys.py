"""/kvs: statuses, headers, conditions and times to live, each through another node than the one before."""

import time

from expect import holds, same
from http_client import ask, key_path
from wire import Wire


def answered(cluster, node, wanted, method, path, body=None, **headers):
    answer = ask(cluster.http(node), method, path, body, **headers)
    same((answer.status, answer.body[:300] if answer.status != wanted else b""), (wanted, b""))
    return answer


def refused(cluster, wanted, code, method, path, body=None, **headers):
    same(answered(cluster, 0, wanted, method, path, body, **headers).problem(), code)


def test_put_get_delete(cluster):
    path = key_path("http:life")
    same(answered(cluster, 0, 404, "GET", path).problem(), "not_found")
    created = answered(cluster, 1, 201, "PUT", path, b"one")
    same(answered(cluster, 2, 200, "GET", path).body, b"one")
    replaced = answered(cluster, 0, 200, "PUT", path, b"two")
    holds(created.etag != replaced.etag, "every write has a version of its own")
    read = answered(cluster, 1, 200, "GET", path)
    same(read.body, b"two")
    same(read.etag, replaced.etag)
    answered(cluster, 2, 200, "DELETE", path)
    same(answered(cluster, 0, 404, "DELETE", path).problem(), "not_found")
    same(answered(cluster, 1, 404, "GET", path).problem(), "not_found")


def test_headers_of_every_answer_from_the_state(cluster):
    path = key_path("http:headers")
    answers = [answered(cluster, 0, 201, "PUT", path, b"v"), answered(cluster, 1, 200, "GET", path), answered(cluster, 2, 200, "DELETE", path)]
    answers.append(answered(cluster, 0, 404, "GET", path))
    for answer in answers:
        same(answer.headers["State"], "committed")
        same(answer.headers["Consistency"], "linearizable")
        holds(int(answer.headers["Served-By"]) in {node["id"] for node in cluster.nodes}, "Served-By is a node's id")
        holds(int(answer.headers["As-Of"]) > 0, "As-Of is a timestamp")
    same(answers[3].etag, None)
    holds(int(answers[1].headers["As-Of"]) >= int(answers[1].etag.strip('"')), "an answer is not older than what it shows")


def test_keys_and_values_are_bytes(cluster):
    value = bytes(range(256))
    answered(cluster, 0, 201, "PUT", "/kvs/http%3A%FF%00/slash", value)
    same(answered(cluster, 1, 200, "GET", "/kvs/http%3A%FF%00/slash").body, value)
    with Wire(cluster.resp(2)) as wire:
        same(wire.do("GET", b"http:\xff\x00/slash"), value)


def test_an_empty_value_is_not_an_absent_one(cluster):
    answered(cluster, 0, 201, "PUT", key_path("http:empty"), b"")
    same(answered(cluster, 1, 200, "GET", key_path("http:empty")).body, b"")


def test_if_match_is_compare_and_set(cluster):
    path = key_path("http:cas")
    refused(cluster, 412, "precondition_failed", "PUT", path, b"x", If_Match="*")
    first = answered(cluster, 1, 201, "PUT", path, b"100").etag
    second = answered(cluster, 2, 200, "PUT", path, b"90", If_Match=first).etag
    refused(cluster, 412, "precondition_failed", "PUT", path, b"80", If_Match=first)
    same(answered(cluster, 1, 200, "GET", path).body, b"90")
    third = answered(cluster, 2, 200, "PUT", path, b"70", If_Match=f"{first}, {second}").etag
    refused(cluster, 412, "precondition_failed", "DELETE", path, If_Match=second)
    refused(cluster, 412, "precondition_failed", "GET", path, If_Match=second)
    answered(cluster, 0, 200, "PUT", path, b"60", If_Match="*")
    last = answered(cluster, 1, 200, "GET", path).etag
    holds(last != third, "a write through * is a write")
    answered(cluster, 2, 200, "DELETE", path, If_Match=last)


def test_if_none_match_creates_only(cluster):
    path = key_path("http:create")
    etag = answered(cluster, 0, 201, "PUT", path, b"mine", If_None_Match="*").etag
    refused(cluster, 412, "precondition_failed", "PUT", path, b"theirs", If_None_Match="*")
    same(answered(cluster, 1, 200, "GET", path).body, b"mine")
    same(answered(cluster, 2, 304, "GET", path, If_None_Match=etag).body, b"")
    refused(cluster, 412, "precondition_failed", "PUT", path, b"theirs", If_None_Match=etag)
    answered(cluster, 0, 200, "PUT", path, b"next", If_None_Match='"1"')


def test_conditions_in_the_query(cluster):
    answered(cluster, 0, 201, "PUT", key_path("http:query", "?if_none_match=*"), b"v")
    refused(cluster, 412, "precondition_failed", "PUT", key_path("http:query", "?if_none_match=*"), b"w")
    answered(cluster, 1, 200, "PUT", key_path("http:query", "?if_match=*&deadline=1s&consistency=linearizable"), b"w")


def test_time_to_live(cluster):
    path = key_path("http:ttl")
    answered(cluster, 0, 201, "PUT", path + "?ttl=400ms", b"v")
    same(answered(cluster, 1, 200, "GET", path).body, b"v")
    time.sleep(0.5)
    answered(cluster, 2, 404, "GET", path)
    with Wire(cluster.resp(0)) as wire:
        for ttl, least, most in [("100", 98, 100), ("30s", 28, 30), ("5m", 298, 300), ("2h", 7198, 7200)]:
            answered(cluster, 1, 201, "PUT", path + f"?ttl={ttl}", b"v")
            found = wire.do("TTL", "http:ttl")
            holds(least <= found <= most, f"ttl={ttl} leaves {found} s")
            answered(cluster, 2, 200, "PUT", path, b"v")
            same(wire.do("TTL", "http:ttl"), -1)
            answered(cluster, 0, 200, "DELETE", path)


def test_deadline(cluster):
    answered(cluster, 0, 201, "PUT", key_path("http:deadline"), b"v", Deadline="1500ms")
    same(answered(cluster, 1, 200, "GET", key_path("http:deadline"), Deadline="2s").body, b"v")


def test_what_it_does_not_know_is_refused(cluster):
    path = key_path("http:bad")
    refused(cluster, 400, "no_key", "GET", "/kvs/")
    # The server's HTTP library ends a path of this length before anybody can write a problem document.
    answered(cluster, 0, 414, "GET", "/kvs/" + "k" * (64 << 10))
    refused(cluster, 400, "bad_span", "PUT", path + "?ttl=soon", b"v")
    refused(cluster, 400, "bad_span", "GET", path, Deadline="soon")
    refused(cluster, 400, "bad_condition", "PUT", path, b"v", If_Match='""')
    refused(cluster, 400, "unknown_parameter", "PUT", path + "?tll=5", b"v")
    refused(cluster, 400, "contradiction", "GET", path + "?deadline=1s", Deadline="2s")
    refused(cluster, 400, "level", "GET", path, Consistency="strong")
    refused(cluster, 404, "no_such_page", "GET", "/nowhere")
    refused(cluster, 405, "method_not_allowed", "POST", path, b"v")
    answered(cluster, 1, 404, "GET", path)


def test_a_value_may_have_8_mib_and_no_more(cluster):
    path = key_path("http:large")
    value = b"v" * (8 << 20)
    # On a busy machine three disks need their time for it.
    answered(cluster, 0, 201, "PUT", path, value, Deadline="60s")
    same(answered(cluster, 1, 200, "GET", path, Deadline="60s").body == value, True)
    answered(cluster, 2, 200, "DELETE", path, Deadline="60s")
    refused(cluster, 413, "value_too_long", "PUT", path, value + b"v")
    answered(cluster, 0, 404, "GET", path)
