# SPDX-License-Identifier: Apache-2.0
"""Combinations of options that are refused, each as a small pure rule.

Those of names and addresses are here, those of the policy in
:mod:`.policy_checks`.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Collection, Iterable, Iterator, Sequence

from onespace_core.config import remote
from onespace_core.config.finding import Finding, Rule
from onespace_core.config.model import Mapping, Settings
from onespace_core.config.policy_checks import POLICY_RULES, undermined
from onespace_core.provider.types import KeyScheme

#: What this version does; see :data:`options.MODES` for all.
MODES_NOW = ("sync", "lifecycle")


def mode_of_a_later_version(mapping: Mapping) -> Finding | None:
    """Refuse a mode that a later version will have, and this one has not."""
    if mapping.mode in MODES_NOW:
        return None
    return Finding(
        "mode",
        f"this version does not do {mapping.mode} yet",
        f"write one of: {', '.join(MODES_NOW)}",
    )


def prefix_for_all_containers(mapping: Mapping) -> Finding | None:
    """Refuse one prefix for many containers: they would overwrite (T-12)."""
    if not mapping.per_account or mapping.custom_prefix is None:
        return None
    return Finding(
        "custom_prefix",
        "all containers of the account would share one namespace, and"
        " overwrite each other's objects",
        "leave custom_prefix out, or map each container",
    )


def prefix_without_effect(mapping: Mapping) -> Finding | None:
    """Refuse a prefix where keys are object names."""
    if mapping.key_scheme is KeyScheme.HASHED:
        return None
    if mapping.custom_prefix is None:
        return None
    return Finding(
        "custom_prefix",
        f"{mapping.provider} stores objects by their plain names; a prefix"
        " has no effect",
        "leave it out",
    )


def slash_in_container(mapping: Mapping) -> Finding | None:
    """Refuse what cannot be a container's name."""
    if "/" not in mapping.container:
        return None
    every = mapping.container == "/*"
    return Finding(
        "container",
        "a container's name has no '/'",
        "for every container write *" if every else None,
    )


def slash_in_bucket(mapping: Mapping) -> Finding | None:
    """Refuse what cannot be a bucket's name."""
    if "/" not in mapping.bucket:
        return None
    return Finding("bucket", "a bucket's name has no '/'", "see custom_prefix")


def slash_in_account(mapping: Mapping) -> Finding | None:
    """Refuse what cannot be an account's name."""
    if "/" not in mapping.account:
        return None
    return Finding(
        "account", "an account's name has no '/'", "write AUTH_name"
    )


def endpoint_is_no_address(mapping: Mapping) -> Finding | None:
    """Refuse an address that is none, or has a password in it."""
    option = remote.endpoint_option(mapping.settings)
    if option is None:
        return None
    address = str(mapping.settings[option])
    if not _is_address(address):
        return Finding(
            option,
            "this is not an address of a store",
            "write https://host or http://host:port",
        )
    parts = urllib.parse.urlsplit(address)
    if "@" in parts.netloc:
        return Finding(
            option,
            "an address with a user in it would be logged",
            "use the options for user and secret",
        )
    if parts.query or parts.fragment:
        return Finding(option, "an address of a store has no ? and no #")
    return None


def amazon_in_clear(mapping: Mapping) -> Finding | None:
    """Refuse to send unsigned bytes to Amazon over plain HTTP (T-52)."""
    address = remote.endpoint(mapping.settings)
    if address is None or not remote.is_amazon(address):
        return None
    if not address.lower().startswith("http:"):
        return None
    return Finding(
        remote.endpoint_option(mapping.settings),
        "data would go to Amazon in clear",
        "write https://",
    )


RULES: Sequence[Rule] = (
    *POLICY_RULES,
    prefix_for_all_containers,
    prefix_without_effect,
    slash_in_container,
    slash_in_bucket,
    slash_in_account,
    endpoint_is_no_address,
    amazon_in_clear,
    mode_of_a_later_version,
)
#: Those that ask nothing of a mapping's provider.
WITHOUT_PROVIDER: Sequence[Rule] = (mode_of_a_later_version,)


def check(
    mapping: Mapping, rules: Sequence[Rule] = RULES
) -> Iterator[Finding]:
    """Yield everything that is wrong with one mapping."""
    for rule in rules:
        finding = rule(mapping)
        if finding is not None:
            yield finding


def meetings(
    mappings: Sequence[Mapping], usable: Collection[str]
) -> Iterator[tuple[Mapping, Finding]]:
    """Yield mappings that may undo what another one did.

    Both are named: which of them is the mistake, nobody knows here.

    :param usable: names of those without any other problem. One that will
        not run anyway does not stop another.
    """
    for pairs, finding in (
        (remote.pairs(mappings), _OVERWRITTEN),
        (undermined(mappings), _UNDERMINED),
    ):
        found = _others(pairs, usable)
        for mapping in mappings:
            if mapping.name in found:
                names = sorted(found[mapping.name])
                shown = ", ".join(names[:3]) + (", ..." * (len(names) > 3))
                reason = f"{finding.reason}: {shown}"
                yield mapping, dataclasses.replace(finding, reason=reason)


_OVERWRITTEN = Finding(
    "bucket",
    "this mapping and others could overwrite each other's remote objects",
    "give each a bucket or custom_prefix of its own",
)
_UNDERMINED = Finding(
    "propagate_delete",
    "of this mapping and others one moves objects away, and one would delete"
    " its copies of them for it",
    "write propagate_delete = false into those that copy",
)


def _others(
    pairs: Iterable[tuple[Mapping, Mapping]], usable: Collection[str]
) -> dict[str, set[str]]:
    """Return, for each mapping that is to be refused, with which others."""
    others: dict[str, set[str]] = {}
    for pair in pairs:
        for one, other in (pair, pair[::-1]):
            if other.name in usable or one.name not in usable:
                others.setdefault(one.name, set()).add(other.name)
    return others


def settings(values: Settings) -> Iterator[Finding]:
    """Yield everything that is wrong with ``[DEFAULT]`` as a whole."""
    if not (values.console or values.log_file or values.use_syslog):
        yield Finding(
            "console",
            "nothing would be logged anywhere",
            "set console, log_file or use_syslog",
        )
    for name in ("http_proxy", "https_proxy"):
        address = getattr(values, name)
        if address is not None and not _is_address(address):
            yield Finding(
                name, "not an address of a proxy", "write http://host:port"
            )
    if not _syslog_address(values.syslog_address):
        yield Finding(
            "syslog_address",
            "neither a path nor host:port",
            "write /dev/log or localhost:514",
        )


def _is_address(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _syslog_address(text: str) -> bool:
    if text.startswith("/"):
        return True
    host, colon, port = text.rpartition(":")
    return bool(host and colon and port.isdecimal() and 0 < int(port) < 65536)
