# SPDX-License-Identifier: Apache-2.0
"""Values of the optional protocols: parts, segments, rules by age."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from onespace_core.provider.types import LargeKind


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of an upload, as the store has it.

    :param number: its place, from 1.
    :param etag: what the store calls it, unquoted; its MD5 where
        ``etag_is_md5`` is claimed.
    :param size: bytes; None where the store did not say.
    """

    number: int
    etag: str
    size: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class OpenUpload:
    """An upload that is neither completed nor aborted."""

    key: str
    upload_id: str
    started: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """An object, or a range of it, as a piece of a static large object.

    :param bucket: where it is.
    :param key: its key.
    :param size: bytes of the whole object; None lets the store look.
    :param etag: of the whole object, unquoted; None likewise.
    :param first: first byte that counts.
    :param last: last one, inclusive; None means to the end.
    """

    bucket: str
    key: str
    size: int | None = None
    etag: str | None = None
    first: int = 0
    last: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a large object is made of.

    :param segments: of a static one, in order; empty for a dynamic one.
    :param dynamic: bucket and prefix of a dynamic one, decoded.
    """

    segments: Sequence[Segment] = ()
    dynamic: tuple[str, str] | None = None

    @property
    def kind(self) -> LargeKind:
        """Which of the two it is."""
        static = self.dynamic is None
        return LargeKind.STATIC if static else LargeKind.DYNAMIC


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AgeRule:
    """What a store does with objects as they grow old.

    :param rule_id: says whose it is; at most 255 characters.
    :param prefix: of the keys it is for; empty means all.
    :param delete_after: days from the last write to the deletion, 1 or
        more; None means never.
    :param move_after: days to a change of class, and its name; None: none.
    """

    rule_id: str
    prefix: str
    delete_after: int | None = None
    move_after: tuple[int, str] | None = None
