# SPDX-License-Identifier: Apache-2.0
"""As much of HTTP/1.1 as a proxy needs to tell messages apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Bytes that are read at a time.
BLOCK = 65536


class Dropped(Exception):
    """The connection ends here."""


def read_head(source: Any) -> bytes | None:
    """Read up to the empty line; None at the end of the connection."""
    head = b""
    while line := source.readline():
        head += line
        if line == b"\r\n" and head != b"\r\n":
            return bytes(head)
    return None


def read_final_head(source: Any) -> bytes:
    """Read the head of the answer, past those that say to continue."""
    while True:
        head = read_head(source)
        if head is None:
            raise Dropped
        if not 100 <= int(head.split(None, 2)[1]) < 200:
            return head


def read_headers(head: bytes) -> dict[str, str]:
    """Return the headers of a head, names in lower case."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def read_body(source: Any, about: dict[str, str]) -> Iterator[bytes]:
    """Yield a body's bytes as they are on the wire, chunk heads included."""
    if about.get("transfer-encoding", "").lower() == "chunked":
        yield from _chunked(source)
        return
    left = int(about.get("content-length") or 0)
    while left:
        data = source.read1(min(left, BLOCK))
        if not data:
            raise Dropped
        left -= len(data)
        yield data


def _chunked(source: Any) -> Iterator[bytes]:
    while True:
        line = source.readline()
        if not line:
            raise Dropped
        yield line
        size = int(line.split(b";")[0], 16)
        if not size:
            break
        yield source.read(size + 2)
    while (line := source.readline()) not in (b"\r\n", b""):
        yield line
    yield b"\r\n"
