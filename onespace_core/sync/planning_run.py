# SPDX-License-Identifier: Apache-2.0
"""A pass that is planned: the daemon's own code, and nothing written."""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from onespace_core.layers import ReadOnlyLayer
from onespace_core.provider import Provider
from onespace_core.state import StateStore
from onespace_core.sync.daemon import Daemon, build
from onespace_core.sync.layered import Store
from onespace_core.sync.planning import PlanningLayer
from onespace_core.sync.planning_book import Book, Tally
from onespace_core.sync.planning_state import (
    Owed,
    copied_state,
    forget_troubles,
    owed_of,
)
from onespace_core.sync.ways import STATE_FILE, Ways, require_state_dir

if TYPE_CHECKING:
    from onespace_core.config import Config, Settings
    from onespace_core.config import Mapping as Mapped
    from onespace_core.swift.internal import LocalSwift
    from onespace_core.swift.source import Source

#: Remarks of the log that are kept of each mapping.
_MOST_REMARKS = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MappingPlan:
    """What the next pass would do for a mapping.

    :param problem: why it could not be planned, or not all of it.
    :param copied: local objects whose bytes would be sent.
    :param bytes: that the store would be sent and keep, manifests too.
    :param bytes_refused: of PUTs that it would refuse, since an object is
        there; the store is looked at then, and the bytes are sent again.
    :param deleted: objects at the store that would be deleted.
    :param deleted_here: local objects that would be, and their bytes.
    :param requests: to the store, by kind.
    :param settled: rows that need nothing more, by the reason.
    :param owed: what would be left.
    :param paused: why deletions are or would be paused.
    :param remarks: of the log.
    :param names: the first objects of each kind of change.
    """

    name: str
    problem: str | None
    copied: int
    bytes: int
    bytes_refused: int
    deleted: int
    deleted_here: int
    bytes_here: int
    requests: Mapping[str, int]
    settled: Mapping[str, int]
    owed: tuple[Owed, ...]
    paused: str | None
    remarks: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]


def plan(
    config: Config, logger: logging.Logger, limit: int
) -> list[MappingPlan]:
    """Plan the next pass of all mappings of a configuration.

    Reads the local cluster, the stores and the state; writes only to a
    temporary folder. Memory does not grow with the number of rows.

    :param logger: gets the pass's messages; warnings are remarks.
    :param limit: names that are kept of each kind of change, 0 or more.
    :raises ConfigError: nothing can work; see :func:`build`.
    :raises StateError: the state cannot be read.
    """
    settings = dataclasses.replace(config.settings, statsd_host=None)
    config = dataclasses.replace(config, settings=settings)
    heard = _Heard([mapping.name for mapping in config.mappings])
    logger.addHandler(heard)
    with tempfile.TemporaryDirectory(prefix="onespace-plan-") as folder:
        ways = _Ways(folder, limit)
        daemon = build(config, logger, ways)
        try:
            daemon.poller.run_once()
            for closer in daemon.closers:
                closer()
            return [
                _result(daemon, mapping.name, ways, heard, limit)
                for mapping in config.mappings
            ]
        finally:
            daemon.close()
            logger.removeHandler(heard)


class _Ways(Ways):
    """Ways on which nothing is written but notes."""

    def __init__(self, folder: str, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._tallies: dict[str, Tally] = {}

    @property
    def path(self) -> str:
        """Of the copied state."""
        return os.path.join(self._folder, STATE_FILE)

    def tally(self, name: str) -> Tally:
        """Return a mapping's."""
        return self._tallies.setdefault(name, Tally(self._limit))

    def state(self, settings: Settings, logger: logging.Logger) -> StateStore:
        """See :meth:`Ways.state`."""
        require_state_dir(settings)
        store = copied_state(
            os.path.join(settings.state_dir, STATE_FILE), self._folder, logger
        )
        forget_troubles(store)
        return store

    def swift(self, settings: Settings) -> LocalSwift:
        """See :meth:`Ways.swift`."""
        from onespace_core.swift.internal import load_internal_client
        from onespace_core.sync.planning_local import ReadingSwift

        return ReadingSwift(
            load_internal_client(
                settings.swift_dir, settings.internal_client_path
            )
        )

    def source(self, mapping: Mapped, name: str, source: Source) -> Source:
        """See :meth:`Ways.source`."""
        from onespace_core.sync.planning_local import PlanningSource

        return PlanningSource(source, self.tally(mapping.name), name)

    def store(
        self,
        mapping: Mapped,
        plain: Provider,
        put_layers: Callable[[Provider], Store],
    ) -> Store:
        """See :meth:`Ways.store`.

        What refuses writes is next to the store: if something passes the
        plan's layer by, the plan fails.
        """
        reading = put_layers(ReadOnlyLayer(plain))
        book = Book(self.tally(mapping.name))
        return Store(
            provider=PlanningLayer(reading.provider, plain.capabilities, book),
            probe=PlanningLayer(reading.probe, plain.capabilities, book),
        )


class _Heard(logging.Handler):
    """Keeps what the log says of whole mappings.

    :param names: of the mappings.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.problems: dict[str, str] = {}
        self.remarks: dict[str, list[str]] = {name: [] for name in names}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, if it is of a mapping and not of one row."""
        args = record.args if isinstance(record.args, tuple) else ()
        subject = str(args[0]) if args else ""
        name = subject.partition(":")[0]
        if name not in self.remarks or record.module == "owed":
            return
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {record.exc_info[1]}"
        if record.levelno >= logging.ERROR and record.module in (
            "daemon",
            "poller",
        ):
            self.problems.setdefault(name, text)
        elif len(self.remarks[name]) < _MOST_REMARKS:
            self.remarks[name].append(text)


def _result(
    daemon: Daemon, name: str, ways: _Ways, heard: _Heard, limit: int
) -> MappingPlan:
    tally = ways.tally(name)
    figures = [
        recorder.figures()
        for key, recorder in daemon.recorders.items()
        if key.mapping == name
    ]
    settled: dict[str, int] = {}
    for figure in figures:
        for what, count in figure.others.items():
            settled[what] = settled.get(what, 0) + count
    health = daemon.store.health().get(name)
    problem = health[0] if health else heard.problems.get(name)
    tripped = daemon.store.breaker_tripped().get(name)
    return MappingPlan(
        name=name,
        problem=problem,
        copied=sum(figure.copied for figure in figures),
        bytes=tally.bytes,
        bytes_refused=tally.refused,
        deleted=tally.deleted,
        deleted_here=tally.deleted_here,
        bytes_here=tally.bytes_here,
        requests=dict(tally.requests),
        settled=settled,
        owed=tuple(owed_of(ways.path, name, limit)),
        paused=tripped[0] if tripped else None,
        remarks=tuple(heard.remarks[name]),
        names={kind: tuple(names) for kind, names in tally.names.items()},
    )
