# SPDX-License-Identifier: Apache-2.0
"""What all parts of the suite share: fixtures, bodies, and meta tests."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar

import pytest

from onespace_core.provider import (
    CONTRACT,
    BytesBody,
    Capabilities,
    MultipartUpload,
    ObjectInfo,
    Provider,
)
from onespace_core.testing.harness import Harness

P = TypeVar("P")


def claims(name: str) -> pytest.MarkDecorator:
    """Mark a test of what a claimed capability promises."""
    return pytest.mark.onespace_capability(name, claimed=True)


def without(name: str) -> pytest.MarkDecorator:
    """Mark a test of what a capability that is *not* claimed means."""
    return pytest.mark.onespace_capability(name, claimed=False)


def skipped(reason: str) -> NoReturn:
    """Skip a test for a reason that the plugin accepts."""
    pytest.skip(reason)


def offered(provider: object, protocol: type[P]) -> P:
    """Return a provider that offers a protocol; skip where it does not."""
    if not isinstance(provider, protocol):
        skipped(f"protocol: {protocol.__name__} is not offered")
    return provider


class SuiteBase:
    """Fixtures and meta tests; see :class:`contract.ProviderContract`."""

    #: See :class:`contract.ProviderContract`.
    known_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def harness(self) -> Harness:
        """Return the store under test; every subclass writes this one."""
        pytest.fail("a contract class has a fixture named harness")

    @pytest.fixture
    def provider(self, harness: Harness) -> Iterator[Provider]:
        """Yield a provider whose bucket is empty."""
        provider = harness.make_provider()
        empty(provider, harness)
        yield provider
        empty(provider, harness)
        provider.close()

    @pytest.fixture(autouse=True)
    def _on_record(
        self, request: pytest.FixtureRequest, provider: Provider
    ) -> None:
        """Tell the plugin what is tested; skip what is not promised."""
        request.node.user_properties.append(
            ("onespace_provider", _describe(provider))
        )
        for mark in request.node.iter_markers("onespace_capability"):
            (name,) = mark.args
            claimed = bool(getattr(provider.capabilities, name))
            if claimed != mark.kwargs["claimed"]:
                word = "claimed" if claimed else "not claimed"
                pytest.skip(f"capability: {name} is {word}")

    def test_the_suite_is_not_weakened(self) -> None:
        """No test is deleted or replaced, except by an xfail with a reason."""
        assert weakened(type(self)) == []

    def test_signatures_are_those_of_the_contract(
        self, provider: Provider
    ) -> None:
        """Every parameter of the contract is there; more have defaults."""
        for name in CONTRACT:
            theirs = inspect.signature(getattr(type(provider), name))
            ours = inspect.signature(getattr(Provider, name))
            for parameter in ours.parameters.values():
                there = theirs.parameters.get(parameter.name)
                assert there is not None, f"{name}: no {parameter.name}"
                assert there.kind == parameter.kind, f"{name}: {parameter}"
                assert there.default == parameter.default, (
                    f"{name}: the default of {parameter.name}"
                )
            for parameter in theirs.parameters.values():
                if parameter.name not in ours.parameters:
                    assert parameter.default is not parameter.empty, (
                        f"{name}: {parameter.name} has no default"
                    )

    def test_capabilities_are_a_value(self, provider: Provider) -> None:
        """``capabilities`` is the value class, the same each time."""
        assert isinstance(provider.capabilities, Capabilities)
        assert provider.capabilities == provider.capabilities

    def test_closing_twice_is_fine(self, harness: Harness) -> None:
        """``close`` can be called again, used or not."""
        provider = harness.make_provider()
        provider.close()
        provider.close()


def weakened(contract: type[SuiteBase]) -> list[str]:
    """Return the names of tests that a subclass took or replaced.

    And of ``known_failures`` without a reason or without a test.
    """
    names = [
        name
        for name, reason in contract.known_failures.items()
        if not reason.strip() or not _may_fail(contract, name)
    ]
    ours = __name__.rpartition(".")[0] + "."
    for base in contract.__mro__:
        if not base.__module__.startswith(ours):
            continue
        for name, value in vars(base).items():
            if not name.startswith("test_"):
                continue
            theirs = getattr(contract, name, None)
            if theirs is not value and not _is_xfail(theirs):
                names.append(name)
    return sorted(set(names))


def _may_fail(contract: type, name: str) -> bool:
    test = name.partition("[")[0]
    return (
        test.startswith("test_")
        and callable(getattr(contract, test, None))
        and test != SuiteBase.test_the_suite_is_not_weakened.__name__
    )


def _is_xfail(test: Any) -> bool:
    return any(
        mark.name == "xfail" and mark.kwargs.get("reason")
        for mark in getattr(test, "pytestmark", ())
    )


def _describe(provider: Provider) -> dict[str, Any]:
    kind = type(provider)
    capabilities = provider.capabilities
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "module": kind.__module__,
        "location": provider.location,
        "api_version": list(kind.API_VERSION),
        "capabilities": {
            name: getattr(capabilities, name)
            for name in Capabilities.__slots__
        },
    }


def empty(provider: Provider, harness: Harness) -> None:
    """Delete every object and upload of the bucket; let that settle."""
    if isinstance(provider, MultipartUpload):
        for each in list(provider.list_uploads()):
            provider.abort_upload(each.key, each.upload_id)
    keys = [info.key for info in walk(provider)]
    for key in keys:
        provider.delete_object(key)
    if keys:
        time.sleep(harness.settle)


def walk(provider: Provider, **listing: Any) -> list[ObjectInfo]:
    """Return the objects of all pages."""
    return [info for page in pages(provider, **listing) for info in page[0]]


def pages(
    provider: Provider, *, marker: str = "", **listing: Any
) -> Iterator[tuple[Sequence[ObjectInfo], Sequence[str]]]:
    """Yield objects and prefixes of each page; fail if it does not end."""
    while True:
        page = provider.list_objects(marker=marker, **listing)
        yield page.objects, page.prefixes
        if page.next_marker is None:
            return
        assert page.next_marker > marker, "the listing does not advance"
        marker = page.next_marker


def put(provider: Provider, *keys: str, data: bytes = b"data") -> None:
    """Write some small objects."""
    for key in keys:
        provider.put_object(key, BytesBody(data))


def get(provider: Provider, key: str, **options: Any) -> bytes:
    """Return an object's bytes."""
    return provider.get_object(key, **options).read()


def settle(harness: Harness) -> None:
    """Wait as long as a listing may lag."""
    time.sleep(harness.settle)
