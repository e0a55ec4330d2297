# SPDX-License-Identifier: Apache-2.0
"""Names, values and times on their way through HTTP.

Swift keeps user metadata in headers of UTF-8. What a header cannot hold (or
what some front end between us and Swift may refuse) travels as one encoded
word of RFC 2047; every ordinary value stays as other clients see it.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import email.utils
import re
import urllib.parse
from collections.abc import Iterable, Mapping

from onespace_core.provider import (
    EXPIRY,
    SYSTEM_HEADERS,
    BucketInfo,
    Conditions,
    InvalidRequest,
    LargeKind,
    NotSupported,
    ObjectInfo,
    PutResult,
)

#: Headers on their way out: text is ASCII, everything else is bytes.
Sent = dict[str | bytes, str | bytes]

OBJECT_META = "x-object-meta-"
CONTAINER_META = "x-container-meta-"
#: Headers of HEAD and GET that say what an object is.
STATIC = "x-static-large-object"
DYNAMIC = "x-object-manifest"
_SYSTEM = SYSTEM_HEADERS | {EXPIRY}
#: Access lists of a container.
_LISTS = {"read": b"x-container-read", "write": b"x-container-write"}
#: Metadata of containers and accounts that are keys to them.
_SECRET = re.compile(r"temp-url-key(-\d+)?|.*sync-key")

#: What a header's value cannot hold, RFC 9110 section 5.5: control
#: characters, and blanks at its ends.
_HOSTILE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|\A[ \t]|[ \t]\Z")
_WORD = re.compile(r"=\?UTF-8\?B\?([A-Za-z0-9+/]*={0,2})\?=")
#: RFC 9110 section 5.6.2 without the underscore, which WSGI cannot tell from
#: a hyphen; and what is not ASCII, which Swift keeps.
_NAME = re.compile(r"[!#$%&'*+\-.^`|~0-9a-z\x80-\U0010ffff]+")


def escape(value: str) -> str:
    """Return a metadata value as it is sent.

    :raises InvalidRequest: it is not text that UTF-8 can hold.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        reason = "a metadata value has a surrogate"
        raise InvalidRequest(reason) from None
    return _word(value) if _needs_word(value) else value


