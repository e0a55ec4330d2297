# SPDX-License-Identifier: Apache-2.0
"""What a check says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from onespace_core.config.model import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong.

    :param option: the option to look at first.
    :param reason: one sentence without a full stop.
    :param hint: what to write instead.
    """

    option: str | None
    reason: str
    hint: str | None = None


#: Takes a mapping whose options are all valid by themselves, and returns what
#: is wrong with them together; None if nothing is.
Rule: TypeAlias = Callable[[Mapping], Finding | None]
