# SPDX-License-Identifier: Apache-2.0
"""Which objects an operator's ``selection_criteria`` mean: pure, no I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from onespace_core.config import criteria
from onespace_core.config.criteria import AllOf, AnyOf, Header, Node, Not


@dataclasses.dataclass(frozen=True, slots=True)
class Criteria:
    """A tree of questions about an object's headers.

    :param root: see :mod:`onespace_core.config.criteria` for what is asked,
        and how it is written.
    """

    root: Node

    @classmethod
    def parse(cls, json_text: str) -> Criteria:
        """Return the criteria that a text means; ``{}`` mean every object.

        :raises ValueError: it has not the shape of criteria; says where.
        """
        return cls(criteria.parse(json_text))

    def matches(self, headers: Mapping[str, str | None]) -> bool:
        """Return whether the object with these headers is meant.

        Neither in names nor in values does case count, in any script
        (``str.casefold``); nothing else is changed, so a value matches as a
        whole. A header that is missing or None equals nothing, not even
        null. An empty ``AND`` is true, an empty ``OR`` false.

        :param headers: all of the object's, by name, as text and not as
            the Latin-1 of WSGI.
        """
        return _answer(
            self.root,
            {
                name.casefold(): value.casefold()
                for name, value in headers.items()
                if value is not None
            },
        )


def _answer(node: Node, headers: Mapping[str, str]) -> bool:
    match node:
        case AllOf(nodes):
            return all(_answer(each, headers) for each in nodes)
        case AnyOf(nodes):
            return any(_answer(each, headers) for each in nodes)
        case Not(inner):
            return not _answer(inner, headers)
        case Header(name, value):
            has = headers.get(name.casefold())
            return value is not None and has == value.casefold()
