# SPDX-License-Identifier: Apache-2.0
"""Doing what a row asks for: local container → one store.

The common case is cheap: a new object costs one local GET and one PUT with
``If-None-Match: *``. Where the store has something already, HEAD and
:mod:`onespace_core.sync.decide` say what is left to do.
"""

from __future__ import annotations

import dataclasses
import re
from contextlib import closing
from typing import Protocol

from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.namespace.keys import KeyLayout
from onespace_core.provider import (
    BucketNotFound,
    Conditions,
    KeyScheme,
    ObjectInfo,
    ObjectNotFound,
    PermissionDenied,
    PreconditionFailed,
    Provider,
    ProviderError,
    TransientError,
    Unauthenticated,
)
from onespace_core.swift.source import (
    LocalKind,
    LocalObject,
    LocalReader,
    Source,
    SourceChangedError,
    SourceError,
)
from onespace_core.sync.body import LocalBody
from onespace_core.sync.decide import (
    Action,
    RemoteTraits,
    decide_live,
    decide_tombstone,
    is_large,
)
from onespace_core.sync.stamp import STAMP, Stamp, user_metadata
from onespace_core.telemetry import SyncRecorder

#: Conditions that others broke in between before a row is put off.
_ROUNDS = 3
#: Rows in a row whose objects cannot be read before it is an outage.
_SOURCE_LIMIT = 20
#: Errors that may be the whole store's.
_STORE_ERRORS = (
    BucketNotFound,
    PermissionDenied,
    TransientError,
    Unauthenticated,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    """What an operator chose for a mapping.

    :param propagate_delete: whether a deletion here is one there.
    :param exclude: object names to leave alone, matched from the start;
        None excludes nothing.
    """

    propagate_delete: bool = True
    exclude: re.Pattern[str] | None = None


class Preparation(Protocol):
    """Makes the remote container where the mapping makes them."""

    def __call__(self) -> None:
        """Make it, unless that was done."""
        ...

    def forget(self) -> None:
        """It turned out not to be there: make it the next time."""
        ...


class SyncEngine:
    """Keeps the store equal to one container; a crawler ``Handler``.

    :param provider: the store, with its retry layer.
    :param probe: the same store without one, to ask whether it is there.
    :param layout: where the container's objects live in it.
    :param source: the container.
    :param recorder: told of everything that was done.
    :param prepare: called before a copy; None where an operator makes the
        remote container.
    """

    def __init__(
        self,
        provider: Provider,
        probe: Provider,
        layout: KeyLayout,
        source: Source,
        policy: SyncPolicy,
        recorder: SyncRecorder,
        *,
        prepare: Preparation | None = None,
    ) -> None:
        self._provider = provider
        self._probe = probe
        self._layout = layout
        self._source = source
        self._policy = policy
        self._recorder = recorder
        self._prepare = prepare
        self._traits = RemoteTraits(
            etag_is_md5=provider.capabilities.etag_is_md5
        )
        # Whether the last object looked for was not at the store: then the
        # next one is probably new as well, and is created without looking.
        self._probably_new = True
        # Rows in a row that the local cluster did not give us.
        self._source_failures = 0

    # -- Handler ----------------------------------------------------------

    def handle(self, row: Row, *, again: bool) -> None:
        """See :class:`onespace_core.crawler.outcome.Handler`."""
        exclude = self._policy.exclude
        if exclude is not None and exclude.match(row.name):
            self._recorder.done("excluded")
        elif not row.deleted:
            try:
                self._copy(row, again=again)
            except SourceError:
                self._source_failures += not again
                raise
        elif self._policy.propagate_delete:
            self._delete(row, again=again)
        else:
            self._recorder.done("delete not propagated")

    def outage(self, exc: Exception) -> str | None:
        """Probe the bucket if the error may be the whole store's.

        A local cluster that gave none of the last rows counts as well: else
        every row of a backlog would go to the ledger one by one. (What is
        tried again does not count: some objects may be gone for good.)
        """
        if isinstance(exc, SourceError):
            if self._source_failures < _SOURCE_LIMIT:
                return None
            return f"the local cluster does not give its objects: {exc}"
        if not isinstance(exc, _STORE_ERRORS):
            return None
        if isinstance(exc, PermissionDenied) and self._recorder.succeeded:
            # Others go through: this one key is refused.
            return None
        if isinstance(exc, BucketNotFound) and self._prepare is not None:
            # One container's, and we make it: others go on.
            return None
        try:
            self._probe.head_bucket(self._layout.bucket)
        except BucketNotFound as probe:
            return self._where(probe) if self._prepare is None else None
        except ProviderError as probe:
            return self._where(probe)
        return None

    def _where(self, error: ProviderError) -> str:
        return f"{self._probe.location}: {error}"

    # -- live rows --------------------------------------------------------

    def _copy(self, row: Row, *, again: bool) -> None:
        # Another version may turn up half-way, since replicas differ for a
        # while: then all of them are asked.
        try:
            self._copy_version(row, again=again, newest=False)
        except SourceChangedError:
            try:
                self._copy_version(row, again=True, newest=True)
            except SourceChangedError as exc:
                raise RowWaitsError(str(exc)) from exc

    def _copy_version(self, row: Row, *, again: bool, newest: bool) -> None:
        if self._prepare is not None:
            self._prepare()
        if self._may_create(row, again=again):
            with closing(self._open(row, newest=newest)) as reader:
                self._reconcile(reader, None, row.policy_index)
            return
        remote = self._remote(row.name)
        self._probably_new = remote is None
        if remote is not None and row.size == remote.size:
            local = self._head(row, newest=newest)
            action = decide_live(local, remote, self._traits)
            if action is not Action.PUT:
                self._finish(local, action)
                return
        with closing(self._open(row, newest=newest)) as reader:
            self._reconcile(reader, remote, row.policy_index)

    def _may_create(self, row: Row, *, again: bool) -> bool:
        return (
            self._probably_new
            and not again
            and not row.metadata_changed
            and self._provider.capabilities.conditional_put
        )

    def _reconcile(
        self,
        reader: LocalReader,
        remote: ObjectInfo | None,
        policy_index: int | None,
    ) -> None:
        local = reader.info
        _require_plain(local)
        body = LocalBody(self._source, reader, policy_index)
        for _ in range(_ROUNDS):
            action = decide_live(local, remote, self._traits)
            if action is not Action.PUT:
                self._finish(local, action)
                return
            try:
                self._put(local, body, remote)
            except PreconditionFailed:
                # Someone wrote since we looked, or we never looked.
                remote = self._remote(local.name)
                self._probably_new = False
                continue
            self._after_put(local, body, remote)
            return
        message = "somebody else keeps writing this key"
        raise RowWaitsError(message)

    def _put(
        self, local: LocalObject, body: LocalBody, remote: ObjectInfo | None
    ) -> None:
        try:
            self._provider.put_object(
                self._layout.key(local.name),
                body,
                metadata=_stamped(local),
                content_type=local.content_type,
                system=local.system,
                conditions=self._conditions(remote),
                bucket=self._layout.bucket,
            )
        except ProviderError as exc:
            if body.failure is not None:
                raise body.failure from None
            if isinstance(exc, BucketNotFound) and self._prepare is not None:
                self._prepare.forget()
            raise

    def _conditions(self, remote: ObjectInfo | None) -> Conditions | None:
        capabilities = self._provider.capabilities
        if remote is None:
            if capabilities.conditional_put:
                return Conditions(if_none_match="*")
        elif capabilities.conditional_replace and remote.etag:
            return Conditions(if_match=remote.etag)
        return None

    def _after_put(
        self, local: LocalObject, body: LocalBody, remote: ObjectInfo | None
    ) -> None:
        self._recorder.copied(body.bytes_read)
        if remote is not None and is_large(remote):
            self._drop_manifest(local.name)
        if remote is not None or self._conditions(None) is None:
            self._confirm(local)

    def _confirm(self, local: LocalObject) -> None:
        """Look whether a write may have been late.

        While it was under way, another node may have copied a newer
        version, which ours has then replaced. (A condition does not help
        where the newer version has the same bytes.) Every replica is asked:
        the one that gave us the older version would give it again.
        """
        now = self._source.head(local.name, newest=True)
        if now is not None and now.timestamp > local.timestamp:
            message = "it changed while it was copied"
            raise RowWaitsError(message)

    def _finish(self, local: LocalObject, action: Action) -> None:
        _require_plain(local)
        if action is Action.POST:
            self._post(local)
        self._recorder.done(action.value)

    def _post(self, local: LocalObject) -> None:
        try:
            self._provider.post_object(
                self._layout.key(local.name),
                _stamped(local),
                content_type=local.content_type,
                system=local.system,
                bucket=self._layout.bucket,
            )
        except ObjectNotFound as exc:
            message = "the remote copy was deleted just now"
            raise RowWaitsError(message) from exc
        # There is no condition for it: it may have labelled the bytes of a
        # newer version as ours.
        self._confirm(local)

    # -- tombstones -------------------------------------------------------

    def _delete(self, row: Row, *, again: bool) -> None:
        remote = self._remote(row.name)
        local = None
        if remote is not None or again:
            local = self._source.head(row.name, newest=True)
        action = decide_tombstone(row.timestamp, remote, local)
        if action is Action.DELETE and remote is not None:
            self._remove(row, remote)
        elif remote is None and local is not None:
            # An earlier try deleted it, and could not put it back.
            self._put_back(row.name)
        if action is Action.REMOTE_NEWER or local is not None:
            self._recorder.done("delete superseded")
        else:
            self._recorder.deleted()

    def _remove(self, row: Row, remote: ObjectInfo) -> None:
        large = is_large(remote)
        if large and self._provider.KEY_SCHEME is KeyScheme.PLAIN:
            message = "a large object at the remote: this version leaves it"
            raise RowSkippedError(message)
        self._provider.delete_object(
            self._layout.key(row.name), bucket=self._layout.bucket
        )
        if large:
            self._drop_manifest(row.name)
        # Between our look and the delete somebody may have written the
        # object again and another node copied it: put it back.
        self._put_back(row.name)

    def _put_back(self, name: str) -> None:
        # Without a policy: the row's is the tombstone's.
        reader = self._source.open(name, newest=True)
        if reader is not None:
            with closing(reader):
                self._reconcile(reader, self._remote(name), None)

    def _drop_manifest(self, name: str) -> None:
        if self._provider.KEY_SCHEME is KeyScheme.HASHED:
            self._provider.delete_object(
                self._layout.manifest_key(name), bucket=self._layout.bucket
            )

    # -- looking ----------------------------------------------------------

    def _remote(self, name: str) -> ObjectInfo | None:
        try:
            return self._provider.head_object(
                self._layout.key(name), bucket=self._layout.bucket
            )
        except ObjectNotFound:
            return None
        except BucketNotFound:
            if self._prepare is None:
                raise
            # We make it before we copy.
            self._prepare.forget()
            return None

    def _open(self, row: Row, *, newest: bool) -> LocalReader:
        """Open a version that is at least as new as the row.

        A replica may lag behind the row; then all are asked.
        """
        reader = None
        for every in (False, True)[newest:]:
            reader = self._source.open(
                row.name, policy_index=row.policy_index, newest=every
            )
            self._source_failures = 0
            if reader is not None:
                if reader.info.timestamp >= row.timestamp:
                    return reader
                reader.close()
        raise _not_there_yet(reader is None)

    def _head(self, row: Row, *, newest: bool) -> LocalObject:
        local = None
        for every in (False, True)[newest:]:
            local = self._source.head(
                row.name, policy_index=row.policy_index, newest=every
            )
            if local is not None and local.timestamp >= row.timestamp:
                return local
        raise _not_there_yet(local is None)


def _not_there_yet(missing: bool) -> RowWaitsError:
    if missing:
        return RowWaitsError("listed, but no replica has it")
    return RowWaitsError("every replica is older than the listing")


def _require_plain(local: LocalObject) -> None:
    if local.kind is not LocalKind.PLAIN:
        message = f"a {local.kind.value}: not handled by this version"
        raise RowSkippedError(message)


def _stamped(local: LocalObject) -> dict[str, str]:
    return {
        **user_metadata(local.metadata),
        STAMP: Stamp(local.timestamp, local.etag).encode(),
    }
