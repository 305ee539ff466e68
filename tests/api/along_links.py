"""What schemathesis sends while it follows links: mostly requests that are sound.

Of each optional header or parameter it draws any text, and nearly any text is a mistake; so a chain would hardly get behind its first request. What is
said on purpose is left alone: the key, the body, and the version that a link brought. Every other request names a level that exists.
"""

import zlib

import schemathesis

LEVELS = ["linearizable", "sequential", "causal", "eventual"]
FROM_LINKS = {"if-match", "if-none-match"}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.meta is None or "stateful" not in str(case.meta.phase.name).lower():
        return
    case.query = {}
    headers = {name: value for name, value in (case.headers or {}).items() if name.lower() in FROM_LINKS and str(value).startswith('"')}
    drawn = zlib.crc32(repr((case.path_parameters, case.method)).encode())
    if drawn % 2 == 0:
        headers["Consistency"] = LEVELS[drawn // 2 % len(LEVELS)]
    case.headers = headers
