# SPDX-License-Identifier: Apache-2.0
"""``--version`` of every program."""

from __future__ import annotations

import argparse
import importlib.metadata


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add ``--version``, which prints program and version and exits 0."""
    version = importlib.metadata.version("onespace")
    parser.add_argument(
        "--version", action="version", version=f"{parser.prog} {version}"
    )
