# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on errors and on many callers at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
from collections.abc import Callable, Iterator

import pytest

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    Conditions,
    InvalidRequest,
    ObjectNotFound,
    OnespaceError,
    PermissionDenied,
    PreconditionFailed,
    Provider,
    ProviderError,
    TransientError,
    Unauthenticated,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    put,
)
from onespace_core.testing.harness import Harness

#: Every operation on one object.
ON_A_KEY: dict[str, Callable[[Provider, str, str | None], object]] = {
    "head_object": lambda p, k, b: p.head_object(k, bucket=b),
    "get_object": lambda p, k, b: p.get_object(k, bucket=b).read(),
    "put_object": lambda p, k, b: p.put_object(k, BytesBody(b"x"), bucket=b),
    "post_object": lambda p, k, b: p.post_object(k, {"m": "v"}, bucket=b),
    "delete_object": lambda p, k, b: p.delete_object(k, bucket=b),
}

#: Those and every operation on a bucket.
ON_A_BUCKET: dict[str, Callable[[Provider, str, str | None], object]] = {
    **ON_A_KEY,
    "head_bucket": lambda p, _k, b: p.head_bucket(b),
    "list_objects": lambda p, _k, b: p.list_objects(bucket=b),
}


class ErrorContract(SuiteBase):
    """What errors promise."""

    @pytest.mark.parametrize("op", ON_A_BUCKET)
    def test_wrong_credentials_are_named_as_such(
        self, harness: Harness, op: str
    ) -> None:
        """``Unauthenticated`` or ``PermissionDenied``: not missing objects."""
        denied = _or_skip(harness.make_denied(), "make_denied")
        with pytest.raises((Unauthenticated, PermissionDenied)) as caught:
            ON_A_BUCKET[op](denied, "a", None)
        assert caught.value.op == op
        assert caught.value.retryable is False

    @pytest.mark.parametrize("op", ON_A_BUCKET)
    def test_an_endpoint_that_is_gone_is_retryable(
        self, harness: Harness, op: str
    ) -> None:
        """A ``TransientError``, for every operation."""
        gone = _or_skip(harness.make_unreachable(), "make_unreachable")
        with pytest.raises(TransientError) as caught:
            ON_A_BUCKET[op](gone, "a", None)
        assert caught.value.op == op
        assert caught.value.retryable is True

    @pytest.mark.parametrize("op", ["head_object", "get_object"])
    def test_a_missing_object_is_named(
        self, provider: Provider, harness: Harness, op: str
    ) -> None:
        """Operation, provider, bucket and key are set, in one line."""
        key = "missing/\u00e9?"
        with pytest.raises(ObjectNotFound) as caught:
            ON_A_KEY[op](provider, key, None)
        error = caught.value
        assert (error.op, error.bucket, error.key) == (
            op,
            harness.bucket,
            key,
        )
        assert error.provider
        assert len(str(error).splitlines()) == 1

    @pytest.mark.parametrize("op", ["list_objects", "put_object"])
    def test_a_missing_bucket_is_named(
        self, provider: Provider, harness: Harness, op: str
    ) -> None:
        """The bucket of the error is the one that was asked for."""
        with pytest.raises(BucketNotFound) as caught:
            ON_A_BUCKET[op](provider, "a", harness.missing_bucket)
        assert caught.value.op == op
        assert caught.value.bucket == harness.missing_bucket

    @pytest.mark.parametrize("op", ON_A_KEY)
    def test_an_empty_key_is_refused(
        self, provider: Provider, op: str
    ) -> None:
        """Without a key the request would be one for the whole bucket."""
        put(provider, "a")
        with pytest.raises(InvalidRequest):
            ON_A_KEY[op](provider, "", None)
        assert get(provider, "a") == b"data"

    def test_no_secret_is_told(
        self, harness: Harness, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not in errors, nor their causes, ``repr`` or logs of any level."""
        caplog.set_level(logging.DEBUG)
        texts: list[str] = []
        makers = (
            harness.make_provider,
            harness.make_denied,
            harness.make_unreachable,
        )
        for make in makers:
            provider = make()
            if provider is None:
                continue
            texts += [repr(provider), provider.location]
            for bucket in (None, harness.missing_bucket):
                for call in ON_A_BUCKET.values():
                    texts += _told(call, provider, bucket)
        texts += [record.getMessage() for record in caplog.records]
        for secret in harness.secrets:
            telling = [text for text in texts if secret in text]
            assert not telling, f"a secret is told in {telling[0]!r}"


class ConcurrencyContract(SuiteBase):
    """What holds for many callers at once."""

    def test_one_provider_serves_many_threads(
        self, provider: Provider
    ) -> None:
        """Every thread reads what it wrote."""

        def work(number: int) -> bytes:
            put(provider, f"{number}", data=b"%d" % number * 1000)
            return get(provider, f"{number}")

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            results = list(pool.map(work, range(12)))
        assert results == [b"%d" % n * 1000 for n in range(12)]

    def test_readers_see_one_object_or_the_other(
        self, provider: Provider
    ) -> None:
        """Bytes, size and metadata of a reader are of one PUT.

        A store may say "later" meanwhile (a Swift with one replica does);
        what it may not do is to mix them, or to say that nothing is there.
        """
        bodies = [bytes([65 + n]) * (100_000 + n) for n in range(4)]

        def write(data: bytes) -> None:
            metadata = {"size": str(len(data))}
            for _ in range(3):
                provider.put_object("a", BytesBody(data), metadata=metadata)

        def look(_number: int) -> tuple[int, bytes]:
            for _ in range(50):
                with (
                    contextlib.suppress(TransientError),
                    provider.get_object("a") as reader,
                ):
                    return int(reader.info.metadata["size"]), b"".join(reader)
            pytest.fail("the object cannot be read while it is replaced")

        write(bodies[0])
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            writers = [pool.submit(write, data) for data in bodies]
            for size, data in pool.map(look, range(24)):
                assert data in bodies
                assert len(data) == size
            for writer in writers:
                writer.result()

    @claims("conditional_put")
    def test_one_of_many_creates(self, provider: Provider) -> None:
        """Of those who create the same key at once exactly one wins."""

        def create(number: int) -> bytes | None:
            data = b"%d" % number
            new = Conditions(if_none_match="*")
            try:
                provider.put_object("a", BytesBody(data), conditions=new)
            except PreconditionFailed:
                return None
            return data

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            winners = [won for won in pool.map(create, range(6)) if won]
        assert winners == [get(provider, "a")]


def _or_skip(provider: Provider | None, maker: str) -> Provider:
    if provider is None:
        pytest.skip(f"harness: {maker} has none")
    return provider


def _told(
    call: Callable[[Provider, str, str | None], object],
    provider: Provider,
    bucket: str | None,
) -> Iterator[str]:
    """Yield what an error says if there is one, and what it hides."""
    try:
        call(provider, "a", bucket)
    except OnespaceError as exc:
        if isinstance(exc, ProviderError):
            yield f"{exc.hint} {exc.code} {exc.request_id}"
        error: BaseException | None = exc
        while error is not None:
            yield f"{error} {error!r} {error.args!r}"
            error = error.__cause__ or error.__context__
