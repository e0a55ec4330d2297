# SPDX-License-Identifier: Apache-2.0
"""What becomes of segments that nothing needs any more, mapping by mapping.

Which are noted, and what sweeps them, follows from the mapping's options and
its store; the rest is in :mod:`onespace_core.sync.reaping`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from onespace_core.provider import LargeObjects, Provider
from onespace_core.state import Candidate, ContainerKey, Side
from onespace_core.sync.policy import layout_of
from onespace_core.sync.reaping import GarbageStore, LocalNotes, Sweeper
from onespace_core.sync.reaping_remote import (
    RemoteNotes,
    RemoteReaper,
    store_id,
)
from onespace_core.sync.remote import RemoteObjects

if TYPE_CHECKING:
    from onespace_core.config import Mapping
    from onespace_core.swift.internal import LocalSwift
    from onespace_core.swift.source import Source
    from onespace_core.sync.reaping_local import LocalReaper


class SegmentSweeps:
    """Notes and sweeps segments for all mappings of a daemon.

    :param store: where they are noted.
    :param swift: the local cluster.
    :param source: returns a local container of a mapping, by its name.
    :param count: told of which mapping what was deleted, and how many.
    """

    def __init__(
        self,
        store: GarbageStore,
        swift: LocalSwift,
        source: Callable[[Mapping, str], Source],
        count: Callable[[Mapping, str, int], None],
        logger: logging.Logger,
    ) -> None:
        self._store = store
        self._swift = swift
        self._source = source
        self._count = count
        self._logger = logger

    def local_notes(
        self, mapping: Mapping, root: ContainerKey, source: Source
    ) -> LocalNotes | None:
        """Return what notes local segments; None where they are kept."""
        if _keeps_local(mapping):
            return None
        return LocalNotes(self._store, root, source)

    def remote_notes(
        self, mapping: Mapping, root: ContainerKey, remote: RemoteObjects
    ) -> RemoteNotes | None:
        """Return what notes segments at the store; None if it has none."""
        if not isinstance(remote.provider, LargeObjects):
            return None
        which = store_id(mapping.provider, mapping.identity)
        return RemoteNotes(self._store, root, remote, remote.provider, which)

    def sweep(
        self, mapping: Mapping, provider: Provider
    ) -> Callable[[Callable[[], bool], bool], bool]:
        """Return what deletes segments that nothing needs any more.

        It is asked with what tells whether to go on, and whether to sweep
        before it is due; it returns whether all went well.
        """
        sweepers = []
        # Else the operator wants to keep them, also those noted before.
        if not _keeps_local(mapping):
            sweepers.append(self._here(mapping, provider))
        if isinstance(provider, LargeObjects):
            sweepers.append(self._there(mapping, provider, provider))

        def sweep(go_on: Callable[[], bool], everything: bool) -> bool:
            todo = [each for each in sweepers if everything or each.due()]
            done = [each.sweep(go_on) for each in todo]
            return all(done)

        return sweep

    def _here(self, mapping: Mapping, provider: Provider) -> Sweeper:
        # Swift reads its configuration when it is imported.
        from onespace_core.sync.reaping_local import LocalReaper

        def remote(container: str) -> RemoteObjects:
            layout = layout_of(mapping, provider.KEY_SCHEME, container)
            return RemoteObjects(provider, layout)

        def reap(
            candidates: Collection[Candidate],
            go_on: Callable[[], bool],
            _before: float,
        ) -> LocalReaper:
            return LocalReaper(
                self._swift,
                mapping.account,
                partial(self._source, mapping),
                remote,
                candidates,
                go_on,
            )

        return Sweeper(
            self._store,
            mapping.name,
            Side.LOCAL,
            lambda each: each.key.account == mapping.account,
            reap,
            mapping.segment_grace,
            self._logger,
            swept=partial(self._count, mapping, "local segments"),
        )

    def _there(
        self, mapping: Mapping, provider: Provider, manifests: LargeObjects
    ) -> Sweeper:
        which = store_id(mapping.provider, mapping.identity)
        return Sweeper(
            self._store,
            mapping.name,
            Side.REMOTE,
            lambda each: each.version == which,
            partial(RemoteReaper, provider, manifests),
            mapping.segment_grace,
            self._logger,
            swept=partial(self._count, mapping, "remote segments"),
        )


def _keeps_local(mapping: Mapping) -> bool:
    return mapping.retain_local or mapping.retain_local_segments
