# SPDX-License-Identifier: Apache-2.0
"""Where a daemon's log goes."""

from __future__ import annotations

import logging
import logging.handlers
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onespace_core.config import Settings

_FORM = "%(asctime)s %(name)s %(levelname)s: %(message)s"
_FILE_SIZE = 100 * 1024 * 1024
_FILES = 5
#: Libraries whose debug messages hold request headers, and so signatures.
_QUIET = ("botocore", "urllib3", "swiftclient", "keystoneclient", "eventlet")


def set_up_logging(
    settings: Settings, *, level: str | None = None, console: bool = False
) -> logging.Logger:
    """Send the log where the settings say; return onespace's logger.

    Libraries are held at WARNING whatever the level: what they log at DEBUG
    holds signed headers.

    :param level: overrides the settings'.
    :param console: log to standard error as well.
    :raises OSError: the log file cannot be opened.
    """
    root = logging.getLogger()
    root.setLevel((level or settings.log_level).upper())
    for handler in _handlers(settings, console=console):
        handler.setFormatter(logging.Formatter(_FORM))
        root.addHandler(handler)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return logging.getLogger("onespace")


def _handlers(settings: Settings, *, console: bool) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if console or settings.console:
        handlers.append(logging.StreamHandler())
    if settings.log_file:
        handlers.append(
            logging.handlers.RotatingFileHandler(
                settings.log_file,
                maxBytes=_FILE_SIZE,
                backupCount=_FILES,
                encoding="utf-8",
            )
        )
    if settings.use_syslog:
        handlers.append(
            logging.handlers.SysLogHandler(_address(settings.syslog_address))
        )
    return handlers


def _address(text: str) -> str | tuple[str, int]:
    """Return a socket path as it is, ``host:port`` as an address."""
    host, colon, port = text.rpartition(":")
    if text.startswith("/") or not colon:
        return text
    return host, int(port)
