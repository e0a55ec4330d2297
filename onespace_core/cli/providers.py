# SPDX-License-Identifier: Apache-2.0
"""``onespace providers``: which providers are installed, and do they work."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from onespace_core.cli import verify
from onespace_core.config.remote import ENDPOINT_OPTIONS
from onespace_core.provider.registry import PluginInfo, Registry
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import Capabilities

_TITLES = ("NAME", "DISTRIBUTION", "CLASS", "STATE")


def add_parser(subparsers: Any) -> None:
    """Add the command to ``onespace``.

    :param subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = subparsers.add_parser(
        "providers",
        help="list the installed providers, or verify one at your store",
        description="List the installed providers, and what each can do with"
        " its options at their defaults. One that cannot be used is listed"
        " with the reason.",
    )
    parser.set_defaults(run=run)
    verify.add_parser(parser.add_subparsers(dest="action", metavar="ACTION"))


def run(args: argparse.Namespace, registry: Registry | None = None) -> int:
    """Print the table.

    :param args: the parsed command line; nothing of it is used.
    :param registry: what to list; the installed providers if None.
    :returns: 0 if there is a provider and all can be used, else 1.
    """
    del args
    registry = registry or Registry()
    plugins = registry.describe()
    rows = [
        (each.name, each.distribution, each.target, each.problem or "ok")
        for each in plugins
    ]
    columns = zip(_TITLES, *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    for number, row in enumerate((_TITLES, *rows)):
        cells = [
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())
        if number and not plugins[number - 1].problem:
            print(f"    can: {_abilities(plugins[number - 1], registry)}")
    return int(not plugins or any(each.problem for each in plugins))


def _abilities(plugin: PluginInfo, registry: Registry) -> str:
    """Return what a provider claims, as far as no store is needed."""
    claims = _capabilities(plugin, registry)
    if claims is None:
        return "depends on its settings"
    names = [
        name
        for name in Capabilities.__slots__
        if getattr(claims, name) is True
    ]
    return ", ".join(names) or "the nine, and no more"


def _capabilities(
    plugin: PluginInfo, registry: Registry
) -> Capabilities | None:
    """Build an instance, which makes no request, and ask it."""
    kind = registry.load(plugin.name)
    opts = (*kind.OPTS, *kind.TARGET_OPTS)
    # Where a store is says nothing of what the defaults claim.
    somewhere = {
        opt.dest: "http://localhost"
        for opt in opts
        if opt.required and opt.dest in ENDPOINT_OPTIONS
    }
    settings = ProviderSettings.from_options(opts, somewhere, bucket="bucket")
    try:
        provider = registry.create(
            plugin.name,
            settings,
            logger=logging.getLogger("onespace"),
            concurrency=1,
        )
        try:
            return provider.capabilities
        finally:
            provider.close()
    except Exception:  # noqa: BLE001 - required settings are missing
        return None
