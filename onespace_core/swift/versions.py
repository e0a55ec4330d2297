# SPDX-License-Identifier: Apache-2.0
"""Objects with versions, without any I/O.

Where a container keeps versions, Swift's ``versioned_writes`` middleware
(object versioning) puts the bytes into a hidden container, and leaves a link
to the current version under the object's name.
"""

from __future__ import annotations

import dataclasses
from urllib.parse import unquote

from onespace_core.swift.source import LocalKind, LocalObject

_MARK = "x-object-sysmeta-versions-symlink"
_TARGET = "x-object-sysmeta-symlink-target"


def current_version(link: LocalObject) -> tuple[str, str] | None:
    """Return where the current version of an object is.

    :returns: hidden container and name there; None for anything that is not
        a link to a version, such as a link that a user made.
    """
    if link.kind is not LocalKind.SYMLINK:
        return None
    if link.headers.get(_MARK, "").lower() != "true":
        return None
    container, slash, name = unquote(link.headers[_TARGET]).partition("/")
    return (container, name) if slash else None


def seen_through(link: LocalObject, version: LocalObject) -> LocalObject:
    """Return an object as a client sees it: the version, by its own name.

    A POST may reach the link or the version first: the newer time counts.
    """
    return dataclasses.replace(
        version,
        name=link.name,
        timestamp=max(link.timestamp, version.timestamp),
        versioned=True,
    )
