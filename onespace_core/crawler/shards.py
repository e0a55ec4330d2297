# SPDX-License-Identifier: Apache-2.0
"""Which shards a container has.

Swift spreads the rows of a large container over *shards*: containers of a
hidden account. The root's database lists them as ranges of names, and that
list is asked, never names alone: the shards of ``foobar`` look much like
those of ``foo``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from onespace_core.concurrency import Timeout
from onespace_core.crawler.database import Database, Locator
from onespace_core.state import ContainerKey

#: Account and container of each shard of a container (account, container).
AskForShards = Callable[[str, str], Iterable[tuple[str, str]]]

#: Seconds after which a container whose database is elsewhere is asked for
#: again. It costs a request for each of them.
_ASK_AGAIN = 300.0


class ShardFinder:
    """Finds the shards of containers.

    The root's database answers where it is here, without a request; for
    others the cluster is asked now and then.

    :param locator: finds databases of this host.
    :param open_database: opens what a locator found.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        locator: Locator,
        logger: logging.Logger,
        *,
        clock: Callable[[], float],
        open_database: Callable[..., Database] = Database,
    ) -> None:
        self._locator = locator
        self._logger = logger
        self._clock = clock
        self._open_database = open_database
        self._asked: dict[ContainerKey, float] = {}
        self._found: dict[ContainerKey, list[ContainerKey]] = {}

    def find(
        self, roots: Iterable[ContainerKey], ask: AskForShards | None
    ) -> list[ContainerKey]:
        """Return the shards of containers.

        One that cannot be asked keeps the shards it had, with a warning.

        :param ask: asks the cluster; None leaves out containers whose
            database is not here.
        """
        shards: list[ContainerKey] = []
        for root in roots:
            try:
                self._find(root, ask)
            except (Exception, Timeout) as exc:  # noqa: BLE001 - never stops others
                self._logger.warning(
                    "%s: cannot tell the shards of %s/%s: %s",
                    root.mapping,
                    root.account,
                    root.container,
                    exc,
                )
            shards += self._found.get(root, ())
        return shards

    def _find(self, root: ContainerKey, ask: AskForShards | None) -> None:
        located = self._locator.locate(root.account, root.container)
        if located is not None:
            database = self._open_database(
                located, root.account, root.container, self._logger
            )
            self._note(root, database.shards())
            return
        if ask is None:
            return
        now = self._clock()
        asked = self._asked.get(root)
        if asked is None or abs(now - asked) > _ASK_AGAIN:
            self._asked[root] = now
            self._note(root, ask(root.account, root.container))

    def _note(
        self, root: ContainerKey, shards: Iterable[tuple[str, str]]
    ) -> None:
        keys = [ContainerKey(root.mapping, *shard) for shard in shards]
        strange = [key for key in keys if key.root != root]
        if strange:
            self._logger.error(
                "%s: %s/%s lists %s/%s as its shard, which has not the name "
                "of one; its rows are not followed",
                root.mapping,
                root.account,
                root.container,
                strange[0].account,
                strange[0].container,
            )
        self._found.pop(root, None)
        if keys:
            self._found[root] = [key for key in keys if key.root == root]
