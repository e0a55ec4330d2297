# SPDX-License-Identifier: Apache-2.0
"""From a remote object to the headers that the local one had; pure.

Only what is named here reaches a client: nothing that a store says of
itself does.
"""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import math

from onespace_core.config import Mapping
from onespace_core.provider import (
    EXPIRY,
    SYSTEM_HEADERS,
    LargeKind,
    ObjectInfo,
)
from onespace_core.sync.beside import SLO_MARK
from onespace_core.sync.stamp import read_stamp, user_metadata
from onespace_core.sync.travel import DELETE_AT, EXPIRES_AFTER, LARGE_MARKS

_DEFAULT_TYPE = "application/octet-stream"
#: What would be a line of its own; RFC 9110 section 5.5 wants a space.
_NO_LINES = str.maketrans("\r\n\0", "   ")


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """What a client is told of an object, beside its bytes.

    :param headers: native text; length, range and date are not among them.
    :param last_modified: whole seconds, as HTTP has it.
    :param expires: seconds since the epoch; None: never.
    """

    headers: dict[str, str]
    last_modified: datetime.datetime | None
    expires: int | None


def is_large(info: ObjectInfo) -> bool:
    """Return whether an object is large: its ETag is then no MD5.

    The store says so itself, or a manifest lies beside it.
    """
    name, value = SLO_MARK
    marked = info.metadata.get(name, "").lower() == value.lower()
    return marked or info.large is not None


def describe(info: ObjectInfo, mapping: Mapping) -> Described:
    """Return what the local object's answer had, as far as it travelled.

    The ETag is the store's own: that is what listings show as well, and it
    differs from the local one for large objects only.
    """
    large = is_large(info)
    etag = info.etag or ""
    headers = {
        "Content-Type": info.content_type or _DEFAULT_TYPE,
        "Accept-Ranges": "bytes",
    }
    if etag:
        headers["Etag"] = f'"{etag}"' if large else etag
    for name, value in info.system.items():
        if name in SYSTEM_HEADERS:
            headers[name.title()] = value
    for name, value in user_metadata(info.metadata).items():
        if name not in LARGE_MARKS:
            headers[f"X-Object-Meta-{name.title()}"] = value
    if large and info.large is not LargeKind.DYNAMIC:
        headers["X-Static-Large-Object"] = "True"
    expires = expiry(info, mapping)
    if expires is not None:
        headers["X-Delete-At"] = str(expires)
    moment = info.last_modified
    stamp = read_stamp(info.metadata)
    if stamp is not None:
        time = stamp.timestamp.partition("_")[0]
        headers["X-Timestamp"] = time
        # Rounded up, as Swift does.
        moment = datetime.datetime.fromtimestamp(
            math.ceil(float(time)), datetime.UTC
        )
    return Described(
        {
            name.translate(_NO_LINES): value.translate(_NO_LINES)
            for name, value in headers.items()
        },
        moment and moment.replace(microsecond=0),
        expires,
    )


def expiry(info: ObjectInfo, mapping: Mapping) -> int | None:
    """Return the local object's X-Delete-At, if it had one.

    An age that the policy gave the copy alone is none.
    """
    carried = info.metadata.get(DELETE_AT)
    if carried is None and mapping.propagate_expiration:
        if EXPIRES_AFTER in info.metadata or EXPIRY not in info.system:
            return None
        offset = mapping.propagate_expiration_offset
        own = _whole(info.system[EXPIRY])
        return None if own is None else own - offset
    return _whole(carried)


def _whole(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdecimal()):
        return None
    return int(text) if len(text) < len(str(2**63)) else None


def http_date(moment: datetime.datetime) -> str:
    """Return a time as a header has it."""
    return email.utils.format_datetime(moment, usegmt=True)
