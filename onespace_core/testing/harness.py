# SPDX-License-Identifier: Apache-2.0
"""What the contract suite has to be told about a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onespace_core.provider.base import Provider


class Harness(Protocol):
    """A store that the suite may use; subclass this to have the defaults.

    **The suite deletes everything in** ``bucket``, before each test and
    after it. Two runs at the same time need two buckets.

    :ivar bucket: exists, is ours alone, and is what the providers of
        :meth:`make_provider` use for ``bucket=None``.
    :ivar missing_bucket: does not exist. Where the provider is a
        ``BucketAdmin`` it is created and deleted again.
    :ivar secrets: texts that must appear in no error, ``repr`` or log.
    :ivar settle: seconds by which a listing may lag behind a write.
    :ivar minimal_data: whether the test with 1,001 objects is too much.
    """

    bucket: str
    missing_bucket: str
    secrets: Sequence[str] = ()
    settle: float = 0.0
    minimal_data: bool = False

    def make_provider(self) -> Provider:
        """Return a new connection to the same store, at each call."""
        ...

    def make_denied(self) -> Provider | None:
        """Return one with wrong credentials; None if there is no such."""
        return None

    def make_unreachable(self) -> Provider | None:
        """Return one whose endpoint does not answer; None likewise.

        It must fail within seconds: a closed port refuses at once.
        """
        return None
