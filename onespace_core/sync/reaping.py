# SPDX-License-Identifier: Apache-2.0
"""Deleting segments that nothing refers to any more.

A segment is noted before its manifest goes, and looked for once it has been
noted for a while: whatever refers to it keeps it. A segment that is deleted
wrongly is data that is lost, one that stays only costs money; so every doubt
keeps all of them, and is named.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Protocol

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.provider import OnespaceError
from onespace_core.state import (
    Candidate,
    ContainerKey,
    Side,
    SweepReport,
)
from onespace_core.swift.source import LocalKind, LocalObject, Piece, Source
from onespace_core.sync.large import logical
from onespace_core.sync.sending import side_by_side

#: Seconds between two sweeps of a mapping, at least.
INTERVAL = 3600.0
#: A sweep is made no more often than this many times as long as it takes.
_SHARE = 10
#: Candidates of one sweep, which are in memory.
_MOST = 100_000
#: Segments that are asked for side by side.
_WORKERS = 4


class GarbageStore(Protocol):
    """What the state does for candidates; see there."""

    def note_garbage(self, candidates: Iterable[Candidate]) -> None:
        """Note them durably."""
        ...

    def garbage(
        self, mapping: str, side: Side, before: float
    ) -> Iterator[Candidate]:
        """Give those noted before a time."""
        ...

    def has_garbage(self, mapping: str, side: Side, before: float) -> bool:
        """Return whether there are any."""
        ...

    def strike_garbage(self, candidates: Iterable[Candidate]) -> None:
        """Strike them."""
        ...

    def save_sweep(
        self, mapping: str, side: Side, report: SweepReport
    ) -> None:
        """Save what a sweep came to."""
        ...

    def last_sweep(self, mapping: str, side: Side) -> SweepReport | None:
        """Return what the last one came to, if there was one."""
        ...


class LocalNotes:
    """Notes the segments of a local large object before it is archived.

    :param key: the container; a shard's root.
    """

    def __init__(
        self,
        store: GarbageStore,
        key: ContainerKey,
        source: Source,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._key = key
        self._source = source
        self._clock = clock

    def note(
        self,
        copied: LocalObject,
        now: LocalObject,
        policy_index: int | None,
    ) -> None:
        """Note the segments that the copy was made of.

        Only plain objects of which all bytes are in the copy, in the very
        version that has these bytes.

        :param copied: the large object, as a client sees it.
        :param now: its manifest, as it is stored.
        :raises RowWaitsError: it is made of something else by now.
        """
        if now.kind not in (LocalKind.SLO, LocalKind.DLO):
            return
        manifest = self._source.manifest(now, policy_index=policy_index)
        same = logical(now, manifest)
        if (same.timestamp, same.etag, same.size) != (
            copied.timestamp,
            copied.etag,
            copied.size,
        ):
            message = "its segments changed since it was copied"
            raise RowWaitsError(message)
        whole = {
            (piece.container, piece.name): piece
            for piece in manifest.pieces
            if piece.whole and piece.data is None
        }
        found: list[Candidate] = []
        side_by_side(
            (
                partial(self._look, copied, piece, found)
                for piece in whole.values()
            ),
            _WORKERS,
        )
        self._store.note_garbage(found)

    def _look(
        self, copied: LocalObject, piece: Piece, found: list[Candidate]
    ) -> None:
        segment = self._source.sibling(piece.container).head(
            piece.name, newest=True
        )
        if segment is None or not _is_plain(segment, piece.etag, piece.size):
            return
        found.append(
            Candidate(
                side=Side.LOCAL,
                key=self._key,
                manifest=copied.name,
                place=piece.container,
                name=piece.name,
                version=segment.timestamp,
                etag=piece.etag,
                size=piece.size,
                timestamp=copied.timestamp,
                manifest_etag=copied.etag,
                manifest_size=copied.size,
                noted=self._clock(),
            )
        )


class Reaper(Protocol):
    """One side's part of a sweep."""

    def needed(
        self, candidates: Collection[Candidate], *, since: float
    ) -> Collection[Candidate]:
        """Return those that something refers to.

        :param since: only what was changed since then is asked; seconds
            since the epoch, 0 means everything.
        :raises OnespaceError: it is not known for sure.
        """
        ...

    def delete(self, candidate: Candidate) -> bool | None:
        """Delete one, if it is still what was noted.

        :returns: whether it was deleted; False if it is no longer there, or
            something else is: then it is none of ours. None: not yet.
        :raises OnespaceError: neither; it is tried again.
        """
        ...


