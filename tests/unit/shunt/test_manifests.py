# SPDX-License-Identifier: Apache-2.0
"""A manifest at a store, with the names that its segments had here."""

import pytest
from onespace_shunt.manifests import NoManifest, local_item, read_manifest

from onespace_core.namespace.keys import layout_for
from onespace_core.provider import (
    BytesBody,
    KeyScheme,
    LargeKind,
    ObjectInfo,
    Segment,
)
from onespace_core.testing.memory import MemoryProvider, MemoryStore

MD5 = "0" * 32


def segment(key, **changes):
    values = {"bucket": "b_segments", "size": 3, "etag": MD5, **changes}
    return Segment(key=key, **values)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("c/name", "/c/name"),
        (f"c/name.{MD5}", "/c/name"),
        (f"c/name.{'1' * 32}", f"/c/name.{'1' * 32}"),
        ("c\u00fc %41?/a//b", "/c\u00fc %41?/a//b"),
        ("c/.joined/0a", "/c/.joined/0a"),
    ],
)
def test_a_segment_is_called_as_it_was_here(key, name):
    assert local_item(segment(key), "b_segments") == {
        "name": name,
        "hash": MD5,
        "bytes": 3,
    }


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [(0, None, None), (0, 2, None), (1, None, "1-2"), (0, 1, "0-1")],
)
def test_a_range_is_kept(first, last, wanted):
    item = local_item(segment("c/n", first=first, last=last), "b_segments")
    assert item.get("range") == wanted


@pytest.mark.parametrize(
    "odd",
    [
        segment("c/n", bucket="another"),
        segment("no-slash"),
        segment("c/"),
        segment("/.inline/00"),
        segment("c/n", size=None),
        segment("c/n", etag=None),
    ],
)
def test_another_segment_has_no_name_here(odd):
    with pytest.raises(NoManifest):
        local_item(odd, "b_segments")


BESIDE = b'[{"name": "/s/n", "hash": "abc", "bytes": 3}]'


@pytest.mark.parametrize(
    ("raw", "size", "kind", "why"),
    [
        (BESIDE, 3, None, None),
        (BESIDE, 4, None, "another version"),
        (b"[", 3, None, "cannot be read"),
        (None, 3, None, "missing"),
        (BESIDE, 3, LargeKind.DYNAMIC, "dynamic"),
    ],
)
def test_a_manifest_beside_its_object(raw, size, kind, why):
    store = MemoryProvider(MemoryStore(), bucket="b")
    store.create_bucket()
    layout = layout_for(
        KeyScheme.HASHED, account="a", container="c", bucket="b"
    )
    if raw is not None:
        store.put_object(layout.manifest_key("o"), BytesBody(raw))
    info = ObjectInfo(key=layout.key("o"), size=size, large=kind)
    if why is None:
        found, manifest = read_manifest(store, layout, "o", info)
        assert (found, manifest.size) == (raw, 3)
        return
    with pytest.raises(NoManifest, match=why):
        read_manifest(store, layout, "o", info)
