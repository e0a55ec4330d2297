# SPDX-License-Identifier: Apache-2.0
"""The S3 provider under the contract suite, against five servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from onespace_s3 import S3Provider
from servers.harnesses import (
    NEWLINE_OF_SWIFT,
    NO_AGE_RULES,
    S3Harness,
    in_own_bucket,
)
from servers.s3 import S3Server

from onespace_core.testing import contract


class TestRadosgw(contract.ProviderContract):
    """The S3 reference."""

    known_failures: ClassVar[dict[str, str]] = {
        "test_a_part_that_is_too_small_is_refused": "radosgw refuses a"
        " completion that leaves out a part it has (400 InvalidPart)",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls, radosgw: S3Server) -> Iterator[S3Harness]:
        yield from in_own_bucket(S3Harness(radosgw))


_KEY_OF_MINIO = (
    "MinIO refuses or changes keys with an empty path segment (400"
    " XMinioInvalidObjectName)"
)
_NO_EMPTY_SEGMENT = pytest.mark.xfail(
    reason="MinIO refuses keys with an empty path segment (400"
    " XMinioInvalidObjectName), and its listings hide x/y where x is",
)


class TestMinio(contract.ProviderContract):
    """A second implementation, which keeps objects as files."""

    known_failures: ClassVar[dict[str, str]] = {
        **{
            f"{test}[{key}]": _KEY_OF_MINIO
            for test in (
                "test_an_upload_to_an_awkward_key",
                "test_an_awkward_key_is_copied",
            )
            for key in ("double-slash", "leading-slash", "trailing-slash")
            if (test, key)
            not in (
                ("test_an_awkward_key_is_copied", "leading-slash"),
                ("test_an_awkward_key_is_copied", "trailing-slash"),
            )
        },
        "test_uploads_are_listed_by_prefix": "MinIO lists the uploads of a"
        " whole key only",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls, minio: S3Server) -> Iterator[S3Harness]:
        yield from in_own_bucket(S3Harness(minio))

    @_NO_EMPTY_SEGMENT
    @pytest.mark.parametrize(
        "key", contract.AWKWARD_KEYS.values(), ids=contract.AWKWARD_KEYS
    )
    def test_an_awkward_key_is_kept(
        self, provider: S3Provider, harness: S3Harness, key: str
    ) -> None:
        super().test_an_awkward_key_is_kept(provider, harness, key)

    @_NO_EMPTY_SEGMENT
    def test_keys_are_in_byte_order(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_keys_are_in_byte_order(provider, harness)

    @_NO_EMPTY_SEGMENT
    def test_every_awkward_key_is_a_marker(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_every_awkward_key_is_a_marker(provider, harness)

    @_NO_EMPTY_SEGMENT
    def test_delimiter_rolls_up(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_delimiter_rolls_up(provider, harness)

    @_NO_EMPTY_SEGMENT
    def test_delimiter_is_looked_for_after_the_prefix(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_delimiter_is_looked_for_after_the_prefix(
            provider, harness
        )

    @pytest.mark.xfail(
        reason="MinIO on a file system allows 255 bytes between slashes",
    )
    def test_a_key_beyond_the_limit_is_refused(
        self, provider: S3Provider
    ) -> None:
        super().test_a_key_beyond_the_limit_is_refused(provider)


class TestSwiftS3Api(contract.ProviderContract):
    """Swift's own, which can create conditionally but not replace."""

    known_failures: ClassVar[dict[str, str]] = {
        **NO_AGE_RULES,
        "test_an_upload_to_an_awkward_key[newline]": NEWLINE_OF_SWIFT,
    }

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls, s3api: S3Server) -> Iterator[S3Harness]:
        yield from in_own_bucket(S3Harness(s3api))

    @pytest.mark.xfail(
        raises=AssertionError,
        reason="Swift looks for the object before it reads the body, so two "
        "that begin at the same time may both create it",
        strict=False,
    )
    def test_one_of_many_creates(self, provider: S3Provider) -> None:
        super().test_one_of_many_creates(provider)


class TestMoto(contract.ProviderContract):
    """A double of Amazon's."""

    known_failures: ClassVar[dict[str, str]] = {
        **{
            f"{test}[newline]": "moto has no route for a line break in a key"
            for test in (
                "test_an_upload_to_an_awkward_key",
                "test_an_awkward_key_is_copied",
            )
        },
        "test_a_part_that_lies_is_not_there[other-md5]": "moto ignores"
        " Content-MD5; the provider finds out afterwards",
        "test_an_upload_that_is_not_there_is_named_as_such": "moto answers"
        " 500 to a part of an upload that it does not know",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls, moto_server: S3Server) -> Iterator[S3Harness]:
        yield from in_own_bucket(S3Harness(moto_server))

    @pytest.mark.xfail(reason="moto has no route for a line break in a key")
    @pytest.mark.parametrize(
        "key", contract.AWKWARD_KEYS.values(), ids=contract.AWKWARD_KEYS
    )
    def test_an_awkward_key_is_kept(
        self, provider: S3Provider, harness: S3Harness, key: str
    ) -> None:
        super().test_an_awkward_key_is_kept(provider, harness, key)

    @pytest.mark.xfail(
        raises=AssertionError,
        reason="moto looks first and writes then, without a lock",
        strict=False,
    )
    def test_one_of_many_creates(self, provider: S3Provider) -> None:
        super().test_one_of_many_creates(provider)

    @pytest.mark.xfail(reason="moto replaces an object in several steps")
    def test_readers_see_one_object_or_the_other(
        self, provider: S3Provider
    ) -> None:
        super().test_readers_see_one_object_or_the_other(provider)

    @pytest.mark.xfail(
        reason="moto ignores Content-MD5; the provider finds out afterwards",
    )
    @pytest.mark.parametrize(
        ("data", "size", "md5"),
        [
            pytest.param(b"short", 10, None, id="short"),
            pytest.param(b"much too long", 10, None, id="long"),
            pytest.param(b"not that", 8, "0" * 32, id="other-md5"),
            pytest.param(b"", 1, None, id="nothing"),
        ],
    )
    def test_a_body_that_lies_leaves_the_old_object(
        self, provider: S3Provider, data: bytes, size: int, md5: str | None
    ) -> None:
        super().test_a_body_that_lies_leaves_the_old_object(
            provider, data, size, md5
        )


