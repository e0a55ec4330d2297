# SPDX-License-Identifier: Apache-2.0
"""The provider contract: what a store is to onespace.

Who writes a provider subclasses :class:`Provider` and writes nine methods
and a constructor. Five more are written here from the nine; override one
only to be faster, with the same result. The contract suite in
:mod:`onespace_core.testing` proves a provider right.

What holds for every method
===========================

The caller
    gives everything after the first one or two arguments by name; gives keys
    as text without surrogates; closes every reader; never relies on the
    order in which concurrent calls take effect.

The provider
    - uses the bucket of its settings where ``bucket`` is None;
    - raises only errors of :mod:`onespace_core.provider.errors`, with ``op``,
      ``bucket`` and ``key`` set and the original as ``__cause__``;
    - never retries on its own (see :mod:`onespace_core.layers.retry`);
    - may be used by many threads or greenthreads at once, and neither starts
      threads nor imports eventlet;
    - never writes a secret into a log, an error or a ``repr``.

The API follows semantic versioning: within version 1.x, methods and keyword
parameters are only added.
"""

from __future__ import annotations

import abc
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from onespace_core.provider import derived
from onespace_core.provider.body import Body, ObjectReader
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import (
    AccountInfo,
    BucketInfo,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    KeyScheme,
    ObjectInfo,
    ObjectPage,
    PutResult,
    ShuntRequest,
    ShuntResponse,
    SourceObject,
    Upload,
)


class Progress(Protocol):
    """Called while bytes move.

    ``transferred`` may go down after a retry. Implementations accept any
    keyword, so that details can be added.
    """

    def __call__(self, transferred: int, /, **details: object) -> None:
        """Note that so many bytes have been transferred so far."""
        ...


