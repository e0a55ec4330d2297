# SPDX-License-Identifier: Apache-2.0
"""Where the arguments are that layers look for, in any method.

Every request passes ``Layer.around`` with the arguments of the contract in
their order, and what is given by name by name. So a layer that cares for
keys or bodies needs one table, not a method for each method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onespace_core.provider.body import Body

#: Place of the key that a request is for.
_KEY_AT = {
    **dict.fromkeys(
        (
            "head_object",
            "get_object",
            "put_object",
            "post_object",
            "delete_object",
            "start_upload",
            "upload_part",
            "copy_part",
            "list_parts",
            "complete_upload",
            "abort_upload",
            "put_manifest",
            "put_dynamic_manifest",
            "get_manifest",
        ),
        0,
    ),
    "copy_object": 1,
}
#: Place of the key of an object that is only read.
_SOURCE_AT = {"copy_object": 0, "copy_part": 3}
#: Place of a body.
_BODY_AT = {"put_object": 1, "upload_part": 3}
#: Methods whose first argument is the bucket.
_OF_A_BUCKET = frozenset({"head_bucket", "create_bucket", "delete_bucket"})


def key_of(op: str, args: tuple[Any, ...]) -> str | None:
    """Return the key that a request is for; None if it is for none."""
    return args[_KEY_AT[op]] if op in _KEY_AT else None


def bucket_of(
    op: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str | None:
    """Return the bucket of a request; None means the provider's own."""
    if op in _OF_A_BUCKET:
        return args[0] if args else None
    return kwargs.get("bucket")


def body_of(op: str, args: tuple[Any, ...]) -> Body | None:
    """Return the body that a request sends; None if it sends none."""
    return args[_BODY_AT[op]] if op in _BODY_AT else None


def with_keys(
    op: str, args: tuple[Any, ...], change: Callable[[str], str]
) -> tuple[Any, ...]:
    """Return the arguments with every key changed, sources as well."""
    places = {_KEY_AT.get(op), _SOURCE_AT.get(op)}
    return tuple(
        change(each) if place in places else each
        for place, each in enumerate(args)
    )


def with_body(
    op: str, args: tuple[Any, ...], change: Callable[[Body], Body]
) -> tuple[Any, ...]:
    """Return the arguments with the body changed, if there is one."""
    return tuple(
        change(each) if place == _BODY_AT.get(op) else each
        for place, each in enumerate(args)
    )
