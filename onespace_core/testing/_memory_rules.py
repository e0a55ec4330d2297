# SPDX-License-Identifier: Apache-2.0
"""The rules that a strict store applies, apart from where it keeps bytes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

from onespace_core.provider.errors import (
    InvalidRequest,
    NotModified,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from onespace_core.provider.types import (
    EXPIRY,
    SYSTEM_HEADERS,
    ByteRange,
    Capabilities,
    Conditions,
    ObjectInfo,
)


def check_key(key: str, limits: Capabilities | None = None) -> None:
    """Refuse an empty key, one that is not UTF-8, and one too long."""
    if not key:
        raise InvalidRequest("the key is empty")
    try:
        size = len(key.encode())
    except UnicodeEncodeError as exc:
        raise InvalidRequest("the key has surrogates") from exc
    most = limits.max_key_bytes if limits else None
    if most is not None and size > most:
        raise InvalidRequest(f"the key is {size} bytes, {most} are allowed")


def check_metadata(
    metadata: Mapping[str, str] | None,
    system: Mapping[str, str] | None,
    limits: Capabilities,
) -> None:
    """Refuse names without characters, foreign system names, too much."""
    unknown = set(names_lowered(system)) - SYSTEM_HEADERS - {EXPIRY}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise InvalidRequest(f"not a system header: {names}")
    items = (metadata or {}).items()
    if any(not name for name, _value in items):
        raise InvalidRequest("a metadata name is empty")
    size = sum(
        len(name.encode()) + len(value.encode()) for name, value in items
    )
    most = limits.max_metadata_bytes
    if most is not None and size > most:
        raise InvalidRequest(f"metadata is {size} bytes, {most} are allowed")


def expiry(system: Mapping[str, str] | None) -> int | None:
    """Return the second at which the store deletes the object, if it does.

    :raises InvalidRequest: the value is no whole number.
    """
    text = names_lowered(system).get(EXPIRY)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidRequest(f"{EXPIRY} is whole seconds since the epoch")
    return int(text)


def check_expiry(
    system: Mapping[str, str] | None, now: datetime.datetime
) -> None:
    """Refuse a time of deletion that is no number, or is over."""
    when = expiry(system)
    if when is not None and when <= now.timestamp():
        raise InvalidRequest(f"{EXPIRY} is in the past")


def check_size(size: int | None, limits: Capabilities) -> None:
    """Refuse a body that is larger than one PUT may be."""
    most = limits.max_object_size
    if size is not None and most is not None and size > most:
        raise InvalidRequest(f"the body is {size} bytes, {most} are allowed")


def names_lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return a copy with names in lower case."""
    return {name.lower(): value for name, value in (headers or {}).items()}


def page_size(limit: int | None, most: int) -> int:
    """Return how many entries a page has.

    :raises InvalidRequest: the limit is less than 1.
    """
    if limit is not None and limit < 1:
        raise InvalidRequest(f"a limit of {limit}; it is 1 or more")
    return most if limit is None else min(limit, most)


def listing(
    keys: Iterable[str],
    *,
    prefix: str,
    delimiter: str | None,
    marker: str,
    most: int,
) -> tuple[list[tuple[str, bool]], str | None]:
    """Return entries of one page, each with "is a prefix", and the marker.

    Text sorts by code point, which is the order of its UTF-8 bytes.
    """
    entries: dict[str, bool] = {}
    for key in sorted(keys):
        if not key.startswith(prefix):
            continue
        entry, is_prefix = key, False
        if delimiter:
            head, found, _tail = key[len(prefix) :].partition(delimiter)
            if found:
                entry, is_prefix = prefix + head + delimiter, True
        if entry <= marker or entry in entries:
            continue
        if len(entries) == most:
            return list(entries.items()), next(reversed(entries))
        entries[entry] = is_prefix
    return list(entries.items()), None


def resolve_range(byte_range: ByteRange, size: int) -> tuple[int, int]:
    """Return the first byte and the one behind the last (RFC 9110 14.1.2)."""
    if byte_range.first < 0:
        first, end = max(size + byte_range.first, 0), size
    else:
        last = size - 1 if byte_range.last is None else byte_range.last
        first, end = byte_range.first, min(last + 1, size)
    if first >= end:
        raise RangeNotSatisfiable(f"the object has {size} bytes")
    return first, end


def check_read(info: ObjectInfo, conditions: Conditions | None) -> None:
    """Evaluate read conditions in the order of RFC 9110 section 13.2.2."""
    if conditions is None:
        return
    written = _to_second(info.last_modified)
    if conditions.if_match is not None:
        if conditions.if_match not in ("*", info.etag):
            raise PreconditionFailed("if_match: it is another version")
    elif written > _to_second(conditions.if_unmodified_since, latest=True):
        raise PreconditionFailed("if_unmodified_since: written since")
    if conditions.if_none_match is not None:
        if conditions.if_none_match in ("*", info.etag):
            raise NotModified("if_none_match: it is that version")
    elif conditions.if_modified_since is not None and written <= _to_second(
        conditions.if_modified_since
    ):
        raise NotModified("if_modified_since: not written since")


def write_needs(
    conditions: Conditions | None, *, completion: bool = False
) -> list[str]:
    """Return the capabilities that conditions of a write need.

    One that no capability stands for gives a name that nothing claims.

    :param completion: whether it ends an upload; else it is a PUT.
    """
    create, replace = (
        ("conditional_complete", "conditional_complete_replace")
        if completion
        else ("conditional_put", "conditional_replace")
    )
    needs = []
    given = conditions or Conditions()
    if given.if_none_match is not None:
        needs.append(
            create
            if given.if_none_match == "*"
            else "if_none_match with an etag"
        )
    if given.if_match is not None:
        needs.append(replace)
    if given.if_modified_since or given.if_unmodified_since:
        needs.append("a time as condition of a PUT")
    return needs


def check_write(old: ObjectInfo | None, conditions: Conditions | None) -> None:
    """Evaluate the conditions of a PUT against what is there."""
    given = conditions or Conditions()
    if given.if_none_match is not None and old is not None:
        raise PreconditionFailed("if_none_match: there is an object")
    if given.if_match is not None and (
        old is None or given.if_match not in ("*", old.etag)
    ):
        raise PreconditionFailed("if_match: it is another version, or none")


def _to_second(
    when: datetime.datetime | None, *, latest: bool = False
) -> datetime.datetime:
    """HTTP dates have whole seconds; None is the first or the last of all."""
    if when is None:
        return datetime.datetime(
            9999 if latest else 1, 1, 1, tzinfo=datetime.UTC
        )
    return when.replace(microsecond=0)