class Sweeper:
    """Sweeps one side of one mapping, now and then.

    :param ours: tells candidates that this sweep is about from those of
        another account or store, which are left alone.
    :param reaper: makes what does it, of the candidates, of what tells
        whether to go on, and of the time since when they are noted.
    :param grace: seconds for which a segment is noted before it may go.
    :param swept: told how many were deleted.
    """

    def __init__(
        self,
        store: GarbageStore,
        mapping: str,
        side: Side,
        ours: Callable[[Candidate], bool],
        reaper: Callable[
            [Collection[Candidate], Callable[[], bool], float], Reaper
        ],
        grace: float,
        logger: logging.Logger,
        *,
        swept: Callable[[int], None] = lambda _count: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._side = side
        self._ours = ours
        self._reaper = reaper
        self._grace = grace
        self._logger = logger
        self._swept = swept
        self._clock = clock

    def due(self) -> bool:
        """Return whether it is time for a sweep, and there is something."""
        now = self._clock()
        last = self._store.last_sweep(self._mapping, self._side)
        if last is not None:
            pause = max(INTERVAL, last.took * _SHARE)
            if 0 <= now - last.ended < pause:
                return False
        return self._store.has_garbage(
            self._mapping, self._side, now - self._grace
        )

    def sweep(self, go_on: Callable[[], bool]) -> bool:
        """Delete what is noted for long enough and needed by nothing.

        :param go_on: asked between two steps; False ends it.
        :returns: whether all went well; what did not is logged, is in the
            report, and is tried again by the next sweep.
        """
        begun = self._clock()
        candidates = [
            each
            for each in itertools.islice(
                self._store.garbage(
                    self._mapping, self._side, begun - self._grace
                ),
                _MOST,
            )
            if self._ours(each)
        ]
        if not candidates:
            return True
        report = self._outcome(candidates, begun, go_on)
        self._store.save_sweep(self._mapping, self._side, report)
        self._swept(report.deleted)
        level = logging.WARNING if report.reason else logging.INFO
        self._logger.log(
            level,
            "%s: %s segments: %d deleted, %d still needed, %d kept%s",
            self._mapping,
            self._side.value,
            report.deleted,
            report.needed,
            report.kept,
            f": {report.reason}" if report.reason else "",
        )
        return not report.reason

    def _outcome(
        self,
        candidates: Collection[Candidate],
        begun: float,
        go_on: Callable[[], bool],
    ) -> SweepReport:
        reaper = self._reaper(candidates, go_on, begun - self._grace)
        done = _Outcome()
        try:
            needed = set(reaper.needed(candidates, since=0.0))
            self._delete(reaper, candidates, needed, begun, go_on, done)
            self._store.strike_garbage(needed)
        except OnespaceError as exc:
            needed = set()
            done.reason = f"nothing more was deleted, for a doubt: {exc}"
        now = self._clock()
        return SweepReport(
            ended=now,
            took=max(0.0, now - begun),
            deleted=done.deleted,
            needed=len(needed),
            kept=len(candidates) - done.struck - len(needed),
            reason=done.reason,
        )

    def _delete(
        self,
        reaper: Reaper,
        candidates: Collection[Candidate],
        needed: set[Candidate],
        begun: float,
        go_on: Callable[[], bool],
        done: _Outcome,
    ) -> None:
        """Delete what is not needed.

        :param needed: gets what turns out to be needed meanwhile.
        """
        looked, pause = float("-inf"), 0.0
        for each in candidates:
            # A manifest may have been written since it was looked for.
            if abs(self._clock() - looked) > pause:
                looked = self._clock()
                needed.update(reaper.needed(candidates, since=begun - _MARGIN))
                pause = max(_LOOK_AGAIN, 2 * (self._clock() - looked))
            if each in needed:
                continue
            if not go_on():
                done.reason = done.reason or "it was stopped"
                return
            try:
                deleted = reaper.delete(each)
            except OnespaceError as exc:
                done.reason = done.reason or f"{each.place}/{each.name}: {exc}"
                continue
            if deleted is not None:
                done.deleted += deleted
                done.struck += 1
                self._store.strike_garbage((each,))


@dataclasses.dataclass(slots=True)
class _Outcome:
    """What was done so far: deleted, and struck since it is gone or other."""

    deleted: int = 0
    struck: int = 0
    reason: str = ""


#: Seconds after which what was written meanwhile is looked for again.
_LOOK_AGAIN = 60.0
#: Seconds by which clocks of Swift's proxies may differ.
_MARGIN = 60.0


def _is_plain(local: LocalObject, etag: str, size: int) -> bool:
    """Return whether an object is just these bytes, and in one place."""
    return (
        local.kind is LocalKind.PLAIN
        and not local.versioned
        and (local.etag, local.size) == (etag, size)
    )
