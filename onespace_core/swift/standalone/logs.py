# SPDX-License-Identifier: Apache-2.0
"""Where the Swift servers of a standalone write their log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any


def log_to_stderr(
    conf: Mapping[str, str],
    name: str,
    log_to_console: bool,
    log_route: str,
    fmt: str | None,
    logger: logging.Logger,
    adapted_logger: Any,
) -> None:
    """Send a logger of Swift to standard error instead of syslog.

    A ``log_custom_handlers`` hook: the parameters are Swift's.
    """
    del conf, name, log_to_console, log_route, fmt, adapted_logger
    use_stderr(logger)


def use_stderr(logger: logging.Logger) -> None:
    """Replace a logger's handlers by one for standard error.

    The formatter stays: Swift's own adds the transaction id.
    """
    formatter = None
    for handler in list(logger.handlers):
        formatter = handler.formatter or formatter
        logger.removeHandler(handler)
        handler.close()
    stderr = logging.StreamHandler(sys.__stderr__)
    stderr.setFormatter(formatter)
    logger.addHandler(stderr)
