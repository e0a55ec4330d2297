# SPDX-License-Identifier: Apache-2.0
"""The engine with a copier of large objects, over stores in memory.

It can be ended before or after any request to the store, and started again
with what is then there and in the state.
"""

import contextlib
import dataclasses
import logging

from onespace_core.layers.retry import RetryLayer
from onespace_core.namespace.keys import layout_for
from onespace_core.provider import KeyScheme
from onespace_core.provider.protocols import (
    PROTOCOLS,
    LargeObjects,
    MultipartUpload,
)
from onespace_core.state import ContainerKey, StateStore
from onespace_core.sync.concat import ConcatCopier
from onespace_core.sync.engine import SyncEngine, SyncPolicy
from onespace_core.sync.multipart import MultipartCopier
from onespace_core.sync.uploads import Uploads
from onespace_core.telemetry import SyncRecorder
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)
from servers.engine_world import LAYOUT, T0, Receipts, World
from servers.fake_source import FakeSource

KEY = ContainerKey("m", "AUTH_t", "c")
#: What a store like S3 offers.
S3_LIKE = frozenset(PROTOCOLS) - {LargeObjects}


class EndedError(BaseException):
    """The process was ended."""


class Wire:
    """A provider whose requests a test can watch, break and end.

    :ivar requests: names of the methods that were called, in order.
    :ivar before: called with name and arguments; may raise.
    :ivar after: likewise, when the store has done it.
    :ivar dead: whether every further request ends the process.
    """

    def __init__(self, inner):
        self.inner = inner
        self.requests = []
        self.before = lambda _op, _args: None
        self.after = lambda _op, _args: None
        self.dead = False

    def __getattr__(self, name):
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def request(*args, **kwargs):
            if self.dead:
                raise EndedError
            self.requests.append(name)
            self.before(name, args)
            try:
                return found(*args, **kwargs)
            finally:
                self.after(name, args)

        return request

    def end_at(self, number, *, done):
        """End the process at a request, which the store does or not."""

        def end(_op, _args):
            if len(self.requests) == number:
                self.dead = True
                raise EndedError

        if done:
            self.after = end
        else:
            self.before = end

    def fail(self, op, error, *, times=1, skip=0, done=False, number=None):
        """Let some requests fail; ``number`` means only this part."""
        left = [skip, times]

        def strike(name, args):
            if name != op or (number is not None and args[2] != number):
                return
            if left[0]:
                left[0] -= 1
            elif left[1]:
                left[1] -= 1
                raise error("by script", op=op)

        if done:
            self.after = strike
        else:
            self.before = strike


class LargeWorld(World):
    """An engine for large objects, its container and its store.

    :param folder: for the state.
    :param protocols: what the store offers.
    :param retries: whether there is a retry layer around it.
    """

    def __init__(
        self,
        folder,
        *,
        policy=None,
        protocols=S3_LIKE,
        key_scheme=KeyScheme.HASHED,
        retries=False,
        **switches,
    ):
        self._retries = retries
        self.source = FakeSource("c")
        self.segments = self.source.sibling("segs")
        self.now = T0 + 10.0
        self.policy = policy or SyncPolicy(
            part_size=16, part_workers=2, multipart_threshold=32
        )
        claims = {"metadata_post": False, "large_objects": False, **switches}
        self.layout = LAYOUT
        if key_scheme is not KeyScheme.HASHED:
            self.layout = layout_for(
                key_scheme, account="AUTH_t", container="c", bucket="b"
            )
        self.memory = MemoryProvider(
            MemoryStore("b"),
            bucket="b",
            protocols=protocols,
            key_scheme=key_scheme,
            capabilities=dataclasses.replace(EVERYTHING, **claims),
        )
        self._path = str(folder / "state.sqlite")
        self.state = None
        self.receipts = Receipts()
        self.recorder = SyncRecorder()
        self.start()

    def start(self):
        """Begin a process anew."""
        if self.state is not None:
            self.state.close()
        self.state = StateStore(self._path, logging.getLogger("test"))
        self.wire = Wire(self.memory)
        provider = self.wire
        if self._retries:
            provider = RetryLayer(
                self.wire,
                sleep=lambda _seconds: None,
                logger=logging.getLogger("test"),
            )
        self.engine = SyncEngine(
            provider,
            self.wire,
            self.layout,
            self.source,
            self.policy,
            self.recorder,
            container="c",
            large=self._copier,
            receipts=self.receipts,
            clock=lambda: self.now,
        )

    def _copier(self, remote):
        if isinstance(self.memory, MultipartUpload):
            provider = remote.provider
            uploads = Uploads(
                provider, remote, self.state, KEY, clock=lambda: self.now
            )
            self.copier = MultipartCopier(
                provider, remote, self.source, self.policy, uploads
            )
        else:
            self.copier = ConcatCopier(remote, self.source)
        return self.copier

    @contextlib.contextmanager
    def ended(self):
        """Expect that the process is ended within, and start it again."""
        try:
            yield
        except EndedError:
            pass
        finally:
            self.start()

    # -- what is where ----------------------------------------------------

    def put_segments(self, seconds=T0, **data):
        for name, each in data.items():
            self.segments.put(name, seconds, each)

    def put_slo(self, name="o", seconds=T0, segments="abc", **changes):
        self.source.put_slo(
            name, seconds, *[("segs", each) for each in segments], **changes
        )

    @property
    def objects(self):
        return self.memory.store.buckets["b"].objects

    def at_remote(self, name="o"):
        found = self.objects.get(self.layout.key(name))
        return found and found[1]

    def manifest(self, name="o"):
        """Return info and bytes of a manifest object, or None."""
        return self.objects.get(self.layout.manifest_key(name))

    def open_there(self):
        """Return the uploads that the store has open."""
        return list(self.memory.store.buckets["b"].uploads.values())

    def noted(self):
        return [upload for _key, upload in self.state.open_uploads("m")]

    def sent(self):
        """Return the requests since the last call, reads apart."""
        made = [
            op
            for op in self.wire.requests
            if op not in ("head_object", "head_bucket")
        ]
        self.wire.requests.clear()
        return made
