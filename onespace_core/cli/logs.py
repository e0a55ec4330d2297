# SPDX-License-Identifier: Apache-2.0
"""Where a daemon's log goes."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Callable
from typing import TYPE_CHECKING

from onespace_core.provider.errors import OnespaceError

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
    :raises OnespaceError: the log file cannot be opened, or nobody listens
        at the socket of syslog.
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
    log_file, syslog = settings.log_file, settings.syslog_address
    if log_file:
        handlers.append(_opened(log_file, "log_file", _file))
    if settings.use_syslog:
        handlers.append(_opened(syslog, "syslog_address", _syslog))
    return handlers


def _opened(
    where: str, option: str, make: Callable[[str], logging.Handler]
) -> logging.Handler:
    try:
        return make(where)
    except OSError as exc:
        message = f"cannot log to {where} ({option}): {exc.strerror or exc}"
        raise OnespaceError(message) from exc


def _file(path: str) -> logging.Handler:
    return logging.handlers.RotatingFileHandler(
        path, maxBytes=_FILE_SIZE, backupCount=_FILES, encoding="utf-8"
    )


def _syslog(address: str) -> logging.Handler:
    return logging.handlers.SysLogHandler(_address(address))


def _address(text: str) -> str | tuple[str, int]:
    """Return a socket path as it is, ``host:port`` as an address."""
    host, colon, port = text.rpartition(":")
    if text.startswith("/") or not colon:
        return text
    return host, int(port)
