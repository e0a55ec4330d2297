# SPDX-License-Identifier: Apache-2.0
"""``onespace standalone``: a whole Swift in one process."""

from __future__ import annotations

import argparse
import pathlib
import shlex
import sys
import time
from collections.abc import Mapping
from typing import Any

from onespace_core.swift.standalone.conf import (
    DEFAULT_USER,
    User,
    parse_option,
    parse_user,
)
from onespace_core.swift.standalone.folder import (
    StandaloneError,
    claim,
    require_attributes,
)

_LOOPBACK = ("127.", "localhost", "::1")
_PROCESS_NAME = "onespace"


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "standalone",
        help="run a whole Swift, with S3 API, in one process and one folder",
        description=(
            "Runs a whole Swift (proxy, account, container and object "
            "servers, with the S3 API) in this process until it is stopped. "
            "It keeps one copy of each object in the folder: for trying and "
            "testing, not for the only copy of anything."
        ),
    )
    parser.add_argument(
        "folder",
        metavar="DIR",
        help="where the data is; created where missing",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8080,
        help="0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--user",
        dest="users",
        action="append",
        type=_user,
        metavar="ACCOUNT:USER:KEY",
        help=(
            "who may log in, with all rights in the account; may be repeated "
            f"(default: {DEFAULT_USER.login}:{DEFAULT_USER.key})"
        ),
    )
    parser.add_argument(
        "--shunt",
        action="append",
        type=_option,
        default=[],
        metavar="NAME=VALUE",
        help=(
            "put the shunt into the proxy, with this option of it, such as "
            "conf_file=/etc/onespace/onespace.conf; may be repeated"
        ),
    )
    parser.add_argument(
        "--verbose", action="store_true", help="log every request"
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="stop at the end of standard input too (for other programs)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; return 0, or 1 where it could not start."""
    started = time.monotonic()
    users = tuple(args.users or [DEFAULT_USER])

    from onespace_core import concurrency

    concurrency.patch()
    from onespace_core.swift.standalone import server

    _name_process()
    options = server.Options(
        host=args.host,
        port=args.port,
        users=users,
        verbose=args.verbose,
        shunt=tuple(args.shunt),
        until_stdin_closes=args.until_stdin_closes,
    )
    try:
        with claim(args.folder) as layout:
            roomy = require_attributes(layout.devices)

            def announce(info: Mapping[str, Any]) -> None:
                took = time.monotonic() - started
                print(_greeting(info, layout.folder, users[0], took))
                for note in _notes(options, roomy):
                    print(f"Note: {note}")
                sys.stdout.flush()

            server.serve(layout, options, announce)
    except StandaloneError as exc:
        print(f"onespace standalone: {exc}", file=sys.stderr)
        return 1
    return 0


def _greeting(
    info: Mapping[str, Any], folder: pathlib.Path, user: User, took: float
) -> str:
    login, key = shlex.quote(user.login), shlex.quote(user.key)
    others = [f"{u['account']}:{u['user']}" for u in info["users"][1:]]
    return f"""\
Swift is ready (process {info["pid"]}, {took:.1f} s). Data: {folder}
  Swift   {info["auth_url"]}
          user {user.login}   key {user.key}
          storage {info["url"]}/v1/AUTH_{user.account}
  S3      {info["s3_endpoint"]}   region us-east-1
          access key {user.login}   secret key {user.key}
{f"  also    {', '.join(others)}" + chr(10) if others else ""}\
Try:
  swift -A {info["auth_url"]} -U {login} -K {key} stat -v
  AWS_ACCESS_KEY_ID={login} AWS_SECRET_ACCESS_KEY={key} \
AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url {info["s3_endpoint"]} s3 ls
  curl -i -H {shlex.quote(f"X-Auth-User: {user.login}")} \
-H {shlex.quote(f"X-Auth-Key: {user.key}")} {info["auth_url"]}
Stop with Ctrl-C."""


def _notes(options: Any, roomy: bool) -> list[str]:
    notes = []
    if not roomy:
        notes.append(
            "this file system keeps only some 4 KiB of attributes for a "
            "file; an object whose name and metadata need more is refused "
            "with 507 (XFS, btrfs and tmpfs have room)"
        )
    if DEFAULT_USER in options.users and not options.host.startswith(
        _LOOPBACK
    ):
        notes.append(
            "the well-known default key is in use on an address that others "
            "may reach; set one with --user"
        )
    return notes


def _name_process() -> None:
    # What ps and top show beside the arguments; Linux only, and no matter.
    try:
        pathlib.Path("/proc/self/comm").write_text(_PROCESS_NAME)
    except OSError:
        return


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError("a port is from 0 to 65535")
    return port


def _option(text: str) -> tuple[str, str]:
    try:
        return parse_option(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _user(text: str) -> User:
    try:
        return parse_user(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None
