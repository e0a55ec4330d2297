# SPDX-License-Identifier: Apache-2.0
"""Manifests of large objects as Swift writes them; pure, no I/O.

See "Large objects" in the Object Storage API: a static one is a list in
JSON, a dynamic one a header with a container and a prefix.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from onespace_core.provider import (
    InvalidRequest,
    Manifest,
    NotSupported,
    Segment,
)
from onespace_swift.errors import BadAnswer
from onespace_swift.headers import DYNAMIC, check_text, path

#: Query of HEAD and GET that are about the manifest, not the segments.
AS_IT_IS = "multipart-manifest=get"

_RANGE = re.compile(r"(\d*)-(\d*)")


def encode(segments: Sequence[Segment]) -> bytes:
    """Return the body of a PUT with ``multipart-manifest=put``.

    :raises InvalidRequest: no segment, which Swift would take; a name that
        no object has, or a range that cannot be.
    """
    if not segments:
        raise InvalidRequest("a manifest has one segment or more")
    return json.dumps([_entry(segment) for segment in segments]).encode()


def _entry(segment: Segment) -> dict[str, Any]:
    path(segment.bucket, segment.key)  # raises for what is no name
    entry: dict[str, Any] = {"path": f"/{segment.bucket}/{segment.key}"}
    if segment.size is not None:
        entry["size_bytes"] = segment.size
    if segment.etag is not None:
        entry["etag"] = segment.etag
    if segment.first < 0:
        raise InvalidRequest(f"a segment begins at byte {segment.first}")
    if segment.first or segment.last is not None:
        last = "" if segment.last is None else segment.last
        entry["range"] = f"{segment.first}-{last}"
    return entry


def etag_of(segments: Sequence[Segment]) -> str | None:
    """Return the ETag that a static large object will have.

    It is the MD5 of its segments' ETags in a row. None where one of them is
    not known, or only a range of it counts.
    """
    etags = [segment.etag for segment in segments]
    ranged = any(s.first or s.last is not None for s in segments)
    if ranged or not etags or None in etags:
        return None
    text = "".join(etag or "" for etag in etags)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def dynamic_header(bucket: str, prefix: str) -> bytes:
    """Return the value of ``X-Object-Manifest``.

    :raises InvalidRequest: a prefix that is empty, which Swift does not
        take, or a text that no name can have.
    """
    check_text(prefix)
    if not prefix:
        raise InvalidRequest("the prefix of a dynamic large object is empty")
    quoted = urllib.parse.quote(prefix)
    if quoted.startswith("/"):
        # Swift refuses the slash itself; it reads what is escaped.
        quoted = f"%2F{quoted[1:]}"
    container = path(bucket).removeprefix("/")
    return f"{container}/{quoted}".encode()


def from_headers(headers: Mapping[str, str]) -> Manifest | None:
    """Return the manifest of a dynamic large object; None if it is none.

    :raises BadAnswer: the header is there and cannot be understood.
    """
    value = headers.get(DYNAMIC)
    if value is None:
        return None
    bucket, slash, prefix = urllib.parse.unquote(value).partition("/")
    if not (bucket and slash):
        raise BadAnswer(f"{DYNAMIC} without a container")
    return Manifest(dynamic=(bucket, prefix))


def decode(body: bytes) -> Manifest:
    """Return a static manifest from an answer to ``multipart-manifest=get``.

    Takes Swift's stored form (``name``, ``hash``, ``bytes``) and the one of
    PUT (``path``, ``etag``, ``size_bytes``), which ``format=raw`` gives. A
    segment that is a large object itself is a segment like the others.

    :raises BadAnswer: it is not a manifest.
    :raises NotSupported: it holds bytes itself (``data``), which are in no
        object.
    """
    try:
        entries = json.loads(body)
        return Manifest(segments=tuple(_segment(each) for each in entries))
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise BadAnswer("not a manifest") from exc


def _segment(entry: Mapping[str, Any]) -> Segment:
    if "data" in entry:
        reason = "the manifest has bytes of its own beside its segments"
        raise NotSupported(reason)
    name = entry["name"] if "name" in entry else entry["path"]
    bucket, _, key = name.removeprefix("/").partition("/")
    if not (bucket and key):
        raise ValueError(name)
    size = entry.get("bytes", entry.get("size_bytes"))
    first, last = _range(entry.get("range"), size)
    return Segment(
        bucket=bucket,
        key=key,
        size=size,
        etag=entry.get("hash", entry.get("etag")),
        first=first,
        last=last,
    )


def _range(text: str | None, size: int | None) -> tuple[int, int | None]:
    if not text:
        return 0, None
    match = _RANGE.fullmatch(text)
    if match is None or text == "-":
        raise ValueError(text)
    first, last = match.groups()
    if first:
        return int(first), int(last) if last else None
    if size is None:
        raise ValueError(text)
    return max(0, size - int(last)), None
