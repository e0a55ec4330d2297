# SPDX-License-Identifier: Apache-2.0
"""Requests that no client should make, and those that all make.

A seed makes the same requests everywhere, so a failure names its number.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from urllib.parse import quote_from_bytes

_METHODS = (
    *("GET",) * 10,
    *("HEAD",) * 6,
    *("PUT", "POST", "DELETE") * 2,
    *("COPY", "OPTIONS", "PATCH", "TRACE", "get", "BREW", "SSYNC"),
)
_VERSIONS = (b"v1",) * 24 + (
    *(b"v1.0", b"v2", b"v1x", b"", b"V1", b"v", b"v1\xff"),
)
_NAMES = (
    *(b"a", b"b", b"a/b", b"a/b/c", b"a0", b"z", b"\xc3\xa9", b"d/", b"d//x"),
    *(b"/lead", b"//", b".", b"..", b"a/../b", b"%41", b"a%2Fb", b"%", b"%zz"),
    *(b"a?b", b"a#b", b"a b", b"a+b", b"a\nb", b"a\r\nX: y", b"\t", b"-"),
    *(b"\xff", b"\xc3", b"a\xffb", b"\xed\xa0\x80", b"\0", b"a\0b"),
    *(b"\xf0\x9f\x98\x80", b"\xf4\x8f\xbf\xbf", b"\xef\xbf\xbf", b"e\xcc\x81"),
    *(b".manifests/x", b".manifests/", b"x" * 1024, b"x" * 1025, b"y" * 9000),
    *(b"\xc3\xa9" * 512, b"\xc3\xa9" * 513, b"\xff" * 1025, b"nowhere"),
)
_NUMBERS = (
    *("0", "1", "2", "3", "7", "10", "9999", "10000", "10001", "-1", "-0"),
    *("abc", "", " 3", "3 ", "+3", "1e3", "0x10", "3.0", "007", "%C2%B2"),
    *("%D9%A3", "9" * 30, "9" * 5000, "%FF", "1,2", "null", "None", "%00"),
)
_TEXTS = (
    *("", "a", "a/", "a/b", "b", "z", "0", "/", "%2F", "%C3%A9", "%F0%9F"),
    *("%F0%9F%98%80", "%F4%8F%BF%BF", "%FF", "%00", "a%00", "%ED%A0%80"),
    *("%", "%zz", "+", "%20", "d/", "d//", "x" * 1025, "x" * 5000, "~"),
    *("%C3%A9" * 600, "%0D%0A", "a%26limit=1", "\xe9", ".manifests/"),
)
_DELIMITERS = (
    *("/", "/", "/", "", "a", "-", "//", "a/b", "%C3%A9", "%FF", "%00"),
    *("%2F", "abcdefghij" * 40, "%F4%8F%BF%BF", "\xe9", "b/"),
)
_FLAGS = ("", "1", "0", "true", "false", "TRUE", "junk", "%FF", "on", "t", "2")
_QUERY = (
    ("limit", _NUMBERS),
    ("marker", _TEXTS),
    ("end_marker", _TEXTS),
    ("prefix", _TEXTS),
    ("delimiter", _DELIMITERS),
    ("reverse", _FLAGS),
    ("path", _TEXTS),
    ("format", ("json", "xml", "plain", "raw", "junk", "", "%FF")),
    ("multipart-manifest", ("get", "put", "delete", "junk", "")),
    ("symlink", ("get", "junk", "")),
    ("version-id", ("null", "junk", "1700000000.00000", "%FF", "")),
    ("versions", _FLAGS),
    ("part-number", _NUMBERS),
    ("states", ("listing", "updating", "%FF")),
    ("temp_url_sig", ("0" * 40,)),
    ("", ("", "x", "=")),
    ("%FF", _TEXTS),
    ("LIMIT", _NUMBERS),
    ("ignore-range", _FLAGS),
)
_RANGES = (
    *("bytes=0-0", "bytes=0-", "bytes=-1", "bytes=1-3", "bytes=-0"),
    *("bytes=999-", "bytes=999-1000", "bytes=5-1", "bytes=0-1,3-4", "bytes="),
    *("bytes=0-0,0-0,0-0", "lines=1-2", "junk", "", "bytes=a-b", "bytes=--1"),
    *("bytes=-999999999999999999999", "bytes=0-99999999999999999999999", "="),
    *("BYTES=0-1", "bytes = 0-1", "bytes=\xe9-", ",".join(["bytes=0-0"] * 60)),
    "bytes=" + ",".join(f"{i}-{i}" for i in range(150)),
)
_ETAGS = (
    *(
        "*",
        '"*"',
        "",
        "junk",
        '"junk"',
        'W/"junk"',
        '"a", "b"',
        ",",
        '"',
        "\xe9",
    ),
    *(
        "5d41402abc4b2a76b9719d911017c592",
        '"5d41402abc4b2a76b9719d911017c592"',
    ),
    *("x" * 5000, '"a","5d41402abc4b2a76b9719d911017c592"', '""'),
)
_DATES = (
    *("Tue, 14 Nov 2023 22:13:21 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"),
    *("Sun, 06 Nov 2094 08:49:37 GMT", "junk", "", "0", "-1", "9" * 40),
    *(
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "\xe9",
    ),
    *("Tue, 99 Nov 2023 22:13:21 GMT", "2023-11-14T22:13:21Z"),
)
_HEADERS = (
    ("Range", _RANGES),
    ("Range", _RANGES),
    ("If-Match", _ETAGS),
    ("If-None-Match", _ETAGS),
    ("If-Modified-Since", _DATES),
    ("If-Unmodified-Since", _DATES),
    ("If-Range", _ETAGS + _DATES),
    (
        "Accept",
        ("*/*", "application/json", "text/xml", "junk", "", "image/png", ";"),
    ),
    ("X-Newest", _FLAGS[:6]),
    ("X-Delete-At", ("9999999999", "junk", "-1", "")),
    ("X-Timestamp", ("1700000000.00000", "junk", "")),
    ("X-Object-Meta-\xe9", ("\xe9", "x", "")),
    ("X-Backend-Storage-Policy-Index", ("0", "junk")),
    ("X-Onespace-Location", ("x",)),
    ("Origin", ("http://localhost", "junk")),
    ("Accept-Encoding", ("gzip", "identity;q=0", "")),
    ("Expect", ("junk",)),
)
_LENGTHS = ("", "abc", "-1", "0", "5", "99999999999999999999")


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A request.

    :param path: bytes, not quoted.
    :param query: as it is sent; its characters are bytes.
    :param headers: likewise.
    """

    method: str
    path: bytes
    query: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def target(self) -> str:
        """What stands in the first line of the request."""
        path = quote_from_bytes(self.path)
        query = quote_from_bytes(self.query.encode("latin-1"), _QUERY_SAFE)
        return f"{path}?{query}" if self.query else path


