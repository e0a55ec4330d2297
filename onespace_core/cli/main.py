# SPDX-License-Identifier: Apache-2.0
"""The umbrella command, ``onespace``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from onespace_core.cli import (
    check_config,
    demo,
    import_config,
    plan,
    providers,
    standalone,
    status,
)
from onespace_core.cli.version import add_version
from onespace_core.provider.errors import ConfigError, OnespaceError

_COMMANDS = (
    demo,
    standalone,
    check_config,
    status,
    plan,
    providers,
    import_config,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code.

    0 is success, 1 a failure that a message explains, 2 wrong usage or
    configuration, 130 an interruption.
    """
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does.
        _drop_output()
        return 1


def _run(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except BrokenPipeError:
        raise
    except ConfigError as exc:
        print(f"onespace {args.command}: {exc}", file=sys.stderr)
        return 2
    except (OnespaceError, OSError) as exc:
        print(f"onespace {args.command}: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onespace",
        description="One object namespace over OpenStack Swift and the "
        "clouds beside it.",
        epilog="'onespace COMMAND --help' says more of each. The daemon that "
        "copies is onespace-sync.",
    )
    add_version(parser)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND"
    )
    for module in _COMMANDS:
        module.add_parser(commands)
    return parser


def _drop_output() -> None:
    # What is still buffered would fail again, loudly, when Python ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
