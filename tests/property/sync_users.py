# SPDX-License-Identifier: Apache-2.0
"""What users and the cluster do in the model; see :mod:`sync_model`.

Every step is drawn as one number, which stands for a combination: a machine
draws thousands of them.
"""

from __future__ import annotations

import dataclasses
import itertools

from hypothesis import strategies as st
from property.sync_model import NAMES, live_row, tombstone_row
from servers.fake_source import Version, stamp

from onespace_core.provider import BytesBody
from onespace_core.swift.source import LocalKind, Piece

BODIES = (b"1111", b"2222", b"longer one", b"", b"many bytes " * 4)
COLORS = ("red", "blue")
SEGMENTS = tuple(
    (container, f"s/{number}")
    for container in ("segs", "mör")
    for number in range(3)
)
SEGMENT_BODIES = (b"123456789", b"abcdefghij", b"#", b"", None)
#: What static large objects are made of: whole segments, ranges of them,
#: bytes in the manifest, and another static large object. Some share.
RECIPES = (
    (("segs", "s/0"), ("segs", "s/1")),
    (("segs", "s/0"), ("mör", "s/0")),
    (("segs", "s/1"), ("segs", "s/1"), ("mör", "s/1")),
    (("segs", "s/0", 2, 5), ("segs", "s/2")),
    (("mör", "s/0"), b"inline"),
    ("a", ("segs", "s/2")),
)
PREFIXES = (("segs", "s/"), ("mör", "s/1"))

_PLAIN = tuple(("plain", body) for body in BODIES)
_CHANGES = (("post",), ("post",), ("delete",), ("delete",))
_LARGE = (
    *(("slo", recipe) for recipe in RECIPES),
    *(("slo", RECIPES[3]),) * 4,
    *(("dlo", where) for where in PREFIXES),
    *(
        ("segment", each, body)
        for each in SEGMENTS
        for body in SEGMENT_BODIES[:3]
    ),
    *(("segment", SEGMENTS[0], body) for body in SEGMENT_BODIES[3:]),
)
#: What of it is drawn how often.
WHAT = {
    "plain": (*_PLAIN[:4], *_CHANGES, *_CHANGES[:2]),
    "large": (*_PLAIN, *_CHANGES * 3, *_LARGE, *_LARGE[:12] * 2),
}


def _drawn(*dimensions):
    """Return a strategy for one of each, which draws one number."""
    return st.sampled_from(tuple(itertools.product(*dimensions)))


def writes(kind):
    """Return a strategy for what a user does: name, where, what, color."""
    return _drawn(NAMES, range(8), WHAT[kind], COLORS)


#: What happens to the cluster: to which nodes, and how many seconds.
cluster = _drawn(
    ("replicate", "replicate", "wait", "clock", "rebuild", "ring"),
    range(3),
    range(3),
    (-70.0, -5.0, 1.0, 20.0, 70.0, 700.0),
)

#: Who works, how much fails and lags, and after how many requests one
#: crashes.
working = _drawn(
    (7, 7, 7, 1, 2, 4, 3),
    (0.0, 0.0, 0.15, 0.5),
    (0.0, 0.3, 0.8),
    (None, None, 0, 1, 2, 3, 4, 6, 9),
)


def steps(kind):
    """Return a strategy for a list of steps, each of two parts.

    A user's or the cluster's doing has a part of its own; while nodes work,
    up to three writes come in between.
    """
    write = writes(kind)
    user = st.tuples(st.just("user"), write)
    work = st.tuples(
        st.just("work"), st.tuples(working, st.lists(write, max_size=3))
    )
    changes = st.tuples(st.just("cluster"), cluster)
    return st.lists(
        st.one_of(user, work, user, work, changes), min_size=8, max_size=16
    )


@dataclasses.dataclass(frozen=True)
class Written(Version):
    """A version that knows when its bytes were written."""

    written: str = ""


