# SPDX-License-Identifier: Apache-2.0
"""The manifest of a large object at a store, as it would be here.

Where keys are hashed it lies beside the object, as it was here. Another
Swift keeps one of its own; its segments are called there by the names that
they had here (:mod:`onespace_core.sync.segments`).
"""

from __future__ import annotations

import json
from typing import Any

from onespace_core.namespace.keys import KeyLayout
from onespace_core.provider import (
    KeyScheme,
    LargeKind,
    LargeObjects,
    NotSupported,
    ObjectInfo,
    ObjectNotFound,
    Provider,
    Segment,
)
from onespace_core.swift.manifests import (
    ManifestError,
    StaticManifest,
    parse_static,
)

#: Bytes of a manifest; Swift takes 8 MiB of a client, and notes more.
LARGEST = 64 << 20


class NoManifest(Exception):
    """There is none to show; the message says why, and names nothing."""


def read_manifest(
    provider: Provider, layout: KeyLayout, name: str, info: ObjectInfo
) -> tuple[bytes, StaticManifest]:
    """Return the manifest of a large object, as Swift stores it, and parsed.

    Costs a request, at another Swift two.

    :param name: of the object, decoded.
    :param info: of the object; its size has to be the manifest's.
    :raises NoManifest: there is none that could be used here.
    :raises ProviderError: the store does not answer.
    """
    if info.large is LargeKind.DYNAMIC:
        raise NoManifest("it is dynamic at the store")
    if provider.KEY_SCHEME is KeyScheme.HASHED:
        raw = _beside(provider, layout, name)
    else:
        raw = _own(provider, layout, name)
    try:
        manifest = parse_static(name, raw)
    except ManifestError as exc:
        raise NoManifest("its manifest cannot be read") from exc
    if manifest.size != info.size:
        raise NoManifest("its manifest is that of another version")
    return raw, manifest


def _beside(provider: Provider, layout: KeyLayout, name: str) -> bytes:
    key = layout.manifest_key(name)
    try:
        with provider.get_object(key, bucket=layout.bucket) as reader:
            if reader.length > LARGEST:
                raise NoManifest("its manifest is too long")
            return reader.read()
    except ObjectNotFound as exc:
        raise NoManifest("its manifest is missing at the store") from exc


def _own(provider: Provider, layout: KeyLayout, name: str) -> bytes:
    if not isinstance(provider, LargeObjects):
        raise NoManifest("the store does not show its manifest")
    try:
        found = provider.get_manifest(layout.key(name), bucket=layout.bucket)
    except NotSupported as exc:
        raise NoManifest("its manifest holds bytes itself") from exc
    if found is None or found.kind is not LargeKind.STATIC:
        raise NoManifest("it was replaced at the store")
    items = [
        local_item(segment, layout.segments_bucket)
        for segment in found.segments
    ]
    return json.dumps(items).encode()


def local_item(segment: Segment, bucket: str) -> dict[str, Any]:
    """Return a segment of a copy at a Swift as a manifest here names it.

    Its key there is the local container, a slash and the name; one whose
    bytes had changed under the same name has a dot and its MD5 at the end.
    Several that were joined there stay so: the one that they became is
    ``.joined/`` and a hash in the container of the first.

    :param bucket: where segments of copies are.
    :raises NoManifest: it is not such a segment, or has no name here, as the
        bytes that a manifest held itself.
    """
    container, slash, name = segment.key.partition("/")
    if segment.bucket != bucket or not slash or not name:
        raise NoManifest("its segments are not those of a copy")
    if not container:
        raise NoManifest("a manifest here held some of its bytes itself")
    if segment.size is None or segment.etag is None:
        raise NoManifest("the store says too little of its segments")
    item = {
        "name": f"/{container}/{name.removesuffix(f'.{segment.etag}')}",
        "hash": segment.etag,
        "bytes": segment.size,
    }
    last = segment.size - 1 if segment.last is None else segment.last
    if (segment.first, last) != (0, segment.size - 1):
        item["range"] = f"{segment.first}-{last}"
    return item
