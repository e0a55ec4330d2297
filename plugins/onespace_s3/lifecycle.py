# SPDX-License-Identifier: Apache-2.0
"""A bucket's lifecycle configuration, and our own rule in it.

The document is edited where our rule is; every other byte goes back as it
came, also what is not known here. See "Lifecycle configuration elements" in
the S3 user guide. Nothing here asks a store.
"""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from xml.sax.saxutils import escape

from onespace_core.provider import AgeRule, InvalidRequest, NotSupported

_EMPTY = (
    b'<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"</LifecycleConfiguration>"
)
_RULE = re.compile(rb"<Rule>.*?</Rule>", re.S)
_END = b"</LifecycleConfiguration>"
#: What only narrows a rule further than its prefix does.
_NARROWING = frozenset({"Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan"})
#: Text that XML 1.0 can hold, without surrogates.
_TEXT = re.compile("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A rule in a document.

    :param rule_id: its id; None if it has none.
    :param enabled: whether it is applied.
    :param prefix: of the keys it is for, wherever the rule says it.
    :param narrowed: tags or sizes make it one for fewer objects.
    :param old_form: the prefix is where it was before there were filters.
    :param expires: it deletes objects.
    :param moves: it changes their storage class.
    :param as_ours: what it says, if we could have written it.
    :param start: of its text in the document.
    :param end: of its text, exclusive.
    """

    rule_id: str | None
    enabled: bool
    prefix: str
    narrowed: bool
    old_form: bool
    expires: bool
    moves: bool
    as_ours: AgeRule | None
    start: int
    end: int


def check(rule: AgeRule) -> None:
    """Raise :class:`InvalidRequest` for a rule that S3 cannot have."""
    if not 1 <= len(rule.rule_id) <= 255:
        raise InvalidRequest("a rule's id has 1 to 255 characters")
    for text in (rule.rule_id, rule.prefix, (rule.move_after or (0, ""))[1]):
        if not _TEXT.fullmatch(text):
            raise InvalidRequest(f"{text!a} cannot be written in XML")
    moved, deleted = rule.move_after, rule.delete_after
    if moved is None and deleted is None:
        raise InvalidRequest("the rule does nothing")
    if (deleted is not None and deleted < 1) or (moved and moved[0] < 0):
        raise InvalidRequest("days are counted from 1")
    if moved and deleted is not None and moved[0] >= deleted:
        raise InvalidRequest("objects are deleted before they move")


def rules(document: bytes | None) -> list[Found]:
    """Return the rules of a document, in its order.

    :param document: None if there is no configuration.
    :raises NotSupported: it has not the form that all stores give it, so
        that it cannot be edited safely.
    """
    if document is None:
        return []
    try:
        # The SDK has read it by now, in the same way.
        root = ET.fromstring(document)  # noqa: S314
        elements = [
            _plain(element) for element in root if _name(element) == "Rule"
        ]
    except ET.ParseError as exc:
        raise _unknown_form() from exc
    places = list(_RULE.finditer(document))
    if len(places) != len(elements):
        raise _unknown_form()
    return [
        _found(element, *place.span())
        for element, place in zip(elements, places, strict=True)
    ]


def obstacle(rule: AgeRule, found: list[Found]) -> Found | None:
    """Return a rule of somebody else that ours would contradict.

    Enabled, and for just the same prefix, or deleting all that ours is for.
    One that has nothing to do with the age of objects, such as one for
    unfinished uploads, is none.
    """
    for each in found:
        if each.rule_id == rule.rule_id or not each.enabled:
            continue
        if not (each.expires or each.moves):
            continue
        covers = rule.prefix.startswith(each.prefix) and not each.narrowed
        if each.prefix == rule.prefix or (each.expires and covers):
            return each
    return None


def with_rule(document: bytes | None, rule: AgeRule) -> bytes:
    """Return the document with our rule added, or replaced in its place."""
    found = rules(document)
    document = document if found and document is not None else _EMPTY
    others = [each for each in found if each.rule_id != rule.rule_id]
    # Stores refuse a document that mixes both forms.
    old_form = bool(others) and all(each.old_form for each in others)
    text = _text(rule, old_form=old_form)
    for each in found:
        if each.rule_id == rule.rule_id:
            return document[: each.start] + text + document[each.end :]
    head, end, tail = document.rpartition(_END)
    if not end:
        raise _unknown_form()
    return head + text + end + tail


def without_rule(document: bytes, ours: Found) -> bytes:
    """Return the document without our rule."""
    return document[: ours.start] + document[ours.end :]


def _unknown_form() -> NotSupported:
    return NotSupported(
        "the bucket's lifecycle configuration has a form that is not known",
        hint="keep the rule by other means",
    )


def _found(rule: ET.Element, start: int, end: int) -> Found:
    prefix = rule.findtext("Prefix")
    filters = rule.find("Filter")
    narrowed = False
    if filters is not None:
        inside = [each for each in filters.iter() if each is not filters]
        narrowed = any(each.tag in _NARROWING for each in inside)
        prefix = next(
            (each.text for each in inside if each.tag == "Prefix"), prefix
        )
    return Found(
        rule_id=rule.findtext("ID"),
        enabled=rule.findtext("Status") == "Enabled",
        prefix=prefix or "",
        narrowed=narrowed,
        old_form=filters is None and rule.find("Prefix") is not None,
        expires=any(
            rule.find(f"Expiration/{name}") is not None
            for name in ("Days", "Date")
        ),
        moves=rule.find("Transition") is not None,
        as_ours=None if narrowed else _as_ours(rule, prefix or ""),
        start=start,
        end=end,
    )


def _as_ours(rule: ET.Element, prefix: str) -> AgeRule | None:
    """Return what a rule says, if it is enabled and says nothing else."""
    said = sorted(
        (path, text)
        for path, text in _leaves(rule)
        if path not in ("ID", "Prefix", "Filter", "Filter/Prefix")
    )
    values = dict(said)
    if len(values) < len(said) or values.pop("Status", "") != "Enabled":
        return None
    try:
        deleted = values.pop("Expiration/Days", None)
        moved = values.pop("Transition/Days", None)
        where = values.pop("Transition/StorageClass", None)
        if values or (moved is None) != (where is None):
            return None
        return AgeRule(
            rule_id=rule.findtext("ID") or "",
            prefix=prefix,
            delete_after=None if deleted is None else int(deleted),
            move_after=None if not (moved and where) else (int(moved), where),
        )
    except ValueError:
        return None


def _leaves(element: ET.Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the paths of all elements without children, and their texts."""
    for child in element:
        below = f"{path}{child.tag}"
        if len(child):
            yield from _leaves(child, f"{below}/")
        else:
            yield below, (child.text or "").strip()


def _plain(element: ET.Element) -> ET.Element:
    """Return an element whose names have no namespace."""
    for each in element.iter():
        each.tag = _name(each)
    return element


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(rule: AgeRule, *, old_form: bool) -> bytes:
    parts = [f"<ID>{_escaped(rule.rule_id)}</ID>"]
    prefix = f"<Prefix>{_escaped(rule.prefix)}</Prefix>"
    parts.append(prefix if old_form else f"<Filter>{prefix}</Filter>")
    parts.append("<Status>Enabled</Status>")
    if rule.move_after is not None:
        days, storage_class = rule.move_after
        parts.append(
            f"<Transition><Days>{days}</Days><StorageClass>"
            f"{_escaped(storage_class)}</StorageClass></Transition>"
        )
    if rule.delete_after is not None:
        parts.append(
            f"<Expiration><Days>{rule.delete_after}</Days></Expiration>"
        )
    return f"<Rule>{''.join(parts)}</Rule>".encode()


def _escaped(text: str) -> str:
    # A reader of XML would make one line break of another.
    return escape(text, {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})
