"""One HTTP request, as docs/http.md writes them, and its answer."""

import http.client
import json
from urllib.parse import quote


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def etag(self):
        return self.headers["ETag"]

    def problem(self):
        """The code of the problem document."""
        if self.headers["Content-Type"] != "application/problem+json":
            raise AssertionError(f"{self.status} with {self.headers['Content-Type']}: {self.body[:200]!r}")
        document = json.loads(self.body)
        if document["status"] != self.status or not document["detail"]:
            raise AssertionError(f"{self.status} with {document}")
        return document["code"]


def ask(address, method, path, body=None, **headers):
    """Names of headers are written with underscores."""
    connection = http.client.HTTPConnection(*address, timeout=90)
    try:
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        except (BrokenPipeError, ConnectionResetError):
            # A body that is refused by its length is not read to its end; the answer is there.
            pass
        return Answer(connection.getresponse())
    finally:
        connection.close()


def key_path(key, query=""):
    return f"/kvs/{quote(key, safe='')}{query}"
