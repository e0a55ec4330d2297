# SPDX-License-Identifier: Apache-2.0
"""What all nodes share: a container with its segments, and a store.

What must hold after every request is looked at after every request: what a
node does wrong may be mended before it is quiet. Nodes keep their errors to
themselves, so that what is found is noted in :attr:`World.wrong`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import random

from servers.crawler_fakes import Clock
from servers.fake_source import FakeSource

from onespace_core.concurrency import sleep
from onespace_core.crawler.rows import Row
from onespace_core.namespace.keys import layout_for
from onespace_core.provider import (
    ConnectionFailed,
    KeyScheme,
    OperationTimeout,
    PermissionDenied,
    ProviderError,
    ServiceUnavailable,
)
from onespace_core.provider.protocols import (
    PROTOCOLS,
    LargeObjects,
    MultipartUpload,
)
from onespace_core.sync.stamp import read_stamp, user_metadata
from onespace_core.testing.faulty import Fault
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)

SLACK = 10.0
LOG = logging.getLogger("test.machine")
LOG.setLevel(logging.CRITICAL + 1)
NAMES = ("a", "ü")
ERRORS = (
    ServiceUnavailable,
    ConnectionFailed,
    OperationTimeout,
    PermissionDenied,
)
CONDITIONS = (
    {},
    {"conditional_replace": False},
    {"conditional_put": False, "conditional_replace": False},
)
#: Kinds of stores, by how large objects get there: not at all, in parts, as
#: segments and a manifest, in one piece.
WITHHELD = {
    "none": frozenset(),
    "parts": frozenset({LargeObjects}),
    "manifests": frozenset({MultipartUpload}),
    "whole": frozenset({LargeObjects, MultipartUpload}),
}
#: Requests that are few, so that their failures would be fewer.
RARE = ("post_object", "copy_object")
#: Requests that put an object at a key.
SHOWS = ("put_object", "put_manifest", "complete_upload", "copy_object")


def make_store(kind, *, conditions, md5):
    """Return a provider of a kind of store, as little able as asked."""
    switches = {"etag_is_md5": md5, **CONDITIONS[conditions]}
    for name in ("put", "replace"):
        # Who has no condition on a PUT has none on the end of an upload.
        if f"conditional_{name}" in switches:
            end = "complete" if name == "put" else "complete_replace"
            switches[f"conditional_{end}"] = False
    if kind in ("parts", "whole"):
        switches.update(metadata_post=False, large_objects=False)
    if kind == "manifests":
        # A manifest names the MD5 of its segments.
        switches["etag_is_md5"] = True
    return MemoryProvider(
        MemoryStore("b"),
        capabilities=dataclasses.replace(EVERYTHING, **switches),
        protocols=frozenset(PROTOCOLS) - WITHHELD[kind],
        key_scheme=(
            KeyScheme.PLAIN if kind == "manifests" else KeyScheme.HASHED
        ),
    )


class World:
    """What all nodes share.

    :ivar contents: by name and timestamp, the bytes that a client may have
        read of that version. A dynamic large object has several.
    :ivar wrong: what was seen that must not be.
    """

    def __init__(self, seed, kind, memory, policy):
        self.kind = kind
        self.policy = policy
        self.random = random.Random(seed)
        self.clock = Clock()
        self.source = FakeSource()
        self.memory = memory
        self.layout = layout_for(
            memory.KEY_SCHEME, account="AUTH_t", container="c", bucket="b"
        )
        self.keys = {self.layout.key(name): name for name in NAMES}
        self.beside = {
            self.layout.manifest_key(name): name
            for name in NAMES
            if memory.KEY_SCHEME is KeyScheme.HASHED
        }
        self.contents = {name: {} for name in NAMES}
        self.fault_rate = 0.0
        #: What failed last.
        self.failed = None
        self.lag_rate = 0.0
        #: What users do while nodes work: functions, each with the name of
        #: the object that it changes beside its bytes, if it does.
        self.writes = []
        #: Copies that became older, with the stamp that they had.
        self.regressed = {}
        #: Copies of the newest live version that a node has deleted.
        self.removed = set()
        self.wrong = []
        self.working = 0

    @property
    def objects(self):
        return self.memory.store.buckets["b"].objects

    def pause(self, *, labelled=None):
        """Let others run, and users write, at any request.

        :param labelled: an object whose headers nobody changes now.
        """
        # Once in a while a request takes as long as many others.
        long = self.random.random() < 0.05
        for _ in range(self.random.randrange(12 if long else 3)):
            sleep(0)
        if self.writes and self.random.random() < 0.25:
            if labelled is not None and self.writes[0][1] == labelled:
                return
            self.writes.pop(0)[0]()

    def read(self, key):
        """Return what a reader gets of a key: info and bytes, or None."""
        there = self.memory.store.buckets["b"]
        if key not in there.objects:
            return None
        if key not in there.manifests:
            return there.objects[key]
        return self.memory._whole(there, key)

    def versions_of(self, name):
        """Return all bytes that some version of an object had."""
        found = self.contents[name].values()
        return {data for each in found for data in each}

    # -- after every request ----------------------------------------------

    @contextlib.contextmanager
    def watched(self, op):
        """Note where a node replaces or deletes a newer copy.

        A race may do so; then the node has to notice.
        """
        before = self.stamps()
        yield
        after = self.stamps()
        if op == "delete_object":
            for name, versions in self.source.versions.items():
                key = self.layout.key(name)
                newest = versions[-1].timestamp
                if key not in after and before.get(key) == newest:
                    self.removed.add(name)
        if op in SHOWS:
            for key in before.keys() & after.keys():
                if after[key] < before[key]:
                    self.regressed[key] = before[key]
        self.look()

    def stamps(self):
        found = {}
        for key in self.keys.keys() & self.objects.keys():
            stamp = read_stamp(self.objects[key][0].metadata)
            found[key] = stamp.timestamp
        return found

    def look(self):
        """Read all copies: each is a version that there was, and whole."""
        for key, name in self.keys.items():
            try:
                found = self.read(key)
            except ProviderError as exc:
                self.wrong.append(f"the copy of {name} cannot be read: {exc}")
                continue
            if found and found[1] not in self.versions_of(name):
                self.wrong.append(f"{name}: no version had {found[1]!r}")

    def archived(self, name, version):
        """Look whether a version that a node deletes is at the store.

        Where a store knows no conditions, another node may just now have
        put an older version there.
        """
        able = self.memory.capabilities
        if self.working > 1 and not (
            able.conditional_put and able.conditional_replace
        ):
            return
        found = self.read(self.layout.key(name))
        if found is None:
            self.wrong.append(f"{name} was deleted here and is not there")
            return
        info, data = found
        if data not in self.contents[name][version.timestamp]:
            self.wrong.append(f"{name} was deleted here; {data!r} is there")
        if user_metadata(info.metadata).get("color") != (
            dict(version.metadata).get("color")
        ):
            self.wrong.append(f"{name} was deleted with other metadata")

    def segment_deleted(self, container, name, etag):
        """Look whether a live object needs what a node has deleted."""
        for each in NAMES:
            versions = self.source.versions.get(each)
            if not versions or versions[-1].data is None:
                continue
            newest = versions[-1]
            needs = (container, name, etag) in newest.members or (
                newest.dynamic is not None
                and newest.dynamic[0] == container
                and name.startswith(newest.dynamic[1])
            )
            if needs:
                self.wrong.append(f"{each} needs {container}/{name}")

    def fault(self, op, key):
        """Fail some requests; rare ones and repeated ones more often."""
        often = op in RARE or key in self.beside or self.failed == op
        self.failed = None
        rate = 0.8 if often and self.fault_rate else self.fault_rate
        if self.random.random() >= rate:
            return None
        self.failed = op
        error = self.random.choice(ERRORS)
        bodies = ("put_object", "upload_part")
        if op in bodies and self.random.random() < 0.3:
            return Fault(truncate=self.random.randrange(3), error=error)
        return Fault(error=error, after=self.random.random() < 0.3)


def live_row(name, version, size):
    """Return the row of a live version, with the size that a client sees."""
    info = version.info(name)
    return Row(
        rowid=0,
        name=name,
        deleted=False,
        timestamp=version.timestamp,
        data_timestamp=version.written,
        # Swift lists dynamic ones with the size of their manifest.
        size=0 if version.dynamic is not None else size,
        etag=info.etag,
        content_type=version.content_type,
        policy_index=0,
    )


def tombstone_row(name, timestamp):
    """Return the row of a deletion."""
    return Row(
        rowid=0,
        name=name,
        deleted=True,
        timestamp=timestamp,
        data_timestamp=timestamp,
        size=0,
        etag="noetag",
        content_type="application/deleted",
        policy_index=0,
    )
