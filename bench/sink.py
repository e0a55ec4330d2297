# SPDX-License-Identifier: Apache-2.0
"""An S3 server in memory that answers at once and counts.

It is the target of the benchmarks, so that what is measured is the client
and Swift, not a store. It checks no signature. It answers PUT (with
If-None-Match), HEAD, GET, DELETE and both versions of ListObjects, which is
what the contenders ask for. It forgets the bytes: a GET answers zeros.
``/-/stats`` returns the counts by method and the number of objects,
``/-/reset`` sets the counts to nothing, ``/-/empty`` forgets the objects as
well, and ``/-/arrivals`` returns the time at which each object came, by its
path. A PUT that is refused counts as ``PUT 412`` only.

Usage: python bench/sink.py PORT
"""

from __future__ import annotations

import asyncio
import base64
import bisect
import collections
import hashlib
import json
import sys
import time
from email.utils import formatdate
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

OBJECTS: dict[str, tuple[str, int, dict[str, str], float]] = {}
COUNTS: collections.Counter[str] = collections.Counter()
#: Keys in order, made anew by the first listing after a change.
ORDER: list[str] = []


class Sink(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = transport
        self.buffer = bytearray()
        self.head = None
        self.left = 0
        self.hash = None

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self.buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        if self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
            del self.buffer[: end + 4]
            method, path, _version = lines[0].split(" ", 2)
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            self.head = (method, path, headers)
            self.left = int(headers.get("content-length", 0))
            # The MD5 is a client's to give; computing it costs time here.
            needs = method == "PUT" and "content-md5" not in headers
            self.hash = hashlib.md5(usedforsecurity=False) if needs else None
            if headers.get("expect", "").lower() == "100-continue":
                refused = self._refusal(method, path, headers)
                if refused:
                    self.head, self.left = None, 0
                    self._answer(*refused, close=True)
                    return False
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        taken = min(self.left, len(self.buffer))
        if taken:
            if self.hash is not None:
                self.hash.update(memoryview(self.buffer)[:taken])
            del self.buffer[:taken]
            self.left -= taken
        if self.left:
            return False
        method, path, headers = self.head
        self.head = None
        self._handle(method, path, headers)
        return bool(self.buffer)

    def _refusal(self, method, path, headers):
        key = unquote(urlsplit(path).path)
        if (
            method == "PUT"
            and headers.get("if-none-match") == "*"
            and key in OBJECTS
        ):
            COUNTS["PUT 412"] += 1
            return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
        return None

    def _handle(self, method, path, headers) -> None:
        parts = urlsplit(path)
        key = unquote(parts.path)
        if key.startswith("/-/"):
            self._control(key)
            return
        is_list = method == "GET" and key.rstrip("/").count("/") < 2
        if method != "PUT":
            COUNTS["LIST" if is_list else method] += 1
        if method == "PUT":
            self._put(method, path, headers, key)
        elif method == "DELETE":
            if OBJECTS.pop(key, None):
                ORDER.clear()
            self._answer(204, {}, b"")
        elif is_list:
            self._list(key, parse_qs(parts.query))
        elif key not in OBJECTS:
            found = method == "HEAD" and key.count("/") == 1
            self._answer(200 if found else 404, {}, b"")
        else:
            etag, size, meta, when = OBJECTS[key]
            answer = {
                "ETag": f'"{etag}"',
                "Last-Modified": formatdate(when, usegmt=True),
                **meta,
            }
            if method == "HEAD":
                self._answer(200, {**answer, "Content-Length": size}, None)
            else:
                self._answer(200, answer, bytes(size))

    def _put(self, method, path, headers, key) -> None:
        refused = self._refusal(method, path, headers)
        if refused:
            self._answer(*refused)
            return
        COUNTS["PUT"] += 1
        size = int(
            headers.get(
                "x-amz-decoded-content-length",
                headers.get("content-length", 0),
            )
        )
        md5 = headers.get("content-md5")
        given = base64.b64decode(md5) if md5 else self.hash.digest()
        etag = given.hex()
        meta = {
            name: value
            for name, value in headers.items()
            if name.startswith("x-amz-meta-") or name == "content-type"
        }
        if key not in OBJECTS:
            ORDER.clear()
        OBJECTS[key] = (etag, size, meta, time.time())
        self._answer(200, {"ETag": f'"{etag}"'}, b"")

    def _control(self, key: str) -> None:
        if key == "/-/reset":
            COUNTS.clear()
        if key == "/-/empty":
            COUNTS.clear()
            OBJECTS.clear()
            ORDER.clear()
        if key == "/-/arrivals":
            body = json.dumps(
                {path: kept[3] for path, kept in OBJECTS.items()}
            )
        else:
            body = json.dumps({**COUNTS, "objects": len(OBJECTS)})
        self._answer(200, {}, body.encode())

    def _list(self, bucket: str, query) -> None:
        root = bucket.rstrip("/") + "/"
        prefix = root + query.get("prefix", [""])[0]
        after = root + max(
            query.get("start-after", [""])[0],
            query.get("continuation-token", [""])[0],
            query.get("marker", [""])[0],
        )
        if not ORDER:
            ORDER.extend(sorted(OBJECTS))
        start = max(
            bisect.bisect_left(ORDER, prefix),
            bisect.bisect_right(ORDER, after),
        )
        window = ORDER[start : start + 1001]
        names = [name for name in window if name.startswith(prefix)]
        page = names[:1000]
        rows = "".join(
            f"<Contents><Key>{escape(k[len(root) :])}</Key><Size>"
            f"{OBJECTS[k][1]}</Size><ETag>&quot;{OBJECTS[k][0]}&quot;</ETag>"
            "<LastModified>"
            + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(OBJECTS[k][3]))
            + "</LastModified></Contents>"
            for k in page
        )
        more = len(names) > len(page)
        token = (
            f"<NextContinuationToken>{escape(page[-1][len(root) :])}"
            "</NextContinuationToken>"
            if more
            else ""
        )
        self._answer(
            200,
            {"Content-Type": "application/xml"},
            (
                "<ListBucketResult><IsTruncated>"
                f"{str(more).lower()}</IsTruncated>{token}"
                f"<KeyCount>{len(page)}</KeyCount>{rows}</ListBucketResult>"
            ).encode(),
        )

    def _answer(self, status, headers, body, *, close=False) -> None:
        lines = [f"HTTP/1.1 {status} X"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        if close:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace")
        self.transport.write(head + b"\r\n\r\n" + (body or b""))
        if close:
            self.transport.close()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Sink, "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