class Provider(abc.ABC):
    """A store, reached with one set of credentials.

    Instances are made once for each mapping and process, and reused: no
    session, token or pool is built for a request.
    """

    #: Version of this contract that the class was written for.
    API_VERSION: ClassVar[tuple[int, int]] = (1, 0)
    #: oslo.config options of a ``[credentials:...]`` section. Each has help,
    #: and ``secret=True`` where due.
    OPTS: ClassVar[Sequence[Any]] = ()
    #: oslo.config options of a ``[profile:...]`` or ``[mapping:...]``:
    #: what may differ between mappings that share credentials.
    TARGET_OPTS: ClassVar[Sequence[Any]] = ()
    #: How containers share this store.
    KEY_SCHEME: ClassVar[KeyScheme] = KeyScheme.HASHED

    @classmethod
    @abc.abstractmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,
    ) -> Self:
        """Build an instance; make no request.

        :param settings: a value for every declared option.
        :param logger: where to log.
        :param concurrency: calls at the same time, for the size of pools.
        :raises ConfigError: settings contradict each other.
        :raises ImportError: the SDK is not installed (the registry turns
            this into a :class:`PluginLoadError` with the command that mends
            it).
        """

    @property
    @abc.abstractmethod
    def capabilities(self) -> Capabilities:
        """What this instance can do; never makes a request."""

    @property
    @abc.abstractmethod
    def location(self) -> str:
        """Where it is, for people: ``s3://endpoint``; never a secret."""

    def close(self) -> None:  # noqa: B027 - most stores hold nothing
        """Release connections. Safe to call twice; calls after it fail."""

    # -- the nine ---------------------------------------------------------

    @abc.abstractmethod
    def head_account(self) -> AccountInfo:
        """Return the account's figures, as far as the store says.

        One request, or none. Raises ``Unauthenticated`` for wrong
        credentials if it makes a request.
        """

    @abc.abstractmethod
    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """Return buckets in name order.

        :param prefix: only names that start with it.
        :param marker: only names after it (exclusive).
        :param limit: at most so many; None means the store's own page.
        """

    @abc.abstractmethod
    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """Return a bucket's figures: one cheap request.

        :raises BucketNotFound: it is not there.
        """

    @abc.abstractmethod
    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """Return one page of objects in UTF-8 byte order.

        Keys come back exactly as they were put: nothing is decoded that
        the store did not encode. A page may be shorter than ``limit``
        though more follow; only ``next_marker`` None is the end. An empty
        listing is an empty page.

        :param prefix: only keys that start with it.
        :param delimiter: roll up what follows its first appearance after
            the prefix into ``prefixes``.
        :param marker: only keys and prefixes after it (exclusive).
        :param limit: 1 or more; above ``max_list_limit`` it is capped.
        :raises BucketNotFound: the bucket is not there.
        :raises NotSupported: a delimiter, without ``list_delimiter``.
        """

    @abc.abstractmethod
    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """Return an object without its bytes: one request, no listing.

        :raises ObjectNotFound: it is not there. (A store whose HEAD cannot
            tell may raise this for a missing bucket as well.)
        :raises NotModified: ``if_none_match`` or ``if_modified_since``.
        :raises PreconditionFailed: ``if_match`` or ``if_unmodified_since``.
        :raises NotSupported: conditions, without ``conditional_get``.
        """

    @abc.abstractmethod
    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """Open an object for reading.

        ``info`` is complete (also for a range: ``info.size`` is the whole
        object's). The connection is held until the reader is closed.

        :raises ObjectNotFound: it is not there.
        :raises RangeNotSatisfiable: the range starts behind the end.
        :raises NotModified: see ``head_object``.
        :raises PreconditionFailed: see ``head_object``.
        :raises NotSupported: a range or conditions that are not claimed.
        """

    @abc.abstractmethod
    def put_object(
        self,
        key: str,
        body: Body,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Write an object, whole or not at all.

        Readers see the old object or the new one, never a part. If
        ``body.md5`` is given, the store verifies it where it can, else the
        provider compares.

        :param metadata: all of the new object's user metadata.
        :param content_type: None means ``application/octet-stream``.
        :param system: headers of :data:`SYSTEM_HEADERS`.
        :param conditions: ``if_none_match="*"`` creates only; ``if_match``
            replaces only that version.
        :raises IntegrityError: the body was short or long or not what its
            MD5 says; the old object is still there.
        :raises PreconditionFailed: a condition does not hold.
        :raises BucketNotFound: the bucket is not there.
        :raises InvalidRequest: key, size or metadata beyond the limits.
        :raises NotSupported: a condition that is not claimed, or a body of
            unknown size if the store needs one.
        """

    @abc.abstractmethod
    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Replace *all* user metadata and system headers of an object.

        The bytes stay. Without ``metadata_post`` this costs the store a copy
        of the object onto itself.

        :param content_type: None keeps the one there is.
        :param system: the new system headers; None means none.
        :raises ObjectNotFound: it is not there.
        :raises InvalidRequest: the object cannot be changed in place, for
            instance because it is archived.
        """

    @abc.abstractmethod
    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """Delete an object; a missing one is a success.

        :returns: whether it was there; None if the store does not say.
        :raises BucketNotFound: the bucket is not there.
        """

    # -- five derived from the nine ---------------------------------------

    def update_metadata(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        remote: ObjectInfo | None = None,
        bucket: str | None = None,
    ) -> bool:
        """Merge ``metadata`` into an object's own.

        :param remote: what ``head_object`` answered, if already asked.
        :returns: whether anything had to be changed.
        """
        return derived.update_metadata(self, key, metadata, remote, bucket)

    def upload_object(
        self,
        source: SourceObject,
        *,
        bucket: str | None = None,
        on_progress: Progress | None = None,
    ) -> Upload:
        """Make the store hold ``source``, with the least work.

        One HEAD, then nothing, a POST or a PUT. Bytes are compared by MD5
        (``source.body.md5``), metadata by value.
        """
        return derived.upload_object(self, source, bucket, on_progress)

    def shunt_object(
        self, request: ShuntRequest, key: str, *, bucket: str | None = None
    ) -> ShuntResponse:
        """Answer a client's GET or HEAD of an object from this store.

        ``range`` and the four read conditions are passed on. Never raises a
        :class:`ProviderError`: it becomes a status and a short text.
        """
        return derived.shunt_object(self, request, key, bucket)

    def shunt_post(
        self, request: ShuntRequest, key: str, *, bucket: str | None = None
    ) -> ShuntResponse:
        """Replace an object's metadata by the request's headers."""
        return derived.shunt_post(self, request, key, bucket)

    def shunt_delete(
        self, request: ShuntRequest, key: str, *, bucket: str | None = None
    ) -> ShuntResponse:
        """Delete an object: 204, or 404 where the store says it was gone."""
        return derived.shunt_delete(self, request, key, bucket)


#: The names that a layer has to forward; a test compares.
CONTRACT = (
    "head_account",
    "list_buckets",
    "head_bucket",
    "list_objects",
    "head_object",
    "get_object",
    "put_object",
    "post_object",
    "delete_object",
    "update_metadata",
    "upload_object",
    "shunt_object",
    "shunt_post",
    "shunt_delete",
)
