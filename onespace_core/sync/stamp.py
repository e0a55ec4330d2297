# SPDX-License-Identifier: Apache-2.0
"""The mark that says which local version a remote object is a copy of.

It travels as one item of user metadata, so that every store can hold it and
"the newest write wins" can be decided without trusting the store's clock.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

#: Name of the metadata item.
STAMP = "onespace-version"
#: Metadata names at a remote that are ours or 1space's, not a user's.
RESERVED = frozenset(
    {
        STAMP,
        "onespace-delete-at",
        "onespace-expires-after",
        "swift-slo-etag",
        "swift-source-dlo-etag",
        "combined-etag",
    }
)

_FORM = re.compile(r"(\d{10}\.\d{5}(?:_[0-9a-f]{16})?) ([0-9a-f]{32})")


@dataclasses.dataclass(frozen=True, slots=True)
class Stamp:
    """Timestamp (Swift's internal format) and MD5 of the local version."""

    timestamp: str
    etag: str

    def encode(self) -> str:
        """Return the metadata value."""
        return f"{self.timestamp} {self.etag}"


def read_stamp(metadata: Mapping[str, str]) -> Stamp | None:
    """Return the stamp of a remote object; None for one that has none.

    A value of another form counts as none: the object is then compared by
    what the store says of it.
    """
    match = _FORM.fullmatch(metadata.get(STAMP, ""))
    return Stamp(*match.groups()) if match else None


def user_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata without what is ours."""
    return {k: v for k, v in metadata.items() if k not in RESERVED}
