# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on every method of every optional protocol."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from onespace_core.provider import (
    PROTOCOLS,
    AgeRule,
    BytesBody,
    MultipartUpload,
    Part,
    PermissionDenied,
    Provider,
    Segment,
    TransientError,
    Unauthenticated,
)
from onespace_core.testing._suite_base import SuiteBase, offered, skipped
from onespace_core.testing.harness import Harness

_PART = Part(number=1, etag="0" * 32, size=1)
_RULE = AgeRule(rule_id="onespace-contract", prefix="", delete_after=1)

#: Every method, called with an upload's id (empty without uploads).
CALLS: dict[str, Callable[[Any, Harness, str], object]] = {
    "create_bucket": lambda p, h, _u: p.create_bucket(h.missing_bucket),
    "delete_bucket": lambda p, h, _u: p.delete_bucket(h.missing_bucket),
    "post_bucket": lambda p, _h, _u: p.post_bucket({"m": "v"}),
    "copy_object": lambda p, _h, _u: p.copy_object("a", "b"),
    "start_upload": lambda p, _h, _u: p.start_upload("a"),
    "upload_part": lambda p, _h, u: p.upload_part("a", u, 1, BytesBody(b"1")),
    "copy_part": lambda p, _h, u: p.copy_part("a", u, 1, "b"),
    "list_parts": lambda p, _h, u: p.list_parts("a", u),
    "complete_upload": lambda p, _h, u: p.complete_upload("a", u, [_PART]),
    "abort_upload": lambda p, _h, u: p.abort_upload("a", u),
    "list_uploads": lambda p, _h, _u: list(p.list_uploads()),
    "put_manifest": lambda p, h, _u: p.put_manifest(
        "a", [Segment(bucket=h.bucket, key="s")]
    ),
    "put_dynamic_manifest": lambda p, h, _u: p.put_dynamic_manifest(
        "a", "s/", segments_bucket=h.bucket
    ),
    "get_manifest": lambda p, _h, _u: p.get_manifest("a"),
    "put_age_rule": lambda p, _h, _u: p.put_age_rule(_RULE),
    "drop_age_rule": lambda p, _h, _u: p.drop_age_rule("onespace-contract"),
}

#: Each protocol with each of its methods.
_METHODS = [
    pytest.param(protocol, name, id=f"{protocol.__name__}-{name}")
    for protocol, names in PROTOCOLS.items()
    for name in names
]


class ProtocolContract(SuiteBase):
    """What holds for the optional protocols as for the contract."""

    @pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.__name__)
    def test_signatures_are_those_of_the_protocol(
        self, provider: Provider, protocol: type
    ) -> None:
        """Every parameter is there; more have defaults."""
        offered(provider, protocol)
        for name in PROTOCOLS[protocol]:
            theirs = inspect.signature(getattr(provider, name)).parameters
            ours = inspect.signature(getattr(protocol, name)).parameters
            for parameter in list(ours.values())[1:]:
                there = theirs.get(parameter.name)
                assert there is not None, f"{name}: no {parameter.name}"
                assert there.kind == parameter.kind, f"{name}: {parameter}"
                assert there.default == parameter.default, (
                    f"{name}: the default of {parameter.name}"
                )
            for parameter in theirs.values():
                if parameter.name not in ours:
                    assert parameter.default is not parameter.empty, (
                        f"{name}: {parameter.name} has no default"
                    )

    @pytest.mark.parametrize(("protocol", "name"), _METHODS)
    def test_an_ability_without_credentials_is_refused(
        self, provider: Provider, harness: Harness, protocol: type, name: str
    ) -> None:
        """``Unauthenticated`` or ``PermissionDenied``, never missing."""
        upload = _upload(provider, protocol, name)
        denied = harness.make_denied()
        if denied is None:
            skipped("harness: make_denied has none")
        with pytest.raises((Unauthenticated, PermissionDenied)):
            CALLS[name](denied, harness, upload)

    @pytest.mark.parametrize(("protocol", "name"), _METHODS)
    def test_an_ability_of_an_endpoint_that_is_gone_is_retryable(
        self, provider: Provider, harness: Harness, protocol: type, name: str
    ) -> None:
        """A ``TransientError``: nothing is missing, nothing was done."""
        upload = _upload(provider, protocol, name)
        gone = harness.make_unreachable()
        if gone is None:
            skipped("harness: make_unreachable has none")
        with pytest.raises(TransientError):
            CALLS[name](gone, harness, upload)


def _upload(provider: Provider, protocol: type, name: str) -> str:
    """Return the id of an upload where one is needed; skip what is not."""
    uploads: object = offered(provider, protocol)
    if name == "copy_part" and not provider.capabilities.part_copy:
        skipped("capability: part_copy is not claimed")
    if isinstance(uploads, MultipartUpload) and protocol is MultipartUpload:
        return uploads.start_upload("a")
    return ""
