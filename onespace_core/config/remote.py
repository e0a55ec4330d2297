# SPDX-License-Identifier: Apache-2.0
"""Where mappings go, and whether two of them would meet there."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from onespace_core.namespace import keys
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import KeyScheme

if TYPE_CHECKING:
    from onespace_core.config.model import Mapping

#: Names that providers give the option with the address of their store.
ENDPOINT_OPTIONS = ("endpoint", "auth_url")

#: Options that name the account at a store with accounts of its own. The
#: first of these groups with a value decides.
_ACCOUNT_OPTIONS = (
    ("remote_account",),
    ("project_id",),
    ("project_name", "project_domain_name"),
    ("tenant_name",),
)
_AMAZON = ("amazonaws.com", "amazonaws.com.cn")
_PORTS = {"http": 80, "https": 443}
_HASH = re.compile(r"0|[1-9a-f][0-9a-f]{0,5}")


def endpoint_option(settings: ProviderSettings) -> str | None:
    """Return the name of the option that has the address, if one has."""
    for name in ENDPOINT_OPTIONS:
        if settings.get(name):
            return name
    return None


def endpoint(settings: ProviderSettings) -> str | None:
    """Return the address of a store; None means the provider's own."""
    name = endpoint_option(settings)
    return str(settings[name]) if name else None


def is_amazon(address: str) -> bool:
    """Return whether Amazon runs what is at an address.

    By the host alone: port, path, case and a trailing slash do not count,
    and China's own domain does.
    """
    host = _host(address)
    return any(host == name or host.endswith("." + name) for name in _AMAZON)


def _host(address: str) -> str:
    try:
        host = urllib.parse.urlsplit(address).hostname
    except ValueError:
        return ""
    return (host or "").rstrip(".")


def store(mapping: Mapping) -> tuple[str, ...]:
    """Return what two mappings to one and the same store have in common."""
    address = endpoint(mapping.settings)
    if mapping.key_scheme is KeyScheme.HASHED:
        if address is None or is_amazon(address):
            return (mapping.provider if address is None else "s3", "")
        return ("", _canonical(address))
    return (
        "",
        "" if address is None else _canonical(address),
        *_account(mapping.settings),
    )


def _canonical(address: str) -> str:
    """Return one form for the addresses that mean one place."""
    try:
        parts = urllib.parse.urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return address
    return f"{_host(address)}:{port}{parts.path.rstrip('/')}"


def _account(settings: ProviderSettings) -> tuple[str, ...]:
    for names in _ACCOUNT_OPTIONS:
        if settings.get(names[0]):
            return tuple(str(settings.get(name)) for name in names)
    # Swift's own authentication (v1) has account:user.
    user = settings.get("user") or settings.get("username") or ""
    return (str(user).partition(":")[0],)


def login_options(settings: ProviderSettings) -> frozenset[str]:
    """Return options that say who logs in, and not where objects are.

    At Amazon any access key reaches the same buckets, with Keystone any user
    of the project the same account. Elsewhere (Ceph, Swift's s3api, Swift's
    own authentication) the key or user may name the account.
    """
    address = endpoint(settings)
    if address is None or is_amazon(address):
        return frozenset({"access_key"})
    if any(settings.get(names[0]) for names in _ACCOUNT_OPTIONS):
        return frozenset({"user", "username", "user_domain_name"})
    return frozenset()


def pairs(
    mappings: Sequence[Mapping],
) -> Iterator[tuple[Mapping, Mapping]]:
    """Yield mappings that may write the same remote object, two by two.

    In case of doubt they do. A pair may come more than once. The cost grows
    with the number of mappings and of pairs, not with the square.
    """
    groups: dict[tuple[object, ...], list[Mapping]] = {}
    for mapping in mappings:
        place: tuple[object, ...] = store(mapping)
        if mapping.key_scheme is KeyScheme.HASHED:
            place = (*place, mapping.bucket)
        groups.setdefault(place, []).append(mapping)
    for group in groups.values():
        yield from _nested(group)
        for whole in group:
            if whole.per_account and whole.key_scheme is KeyScheme.HASHED:
                for part in group:
                    if part is not whole and _account_has(whole, part):
                        yield whole, part


def _nested(group: Sequence[Mapping]) -> Iterator[tuple[Mapping, Mapping]]:
    """Yield those of which one's root starts with the other's."""
    rooted = sorted(
        ((root, at) for at, each in enumerate(group) for root in _roots(each))
    )
    above: list[tuple[str, int]] = []
    for root, at in rooted:
        while above and not root.startswith(above[-1][0]):
            above.pop()
        for _, other in above:
            if other != at:
                yield group[other], group[at]
        above.append((root, at))


def _roots(mapping: Mapping) -> tuple[str, ...]:
    """Return texts such that mappings meet where one starts another."""
    if mapping.key_scheme is KeyScheme.PLAIN:
        # A whole account has all containers that start so: with beginnings
        # "a" and "ab", the containers "bc" and "c" meet.
        end = "" if mapping.per_account else "\0"
        return (mapping.bucket + end,)
    if mapping.per_account:
        return ()  # has too many, see _account_has
    layout = keys.layout_for(
        mapping.key_scheme,
        account=mapping.account,
        container=mapping.container,
        bucket=mapping.bucket,
        custom_prefix=mapping.custom_prefix,
    )
    return layout.root, layout.manifest_root


def _account_has(whole: Mapping, part: Mapping) -> bool:
    """Whether keys of a whole account may be those of another mapping."""
    if part.custom_prefix is None:
        return whole.account == part.account
    # Keys of the whole account are hash/account/container/..., and
    # hash/.manifests/account/container/...
    path = [each for each in part.custom_prefix.strip("/").split("/") if each]
    if not path:
        return True
    if _HASH.fullmatch(path[0]) is None:
        return False
    rest = [each for each in path[1:] if each != ".manifests"]
    return not rest or rest[0] == whole.account
