# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands take."""

from __future__ import annotations

import argparse

#: Where the configuration is if nobody says so.
DEFAULT_CONFIG = "/etc/onespace/onespace.conf"


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``."""
    parser.add_argument(
        "--config",
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help="configuration file (default: %(default)s)",
    )


def object_count(text: str) -> int:
    """Read a number of objects; for ``type``.

    :raises ValueError: it is no number.
    :raises argparse.ArgumentTypeError: it is negative.
    """
    count = int(text)
    if count < 0:
        message = "a number of objects is 0 or more"
        raise argparse.ArgumentTypeError(message)
    return count
