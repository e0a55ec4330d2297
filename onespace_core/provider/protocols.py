# SPDX-License-Identifier: Apache-2.0
"""Abilities that a provider may have beyond the contract.

A provider offers one by having its methods; ask with ``isinstance``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class BucketAdmin(Protocol):
    """A provider that can make and remove buckets."""

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Create a bucket; one that is ours already is a success.

        :returns: whether it is new.
        :raises AlreadyExists: somebody else has that name.
        """
        ...

    def delete_bucket(self, bucket: str | None = None) -> None:
        """Delete an empty bucket; a missing one is a success.

        :raises AlreadyExists: it still has objects (HTTP 409).
        """
        ...
