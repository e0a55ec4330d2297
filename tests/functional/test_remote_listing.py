# SPDX-License-Identifier: Apache-2.0
"""Real stores, listed as Swift would list the same objects."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable
from typing import Any

import pytest
from servers.listing_model import model
from servers.remote_swift import (
    provider_fixture,  # noqa: F401
    swift_fixture,  # noqa: F401
)

from onespace_core.namespace.keys import KeyLayout
from onespace_core.namespace.query import ListingQuery
from onespace_core.namespace.remote import list_objects
from onespace_core.provider import (
    AlreadyExists,
    BytesBody,
    InvalidRequest,
    Provider,
)

NAMES = {
    "+",
    "a",
    "a/b",
    "a/b/c",
    "a/b/d",
    "a/b0",
    "a/c",
    "a0",
    "b//c",
    "b//d",
    "b/c",
    "b0",
    "c-d",
    "c-e/f",
    "\u00e9/\u00e9",
    "\u00e9/\U0001f600",
    "\uff5e",
    "\U0001f600",
    "\U0001f600/a",
}
MARKS = [*sorted(NAMES), "", "", "a/", "a/b/", "a/ba", "b//", "c-", "\u00e9"]
PREFIXES = ["", "", "a", "a/", "a/b", "a/b/", "b/", "c-", "\u00e9", "\u00e9/"]
DELIMITERS = ["", "/", "/", "/", "//", "-", "b", "/b", "\u00e9"]
LAYOUT = KeyLayout("", "1f/a/c/", "1f/.manifests/a/c/")
PLAIN = KeyLayout("", "", ".manifests/")


def queries(number: int) -> list[ListingQuery]:
    chance = random.Random("listings")
    found = []
    for _ in range(number):
        objects_only = chance.random() < 0.1
        prefix = chance.choice(PREFIXES)
        if objects_only and prefix:
            prefix = prefix.rstrip("/") + "/"
        found.append(
            ListingQuery(
                limit=chance.randint(1, 6),
                marker=chance.choice(MARKS),
                end_marker=chance.choice([*MARKS, *[""] * 20]),
                prefix=prefix,
                delimiter="/" if objects_only else chance.choice(DELIMITERS),
                reverse=chance.random() < 0.3,
                objects_only=objects_only,
            )
        )
    return found


def fill(provider: Provider, layout: KeyLayout) -> set[str]:
    """Store the names and return those that the store has.

    Some stores keep objects as files: an object ``a`` hides or refuses
    ``a/b``, and two slashes are refused or taken for one.
    """

    def put(names: Iterable[str]) -> set[str]:
        for name in sorted(names):
            with contextlib.suppress(AlreadyExists, InvalidRequest):
                provider.put_object(layout.key(name), BytesBody(b"1"))
        listed = provider.list_objects(prefix=layout.root).objects
        return {info.key.removeprefix(layout.root) for info in listed}

    stored = put(NAMES)
    if stored == NAMES:
        return stored
    folders = {n for n in NAMES if any(o.startswith(n + "/") for o in NAMES)}
    for name in folders:
        provider.delete_object(layout.key(name))
    stored = put(NAMES - folders)
    assert len(stored) > len(NAMES) / 2
    return stored


def check(provider: Provider, layout: KeyLayout, number: int) -> None:
    stored = fill(provider, layout)
    provider.put_object(layout.manifest_key("a"), BytesBody(b"[]"))
    for query in queries(number):
        listed = list_objects(provider, layout, query, location="R")
        got = [(e.name, "subdir" in e.record) for e in listed]
        assert got == model(stored, query), query


def there(layout: KeyLayout, bucket: str) -> KeyLayout:
    return KeyLayout(bucket, layout.root, layout.manifest_root)


@pytest.mark.parametrize("layout", [LAYOUT, PLAIN], ids=["hashed", "plain"])
def test_s3_store_lists_as_swift_does(
    s3_provider: Any, s3_bucket: str, layout: KeyLayout
) -> None:
    check(s3_provider, there(layout, s3_bucket), 150)


@pytest.mark.parametrize("layout", [LAYOUT, PLAIN], ids=["hashed", "plain"])
def test_swift_store_lists_as_swift_does(
    provider: Any, unique_name: str, layout: KeyLayout
) -> None:
    check(provider, there(layout, unique_name), 150)
