# SPDX-License-Identifier: Apache-2.0
"""The values that cross the line between onespace and a store.

All are frozen. Four rules hold for every provider, each a contract test:

- etags are never quoted;
- times are aware and UTC;
- metadata names are lower case and without a prefix such as ``x-amz-meta-``;
  values are any text: a provider escapes what its service cannot hold, and
  unescapes it again;
- no type of a vendor's SDK appears, except in ``native``, which onespace
  never reads.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onespace_core.provider.body import Body

#: Name in ``system`` of the time at which the store deletes the object by
#: itself, in whole seconds since the epoch. Only where ``object_expiry`` is
#: claimed; elsewhere it is refused with ``NotSupported``.
EXPIRY = "x-delete-at"

#: Names that may appear in ``system``: headers of the object that are not
#: user metadata and that every HTTP store knows (RFC 9110, RFC 6266, RFC
#: 9111). :data:`EXPIRY` comes on top.
SYSTEM_HEADERS = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
    }
)


class KeyScheme(enum.Enum):
    """How the objects of many containers share one store."""

    #: One bucket holds many containers: keys carry account and container
    #: (see :mod:`onespace_core.namespace.keys`).
    HASHED = "hashed"
    #: A container has a bucket of its own: keys are object names.
    PLAIN = "plain"


class LargeKind(enum.Enum):
    """How a store itself keeps a large object (Swift, "Large objects")."""

    #: A manifest that names each segment.
    STATIC = "static"
    #: A prefix: whatever is there is a segment.
    DYNAMIC = "dynamic"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a store can do; every default is the most cautious answer.

    Each claim is a promise under test: claimed means that the contract
    suite runs its tests, not claimed means that the call raises
    :class:`~onespace_core.provider.errors.NotSupported` before any request.
    Capabilities describe an *instance*: two endpoints of one provider may
    differ.

    :param range_get: ``get_object(byte_range=...)`` works.
    :param conditional_get: the four read conditions work.
    :param conditional_put: ``if_none_match="*"`` on PUT creates only.
    :param conditional_replace: ``if_match=<etag>`` on PUT replaces only that
        version.
    :param conditional_complete: ``if_none_match="*"`` on ``complete_upload``
        of a ``MultipartUpload`` creates only.
    :param conditional_complete_replace: ``if_match=<etag>`` likewise.
    :param list_delimiter: ``list_objects(delimiter=...)`` works.
    :param list_has_metadata: listed objects carry their user metadata.
    :param metadata_post: ``post_object`` changes metadata in place; False
        means that it costs a copy of the object onto itself.
    :param delete_reports_missing: ``delete_object`` returns False for a key
        that was not there.
    :param account_stats: ``head_account`` returns counts.
    :param etag_is_md5: the ETag of an object written by one PUT is the MD5
        of its body.
    :param large_objects: Swift-style manifests (SLO, DLO).
    :param object_expiry: ``system`` may hold :data:`EXPIRY`.
    :param part_copy: ``copy_part`` of a ``MultipartUpload`` works.
    :param min_part_size: bytes of every part but the last.
    :param max_part_size: bytes of a part; None means no known limit.
    :param max_parts: of one upload; None likewise.
    :param read_after_write: a GET after a PUT sees it.
    :param max_object_size: bytes in one PUT; None means no known limit.
    :param max_key_bytes: UTF-8 bytes of a key; None likewise.
    :param max_metadata_bytes: bytes of all user metadata; None likewise.
    :param max_list_limit: entries that one listing page can hold.
    """

    range_get: bool = False
    conditional_get: bool = False
    conditional_put: bool = False
    conditional_replace: bool = False
    conditional_complete: bool = False
    conditional_complete_replace: bool = False
    list_delimiter: bool = False
    list_has_metadata: bool = False
    metadata_post: bool = False
    delete_reports_missing: bool = False
    account_stats: bool = False
    etag_is_md5: bool = False
    large_objects: bool = False
    object_expiry: bool = False
    part_copy: bool = False
    min_part_size: int = 0
    max_part_size: int | None = None
    max_parts: int | None = None
    read_after_write: bool = True
    max_object_size: int | None = None
    max_key_bytes: int | None = None
    max_metadata_bytes: int | None = None
    max_list_limit: int = 1000


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AccountInfo:
    """An account; ``None`` means that the store does not say."""

    bucket_count: int | None = None
    object_count: int | None = None
    bytes_used: int | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BucketInfo:
    """A bucket or container; ``None`` means that the store does not say."""

    name: str
    created: datetime.datetime | None = None
    object_count: int | None = None
    bytes_used: int | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object without its bytes.

    :param key: the whole key within the bucket.
    :param size: bytes of the body.
    :param etag: the store's ETag, never quoted.
    :param last_modified: when the store says that it was written.
    :param content_type: as the store gives it.
    :param metadata: user metadata, names lower case and without prefix.
    :param system: those of :data:`SYSTEM_HEADERS` that the object has.
    :param storage_class: the store's word, such as ``GLACIER``; None means
        the ordinary class or a store that has none.
    :param archived: whether the body cannot be read, nor the object copied,
        before somebody restores it.
    :param large: what ``get_manifest`` of ``LargeObjects`` would tell of it;
        None for an object that is none, and at a store that has none. In a
        listing None may also mean that the store does not say there.
    :param native: what the SDK answered; for debugging only.
    """

    key: str
    size: int
    etag: str | None = None
    last_modified: datetime.datetime | None = None
    content_type: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    system: Mapping[str, str] = dataclasses.field(default_factory=dict)
    storage_class: str | None = None
    archived: bool = False
    large: LargeKind | None = None
    native: Any = dataclasses.field(default=None, compare=False, repr=False)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BucketPage:
    """Some buckets in name order; ``next_marker`` None: these are the last."""

    buckets: Sequence[BucketInfo]
    next_marker: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ObjectPage:
    """Some objects, and the prefixes that a delimiter rolled up.

    :param objects: in UTF-8 byte order of their keys.
    :param prefixes: in the same order, each ending in the delimiter.
    :param next_marker: give this as ``marker`` for the next page; None only
        at the end of the listing.
    """

    objects: Sequence[ObjectInfo]
    prefixes: Sequence[str] = ()
    next_marker: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Preconditions of RFC 9110 section 13; etags unquoted."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime.datetime | None = None
    if_unmodified_since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ByteRange:
    """Bytes ``first`` to ``last``, both inclusive, as in RFC 9110 14.1.2.

    ``last=None`` means to the end. A negative ``first`` with ``last=None``
    means the last ``-first`` bytes.
    """

    first: int
    last: int | None = None

    def header(self) -> str:
        """Return the value of a ``Range`` header."""
        if self.first < 0:
            return f"bytes={self.first}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PutResult:
    """What the store said of the new object.

    :param etag: its ETag, unquoted.
    :param version: its version id, where the bucket keeps versions.
    """

    etag: str | None = None
    version: str | None = None


class Upload(enum.Enum):
    """What ``upload_object`` had to do."""

    NOOP = "noop"
    PUT = "put"
    POST = "post"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SourceObject:
    """What a store should hold: an object and its bytes."""

    info: ObjectInfo
    body: Body


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ShuntRequest:
    """A client's request that is to be answered by a store.

    :param method: ``GET``, ``HEAD``, ``POST`` or ``DELETE``.
    :param headers: names in lower case; only those that the caller's
        allow-list let through.
    :param params: query parameters.
    :param trans_id: the local transaction id, for the logs of both sides.
    """

    method: str
    headers: Mapping[str, str]
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    trans_id: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ShuntResponse:
    """What to answer the client.

    ``body`` owns the connection to the store: whoever takes the response
    closes it (``close()`` where it has one), read or not.
    """

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: Iterable[bytes] = ()
