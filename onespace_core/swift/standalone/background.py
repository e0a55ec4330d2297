# SPDX-License-Identifier: Apache-2.0
"""The daemons of Swift that a standalone cannot do without.

They run in the servers' process, each as a greenthread that makes one pass
and rests. Without them the account would not know what its containers hold,
a listing would miss what a busy moment put aside, and expired objects would
keep their space.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Callable, Sequence

from swift.container.updater import ContainerUpdater
from swift.obj.expirer import ObjectExpirer
from swift.obj.updater import ObjectUpdater

from onespace_core.concurrency import GreenThread, Timeout, kill, sleep, spawn
from onespace_core.swift.standalone.conf import common_options
from onespace_core.swift.standalone.folder import Layout

#: Seconds from the end of one pass to the start of the next.
_REST = 3.0

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again.

    :param run: one pass.
    :param rest: seconds between two passes.
    """

    name: str
    run: Callable[[], object]
    rest: float = _REST


class _ObjectUpdater(ObjectUpdater):  # type: ignore[misc]  # no types
    """Swift's updater without its child processes.

    Swift's sweeps each device in a fork and waits for it, blocking; the
    servers that the child needs would be in the process that waits.
    """

    def _process_devices(self, devices: Sequence[str]) -> None:
        self.get_container_ring().get_nodes("")
        self.stats.reset()
        self.oldest_async_pendings.reset()
        for device in devices:
            self.object_sweep(f"{self.devices}/{device}")
            self.dump_device_recon(device)


def chores(layout: Layout, level: str) -> tuple[Chore, ...]:
    """Return what keeps a standalone right.

    :param level: least severe log level that is shown.
    """
    options = {
        **common_options(layout, level),
        "internal_client_conf_path": str(layout.internal_client_conf),
        "dequeue_from_legacy": "true",
        "interval": str(_REST),
        "account_suppression_time": "1",
        # A pass over many must leave the servers room to breathe.
        "containers_per_second": "100",
        "objects_per_second": "100",
        "conn_timeout": "10",
        "node_timeout": "60",
    }
    return (
        Chore("container-updater", ContainerUpdater(options).run_once),
        Chore("object-updater", _ObjectUpdater(options).run_once),
        Chore("object-expirer", ObjectExpirer(options).run_once),
    )


class Background:
    """Runs chores until it is stopped.

    :param work: each gets a greenthread of its own.
    """

    def __init__(self, work: Sequence[Chore]) -> None:
        self._work = work
        self._running: list[GreenThread] = []

    def start(self) -> None:
        """Begin; the first passes start after a rest."""
        for chore in self._work:
            self._running.append(spawn(functools.partial(_repeat, chore)))

    def stop(self) -> None:
        """End at once. A pass may be cut: each of its steps is atomic."""
        for thread in self._running:
            kill(thread)
        self._running.clear()


def _repeat(chore: Chore) -> None:
    while True:
        sleep(chore.rest)
        try:
            chore.run()
        # One chore that fails must not end the others, nor itself.
        except (Exception, Timeout):
            logger.exception("%s failed; it will be tried again", chore.name)
