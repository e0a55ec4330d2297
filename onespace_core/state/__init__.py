# SPDX-License-Identifier: Apache-2.0
"""Durable progress: how far each container has been read, what is owed.

One SQLite file for each node. Every change is one transaction, so that a
kill at any moment leaves the old state or the new one; both are right,
because all work is idempotent.
"""

from onespace_core.state.breakers import Breakers
from onespace_core.state.garbage import Candidate, Garbage, Side, SweepReport
from onespace_core.state.model import (
    ContainerKey,
    Cursor,
    Entry,
    Kind,
    Receipt,
    Summary,
    Upload,
)
from onespace_core.state.receipts import Receipts
from onespace_core.state.schema import Access, StateError
from onespace_core.state.store import StateStore
from onespace_core.state.uploads import Uploads

__all__ = [
    "Access",
    "Breakers",
    "Candidate",
    "ContainerKey",
    "Cursor",
    "Entry",
    "Garbage",
    "Kind",
    "Receipt",
    "Receipts",
    "Side",
    "StateError",
    "StateStore",
    "Summary",
    "SweepReport",
    "Upload",
    "Uploads",
]
