# SPDX-License-Identifier: Apache-2.0
"""``onespace providers verify``: does the operator's store do as claimed?"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from typing import Any

from onespace_core import config as configuration
from onespace_core.cli.arguments import add_config
from onespace_core.config import Mapping
from onespace_core.config.section import near
from onespace_core.layers import RetryLayer
from onespace_core.provider.errors import ConfigError
from onespace_core.provider.registry import Registry
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import KeyScheme
from onespace_core.testing import verify as checks


def add_parser(subparsers: Any) -> None:
    """Add the action to ``onespace providers``.

    :param subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = subparsers.add_parser(
        "verify",
        help="check that a store does what its provider claims",
        description="Check that a store does what its provider claims."
        " Writes some small objects under a random prefix, reads, lists and"
        " changes them, and deletes them again. Nothing else in the bucket is"
        " touched. Exit code 0 if all is well, else 1.",
    )
    parser.add_argument(
        "name",
        metavar="NAME",
        help="of a [mapping:NAME], else of a [credentials:NAME]",
    )
    add_config(parser)
    parser.add_argument(
        "--bucket",
        help="bucket or container to write to; default: the mapping's",
    )
    parser.set_defaults(run=run)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """What is checked.

    :param prefix: where the mapping may write.
    """

    provider: str
    settings: ProviderSettings
    bucket: str
    prefix: str = ""


def run(
    args: argparse.Namespace,
    registry: Registry | None = None,
    environ: MappingABC[str, str] | None = None,
) -> int:
    """Check a store, and print a line for each check.

    :param args: the parsed command line.
    :param registry: the providers; None means those installed.
    :param environ: the environment; None means the process's own.
    :returns: 0 if the store does all that is claimed, else 1.
    :raises ConfigError: the file has no such store, or cannot be used.
    :raises PluginError: the provider cannot be used.
    """
    registry = registry or Registry()
    environ = os.environ if environ is None else environ
    target = _target(args, registry, environ)
    kind = registry.load(target.provider)
    logger = logging.getLogger("onespace")
    inner = registry.create(
        target.provider, target.settings, logger=logger, concurrency=1
    )
    provider = RetryLayer(inner, deadline=30.0, logger=logger)
    try:
        print(f"{provider.location.rstrip('/')}/{target.bucket}")
        good = checks.verify(
            provider,
            _print,
            bucket=target.bucket,
            prefix=target.prefix,
            options={opt.dest for opt in (*kind.OPTS, *kind.TARGET_OPTS)},
        )
    finally:
        provider.close()
    print(
        "the store does what is claimed"
        if good
        else "the store does NOT do what is claimed"
    )
    return 0 if good else 1


def _print(result: checks.Result) -> None:
    notes = [note for note in (result.detail, result.hint) if note]
    line = f"  {result.outcome.value:<6}  {result.title}"
    print(f"{line}: {'; '.join(notes)}" if notes else line, flush=True)


def _target(
    args: argparse.Namespace,
    registry: Registry,
    environ: MappingABC[str, str],
) -> _Target:
    config = configuration.load(args.config, registry, environ=environ)
    for mapping in config.mappings:
        if mapping.name == args.name:
            return _of_mapping(mapping, args.bucket, config.path)
    if args.name in config.names:
        # It is there and cannot be used: in itself, or in what it names.
        raise _first(config.problems, f"mapping:{args.name}")
    if args.name not in config.credentials:
        raise ConfigError(
            f"there is no [mapping:{args.name}] or [credentials:{args.name}]",
            path=config.path,
            hint=near(args.name, (*config.names, *config.credentials)),
        )
    return _of_credentials(args, registry, environ)


def _first(problems: Sequence[ConfigError], section: str) -> ConfigError:
    """Return the problem of a section, else the first there is."""
    own = [each for each in problems if each.section == section]
    return (own or list(problems))[0]


def _of_mapping(mapping: Mapping, bucket: str | None, path: str) -> _Target:
    many = mapping.per_account and mapping.key_scheme is KeyScheme.PLAIN
    if many and bucket is None:
        raise ConfigError(
            "this mapping has many containers",
            section=f"mapping:{mapping.name}",
            path=path,
            hint="name one with --bucket",
        )
    prefix = (mapping.custom_prefix or "").strip("/")
    return _Target(
        provider=mapping.provider,
        settings=mapping.settings,
        bucket=bucket or mapping.bucket,
        prefix=f"{prefix}/" if prefix else "",
    )


def _of_credentials(
    args: argparse.Namespace,
    registry: Registry,
    environ: MappingABC[str, str],
) -> _Target:
    found = configuration.load_credentials(
        args.config, args.name, registry, environ=environ
    )
    if not args.bucket:
        raise ConfigError(
            "credentials do not say where to write",
            path=args.config,
            section=f"credentials:{args.name}",
            hint="name a bucket with --bucket",
        )
    return _Target(
        provider=found.provider_name,
        settings=found.settings(args.bucket),
        bucket=args.bucket,
    )
