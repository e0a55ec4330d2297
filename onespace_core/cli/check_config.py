# SPDX-License-Identifier: Apache-2.0
"""``onespace check-config``: is a configuration file right?"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping as MappingABC
from typing import Any

from onespace_core import config as configuration
from onespace_core.cli.arguments import DEFAULT_CONFIG
from onespace_core.config import Config, Mapping
from onespace_core.provider.errors import ConfigError, PluginError
from onespace_core.provider.registry import Registry
from onespace_core.provider.types import KeyScheme

_OK, _BAD = 0, 2


def add_parser(subparsers: Any) -> None:  # argparse hides the type
    """Add the command to ``onespace``.

    :param subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = subparsers.add_parser(
        "check-config",
        help="check a configuration file",
        description="Check a configuration file. Prints everything that is"
        " wrong with it, and where each mapping goes that can be used. Makes"
        " no request to a store. Exit code 0 if nothing is wrong, else 2.",
    )
    parser.add_argument(
        "path",
        nargs="?",
        default=DEFAULT_CONFIG,
        metavar="PATH",
        help="configuration file (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(
    args: argparse.Namespace,
    registry: Registry | None = None,
    environ: MappingABC[str, str] | None = None,
) -> int:
    """Print what is wrong and what is right.

    :param args: the parsed command line, with ``path``.
    :param registry: the providers; None means those installed.
    :param environ: the environment; None means the process's own.
    :returns: 0 if nothing is wrong, else 2.
    """
    registry = registry or Registry()
    try:
        config = configuration.load(args.path, registry, environ=environ)
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return _BAD
    problems = list(config.problems)
    lines = []
    for mapping in config.mappings:
        try:
            lines.append(_line(mapping, registry))
        except (ConfigError, PluginError) as exc:
            problems.append(_placed(exc, config, mapping, registry))
    if not problems and not lines:
        problems.append(
            ConfigError(
                "there is no mapping",
                path=config.path,
                hint="add a [mapping:NAME] section",
            )
        )
    for text in dict.fromkeys(str(problem) for problem in problems):
        print(text, file=sys.stderr)
    for line in lines:
        print(line)
    return _BAD if problems else _OK


def _line(mapping: Mapping, registry: Registry) -> str:
    """Return what a mapping does, for people.

    :raises ConfigError: the provider does not like its settings.
    :raises PluginError: what the provider needs is not installed.
    """
    provider = registry.create(
        mapping.provider,
        mapping.settings,
        logger=logging.getLogger("onespace"),
        concurrency=1,
    )
    try:
        location = provider.location.rstrip("/")
    finally:
        provider.close()
    remote = f"{location}/{mapping.bucket}"
    if mapping.per_account and mapping.key_scheme is KeyScheme.PLAIN:
        remote += "*"
    if mapping.custom_prefix is not None:
        remote = f"{remote}/{mapping.custom_prefix.strip('/')}".rstrip("/")
    return (
        f"{mapping.name}: {mapping.account}/{mapping.container} -> {remote}"
        f" ({mapping.provider})"
    )


def _placed(
    exc: ConfigError | PluginError,
    config: Config,
    mapping: Mapping,
    registry: Registry,
) -> ConfigError:
    """Return the problem with the place to mend it."""
    section = f"credentials:{mapping.credentials}"
    if isinstance(exc, PluginError):
        return ConfigError(
            str(exc.args[0]),
            section=section,
            option="provider",
            path=config.path,
            hint=exc.hint,
        )
    targets = registry.load(mapping.provider).TARGET_OPTS
    if any(exc.option == opt.dest for opt in targets):
        section = f"mapping:{mapping.name}"
    return ConfigError(
        exc.reason,
        section=section,
        option=exc.option,
        path=config.path,
        hint=exc.hint,
    )
