# SPDX-License-Identifier: Apache-2.0
"""What a mapping of 1space does with its objects, in our words.

The rule: what 1space did goes on, in so many words of the new file. What it
did not do although it was written is left out and named. What would lose
data is written as it was, so that the mapping is refused, and explained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from onespace_core.config import criteria

#: Options that have the same name and meaning, wherever they have one.
SAME = (
    "propagate_delete",
    "copy_after",
    "retain_local",
    "retain_local_segments",
    "remote_delete_after",
    "remote_delete_after_addition",
    "propagate_expiration",
    "propagate_expiration_offset",
    "convert_dlo",
    "min_segment_size",
    "sync_container_metadata",
    "sync_container_acl",
    "merge_namespaces",
    "restore_object",
)
#: Those that are read one by one.
READ = frozenset({*SAME, "exclude_pattern", "selection_criteria"})

#: Those that 1space ignored for S3.
_SWIFT_ONLY = (
    "remote_delete_after_addition",
    "propagate_expiration",
    "propagate_expiration_offset",
    "convert_dlo",
    "min_segment_size",
    "sync_container_metadata",
    "sync_container_acl",
)


def policy(
    given: Mapping[str, Any], protocol: str
) -> tuple[dict[str, Any], list[str]]:
    """Return options with their values, and what the operator has to know.

    :param given: of 1space's mapping, without nulls.
    :param protocol: ``s3`` or ``swift``.
    """
    values = {name: given[name] for name in SAME if name in given}
    notes: list[str] = []
    if protocol == "s3":
        _drop(values, notes, _SWIFT_ONLY, "without effect for S3")
    else:
        _expiry(values, notes)
        _dynamic(values, notes)
    if not given.get("retain_local", True):
        _archive(values, notes)
    _selection(given, values, notes)
    _exclusion(given, values, notes)
    return values, notes


def _drop(
    values: dict[str, Any], notes: list[str], names: tuple[str, ...], why: str
) -> None:
    gone = {name: values.pop(name, None) for name in names}
    notes += [f"{name} is left out: {why}" for name in names if gone[name]]


def _expiry(values: dict[str, Any], notes: list[str]) -> None:
    """Leave out what 1space did not propagate."""
    name = "propagate_expiration"
    if not values.get(name):
        _drop(values, notes, (f"{name}_offset",), f"it needs {name}")
    elif values.get("remote_delete_after") and not values.get(
        f"{name}_offset"
    ):
        why = "1space propagated nothing beside remote_delete_after"
        _drop(values, notes, (name,), why)


def _dynamic(values: dict[str, Any], notes: list[str]) -> None:
    """Copies are static, also where 1space's were dynamic."""
    if not values.get("convert_dlo"):
        values.pop("convert_dlo", None)
        notes.append(
            "convert_dlo = true is the only way here: new copies of dynamic"
            " large objects are static ones of the same bytes, 1space's were"
            " dynamic"
        )


def _archive(values: dict[str, Any], notes: list[str]) -> None:
    values["mode"] = "lifecycle"
    if values.get("propagate_delete", True):
        notes.append(
            "1space would delete the remote copy of every object that it has"
            " moved (propagate_delete is true, as by default); the mapping is"
            " refused until you write propagate_delete = false"
        )
    if "retain_local_segments" not in values:
        values["retain_local_segments"] = False
        notes.append(
            "retain_local_segments = false is 1space's default: segments of"
            " large objects go with their manifests; here the default is true"
        )


def _selection(
    given: Mapping[str, Any], values: dict[str, Any], notes: list[str]
) -> None:
    tree = given.get("selection_criteria")
    if tree in (None, {}):
        return
    text = json.dumps(tree)
    try:
        text = criteria.canonical(text)
    except ValueError as exc:
        # Left out, it would select everything.
        notes.append(f"selection_criteria cannot be used: {exc}")
    values["selection_criteria"] = text


def _exclusion(
    given: Mapping[str, Any], values: dict[str, Any], notes: list[str]
) -> None:
    pattern = given.get("exclude_pattern")
    if pattern == "":
        notes.append(
            "exclude_pattern was empty, so that 1space left everything alone;"
            " here it excludes nothing"
        )
    elif pattern not in (None, "^$"):
        values["exclude_pattern"] = pattern