class Users:
    """Those who write to the container and its segments."""

    def __init__(self, world, nodes):
        self.world = world
        self.nodes = nodes

    def begin(self):
        """Put the segments that large objects are made of."""
        if self.world.kind != "none":
            for number, (container, name) in enumerate(SEGMENTS):
                self._put_segment(container, name, b"%d" % number * 9)

    def do(self, name, where, what, color):
        """Do one thing; nothing if it cannot be done now."""
        self.world.clock.now += 0.5
        kind = what[0]
        if kind == "segment":
            self._put_segment(*what[1], what[2])
        elif kind == "delete":
            self._delete(name, where)
        elif kind == "post":
            self._post(name, where, color)
        elif kind == "plain":
            self._put(name, where, color, data=what[1])
        elif kind == "slo":
            self._put_slo(name, where, color, what[1])
        else:
            self._put(
                name,
                where,
                color,
                data=b"",
                kind=LocalKind.DLO,
                dynamic=what[1],
            )

    # -- objects ----------------------------------------------------------

    def newest(self, name):
        """Return the newest version, if it is live."""
        versions = self.world.source.versions.get(name)
        if not versions or versions[-1].data is None:
            return None
        return versions[-1]

    def content(self, name, version):
        """Return what a client reads of a live version now."""
        if version.dynamic is not None:
            container, prefix = version.dynamic
            pieces = self.world.source.sibling(container).listed(prefix)
            return b"".join(self._bytes(piece) for piece in pieces)
        if version.kind is LocalKind.SLO:
            return self.world.contents[name][version.timestamp][0]
        return version.data

    def is_broken(self, version):
        """Return whether a static large object lacks a segment."""
        return any(
            self._etag(container, name) != etag
            for container, name, etag in version.members
        )

    def broken(self):
        return {
            name
            for name in NAMES
            if (version := self.newest(name)) and self.is_broken(version)
        }

    def repair(self):
        """Write anew what is broken, and all that may have changed."""
        for name in NAMES:
            self.world.clock.now += 0.5
            version = self.newest(name)
            if version is None:
                continue
            if self.is_broken(version):
                self._put(name, 7, "red", data=b"mended")
            elif version.dynamic is not None:
                self._post(name, 7, "red")

    def _put(self, name, where, color, *, content=None, **version):
        now = stamp(self.world.clock.now)
        made = Written(
            timestamp=now,
            written=now,
            metadata=(("color", color),),
            content_type=f"text/{color}",
            **version,
        )
        self._add(name, where, made, content)

    def _post(self, name, where, color):
        old = self.newest(name)
        if old is None:
            return
        changed = dataclasses.replace(
            old,
            timestamp=stamp(self.world.clock.now),
            metadata=(("color", color),),
            content_type=f"text/{color}",
        )
        content = None
        if old.kind is LocalKind.SLO:
            content = self.content(name, old)
        self._add(name, where, changed, content)

    def _put_slo(self, name, where, color, recipe):
        pieces = []
        for each in recipe:
            found = self._pieces(each)
            if not found:
                return  # Swift takes no manifest without its segments
            pieces += found
        if any(not self._is_intact(piece) for piece in pieces):
            return  # of another large object, which is broken
        now = self.world.clock.now
        # As a client of the fake does it, so that the manifest is Swift's.
        made = self.world.source.put_slo(name, now, *pieces)
        self.world.source.versions[name].pop()
        self._put(
            name,
            where,
            color,
            content=b"".join(self._bytes(piece) for piece in pieces),
            data=made.data,
            kind=LocalKind.SLO,
            pieces=made.pieces,
            members=made.members,
        )

    def _delete(self, name, where):
        if self.newest(name) is None:
            return
        timestamp = stamp(self.world.clock.now)
        self.world.source.versions[name].append(Written(timestamp, None))
        self._merge(where, tombstone_row(name, timestamp))

    def _add(self, name, where, version, content):
        world = self.world
        world.source.versions.setdefault(name, []).append(version)
        if content is None:
            content = self.content(name, version)
        world.contents[name][version.timestamp] = [content]
        self._merge(where, live_row(name, version, len(content)))

    def _merge(self, where, row):
        for number, node in enumerate(self.nodes):
            if where >> number & 1 or number == where % len(self.nodes):
                node.database.merge(row)

    # -- segments ---------------------------------------------------------

    def _put_segment(self, container, name, data):
        self.world.source.sibling(container).put(
            name, self.world.clock.now, data
        )
        for each in NAMES:
            version = self.newest(each)
            if version is not None and version.dynamic is not None:
                seen = self.world.contents[each][version.timestamp]
                seen.append(self.content(each, version))

    def _segment(self, container, name):
        versions = self.world.source.sibling(container).versions.get(name)
        return versions[-1] if versions and versions[-1].data else None

    def _etag(self, container, name):
        found = self._segment(container, name)
        return found and found.info(name).etag

    def _pieces(self, each):
        """Return the pieces of one line of a recipe; empty: it is gone."""
        if isinstance(each, bytes):
            md5 = BytesBody(each).md5
            return [
                Piece(
                    container="",
                    name="",
                    size=len(each),
                    etag=md5,
                    first=0,
                    last=len(each) - 1,
                    data=each,
                )
            ]
        if isinstance(each, str):
            version = self.newest(each)
            nested = version is not None and version.kind is LocalKind.SLO
            return list(version.pieces) if nested else []
        found = self._segment(*each[:2])
        if found is None:
            return []
        last = len(found.data) - 1
        span = [min(byte, last) for byte in each[2:]]
        return [self.world.source.sibling(each[0]).piece(each[1], *span)]

    def _is_intact(self, piece):
        return piece.data is not None or (
            self._etag(piece.container, piece.name) == piece.etag
        )

    def _bytes(self, piece):
        if piece.data is None:
            data = self._segment(piece.container, piece.name).data
        else:
            data = piece.data
        return data[piece.first : piece.last + 1]
