# SPDX-License-Identifier: Apache-2.0
"""Ways to all that a pass reads and writes: a daemon's, and a plan's."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from onespace_core.provider import ConfigError, Provider
from onespace_core.state import StateStore
from onespace_core.sync.layered import Store

if TYPE_CHECKING:
    from onespace_core.config import Mapping, Settings
    from onespace_core.swift.internal import LocalSwift
    from onespace_core.swift.source import Source

#: Name of the state file in its folder.
STATE_FILE = "sync.sqlite"


class Ways:
    """The ways to all that the daemon reads and writes; its own.

    A plan goes other ways, on which nothing is written.
    """

    def state(self, settings: Settings, logger: logging.Logger) -> StateStore:
        """Open the state.

        :raises ConfigError: there is no folder for it.
        :raises StateError: it cannot be used.
        """
        require_state_dir(settings)
        return StateStore(os.path.join(settings.state_dir, STATE_FILE), logger)

    def swift(self, settings: Settings) -> LocalSwift:
        """Return the local cluster.

        :raises ConfigError: its client cannot be loaded.
        """
        from onespace_core.swift.internal import (
            LocalSwift,
            load_internal_client,
        )

        return LocalSwift(
            load_internal_client(
                settings.swift_dir, settings.internal_client_path
            )
        )

    def source(self, mapping: Mapping, name: str, source: Source) -> Source:
        """Return a local container of a mapping, which has this name."""
        del mapping, name
        return source

    def store(
        self,
        mapping: Mapping,
        plain: Provider,
        put_layers: Callable[[Provider], Store],
    ) -> Store:
        """Return a mapping's store with its layers.

        :param plain: without any.
        :param put_layers: puts the mapping's own around a provider.
        """
        del mapping
        return put_layers(plain)


def require_state_dir(settings: Settings) -> None:
    """Make sure that there is a folder for the state.

    :raises ConfigError: there is none.
    """
    if not os.path.isdir(settings.state_dir):
        raise ConfigError(
            f"{settings.state_dir} is not a folder",
            section="DEFAULT",
            option="state_dir",
            hint="create it, writable by the user that Swift runs as",
        )
