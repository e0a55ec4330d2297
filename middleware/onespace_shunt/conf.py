# SPDX-License-Identifier: Apache-2.0
"""The mappings that the proxy knows, and when the file is read again.

A file that cannot be used never takes away what worked: the last good
mappings stay, and the log says so once for each change of the file.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from onespace_core.config import Config, ConfigError, Mapping, load
from onespace_core.config.options import ALL_CONTAINERS
from onespace_core.telemetry import statsd_client
from onespace_shunt.options import Options
from onespace_shunt.stores import Place

_MODES = frozenset({"sync", "lifecycle"})

GOOD = "good"
BROKEN = "broken"
MISSING = "missing"

_Version = tuple[int, int, int]


class Places:
    """Mappings by local name; never changes."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._places = {
            (place.mapping.account, place.mapping.container): place
            for place in places
        }
        self.by_name = {p.mapping.name: p for p in self._places.values()}

    def __bool__(self) -> bool:
        return bool(self._places)

    def find(self, account: str, container: str) -> Place | None:
        """Return the place of a container: its own, else its account's."""
        return self._places.get((account, container)) or self._places.get(
            (account, ALL_CONTAINERS)
        )


class Watched:
    """The configuration file, looked at now and then.

    :param clock: seconds that only go forward.
    :param on_change: told the state after each reading of the file.
    """

    def __init__(
        self,
        options: Options,
        logger: logging.Logger,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[str], None] = lambda _state: None,
    ) -> None:
        self._options = options
        self._logger = logger
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self._places = Places()
        self._version: _Version | None = None
        self._due = 0.0
        self.state = MISSING
        self.places_now()

    def places_now(self) -> Places:
        """Return the mappings; looks at the file if it is time to.

        One request looks and reads, the others go on with what there is.
        Never raises.
        """
        if self._clock() < self._due or not self._lock.acquire(blocking=False):
            return self._places
        try:
            self._look()
        except Exception:
            self._logger.exception("the configuration was not read")
            self.state = BROKEN
        finally:
            self._due = self._clock() + self._options.check_interval
            self._lock.release()
        return self._places

    def _look(self) -> None:
        version = self._stat()
        if version is None:
            if self.state != MISSING:
                self._logger.warning(
                    "%s is gone: no mappings", self._options.conf_file
                )
            self._places, self._version = Places(), None
            self._set(MISSING)
        elif version != self._version:
            # Noted first: a broken file is not read again until it changes.
            self._version = version
            self._read()

    def _stat(self) -> _Version | None:
        try:
            found = os.stat(self._options.conf_file)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> None:
        path = self._options.conf_file
        try:
            config = load(path)
        except ConfigError as exc:
            self._logger.error("%s; the last good mappings stay", exc)
            self._set(BROKEN)
            return
        for problem in config.problems:
            self._logger.error("%s", problem)
        if config.fatal:
            self._logger.error("%s: the last good mappings stay", path)
            self._set(BROKEN)
            return
        self._places = Places(self._merged(config))
        self._logger.info(
            "%s: %d mappings are merged", path, len(self._places.by_name)
        )
        self._set(BROKEN if config.problems else GOOD)

    def _merged(self, config: Config) -> list[Place]:
        """Return the places of a file, old ones where nothing changed."""
        settings = config.settings
        meter = statsd_client(
            settings.statsd_host,
            settings.statsd_port,
            settings.statsd_prefix,
        )
        before = self._places.by_name
        usable = {mapping.name: mapping for mapping in config.mappings}
        places = []
        for name in config.names:
            old, mapping = before.get(name), usable.get(name)
            if mapping is None:
                # It has a problem, which was logged.
                if old is not None:
                    places.append(old)
            elif not _is_merged(mapping):
                continue
            elif old is not None and old.mapping == mapping:
                old.meter = meter
                places.append(old)
            else:
                # The old one is not closed: readers may still use it.
                places.append(
                    Place(
                        mapping,
                        timeout=self._options.remote_timeout,
                        meter=meter,
                        logger=self._logger,
                    )
                )
        return places

    def _set(self, state: str) -> None:
        self.state = state
        self._on_change(state)


def _is_merged(mapping: Mapping) -> bool:
    return mapping.merge_namespaces and mapping.mode in _MODES
