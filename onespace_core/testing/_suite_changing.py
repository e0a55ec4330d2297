# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on POST and DELETE."""

from __future__ import annotations

import pytest

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    ObjectNotFound,
    Provider,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    put,
    settle,
    walk,
)
from onespace_core.testing.harness import Harness


class PostContract(SuiteBase):
    """What POST promises."""

    def test_post_replaces_all_metadata(self, provider: Provider) -> None:
        """What is not named is gone; the bytes and the type stay."""
        provider.put_object(
            "a",
            BytesBody(b"12345"),
            metadata={"old": "1", "both": "2"},
            content_type="text/plain",
        )
        provider.post_object("a", {"both": "3", "new": "\u00e9"})
        info = provider.head_object("a")
        assert dict(info.metadata) == {"both": "3", "new": "\u00e9"}
        assert info.content_type == "text/plain"
        assert get(provider, "a") == b"12345"

    def test_post_changes_the_type(self, provider: Provider) -> None:
        """A content type that is given is the new one."""
        put(provider, "a")
        provider.post_object("a", {}, content_type="text/new")
        assert provider.head_object("a").content_type == "text/new"

    def test_post_without_metadata_removes_it(
        self, provider: Provider
    ) -> None:
        """An empty mapping is no metadata."""
        provider.put_object("a", BytesBody(b"1"), metadata={"old": "1"})
        provider.post_object("a", {})
        assert dict(provider.head_object("a").metadata) == {}

    def test_post_replaces_system_headers(self, provider: Provider) -> None:
        """They are those that are given; None means none."""
        provider.put_object(
            "a", BytesBody(b"1"), system={"content-language": "de"}
        )
        provider.post_object("a", {}, system={"cache-control": "no-store"})
        system = dict(provider.head_object("a").system)
        assert system == {"cache-control": "no-store"}
        provider.post_object("a", {})
        assert dict(provider.head_object("a").system) == {}

    def test_post_of_a_missing_object_raises(self, provider: Provider) -> None:
        """Nothing is created."""
        with pytest.raises(ObjectNotFound):
            provider.post_object("a", {"m": "1"})
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")


class DeleteContract(SuiteBase):
    """What DELETE promises."""

    def test_delete_removes_that_object_only(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Keys that start with it, or that it starts with, stay."""
        put(provider, "a", "a/", "a/b", "ab")
        provider.delete_object("a")
        settle(harness)
        assert [i.key for i in walk(provider)] == ["a/", "a/b", "ab"]
        with pytest.raises(ObjectNotFound):
            provider.get_object("a")

    def test_delete_of_a_missing_object_succeeds(
        self, provider: Provider
    ) -> None:
        """It is not there afterwards, which is what was asked."""
        put(provider, "a")
        assert provider.delete_object("a") in (True, None)
        assert provider.delete_object("a") in (False, None)

    @claims("delete_reports_missing")
    def test_delete_says_whether_it_was_there(
        self, provider: Provider
    ) -> None:
        """True the first time, False the second."""
        put(provider, "a")
        assert provider.delete_object("a") is True
        assert provider.delete_object("a") is False

    def test_delete_in_a_missing_bucket_raises(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A bucket that is not there is not a deleted object."""
        with pytest.raises(BucketNotFound):
            provider.delete_object("a", bucket=harness.missing_bucket)
