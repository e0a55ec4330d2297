# SPDX-License-Identifier: Apache-2.0
"""A container's objects at the store, by their local names."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from onespace_core.namespace.keys import KeyLayout
from onespace_core.provider import (
    Body,
    BucketNotFound,
    Conditions,
    KeyScheme,
    MultipartUpload,
    ObjectCopy,
    ObjectInfo,
    ObjectNotFound,
    PreconditionFailed,
    Provider,
)
from onespace_core.sync.body import source_first
from onespace_core.sync.decide import RemoteTraits
from onespace_core.sync.last_look import LastLook
from onespace_core.sync.stamp import STAMP
from onespace_core.sync.travel import Headers


class Preparation(Protocol):
    """Makes the remote container where the mapping makes them."""

    def __call__(self) -> None:
        """Make it, unless that was done."""
        ...

    def forget(self) -> None:
        """It turned out not to be there: make it the next time."""
        ...


class RemoteObjects:
    """Where the copies are; what is written here is written under a condition.

    :param provider: the store, with its retry layer.
    :param layout: where the container's objects live in it.
    :param prepare: makes the remote container; None where an operator does.
    :param only: whether a copy may be the only one, since local objects are
        deleted: then nothing newer may ever be replaced.
    :ivar guards_new: whether whoever has found nothing at a key can only
        create there: a write of theirs that is late replaces nothing.
    :ivar guards_all: whether no write can replace what its writer has not
        seen.
    """

    def __init__(
        self,
        provider: Provider,
        layout: KeyLayout,
        prepare: Preparation | None = None,
        *,
        only: bool = False,
    ) -> None:
        self.provider = provider
        self.layout = layout
        self._prepare = prepare
        self._only = only
        capabilities = provider.capabilities
        parts = isinstance(provider, MultipartUpload)
        self.guards_new = capabilities.conditional_put and (
            capabilities.conditional_complete or not parts
        )
        self.guards_all = (
            self.guards_new
            and capabilities.conditional_replace
            and (capabilities.conditional_complete_replace or not parts)
        )
        # A store that copies onto itself can be told which version.
        self._copies = not capabilities.metadata_post and isinstance(
            provider, ObjectCopy
        )
        self.traits = RemoteTraits(
            etag_is_md5=capabilities.etag_is_md5,
            relabels_safely=self._copies,
            # The store reads first and shows the copy later: what was
            # written in between is replaced.
            rewrites=only and self._copies and self.guards_all,
            object_expiry=capabilities.object_expiry,
        )

    @property
    def prepared(self) -> bool:
        """Whether the remote container is one that we make."""
        return self._prepare is not None

    @property
    def creates(self) -> bool:
        """Whether an object can be created without looking first."""
        return self.provider.capabilities.conditional_put

    def prepare(self) -> None:
        """Make the remote container, unless that was done."""
        if self._prepare is not None:
            self._prepare()

    def forget(self) -> None:
        """Note that the remote container is not there."""
        if self._prepare is not None:
            self._prepare.forget()

    def head(self, name: str) -> ObjectInfo | None:
        """Return the copy of an object, or None."""
        try:
            return self.provider.head_object(
                self.layout.key(name), bucket=self.layout.bucket
            )
        except ObjectNotFound:
            return None
        except BucketNotFound:
            if self._prepare is None:
                raise
            # We make it before we copy.
            self._prepare.forget()
            return None

    def conditions(self, remote: ObjectInfo | None) -> Conditions | None:
        """Return what keeps a write from replacing what we have not seen."""
        capabilities = self.provider.capabilities
        if remote is None:
            if capabilities.conditional_put:
                return Conditions(if_none_match="*")
        elif capabilities.conditional_replace and remote.etag:
            return Conditions(if_match=remote.etag)
        return None

    def put(
        self,
        name: str,
        body: Body,
        headers: Headers,
        remote: ObjectInfo | None,
    ) -> None:
        """Write a copy.

        :param remote: what it replaces.
        :raises PreconditionFailed: something else is there by now.
        """
        conditions = self.conditions(remote)
        try:
            if conditions is not None or not self._only:
                self._put(name, body, headers, conditions)
                return
            watched = LastLook(
                body, partial(self.check_unchanged, name, remote)
            )
            with source_first(watched):
                self._put(name, watched, headers, None)
        except BucketNotFound:
            self.forget()
            raise

    def _put(
        self,
        name: str,
        body: Body,
        headers: Headers,
        conditions: Conditions | None,
    ) -> None:
        self.provider.put_object(
            self.layout.key(name),
            body,
            metadata=headers.metadata,
            content_type=headers.content_type,
            system=headers.system,
            conditions=conditions,
            bucket=self.layout.bucket,
        )

    def check_unchanged(self, name: str, remote: ObjectInfo | None) -> None:
        """Look whether the copy is still the one that was seen.

        :raises PreconditionFailed: it is another one by now.
        """
        if _seen(self.head(name)) != _seen(remote):
            reason = "somebody else has written it meanwhile"
            raise PreconditionFailed(reason, key=self.layout.key(name))

    def relabel(self, name: str, headers: Headers, remote: ObjectInfo) -> None:
        """Write all that is beside the bytes of a copy.

        :raises ObjectNotFound: it is gone.
        :raises PreconditionFailed: it is another one by now, if the store
            can tell.
        """
        key, bucket = self.layout.key(name), self.layout.bucket
        if self._copies and isinstance(self.provider, ObjectCopy):
            self.provider.copy_object(
                key,
                key,
                metadata=headers.metadata,
                content_type=headers.content_type,
                system=headers.system,
                if_match=remote.etag,
                source_bucket=bucket,
                bucket=bucket,
            )
            return
        self.provider.post_object(
            key,
            headers.metadata,
            content_type=headers.content_type,
            system=headers.system,
            bucket=bucket,
        )

    def delete(self, name: str) -> None:
        """Delete a copy; a large object's manifest alone."""
        self.provider.delete_object(
            self.layout.key(name), bucket=self.layout.bucket
        )

    def drop_manifest(self, name: str) -> None:
        """Delete the manifest that is kept beside a large object's bytes."""
        if self.provider.KEY_SCHEME is KeyScheme.HASHED:
            self.provider.delete_object(
                self.layout.manifest_key(name), bucket=self.layout.bucket
            )


def _seen(info: ObjectInfo | None) -> tuple[str | None, str | None] | None:
    """Return what tells one copy from another."""
    return None if info is None else (info.etag, info.metadata.get(STAMP))
