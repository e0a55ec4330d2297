# SPDX-License-Identifier: Apache-2.0
"""The S3 provider where bytes, connections and answers go wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from servers.proxy import FaultProxy

from onespace_core.provider import (
    BytesBody,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    OperationTimeout,
    ProviderError,
    RateLimited,
    ServiceUnavailable,
)

BIG = bytes(range(256)) * 12288  # 3 MiB: large enough to wait for a word


@pytest.fixture
def behind_proxy(s3_behind_proxy: Any) -> Any:
    return s3_behind_proxy


def test_a_request_that_is_cut_leaves_the_old_object(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    provider.put_object("k", BytesBody(b"old"))
    proxy.cut_request(after=1_000_000, match="PUT")
    with pytest.raises(ConnectionFailed):
        provider.put_object("k", BytesBody(BIG))
    assert provider.get_object("k").read() == b"old"


def test_an_answer_that_is_cut_is_an_error(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    provider.put_object("k", BytesBody(BIG))
    proxy.cut_response(after=1_000_000, match="GET")
    with pytest.raises((ConnectionFailed, IntegrityError)) as caught:
        provider.get_object("k").read()
    assert caught.value.key == "k"
    assert provider.get_object("k").read() == BIG


def test_nothing_is_sent_twice_by_itself(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    proxy.fail(9, 503, headers={"Retry-After": "7"})
    with pytest.raises(ServiceUnavailable) as caught:
        provider.put_object("k", BytesBody(BIG))
    assert caught.value.retry_after == 7
    with pytest.raises(ServiceUnavailable):
        provider.head_object("k")
    assert len(proxy.requests) == 2


def test_a_store_that_asks_for_patience(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    slow = b"<Error><Code>SlowDown</Code><Message>m</Message></Error>"
    proxy.fail(1, 503, body=slow, match="GET")
    with pytest.raises(RateLimited):
        provider.list_objects()


def test_a_store_that_is_silent_times_out(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    proxy.delay(3, match="HEAD")
    with pytest.raises(OperationTimeout):
        provider.head_object("k")


@pytest.mark.parametrize("call", ["list_objects", "head_account"])
@pytest.mark.parametrize(
    "body", [b"", b"<html>login</html>", b"\x00\xff", b"<a", b"[1]"]
)
def test_a_page_that_is_no_listing_is_never_an_empty_one(
    behind_proxy: tuple[FaultProxy, Any], call: str, body: bytes
) -> None:
    proxy, provider = behind_proxy
    proxy.fail(1, 200, body=body, match="GET")
    with pytest.raises(ProviderError):
        getattr(provider, call)()


@pytest.mark.parametrize("body", [b"", b"<html>login</html>"])
def test_a_success_that_is_not_s3s_is_none(
    behind_proxy: tuple[FaultProxy, Any], body: bytes
) -> None:
    proxy, provider = behind_proxy
    proxy.fail(99, 200, body=body)
    for call in (
        lambda: provider.put_object("k", BytesBody(b"1")),
        lambda: provider.post_object("k", {}, content_type="a/b"),
        lambda: provider.get_object("k"),
        lambda: provider.head_object("k"),
    ):
        with pytest.raises(ServiceUnavailable):
            call()


def test_garbage_is_a_failed_connection(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    proxy.garbage(1)
    with pytest.raises(ConnectionFailed):
        provider.head_object("k")


def test_closing_early_drops_the_connection(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    _, provider = behind_proxy
    provider.put_object("k", BytesBody(BIG))
    for _ in range(20):
        reader = provider.get_object("k")
        next(iter(reader))
        reader.close()
    assert provider.get_object("k").read() == BIG


#: What Amazon answers where a bucket is in another region.
MOVED = (
    b"<Error><Code>PermanentRedirect</Code><Message>m</Message>"
    b"<Endpoint>bucket.s3.eu-west-3.example.org</Endpoint></Error>"
)
CALLS = {
    "GET": lambda provider: provider.get_object("k"),
    "HEAD": lambda provider: provider.head_object("k"),
    "list": lambda provider: provider.list_objects(),
    "bucket": lambda provider: provider.head_bucket(),
    "PUT": lambda provider: provider.put_object("k", BytesBody(b"data")),
    "DELETE": lambda provider: provider.delete_object("k"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("body", [b"", MOVED], ids=["empty", "named"])
def test_a_redirect_to_nowhere_is_one_error(
    behind_proxy: tuple[FaultProxy, Any],
    call: Callable[[Any], Any],
    status: int,
    body: bytes,
) -> None:
    """Followed at most once: the SDK asks where the bucket is."""
    proxy, provider = behind_proxy
    proxy.fail(1000, status, body=body)
    with pytest.raises((InvalidRequest, ServiceUnavailable)) as caught:
        call(provider)
    assert len(proxy.requests) <= 2
    assert "endpoint" in str(caught.value.hint or caught.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_redirect_to_another_region_names_it(
    behind_proxy: tuple[FaultProxy, Any], call: Callable[[Any], Any]
) -> None:
    """Tried there once, and no more: the store says the same again."""
    proxy, provider = behind_proxy
    proxy.fail(1000, 301, headers={"x-amz-bucket-region": "eu-west-3"})
    for most in (2, 4):
        with pytest.raises(InvalidRequest) as caught:
            call(provider)
        assert len(proxy.requests) <= most
        assert "eu-west-3" in str(caught.value.hint)


def test_an_endpoint_that_the_store_names_is_in_the_hint(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    proxy.fail(1000, 301, body=MOVED)
    with pytest.raises(InvalidRequest) as caught:
        provider.list_objects()
    assert "bucket.s3.eu-west-3.example.org" in str(caught.value.hint)


def test_a_bucket_in_another_region_is_found_there(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    """The SDK signs for it from then on."""
    proxy, provider = behind_proxy
    proxy.fail(1, 301, headers={"x-amz-bucket-region": "eu-west-3"})
    # The stores of the tests are in no such region.
    proxy.fail(2, 200)
    provider.head_bucket()
    provider.head_bucket()
    assert len(proxy.requests) == 3
    for request in proxy.requests[1:]:
        assert "/eu-west-3/s3/" in request.headers["authorization"]
