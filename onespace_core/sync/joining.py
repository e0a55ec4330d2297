# SPDX-License-Identifier: Apache-2.0
"""Which small segments go together at another Swift: pure, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from onespace_core.swift.source import Piece

#: Bytes that Swift takes in one object, by default (``max_file_size``).
LARGEST = 5 << 30
#: Metadata item of a joined segment that says what it is made of.
JOINED = "onespace-joined"


def joined(
    pieces: Iterable[Piece], minimum: int, largest: int = LARGEST
) -> list[tuple[Piece, ...]]:
    """Return consecutive pieces, in order, as remote segments hold them.

    Each group has ``minimum`` bytes or more, except the last and one that
    would get more than ``largest`` with the piece behind it. It has less
    than ``minimum`` and its last piece together.

    :param minimum: bytes; 0 joins nothing.
    """
    groups: list[tuple[Piece, ...]] = []
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if group and size + piece.length > largest:
            groups.append(tuple(group))
            group, size = [], 0
        group.append(piece)
        size += piece.length
        if size >= minimum:
            groups.append(tuple(group))
            group, size = [], 0
    if group:
        groups.append(tuple(group))
    return groups


def name_of(group: Sequence[Piece]) -> str:
    """Return what a group of pieces is called: by its bytes alone."""
    text = repr([_bytes_of(piece) for piece in group])
    return hashlib.sha256(text.encode()).hexdigest()


def _bytes_of(piece: Piece) -> tuple[str, int, int, int]:
    if piece.data is None:
        return piece.etag, piece.size, piece.first, piece.last
    md5 = hashlib.md5(piece.data, usedforsecurity=False).hexdigest()
    return md5, len(piece.data), piece.first, piece.last
