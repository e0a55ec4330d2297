# SPDX-License-Identifier: Apache-2.0
"""Faults by script: what cannot be provoked at a healthy store."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from onespace_core.layers.arguments import (
    body_of,
    bucket_of,
    key_of,
    with_body,
)
from onespace_core.layers.base import Layer
from onespace_core.layers.stream import reader_over
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader, Stream
from onespace_core.provider.errors import ConnectionFailed

P = ParamSpec("P")
T = TypeVar("T")

#: Makes an error from ``op``, ``provider``, ``bucket`` and ``key``: a class
#: of :mod:`onespace_core.provider.errors`, or a partial of one.
ErrorMaker = Callable[..., Exception]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What goes wrong, and when.

    :param op: method of the contract or of an optional protocol; None means
        any of them.
    :param key: only for this key; None means any.
    :param skip: requests that match and pass before the first fault.
    :param times: how often it strikes; None means always.
    :param delay: seconds to wait before the request.
    :param error: what is raised instead of an answer.
    :param after: whether the store has done the request when ``error`` is
        raised: the answer is lost, not the request.
    :param truncate: bytes of an object or body that still pass. A reader
        then raises ``error``, or just ends; a body raises ``error``, or
        ``ConnectionFailed``.
    """

    op: str | None = None
    key: str | None = None
    skip: int = 0
    times: int | None = 1
    delay: float = 0.0
    error: ErrorMaker | None = None
    after: bool = False
    truncate: int | None = None


class FaultyLayer(Layer):
    """A provider whose requests fail by script.

    :param provider: where requests go that do not fail.
    :param script: the first fault that matches a request and has times left
        strikes it; every fault that matches counts the request. A function
        of operation and key that returns a fault or None does as well.
    """

    def __init__(
        self,
        provider: Provider,
        script: Sequence[Fault]
        | Callable[[str, str | None], Fault | None] = (),
    ) -> None:
        super().__init__(provider)
        self._next = script if callable(script) else _Script(script)

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request, or fail."""
        op = method.__name__
        key = key_of(op, args)
        fault = self._next(op, key)
        if fault is None:
            return method(*args, **kwargs)
        if fault.delay:
            time.sleep(fault.delay)
        error = None
        if fault.error is not None:
            error = fault.error(
                "by script",
                op=op,
                provider="faulty",
                bucket=bucket_of(op, args, kwargs),
                key=key,
            )
        result: Any = _strike(fault, error, method, args, kwargs)
        return cast("T", result)


def _strike(
    fault: Fault,
    error: Exception | None,
    method: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    op, most = method.__name__, fault.truncate
    if most is not None and op == "get_object":
        reader = method(*args, **kwargs)
        return _cut_reader(reader, most, error)
    if most is not None and body_of(op, args) is not None:

        def cut(body: Body) -> Body:
            return _CutBody(body, most, error)

        return method(*with_body(op, args, cut), **kwargs)
    if error is None:
        return method(*args, **kwargs)
    if fault.after:
        result = method(*args, **kwargs)
        if isinstance(result, ObjectReader):
            result.close()
    raise error


class _Script:
    """Counts what has matched each fault; safe in many threads."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = tuple(faults)
        self._seen = [0] * len(self._faults)
        self._lock = threading.Lock()

    def __call__(self, op: str, key: str | None) -> Fault | None:
        with self._lock:
            struck = None
            for number, fault in enumerate(self._faults):
                if fault.op not in (None, op) or fault.key not in (None, key):
                    continue
                self._seen[number] += 1
                turn = self._seen[number] - fault.skip
                due = turn > 0 and (fault.times is None or turn <= fault.times)
                if due and struck is None:
                    struck = fault
            return struck


class _CutBody:
    def __init__(self, body: Body, most: int, error: Exception | None) -> None:
        self._body = body
        self._most = most
        self._error = error
        self.size = body.size
        self.md5 = body.md5
        self.replayable = body.replayable

    def open(self) -> Stream:
        return _CutStream(self._body.open(), self._most, self._error)


class _CutStream:
    def __init__(
        self, stream: Stream, most: int, error: Exception | None
    ) -> None:
        self._stream = stream
        self._left = most
        self._error = error

    def read(self, size: int = -1, /) -> bytes:
        if self._left == 0:
            reason = "the connection broke within the body"
            raise self._error or ConnectionFailed(reason, op="put_object")
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted)
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._stream.close()


def _cut_reader(
    reader: ObjectReader, most: int, error: Exception | None
) -> ObjectReader:
    def chunks() -> Iterator[bytes]:
        left = most
        for chunk in reader:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                break
        if error is not None:
            raise error

    return reader_over(reader, chunks())
