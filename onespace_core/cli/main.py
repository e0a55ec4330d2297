# SPDX-License-Identifier: Apache-2.0
"""The umbrella command, ``onespace``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from onespace_core.cli import (
    check_config,
    demo,
    import_config,
    providers,
    standalone,
    status,
)
from onespace_core.provider.errors import OnespaceError

_COMMANDS = (
    demo,
    standalone,
    check_config,
    status,
    providers,
    import_config,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code.

    0 is success, 1 a failure that a message explains, 2 wrong usage or
    configuration, 130 an interruption.
    """
    parser = argparse.ArgumentParser(
        prog="onespace",
        description="One object namespace over OpenStack Swift and the "
        "clouds beside it.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND"
    )
    for module in _COMMANDS:
        module.add_parser(commands)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except OnespaceError as exc:
        print(f"onespace {args.command}: {exc}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does.
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
