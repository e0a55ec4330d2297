# SPDX-License-Identifier: Apache-2.0
"""Remote containers that a mapping for a whole account makes itself."""

from __future__ import annotations

from onespace_core.concurrency import Semaphore
from onespace_core.provider import (
    BucketAdmin,
    BucketNotFound,
    OnespaceError,
    Provider,
)


class RemoteContainer:
    """Makes a remote container before the first copy; a ``Preparation``.

    :param provider: the store, without a retry layer: rows wait for each
        other here, and are tried again by themselves.
    """

    def __init__(self, provider: Provider, bucket: str) -> None:
        self._provider = provider
        self._bucket = bucket
        self._lock = Semaphore()
        self._ready = False
        self._tries = 0
        self._failure: OnespaceError | None = None

    def __call__(self) -> None:
        """Make it, unless that was done.

        :raises OnespaceError: it could not be made, by us or by the row that
            we have waited for: a store that hangs is not asked once more
            for each of them.
        """
        tries = self._tries
        with self._lock:
            if self._ready:
                return
            if self._tries != tries and self._failure is not None:
                raise self._failure
            try:
                self._make()
            except OnespaceError as exc:
                self._failure = exc
                raise
            finally:
                self._tries += 1
            self._ready, self._failure = True, None

    def _make(self) -> None:
        try:
            self._provider.head_bucket(self._bucket)
        except BucketNotFound:
            if not isinstance(self._provider, BucketAdmin):
                raise
            self._provider.create_bucket(self._bucket)

    def forget(self) -> None:
        """Look again the next time."""
        self._ready = False
