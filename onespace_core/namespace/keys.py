# SPDX-License-Identifier: Apache-2.0
"""Where the objects of a Swift container live in a store.

The layout is that of 1space, so that an archive it wrote is found again.
"""

from __future__ import annotations

import dataclasses
import hashlib

from onespace_core.provider.types import KeyScheme

#: What is added to a bucket's name for the segments of its large objects.
SEGMENTS = "_segments"

_HASH_SPACE = 16**6
_MANIFEST = ".swift_slo_manifest"


@dataclasses.dataclass(frozen=True, slots=True)
class KeyLayout:
    """The keys of one container in one bucket.

    :param bucket: bucket (or remote container) that holds the objects.
    :param root: what every key starts with; empty or ending in ``/``.
    :param manifest_root: the same for the manifests of large objects.
    :param strip_name: whether leading slashes of the object name are left
        out of the hash that names its manifest.
    """

    bucket: str
    root: str
    manifest_root: str
    strip_name: bool = False

    @property
    def segments_bucket(self) -> str:
        """Where a store with manifests of its own keeps their segments."""
        return f"{self.bucket}{SEGMENTS}"

    def key(self, name: str) -> str:
        """Return the key of an object."""
        return self.root + name

    def name(self, key: str) -> str | None:
        """Return the object that a key stands for; None for a foreign key."""
        if not key.startswith(self.root):
            return None
        return key[len(self.root) :]

    def manifest_key(self, name: str) -> str:
        """Return the key of a large object's manifest.

        Hashed, because an object name alone may be as long as a key.
        """
        hashed = name.lstrip("/") if self.strip_name else name
        digest = hashlib.sha256(hashed.encode()).hexdigest()
        return f"{self.manifest_root}{digest}{_MANIFEST}"

    def meets_a_manifest(self, name: str) -> bool:
        """Return whether an object's key may be that of a manifest.

        Only where the manifests lie among the objects: below a custom
        prefix, or where keys are plain names.
        """
        key = self.key(name)
        return key.startswith(self.manifest_root) and key.endswith(_MANIFEST)


def hash_prefix(account: str, container: str) -> str:
    """Return the prefix that spreads containers over a store's key space.

    The low 24 bits of an MD5 in hexadecimal, without leading zeros: 1 to 6
    characters, as 1space wrote it.
    """
    digest = hashlib.md5(
        f"{account}/{container}".encode(), usedforsecurity=False
    ).hexdigest()
    return format(int(digest, 16) % _HASH_SPACE, "x")


def layout_for(
    scheme: KeyScheme,
    *,
    account: str,
    container: str,
    bucket: str,
    per_account: bool = False,
    custom_prefix: str | None = None,
) -> KeyLayout:
    """Return where a container's objects live.

    :param scheme: the provider's ``KEY_SCHEME``.
    :param per_account: the mapping is for every container of the account. On
        a store with plain keys ``bucket`` is then the beginning of the
        remote container's name.
    :param custom_prefix: replaces hash, account and container (hashed keys
        only); slashes at both ends are dropped, empty means the bucket's
        root.
    """
    if scheme is KeyScheme.PLAIN:
        remote = bucket + container if per_account else bucket
        return KeyLayout(remote, "", ".manifests/")
    if custom_prefix is None:
        prefix = hash_prefix(account, container)
        path = f"{account}/{container}/"
        return KeyLayout(
            bucket, f"{prefix}/{path}", f"{prefix}/.manifests/{path}"
        )
    stripped = custom_prefix.strip("/")
    root = f"{stripped}/" if stripped else ""
    return KeyLayout(bucket, root, f"{root}.manifests/", strip_name=True)
