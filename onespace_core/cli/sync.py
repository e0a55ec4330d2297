# SPDX-License-Identifier: Apache-2.0
"""The daemon's command, ``onespace-sync``."""

from __future__ import annotations

import argparse
import errno
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from onespace_core import concurrency
from onespace_core.cli.arguments import add_config
from onespace_core.cli.version import add_version
from onespace_core.provider.errors import ConfigError, OnespaceError

if TYPE_CHECKING:
    from onespace_core.config import Config
    from onespace_core.sync.daemon import Daemon

_LOCK = "onespace-sync.lock"
#: What an operator has to mend; all else, such as a full disk, may pass.
_WRONG_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon, or one pass; return the exit code.

    0: stopped as asked, or everything is done (``--once``), or there is no
    configuration file (so that a supervisor does not restart for ever).
    1: something is left undone (``--once``), or it cannot run here.
    2: the configuration cannot be used. 130: a pass was interrupted; what
    was under way is done again by the next one.
    """
    concurrency.patch()
    args = _parser().parse_args(argv)
    if not os.path.exists(args.config):
        print(
            f"onespace-sync: the configuration file {args.config} does not "
            "exist; nothing to do",
            file=sys.stderr,
        )
        return 0
    try:
        return _run(args)
    except ConfigError as exc:
        print(f"onespace-sync: {exc}", file=sys.stderr)
        return 2
    except (OnespaceError, OSError) as exc:
        print(f"onespace-sync: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onespace-sync",
        description="Keep stores equal to containers of the local Swift, as "
        "the mappings in the configuration say. Runs until SIGTERM or "
        "Ctrl-C.",
        epilog="'onespace check-config' checks the configuration first; "
        "'onespace status' shows what is owed.",
    )
    add_version(parser)
    add_config(parser)
    parser.add_argument(
        "--once",
        action="store_true",
        help="do all that can be done now, then exit",
    )
    parser.add_argument(
        "--resume-deletes",
        metavar="MAPPING",
        help="let the paused deletions of a mapping go through, and exit; "
        "works beside a running daemon",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="overrides log_level of the configuration",
    )
    parser.add_argument(
        "--console",
        action="store_true",
        help="log to standard error as well",
    )
    return parser


def _run(args: argparse.Namespace) -> int:
    from onespace_core import config as configuration
    from onespace_core.cli.logs import set_up_logging

    config = configuration.load(args.config)
    if args.resume_deletes is not None:
        return _resume_deletes(config, args.resume_deletes)
    if config.fatal or not config.mappings:
        _print_problems(config)
        return 2
    logger = set_up_logging(
        config.settings, level=args.log_level, console=args.console
    )
    for problem in config.problems:
        logger.error("%s; other mappings go on", problem)
    export_proxies(config)
    require_devices(config.settings.devices)
    with _locked(config.settings.state_dir):
        from onespace_core.sync.daemon import build

        daemon = build(config, logger)
        try:
            if args.once:
                return _once(daemon, config, logger)
            return _forever(daemon, config, logger)
        finally:
            daemon.close()


def _resume_deletes(config: Config, mapping: str) -> int:
    """Let paused deletions go through; a daemon notices by itself."""
    from onespace_core.state import Access, StateStore
    from onespace_core.sync.ways import STATE_FILE

    if config.fatal:
        _print_problems(config)
        return 2
    names = config.names
    if mapping not in names:
        raise ConfigError(
            f"there is no [mapping:{mapping}]",
            path=config.path,
            hint=f"there are: {', '.join(sorted(names)) or 'none'}",
        )
    path = os.path.join(config.settings.state_dir, STATE_FILE)
    if not os.path.exists(path):
        message = f"there is no state in {config.settings.state_dir}"
        raise OnespaceError(message)
    # Not under the lock of the state folder: the daemon has it.
    store = StateStore(
        path, logging.getLogger("onespace"), access=Access.GUEST
    )
    try:
        granted = store.resume_deletions(mapping, time.time())
    finally:
        store.close()
    if granted is None:
        print(f"mapping {mapping}: deletions are not paused")
    else:
        print(f"mapping {mapping}: {granted} deletions go through")
    return 0


def _print_problems(config: Config) -> None:
    problems = config.problems or (
        ConfigError(
            "there is no mapping",
            hint="add a [mapping:NAME] section",
        ),
    )
    for problem in problems:
        print(f"onespace-sync: {problem}", file=sys.stderr)


def require_devices(devices: str) -> None:
    """Refuse what would look like a node without any container.

    :raises ConfigError: there is no such folder.
    """
    if not os.path.isdir(devices):
        raise ConfigError(
            f"{devices} is not a folder",
            section="DEFAULT",
            option="devices",
            hint="it has a folder for each device of this Swift node",
        )


def export_proxies(config: Config) -> None:
    """Let libraries that look at the environment use the proxies too."""
    settings = config.settings
    for name, value in (
        ("http_proxy", settings.http_proxy),
        ("https_proxy", settings.https_proxy),
    ):
        if value:
            os.environ[name] = value


class _locked:  # noqa: N801 - used as a function, `with _locked(...)`
    """Hold the lock of a state folder.

    :raises ConfigError: the folder is missing or not writable.
    :raises OnespaceError: another process has it, or the disk is full.
    """

    def __init__(self, state_dir: str) -> None:
        self._state_dir = state_dir
        path = os.path.join(state_dir, _LOCK)
        try:
            self._file: IO[str] = open(  # noqa: SIM115 - held until __exit__
                path, "a+", encoding="ascii"
            )
        except OSError as exc:
            raise _cannot_write(state_dir, exc) from exc
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            message = (
                f"another onespace-sync (pid {owner}) works in {state_dir}; "
                "stop it first, or use another state_dir"
            )
            raise OnespaceError(message) from exc

    def __enter__(self) -> None:
        try:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(str(os.getpid()))
            self._file.flush()
        except OSError as exc:
            raise _cannot_write(self._state_dir, exc) from exc

    def __exit__(self, *exc: object) -> None:
        self._file.close()


def works_in(state_dir: str) -> str | None:
    """Return the process that holds a state folder's lock; None: nobody.

    Changes nothing, but asks for the lock: a daemon that starts at that very
    moment would be refused.
    """
    try:
        with open(os.path.join(state_dir, _LOCK), encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except OSError:
        return None
    return None


def _cannot_write(state_dir: str, exc: OSError) -> OnespaceError:
    reason = f"cannot write to {state_dir}: {exc.strerror}"
    if exc.errno not in _WRONG_FOLDER:
        return OnespaceError(reason)
    return ConfigError(
        reason,
        section="DEFAULT",
        option="state_dir",
        hint="create it, writable by the user that Swift runs as",
    )


def _once(daemon: Daemon, config: Config, logger: logging.Logger) -> int:
    # As an exception, Ctrl-C would be lost in whichever greenthread it hits.
    # A pass may end at any moment: what is saved is always right.
    signal.signal(signal.SIGINT, lambda *_args: os._exit(130))
    daemon.poller.run_once()
    _report(daemon, logger)
    if config.problems:
        return 2
    owed = [s for s in daemon.store.summaries() if s.failed or s.waiting]
    if owed or daemon.problems or daemon.poller.broken:
        logger.error(
            "something is left undone; 'onespace status --config %s' lists it",
            config.path,
        )
        return 1
    return 0


def _forever(daemon: Daemon, config: Config, logger: logging.Logger) -> int:
    def stop(_signum: int, _frame: object) -> None:
        # No logging here: the signal may have come in the middle of it.
        daemon.poller.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    logger.info("following %d mappings", len(config.mappings))
    daemon.poller.run_forever()
    logger.info("stopping, as a signal asked")
    try:
        with concurrency.Timeout(config.settings.stop_timeout):
            daemon.poller.wait()
    except concurrency.Timeout:
        logger.warning(
            "rows were still under way after %d s; they are done again at "
            "the next start",
            config.settings.stop_timeout,
        )
    _report(daemon, logger)
    return 0


def _report(daemon: Daemon, logger: logging.Logger) -> None:
    figures = [recorder.figures() for recorder in daemon.recorders.values()]
    others: dict[str, int] = {}
    for figure in figures:
        for name, count in figure.others.items():
            others[name] = others.get(name, 0) + count
    owed = daemon.store.summaries()
    scheduled = sum(summary.scheduled for summary in owed)
    logger.info(
        "copied %d objects (%d bytes), deleted %d%s; failed %d, waiting %d, "
        "skipped %d%s",
        sum(figure.copied for figure in figures),
        sum(figure.bytes for figure in figures),
        sum(figure.deleted for figure in figures),
        "".join(f", {name} {n}" for name, n in sorted(others.items())),
        sum(summary.failed for summary in owed),
        sum(summary.waiting for summary in owed),
        sum(summary.skipped for summary in owed),
        f", scheduled {scheduled}" if scheduled else "",
    )


if __name__ == "__main__":
    sys.exit(main())
