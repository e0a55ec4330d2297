# SPDX-License-Identifier: Apache-2.0
"""Making the store hold a live object.

The common case is cheap: a new object costs one local GET and one PUT with
``If-None-Match: *``. Where the store has something already, HEAD and
:mod:`onespace_core.sync.decide` say what is left to do.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import closing

from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.provider import (
    ObjectInfo,
    ObjectNotFound,
    PreconditionFailed,
)
from onespace_core.swift.source import (
    LocalKind,
    LocalManifest,
    LocalObject,
    LocalReader,
    Source,
    SourceChangedError,
)
from onespace_core.sync.body import LocalBody, source_first
from onespace_core.sync.decide import Action, decide_live, is_large
from onespace_core.sync.large import (
    LargeCopier,
    LargeTask,
    logical,
    plain_manifest,
)
from onespace_core.sync.policy import SyncPolicy
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.travel import Headers, headers_for
from onespace_core.telemetry import SyncRecorder

#: Conditions that others broke in between before a row is put off.
_ROUNDS = 3
_LARGE = (LocalKind.SLO, LocalKind.DLO)


@dataclasses.dataclass(frozen=True, slots=True)
class Copied:
    """A version that the store holds now, as far as we know.

    :param local: it; a large object as a client sees it.
    :param created: whether there was nothing before, and nobody who saw that
        can write over it: see :attr:`RemoteObjects.guards_new`.
    """

    local: LocalObject
    created: bool = False


class Copier:
    """Copies the objects of one container.

    :param container: the local one's name.
    :param large: for large objects; None skips them.
    :param replacing: called with a name and its copy before that is
        replaced; what it raises keeps the copy.
    :param clock: seconds since the epoch.
    :param on_answer: called when the local cluster answered a read.
    """

    def __init__(
        self,
        remote: RemoteObjects,
        container: str,
        source: Source,
        policy: SyncPolicy,
        recorder: SyncRecorder,
        large: LargeCopier | None,
        *,
        replacing: Callable[[str, ObjectInfo], None] | None = None,
        clock: Callable[[], float] = time.time,
        on_answer: Callable[[], None] = lambda: None,
    ) -> None:
        self._remote = remote
        self._container = container
        self._source = source
        self._policy = policy
        self._recorder = recorder
        self._large = large
        self._replacing = replacing
        self._clock = clock
        # Whether the last object looked for was not at the store: then the
        # next one is probably new as well, and is created without looking.
        self._probably_new = True
        self._on_answer = on_answer

    def copy(self, row: Row, *, again: bool) -> Copied | None:
        """Make the store hold a row's object, or a newer version of it.

        :returns: None if nothing had to be copied: the store has a newer
            version, or the object is not selected.
        :raises RowWaitsError: not now.
        :raises RowSkippedError: nothing here can copy it.
        """
        # Another version may turn up half-way, since replicas differ for a
        # while: then all of them are asked.
        try:
            return self._copy_version(row, again=again, newest=False)
        except SourceChangedError:
            try:
                return self._copy_version(row, again=True, newest=True)
            except SourceChangedError as exc:
                raise RowWaitsError(str(exc)) from exc

    def put_back(self, name: str) -> None:
        """Copy an object that is there after all, whatever the store has."""
        # Without a policy: the row's is the tombstone's.
        reader = self._source.open(name, newest=True)
        if reader is not None:
            with closing(reader):
                if self._is_large(reader.info):
                    reader.close()
                    self._copy_large(reader.info, None)
                elif self._selected(reader.info):
                    self._reconcile(reader, self._remote.head(name), None)

    # -- which way --------------------------------------------------------

    def _copy_version(
        self, row: Row, *, again: bool, newest: bool
    ) -> Copied | None:
        self._remote.prepare()
        if self._policy.criteria is not None or self._is_big(row):
            local = self._head(row, newest=newest)
            if not self._selected(local):
                return None
            if self._is_large(local):
                return self._copy_large(local, row.policy_index)
        remote = None
        if not self._may_create(row, again=again):
            remote = self._remote.head(row.name)
            self._probably_new = remote is None
            if remote is not None and row.size == remote.size:
                local = self._head(row, newest=newest)
                if self._is_large(local):
                    return self._copy_large(local, row.policy_index)
                action = self._decide(local, remote)
                if action is not Action.PUT:
                    return self._finish(local, remote, action)
        with closing(self._open(row, newest=newest)) as reader:
            if self._is_large(reader.info):
                # Its bytes are a manifest; this is only about its headers.
                reader.close()
                return self._copy_large(reader.info, row.policy_index)
            return self._reconcile(reader, remote, row.policy_index)

    def _is_big(self, row: Row) -> bool:
        return self._large is not None and (
            row.size > self._policy.multipart_threshold
        )

    def _is_large(self, local: LocalObject) -> bool:
        """Return whether an object is copied in parts."""
        if self._large is None:
            return False
        if local.kind is LocalKind.PLAIN:
            return local.size > self._policy.multipart_threshold
        return local.kind in _LARGE

    def _selected(self, local: LocalObject) -> bool:
        criteria = self._policy.criteria
        if criteria is None or criteria.matches(local.headers):
            return True
        self._recorder.done("not selected")
        return False

    def _may_create(self, row: Row, *, again: bool) -> bool:
        return (
            self._probably_new
            and not again
            and not row.metadata_changed
            and self._remote.creates
        )

    # -- plain objects ----------------------------------------------------

    def _reconcile(
        self,
        reader: LocalReader,
        remote: ObjectInfo | None,
        policy_index: int | None,
    ) -> Copied | None:
        local = reader.info
        require_copyable(local)
        body = LocalBody(self._source, reader, policy_index)
        for _ in range(_ROUNDS):
            action = self._decide(local, remote)
            try:
                if remote is not None and action is not Action.PUT:
                    return self._finish(local, remote, action)
                self._put(local, body, remote)
            except PreconditionFailed:
                # Someone wrote since we looked, or we never looked.
                remote = self._remote.head(local.name)
                self._probably_new = False
                continue
            self._after_put(local, body.bytes_read, remote)
            return Copied(local, remote is None and self._remote.guards_new)
        message = "somebody else keeps writing this key"
        raise RowWaitsError(message)

    def _decide(self, local: LocalObject, remote: ObjectInfo | None) -> Action:
        traits = self._remote.traits
        action = decide_live(
            local,
            remote,
            self._headers(local, remote),
            traits,
            stamped=not self._policy.retain_local,
        )
        if action is Action.POST and traits.rewrites:
            return Action.PUT
        return action

    def _headers(
        self, local: LocalObject, remote: ObjectInfo | None
    ) -> Headers:
        return headers_for(
            local,
            remote,
            self._policy.expiry,
            object_expiry=self._remote.traits.object_expiry,
            now=self._clock(),
        )

    def _put(
        self, local: LocalObject, body: LocalBody, remote: ObjectInfo | None
    ) -> None:
        self._before_replacing(local.name, remote)
        with source_first(body):
            self._remote.put(
                local.name, body, self._headers(local, None), remote
            )

    def _before_replacing(self, name: str, remote: ObjectInfo | None) -> None:
        if remote is not None and self._replacing is not None:
            self._replacing(name, remote)

    def _after_put(
        self, local: LocalObject, bytes_read: int, remote: ObjectInfo | None
    ) -> None:
        self._recorder.copied(bytes_read)
        if remote is not None and is_large(remote):
            self._was_large(local.name, remote)
        if remote is not None or self._remote.conditions(None) is None:
            self._confirm(local)

    def _was_large(self, name: str, remote: ObjectInfo) -> None:
        """Clean up behind a large copy that a plain one has replaced."""
        if self._large is not None:
            self._large.replaced(name, remote)
        else:
            self._remote.drop_manifest(name)

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

    def _finish(
        self, local: LocalObject, remote: ObjectInfo, action: Action
    ) -> Copied | None:
        require_copyable(local)
        if action is Action.POST:
            self._relabel(local, remote)
        self._recorder.done(action.value)
        return None if action is Action.REMOTE_NEWER else Copied(local)

    def _relabel(self, local: LocalObject, remote: ObjectInfo) -> None:
        try:
            self._remote.relabel(
                local.name, self._headers(local, remote), remote
            )
        except (ObjectNotFound, PreconditionFailed) as exc:
            message = "the remote copy was changed just now"
            raise RowWaitsError(message) from exc
        # Where there is no condition for it, it may have labelled the bytes
        # of a newer version as ours.
        self._confirm(local)

    # -- large objects ----------------------------------------------------

    def _copy_large(
        self, found: LocalObject, policy_index: int | None
    ) -> Copied | None:
        assert self._large is not None  # noqa: S101 - see _is_large
        if not self._selected(found):
            return None
        manifest = self._manifest(found, policy_index)
        local = logical(found, manifest)
        for _ in range(_ROUNDS):
            remote = self._remote.head(local.name)
            action = decide_live(
                local,
                remote,
                self._headers(local, remote),
                self._remote.traits,
                stamped=True,
                etags=self._large.etags(manifest),
            )
            if action is Action.REMOTE_NEWER:
                self._recorder.done(action.value)
                return None
            task = LargeTask(
                local,
                manifest,
                remote,
                self._headers(local, None if action is Action.PUT else remote),
                policy_index,
            )
            try:
                self._apply(self._large, action, task)
            except PreconditionFailed:
                continue
            return Copied(local)
        message = "somebody else keeps writing this key"
        raise RowWaitsError(message)

    def _apply(
        self, large: LargeCopier, action: Action, task: LargeTask
    ) -> None:
        if action is Action.PUT:
            self._before_replacing(task.local.name, task.remote)
            bytes_read = large.put(task)
            self._recorder.copied(bytes_read)
            self._confirm(task.local)
            return
        if action is Action.POST:
            try:
                large.relabel(task)
            except ObjectNotFound as exc:
                message = "the remote copy was changed just now"
                raise RowWaitsError(message) from exc
            self._confirm(task.local)
        large.settle(task)
        self._recorder.done(action.value)

    def _manifest(
        self, local: LocalObject, policy_index: int | None
    ) -> LocalManifest:
        if local.kind is LocalKind.PLAIN:
            return plain_manifest(self._container, local)
        return self._source.manifest(local, policy_index=policy_index)

    # -- looking ----------------------------------------------------------

    def _open(self, row: Row, *, newest: bool) -> LocalReader:
        """Open a version that is at least as new as the row.

        A replica may lag behind the row; then all are asked.
        """
        reader = None
        for every in (False, True)[newest:]:
            reader = self._source.open(
                row.name, policy_index=row.policy_index, newest=every
            )
            self._on_answer()
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


def require_copyable(local: LocalObject) -> None:
    """Refuse what this version does not copy.

    :raises RowSkippedError: its bytes are not what a client sees.
    """
    if local.kind is not LocalKind.PLAIN:
        message = f"a {local.kind.value}: not handled by this version"
        raise RowSkippedError(message)


def _not_there_yet(missing: bool) -> RowWaitsError:
    if missing:
        return RowWaitsError("listed, but no replica has it")
    return RowWaitsError("every replica is older than the listing")
