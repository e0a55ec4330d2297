# SPDX-License-Identifier: Apache-2.0
"""The shape of ``selection_criteria``: JSON text to a tree of questions.

A node is a JSON object with exactly one name::

    {"AND": [node, ...]}    all of them
    {"OR": [node, ...]}     at least one of them
    {"NOT": node}           not this one
    {"header": "value"}     the object has the header with this value
    {"header": null}        never

``{}`` as a whole asks nothing. What the answers are for an object is in
:mod:`onespace_core.sync.select`.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeAlias

#: Nodes below each other. More is nobody's intention, and would end in the
#: interpreter's own limit in the middle of a pass.
MAX_DEPTH = 50


@dataclasses.dataclass(frozen=True, slots=True)
class AllOf:
    """Every node says yes; yes if there is none."""

    nodes: tuple[Node, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class AnyOf:
    """A node says yes; no if there is none."""

    nodes: tuple[Node, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Not:
    """The node says no."""

    node: Node


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """The object has this header with this value; None: never.

    :param name: as written; case does not count.
    """

    name: str
    value: str | None


Node: TypeAlias = AllOf | AnyOf | Not | Header


def parse(text: str) -> Node:
    """Return the tree that a text means.

    :raises ValueError: it is no JSON, or none of the shape above; says
        where.
    """
    loaded = _load(text)
    return AllOf(()) if loaded == {} else _node(loaded, "", 0)


def canonical(text: str) -> str:
    """Return one text for all that differ only in how they are written.

    :raises ValueError: see :func:`parse`.
    """
    parse(text)
    return json.dumps(_load(text), sort_keys=True, separators=(",", ":"))


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as exc:
        raise ValueError(f"no JSON: {exc}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json's own way would keep the last of two equal names, silently.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice in one object")
    return found


def _node(loaded: Any, where: str, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if not isinstance(loaded, dict):
        raise _error(where, "a JSON object {...} is needed here")
    if len(loaded) != 1:
        raise _error(
            where,
            f"one name is needed here, not {len(loaded)}; join several by"
            ' {"AND": [...]} or {"OR": [...]}',
        )
    [(name, value)] = loaded.items()
    place = f"{where}{name}"
    if name in ("AND", "OR"):
        if not isinstance(value, list):
            raise _error(place, "a list [...] is needed here")
        nodes = tuple(
            _node(each, f"{place}[{number}].", depth + 1)
            for number, each in enumerate(value)
        )
        return AllOf(nodes) if name == "AND" else AnyOf(nodes)
    if name == "NOT":
        return Not(_node(value, f"{place}.", depth + 1))
    if name.upper() in ("AND", "OR", "NOT"):
        raise _error(place, f"write {name.upper()} in capital letters")
    if not name:
        raise _error(where, "a header's name is empty")
    if value is not None and not isinstance(value, str):
        raise _error(place, 'a header\'s value is text, "...", or null')
    return Header(name, value)


def _error(where: str, what: str) -> ValueError:
    place = where.rstrip(".")
    return ValueError(f"at {place}: {what}" if place else what)
