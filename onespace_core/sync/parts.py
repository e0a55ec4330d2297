# SPDX-License-Identifier: Apache-2.0
"""How a large object is cut into the parts of an upload: pure, no I/O.

The same pieces, limits and part size give the same parts, always: after a
restart the parts that the store has are found to be those that are wanted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

from onespace_core.provider import Capabilities
from onespace_core.swift.source import ManifestError, Piece


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PartLimits:
    """What a store takes as parts of one upload.

    :param least: bytes of every part but the last.
    :param most: bytes of a part; None means no known limit.
    :param count: parts of an upload; None likewise.
    """

    least: int = 0
    most: int | None = None
    count: int | None = None

    @classmethod
    def of(cls, capabilities: Capabilities) -> PartLimits:
        """Return the limits that a store claims."""
        return cls(
            least=capabilities.min_part_size,
            most=capabilities.max_part_size,
            count=capabilities.max_parts,
        )

    def fit(self, lengths: Sequence[int]) -> bool:
        """Return whether parts of these lengths make an upload."""
        if self.count is not None and len(lengths) > self.count:
            return False
        if self.most is not None and max(lengths, default=0) > self.most:
            return False
        return all(length >= self.least for length in lengths[:-1])


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedPart:
    """Bytes that are sent as one part.

    :param pieces: in order, one or more.
    """

    pieces: tuple[Piece, ...]

    @property
    def length(self) -> int:
        """Bytes of the part."""
        return sum(piece.length for piece in self.pieces)

    @property
    def md5(self) -> str | None:
        """What is known of its MD5 before it is read; None: nothing."""
        if len(self.pieces) == 1 and self.pieces[0].whole:
            return self.pieces[0].etag
        return None


def plan_parts(
    pieces: Sequence[Piece], limits: PartLimits, part_size: int
) -> tuple[PlannedPart, ...]:
    """Cut a large object along its segments, as far as the store takes them.

    Usually each segment is a part: that is 1space's layout, and the ETag of
    the copy then follows from those of the segments. If the limits forbid
    it, small neighbours go together and what is too large is cut.

    :param part_size: bytes of the parts that are cut; it grows where there
        would be too many.
    :raises ManifestError: no cut can meet the limits.
    """
    if limits.fit([piece.length for piece in pieces]):
        return tuple(PlannedPart((piece,)) for piece in pieces)
    return _cut(pieces, limits, part_size, limits.most)


def cut_evenly(
    pieces: Sequence[Piece], limits: PartLimits, part_size: int
) -> tuple[PlannedPart, ...]:
    """Cut into parts of ``part_size``, or larger; see :func:`plan_parts`.

    For a plain object, which has no segments to go by.
    """
    return _cut(pieces, limits, part_size, 0)


def etag_of(md5s: Iterable[str]) -> str:
    """Return what S3 calls an object made of parts with these MD5s."""
    digests = [bytes.fromhex(md5) for md5 in md5s]
    joined = hashlib.md5(b"".join(digests), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(digests)}"


def _cut(
    pieces: Sequence[Piece],
    limits: PartLimits,
    part_size: int,
    whole: int | None,
) -> tuple[PlannedPart, ...]:
    """Cut under the limits.

    :param whole: pieces up to so many bytes stay whole; None means all.
    """
    total = sum(piece.length for piece in pieces)
    top = total if limits.most is None else min(total, limits.most)
    if limits.count is not None and limits.count * top < total:
        message = (
            f"{total} bytes are more than {limits.count} parts of {top} hold"
        )
        raise ManifestError(message)
    size = min(max(part_size, limits.least, 1), max(top, 1))
    while True:
        kept = max(size, total if whole is None else whole)
        parts = tuple(_packed(pieces, limits.least, size, kept))
        if limits.count is None or len(parts) <= limits.count:
            return parts
        if size == top:
            break
        size = min(size * 2, top)
    # Segments stand in the way: without regard to them it fits.
    size = max(-(-total // limits.count), limits.least)
    return tuple(_packed(pieces, size, size, size))


def _packed(
    pieces: Sequence[Piece], least: int, size: int, whole: int
) -> Iterator[PlannedPart]:
    """Give parts of ``least`` to ``whole`` bytes; the last may be smaller.

    :param least: up to ``size``.
    :param size: bytes that are aimed at, up to ``whole``.
    :param whole: bytes up to which a part may grow to keep a piece whole.
    """
    part: list[Piece] = []
    length = 0
    for piece in pieces:
        if length and length >= least and length + piece.length > size:
            yield PlannedPart(tuple(part))
            part, length = [], 0
        cuts = [piece.length]
        if length + piece.length > whole:
            rest = piece.length - (size - length)
            full, end = divmod(rest, size)
            cuts = [size - length, *[size] * full, *[end][: bool(end)]]
        for given in _slices(piece, cuts):
            part.append(given)
            length += given.length
            if length >= size:
                yield PlannedPart(tuple(part))
                part, length = [], 0
    if part:
        yield PlannedPart(tuple(part))


def _slices(piece: Piece, lengths: Sequence[int]) -> Iterator[Piece]:
    if len(lengths) == 1:
        yield piece
        return
    starts = itertools.accumulate(lengths[:-1], initial=0)
    for start, length in zip(starts, lengths, strict=True):
        yield _slice(piece, start, length)


def _slice(piece: Piece, start: int, length: int) -> Piece:
    if piece.data is None:
        first = piece.first + start
        return dataclasses.replace(piece, first=first, last=first + length - 1)
    data = piece.data[piece.first + start :][:length]
    return dataclasses.replace(
        piece,
        size=length,
        etag=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        first=0,
        last=length - 1,
        data=data,
    )
