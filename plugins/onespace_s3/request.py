# SPDX-License-Identifier: Apache-2.0
"""Requests, checked before they are made.

The SDK's own validation is off, and it would not notice that an empty key
turns the deletion of an object into the deletion of its bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onespace_core.provider import (
    Body,
    Capabilities,
    Conditions,
    InvalidRequest,
    NotSupported,
)
from onespace_s3 import metadata

#: What the contract says that None means.
DEFAULT_TYPE = "application/octet-stream"


def check_bucket(bucket: str | None) -> str:
    """Return the bucket's name, or raise :class:`InvalidRequest`."""
    if not bucket:
        raise InvalidRequest("no bucket was named, here or in the settings")
    return bucket


def check_key(key: str, limits: Capabilities) -> None:
    """Raise :class:`InvalidRequest` for a key that S3 cannot have."""
    if not key:
        raise InvalidRequest("an S3 key is not empty")
    try:
        length = len(key.encode())
    except UnicodeEncodeError as exc:
        raise InvalidRequest("the key is not valid text") from exc
    if limits.max_key_bytes is not None and length > limits.max_key_bytes:
        raise InvalidRequest(
            f"the key has {length} bytes, S3 allows {limits.max_key_bytes}"
        )


def check_size(body: Body, most: int | None) -> None:
    """Raise :class:`InvalidRequest` for more than one PUT can hold."""
    size = body.size
    if size is not None and most is not None and size > most:
        raise InvalidRequest(f"{size} bytes are more than one PUT can hold")


def check_part_number(number: int, limits: Capabilities) -> None:
    """Raise :class:`InvalidRequest` for a number that no part can have."""
    most = limits.max_parts
    if number < 1 or (most is not None and number > most):
        raise InvalidRequest(f"{number} is no number of a part")


def header_parameters(
    user_metadata: Mapping[str, str] | None,
    content_type: str | None,
    system: Mapping[str, str] | None,
    limits: Capabilities,
) -> dict[str, Any]:
    """Return what describes an object, as parameters of the SDK's calls.

    :raises InvalidRequest: something that cannot be stored.
    """
    headers = metadata.to_headers(user_metadata)
    size, most = metadata.size(headers), limits.max_metadata_bytes
    if most is not None and size > most:
        raise InvalidRequest(
            f"{size} bytes of metadata, S3 allows {most}",
            hint="the limit counts names and encoded values",
        )
    return {
        "Metadata": headers,
        "ContentType": metadata.check_header(
            "content-type", content_type or DEFAULT_TYPE
        ),
        **metadata.system_parameters(system),
    }


def write_conditions(
    conditions: Conditions | None, claim: str, what: str, option: str
) -> dict[str, str]:
    """Return conditions of a write as parameters of the SDK's calls.

    :param claim: what the store keeps: a value of the option.
    :param what: the operation, for errors.
    :param option: the option that claims it, for errors.
    :raises NotSupported: a condition that the store may ignore.
    """
    if conditions is None:
        return {}
    parameters = {}
    hint = f"see the option {option}"
    if conditions.if_none_match is not None:
        if conditions.if_none_match != "*" or claim not in ("yes", "create"):
            raise NotSupported(f"if_none_match on {what}", hint=hint)
        parameters["IfNoneMatch"] = "*"
    if conditions.if_match is not None:
        if claim != "yes":
            raise NotSupported(f"if_match on {what}", hint=hint)
        # Without quotes, though RFC 9110 wants them: radosgw compares the
        # header as it is with an ETag that has none; Amazon, MinIO and moto
        # take both forms.
        parameters["IfMatch"] = conditions.if_match
    if conditions.if_modified_since or conditions.if_unmodified_since:
        raise NotSupported(f"S3 has no conditions on time for {what}")
    return parameters