_QUERY_SAFE = "/%=&+~:;,.-_!*'()"


def request(
    rng: random.Random,
    *,
    accounts: Sequence[str],
    containers: Sequence[str],
    wild: bool = True,
) -> Sent:
    """Return the next request.

    :param accounts: names to choose from, beside nonsense.
    :param wild: also what an HTTP server refuses before any app sees it, and
        headers for the local Swift in memory alone.
    """
    method = rng.choice(_METHODS)
    query = "&".join(
        _item(name, rng.choice(values))
        for name, values in rng.choices(_QUERY, k=_few(rng))
    )
    headers = {
        name: rng.choice(values)
        for name, values in rng.choices(_HEADERS, k=_few(rng))
    }
    body = b""
    if method in ("PUT", "POST"):
        body = rng.choice((b"", b"hello", b"x" * 100))
    if wild:
        _wild(rng, headers)
    return Sent(method, _path(rng, accounts, containers), query, headers, body)


def _few(rng: random.Random) -> int:
    return rng.choice((0, 0, 0, 1, 1, 2, 3))


def _item(name: str, value: str) -> str:
    return f"{name}={value}" if value or name != "versions" else name


def _path(
    rng: random.Random, accounts: Sequence[str], containers: Sequence[str]
) -> bytes:
    if rng.random() < 0.02:
        return rng.choice(
            (b"/", b"", b"//", b"/v1", b"/v1/", b"*", b"/info", b"v1/a/c/o")
        )
    parts = [
        rng.choice(_VERSIONS),
        _one(rng, accounts),
        _one(rng, containers),
        _name(rng),
    ]
    if rng.random() < 0.35:
        parts.pop()
        if rng.random() < 0.2:
            parts.append(b"")
    elif rng.random() < 0.02:
        del parts[2:]
    return b"/" + b"/".join(parts)


def _name(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return rng.choice(_NAMES)
    if rng.random() < 0.4:
        return b"s%d" % rng.randrange(30)
    return rng.choice(_NAMES[:10])


def _one(rng: random.Random, names: Sequence[str]) -> bytes:
    if rng.random() < 0.05:
        return rng.choice(_NAMES).replace(b"/", b"_")
    return rng.choice(names).encode()


def _wild(rng: random.Random, headers: dict[str, str]) -> None:
    if rng.random() < 0.1:
        headers["Content-Length"] = rng.choice(_LENGTHS)
    if rng.random() < 0.08:
        headers["X-Auth-Token"] = rng.choice(("wrong", "another", "good"))
    if rng.random() < 0.05:
        headers["X-Test-Status"] = rng.choice(
            ("500", "503", "410", "412", "200", "404", "301", "507", "499")
        )
    if rng.random() < 0.08:
        name = rng.choice(("X-Onespace-Bypass", "X-Cloud-Sync-Shunt-Bypass"))
        headers[name] = rng.choice(("the key", "junk", "", "\xe9", "true"))
