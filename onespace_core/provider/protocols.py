# SPDX-License-Identifier: Apache-2.0
"""Abilities that a provider may have beyond the contract.

A provider offers one by having all of its methods; ask with ``isinstance``.
(A subclass takes one back by setting its methods to None.) What holds for
every method of the contract holds for these: names, errors, threads, no
retries of their own.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from onespace_core.provider.body import Body
from onespace_core.provider.large import (
    AgeRule,
    Manifest,
    OpenUpload,
    Part,
    Segment,
)
from onespace_core.provider.types import ByteRange, Conditions, PutResult

T = TypeVar("T")


@runtime_checkable
class BucketAdmin(Protocol):
    """A provider that can make and remove buckets."""

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Create a bucket; one that is ours already is a success.

        :returns: whether it is new.
        :raises AlreadyExists: somebody else has that name.
        """
        ...

    def delete_bucket(self, bucket: str | None = None) -> None:
        """Delete an empty bucket; a missing one is a success.

        :raises AlreadyExists: it still has objects (HTTP 409).
        """
        ...


@runtime_checkable
class BucketMetadata(Protocol):
    """A provider whose buckets have metadata and access lists (Swift)."""

    def post_bucket(
        self,
        metadata: Mapping[str, str],
        *,
        acl: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Merge metadata, and access lists, into a bucket's own.

        An item with an empty value is removed; what is not named stays.
        ``head_bucket`` returns the metadata.

        :param acl: ``read`` and ``write``, in Swift's notation.
        :raises BucketNotFound: it is not there.
        """
        ...


@runtime_checkable
class ObjectCopy(Protocol):
    """A provider whose store copies objects by itself."""

    def copy_object(
        self,
        source: str,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        if_match: str | None = None,
        source_bucket: str | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Copy an object, whole or not at all; no byte comes here.

        A key may be copied onto itself. The bytes of a large object arrive
        as one object.

        :param metadata: all user metadata of the copy; None keeps the
            source's, and then its content type and system headers as well
            (``content_type`` and ``system`` have to be None).
        :param content_type: None means ``application/octet-stream`` where
            ``metadata`` is given.
        :param if_match: copy only this version of the source.
        :raises ObjectNotFound: the source is not there.
        :raises PreconditionFailed: it is another version.
        :raises InvalidRequest: it is larger than ``max_object_size``, or
            archived.
        """
        ...


@runtime_checkable
class MultipartUpload(Protocol):
    """A provider that makes one object of parts sent one by one.

    Nothing is visible before ``complete_upload``, which shows the whole
    object at once. The limits are ``min_part_size``, ``max_part_size`` and
    ``max_parts`` of the capabilities.
    """

    def start_upload(
        self,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> str:
        """Begin an upload; its parts survive this process.

        Parameters as of ``put_object``, which the object will have.

        :returns: its id, a token for the other methods.
        :raises BucketNotFound: the bucket is not there.
        """
        ...

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: Body,
        *,
        bucket: str | None = None,
    ) -> Part:
        """Send a part; one of the same number is replaced.

        :param number: from 1 to ``max_parts``; gaps are fine.
        :returns: the part as the store has it, ``etag`` is what
            ``complete_upload`` needs.
        :raises IntegrityError: the body was short or long or not what its
            MD5 says; the part is not there.
        :raises ObjectNotFound: there is no such upload (any more).
        """
        ...

    def copy_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        source: str,
        *,
        byte_range: ByteRange | None = None,
        if_match: str | None = None,
        source_bucket: str | None = None,
        bucket: str | None = None,
    ) -> Part:
        """Make a part of an object that the store has.

        :param byte_range: with both ends; None means the whole object.
        :param if_match: copy only this version of the source.
        :raises ObjectNotFound: the source or the upload is not there.
        :raises PreconditionFailed: the source is another version.
        :raises NotSupported: without ``part_copy``.
        """
        ...

    def list_parts(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> Sequence[Part]:
        """Return all parts that the store has, by number.

        :raises ObjectNotFound: there is no such upload (any more).
        """
        ...

    def complete_upload(
        self,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Make the object of these parts, in the order of their numbers.

        :param parts: one or more, as they were returned.
        :param conditions: as of ``put_object``.
        :raises ObjectNotFound: there is no such upload: it was aborted, or
            an earlier try completed it.
        :raises InvalidRequest: a part is not there, has another ETag, or is
            too small; the upload is still open.
        :raises PreconditionFailed: a condition does not hold; likewise.
        """
        ...

    def abort_upload(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> None:
        """Give an upload and its parts up; a missing one is a success."""
        ...

    def list_uploads(
        self, *, prefix: str = "", bucket: str | None = None
    ) -> Iterator[OpenUpload]:
        """Yield uploads that are neither completed nor aborted.

        In no special order; page by page as it is consumed. One upload may
        be missing that was begun meanwhile.
        """
        ...


@runtime_checkable
class LargeObjects(Protocol):
    """A provider with Swift's manifests: objects made of other objects.

    Reading such a key gives the bytes of all segments; ``delete_object``
    deletes the manifest alone. See "Static Large Objects" and "Dynamic
    Large Objects" in Swift's documentation.
    """

    def put_manifest(
        self,
        key: str,
        segments: Sequence[Segment],
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Write a static large object, whole or not at all.

        The store verifies that every segment is there with its size and
        ETag. Other parameters as of ``put_object``.

        :raises InvalidRequest: a segment is missing or differs, or there
            are too many; the old object is still there.
        """
        ...

    def put_dynamic_manifest(
        self,
        key: str,
        prefix: str,
        *,
        segments_bucket: str,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Write a dynamic large object: all that a listing finds.

        :param prefix: of the segments' keys, taken as it is.
        :param segments_bucket: where they are.
        """
        ...

    def get_manifest(
        self, key: str, *, bucket: str | None = None
    ) -> Manifest | None:
        """Return the manifest behind a key; None if it is a plain object.

        :raises ObjectNotFound: nothing is there.
        """
        ...


@runtime_checkable
class AgeRules(Protocol):
    """A provider whose store ages objects by rules of the bucket (S3).

    Rules of others are never changed.
    """

    def put_age_rule(
        self, rule: AgeRule, *, bucket: str | None = None
    ) -> bool:
        """Add a rule, or replace the one with its id.

        :returns: whether anything had to be changed.
        :raises AlreadyExists: an enabled rule of somebody else that is for
            all of ours, or for just the same prefix; nothing is changed.
        """
        ...

    def drop_age_rule(
        self, rule_id: str, *, bucket: str | None = None
    ) -> bool:
        """Remove a rule; return whether it was there."""
        ...


#: Every protocol above with the names of its methods; what a layer has to
#: forward, and what the contract suite looks at.
PROTOCOLS: Mapping[type, tuple[str, ...]] = {
    BucketAdmin: ("create_bucket", "delete_bucket"),
    BucketMetadata: ("post_bucket",),
    ObjectCopy: ("copy_object",),
    MultipartUpload: (
        "start_upload",
        "upload_part",
        "copy_part",
        "list_parts",
        "complete_upload",
        "abort_upload",
        "list_uploads",
    ),
    LargeObjects: ("put_manifest", "put_dynamic_manifest", "get_manifest"),
    AgeRules: ("put_age_rule", "drop_age_rule"),
}


@functools.cache
def withholding(kind: type[T], protocols: frozenset[type]) -> type[T]:
    """Return a subclass that does not offer some of :data:`PROTOCOLS`.

    For a class whose instances differ in what they offer: ``isinstance``
    looks at the class first, so that no attribute of an instance can take a
    protocol back. The subclass has the same name; it is the same one each
    time.

    :param kind: a class; itself if nothing is to be withheld.
    """
    names = [name for each in protocols for name in PROTOCOLS[each]]
    if not names:
        return kind
    same = {
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
    }
    return types.new_class(
        kind.__name__,
        (kind,),
        exec_body=lambda body: body.update({**same, **dict.fromkeys(names)}),
    )
