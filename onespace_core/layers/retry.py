# SPDX-License-Identifier: Apache-2.0
"""The one owner of retry.

Plugins switch their SDK's retries off; what may succeed later is tried again
here, one request at a time.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import tenacity

from onespace_core.layers.arguments import body_of, with_body
from onespace_core.layers.base import Layer
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, Stream
from onespace_core.provider.errors import ProviderError, RateLimited
from onespace_core.provider.large import OpenUpload

P = ParamSpec("P")
T = TypeVar("T")


class RetryLayer(Layer):
    """Tries a failed request again, with exponential backoff and full jitter.

    Only errors whose ``retryable`` is True are tried again, and never one
    that another retry layer gave up on. The error that is raised in the end
    has ``retries_exhausted`` set. A body that is not ``replayable`` is sent
    again only as long as it was not opened. ``get_object`` is tried again
    until a reader is returned; a body that breaks later is the caller's to
    read again.

    Where an answer was lost, the store may have done what it was asked, and
    the layer cannot know:

    - a conditional PUT whose first answer was lost may raise
      ``PreconditionFailed`` against the very object it made. It is raised:
      the caller compares what is there with what it wanted.
    - a delete answers None instead of False then.
    - a bucket that is created may be reported as not new, and a rule by age
      as not changed, or as not there when it is dropped.
    - ``start_upload`` may leave an upload behind that nobody knows;
      ``list_uploads`` finds it.
    - ``complete_upload`` may raise ``ObjectNotFound``: an upload that is
      complete is there no more. Neither can the layer know whether it is that
      or was aborted by somebody else. It is raised: the caller looks by HEAD
      whether the object is there before it begins again.
    - a copy of a key onto itself under ``if_match`` may raise
      ``PreconditionFailed`` against its own work, where the store gives a
      copy another ETag.

    :param provider: where requests go.
    :param deadline: seconds from the first try after which none is started.
        A wait that would go past it, also one that the store asked for, is
        not begun. A try that runs is not cut off.
    :param base_delay: seconds; the first wait is a random part of it, and
        the bound doubles with each try.
    :param max_delay: seconds; no bound is larger. A store's ``retry_after``
        may be; it is waited in full, and the jitter comes on top, so that
        clients who were turned away together do not return together.
    :param max_attempts: tries of one request, 1 or more.
    :param sleep: waits so many seconds; None means ``time.sleep``, looked up
        at each wait, because eventlet may have replaced it.
    :param rng: where jitter comes from; None means the system's randomness.
    :param logger: told of each wait (DEBUG) and of each giving up (WARNING).
    """

    def __init__(
        self,
        provider: Provider,
        *,
        deadline: float = 60.0,
        base_delay: float = 0.2,
        max_delay: float = 20.0,
        max_attempts: int = 10,
        sleep: Callable[[float], None] | None = None,
        rng: random.Random | None = None,
        logger: logging.Logger,
    ) -> None:
        super().__init__(provider)
        self._deadline = deadline
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._max_attempts = max_attempts
        self._sleep = sleep or _sleep
        self._rng = rng or random.SystemRandom()
        self._logger = logger

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request, more than once if need be.

        The error of a body that cannot be sent again is not marked as
        exhausted: who has a fresh body may try again.
        """
        op = method.__name__
        body = body_of(op, args)
        if body is None or body.replayable:
            return self._around(_may_retry, method, *args, **kwargs)
        sent = _OpenedBody(body)

        def may_retry(exc: BaseException) -> bool:
            return not sent.opened and _may_retry(exc)

        request: Callable[..., T] = method
        watched = with_body(op, args, lambda _body: sent)
        return self._around(may_retry, request, *watched, **kwargs)

    def _around(
        self,
        may_retry: Callable[[BaseException], bool],
        method: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        retrying = tenacity.Retrying(
            sleep=self._sleep,
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(self._max_attempts),
                tenacity.stop_before_delay(self._deadline),
            ),
            wait=self._wait,
            retry=tenacity.retry_if_exception(may_retry),
            before_sleep=self._log_wait,
            reraise=True,
        )
        try:
            return retrying(method, *args, **kwargs)
        except ProviderError as exc:
            if may_retry(exc):
                exc.retries_exhausted = True
                self._logger.warning("gave up: %s", exc)
            raise

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """See :meth:`Provider.delete_object`.

        :returns: None instead of False if an earlier try may have been the
            one that deleted it.
        """
        lost_answer = False

        def delete_object() -> bool | None:
            nonlocal lost_answer
            try:
                return self.inner.delete_object(key, bucket=bucket)
            except RateLimited:
                raise  # refused: certainly nothing was done
            except ProviderError:
                lost_answer = True
                raise

        existed = self.around(delete_object)
        return None if lost_answer and existed is False else existed

    def list_uploads(
        self, *, prefix: str = "", bucket: str | None = None
    ) -> Iterator[OpenUpload]:
        """See :meth:`MultipartUpload.list_uploads`.

        After a failure it is listed from the start, without those that were
        yielded. Each step to the next upload has the whole deadline.
        """
        inner: Any = self.inner
        seen: set[tuple[str, str]] = set()
        found: Iterator[OpenUpload] | None = None

        def list_uploads() -> OpenUpload | None:
            nonlocal found
            try:
                if found is None:
                    found = iter(
                        inner.list_uploads(prefix=prefix, bucket=bucket)
                    )
                for each in found:
                    if (each.key, each.upload_id) not in seen:
                        return each
            except ProviderError:
                found = None
                raise
            return None

        while (upload := self.around(list_uploads)) is not None:
            seen.add((upload.key, upload.upload_id))
            yield upload

    def _wait(self, state: tenacity.RetryCallState) -> float:
        doublings = min(state.attempt_number - 1, 32)  # floats end somewhere
        bound = min(self._max_delay, self._base_delay * 2**doublings)
        return (_retry_after(state) or 0.0) + self._rng.uniform(0, bound)

    def _log_wait(self, state: tenacity.RetryCallState) -> None:
        self._logger.debug(
            "try %d failed, next in %.1f s: %s",
            state.attempt_number,
            state.upcoming_sleep,
            state.outcome.exception() if state.outcome else None,
        )


class _OpenedBody:
    """A body that knows whether it was opened."""

    replayable = False

    def __init__(self, body: Body) -> None:
        self._body = body
        self.size = body.size
        self.md5 = body.md5
        self.opened = False

    def open(self) -> Stream:
        self.opened = True
        return self._body.open()


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _may_retry(exc: BaseException) -> bool:
    return (
        isinstance(exc, ProviderError)
        and exc.retryable
        and not exc.retries_exhausted
    )


def _retry_after(state: tenacity.RetryCallState) -> float | None:
    exc = state.outcome.exception() if state.outcome else None
    return getattr(exc, "retry_after", None)
