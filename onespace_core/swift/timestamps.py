# SPDX-License-Identifier: Apache-2.0
"""Times of deletions that are told from those of a clock.

Swift writes a time as ten digits, a point and five digits; its own services
add an offset, ``_`` and sixteen hex digits, to come after a version without
being later than it. Such texts sort as the times do. (Rows of a container's
database have shorter offsets, and do not; here they are understood.) A client
never makes an offset, so a tombstone with a version's time and a greater
offset says that this version was deleted here, on purpose, and no other.
"""

from __future__ import annotations

import re

_FORM = re.compile(r"(\d{10}\.\d{5})(?:_([0-9a-f]{1,16}))?")
_GREATEST = 2**64 - 1


def tombstone_after(timestamp: str) -> str:
    """Return the time of a deletion of this version and older ones only.

    :param timestamp: of the version, in Swift's internal format.
    :returns: the next time that there is, in the same format.
    :raises ValueError: that is no timestamp, or none comes after it.
    """
    time, offset = _parts(timestamp)
    if offset == _GREATEST:
        message = f"no offset comes after {timestamp}"
        raise ValueError(message)
    return f"{time}_{offset + 1:016x}"


def made_by_us(tombstone: str, version: str) -> bool:
    """Tell whether a tombstone was made of a version and not by a clock.

    :param tombstone: time of the deletion, in Swift's internal format.
    :param version: time of the version that was there.
    :returns: True where they differ by a greater offset alone.
    :raises ValueError: one of them is no timestamp.
    """
    deleted, greater = _parts(tombstone)
    written, offset = _parts(version)
    return deleted == written and greater > offset


def _parts(timestamp: str) -> tuple[str, int]:
    found = _FORM.fullmatch(timestamp)
    if found is None:
        message = f"{timestamp!r} is no timestamp of Swift"
        raise ValueError(message)
    return found[1], int(found[2] or "0", 16)
