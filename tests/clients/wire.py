"""The Redis protocol without a library between: what was sent and what came back, type by type.

Replies become: simple strings `Simple`, errors `Error`, bulk strings `bytes`, and RESP3's null, numbers, booleans and maps their Python kin.
"""

import socket


class Simple(str):
    pass


class Error(str):
    pass


class Wire:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=90)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def send(self, *words):
        self.raw(encode(words))

    def do(self, *words):
        self.send(*words)
        return self.reply()

    def closed(self):
        """Whether the server has ended the connection and said nothing before."""
        return self.stream.read(1) == b""

    def reply(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError(f"the connection ended after {line!r}")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return Simple(rest.decode())
            case b"-":
                return Error(rest.decode())
            case b":" | b"(":
                return int(rest)
            case b",":
                return float(rest)
            case b"#":
                return rest == b"t"
            case b"_":
                return None
            case b"$" | b"=":
                return self._bulk(int(rest), verbatim=kind == b"=")
            case b"*" | b"~" | b">":
                return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
            case b"%":
                return {self.reply(): self.reply() for _ in range(int(rest))}
            case _:
                raise ValueError(f"no reply begins like {line!r}")

    def _bulk(self, length, verbatim):
        if length < 0:
            return None
        data = self.stream.read(length + 2)
        if len(data) != length + 2 or data[-2:] != b"\r\n":
            raise EOFError(f"a string of {length} bytes broke off: {data[:80]!r}")
        return data[4:-2] if verbatim else data[:-2]


def encode(words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)
