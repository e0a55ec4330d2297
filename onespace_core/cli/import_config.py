# SPDX-License-Identifier: Apache-2.0
"""``onespace import-config``: 1space's JSON file becomes one of ours."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from onespace_core.config import legacy
from onespace_core.provider.errors import ConfigError

_PRIVATE = 0o600


def add_parser(subparsers: Any) -> None:  # argparse hides the type
    """Add the command to ``onespace``.

    :param subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = subparsers.add_parser(
        "import-config",
        help="convert a 1space configuration",
        description="Convert a 1space JSON file. What has no equivalent is"
        " listed on standard error. Secrets are written to FILE, which only"
        " you may read, or to a file each. Nothing is overwritten.",
    )
    parser.add_argument("source", metavar="sync.json", help="1space's file")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="new file; without it the text goes to standard output, which"
        " needs --secrets-dir",
    )
    parser.add_argument(
        "--secrets-dir",
        metavar="DIR",
        help="existing folder for files with one secret each",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert a file.

    :param args: the parsed command line: ``source``, ``output`` and
        ``secrets_dir``.
    :returns: 0 if it is written, also with notes; 2 if nothing is written.
    """
    try:
        return _run(args)
    except ConfigError as exc:
        print(f"onespace import-config: {exc}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    if args.output is None and args.secrets_dir is None:
        raise ConfigError(
            "secrets do not go to standard output",
            hint="give -o FILE or --secrets-dir DIR",
        )
    secrets_dir = args.secrets_dir and os.path.abspath(args.secrets_dir)
    document = legacy.parse(_read(args.source), args.source)
    imported = legacy.convert(document, secrets_dir=secrets_dir)
    files = {path: text + "\n" for path, text in imported.secrets.items()}
    if args.output is not None:
        files[args.output] = imported.text
    _write(files)
    if args.output is None:
        print(imported.text, end="")
    for note in imported.notes:
        print(note, file=sys.stderr)
    if args.output is not None:
        print(
            f"written; now: onespace check-config {args.output}",
            file=sys.stderr,
        )
    return 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as exc:
        raise ConfigError(
            f"cannot be read: {exc.strerror}", path=path
        ) from exc


def _write(files: dict[str, str]) -> None:
    """Write new files that only we may read; all of them or none."""
    written: list[str] = []
    try:
        for path, text in files.items():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with open(os.open(path, flags, _PRIVATE), "wb") as file:
                written.append(path)
                file.write(text.encode())
    except OSError as exc:
        for path in written:
            os.unlink(path)
        raise ConfigError(
            f"cannot be written: {exc.strerror}", path=exc.filename
        ) from exc
