# SPDX-License-Identifier: Apache-2.0
"""What all parts of the suite share: fixtures, bodies, and meta tests."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from onespace_core.provider import (
    CONTRACT,
    BytesBody,
    Capabilities,
    ObjectInfo,
    Provider,
)
from onespace_core.testing.harness import Harness


def claims(name: str) -> pytest.MarkDecorator:
    """Mark a test of what a claimed capability promises."""
    return pytest.mark.onespace_capability(name, claimed=True)


def without(name: str) -> pytest.MarkDecorator:
    """Mark a test of what a capability that is *not* claimed means."""
    return pytest.mark.onespace_capability(name, claimed=False)


class StrangeBody:
    """A body that may lie about itself, and counts its open streams.

    :param data: what its stream really gives.
    :param size: what it says it has.
    :param md5: what it says the MD5 is.
    :param error: raised by the stream instead of its end.
    """

    replayable = True

    def __init__(
        self,
        data: bytes,
        *,
        size: int | None,
        md5: str | None = None,
        error: Exception | None = None,
    ) -> None:
        self.size = size
        self.md5 = md5
        self.opened = 0
        self.closed = 0
        self._data = data
        self._error = error

    def open(self) -> _StrangeStream:
        """Return a stream over the data."""
        self.opened += 1
        return _StrangeStream(self, self._data, self._error)


class _StrangeStream:
    def __init__(
        self, body: StrangeBody, data: bytes, error: Exception | None
    ) -> None:
        self._body = body
        self._data = data
        self._error = error
        self._closed = False

    def read(self, size: int = -1, /) -> bytes:
        size = len(self._data) if size < 0 else size
        data, self._data = self._data[:size], self._data[size:]
        if not data and self._error is not None:
            raise self._error
        return data

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._body.closed += 1


class SuiteBase:
    """Fixtures and meta tests; see :class:`contract.ProviderContract`."""

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


def weakened(contract: type) -> list[str]:
    """Return the names of tests that a subclass took or replaced."""
    names = []
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
    """Delete every object of the bucket, and let that settle."""
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