def unescape(value: str) -> str:
    """Return a metadata value as it was before :func:`escape`.

    Decodes exactly the words that ``escape`` makes; an encoded word that
    somebody else wrote stays as it is.
    """
    match = _WORD.fullmatch(value)
    if match is None:
        return value
    try:
        text = base64.b64decode(match[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value
    return text if _needs_word(text) and _word(text) == value else value


def _word(value: str) -> str:
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode('ascii')}?="


def _needs_word(value: str) -> bool:
    return bool(_HOSTILE.search(value)) or unescape(value) != value


def path(*names: str) -> str:
    """Return the path of an account's container or object, from a slash on.

    Dots that make a whole segment are escaped as well: HTTP libraries and
    front ends otherwise take ``a/../b`` for ``b``, another object.

    :raises InvalidRequest: a name is empty, not UTF-8 or has a NUL, or the
        container's has a slash.
    """
    for name in names:
        check_text(name)
        if not name:
            # With an empty name the request would be about what is above:
            # DELETE of an object would delete its container.
            raise InvalidRequest("a name is empty")
    if names and "/" in names[0]:
        raise InvalidRequest("the name of a container has a slash")
    segments = "/".join(names).split("/") if names else []
    return "".join(f"/{_quote(segment)}" for segment in segments)


def _quote(segment: str) -> str:
    if segment in (".", ".."):
        return segment.replace(".", "%2E")
    return urllib.parse.quote(segment, safe="")


def check_text(name: str) -> None:
    """Check that a name can be sent at all.

    :raises InvalidRequest: it has a NUL or a surrogate.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("a name has a surrogate") from None
    if "\0" in name:
        raise InvalidRequest("a name has a NUL")


def metadata_headers(
    metadata: Mapping[str, str] | None, prefix: str = OBJECT_META
) -> Sent:
    """Return user metadata as headers.

    :raises InvalidRequest: a name that does not survive the way, or a value
        that is not text.
    """
    headers: Sent = {}
    for name, value in (metadata or {}).items():
        lower = name.lower()
        if not _NAME.fullmatch(lower):
            reason = f"metadata name {name!r} cannot be sent to Swift"
            raise InvalidRequest(reason)
        headers[f"{prefix}{lower}".encode()] = escape(value).encode()
    return headers


def container_headers(metadata: Mapping[str, str] | None) -> Sent:
    """Return a container's metadata as headers; empty values remove.

    :raises InvalidRequest: see ``metadata_headers``; or a name that is not
        ASCII: Swift keeps it, and from then on answers 500 to every listing
        of the container. Such a name can be removed.
    """
    for name, value in (metadata or {}).items():
        if value and not name.isascii():
            reason = f"Swift cannot list a container with metadata {name!r}"
            raise InvalidRequest(reason)
    return metadata_headers(metadata, CONTAINER_META)


def system_headers(
    content_type: str | None, system: Mapping[str, str] | None
) -> Sent:
    """Return content type and system headers as headers.

    :raises InvalidRequest: a name that is not one of ``SYSTEM_HEADERS`` or
        ``EXPIRY``, or a value that a header cannot hold, or that is no time.
    """
    values = dict(system or {})
    if not _SYSTEM.issuperset(values):
        odd = ", ".join(sorted(set(values) - _SYSTEM))
        raise InvalidRequest(f"not a system header: {odd}")
    when = values.get(EXPIRY, "0")
    if not (when.isascii() and when.isdigit()):
        raise InvalidRequest(f"{EXPIRY} is whole seconds since the epoch")
    if content_type is not None:
        values["content-type"] = content_type
    for name, value in values.items():
        if _HOSTILE.search(value):
            raise InvalidRequest(f"{name} has a control character or blanks")
    return {name: value.encode() for name, value in values.items()}


def object_headers(
    metadata: Mapping[str, str] | None,
    content_type: str | None,
    system: Mapping[str, str] | None,
) -> Sent:
    """Return all that describes a new object.

    :raises InvalidRequest: see ``metadata_headers`` and ``system_headers``.
    """
    return {
        **metadata_headers(metadata),
        **system_headers(content_type or "application/octet-stream", system),
    }


def acl_headers(acl: Mapping[str, str] | None) -> Sent:
    """Return a container's access lists as headers; empty ones remove.

    :raises InvalidRequest: a name that is no list, or a value that a header
        cannot hold.
    """
    headers: Sent = {}
    for name, value in (acl or {}).items():
        if name not in _LISTS:
            raise InvalidRequest(f"{name!r} is neither 'read' nor 'write'")
        check_text(value)
        if _HOSTILE.search(value):
            reason = f"the list {name} has a control character or blanks"
            raise InvalidRequest(reason)
        headers[_LISTS[name]] = value.encode()
    return headers


def condition_headers(conditions: Conditions | None) -> Sent:
    """Return read conditions as headers."""
    if conditions is None:
        return {}
    headers = {
        "if-match": _quoted(conditions.if_match),
        "if-none-match": _quoted(conditions.if_none_match),
        "if-modified-since": _http_date(conditions.if_modified_since),
        "if-unmodified-since": _http_date(conditions.if_unmodified_since),
    }
    return {name: value for name, value in headers.items() if value}


def put_condition_headers(conditions: Conditions | None) -> Sent:
    """Return the one condition that Swift knows for PUT.

    :raises NotSupported: any other.
    """
    if conditions is None or conditions == Conditions():
        return {}
    if conditions != Conditions(if_none_match="*"):
        reason = "Swift knows no condition for PUT but if_none_match='*'"
        raise NotSupported(reason)
    return {"if-none-match": "*"}


def _quoted(etag: str | None) -> str | None:
    if etag is None or etag == "*":
        return etag
    if _HOSTILE.search(etag) or '"' in etag or not etag.isascii():
        raise InvalidRequest("an etag has a character that etags do not have")
    return f'"{etag}"'


def _http_date(when: datetime.datetime | None) -> str | None:
    if when is None:
        return None
    utc = when.astimezone(datetime.UTC)
    if utc.microsecond:
        # Swift rounds Last-Modified up, so that an object's own precise time
        # counts as not modified since.
        utc = utc.replace(microsecond=0) + datetime.timedelta(seconds=1)
    return email.utils.format_datetime(utc, usegmt=True)


def decode(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return an answer's headers, names in lower case, values as text.

    :param headers: as the connection gives them: values of Latin-1, and
        names of metadata with percent escapes (see ``pool``).
    """
    return {_name(name): _text(value.strip(" \t")) for name, value in headers}


def _name(name: str) -> str:
    lower = name.lower()
    return urllib.parse.unquote(lower).lower() if "%" in lower else lower


def _text(value: str) -> str:
    """Undo Latin-1, as which Python reads headers, if they are UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def user_metadata(
    headers: Mapping[str, str], prefix: str = OBJECT_META
) -> dict[str, str]:
    """Return the user metadata among decoded headers, without keys."""
    return {
        name[len(prefix) :]: unescape(value)
        for name, value in headers.items()
        if name.startswith(prefix)
        and not (
            prefix != OBJECT_META and _SECRET.fullmatch(name, len(prefix))
        )
    }


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Return an account's headers without the keys that may be there."""
    return {
        name: value
        for name, value in headers.items()
        if not _SECRET.search(name)
    }


def unquote_etag(etag: str | None) -> str | None:
    """Return an etag as the contract wants it.

    Swift quotes those of large objects; listings may add parameters such as
    ``; s3_etag=...`` or ``; slo_etag=...`` of Swift's own middlewares.
    """
    if not etag:
        return None
    return etag.partition(";")[0].strip().strip('"') or None


def number(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header's whole number; None if it is not there."""
    value = headers.get(name, "")
    return int(value) if value.isdigit() else None


def timestamp(headers: Mapping[str, str]) -> datetime.datetime | None:
    """Return ``X-Timestamp``, or ``Last-Modified``, which is less precise."""
    try:
        seconds = float(headers.get("x-timestamp", ""))
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        when = email.utils.parsedate_to_datetime(
            headers.get("last-modified", "")
        )
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)


def large_kind(headers: Mapping[str, str]) -> LargeKind | None:
    """Return which kind of large object an answer is about, if it is one."""
    if headers.get(STATIC, "").lower() == "true":
        return LargeKind.STATIC
    return LargeKind.DYNAMIC if DYNAMIC in headers else None


def object_info(key: str, headers: Mapping[str, str], size: int) -> ObjectInfo:
    """Return an object from the headers of HEAD or GET."""
    return ObjectInfo(
        key=key,
        size=size,
        etag=unquote_etag(headers.get("etag")),
        last_modified=timestamp(headers),
        content_type=headers.get("content-type"),
        metadata=user_metadata(headers),
        system={name: headers[name] for name in _SYSTEM if name in headers},
        large=large_kind(headers),
        native=headers,
    )


def put_result(headers: Mapping[str, str]) -> PutResult:
    """Return what the answer to a PUT says."""
    return PutResult(
        etag=unquote_etag(headers.get("etag")),
        version=headers.get("x-object-version-id"),
    )


def bucket_info(name: str, headers: Mapping[str, str]) -> BucketInfo:
    """Return a container from the headers of HEAD."""
    return BucketInfo(
        name=name,
        created=timestamp(headers),
        object_count=number(headers, "x-container-object-count"),
        bytes_used=number(headers, "x-container-bytes-used"),
        metadata=user_metadata(headers, CONTAINER_META),
    )