_A_KEY_IS_A_PATH = pytest.mark.xfail(
    reason="versitygw keeps an object in a file of its name: a//b and a/./b"
    " are silently a/b, a beside a/b is a conflict (409), a/ has no bytes",
)
_KEEPS_SYSTEM_HEADERS = pytest.mark.xfail(
    reason="a copy onto itself adds system headers and removes none",
)
_NANOSECONDS = pytest.mark.xfail(
    reason="versitygw compares a time with the file's, which has fractions"
    " of a second; Last-Modified has none",
)


class TestVersityGateway(contract.ProviderContract):
    """A third implementation, which keeps objects as files of that name."""

    known_failures: ClassVar[dict[str, str]] = NO_AGE_RULES

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls, versitygw: S3Server) -> Iterator[S3Harness]:
        yield from in_own_bucket(S3Harness(versitygw))

    @_A_KEY_IS_A_PATH
    @pytest.mark.parametrize(
        "key", contract.AWKWARD_KEYS.values(), ids=contract.AWKWARD_KEYS
    )
    def test_an_awkward_key_is_kept(
        self, provider: S3Provider, harness: S3Harness, key: str
    ) -> None:
        super().test_an_awkward_key_is_kept(provider, harness, key)

    @_A_KEY_IS_A_PATH
    @pytest.mark.parametrize("key", [".", "..", "a/../b", "a/./b", "../a"])
    def test_dot_segments_are_kept_or_refused(
        self, provider: S3Provider, harness: S3Harness, key: str
    ) -> None:
        super().test_dot_segments_are_kept_or_refused(provider, harness, key)

    @_A_KEY_IS_A_PATH
    def test_keys_are_in_byte_order(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_keys_are_in_byte_order(provider, harness)

    @_A_KEY_IS_A_PATH
    def test_every_awkward_key_is_a_marker(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_every_awkward_key_is_a_marker(provider, harness)

    @_A_KEY_IS_A_PATH
    def test_delimiter_is_looked_for_after_the_prefix(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_delimiter_is_looked_for_after_the_prefix(
            provider, harness
        )

    @_A_KEY_IS_A_PATH
    def test_delete_removes_that_object_only(
        self, provider: S3Provider, harness: S3Harness
    ) -> None:
        super().test_delete_removes_that_object_only(provider, harness)

    @pytest.mark.xfail(
        reason="versitygw on a file system allows 255 bytes between slashes",
    )
    def test_a_key_beyond_the_limit_is_refused(
        self, provider: S3Provider
    ) -> None:
        super().test_a_key_beyond_the_limit_is_refused(provider)

    @_A_KEY_IS_A_PATH
    @pytest.mark.parametrize(
        "key", contract.AWKWARD_KEYS.values(), ids=contract.AWKWARD_KEYS
    )
    def test_an_upload_to_an_awkward_key(
        self, provider: S3Provider, uploads: Any, key: str
    ) -> None:
        super().test_an_upload_to_an_awkward_key(provider, uploads, key)

    @_A_KEY_IS_A_PATH
    @pytest.mark.parametrize(
        "key", contract.AWKWARD_KEYS.values(), ids=contract.AWKWARD_KEYS
    )
    def test_an_awkward_key_is_copied(
        self, provider: S3Provider, copies: Any, key: str
    ) -> None:
        super().test_an_awkward_key_is_copied(provider, copies, key)

    @_KEEPS_SYSTEM_HEADERS
    @pytest.mark.parametrize(
        "metadata", [None, {"n": "1"}], ids=["keeping", "replacing"]
    )
    def test_a_copy_onto_itself_keeps_the_bytes(
        self,
        provider: S3Provider,
        copies: Any,
        source: str,
        metadata: dict[str, str] | None,
    ) -> None:
        super().test_a_copy_onto_itself_keeps_the_bytes(
            provider, copies, source, metadata
        )

    @_KEEPS_SYSTEM_HEADERS
    def test_post_replaces_system_headers(self, provider: S3Provider) -> None:
        super().test_post_replaces_system_headers(provider)

    @_NANOSECONDS
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_if_modified_since_compares_times(
        self, provider: S3Provider, method: str
    ) -> None:
        super().test_if_modified_since_compares_times(provider, method)

    @_NANOSECONDS
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_if_unmodified_since_compares_times(
        self, provider: S3Provider, method: str
    ) -> None:
        super().test_if_unmodified_since_compares_times(provider, method)
